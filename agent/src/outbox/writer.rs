//! The outbox as other rooms see it: append from anywhere, drain by the link.
//!
//! A thread of its own does the syncing. It holds the queue's lock meanwhile, and a disk can hang;
//! so the link only ever tries the lock, and is rung when the thread is done.

use super::queue::{Draft, Limits, Queue};
use super::{Error, Event};
use crate::clock;
use crate::link::{Backlog, Message, Token};
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use tokio::sync::{Notify, mpsc, oneshot};
use uuid::Uuid;
use xunke_protocol::envelope::Envelope;
use xunke_protocol::id::MessageId;
use xunke_protocol::topic::{DOCUMENT_BYTES_MAX, Up};
use xunke_protocol::version;

/// What an envelope adds to its document, generously.
const ENVELOPE_BYTES_MAX: usize = 512;
const INBOX_MAX: usize = 256;
/// Events that share one sync.
const BATCH_MAX: usize = 64;
/// Token of the health document; events count from 1.
const HEALTH: Token = Token(0);

/// The box's outbox. Clones share it.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
    inbox: mpsc::Sender<Letter>,
}

struct Letter {
    draft: Draft,
    written: oneshot::Sender<Result<(), Error>>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Delivered while the queue was locked.
    done: Mutex<Vec<u64>>,
    view: Mutex<View>,
    changed: Notify,
    boot: Uuid,
    epoch: AtomicU64,
    seq_last: AtomicU64,
    clock_trusted: AtomicBool,
}

/// What the present connection has been given.
#[derive(Default)]
struct View {
    after: u64,
    health: Option<Document>,
    health_given: bool,
}

/// The latest health document.
struct Document {
    data: Value,
    ts: i64,
    mono_ms: u64,
}

impl Outbox {
    /// Opens the outbox in its directory, with all that waited when the agent last ran.
    ///
    /// # Errors
    /// The directory or a file of it cannot be read or written.
    pub fn open(directory: &Path, limits: Limits) -> Result<Self, Error> {
        let queue = Queue::open(directory, limits)?;
        let shared = Arc::new(Shared {
            seq_last: AtomicU64::new(queue.seq_last()),
            queue: Mutex::new(queue),
            done: Mutex::default(),
            view: Mutex::default(),
            changed: Notify::new(),
            boot: clock::boot_id(),
            epoch: AtomicU64::new(0),
            clock_trusted: AtomicBool::new(false),
        });
        let (inbox, letters) = mpsc::channel(INBOX_MAX);
        let writer = shared.clone();
        thread::Builder::new()
            .name("outbox".into())
            .spawn(move || write(&writer, letters))
            .map_err(|source| Error::Disk {
                file: directory.to_owned(),
                source,
            })?;
        Ok(Self { shared, inbox })
    }

    /// Keeps an event; when this returns, a power cut cannot take it.
    ///
    /// # Errors
    /// The disk refuses, or the event is too large for the hub. It is then not kept.
    pub async fn append(&self, event: Event) -> Result<(), Error> {
        let bytes = event.data.to_string().len();
        if bytes > DOCUMENT_BYTES_MAX - ENVELOPE_BYTES_MAX {
            return Err(Error::TooLarge(bytes));
        }
        let draft = Draft {
            class: event.class,
            envelope: self.shared.envelope(event.kind, event.data),
        };
        let (written, answer) = oneshot::channel();
        let letter = Letter { draft, written };
        self.inbox.send(letter).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    /// Replaces the health document. Only the newest is ever sent, and after each new connection
    /// it is sent again.
    pub fn set_health(&self, data: Value) {
        let mut view = lock(&self.shared.view);
        view.health = Some(Document {
            data,
            ts: clock::now_ms(),
            mono_ms: clock::mono_ms(),
        });
        view.health_given = false;
        drop(view);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn envelope(&self, kind: &str, data: Value) -> Envelope {
        Envelope {
            v: version::CURRENT,
            id: MessageId(Uuid::now_v7()),
            seq: self.seq_last.load(Ordering::Relaxed),
            boot: self.boot,
            epoch: self.epoch.load(Ordering::Relaxed),
            ts: clock::now_ms(),
            mono_ms: clock::mono_ms(),
            sync: self.clock_trusted.load(Ordering::Relaxed),
            kind: kind.to_owned(),
            data,
        }
    }

    fn health(&self) -> Option<Message> {
        let mut view = lock(&self.view);
        let document = view.health.as_ref().filter(|_| !view.health_given)?;
        let envelope = Envelope {
            ts: document.ts,
            mono_ms: document.mono_ms,
            ..self.envelope("health", document.data.clone())
        };
        view.health_given = true;
        Some(Message {
            token: HEALTH,
            up: Up::Health,
            payload: encode(&envelope),
        })
    }

    fn event(&self) -> Option<Message> {
        let mut queue = match self.queue.try_lock() {
            Ok(queue) => queue,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        self.settle(&mut queue);
        let mut view = lock(&self.view);
        let record = queue.after(view.after)?;
        view.after = record.seq;
        Some(Message {
            token: Token(record.seq),
            up: Up::Event(record.kind),
            payload: record.payload,
        })
    }

    /// Takes the acknowledgements that came while the queue was locked.
    fn settle(&self, queue: &mut Queue) {
        for seq in std::mem::take(&mut *lock(&self.done)) {
            queue.delivered(seq);
        }
    }
}

impl Backlog for Outbox {
    fn begin(&self, epoch: u64) {
        self.shared.epoch.store(epoch, Ordering::Relaxed);
        let mut view = lock(&self.shared.view);
        view.after = 0;
        view.health_given = false;
    }

    fn next(&self) -> Option<Message> {
        self.shared.health().or_else(|| self.shared.event())
    }

    fn delivered(&self, token: Token) {
        if token == HEALTH {
            return;
        }
        lock(&self.shared.done).push(token.0);
        if let Ok(mut queue) = self.shared.queue.try_lock() {
            self.shared.settle(&mut queue);
        }
    }

    fn wrap(&self, kind: &str, data: Value) -> Vec<u8> {
        encode(&self.shared.envelope(kind, data))
    }

    fn set_clock_trusted(&self, trusted: bool) {
        self.shared.clock_trusted.store(trusted, Ordering::Relaxed);
    }

    fn changed(&self) -> &Notify {
        &self.shared.changed
    }
}

/// The writing thread: as many events as wait share one sync.
fn write(shared: &Shared, mut letters: mpsc::Receiver<Letter>) {
    while let Some(first) = letters.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH_MAX
            && let Ok(next) = letters.try_recv()
        {
            batch.push(next);
        }
        let (drafts, waiting): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .map(|letter| (letter.draft, letter.written))
            .unzip();
        let mut queue = lock(&shared.queue);
        let result = queue.append(drafts);
        shared.settle(&mut queue);
        shared.seq_last.store(queue.seq_last(), Ordering::Relaxed);
        drop(queue);
        shared.changed.notify_one();
        for written in waiting {
            // Whoever no longer waits has its event kept all the same.
            drop(written.send(again(&result)));
        }
    }
}

/// The result of a batch, for each who shared it.
fn again(result: &Result<(), Error>) -> Result<(), Error> {
    match result {
        Ok(()) => Ok(()),
        Err(Error::Disk { file, source }) => Err(Error::Disk {
            file: file.clone(),
            source: io::Error::new(source.kind(), source.to_string()),
        }),
        Err(Error::TooLarge(bytes)) => Err(Error::TooLarge(*bytes)),
        Err(Error::Closed) => Err(Error::Closed),
    }
}

fn encode(envelope: &Envelope) -> Vec<u8> {
    serde_json::to_vec(envelope).expect("invariant: envelopes become JSON")
}

/// A writer that panicked must not silence the box.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
