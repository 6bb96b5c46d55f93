//! The decision what to say about an alert now, if anything: a pure table.
//!
//! | the alert | has been told | then |
//! |---|---|---|
//! | is over | no | drop it: nobody ever hears of it |
//! | is over for one interval | yes | resolved, to everybody who was told |
//! | is silenced or explained by a root cause | – | nothing |
//! | is open | no | raised, once it has stood for the wait |
//! | got worse | yes | raised again, once it has stood for the wait |
//! | has new rooms | yes | raised again, one interval after the last word |
//! | is critical, not acknowledged, time of the next step | yes | escalated |
//! | is urgent, not acknowledged, repeat time over | yes | repeated |
//! | anything else | – | nothing |
//!
//! A building, or the hub's link, is one thing: the rooms that follow it are no news.

use super::duty::{self, Step};
use crate::fault::{Moment, Severity};

/// How patient to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Before the first word, milliseconds.
    pub wait_ms: i64,
    /// Between words about the same alert, milliseconds.
    pub interval_ms: i64,
    /// Until the same is said again, milliseconds; `None`: the daily summary says it.
    pub repeat_ms: Option<i64>,
}

/// Of a critical alert while a lesson runs, or is about to. The hold-down of its fault has waited
/// already; what goes with it comes within this.
pub const URGENT: Times = Times {
    wait_ms: 5_000,
    interval_ms: 2 * 60_000,
    repeat_ms: Some(15 * 60_000),
};
/// Of every other.
pub const ORDINARY: Times = Times {
    wait_ms: 60_000,
    interval_ms: 10 * 60_000,
    repeat_ms: None,
};
/// When the daily summary is due, minutes after midnight in Asia/Shanghai: 08:00.
pub const DIGEST_MINUTE: i64 = 8 * 60;

/// Whether a lesson suffers, or will within minutes.
#[must_use]
pub fn urgent(severity: Severity, moment: Moment) -> bool {
    severity == Severity::Critical && matches!(moment, Moment::InClass | Moment::BeforeClass)
}

/// An alert as it stands now. Times are milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// First of it.
    pub opened_ms: i64,
    /// The newest room joined then; of what many rooms share, the same as `opened_ms`.
    pub newest_ms: i64,
    /// Nothing is wrong any more since then.
    pub cleared_ms: Option<i64>,
    /// How bad it is now.
    pub severity: Severity,
    /// As bad as that since then.
    pub severity_since_ms: i64,
    /// Which times count.
    pub urgent: bool,
    /// Nobody wants to hear of it, or something else explains it.
    pub quiet: bool,
    /// Somebody has taken it, and that has not expired.
    pub acknowledged: bool,
}

/// What has been said about it; kept in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The first word.
    pub first_ms: i64,
    /// The last word.
    pub last_ms: i64,
    /// How bad it was said to be, at worst.
    pub severity: Severity,
    /// The step that has been told, counted from 0.
    pub step: usize,
}

/// What to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// Something is wrong, worse, or in more rooms.
    Raised,
    /// It still is.
    Repeated,
    /// Nobody took it: the next step, counted from 0.
    Escalated(usize),
    /// It is over.
    Resolved,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing.
    Nothing,
    /// It is over and nobody was told: forget it.
    Drop,
    /// Say this.
    Tell(Word),
}

/// Decides by the table above.
#[must_use]
pub fn decide(alert: &Standing, told: Option<&Told>, steps: &[Step], now_ms: i64) -> Decision {
    let times = if alert.urgent { URGENT } else { ORDINARY };
    let Some(told) = told else {
        return first(alert, times, now_ms);
    };
    let since_ms = now_ms - told.last_ms;
    if let Some(cleared_ms) = alert.cleared_ms {
        let calm_ms = since_ms.min(now_ms - cleared_ms);
        return say_if(calm_ms >= times.interval_ms, Word::Resolved);
    }
    if alert.quiet {
        return Decision::Nothing;
    }
    if alert.severity > told.severity {
        return say_if(
            now_ms - alert.severity_since_ms >= times.wait_ms,
            Word::Raised,
        );
    }
    if alert.newest_ms > told.last_ms && since_ms >= times.interval_ms {
        return say_if(now_ms - alert.newest_ms >= times.wait_ms, Word::Raised);
    }
    if alert.acknowledged {
        return Decision::Nothing;
    }
    // A night without a lesson is nobody's delay.
    let from_ms = told.first_ms.max(alert.severity_since_ms);
    let next = duty::next_step(steps, told.step, from_ms, now_ms);
    let apart = since_ms >= times.interval_ms;
    if let (Severity::Critical, Some(step), true) = (alert.severity, next, apart) {
        return Decision::Tell(Word::Escalated(step));
    }
    let repeat = times
        .repeat_ms
        .is_some_and(|repeat_ms| since_ms >= repeat_ms);
    say_if(repeat, Word::Repeated)
}

fn first(alert: &Standing, times: Times, now_ms: i64) -> Decision {
    if alert.cleared_ms.is_some() {
        return Decision::Drop;
    }
    let waited = now_ms - alert.opened_ms >= times.wait_ms;
    say_if(waited && !alert.quiet, Word::Raised)
}

fn say_if(due: bool, word: Word) -> Decision {
    if due {
        return Decision::Tell(word);
    }
    Decision::Nothing
}

/// What is kept after a word.
#[must_use]
pub fn after(told: Option<Told>, word: Word, severity: Severity, now_ms: i64) -> Told {
    let before = told.unwrap_or(Told {
        first_ms: now_ms,
        last_ms: now_ms,
        severity,
        step: 0,
    });
    Told {
        last_ms: now_ms,
        severity: before.severity.max(severity),
        step: match word {
            Word::Escalated(step) => step,
            Word::Raised | Word::Repeated | Word::Resolved => before.step,
        },
        ..before
    }
}

/// Whether the summary of `day` is due: its 08:00 has come and it was not said yet. Days count from
/// the epoch in Asia/Shanghai, `minute` from midnight there.
#[must_use]
pub fn digest_due(said: Option<i64>, day: i64, minute: i64) -> bool {
    minute >= DIGEST_MINUTE && said.is_none_or(|said| said < day)
}
