//! Queries of boxes: rows, signing keys, enrolment codes, certificates.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// One box.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct DeviceRow {
    /// Device id.
    pub id: String,
    /// UUID of its room.
    pub classroom_id: String,
    /// `pending`, `enrolled`, `quarantined` or `retired`.
    pub state: String,
    /// Of the certificate in force, hexadecimal.
    pub serial: Option<String>,
    /// End of that certificate.
    pub certificate_until_ms: Option<i64>,
    /// Of the certificate that will follow, hexadecimal.
    pub next_serial: Option<String>,
    /// Of the certificate before, hexadecimal.
    pub previous_serial: Option<String>,
    /// Until when connections of that one are good.
    pub previous_until_ms: Option<i64>,
}

/// A box that is to come, and its code.
#[derive(Debug, Clone)]
pub struct ExpectedRow<'a> {
    /// Device id.
    pub id: &'a str,
    /// UUID of its room.
    pub classroom_id: &'a str,
    /// Of the code's secret, hexadecimal.
    pub secret_sha256: &'a str,
    /// End of the code.
    pub expires_ms: i64,
    /// Now.
    pub now_ms: i64,
}

/// The certificate that is to follow.
#[derive(Debug, Clone)]
pub struct NextRow<'a> {
    /// Device id.
    pub id: &'a str,
    /// Of the certificate in force.
    pub serial: &'a str,
    /// Of the one to follow.
    pub next_serial: &'a str,
    /// Its end.
    pub next_until_ms: i64,
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

const COLUMNS: &str = "SELECT id, classroom_id, state, serial, certificate_until_ms, next_serial,
     previous_serial, previous_until_ms FROM devices";

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
pub async fn expect(writing: &mut Writing, row: &ExpectedRow<'_>) -> Result<bool, Error> {
    sqlx::query(
        "INSERT INTO devices (id, classroom_id, state, created_ms) VALUES ($1, $2, 'pending', $3)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(row.id)
    .bind(row.classroom_id)
    .bind(row.now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("noting a box"))?;
    sqlx::query(
        "INSERT INTO enrolment_codes (secret_sha256, device_id, expires_ms)
         SELECT $1, id, $2 FROM devices
         WHERE id = $3 AND classroom_id = $4 AND state <> 'retired'",
    )
    .bind(row.secret_sha256)
    .bind(row.expires_ms)
    .bind(row.id)
    .bind(row.classroom_id)
    .execute(&mut **writing)
    .await
    .map(|noted| noted.rows_affected() == 1)
    .map_err(failed("noting an enrolment code"))
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
        "SELECT d.id, d.classroom_id, d.state, d.serial, d.certificate_until_ms, d.next_serial,
                d.previous_serial, d.previous_until_ms
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
    if !enrol_within(&mut writing, row, now_ms).await? {
        return Ok(false);
    }
    Db::commit(writing).await?;
    Ok(true)
}

/// The same within what is being written.
///
/// # Errors
/// The same.
pub async fn enrol_within(
    writing: &mut Writing,
    row: &EnrolledRow<'_>,
    now_ms: i64,
) -> Result<bool, Error> {
    let used = sqlx::query(
        "UPDATE enrolment_codes SET used_ms = $2 WHERE secret_sha256 = $1 AND used_ms IS NULL",
    )
    .bind(row.secret_sha256)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("using an enrolment code"))?;
    if used.rows_affected() != 1 {
        return Ok(false);
    }
    put_in_force(writing, row, now_ms)
        .await
        .map_err(failed("enrolling a box"))?;
    Ok(true)
}

async fn put_in_force(
    writing: &mut Writing,
    row: &EnrolledRow<'_>,
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE devices SET state = 'enrolled', serial = $2, certificate_until_ms = $3,
         enrolled_ms = $4, next_serial = NULL, previous_serial = NULL WHERE id = $1",
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
        .await?;
    note(
        writing,
        row.id,
        (row.serial, row.certificate_until_ms),
        now_ms,
    )
    .await
}

/// Notes a certificate that was made.
async fn note(
    writing: &mut Writing,
    device: &str,
    (serial, until_ms): (&str, i64),
    now_ms: i64,
) -> Result<(), sqlx::Error> {
    const NOTE: &str = "INSERT INTO certificates (serial, device_id, made_ms, until_ms)
        VALUES ($1, $2, $3, $4)";
    sqlx::query(NOTE)
        .bind(serial)
        .bind(device)
        .bind(now_ms)
        .bind(until_ms)
        .execute(&mut **writing)
        .await
        .map(drop)
}

/// The serial numbers of certificates that have not ended and are good no more, ascending.
///
/// # Errors
/// When the database fails.
pub async fn revoked(db: &Db, now_ms: i64) -> Result<Vec<String>, Error> {
    const REVOKED: &str = "SELECT c.serial FROM certificates c JOIN devices d ON d.id = c.device_id
        WHERE c.until_ms > $1 AND (d.state <> 'enrolled' OR NOT (
            c.serial = COALESCE(d.serial, '') OR c.serial = COALESCE(d.next_serial, '')
            OR (c.serial = COALESCE(d.previous_serial, '')
                AND COALESCE(d.previous_until_ms, 0) > $1)))
        ORDER BY c.serial";
    sqlx::query_scalar(REVOKED)
        .bind(now_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading which certificates are good no more"))
}

/// Notes the certificate that is to follow; `false` when the one it follows is not in force any
/// more, or the box is not in use.
///
/// # Errors
/// When the database fails.
pub async fn follow(db: &Db, row: &NextRow<'_>, now_ms: i64) -> Result<bool, Error> {
    const WHAT: &str = "noting a box's next certificate";
    const FOLLOW: &str = "UPDATE devices SET next_serial = $3, next_until_ms = $4
        WHERE id = $1 AND serial = $2 AND state = 'enrolled'";
    let mut writing = db.begin().await?;
    let done = sqlx::query(FOLLOW)
        .bind(row.id)
        .bind(row.serial)
        .bind(row.next_serial)
        .bind(row.next_until_ms)
        .execute(&mut *writing)
        .await
        .map_err(failed(WHAT))?;
    if done.rows_affected() != 1 {
        return Ok(false);
    }
    let made = (row.next_serial, row.next_until_ms);
    let noted = note(&mut writing, row.id, made, now_ms).await;
    noted.map_err(failed(WHAT))?;
    Db::commit(writing).await?;
    Ok(true)
}

/// Puts the next certificate in force; the one before is good for `previous_until_ms`. `false`
/// when it is not the next one any more, unless it is in force already.
///
/// # Errors
/// When the database fails.
pub async fn put_next_in_force(
    db: &Db,
    id: &str,
    next_serial: &str,
    previous_until_ms: i64,
) -> Result<bool, Error> {
    const IN_FORCE: &str = "UPDATE devices SET previous_serial = serial, previous_until_ms = $3,
            serial = next_serial, certificate_until_ms = next_until_ms, next_serial = NULL
        WHERE id = $1 AND next_serial = $2 AND state = 'enrolled'";
    let done = sqlx::query(IN_FORCE)
        .bind(id)
        .bind(next_serial)
        .bind(previous_until_ms)
        .execute(db.write())
        .await
        .map_err(failed("putting a certificate in force"))?;
    if done.rows_affected() == 1 {
        return Ok(true);
    }
    let row = find(db, id).await?;
    Ok(row.is_some_and(|row| row.serial.as_deref() == Some(next_serial)))
}

/// Takes a box from one state to another; `false` when it is not in the first.
///
/// # Errors
/// When the database fails.
pub async fn step(writing: &mut Writing, id: &str, from: &str, to: &str) -> Result<bool, Error> {
    sqlx::query("UPDATE devices SET state = $3 WHERE id = $1 AND state = $2")
        .bind(id)
        .bind(from)
        .bind(to)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("changing the state of a box"))
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
