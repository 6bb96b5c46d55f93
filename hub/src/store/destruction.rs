//! Queries of destruction: what is due, what was destroyed, and its certificates.

use sqlx::FromRow;

use super::keys;
use super::{Db, Error, Writing, failed};

/// Most lines of a list.
const LINES_MAX: i64 = 400;

/// A recording whose calendar may have run out, with what keeps it.
#[derive(Debug, Clone, FromRow)]
pub struct CandidateRow {
    /// UUID.
    pub id: String,
    /// The room's name.
    pub room: String,
    /// The lesson; empty outside lessons.
    pub lesson_id: String,
    /// When it begins.
    pub start_ms: i64,
    /// Complete nominations that last.
    pub premium: i64,
    /// Holds that last.
    pub held: i64,
    /// How many segments.
    pub segments: i64,
    /// Media of all its sources together.
    pub duration_us: i64,
    /// Bytes of its files.
    pub bytes: i64,
}

/// Recordings that hold something and begin before `lessons_ms`, or before `outside_ms` outside
/// lessons, by time.
///
/// # Errors
/// When the database fails.
pub async fn candidates(
    db: &Db,
    lessons_ms: i64,
    outside_ms: i64,
) -> Result<Vec<CandidateRow>, Error> {
    sqlx::query_as(
        "SELECT r.id, c.name AS room, r.lesson_id, r.start_ms,
         (SELECT COUNT(*) FROM premium p WHERE p.recording_id = r.id
           AND p.approved_ms IS NOT NULL AND p.consented_ms IS NOT NULL AND p.ended_ms IS NULL)
           AS premium,
         (SELECT COUNT(*) FROM holds h WHERE h.classroom_id = r.classroom_id
           AND h.from_ms < r.end_ms AND h.until_ms > r.start_ms AND h.ended_ms IS NULL) AS held,
         COUNT(*) AS segments, CAST(SUM(s.duration_us) AS BIGINT) AS duration_us,
         CAST(SUM(s.bytes) AS BIGINT) AS bytes
         FROM recordings r JOIN segments s ON s.recording_id = r.id
         JOIN classrooms c ON c.id = r.classroom_id
         WHERE r.start_ms < $1 OR (r.start_ms < $2 AND r.lesson_id = '')
         GROUP BY r.id, c.name, r.lesson_id, r.start_ms, r.classroom_id, r.end_ms
         ORDER BY r.start_ms, r.id",
    )
    .bind(lessons_ms)
    .bind(outside_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what may be past its retention"))
}

/// A destruction, begun or certified.
#[derive(Debug, Clone, FromRow)]
pub struct DestructionRow {
    /// UUID.
    pub id: String,
    /// Such as `XH-00001`.
    pub number: String,
    /// Days since the epoch, Asia/Shanghai.
    pub day: i64,
    /// Of the public half of the key that died, hex; empty when only recordings ended.
    pub public_sha256: String,
    /// What was destroyed, a fact a line.
    pub facts: String,
    /// When it began.
    pub begun_ms: i64,
    /// When it was done.
    pub done_ms: Option<i64>,
    /// What is signed.
    pub text: Option<String>,
    /// The signature, base64.
    pub signature: Option<String>,
}

/// How many there ever were, for the next number.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM destructions")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting destructions"))
}

/// Begins a destruction: the private half of the day goes if `with_key`, and every key of the
/// recordings; what is left of them cannot be opened any more.
///
/// # Errors
/// When the database fails; then nothing was destroyed.
pub async fn begin(
    writing: &mut Writing,
    row: &DestructionRow,
    recordings: &[String],
    with_key: bool,
) -> Result<(), Error> {
    let doing = "beginning a destruction";
    sqlx::query(
        "INSERT INTO destructions (id, number, day, public_sha256, facts, begun_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.id)
    .bind(&row.number)
    .bind(row.day)
    .bind(&row.public_sha256)
    .bind(&row.facts)
    .bind(row.begun_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed(doing))?;
    for recording in recordings {
        sqlx::query(
            "INSERT INTO destruction_recordings (destruction_id, recording_id) VALUES ($1, $2)",
        )
        .bind(&row.id)
        .bind(recording)
        .execute(&mut **writing)
        .await
        .map_err(failed(doing))?;
        keys::forget_recording(writing, recording).await?;
        super::keeping::lapse(writing, recording, row.begun_ms).await?;
    }
    if with_key {
        keys::destroy(writing, row.day, row.begun_ms).await?;
    }
    Ok(())
}

const DESTRUCTION: &str = "SELECT id, number, day, public_sha256, facts, begun_ms, done_ms, text,
    signature FROM destructions";

/// Destructions that have begun and are not done: a crash may lie between.
///
/// # Errors
/// When the database fails.
pub async fn unfinished(db: &Db) -> Result<Vec<DestructionRow>, Error> {
    let query = format!("{DESTRUCTION} WHERE done_ms IS NULL ORDER BY number");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .fetch_all(db.read())
        .await
        .map_err(failed("reading destructions under way"))
}

/// Certificates, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn certificates(db: &Db) -> Result<Vec<DestructionRow>, Error> {
    let query = format!("{DESTRUCTION} WHERE done_ms IS NOT NULL ORDER BY number DESC LIMIT $1");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing certificates"))
}

/// One certificate.
///
/// # Errors
/// When the database fails.
pub async fn certificate(db: &Db, id: &str) -> Result<Option<DestructionRow>, Error> {
    let query = format!("{DESTRUCTION} WHERE id = $1 AND done_ms IS NOT NULL");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a certificate"))
}

/// A file that is to go.
#[derive(Debug, Clone, FromRow)]
pub struct FileRow {
    /// The segment.
    pub id: String,
    /// Where it was made.
    pub classroom_id: String,
    /// First frame, microseconds since the epoch.
    pub start_us: i64,
}

/// The files of a destruction that are still noted.
///
/// # Errors
/// When the database fails.
pub async fn files(db: &Db, destruction_id: &str) -> Result<Vec<FileRow>, Error> {
    sqlx::query_as(
        "SELECT s.id, r.classroom_id, s.start_us FROM destruction_recordings d
         JOIN recordings r ON r.id = d.recording_id JOIN segments s ON s.recording_id = r.id
         WHERE d.destruction_id = $1 ORDER BY s.start_us, s.id",
    )
    .bind(destruction_id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the files of a destruction"))
}

/// Puts counts in the place of the segments, and the certificate beside them.
///
/// # Errors
/// When the database fails; then nothing was changed.
pub async fn finish(writing: &mut Writing, row: &DestructionRow) -> Result<(), Error> {
    let doing = "finishing a destruction";
    let of_this = "SELECT recording_id FROM destruction_recordings WHERE destruction_id = $1";
    let keep = format!(
        "INSERT INTO destroyed_shares (recording_id, source, segments, duration_us, first_us,
         last_us, bytes) SELECT recording_id, source, COUNT(*), CAST(SUM(duration_us) AS BIGINT),
         MIN(start_us), MAX(start_us + duration_us), CAST(SUM(bytes) AS BIGINT)
         FROM segments WHERE recording_id IN ({of_this}) GROUP BY recording_id, source
         ON CONFLICT (recording_id, source) DO UPDATE
         SET segments = destroyed_shares.segments + excluded.segments,
         duration_us = destroyed_shares.duration_us + excluded.duration_us,
         bytes = destroyed_shares.bytes + excluded.bytes"
    );
    let forget = format!("DELETE FROM segments WHERE recording_id IN ({of_this})");
    for query in [keep, forget] {
        sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(&row.id)
            .execute(&mut **writing)
            .await
            .map_err(failed(doing))?;
    }
    sqlx::query("UPDATE destructions SET done_ms = $2, text = $3, signature = $4 WHERE id = $1")
        .bind(&row.id)
        .bind(row.done_ms)
        .bind(&row.text)
        .bind(&row.signature)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed(doing))
}
