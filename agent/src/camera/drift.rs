//! Drift: how fast a camera's time stamps run against the box's own clock, in parts per million.
//! Pure.
//!
//! A frame comes late by what the network and the camera's encoder add, never early: of each minute
//! only the frame with the shortest way counts. What rises or falls over ten such minutes is the
//! drift; the median of an hour of them tells nothing of single stalls, bursts and small jumps.

use std::collections::VecDeque;

/// One point this often.
const WINDOW_US: i64 = 60_000_000;
/// An hour of them.
const POINTS_MAX: usize = 61;
/// Slopes are taken over so many windows: a jump between two spoils ten of fifty.
const REACH: usize = 10;
/// The median of fewer slopes is one of them: a quarter of an hour is waited for.
const SLOPES_MIN: usize = 5;

/// The frame of a window with the shortest way.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    raw_us: i64,
    /// How much later than its stamp it came; only differences mean something.
    late_us: i64,
}

/// Measures one track of a session.
#[derive(Debug, Default)]
pub struct Drift {
    /// When the window began, and its best frame.
    window: Option<(i64, Point)>,
    points: VecDeque<Point>,
    ppm: Option<f32>,
}

impl Drift {
    /// Takes a frame with its stamp and when it came, see [`crate::clock::Moment::raw_us`].
    pub fn take(&mut self, stamp_us: i64, raw_us: i64) {
        let point = Point {
            raw_us,
            late_us: raw_us.saturating_sub(stamp_us),
        };
        let (since_us, best) = self.window.get_or_insert((raw_us, point));
        if point.late_us < best.late_us {
            *best = point;
        }
        if raw_us.saturating_sub(*since_us) < WINDOW_US {
            return;
        }
        self.points.push_back(*best);
        self.window = None;
        if self.points.len() > POINTS_MAX {
            self.points.pop_front();
        }
        self.ppm = self.measure();
    }

    /// The camera's clock was set: what came before says nothing about what comes.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// Above zero the camera's clock is the faster one; `None` until a quarter of an hour is over.
    pub fn ppm(&self) -> Option<f32> {
        self.ppm
    }

    fn measure(&self) -> Option<f32> {
        let pairs = self.points.iter().zip(self.points.iter().skip(REACH));
        let mut slopes: Vec<f64> = pairs.map(|(one, other)| slope(*one, *other)).collect();
        slopes.sort_by(f64::total_cmp);
        let (below, above) = (slopes.get((slopes.len().max(1) - 1) / 2)?, slopes.len() / 2);
        let median = (below + slopes.get(above)?) / 2.0;
        (slopes.len() >= SLOPES_MIN).then_some((-median * 1e6) as f32)
    }
}

fn slope(one: Point, other: Point) -> f64 {
    let passed_us = other.raw_us.saturating_sub(one.raw_us).max(1);
    other.late_us.saturating_sub(one.late_us) as f64 / passed_us as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60 * 25;

    /// Feeds 25 frames a second of a clock that runs `ppm` fast, each as late as `late_us` says.
    fn run(drift: &mut Drift, ppm: f64, minutes: i64, late_us: impl Fn(i64) -> i64) -> Option<f32> {
        for number in 0..minutes * MINUTE {
            let true_us = number * 40_000;
            let stamp_us = (true_us as f64 * (1.0 + ppm / 1e6)) as i64;
            drift.take(stamp_us, true_us + late_us(number));
        }
        drift.ppm()
    }

    fn jitter(number: i64) -> i64 {
        number
            .wrapping_mul(7919)
            .wrapping_add(number / 13 * 104_729)
            % 30_000
    }

    fn close(found: Option<f32>, ppm: f64, by: f64) {
        let off = found.map(|found| (f64::from(found) - ppm).abs());
        assert!(off.is_some_and(|off| off <= by), "{found:?} is not {ppm}");
    }

    /// Issue 4, item 6: "drift measured".
    #[test]
    fn the_rate_of_a_clock_is_found_under_jitter() {
        for ppm in [-100.0, -20.0, 0.0, 35.0, 100.0, -4_000.0, 100_000.0] {
            close(run(&mut Drift::default(), ppm, 90, jitter), ppm, 0.5);
        }
    }

    #[test]
    fn nothing_is_said_before_a_quarter_of_an_hour_and_after_a_jump() {
        let mut drift = Drift::default();
        assert_eq!(run(&mut drift, 50.0, 15, jitter), None);
        let mut drift = Drift::default();
        close(run(&mut drift, 50.0, 16, jitter), 50.0, 1.0);
        drift.restart();
        assert_eq!(drift.ppm(), None);
    }

    /// A stall with its burst, and a minute in which every frame is late.
    #[test]
    fn stalls_bursts_and_a_slow_minute_move_it_little() {
        let stalls = |number: i64| {
            let within = number % (10 * MINUTE);
            let burst = (75 - within).clamp(0, 75) * 40_000;
            let slow = if (number / MINUTE) % 25 == 7 {
                400_000
            } else {
                0
            };
            jitter(number) + burst + slow
        };
        close(run(&mut Drift::default(), 20.0, 60, stalls), 20.0, 1.0);
    }

    /// What `stamps` lets pass, and the half second that a camera's encoder may add for good.
    #[test]
    fn small_jumps_move_it_little() {
        let jumps = |number: i64| match number / MINUTE {
            0..20 => jitter(number),
            20..41 => jitter(number) + 800_000,
            _ => jitter(number) + 300_000,
        };
        close(run(&mut Drift::default(), -60.0, 60, jumps), -60.0, 2.0);
    }

    #[test]
    fn stamps_at_the_ends_of_what_can_be_counted_do_no_harm() {
        let mut drift = Drift::default();
        for minute in 0..40 {
            let stamp = [i64::MAX, i64::MIN, 0][minute as usize % 3];
            drift.take(stamp, minute * WINDOW_US);
        }
    }
}
