//! Queries of the reviews of permissions, one each term (R26).

use sqlx::{Any, Executor, FromRow};

use super::campus::TermRow;
use super::{Db, Error, Writing, failed};

/// Most permissions of one review.
const LINES_MAX: i64 = 5000;
/// Most reviews of a list.
const LISTED_MAX: i64 = 100;

/// A permission of the term, with what its review knows of it.
#[derive(Debug, Clone, FromRow)]
pub struct LineRow {
    /// UUID of the grant.
    pub id: String,
    /// Who holds it.
    pub person_id: String,
    /// Their name.
    pub person: String,
    /// Their staff number.
    pub staff_number: String,
    /// The number of the level.
    pub level: i64,
    /// The name of the unit.
    pub unit: Option<String>,
    /// Whether classes with minors are included: 1 or 0.
    pub minors: i64,
    /// By which application.
    pub application: String,
    /// Who opened it.
    pub opener: String,
    /// In force from.
    pub from_ms: i64,
    /// In force until.
    pub until_ms: Option<i64>,
    /// When it was taken back.
    pub revoked_ms: Option<i64>,
    /// Why.
    pub revoked_why: Option<String>,
    /// Who said that it stays.
    pub reviewer: Option<String>,
    /// When.
    pub reviewed_ms: Option<i64>,
    /// When the holder last opened a view with it.
    pub viewed_ms: Option<i64>,
    /// When the holder was last there since it began.
    pub seen_ms: Option<i64>,
}

/// A signed review.
#[derive(Debug, Clone, FromRow)]
pub struct ReviewRow {
    /// Such as `FH-00001`.
    pub number: String,
    /// Of which term.
    pub term_id: String,
    /// Such as `2026-2027`.
    pub school_year: String,
    /// Number of the term in it.
    pub term: i64,
    /// Who signed.
    pub reviewer: String,
    /// How many permissions were kept.
    pub kept: i64,
    /// How many were taken back.
    pub revoked: i64,
    /// How many were over by themselves.
    pub ended: i64,
    /// When it was signed.
    pub signed_ms: i64,
}

/// A review to be signed.
#[derive(Debug, Clone)]
pub struct NewReview<'a> {
    /// Such as `FH-00001`.
    pub number: &'a str,
    /// Of which term.
    pub term_id: &'a str,
    /// Who signs.
    pub reviewer_id: &'a str,
    /// How many were kept, taken back, and over by themselves.
    pub counts: (i64, i64, i64),
    /// Now.
    pub now_ms: i64,
}

/// The term that runs at a day (days since the epoch) or, between two, the one that ran last.
///
/// # Errors
/// When the database fails.
pub async fn term(db: &Db, day: i64) -> Result<Option<TermRow>, Error> {
    sqlx::query_as("SELECT * FROM terms WHERE week_one <= $1 ORDER BY week_one DESC LIMIT 1")
        .bind(day)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the term"))
}

/// The permissions that were in force in a span of time, by staff number; read from the store or
/// from a transaction.
///
/// # Errors
/// When the database fails.
pub async fn lines<'e>(
    from: impl Executor<'e, Database = Any>,
    term_id: &str,
    (from_ms, until_ms): (i64, i64),
) -> Result<Vec<LineRow>, Error> {
    sqlx::query_as(
        "SELECT g.id, g.person_id, p.name AS person, p.staff_number, g.level, u.name AS unit,
         g.minors, g.application, o.name AS opener, g.from_ms, g.until_ms, g.revoked_ms,
         g.revoked_why, w.name AS reviewer, v.reviewed_ms,
         (SELECT MAX(opened_ms) FROM views WHERE person_id = g.person_id
           AND opened_ms >= g.from_ms AND (g.until_ms IS NULL OR opened_ms < g.until_ms))
           AS viewed_ms,
         (SELECT MAX(seen_ms) FROM sessions WHERE person_id = g.person_id
           AND seen_ms >= g.from_ms) AS seen_ms
         FROM grants g JOIN persons p ON p.id = g.person_id JOIN persons o ON o.id = g.opened_by
         LEFT JOIN units u ON u.id = g.unit_id
         LEFT JOIN grant_reviews v ON v.grant_id = g.id AND v.term_id = $1
         LEFT JOIN persons w ON w.id = v.reviewed_by
         WHERE g.from_ms < $3 AND (g.until_ms IS NULL OR g.until_ms > $2)
         AND (g.until_ms IS NULL OR g.until_ms > g.from_ms OR g.revoked_ms IS NOT NULL)
         ORDER BY p.staff_number, g.from_ms DESC, g.id LIMIT $4",
    )
    .bind(term_id)
    .bind(from_ms)
    .bind(until_ms)
    .bind(LINES_MAX)
    .fetch_all(from)
    .await
    .map_err(failed("reading the permissions of a term"))
}

/// Says that a permission stays.
///
/// # Errors
/// When that was said already ([`Error::is_duplicate`]) or the database fails.
pub async fn keep(
    writing: &mut Writing,
    (grant_id, term_id): (&str, &str),
    reviewed_by: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO grant_reviews (grant_id, term_id, reviewed_by, reviewed_ms)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(grant_id)
    .bind(term_id)
    .bind(reviewed_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping a permission"))
}

/// How many reviews there are; the next number follows from it.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM term_reviews")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting reviews"))
}

/// Keeps a signed review.
///
/// # Errors
/// When the term has one ([`Error::is_duplicate`]) or the database fails.
pub async fn add(writing: &mut Writing, new: &NewReview<'_>) -> Result<(), Error> {
    let (kept, revoked, ended) = new.counts;
    sqlx::query(
        "INSERT INTO term_reviews (id, number, term_id, reviewer_id, kept, revoked, ended,
         signed_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(new.number)
    .bind(new.term_id)
    .bind(new.reviewer_id)
    .bind(kept)
    .bind(revoked)
    .bind(ended)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("signing a review"))
}

/// Signed reviews, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db) -> Result<Vec<ReviewRow>, Error> {
    sqlx::query_as(
        "SELECT v.number, v.term_id, t.school_year, t.number AS term, p.name AS reviewer, v.kept,
         v.revoked, v.ended, v.signed_ms FROM term_reviews v JOIN terms t ON t.id = v.term_id
         JOIN persons p ON p.id = v.reviewer_id ORDER BY v.signed_ms DESC LIMIT $1",
    )
    .bind(LISTED_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading reviews"))
}
