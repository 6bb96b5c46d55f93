//! The agent on the box in a classroom.

pub mod camera;
pub mod recording;
