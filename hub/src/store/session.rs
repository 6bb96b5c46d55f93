//! Queries of sessions and sign-in links. Tokens are stored as hashes only.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A session.
#[derive(Debug, Clone, FromRow)]
pub struct SessionRow {
    /// SHA-256 of the token, hex.
    pub token_hash: String,
    /// Whose.
    pub person_id: String,
    /// From where it was begun.
    pub address: String,
    /// When.
    pub begun_ms: i64,
    /// Last request.
    pub seen_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
}

/// Begins a session and ends every other one of the person (R27), as part of what the reason is.
///
/// # Errors
/// When the database fails.
pub async fn begin(writing: &mut Writing, session: &SessionRow) -> Result<(), Error> {
    end_all(writing, &session.person_id, session.begun_ms).await?;
    sqlx::query(
        "INSERT INTO sessions (token_hash, person_id, address, begun_ms, seen_ms)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&session.token_hash)
    .bind(&session.person_id)
    .bind(&session.address)
    .bind(session.begun_ms)
    .bind(session.seen_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("beginning a session"))
}

/// Ends every session of a person, as part of what the reason is: a changed password, a new role, a
/// departure (R23). Who watches goes dark when the gate asks again, in less than a second.
///
/// # Errors
/// When the database fails.
pub async fn end_all(writing: &mut Writing, person_id: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE sessions SET ended_ms = $2 WHERE person_id = $1 AND ended_ms IS NULL")
        .bind(person_id)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("ending the sessions of a person"))
}

/// The session of a token.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, token_hash: &str) -> Result<Option<SessionRow>, Error> {
    sqlx::query_as("SELECT * FROM sessions WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a session"))
}

/// Notes a request.
///
/// # Errors
/// When the database fails.
pub async fn seen(db: &Db, token_hash: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE sessions SET seen_ms = $2 WHERE token_hash = $1 AND ended_ms IS NULL")
        .bind(token_hash)
        .bind(now_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("noting a request"))
}

/// Ends a session.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &Db, token_hash: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE sessions SET ended_ms = $2 WHERE token_hash = $1 AND ended_ms IS NULL")
        .bind(token_hash)
        .bind(now_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("ending a session"))
}

/// Whether the owner of `login` has been signed in from `address` before.
///
/// # Errors
/// When the database fails.
pub async fn known_address(db: &Db, login: &str, address: &str) -> Result<bool, Error> {
    let found: Result<Option<i64>, _> = sqlx::query_scalar(
        "SELECT s.begun_ms FROM sessions s JOIN persons p ON p.id = s.person_id
         WHERE p.staff_number = $1 AND s.address = $2 LIMIT 1",
    )
    .bind(login)
    .bind(address)
    .fetch_optional(db.read())
    .await;
    found
        .map(|found| found.is_some())
        .map_err(failed("looking for a known address"))
}

/// Adds a single-use sign-in link of the demonstration.
///
/// # Errors
/// When the database fails.
pub async fn add_link(
    writing: &mut Writing,
    token_hash: &str,
    person_id: &str,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO sign_in_links (token_hash, person_id) VALUES ($1, $2)")
        .bind(token_hash)
        .bind(person_id)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("adding a sign-in link"))
}

/// Uses up a sign-in link; `None` if there is none or it was used.
///
/// # Errors
/// When the database fails.
pub async fn use_link(db: &Db, token_hash: &str, now_ms: i64) -> Result<Option<String>, Error> {
    let used = sqlx::query(
        "UPDATE sign_in_links SET used_ms = $2 WHERE token_hash = $1 AND used_ms IS NULL",
    )
    .bind(token_hash)
    .bind(now_ms)
    .execute(db.write())
    .await
    .map_err(failed("using up a sign-in link"))?;
    if used.rows_affected() == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT person_id FROM sign_in_links WHERE token_hash = $1")
        .bind(token_hash)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a sign-in link"))
}
