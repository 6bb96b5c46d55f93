//! A lesson as pages see it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::campus::lesson::Lesson;

/// One course in one room on one day.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Lesson)]
pub struct LessonView {
    /// Id.
    pub id: Uuid,
    /// The course.
    pub course: String,
    /// The teacher's name.
    pub teacher: String,
    /// One or more (合班).
    pub class_groups: Vec<String>,
    /// 节, such as `1-2`.
    pub period: String,
    /// Begin.
    pub start: i64,
    /// End.
    pub end: i64,
    /// 应到.
    pub due_count: i64,
}

impl From<Lesson> for LessonView {
    fn from(lesson: Lesson) -> Self {
        Self {
            id: lesson.id,
            period: lesson.period(),
            course: lesson.course,
            teacher: lesson.teacher,
            class_groups: lesson.class_groups,
            start: lesson.start_ms,
            end: lesson.end_ms,
            due_count: lesson.due_count,
        }
    }
}
