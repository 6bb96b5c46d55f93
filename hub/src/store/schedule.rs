//! Queries of timetables as they are taken over: who may teach, what stands in a term, what becomes
//! of it.

use sqlx::FromRow;

use super::campus::{ClassroomRow, LessonRow};
use super::{Db, Error, Writing, failed, placeholders};

/// More people than a school has.
const PEOPLE_MAX: i64 = 50_000;
/// How many lessons one statement removes.
const IDS_AT_ONCE: usize = 500;

/// Somebody who may teach.
#[derive(Debug, Clone, FromRow)]
pub struct TeacherRow {
    /// UUID.
    pub id: String,
    /// 工号.
    pub staff_number: String,
    /// The name.
    pub name: String,
}

/// How much of a term there is.
#[derive(Debug, Clone, FromRow)]
pub struct ExtentRow {
    /// UUID.
    pub term_id: String,
    /// How many lessons.
    pub lessons: i64,
    /// The last day with one.
    pub last_day: i64,
}

/// Everybody who has not left, as of this transaction.
///
/// # Errors
/// When the database fails.
pub async fn teachers(writing: &mut Writing) -> Result<Vec<TeacherRow>, Error> {
    sqlx::query_as(
        "SELECT id, staff_number, name FROM persons WHERE standing <> 'left'
         ORDER BY staff_number LIMIT $1",
    )
    .bind(PEOPLE_MAX)
    .fetch_all(&mut **writing)
    .await
    .map_err(failed("reading who may teach"))
}

/// Every classroom as of this transaction, by building and name.
///
/// # Errors
/// When the database fails.
pub async fn rooms(writing: &mut Writing) -> Result<Vec<ClassroomRow>, Error> {
    sqlx::query_as(super::campus::CLASSROOMS)
        .fetch_all(&mut **writing)
        .await
        .map_err(failed("reading the classrooms"))
}

/// The lessons of a term after a day, as of this transaction.
///
/// # Errors
/// When the database fails.
pub async fn lessons_after(
    writing: &mut Writing,
    term_id: &str,
    day: i64,
) -> Result<Vec<LessonRow>, Error> {
    sqlx::query_as("SELECT * FROM lessons WHERE term_id = $1 AND day > $2 ORDER BY start_ms, id")
        .bind(term_id)
        .bind(day)
        .fetch_all(&mut **writing)
        .await
        .map_err(failed("reading the lessons to come"))
}

/// How much there is of each term that has lessons.
///
/// # Errors
/// When the database fails.
pub async fn extents(db: &Db) -> Result<Vec<ExtentRow>, Error> {
    sqlx::query_as(
        "SELECT term_id, COUNT(*) AS lessons, MAX(day) AS last_day FROM lessons GROUP BY term_id",
    )
    .fetch_all(db.read())
    .await
    .map_err(failed("counting lessons"))
}

/// Changes everything about a lesson but its id, its term and whether there are minors.
///
/// # Errors
/// When the database fails.
pub async fn change(writing: &mut Writing, lesson: &LessonRow) -> Result<(), Error> {
    sqlx::query(
        "UPDATE lessons SET classroom_id = $2, unit_id = $3, teacher_id = $4, teacher = $5,
         course = $6, class_groups = $7, day = $8, period_from = $9, period_to = $10,
         start_ms = $11, end_ms = $12, due_count = $13, course_code = $14, teaching_class = $15
         WHERE id = $1",
    )
    .bind(&lesson.id)
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
    .bind(&lesson.course_code)
    .bind(&lesson.teaching_class)
    .execute(&mut **writing)
    .await
    .map(drop)
    .map_err(failed("changing a lesson"))
}

/// Takes lessons out of the timetable.
///
/// # Errors
/// When the database fails.
pub async fn remove(writing: &mut Writing, ids: &[&str]) -> Result<(), Error> {
    for some in ids.chunks(IDS_AT_ONCE) {
        let query = "DELETE FROM lessons WHERE id IN (?)".replace('?', &placeholders(some.len()));
        let query = sqlx::query(sqlx::AssertSqlSafe(query));
        let query = some.iter().fold(query, |query, id| query.bind(*id));
        let done = query.execute(&mut **writing).await;
        done.map_err(failed("taking lessons out of the timetable"))?;
    }
    Ok(())
}
