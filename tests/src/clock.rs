//! The one place of the simulated campus that asks for the time.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    now_us() / 1000
}

/// Microseconds since the Unix epoch.
#[must_use]
pub fn now_us() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is clock.rs")]
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).expect("invariant: the year is below 292 thousand")
}

/// Wall clock of the campus (Asia/Shanghai, UTC+8 without daylight saving) as
/// `2026-11-22 08:09:01.123`.
#[must_use]
pub fn shanghai(now_ms: i64) -> String {
    let local_ms = now_ms + 8 * 3_600_000;
    let Ok(t) = time::UtcDateTime::from_unix_timestamp(local_ms.div_euclid(1000)) else {
        return format!("{now_ms} ms");
    };
    let (date, clock) = (t.date(), t.time());
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second(),
        local_ms.rem_euclid(1000)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_campus_is_eight_hours_ahead_of_greenwich() {
        assert_eq!(shanghai(0), "1970-01-01 08:00:00.000");
        assert_eq!(shanghai(1_798_761_599_999), "2027-01-01 07:59:59.999");
    }
}
