//! Making room: the next slot, and what is given up for it.

use super::ring::{Next, Place, Standing};
use super::slot;
use super::{Error, Spool};
use std::io;
use std::path::Path;
use xunke_protocol::recording::GapReason;

impl Spool {
    /// A slot to write into, after giving up what must be.
    pub(super) fn slot(&self) -> Result<u32, Error> {
        let limits = self.shared.limits;
        loop {
            let room = self.free_bytes() >= limits.free_bytes_min + limits.slot_bytes;
            let next = self.ring().next(room);
            match next {
                Next::Take(number) => return Ok(number),
                Next::Tighten => self.tighten(),
                Next::Evict => drop(self.evict()),
                Next::Full => return Err(self.error(io::ErrorKind::StorageFull.into())),
                Next::Make(number) => match self.make(number) {
                    Ok(()) => return Ok(number),
                    Err(error) if fails(&error) => self.ring().stop_growing(),
                    Err(error) if is_full(&error) && self.evict() => {}
                    Err(error) => return Err(self.error(error)),
                },
            }
        }
    }

    /// Cuts the slots of short segments to size. Their segments end before the cut, so a power cut
    /// finds them whole, in a file of either size.
    fn tighten(&self) {
        let cut = self
            .ring()
            .tighten(|slot| slot::path(&self.shared.dir, slot));
        for (segment, file, bytes) in cut {
            match slot::cut(&*self.shared.disk, &file, bytes) {
                Ok(()) => tracing::debug!(file = %file.display(), bytes, "a slot is cut to size"),
                // Forgotten meanwhile, and removed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::warn!(file = %file.display(), %error, "a slot cannot be cut to size");
                    self.ring().loosen(segment);
                }
            }
        }
    }

    fn make(&self, number: u32) -> io::Result<()> {
        let path = slot::path(&self.shared.dir, number);
        let made = slot::make(&*self.shared.disk, &path, self.shared.limits.slot_bytes);
        if made.is_err() {
            self.ring().unmake(number);
        }
        made
    }

    /// Gives up one segment; says so aloud. False when there is none.
    fn evict(&self) -> bool {
        let mut ring = self.ring();
        let victim = ring.victim();
        let Some((segment, kept)) = victim.and_then(|id| Some((id, ring.kept.remove(&id)?))) else {
            return false;
        };
        let foreign = kept.standing == Standing::Foreign;
        ring.evicted_unsent += u64::from(!foreign);
        drop(ring);
        tracing::error!(
            segment.id = %segment,
            source = %kept.entry.source,
            bytes = kept.entry.bytes,
            "FOOTAGE LOST: the spool is full and the hub has not taken this segment"
        );
        // Told, durably, before its bytes are gone: a power cut in between brings it back. What
        // another box has recorded is no gap of this one.
        if !foreign {
            self.tell_lost(kept.entry, GapReason::Evicted);
        }
        self.shared.index.remove(segment);
        self.give_back(&kept.place);
        true
    }

    /// So that it is not handed over again should the index be lost.
    pub(super) fn strike(&self, place: &Place) {
        if let Place::Slot(_) = place {
            let path = self.path(place);
            if let Err(error) = slot::strike(&*self.shared.disk, &path) {
                tracing::warn!(file = %path.display(), %error, "a slot cannot be written");
            }
        }
    }

    /// What lies there is of no use any more.
    pub(super) fn give_back(&self, place: &Place) {
        match *place {
            Place::Slot(number) => {
                if self.ring().release(number) {
                    self.remove_file(&self.path(place));
                    self.ring().unmake(number);
                }
            }
            Place::File { ref path, .. } => self.remove_file(path),
        }
    }

    fn remove_file(&self, path: &Path) {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(file = %path.display(), %error, "a segment cannot be removed");
            }
            _ => {}
        }
    }

    fn error(&self, source: io::Error) -> Error {
        let path = self.shared.dir.clone();
        Error { path, source }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Whether the disk has failed, rather than being full or not for us to write.
pub(super) fn fails(error: &io::Error) -> bool {
    let told = matches!(
        error.kind(),
        io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::NotFound
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::FileTooLarge
    );
    !told && !is_full(error)
}
