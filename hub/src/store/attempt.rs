//! Queries of tries.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A try.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AttemptRow {
    /// Of which delivery.
    pub delivery_id: String,
    /// When.
    pub at_ms: i64,
    /// `delivered`, `later` or `refused`; nothing while it is under way, or the hub was killed.
    pub outcome: Option<String>,
    /// Why.
    pub detail: String,
}

/// Notes a try before it begins; durable when this returns.
///
/// # Errors
/// When the database fails.
pub async fn begin(db: &Db, delivery_id: &str, channel_id: &str, at_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO delivery_attempts (delivery_id, channel_id, at_ms, detail)
         VALUES ($1, $2, $3, '') ON CONFLICT (delivery_id, at_ms) DO NOTHING",
    )
    .bind(delivery_id)
    .bind(channel_id)
    .bind(at_ms)
    .execute(db.write())
    .await
    .map(drop)
    .map_err(failed("noting a try"))
}

/// Notes how a try ended.
///
/// # Errors
/// When the database fails.
pub async fn end(
    writing: &mut Writing,
    (delivery_id, at_ms): (&str, i64),
    (outcome, detail): (&str, &str),
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE delivery_attempts SET outcome = $3, detail = $4
         WHERE delivery_id = $1 AND at_ms = $2",
    )
    .bind(delivery_id)
    .bind(at_ms)
    .bind(outcome)
    .bind(detail)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting how a try ended"))
}

/// When a channel was tried, from one moment to another, the newest first, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn times(
    db: &Db,
    channel_id: &str,
    (from_ms, to_ms): (i64, i64),
    limit: i64,
) -> Result<Vec<i64>, Error> {
    sqlx::query_scalar(
        "SELECT at_ms FROM delivery_attempts WHERE channel_id = $1 AND at_ms BETWEEN $2 AND $3
         ORDER BY at_ms DESC LIMIT $4",
    )
    .bind(channel_id)
    .bind(from_ms)
    .bind(to_ms)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading when a channel was tried"))
}

/// The newest tries of a channel, newest first.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &Db, channel_id: &str, limit: i64) -> Result<Vec<AttemptRow>, Error> {
    sqlx::query_as(
        "SELECT delivery_id, at_ms, outcome, detail FROM delivery_attempts WHERE channel_id = $1
         ORDER BY at_ms DESC, delivery_id LIMIT $2",
    )
    .bind(channel_id)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading tries"))
}
