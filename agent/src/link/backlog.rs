//! What the link takes its messages from. The outbox is one.

use serde_json::Value;
use tokio::sync::Notify;
use xunke_protocol::topic::Up;

/// Names one message of a backlog until it is delivered; of an event it is the `seq` of its
/// envelope, by which the hub behind a broker names it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// One message for the hub, ready to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Given back when the hub has it.
    pub token: Token,
    /// Where it goes.
    pub up: Up,
    /// The whole payload.
    pub payload: Vec<u8>,
}

/// Messages that wait for the hub.
pub trait Backlog: Send + Sync {
    /// A connection begins, or the hub behind a broker has begun anew: everything not delivered
    /// will be asked for again, and documents written from now on carry this epoch.
    fn begin(&self, epoch: u64);

    /// The next message since [`Self::begin`], the latest state before old events.
    fn next(&self) -> Option<Message>;

    /// The hub has it.
    fn delivered(&self, token: Token);

    /// Puts an unqueued document into the envelope of this box.
    fn wrap(&self, kind: &str, data: Value) -> Vec<u8>;

    /// Whether this box's clock agrees with the hub's.
    fn set_clock_trusted(&self, trusted: bool);

    /// Rings when there is something new to ask [`Self::next`] for.
    fn changed(&self) -> &Notify;
}
