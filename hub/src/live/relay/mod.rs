//! The relay: one box to many viewers. It orders a push for the first of them and ends it after
//! the last; payloads are shared, never copied and never looked at.
//!
//! gop → queue → stream → relay

mod gop;
mod queue;
mod stream;
#[cfg(test)]
pub(super) mod sample;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use xunke_protocol::id::{ClassroomId, DeviceId, PushId, SourceName, StreamKind};
use xunke_protocol::live::Frame;

use super::tally::Tally;
use crate::access::gate::{Permit, ViewLive};
use crate::campus::classroom::Classroom;
use crate::clock::now_ms;

pub use queue::{Delivery, Offline, Queue, Reason};
pub use stream::PUSH_WAIT_MAX;
use stream::{Now, Seat, Step, Stream};

/// Open pictures of one room, whoever watches them.
pub const ROOM_VIEWERS_MAX: usize = 64;

/// One stream of one box.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The box.
    pub device: DeviceId,
    /// The camera or screen.
    pub source: SourceName,
    /// Which of its encodings.
    pub stream: StreamKind,
}

/// What the relay needs to know of boxes, and to tell them.
pub trait Boxes: Send + Sync + 'static {
    /// The box that stands in a room. `None` when there is none, or it cannot be found out.
    fn device_of(&self, classroom: ClassroomId) -> BoxFuture<'static, Option<DeviceId>>;

    /// Orders a push. Ends at once with the reason when the box cannot be told; may end when the
    /// box has answered.
    fn live_start(&self, key: Key, push: PushId) -> BoxFuture<'static, Result<(), Offline>>;
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// No box stands in the room.
    #[error("no box stands in this room")]
    NoBox,
    /// [`ROOM_VIEWERS_MAX`] pictures of the room are open.
    #[error("{ROOM_VIEWERS_MAX} pictures of this room are open")]
    Full,
}

/// A push that nobody has ordered from this box, or that has been used, or is too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this push was not ordered from this box")]
pub struct NotOrdered;

/// The relay. Cheap to clone.
#[derive(Clone)]
pub struct Relay(Arc<Streams>);

struct Streams {
    boxes: Arc<dyn Boxes>,
    index: Mutex<HashMap<Key, Arc<Line>>>,
    tally: Tally,
}

/// A stream and the bell of the task that drives it.
#[derive(Debug)]
struct Line {
    key: Key,
    stream: Mutex<Stream>,
    changed: Notify,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").finish_non_exhaustive()
    }
}

impl Relay {
    /// A relay that orders from `boxes`.
    #[must_use]
    pub fn new(boxes: Arc<dyn Boxes>) -> Self {
        Self(Arc::new(Streams {
            boxes,
            index: Mutex::default(),
            tally: Tally::default(),
        }))
    }

    /// What was refused or cut on its way in and out.
    #[must_use]
    pub fn tally(&self) -> &Tally {
        &self.0.tally
    }

    /// Streams that boxes push now, and the views of all streams.
    #[must_use]
    pub fn busy(&self) -> (usize, usize) {
        let index = self.0.lock();
        let counts = index.values().map(|line| {
            let stream = line.lock();
            (usize::from(stream.is_pushed()), stream.viewers())
        });
        counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }

    /// Lets the holder of a permit watch a source of the permitted room, and of no other.
    ///
    /// # Errors
    /// There is no box, or the room has as many viewers as it may have.
    pub async fn watch(
        &self,
        permit: &Permit<ViewLive, Classroom>,
        source: SourceName,
        stream: StreamKind,
        queue: Arc<Queue>,
    ) -> Result<Watching, NoPlace> {
        let device = self.0.boxes.device_of(permit.object().id).await;
        let device = device.ok_or(NoPlace::NoBox)?;
        self.join(
            Key {
                device,
                source,
                stream,
            },
            queue,
        )
    }

    /// A box opens a push that was ordered from it. Good for one connection.
    ///
    /// # Errors
    /// It was not ordered, not from this box, not in time, or it is there already.
    pub fn accept(&self, device: &DeviceId, push: PushId) -> Result<Push, NotOrdered> {
        let found = self.0.lines_of(device).into_iter().find_map(|line| {
            let ended = line.lock().accept(push, now())?;
            Some((line, ended))
        });
        let (line, ended) = found.ok_or(NotOrdered)?;
        line.changed.notify_one();
        Ok(Push { line, push, ended })
    }

    /// A box is connected again: what waits for it is ordered at once.
    pub fn box_is_back(&self, device: &DeviceId) {
        for line in self.0.lines_of(device) {
            line.lock().box_is_back(now());
            line.changed.notify_one();
        }
    }

    fn join(&self, key: Key, queue: Arc<Queue>) -> Result<Watching, NoPlace> {
        let mut index = self.0.lock();
        let same_room = index.iter().filter(|(other, _)| other.device == key.device);
        let viewers: usize = same_room.map(|(_, line)| line.lock().viewers()).sum();
        if viewers >= ROOM_VIEWERS_MAX {
            return Err(NoPlace::Full);
        }
        let line = index.entry(key.clone()).or_insert_with(|| {
            let stream = Mutex::new(Stream::new(now()));
            let line = Arc::new(Line {
                key,
                stream,
                changed: Notify::new(),
            });
            tokio::spawn(drive(Arc::clone(&self.0), Arc::clone(&line)));
            line
        });
        let seat = line.lock().join(Arc::clone(&queue));
        line.changed.notify_one();
        Ok(Watching {
            line: Arc::clone(line),
            seat,
            queue,
        })
    }
}

impl Streams {
    fn lines_of(&self, device: &DeviceId) -> Vec<Arc<Line>> {
        let index = self.lock();
        let own = index.iter().filter(|(key, _)| key.device == *device);
        own.map(|(_, line)| Arc::clone(line)).collect()
    }

    /// False when somebody has joined meanwhile.
    fn forget(&self, line: &Line) -> bool {
        let mut index = self.lock();
        let over = line.lock().step(fresh_push, now()) == Step::Over;
        if over {
            index.remove(&line.key);
        }
        over
    }

    /// Locked before any line, never after.
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Line>>> {
        let locked = self.index.lock();
        locked.expect("invariant: nobody panics while holding the index")
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Stream> {
        let locked = self.stream.lock();
        locked.expect("invariant: nobody panics while holding a stream")
    }
}

/// Does what a stream says until it is over.
async fn drive(streams: Arc<Streams>, line: Arc<Line>) {
    let mut order: Option<(PushId, BoxFuture<'static, Result<(), Offline>>)> = None;
    loop {
        let step = line.lock().step(fresh_push, now());
        match step {
            Step::Order(push) => {
                order = Some((push, streams.boxes.live_start(line.key.clone(), push)));
            }
            Step::Wait(until) => tokio::select! {
                () = line.changed.notified() => {}
                () = sleep_until(until) => {}
                (push, answer) = answered(&mut order) => if let Err(offline) = answer {
                    line.lock().declined(push, offline, now());
                }
            },
            Step::Over if streams.forget(&line) => return,
            Step::Over => {}
        }
    }
}

/// Ends when the box has answered; without an order, never.
async fn answered(
    order: &mut Option<(PushId, BoxFuture<'static, Result<(), Offline>>)>,
) -> (PushId, Result<(), Offline>) {
    let Some((push, answer)) = order else {
        return std::future::pending().await;
    };
    let answered = (*push, answer.await);
    *order = None;
    answered
}

fn fresh_push() -> PushId {
    PushId(Uuid::now_v7())
}

fn now() -> Now {
    Now {
        at: Instant::now(),
        ms: now_ms(),
    }
}

/// Somebody's place at a stream. Dropping it ends the view at once.
#[derive(Debug)]
pub struct Watching {
    line: Arc<Line>,
    seat: Seat,
    queue: Arc<Queue>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.queue.shut();
        self.line.lock().leave(self.seat, now());
        self.line.changed.notify_one();
    }
}

/// A box's push. Dropping it means that it has broken off.
#[derive(Debug)]
pub struct Push {
    line: Arc<Line>,
    push: PushId,
    ended: oneshot::Receiver<()>,
}

impl Push {
    /// Takes a frame to everybody who watches. False when the push is no longer wanted.
    pub fn frame(&self, frame: &Frame) -> bool {
        self.line.lock().frame(self.push, frame, now())
    }

    /// Ends when the push is no longer wanted.
    pub async fn ended(&mut self) {
        drop((&mut self.ended).await);
    }

    /// Which stream this is.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.line.key
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.line.lock().broken(self.push, now());
        self.line.changed.notify_one();
    }
}

#[cfg(test)]
mod tests;
