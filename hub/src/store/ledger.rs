//! Queries of the ledger of recordings: which sources a room has had, what is known of them, and
//! what each day amounts to.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A source that a room has or had.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct SourceRow {
    /// Such as `cam0`.
    pub source: String,
    /// Since when.
    pub from_ms: i64,
    /// Until when; `None`: it is there.
    pub until_ms: Option<i64>,
}

/// What a source of a room amounts to on a day, or on several together; milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, FromRow)]
pub struct DayRow {
    /// Where.
    pub classroom_id: String,
    /// Such as `cam0`; `-` where no source is known.
    pub source: String,
    /// Days since the epoch, Asia/Shanghai; of several, how many.
    pub day: i64,
    /// When it was reckoned; of several, the first.
    pub made_ms: i64,
    /// Scheduled, and over.
    pub due_ms: i64,
    /// In the library.
    pub stored_ms: i64,
    /// On the box.
    pub waiting_ms: i64,
    /// Destroyed on schedule.
    pub destroyed_ms: i64,
    /// Missing: the box was off.
    pub power_ms: i64,
    /// Missing: no pictures.
    pub camera_ms: i64,
    /// Missing: no way to the camera.
    pub network_ms: i64,
    /// Missing: the disk.
    pub disk_ms: i64,
    /// Missing: held back.
    pub policy_ms: i64,
    /// Missing: given up for want of room.
    pub evicted_ms: i64,
    /// Nobody knows.
    pub unexplained_ms: i64,
}

/// The newest report of a box in a room.
#[derive(Debug, Clone, FromRow)]
pub struct ReportRow {
    /// The health document, JSON.
    pub report: String,
    /// When it arrived.
    pub reported_ms: i64,
}

/// A stretch that was stored and was destroyed on schedule.
#[derive(Debug, Clone, FromRow)]
pub struct DestroyedRow {
    /// Such as `cam0`.
    pub source: String,
    /// First frame, microseconds since the epoch.
    pub first_us: i64,
    /// End of the last.
    pub last_us: i64,
}

/// The sources that a room had within `from_ms..to_ms`.
///
/// # Errors
/// When the database fails.
pub async fn sources(
    db: &Db,
    classroom_id: &str,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<SourceRow>, Error> {
    sqlx::query_as(
        "SELECT source, from_ms, until_ms FROM recording_sources
         WHERE classroom_id = $1 AND from_ms < $3 AND (until_ms IS NULL OR until_ms > $2)
         ORDER BY source, from_ms",
    )
    .bind(classroom_id)
    .bind(from_ms)
    .bind(to_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the sources of a room"))
}

/// Notes that a room has a source since then.
///
/// # Errors
/// When the database fails.
pub async fn begin_source(
    writing: &mut Writing,
    classroom_id: &str,
    source: &str,
    from_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO recording_sources (classroom_id, source, from_ms) VALUES ($1, $2, $3)
         ON CONFLICT (classroom_id, source, from_ms) DO UPDATE SET until_ms = NULL",
    )
    .bind(classroom_id)
    .bind(source)
    .bind(from_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting a source of a room"))
}

/// Notes that a room no longer has a source.
///
/// # Errors
/// When the database fails.
pub async fn end_source(
    writing: &mut Writing,
    classroom_id: &str,
    source: &str,
    until_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE recording_sources SET until_ms = $3
         WHERE classroom_id = $1 AND source = $2 AND until_ms IS NULL",
    )
    .bind(classroom_id)
    .bind(source)
    .bind(until_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting that a source is gone"))
}

/// The newest reports of the boxes in a room.
///
/// # Errors
/// When the database fails.
pub async fn reports(db: &Db, classroom_id: &str) -> Result<Vec<ReportRow>, Error> {
    sqlx::query_as(
        "SELECT s.report, s.reported_ms FROM device_status s JOIN devices d ON d.id = s.device_id
         WHERE d.classroom_id = $1 AND d.state <> 'retired' AND s.report IS NOT NULL
         AND s.reported_ms IS NOT NULL ORDER BY s.reported_ms",
    )
    .bind(classroom_id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what boxes hold"))
}

/// What was destroyed of a room that overlaps `from_us..to_us`.
///
/// # Errors
/// When the database fails.
pub async fn destroyed(
    db: &Db,
    classroom_id: &str,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<DestroyedRow>, Error> {
    sqlx::query_as(
        "SELECT s.source, s.first_us, s.last_us
         FROM recordings r JOIN destroyed_shares s ON s.recording_id = r.id
         WHERE r.classroom_id = $1 AND s.first_us < $3 AND s.last_us > $2",
    )
    .bind(classroom_id)
    .bind(from_us)
    .bind(to_us)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what was destroyed of a room"))
}

/// Rooms that a box was ever told when to record.
///
/// # Errors
/// When the database fails.
pub async fn rooms(db: &Db) -> Result<Vec<String>, Error> {
    sqlx::query_scalar("SELECT classroom_id FROM timetables ORDER BY classroom_id")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the rooms that are recorded"))
}

/// Days since `day` on which all that a room was to record is, or was, in the library.
///
/// # Errors
/// When the database fails.
pub async fn settled(db: &Db, classroom_id: &str, day: i64) -> Result<Vec<i64>, Error> {
    sqlx::query_scalar(
        "SELECT day FROM ledger_days WHERE classroom_id = $1 AND day >= $2 GROUP BY day
         HAVING SUM(due_ms - stored_ms - destroyed_ms) = 0",
    )
    .bind(classroom_id)
    .bind(day)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading which days are settled"))
}

/// Puts a day of a room in the place of what was reckoned before.
///
/// # Errors
/// When the database fails.
pub async fn put_day(db: &Db, classroom_id: &str, day: i64, rows: &[DayRow]) -> Result<(), Error> {
    let doing = "keeping what a day amounts to";
    let mut writing = db.begin().await?;
    sqlx::query("DELETE FROM ledger_days WHERE classroom_id = $1 AND day = $2")
        .bind(classroom_id)
        .bind(day)
        .execute(&mut *writing)
        .await
        .map_err(failed(doing))?;
    for row in rows {
        add_day(&mut writing, row).await.map_err(failed(doing))?;
    }
    Db::commit(writing).await
}

async fn add_day(writing: &mut Writing, row: &DayRow) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO ledger_days (classroom_id, source, day, made_ms, due_ms, stored_ms,
         waiting_ms, destroyed_ms, power_ms, camera_ms, network_ms, disk_ms, policy_ms,
         evicted_ms, unexplained_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(&row.classroom_id)
    .bind(&row.source)
    .bind(row.day)
    .bind(row.made_ms)
    .bind(row.due_ms)
    .bind(row.stored_ms)
    .bind(row.waiting_ms)
    .bind(row.destroyed_ms)
    .bind(row.power_ms)
    .bind(row.camera_ms)
    .bind(row.network_ms)
    .bind(row.disk_ms)
    .bind(row.policy_ms)
    .bind(row.evicted_ms)
    .bind(row.unexplained_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
}

/// What each source of each room amounts to from one day to another (exclusive).
///
/// # Errors
/// When the database fails.
pub async fn between(db: &Db, from_day: i64, to_day: i64) -> Result<Vec<DayRow>, Error> {
    sqlx::query_as(
        "SELECT classroom_id, source, COUNT(*) AS day, MIN(made_ms) AS made_ms,
         CAST(SUM(due_ms) AS BIGINT) AS due_ms, CAST(SUM(stored_ms) AS BIGINT) AS stored_ms,
         CAST(SUM(waiting_ms) AS BIGINT) AS waiting_ms,
         CAST(SUM(destroyed_ms) AS BIGINT) AS destroyed_ms,
         CAST(SUM(power_ms) AS BIGINT) AS power_ms, CAST(SUM(camera_ms) AS BIGINT) AS camera_ms,
         CAST(SUM(network_ms) AS BIGINT) AS network_ms, CAST(SUM(disk_ms) AS BIGINT) AS disk_ms,
         CAST(SUM(policy_ms) AS BIGINT) AS policy_ms,
         CAST(SUM(evicted_ms) AS BIGINT) AS evicted_ms,
         CAST(SUM(unexplained_ms) AS BIGINT) AS unexplained_ms
         FROM ledger_days WHERE day >= $1 AND day < $2
         GROUP BY classroom_id, source ORDER BY classroom_id, source",
    )
    .bind(from_day)
    .bind(to_day)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what a term amounts to"))
}
