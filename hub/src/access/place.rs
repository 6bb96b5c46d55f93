//! A class as the policy sees it: whose room, whose course, and what ties somebody to the lesson.

use uuid::Uuid;
use xunke_policy::access::Place;
use xunke_policy::level::UnitId;
use xunke_policy::recusal;

use crate::campus::classroom::Classroom;
use crate::campus::lesson::Lesson;
use crate::campus::{self, id};
use crate::store::{Db, people};

/// What of a class bears on a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// The unit of the room.
    pub owner: UnitId,
    /// The unit of the course, if one runs.
    pub course: Option<UnitId>,
    /// Whose lesson it is, if known.
    pub teacher: Option<Uuid>,
    /// Whether there are minors in it (X29).
    pub minors: bool,
}

/// Somebody who asks about classes, with the heads of their own unit (R53).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    person: Uuid,
    heads: Vec<Uuid>,
}

impl Asker {
    /// As of now.
    ///
    /// # Errors
    /// When the store fails: then nobody can say what ties them to a class.
    pub async fn find(db: &Db, person: Uuid) -> Result<Self, campus::Error> {
        let heads = people::heads(db, &person.to_string()).await?;
        let heads = heads.iter().map(|text| id("a person", text));
        Ok(Self {
            person,
            heads: heads.collect::<Result<_, _>>()?,
        })
    }

    /// A room with the lesson that runs there.
    #[must_use]
    pub fn in_room(&self, room: &Classroom, lesson: Option<&Lesson>) -> Place {
        self.about(Class {
            owner: room.unit.id,
            course: lesson.map(|lesson| lesson.unit),
            teacher: lesson.and_then(|lesson| lesson.teacher_id),
            minors: room.minors || lesson.is_some_and(|lesson| lesson.minors),
        })
    }

    /// A class of which that much is known.
    #[must_use]
    pub fn about(&self, class: Class) -> Place {
        let teacher = class.teacher.as_ref();
        let head = self.heads.iter().find(|head| Some(*head) == teacher);
        Place {
            owner: class.owner,
            course: class.course,
            tie: recusal::tie(&self.person, teacher, head),
            minors: class.minors,
            exam: false,
            lesson_ended_ms: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use xunke_policy::recusal::Tie;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const HEAD: Uuid = Uuid::from_u128(3);

    /// R21, R53, X29: whose room, whose course, whose lesson, and who sits in it.
    #[test]
    fn a_class_is_known_by_room_course_and_teacher() {
        let class = Class {
            owner: UnitId(ONE),
            course: Some(UnitId(OTHER)),
            teacher: Some(ONE),
            minors: true,
        };
        let asker = Asker {
            person: ONE,
            heads: vec![OTHER, HEAD],
        };
        let place = asker.about(class);
        assert_eq!((place.owner, place.course), (class.owner, class.course));
        assert!(place.minors);
        let tie = |teacher| asker.about(Class { teacher, ..class }).tie;
        assert_eq!(tie(Some(ONE)), Tie::OwnLesson);
        assert_eq!(tie(Some(HEAD)), Tie::OwnHead);
        assert_eq!(tie(Some(Uuid::from_u128(4))), Tie::None);
        assert_eq!(tie(None), Tie::None);
    }
}
