//! Queries of boxes that ask to be let in.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A box that asks.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct AskingRow {
    /// What its code is called by, hexadecimal.
    pub name: String,
    /// Its certificate request.
    pub csr_pem: String,
    /// Ed25519 public key, hexadecimal.
    pub signing_key: String,
    /// Its proof of the code, hexadecimal.
    pub proof: String,
    /// Where it asks from.
    pub address: String,
    /// When it asked first.
    pub since_ms: i64,
    /// When it asked last.
    pub seen_ms: i64,
    /// What it is told, once it was let in: JSON.
    pub answer: Option<String>,
    /// The hub's proof of the code over that, hexadecimal.
    pub answer_proof: Option<String>,
}

/// One of them.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, name: &str) -> Result<Option<AskingRow>, Error> {
    sqlx::query_as("SELECT * FROM asking_boxes WHERE name = $1")
        .bind(name)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a box that asks"))
}

/// Those that were not let in yet, began after and were heard of after, the first first.
///
/// # Errors
/// When the database fails.
pub async fn waiting(db: &Db, since_ms: i64, seen_ms: i64) -> Result<Vec<AskingRow>, Error> {
    const WAITING: &str = "SELECT * FROM asking_boxes
        WHERE answer IS NULL AND since_ms > $1 AND seen_ms > $2 ORDER BY since_ms, name";
    sqlx::query_as(WAITING)
        .bind(since_ms)
        .bind(seen_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the boxes that ask"))
}

/// Notes that it has asked again.
///
/// # Errors
/// When the database fails.
pub async fn heard(db: &Db, name: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE asking_boxes SET seen_ms = $2 WHERE name = $1")
        .bind(name)
        .bind(now_ms)
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("hearing a box that asks"))
}

/// Forgets those that began before, and says how many are left: all, and of that address.
///
/// # Errors
/// When the database fails.
pub async fn left(
    writing: &mut Writing,
    since_ms: i64,
    address: &str,
) -> Result<(i64, i64), Error> {
    const WHAT: &str = "counting the boxes that ask";
    sqlx::query("DELETE FROM asking_boxes WHERE since_ms <= $1")
        .bind(since_ms)
        .execute(&mut **writing)
        .await
        .map_err(failed(WHAT))?;
    let all = sqlx::query_scalar("SELECT count(*) FROM asking_boxes")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed(WHAT))?;
    let here = sqlx::query_scalar("SELECT count(*) FROM asking_boxes WHERE address = $1")
        .bind(address)
        .fetch_one(&mut **writing)
        .await
        .map_err(failed(WHAT))?;
    Ok((all, here))
}

/// Notes one.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, row: &AskingRow) -> Result<(), Error> {
    const ADD: &str = "INSERT INTO asking_boxes
        (name, csr_pem, signing_key, proof, address, since_ms, seen_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(ADD)
        .bind(&row.name)
        .bind(&row.csr_pem)
        .bind(&row.signing_key)
        .bind(&row.proof)
        .bind(&row.address)
        .bind(row.since_ms)
        .bind(row.seen_ms)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("noting a box that asks"))
}

/// Keeps what it is to be told; `false` when it was let in meanwhile, or is gone.
///
/// # Errors
/// When the database fails.
pub async fn admit(
    writing: &mut Writing,
    name: &str,
    (answer, proof): (&str, &str),
) -> Result<bool, Error> {
    const ADMIT: &str = "UPDATE asking_boxes SET answer = $2, answer_proof = $3
        WHERE name = $1 AND answer IS NULL";
    sqlx::query(ADMIT)
        .bind(name)
        .bind(answer)
        .bind(proof)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("letting a box in"))
}
