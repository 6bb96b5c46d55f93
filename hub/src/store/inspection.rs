//! Queries of inspections of the trail: what a period holds, and what was signed about it.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// What the trail holds of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct Tally {
    /// Lines.
    pub lines: i64,
    /// Refused attempts.
    pub refused: i64,
    /// Failures.
    pub failed: i64,
    /// Permitted views, live and recorded.
    pub views: i64,
    /// Persons who did something.
    pub people: i64,
    /// Lines of the inspector, which are not counted above.
    pub own_lines: i64,
}

/// Counts a period, without the inspector's own lines; `person_id` empty for everybody.
///
/// # Errors
/// When the database fails.
pub async fn tally(
    db: &Db,
    (from_ms, until_ms): (i64, i64),
    inspector_id: &str,
    person_id: &str,
) -> Result<Tally, Error> {
    sqlx::query_as(
        "SELECT
         CAST(COALESCE(SUM(CASE WHEN own = 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS lines,
         CAST(COALESCE(SUM(CASE WHEN own = 0 AND outcome = 'refused' THEN 1 ELSE 0 END), 0)
           AS BIGINT) AS refused,
         CAST(COALESCE(SUM(CASE WHEN own = 0 AND outcome = 'failed' THEN 1 ELSE 0 END), 0)
           AS BIGINT) AS failed,
         CAST(COALESCE(SUM(CASE WHEN own = 0 AND outcome = 'permitted'
           AND action IN ('view_live', 'playback') THEN 1 ELSE 0 END), 0) AS BIGINT) AS views,
         COUNT(DISTINCT CASE WHEN own = 0 THEN person_id END) AS people,
         CAST(COALESCE(SUM(own), 0) AS BIGINT) AS own_lines
         FROM (SELECT person_id, action, outcome,
           CASE WHEN person_id = $3 THEN 1 ELSE 0 END AS own FROM trail
           WHERE at_ms >= $1 AND at_ms < $2 AND ($4 = '' OR person_id = $4 OR person_id = $3)) t",
    )
    .bind(from_ms)
    .bind(until_ms)
    .bind(inspector_id)
    .bind(person_id)
    .fetch_one(db.read())
    .await
    .map_err(failed("counting the trail of a period"))
}

/// An inspection as it is signed.
#[derive(Debug, Clone)]
pub struct NewInspection<'a> {
    /// UUID.
    pub id: &'a str,
    /// Such as `JC-00001`.
    pub number: &'a str,
    /// Who inspected.
    pub inspector_id: &'a str,
    /// Whose lines; `None` for everybody's.
    pub person_id: Option<&'a str>,
    /// From.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// What the period held.
    pub tally: Tally,
    /// Risks of the period, and how many of them nobody had looked at.
    pub risks: (i64, i64),
    /// Whether every line of the trail followed from the one before.
    pub whole: bool,
    /// Where the trail ended.
    pub head: (i64, &'a str),
    /// What was found.
    pub findings: &'a str,
    /// What is done about it.
    pub measures: &'a str,
    /// When it was signed.
    pub signed_ms: i64,
}

/// Keeps a signed inspection.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, new: &NewInspection<'_>) -> Result<(), Error> {
    let tally = &new.tally;
    sqlx::query(
        "INSERT INTO inspections (id, number, inspector_id, person_id, from_ms, until_ms, lines,
         refused, failed, views, people, own_lines, risks, risks_open, whole, head_seq, head_hash,
         findings, measures, signed_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         $19, $20)",
    )
    .bind(new.id)
    .bind(new.number)
    .bind(new.inspector_id)
    .bind(new.person_id)
    .bind(new.from_ms)
    .bind(new.until_ms)
    .bind(tally.lines)
    .bind(tally.refused)
    .bind(tally.failed)
    .bind(tally.views)
    .bind(tally.people)
    .bind(tally.own_lines)
    .bind(new.risks.0)
    .bind(new.risks.1)
    .bind(i64::from(new.whole))
    .bind(new.head.0)
    .bind(new.head.1)
    .bind(new.findings)
    .bind(new.measures)
    .bind(new.signed_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping an inspection"))
}

/// How many inspections there are.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM inspections")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting inspections"))
}

/// A signed inspection with names.
#[derive(Debug, Clone, FromRow)]
pub struct InspectionRow {
    /// UUID.
    pub id: String,
    /// Such as `JC-00001`.
    pub number: String,
    /// Who inspected.
    pub inspector: String,
    /// 工号 of the inspector.
    pub inspector_number: String,
    /// Whose lines; `None` for everybody's.
    pub person: Option<String>,
    /// From.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// What the period held.
    #[sqlx(flatten)]
    pub tally: Tally,
    /// Risks of the period.
    pub risks: i64,
    /// How many of them nobody had looked at.
    pub risks_open: i64,
    /// 1 if every line of the trail followed from the one before.
    pub whole: i64,
    /// Where the trail ended.
    pub head_seq: i64,
    /// Its hash.
    pub head_hash: String,
    /// What was found.
    pub findings: String,
    /// What is done about it.
    pub measures: String,
    /// When it was signed.
    pub signed_ms: i64,
}

/// Inspections, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, limit: i64) -> Result<Vec<InspectionRow>, Error> {
    sqlx::query_as(
        "SELECT i.*, p.name AS inspector, p.staff_number AS inspector_number, o.name AS person
         FROM inspections i JOIN persons p ON p.id = i.inspector_id
         LEFT JOIN persons o ON o.id = i.person_id ORDER BY i.signed_ms DESC, i.id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading inspections"))
}

/// Until when the trail of everybody was inspected; or where it begins; `None` while it is empty.
///
/// # Errors
/// When the database fails.
pub async fn inspected_until(db: &Db) -> Result<Option<i64>, Error> {
    sqlx::query_scalar(
        "SELECT COALESCE((SELECT MAX(until_ms) FROM inspections WHERE person_id IS NULL),
         (SELECT at_ms FROM trail ORDER BY seq LIMIT 1))",
    )
    .fetch_one(db.read())
    .await
    .map_err(failed("reading until when the trail was inspected"))
}
