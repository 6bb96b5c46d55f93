//! Outbox: what this box has to tell the hub, kept on disk until the hub has it.
//!
//! record → log → delivered → queue → writer
//!
//! Invariants: an event is on disk, synced, before its writer is told so and before the link sees
//! it; it leaves only when the hub has acknowledged it, or when the oldest must make room, which is
//! itself reported. The log is the truth. sled only remembers what was delivered: without it the
//! hub gets some messages twice and removes the second by its id.

mod record;
mod log;
mod delivered;
mod queue;
mod writer;

pub use queue::{Limit, Limits};
pub use writer::Outbox;

use serde_json::Value;
use std::path::PathBuf;

/// How dear an event is; each class has its own limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Gaps, fault evidence, audit lines, and what was lost.
    Record,
    /// What is nice to know afterwards.
    Note,
}

impl Class {
    const ALL: [Self; 2] = [Self::Record, Self::Note];

    fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Note => "note",
        }
    }
}

/// Something that happened, for `up/ev/<kind>`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// How dear it is.
    pub class: Class,
    /// Small letters and underscores, at most 24.
    pub kind: &'static str,
    /// Numbers and states, never a name, a picture or class text.
    pub data: Value,
}

/// Why the outbox could not keep something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refused; nothing of the event was kept.
    #[error("{}: {source}", file.display())]
    Disk {
        /// Which file or directory.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// More than the hub would read.
    #[error("an event of {0} bytes is too large for the hub")]
    TooLarge(usize),
    /// The outbox has been closed.
    #[error("the outbox is closed")]
    Closed,
}

#[cfg(test)]
mod tests;
