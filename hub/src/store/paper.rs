//! Queries of the papers that belong to applications, sealed (R17).

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most papers of a list.
const LISTED_MAX: i64 = 2000;

/// A paper, without its bytes.
#[derive(Debug, Clone, FromRow)]
pub struct PaperRow {
    /// UUID; it is sealed for this.
    pub id: String,
    /// To which application.
    pub application_id: String,
    /// Its number, such as `SQ-00001`.
    pub number: String,
    /// As the file was called.
    pub name: String,
    /// Such as `application/pdf`.
    pub media_type: String,
    /// How many bytes it has when it is opened.
    pub bytes: i64,
    /// SHA-256 of the opened bytes, hex.
    pub sha256: String,
    /// The name of who added it.
    pub adder: String,
    /// When.
    pub stored_ms: i64,
}

/// A paper to be kept.
#[derive(Debug, Clone)]
pub struct NewPaper<'a> {
    /// UUID.
    pub id: &'a str,
    /// To which application.
    pub application_id: &'a str,
    /// As the file was called.
    pub name: &'a str,
    /// Such as `application/pdf`.
    pub media_type: &'a str,
    /// How many bytes it has.
    pub bytes: i64,
    /// Their SHA-256, hex.
    pub sha256: &'a str,
    /// The same bytes, sealed.
    pub sealed: &'a str,
    /// Who adds it.
    pub stored_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

/// How many papers an application has.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing, application_id: &str) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM application_papers WHERE application_id = $1")
        .bind(application_id)
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting the papers of an application"))
}

/// Keeps a paper.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, new: &NewPaper<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO application_papers (id, application_id, name, media_type, bytes, sha256,
         sealed, stored_by, stored_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(new.id)
    .bind(new.application_id)
    .bind(new.name)
    .bind(new.media_type)
    .bind(new.bytes)
    .bind(new.sha256)
    .bind(new.sealed)
    .bind(new.stored_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping a paper"))
}

const PAPER: &str = "SELECT x.id, x.application_id, a.number, x.name, x.media_type, x.bytes,
    x.sha256, p.name AS adder, x.stored_ms FROM application_papers x
    JOIN applications a ON a.id = x.application_id JOIN persons p ON p.id = x.stored_by";

/// Papers, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db) -> Result<Vec<PaperRow>, Error> {
    let query = format!("{PAPER} ORDER BY x.stored_ms DESC, x.id DESC LIMIT $1");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LISTED_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing papers"))
}

/// One paper.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<PaperRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{PAPER} WHERE x.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a paper"))
}

/// The sealed bytes of a paper.
///
/// # Errors
/// When the database fails.
pub async fn sealed(db: &Db, id: &str) -> Result<Option<String>, Error> {
    sqlx::query_scalar("SELECT sealed FROM application_papers WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("opening a paper"))
}
