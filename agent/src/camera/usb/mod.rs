//! Cameras on USB and whatever else Linux shows as a video device: found, chosen, taken.
//!
//! node → mode → choice → enumerate → listing → pipeline → stream
//!
//! The agent asks `node` alone, which opens no device; `listing` serves a technician. All else is
//! for the worker process (docs/decisions/0020).

pub mod node;
pub mod mode;
mod choice;
mod enumerate;
pub mod listing;
mod pipeline;
pub mod stream;
