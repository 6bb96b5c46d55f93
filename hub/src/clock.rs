//! The clock: the only place that asks what time it is.

use std::time::UNIX_EPOCH;

/// Milliseconds since the epoch. Asked at the edge and passed on as `now_ms`.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks")]
pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.expect("invariant: the clock is past 1970");
    i64::try_from(since.as_millis()).expect("invariant: milliseconds fit i64")
}
