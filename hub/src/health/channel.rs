//! Channels: how a message about faults reaches people outside the hub's pages (R66, X67).
//!
//! message → text → address → pace → letter → signature → one file for each kind → post → kind →
//! outbox → merge → sender → desk
//!
//! Every message lies in the outbox before it is sent, and stays there until a channel took it: at
//! least once, always under the same key. A message holds numbers, codes, names of rooms and times;
//! there is no place in it for a person, a picture or a course.

pub mod message;
mod text;
mod address;
mod pace;
mod letter;
mod signature;
mod wecom;
mod dingtalk;
mod feishu;
mod webhook;
pub mod sms;
pub mod smtp;
mod post;
pub mod kind;
mod outbox;
mod merge;
pub mod sender;
pub mod desk;

use xunke_policy::patrol::FieldError;

use crate::access::audit::Unavailable;
use crate::store;

pub use letter::Method;
pub use outbox::enqueue;

/// What went wrong with channels.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The form.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// There is no such channel.
    #[error("there is no such channel")]
    NotFound,
    /// Not now; in Chinese and in English.
    #[error("{1}")]
    Conflict(&'static str, &'static str),
    /// The trail cannot be written: then nothing was done.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A stored channel makes no sense.
    #[error("the stored channel {0} cannot be read")]
    Stored(String),
    /// A message or the settings of a channel cannot be written or read.
    #[error("a message or its channel cannot be written or read")]
    Message(#[from] serde_json::Error),
}

#[cfg(test)]
mod tests;
