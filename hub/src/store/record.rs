//! Queries of patrol records: a version is added, never changed.

use sqlx::FromRow;

use super::{Db, Error, failed};

/// Most records of one list.
pub const RECORDS_MAX: i64 = 1000;

/// The title lines of 附件1, as the timetable knows them (R73, R74).
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Title {
    /// 学校.
    pub college: String,
    /// 学年, such as `2026-2027`.
    pub school_year: String,
    /// 学期.
    pub term: i64,
    /// 周.
    pub week: i64,
    /// 星期, 1 to 7.
    pub weekday: i64,
    /// 节, such as `1-2`.
    pub period: String,
}

/// A patrol record with the names around it.
#[derive(Debug, Clone, FromRow)]
pub struct RecordRow {
    /// UUID.
    pub id: String,
    /// 1, and one more for each amendment.
    pub version: i64,
    /// Who filed it.
    pub author_id: String,
    /// Their name; not written, joined.
    #[sqlx(default)]
    pub author: String,
    /// Their staff number; not written, joined.
    #[sqlx(default)]
    pub author_number: String,
    /// Where.
    pub classroom_id: String,
    /// Its name; not written, joined.
    #[sqlx(default)]
    pub classroom: String,
    /// The unit that owned the room then.
    pub unit_id: String,
    /// Its name; not written, joined.
    #[sqlx(default)]
    pub unit: String,
    /// Which lesson.
    pub lesson_id: String,
    /// Whose lesson.
    pub teacher_id: Option<String>,
    /// The view it rests on.
    pub view_id: Option<String>,
    /// When it was filed.
    pub submitted_ms: i64,
    /// 附件1, its title lines.
    #[sqlx(flatten)]
    pub title: Title,
    /// 班级, one a line.
    pub class_groups: String,
    /// 任课教师.
    pub teacher: String,
    /// 课程名称.
    pub course: String,
    /// 时间, from.
    pub time_from_ms: i64,
    /// 时间, to.
    pub time_to_ms: i64,
    /// 应到.
    pub due_count: i64,
    /// 实到.
    pub present_count: i64,
    /// Why more came than were due.
    pub attendance_note: String,
    /// 教师到课情况.
    pub teacher_presence: String,
    /// 课堂互动情况.
    pub interaction: String,
    /// 教学条件.
    pub conditions: String,
    /// 异常说明.
    pub abnormal_note: String,
    /// 综合评价.
    pub grade: String,
}

/// Adds a version.
///
/// # Errors
/// When the author has a record of this lesson already, or the database fails.
pub async fn add(db: &Db, row: &RecordRow) -> Result<(), Error> {
    let insert = sqlx::query(
        "INSERT INTO records (id, version, author_id, classroom_id, unit_id, lesson_id, teacher_id,
         view_id, submitted_ms, college, school_year, term, week, weekday, period, class_groups,
         teacher, course, time_from_ms, time_to_ms, due_count, present_count, attendance_note,
         teacher_presence, interaction, conditions, abnormal_note, grade)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)",
    );
    let insert = insert
        .bind(&row.id)
        .bind(row.version)
        .bind(&row.author_id)
        .bind(&row.classroom_id)
        .bind(&row.unit_id)
        .bind(&row.lesson_id)
        .bind(&row.teacher_id)
        .bind(&row.view_id)
        .bind(row.submitted_ms)
        .bind(&row.title.college)
        .bind(&row.title.school_year)
        .bind(row.title.term)
        .bind(row.title.week)
        .bind(row.title.weekday)
        .bind(&row.title.period)
        .bind(&row.class_groups)
        .bind(&row.teacher)
        .bind(&row.course)
        .bind(row.time_from_ms)
        .bind(row.time_to_ms)
        .bind(row.due_count)
        .bind(row.present_count)
        .bind(&row.attendance_note)
        .bind(&row.teacher_presence)
        .bind(&row.interaction)
        .bind(&row.conditions)
        .bind(&row.abnormal_note)
        .bind(&row.grade);
    insert
        .execute(db.write())
        .await
        .map(drop)
        .map_err(failed("filing a patrol record"))
}

/// Whether somebody has a record of a lesson.
///
/// # Errors
/// When the database fails.
pub async fn exists(db: &Db, author_id: &str, lesson_id: &str) -> Result<bool, Error> {
    let count: Result<i64, _> =
        sqlx::query_scalar("SELECT COUNT(*) FROM records WHERE author_id = $1 AND lesson_id = $2")
            .bind(author_id)
            .bind(lesson_id)
            .fetch_one(db.read())
            .await;
    count
        .map(|count| count > 0)
        .map_err(failed("looking for a patrol record"))
}

/// Reads records with the names around them, limited by `$rest`.
macro_rules! records {
    ($rest:literal $(,)?) => {
        sqlx::query_as(concat!(
            "SELECT r.*, p.name AS author, p.staff_number AS author_number, c.name AS classroom,
             u.name AS unit
             FROM records r JOIN persons p ON p.id = r.author_id
             JOIN classrooms c ON c.id = r.classroom_id JOIN units u ON u.id = r.unit_id ",
            $rest
        ))
    };
}

/// The newest version of every record since `since_ms`, newest first.
///
/// # Errors
/// When the database fails.
pub async fn since(db: &Db, since_ms: i64) -> Result<Vec<RecordRow>, Error> {
    records!(
        "WHERE r.submitted_ms >= $1
         AND r.version = (SELECT MAX(version) FROM records n WHERE n.id = r.id)
         ORDER BY r.submitted_ms DESC, r.id DESC LIMIT $2",
    )
    .bind(since_ms)
    .bind(RECORDS_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("reading patrol records"))
}

/// The newest version of one record.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: &str) -> Result<Option<RecordRow>, Error> {
    records!("WHERE r.id = $1 ORDER BY r.version DESC LIMIT 1",)
        .bind(id)
        .fetch_optional(db.read())
        .await
        .map_err(failed("reading a patrol record"))
}
