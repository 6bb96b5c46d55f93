//! Spool: sealed segments wait here, one in each slot, until the hub has signed for them.
//!
//! disk → slot → check → index → ring → recovery → read → room → write
//!
//! A slot is a file of fixed size that is made once and then overwritten again and again: what is
//! appended to a segment is durable after one flush of the device. When all are taken, the slots of
//! short segments are cut to size before anything is given up. The slots are the truth; sled
//! only saves reading them at start. Nothing here waits for anything but the disk, and nothing that
//! a person watches (signals) waits for a disk that hangs. Why so: docs/decisions/0022.

mod disk;
mod slot;
mod check;
mod index;
mod ring;
mod recovery;
mod read;
mod room;
mod write;

pub use disk::{Disk, RealDisk};
pub use index::{Entry, Tail};
pub use read::{Hold, Reader};
pub use write::Writer;

use check::Verdict;
use ed25519_dalek::VerifyingKey;
use index::{Index, Note};
use recovery::Recovery;
use ring::{Kept, Place, Ring, Standing};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, watch};
use xunke_protocol::health::SpoolSignals;
use xunke_protocol::id::{SegmentId, SourceName};
use xunke_protocol::recording::{Gap, GapReason, Stretch};
use xunke_protocol::sealed::header::Header;

const INDEX: &str = "_index";

/// How much the spool may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// All slots together.
    pub bytes_max: u64,
    /// What a new slot must leave free on the disk.
    pub free_bytes_min: u64,
    /// Size of a slot, and most that a segment may have.
    pub slot_bytes: u64,
}

/// Why a segment cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{}: the spool's disk refuses", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// Whom gaps are told to.
pub trait Tell: Send + Sync {
    /// Takes a gap; it is durable when this returns, unless the disk refuses for long. Blocks.
    fn tell(&self, gap: Gap);
}

impl Tell for mpsc::Sender<Gap> {
    fn tell(&self, gap: Gap) {
        if let Err(error) = self.try_send(gap) {
            tracing::error!(%error, "nobody takes a gap");
        }
    }
}

/// The spool. Clones share it. Its calls block on the disk, but for those that say otherwise.
#[derive(Clone)]
pub struct Spool {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    device: VerifyingKey,
    limits: Limits,
    index: Index,
    gaps: Box<dyn Tell>,
    /// Never locked while the disk is asked.
    ring: Mutex<Ring>,
    signals: watch::Sender<SpoolSignals>,
    arrived: Notify,
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
        gaps: impl Tell + 'static,
    ) -> Result<Self, Error> {
        Self::open_on(Arc::new(RealDisk), dir, limits, device, gaps)
    }

    /// The same, on a disk that may be another than the real one.
    ///
    /// # Errors
    /// The directory cannot be made or listed.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        limits: Limits,
        device: &VerifyingKey,
        gaps: impl Tell + 'static,
    ) -> Result<Self, Error> {
        let refused = |source| Error {
            path: dir.to_owned(),
            source,
        };
        fs::create_dir_all(dir).map_err(refused)?;
        let (index, known) = Index::open(&dir.join(INDEX));
        let recovery = Recovery {
            dir,
            disk: &*disk,
            device,
            index: &index,
            ring: Ring::new(limits.slot_bytes, limits.bytes_max),
        };
        let ring = recovery.run(known).map_err(refused)?;
        let signals = watch::Sender::new(SpoolSignals {
            waiting_bytes: 0,
            waiting_segments: 0,
            free_bytes: 0,
            limit_bytes: limits.bytes_max,
            evicted_unsent: 0,
        });
        let shared = Shared {
            dir: dir.to_owned(),
            disk,
            device: *device,
            limits,
            index,
            gaps: Box::new(gaps),
            ring: Mutex::new(ring),
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
        self.ring().tails.get(source).copied()
    }

    /// The oldest segment that waits for its receipt and is not `skipped`. Does not block.
    pub fn oldest(&self, skipped: impl Fn(SegmentId) -> bool) -> Option<(SegmentId, Entry)> {
        let ring = self.ring();
        let found = ring.waiting().find(|(segment, _)| !skipped(*segment));
        found.map(|(segment, kept)| (segment, kept.entry.clone()))
    }

    /// Waits until a segment was closed. Cancel safe.
    pub async fn arrived(&self) {
        self.shared.arrived.notified().await;
    }

    /// Holds a segment open, to be read. What this process has not written itself is read whole
    /// first, and kept up to its last signed mark. `None` when it is no longer there, or nothing of
    /// it is good.
    ///
    /// # Errors
    /// The disk refuses; it may be better later.
    pub fn read(&self, segment: SegmentId) -> io::Result<Option<Reader>> {
        let mut ring = self.ring();
        let Some(kept) = ring.kept.get(&segment).cloned() else {
            return Ok(None);
        };
        ring.hold(segment);
        drop(ring);
        let spool = self.clone();
        let hold = Arc::new(Hold { spool, segment });
        let path = self.path(&kept.place);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let begun = check::begun(&file)?;
        if begun.is_none_or(|begun| begun.header.segment != segment) {
            return Ok(None);
        }
        let known = kept.entry.sha256.map(|sha256| (kept.entry.bytes, sha256));
        let known = match known {
            Some(known) => Some(known),
            None => self.prove(segment, &kept, &path)?,
        };
        Ok(known.map(|(bytes, sha256)| Reader {
            hold,
            file,
            bytes,
            sha256,
            at: 0,
        }))
    }

    /// Reads a segment whole that was only walked over, and corrects what is known of it.
    fn prove(
        &self,
        segment: SegmentId,
        kept: &Kept,
        path: &Path,
    ) -> io::Result<Option<(u64, [u8; 32])>> {
        let (verdict, _) = check::whole(path, &self.shared.device)?;
        let found = match verdict {
            Verdict::Ours(found) => found,
            Verdict::Foreign(header) => {
                recovery::tell_foreign(path, &header);
                if let Some(kept) = self.ring().kept.get_mut(&segment) {
                    kept.standing = Standing::Foreign;
                }
                self.shared.index.remove(segment);
                return Ok(None);
            }
            Verdict::Empty => return Ok(None),
        };
        let Some(proof) = found.proof else {
            return Ok(None);
        };
        let entry = Entry {
            duration_us: found.duration_us,
            bytes: found.bytes,
            sha256: Some(proof.sha256),
            ..kept.entry.clone()
        };
        if let Some(kept) = self.ring().kept.get_mut(&segment) {
            kept.entry = entry.clone();
        }
        self.note(segment, &kept.place, kept.standing, &entry);
        if entry.duration_us < kept.entry.duration_us {
            tracing::error!(
                segment.id = %segment,
                file = %path.display(),
                "FOOTAGE LOST: the end of a segment was damaged on the disk"
            );
            let start_us = entry.start_us + i64::from(entry.duration_us);
            let duration_us = kept.entry.duration_us - entry.duration_us;
            let lost = Entry {
                start_us,
                duration_us,
                ..entry
            };
            self.tell_lost(lost, GapReason::Disk);
        }
        Ok(Some((found.bytes, proof.sha256)))
    }

    /// Frees the slot of a segment that the hub has signed for.
    pub fn forget(&self, segment: SegmentId) {
        let Some(kept) = self.ring().take_waiting(segment) else {
            return;
        };
        self.shared.index.remove(segment);
        self.strike(&kept.place);
        self.give_back(&kept.place);
        self.publish();
    }

    /// Gives up a segment that somebody has removed or garbled; says so aloud.
    pub fn lost(&self, segment: SegmentId) {
        // What was evicted meanwhile has been told already.
        let Some(kept) = self.ring().take_waiting(segment) else {
            return;
        };
        self.shared.index.remove(segment);
        tracing::error!(
            segment.id = %segment,
            source = %kept.entry.source,
            bytes = kept.entry.bytes,
            "FOOTAGE LOST: a segment has vanished from the spool before the hub had it"
        );
        self.tell_lost(kept.entry, GapReason::Disk);
        self.give_back(&kept.place);
    }

    /// Puts a segment aside that the hub refuses for good: people must look at it.
    pub fn quarantine(&self, segment: SegmentId, why: &str) {
        let mut ring = self.ring();
        let waits = |kept: &&mut Kept| kept.standing == Standing::Waiting;
        let Some(kept) = ring.kept.get_mut(&segment).filter(waits) else {
            return;
        };
        kept.standing = Standing::Refused;
        let kept = kept.clone();
        drop(ring);
        tracing::error!(
            segment.id = %segment,
            source = %kept.entry.source,
            file = %self.path(&kept.place).display(),
            why,
            "the hub refuses a segment for good; it is kept aside, tell the IT centre"
        );
        self.note(segment, &kept.place, kept.standing, &kept.entry);
        self.publish();
    }

    /// What the hub is told, renewed by [`Self::publish`].
    pub fn signals(&self) -> watch::Receiver<SpoolSignals> {
        self.shared.signals.subscribe()
    }

    /// Renews the signals.
    pub fn publish(&self) {
        let free_bytes = self.free_bytes();
        let ring = self.ring();
        let signals = SpoolSignals {
            waiting_bytes: ring.waiting().map(|(_, kept)| ring.space(kept)).sum(),
            waiting_segments: ring.waiting().count() as u64,
            free_bytes,
            limit_bytes: self.shared.limits.bytes_max,
            evicted_unsent: ring.evicted_unsent,
        };
        drop(ring);
        self.shared.signals.send_replace(signals);
    }

    /// Tells the hub of missing footage.
    pub fn tell(&self, gap: Gap) {
        self.shared.gaps.tell(gap);
    }

    /// What waits for its receipt: each camera's stretches, joined, the oldest first. Does not
    /// block.
    pub fn held(&self) -> Vec<Stretch> {
        let ring = self.ring();
        ring::stretches(ring.waiting().map(|(_, kept)| &kept.entry))
    }

    /// Brings the index to disk at the end.
    pub fn close(&self) {
        self.shared.index.close();
    }

    fn tell_lost(&self, entry: Entry, reason: GapReason) {
        self.tell(Gap {
            from_us: entry.start_us,
            to_us: entry.start_us + i64::from(entry.duration_us),
            source: entry.source,
            reason,
        });
        self.publish();
    }

    fn note(&self, segment: SegmentId, place: &Place, standing: Standing, entry: &Entry) {
        if let Some(slot) = place.number() {
            // What a later process finds it has not hashed itself.
            let note = Note {
                slot,
                refused: standing == Standing::Refused,
                entry: Entry {
                    sha256: None,
                    ..entry.clone()
                },
            };
            self.shared.index.put(segment, note);
        }
    }

    fn path(&self, place: &Place) -> PathBuf {
        match place {
            Place::Slot(number) => slot::path(&self.shared.dir, *number),
            Place::File { path, .. } => path.clone(),
        }
    }

    fn keeps(&self, segment: SegmentId) -> bool {
        self.ring().kept.contains_key(&segment)
    }

    fn free_bytes(&self) -> u64 {
        self.shared.disk.free_bytes(&self.shared.dir)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        let ring = self.shared.ring.lock();
        ring.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The segment in a slot, as far as `device` has signed it, and its header; `None` without footage
/// of this device. For whoever looks at a spool from outside.
///
/// # Errors
/// The disk refuses.
pub fn look_into(slot: &Path, device: &VerifyingKey) -> io::Result<Option<(Header, Vec<u8>)>> {
    let (verdict, bytes) = check::whole(slot, device)?;
    Ok(match verdict {
        Verdict::Ours(found) => Some((found.header, bytes)),
        Verdict::Foreign(_) | Verdict::Empty => None,
    })
}

#[cfg(test)]
mod tests;
