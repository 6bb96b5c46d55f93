//! Link: the MQTT connection between this box and the hub.
//!
//! backlog → command → window → receipts → retry → session
//!
//! The MQTT client library forgets messages in flight when a connection ends (measured: 5 of 5
//! lost), so nothing is ever entrusted to it: the backlog is the truth, and a message leaves it
//! only when the hub has stored it, and has said so itself where a broker stands between. No media,
//! picture or name ever goes this way.

mod backlog;
mod command;
mod window;
mod receipts;
mod retry;
mod session;

pub use backlog::{Backlog, Message, Token};
pub use command::Job;
pub use session::{Link, Settings, Status};

#[cfg(test)]
mod tests;
