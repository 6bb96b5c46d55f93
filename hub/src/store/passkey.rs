//! Queries of passkeys.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A passkey.
#[derive(Debug, Clone, FromRow)]
pub struct PasskeyRow {
    /// UUID.
    pub id: String,
    /// Whose.
    pub person_id: String,
    /// What the authenticator calls it, base64url.
    pub credential_id: String,
    /// What its owner calls it.
    pub name: String,
    /// COSE.
    pub algorithm: i64,
    /// SubjectPublicKeyInfo, base64url.
    pub public_key: String,
    /// As the authenticator last counted.
    pub counter: i64,
    /// When it was added.
    pub made_ms: i64,
    /// When it was last used.
    pub used_ms: Option<i64>,
}

/// Everybody's passkeys, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_person(db: &Db, person_id: &str) -> Result<Vec<PasskeyRow>, Error> {
    sqlx::query_as("SELECT * FROM passkeys WHERE person_id = $1 ORDER BY made_ms, id")
        .bind(person_id)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the passkeys of a person"))
}

/// Adds a passkey.
///
/// # Errors
/// When the authenticator is known already or the database fails.
pub async fn add(writing: &mut Writing, row: &PasskeyRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO passkeys (id, person_id, credential_id, name, algorithm, public_key, counter,
         made_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&row.id)
    .bind(&row.person_id)
    .bind(&row.credential_id)
    .bind(&row.name)
    .bind(row.algorithm)
    .bind(&row.public_key)
    .bind(row.counter)
    .bind(row.made_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("adding a passkey"))
}

/// Notes a use; false if the counter is not ahead of the last one (0 does not count).
///
/// # Errors
/// When the database fails.
pub async fn used(db: &Db, id: &str, counter: i64, now_ms: i64) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE passkeys SET counter = $2, used_ms = $3
         WHERE id = $1 AND (counter < $2 OR (counter = 0 AND $2 = 0))",
    )
    .bind(id)
    .bind(counter)
    .bind(now_ms)
    .execute(db.write())
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("noting the use of a passkey"))
}

/// Takes a passkey away; false if the person has none like that.
///
/// # Errors
/// When the database fails.
pub async fn remove(writing: &mut Writing, person_id: &str, id: &str) -> Result<bool, Error> {
    sqlx::query("DELETE FROM passkeys WHERE person_id = $1 AND id = $2")
        .bind(person_id)
        .bind(id)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("taking a passkey away"))
}
