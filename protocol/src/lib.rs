//! What a classroom box and the hub may say to each other, and in which bytes.
//!
//! id → version → topic → envelope → command → sealed → enrolment → asking → renewal → timetable
//! → recording → health → selftest → live → metrics
//!
//! Invariants: nothing here does IO or asks the time; randomness is an argument. Every parser has
//! a limit and refuses what it does not understand with a reason.

mod encoding;
pub mod id;
pub mod version;
pub mod topic;
pub mod envelope;
pub mod command;
pub mod sealed;
pub mod enrolment;
pub mod asking;
pub mod renewal;
pub mod timetable;
pub mod recording;
pub mod health;
pub mod selftest;
pub mod live;
pub mod metrics;

#[cfg(test)]
mod test_parsers;
