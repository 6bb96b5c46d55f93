//! The time of one track: its stamps made to go on, placed on the wall clock, and their pace
//! measured. Worker process only, and pure.

use super::drift::Drift;
use super::stamps::Stamps;
use super::timing::Anchor;
use crate::clock::Moment;

/// The first frames of a session may bear any stamps.
const SETTLED_US: i64 = 2_000_000;
/// A burst in between moves what is found by a tenth at most.
const ROUGHLY_US: i64 = 5_000_000;

/// Times of one track of a session.
#[derive(Debug, Default)]
pub struct Times {
    stamps: Stamps,
    anchor: Anchor,
    drift: Drift,
    /// Stamp and time of the first frame, and of the first after the session has settled.
    begun: [Option<(i64, i64)>; 2],
    rough: Option<f32>,
}

impl Times {
    /// When something was captured that comes now: microseconds since 1970-01-01 UTC.
    pub fn captured_us(&mut self, stamp_us: i64, now: Moment) -> i64 {
        let raw_ms = u64::try_from(now.raw_us / 1000).unwrap_or(0);
        let steady = self.stamps.steady(stamp_us, raw_ms);
        if self.stamps.is_replaced() {
            self.drift.restart();
        } else {
            self.drift.take(steady, now.raw_us);
        }
        if self.rough.is_none() {
            self.measure_roughly(stamp_us, now.raw_us);
        }
        self.anchor.captured_us(steady, now)
    }

    /// How fast the camera's stamps run against the box's own clock; see [`Drift::ppm`].
    pub fn drift_ppm(&self) -> Option<f32> {
        self.drift.ppm()
    }

    fn measure_roughly(&mut self, stamp_us: i64, raw_us: i64) {
        let [first, settled] = &mut self.begun;
        let (_, first_us) = *first.get_or_insert((stamp_us, raw_us));
        if raw_us - first_us < SETTLED_US {
            return;
        }
        let (from_us, since_us) = *settled.get_or_insert((stamp_us, raw_us));
        let passed_us = raw_us - since_us;
        if passed_us >= ROUGHLY_US {
            self.rough = Some(stamp_us.saturating_sub(from_us) as f32 / passed_us as f32);
        }
    }

    /// Seconds of the camera in one of the box, found once a few seconds after the beginning:
    /// stamps that mean anything say about 1.
    pub fn rough(&self) -> Option<f32> {
        self.rough
    }

    /// How often the camera's clock was set or stopped in this session.
    pub fn steps(&self) -> u32 {
        self.stamps.steps()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a technician, who does not wait for a quarter of an hour.
    #[test]
    fn stamps_that_mean_nothing_are_found_at_once() {
        for (pace, expect) in [(1.0, 1.0), (0.9, 0.9), (1.5, 1.5), (0.0, 0.0)] {
            let mut times = Times::default();
            for number in 0..250_i64 {
                let ahead_us = if number < 5 { 220_000 } else { 0 };
                let raw_us = number * 40_000;
                let now = Moment {
                    wall_us: raw_us,
                    raw_us,
                };
                times.captured_us((raw_us as f64 * pace) as i64 + ahead_us, now);
            }
            let rough = times.rough().unwrap();
            assert!((rough - expect).abs() < 0.01, "{rough} is not {expect}");
        }
    }

    /// The clock of a camera is set in the middle of an hour: its pace is then measured anew.
    #[test]
    fn a_jump_of_the_stamps_begins_a_new_measurement() {
        let mut times = Times::default();
        let mut take = |seconds: std::ops::Range<i64>, jump_us: i64| {
            for second in seconds {
                let stamp_us = second * 1_000_100 + jump_us;
                let now = Moment {
                    wall_us: 1_763_000_000_000_000 + second * 1_000_000,
                    raw_us: second * 1_000_000,
                };
                times.captured_us(stamp_us, now);
            }
            (times.drift_ppm().map(f32::round), times.steps())
        };
        assert_eq!(take(0..1_800, 0), (Some(100.0), 0));
        let hour_us = 3_600_000_000;
        assert_eq!(take(1_800..1_900, hour_us), (None, 1));
        assert_eq!(take(1_900..3_000, hour_us), (Some(100.0), 1));
    }
}
