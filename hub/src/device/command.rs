//! Commands: an order goes down, its answer comes up. Every order ends, if only by time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;
use uuid::Uuid;
use xunke_protocol::envelope::{Command, CommandAnswer, CommandState, Order};
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
#[derive(Debug, Clone)]
pub struct Commands {
    links: Links,
    waiting: Waiting,
}

type Waiting = Arc<Mutex<HashMap<(DeviceId, MessageId), oneshot::Sender<CommandAnswer>>>>;

impl Commands {
    pub(super) fn new(links: Links) -> Self {
        Self {
            links,
            waiting: Waiting::default(),
        }
    }

    /// Sends an order. Dropping the result is fine for whoever needs no answer.
    ///
    /// # Errors
    /// The box is not connected, or takes nothing.
    pub fn send(&self, device: &DeviceId, order: Order, now_ms: i64) -> Result<Sent, NotSent> {
        let id = MessageId(Uuid::now_v7());
        let expires = now_ms + EXPIRES_MS;
        let command = Command {
            v: version::CURRENT,
            id,
            issued: now_ms,
            expires,
            order,
        };
        let payload = serde_json::to_vec(&command);
        let payload = Bytes::from(payload.expect("invariant: a command is plain data"));
        let (answer, answered) = oneshot::channel();
        let key = (device.clone(), id);
        lock(&self.waiting).insert(key.clone(), answer);
        let sent = Sent {
            key,
            answered,
            waiting: Arc::clone(&self.waiting),
        };
        self.links
            .send(device, Down::Command(id).topic(device), payload)?;
        Ok(sent)
    }

    /// A box has answered; an answer that nobody waits for is dropped.
    pub fn answered(&self, device: &DeviceId, id: MessageId, answer: CommandAnswer) {
        if answer.state == CommandState::Running {
            return;
        }
        if let Some(waiting) = lock(&self.waiting).remove(&(device.clone(), id)) {
            let _ = waiting.send(answer);
        }
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
