//! A simulated camera of our own: what real cameras do to a receiver, without encoding live.
//!
//! clip → quirk → auth → packets → sdp → request → tally → play → session → server → many
//!
//! A clip is encoded once and played in a loop with time stamps that go on, so that many cameras
//! run in one process on a fraction of a core. Every picture carries its number within its session.
//! `classroom` beside it is the RTSP server that we did not write.

pub mod clip;
pub mod quirk;
mod auth;
pub mod packets;
mod sdp;
mod request;
mod tally;
mod play;
mod session;
mod server;
pub mod many;

pub use auth::Scheme;
pub use clip::{Codec, Size, SoundCodec};
pub use packets::Number;
pub use quirk::Quirk;
pub use server::{Options, SimulatedCamera};
pub use tally::Tally;
