//! Load: a thousand boxes in one process, on the wire as the agent is: each is the agent's own link
//! before a backlog in memory, with a certificate of its own.
//!
//! papers → tally → shelf → fleet → broker → hall → cable → chaos
//!
//! Left out on purpose: cameras, recordings and what a box asks over HTTPS. This is the MQTT
//! endpoint's load alone.

mod papers;
mod tally;
mod shelf;
mod fleet;
mod broker;
mod hall;
mod cable;
pub mod chaos;

pub use broker::Mosquitto;
pub use fleet::{Address, Fleet, Manners, Side, allow_files};
pub use hall::{Hall, Kept};
pub use papers::Papers;
pub use tally::{Seen, Tally};

/// The kind of a simulated event: the hub stores a kind that it does not know as it came.
pub const EVENT_KIND: &str = "load";
