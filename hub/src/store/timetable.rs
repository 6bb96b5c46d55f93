//! Queries of what boxes are told to record: the document in force of each room, those before it,
//! how a room is recorded, and orders beside the lessons.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// The document in force of a room.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct TimetableRow {
    /// Where.
    pub classroom_id: String,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub made_ms: i64,
    /// The days it speaks about: from.
    pub from_ms: i64,
    /// And to.
    pub until_ms: i64,
    /// `lessons` or `continuous`.
    pub mode: String,
    /// From-to, apart by spaces.
    pub windows: String,
}

/// What was in force for a while.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct PastRow {
    /// Where.
    pub classroom_id: String,
    /// Its number.
    pub version: i64,
    /// From when.
    pub from_ms: i64,
    /// To when.
    pub to_ms: i64,
    /// `lessons` or `continuous`.
    pub mode: String,
    /// From-to, apart by spaces; within that time.
    pub windows: String,
}

/// A room that a box stands in.
#[derive(Debug, Clone, FromRow)]
pub struct RoomRow {
    /// The room.
    pub classroom_id: String,
    /// The box in use.
    pub device_id: String,
    /// `lessons` or `continuous`.
    pub capture: String,
}

/// An order to record, beside the lessons.
#[derive(Debug, Clone, FromRow)]
pub struct OrderRow {
    /// UUID.
    pub id: String,
    /// Where.
    pub classroom_id: String,
    /// From.
    pub from_ms: i64,
    /// To.
    pub to_ms: i64,
    /// The person.
    pub ordered_by: String,
    /// Why.
    pub reason: String,
}

/// Where which box stands, and how those rooms are recorded, by room.
///
/// # Errors
/// When the database fails.
pub async fn rooms(db: &Db) -> Result<Vec<RoomRow>, Error> {
    sqlx::query_as(
        "SELECT c.id AS classroom_id, d.id AS device_id, c.capture
         FROM classrooms c JOIN devices d ON d.classroom_id = c.id
         WHERE d.state <> 'retired' ORDER BY c.id, d.id",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the rooms with boxes"))
}

/// How a room is recorded.
///
/// # Errors
/// When the database fails.
pub async fn capture(db: &Db, classroom_id: &str) -> Result<Option<String>, Error> {
    sqlx::query_scalar("SELECT capture FROM classrooms WHERE id = $1")
        .bind(classroom_id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading how a room is recorded"))
}

/// Says how a room is recorded; false if there is no such room.
///
/// # Errors
/// When the database fails.
pub async fn set_capture(
    writing: &mut Writing,
    classroom_id: &str,
    capture: &str,
) -> Result<bool, Error> {
    sqlx::query("UPDATE classrooms SET capture = $2 WHERE id = $1")
        .bind(classroom_id)
        .bind(capture)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("noting how a room is recorded"))
}

/// Every document in force.
///
/// # Errors
/// When the database fails.
pub async fn current(db: &Db) -> Result<Vec<TimetableRow>, Error> {
    sqlx::query_as("SELECT * FROM timetables")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the timetables of boxes"))
}

/// The document in force of a room.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &Db, classroom_id: &str) -> Result<Option<TimetableRow>, Error> {
    sqlx::query_as("SELECT * FROM timetables WHERE classroom_id = $1")
        .bind(classroom_id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the timetable of a room"))
}

/// Puts a document in force; what was before it is kept for the time it was.
///
/// # Errors
/// When the database fails.
pub async fn publish(db: &Db, row: &TimetableRow, past: Option<&PastRow>) -> Result<(), Error> {
    let mut writing = db.begin().await?;
    if let Some(past) = past {
        keep(&mut writing, past).await?;
    }
    sqlx::query(
        "INSERT INTO timetables (classroom_id, version, made_ms, from_ms, until_ms, mode, windows)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (classroom_id) DO UPDATE SET version = $2, made_ms = $3, from_ms = $4,
         until_ms = $5, mode = $6, windows = $7",
    )
    .bind(&row.classroom_id)
    .bind(row.version)
    .bind(row.made_ms)
    .bind(row.from_ms)
    .bind(row.until_ms)
    .bind(&row.mode)
    .bind(&row.windows)
    .execute(&mut *writing)
    .await
    .map_err(failed("keeping the timetable of a room"))?;
    Db::commit(writing).await
}

async fn keep(writing: &mut Writing, past: &PastRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO timetables_past (classroom_id, version, from_ms, to_ms, mode, windows)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (classroom_id, version) DO NOTHING",
    )
    .bind(&past.classroom_id)
    .bind(past.version)
    .bind(past.from_ms)
    .bind(past.to_ms)
    .bind(&past.mode)
    .bind(&past.windows)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping what a room's timetable was"))
}

/// What was in force before, as far as it reaches into `from_ms..to_ms`.
///
/// # Errors
/// When the database fails.
pub async fn past(
    db: &Db,
    classroom_id: &str,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<PastRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM timetables_past WHERE classroom_id = $1 AND from_ms < $3 AND to_ms > $2
         ORDER BY from_ms",
    )
    .bind(classroom_id)
    .bind(from_ms)
    .bind(to_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what a room's timetable was"))
}

/// Orders that reach into `from_ms..to_ms`.
///
/// # Errors
/// When the database fails.
pub async fn orders(db: &Db, from_ms: i64, to_ms: i64) -> Result<Vec<OrderRow>, Error> {
    sqlx::query_as("SELECT * FROM recording_orders WHERE from_ms < $2 AND to_ms > $1")
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading orders to record"))
}

/// Keeps an order.
///
/// # Errors
/// When the database fails.
pub async fn add_order(writing: &mut Writing, order: &OrderRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO recording_orders (id, classroom_id, from_ms, to_ms, ordered_by, reason)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&order.id)
    .bind(&order.classroom_id)
    .bind(order.from_ms)
    .bind(order.to_ms)
    .bind(&order.ordered_by)
    .bind(&order.reason)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping an order to record"))
}
