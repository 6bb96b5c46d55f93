//! Pauses between attempts: 1, 2, 4 … seconds with jitter, so that what failed together does not
//! come back together.

use std::time::Duration;

const FIRST_MS: u64 = 1_000;

/// The next pause of something that keeps failing.
#[derive(Debug, Clone)]
pub struct Pause {
    next_ms: u64,
    max_ms: u64,
}

impl Pause {
    /// Grows up to `seconds_max`.
    pub fn up_to(seconds_max: u64) -> Self {
        Self {
            next_ms: FIRST_MS,
            max_ms: (seconds_max * 1000).max(FIRST_MS),
        }
    }

    /// It worked: begin again with a second.
    pub fn reset(&mut self) {
        self.next_ms = FIRST_MS;
    }

    /// How long to wait now: between three and five quarters of the step.
    pub fn take(&mut self) -> Duration {
        let mut byte = [128];
        // Without randomness the pause is still a pause.
        let _ = getrandom::fill(&mut byte);
        let step_ms = self.next_ms;
        self.next_ms = (step_ms * 2).min(self.max_ms);
        Duration::from_millis(step_ms * 3 / 4 + step_ms * u64::from(byte[0]) / 512)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_limit_and_begin_again() {
        let mut pause = Pause::up_to(5);
        for step in [1000, 2000, 4000, 5000, 5000] {
            let quarter = Duration::from_millis(step / 4);
            let waited = pause.take();
            assert!(
                waited >= 3 * quarter && waited <= 5 * quarter,
                "{step}: {waited:?}"
            );
        }
        pause.reset();
        assert!(pause.take() <= Duration::from_millis(1250));
    }
}
