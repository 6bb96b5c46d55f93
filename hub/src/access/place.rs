//! A class as the policy sees it: whose room, whose course, and what ties somebody to the lesson.

use uuid::Uuid;
use xunke_policy::access::Place;
use xunke_policy::level::UnitId;
use xunke_policy::recusal;

use crate::campus::lesson::Lesson;

/// The room of `owner` with the lesson in it, for `person`.
#[must_use]
pub fn of(person: Uuid, owner: UnitId, lesson: Option<&Lesson>) -> Place {
    let teacher = lesson.and_then(|lesson| lesson.teacher_id);
    taught_by(person, owner, lesson.map(|lesson| lesson.unit), teacher)
}

/// The same, when course and teacher are known without the lesson.
#[must_use]
pub fn taught_by(
    person: Uuid,
    owner: UnitId,
    course: Option<UnitId>,
    teacher: Option<Uuid>,
) -> Place {
    Place {
        course,
        tie: recusal::tie(&person, teacher.as_ref(), None),
        ..Place::of(owner)
    }
}

#[cfg(test)]
mod tests {
    use xunke_policy::recusal::Tie;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    /// R21, R53: whose room, whose course, and whose lesson.
    #[test]
    fn a_class_is_known_by_room_course_and_teacher() {
        let (owner, course) = (UnitId(ONE), Some(UnitId(OTHER)));
        let own = taught_by(ONE, owner, course, Some(ONE));
        assert_eq!((own.owner, own.course), (owner, course));
        assert_eq!(own.tie, Tie::OwnLesson);
        assert_eq!(taught_by(ONE, owner, None, Some(OTHER)).tie, Tie::None);
        assert_eq!(of(ONE, owner, None), Place::of(owner));
    }
}
