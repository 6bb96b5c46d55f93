//! Queries of check-ups before the first lesson (K8).

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A check-up.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct CheckupRow {
    /// `day-N` for the one of a day, else a UUID.
    pub id: String,
    /// Name of who began it; `None` for the clock.
    pub beginner: Option<String>,
    /// When.
    pub begun_ms: i64,
    /// When its last box had answered or was given up; `None` while it runs.
    pub ended_ms: Option<i64>,
}

const LISTED: &str = "SELECT k.id, p.name AS beginner, k.begun_ms, k.ended_ms FROM checkups k
    LEFT JOIN persons p ON p.id = k.begun_by";

/// The newest check-up.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &Db) -> Result<Option<CheckupRow>, Error> {
    let newest = "ORDER BY k.begun_ms DESC, k.id LIMIT 1";
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LISTED} {newest}")))
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the newest check-up"))
}

/// Check-ups under way.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &Db) -> Result<Vec<CheckupRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{LISTED} WHERE k.ended_ms IS NULL ORDER BY k.begun_ms"
    )))
    .fetch_all(db.read())
    .await
    .map_err(failed("reading open check-ups"))
}

/// Whether there is one of that id.
///
/// # Errors
/// When the database fails.
pub async fn exists(db: &Db, id: &str) -> Result<bool, Error> {
    let found: Result<Option<i64>, _> =
        sqlx::query_scalar("SELECT begun_ms FROM checkups WHERE id = $1")
            .bind(id)
            .fetch_optional(db.read())
            .await;
    found
        .map(|found| found.is_some())
        .map_err(failed("looking for a check-up"))
}

/// Adds a check-up; `false` when one of that id is there, or one is under way.
///
/// # Errors
/// When the database fails.
pub async fn add(
    writing: &mut Writing,
    id: &str,
    begun_by: Option<&str>,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "INSERT INTO checkups (id, begun_by, begun_ms)
         SELECT $1, p.id, $3 FROM (SELECT 1 AS one) o LEFT JOIN persons p ON p.id = $2
         WHERE NOT EXISTS (SELECT 1 FROM checkups WHERE ended_ms IS NULL OR id = $1)",
    )
    .bind(id)
    .bind(begun_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("beginning a check-up"))
}

/// A check-up has ended; `false` when it had already.
///
/// # Errors
/// When the database fails.
pub async fn end(writing: &mut Writing, id: &str, now_ms: i64) -> Result<bool, Error> {
    sqlx::query("UPDATE checkups SET ended_ms = $2 WHERE id = $1 AND ended_ms IS NULL")
        .bind(id)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("ending a check-up"))
}

/// Forgets check-ups that began before then.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &Db, before_ms: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM checkups WHERE begun_ms < $1 AND ended_ms IS NOT NULL")
        .bind(before_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("forgetting old check-ups"))
}
