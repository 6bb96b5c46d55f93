//! Queries of persons, roles, credentials, agreements and grants.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// A person.
#[derive(Debug, Clone, FromRow)]
pub struct PersonRow {
    /// UUID.
    pub id: String,
    /// 工号, also the login.
    pub staff_number: String,
    /// The name.
    pub name: String,
    /// The teaching unit, if any.
    pub unit_id: Option<String>,
    /// Its name.
    pub unit: Option<String>,
    /// `active`, `suspended`, `cancelled` or `left`.
    pub standing: String,
    /// End of a suspension.
    pub suspended_until_ms: Option<i64>,
    /// When the password was last changed; 0 while there is none, so that it counts as expired.
    pub password_changed_ms: i64,
}

/// What proves who somebody is.
#[derive(Clone, FromRow)]
pub struct CredentialRow {
    /// The person.
    pub person_id: String,
    /// In PHC form.
    pub password_hash: String,
    /// When it was last changed.
    pub password_changed_ms: i64,
    /// Sealed, base64.
    pub totp_sealed: String,
    /// The last time step that was used.
    pub totp_step: i64,
}

/// What was signed.
#[derive(Debug, Clone, FromRow)]
pub struct SignatureRow {
    /// Which version of the text.
    pub text_version: String,
    /// Since when.
    pub signed_ms: i64,
    /// Since when no longer.
    pub ended_ms: Option<i64>,
}

/// A standing right.
#[derive(Debug, Clone, FromRow)]
pub struct GrantRow {
    /// 1, 2 or 3.
    pub level: i64,
    /// The unit of level 2.
    pub unit_id: Option<String>,
    /// In force from.
    pub from_ms: i64,
    /// In force until.
    pub until_ms: Option<i64>,
    /// Whether classes with minors are included: 1 or 0.
    pub minors: i64,
}

/// One person.
///
/// # Errors
/// When the database fails.
pub async fn person(db: &Db, id: &str) -> Result<Option<PersonRow>, Error> {
    sqlx::query_as(
        "SELECT p.id, p.staff_number, p.name, p.unit_id, u.name AS unit, p.standing,
         p.suspended_until_ms, COALESCE(c.password_changed_ms, 0) AS password_changed_ms
         FROM persons p LEFT JOIN credentials c ON c.person_id = p.id
         LEFT JOIN units u ON u.id = p.unit_id WHERE p.id = $1",
    )
    .bind(id)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading a person"))
}

/// The roles of a person.
///
/// # Errors
/// When the database fails.
pub async fn roles(db: &Db, person_id: &str) -> Result<Vec<String>, Error> {
    sqlx::query_scalar("SELECT role FROM person_roles WHERE person_id = $1 ORDER BY role")
        .bind(person_id)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the roles of a person"))
}

/// The heads of a person's unit, as of now.
///
/// # Errors
/// When the database fails.
pub async fn heads(db: &Db, person_id: &str) -> Result<Vec<String>, Error> {
    sqlx::query_scalar(
        "SELECT h.id FROM persons p JOIN persons h ON h.unit_id = p.unit_id
         JOIN person_roles r ON r.person_id = h.id AND r.role = 'unit_leader' WHERE p.id = $1",
    )
    .bind(person_id)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the heads of a unit"))
}

/// Every role anybody has, with the staff number of somebody who has it.
///
/// # Errors
/// When the database fails.
pub async fn roles_held(db: &Db) -> Result<Vec<(String, String)>, Error> {
    sqlx::query_as(
        "SELECT r.role, MIN(p.staff_number) FROM person_roles r
         JOIN persons p ON p.id = r.person_id GROUP BY r.role ORDER BY r.role",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("reading which roles there are"))
}

/// The agreement that lasts or, without one, that signed last.
///
/// # Errors
/// When the database fails.
pub async fn signature(db: &Db, person_id: &str) -> Result<Option<SignatureRow>, Error> {
    sqlx::query_as(
        "SELECT text_version, signed_ms, ended_ms FROM agreements WHERE person_id = $1
         ORDER BY CASE WHEN ended_ms IS NULL THEN 0 ELSE 1 END, signed_ms DESC, id DESC LIMIT 1",
    )
    .bind(person_id)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading the agreement of a person"))
}

/// The grant that began last, or else the first that will begin. One that ended before it began
/// never was.
///
/// # Errors
/// When the database fails.
pub async fn grant(db: &Db, person_id: &str, now_ms: i64) -> Result<Option<GrantRow>, Error> {
    sqlx::query_as(
        "SELECT level, unit_id, from_ms, until_ms, minors FROM grants
         WHERE person_id = $1 AND (until_ms IS NULL OR until_ms > from_ms)
         ORDER BY CASE WHEN from_ms <= $2 THEN 0 ELSE 1 END,
         CASE WHEN from_ms <= $2 THEN -from_ms ELSE from_ms END, id DESC LIMIT 1",
    )
    .bind(person_id)
    .bind(now_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading the grant of a person"))
}

/// The credential of a login (the staff number).
///
/// # Errors
/// When the database fails.
pub async fn credential(db: &Db, login: &str) -> Result<Option<CredentialRow>, Error> {
    sqlx::query_as(
        "SELECT c.* FROM credentials c JOIN persons p ON p.id = c.person_id
         WHERE p.staff_number = $1",
    )
    .bind(login)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading a credential"))
}

/// Uses up a time step; false if it or a later one was used already.
///
/// # Errors
/// When the database fails.
pub async fn use_totp_step(db: &Db, person_id: &str, step: i64) -> Result<bool, Error> {
    sqlx::query("UPDATE credentials SET totp_step = $2 WHERE person_id = $1 AND totp_step < $2")
        .bind(person_id)
        .bind(step)
        .execute(db.write())
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("using up a one-time code"))
}

/// Whether nobody is there yet.
///
/// # Errors
/// When the database fails.
pub async fn nobody(db: &Db) -> Result<bool, Error> {
    let count: Result<i64, _> = sqlx::query_scalar("SELECT COUNT(*) FROM persons")
        .fetch_one(db.read())
        .await;
    count
        .map(|count| count == 0)
        .map_err(failed("counting persons"))
}

/// A person to be added, with the roles.
#[derive(Clone)]
pub struct NewPerson<'a> {
    /// UUID.
    pub id: &'a str,
    /// 工号.
    pub staff_number: &'a str,
    /// The name.
    pub name: &'a str,
    /// The teaching unit.
    pub unit_id: Option<&'a str>,
    /// The names of the roles.
    pub roles: &'a [&'a str],
    /// In PHC form.
    pub password_hash: &'a str,
    /// Sealed, base64.
    pub totp_sealed: &'a str,
    /// Now.
    pub now_ms: i64,
}

/// Adds a person in office with roles and a credential.
///
/// # Errors
/// When the staff number is taken or the database fails.
pub async fn add_person(writing: &mut Writing, new: &NewPerson<'_>) -> Result<(), Error> {
    let person = sqlx::query(
        "INSERT INTO persons (id, staff_number, name, unit_id, standing)
         VALUES ($1, $2, $3, $4, 'active')",
    )
    .bind(new.id)
    .bind(new.staff_number)
    .bind(new.name)
    .bind(new.unit_id);
    person
        .execute(&mut **writing)
        .await
        .map_err(failed("adding a person"))?;
    for role in new.roles {
        let role = sqlx::query("INSERT INTO person_roles (person_id, role) VALUES ($1, $2)")
            .bind(new.id)
            .bind(*role);
        role.execute(&mut **writing)
            .await
            .map_err(failed("adding a role"))?;
    }
    let credential = sqlx::query(
        "INSERT INTO credentials (person_id, password_hash, password_changed_ms, totp_sealed,
         totp_step) VALUES ($1, $2, $3, $4, 0)",
    )
    .bind(new.id)
    .bind(new.password_hash)
    .bind(new.now_ms)
    .bind(new.totp_sealed);
    credential
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("adding a credential"))
}

/// Puts a signed agreement on file.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn add_agreement(
    writing: &mut Writing,
    person_id: &str,
    number: &str,
    signed_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO agreements (id, person_id, number, text_version, signed_ms)
         VALUES ($1, $2, $3, '1', $4)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(person_id)
    .bind(number)
    .bind(signed_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("filing an agreement"))
}

/// Opens a grant on an application of Academic Affairs (R17, R18).
///
/// # Errors
/// When the database fails.
pub async fn add_grant(
    writing: &mut Writing,
    person_id: &str,
    grant: &GrantRow,
    application: &str,
    opened_by: &str,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO grants (id, person_id, level, unit_id, application, opened_by, from_ms,
         until_ms, minors) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(person_id)
    .bind(grant.level)
    .bind(&grant.unit_id)
    .bind(application)
    .bind(opened_by)
    .bind(grant.from_ms)
    .bind(grant.until_ms)
    .bind(grant.minors)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("opening a grant"))
}

/// Changes a standing, until sanctions have a room of their own.
#[cfg(test)]
pub(crate) async fn set_standing(db: &Db, person_id: &str, standing: &str) {
    sqlx::query("UPDATE persons SET standing = $2 WHERE id = $1")
        .bind(person_id)
        .bind(standing)
        .execute(db.write())
        .await
        .unwrap();
}
