//! Health: what boxes say about themselves, and the hub's judgement of it.
//!
//! presence → status → history → moment → fault → channel → alert → checkup → unreadable
//! → intake
//!
//! Numbers and states only: nothing here ever holds class content (第十一条).

pub mod presence;
pub mod status;
pub mod history;
pub mod moment;
pub mod fault;
pub mod channel;
pub mod alert;
pub mod checkup;
mod unreadable;
pub mod intake;

use crate::campus;
use crate::device;
use crate::recording::missing;
use crate::store;

/// What went wrong with health.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A stored room or lesson makes no sense.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// A stored box makes no sense.
    #[error(transparent)]
    Device(#[from] device::registry::Error),
    /// What is missing from a recording cannot be noted.
    #[error(transparent)]
    Missing(#[from] missing::Error),
    /// A message cannot be put where channels find it.
    #[error(transparent)]
    Channel(#[from] channel::Error),
    /// A command to a box cannot be given, told or ended.
    #[error(transparent)]
    Order(Box<device::desk::NotDone>),
    /// A stored status makes no sense.
    #[error("the stored status of box {0} cannot be read")]
    Stored(String),
}

#[cfg(test)]
mod tests;
