//! Conflicts (冲突): a room, a teacher or a class in two places at once.
//!
//! One lesson for several classes (合班) is none, nor are the groups of one class that have the same
//! course in several rooms (分组).

use std::collections::{BTreeMap, HashMap};

use super::expand::Placed;
use crate::campus::calendar;
use crate::store::campus::LessonRow;

/// Nobody reads more; whoever puts a whole term into one room by mistake has millions.
pub const FOUND_MAX: usize = 5_000;

/// What cannot be in two places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A room with two lessons.
    Room,
    /// A teacher in two rooms.
    Teacher,
    /// A class in two lessons.
    ClassGroup,
}

impl Kind {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Teacher => "teacher",
            Self::ClassGroup => "class_group",
        }
    }
}

/// Two lines that meet, on as many days as they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Of what.
    pub kind: Kind,
    /// Room (its id), teacher or class.
    pub of: String,
    /// The two lines; 0 is a lesson that is there already.
    pub lines: (usize, usize),
    /// The two courses.
    pub courses: (String, String),
    /// 1 is 星期一.
    pub weekday: i64,
    /// The periods both hold.
    pub periods: (i64, i64),
    /// On how many days.
    pub days: usize,
    /// The first of them.
    pub first: i64,
}

/// Every conflict, rooms first; no further ones after [`FOUND_MAX`].
#[must_use]
pub fn find(lessons: &[Placed]) -> Vec<Conflict> {
    let mut held: HashMap<(Kind, &str, i64), Vec<&Placed>> = HashMap::new();
    for lesson in lessons {
        for (kind, of) in holds(&lesson.row) {
            held.entry((kind, of, lesson.row.day))
                .or_default()
                .push(lesson);
        }
    }
    let mut found: BTreeMap<_, Conflict> = BTreeMap::new();
    'all: for ((kind, of, day), lessons) in held {
        for (one, other) in pairs(&lessons) {
            let Some(periods) = meeting(kind, &one.row, &other.row) else {
                continue;
            };
            if found.len() >= FOUND_MAX {
                break 'all;
            }
            let lines = (one.line.min(other.line), one.line.max(other.line));
            let weekday = calendar::weekday(day);
            let conflict = found
                .entry((kind, of.to_owned(), weekday, periods, lines))
                .or_insert_with(|| Conflict {
                    kind,
                    of: of.to_owned(),
                    lines,
                    courses: (one.row.course.clone(), other.row.course.clone()),
                    weekday,
                    periods,
                    days: 0,
                    first: day,
                });
            conflict.days += 1;
            conflict.first = conflict.first.min(day);
        }
    }
    found.into_values().collect()
}

/// A teacher who is only a name may be two people.
fn holds(row: &LessonRow) -> impl Iterator<Item = (Kind, &str)> {
    let room = (Kind::Room, row.classroom_id.as_str());
    let teacher = row
        .teacher_id
        .as_ref()
        .map(|_| (Kind::Teacher, row.teacher.as_str()));
    let groups = row
        .class_groups
        .lines()
        .map(|group| (Kind::ClassGroup, group));
    std::iter::once(room).chain(teacher).chain(groups)
}

fn pairs<'a>(lessons: &'a [&'a Placed]) -> impl Iterator<Item = (&'a Placed, &'a Placed)> {
    let each = lessons.iter().enumerate();
    each.flat_map(|(at, one)| lessons[at + 1..].iter().map(move |other| (*one, *other)))
}

/// The periods that both hold, where that cannot be.
fn meeting(kind: Kind, one: &LessonRow, other: &LessonRow) -> Option<(i64, i64)> {
    let same_course = one.course == other.course;
    let same_room = one.classroom_id == other.classroom_id;
    let fine = match kind {
        Kind::Room => same_course && one.teacher == other.teacher,
        Kind::Teacher => same_course && same_room,
        Kind::ClassGroup => same_course,
    };
    let from = one.period_from.max(other.period_from);
    let to = one.period_to.min(other.period_to);
    (!fine && from <= to).then_some((from, to))
}
