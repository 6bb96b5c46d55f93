//! Queries of the library: recordings that fit what is looked for, and what there is to look for.

use sqlx::FromRow;

use super::recording::{held_count, premium_count};
use super::{Db, Error, failed};

/// What is looked for; whatever is given must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Begin of the first day.
    pub from_ms: i64,
    /// End of the last.
    pub to_ms: i64,
    /// 星期一 is 1, 星期日 is 7.
    pub weekday: Option<i64>,
    /// A period that the lesson holds.
    pub period: Option<i64>,
    /// A room.
    pub classroom_id: Option<String>,
    /// One of the class groups, exactly.
    pub class_group: Option<String>,
    /// The teacher's name, exactly.
    pub teacher: Option<String>,
    /// The course, exactly.
    pub course: Option<String>,
    /// A part of room, unit, course, teacher or class group, in capitals or not.
    pub text: Option<String>,
}

/// As much of a recording as the gate asks about.
#[derive(Debug, Clone, FromRow)]
pub struct CandidateRow {
    /// The recording.
    pub id: String,
    /// Where.
    pub classroom_id: String,
    /// The room's name.
    pub room: String,
    /// The unit that owned the room at record time.
    pub unit_id: String,
    /// The lesson; empty outside lessons.
    pub lesson_id: String,
    /// The unit whose course it is.
    pub course_unit_id: Option<String>,
    /// Whose lesson it is.
    pub teacher_id: Option<String>,
    /// Begin of the lesson or hour.
    pub start_ms: i64,
    /// Begin of the first segment.
    pub first_us: i64,
    /// Whether there are minors in it: 1 or 0.
    pub minors: i64,
    /// Complete nominations for the premium courses that last.
    pub premium: i64,
    /// Holds that last.
    pub held: i64,
}

/// Recordings that are the same to the gate and to whoever looks for them, but for their day.
#[derive(Debug, Clone, FromRow)]
pub struct GroupRow {
    /// One of them.
    pub id: String,
    /// Where.
    pub classroom_id: String,
    /// The room's name.
    pub room: String,
    /// The unit that owned the room at record time.
    pub unit_id: String,
    /// Whether they were made in lessons: 1 or 0.
    pub in_lesson: i64,
    /// The unit whose course it is.
    pub course_unit_id: Option<String>,
    /// Whose lessons they are.
    pub teacher_id: Option<String>,
    /// The teacher's name; empty outside lessons.
    pub teacher: String,
    /// The course; empty outside lessons.
    pub course: String,
    /// Class groups, one a line.
    pub class_groups: String,
    /// Begin of the newest.
    pub start_ms: i64,
    /// Whether there are minors in them: 1 or 0.
    pub minors: i64,
    /// More than 0 if one is a premium course.
    pub premium: i64,
    /// More than 0 if one is held.
    pub held: i64,
}

const CANDIDATES: &str = concat!(
    "SELECT r.id, r.classroom_id, c.name AS room, r.unit_id, r.lesson_id,
     l.unit_id AS course_unit_id, l.teacher_id, r.start_ms,
     (SELECT MIN(s.start_us) FROM segments s WHERE s.recording_id = r.id) AS first_us,
     CASE WHEN r.minors + c.minors + COALESCE(l.minors, 0) > 0 THEN 1 ELSE 0 END AS minors, ",
    premium_count!(),
    " AS premium, ",
    held_count!(),
    " AS held
     FROM recordings r JOIN classrooms c ON c.id = r.classroom_id JOIN units u ON u.id = r.unit_id
     LEFT JOIN lessons l ON l.id = r.lesson_id
     WHERE EXISTS (SELECT 1 FROM segments s WHERE s.recording_id = r.id)"
);

const GROUPS: &str = concat!(
    "SELECT MAX(r.id) AS id, r.classroom_id, c.name AS room, r.unit_id,
     CASE WHEN r.lesson_id = '' THEN 0 ELSE 1 END AS in_lesson, l.unit_id AS course_unit_id,
     l.teacher_id, COALESCE(l.teacher, '') AS teacher, COALESCE(l.course, '') AS course,
     COALESCE(l.class_groups, '') AS class_groups, MAX(r.start_ms) AS start_ms,
     CASE WHEN r.minors + c.minors + COALESCE(l.minors, 0) > 0 THEN 1 ELSE 0 END AS minors, MAX(",
    premium_count!(),
    ") AS premium, MAX(",
    held_count!(),
    ") AS held
     FROM recordings r JOIN classrooms c ON c.id = r.classroom_id
     LEFT JOIN lessons l ON l.id = r.lesson_id
     WHERE r.start_ms >= $1 AND r.start_ms < $2
     AND EXISTS (SELECT 1 FROM segments s WHERE s.recording_id = r.id)
     GROUP BY r.classroom_id, c.name, r.unit_id, CASE WHEN r.lesson_id = '' THEN 0 ELSE 1 END,
     l.unit_id, l.teacher_id, l.teacher, l.course, l.class_groups,
     CASE WHEN r.minors + c.minors + COALESCE(l.minors, 0) > 0 THEN 1 ELSE 0 END"
);

/// UTC+8 without summer time.
const WEEKDAY: &str = "((r.start_ms + 28800000) / 86400000 + 3) % 7 + 1 = ?";

/// Recordings that fit and have something stored, the newest first, `limit` at most. `after` is
/// the last of those before: its begin and id.
///
/// # Errors
/// When the database fails.
pub async fn candidates(
    db: &Db,
    search: &Search,
    after: Option<(i64, &str)>,
    limit: i64,
) -> Result<Vec<CandidateRow>, Error> {
    let mut clauses = clauses(search);
    if let Some((start_ms, id)) = after {
        clauses.and("r.start_ms <= ?", Value::Number(start_ms));
        clauses.and("(r.start_ms < ?", Value::Number(start_ms));
        clauses.or("r.id < ?)", Value::Text(id.to_owned()));
    }
    let Clauses { sql, values } = clauses;
    let sql = format!("{CANDIDATES}{sql} ORDER BY r.start_ms DESC, r.id DESC LIMIT {limit}");
    let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql));
    for value in values {
        query = match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
        };
    }
    let rows = query.fetch_all(db.read()).await;
    rows.map_err(failed("looking for recordings"))
}

/// What there is to look for among the recordings that begin in `from_ms..to_ms`.
///
/// # Errors
/// When the database fails.
pub async fn groups(db: &Db, from_ms: i64, to_ms: i64) -> Result<Vec<GroupRow>, Error> {
    sqlx::query_as(GROUPS)
        .bind(from_ms)
        .bind(to_ms)
        .fetch_all(db.read())
        .await
        .map_err(failed("reading what recordings there are"))
}

enum Value {
    Text(String),
    Number(i64),
}

/// Conditions of our own making, with their values beside them.
#[derive(Default)]
struct Clauses {
    sql: String,
    values: Vec<Value>,
}

impl Clauses {
    fn and(&mut self, condition: &'static str, value: Value) {
        self.add(" AND ", condition, value);
    }

    fn or(&mut self, condition: &'static str, value: Value) {
        self.add(" OR ", condition, value);
    }

    /// The one `?` of the condition stands for the value.
    fn add(&mut self, joint: &str, condition: &'static str, value: Value) {
        self.values.push(value);
        self.sql += joint;
        self.sql += &condition.replace('?', &format!("${}", self.values.len()));
    }
}

fn clauses(search: &Search) -> Clauses {
    let mut clauses = Clauses::default();
    clauses.and("r.start_ms >= ?", Value::Number(search.from_ms));
    clauses.and("r.start_ms < ?", Value::Number(search.to_ms));
    if let Some(weekday) = search.weekday {
        clauses.and(WEEKDAY, Value::Number(weekday));
    }
    if let Some(period) = search.period {
        clauses.and("l.period_from <= ?", Value::Number(period));
        clauses.and("l.period_to >= ?", Value::Number(period));
    }
    let texts = [
        ("r.classroom_id = ?", &search.classroom_id),
        ("l.teacher = ?", &search.teacher),
        ("l.course = ?", &search.course),
    ];
    for (condition, text) in texts {
        if let Some(text) = text {
            clauses.and(condition, Value::Text(text.clone()));
        }
    }
    if let Some(group) = &search.class_group {
        clauses.and(CLASS_GROUP, Value::Text(format!("\n{group}\n")));
    }
    if let Some(text) = &search.text {
        let part = Value::Text(format!("%{}%", escaped(text)));
        clauses.and(TEXT, part);
    }
    clauses
}

/// Class groups are lines: with one more at each end, each stands between two ends of lines. LIKE
/// takes small letters for capitals in SQLite; what replaces nothing is not there.
const CLASS_GROUP: &str = "REPLACE('\n' || l.class_groups || '\n', ?, '')
     <> '\n' || l.class_groups || '\n'";
/// A text does not reach from one into the next.
const TEXT: &str = "LOWER(c.name || '\n' || u.name || '\n' || COALESCE(l.course, '') || '\n' ||
     COALESCE(l.teacher, '') || '\n' || COALESCE(l.class_groups, '')) LIKE LOWER(?) ESCAPE '!'";

/// What LIKE would read as a pattern is a letter like others.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(letter);
    }
    escaped
}
