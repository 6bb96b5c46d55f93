//! Queries of the rooms that are locked for examinations (R59).

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most locks of a list.
const LISTED_MAX: i64 = 300;

/// A lock.
#[derive(Debug, Clone, FromRow)]
pub struct ExamLockRow {
    /// UUID.
    pub id: String,
    /// Such as `KS-00001`.
    pub number: String,
    /// From.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub setter: String,
    /// When.
    pub set_ms: i64,
    /// When it was lifted before its time.
    pub lifted_ms: Option<i64>,
    /// By whom.
    pub lifter: Option<String>,
    /// Why.
    pub lifted_why: Option<String>,
}

/// A room of a lock.
#[derive(Debug, Clone, FromRow)]
pub struct LockedRoomRow {
    /// The lock.
    pub lock_id: String,
    /// The room's name.
    pub room: String,
}

/// A lock to be set.
#[derive(Debug, Clone)]
pub struct NewExamLock<'a> {
    /// UUID.
    pub id: &'a str,
    /// Such as `KS-00001`.
    pub number: &'a str,
    /// From and until.
    pub span: (i64, i64),
    /// Why.
    pub reason: &'a str,
    /// Who sets it.
    pub set_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

/// Ids of the rooms that are locked at a moment.
///
/// # Errors
/// When the database fails.
pub async fn locked(db: &Db, at_ms: i64) -> Result<Vec<String>, Error> {
    sqlx::query_scalar(
        "SELECT r.classroom_id FROM exam_locks l JOIN exam_lock_rooms r ON r.lock_id = l.id
         WHERE l.lifted_ms IS NULL AND l.until_ms > $1 AND l.from_ms <= $1",
    )
    .bind(at_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading which rooms are locked for examinations"))
}

const LOCKS: &str = "SELECT l.id, l.number, l.from_ms, l.until_ms, l.reason, s.name AS setter,
    l.set_ms, l.lifted_ms, e.name AS lifter, l.lifted_why
    FROM exam_locks l JOIN persons s ON s.id = l.set_by LEFT JOIN persons e ON e.id = l.lifted_by";

/// Locks, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<ExamLockRow>, Error> {
    let query = format!("{LOCKS} ORDER BY l.from_ms DESC, l.number DESC LIMIT $1");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LISTED_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing the locks for examinations"))
}

/// One lock.
///
/// # Errors
/// When the database fails.
pub async fn one(db: &Db, id: &str) -> Result<Option<ExamLockRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LOCKS} WHERE l.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a lock for an examination"))
}

/// Rooms of all locks, by lock and name.
///
/// # Errors
/// When the database fails.
pub async fn rooms(db: &Db) -> Result<Vec<LockedRoomRow>, Error> {
    sqlx::query_as(
        "SELECT r.lock_id, c.name AS room FROM exam_lock_rooms r
         JOIN classrooms c ON c.id = r.classroom_id ORDER BY r.lock_id, c.name",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("listing the rooms that are locked for examinations"))
}

/// How many there ever were, for the next number.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM exam_locks")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting the locks for examinations"))
}

/// Sets one.
///
/// # Errors
/// When the database fails.
pub async fn set(
    writing: &mut Writing,
    new: &NewExamLock<'_>,
    rooms: &[String],
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO exam_locks (id, number, from_ms, until_ms, reason, set_by, set_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(new.id)
    .bind(new.number)
    .bind(new.span.0)
    .bind(new.span.1)
    .bind(new.reason)
    .bind(new.set_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("setting a lock for an examination"))?;
    for room in rooms {
        sqlx::query("INSERT INTO exam_lock_rooms (lock_id, classroom_id) VALUES ($1, $2)")
            .bind(new.id)
            .bind(room)
            .execute(&mut **writing)
            .await
            .map_err(failed("locking a room for an examination"))?;
    }
    Ok(())
}

/// Lifts one; false if it is lifted or over already.
///
/// # Errors
/// When the database fails.
pub async fn lift(
    writing: &mut Writing,
    id: &str,
    (person_id, why): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE exam_locks SET lifted_by = $2, lifted_why = $3, lifted_ms = $4
         WHERE id = $1 AND lifted_ms IS NULL AND until_ms > $4",
    )
    .bind(id)
    .bind(person_id)
    .bind(why)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("lifting a lock for an examination"))?;
    Ok(done.rows_affected() > 0)
}
