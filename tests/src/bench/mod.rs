//! Benches: figures with their aims, measured on the simulated campus.
//!
//! usage → figure → thread

mod usage;
mod figure;
pub mod thread;
