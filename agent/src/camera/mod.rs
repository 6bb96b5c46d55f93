//! Camera: what a camera sends, unchanged, to everyone in the box who needs it.
//!
//! pause → codec → stamps → timing → pair → ring → signals → luma → intake → stall → trust
//! → tunnel → rtsp → onvif → worker → source
//!
//! A worker process (`luma` to `worker`) stands before each camera and speaks with the agent
//! (`source`) over a socket pair (`pair`).
//!
//! Invariants: one RTSP session per stream ever, fanned out here; nothing is decoded to record;
//! a slow reader loses frames, never the camera; only the worker process speaks with the camera,
//! and it starts GStreamer only to look at a keyframe.

pub mod pause;
mod codec;
mod stamps;
mod timing;
mod pair;
pub mod ring;
mod signals;
mod luma;
mod intake;
mod stall;
mod trust;
mod tunnel;
mod rtsp;
mod onvif;
pub mod worker;
pub mod source;
