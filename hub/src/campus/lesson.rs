//! Lessons: which course runs in which room, and when.

use uuid::Uuid;
use xunke_policy::level::UnitId;
use xunke_protocol::id::ClassroomId;

use super::{Error, id};
use crate::store::{Db, campus};

/// One course in one room on one day (课次).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lesson {
    /// Its id.
    pub id: Uuid,
    /// The term.
    pub term: Uuid,
    /// Where.
    pub classroom: ClassroomId,
    /// The unit that runs the course.
    pub unit: UnitId,
    /// The teacher's person, if known.
    pub teacher_id: Option<Uuid>,
    /// The teacher's name.
    pub teacher: String,
    /// The course.
    pub course: String,
    /// One or more (合班).
    pub class_groups: Vec<String>,
    /// Days since the epoch, Asia/Shanghai.
    pub day: i64,
    /// First period (节).
    pub period_from: i64,
    /// Last period.
    pub period_to: i64,
    /// Begin, milliseconds since the epoch.
    pub start_ms: i64,
    /// End (exclusive).
    pub end_ms: i64,
    /// How many are due (应到).
    pub due_count: i64,
    /// Whether there are minors in the class (X29).
    pub minors: bool,
}

impl Lesson {
    /// “第__节” as the form writes it, such as `1-2` (R74).
    #[must_use]
    pub fn period(&self) -> String {
        if self.period_from == self.period_to {
            return self.period_from.to_string();
        }
        format!("{}-{}", self.period_from, self.period_to)
    }
}

/// Lessons that overlap `from_ms..to_ms`, in every room, by time.
///
/// # Errors
/// When the store fails.
pub async fn between(db: &Db, from_ms: i64, to_ms: i64) -> Result<Vec<Lesson>, Error> {
    campus::lessons(db, from_ms, to_ms)
        .await?
        .into_iter()
        .map(Lesson::try_from)
        .collect()
}

/// The lesson in a room at a moment.
///
/// # Errors
/// When the store fails.
pub async fn in_room(db: &Db, classroom: ClassroomId, at_ms: i64) -> Result<Option<Lesson>, Error> {
    let row = campus::lesson_at(db, &classroom.0.to_string(), at_ms).await?;
    row.map(Lesson::try_from).transpose()
}

/// Lessons of a room that overlap `from_ms..to_ms`, by time.
///
/// # Errors
/// When the store fails.
pub async fn of_room(
    db: &Db,
    classroom: ClassroomId,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Lesson>, Error> {
    campus::lessons_of_room(db, &classroom.to_string(), from_ms, to_ms)
        .await?
        .into_iter()
        .map(Lesson::try_from)
        .collect()
}

/// Some lessons by their ids, in no order; what is not there is left out.
///
/// # Errors
/// When the store fails.
pub async fn some(db: &Db, ids: &[String]) -> Result<Vec<Lesson>, Error> {
    let rows = campus::lessons_by_id(db, ids).await?;
    rows.into_iter().map(Lesson::try_from).collect()
}

/// One lesson.
///
/// # Errors
/// When the store fails.
pub async fn find(db: &Db, lesson: Uuid) -> Result<Option<Lesson>, Error> {
    let row = campus::lesson(db, &lesson.to_string()).await?;
    row.map(Lesson::try_from).transpose()
}

impl TryFrom<campus::LessonRow> for Lesson {
    type Error = Error;

    fn try_from(row: campus::LessonRow) -> Result<Self, Error> {
        let teacher_id = row.teacher_id.as_deref();
        Ok(Self {
            id: id("a lesson", &row.id)?,
            term: id("a term", &row.term_id)?,
            classroom: ClassroomId(id("a classroom", &row.classroom_id)?),
            unit: UnitId(id("a unit", &row.unit_id)?),
            teacher_id: teacher_id.map(|text| id("a person", text)).transpose()?,
            teacher: row.teacher,
            course: row.course,
            class_groups: row.class_groups.lines().map(str::to_owned).collect(),
            day: row.day,
            period_from: row.period_from,
            period_to: row.period_to,
            start_ms: row.start_ms,
            end_ms: row.end_ms,
            due_count: row.due_count,
            minors: row.minors > 0,
        })
    }
}
