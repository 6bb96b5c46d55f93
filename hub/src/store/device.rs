//! Queries of boxes: rows, signing keys, enrolment codes.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// One box.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DeviceRow {
    /// Device id.
    pub id: String,
    /// UUID of its room.
    pub classroom_id: String,
    /// `pending`, `enrolled` or `retired`.
    pub state: String,
    /// Of the certificate in force, hexadecimal.
    pub serial: Option<String>,
    /// End of that certificate.
    pub certificate_until_ms: Option<i64>,
}

/// What an enrolment changes.
#[derive(Debug, Clone)]
pub struct EnrolledRow<'a> {
    /// Device id.
    pub id: &'a str,
    /// Hexadecimal.
    pub serial: &'a str,
    /// End of the certificate.
    pub certificate_until_ms: i64,
    /// Ed25519 public key, hexadecimal.
    pub signing_key: &'a str,
    /// The code that was used.
    pub secret_sha256: &'a str,
}

const COLUMNS: &str = "SELECT id, classroom_id, state, serial, certificate_until_ms FROM devices";

/// One box.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<DeviceRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a box"))
}

/// Every box, by id.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<DeviceRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{COLUMNS} ORDER BY id")))
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the boxes"))
}

/// Notes a box with its code, or a new code for a box that is there; `false` when that box is
/// retired or stands in another room.
///
/// # Errors
/// When the database fails.
pub async fn expect(
    db: &Db,
    id: &str,
    classroom_id: &str,
    secret_sha256: &str,
    expires_ms: i64,
    now_ms: i64,
) -> Result<bool, Error> {
    let mut writing = db.begin().await?;
    sqlx::query(
        "INSERT INTO devices (id, classroom_id, state, created_ms) VALUES ($1, $2, 'pending', $3)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(classroom_id)
    .bind(now_ms)
    .execute(&mut *writing)
    .await
    .map_err(failed("noting a box"))?;
    let noted = sqlx::query(
        "INSERT INTO enrolment_codes (secret_sha256, device_id, expires_ms)
         SELECT $1, id, $2 FROM devices
         WHERE id = $3 AND classroom_id = $4 AND state <> 'retired'",
    )
    .bind(secret_sha256)
    .bind(expires_ms)
    .bind(id)
    .bind(classroom_id)
    .execute(&mut *writing)
    .await
    .map_err(failed("noting an enrolment code"))?;
    Db::commit(writing).await?;
    Ok(noted.rows_affected() == 1)
}

/// The box of a code that was not used, has not expired, and whose box is not retired.
///
/// # Errors
/// When the database fails.
pub async fn of_code(
    db: &Db,
    secret_sha256: &str,
    now_ms: i64,
) -> Result<Option<DeviceRow>, Error> {
    sqlx::query_as(
        "SELECT d.id, d.classroom_id, d.state, d.serial, d.certificate_until_ms
         FROM enrolment_codes c JOIN devices d ON d.id = c.device_id
         WHERE c.secret_sha256 = $1 AND c.used_ms IS NULL AND c.expires_ms > $2
           AND d.state <> 'retired'",
    )
    .bind(secret_sha256)
    .bind(now_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading an enrolment code"))
}

/// Uses the code and puts the certificate in force; `false` when the code was used meanwhile.
///
/// # Errors
/// When the database fails, or the signing key belongs to a box already
/// ([`Error::is_duplicate`]); then nothing was changed.
pub async fn enrol(db: &Db, row: &EnrolledRow<'_>, now_ms: i64) -> Result<bool, Error> {
    let mut writing = db.begin().await?;
    let used = sqlx::query(
        "UPDATE enrolment_codes SET used_ms = $2 WHERE secret_sha256 = $1 AND used_ms IS NULL",
    )
    .bind(row.secret_sha256)
    .bind(now_ms)
    .execute(&mut *writing)
    .await
    .map_err(failed("using an enrolment code"))?;
    if used.rows_affected() != 1 {
        return Ok(false);
    }
    put_in_force(&mut writing, row, now_ms)
        .await
        .map_err(failed("enrolling a box"))?;
    Db::commit(writing).await?;
    Ok(true)
}

async fn put_in_force(
    writing: &mut Writing,
    row: &EnrolledRow<'_>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE devices SET state = 'enrolled', serial = $2, certificate_until_ms = $3,
         enrolled_ms = $4 WHERE id = $1",
    )
    .bind(row.id)
    .bind(row.serial)
    .bind(row.certificate_until_ms)
    .bind(now_ms)
    .execute(&mut **writing)
    .await?;
    sqlx::query("INSERT INTO device_keys (signing_key, device_id, since_ms) VALUES ($1, $2, $3)")
        .bind(row.signing_key)
        .bind(row.id)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map(drop)
}

/// Takes a box out of use for good; `false` when there is no such box.
///
/// # Errors
/// When the database fails.
pub async fn retire(db: &Db, id: &str) -> Result<bool, Error> {
    sqlx::query("UPDATE devices SET state = 'retired', serial = NULL WHERE id = $1")
        .bind(id)
        .execute(db.write())
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("retiring a box"))
}

/// The signing keys of a box, newest first, hexadecimal.
///
/// # Errors
/// When the database fails.
pub async fn signing_keys(db: &Db, id: &str) -> Result<Vec<String>, Error> {
    sqlx::query_scalar(
        "SELECT signing_key FROM device_keys WHERE device_id = $1 ORDER BY since_ms DESC",
    )
    .bind(id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading a box's signing keys"))
}
