//! Channels: how a message about faults reaches people outside the hub's pages (R66, X67).
//!
//! message → outbox
//!
//! Every message lies in the outbox before it is sent, and stays there until a channel took it: at
//! least once, always under the same key. A message holds numbers, codes, names of rooms and times;
//! there is no place in it for a person, a picture or a course.

pub mod message;
mod outbox;

use crate::store;

pub use outbox::enqueue;

/// What went wrong with channels.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A stored channel makes no sense.
    #[error("the stored channel {0} cannot be read")]
    Stored(String),
    /// A message cannot be written or read.
    #[error("a message cannot be written or read")]
    Message(#[from] serde_json::Error),
}
