//! Timetable: when this room is to be recorded, as the hub has signed it.
//!
//! wanted → schedule → kept → keeper
//!
//! Invariants: the newest document lies on this disk, so that a start without the hub records the
//! lessons of the coming days (X49); whatever cannot be told is recorded, and said.

mod wanted;
mod schedule;
mod kept;
mod keeper;

pub use keeper::Keeper;
pub use schedule::{Schedule, Trust};
pub use wanted::Capture;

#[cfg(test)]
mod tests;
