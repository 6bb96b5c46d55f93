//! Silence: somebody says for how long they do not want to hear of something, and why.

use crate::fault::kind;
use crate::patrol::FieldError;

/// Longest silence: nobody forgets a room for a term.
pub const SILENCE_MS_MAX: i64 = 30 * 24 * 60 * 60 * 1000;
/// Shortest and longest reason, characters.
pub const REASON_CHARACTERS: std::ops::RangeInclusive<usize> = 2..=200;

/// What is not to be heard of. `None` stands for any; at least one is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matcher {
    /// A code of the catalogue. It stands for every fault that is told as the same alert.
    pub code: Option<String>,
    /// The name of a building.
    pub building: Option<String>,
    /// The id of a room.
    pub room: Option<String>,
}

/// One room that an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// A code of the catalogue.
    pub code: &'a str,
    /// The name of its building.
    pub building: &'a str,
    /// The id of the room.
    pub room: &'a str,
}

/// A silence in force from–until (exclusive), milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// What.
    pub matcher: Matcher,
    /// From.
    pub from_ms: i64,
    /// Until.
    pub until_ms: i64,
}

impl Matcher {
    /// Whether it names that room's fault, or one that takes turns with it in the same alert.
    #[must_use]
    pub fn matches(&self, target: Target<'_>) -> bool {
        let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|w| w == is);
        let code = self.code.as_deref();
        code.is_none_or(|code| told_as(code) == told_as(target.code))
            && fits(&self.building, target.building)
            && fits(&self.room, target.room)
    }
}

/// The code that an alert about a fault of that code has.
fn told_as(code: &str) -> &str {
    kind(code).map_or(code, |kind| &kind.told_as)
}

/// Whether nobody wants to hear of an alert: each of its rooms is silenced by one in force. One
/// without rooms is not.
#[must_use]
pub fn silenced(silences: &[Silence], targets: &[Target<'_>], now_ms: i64) -> bool {
    let in_force = |silence: &&Silence| (silence.from_ms..silence.until_ms).contains(&now_ms);
    let quiet = |target: &Target<'_>| {
        let mut silences = silences.iter().filter(in_force);
        silences.any(|silence| silence.matcher.matches(*target))
    };
    !targets.is_empty() && targets.iter().all(quiet)
}

/// Whether a silence may be kept.
///
/// # Errors
/// The field: it names nothing, ends in the past or too late, or says no reason.
pub fn valid(silence: &Silence, reason: &str, now_ms: i64) -> Result<(), FieldError> {
    if silence.matcher == Matcher::default() {
        return Err(FieldError {
            field: "code",
            zh: "请至少选择故障、楼宇、教室中的一项。",
            en: "Choose a fault, a building or a room at least.",
        });
    }
    let long_ms = silence.until_ms.saturating_sub(silence.from_ms);
    if silence.until_ms <= now_ms || !(1..=SILENCE_MS_MAX).contains(&long_ms) {
        return Err(FieldError {
            field: "until",
            zh: "结束时间须在将来，且不超过 30 天。",
            en: "It ends in the future, after 30 days at most.",
        });
    }
    if !REASON_CHARACTERS.contains(&reason.trim().chars().count()) {
        return Err(FieldError {
            field: "reason",
            zh: "请写明原因（2 至 200 字）。",
            en: "Say why in 2 to 200 characters.",
        });
    }
    Ok(())
}
