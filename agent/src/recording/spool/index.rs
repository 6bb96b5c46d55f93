//! The index of the spool: small values that save scanning at start. It is a cache of what the
//! slots say and may be deleted at any time.
//!
//! sled loses its head over full disks and may panic or hang while it opens (docs/decisions/0003),
//! so it lives on a thread of its own that nothing waits for.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;
use xunke_protocol::id::{SegmentId, SourceName};

/// Opening takes some milliseconds. Recording waits for it.
const OPEN_DEADLINE: Duration = Duration::from_secs(5);
const CACHE_BYTES: u64 = 2 * 1024 * 1024;
/// Changes waiting for the index; more means that its disk hangs.
const WAITING_MAX: usize = 1024;
const VALUE_BYTES_MAX: usize = 1024;
const SLOTS: &str = "slots";
const TAILS: &str = "tails";

/// A segment. One that is not closed lasts 0 and has no bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which camera.
    pub source: SourceName,
    /// When it begins, microseconds since 1970-01-01 UTC.
    pub start_us: i64,
    /// How long it lasts, microseconds.
    pub duration_us: u32,
    /// Length of the sealed segment.
    pub bytes: u64,
    /// Its SHA-256, once it is known.
    pub sha256: Option<[u8; 32]>,
}

/// Where a camera's recording ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// The newest link of its chain.
    pub chain: [u8; 32],
    /// First moment not recorded, microseconds since 1970-01-01 UTC.
    pub ended_us: i64,
}

/// What the index notes of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The slot that it lies in.
    pub slot: u32,
    /// Whether the hub has refused it.
    pub refused: bool,
    /// The segment.
    pub entry: Entry,
}

/// All that the index knows.
#[derive(Debug, Default)]
pub struct Known {
    /// Closed segments.
    pub segments: Vec<(SegmentId, Note)>,
    /// Where each camera's recording ended.
    pub tails: Vec<(SourceName, Tail)>,
}

/// Handle to the thread that owns sled. Without a usable index all its calls do nothing.
#[derive(Debug)]
pub struct Index {
    changes: Option<SyncSender<Change>>,
    doubt: PathBuf,
}

#[derive(Debug)]
enum Change {
    Put(SegmentId, Note),
    Remove(SegmentId),
    Tail(SourceName, Tail),
    Close(SyncSender<()>),
}

impl Index {
    /// Opens the index at `dir`; on any doubt it is deleted and begun anew, empty.
    pub fn open(dir: &Path) -> (Self, Known) {
        let doubt = dir.with_extension("doubt");
        if doubt.exists() {
            remove(dir);
            remove(&doubt);
        }
        let opened = open_within_deadline(dir).or_else(|why| {
            tracing::warn!(why, "the spool's index is rebuilt from the slots");
            remove(dir);
            open_within_deadline(dir)
        });
        let (db, known) = match opened {
            Ok((db, known)) => (Some(db), known),
            Err(why) => {
                tracing::error!(
                    why,
                    "the spool works without an index; the next start is slower"
                );
                let _ = std::fs::write(&doubt, why);
                (None, Known::default())
            }
        };
        let changes = db.map(|db| {
            let (sender, receiver) = sync_channel(WAITING_MAX);
            thread::spawn(move || keep(db, &receiver));
            sender
        });
        (Self { changes, doubt }, known)
    }

    /// Notes a closed segment. Its body must be durable already.
    pub fn put(&self, segment: SegmentId, note: Note) {
        self.change(Change::Put(segment, note));
    }

    /// Notes that a segment is gone.
    pub fn remove(&self, segment: SegmentId) {
        self.change(Change::Remove(segment));
    }

    /// Notes where a camera's recording ended.
    pub fn tail(&self, source: SourceName, tail: Tail) {
        self.change(Change::Tail(source, tail));
    }

    /// Waits, not for ever, until all changes are written and sled is closed.
    pub fn close(&self) {
        let (done, closed) = sync_channel(1);
        self.change(Change::Close(done));
        let _ = closed.recv_timeout(Duration::from_secs(2));
    }

    fn change(&self, change: Change) {
        let sent = self
            .changes
            .as_ref()
            .map(|changes| changes.try_send(change));
        if let Some(Err(_)) = sent {
            // What was not noted makes the rest doubtful.
            let _ = std::fs::write(&self.doubt, "a change was lost");
        }
    }
}

/// Removes whatever stands at a path.
fn remove(path: &Path) {
    let _ = std::fs::remove_dir_all(path).or_else(|_| std::fs::remove_file(path));
}

fn open_within_deadline(dir: &Path) -> Result<(sled::Db, Known), String> {
    let (sender, receiver) = channel();
    let dir = dir.to_owned();
    let opener = thread::spawn(move || {
        let opened = std::panic::catch_unwind(|| open(&dir));
        let opened = opened.unwrap_or_else(|_| Err("it panicked".into()));
        let _ = sender.send(opened);
    });
    let opened = receiver.recv_timeout(OPEN_DEADLINE);
    if opened.is_ok() {
        let _ = opener.join();
    }
    opened.unwrap_or_else(|_| Err(format!("it did not open within {OPEN_DEADLINE:?}")))
}

fn open(dir: &Path) -> Result<(sled::Db, Known), String> {
    remove_half_snapshots(dir);
    let db = sled::Config::default()
        .path(dir)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None)
        .open()
        .map_err(|error| error.to_string())?;
    // From before there were slots.
    let _ = db.drop_tree("segments");
    let mut known = Known::default();
    for pair in tree(&db, SLOTS)?.iter() {
        let (key, value) = pair.map_err(|error| error.to_string())?;
        let segment = uuid::Uuid::from_slice(&key).map_err(|error| error.to_string())?;
        known.segments.push((SegmentId(segment), read(&value)?));
    }
    for pair in tree(&db, TAILS)?.iter() {
        let (key, value) = pair.map_err(|error| error.to_string())?;
        let source = str::from_utf8(&key).map_err(|error| error.to_string())?;
        let source = source
            .parse()
            .map_err(|_| "a source name is damaged".to_owned())?;
        known.tails.push((source, read(&value)?));
    }
    Ok((db, known))
}

/// Killed while it opens, sled leaves a snapshot that it has begun, takes it for its newest at the
/// next start, and refuses to open for ever. One that is complete has another name.
fn remove_half_snapshots(dir: &Path) {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    for path in files.map(|file| file.path()) {
        if path.extension().is_some_and(|end| end == "generating") {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn tree(db: &sled::Db, name: &str) -> Result<sled::Tree, String> {
    db.open_tree(name).map_err(|error| error.to_string())
}

fn read<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(value).map_err(|error| error.to_string())
}

/// Writes changes in batches, each followed by one flush.
fn keep(db: sled::Db, changes: &Receiver<Change>) {
    while let Ok(first) = changes.recv() {
        let mut closing = Vec::new();
        let mut batch = std::iter::once(first).chain(changes.try_iter());
        let written = batch.try_for_each(|change| apply(&db, change, &mut closing));
        let flushed = written.and_then(|()| db.flush().map_err(|error| error.to_string()));
        if let Err(why) = flushed {
            tracing::error!(
                why,
                "the spool's index cannot be written; it is rebuilt at next start"
            );
            return;
        }
        if !closing.is_empty() {
            drop(db);
            for done in closing {
                let _ = done.try_send(());
            }
            return;
        }
    }
}

fn apply(db: &sled::Db, change: Change, closing: &mut Vec<SyncSender<()>>) -> Result<(), String> {
    let (name, key, value) = match change {
        Change::Put(segment, note) => (
            SLOTS,
            segment.0.as_bytes().to_vec(),
            serde_json::to_vec(&note).ok(),
        ),
        Change::Remove(segment) => (SLOTS, segment.0.as_bytes().to_vec(), None),
        Change::Tail(source, tail) => (
            TAILS,
            source.as_str().as_bytes().to_vec(),
            serde_json::to_vec(&tail).ok(),
        ),
        Change::Close(done) => {
            closing.push(done);
            return Ok(());
        }
    };
    let tree = tree(db, name)?;
    let changed = match value.filter(|value| value.len() <= VALUE_BYTES_MAX) {
        Some(value) => tree.insert(key, value),
        None => tree.remove(key),
    };
    changed.map(drop).map_err(|error| error.to_string())
}
