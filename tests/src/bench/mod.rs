//! Benches: figures with their aims, measured on the simulated campus.
//!
//! usage → figure → thread → access → noticing → camera → time

pub mod usage;
pub mod figure;
pub mod thread;
pub mod access;
pub mod noticing;
pub mod camera;
pub mod time;
