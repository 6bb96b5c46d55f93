//! Slots: to which recording a segment belongs.
//!
//! A segment belongs to the lesson in which it starts, or before or after which it was recorded
//! with it; outside of that, to its clock hour.

use uuid::Uuid;
use xunke_protocol::id::ClassroomId;

use super::timetable::Roll;
use crate::campus;
use crate::campus::lesson::{self, Lesson};
use crate::store::Db;

/// UTC+8 without summer time: hours turn together everywhere.
const HOUR_MS: i64 = 60 * 60 * 1000;

/// A lesson, or an hour outside lessons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    /// The lesson, if there is one.
    pub lesson: Option<Uuid>,
    /// Its begin.
    pub start_ms: i64,
    /// Its end (exclusive).
    pub end_ms: i64,
}

/// The slot of a room that holds a moment.
pub(super) async fn at(
    db: &Db,
    classroom: ClassroomId,
    at_ms: i64,
    roll: Roll,
) -> Result<Slot, campus::Error> {
    let (from_ms, to_ms) = (at_ms - roll.after_ms, at_ms + roll.before_ms + 1);
    let near = lesson::of_room(db, classroom, from_ms, to_ms).await?;
    Ok(of(&near, at_ms).map_or_else(
        || hour(at_ms),
        |lesson| Slot {
            lesson: Some(lesson.id),
            start_ms: lesson.start_ms,
            end_ms: lesson.end_ms,
        },
    ))
}

/// Of the lessons near a moment, by begin, the one that it belongs to: that is on; or else is about
/// to begin; or else is just over.
fn of(near: &[Lesson], at_ms: i64) -> Option<&Lesson> {
    let on = |lesson: &&Lesson| lesson.start_ms <= at_ms && at_ms < lesson.end_ms;
    let next = |lesson: &&Lesson| at_ms < lesson.start_ms;
    let mut lessons = near.iter();
    let found = lessons.find(on).or_else(|| near.iter().find(next));
    found.or_else(|| near.iter().max_by_key(|lesson| lesson.end_ms))
}

fn hour(at_ms: i64) -> Slot {
    let start_ms = at_ms - at_ms.rem_euclid(HOUR_MS);
    Slot {
        lesson: None,
        start_ms,
        end_ms: start_ms + HOUR_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_policy::level::UnitId;

    fn lesson(number: u128, start_ms: i64, end_ms: i64) -> Lesson {
        Lesson {
            id: Uuid::from_u128(number),
            term: Uuid::nil(),
            classroom: ClassroomId(Uuid::nil()),
            unit: UnitId(Uuid::nil()),
            teacher_id: None,
            teacher: String::new(),
            course: String::new(),
            class_groups: Vec::new(),
            day: 0,
            period_from: 1,
            period_to: 2,
            start_ms,
            end_ms,
            due_count: 0,
            minors: false,
        }
    }

    /// X52: what is recorded around a lesson is that lesson's.
    #[test]
    fn what_is_recorded_around_a_lesson_belongs_to_it() {
        let (first, second) = (lesson(1, 100, 200), lesson(2, 203, 300));
        let both = [first.clone(), second.clone()];
        let number = |near: &[Lesson], at_ms| of(near, at_ms).map(|one| one.id.as_u128());
        assert_eq!(number(&both[..1], 98), Some(1), "before");
        assert_eq!(number(&both[..1], 204), Some(1), "after");
        assert_eq!(number(&both, 199), Some(1));
        assert_eq!(
            number(&both, 201),
            Some(2),
            "what begins counts before what is over"
        );
        assert_eq!(number(&both, 203), Some(2));
        assert_eq!(number(&[], 50), None);
        let same = [lesson(3, 100, 150), lesson(1, 100, 200)];
        assert_eq!(number(&same, 160), Some(1));
    }

    #[test]
    fn an_hour_holds_its_first_moment_and_not_its_last() {
        let nine = 1_795_309_200_000;
        assert_eq!(hour(nine).start_ms, nine);
        assert_eq!(hour(nine + HOUR_MS - 1), hour(nine));
        assert_eq!(hour(nine + HOUR_MS).start_ms, hour(nine).end_ms);
    }
}
