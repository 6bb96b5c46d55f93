//! Live: one push of a box, fanned out to the permitted people who watch it.
//!
//! tally → relay → order → viewer
//!
//! Invariants: nobody gets a frame without a permit in hand; a slow viewer slows nobody else.

pub mod tally;
pub mod relay;
pub mod order;
pub mod viewer;
