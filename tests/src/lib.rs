//! The simulated campus: real cameras, a real hub, real boxes and people, for demo, tests and
//! benches.
//!
//! clock → classroom → picture → campus → demo → bench

pub mod clock;
pub mod classroom;
pub mod picture;
pub mod campus;
pub mod demo;
pub mod bench;
