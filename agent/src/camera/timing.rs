//! Capture times: the wall clock at receipt, smoothed by the camera's own clock.
//!
//! The camera's time stamps tell the distance between frames, the wall clock where they are. The
//! camera's idea of the date is never used as evidence.

/// A stream this far behind its camera's clock for [`WINDOW_MS`] is anchored anew: a clock was set.
const JUMP_US: i64 = 500_000;
/// Longer than a burst after a short network stall.
const WINDOW_MS: u64 = 5_000;
/// Smaller distances are made up by this much of the time that passes: 2 %, too little to be heard
/// or seen, and enough for the 200 ms that a camera's clock may be off at the start of a session.
const SLEW: i64 = 50;

/// Turns the stream's time stamps into wall clock times.
#[derive(Debug, Default)]
pub struct Anchor {
    /// Wall clock minus time stamp.
    offset_us: Option<i64>,
    /// Smallest offset of the current window, and when the window began.
    window: Option<(i64, u64)>,
    /// Where the offset is moving: the smallest of the last window.
    target_us: i64,
    /// Newest time stamp.
    stamp_us: i64,
}

impl Anchor {
    /// The capture time of a frame: microseconds since 1970-01-01 UTC.
    ///
    /// A frame is never captured later than it is received: the frame with the shortest way sets
    /// the anchor, and a backward step of the wall clock takes effect at once. A forward step takes
    /// effect when it has lasted for a window, so that a stalled network does not move the time of
    /// frames that arrive late in a burst; drift, and a camera that found its pace only after the
    /// first frames, are followed slowly.
    pub fn captured_us(&mut self, stamp_us: i64, now_us: i64, mono_ms: u64) -> i64 {
        let seen = now_us - stamp_us;
        let offset = *self.offset_us.get_or_insert(seen);
        let passed_us = (stamp_us - self.stamp_us).max(0);
        self.stamp_us = self.stamp_us.max(stamp_us);
        let behind_us = (self.target_us - offset).max(0);
        let mut offset = (offset + behind_us.min(passed_us / SLEW)).min(seen);
        let (least, since_ms) = *self.window.get_or_insert((seen, mono_ms));
        let least = least.min(seen);
        self.window = Some((least, since_ms));
        if mono_ms.saturating_sub(since_ms) >= WINDOW_MS {
            if least - offset > JUMP_US {
                offset = least;
            }
            self.target_us = least;
            self.window = None;
        }
        self.offset_us = Some(offset);
        stamp_us + offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL_US: i64 = 1_763_000_000_000_000;

    /// Feeds frames of 25 a second; `late_us` says by how much frame `n` is late.
    fn run(frames: i64, late_us: impl Fn(i64) -> i64) -> Vec<i64> {
        let mut anchor = Anchor::default();
        let captured = (0..frames).map(|number| {
            let stamp = number * 40_000;
            let now = stamp + late_us(number);
            let mono = u64::try_from(stamp / 1000).unwrap();
            anchor.captured_us(stamp, WALL_US + now, mono) - WALL_US
        });
        captured.collect()
    }

    #[test]
    fn jitter_of_the_network_does_not_reach_the_capture_times() {
        let captured = run(500, |number| {
            if number == 0 {
                0
            } else {
                number * 7919 % 30_000
            }
        });
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

    #[test]
    fn a_clock_that_was_set_is_followed() {
        let forward = run(600, |number| if number < 100 { 0 } else { 60_000_000 });
        assert_eq!(forward[120], 120 * 40_000);
        assert_eq!(forward[599], 599 * 40_000 + 60_000_000);
        let back = run(200, |number| if number < 100 { 0 } else { -60_000_000 });
        assert_eq!(back[100], 100 * 40_000 - 60_000_000);
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

    /// The first frames of a session may come with stamps that lie ahead of all later ones.
    #[test]
    fn a_session_that_begins_ahead_of_itself_is_right_within_half_a_minute() {
        let captured = run(800, |number| if number < 5 { 0 } else { 220_000 });
        assert_eq!(captured[5], 5 * 40_000);
        assert_eq!(captured[799], 799 * 40_000 + 220_000);
        assert!(captured.is_sorted());
    }
}
