//! Which records of the log the hub already has, in sled, on a thread of its own.
//!
//! sled may lose its newest writes, refuse to open, panic, or hang on a full disk (all of it
//! measured), so nobody ever waits for it: opening has a deadline, notes are handed over through
//! a bounded queue, and whatever goes missing costs a message sent twice.

use std::collections::HashSet;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Opening takes milliseconds; a damaged tree has been seen to take for ever.
const OPEN: Duration = Duration::from_secs(5);
const CACHE_BYTES: u64 = 512 * 1024;
const FLUSH_MS: u64 = 500;
const NOTES_MAX: usize = 4096;

enum Note {
    Done(u64),
    Forget(Range<u64>),
}

/// The memory of what was delivered; a no-op when sled does not open.
pub(super) struct Delivered {
    notes: Option<SyncSender<Note>>,
}

impl Delivered {
    /// Opens, or begins anew, or goes without.
    pub fn open(directory: &Path) -> (Self, HashSet<u64>) {
        let (notes, received) = sync_channel::<Note>(NOTES_MAX);
        let (ready, opened) = sync_channel(1);
        let directory = directory.to_owned();
        let work = move || serve(&directory, &ready, &received);
        let spawned = thread::Builder::new()
            .name("outbox-index".into())
            .spawn(work);
        match spawned.ok().and_then(|_| opened.recv_timeout(OPEN).ok()) {
            Some(known) => (Self { notes: Some(notes) }, known),
            None => {
                tracing::warn!("the outbox forgets what was delivered; the hub may get it twice");
                (Self { notes: None }, HashSet::new())
            }
        }
    }

    /// The hub has this record.
    pub fn done(&self, seq: u64) {
        self.note(Note::Done(seq));
    }

    /// These records are gone from the log.
    pub fn forget(&self, seqs: Range<u64>) {
        self.note(Note::Forget(seqs));
    }

    fn note(&self, note: Note) {
        if let Some(notes) = &self.notes {
            // A full queue means that sled hangs; then its memory is worth nothing anyway.
            drop(notes.try_send(note));
        }
    }
}

fn serve(directory: &Path, ready: &SyncSender<HashSet<u64>>, notes: &Receiver<Note>) {
    let attempt = || catch_unwind(|| open(directory)).ok().and_then(Result::ok);
    let opened = attempt().or_else(|| {
        tracing::warn!("the outbox index is damaged and is begun anew");
        drop(std::fs::remove_dir_all(directory));
        attempt()
    });
    let Some((tree, known)) = opened else { return };
    if ready.send(known).is_err() {
        return;
    }
    drop(catch_unwind(AssertUnwindSafe(|| keep(&tree, notes))));
}

fn open(directory: &Path) -> sled::Result<(sled::Db, HashSet<u64>)> {
    let config = sled::Config::new()
        .path(directory)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(Some(FLUSH_MS));
    let tree = config.open()?;
    let mut known = HashSet::new();
    for key in tree.iter().keys() {
        if let Ok(seq) = key?.as_ref().try_into() {
            known.insert(u64::from_be_bytes(seq));
        }
    }
    Ok((tree, known))
}

fn keep(tree: &sled::Db, notes: &Receiver<Note>) {
    for note in notes {
        let kept = match note {
            Note::Done(seq) => tree.insert(seq.to_be_bytes(), &[]).map(drop),
            Note::Forget(seqs) => forget(tree, seqs),
        };
        if let Err(error) = kept {
            tracing::warn!(%error, "the outbox index was not written; the hub may get it twice");
        }
    }
    drop(tree.flush());
}

fn forget(tree: &sled::Db, seqs: Range<u64>) -> sled::Result<()> {
    for key in tree
        .range(seqs.start.to_be_bytes()..seqs.end.to_be_bytes())
        .keys()
    {
        tree.remove(key?)?;
    }
    Ok(())
}
