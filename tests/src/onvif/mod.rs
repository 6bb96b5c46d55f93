//! A simulated ONVIF camera, written from the specifications and not from our own client.
//!
//! manners → proof → events → answers → server → discovery
//!
//! It tells of streams that another simulated camera sends; what it does besides is a table of
//! manners that a test changes while it runs.

mod manners;
mod proof;
mod events;
mod answers;
mod server;
mod discovery;

pub use discovery::Responder;
pub use manners::{Manners, Media, Nonsense, Proof};
pub use server::{OnvifCamera, Seen};
