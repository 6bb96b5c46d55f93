//! Health: what the box measures about itself, as one document for the hub.
//!
//! check → sensors → machine → echo → network → equipment → measure → change → scrape
//! → report
//!
//! Invariants: numbers and states, never a picture; the box reports signals, only the hub judges
//! that something is a fault; nothing says "recording" while nothing becomes durable.

mod check;
mod sensors;
mod machine;
mod echo;
mod network;
mod equipment;
mod measure;
mod change;
mod scrape;
mod report;

pub use equipment::{Switches, ask_once as ask_equipment};
pub use measure::{Measures, measure};
pub use report::{Report, Sources};
