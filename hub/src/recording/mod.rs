//! Recording: sealed segments in, the library of recordings, and playback for a permit.
//!
//! media → slot → ingest → gaps → library → playback
//!
//! Invariants: a receipt exists only after file and row are durable; what is stored is sealed, and
//! opened in memory only, for a permit, one segment at a time.

pub mod media;
mod slot;
pub mod ingest;
mod gaps;
pub mod library;
pub mod playback;

#[cfg(test)]
mod stage;
