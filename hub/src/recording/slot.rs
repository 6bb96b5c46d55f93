//! Slots: to which recording a segment belongs.
//!
//! A segment belongs to the lesson in which it starts; outside lessons, to its clock hour.

use uuid::Uuid;
use xunke_protocol::id::ClassroomId;

use crate::campus;
use crate::campus::lesson;
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
pub(super) async fn at(db: &Db, classroom: ClassroomId, at_ms: i64) -> Result<Slot, campus::Error> {
    let lesson = lesson::in_room(db, classroom, at_ms).await?;
    Ok(lesson.map_or_else(
        || hour(at_ms),
        |lesson| Slot {
            lesson: Some(lesson.id),
            start_ms: lesson.start_ms,
            end_ms: lesson.end_ms,
        },
    ))
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

    #[test]
    fn an_hour_holds_its_first_moment_and_not_its_last() {
        let nine = 1_795_309_200_000;
        assert_eq!(hour(nine).start_ms, nine);
        assert_eq!(hour(nine + HOUR_MS - 1), hour(nine));
        assert_eq!(hour(nine + HOUR_MS).start_ms, hour(nine).end_ms);
    }
}
