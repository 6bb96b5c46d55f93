//! Queries of start codes, and of the three administrators who come first.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A start code that is good now.
#[derive(Clone, FromRow)]
pub struct StartRow {
    /// Its hash.
    pub code_hash: String,
    /// Whose; `None` for the first start.
    pub person_id: Option<String>,
    /// The second factor that is being set up, sealed.
    pub totp_sealed: Option<String>,
    /// Until when it is good.
    pub expires_ms: i64,
}

/// Issues a start code; earlier ones of the same person (or of the first start) are void.
///
/// # Errors
/// When the database fails.
pub async fn issue(
    writing: &mut Writing,
    code_hash: &str,
    person_id: Option<&str>,
    (now_ms, expires_ms): (i64, i64),
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE start_codes SET void_ms = $2 WHERE used_ms IS NULL AND void_ms IS NULL
         AND COALESCE(person_id, '') = COALESCE($1, '')",
    )
    .bind(person_id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("voiding start codes"))?;
    sqlx::query(
        "INSERT INTO start_codes (code_hash, person_id, issued_ms, expires_ms)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(code_hash)
    .bind(person_id)
    .bind(now_ms)
    .bind(expires_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("issuing a start code"))
}

/// The start code with this hash, while it is good.
///
/// # Errors
/// When the database fails.
pub async fn start(db: &Db, code_hash: &str, now_ms: i64) -> Result<Option<StartRow>, Error> {
    sqlx::query_as(
        "SELECT code_hash, person_id, totp_sealed, expires_ms FROM start_codes
         WHERE code_hash = $1 AND used_ms IS NULL AND void_ms IS NULL AND expires_ms > $2",
    )
    .bind(code_hash)
    .bind(now_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading a start code"))
}

/// Keeps the second factor that is being set up with a start code, unless there is one already.
///
/// # Errors
/// When the database fails.
pub async fn keep_start_factor(db: &Db, code_hash: &str, totp_sealed: &str) -> Result<(), Error> {
    sqlx::query(
        "UPDATE start_codes SET totp_sealed = $2 WHERE code_hash = $1 AND totp_sealed IS NULL",
    )
    .bind(code_hash)
    .bind(totp_sealed)
    .execute(db.write())
    .await
    .map(drop)
    .map_err(failed("keeping a second factor to be"))
}

/// Takes the second factor that was set up with a start code; false if somebody else did so
/// before, or the code is no longer good.
///
/// # Errors
/// When the database fails.
pub async fn take_start_factor(
    writing: &mut Writing,
    code_hash: &str,
    totp_sealed: &str,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE start_codes SET totp_sealed = NULL WHERE code_hash = $1 AND totp_sealed = $2
         AND used_ms IS NULL AND void_ms IS NULL",
    )
    .bind(code_hash)
    .bind(totp_sealed)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("taking a second factor"))
}

/// Uses up a start code.
///
/// # Errors
/// When the database fails.
pub async fn use_start(writing: &mut Writing, code_hash: &str, now_ms: i64) -> Result<(), Error> {
    sqlx::query("UPDATE start_codes SET used_ms = $2 WHERE code_hash = $1")
        .bind(code_hash)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("using up a start code"))
}

/// Whether the first start has ever come to its end.
///
/// # Errors
/// When the database fails.
pub async fn first_start_done(db: &Db) -> Result<bool, Error> {
    let count: Result<i64, _> = sqlx::query_scalar(
        "SELECT COUNT(*) FROM start_codes WHERE person_id IS NULL AND used_ms IS NOT NULL",
    )
    .fetch_one(db.read())
    .await;
    count
        .map(|count| count > 0)
        .map_err(failed("looking for the first start"))
}

/// Who holds which role.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct HolderRow {
    /// The person.
    pub person_id: String,
    /// The name of the role.
    pub role: String,
}

/// Who holds one of the three posts of administrators, whatever their standing.
///
/// # Errors
/// When the database fails.
pub async fn administrators(db: &Db) -> Result<Vec<HolderRow>, Error> {
    sqlx::query_as(ADMINISTRATORS)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading who administers"))
}

/// The same, as part of filling a post.
///
/// # Errors
/// When the database fails.
pub async fn administrators_now(writing: &mut Writing) -> Result<Vec<HolderRow>, Error> {
    sqlx::query_as(ADMINISTRATORS)
        .fetch_all(&mut **writing)
        .await
        .map_err(failed("reading who administers"))
}

const ADMINISTRATORS: &str = "SELECT person_id, role FROM person_roles
    WHERE role IN ('technician', 'security_administrator', 'audit_administrator') ORDER BY role";

/// One of the three administrators, made at the first start.
///
/// # Errors
/// When the staff number is taken or the database fails.
pub async fn add_administrator(
    writing: &mut Writing,
    person_id: &str,
    (staff_number, name): (&str, &str),
    role: &str,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO persons (id, staff_number, name, standing) VALUES ($1, $2, $3, 'active')",
    )
    .bind(person_id)
    .bind(staff_number)
    .bind(name)
    .execute(&mut **writing)
    .await
    .map_err(failed("adding an administrator"))?;
    sqlx::query("INSERT INTO person_roles (person_id, role) VALUES ($1, $2)")
        .bind(person_id)
        .bind(role)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("filling a post"))
}

/// An officer asks for a start code to which another must agree.
///
/// # Errors
/// When the database fails.
pub async fn ask(
    writing: &mut Writing,
    person_id: &str,
    officer_id: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO start_requests (person_id, officer_id, asked_ms) VALUES ($1, $2, $3)
         ON CONFLICT (person_id, officer_id) DO UPDATE SET asked_ms = excluded.asked_ms",
    )
    .bind(person_id)
    .bind(officer_id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("asking for a start code"))
}

/// Whether another officer, in office in that role now, has asked for the same after `since_ms`.
///
/// # Errors
/// When the database fails.
pub async fn asked(
    db: &Db,
    person_id: &str,
    (officer_id, role): (&str, &str),
    since_ms: i64,
) -> Result<bool, Error> {
    let count: Result<i64, _> = sqlx::query_scalar(
        "SELECT COUNT(*) FROM start_requests q JOIN persons p ON p.id = q.officer_id
         JOIN person_roles r ON r.person_id = q.officer_id
         WHERE q.person_id = $1 AND q.officer_id <> $2 AND r.role = $3 AND q.asked_ms > $4
         AND p.standing = 'active'",
    )
    .bind(person_id)
    .bind(officer_id)
    .bind(role)
    .bind(since_ms)
    .fetch_one(db.read())
    .await;
    count
        .map(|count| count > 0)
        .map_err(failed("reading who asked for a start code"))
}
