//! Moments: what the timetable says of every room now, which is how much a fault is felt.

use std::collections::HashMap;

use xunke_policy::fault::{BEFORE_CLASS_MS, Moment, moment};
use xunke_protocol::id::ClassroomId;

use super::Error;
use crate::campus::{calendar, lesson};
use crate::store::{Db, campus};

/// The timetable of one moment.
#[derive(Debug, Clone)]
pub struct Moments {
    now_ms: i64,
    school_day: bool,
    /// Begin and end of the lessons that run or are about to.
    lessons: HashMap<ClassroomId, Vec<(i64, i64)>>,
}

impl Moments {
    /// Looks at the timetable.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn at(db: &Db, now_ms: i64) -> Result<Self, Error> {
        let near = lesson::between(db, now_ms, now_ms + BEFORE_CLASS_MS + 1).await?;
        let mut lessons: HashMap<_, Vec<_>> = HashMap::new();
        for lesson in near {
            let times = (lesson.start_ms, lesson.end_ms);
            lessons.entry(lesson.classroom).or_default().push(times);
        }
        let today = calendar::day(now_ms);
        let (from_ms, to_ms) = (calendar::moment(today, 0), calendar::moment(today + 1, 0));
        Ok(Self {
            now_ms,
            school_day: campus::any_lesson(db, from_ms, to_ms).await?,
            lessons,
        })
    }

    /// The moment of a room.
    #[must_use]
    pub fn of(&self, room: ClassroomId) -> Moment {
        let lessons = self.lessons.get(&room).map_or(&[][..], Vec::as_slice);
        moment(lessons, self.school_day, self.now_ms)
    }
}
