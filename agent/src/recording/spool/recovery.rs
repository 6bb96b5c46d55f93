//! Start: compares index and slots. The slots are right.
//!
//! What the index knows and its slot still bears is believed. Of the rest, everything that may have
//! been open when the box stopped is read whole and kept up to its last signed mark; what was
//! closed before that is walked over by its heads, and read whole when it is handed over.

use super::check::{self, Begun, Found, Proof, Verdict};
use super::disk::Disk;
use super::index::{Entry, Index, Known, Note, Tail};
use super::ring::{Kept, Place, Ring, Standing};
use super::slot;
use ed25519_dalek::VerifyingKey;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;
use xunke_protocol::id::{SegmentId, SourceName};
use xunke_protocol::sealed::header::Header;

/// Segments of each camera and start of the operating system that are read whole, newest first: one
/// was open, and another one begun before it if their clocks say so wrongly.
const OPEN_MAX: usize = 2;
/// Strange names that are told.
const TOLD_MAX: usize = 5;
const OWN_PREFIX: char = '_';
/// From before there were slots: a file for each segment, in a folder of its camera or this one.
const OLD_REFUSED: &str = "_quarantine";
const OLD_EXTENSION: &str = "xks";

/// What recovery works with.
pub struct Recovery<'a> {
    /// The spool's directory.
    pub dir: &'a Path,
    /// Its disk.
    pub disk: &'a dyn Disk,
    /// Signs what is ours.
    pub device: &'a VerifyingKey,
    /// Brought up to date.
    pub index: &'a Index,
    /// Filled.
    pub ring: Ring,
}

/// A segment that the index does not know.
struct Unknown {
    place: Place,
    standing: Standing,
    begun: Begun,
}

impl Recovery<'_> {
    /// Finds all that the spool holds.
    ///
    /// # Errors
    /// The directory cannot be listed.
    pub fn run(mut self, known: Known) -> io::Result<Ring> {
        self.ring.tails = known.tails.into_iter().collect();
        let mut known: BTreeMap<SegmentId, Note> = known.segments.into_iter().collect();
        let mut unknown = Vec::new();
        let mut strange = BTreeSet::new();
        for item in fs::read_dir(self.dir)? {
            let item = item?;
            let name = item.file_name().to_string_lossy().into_owned();
            if let Some(number) = slot::number(&name) {
                unknown.extend(self.slot(number, &mut known));
            } else if name == OLD_REFUSED {
                self.old(&item.path(), Standing::Refused, &mut unknown);
            } else if name.parse::<SourceName>().is_ok() && item.path().is_dir() {
                self.old(&item.path(), Standing::Waiting, &mut unknown);
            } else if !name.starts_with(OWN_PREFIX) {
                strange.insert(name);
            }
        }
        tell_strange(self.dir, &strange);
        let open = maybe_open(&unknown);
        for (at, one) in unknown.into_iter().enumerate() {
            self.keep(one, open.contains(&at));
        }
        for segment in known.keys() {
            self.index.remove(*segment);
        }
        Ok(self.ring)
    }

    /// Takes a slot up. Returns what it holds when the index does not know it.
    fn slot(&mut self, number: u32, known: &mut BTreeMap<SegmentId, Note>) -> Option<Unknown> {
        let path = slot::path(self.dir, number);
        let read = File::open(&path).and_then(|file| {
            let begun = check::begun(&file)?;
            if begun.is_none() && !check::blank(&file)? {
                tracing::warn!(file = %path.display(), "a slot without a segment is used anew");
            }
            Ok((begun, file.metadata()?.len()))
        });
        let (begun, bytes) = match read {
            Ok(read) => read,
            Err(error) => {
                self.unreadable(number, &path, &error, known);
                return None;
            }
        };
        let place = if bytes == self.ring.slot_bytes {
            self.ring.there.insert(number);
            Place::Slot(number)
        } else {
            self.ring.odd.insert(number);
            Place::File { path, bytes }
        };
        let Some(begun) = begun else {
            self.give_back(place);
            return None;
        };
        let segment = begun.header.segment;
        let fits = |note: &Note| note.slot == number && note.entry.source == begun.header.source;
        if known.get(&segment).is_some_and(fits) {
            let note = known.remove(&segment)?;
            self.insert(segment, note.entry, place, standing(note.refused));
            return None;
        }
        let standing = Standing::Waiting;
        Some(Unknown {
            place,
            standing,
            begun,
        })
    }

    /// A slot that cannot be read now may be readable later: it is used again last, and what the
    /// index knows of it is still tried.
    fn unreadable(
        &mut self,
        number: u32,
        path: &Path,
        error: &io::Error,
        known: &mut BTreeMap<SegmentId, Note>,
    ) {
        tracing::error!(file = %path.display(), %error, "a slot of the spool cannot be read");
        self.ring.there.insert(number);
        let its = known.iter().find(|(_, note)| note.slot == number);
        if let Some(segment) = its.map(|(segment, _)| *segment)
            && let Some(note) = known.remove(&segment)
        {
            let place = Place::Slot(number);
            self.ring.doubt(number);
            return self.insert(segment, note.entry, place, standing(note.refused));
        }
        self.ring.doubtful.push_back(number);
    }

    /// Segments from before there were slots: they stay where they are until the hub has them.
    fn old(&mut self, dir: &Path, standing: Standing, unknown: &mut Vec<Unknown>) {
        let before = unknown.len();
        let files = fs::read_dir(dir).into_iter().flatten().flatten();
        for path in files.map(|file| file.path()) {
            if path.extension().is_none_or(|end| end != OLD_EXTENSION) {
                continue;
            }
            let read = File::open(&path).and_then(|file| {
                let begun = check::begun(&file)?;
                Ok((begun, file.metadata()?.len()))
            });
            match read {
                Ok((Some(begun), bytes)) => unknown.push(Unknown {
                    place: Place::File { path, bytes },
                    standing,
                    begun,
                }),
                Ok((None, bytes)) => self.give_back(Place::File { path, bytes }),
                Err(error) => {
                    tracing::error!(file = %path.display(), %error, "a segment cannot be read");
                }
            }
        }
        if unknown.len() > before {
            tracing::info!(
                folder = %dir.display(),
                segments = unknown.len() - before,
                "segments from before there were slots are taken over"
            );
        }
    }

    /// Keeps what is good of a segment that the index does not know.
    fn keep(&mut self, one: Unknown, maybe_open: bool) {
        let path = self.path(&one.place);
        match self.look(&path, &one.begun, maybe_open) {
            Ok(Verdict::Ours(found)) => self.found(one, found, &path),
            Ok(Verdict::Foreign(header)) => {
                tell_foreign(&path, &header);
                let entry = entry(header, 0, 0, None);
                let segment = one.begun.header.segment;
                self.insert(segment, entry, one.place, Standing::Foreign);
            }
            Ok(Verdict::Empty) => self.give_back(one.place),
            Err(error) => {
                tracing::error!(file = %path.display(), %error, "a segment cannot be read");
                if let Place::Slot(number) = one.place {
                    self.ring.doubtful.push_back(number);
                }
            }
        }
    }

    fn look(&self, path: &Path, begun: &Begun, maybe_open: bool) -> io::Result<Verdict> {
        let walked = check::walk(&File::open(path)?, begun)?;
        match walked.filter(|found| found.complete && !maybe_open) {
            Some(found) => Ok(Verdict::Ours(found)),
            None => check::whole(path, self.device).map(|(verdict, _)| verdict),
        }
    }

    fn found(&mut self, one: Unknown, found: Found, path: &Path) {
        let segment = found.header.segment;
        if !found.complete {
            tracing::warn!(
                file = %path.display(),
                segment.id = %segment,
                kept_bytes = found.bytes,
                "a segment is kept up to its last signed fragment"
            );
            self.seal_off(&one.place, &found, path);
        }
        let (bytes, duration_us) = (found.bytes, found.duration_us);
        let entry = entry(found.header, duration_us, bytes, found.proof);
        if let Some(Proof { chain, .. }) = found.proof {
            let ended_us = entry.start_us + i64::from(entry.duration_us);
            let newest = self.ring.tails.get(&entry.source);
            if newest.is_none_or(|newest| newest.ended_us < ended_us) {
                let tail = Tail { chain, ended_us };
                self.ring.tails.insert(entry.source.clone(), tail);
                self.index.tail(entry.source.clone(), tail);
            }
        }
        if let (Place::Slot(slot), Standing::Waiting) = (&one.place, one.standing) {
            let note = Note {
                slot: *slot,
                refused: false,
                entry: Entry {
                    sha256: None,
                    ..entry.clone()
                },
            };
            self.index.put(segment, note);
        }
        self.insert(segment, entry, one.place, one.standing);
    }

    /// From now on a walk by heads ends where the segment does.
    fn seal_off(&self, place: &Place, found: &Found, path: &Path) {
        let behind = matches!(place, Place::Slot(_)) && found.bytes < self.ring.slot_bytes;
        if behind && let Err(error) = slot::end_at(self.disk, path, found.bytes) {
            tracing::warn!(file = %path.display(), %error, "a slot cannot be written");
        }
    }

    fn insert(&mut self, segment: SegmentId, entry: Entry, place: Place, standing: Standing) {
        let kept = Kept {
            entry,
            place,
            standing,
        };
        let Some(other) = self.ring.kept.insert(segment, kept) else {
            return;
        };
        // Twice, as a copy made by hand would be: the longer one stays.
        let longer = self.ring.kept.get_mut(&segment);
        let spare = match longer.filter(|kept| kept.entry.bytes < other.entry.bytes) {
            Some(kept) => std::mem::replace(kept, other).place,
            None => other.place,
        };
        self.give_back(spare);
    }

    /// Nothing of use lies there.
    fn give_back(&mut self, place: Place) {
        match place {
            Place::Slot(number) => {
                self.ring.free.insert(number);
            }
            Place::File { path, .. } => {
                tracing::info!(file = %path.display(), "a file without footage is removed");
                let _ = fs::remove_file(path);
            }
        }
    }

    fn path(&self, place: &Place) -> PathBuf {
        match place {
            Place::Slot(number) => slot::path(self.dir, *number),
            Place::File { path, .. } => path.clone(),
        }
    }
}

/// Footage that this box has not signed.
pub fn tell_foreign(path: &Path, header: &Header) {
    tracing::error!(
        file = %path.display(),
        device.id = %header.device,
        source = %header.source,
        "footage that this box has not signed lies in its spool: is this the disk of another box? \
         It is not sent, and the first to be given up; tell the IT centre"
    );
}

fn standing(refused: bool) -> Standing {
    match refused {
        true => Standing::Refused,
        false => Standing::Waiting,
    }
}

fn entry(header: Header, duration_us: u32, bytes: u64, proof: Option<Proof>) -> Entry {
    Entry {
        source: header.source,
        start_us: header.start_us,
        duration_us,
        bytes,
        sha256: proof.map(|proof| proof.sha256),
    }
}

/// Which of them may have been open when the box stopped: the newest of each camera and start of
/// the operating system, by the clock that nobody sets, and the newest by name, for the tail.
fn maybe_open(unknown: &[Unknown]) -> BTreeSet<usize> {
    let mut by_age: Vec<usize> = (0..unknown.len()).collect();
    by_age.sort_by_key(|at| std::cmp::Reverse(unknown[*at].begun.header.mono_ms));
    let mut taken: HashMap<(&SourceName, Uuid), usize> = HashMap::new();
    let mut open = BTreeSet::new();
    for at in by_age {
        let header = &unknown[at].begun.header;
        let taken = taken.entry((&header.source, header.boot)).or_default();
        *taken += 1;
        if *taken <= OPEN_MAX {
            open.insert(at);
        }
    }
    let mut newest: HashMap<&SourceName, usize> = HashMap::new();
    for (at, one) in unknown.iter().enumerate() {
        let start = |at: usize| unknown[at].begun.header.start_us;
        let best = newest.entry(&one.begun.header.source).or_insert(at);
        if start(at) > start(*best) {
            *best = at;
        }
    }
    open.extend(newest.into_values());
    open
}

fn tell_strange(dir: &Path, strange: &BTreeSet<String>) {
    if strange.is_empty() {
        return;
    }
    let some: Vec<&str> = strange.iter().take(TOLD_MAX).map(String::as_str).collect();
    tracing::warn!(
        folder = %dir.display(),
        files = strange.len(),
        some = some.join(", "),
        "what lies in the spool's folder and is not the spool's is left alone; move it elsewhere"
    );
}
