//! Whether a moment is to be recorded. Pure: the moment and the hub's document in, yes or no out.

use xunke_protocol::health::TimetableBasis;
use xunke_protocol::timetable::{CLOCK_MS_MAX, Mode, Timetable, Window, merged};

/// What is to be done at a moment, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capture {
    /// Whether to record.
    pub on: bool,
    /// What counted.
    pub basis: TimetableBasis,
}

/// Decides about a moment. Without a document that speaks about it everything is recorded: a
/// lesson that was missed does not come again, and what was recorded too much is sealed and ends
/// with its day's key.
pub fn wanted(now_ms: i64, timetable: Option<&Timetable>) -> Capture {
    let basis = basis(now_ms, timetable);
    let held = || timetable.is_some_and(|one| one.windows.iter().any(|one| one.holds(now_ms)));
    Capture {
        on: basis != TimetableBasis::Lessons || held(),
        basis,
    }
}

/// What of `from_ms..to_ms` was to be recorded: the windows, and all that the document does not
/// speak about.
pub fn owed(from_ms: i64, to_ms: i64, timetable: Option<&Timetable>) -> Vec<Window> {
    let whole = Window { from_ms, to_ms };
    let Some(timetable) = timetable.filter(|one| one.mode == Mode::Lessons) else {
        return merged(vec![whole]);
    };
    let unknown = [
        Window {
            from_ms: i64::MIN,
            to_ms: timetable.known.from_ms,
        },
        Window {
            from_ms: timetable.known.to_ms,
            to_ms: i64::MAX,
        },
    ];
    let all = timetable.windows.iter().chain(&unknown);
    merged(all.filter_map(|one| one.within(&whole)).collect())
}

/// Windows without what lies in `others`; both ascending and apart.
pub fn without(windows: &[Window], others: &[Window]) -> Vec<Window> {
    let mut left = Vec::new();
    for window in windows {
        let mut from_ms = window.from_ms;
        for other in others.iter().filter_map(|other| other.within(window)) {
            left.push(Window {
                from_ms,
                to_ms: other.from_ms,
            });
            from_ms = other.to_ms;
        }
        let to_ms = window.to_ms;
        left.push(Window { from_ms, to_ms });
    }
    merged(left)
}

fn basis(now_ms: i64, timetable: Option<&Timetable>) -> TimetableBasis {
    let Some(timetable) = timetable else {
        return TimetableBasis::Missing;
    };
    if timetable.mode == Mode::Continuous {
        return TimetableBasis::Continuous;
    }
    // Nothing was made in the future: this box has no battery, and its clock stands at 1970.
    if now_ms < timetable.made_at - CLOCK_MS_MAX {
        return TimetableBasis::Clock;
    }
    if now_ms >= timetable.known.to_ms {
        return TimetableBasis::RanOut;
    }
    TimetableBasis::Lessons
}

#[cfg(test)]
mod tests {
    use super::owed as owed_of;
    use super::*;
    use uuid::Uuid;
    use xunke_protocol::id::ClassroomId;

    const DAY: i64 = 86_400_000;
    const MINUTE: i64 = 60_000;
    const NOW: i64 = 1_795_400_000_000;

    fn window(from: i64, to: i64) -> Window {
        Window {
            from_ms: NOW + from * MINUTE,
            to_ms: NOW + to * MINUTE,
        }
    }

    /// A day with lessons in these minutes from now.
    fn timetable(windows: &[(i64, i64)]) -> Timetable {
        Timetable {
            classroom: ClassroomId(Uuid::nil()),
            version: 1,
            made_at: NOW,
            mode: Mode::Lessons,
            known: Window {
                from_ms: NOW - DAY,
                to_ms: NOW + 14 * DAY,
            },
            windows: windows.iter().map(|&(from, to)| window(from, to)).collect(),
        }
    }

    fn at(minute: i64, one: &Timetable) -> (bool, TimetableBasis) {
        let capture = wanted(NOW + minute * MINUTE, Some(one));
        (capture.on, capture.basis)
    }

    /// X49, X52: to the minute, and nothing in between.
    #[test]
    fn lessons_are_recorded_and_breaks_are_not() {
        use TimetableBasis::Lessons;
        let day = timetable(&[(10, 60), (70, 120)]);
        for (minute, on) in [
            (0, false),
            (9, false),
            (10, true),
            (59, true),
            (60, false),
            (70, true),
            (119, true),
            (120, false),
        ] {
            assert_eq!(at(minute, &day), (on, Lessons), "{minute}");
        }
        assert_eq!(at(5, &timetable(&[])), (false, Lessons));
    }

    /// X49: rather a break too much than a lesson too little.
    #[test]
    fn what_the_document_does_not_say_is_recorded() {
        let mut day = timetable(&[(10, 60)]);
        assert_eq!(at(14 * 24 * 60, &day), (true, TimetableBasis::RanOut));
        assert_eq!(at(14 * 24 * 60 - 1, &day), (false, TimetableBasis::Lessons));
        assert_eq!(at(-3, &day), (true, TimetableBasis::Clock));
        assert_eq!(at(-1, &day), (false, TimetableBasis::Lessons));
        let at_1970 = wanted(0, Some(&day));
        assert!(at_1970.on && at_1970.basis == TimetableBasis::Clock);
        let never = wanted(NOW, None);
        assert!(never.on && never.basis == TimetableBasis::Missing);
        day.mode = Mode::Continuous;
        assert_eq!(at(5, &day), (true, TimetableBasis::Continuous));
    }

    #[test]
    fn what_lies_in_others_is_left_out() {
        let check = |given: &[(i64, i64)], others: &[(i64, i64)], expect: &[(i64, i64)]| {
            let of = |all: &[(i64, i64)]| -> Vec<Window> {
                all.iter().map(|&(from, to)| window(from, to)).collect()
            };
            assert_eq!(without(&of(given), &of(others)), of(expect), "{given:?}");
        };
        check(&[(0, 10)], &[], &[(0, 10)]);
        check(&[(0, 10)], &[(0, 10)], &[]);
        check(&[(0, 10), (20, 30)], &[(5, 25)], &[(0, 5), (25, 30)]);
        check(
            &[(0, 30)],
            &[(-5, 2), (10, 12), (29, 40)],
            &[(2, 10), (12, 29)],
        );
        check(&[], &[(0, 10)], &[]);
    }

    /// K14: outside of windows nothing is owed, and so nothing is missing.
    #[test]
    fn what_is_owed_lies_in_windows_or_is_not_known() {
        let day = timetable(&[(10, 60), (70, 120)]);
        let owed = |from: i64, to: i64, one: Option<&Timetable>| {
            owed_of(NOW + from * MINUTE, NOW + to * MINUTE, one)
        };
        assert_eq!(owed(0, 9, Some(&day)), []);
        let (first, second) = (window(20, 60), window(70, 75));
        assert_eq!(owed(20, 75, Some(&day)), [first, second]);
        assert_eq!(owed(0, 9, None), [window(0, 9)]);
        assert_eq!(owed(9, 0, None), []);
        let before = -24 * 60;
        let (unknown, known) = (window(before - 5, before), window(10, 11));
        assert_eq!(owed(before - 5, 11, Some(&day)), [unknown, known]);
        let after = 14 * 24 * 60;
        let late = owed(130, after + 5, Some(&day));
        assert_eq!(late, [window(after, after + 5)]);
        let mut always = day;
        always.mode = Mode::Continuous;
        assert_eq!(owed(0, 9, Some(&always)), [window(0, 9)]);
    }
}
