//! Faults: what a box reports becomes a judgement, with a code, a severity and a first action.
//!
//! signals → finding → hold-down → fault
//!
//! 第五条第1项 “保障智慧教室设备及网络正常运行” (R64, R65): the box reports signals, only the hub
//! judges. A finding becomes a fault when it has lasted, and ends when it has been gone for a
//! while, so that a flicker neither raises nor clears an alarm.

mod moment;
mod catalogue;
mod reading;
mod judge;
mod flap;
mod tree;

pub use catalogue::{CATALOGUE, Kind, LESSON_ONLY, Severities, Severity, Words, kind};
pub use flap::{FLAPPING, RAISES_MAX, WINDOW_MS, flapping};
pub use judge::{
    Evidence, Finding, RENEWAL_GRACE_DAYS, certificate_finding, device_findings, hub_certificate,
    is_of_hub, is_of_register, silence_findings,
};
pub use moment::{BEFORE_CLASS_MS, Moment, moment};
pub use tree::{
    BUILDING_LOST, BoxSeen, DEVICE_LOST, HUB_LINK_LOST, RECOVER_MS, Root, Shared, root, shared,
};

/// Where one possible fault of one component stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Found, but not for long enough.
    Suspected {
        /// First found, milliseconds since the epoch.
        since_ms: i64,
    },
    /// A fault.
    Open,
    /// A fault that is no longer found, but not for long enough.
    Clearing {
        /// First not found, milliseconds since the epoch.
        since_ms: i64,
    },
}

/// What a step brought about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The fault begins; it was first found then.
    Opened {
        /// Milliseconds since the epoch.
        since_ms: i64,
    },
    /// The fault ends; it was last found then.
    Cleared {
        /// Milliseconds since the epoch.
        since_ms: i64,
    },
}

/// One step of a fault's life. `found` is what the newest signals say; `None` stands for nothing.
#[must_use]
pub fn step(
    phase: Option<Phase>,
    found: bool,
    hold_ms: i64,
    clear_ms: i64,
    now_ms: i64,
) -> (Option<Phase>, Option<Edge>) {
    match (phase, found) {
        (None, false) => (None, None),
        (None, true) => suspect(now_ms, hold_ms, now_ms),
        (Some(Phase::Suspected { since_ms }), true) => suspect(since_ms, hold_ms, now_ms),
        (Some(Phase::Suspected { .. }), false) => (None, None),
        (Some(Phase::Open | Phase::Clearing { .. }), true) => (Some(Phase::Open), None),
        (Some(Phase::Open), false) => clear(now_ms, clear_ms, now_ms),
        (Some(Phase::Clearing { since_ms }), false) => clear(since_ms, clear_ms, now_ms),
    }
}

/// A box that says since when is heard within this: its reports are 10 s apart, and a fault that
/// counts in a lesson begins with the lesson.
const TOLD_MS_MAX: i64 = 60_000;

/// When a fault began that was first found at `found_ms`, and of which the box says (by the hub's
/// clock) that it began at `told_ms`.
#[must_use]
pub fn begun_ms(told_ms: Option<i64>, found_ms: i64) -> i64 {
    let heard = |told_ms: &i64| (found_ms - TOLD_MS_MAX..=found_ms).contains(told_ms);
    told_ms.filter(heard).unwrap_or(found_ms)
}

fn suspect(since_ms: i64, hold_ms: i64, now_ms: i64) -> (Option<Phase>, Option<Edge>) {
    if now_ms - since_ms >= hold_ms {
        return (Some(Phase::Open), Some(Edge::Opened { since_ms }));
    }
    (Some(Phase::Suspected { since_ms }), None)
}

fn clear(since_ms: i64, clear_ms: i64, now_ms: i64) -> (Option<Phase>, Option<Edge>) {
    if now_ms - since_ms >= clear_ms {
        return (None, Some(Edge::Cleared { since_ms }));
    }
    (Some(Phase::Clearing { since_ms }), None)
}

#[cfg(test)]
mod tests;
