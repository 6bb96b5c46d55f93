//! Whether the recorder records: judged by what became durable, never by what was meant to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xunke_protocol::health::{RecordingSignals, RecordingState};

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

/// All recorders of the box as one: it fails when one fails, and records when one records.
pub fn together(
    meters: &[Meter],
    before: Option<&RecordingSignals>,
    mono_ms: u64,
    now_ms: i64,
) -> RecordingSignals {
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
    let since = before
        .filter(|before| before.state == state)
        .map_or(now_ms, |before| before.since);
    RecordingSignals {
        state,
        since,
        durable_age_ms,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(meters: &[Meter], mono_ms: u64) -> RecordingState {
        together(meters, None, mono_ms, 0).state
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
        let first = together(&meters, None, 3_000, 70);
        assert_eq!((first.since, first.durable_age_ms), (70, Some(2_000)));
        assert_eq!(together(&meters, Some(&first), 3_500, 90).since, 70);
        assert_eq!(together(&meters, Some(&first), 60_000, 91).since, 91);
    }
}
