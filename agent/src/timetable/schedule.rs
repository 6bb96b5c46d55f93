//! What the recorders ask: the newest document, and whether the box's clock can be believed.

use super::wanted::{self, Capture};
use std::sync::Arc;
use tokio::sync::watch;
use xunke_protocol::health::{TimetableBasis, TimetableSignals};
use xunke_protocol::timetable::{CLOCK_MS_MAX, Timetable, Window};

/// What counts now.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    pub timetable: Option<Arc<Timetable>>,
    /// The one before it, and when that was no longer in force; `None` until this start gets one.
    pub before: Option<(Option<Arc<Timetable>>, i64)>,
    /// This box's clock minus the hub's, milliseconds; absent before the hub has told its time.
    pub apart_ms: Option<i64>,
}

/// How far this box's clock is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// As far as anybody knows.
    Right,
    /// It shows so much more than the hub's.
    Off {
        /// Milliseconds; less than nothing when it is behind.
        ms: i64,
    },
    /// It cannot be right, and nobody has told yet what is.
    Unknown,
}

/// When to record, as far as this box knows now. Clones see the same.
#[derive(Debug, Clone)]
pub struct Schedule {
    state: watch::Receiver<State>,
}

impl Schedule {
    pub(super) fn of(state: watch::Receiver<State>) -> Self {
        Self { state }
    }

    /// What is to be done at a moment of this box's clock.
    pub fn wanted(&self, now_ms: i64) -> Capture {
        let state = self.state.borrow();
        let capture = wanted::wanted(now_ms, state.timetable.as_deref());
        if state.clock_off() && capture.basis == TimetableBasis::Lessons {
            return Capture {
                on: true,
                basis: TimetableBasis::Clock,
            };
        }
        capture
    }

    /// How far this box's clock can be believed.
    pub fn trust(&self, now_ms: i64) -> Trust {
        let state = self.state.borrow();
        let early = |one: &Arc<Timetable>| now_ms < one.made_at - CLOCK_MS_MAX;
        match state.apart_ms {
            Some(ms) if state.clock_off() => Trust::Off { ms },
            None if state.timetable.as_ref().is_some_and(early) => Trust::Unknown,
            Some(_) | None => Trust::Right,
        }
    }

    /// What of `from_ms..to_ms` was to be recorded, and whether this box knew it at the time.
    pub fn owed(&self, from_ms: i64, to_ms: i64) -> Vec<(Window, bool)> {
        let state = self.state.borrow();
        let owed = wanted::owed(from_ms, to_ms, state.timetable.as_deref());
        let unknown = match &state.before {
            None => Vec::new(),
            Some((before, ended_ms)) => {
                let until_ms = to_ms.min(*ended_ms);
                let knew = wanted::owed(from_ms, until_ms, before.as_deref());
                let then = Window {
                    from_ms,
                    to_ms: until_ms,
                };
                let then: Vec<_> = owed.iter().filter_map(|one| one.within(&then)).collect();
                wanted::without(&then, &knew)
            }
        };
        let known = wanted::without(&owed, &unknown);
        let mut all: Vec<_> = known.into_iter().map(|one| (one, true)).collect();
        all.extend(unknown.into_iter().map(|one| (one, false)));
        all.sort_unstable();
        all
    }

    /// For the health document.
    pub fn signals(&self, now_ms: i64) -> TimetableSignals {
        let basis = self.wanted(now_ms).basis;
        let state = self.state.borrow();
        let version = state.timetable.as_ref().map_or(0, |one| one.version);
        TimetableSignals { basis, version }
    }
}

impl State {
    /// The hub's clock shows another time than this box's.
    fn clock_off(&self) -> bool {
        self.apart_ms.is_some_and(|ms| ms.abs() > CLOCK_MS_MAX)
    }

    /// Another document counts from now on.
    pub fn follow(&mut self, timetable: Timetable, now_ms: i64) {
        let before = self.timetable.replace(Arc::new(timetable));
        self.before = Some((before, now_ms));
    }
}

#[cfg(test)]
impl Schedule {
    /// One that follows a document, or records always.
    pub fn fixed(timetable: Option<Timetable>) -> Self {
        let timetable = timetable.map(Arc::new);
        let state = State {
            timetable,
            ..State::default()
        };
        Self::of(watch::channel(state).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use xunke_protocol::id::ClassroomId;
    use xunke_protocol::timetable::Mode;

    const NOW: i64 = 1_795_400_000_000;

    fn window(from_ms: i64, to_ms: i64) -> Window {
        Window {
            from_ms: NOW + from_ms,
            to_ms: NOW + to_ms,
        }
    }

    fn timetable(windows: &[Window]) -> Timetable {
        Timetable {
            classroom: ClassroomId(Uuid::nil()),
            version: 1,
            made_at: NOW,
            mode: Mode::Lessons,
            known: window(-86_400_000, 86_400_000),
            windows: windows.to_vec(),
        }
    }

    /// K14: what the document of the time did not want was held back by policy, and is no fault.
    #[test]
    fn what_the_box_did_not_know_of_is_told_apart() {
        let (sender, state) = watch::channel(State::default());
        let schedule = Schedule::of(state);
        let first = timetable(&[window(100, 200)]);
        sender.send_modify(|state| state.timetable = Some(Arc::new(first)));
        assert_eq!(schedule.owed(NOW, NOW + 900), [(window(100, 200), true)]);
        let second = timetable(&[window(100, 400)]);
        sender.send_modify(|state| state.follow(second, NOW + 300));
        let owed = schedule.owed(NOW, NOW + 900);
        let expect = [
            (window(100, 200), true),
            (window(200, 300), false),
            (window(300, 400), true),
        ];
        assert_eq!(owed, expect);
        assert_eq!(
            schedule.owed(NOW + 350, NOW + 900),
            [(window(350, 400), true)]
        );
        // Without a document everything was recorded.
        let (sender, state) = watch::channel(State::default());
        let schedule = Schedule::of(state);
        sender.send_modify(|state| state.follow(timetable(&[window(100, 200)]), NOW + 150));
        assert_eq!(schedule.owed(NOW, NOW + 900), [(window(100, 200), true)]);
    }

    #[test]
    fn a_clock_is_believed_until_something_speaks_against_it() {
        let (sender, state) = watch::channel(State::default());
        let schedule = Schedule::of(state);
        assert_eq!(
            schedule.trust(0),
            Trust::Right,
            "nothing to compare it with"
        );
        sender.send_modify(|state| state.timetable = Some(Arc::new(timetable(&[]))));
        assert_eq!(schedule.trust(0), Trust::Unknown);
        assert_eq!(schedule.trust(NOW), Trust::Right);
        sender.send_modify(|state| state.apart_ms = Some(-NOW));
        assert_eq!(schedule.trust(0), Trust::Off { ms: -NOW });
        assert_eq!(schedule.wanted(NOW).basis, TimetableBasis::Clock);
        sender.send_modify(|state| state.apart_ms = Some(CLOCK_MS_MAX));
        assert_eq!(schedule.trust(NOW), Trust::Right);
    }
}
