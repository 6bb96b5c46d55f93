//! Queries of agreements: versions of the text, readings, signatures.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most lines of a list.
const LINES_MAX: i64 = 500;

/// When a version came into force; all that a decision needs of it.
#[derive(Debug, Clone, FromRow)]
pub struct VersionRow {
    /// Such as `1`.
    pub version: String,
    /// Since when.
    pub in_force_ms: i64,
    /// For how long an agreement on the text before still counts.
    pub grace_days: i64,
}

/// A version of the text.
#[derive(Debug, Clone, FromRow)]
pub struct TextRow {
    /// Such as `1`.
    pub version: String,
    /// The whole text.
    pub text: String,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Since when.
    pub in_force_ms: i64,
    /// For how long an agreement on the text before still counts.
    pub grace_days: i64,
    /// 负责人; empty: left blank.
    pub representative: String,
    /// 用章说明.
    pub seal_note: String,
    /// When it was published.
    pub published_ms: i64,
    /// The id of who published it; `None`: the hub, at its first start.
    pub published_by: Option<String>,
}

/// Somebody has the text open.
#[derive(Debug, Clone, FromRow)]
pub struct ReadingRow {
    /// UUID.
    pub id: String,
    /// Who.
    pub person_id: String,
    /// Which version.
    pub text_version: String,
    /// Since when.
    pub opened_ms: i64,
    /// When it was signed.
    pub used_ms: Option<i64>,
}

/// An agreement.
#[derive(Debug, Clone, FromRow)]
pub struct AgreementRow {
    /// UUID.
    pub id: String,
    /// Who signed.
    pub person_id: String,
    /// Such as `BM-00001`.
    pub number: String,
    /// `electronic` or `paper`.
    pub kind: String,
    /// Which text.
    pub text_version: String,
    /// Its SHA-256; `None` for what was filed before hashes were kept.
    pub text_sha256: Option<String>,
    /// The name as typed.
    pub typed_name: Option<String>,
    /// From where it was signed.
    pub address: Option<String>,
    /// For how long the text was open.
    pub reading_seconds: Option<i64>,
    /// 身份证号, sealed.
    pub identity_sealed: Option<String>,
    /// 负责人 of 甲方.
    pub representative: String,
    /// When 甲方 signed.
    pub school_signed_ms: Option<i64>,
    /// 用章说明.
    pub seal_note: String,
    /// When 乙方 signed.
    pub signed_ms: i64,
    /// When it was put on file.
    pub filed_ms: Option<i64>,
    /// Who entered it, of a paper.
    pub filed_by: Option<String>,
    /// When the duty ended, or a newer one took its place.
    pub ended_ms: Option<i64>,
    /// Who ended it.
    pub ended_by: Option<String>,
    /// Why.
    pub ended_why: Option<String>,
    /// The agreement that took its place.
    pub replaced_by: Option<String>,
}

/// An agreement as the register shows it.
#[derive(Debug, Clone, FromRow)]
pub struct ListedRow {
    /// The agreement.
    #[sqlx(flatten)]
    pub agreement: AgreementRow,
    /// The name of who signed.
    pub person: String,
    /// Their staff number.
    pub staff_number: String,
    /// The name of who ended it.
    pub ender: Option<String>,
}

/// Somebody who must have signed, with the agreement that lasts or, without one, the newest.
#[derive(Debug, Clone, FromRow)]
pub struct SignerRow {
    /// UUID.
    pub id: String,
    /// The name.
    pub name: String,
    /// 工号.
    pub staff_number: String,
    /// The name of the teaching unit.
    pub unit: Option<String>,
    /// The agreement's number.
    pub number: Option<String>,
    /// On which text.
    pub text_version: Option<String>,
    /// When it was signed.
    pub signed_ms: Option<i64>,
    /// When it ended.
    pub ended_ms: Option<i64>,
}

const TEXT: &str = "SELECT version, text, sha256, in_force_ms, grace_days, representative,
    seal_note, published_ms, published_by FROM agreement_texts";
const NEWEST_FIRST: &str = "ORDER BY in_force_ms DESC, published_ms DESC";
const COLUMNS: &str = "a.id, a.person_id, a.number, a.kind, a.text_version, a.text_sha256,
    a.typed_name, a.address, a.reading_seconds, a.identity_sealed, a.representative,
    a.school_signed_ms, a.seal_note, a.signed_ms, a.filed_ms, a.filed_by, a.ended_ms, a.ended_by,
    a.ended_why, a.replaced_by";

/// The version in force.
///
/// # Errors
/// When the database fails.
pub async fn version(db: &Db, now_ms: i64) -> Result<Option<VersionRow>, Error> {
    sqlx::query_as(
        "SELECT version, in_force_ms, grace_days FROM agreement_texts WHERE in_force_ms <= $1
         ORDER BY in_force_ms DESC, published_ms DESC LIMIT 1",
    )
    .bind(now_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading the version of the agreement"))
}

/// The text in force.
///
/// # Errors
/// When the database fails.
pub async fn text(db: &Db, now_ms: i64) -> Result<Option<TextRow>, Error> {
    let query = format!("{TEXT} WHERE in_force_ms <= $1 {NEWEST_FIRST} LIMIT 1");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(now_ms)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the text of the agreement"))
}

/// Every version, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn texts(db: &Db) -> Result<Vec<TextRow>, Error> {
    let query = format!("{TEXT} {NEWEST_FIRST} LIMIT $1");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing the texts of the agreement"))
}

/// How many versions there are; the next number follows from it.
///
/// # Errors
/// When the database fails.
pub async fn count_texts(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM agreement_texts")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting the texts of the agreement"))
}

/// Publishes a text.
///
/// # Errors
/// When the version is taken or the database fails.
pub async fn add_text(writing: &mut Writing, row: &TextRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO agreement_texts (version, text, sha256, in_force_ms, grace_days,
         representative, seal_note, published_ms, published_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.version)
    .bind(&row.text)
    .bind(&row.sha256)
    .bind(row.in_force_ms)
    .bind(row.grace_days)
    .bind(&row.representative)
    .bind(&row.seal_note)
    .bind(row.published_ms)
    .bind(&row.published_by)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("publishing a text of the agreement"))
}

/// Notes that somebody opened the text; what they opened before and did not sign is forgotten.
///
/// # Errors
/// When the database fails.
pub async fn open_reading(writing: &mut Writing, row: &ReadingRow) -> Result<(), Error> {
    let doing = "noting that an agreement is being read";
    sqlx::query("DELETE FROM agreement_readings WHERE person_id = $1 AND used_ms IS NULL")
        .bind(&row.person_id)
        .execute(&mut **writing)
        .await
        .map_err(failed(doing))?;
    sqlx::query(
        "INSERT INTO agreement_readings (id, person_id, text_version, opened_ms)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(&row.id)
    .bind(&row.person_id)
    .bind(&row.text_version)
    .bind(row.opened_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed(doing))
}

/// One reading.
///
/// # Errors
/// When the database fails.
pub async fn reading(db: &Db, id: &str) -> Result<Option<ReadingRow>, Error> {
    sqlx::query_as(
        "SELECT id, person_id, text_version, opened_ms, used_ms FROM agreement_readings
         WHERE id = $1",
    )
    .bind(id)
    .fetch_optional(db.read())
    .await
    .map_err(failed("looking for who is reading an agreement"))
}

/// Uses up a reading; false if it was used already.
///
/// # Errors
/// When the database fails.
pub async fn use_reading(writing: &mut Writing, id: &str, now_ms: i64) -> Result<bool, Error> {
    sqlx::query("UPDATE agreement_readings SET used_ms = $2 WHERE id = $1 AND used_ms IS NULL")
        .bind(id)
        .bind(now_ms)
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("using up a reading"))
}

/// How many agreements there are; the next number follows from it.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM agreements")
        .fetch_one(db.read())
        .await
        .map_err(failed("counting agreements"))
}

/// Whether there are still so many agreements.
///
/// # Errors
/// When the database fails.
pub async fn still_counts(writing: &mut Writing, count: i64) -> Result<bool, Error> {
    let now: Result<i64, _> = sqlx::query_scalar("SELECT COUNT(*) FROM agreements")
        .fetch_one(&mut **writing)
        .await;
    now.map(|now| now == count)
        .map_err(failed("counting agreements"))
}

/// Puts an agreement on file; the one that lasted so far is replaced by it.
///
/// # Errors
/// When the number is taken or the database fails.
pub async fn add(writing: &mut Writing, row: &AgreementRow) -> Result<(), Error> {
    sqlx::query(
        "UPDATE agreements SET ended_ms = $2, replaced_by = $3
         WHERE person_id = $1 AND ended_ms IS NULL",
    )
    .bind(&row.person_id)
    .bind(row.filed_ms)
    .bind(&row.id)
    .execute(&mut **writing)
    .await
    .map_err(failed("replacing an agreement"))?;
    sqlx::query(
        "INSERT INTO agreements (id, person_id, number, kind, text_version, text_sha256,
         typed_name, address, reading_seconds, identity_sealed, representative, school_signed_ms,
         seal_note, signed_ms, filed_ms, filed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&row.id)
    .bind(&row.person_id)
    .bind(&row.number)
    .bind(&row.kind)
    .bind(&row.text_version)
    .bind(&row.text_sha256)
    .bind(&row.typed_name)
    .bind(&row.address)
    .bind(row.reading_seconds)
    .bind(&row.identity_sealed)
    .bind(&row.representative)
    .bind(row.school_signed_ms)
    .bind(&row.seal_note)
    .bind(row.signed_ms)
    .bind(row.filed_ms)
    .bind(&row.filed_by)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("filing an agreement"))
}

/// Ends the agreement of a person that lasts; false if none does. Secrecy goes on (R39).
///
/// # Errors
/// When the database fails.
pub async fn end(
    writing: &mut Writing,
    person_id: &str,
    ended_by: &str,
    why: &str,
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE agreements SET ended_ms = $4, ended_by = $2, ended_why = $3
         WHERE person_id = $1 AND ended_ms IS NULL",
    )
    .bind(person_id)
    .bind(ended_by)
    .bind(why)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("ending an agreement"))
}

/// The agreement of a person that lasts or, without one, the newest.
///
/// # Errors
/// When the database fails.
pub async fn newest(db: &Db, person_id: &str) -> Result<Option<AgreementRow>, Error> {
    let query = format!(
        "SELECT {COLUMNS} FROM agreements a WHERE a.person_id = $1
         ORDER BY CASE WHEN a.ended_ms IS NULL THEN 0 ELSE 1 END, a.signed_ms DESC, a.id DESC
         LIMIT 1"
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(person_id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading the agreement of a person"))
}

/// One agreement.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<ListedRow>, Error> {
    let query = listed("WHERE a.id = $1");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading an agreement"))
}

/// Every agreement of a person, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_person(db: &Db, person_id: &str) -> Result<Vec<ListedRow>, Error> {
    let query = listed("WHERE a.person_id = $1 ORDER BY a.signed_ms DESC, a.id DESC LIMIT $2");
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(person_id)
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the agreements of a person"))
}

/// Every agreement, those that last first, then the newest.
///
/// # Errors
/// When the database fails.
pub async fn all(db: &Db) -> Result<Vec<ListedRow>, Error> {
    let query = listed(
        "ORDER BY CASE WHEN a.ended_ms IS NULL THEN 0 ELSE 1 END, a.signed_ms DESC, a.id DESC
         LIMIT $1",
    );
    sqlx::query_as(sqlx::AssertSqlSafe(query))
        .bind(LINES_MAX)
        .fetch_all(db.read())
        .await
        .map_err(failed("listing agreements"))
}

fn listed(which: &str) -> String {
    format!(
        "SELECT {COLUMNS}, p.name AS person, p.staff_number, e.name AS ender FROM agreements a
         JOIN persons p ON p.id = a.person_id LEFT JOIN persons e ON e.id = a.ended_by {which}"
    )
}

/// Everybody in office with one of these roles or with a permission that is not over, by staff
/// number.
///
/// # Errors
/// When the database fails.
pub async fn signers(db: &Db, roles: &[&str], now_ms: i64) -> Result<Vec<SignerRow>, Error> {
    let places: Vec<_> = (0..roles.len()).map(|n| format!("${}", n + 2)).collect();
    let query = format!(
        "SELECT p.id, p.name, p.staff_number, u.name AS unit, a.number, a.text_version,
         a.signed_ms, a.ended_ms FROM persons p LEFT JOIN units u ON u.id = p.unit_id
         LEFT JOIN agreements a ON a.id = (SELECT b.id FROM agreements b
         WHERE b.person_id = p.id ORDER BY CASE WHEN b.ended_ms IS NULL THEN 0 ELSE 1 END,
         b.signed_ms DESC, b.id DESC LIMIT 1)
         WHERE p.standing IN ('active', 'suspended') AND (EXISTS (SELECT 1 FROM person_roles r
         WHERE r.person_id = p.id AND r.role IN ({})) OR EXISTS (SELECT 1 FROM grants g
         WHERE g.person_id = p.id AND (g.until_ms IS NULL OR g.until_ms > $1)))
         ORDER BY p.staff_number",
        places.join(", ")
    );
    let query = sqlx::query_as(sqlx::AssertSqlSafe(query)).bind(now_ms);
    let bound = roles.iter().fold(query, |query, role| query.bind(*role));
    bound
        .fetch_all(db.read())
        .await
        .map_err(failed("listing who must sign"))
}
