//! Whether the recorder records: judged by what became durable, never by what was meant to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xunke_protocol::health::{RecordingSignals, RecordingState, TimetableSignals};

/// Frames younger than this arrive.
const ARRIVING_MS: u64 = 5_000;
/// Frames that arrive but have not become durable for so long: the recorder fails.
const DURABLE_MS_MAX: u64 = 15_000;

/// One camera's recorder, seen from outside. Clones share it. Times are [`crate::clock::mono_ms`].
#[derive(Clone, Default)]
pub struct Meter {
    marks: Arc<Mutex<Marks>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    /// Since when frames arrive without a pause.
    arriving_ms: Option<u64>,
    frame_ms: Option<u64>,
    durable_ms: Option<u64>,
    failing: bool,
}

impl Meter {
    /// A frame arrived.
    pub fn frame(&self, mono_ms: u64) {
        let mut marks = self.marks();
        let paused = marks
            .frame_ms
            .is_none_or(|frame| mono_ms - frame > ARRIVING_MS);
        if paused {
            marks.arriving_ms = Some(mono_ms);
        }
        marks.frame_ms = Some(mono_ms);
    }

    /// A window begins: what was durable in the one before says nothing about this one.
    pub fn begins(&self, mono_ms: u64) {
        let mut marks = self.marks();
        marks.arriving_ms = Some(mono_ms);
        marks.durable_ms = None;
    }

    /// A fragment is durable; returns whether that is news after a failure.
    pub fn durable(&self, mono_ms: u64) -> bool {
        let mut marks = self.marks();
        marks.durable_ms = Some(mono_ms);
        std::mem::replace(&mut marks.failing, false)
    }

    /// A fragment could not be made durable; returns whether that is news.
    pub fn failed(&self) -> bool {
        !std::mem::replace(&mut self.marks().failing, true)
    }

    /// Whether fragments cannot be made durable.
    pub fn fails(&self) -> bool {
        self.marks().failing
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn arrives(&self, mono_ms: u64) -> bool {
        self.frame_ms
            .is_some_and(|frame| mono_ms.saturating_sub(frame) <= ARRIVING_MS)
    }

    fn state(&self, mono_ms: u64) -> RecordingState {
        if !self.arrives(mono_ms) {
            return RecordingState::Waiting;
        }
        let since = self.durable_ms.max(self.arriving_ms).unwrap_or(mono_ms);
        if self.failing || mono_ms.saturating_sub(since) > DURABLE_MS_MAX {
            return RecordingState::Failing;
        }
        match self.durable_ms >= self.arriving_ms {
            true => RecordingState::Recording,
            false => RecordingState::Waiting,
        }
    }
}

/// What the timetable says now.
#[derive(Debug, Clone, Copy)]
pub struct Lesson {
    /// Whether to record.
    pub on: bool,
    /// By what that was decided.
    pub signals: TimetableSignals,
}

/// All recorders of the box as one: it fails when one fails, and records when one records; while
/// no lesson is on, nobody expects it to (X53).
pub fn together(
    meters: &[Meter],
    lesson: Lesson,
    before: Option<&RecordingSignals>,
    (mono_ms, now_ms): (u64, i64),
) -> RecordingSignals {
    if !lesson.on {
        return signals(RecordingState::Idle, None, lesson, before, now_ms);
    }
    let marks: Vec<Marks> = meters.iter().map(|meter| *meter.marks()).collect();
    let any = |state| marks.iter().any(|marks| marks.state(mono_ms) == state);
    let state = [RecordingState::Failing, RecordingState::Recording]
        .into_iter()
        .find(|s| any(*s));
    let state = state.unwrap_or(RecordingState::Waiting);
    let age = |marks: &Marks| {
        marks
            .durable_ms
            .map(|durable| mono_ms.saturating_sub(durable))
    };
    let arriving = marks
        .iter()
        .filter(|marks| marks.arrives(mono_ms))
        .filter_map(age)
        .max();
    let durable_age_ms = arriving.or_else(|| marks.iter().filter_map(age).min());
    signals(state, durable_age_ms, lesson, before, now_ms)
}

fn signals(
    state: RecordingState,
    durable_age_ms: Option<u64>,
    lesson: Lesson,
    before: Option<&RecordingSignals>,
    now_ms: i64,
) -> RecordingSignals {
    let since = before
        .filter(|before| before.state == state)
        .map_or(now_ms, |before| before.since);
    RecordingSignals {
        state,
        since,
        durable_age_ms,
        timetable: Some(lesson.signals),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_protocol::health::TimetableBasis;

    const ON: Lesson = Lesson {
        on: true,
        signals: TimetableSignals {
            basis: TimetableBasis::Lessons,
            version: 3,
        },
    };

    fn state(meters: &[Meter], mono_ms: u64) -> RecordingState {
        together(meters, ON, None, (mono_ms, 0)).state
    }

    /// X53: outside of lessons it is idle, whatever was before; a lesson begins with a clean slate.
    #[test]
    fn outside_of_lessons_it_is_idle_and_no_error() {
        let meter = Meter::default();
        let meters = [meter.clone()];
        meter.frame(1_000);
        meter.durable(1_000);
        let off = Lesson { on: false, ..ON };
        let hours = 3_600_000;
        meter.frame(hours);
        let idle = together(&meters, off, None, (hours, 9));
        let told = (idle.state, idle.durable_age_ms, idle.since);
        assert_eq!(told, (RecordingState::Idle, None, 9));
        assert_eq!(idle.timetable, Some(ON.signals));
        meter.begins(hours);
        let begun = together(&meters, ON, Some(&idle), (hours + 1_000, 10));
        let told = (begun.state, begun.durable_age_ms, begun.since);
        assert_eq!(told, (RecordingState::Waiting, None, 10));
        meter.durable(hours + 2_000);
        assert_eq!(state(&meters, hours + 2_100), RecordingState::Recording);
    }

    #[test]
    fn it_never_says_recording_before_something_is_durable() {
        let meter = Meter::default();
        let meters = [meter.clone()];
        assert_eq!(state(&meters, 1_000), RecordingState::Waiting);
        meter.frame(1_000);
        assert_eq!(state(&meters, 2_000), RecordingState::Waiting);
        meter.durable(3_000);
        meter.frame(3_100);
        assert_eq!(state(&meters, 3_200), RecordingState::Recording);
        assert_eq!(state(&meters, 9_000), RecordingState::Waiting);
    }

    #[test]
    fn a_disk_that_hangs_or_refuses_is_failing() {
        let meter = Meter::default();
        let meters = [meter.clone(), Meter::default()];
        (0..40).for_each(|second| meter.frame(second * 1000));
        assert_eq!(state(&meters, 39_500), RecordingState::Failing);
        meter.durable(39_600);
        assert_eq!(state(&meters, 39_700), RecordingState::Recording);
        assert!(meter.failed() && !meter.failed());
        assert_eq!(state(&meters, 39_800), RecordingState::Failing);
    }

    #[test]
    fn since_is_when_the_state_began_and_the_age_is_that_of_the_worst() {
        let (one, two) = (Meter::default(), Meter::default());
        for meter in [&one, &two] {
            meter.frame(1_000);
            meter.durable(1_000);
        }
        two.durable(2_500);
        let meters = [one, two];
        let first = together(&meters, ON, None, (3_000, 70));
        assert_eq!((first.since, first.durable_age_ms), (70, Some(2_000)));
        let since = |mono_ms, now_ms| together(&meters, ON, Some(&first), (mono_ms, now_ms)).since;
        assert_eq!((since(3_500, 90), since(60_000, 91)), (70, 91));
    }
}
