//! Queries of channels.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct ChannelRow {
    /// UUID.
    pub id: String,
    /// What administrators call it.
    pub name: String,
    /// `smtp`, `webhook`, `wecom`, `dingtalk`, `feishu` or `sms`.
    pub kind: String,
    /// 1: takes messages.
    pub enabled: i64,
    /// It takes these and worse.
    pub severity_min: String,
    /// `zh` or `en`.
    pub language: String,
    /// Hours after which it is a fault that nothing has gone through.
    pub period_hours: i64,
    /// JSON; nothing secret.
    pub settings: String,
    /// Sealed.
    pub secrets: String,
    /// Of the secret address what may be shown.
    pub address_hint: String,
    /// Of the secret what may be shown.
    pub secret_hint: String,
    /// When it was added.
    pub created_ms: i64,
    /// When it was last changed.
    pub changed_ms: i64,
    /// The last day with its dead-man message.
    pub dead_man_day: i64,
    /// The last success.
    pub succeeded_ms: Option<i64>,
    /// Since when every try has failed.
    pub failing_since_ms: Option<i64>,
    /// Tries in a row that failed.
    pub failures: i64,
    /// Left alone until then.
    pub rest_until_ms: i64,
    /// Why the last try failed.
    pub trouble: String,
}

/// Every channel, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<ChannelRow>, Error> {
    sqlx::query_as("SELECT * FROM channels ORDER BY created_ms, id")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the channels"))
}

/// One channel.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<ChannelRow>, Error> {
    sqlx::query_as("SELECT * FROM channels WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a channel"))
}

/// How many there are.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM channels")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting channels"))
}

/// Adds a channel.
///
/// # Errors
/// When the database fails; `is_duplicate` for a name that is taken.
pub async fn add(writing: &mut Writing, row: &ChannelRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO channels (id, name, kind, enabled, severity_min, language, period_hours,
         settings, secrets, address_hint, secret_hint, created_ms, changed_ms, dead_man_day,
         failures, rest_until_ms, trouble)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 0, 0, '')",
    )
    .bind(&row.id)
    .bind(&row.name)
    .bind(&row.kind)
    .bind(row.enabled)
    .bind(&row.severity_min)
    .bind(&row.language)
    .bind(row.period_hours)
    .bind(&row.settings)
    .bind(&row.secrets)
    .bind(&row.address_hint)
    .bind(&row.secret_hint)
    .bind(row.created_ms)
    .bind(row.changed_ms)
    .bind(row.dead_man_day)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("adding a channel"))
}

/// Changes what administrators set; the rest ends, so that a mended channel is tried at once. False
/// when there is no such channel any more.
///
/// # Errors
/// When the database fails; `is_duplicate` for a name that is taken.
pub async fn change(writing: &mut Writing, row: &ChannelRow) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE channels SET name = $2, enabled = $3, severity_min = $4, language = $5,
         period_hours = $6, settings = $7, secrets = $8, address_hint = $9, secret_hint = $10,
         changed_ms = $11, dead_man_day = $12, failures = 0, rest_until_ms = 0 WHERE id = $1",
    )
    .bind(&row.id)
    .bind(&row.name)
    .bind(row.enabled)
    .bind(&row.severity_min)
    .bind(&row.language)
    .bind(row.period_hours)
    .bind(&row.settings)
    .bind(&row.secrets)
    .bind(&row.address_hint)
    .bind(&row.secret_hint)
    .bind(row.changed_ms)
    .bind(row.dead_man_day)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("changing a channel"))
}

/// Removes a channel with its secrets. False when there is none.
///
/// # Errors
/// When the database fails.
pub async fn remove(writing: &mut Writing, id: &str) -> Result<bool, Error> {
    sqlx::query("DELETE FROM channels WHERE id = $1")
        .bind(id)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("removing a channel"))
}

/// Notes that a channel has had its dead-man message of a day. False when it had it already.
///
/// # Errors
/// When the database fails.
pub async fn note_dead_man(writing: &mut Writing, id: &str, day: i64) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE channels SET dead_man_day = $2 WHERE id = $1 AND dead_man_day < $2 AND enabled = 1",
    )
    .bind(id)
    .bind(day)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("noting a dead-man message"))
}

/// Notes a success.
///
/// # Errors
/// When the database fails.
pub async fn succeeded(writing: &mut Writing, id: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE channels SET succeeded_ms = $2, failing_since_ms = NULL, failures = 0,
         rest_until_ms = 0, trouble = '' WHERE id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting a success"))
}

/// Notes a failure, and how long the channel is left alone.
///
/// # Errors
/// When the database fails.
pub async fn failed_at(
    writing: &mut Writing,
    id: &str,
    (why, rest_until_ms): (&str, i64),
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE channels SET failing_since_ms = COALESCE(failing_since_ms, $2),
         failures = failures + 1, rest_until_ms = $3, trouble = $4 WHERE id = $1",
    )
    .bind(id)
    .bind(now_ms)
    .bind(rest_until_ms)
    .bind(why)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting a failure"))
}
