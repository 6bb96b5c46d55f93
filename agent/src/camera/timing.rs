//! Capture times: the wall clock at receipt, smoothed by the camera's own clock.
//!
//! The camera's time stamps tell the distance between frames, the wall clock where they are. The
//! camera's idea of the date is never used as evidence.

use crate::clock::{Moment, Steps};

/// A stream this far behind its camera's clock for [`WINDOW_US`] is anchored anew: it has got a
/// longer way.
const JUMP_US: i64 = 500_000;
/// Longer than a burst after a short network stall.
const WINDOW_US: i64 = 5_000_000;
/// Smaller distances are made up by this much of the time that passes: 2 %, too little to be heard
/// or seen, and enough for the 200 ms that a camera's clock may be off at the start of a session.
const SLEW: i64 = 50;

/// Turns the stream's time stamps into wall clock times.
#[derive(Debug, Default)]
pub struct Anchor {
    /// Wall clock minus time stamp.
    offset_us: Option<i64>,
    /// Smallest offset of the current window, and when the window began.
    window: Option<(i64, i64)>,
    /// Where the offset is moving: the smallest of the last window.
    target_us: i64,
    /// Newest time stamp.
    stamp_us: i64,
    /// Of the box's wall clock.
    steps: Steps,
}

impl Anchor {
    /// The capture time of a frame that comes now: microseconds since 1970-01-01 UTC.
    ///
    /// A frame is never captured later than it is received: the frame with the shortest way sets
    /// the anchor. When the wall clock is set, the anchor moves with it at once; a stalled network
    /// sets no clock, so that the time of frames that arrive late in a burst stays. Drift, a wall
    /// clock that is steered, and a camera that found its pace only after the first frames, are
    /// followed slowly.
    pub fn captured_us(&mut self, stamp_us: i64, now: Moment) -> i64 {
        self.follow(now);
        let seen = now.wall_us - stamp_us;
        let offset = *self.offset_us.get_or_insert(seen);
        let passed_us = (stamp_us - self.stamp_us).max(0);
        self.stamp_us = self.stamp_us.max(stamp_us);
        let behind_us = (self.target_us - offset).max(0);
        let mut offset = (offset + behind_us.min(passed_us / SLEW)).min(seen);
        let (least, since_us) = *self.window.get_or_insert((seen, now.raw_us));
        let least = least.min(seen);
        self.window = Some((least, since_us));
        if now.raw_us - since_us >= WINDOW_US {
            if least - offset > JUMP_US {
                offset = least;
            }
            self.target_us = least;
            self.window = None;
        }
        self.offset_us = Some(offset);
        stamp_us + offset
    }

    /// Moves all that is known with a wall clock that was set.
    fn follow(&mut self, now: Moment) {
        let step_us = self.steps.take(now);
        self.target_us += step_us;
        let moved = |offset_us: i64| offset_us + step_us;
        self.offset_us = self.offset_us.map(moved);
        self.window = self
            .window
            .map(|(least, since_us)| (moved(least), since_us));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL_US: i64 = 1_763_000_000_000_000;

    /// Feeds frames of 25 a second; `late_us` says by how much frame `n` is late, `set_us` by how
    /// much the wall clock is off when it comes.
    fn run_set(frames: i64, late_us: impl Fn(i64) -> i64, set_us: impl Fn(i64) -> i64) -> Vec<i64> {
        let mut anchor = Anchor::default();
        let captured = (0..frames).map(|number| {
            let stamp = number * 40_000;
            let raw_us = stamp + late_us(number);
            let wall_us = WALL_US + raw_us + set_us(number);
            anchor.captured_us(stamp, Moment { wall_us, raw_us }) - WALL_US
        });
        captured.collect()
    }

    fn run(frames: i64, late_us: impl Fn(i64) -> i64) -> Vec<i64> {
        run_set(frames, late_us, |_| 0)
    }

    fn jitter(number: i64) -> i64 {
        if number == 0 {
            0
        } else {
            number * 7919 % 30_000
        }
    }

    #[test]
    fn jitter_of_the_network_does_not_reach_the_capture_times() {
        let captured = run(500, jitter);
        let off_us = (0..500)
            .zip(captured)
            .map(|(number, at)| at - number * 40_000);
        assert!(off_us.into_iter().all(|off_us| (0..300).contains(&off_us)));
    }

    #[test]
    fn a_stall_and_its_burst_leave_the_times_as_they_were() {
        let captured = run(200, |number| ((140 - number) * 40_000).clamp(0, 3_000_000));
        let captured = &captured[140..];
        assert!(
            (140..200)
                .zip(captured)
                .all(|(number, at)| *at == number * 40_000)
        );
    }

    /// The first frame after it already has the new time, however late it comes.
    #[test]
    fn a_wall_clock_that_was_set_is_followed_at_once() {
        for set_us in [60_000_000, -60_000_000, 200_000] {
            let set = |number: i64| if number < 100 { 0 } else { set_us };
            let captured = run_set(600, jitter, set);
            for (number, at) in (0..).zip(captured) {
                let off_us = at - number * 40_000 - set(number);
                assert!((0..300).contains(&off_us), "{set_us} {number}: {off_us}");
            }
        }
    }

    /// In the middle of a stall: frames of before it come after the clock was set.
    #[test]
    fn a_clock_set_during_a_stall_moves_what_comes_after_it() {
        let late = |number: i64| ((140 - number) * 40_000).clamp(0, 3_000_000);
        let set = |number: i64| if number < 70 { 0 } else { 60_000_000 };
        let captured = run_set(200, late, set);
        let off = |(number, at): (i64, &i64)| at - number * 40_000 - set(number);
        assert!((140..).zip(&captured[140..]).map(off).all(|off| off == 0));
    }

    /// A camera that sends half a second later than before, for good.
    #[test]
    fn a_way_that_has_become_longer_is_followed() {
        let captured = run(600, |number| if number < 100 { 0 } else { 700_000 });
        assert_eq!(captured[120], 120 * 40_000);
        assert_eq!(captured[599], 599 * 40_000 + 700_000);
    }

    #[test]
    fn slow_drift_is_followed_without_a_jump() {
        // 100 ppm, ten hours: 3.6 s.
        let captured = run(900_000, |number| number * 4);
        let steps = || captured.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(steps().all(|step| (40_000..=40_800).contains(&step)));
        let late_us = 899_999 * 40_004 - captured[899_999];
        assert!((0..2_000).contains(&late_us), "{late_us}");
    }

    /// The most that Linux steers a clock by unless it is told otherwise.
    #[test]
    fn a_wall_clock_that_is_steered_is_followed_within_milliseconds() {
        for ppm in [500, -500] {
            let steer = |number: i64| number * 40_000 * ppm / 1_000_000;
            let captured = run_set(25_000, jitter, steer);
            let off = |(number, at): (i64, &i64)| at - number * 40_000 - steer(number);
            let most = (0..).zip(&captured).map(off).map(i64::abs).max();
            assert!(most <= Some(6_000), "{ppm}: {most:?}");
        }
    }

    /// The first frames of a session may come with stamps that lie ahead of all later ones.
    #[test]
    fn a_session_that_begins_ahead_of_itself_is_right_within_half_a_minute() {
        let captured = run(800, |number| if number < 5 { 0 } else { 220_000 });
        assert_eq!(captured[5], 5 * 40_000);
        assert_eq!(captured[799], 799 * 40_000 + 220_000);
        assert!(captured.is_sorted());
    }
}
