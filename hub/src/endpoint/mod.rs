//! Endpoint: the hub speaks MQTT 3.1.1 with its own boxes, and with nobody else.
//!
//! packet → session → links → connection → door
//!
//! Not a broker: nothing is routed between boxes, nothing is queued for an absent one, and the
//! topic tree is fixed. Certificate = client id = topic. A PUBACK means that the hub has stored the
//! message: it is written after [`Fleet::message`] has returned. Figures and the reasons against
//! the brokers there are: docs/decisions/0002.

mod packet;
mod session;
mod links;
mod connection;
mod door;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use xunke_protocol::id::DeviceId;
use xunke_protocol::topic::Up;

pub use door::serve;
pub use links::{Links, NotSent};

/// What the endpoint needs from the rooms below it.
pub trait Fleet: Send + Sync + 'static {
    /// Who holds this certificate, if that box may speak now. Asked at every connection.
    fn admit(
        &self,
        certificate: &CertificateDer<'_>,
    ) -> impl Future<Output = Option<DeviceId>> + Send;

    /// A box said something, or its last will is due. Returns when it is stored.
    fn message(
        &self,
        device: &DeviceId,
        channel: Up,
        payload: Bytes,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// The hub cannot store messages now: no PUBACK is sent and the connection is closed, so that the
/// box keeps the message and tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hub cannot store messages now")]
pub struct Unavailable;

/// Limits of the door.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at the same time; more are closed at once.
    pub connections_max: usize,
    /// Connections of one address that have not yet said CONNECT.
    pub handshakes_per_address_max: usize,
    /// From TCP accept to CONNECT.
    pub handshake_max: Duration,
    /// Messages a second of one box; a faster one is read more slowly.
    pub messages_per_second: u32,
    /// Backlog that a box may hand over at full speed.
    pub messages_burst_max: u32,
    /// Writing one packet.
    pub write_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            handshakes_per_address_max: 64,
            handshake_max: Duration::from_secs(10),
            messages_per_second: 20,
            messages_burst_max: 200,
            write_max: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests;
