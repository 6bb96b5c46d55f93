//! Queries of departures and their hand-over lists.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most lines of a list.
const LINES_MAX: i64 = 500;

/// A departure to be opened.
#[derive(Debug, Clone)]
pub struct NewDeparture<'a> {
    /// UUID of who leaves.
    pub person_id: &'a str,
    /// `left`, `transferred` or `closing`.
    pub kind: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who opened it.
    pub opened_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

/// A departure.
#[derive(Debug, Clone, FromRow)]
pub struct DepartureRow {
    /// UUID.
    pub id: String,
    /// Such as `YJ-00001`.
    pub number: String,
    /// Who leaves.
    pub person_id: String,
    /// Their name.
    pub person: String,
    /// Their staff number.
    pub staff_number: String,
    /// `left`, `transferred` or `closing`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who opened it.
    pub opener: String,
    /// When.
    pub opened_ms: i64,
    /// Who closed it.
    pub closer: Option<String>,
    /// When.
    pub closed_ms: Option<i64>,
}

/// A line of a hand-over list.
#[derive(Debug, Clone, FromRow)]
pub struct ItemRow {
    /// UUID.
    pub id: String,
    /// The departure.
    pub departure_id: String,
    /// What it is.
    pub what: String,
    /// Who received or witnessed it.
    pub receiver_id: Option<String>,
    /// Their name.
    pub receiver: Option<String>,
    /// `handed_over` or `destroyed`.
    pub outcome: Option<String>,
    /// When that was.
    pub done_ms: Option<i64>,
}

/// How many departures there are; the next number follows from it.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM departures")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting departures"))
}

/// Opens a departure.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn open(
    writing: &mut Writing,
    number: &str,
    new: &NewDeparture<'_>,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO departures (id, number, person_id, kind, reason, opened_by, opened_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(number)
    .bind(new.person_id)
    .bind(new.kind)
    .bind(new.reason)
    .bind(new.opened_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("opening a departure"))
}

/// Takes back every grant of a person that still lasts, and answers the applications that wait;
/// says how many grants.
///
/// # Errors
/// When the database fails.
pub async fn take_back(writing: &mut Writing, new: &NewDeparture<'_>) -> Result<u64, Error> {
    let taken = sqlx::query(
        "UPDATE grants SET until_ms = CASE WHEN from_ms > $4 THEN from_ms ELSE $4 END,
         revoked_ms = $4, revoked_by = $2, revoked_why = $3
         WHERE person_id = $1 AND revoked_ms IS NULL AND (until_ms IS NULL OR until_ms > $4)",
    )
    .bind(new.person_id)
    .bind(new.opened_by)
    .bind(new.reason)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("taking the grants of a person back"))?;
    sqlx::query(
        "UPDATE applications SET state = 'refused', answer = $3, decided_by = $2, decided_ms = $4
         WHERE beneficiary_id = $1 AND state = 'filed'",
    )
    .bind(new.person_id)
    .bind(new.opened_by)
    .bind(new.reason)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("answering the applications of a person"))?;
    Ok(taken.rows_affected())
}

/// Marks somebody as gone, or as back.
///
/// # Errors
/// When the database fails.
pub async fn set_standing(
    writing: &mut Writing,
    person_id: &str,
    standing: &str,
) -> Result<(), Error> {
    sqlx::query("UPDATE persons SET standing = $2, suspended_until_ms = NULL WHERE id = $1")
        .bind(person_id)
        .bind(standing)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("noting who has left"))
}

/// Notes that somebody who left is back. What they held is not; their password has to be changed
/// first.
///
/// # Errors
/// When the database fails.
pub async fn bring_back(writing: &mut Writing, person_id: &str) -> Result<(), Error> {
    set_standing(writing, person_id, "active").await?;
    sqlx::query("UPDATE credentials SET password_changed_ms = 0 WHERE person_id = $1")
        .bind(person_id)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("bringing a person back"))
}

const DEPARTURE: &str = "SELECT d.id, d.number, d.person_id, p.name AS person, p.staff_number,
    d.kind, d.reason, o.name AS opener, d.opened_ms, c.name AS closer, d.closed_ms
    FROM departures d JOIN persons p ON p.id = d.person_id
    JOIN persons o ON o.id = d.opened_by LEFT JOIN persons c ON c.id = d.closed_by";

/// Departures, open ones first, then newest first.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<DepartureRow>, Error> {
    let query = format!(
        "{DEPARTURE} ORDER BY CASE WHEN d.closed_ms IS NULL THEN 0 ELSE 1 END,
         d.opened_ms DESC, d.number DESC LIMIT $1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing departures"))
}

/// One departure.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<DepartureRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{DEPARTURE} WHERE d.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a departure"))
}

/// The departures of one person, newest first.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &Db, person_id: &str) -> Result<Vec<DepartureRow>, Error> {
    let query = format!("{DEPARTURE} WHERE d.person_id = $1 ORDER BY d.opened_ms DESC LIMIT $2");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(person_id)
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing the departures of a person"))
}

const ITEM: &str = "SELECT i.id, i.departure_id, i.what, i.receiver_id, r.name AS receiver,
    i.outcome, i.done_ms FROM handover_items i LEFT JOIN persons r ON r.id = i.receiver_id";

/// One line of a hand-over list.
///
/// # Errors
/// When the database fails.
pub async fn item(db: &Db, id: &str) -> Result<Option<ItemRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{ITEM} WHERE i.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a line of a hand-over list"))
}

/// A hand-over list, by time.
///
/// # Errors
/// When the database fails.
pub async fn items(db: &Db, departure_id: &str) -> Result<Vec<ItemRow>, Error> {
    let query = format!("{ITEM} WHERE i.departure_id = $1 ORDER BY i.added_ms, i.id LIMIT $2");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(departure_id)
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading a hand-over list"))
}

/// Adds a line to an open list; false if it is closed.
///
/// # Errors
/// When the database fails.
pub async fn add_item(
    writing: &mut Writing,
    number: &str,
    (what, added_by): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "INSERT INTO handover_items (id, departure_id, what, added_by, added_ms)
         SELECT $1, id, $3, $4, $5 FROM departures WHERE number = $2 AND closed_ms IS NULL",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(number)
    .bind(what)
    .bind(added_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("adding to a hand-over list"))
}

/// Says what became of a line that is open; false if that was said before.
///
/// # Errors
/// When the database fails.
pub async fn settle_item(
    writing: &mut Writing,
    id: &str,
    (receiver_id, outcome): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE handover_items SET receiver_id = $2, outcome = $3, done_ms = $4
         WHERE id = $1 AND outcome IS NULL",
    )
    .bind(id)
    .bind(receiver_id)
    .bind(outcome)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("settling a line of a hand-over list"))
}

/// Closes a departure of which no line is open; false if one is, or if it is closed.
///
/// # Errors
/// When the database fails.
pub async fn close(
    writing: &mut Writing,
    id: &str,
    closed_by: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE departures SET closed_by = $2, closed_ms = $3
         WHERE id = $1 AND closed_ms IS NULL AND NOT EXISTS
         (SELECT 1 FROM handover_items i WHERE i.departure_id = $1 AND i.outcome IS NULL)",
    )
    .bind(id)
    .bind(closed_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("closing a departure"))
}
