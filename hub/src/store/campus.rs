//! Queries of units, buildings, classrooms, the calendar and lessons.

use sqlx::FromRow;

use super::{Db, Error, Writing, failed, placeholders};

/// A classroom with the names around it.
#[derive(Debug, Clone, FromRow)]
pub struct ClassroomRow {
    /// UUID.
    pub id: String,
    /// Such as `博学楼101`.
    pub name: String,
    /// The building's name.
    pub building: String,
    /// The owning unit.
    pub unit_id: String,
    /// Its name.
    pub unit: String,
    /// Whether there are minors in its classes: 1 or 0.
    pub minors: i64,
}

/// A picture source of a classroom.
#[derive(Debug, Clone, FromRow)]
pub struct SourceRow {
    /// The classroom.
    pub classroom_id: String,
    /// Such as `cam0`.
    pub name: String,
    /// Such as `教师全景`.
    pub title: String,
}

/// A lesson: one course in one room on one day.
#[derive(Debug, Clone, FromRow)]
pub struct LessonRow {
    /// UUID.
    pub id: String,
    /// The term it belongs to.
    pub term_id: String,
    /// Where.
    pub classroom_id: String,
    /// The unit that runs the course.
    pub unit_id: String,
    /// The teacher's person, if known.
    pub teacher_id: Option<String>,
    /// The teacher's name.
    pub teacher: String,
    /// The course.
    pub course: String,
    /// Class groups, one a line.
    pub class_groups: String,
    /// Days since the epoch, Asia/Shanghai.
    pub day: i64,
    /// First period.
    pub period_from: i64,
    /// Last period.
    pub period_to: i64,
    /// Begin.
    pub start_ms: i64,
    /// End.
    pub end_ms: i64,
    /// How many are due.
    pub due_count: i64,
    /// Whether there are minors in the class: 1 or 0.
    pub minors: i64,
    /// 课程号; empty where it is not known.
    pub course_code: String,
    /// 教学班; empty where it is not known.
    pub teaching_class: String,
}

/// A term.
#[derive(Debug, Clone, FromRow)]
pub struct TermRow {
    /// UUID.
    pub id: String,
    /// Such as `2026-2027`.
    pub school_year: String,
    /// 1, 2 or 3.
    pub number: i64,
    /// The Monday of week 1, days since the epoch.
    pub week_one: i64,
    /// How many weeks it has.
    pub weeks: i64,
}

/// A period of the day (节).
#[derive(Debug, Clone, FromRow)]
pub struct PeriodRow {
    /// Its number.
    pub number: i64,
    /// Begin, minutes after midnight.
    pub start_minute: i64,
    /// End.
    pub end_minute: i64,
}

pub(super) const CLASSROOMS: &str =
    "SELECT c.id, c.name, b.name AS building, c.unit_id, u.name AS unit,
    c.minors
    FROM classrooms c JOIN buildings b ON b.id = c.building_id JOIN units u ON u.id = c.unit_id
    ORDER BY b.name, c.name";
const CLASSROOM: &str = "SELECT c.id, c.name, b.name AS building, c.unit_id, u.name AS unit,
    c.minors
    FROM classrooms c JOIN buildings b ON b.id = c.building_id JOIN units u ON u.id = c.unit_id
    WHERE c.id = $1";

/// Every classroom, by building and name.
///
/// # Errors
/// When the database fails.
pub async fn classrooms(db: &Db) -> Result<Vec<ClassroomRow>, Error> {
    let rows = sqlx::query_as(CLASSROOMS).fetch_all(db.read()).await;
    rows.map_err(failed("reading the classrooms"))
}

/// One classroom.
///
/// # Errors
/// When the database fails.
pub async fn classroom(db: &Db, id: &str) -> Result<Option<ClassroomRow>, Error> {
    let row = sqlx::query_as(CLASSROOM)
        .bind(id)
        .fetch_optional(db.read())
        .await;
    row.map_err(failed("reading a classroom"))
}

/// The picture sources of every classroom.
///
/// # Errors
/// When the database fails.
pub async fn sources(db: &Db) -> Result<Vec<SourceRow>, Error> {
    sqlx::query_as("SELECT classroom_id, name, title FROM classroom_sources ORDER BY name")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the sources of classrooms"))
}

/// Lessons that overlap `from_ms..to_ms`, by time.
///
/// # Errors
/// When the database fails.
pub async fn lessons(db: &Db, from_ms: i64, to_ms: i64) -> Result<Vec<LessonRow>, Error> {
    sqlx::query_as("SELECT * FROM lessons WHERE start_ms < $2 AND end_ms > $1 ORDER BY start_ms")
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading lessons"))
}

/// Whether any room has a lesson that begins in `from_ms..to_ms`.
///
/// # Errors
/// When the database fails.
pub async fn any_lesson(db: &Db, from_ms: i64, to_ms: i64) -> Result<bool, Error> {
    let found: Result<Option<i64>, _> = sqlx::query_scalar(
        "SELECT start_ms FROM lessons WHERE start_ms >= $1 AND start_ms < $2 LIMIT 1",
    )
    .bind(from_ms)
    .bind(to_ms)
    .fetch_optional(db.read())
    .await;
    found
        .map(|found| found.is_some())
        .map_err(failed("looking for a lesson of the day"))
}

/// The lesson in a room at a moment.
///
/// # Errors
/// When the database fails.
pub async fn lesson_at(
    db: &Db,
    classroom_id: &str,
    at_ms: i64,
) -> Result<Option<LessonRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM lessons WHERE classroom_id = $1 AND start_ms <= $2 AND end_ms > $2
         ORDER BY start_ms LIMIT 1",
    )
    .bind(classroom_id)
    .bind(at_ms)
    .fetch_optional(db.read())
    .await
    .map_err(failed("reading the lesson of a room"))
}

/// Lessons of a room that overlap `from_ms..to_ms`, by time.
///
/// # Errors
/// When the database fails.
pub async fn lessons_of_room(
    db: &Db,
    classroom_id: &str,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<LessonRow>, Error> {
    sqlx::query_as(
        "SELECT * FROM lessons WHERE classroom_id = $1 AND start_ms < $3 AND end_ms > $2
         ORDER BY start_ms, id",
    )
    .bind(classroom_id)
    .bind(from_ms)
    .bind(to_ms)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading the lessons of a room"))
}

/// One lesson.
///
/// # Errors
/// When the database fails.
pub async fn lesson(db: &Db, id: &str) -> Result<Option<LessonRow>, Error> {
    sqlx::query_as("SELECT * FROM lessons WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a lesson"))
}

/// Some lessons, in no order.
///
/// # Errors
/// When the database fails.
pub async fn lessons_by_id(db: &Db, ids: &[String]) -> Result<Vec<LessonRow>, Error> {
    let query = "SELECT * FROM lessons WHERE id IN (?)".replace('?', &placeholders(ids.len()));
    let query = sqlx::query_as(sqlx::AssertSqlSafe(query));
    let query = ids.iter().fold(query, |query, id| query.bind(id));
    let rows = query.fetch_all(db.read()).await;
    rows.map_err(failed("reading some lessons"))
}

/// The periods of the day, by number.
///
/// # Errors
/// When the database fails.
pub async fn periods(db: &Db) -> Result<Vec<PeriodRow>, Error> {
    sqlx::query_as("SELECT * FROM periods ORDER BY number")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the periods of the day"))
}

/// Every term, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn terms(db: &Db) -> Result<Vec<TermRow>, Error> {
    sqlx::query_as("SELECT * FROM terms ORDER BY week_one DESC, id")
        .fetch_all(db.read())
        .await
        .map_err(failed("reading the terms"))
}

/// One term.
///
/// # Errors
/// When the database fails.
pub async fn term(db: &Db, id: &str) -> Result<Option<TermRow>, Error> {
    sqlx::query_as("SELECT * FROM terms WHERE id = $1")
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a term"))
}

/// Adds a teaching unit.
///
/// # Errors
/// When it is already there or the database fails.
pub async fn add_unit(
    writing: &mut Writing,
    id: &str,
    code: &str,
    name: &str,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO units (id, code, name) VALUES ($1, $2, $3)")
        .bind(id)
        .bind(code)
        .bind(name)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("adding a unit"))
}

/// Adds a building.
///
/// # Errors
/// When it is already there or the database fails.
pub async fn add_building(writing: &mut Writing, id: &str, name: &str) -> Result<(), Error> {
    sqlx::query("INSERT INTO buildings (id, name) VALUES ($1, $2)")
        .bind(id)
        .bind(name)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("adding a building"))
}

/// Adds a classroom of a building and a unit.
///
/// # Errors
/// When it is already there or the database fails.
pub async fn add_classroom(
    writing: &mut Writing,
    id: &str,
    name: &str,
    building_id: &str,
    unit_id: &str,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO classrooms (id, name, building_id, unit_id) VALUES ($1, $2, $3, $4)")
        .bind(id)
        .bind(name)
        .bind(building_id)
        .bind(unit_id)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("adding a classroom"))
}

/// Says whether there are minors in the classes of a room; false if there is no such room.
///
/// # Errors
/// When the database fails.
pub async fn set_minors(writing: &mut Writing, id: &str, minors: bool) -> Result<bool, Error> {
    sqlx::query("UPDATE classrooms SET minors = $2 WHERE id = $1")
        .bind(id)
        .bind(i64::from(minors))
        .execute(&mut **writing)
        .await
        .map(|done| done.rows_affected() == 1)
        .map_err(failed("noting minors in a room"))
}

/// Adds a picture source to a classroom.
///
/// # Errors
/// When it is already there or the database fails.
pub async fn add_source(writing: &mut Writing, source: &SourceRow) -> Result<(), Error> {
    sqlx::query("INSERT INTO classroom_sources (classroom_id, name, title) VALUES ($1, $2, $3)")
        .bind(&source.classroom_id)
        .bind(&source.name)
        .bind(&source.title)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("adding a source to a classroom"))
}

/// Adds a term.
///
/// # Errors
/// When it is already there or the database fails.
pub async fn add_term(writing: &mut Writing, term: &TermRow) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO terms (id, school_year, number, week_one, weeks) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&term.id)
    .bind(&term.school_year)
    .bind(term.number)
    .bind(term.week_one)
    .bind(term.weeks)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("adding a term"))
}

/// Adds a period of the day.
///
/// # Errors
/// When it is already there or the database fails.
pub async fn add_period(
    writing: &mut Writing,
    number: i64,
    start_minute: i64,
    end_minute: i64,
) -> Result<(), Error> {
    sqlx::query("INSERT INTO periods (number, start_minute, end_minute) VALUES ($1, $2, $3)")
        .bind(number)
        .bind(start_minute)
        .bind(end_minute)
        .execute(&mut **writing)
        .await
        .map(drop)
        .map_err(failed("adding a period"))
}

/// Adds a lesson.
///
/// # Errors
/// When it is already there or the database fails.
pub async fn add_lesson(writing: &mut Writing, lesson: &LessonRow) -> Result<(), Error> {
    add_lessons(writing, std::slice::from_ref(lesson)).await
}

/// How many lessons one statement adds; seventeen values each, and a database takes 32,766.
const LESSONS_AT_ONCE: usize = 200;

/// Adds lessons, many at a time: a term has tens of thousands.
///
/// # Errors
/// When one is already there or the database fails.
pub async fn add_lessons(writing: &mut Writing, lessons: &[LessonRow]) -> Result<(), Error> {
    for some in lessons.chunks(LESSONS_AT_ONCE) {
        let rows: Vec<_> = (0..some.len()).map(|row| values(row * 17, 17)).collect();
        let query = format!(
            "INSERT INTO lessons (id, term_id, classroom_id, unit_id, teacher_id, teacher, course,
             class_groups, day, period_from, period_to, start_ms, end_ms, due_count, minors,
             course_code, teaching_class) VALUES {}",
            rows.join(", ")
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(query));
        let query = some.iter().fold(query, |query, lesson| {
            query
                .bind(&lesson.id)
                .bind(&lesson.term_id)
                .bind(&lesson.classroom_id)
                .bind(&lesson.unit_id)
                .bind(&lesson.teacher_id)
                .bind(&lesson.teacher)
                .bind(&lesson.course)
                .bind(&lesson.class_groups)
                .bind(lesson.day)
                .bind(lesson.period_from)
                .bind(lesson.period_to)
                .bind(lesson.start_ms)
                .bind(lesson.end_ms)
                .bind(lesson.due_count)
                .bind(lesson.minors)
                .bind(&lesson.course_code)
                .bind(&lesson.teaching_class)
        });
        let done = query.execute(&mut **writing).await;
        done.map_err(failed("adding lessons"))?;
    }
    Ok(())
}

/// `($1, $2, …)` from the number after `before`.
fn values(before: usize, count: usize) -> String {
    let all: Vec<_> = (1..=count).map(|at| format!("${}", before + at)).collect();
    format!("({})", all.join(", "))
}
