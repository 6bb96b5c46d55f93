//! What is wrong with a camera's clock, from how far it is off. Pure.

/// Pictures carry the camera's time in their corner; people compare it with the timetable.
const SKEW_MS_MAX: i64 = 5_000;
const HALF_HOUR_MS: i64 = 30 * 60 * 1000;
/// The farthest time zones are 14 hours from UTC.
const HALF_HOURS_MAX: i64 = 28;
/// A time zone set wrongly is off by half hours, but for how far the clock itself strays.
const STRAY_MS_MAX: i64 = 2 * 60 * 1000;
/// Clocks that were never set begin at 1970 or 2000; no camera of ours is older than 2015.
const SET_MS_MIN: i64 = 1_420_070_400_000;

/// A judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Near enough.
    Right,
    /// It begins anew at every start: no time server reached it ever.
    NeverSet,
    /// Off by this many half hours: its time zone is wrong.
    Zone(i64),
    /// Off by something else, in seconds.
    Off(i64),
}

/// `skew_ms` is the camera's clock against ours, `now_ms` ours.
pub fn judge(skew_ms: i64, now_ms: i64) -> Clock {
    if skew_ms.saturating_abs() <= SKEW_MS_MAX {
        return Clock::Right;
    }
    if now_ms.saturating_add(skew_ms) < SET_MS_MIN {
        return Clock::NeverSet;
    }
    let half_hours = (skew_ms.saturating_add(skew_ms.signum() * HALF_HOUR_MS / 2)) / HALF_HOUR_MS;
    let stray_ms = skew_ms - half_hours * HALF_HOUR_MS;
    if half_hours != 0 && half_hours.abs() <= HALF_HOURS_MAX && stray_ms.abs() <= STRAY_MS_MAX {
        return Clock::Zone(half_hours);
    }
    Clock::Off(skew_ms / 1000)
}

/// What to do, for the log.
pub fn advice(clock: Clock) -> Option<&'static str> {
    match clock {
        Clock::Right => None,
        Clock::NeverSet => Some("the camera's clock was never set: give it a time server (NTP)"),
        Clock::Zone(_) => Some("the camera's clock is off by whole half hours: set its time zone"),
        Clock::Off(_) => Some("the camera's clock is wrong: give it a time server (NTP)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X62: 1970, time zones, and clocks that merely stray.
    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off() {
        let now_ms = 1_795_000_000_000;
        let hours = |hours: i64| hours * 3_600_000;
        for (skew_ms, expect) in [
            (0, Clock::Right),
            (-5_000, Clock::Right),
            (5_001, Clock::Off(5)),
            (hours(8), Clock::Zone(16)),
            (hours(-8) + 90_000, Clock::Zone(-16)),
            (hours(5) + HALF_HOUR_MS, Clock::Zone(11)),
            (hours(8) + 600_000, Clock::Off(29_400)),
            (hours(15), Clock::Off(54_000)),
            (-now_ms + 1000, Clock::NeverSet),
            (i64::MIN, Clock::NeverSet),
            (i64::MAX, Clock::Off(i64::MAX / 1000)),
        ] {
            assert_eq!(judge(skew_ms, now_ms), expect, "{skew_ms}");
            assert_eq!(advice(expect).is_none(), expect == Clock::Right);
        }
    }
}
