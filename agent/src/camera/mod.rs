//! Camera: what a camera sends, unchanged, to everyone in the box who needs it.
//!
//! pause → codec → g711 → stamps → timing → drift → times → hold → sight → view → notice →
//! hearing → greeting → pair → ring → signals → decode → looks → intake → stall → trust →
//! tunnel → rtsp → usb → onvif → confine → worker → address → program → broker →
//! credentials → remedy → launch → source → visit → aim → survey
//!
//! A worker process (`decode` to `worker`) stands before each camera and speaks with the agent
//! (`launch`) over a socket pair (`pair`); the agent makes its connections (`broker`).
//!
//! Invariants: one RTSP session per stream ever, fanned out here; nothing is decoded to record;
//! a slow reader loses frames, never the camera; only the worker process speaks with the camera,
//! and it starts GStreamer only to look at a keyframe.

pub mod pause;
pub mod codec;
mod g711;
mod stamps;
mod timing;
mod drift;
pub mod times;
mod hold;
pub mod sight;
mod view;
pub mod notice;
mod hearing;
mod greeting;
mod pair;
pub mod ring;
mod signals;
pub mod decode;
pub mod looks;
mod intake;
mod stall;
mod trust;
mod tunnel;
mod rtsp;
pub mod usb;
pub mod onvif;
mod confine;
pub mod worker;
mod address;
pub mod program;
mod broker;
pub mod credentials;
mod remedy;
mod launch;
pub mod source;
pub mod visit;
pub mod aim;
pub mod survey;

#[cfg(test)]
mod test_parsers;
