//! Queries of the originals of agreements, sealed.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// An original, without its bytes.
#[derive(Debug, Clone, FromRow)]
pub struct OriginalRow {
    /// UUID; it is sealed for this.
    pub id: String,
    /// Of which agreement; `None`: of none yet.
    pub agreement_id: Option<String>,
    /// `school` or `person`.
    pub party: Option<String>,
    /// Such as `application/pdf`.
    pub media_type: String,
    /// How many bytes it has when it is opened.
    pub bytes: i64,
    /// SHA-256 of the opened bytes, hex.
    pub sha256: String,
    /// When it was stored.
    pub stored_ms: i64,
    /// By whom.
    pub stored_by: String,
}

const COLUMNS: &str = "id, agreement_id, party, media_type, bytes, sha256, stored_ms, stored_by";

/// Stores an original.
///
/// # Errors
/// When there is one already or the database fails.
pub async fn add(writing: &mut Writing, row: &OriginalRow, sealed: &str) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO agreement_originals (id, agreement_id, party, media_type, bytes, sha256,
         sealed, stored_ms, stored_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.id)
    .bind(&row.agreement_id)
    .bind(&row.party)
    .bind(&row.media_type)
    .bind(row.bytes)
    .bind(&row.sha256)
    .bind(sealed)
    .bind(row.stored_ms)
    .bind(&row.stored_by)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("storing an original"))
}

/// Makes a scan the original of an agreement; false if it belongs to one already.
///
/// # Errors
/// When the database fails.
pub async fn bind(
    writing: &mut Writing,
    id: &str,
    agreement_id: &str,
    party: &str,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE agreement_originals SET agreement_id = $2, party = $3
         WHERE id = $1 AND agreement_id IS NULL",
    )
    .bind(id)
    .bind(agreement_id)
    .bind(party)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("filing a scan"))
}

/// A scan that belongs to no agreement yet.
///
/// # Errors
/// When the database fails.
pub async fn loose(db: &Db, id: &str) -> Result<Option<OriginalRow>, Error> {
    let query =
        format!("SELECT {COLUMNS} FROM agreement_originals WHERE id = $1 AND agreement_id IS NULL");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("looking for a scan"))
}

/// Forgets scans that were uploaded before and never became part of an agreement.
///
/// # Errors
/// When the database fails.
pub async fn forget_loose(writing: &mut Writing, before_ms: i64) -> Result<(), Error> {
    sqlx::query("DELETE FROM agreement_originals WHERE agreement_id IS NULL AND stored_ms < $1")
        .bind(before_ms)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("forgetting scans"))
}

/// The originals of an agreement.
///
/// # Errors
/// When the database fails.
pub async fn of(db: &Db, agreement_id: &str) -> Result<Vec<OriginalRow>, Error> {
    let query = format!(
        "SELECT {COLUMNS} FROM agreement_originals WHERE agreement_id = $1 ORDER BY party DESC"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(agreement_id)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing originals"))
}

/// The sealed bytes of an original.
///
/// # Errors
/// When the database fails.
pub async fn sealed(db: &Db, id: &str) -> Result<Option<String>, Error> {
    sqlx::query_scalar("SELECT sealed FROM agreement_originals WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading an original"))
}
