//! Queries of applications, of what became of them, and of the ledger of grants.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most lines of a list.
const LINES_MAX: i64 = 500;

/// An application as filed.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ApplicationRow {
    /// UUID.
    pub id: String,
    /// Such as `SQ-00001`.
    pub number: String,
    /// Who filed it.
    pub applicant_id: String,
    /// For whom.
    pub beneficiary_id: String,
    /// The number of the level.
    pub level: i64,
    /// The unit, where the level reaches one unit only.
    pub unit_id: Option<String>,
    /// Why.
    pub reason: String,
    /// Whether classes with minors are asked for too: 1 or 0.
    pub minors: i64,
    /// Why those; empty where they are not.
    pub minors_reason: String,
    /// From.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// When it was filed.
    pub filed_ms: i64,
    /// `filed`, `opened` or `refused`.
    pub state: String,
}

/// An application as a list shows it.
#[derive(Debug, Clone, FromRow)]
pub struct ListedRow {
    /// The application.
    #[sqlx(flatten)]
    pub application: ApplicationRow,
    /// The name of the applicant.
    pub applicant: String,
    /// The name of the beneficiary.
    pub beneficiary: String,
    /// Their staff number.
    pub staff_number: String,
    /// The name of the unit.
    pub unit: Option<String>,
    /// On which text the beneficiary has an agreement that lasts.
    pub signature_version: Option<String>,
    /// When it was signed.
    pub signature_ms: Option<i64>,
    /// When it was decided.
    pub decided_ms: Option<i64>,
    /// Who decided.
    pub decider: Option<String>,
    /// Why it was refused.
    pub answer: Option<String>,
    /// The end of the grant that came of it.
    pub ends_ms: Option<i64>,
    /// When that grant was taken back.
    pub revoked_ms: Option<i64>,
}

/// A line of the ledger (R26).
#[derive(Debug, Clone, FromRow)]
pub struct LedgerRow {
    /// UUID of the grant.
    pub id: String,
    /// Who holds it.
    pub person_id: String,
    /// Their name.
    pub person: String,
    /// Their staff number.
    pub staff_number: String,
    /// The number of the level.
    pub level: i64,
    /// The name of the unit.
    pub unit: Option<String>,
    /// Whether classes with minors are included: 1 or 0.
    pub minors: i64,
    /// By which application.
    pub application: String,
    /// Who opened it.
    pub opener: String,
    /// In force from.
    pub from_ms: i64,
    /// In force until.
    pub until_ms: Option<i64>,
    /// On which text the holder has an agreement that lasts.
    pub signature_version: Option<String>,
    /// When it was signed.
    pub signature_ms: Option<i64>,
    /// When it was taken back.
    pub revoked_ms: Option<i64>,
    /// By whom.
    pub revoker: Option<String>,
    /// Why.
    pub revoked_why: Option<String>,
}

/// Somebody for whom an application may be filed.
#[derive(Debug, Clone, FromRow)]
pub struct CandidateRow {
    /// UUID.
    pub id: String,
    /// The name.
    pub name: String,
    /// 工号.
    pub staff_number: String,
    /// The teaching unit.
    pub unit_id: Option<String>,
    /// Its name.
    pub unit: Option<String>,
}

/// How many applications there are; the next number follows from it.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM applications")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting applications"))
}

/// Files an application.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn file(writing: &mut Writing, row: &ApplicationRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO applications (id, number, applicant_id, beneficiary_id, level, unit_id,
         reason, minors, minors_reason, from_ms, until_ms, filed_ms, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(&row.id)
    .bind(&row.number)
    .bind(&row.applicant_id)
    .bind(&row.beneficiary_id)
    .bind(row.level)
    .bind(&row.unit_id)
    .bind(&row.reason)
    .bind(row.minors)
    .bind(&row.minors_reason)
    .bind(row.from_ms)
    .bind(row.until_ms)
    .bind(row.filed_ms)
    .bind(&row.state)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("filing an application"))
}

/// One application.
///
/// # Errors
/// When the database fails.
pub async fn application(db: &Db, id: &str) -> Result<Option<ApplicationRow>, Error> {
    sqlx::query_as(
        "SELECT id, number, applicant_id, beneficiary_id, level, unit_id, reason, minors,
         minors_reason, from_ms, until_ms, filed_ms, state FROM applications WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading an application"))
}

/// Decides an application that waits; false if it was decided meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn decide(
    writing: &mut Writing,
    id: &str,
    (state, answer): (&str, Option<&str>),
    decided_by: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE applications SET state = $2, answer = $3, decided_by = $4, decided_ms = $5
         WHERE id = $1 AND state = 'filed'",
    )
    .bind(id)
    .bind(state)
    .bind(answer)
    .bind(decided_by)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("deciding an application"))
}

/// Ends what somebody holds when something new begins: one person holds one permission.
///
/// # Errors
/// When the database fails.
pub async fn give_way(writing: &mut Writing, person_id: &str, from_ms: i64) -> Result<(), Error> {
    sqlx::query(
        "UPDATE grants SET until_ms = CASE WHEN from_ms > $2 THEN from_ms ELSE $2 END
         WHERE person_id = $1 AND (until_ms IS NULL OR until_ms > $2)",
    )
    .bind(person_id)
    .bind(from_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("ending an older grant"))
}

/// Takes a grant back that still lasts; false if it is over already.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    writing: &mut Writing,
    id: &str,
    revoked_by: &str,
    why: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE grants SET until_ms = CASE WHEN from_ms > $4 THEN from_ms ELSE $4 END,
         revoked_ms = $4, revoked_by = $2, revoked_why = $3
         WHERE id = $1 AND revoked_ms IS NULL AND (until_ms IS NULL OR until_ms > $4)",
    )
    .bind(id)
    .bind(revoked_by)
    .bind(why)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("taking a grant back"))
}

/// Applications, those that wait first, then newest first.
///
/// # Errors
/// When the database fails.
pub async fn applications(db: &Db) -> Result<Vec<ListedRow>, Error> {
    sqlx::query_as(
        "SELECT a.id, a.number, a.applicant_id, a.beneficiary_id, a.level, a.unit_id, a.reason,
         a.minors, a.minors_reason, a.from_ms, a.until_ms, a.filed_ms, a.state, a.decided_ms,
         a.answer, f.name AS applicant, b.name AS beneficiary, b.staff_number, u.name AS unit,
         d.name AS decider, g.until_ms AS ends_ms, g.revoked_ms,
         s.text_version AS signature_version, s.signed_ms AS signature_ms
         FROM applications a JOIN persons f ON f.id = a.applicant_id
         JOIN persons b ON b.id = a.beneficiary_id
         LEFT JOIN persons d ON d.id = a.decided_by LEFT JOIN units u ON u.id = a.unit_id
         LEFT JOIN grants g ON g.application = a.number
         LEFT JOIN agreements s ON s.person_id = a.beneficiary_id AND s.ended_ms IS NULL
         ORDER BY CASE a.state WHEN 'filed' THEN 0 ELSE 1 END, a.filed_ms DESC, a.id DESC
         LIMIT $1",
    )
    .bind(LINES_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("listing applications"))
}

const LEDGER: &str = "SELECT g.id, g.person_id, p.name AS person, p.staff_number, g.level,
    u.name AS unit, g.minors, g.application, o.name AS opener, g.from_ms, g.until_ms, g.revoked_ms,
    r.name AS revoker, g.revoked_why,
    s.text_version AS signature_version, s.signed_ms AS signature_ms
    FROM grants g JOIN persons p ON p.id = g.person_id JOIN persons o ON o.id = g.opened_by
    LEFT JOIN units u ON u.id = g.unit_id LEFT JOIN persons r ON r.id = g.revoked_by
    LEFT JOIN agreements s ON s.person_id = g.person_id AND s.ended_ms IS NULL";

/// Every grant, by staff number, the newest of a person first (R26).
///
/// # Errors
/// When the database fails.
pub async fn ledger(db: &Db) -> Result<Vec<LedgerRow>, Error> {
    let query = format!("{LEDGER} ORDER BY p.staff_number, g.from_ms DESC, g.id DESC LIMIT $1");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the ledger"))
}

/// One grant.
///
/// # Errors
/// When the database fails.
pub async fn grant(db: &Db, id: &str) -> Result<Option<LedgerRow>, Error> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LEDGER} WHERE g.id = $1")))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a grant"))
}

/// Everybody in office, by staff number.
///
/// # Errors
/// When the database fails.
pub async fn candidates(db: &Db) -> Result<Vec<CandidateRow>, Error> {
    sqlx::query_as(
        "SELECT p.id, p.name, p.staff_number, p.unit_id, u.name AS unit FROM persons p
         LEFT JOIN units u ON u.id = p.unit_id WHERE p.standing = 'active'
         ORDER BY p.staff_number",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("listing people"))
}

/// The last day (exclusive) of the term that runs at a day: days since the epoch.
///
/// # Errors
/// When the database fails.
pub async fn term_end(db: &Db, day: i64) -> Result<Option<i64>, Error> {
    sqlx::query_scalar(
        "SELECT week_one + weeks * 7 FROM terms WHERE week_one + weeks * 7 > $1
         ORDER BY week_one LIMIT 1",
    )
    .bind(day)
    .fetch_optional(db.read())
    .await
    .map_err(failed("looking for the end of the term"))
}
