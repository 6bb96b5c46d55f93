//! The catalogue: every fault code with its words, its severities and its times, from
//! `hub/policy/faults.toml`. Text is rendered from here, so wording changes without touching a box.

use std::sync::LazyLock;

use super::moment::Moment;
use super::reading;

/// How bad a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// To be repaired when convenient.
    Minor,
    /// To be repaired today.
    Major,
    /// A lesson is not recorded or not to be seen.
    Critical,
}

impl Severity {
    const ALL: [Self; 4] = [Self::Warning, Self::Minor, Self::Major, Self::Critical];

    /// The word in `faults.toml`, on the wire and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }

    /// The severity of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == word)
    }
}

/// How bad a fault is at each moment of a room's timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Severities {
    /// While a lesson runs there.
    pub in_class: Severity,
    /// Shortly before one.
    pub before_class: Severity,
    /// At other times of a day of lessons.
    pub idle: Severity,
    /// On a day without any.
    pub holiday: Severity,
}

impl Severities {
    /// The one that counts.
    #[must_use]
    pub fn at(self, moment: Moment) -> Severity {
        match moment {
            Moment::InClass => self.in_class,
            Moment::BeforeClass => self.before_class,
            Moment::Idle => self.idle,
            Moment::Holiday => self.holiday,
        }
    }
}

/// What is known about a fault code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// Stable; stands in the store, in alerts and in the guide.
    pub code: String,
    /// How bad.
    pub severity: Severities,
    /// What it is called.
    pub title: Words,
    /// What most often causes it.
    pub cause: Words,
    /// What to do first.
    pub first_action: Words,
    /// It must be found for so long before it is a fault, milliseconds.
    pub hold_ms: i64,
    /// The same while no lesson is being recorded in the room, milliseconds; [`LESSON_ONLY`] when
    /// it is none then.
    pub idle_hold_ms: i64,
    /// It must be gone for so long before the fault ends, milliseconds.
    pub clear_ms: i64,
    /// The code its alert has: its own, or that of a fault with which it takes turns.
    pub told_as: String,
}

/// The same sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// [`Kind::idle_hold_ms`] of what is no fault without a lesson: a dark, quiet room at night.
pub const LESSON_ONLY: i64 = i64::MAX;

impl Kind {
    /// Whether it matters now.
    #[must_use]
    pub fn matters(&self, in_lesson: bool) -> bool {
        in_lesson || self.idle_hold_ms != LESSON_ONLY
    }
}

const FAULTS: &str = include_str!("../../faults.toml");

/// Every fault there is; worst first within a component.
pub static CATALOGUE: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    reading::parse(FAULTS).expect("invariant: a test reads the catalogue that is compiled in")
});

/// The fault of that code.
#[must_use]
pub fn kind(code: &str) -> Option<&'static Kind> {
    CATALOGUE.iter().find(|kind| kind.code == code)
}
