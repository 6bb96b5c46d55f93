//! Queries of alerts: what is wrong, what was said about it and to whom.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// An alert.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AlertRow {
    /// UUID.
    pub id: String,
    /// Such as `GJ-00001`, once it was told.
    pub number: Option<String>,
    /// Of the catalogue of faults.
    pub code: String,
    /// The building's name; empty for the hub's own link.
    pub building: String,
    /// Of `FLAPPING`: the code of what flaps.
    pub flaps: String,
    /// First of it.
    pub opened_ms: i64,
    /// How bad it is.
    pub severity: String,
    /// Since when.
    pub severity_since_ms: i64,
    /// 1: a lesson suffers from it.
    pub urgent: i64,
    /// The first word.
    pub first_told_ms: Option<i64>,
    /// The last word.
    pub last_told_ms: Option<i64>,
    /// How bad it was said to be.
    pub told_severity: Option<String>,
    /// The step that was told.
    pub told_step: Option<i64>,
    /// Who has taken it.
    pub acknowledged_by: Option<String>,
    /// When.
    pub acknowledged_ms: Option<i64>,
    /// Until when that counts.
    pub acknowledged_until_ms: Option<i64>,
    /// Who sees to it.
    pub assigned_to: Option<String>,
    /// When it was over.
    pub over_ms: Option<i64>,
}

/// A part of an alert.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PartRow {
    /// Of which alert.
    pub alert_id: String,
    /// The box.
    pub device_id: String,
    /// A source name, or `box`.
    pub component: String,
    /// Since when.
    pub joined_ms: i64,
    /// Until when.
    pub left_ms: Option<i64>,
}

/// Something that happened with an alert.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct LineRow {
    /// When.
    pub at_ms: i64,
    /// Such as `raised`.
    pub what: String,
    /// The name of whoever did it; `None` for the hub.
    pub person: Option<String>,
    /// A comment, a duty, a number.
    pub text: String,
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ReceiptRow {
    /// Of which alert.
    pub alert_id: String,
    /// To whom.
    pub person_id: String,
    /// The first word to them.
    pub first_ms: i64,
    /// Such as `raised`.
    pub last_word: String,
    /// When that was.
    pub last_ms: i64,
    /// When it was read.
    pub read_ms: Option<i64>,
}

const COLUMNS: &str = "SELECT id, number, code, building, flaps, opened_ms, severity,
    severity_since_ms, urgent, first_told_ms, last_told_ms, told_severity, told_step,
    acknowledged_by, acknowledged_ms, acknowledged_until_ms, assigned_to, over_ms FROM alerts";

/// Alerts that are not over, oldest first, also those nobody was told of.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &Db) -> Result<Vec<AlertRow>, Error> {
    let query = format!("{COLUMNS} WHERE over_ms IS NULL ORDER BY opened_ms, id");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .fetch_all(db.read())
        .await
        .map_err(failed("reading open alerts"))
}

/// The parts of alerts that are not over.
///
/// # Errors
/// When the database fails.
pub async fn open_parts(db: &Db) -> Result<Vec<PartRow>, Error> {
    sqlx::query_as(
        "SELECT p.alert_id, p.device_id, p.component, p.joined_ms, p.left_ms FROM alert_parts p
         JOIN alerts a ON a.id = p.alert_id WHERE a.over_ms IS NULL
         ORDER BY p.device_id, p.component",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what open alerts are about"))
}

/// Alerts that were told, those that are not over first, then the newest, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn told(db: &Db, open_only: bool, limit: i64) -> Result<Vec<AlertRow>, Error> {
    let query = format!(
        "{COLUMNS} WHERE number IS NOT NULL AND (over_ms IS NULL OR $1 = 0)
         ORDER BY CASE WHEN over_ms IS NULL THEN 0 ELSE 1 END, opened_ms DESC, id LIMIT $2"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(i64::from(open_only))
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading alerts"))
}

/// One alert that was told.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<AlertRow>, Error> {
    let query = format!("{COLUMNS} WHERE id = $1 AND number IS NOT NULL");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading an alert"))
}

/// What an alert is about.
///
/// # Errors
/// When the database fails.
pub async fn parts(db: &Db, id: &str) -> Result<Vec<PartRow>, Error> {
    sqlx::query_as(
        "SELECT alert_id, device_id, component, joined_ms, left_ms FROM alert_parts
         WHERE alert_id = $1 ORDER BY device_id, component",
    )
    .bind(id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what an alert is about"))
}

/// Keeps an alert as it is now.
///
/// # Errors
/// When the database fails.
pub async fn put(writing: &mut Writing, row: &AlertRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO alerts (id, number, code, building, flaps, opened_ms, severity,
         severity_since_ms, urgent, first_told_ms, last_told_ms, told_severity, told_step, over_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (id) DO UPDATE SET number = excluded.number, severity = excluded.severity,
         severity_since_ms = excluded.severity_since_ms, urgent = excluded.urgent,
         first_told_ms = excluded.first_told_ms, last_told_ms = excluded.last_told_ms,
         told_severity = excluded.told_severity, told_step = excluded.told_step,
         over_ms = excluded.over_ms",
    )
    .bind(&row.id)
    .bind(&row.number)
    .bind(&row.code)
    .bind(&row.building)
    .bind(&row.flaps)
    .bind(row.opened_ms)
    .bind(&row.severity)
    .bind(row.severity_since_ms)
    .bind(row.urgent)
    .bind(row.first_told_ms)
    .bind(row.last_told_ms)
    .bind(&row.told_severity)
    .bind(row.told_step)
    .bind(row.over_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping an alert"))
}

/// Keeps a part of an alert as it is now.
///
/// # Errors
/// When the database fails.
pub async fn put_part(writing: &mut Writing, row: &PartRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO alert_parts (alert_id, device_id, component, joined_ms, left_ms)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (alert_id, device_id, component)
         DO UPDATE SET left_ms = excluded.left_ms",
    )
    .bind(&row.alert_id)
    .bind(&row.device_id)
    .bind(&row.component)
    .bind(row.joined_ms)
    .bind(row.left_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping what an alert is about"))
}

/// Forgets an alert that nobody was told of.
///
/// # Errors
/// When the database fails.
pub async fn forget(writing: &mut Writing, id: &str) -> Result<(), Error> {
    sqlx::query("DELETE FROM alert_parts WHERE alert_id = $1")
        .bind(id)
        .execute(&mut **writing)
        .await
        .map_err(failed("forgetting what an alert was about"))?;
    sqlx::query("DELETE FROM alerts WHERE id = $1 AND number IS NULL")
        .bind(id)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("forgetting an alert"))
}

/// How many alerts were told.
///
/// # Errors
/// When the database fails.
pub async fn count_told(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM alerts WHERE number IS NOT NULL")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting alerts"))
}

/// Adds a line to what happened with an alert.
///
/// # Errors
/// When the database fails.
pub async fn add_line(
    writing: &mut Writing,
    id: &str,
    what: &str,
    (person_id, text): (Option<&str>, &str),
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO alert_lines (alert_id, seq, at_ms, what, person_id, text)
         SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5 FROM alert_lines
         WHERE alert_id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .bind(what)
    .bind(person_id)
    .bind(text)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting what happened with an alert"))
}

/// What happened with an alert, in order.
///
/// # Errors
/// When the database fails.
pub async fn lines(db: &Db, id: &str) -> Result<Vec<LineRow>, Error> {
    sqlx::query_as(
        "SELECT l.at_ms, l.what, p.name AS person, l.text FROM alert_lines l
         LEFT JOIN persons p ON p.id = l.person_id WHERE l.alert_id = $1 ORDER BY l.seq",
    )
    .bind(id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what happened with an alert"))
}

/// The names of those who have taken an alert or see to one, by id.
///
/// # Errors
/// When the database fails.
pub async fn names(db: &Db) -> Result<Vec<(String, String)>, Error> {
    sqlx::query_as(
        "SELECT id, name FROM persons WHERE id IN (SELECT acknowledged_by FROM alerts)
         OR id IN (SELECT assigned_to FROM alerts)",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("reading who has taken alerts"))
}

/// Somebody takes an alert that is not over; false if there is none.
///
/// # Errors
/// When the database fails.
pub async fn acknowledge(
    writing: &mut Writing,
    id: &str,
    by: &str,
    (now_ms, until_ms): (i64, i64),
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE alerts SET acknowledged_by = $2, acknowledged_ms = $3, acknowledged_until_ms = $4
         WHERE id = $1 AND over_ms IS NULL AND number IS NOT NULL",
    )
    .bind(id)
    .bind(by)
    .bind(now_ms)
    .bind(until_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("acknowledging an alert"))
}

/// Somebody is to see to an alert; false if there is none.
///
/// # Errors
/// When the database fails.
pub async fn assign(writing: &mut Writing, id: &str, person: &str) -> Result<bool, Error> {
    sqlx::query("UPDATE alerts SET assigned_to = $2 WHERE id = $1 AND number IS NOT NULL")
        .bind(id)
        .bind(person)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("assigning an alert"))
}

/// Puts a word into somebody's inbox, unread.
///
/// # Errors
/// When the database fails.
pub async fn tell(
    writing: &mut Writing,
    id: &str,
    person: &str,
    word: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO alert_receipts (alert_id, person_id, first_ms, last_word, last_ms)
         VALUES ($1, $2, $4, $3, $4) ON CONFLICT (alert_id, person_id)
         DO UPDATE SET last_word = excluded.last_word, last_ms = excluded.last_ms, read_ms = NULL",
    )
    .bind(id)
    .bind(person)
    .bind(word)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("telling somebody of an alert"))
}

/// Everybody who was told of an alert.
///
/// # Errors
/// When the database fails.
pub async fn hearers(writing: &mut Writing, id: &str) -> Result<Vec<String>, Error> {
    sqlx::query_scalar(
        "SELECT person_id FROM alert_receipts WHERE alert_id = $1 ORDER BY person_id",
    )
    .bind(id)
    .fetch_all(&mut **writing)
    .await
    .map_err(failed("reading who was told of an alert"))
}

/// Somebody's inbox, newest word first.
///
/// # Errors
/// When the database fails.
pub async fn inbox(db: &Db, person: &str, limit: i64) -> Result<Vec<ReceiptRow>, Error> {
    sqlx::query_as(
        "SELECT alert_id, person_id, first_ms, last_word, last_ms, read_ms FROM alert_receipts
         WHERE person_id = $1 ORDER BY last_ms DESC, alert_id LIMIT $2",
    )
    .bind(person)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading an inbox"))
}

/// Somebody has read the last word about an alert; false if they were not told of it.
///
/// # Errors
/// When the database fails.
pub async fn read(db: &Db, id: &str, person: &str, now_ms: i64) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE alert_receipts SET read_ms = COALESCE(read_ms, $3)
         WHERE alert_id = $1 AND person_id = $2",
    )
    .bind(id)
    .bind(person)
    .bind(now_ms)
    .execute(db.write())
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("noting that a word was read"))
}

/// The day of the last summary.
///
/// # Errors
/// When the database fails.
pub async fn digest_day(db: &Db) -> Result<Option<i64>, Error> {
    sqlx::query_scalar("SELECT day FROM alert_digest WHERE id = 1")
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the day of the last summary"))
}

/// Notes the day of a summary.
///
/// # Errors
/// When the database fails.
pub async fn set_digest_day(writing: &mut Writing, day: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO alert_digest (id, day) VALUES (1, $1)
         ON CONFLICT (id) DO UPDATE SET day = excluded.day",
    )
    .bind(day)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting the day of a summary"))
}
