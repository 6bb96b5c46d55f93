//! Commands: an order goes down, signed for one box, and its answer comes up. Every order ends, if
//! only by time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use tokio::sync::oneshot;
use uuid::Uuid;
use xunke_protocol::command::SignedCommand;
use xunke_protocol::envelope::{Command, CommandAnswer, Order};
use xunke_protocol::id::{DeviceId, MessageId};
use xunke_protocol::topic::Down;
use xunke_protocol::version;

use crate::endpoint::{Links, NotSent};

/// After this a box no longer carries out what it was told.
const EXPIRES_MS: i64 = 10_000;

/// No final answer came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the box has not answered in time")]
pub struct NoAnswer;

/// Orders under way. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    links: Links,
    signing: Arc<SigningKey>,
    waiting: Waiting,
}

type Waiting = Arc<Mutex<HashMap<(DeviceId, MessageId), oneshot::Sender<CommandAnswer>>>>;

impl Commands {
    pub(super) fn new(links: Links, signing: SigningKey) -> Self {
        Self {
            links,
            signing: Arc::new(signing),
            waiting: Waiting::default(),
        }
    }

    /// Sends an order. Dropping the result is fine for whoever needs no answer.
    ///
    /// # Errors
    /// The box is not connected, or takes nothing.
    pub fn send(&self, device: &DeviceId, order: Order, now_ms: i64) -> Result<Sent, NotSent> {
        let id = MessageId(Uuid::now_v7());
        let (answer, answered) = oneshot::channel();
        let key = (device.clone(), id);
        lock(&self.waiting).insert(key.clone(), answer);
        let sent = Sent {
            key,
            answered,
            waiting: Arc::clone(&self.waiting),
        };
        self.tell(device, id, order, (now_ms, now_ms + EXPIRES_MS))?;
        Ok(sent)
    }

    /// Tells a box an order under an id, issued and good until these moments. Whoever tells it
    /// again gets the same answer: a box does nothing twice.
    ///
    /// # Errors
    /// The box is not connected, or takes nothing.
    pub(super) fn tell(
        &self,
        device: &DeviceId,
        id: MessageId,
        order: Order,
        (issued, expires): (i64, i64),
    ) -> Result<(), NotSent> {
        let command = Command {
            v: version::CURRENT,
            id,
            issued,
            expires,
            order,
        };
        let signed = SignedCommand::sign(&command, device, &self.signing);
        let payload = serde_json::to_vec(&signed);
        let payload = Bytes::from(payload.expect("invariant: a command is plain data"));
        self.links
            .send(device, Down::Command(id).topic(device), payload)
    }

    /// A box has answered; says whether somebody waited for that.
    pub fn answered(&self, device: &DeviceId, id: MessageId, answer: &CommandAnswer) -> bool {
        if !answer.state.is_final() {
            return false;
        }
        match lock(&self.waiting).remove(&(device.clone(), id)) {
            Some(waiting) => {
                // Whoever waited may have gone meanwhile.
                drop(waiting.send(answer.clone()));
                true
            }
            None => false,
        }
    }
}

/// Never the key.
impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Commands({} waiting)", lock(&self.waiting).len())
    }
}

/// An order that went out. Dropping it forgets the order, not its effect.
#[derive(Debug)]
pub struct Sent {
    key: (DeviceId, MessageId),
    answered: oneshot::Receiver<CommandAnswer>,
    waiting: Waiting,
}

impl Sent {
    /// Waits for the final answer.
    ///
    /// # Errors
    /// It did not come within `most`.
    pub async fn answer(mut self, most: Duration) -> Result<CommandAnswer, NoAnswer> {
        let answer = tokio::time::timeout(most, &mut self.answered).await;
        answer.map_err(|_| NoAnswer)?.map_err(|_| NoAnswer)
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        lock(&self.waiting).remove(&self.key);
    }
}

fn lock(
    waiting: &Waiting,
) -> MutexGuard<'_, HashMap<(DeviceId, MessageId), oneshot::Sender<CommandAnswer>>> {
    waiting
        .lock()
        .expect("invariant: nobody panics while holding the list")
}
