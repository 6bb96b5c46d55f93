//! Endpoint: the hub speaks MQTT 3.1.1 with its own boxes, and with nobody else.
//!
//! packet → session → pace → links → connection → waiting → door → stand_in → crowd → broker
//!
//! Not a broker: nothing is routed between boxes, nothing is queued for an absent one, and the
//! topic tree is fixed. Certificate = client id = topic. A PUBACK means that the hub has stored the
//! message: it is written after [`Fleet::message`] has returned. Figures and the reasons against
//! the brokers there are: docs/decisions/0002. Where a school's own broker stands between, the hub
//! is its client instead (docs/decisions/0037).

mod packet;
mod session;
mod pace;
mod links;
mod connection;
mod waiting;
mod door;
mod stand_in;
mod crowd;
pub mod broker;

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use xunke_protocol::id::DeviceId;
use xunke_protocol::topic::Up;

pub use door::serve;
#[cfg(test)]
pub(crate) use links::Seat;
pub use links::{Links, NotSent};
pub use stand_in::Broker;

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

    /// Whether a box of that name may speak now: asked where a broker has checked its certificate.
    fn knows(&self, device: &DeviceId) -> impl Future<Output = bool> + Send;

    /// The broker is gone: nothing is known of any box.
    fn lost_sight(&self) -> impl Future<Output = ()> + Send;

    /// Something happened at the door. Must not wait.
    fn happened(&self, happening: Happening<'_>);
}

/// What happens at the door besides messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening<'a> {
    /// A box has connected.
    Connected(&'a DeviceId),
    /// The hub has ended a box's connection, and why.
    CutOff(&'a DeviceId, &'static str),
    /// Somebody was not let in, and why: a box that showed its certificate, or just an address.
    Refused(Option<&'a DeviceId>, IpAddr, &'static str),
    /// A message was stored and acknowledged, so long after it had come.
    Acknowledged(Duration),
}

/// The hub cannot store messages now: no PUBACK is sent and the connection is closed, so that the
/// box keeps the message and tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hub cannot store messages now")]
pub struct Unavailable;

/// Limits of the door.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Boxes that are connected at the same time; more are closed at once.
    pub connections_max: usize,
    /// Connections that have not yet said CONNECT, of all addresses together. When there are so
    /// many, the oldest makes room if it is older than `handshake_yields`; else the newest is
    /// closed.
    pub handshakes_max: usize,
    /// The same of one address.
    pub handshakes_per_address_max: usize,
    /// What a box needs for its handshake even when all come back at once.
    pub handshake_yields: Duration,
    /// From TCP accept to CONNECT.
    pub handshake_max: Duration,
    /// Packets a second of one box; a faster one is read more slowly.
    pub packets_per_second: u32,
    /// Packets of a backlog that a box may hand over at full speed.
    pub packets_burst_max: u32,
    /// Bytes a second of one box.
    pub bytes_per_second: u32,
    /// Bytes of a backlog.
    pub bytes_burst_max: u32,
    /// Writing one packet.
    pub write_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 4096,
            handshakes_max: 1024,
            // A building behind one address comes back at once after a power cut.
            handshakes_per_address_max: 64,
            handshake_yields: Duration::from_secs(3),
            handshake_max: Duration::from_secs(10),
            packets_per_second: 20,
            packets_burst_max: 200,
            bytes_per_second: 256 * 1024,
            bytes_burst_max: 1024 * 1024,
            write_max: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests;
