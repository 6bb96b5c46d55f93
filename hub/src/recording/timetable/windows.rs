//! From lessons to windows, and windows as the store keeps them. Pure.

use xunke_protocol::timetable::{Mode, Timetable, WINDOWS_MAX, Window, merged};

use crate::config;

const MINUTE_MS: i64 = 60_000;

/// What is recorded around a lesson.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roll {
    /// Before its begin.
    pub before_ms: i64,
    /// After its end.
    pub after_ms: i64,
}

impl Roll {
    /// As the configuration has it.
    #[must_use]
    pub fn of(config: &config::Recording) -> Self {
        Self {
            before_ms: i64::from(config.pre_roll_minutes) * MINUTE_MS,
            after_ms: i64::from(config.post_roll_minutes) * MINUTE_MS,
        }
    }
}

/// The windows of `lessons` and `orders` within `known`: ascending, apart, and no more than a box
/// takes.
pub(super) fn plan(
    lessons: &[Window],
    orders: &[Window],
    roll: Roll,
    known: Window,
) -> Vec<Window> {
    let lessons = lessons.iter().map(|lesson| Window {
        from_ms: lesson.from_ms - roll.before_ms,
        to_ms: lesson.to_ms + roll.after_ms,
    });
    let all = lessons.chain(orders.iter().copied());
    let within = all.filter_map(|window| window.within(&known));
    let mut windows = merged(within.collect());
    windows.truncate(WINDOWS_MAX);
    windows
}

/// Windows cut to a stretch.
pub(super) fn cut(windows: &[Window], to: Window) -> Vec<Window> {
    windows.iter().filter_map(|one| one.within(&to)).collect()
}

/// Whether a box that follows `kept` would do otherwise within `stretch` than one that follows the
/// new mode and windows.
pub(super) fn differs(kept: &Timetable, mode: Mode, windows: &[Window], stretch: Window) -> bool {
    kept.mode != mode || cut(&kept.windows, stretch) != cut(windows, stretch)
}

/// As the store keeps them.
pub(super) fn text(windows: &[Window]) -> String {
    let one = |window: &Window| format!("{}-{}", window.from_ms, window.to_ms);
    windows.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Reads [`text`]; what cannot be read is left out, and so published anew.
pub(super) fn read(text: &str) -> Vec<Window> {
    let one = |part: &str| {
        let (from, to) = part.split_once('-')?;
        Some(Window {
            from_ms: from.parse().ok()?,
            to_ms: to.parse().ok()?,
        })
    };
    text.split_whitespace().filter_map(one).collect()
}

/// What a document owed while it was in force.
pub(super) fn in_force(mode: &str, windows: &str, while_ms: Window) -> Vec<Window> {
    match Mode::named(mode) {
        Some(Mode::Continuous) => vec![while_ms],
        _ => cut(&read(windows), while_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::plan as planned;
    use super::*;
    use uuid::Uuid;
    use xunke_protocol::id::ClassroomId;

    const ROLL: Roll = Roll {
        before_ms: 2,
        after_ms: 5,
    };
    const DAY: Window = window(0, 1000);

    const fn window(from_ms: i64, to_ms: i64) -> Window {
        Window { from_ms, to_ms }
    }

    /// X52: with its roll a lesson reaches the next, and no second is lost between the two.
    #[test]
    fn lessons_that_follow_each_other_are_one_window() {
        let plan = |lessons: &[Window], orders: &[Window]| planned(lessons, orders, ROLL, DAY);
        assert_eq!(plan(&[window(100, 200)], &[]), [window(98, 205)]);
        let adjacent = [window(100, 200), window(200, 300)];
        assert_eq!(plan(&adjacent, &[]), [window(98, 305)]);
        let short_break = [window(100, 200), window(207, 300)];
        assert_eq!(plan(&short_break, &[]), [window(98, 305)]);
        let long_break = [window(100, 200), window(208, 300)];
        assert_eq!(plan(&long_break, &[]), [window(98, 205), window(206, 305)]);
        let order = [window(150, 400)];
        assert_eq!(plan(&adjacent, &order), [window(98, 400)]);
        let edges = [window(-50, 3), window(998, 2000)];
        assert_eq!(plan(&edges, &[]), [window(0, 8), window(996, 1000)]);
        assert_eq!(plan(&[window(-50, -10)], &[]), []);
    }

    #[test]
    fn a_change_outside_the_stretch_is_none() {
        let kept = Timetable {
            classroom: ClassroomId(Uuid::nil()),
            version: 1,
            made_at: 0,
            mode: Mode::Lessons,
            known: DAY,
            windows: vec![window(10, 20), window(50, 60)],
        };
        let later = [window(10, 20), window(50, 70)];
        assert!(differs(&kept, Mode::Lessons, &later, DAY));
        assert!(!differs(&kept, Mode::Lessons, &later, window(15, 60)));
        assert!(differs(&kept, Mode::Continuous, &kept.windows, DAY));
    }

    #[test]
    fn the_store_gives_back_what_it_was_given() {
        let windows = [window(1_795_305_600_000, 1_795_309_200_000), window(7, 9)];
        assert_eq!(read(&text(&windows)), windows);
        assert_eq!(read("7-9 nonsense 3 -"), [window(7, 9)]);
        assert!(read("").is_empty());
    }
}
