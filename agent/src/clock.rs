//! The only file that asks what time it is.

use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use uuid::Uuid;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Two clocks are read at one moment when it takes no longer than this.
const READ_US_MAX: i64 = 200;
const READS_MAX: u32 = 8;
/// Time services set a clock that is this far off (ntpd above 128 ms, systemd-timesyncd above
/// 400 ms) and steer it by less: at most 100 ms in a second (chrony).
const STEP_US_MIN: i64 = 120_000;

/// Wall clock, milliseconds since 1970-01-01 UTC. It may be wrong: boxes have no battery clock.
pub fn now_ms() -> i64 {
    now_us() / 1000
}

/// Wall clock, microseconds since 1970-01-01 UTC.
pub fn now_us() -> i64 {
    microseconds(ClockId::Realtime)
}

/// Milliseconds since the operating system started, sleep included. Never jumps.
pub fn mono_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap_or(0)
}

/// The wall clock beside the processor's own clock, read at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1970-01-01 UTC; it may be set, and it is steered.
    pub wall_us: i64,
    /// Microseconds that nobody steers or sets, from an arbitrary beginning.
    pub raw_us: i64,
}

/// Both clocks. A process that is kept waiting between the two reads them again.
pub fn moment() -> Moment {
    let raw_us = || microseconds(ClockId::MonotonicRaw);
    for _ in 1..READS_MAX {
        let (before, wall_us, after) = (raw_us(), now_us(), raw_us());
        if after - before <= READ_US_MAX {
            return Moment {
                wall_us,
                raw_us: before,
            };
        }
    }
    Moment {
        wall_us: now_us(),
        raw_us: raw_us(),
    }
}

fn microseconds(clock: ClockId) -> i64 {
    let now = clock_gettime(clock);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// Counts how often the wall clock was set. It is not when it is only steered, however fast.
#[derive(Debug, Clone, Default)]
pub struct Steps {
    /// Wall clock minus the processor's own, when it was last looked at.
    apart_us: Option<i64>,
    count: u32,
}

impl Steps {
    /// By how many microseconds the wall clock was set since the last look; 0 when it was not.
    pub fn take(&mut self, now: Moment) -> i64 {
        let apart_us = now.wall_us - now.raw_us;
        let before_us = self.apart_us.replace(apart_us).unwrap_or(apart_us);
        let step_us = apart_us - before_us;
        if step_us.abs() < STEP_US_MIN {
            return 0;
        }
        self.count = self.count.saturating_add(1);
        step_us
    }

    /// How often.
    pub fn count(&self) -> u32 {
        self.count
    }
}

/// Names this start of the operating system; `mono_ms` counts within it.
///
/// Where the kernel does not tell (no `/proc`), the name is made up once per process.
pub fn boot_id() -> Uuid {
    static BOOT: OnceLock<Uuid> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let told = std::fs::read_to_string(BOOT_ID).ok();
        told.and_then(|text| text.trim().parse().ok())
            .unwrap_or_else(Uuid::now_v7)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_and_the_boot_stays() {
        let (wall, mono) = (now_ms(), mono_ms());
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert!(now_ms() > wall && mono_ms() > mono);
        assert_eq!(boot_id(), boot_id());
        assert!(wall > 1_700_000_000_000, "milliseconds, not seconds");
    }

    #[test]
    fn both_clocks_are_read_together() {
        let before = moment();
        std::thread::sleep(std::time::Duration::from_millis(5));
        let after = moment();
        assert!(after.raw_us - before.raw_us >= 5_000);
        assert!((now_us() - after.wall_us).abs() < 10_000_000, "{after:?}");
    }

    /// Issue 4, item 6: NTP sets the clock of a box without a battery when the network comes.
    #[test]
    fn a_clock_that_is_set_is_counted_and_one_that_is_steered_is_not() {
        let mut steps = Steps::default();
        let wall = |second: i64| match second {
            // 100,000 ppm, the most that chrony steers by.
            0..100 => second * 1_100_000,
            100..200 => 60_000_000 + second * 1_000_000,
            _ => -3_600_000_000 + second * 1_000_000,
        };
        let look = |second: i64| {
            steps.take(Moment {
                wall_us: wall(second),
                raw_us: second * 1_000_000,
            })
        };
        let set: Vec<i64> = (0..300).map(look).filter(|&step_us| step_us != 0).collect();
        assert_eq!(set, [50_100_000, -3_660_000_000]);
        assert_eq!(steps.count(), 2);
    }
}
