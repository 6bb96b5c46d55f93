//! Spool: sealed segments wait here, one append-only file each, until the hub has signed for them.
//!
//! file → index → recovery
//!
//! The files are the truth; sled only saves reading them at start. Nothing here waits for anything
//! but the disk, and nothing that a person watches (signals) waits for a disk that hangs.

mod file;
mod index;
mod recovery;

pub use index::{Entry, Tail};

use ed25519_dalek::VerifyingKey;
use file::{SegmentFile, sync_dir};
use index::Index;
use recovery::Kept;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, watch};
use xunke_protocol::health::SpoolSignals;
use xunke_protocol::id::{SegmentId, SourceName};
use xunke_protocol::recording::{Gap, GapReason};

const INDEX: &str = "_index";
const QUARANTINE: &str = "_quarantine";
const EXTENSION: &str = "xks";

/// How much the spool may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// All segment files together.
    pub bytes_max: u64,
    /// What must stay free on the disk.
    pub free_bytes_min: u64,
    /// Most that is preallocated for one file.
    pub slot_bytes: u64,
}

/// Why a segment cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{}: the spool's disk refuses", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// The spool. Clones share it. Its calls block on the disk, but for those that say otherwise.
#[derive(Clone)]
pub struct Spool {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    limits: Limits,
    index: Index,
    gaps: mpsc::Sender<Gap>,
    state: Mutex<State>,
    signals: watch::Sender<SpoolSignals>,
    arrived: Notify,
}

#[derive(Default)]
struct State {
    kept: Kept,
    /// Bytes of segments being written.
    writing: HashMap<SegmentId, u64>,
    /// What the uploader holds open: evicted last.
    uploading: Option<SegmentId>,
    evicted_unsent: u64,
}

/// A segment being written. Dropping it closes it as it is: truncated, and still good.
pub struct Writer {
    spool: Spool,
    segment: SegmentId,
    entry: Entry,
    path: PathBuf,
    file: Option<SegmentFile>,
    chain: [u8; 32],
}

impl Spool {
    /// Opens the spool and keeps what a crash has left in it, as far as `device` has signed it.
    /// Gaps that eviction makes go to `gaps`.
    ///
    /// # Errors
    /// The directory cannot be made or listed.
    pub fn open(
        dir: &Path,
        limits: Limits,
        device: &VerifyingKey,
        gaps: mpsc::Sender<Gap>,
    ) -> Result<Self, Error> {
        let refused = |source| Error {
            path: dir.to_owned(),
            source,
        };
        fs::create_dir_all(dir.join(QUARANTINE)).map_err(refused)?;
        let (index, known) = Index::open(&dir.join(INDEX));
        let kept = recovery::run(dir, device, &index, known).map_err(refused)?;
        let signals = watch::Sender::new(SpoolSignals {
            waiting_bytes: 0,
            waiting_segments: 0,
            free_bytes: 0,
            limit_bytes: limits.bytes_max,
            evicted_unsent: 0,
        });
        let shared = Shared {
            dir: dir.to_owned(),
            limits,
            index,
            gaps,
            state: Mutex::new(State {
                kept,
                ..State::default()
            }),
            signals,
            arrived: Notify::new(),
        };
        let spool = Self {
            shared: Arc::new(shared),
        };
        spool.publish();
        Ok(spool)
    }

    /// Where a camera's recording ended. Does not block.
    pub fn tail(&self, source: &SourceName) -> Option<Tail> {
        self.state().kept.tails.get(source).copied()
    }

    /// Creates a segment with its first bytes, making room first.
    ///
    /// # Errors
    /// The disk refuses, even after the oldest segments were given up.
    pub fn create(&self, segment: SegmentId, entry: Entry, first: &[u8]) -> Result<Writer, Error> {
        let expected = self.expected_bytes(&entry.source);
        self.make_room(expected.max(first.len() as u64));
        let path = self.path(&entry.source, segment);
        let create = || {
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            SegmentFile::create(&path, first, expected)
        };
        let file = self.insist(&path, create)?;
        self.state().writing.insert(segment, file.bytes());
        Ok(Writer {
            spool: self.clone(),
            segment,
            entry,
            path,
            file: Some(file),
            chain: [0; 32],
        })
    }

    /// The oldest segment that waits for its receipt and is not `skipped`. Does not block.
    pub fn oldest(&self, skipped: impl Fn(SegmentId) -> bool) -> Option<(SegmentId, Entry)> {
        let mut state = self.state();
        let found = state
            .kept
            .waiting
            .iter()
            .find(|(segment, _)| !skipped(**segment));
        let found = found.map(|(segment, entry)| (*segment, entry.clone()));
        state.uploading = found.as_ref().map(|(segment, _)| *segment);
        found
    }

    /// Waits until a segment was closed. Cancel safe.
    pub async fn arrived(&self) {
        self.shared.arrived.notified().await;
    }

    /// Where a waiting segment lies.
    pub fn path(&self, source: &SourceName, segment: SegmentId) -> PathBuf {
        let dir = self.shared.dir.join(source.as_str());
        dir.join(segment.to_string()).with_extension(EXTENSION)
    }

    /// Removes a segment that the hub has signed for.
    pub fn forget(&self, segment: SegmentId) {
        let entry = self.state().kept.waiting.remove(&segment);
        if let Some(entry) = entry {
            self.remove_file(&self.path(&entry.source, segment));
            self.shared.index.remove(segment);
            self.publish();
        }
    }

    /// Gives up a segment whose file somebody has removed; says so aloud.
    pub fn lost(&self, segment: SegmentId) {
        let entry = self.state().kept.waiting.remove(&segment);
        // What was evicted meanwhile has been told already.
        let Some(entry) = entry else {
            return;
        };
        self.shared.index.remove(segment);
        tracing::error!(
            segment.id = %segment,
            source = %entry.source,
            bytes = entry.bytes,
            "FOOTAGE LOST: a segment has vanished from the spool before the hub had it"
        );
        self.tell_lost(entry);
    }

    /// Puts a segment aside that the hub refuses for good: people must look at it.
    pub fn quarantine(&self, segment: SegmentId, why: &str) {
        let entry = self.state().kept.waiting.remove(&segment);
        let Some(entry) = entry else {
            return;
        };
        let from = self.path(&entry.source, segment);
        let to = self.quarantine_path(segment);
        tracing::error!(
            segment.id = %segment,
            source = %entry.source,
            file = %to.display(),
            why,
            "the hub refuses a segment for good; it is kept aside, tell the IT centre"
        );
        if let Err(error) = fs::rename(&from, &to).and_then(|()| sync_dir(&to)) {
            tracing::error!(file = %from.display(), %error, "the segment cannot be put aside");
        }
        self.state().kept.quarantined.insert(segment, entry);
        self.shared.index.remove(segment);
        self.publish();
    }

    /// What the hub is told, renewed by [`Self::publish`].
    pub fn signals(&self) -> watch::Receiver<SpoolSignals> {
        self.shared.signals.subscribe()
    }

    /// Renews the signals.
    pub fn publish(&self) {
        let free_bytes = self.free_bytes();
        let state = self.state();
        let signals = SpoolSignals {
            waiting_bytes: state.kept.waiting.values().map(|entry| entry.bytes).sum(),
            waiting_segments: state.kept.waiting.len() as u64,
            free_bytes,
            limit_bytes: self.shared.limits.bytes_max,
            evicted_unsent: state.evicted_unsent,
        };
        drop(state);
        self.shared.signals.send_replace(signals);
    }

    /// Brings the index to disk at the end.
    pub fn close(&self) {
        self.shared.index.close();
    }

    /// A quarter more than the camera's newest segment took.
    fn expected_bytes(&self, source: &SourceName) -> u64 {
        let state = self.state();
        let newest = state
            .kept
            .waiting
            .values()
            .rev()
            .find(|entry| entry.source == *source);
        let bytes = newest.map_or(0, |entry| entry.bytes + entry.bytes / 4);
        bytes.min(self.shared.limits.slot_bytes)
    }

    /// Gives up the oldest segments until `bytes` more fit.
    fn make_room(&self, bytes: u64) {
        let limits = self.shared.limits;
        loop {
            let used = self.state().used_bytes();
            let over = (used + bytes).saturating_sub(limits.bytes_max);
            let short = (limits.free_bytes_min + bytes).saturating_sub(self.free_bytes());
            if over == 0 && (short == 0 || used < limits.slot_bytes) {
                return;
            }
            if !self.evict() {
                return;
            }
        }
    }

    /// Tries again after giving up the oldest segment, as long as the disk is full.
    fn insist<T>(&self, path: &Path, mut act: impl FnMut() -> io::Result<T>) -> Result<T, Error> {
        loop {
            let source = match act() {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let full = matches!(
                source.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            );
            if !full || !self.evict() {
                let path = path.to_owned();
                return Err(Error { path, source });
            }
        }
    }

    /// Gives up one segment that the hub does not have; says so aloud. False when there is none.
    fn evict(&self) -> bool {
        let mut state = self.state();
        let Some((segment, entry, path)) = self.victim(&mut state) else {
            return false;
        };
        state.evicted_unsent += 1;
        drop(state);
        self.remove_file(&path);
        self.shared.index.remove(segment);
        tracing::error!(
            segment.id = %segment,
            source = %entry.source,
            bytes = entry.bytes,
            "FOOTAGE LOST: the spool is full and the hub has not taken this segment"
        );
        self.tell_lost(entry);
        true
    }

    fn tell_lost(&self, entry: Entry) {
        self.tell(Gap {
            from_us: entry.start_us,
            to_us: entry.start_us + i64::from(entry.duration_us),
            source: entry.source,
            reason: GapReason::Disk,
        });
        self.publish();
    }

    /// Tells the hub of missing footage. Does not block.
    pub fn tell(&self, gap: Gap) {
        if let Err(error) = self.shared.gaps.try_send(gap) {
            tracing::error!(%error, "a gap could not be told to the hub");
        }
    }

    /// What the hub refuses goes first, then the oldest; what is being uploaded goes last.
    fn victim(&self, state: &mut State) -> Option<(SegmentId, Entry, PathBuf)> {
        if let Some((segment, entry)) = state.kept.quarantined.pop_first() {
            return Some((segment, entry, self.quarantine_path(segment)));
        }
        let held = state.uploading;
        let oldest = state
            .kept
            .waiting
            .keys()
            .find(|segment| Some(**segment) != held)
            .copied();
        let segment = oldest.or(held)?;
        let entry = state.kept.waiting.remove(&segment)?;
        let path = self.path(&entry.source, segment);
        Some((segment, entry, path))
    }

    fn quarantine_path(&self, segment: SegmentId) -> PathBuf {
        let dir = self.shared.dir.join(QUARANTINE);
        dir.join(segment.to_string()).with_extension(EXTENSION)
    }

    fn remove_file(&self, path: &Path) {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(file = %path.display(), %error, "a segment cannot be removed");
            }
            _ => {}
        }
    }

    fn free_bytes(&self) -> u64 {
        let free = rustix::fs::statvfs(&self.shared.dir);
        free.map_or(0, |free| free.f_bavail.saturating_mul(free.f_frsize))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn used_bytes(&self) -> u64 {
        let closed = self
            .kept
            .waiting
            .values()
            .chain(self.kept.quarantined.values());
        let closed: u64 = closed.map(|entry| entry.bytes).sum();
        closed + self.writing.values().sum::<u64>()
    }
}

impl Writer {
    /// Appends a sealed record, durably; `until_us` is the media time the segment then covers and
    /// `chain` its newest link. Makes room when the disk is full.
    ///
    /// # Errors
    /// The disk refuses; what was written before stays good.
    pub fn append(&mut self, record: &[u8], until_us: u32, chain: [u8; 32]) -> Result<(), Error> {
        self.spool.make_room(record.len() as u64);
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        self.spool.insist(&self.path, || file.append(record))?;
        self.entry.duration_us = until_us;
        self.chain = chain;
        self.spool
            .state()
            .writing
            .insert(self.segment, file.bytes());
        Ok(())
    }
}

impl Writer {
    /// Appends the last records and closes the segment.
    ///
    /// # Errors
    /// The disk refuses; the segment is then truncated, and still good.
    pub fn end(mut self, records: &[u8], chain: [u8; 32]) -> Result<(), Error> {
        let until_us = self.entry.duration_us;
        self.append(records, until_us, chain)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else {
            return;
        };
        self.entry.bytes = file.bytes();
        self.entry.sha256 = file.finish();
        let mut state = self.spool.state();
        state.writing.remove(&self.segment);
        if self.entry.duration_us == 0 {
            drop(state);
            return self.spool.remove_file(&self.path);
        }
        let tail = Tail {
            chain: self.chain,
            ended_us: self.entry.start_us + i64::from(self.entry.duration_us),
        };
        state.kept.waiting.insert(self.segment, self.entry.clone());
        state.kept.tails.insert(self.entry.source.clone(), tail);
        drop(state);
        let index = &self.spool.shared.index;
        index.put(self.segment, self.entry.clone());
        index.tail(self.entry.source.clone(), tail);
        self.spool.publish();
        self.spool.shared.arrived.notify_one();
    }
}

#[cfg(test)]
mod tests;
