//! Queries of views: who watched what, from when to when (R60).

use sqlx::FromRow;

use super::{Db, Error, failed};

/// One permitted view.
#[derive(Debug, Clone, FromRow)]
pub struct ViewRow {
    /// UUID.
    pub id: String,
    /// Who.
    pub person_id: String,
    /// Which room.
    pub classroom_id: String,
    /// `live` or `playback`.
    pub kind: String,
    /// Which recording, for playback.
    pub recording_id: Option<String>,
    /// The line of the trail that permitted it.
    pub trail_seq: i64,
    /// From.
    pub opened_ms: i64,
    /// When it was last known to be watched, noted now and then.
    pub seen_ms: Option<i64>,
    /// To; `None` while it lasts.
    pub closed_ms: Option<i64>,
}

/// Notes that a view has begun.
///
/// # Errors
/// When the database fails.
pub async fn open(db: &Db, view: &ViewRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO views (id, person_id, classroom_id, kind, recording_id, trail_seq, opened_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&view.id)
    .bind(&view.person_id)
    .bind(&view.classroom_id)
    .bind(&view.kind)
    .bind(&view.recording_id)
    .bind(view.trail_seq)
    .bind(view.opened_ms)
    .execute(db.write())
    .await
    .map(drop)
    .map_err(failed("noting a view"))
}

/// Notes until when views were watched, as pairs of id and moment, in one transaction. A view that
/// has ended keeps its end.
///
/// # Errors
/// When the database fails; then nothing was noted.
pub async fn note_seen(db: &Db, seen: &[(String, i64)]) -> Result<(), Error> {
    let mut writing = db.begin().await?;
    for (id, at_ms) in seen {
        sqlx::query("UPDATE views SET seen_ms = $2 WHERE id = $1 AND closed_ms IS NULL")
            .bind(id)
            .bind(at_ms)
            .execute(&mut *writing)
            .await
            .map_err(failed("noting that a view goes on"))?;
    }
    Db::commit(writing).await
}

/// Notes that a view has ended; the first end counts.
///
/// # Errors
/// When the database fails.
pub async fn close(db: &Db, id: &str, to_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE views SET closed_ms = $2 WHERE id = $1 AND closed_ms IS NULL")
        .bind(id)
        .bind(to_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("noting the end of a view"))
}

/// One view.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<ViewRow>, Error> {
    sqlx::query_as("SELECT * FROM views WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a view"))
}

/// The latest view of a person in a room since `since_ms`.
///
/// # Errors
/// When the database fails.
pub async fn latest(
    db: &Db,
    person_id: &str,
    classroom_id: &str,
    since_ms: i64,
) -> Result<Option<ViewRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM views WHERE person_id = $1 AND classroom_id = $2 AND opened_ms >= $3
         ORDER BY opened_ms DESC LIMIT 1",
    )
    .bind(person_id)
    .bind(classroom_id)
    .bind(since_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading the latest view"))
}

/// How many views were opened since `since_ms`.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db, since_ms: i64) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM views WHERE opened_ms >= $1")
        .bind(since_ms)
        .fetch_one(db.read())
        .await
        .map_err(failed("counting views"))
}

/// Up to `limit` views that have not ended, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn open_ones(db: &Db, limit: i64) -> Result<Vec<ViewRow>, Error> {
    sqlx::query_as("SELECT * FROM views WHERE closed_ms IS NULL ORDER BY opened_ms, id LIMIT $1")
        .bind(limit)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the views that have not ended"))
}
