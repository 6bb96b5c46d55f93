//! Queries of interference with patrols, as people have noted and confirmed it (R105).

use sqlx::FromRow;

use super::{Db, Error, Writing, failed};

/// Most lines of a list.
const LISTED_MAX: i64 = 500;
/// Most troubles of one room that are kept as evidence.
const TROUBLES_MAX: i64 = 40;

/// Something that somebody noted.
#[derive(Debug, Clone, FromRow)]
pub struct InterferenceRow {
    /// UUID.
    pub id: String,
    /// Such as `GR-00001`.
    pub number: String,
    /// About whom.
    pub teacher_id: String,
    /// Their name.
    pub teacher: String,
    /// Their staff number.
    pub staff_number: String,
    /// The room.
    pub room: Option<String>,
    /// From.
    pub from_ms: Option<i64>,
    /// Until (exclusive).
    pub until_ms: Option<i64>,
    /// What happened.
    pub what: String,
    /// Numbers of lines of the trail, separated by spaces.
    pub evidence: String,
    /// What the boxes of the room had told of that time, one a line.
    pub faults: String,
    /// Who noted it.
    pub filer: String,
    /// When.
    pub filed_ms: i64,
    /// When it was withdrawn.
    pub withdrawn_ms: Option<i64>,
    /// By whom.
    pub withdrawer: Option<String>,
    /// Why.
    pub withdrawn_why: Option<String>,
}

/// Somebody who has confirmed it.
#[derive(Debug, Clone, FromRow)]
pub struct ConfirmationRow {
    /// What.
    pub interference_id: String,
    /// Who.
    pub person_id: String,
    /// Their name.
    pub person: String,
    /// When.
    pub confirmed_ms: i64,
}

/// What a box told of a span of time.
#[derive(Debug, Clone, FromRow)]
pub struct TroubleRow {
    /// Such as `camera.frozen`, or `gap.camera`.
    pub code: String,
    /// Which part, such as `cam0`.
    pub component: String,
    /// From.
    pub from_ms: i64,
    /// Until; `None` while it lasts.
    pub until_ms: Option<i64>,
}

/// Something to be noted.
#[derive(Debug, Clone)]
pub struct NewInterference<'a> {
    /// Such as `GR-00001`.
    pub number: &'a str,
    /// About whom.
    pub teacher_id: &'a str,
    /// Where.
    pub classroom_id: &'a str,
    /// From and until.
    pub span: (i64, i64),
    /// What happened.
    pub what: &'a str,
    /// Numbers of lines of the trail, separated by spaces.
    pub evidence: &'a str,
    /// What the boxes of the room had told, one a line.
    pub faults: &'a str,
    /// Who notes it.
    pub filed_by: &'a str,
    /// Now.
    pub now_ms: i64,
}

/// How many there are; the next number follows from it.
///
/// # Errors
/// When the database fails.
pub async fn count(writing: &mut Writing) -> Result<i64, Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM interferences")
        .fetch_one(&mut **writing)
        .await
        .map_err(failed("counting interferences"))
}

/// Notes one.
///
/// # Errors
/// When the database fails.
pub async fn add(writing: &mut Writing, new: &NewInterference<'_>) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO interferences (id, number, teacher_id, classroom_id, from_ms, until_ms, what,
         evidence, faults, filed_by, filed_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(uuid::Uuid::now_v7().to_string())
    .bind(new.number)
    .bind(new.teacher_id)
    .bind(new.classroom_id)
    .bind(new.span.0)
    .bind(new.span.1)
    .bind(new.what)
    .bind(new.evidence)
    .bind(new.faults)
    .bind(new.filed_by)
    .bind(new.now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("noting an interference"))
}

/// Somebody confirms it.
///
/// # Errors
/// When they did already ([`Error::is_duplicate`]) or the database fails.
pub async fn confirm(
    writing: &mut Writing,
    id: &str,
    person_id: &str,
    now_ms: i64,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO interference_confirmations (interference_id, person_id, confirmed_ms)
         VALUES ($1, $2, $3)",
    )
    .bind(id)
    .bind(person_id)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("confirming an interference"))
}

/// Withdraws it; false if it was withdrawn meanwhile.
///
/// # Errors
/// When the database fails.
pub async fn withdraw(
    writing: &mut Writing,
    id: &str,
    (by, why): (&str, &str),
    now_ms: i64,
) -> Result<bool, Error> {
    sqlx::query(
        "UPDATE interferences SET withdrawn_by = $2, withdrawn_why = $3, withdrawn_ms = $4
         WHERE id = $1 AND withdrawn_ms IS NULL",
    )
    .bind(id)
    .bind(by)
    .bind(why)
    .bind(now_ms)
    .execute(&mut **writing)
    .await
    .map(|done| done.rows_affected() == 1)
    .map_err(failed("withdrawing an interference"))
}

/// All of them, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db) -> Result<Vec<InterferenceRow>, Error> {
    sqlx::query_as(
        "SELECT i.id, i.number, i.teacher_id, t.name AS teacher, t.staff_number, c.name AS room,
         i.from_ms, i.until_ms, i.what, i.evidence, i.faults, f.name AS filer, i.filed_ms,
         i.withdrawn_ms, w.name AS withdrawer, i.withdrawn_why FROM interferences i
         JOIN persons t ON t.id = i.teacher_id JOIN persons f ON f.id = i.filed_by
         LEFT JOIN classrooms c ON c.id = i.classroom_id
         LEFT JOIN persons w ON w.id = i.withdrawn_by
         ORDER BY i.filed_ms DESC, i.id DESC LIMIT $1",
    )
    .bind(LISTED_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("listing interferences"))
}

/// Who has confirmed which, by time.
///
/// # Errors
/// When the database fails.
pub async fn confirmations(db: &Db) -> Result<Vec<ConfirmationRow>, Error> {
    sqlx::query_as(
        "SELECT k.interference_id, k.person_id, p.name AS person, k.confirmed_ms
         FROM interference_confirmations k JOIN persons p ON p.id = k.person_id
         ORDER BY k.confirmed_ms",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("listing confirmations"))
}

/// What the boxes of a room told of a span of time: faults, and stretches no camera recorded.
///
/// # Errors
/// When the database fails.
pub async fn troubles(
    db: &Db,
    classroom_id: &str,
    (from_ms, until_ms): (i64, i64),
) -> Result<Vec<TroubleRow>, Error> {
    sqlx::query_as(
        "SELECT f.code, f.component, f.opened_ms AS from_ms, f.cleared_ms AS until_ms
         FROM faults f JOIN devices d ON d.id = f.device_id WHERE d.classroom_id = $1
         AND f.opened_ms < $3 AND (f.cleared_ms IS NULL OR f.cleared_ms > $2)
         UNION ALL
         SELECT 'gap.camera', source, from_us / 1000, to_us / 1000 FROM gaps
         WHERE classroom_id = $1 AND reason = 'camera' AND from_us < $3 * 1000
         AND to_us > $2 * 1000 ORDER BY 3 LIMIT $4",
    )
    .bind(classroom_id)
    .bind(from_ms)
    .bind(until_ms)
    .bind(TROUBLES_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the troubles of a room"))
}
