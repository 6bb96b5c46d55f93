//! A simulated projector: PJLink on a TCP port, with the manners of real ones.
//!
//! manners → server

mod manners;
mod server;

pub use manners::Manners;
pub use server::{Projector, Seen};
