//! Camera: what a camera sends, unchanged, to everyone in the box who needs it.
//!
//! ring → worker
//!
//! Invariants: one RTSP session per stream ever, fanned out here; nothing is decoded to record;
//! a slow reader loses frames, never the camera.

pub mod ring;
pub mod worker;
