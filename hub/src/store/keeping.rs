//! Queries of what is kept longer than the calendar: premium courses and holds.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most lines of a list.
const LINES_MAX: i64 = 500;

/// A nomination for the library of premium courses, and what became of it.
#[derive(Debug, Clone, FromRow)]
pub struct PremiumRow {
    /// UUID.
    pub id: String,
    /// Such as `JP-00001`.
    pub number: String,
    /// The recording.
    pub recording_id: String,
    /// The room's name.
    pub room: String,
    /// The course, as long as the timetable knows it.
    pub course: Option<String>,
    /// Begin of the lesson.
    pub start_ms: i64,
    /// Whose lesson it is.
    pub teacher_id: String,
    /// Their name.
    pub teacher: String,
    /// Why.
    pub reason: String,
    /// Who nominated it.
    pub nominated_by: String,
    /// Their name.
    pub nominator: String,
    /// When.
    pub nominated_ms: i64,
    /// Who approved it.
    pub approver: Option<String>,
    /// When.
    pub approved_ms: Option<i64>,
    /// When the teacher consented.
    pub consented_ms: Option<i64>,
    /// `refused`, `withdrawn`, `removed` or `lapsed`.
    pub ended: Option<String>,
    /// When.
    pub ended_ms: Option<i64>,
    /// Why.
    pub ended_why: Option<String>,
}

/// A nomination to be noted.
#[derive(Debug, Clone)]
pub struct NewPremium<'a> {
    /// Such as `JP-00001`.
    pub number: &'a str,
    /// The recording.
    pub recording_id: &'a str,
    /// Whose lesson it is.
    pub teacher_id: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who nominates it.
    pub nominated_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

const PREMIUM: &str = "SELECT p.id, p.number, p.recording_id, c.name AS room, l.course, r.start_ms,
    p.teacher_id, t.name AS teacher, p.reason, p.nominated_by, n.name AS nominator, p.nominated_ms,
    a.name AS approver, p.approved_ms, p.consented_ms, p.ended, p.ended_ms, p.ended_why
    FROM premium p JOIN recordings r ON r.id = p.recording_id
    JOIN classrooms c ON c.id = r.classroom_id LEFT JOIN lessons l ON l.id = r.lesson_id
    JOIN persons t ON t.id = p.teacher_id JOIN persons n ON n.id = p.nominated_by
    LEFT JOIN persons a ON a.id = p.approved_by";

/// Nominations, those that last first, then the latest first; of `person_id` those that they
/// nominated or taught.
///
/// # Errors
/// When the database fails.
pub async fn premium(db: &Db, person_id: Option<&str>) -> Result<Vec<PremiumRow>, Error> {
    let query = format!(
        "{PREMIUM} WHERE $1 = '' OR p.nominated_by = $1 OR p.teacher_id = $1
         ORDER BY CASE WHEN p.ended_ms IS NULL THEN 0 ELSE 1 END, p.nominated_ms DESC LIMIT $2"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(person_id.unwrap_or_default())
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing premium courses"))
}

/// One nomination.
///
/// # Errors
/// When the database fails.
pub async fn one_premium(db: &Db, id: &str) -> Result<Option<PremiumRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{PREMIUM} WHERE p.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a premium course"))
}

/// How many there ever were, for the next number.
///
/// # Errors
/// When the database fails.
pub async fn premium_count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM premium")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting premium courses"))
}

/// Notes a nomination.
///
/// # Errors
/// When one of the recording lasts ([`Error::is_duplicate`]) or the database fails.
pub async fn nominate(writing: &mut Writing, new: &NewPremium<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO premium (id, number, recording_id, teacher_id, reason, nominated_by,
         nominated_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(new.number)
    .bind(new.recording_id)
    .bind(new.teacher_id)
    .bind(new.reason)
    .bind(new.nominated_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting a nomination"))
}

/// 教务处 approves; false if it is approved or over already.
///
/// # Errors
/// When the database fails.
pub async fn approve(
    writing: &mut Writing,
    id: &str,
    person_id: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE premium SET approved_by = $2, approved_ms = $3
         WHERE id = $1 AND approved_ms IS NULL AND ended_ms IS NULL",
    )
    .bind(id)
    .bind(person_id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("approving a premium course"))?;
    Ok(done.rows_affected() > 0)
}

/// The teacher consents; false if it is said or over already.
///
/// # Errors
/// When the database fails.
pub async fn consent(writing: &mut Writing, id: &str, now_ms: i64) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE premium SET consented_ms = $2
         WHERE id = $1 AND consented_ms IS NULL AND ended_ms IS NULL",
    )
    .bind(id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("noting the consent to a premium course"))?;
    Ok(done.rows_affected() > 0)
}

/// How a nomination or a hold ends.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// The word, for a nomination.
    pub word: &'a str,
    /// Who ended it; the hub itself if nobody.
    pub by: Option<&'a str>,
    /// Why.
    pub why: &'a str,
    /// Now.
    pub now_ms: i64,
}

/// Ends a nomination; false if it is over already.
///
/// # Errors
/// When the database fails.
pub async fn end_premium(writing: &mut Writing, id: &str, end: End<'_>) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE premium SET ended = $2, ended_by = $3, ended_ms = $4, ended_why = $5
         WHERE id = $1 AND ended_ms IS NULL",
    )
    .bind(id)
    .bind(end.word)
    .bind(end.by)
    .bind(end.now_ms)
    .bind(end.why)
    .execute(&mut **writing)
    .await
    .map_err(failed("ending a premium course"))?;
    Ok(done.rows_affected() > 0)
}

/// Ends the nominations of a recording that is destroyed before they were completed.
///
/// # Errors
/// When the database fails.
pub async fn lapse(writing: &mut Writing, recording_id: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE premium SET ended = 'lapsed', ended_ms = $2
         WHERE recording_id = $1 AND ended_ms IS NULL",
    )
    .bind(recording_id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("ending the nominations of a recording"))
}

/// A hold.
#[derive(Debug, Clone, FromRow)]
pub struct HoldRow {
    /// UUID.
    pub id: String,
    /// Such as `BQ-00001`.
    pub number: String,
    /// Where.
    pub classroom_id: String,
    /// The room's name.
    pub room: String,
    /// From.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// For which case.
    pub case_number: String,
    /// Why.
    pub reason: String,
    /// Who began it.
    pub beginner: String,
    /// When.
    pub begun_ms: i64,
    /// Recordings it holds now.
    pub recordings: i64,
    /// Who ended it; nobody: its case did.
    pub ender: Option<String>,
    /// When.
    pub ended_ms: Option<i64>,
    /// Why.
    pub ended_why: Option<String>,
}

/// A hold to begin.
#[derive(Debug, Clone)]
pub struct NewHold<'a> {
    /// Such as `BQ-00001`.
    pub number: &'a str,
    /// Where.
    pub classroom_id: &'a str,
    /// From and until.
    pub span: (i64, i64),
    /// For which case.
    pub case_number: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Who begins it.
    pub begun_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

const HOLD: &str = "SELECT h.id, h.number, h.classroom_id, c.name AS room, h.from_ms, h.until_ms,
    h.case_number, h.reason, b.name AS beginner, h.begun_ms,
    (SELECT COUNT(*) FROM recordings r WHERE r.classroom_id = h.classroom_id
      AND r.start_ms < h.until_ms AND r.end_ms > h.from_ms
      AND EXISTS (SELECT 1 FROM segments s WHERE s.recording_id = r.id)) AS recordings,
    e.name AS ender, h.ended_ms, h.ended_why
    FROM holds h JOIN classrooms c ON c.id = h.classroom_id JOIN persons b ON b.id = h.begun_by
    LEFT JOIN persons e ON e.id = h.ended_by";

/// Holds, those that last first, then the latest first.
///
/// # Errors
/// When the database fails.
pub async fn holds(db: &Db) -> Result<Vec<HoldRow>, Error> {
    let query = format!(
        "{HOLD} ORDER BY CASE WHEN h.ended_ms IS NULL THEN 0 ELSE 1 END, h.begun_ms DESC LIMIT $1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing holds"))
}

/// Every hold that lasts.
///
/// # Errors
/// When the database fails.
pub async fn lasting_holds(db: &Db) -> Result<Vec<HoldRow>, Error> {
    let query = format!("{HOLD} WHERE h.ended_ms IS NULL ORDER BY h.begun_ms");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the holds that last"))
}

/// One hold.
///
/// # Errors
/// When the database fails.
pub async fn hold(db: &Db, id: &str) -> Result<Option<HoldRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{HOLD} WHERE h.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a hold"))
}

/// How many there ever were, for the next number.
///
/// # Errors
/// When the database fails.
pub async fn hold_count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM holds")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting holds"))
}

/// Begins a hold.
///
/// # Errors
/// When the database fails.
pub async fn begin_hold(writing: &mut Writing, new: &NewHold<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO holds (id, number, classroom_id, from_ms, until_ms, case_number, reason,
         begun_by, begun_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(new.number)
    .bind(new.classroom_id)
    .bind(new.span.0)
    .bind(new.span.1)
    .bind(new.case_number)
    .bind(new.reason)
    .bind(new.begun_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("beginning a hold"))
}

/// Ends a hold; false if it is over already.
///
/// # Errors
/// When the database fails.
pub async fn end_hold(writing: &mut Writing, id: &str, end: End<'_>) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE holds SET ended_by = $2, ended_ms = $3, ended_why = $4
         WHERE id = $1 AND ended_ms IS NULL",
    )
    .bind(id)
    .bind(end.by)
    .bind(end.now_ms)
    .bind(end.why)
    .execute(&mut **writing)
    .await
    .map_err(failed("ending a hold"))?;
    Ok(done.rows_affected() > 0)
}

/// Where a case stands.
#[derive(Debug, Clone, FromRow)]
pub struct CaseRow {
    /// `filed`, `in_force`, `withdrawn` or `lifted`; of an interference `noted` or `withdrawn`.
    pub state: String,
    /// 1 while an objection waits for its answer.
    pub contested: i64,
    /// `warning`, `suspension` and so on; `interference`.
    pub measure: String,
    /// End of a suspension (exclusive).
    pub until_ms: Option<i64>,
}

/// The decision or interference with a number.
///
/// # Errors
/// When the database fails.
pub async fn case(db: &Db, number: &str) -> Result<Option<CaseRow>, Error> {
    sqlx::query_as(
        "SELECT state, CASE WHEN objection IS NOT NULL AND answer IS NULL THEN 1 ELSE 0 END
         AS contested, measure, until_ms FROM sanctions WHERE number = $1
         UNION ALL SELECT CASE WHEN withdrawn_ms IS NULL THEN 'noted' ELSE 'withdrawn' END, 0,
         'interference', CAST(NULL AS BIGINT) FROM interferences WHERE number = $1",
    )
    .bind(number)
    .fetch_optional(db.read())
    .await
    .map_err(failed("looking for a case"))
}

/// A recording that a decision keeps.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct KeeperRow {
    /// Id of the nomination or hold.
    pub keeper: String,
    /// Its number.
    pub number: String,
    /// The recording.
    pub recording_id: String,
    /// Where it was made.
    pub classroom_id: String,
}

/// Every recording that a decision keeps, once for each decision, as long as some of its segments
/// have no key from it yet.
///
/// # Errors
/// When the database fails.
pub async fn without_keys(db: &Db) -> Result<Vec<KeeperRow>, Error> {
    sqlx::query_as(
        "SELECT k.keeper, k.number, k.recording_id, k.classroom_id FROM (
           SELECT p.id AS keeper, p.number, r.id AS recording_id, r.classroom_id
           FROM premium p JOIN recordings r ON r.id = p.recording_id
           WHERE p.approved_ms IS NOT NULL AND p.consented_ms IS NOT NULL AND p.ended_ms IS NULL
           UNION ALL SELECT h.id, h.number, r.id, r.classroom_id
           FROM holds h JOIN recordings r ON r.classroom_id = h.classroom_id
             AND h.from_ms < r.end_ms AND h.until_ms > r.start_ms WHERE h.ended_ms IS NULL) k
         WHERE EXISTS (SELECT 1 FROM segments s WHERE s.recording_id = k.recording_id
           AND NOT EXISTS (SELECT 1 FROM record_segment_keys w
             JOIN record_keys rk ON rk.id = w.key_id
             WHERE w.segment_id = s.id AND rk.keeper = k.keeper))
         ORDER BY k.keeper, k.recording_id",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("reading what is to be kept"))
}
