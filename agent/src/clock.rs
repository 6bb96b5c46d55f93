//! The only file that asks what time it is.

use rustix::time::{ClockId, clock_gettime};
use std::sync::OnceLock;
use uuid::Uuid;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Wall clock, milliseconds since 1970-01-01 UTC. It may be wrong: boxes have no battery clock.
pub fn now_ms() -> i64 {
    now_us() / 1000
}

/// Wall clock, microseconds since 1970-01-01 UTC.
pub fn now_us() -> i64 {
    let now = clock_gettime(ClockId::Realtime);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1000
}

/// Milliseconds since the operating system started, sleep included. Never jumps.
pub fn mono_ms() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    u64::try_from(now.tv_sec * 1000 + now.tv_nsec / 1_000_000).unwrap_or(0)
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
}
