//! The agent on the box in a classroom: records sealed, reports its health, shows a class live.
//!
//! clock → config → identity → link → timetable → outbox → camera → technician → recording
//! → health → light → live → command → run
//!
//! Invariants: below `recording/seal` nothing sees a plain frame; recording goes on whether or not
//! the hub is there; nothing the hub can order names a file or a program.

pub mod clock;
pub mod config;
pub mod identity;
pub mod link;
pub mod timetable;
pub mod outbox;
pub mod camera;
pub mod technician;
pub mod recording;
pub mod health;
pub mod light;
pub mod live;
pub mod command;
pub mod run;

#[cfg(test)]
mod test_peer;
