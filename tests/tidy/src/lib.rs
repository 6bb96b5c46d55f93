//! Tidy: what reviewers would otherwise have to say again and again, as a test.
//!
//! source → shape → arrows → owners → papers
//!
//! Every check is pure: sources in, findings out. `tests/house.rs` reads the repository.

pub mod source;
pub mod shape;
pub mod arrows;
pub mod owners;
pub mod papers;

use std::fmt;

/// One thing to mend, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Path from the top of the repository.
    pub path: String,
    /// Line from 1; 0 for the whole file.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl Finding {
    /// A finding about one line.
    pub fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}
