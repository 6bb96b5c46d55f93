//! Hostile cameras before the real agent: it goes on, and the other cameras lose nothing (X62).
//!
//! unit → text → packet → plan → door → worker → stage → camera
//!
//! A session is one life of a camera worker: the simulated camera behind it is genuine, and what it
//! says is changed on the way, as seed and number decide.

mod unit;
mod text;
mod packet;
mod plan;
mod door;
mod worker;
mod stage;
pub mod camera;
