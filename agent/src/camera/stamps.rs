//! A camera's time stamps, made to go on: neither its clock being set nor its standing still
//! reaches the capture times. Worker process only.
//!
//! Distances between stamps are believed as long as they are possible; otherwise the time that
//! passed here takes their place. `timing` then says where the stamps are on the wall clock.

/// Pictures are stored out of display order by less than this; further back the clock was set.
const BACK_US: i64 = -1_000_000;
/// Stamps may run ahead of the time that passed by this much; further ahead the clock was set.
const AHEAD_US: i64 = 2_000_000;
/// A clock stands when so many stamps follow that are the same: fields of one picture may share
/// one.
const SAME: u32 = 2;

/// The stamps of one track of a session.
#[derive(Debug, Default)]
pub struct Stamps {
    /// Newest stamp as it was given out, and when it came, see `clock::mono_ms`.
    newest: Option<(i64, u64)>,
    /// What is added to the camera's stamps.
    shift_us: i64,
    /// Stamps that were the same as the one before.
    same: u32,
    /// The newest stamp was not believed.
    replaced: bool,
    steps: u32,
}

impl Stamps {
    /// The stamp to believe, in microseconds.
    pub fn steady(&mut self, stamp_us: i64, mono_ms: u64) -> i64 {
        let shifted = stamp_us.saturating_add(self.shift_us);
        let Some((newest, newest_ms)) = self.newest else {
            self.newest = Some((shifted, mono_ms));
            return shifted;
        };
        let passed_ms = mono_ms.saturating_sub(newest_ms);
        let passed_us = i64::try_from(passed_ms).unwrap_or(0).saturating_mul(1000);
        let step_us = shifted.saturating_sub(newest);
        self.same = if step_us == 0 { self.same + 1 } else { 0 };
        let stands = self.same >= SAME;
        let set = step_us < BACK_US || step_us > passed_us.saturating_add(AHEAD_US);
        // A clock that stands has stepped once, however long it stands.
        let step = set || (stands && !self.replaced);
        self.steps = self.steps.saturating_add(u32::from(step));
        self.replaced = set || stands;
        let believed = if set || stands {
            newest.saturating_add(passed_us)
        } else {
            shifted
        };
        self.shift_us = believed.saturating_sub(stamp_us);
        if stands {
            // The next one that is the same is again one too many.
            self.same = SAME - 1;
        }
        if believed >= newest {
            self.newest = Some((believed, mono_ms));
        }
        believed
    }

    /// Whether the newest stamp was replaced: distances to older ones then mean nothing.
    pub fn is_replaced(&self) -> bool {
        self.replaced
    }

    /// How often the camera's clock was set or stopped.
    pub fn steps(&self) -> u32 {
        self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds 25 stamps a second, each as late as `late_ms` says.
    fn run(stamps: impl Fn(i64) -> i64, late_ms: impl Fn(i64) -> i64, count: i64) -> Vec<i64> {
        let mut steady = Stamps::default();
        let all = (0..count).map(|number| {
            let mono_ms = (number * 40 + late_ms(number) + 1000).unsigned_abs();
            steady.steady(stamps(number), mono_ms)
        });
        all.collect()
    }

    fn even(number: i64) -> i64 {
        number * 40_000
    }

    #[test]
    fn stamps_that_are_possible_are_left_as_they_are() {
        let same: Vec<i64> = (0..200).map(even).collect();
        assert_eq!(run(even, |_| 0, 200), same);
        let burst = |number: i64| ((140 - number) * 40).clamp(0, 3_000);
        assert_eq!(run(even, burst, 200), same, "a stall and its burst");
        // Two references ahead, then what lies between them.
        let reordered = |number: i64| even(number / 3 * 3 + [2, 0, 1][(number % 3) as usize]);
        let expect: Vec<i64> = (0..201).map(reordered).collect();
        assert_eq!(run(reordered, |_| 0, 201), expect, "B-frames");
    }

    /// Hour-long jumps, both ways: capture times go on as if nothing had happened (X54).
    #[test]
    fn a_clock_that_was_set_is_not_followed() {
        for hour_us in [3_600_000_000, -3_600_000_000] {
            let jumps = |number| even(number) + if number < 100 { 0 } else { hour_us };
            let same: Vec<i64> = (0..200).map(even).collect();
            assert_eq!(run(jumps, |_| 0, 200), same);
            assert_eq!(steps(jumps), (1, false));
        }
        assert_eq!(steps(even), (0, false));
    }

    /// How often the clock was set, and whether the newest stamp was replaced.
    fn steps(stamps: impl Fn(i64) -> i64) -> (u32, bool) {
        let mut steady = Stamps::default();
        for number in 0..200 {
            steady.steady(stamps(number), number.unsigned_abs() * 40);
        }
        (steady.steps(), steady.is_replaced())
    }

    #[test]
    fn a_clock_that_stands_still_is_replaced_by_the_time_that_passes() {
        let stands = |number: i64| {
            even(if (50..150).contains(&number) {
                50
            } else {
                number
            })
        };
        let given = run(stands, |_| 0, 200);
        assert!(given.is_sorted());
        let off = |(number, at): (i64, &i64)| (at - even(number)).abs();
        let most = (0..).zip(&given).map(off).max();
        assert!(most <= Some(120_000), "{most:?}");
        // It stopped, and when it went on it was set.
        assert_eq!(steps(stands), (2, false));
        // And one that never moved at all.
        assert_eq!(steps(|_| 7), (1, true));
        let dead = run(|_| 7, |_| 0, 100);
        assert!(dead.is_sorted() && dead[99] > even(95), "{}", dead[99]);
    }

    #[test]
    fn stamps_at_the_ends_of_what_can_be_counted_do_no_harm() {
        let mut steady = Stamps::default();
        for (mono_ms, stamp) in [i64::MAX, i64::MIN, 0, i64::MAX, i64::MIN]
            .iter()
            .enumerate()
        {
            steady.steady(*stamp, mono_ms as u64);
        }
    }
}
