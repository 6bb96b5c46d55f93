//! Choices: what there is to look for, among the recordings that somebody may watch (R67).

use std::collections::BTreeSet;

use uuid::Uuid;
use xunke_policy::level::UnitId;
use xunke_policy::retention::Kept;
use xunke_protocol::id::ClassroomId;

use super::Error;
use crate::access::gate::RecordingRef;
use crate::campus::term::Term;
use crate::campus::{calendar, id};
use crate::store::Db;
use crate::store::library::{self as rows, GroupRow};

/// What recordings of a term can be looked for by; each once, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// Rooms, by name and id.
    pub rooms: BTreeSet<(String, Uuid)>,
    /// Class groups.
    pub class_groups: BTreeSet<String>,
    /// Teachers.
    pub teachers: BTreeSet<String>,
    /// Courses.
    pub courses: BTreeSet<String>,
}

/// The choices of a term; of what `may` lets the asker watch, and nothing of anything else.
///
/// # Errors
/// When the store fails.
pub async fn choices(
    db: &Db,
    term: &Term,
    may: impl Fn(&RecordingRef) -> bool,
) -> Result<Choices, Error> {
    let (from, to) = term.days();
    let (from_ms, to_ms) = (calendar::moment(from, 0), calendar::moment(to, 0));
    let mut choices = Choices::default();
    for row in rows::groups(db, from_ms, to_ms).await? {
        let reference = reference(&row)?;
        if !may(&reference) {
            continue;
        }
        choices.rooms.insert((row.room, reference.classroom.0));
        let groups = row.class_groups.lines().map(str::to_owned);
        choices.class_groups.extend(groups);
        let named = |text: String| Some(text).filter(|text| !text.is_empty());
        choices.teachers.extend(named(row.teacher));
        choices.courses.extend(named(row.course));
    }
    Ok(choices)
}

/// The newest of a group, kept as long as the one that is kept longest: the asker may watch one of
/// them exactly if they may watch this.
fn reference(row: &GroupRow) -> Result<RecordingRef, Error> {
    let course = row.course_unit_id.as_deref();
    let teacher = row.teacher_id.as_deref();
    Ok(RecordingRef {
        id: id("a recording", &row.id)?,
        classroom: ClassroomId(id("a classroom", &row.classroom_id)?),
        room: row.room.clone(),
        unit_at_record_time: UnitId(id("a unit", &row.unit_id)?),
        course: course
            .map(|unit| id("a unit", unit).map(UnitId))
            .transpose()?,
        teacher: teacher.map(|person| id("a person", person)).transpose()?,
        minors: row.minors > 0,
        start_ms: row.start_ms,
        kept: Kept {
            in_lesson: row.in_lesson > 0,
            premium: row.premium > 0,
            held: row.held > 0,
        },
    })
}
