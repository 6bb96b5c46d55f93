//! Queries of recordings, their segments, and what boxes say is missing.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed, placeholders};

/// A recording: what a room's boxes recorded in one lesson, or in one hour outside lessons.
#[derive(Debug, Clone, FromRow)]
pub struct RecordingRow {
    /// UUID.
    pub id: String,
    /// Where.
    pub classroom_id: String,
    /// The unit that owned the room at record time.
    pub unit_id: String,
    /// The lesson; empty outside lessons.
    pub lesson_id: String,
    /// Begin of the lesson or hour.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
}

/// What one source of a recording amounts to, with the names around it.
#[derive(Debug, Clone, FromRow)]
pub struct ShareRow {
    /// The recording.
    pub id: String,
    /// Where.
    pub classroom_id: String,
    /// The room's name.
    pub room: String,
    /// The unit that owned the room at record time.
    pub unit_id: String,
    /// Its name.
    pub unit: String,
    /// The lesson; empty outside lessons.
    pub lesson_id: String,
    /// Begin of the lesson or hour.
    pub start_ms: i64,
    /// Its end.
    pub end_ms: i64,
    /// Whether there were minors in the room when it began, or are now: 1 or 0.
    pub minors: i64,
    /// Complete nominations for the premium courses that last.
    pub premium: i64,
    /// Holds that last.
    pub held: i64,
    /// Such as `cam0`.
    pub source: String,
    /// How many segments.
    pub segments: i64,
    /// Their media together.
    pub duration_us: i64,
    /// Begin of the first.
    pub first_us: i64,
    /// End of the last.
    pub last_us: i64,
}

/// One stored segment.
#[derive(Debug, Clone, FromRow)]
pub struct SegmentRow {
    /// UUID.
    pub id: String,
    /// The recording it belongs to.
    pub recording_id: String,
    /// The box that sealed it.
    pub device_id: String,
    /// Such as `cam0`.
    pub source: String,
    /// Day of the key it is sealed to.
    pub epoch: i64,
    /// First frame, microseconds since the epoch.
    pub start_us: i64,
    /// Media it holds.
    pub duration_us: i64,
    /// 1 when its end is there, 0 when it was cut off.
    pub complete: i64,
    /// RFC 6381.
    pub codecs: String,
    /// Length of the sealed file.
    pub bytes: i64,
    /// Of the sealed file, hex.
    pub sha256: String,
    /// When it was durable.
    pub stored_ms: i64,
}

/// What a box says is missing for good.
#[derive(Debug, Clone, FromRow)]
pub struct GapRow {
    /// Where.
    pub classroom_id: String,
    /// Such as `cam0`.
    pub source: String,
    /// First missing moment, microseconds since the epoch.
    pub from_us: i64,
    /// First moment that is there again.
    pub to_us: i64,
    /// `power`, `camera`, `network`, `disk`, `policy` or `evicted`.
    pub reason: String,
    /// The box that signed it; empty from an agent that does not sign.
    pub device_id: String,
    /// Its signature, hex.
    pub signature: String,
}

/// Keeps a segment and, if it is the first of its lesson or hour, the recording: durable when
/// this returns. `recording.id` is used only for a new one, `segment.recording_id` not at all.
///
/// # Errors
/// When the segment is already there ([`Error::is_duplicate`]) or the database fails.
pub async fn add(db: &Db, recording: &RecordingRow, segment: &SegmentRow) -> Result<(), Error> {
    let mut writing = db.begin().await?;
    let recording_id = find_or_add(&mut writing, recording)
        .await
        .map_err(failed("keeping a recording"))?;
    insert(&mut writing, &recording_id, segment)
        .await
        .map_err(failed("keeping a segment"))?;
    Db::commit(writing).await
}

async fn find_or_add(
    writing: &mut Writing,
    recording: &RecordingRow,
) -> Result<String, sqlx::Error> {
    sqlx::query(
        "INSERT INTO recordings (id, classroom_id, unit_id, lesson_id, start_ms, end_ms,
         minors) SELECT $1, id, $3, $4, $5, $6, minors FROM classrooms WHERE id = $2
         ON CONFLICT (classroom_id, start_ms, lesson_id, unit_id) DO NOTHING",
    )
    .bind(&recording.id)
    .bind(&recording.classroom_id)
    .bind(&recording.unit_id)
    .bind(&recording.lesson_id)
    .bind(recording.start_ms)
    .bind(recording.end_ms)
    .execute(&mut **writing)
    .await?;
    sqlx::query_scalar(
        "SELECT id FROM recordings WHERE classroom_id = $1 AND start_ms = $2 AND lesson_id = $3
         AND unit_id = $4",
    )
    .bind(&recording.classroom_id)
    .bind(recording.start_ms)
    .bind(&recording.lesson_id)
    .bind(&recording.unit_id)
    .fetch_one(&mut **writing)
    .await
}

async fn insert(
    writing: &mut Writing,
    recording_id: &str,
    segment: &SegmentRow,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO segments (id, recording_id, device_id, source, epoch, start_us, duration_us,
         complete, codecs, bytes, sha256, stored_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(&segment.id)
    .bind(recording_id)
    .bind(&segment.device_id)
    .bind(&segment.source)
    .bind(segment.epoch)
    .bind(segment.start_us)
    .bind(segment.duration_us)
    .bind(segment.complete)
    .bind(&segment.codecs)
    .bind(segment.bytes)
    .bind(&segment.sha256)
    .bind(segment.stored_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
}

/// One segment.
///
/// # Errors
/// When the database fails.
pub async fn segment(db: &Db, id: &str) -> Result<Option<SegmentRow>, Error> {
    sqlx::query_as("SELECT * FROM segments WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a segment"))
}

/// The room of a recording, whether it was destroyed or not.
///
/// # Errors
/// When the database fails.
pub async fn classroom(db: &Db, recording_id: &str) -> Result<Option<String>, Error> {
    sqlx::query_scalar("SELECT classroom_id FROM recordings WHERE id = $1")
        .bind(recording_id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the room of a recording"))
}

/// The segments of a recording, by time.
///
/// # Errors
/// When the database fails.
pub async fn segments(db: &Db, recording_id: &str) -> Result<Vec<SegmentRow>, Error> {
    sqlx::query_as("SELECT * FROM segments WHERE recording_id = $1 ORDER BY start_us, id")
        .bind(recording_id)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the segments of a recording"))
}

/// Complete nominations of recording `r` for the premium courses that last.
macro_rules! premium_count {
    () => {
        "(SELECT COUNT(*) FROM premium p WHERE p.recording_id = r.id
          AND p.approved_ms IS NOT NULL AND p.consented_ms IS NOT NULL AND p.ended_ms IS NULL)"
    };
}
pub(super) use premium_count;

/// Holds on recording `r` that last.
macro_rules! held_count {
    () => {
        "(SELECT COUNT(*) FROM holds h WHERE h.classroom_id = r.classroom_id
          AND h.from_ms < r.end_ms AND h.until_ms > r.start_ms AND h.ended_ms IS NULL)"
    };
}
pub(super) use held_count;

macro_rules! shares {
    ($which:literal) => {
        concat!(
            "SELECT r.id, r.classroom_id, c.name AS room, r.unit_id, u.name AS unit, r.lesson_id,
             r.start_ms, r.end_ms, CASE WHEN r.minors + c.minors > 0 THEN 1 ELSE 0 END AS minors, ",
            premium_count!(),
            " AS premium, ",
            held_count!(),
            " AS held, s.source, COUNT(*) AS segments,
             CAST(SUM(s.duration_us) AS BIGINT) AS duration_us, MIN(s.start_us) AS first_us,
             MAX(s.start_us + s.duration_us) AS last_us
             FROM recordings r JOIN segments s ON s.recording_id = r.id
             JOIN classrooms c ON c.id = r.classroom_id JOIN units u ON u.id = r.unit_id WHERE ",
            $which,
            " GROUP BY r.id, r.classroom_id, c.name, r.unit_id, u.name, r.lesson_id, r.start_ms,
             r.end_ms, r.minors, c.minors, s.source ORDER BY r.start_ms, c.name, r.id, s.source"
        )
    };
}

/// What recordings that begin in `from_ms..to_ms` amount to, by time, room and source.
///
/// # Errors
/// When the database fails.
pub async fn between(db: &Db, from_ms: i64, to_ms: i64) -> Result<Vec<ShareRow>, Error> {
    sqlx::query_as(shares!("r.start_ms >= $1 AND r.start_ms < $2"))
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading recordings"))
}

/// What one recording amounts to, by source.
///
/// # Errors
/// When the database fails.
pub async fn one(db: &Db, id: &str) -> Result<Vec<ShareRow>, Error> {
    sqlx::query_as(shares!("r.id = $1"))
        .bind(id)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading a recording"))
}

/// What some recordings amount to, by time, room and source.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &Db, ids: &[String]) -> Result<Vec<ShareRow>, Error> {
    let query = shares!("r.id IN (?)").replace('?', &placeholders(ids.len()));
    let query = sqlx::query_as(sqlx::AssertSqlSafe(query));
    let query = ids.iter().fold(query, |query, id| query.bind(id));
    let rows = query.fetch_all(db.read()).await;
    rows.map_err(failed("reading some recordings"))
}

/// What one recording amounted to before it was destroyed, by source.
///
/// # Errors
/// When the database fails.
pub async fn one_destroyed(db: &Db, id: &str) -> Result<Vec<ShareRow>, Error> {
    sqlx::query_as(
        "SELECT r.id, r.classroom_id, c.name AS room, r.unit_id, u.name AS unit, r.lesson_id,
         r.start_ms, r.end_ms, CASE WHEN r.minors + c.minors > 0 THEN 1 ELSE 0 END AS minors,
         CAST(0 AS BIGINT) AS premium, CAST(0 AS BIGINT) AS held, s.source, s.segments,
         s.duration_us, s.first_us, s.last_us
         FROM recordings r JOIN destroyed_shares s ON s.recording_id = r.id
         JOIN classrooms c ON c.id = r.classroom_id JOIN units u ON u.id = r.unit_id
         WHERE r.id = $1 ORDER BY s.source",
    )
    .bind(id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading a destroyed recording"))
}

/// A stretch of one source that is stored, whatever lesson it was filed under.
#[derive(Debug, Clone, FromRow)]
pub struct StretchRow {
    /// Such as `cam0`.
    pub source: String,
    /// First frame, microseconds since the epoch.
    pub start_us: i64,
    /// Media it holds.
    pub duration_us: i64,
}

/// What is stored of a room that overlaps `from_us..to_us`, by time.
///
/// # Errors
/// When the database fails.
pub async fn stored(
    db: &Db,
    classroom_id: &str,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<StretchRow>, Error> {
    // A segment begins within half an hour of its lesson, and is no longer than ten minutes.
    const LONGEST_MS: i64 = 600_000 + 30 * 60_000;
    sqlx::query_as(
        "SELECT s.source, s.start_us, s.duration_us
         FROM recordings r JOIN segments s ON s.recording_id = r.id
         WHERE r.classroom_id = $1 AND r.start_ms < $4 AND r.end_ms > $5
         AND s.start_us < $3 AND s.start_us + s.duration_us > $2 ORDER BY s.start_us",
    )
    .bind(classroom_id)
    .bind(from_us)
    .bind(to_us)
    .bind(to_us.div_euclid(1000) + LONGEST_MS)
    .bind(from_us.div_euclid(1000) - LONGEST_MS)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what is stored of a room"))
}

/// Notes a gap; told twice, it counts once.
///
/// # Errors
/// When the database fails.
pub async fn add_gap(db: &Db, gap: &GapRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO gaps (classroom_id, source, from_us, to_us, reason, device_id, signature)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (classroom_id, source, from_us, to_us) DO NOTHING",
    )
    .bind(&gap.classroom_id)
    .bind(&gap.source)
    .bind(gap.from_us)
    .bind(gap.to_us)
    .bind(&gap.reason)
    .bind(&gap.device_id)
    .bind(&gap.signature)
    .execute(db.write())
    .await
    .map(drop)
    .map_err(failed("noting a gap"))
}

/// Whether a box has ever signed a gap.
///
/// # Errors
/// When the database fails.
pub async fn signs_gaps(db: &Db, device_id: &str) -> Result<bool, Error> {
    let one: Option<i64> =
        sqlx::query_scalar("SELECT from_us FROM gaps WHERE device_id = $1 LIMIT 1")
            .bind(device_id)
            .fetch_optional(db.read())
            .await
            .map_err(failed("reading whether a box signs gaps"))?;
    Ok(one.is_some())
}

/// The gaps a room's boxes told of that overlap `from_us..to_us`.
///
/// # Errors
/// When the database fails.
pub async fn gaps(
    db: &Db,
    classroom_id: &str,
    from_us: i64,
    to_us: i64,
) -> Result<Vec<GapRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM gaps WHERE classroom_id = $1 AND from_us < $3 AND to_us > $2
         ORDER BY from_us",
    )
    .bind(classroom_id)
    .bind(from_us)
    .bind(to_us)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading gaps"))
}
