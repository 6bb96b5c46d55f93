//! Queries of measures against a breach.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most lines of a list.
const LINES_MAX: i64 = 500;

/// What a measure in force does to a permission.
#[derive(Debug, Clone, FromRow)]
pub struct MeasureRow {
    /// About whom.
    pub about_id: String,
    /// `suspension` or `cancellation`.
    pub measure: String,
    /// From.
    pub from_ms: Option<i64>,
    /// Until (exclusive).
    pub until_ms: Option<i64>,
}

const MEASURES: &str = "SELECT about_id, measure, from_ms, until_ms FROM sanctions
    WHERE state = 'in_force' AND measure IN ('suspension', 'cancellation')";

/// What is in force about one person.
///
/// # Errors
/// When the database fails.
pub async fn measures(db: &Db, person_id: &str) -> Result<Vec<MeasureRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{MEASURES} AND about_id = $1")))
        .bind(person_id)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the measures about a person"))
}

/// What is in force about anybody.
///
/// # Errors
/// When the database fails.
pub async fn all_measures(db: &Db) -> Result<Vec<MeasureRow>, Error> {
    sqlx::query_as(MEASURES)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the measures in force"))
}

/// A decision about a breach.
#[derive(Debug, Clone, FromRow)]
pub struct SanctionRow {
    /// UUID.
    pub id: String,
    /// 文号.
    pub number: String,
    /// About whom.
    pub about_id: String,
    /// Their name.
    pub about: String,
    /// Their staff number.
    pub staff_number: String,
    /// `warning`, `suspension`, `cancellation`, `discipline`, `notice`, `law` or `damages`.
    pub measure: String,
    /// A suspension from.
    pub from_ms: Option<i64>,
    /// A suspension until (exclusive).
    pub until_ms: Option<i64>,
    /// The article it rests on.
    pub basis: String,
    /// What happened.
    pub facts: String,
    /// Numbers of lines of the trail, separated by spaces.
    pub evidence: String,
    /// Who filed it.
    pub filer: String,
    /// When.
    pub filed_ms: i64,
    /// `filed`, `in_force`, `withdrawn` or `lifted`.
    pub state: String,
    /// Who put it into force.
    pub decider: Option<String>,
    /// When.
    pub decided_ms: Option<i64>,
    /// When it was withdrawn or lifted.
    pub ended_ms: Option<i64>,
    /// Why.
    pub ended_why: Option<String>,
    /// What the person says to it.
    pub objection: Option<String>,
    /// What was said to that.
    pub answer: Option<String>,
}

/// A decision to be filed.
#[derive(Debug, Clone)]
pub struct NewSanction<'a> {
    /// 文号.
    pub number: &'a str,
    /// About whom.
    pub about_id: &'a str,
    /// The word of the measure.
    pub measure: &'a str,
    /// A suspension from and until.
    pub span: (Option<i64>, Option<i64>),
    /// The article it rests on.
    pub basis: &'a str,
    /// What happened.
    pub facts: &'a str,
    /// Numbers of lines of the trail, separated by spaces.
    pub evidence: &'a str,
    /// Who files it.
    pub filed_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

const SANCTION: &str = "SELECT s.id, s.number, s.about_id, p.name AS about, p.staff_number,
    s.measure, s.from_ms, s.until_ms, s.basis, s.facts, s.evidence, f.name AS filer, s.filed_ms,
    s.state, d.name AS decider, s.decided_ms, s.ended_ms, s.ended_why, s.objection, s.answer
    FROM sanctions s JOIN persons p ON p.id = s.about_id JOIN persons f ON f.id = s.filed_by
    LEFT JOIN persons d ON d.id = s.decided_by";

/// Decisions, those that wait first, then newest first.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<SanctionRow>, Error> {
    let query = format!(
        "{SANCTION} ORDER BY CASE WHEN s.state = 'filed' THEN 0 ELSE 1 END, s.filed_ms DESC,
         s.number DESC LIMIT $1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing decisions"))
}

/// Decisions about one person, newest first.
///
/// # Errors
/// When the database fails.
pub async fn about(db: &Db, person_id: &str) -> Result<Vec<SanctionRow>, Error> {
    let query = format!("{SANCTION} WHERE s.about_id = $1 ORDER BY s.filed_ms DESC LIMIT $2");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(person_id)
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing the decisions about a person"))
}

/// One decision.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<SanctionRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SANCTION} WHERE s.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a decision"))
}

/// Files a decision.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn file(writing: &mut Writing, new: &NewSanction<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO sanctions (id, number, about_id, measure, from_ms, until_ms, basis, facts,
         evidence, filed_by, filed_ms, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'filed')",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(new.number)
    .bind(new.about_id)
    .bind(new.measure)
    .bind(new.span.0)
    .bind(new.span.1)
    .bind(new.basis)
    .bind(new.facts)
    .bind(new.evidence)
    .bind(new.filed_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("filing a decision"))
}

/// Puts a decision that waits, and that nobody contests, into force; false if it is not like that.
///
/// # Errors
/// When the database fails.
pub async fn decide(
    writing: &mut Writing,
    id: &str,
    decided_by: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE sanctions SET state = 'in_force', decided_by = $2, decided_ms = $3
         WHERE id = $1 AND state = 'filed' AND (objection IS NULL OR answer IS NOT NULL)",
    )
    .bind(id)
    .bind(decided_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("putting a decision into force"))
}

/// Withdraws a decision that waits, or lifts one in force; false if it is in another state.
///
/// # Errors
/// When the database fails.
pub async fn end(
    writing: &mut Writing,
    id: &str,
    (from, to): (&str, &str),
    (ended_by, why): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE sanctions SET state = $3, ended_by = $4, ended_why = $5, ended_ms = $6
         WHERE id = $1 AND state = $2",
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .bind(ended_by)
    .bind(why)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("ending a decision"))
}

/// Notes what somebody says to a decision about them that waits; false if it does not, or if
/// something was said.
///
/// # Errors
/// When the database fails.
pub async fn object(
    writing: &mut Writing,
    id: &str,
    objection: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE sanctions SET objection = $2, objected_ms = $3
         WHERE id = $1 AND state = 'filed' AND objection IS NULL",
    )
    .bind(id)
    .bind(objection)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("noting an objection"))
}

/// Answers an objection; false if there is none to answer.
///
/// # Errors
/// When the database fails.
pub async fn answer(
    writing: &mut Writing,
    id: &str,
    (answered_by, answer): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE sanctions SET answer = $2, answered_by = $3, answered_ms = $4
         WHERE id = $1 AND state = 'filed' AND objection IS NOT NULL AND answer IS NULL",
    )
    .bind(id)
    .bind(answer)
    .bind(answered_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("answering an objection"))
}
