//! The moment: what the timetable says of a room now, so that a fault is as bad as it is felt.

/// A fault found so long before a lesson counts as if the lesson ran: somebody can still go there.
pub const BEFORE_CLASS_MS: i64 = 15 * 60 * 1000;

/// What the timetable says of a room now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// A lesson runs there.
    InClass,
    /// One begins there within [`BEFORE_CLASS_MS`].
    BeforeClass,
    /// Neither, on a day of lessons.
    Idle,
    /// Nobody has a lesson today, in no room.
    Holiday,
}

/// The moment of a room. `lessons` are the begin and the end (exclusive) of its lessons near
/// `now_ms`, milliseconds since the epoch; `school_day` says whether any room has one today.
#[must_use]
pub fn moment(lessons: &[(i64, i64)], school_day: bool, now_ms: i64) -> Moment {
    let runs = |(start_ms, end_ms): &(i64, i64)| (*start_ms..*end_ms).contains(&now_ms);
    let begins = |(start_ms, _): &(i64, i64)| {
        *start_ms > now_ms && start_ms.saturating_sub(BEFORE_CLASS_MS) <= now_ms
    };
    match () {
        () if lessons.iter().any(runs) => Moment::InClass,
        () if lessons.iter().any(begins) => Moment::BeforeClass,
        () if school_day => Moment::Idle,
        () => Moment::Holiday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each limit from both sides.
    #[test]
    fn the_timetable_says_how_much_a_fault_is_felt() {
        let lesson = [(8_000_000, 9_000_000)];
        let at = |now_ms| moment(&lesson, true, now_ms);
        assert_eq!(at(8_000_000 - BEFORE_CLASS_MS - 1), Moment::Idle);
        assert_eq!(at(8_000_000 - BEFORE_CLASS_MS), Moment::BeforeClass);
        assert_eq!(at(7_999_999), Moment::BeforeClass);
        assert_eq!(at(8_000_000), Moment::InClass);
        assert_eq!(at(8_999_999), Moment::InClass);
        assert_eq!(at(9_000_000), Moment::Idle);
        assert_eq!(moment(&[], false, 8_500_000), Moment::Holiday);
        let back_to_back = [(8_000_000, 9_000_000), (9_000_000, 9_900_000)];
        assert_eq!(moment(&back_to_back, true, 8_999_999), Moment::InClass);
        assert_eq!(moment(&back_to_back, true, 9_000_000), Moment::InClass);
    }
}
