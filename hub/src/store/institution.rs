//! Queries of the institution in force, and of what the configuration was.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// An institution as it was applied.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct InstitutionRow {
    /// Counted from 1; the last is in force.
    pub version: i64,
    /// `polytechnic`, `institute`, or the file.
    pub source: String,
    /// The preset.
    pub text: String,
    /// Of the text, hex.
    pub sha256: String,
    /// When.
    pub applied_ms: i64,
}

/// The institution in force; `None` before the first start.
///
/// # Errors
/// When the database fails.
pub async fn in_force(db: &Db) -> Result<Option<InstitutionRow>, Error> {
    sqlx::query_as("SELECT * FROM institutions ORDER BY version DESC LIMIT 1")
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the institution in force"))
}

/// The version that comes next.
///
/// # Errors
/// When the database fails.
pub async fn next_version(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) + 1 FROM institutions")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting what was in force"))
}

/// Puts an institution in force.
///
/// # Errors
/// When the database fails, or that version is there already.
pub async fn apply(writing: &mut Writing, row: &InstitutionRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO institutions (version, source, text, sha256, applied_ms)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(row.version)
    .bind(&row.source)
    .bind(&row.text)
    .bind(&row.sha256)
    .bind(row.applied_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("putting an institution in force"))
}

/// Adds a teaching unit unless its code or its name is there already.
///
/// # Errors
/// When the database fails.
pub async fn add_missing_unit(
    writing: &mut Writing,
    id: &str,
    code: &str,
    name: &str,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO units (id, code, name) SELECT $1, $2, $3
         WHERE NOT EXISTS (SELECT 1 FROM units WHERE code = $2 OR name = $3)",
    )
    .bind(id)
    .bind(code)
    .bind(name)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("adding a unit"))
}

/// Every key of the configuration of the last start with its hash; empty before the first.
///
/// # Errors
/// When the database fails.
pub async fn configuration(db: &Db) -> Result<Vec<(String, String)>, Error> {
    sqlx::query_as("SELECT name, sha256 FROM configuration ORDER BY name")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading what the configuration was"))
}

/// Keeps the configuration of this start.
///
/// # Errors
/// When the database fails.
pub async fn keep_configuration(
    writing: &mut Writing,
    keys: &[(String, String)],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM configuration")
        .execute(&mut **writing)
        .await
        .map_err(failed("keeping the configuration"))?;
    for (name, sha256) in keys {
        sqlx::query("INSERT INTO configuration (name, sha256) VALUES ($1, $2)")
            .bind(name)
            .bind(sha256)
            .execute(&mut **writing)
            .await
            .map_err(failed("keeping the configuration"))?;
    }
    Ok(())
}
