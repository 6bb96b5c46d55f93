//! Queries of measures against a breach.

use sqlx::FromRow;

use super::{Db, Error, failed};

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
