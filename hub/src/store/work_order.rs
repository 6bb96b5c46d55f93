//! Queries of work orders to 信息中心 (R93).

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A work order with names.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct WorkOrderRow {
    /// UUID.
    pub id: String,
    /// Such as `GD-00001`.
    pub number: String,
    /// For which alert.
    pub alert_id: String,
    /// The room.
    pub classroom_id: String,
    /// Its name.
    pub room: String,
    /// The box.
    pub device_id: String,
    /// A source name, or `box`.
    pub component: String,
    /// Of the catalogue of faults.
    pub code: String,
    /// What is to be done.
    pub note: String,
    /// Who opened it.
    pub opener: String,
    /// When.
    pub opened_ms: i64,
    /// Who says that it is done.
    pub doer: Option<String>,
    /// When.
    pub done_ms: Option<i64>,
    /// What was done.
    pub done_note: String,
}

/// A new work order.
#[derive(Debug, Clone)]
pub struct NewWorkOrder<'a> {
    /// UUID.
    pub id: &'a str,
    /// Such as `GD-00001`.
    pub number: &'a str,
    /// For which alert.
    pub alert_id: &'a str,
    /// The room.
    pub classroom_id: &'a str,
    /// The box.
    pub device_id: &'a str,
    /// A source name, or `box`.
    pub component: &'a str,
    /// Of the catalogue of faults.
    pub code: &'a str,
    /// What is to be done.
    pub note: &'a str,
    /// Who opens it.
    pub opened_by: &'a str,
}

/// A fault of the history of a box.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PastFaultRow {
    /// Of the catalogue of faults.
    pub code: String,
    /// A source name, or `box`.
    pub component: String,
    /// First found.
    pub opened_ms: i64,
    /// Last found.
    pub cleared_ms: Option<i64>,
    /// Numbers, JSON.
    pub evidence: String,
}

const LISTED: &str = "SELECT w.id, w.number, w.alert_id, w.classroom_id, c.name AS room,
    w.device_id, w.component, w.code, w.note, o.name AS opener, w.opened_ms, d.name AS doer,
    w.done_ms, w.done_note FROM work_orders w JOIN classrooms c ON c.id = w.classroom_id
    JOIN persons o ON o.id = w.opened_by LEFT JOIN persons d ON d.id = w.done_by";

/// Work orders: those to be done first, then the newest, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, limit: i64) -> Result<Vec<WorkOrderRow>, Error> {
    let order = "ORDER BY CASE WHEN w.done_ms IS NULL THEN 0 ELSE 1 END, w.opened_ms DESC, w.id
                 LIMIT $1";
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} {order}")))
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading work orders"))
}

/// One work order.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<WorkOrderRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} WHERE w.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a work order"))
}

/// How many work orders there are.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM work_orders")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting work orders"))
}

/// Adds a work order.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, new: &NewWorkOrder<'_>, now_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO work_orders (id, number, alert_id, classroom_id, device_id, component, code,
         note, opened_by, opened_ms, done_note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '')",
    )
    .bind(new.id)
    .bind(new.number)
    .bind(new.alert_id)
    .bind(new.classroom_id)
    .bind(new.device_id)
    .bind(new.component)
    .bind(new.code)
    .bind(new.note)
    .bind(new.opened_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping a work order"))
}

/// A work order is done; false if there is none to be done.
///
/// # Errors
/// When the database fails.
pub async fn done(
    writing: &mut Writing,
    id: &str,
    (by, note): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE work_orders SET done_by = $2, done_note = $3, done_ms = $4
         WHERE id = $1 AND done_ms IS NULL",
    )
    .bind(id)
    .bind(by)
    .bind(note)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("closing a work order"))
}

/// Faults of a box since then, newest first, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn history(
    db: &Db,
    device_id: &str,
    since_ms: i64,
    limit: i64,
) -> Result<Vec<PastFaultRow>, Error> {
    sqlx::query_as(
        "SELECT code, component, opened_ms, cleared_ms, evidence FROM faults
         WHERE device_id = $1 AND opened_ms >= $2 ORDER BY opened_ms DESC, id LIMIT $3",
    )
    .bind(device_id)
    .bind(since_ms)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the faults of a box"))
}
