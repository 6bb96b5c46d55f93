//! A self-test: what a lesson needs, tried by the box. Numbers and words; only the hub judges what
//! somebody has to go there for.

use serde::{Deserialize, Serialize};

/// Most checks in one document: sixteen cameras with their sound, eight pieces of equipment, and
/// the box itself.
pub const CHECKS_MAX: usize = 48;

/// The result of `selftest`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Selftest {
    /// What was tried, at most [`CHECKS_MAX`].
    pub checks: Vec<Check>,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What.
    pub part: Part,
    /// Which camera or piece of equipment; empty for the box itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// A stable word for what is wrong, or for why it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The number that it rests on, in the unit that [`Part`] names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// What is tried, and the unit of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Whether a camera sends pictures; age of the newest, milliseconds.
    Camera,
    /// Whether a camera's sound is heard; level, dBFS.
    Sound,
    /// Whether the disk takes a file and gives it back; milliseconds.
    Disk,
    /// Space on the disk that is left; bytes.
    Space,
    /// The clock against the hub's; milliseconds.
    Clock,
    /// Whether the hub's door opens; milliseconds.
    Network,
    /// The box's certificate; whole days left.
    Certificate,
    /// Whether a projector answers.
    Projector,
    /// Whether what is tried otherwise answers.
    Equipment,
    /// A part that a newer agent knows.
    #[serde(other)]
    Unknown,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It works.
    Pass,
    /// It works, but not for ever.
    Warn,
    /// It does not work.
    Fail,
    /// It could not be told.
    #[serde(other)]
    Unknown,
}
