//! Benches: figures with their aims, measured on the simulated campus.
//!
//! usage → figure → thread → access → noticing

pub mod usage;
mod figure;
pub mod thread;
pub mod access;
pub mod noticing;
