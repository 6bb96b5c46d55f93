//! Which boxes are connected, and the way to each: bounded, taken over, kicked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use xunke_protocol::id::DeviceId;

/// Messages waiting for one connection's writer.
const QUEUE_MAX: usize = 64;
/// A take-over waits so long for the old connection to publish its will.
const TAKE_OVER_WAIT_MAX: Duration = Duration::from_secs(2);

/// Why a message did not go out. It is not kept: whoever sent it decides what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The box is not connected.
    #[error("the box is not connected")]
    Absent,
    /// The box does not read.
    #[error("the box does not take its messages")]
    Slow,
}

/// The links of this hub. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Links(Arc<Mutex<Index>>);

#[derive(Debug, Default)]
struct Index {
    open: HashMap<DeviceId, Open>,
    next: u64,
}

#[derive(Debug)]
struct Open {
    number: u64,
    queue: mpsc::Sender<Message>,
    end: watch::Sender<Option<End>>,
}

/// A message for a box.
#[derive(Debug)]
pub(crate) struct Message {
    pub topic: String,
    pub payload: Bytes,
}

/// Why a session ends from our side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The box has connected anew.
    TakenOver,
    /// The box may no longer speak.
    Kicked,
}

/// A connection's own half: dropping it takes the session out.
#[derive(Debug)]
pub(crate) struct Seat {
    links: Links,
    device: DeviceId,
    number: u64,
    pub queue: mpsc::Receiver<Message>,
    pub end: watch::Receiver<Option<End>>,
}

impl Links {
    /// Sends to one box. Does not wait.
    ///
    /// # Errors
    /// The box is not connected, or its queue is full.
    pub fn send(&self, device: &DeviceId, topic: String, payload: Bytes) -> Result<(), NotSent> {
        let index = self.lock();
        let open = index.open.get(device).ok_or(NotSent::Absent)?;
        open.queue
            .try_send(Message { topic, payload })
            .map_err(|_| NotSent::Slow)
    }

    /// Ends a box's session, for instance because its certificate was revoked.
    pub fn kick(&self, device: &DeviceId) {
        if let Some(open) = self.lock().open.get(device) {
            open.end.send_replace(Some(End::Kicked));
        }
    }

    /// Whether a box is connected now.
    pub fn is_open(&self, device: &DeviceId) -> bool {
        self.lock().open.contains_key(device)
    }

    /// How many boxes are connected.
    pub fn count(&self) -> usize {
        self.lock().open.len()
    }

    /// Takes the seat of a box. An older connection of the same box is ended first, and its will
    /// is published before the new one may say anything.
    pub(crate) async fn sit(&self, device: &DeviceId) -> Seat {
        let older = self.lock().open.get(device).map(|open| open.end.clone());
        if let Some(older) = older {
            older.send_replace(Some(End::TakenOver));
            drop(tokio::time::timeout(TAKE_OVER_WAIT_MAX, older.closed()).await);
        }
        let (queue, queue_out) = mpsc::channel(QUEUE_MAX);
        let (end, end_out) = watch::channel(None);
        let mut index = self.lock();
        index.next += 1;
        let number = index.next;
        let replaced = index
            .open
            .insert(device.clone(), Open { number, queue, end });
        if let Some(replaced) = replaced {
            replaced.end.send_replace(Some(End::TakenOver));
        }
        drop(index);
        Seat {
            links: self.clone(),
            device: device.clone(),
            number,
            queue: queue_out,
            end: end_out,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Index> {
        self.0
            .lock()
            .expect("invariant: nobody panics while holding the index")
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut index = self.links.lock();
        if index
            .open
            .get(&self.device)
            .is_some_and(|open| open.number == self.number)
        {
            index.open.remove(&self.device);
        }
    }
}
