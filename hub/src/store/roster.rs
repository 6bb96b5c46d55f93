//! Queries of everybody there is, and of what they are made.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// More people than a school has.
const PEOPLE_MAX: i64 = 50_000;

const ROLES: &str = "SELECT person_id, role FROM person_roles ORDER BY person_id, role";
const UNITS: &str = "SELECT id, code, name FROM units ORDER BY code";

/// Somebody as a list knows them.
#[derive(Debug, Clone, FromRow)]
pub struct StaffRow {
    /// UUID.
    pub id: String,
    /// 工号.
    pub staff_number: String,
    /// The name.
    pub name: String,
    /// The teaching unit.
    pub unit_id: Option<String>,
    /// Its name.
    pub unit: Option<String>,
    /// `active`, `suspended`, `cancelled` or `left`.
    pub standing: String,
    /// End of a suspension.
    pub suspended_until_ms: Option<i64>,
    /// Whether the account was activated: 1 or 0.
    pub activated: i64,
    /// The last sign-in.
    pub last_sign_in_ms: Option<i64>,
}

/// A role of somebody.
#[derive(Debug, Clone, FromRow)]
pub struct RoleRow {
    /// The person.
    pub person_id: String,
    /// The name of the role.
    pub role: String,
}

/// A teaching unit.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct UnitRow {
    /// UUID.
    pub id: String,
    /// Short and unique.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// Somebody as an import compares them.
#[derive(Debug, Clone, FromRow)]
pub struct KnownRow {
    /// UUID.
    pub id: String,
    /// 工号.
    pub staff_number: String,
    /// The name.
    pub name: String,
    /// The teaching unit.
    pub unit_id: Option<String>,
    /// `active`, `suspended`, `cancelled` or `left`.
    pub standing: String,
    /// How many grants they hold now or later.
    pub grants: i64,
}

/// What somebody was made.
#[derive(Debug, Clone)]
pub struct NewAppointment<'a> {
    /// Whom.
    pub person_id: &'a str,
    /// Names of roles, separated by spaces.
    pub roles_before: &'a str,
    /// The same, as of now.
    pub roles_after: &'a str,
    /// The unit before.
    pub unit_before: Option<&'a str>,
    /// The unit now.
    pub unit_after: Option<&'a str>,
    /// The paper it rests on.
    pub basis: &'a str,
    /// Who made it.
    pub decided_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

/// Everybody, by staff number.
///
/// # Errors
/// When the database fails.
pub async fn everybody(db: &Db) -> Result<Vec<StaffRow>, Error> {
    sqlx::query_as(
        "SELECT p.id, p.staff_number, p.name, p.unit_id, u.name AS unit, p.standing,
         p.suspended_until_ms,
         (SELECT COUNT(*) FROM credentials c WHERE c.person_id = p.id) AS activated,
         (SELECT MAX(s.begun_ms) FROM sessions s WHERE s.person_id = p.id) AS last_sign_in_ms
         FROM persons p LEFT JOIN units u ON u.id = p.unit_id ORDER BY p.staff_number LIMIT $1",
    )
    .bind(PEOPLE_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("listing everybody"))
}

/// The id of a staff number.
///
/// # Errors
/// When the database fails.
pub async fn id_of(db: &Db, staff_number: &str) -> Result<Option<String>, Error> {
    sqlx::query_scalar("SELECT id FROM persons WHERE staff_number = $1")
        .bind(staff_number)
        .fetch_optional(db.read())
        .await
        .map_err(failed("looking for a staff number"))
}

/// The roles of everybody.
///
/// # Errors
/// When the database fails.
pub async fn roles(db: &Db) -> Result<Vec<RoleRow>, Error> {
    sqlx::query_as(ROLES)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading everybody's roles"))
}

/// The names of the roles of everybody else in office, as of this transaction.
///
/// # Errors
/// When the database fails.
pub async fn roles_of_others(writing: &mut Writing, person_id: &str) -> Result<Vec<String>, Error> {
    sqlx::query_scalar(
        "SELECT DISTINCT r.role FROM person_roles r JOIN persons p ON p.id = r.person_id
         WHERE p.id <> $1 AND p.standing = 'active'",
    )
    .bind(person_id)
    .fetch_all(&mut **writing)
    .await
    .map_err(failed("reading the roles of the others"))
}

/// The teaching units, by code.
///
/// # Errors
/// When the database fails.
pub async fn units(db: &Db) -> Result<Vec<UnitRow>, Error> {
    sqlx::query_as(UNITS)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing the units"))
}

/// Everybody as of this transaction, by staff number.
///
/// # Errors
/// When the database fails.
pub async fn known(writing: &mut Writing, now_ms: i64) -> Result<Vec<KnownRow>, Error> {
    sqlx::query_as(
        "SELECT p.id, p.staff_number, p.name, p.unit_id, p.standing,
         (SELECT COUNT(*) FROM grants g WHERE g.person_id = p.id
          AND (g.until_ms IS NULL OR g.until_ms > $1)) AS grants
         FROM persons p ORDER BY p.staff_number LIMIT $2",
    )
    .bind(now_ms)
    .bind(PEOPLE_MAX)
    .fetch_all(&mut **writing)
    .await
    .map_err(failed("reading everybody"))
}

/// The roles of everybody as of this transaction.
///
/// # Errors
/// When the database fails.
pub async fn roles_in(writing: &mut Writing) -> Result<Vec<RoleRow>, Error> {
    sqlx::query_as(ROLES)
        .fetch_all(&mut **writing)
        .await
        .map_err(failed("reading everybody's roles"))
}

/// The teaching units as of this transaction, by code.
///
/// # Errors
/// When the database fails.
pub async fn units_in(writing: &mut Writing) -> Result<Vec<UnitRow>, Error> {
    sqlx::query_as(UNITS)
        .fetch_all(&mut **writing)
        .await
        .map_err(failed("listing the units"))
}

/// Gives somebody these roles and no others.
///
/// # Errors
/// When the database fails.
pub async fn set_roles(
    writing: &mut Writing,
    person_id: &str,
    roles: &[&str],
) -> Result<(), Error> {
    sqlx::query("DELETE FROM person_roles WHERE person_id = $1")
        .bind(person_id)
        .execute(&mut **writing)
        .await
        .map_err(failed("taking roles"))?;
    for role in roles {
        sqlx::query("INSERT INTO person_roles (person_id, role) VALUES ($1, $2)")
            .bind(person_id)
            .bind(*role)
            .execute(&mut **writing)
            .await
            .map_err(failed("giving a role"))?;
    }
    Ok(())
}

/// Puts somebody into a unit, under a name.
///
/// # Errors
/// When the database fails.
pub async fn set_unit(
    writing: &mut Writing,
    person_id: &str,
    name: &str,
    unit_id: Option<&str>,
) -> Result<(), Error> {
    sqlx::query("UPDATE persons SET name = $2, unit_id = $3 WHERE id = $1")
        .bind(person_id)
        .bind(name)
        .bind(unit_id)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("moving a person"))
}

/// Notes what somebody was made (R16).
///
/// # Errors
/// When the database fails.
pub async fn appoint(writing: &mut Writing, new: &NewAppointment<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO appointments (id, person_id, roles_before, roles_after, unit_before,
         unit_after, basis, decided_by, decided_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(new.person_id)
    .bind(new.roles_before)
    .bind(new.roles_after)
    .bind(new.unit_before)
    .bind(new.unit_after)
    .bind(new.basis)
    .bind(new.decided_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting an appointment"))
}

/// Adds somebody who has no account yet.
///
/// # Errors
/// When the staff number is taken or the database fails.
pub async fn add(
    writing: &mut Writing,
    (id, staff_number, name): (&str, &str, &str),
    unit_id: Option<&str>,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO persons (id, staff_number, name, unit_id, standing)
         VALUES ($1, $2, $3, $4, 'active')",
    )
    .bind(id)
    .bind(staff_number)
    .bind(name)
    .bind(unit_id)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("adding a person"))
}
