//! Queries of accounts that nobody uses.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// An account that can be signed in to, and has not been.
#[derive(Debug, Clone, FromRow)]
pub struct UnusedRow {
    /// UUID of the person.
    pub id: String,
    /// 工号.
    pub staff_number: String,
    /// The name.
    pub name: String,
    /// The teaching unit.
    pub unit: Option<String>,
    /// The last sign-in.
    pub last_sign_in_ms: Option<i64>,
    /// When the account was started, or its password last changed.
    pub changed_ms: i64,
}

impl UnusedRow {
    /// When the account was last used for anything.
    #[must_use]
    pub fn used_ms(&self) -> i64 {
        self.changed_ms
            .max(self.last_sign_in_ms.unwrap_or(i64::MIN))
    }
}

/// Who has a role and an account that can be signed in to.
#[derive(Debug, Clone, FromRow)]
pub struct HolderRow {
    /// The person.
    pub person_id: String,
    /// The name of the role.
    pub role: String,
}

/// An account counts while its owner is in office.
const UNUSED: &str = "FROM persons p JOIN credentials c ON c.person_id = p.id
    LEFT JOIN units u ON u.id = p.unit_id
    WHERE p.standing IN ('active', 'suspended') AND c.password_changed_ms <= $1
    AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.person_id = p.id AND s.begun_ms > $1)";

const HOLDERS: &str = "SELECT r.person_id, r.role FROM person_roles r
    JOIN persons p ON p.id = r.person_id JOIN credentials c ON c.person_id = p.id
    WHERE p.standing = 'active' ORDER BY r.person_id, r.role";

/// Accounts without a use since `since_ms`, by staff number.
///
/// # Errors
/// When the database fails.
pub async fn unused(db: &Db, since_ms: i64) -> Result<Vec<UnusedRow>, Error> {
    let sql = format!(
        "SELECT p.id, p.staff_number, p.name, u.name AS unit, c.password_changed_ms AS changed_ms,
         (SELECT MAX(s.begun_ms) FROM sessions s WHERE s.person_id = p.id) AS last_sign_in_ms
         {UNUSED} ORDER BY p.staff_number"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(since_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("looking for unused accounts"))
}

/// Whether an account is still without a use since `since_ms`, as of this transaction.
///
/// # Errors
/// When the database fails.
pub async fn is_unused(
    writing: &mut Writing,
    person_id: &str,
    since_ms: i64,
) -> Result<bool, Error> {
    let sql = format!("SELECT COUNT(*) {UNUSED} AND p.id = $2");
    let count: Result<i64, _> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(since_ms)
        .bind(person_id)
        .fetch_one(&mut **writing)
        .await;
    count
        .map(|count| count > 0)
        .map_err(failed("looking at an unused account"))
}

/// Who could act in which role.
///
/// # Errors
/// When the database fails.
pub async fn holders(db: &Db) -> Result<Vec<HolderRow>, Error> {
    sqlx::query_as(HOLDERS)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading who could act"))
}

/// The same, as of this transaction.
///
/// # Errors
/// When the database fails.
pub async fn holders_in(writing: &mut Writing) -> Result<Vec<HolderRow>, Error> {
    sqlx::query_as(HOLDERS)
        .fetch_all(&mut **writing)
        .await
        .map_err(failed("reading who could act"))
}

/// Takes everything away by which somebody signs in. The password may not come back (R29), and
/// start codes that are still about are void.
///
/// # Errors
/// When the database fails.
pub async fn disable(writing: &mut Writing, person_id: &str, now_ms: i64) -> Result<(), Error> {
    let with_time = [
        "INSERT INTO past_passwords (person_id, password_hash, replaced_ms)
         SELECT person_id, password_hash, $2 FROM credentials WHERE person_id = $1
         ON CONFLICT (person_id, password_hash) DO NOTHING",
        "UPDATE start_codes SET void_ms = $2
         WHERE person_id = $1 AND used_ms IS NULL AND void_ms IS NULL",
    ];
    for sql in with_time {
        let query = sqlx::query(sql).bind(person_id).bind(now_ms);
        let done = query.execute(&mut **writing).await;
        done.map_err(failed("disabling an account"))?;
    }
    for sql in [
        "DELETE FROM credentials WHERE person_id = $1",
        "DELETE FROM passkeys WHERE person_id = $1",
        "DELETE FROM recovery_codes WHERE person_id = $1",
        "DELETE FROM authenticator_changes WHERE person_id = $1",
        "DELETE FROM start_requests WHERE person_id = $1",
    ] {
        let done = sqlx::query(sql).bind(person_id).execute(&mut **writing);
        done.await.map_err(failed("disabling an account"))?;
    }
    Ok(())
}
