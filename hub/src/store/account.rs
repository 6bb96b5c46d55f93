//! Queries of accounts: past passwords, recovery codes, changes of the authenticator.

use super::{Db, Error, Writing, failed};

/// A password that its owner proved, replaced by another; false if it was replaced meanwhile. The
/// old one is kept among the `kept` newest that may not come back.
///
/// # Errors
/// When the database fails.
pub async fn replace_password(
    writing: &mut Writing,
    person_id: &str,
    (old_hash, new_hash): (&str, &str),
    kept: i64,
    now_ms: i64,
) -> Result<bool, Error> {
    let changed = sqlx::query(
        "UPDATE credentials SET password_hash = $3, password_changed_ms = $4
         WHERE person_id = $1 AND password_hash = $2",
    )
    .bind(person_id)
    .bind(old_hash)
    .bind(new_hash)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map_err(failed("changing a password"))?;
    if changed.rows_affected() == 0 {
        return Ok(false);
    }
    keep_password(writing, person_id, old_hash, now_ms).await?;
    sqlx::query(
        "DELETE FROM past_passwords WHERE person_id = $1 AND password_hash NOT IN (
         SELECT password_hash FROM past_passwords WHERE person_id = $1
         ORDER BY replaced_ms DESC LIMIT $2)",
    )
    .bind(person_id)
    .bind(kept)
    .execute(&mut **writing)
    .await
    .map(|_| true)
    .map_err(failed("forgetting old passwords"))
}

async fn keep_password(
    writing: &mut Writing,
    person_id: &str,
    password_hash: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO past_passwords (person_id, password_hash, replaced_ms) VALUES ($1, $2, $3)
         ON CONFLICT (person_id, password_hash) DO NOTHING",
    )
    .bind(person_id)
    .bind(password_hash)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("keeping an old password"))
}

/// The passwords that may not come back, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn past_passwords(db: &Db, person_id: &str, limit: i64) -> Result<Vec<String>, Error> {
    sqlx::query_scalar(
        "SELECT password_hash FROM past_passwords WHERE person_id = $1
         ORDER BY replaced_ms DESC LIMIT $2",
    )
    .bind(person_id)
    .bind(limit)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading old passwords"))
}

/// Takes away everything somebody signs in with; the password stays among those that may not come
/// back.
///
/// # Errors
/// When the database fails.
pub async fn close(writing: &mut Writing, person_id: &str, now_ms: i64) -> Result<(), Error> {
    let hash: Result<Option<String>, _> =
        sqlx::query_scalar("SELECT password_hash FROM credentials WHERE person_id = $1")
            .bind(person_id)
            .fetch_optional(&mut **writing)
            .await;
    let hash = hash.map_err(failed("reading a password"))?;
    if let Some(hash) = hash {
        keep_password(writing, person_id, &hash, now_ms).await?;
    }
    for statement in [
        "DELETE FROM credentials WHERE person_id = $1",
        "DELETE FROM recovery_codes WHERE person_id = $1",
        "DELETE FROM authenticator_changes WHERE person_id = $1",
        "DELETE FROM passkeys WHERE person_id = $1",
        "DELETE FROM start_requests WHERE person_id = $1",
    ] {
        sqlx::query(statement)
            .bind(person_id)
            .execute(&mut **writing)
            .await
            .map_err(failed("closing an account"))?;
    }
    Ok(())
}

/// A first password and second factor.
///
/// # Errors
/// When the person has some already, or the database fails.
pub async fn add_credential(
    writing: &mut Writing,
    person_id: &str,
    password_hash: &str,
    (totp_sealed, totp_step): (&str, i64),
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO credentials (person_id, password_hash, password_changed_ms, totp_sealed,
         totp_step) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(person_id)
    .bind(password_hash)
    .bind(now_ms)
    .bind(totp_sealed)
    .bind(totp_step)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("adding a credential"))
}

/// Gives somebody new recovery codes in place of all earlier ones.
///
/// # Errors
/// When the database fails.
pub async fn set_recovery_codes(
    writing: &mut Writing,
    person_id: &str,
    code_hashes: &[String],
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query("DELETE FROM recovery_codes WHERE person_id = $1")
        .bind(person_id)
        .execute(&mut **writing)
        .await
        .map_err(failed("taking recovery codes away"))?;
    for code_hash in code_hashes {
        sqlx::query(
            "INSERT INTO recovery_codes (code_hash, person_id, made_ms) VALUES ($1, $2, $3)",
        )
        .bind(code_hash)
        .bind(person_id)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map_err(failed("adding a recovery code"))?;
    }
    Ok(())
}

/// Uses up a recovery code; false if it is none of this person's or was used.
///
/// # Errors
/// When the database fails.
pub async fn use_recovery_code(
    db: &Db,
    person_id: &str,
    code_hash: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE recovery_codes SET used_ms = $3
         WHERE code_hash = $2 AND person_id = $1 AND used_ms IS NULL",
    )
    .bind(person_id)
    .bind(code_hash)
    .bind(now_ms)
    .execute(db.write())
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("using up a recovery code"))
}

/// How many recovery codes somebody has left.
///
/// # Errors
/// When the database fails.
pub async fn recovery_codes_left(db: &Db, person_id: &str) -> Result<i64, Error> {
    sqlx::query_scalar(
        "SELECT COUNT(*) FROM recovery_codes WHERE person_id = $1 AND used_ms IS NULL",
    )
    .bind(person_id)
    .fetch_one(db.read())
    .await
    .map_err(failed("counting recovery codes"))
}

/// Begins the change of the authenticator anew.
///
/// # Errors
/// When the database fails.
pub async fn begin_change(
    db: &Db,
    person_id: &str,
    totp_sealed: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO authenticator_changes (person_id, totp_sealed, begun_ms) VALUES ($1, $2, $3)
         ON CONFLICT (person_id) DO UPDATE SET totp_sealed = excluded.totp_sealed,
         begun_ms = excluded.begun_ms",
    )
    .bind(person_id)
    .bind(totp_sealed)
    .bind(now_ms)
    .execute(db.write())
    .await
    .map(drop)
    .map_err(failed("beginning to change an authenticator"))
}

/// The new second factor of a change begun after `since_ms`, sealed.
///
/// # Errors
/// When the database fails.
pub async fn change(db: &Db, person_id: &str, since_ms: i64) -> Result<Option<String>, Error> {
    sqlx::query_scalar(
        "SELECT totp_sealed FROM authenticator_changes WHERE person_id = $1 AND begun_ms > $2",
    )
    .bind(person_id)
    .bind(since_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading a change of the authenticator"))
}

/// Ends a change: the new second factor is the only one. False if the change is gone.
///
/// # Errors
/// When the database fails.
pub async fn end_change(
    writing: &mut Writing,
    person_id: &str,
    totp_sealed: &str,
    step: i64,
) -> Result<bool, Error> {
    let ended =
        sqlx::query("DELETE FROM authenticator_changes WHERE person_id = $1 AND totp_sealed = $2")
            .bind(person_id)
            .bind(totp_sealed)
            .execute(&mut **writing)
            .await
            .map_err(failed("ending a change of the authenticator"))?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("UPDATE credentials SET totp_sealed = $2, totp_step = $3 WHERE person_id = $1")
        .bind(person_id)
        .bind(totp_sealed)
        .bind(step)
        .execute(&mut **writing)
        .await
        .map(|_| true)
        .map_err(failed("changing an authenticator"))
}
