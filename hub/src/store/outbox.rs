//! Queries of the outbox.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A channel that takes messages, and which.
#[derive(Debug, Clone, FromRow)]
pub struct TakerRow {
    /// UUID.
    pub id: String,
    /// It takes these and worse.
    pub severity_min: String,
}

/// A new row of the outbox.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery<'a> {
    /// UUID, the idempotency key of every try.
    pub id: &'a str,
    /// The channel.
    pub channel_id: &'a str,
    /// Such as `raised`.
    pub about: &'a str,
    /// Such as `GJ-00001`.
    pub number: &'a str,
    /// JSON.
    pub message: &'a str,
    /// Now.
    pub queued_ms: i64,
}

/// A row of the outbox, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DeliveryRow {
    /// UUID.
    pub id: String,
    /// Such as `raised`.
    pub about: String,
    /// Such as `GJ-00001`.
    pub number: String,
    /// JSON.
    pub message: String,
    /// When it was written.
    pub queued_ms: i64,
    /// `waiting`, `delivered`, `refused`, `expired`, `merged` or `withdrawn`.
    pub state: String,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// Why it was not delivered.
    pub detail: String,
}

/// Every channel in use, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn takers(writing: &mut Writing) -> Result<Vec<TakerRow>, Error> {
    sqlx::query_as(
        "SELECT id, severity_min FROM channels WHERE enabled = 1 ORDER BY created_ms, id",
    )
    .fetch_all(&mut **writing)
    .await
    .map_err(failed("reading which channels take messages"))
}

/// Writes a row of the outbox.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, row: &NewDelivery<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO deliveries (id, channel_id, about, number, message, queued_ms, state, detail)
         VALUES ($1, $2, $3, $4, $5, $6, 'waiting', '')",
    )
    .bind(row.id)
    .bind(row.channel_id)
    .bind(row.about)
    .bind(row.number)
    .bind(row.message)
    .bind(row.queued_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("writing into the outbox"))
}

/// Ids of channels in use that are not left alone now and have something waiting.
///
/// # Errors
/// When the database fails.
pub async fn ready(db: &Db, now_ms: i64) -> Result<Vec<String>, Error> {
    sqlx::query_scalar(
        "SELECT id FROM channels WHERE enabled = 1 AND rest_until_ms <= $1 AND EXISTS (SELECT 1
         FROM deliveries WHERE state = 'waiting' AND channel_id = channels.id) ORDER BY id",
    )
    .bind(now_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading which channels have something to send"))
}

/// What waits for a channel, the oldest first, up to `limit`.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &Db, channel_id: &str, limit: i64) -> Result<Vec<DeliveryRow>, Error> {
    sqlx::query_as(
        "SELECT id, about, number, message, queued_ms, state, ended_ms, detail FROM deliveries
         WHERE state = 'waiting' AND channel_id = $1 ORDER BY queued_ms, id LIMIT $2",
    )
    .bind(channel_id)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the outbox"))
}

/// The newest rows of a channel, whatever became of them.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &Db, channel_id: &str, limit: i64) -> Result<Vec<DeliveryRow>, Error> {
    sqlx::query_as(
        "SELECT id, about, number, message, queued_ms, state, ended_ms, detail FROM deliveries
         WHERE channel_id = $1 ORDER BY queued_ms DESC, id DESC LIMIT $2",
    )
    .bind(channel_id)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what became of messages"))
}

/// How many of one kind wait for a channel.
///
/// # Errors
/// When the database fails.
pub async fn count_waiting(
    writing: &mut Writing,
    channel_id: &str,
    about: &str,
) -> Result<i64, Error> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM deliveries
         WHERE state = 'waiting' AND channel_id = $1 AND about = $2",
    )
    .bind(channel_id)
    .bind(about)
    .fetch_one(&mut **writing)
    .await
    .map_err(failed("counting what waits"))
}

/// Ends a row that waits. False when it has ended meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn end(
    writing: &mut Writing,
    id: &str,
    (state, detail): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE deliveries SET state = $2, detail = $3, ended_ms = $4
         WHERE id = $1 AND state = 'waiting'",
    )
    .bind(id)
    .bind(state)
    .bind(detail)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("ending a row of the outbox"))
}

/// Ends everything that waits for a channel.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(writing: &mut Writing, channel_id: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE deliveries SET state = 'withdrawn', ended_ms = $2
         WHERE channel_id = $1 AND state = 'waiting'",
    )
    .bind(channel_id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("emptying the outbox of a channel"))
}

/// Ends what has waited since before `before_ms`; gives how many rows there were.
///
/// # Errors
/// When the database fails.
pub async fn expire(db: &Db, before_ms: i64, now_ms: i64) -> Result<u64, Error> {
    sqlx::query(
        "UPDATE deliveries SET state = 'expired', ended_ms = $2
         WHERE state = 'waiting' AND queued_ms < $1",
    )
    .bind(before_ms)
    .bind(now_ms)
    .execute(db.write())
    .await
    .map(|done| done.rows_affected())
    .map_err(failed("ending what has waited too long"))
}

/// Forgets what ended before `before_ms`, with its tries.
///
/// # Errors
/// When the database fails.
pub async fn forget(writing: &mut Writing, before_ms: i64) -> Result<(), Error> {
    let tries = "DELETE FROM delivery_attempts WHERE delivery_id IN
                 (SELECT id FROM deliveries WHERE ended_ms < $1)";
    for statement in [tries, "DELETE FROM deliveries WHERE ended_ms < $1"] {
        let done = sqlx::query(statement).bind(before_ms);
        let done = done.execute(&mut **writing).await;
        done.map_err(failed("forgetting old deliveries"))?;
    }
    Ok(())
}
