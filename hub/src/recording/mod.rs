//! Recording: sealed segments in, the library of recordings, and playback for a permit.
//!
//! timetable → media → slot → incoming → moment → ingest → gaps → missing → ledger → completeness
//! → library → playback → mark → retention
//!
//! Invariants: a receipt exists only after file and row are durable; what is stored is sealed, and
//! opened in memory only, for a permit, one segment at a time.

pub mod timetable;
pub mod media;
mod slot;
mod incoming;
mod moment;
pub mod ingest;
mod gaps;
pub mod missing;
pub mod ledger;
pub mod completeness;
pub mod library;
pub mod playback;
pub mod mark;
pub mod retention;

#[cfg(test)]
mod stage;
