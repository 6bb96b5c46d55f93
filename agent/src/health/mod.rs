//! Health: what the box measures about itself, as one document for the hub.
//!
//! check → report
//!
//! Invariants: numbers and states, never a picture; the box reports signals, only the hub judges
//! that something is a fault; nothing says "recording" while nothing becomes durable.

mod check;
mod report;

pub use report::{Report, Sources};
