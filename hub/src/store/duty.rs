//! Queries of duties and silences: who is told when, and of what nobody wants to hear.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A step of the escalation.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct StepRow {
    /// Counted from 0.
    pub step: i64,
    /// The name of the duty.
    pub title: String,
    /// So long after the first word.
    pub after_minutes: i64,
}

/// Somebody's duty.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ShiftRow {
    /// UUID.
    pub id: String,
    /// Of which step.
    pub step: i64,
    /// Who.
    pub person_id: String,
    /// Their name.
    pub person: String,
    /// From.
    pub from_ms: i64,
    /// Until.
    pub until_ms: i64,
}

/// A silence.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct SilenceRow {
    /// UUID.
    pub id: String,
    /// Of the catalogue of faults; `None` for any.
    pub code: Option<String>,
    /// The building's name; `None` for any.
    pub building: Option<String>,
    /// The room; `None` for any.
    pub classroom_id: Option<String>,
    /// From.
    pub from_ms: i64,
    /// Until.
    pub until_ms: i64,
    /// Why.
    pub reason: String,
    /// Who.
    pub creator: String,
    /// When somebody ended it before its time.
    pub ended_ms: Option<i64>,
}

/// Somebody who keeps the rooms running.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct KeeperRow {
    /// The person.
    pub id: String,
    /// Their name.
    pub name: String,
}

/// The steps, in order.
///
/// # Errors
/// When the database fails.
pub async fn steps(db: &Db) -> Result<Vec<StepRow>, Error> {
    sqlx::query_as("SELECT step, title, after_minutes FROM duty_steps ORDER BY step")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the steps of the escalation"))
}

/// Replaces the steps.
///
/// # Errors
/// When the database fails.
pub async fn set_steps(writing: &mut Writing, steps: &[StepRow]) -> Result<(), Error> {
    sqlx::query("DELETE FROM duty_steps")
        .execute(&mut **writing)
        .await
        .map_err(failed("replacing the steps of the escalation"))?;
    for row in steps {
        sqlx::query("INSERT INTO duty_steps (step, title, after_minutes) VALUES ($1, $2, $3)")
            .bind(row.step)
            .bind(&row.title)
            .bind(row.after_minutes)
            .execute(&mut **writing)
            .await
            .map_err(failed("keeping a step of the escalation"))?;
    }
    Ok(())
}

/// Duties that are not over, by time.
///
/// # Errors
/// When the database fails.
pub async fn shifts(db: &Db, now_ms: i64) -> Result<Vec<ShiftRow>, Error> {
    sqlx::query_as(
        "SELECT s.id, s.step, s.person_id, p.name AS person, s.from_ms, s.until_ms
         FROM duty_shifts s JOIN persons p ON p.id = s.person_id
         WHERE s.until_ms > $1 ORDER BY s.from_ms, s.step, s.id",
    )
    .bind(now_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the duty roster"))
}

/// Adds a duty.
///
/// # Errors
/// When the database fails.
pub async fn add_shift(
    writing: &mut Writing,
    row: &ShiftRow,
    by: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO duty_shifts (id, step, person_id, from_ms, until_ms, created_by, created_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&row.id)
    .bind(row.step)
    .bind(&row.person_id)
    .bind(row.from_ms)
    .bind(row.until_ms)
    .bind(by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping a duty"))
}

/// Ends a duty now; false if there is none that is not over.
///
/// # Errors
/// When the database fails.
pub async fn end_shift(writing: &mut Writing, id: &str, now_ms: i64) -> Result<bool, Error> {
    sqlx::query("UPDATE duty_shifts SET until_ms = $2 WHERE id = $1 AND until_ms > $2")
        .bind(id)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("ending a duty"))
}

/// Everybody in office who keeps the rooms running, by name.
///
/// # Errors
/// When the database fails.
pub async fn keepers(db: &Db, role: &str) -> Result<Vec<KeeperRow>, Error> {
    sqlx::query_as(
        "SELECT p.id, p.name FROM persons p JOIN person_roles r ON r.person_id = p.id
         WHERE r.role = $1 AND p.standing = 'active' ORDER BY p.name, p.id",
    )
    .bind(role)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading who keeps the rooms running"))
}

/// Silences that are not over, by their end.
///
/// # Errors
/// When the database fails.
pub async fn silences(db: &Db, now_ms: i64) -> Result<Vec<SilenceRow>, Error> {
    sqlx::query_as(
        "SELECT s.id, s.code, s.building, s.classroom_id, s.from_ms, s.until_ms, s.reason,
         p.name AS creator, s.ended_ms FROM silences s JOIN persons p ON p.id = s.created_by
         WHERE s.until_ms > $1 AND s.ended_ms IS NULL ORDER BY s.until_ms, s.id",
    )
    .bind(now_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading silences"))
}

/// Adds a silence.
///
/// # Errors
/// When the database fails.
pub async fn add_silence(
    writing: &mut Writing,
    row: &SilenceRow,
    by: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO silences (id, code, building, classroom_id, from_ms, until_ms, reason,
         created_by, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(&row.code)
    .bind(&row.building)
    .bind(&row.classroom_id)
    .bind(row.from_ms)
    .bind(row.until_ms)
    .bind(&row.reason)
    .bind(by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping a silence"))
}

/// Ends a silence; false if there is none that lasts.
///
/// # Errors
/// When the database fails.
pub async fn end_silence(
    writing: &mut Writing,
    id: &str,
    by: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE silences SET ended_by = $2, ended_ms = $3
         WHERE id = $1 AND ended_ms IS NULL AND until_ms > $3",
    )
    .bind(id)
    .bind(by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("ending a silence"))
}
