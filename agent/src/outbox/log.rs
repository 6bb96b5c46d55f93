//! One class's log: files that are only ever appended to, the newest last.
//!
//! A file is named after the number of its first record, so that the counting goes on even when
//! every record was delivered; that is why the newest file is never removed.

use super::Error;
use super::record::Record;
use std::collections::{BTreeMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file is left for a new one at this size; smaller when the limit is small.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Files per limit: dropping the oldest gives up at most this share.
const FILES_PER_LIMIT: u64 = 8;

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// First number of its file.
    pub file: u64,
    pub offset: u64,
    pub bytes: u64,
}

/// What is kept of a record in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    pub seq: u64,
    pub place: Place,
    /// See [`Record::at_ms`].
    pub at_ms: Option<i64>,
}

/// One class's files.
pub(super) struct Log {
    directory: PathBuf,
    bytes_max: u64,
    /// First number → bytes.
    files: BTreeMap<u64, u64>,
    newest: File,
}

/// What was found on disk.
pub(super) struct Found {
    pub log: Log,
    pub records: Vec<Kept>,
    /// The number after the last one this log has seen.
    pub seq_next: u64,
}

impl Kept {
    fn of(record: &Record, place: Place) -> Self {
        Self {
            seq: record.seq,
            place,
            at_ms: record.at_ms(),
        }
    }
}

impl Log {
    /// Reads what is there, cutting a torn tail off the newest file.
    pub fn open(directory: PathBuf, bytes_max: u64) -> Result<Found, Error> {
        let disk = |source| Error::Disk {
            file: directory.clone(),
            source,
        };
        std::fs::create_dir_all(&directory).map_err(disk)?;
        let mut firsts = list(&directory).map_err(disk)?;
        if firsts.is_empty() {
            create(&directory, 1).map_err(disk)?;
            firsts.push(1);
        }
        firsts.sort_unstable();
        let mut files = BTreeMap::new();
        let mut records = Vec::new();
        let mut seq_next = 1;
        for &first in &firsts {
            seq_next = seq_next.max(first);
            let bytes = scan(&directory, first, &mut records).map_err(disk)?;
            files.insert(first, bytes);
        }
        if let Some(last) = records.last() {
            seq_next = seq_next.max(last.seq + 1);
        }
        let newest = *firsts
            .last()
            .expect("invariant: there is at least one file");
        let newest = open_newest(&directory, newest, files[&newest]).map_err(disk)?;
        let log = Self {
            directory,
            bytes_max,
            files,
            newest,
        };
        Ok(Found {
            log,
            records,
            seq_next,
        })
    }

    /// Writes records that follow each other and syncs once. After an error none of them is there.
    pub fn append(&mut self, records: &[Record]) -> Result<Vec<Kept>, Error> {
        let seq = records.first().map_or(0, |record| record.seq);
        self.make_room(seq)?;
        let (&file, bytes) = self
            .files
            .iter_mut()
            .next_back()
            .expect("invariant: a newest file");
        let start = *bytes;
        let mut text = Vec::new();
        let mut kept = Vec::with_capacity(records.len());
        for record in records {
            let encoded = record.encode();
            let place = Place {
                file,
                offset: start + text.len() as u64,
                bytes: encoded.len() as u64,
            };
            kept.push(Kept::of(record, place));
            text.extend_from_slice(&encoded);
        }
        let written = self.newest.write_all_at(&text, start);
        if let Err(source) = written.and_then(|()| self.newest.sync_data()) {
            // Should this fail too, the next append overwrites them, and opening cuts them off.
            drop(self.newest.set_len(start));
            return Err(self.disk(source));
        }
        *bytes += text.len() as u64;
        Ok(kept)
    }

    fn make_room(&mut self, seq: u64) -> Result<(), Error> {
        let file_max = FILE_BYTES_MAX.min(self.bytes_max / FILES_PER_LIMIT);
        let (&newest, &bytes) = self
            .files
            .last_key_value()
            .expect("invariant: a newest file");
        if bytes >= file_max && seq > newest {
            let file = create(&self.directory, seq).map_err(|source| self.disk(source))?;
            self.files.insert(seq, 0);
            self.newest = file;
        }
        Ok(())
    }

    /// The oldest file, when there is more than the limit.
    pub fn over_limit(&self) -> Option<u64> {
        let total: u64 = self.files.values().sum();
        let oldest = self.files.keys().next().copied();
        oldest.filter(|_| total > self.bytes_max && self.files.len() > 1)
    }

    /// Removes a file none of whose records is needed any more; the newest stays.
    pub fn remove(&mut self, first: u64) {
        let newest = self.files.last_key_value().map(|(&first, _)| first);
        if newest == Some(first) || self.files.remove(&first).is_none() {
            return;
        }
        // What cannot be removed is found again at the next start, and delivered once more.
        if let Err(error) = std::fs::remove_file(name(&self.directory, first)) {
            tracing::warn!(%error, "a delivered file of the outbox could not be removed");
        }
    }

    /// The oldest number that can still be in a file.
    pub fn first(&self) -> u64 {
        self.files.keys().next().copied().unwrap_or(0)
    }

    /// Removes every file but the newest that `needed` does not name.
    pub fn sweep(&mut self, needed: &HashSet<u64>) {
        let firsts: Vec<u64> = self.files.keys().copied().collect();
        for first in firsts {
            if !needed.contains(&first) {
                self.remove(first);
            }
        }
    }

    /// Reads a record back; `None` when the disk no longer has what was written.
    pub fn read(&self, place: Place) -> Option<Record> {
        let file = File::open(name(&self.directory, place.file)).ok()?;
        let mut bytes = vec![0; usize::try_from(place.bytes).ok()?];
        file.read_exact_at(&mut bytes, place.offset).ok()?;
        Record::decode(&bytes).map(|(record, _)| record)
    }

    fn disk(&self, source: io::Error) -> Error {
        Error::Disk {
            file: self.directory.clone(),
            source,
        }
    }
}

fn name(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("{first:020}.log"))
}

fn list(directory: &Path) -> io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let name = entry?.file_name();
        let first = name.to_str().and_then(|name| name.strip_suffix(".log"));
        firsts.extend(first.and_then(|first| first.parse::<u64>().ok()));
    }
    Ok(firsts)
}

fn create(directory: &Path, first: u64) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    let file = file.open(name(directory, first))?;
    file.sync_all()?;
    File::open(directory)?.sync_all()?;
    Ok(file)
}

/// Reads a file's records; what follows the last whole one is a torn tail, or damage.
fn scan(directory: &Path, first: u64, records: &mut Vec<Kept>) -> io::Result<u64> {
    let mut bytes = Vec::new();
    File::open(name(directory, first))?.read_to_end(&mut bytes)?;
    let mut offset = 0;
    while let Some((record, length)) = Record::decode(&bytes[offset..]) {
        let place = Place {
            file: first,
            offset: offset as u64,
            bytes: length as u64,
        };
        records.push(Kept::of(&record, place));
        offset += length;
    }
    let torn = bytes.len() - offset;
    if torn > 0 {
        tracing::warn!(bytes = torn, "cut the torn end off a file of the outbox");
    }
    Ok(offset as u64)
}

fn open_newest(directory: &Path, first: u64, bytes: u64) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .open(name(directory, first))?;
    if file.metadata()?.len() != bytes {
        file.set_len(bytes)?;
        file.sync_all()?;
    }
    Ok(file)
}
