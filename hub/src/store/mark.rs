//! Queries of time marks (K4, R70).

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Marks in one list.
const LISTED_MAX: i64 = 500;

/// A mark.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct MarkRow {
    /// UUID.
    pub id: String,
    /// Such as `BJ-00001`.
    pub number: String,
    /// In which recording.
    pub recording_id: String,
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// To.
    pub to_ms: i64,
    /// What was seen there.
    pub note: String,
    /// Whose mark it is.
    pub author_id: String,
    /// When it was made.
    pub made_ms: i64,
    /// What the hub signed, with its signature.
    pub document: String,
    /// When its author took it back.
    pub withdrawn_ms: Option<i64>,
    /// Why.
    pub withdrawn_why: Option<String>,
}

/// How many marks there are, for the number of the next.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM marks")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting marks"))
}

/// Keeps a mark.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, mark: &MarkRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO marks (id, number, recording_id, from_ms, to_ms, note, author_id, made_ms,
         document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&mark.id)
    .bind(&mark.number)
    .bind(&mark.recording_id)
    .bind(mark.from_ms)
    .bind(mark.to_ms)
    .bind(&mark.note)
    .bind(&mark.author_id)
    .bind(mark.made_ms)
    .bind(&mark.document)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping a mark"))
}

/// Takes a mark back; false if that was done already.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(
    writing: &mut Writing,
    id: &str,
    (now_ms, why): (i64, &str),
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE marks SET withdrawn_ms = $2, withdrawn_why = $3
         WHERE id = $1 AND withdrawn_ms IS NULL",
    )
    .bind(id)
    .bind(now_ms)
    .bind(why)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("withdrawing a mark"))
}

/// One mark.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<MarkRow>, Error> {
    sqlx::query_as("SELECT * FROM marks WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a mark"))
}

/// The marks in a recording, by where they begin.
///
/// # Errors
/// When the database fails.
pub async fn of_recording(db: &Db, recording_id: &str) -> Result<Vec<MarkRow>, Error> {
    sqlx::query_as("SELECT * FROM marks WHERE recording_id = $1 ORDER BY from_ms, number LIMIT $2")
        .bind(recording_id)
        .bind(LISTED_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the marks of a recording"))
}

/// The marks of an author, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_author(db: &Db, author_id: &str) -> Result<Vec<MarkRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM marks WHERE author_id = $1 ORDER BY made_ms DESC, number DESC LIMIT $2",
    )
    .bind(author_id)
    .bind(LISTED_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading somebody's marks"))
}
