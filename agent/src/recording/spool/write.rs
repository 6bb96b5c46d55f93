//! Writing a segment: each record durable before anybody is told of it.

use super::index::{Entry, Tail};
use super::ring::{Kept, Place, Standing};
use super::room::fails;
use super::slot::{self, SlotFile};
use super::{Error, Spool};
use std::io;
use std::path::Path;
use xunke_protocol::id::SegmentId;

/// Slots that are tried when the disk fails in one.
const ATTEMPTS: usize = 3;

/// A segment being written. Dropping it closes it as it is: truncated, and still good.
pub struct Writer {
    spool: Spool,
    segment: SegmentId,
    entry: Entry,
    slot: u32,
    file: Option<SlotFile>,
    chain: [u8; 32],
}

impl Spool {
    /// Begins a segment with its first bytes in a slot of its own, making room first. They are
    /// written, and durable, with its first record.
    ///
    /// # Errors
    /// The disk refuses, even after the oldest segments were given up.
    pub fn create(&self, segment: SegmentId, entry: Entry, first: &[u8]) -> Result<Writer, Error> {
        let (slot, file) = self.take(first)?;
        Ok(Writer {
            spool: self.clone(),
            segment,
            entry,
            slot,
            file: Some(file),
            chain: [0; 32],
        })
    }

    fn take(&self, first: &[u8]) -> Result<(u32, SlotFile), Error> {
        let mut attempts = 0;
        loop {
            let slot = self.slot()?;
            let path = slot::path(&self.shared.dir, slot);
            let source = match self.begin(&path, first) {
                Ok(file) => return Ok((slot, file)),
                Err(source) => source,
            };
            self.give_back_after(slot, &source);
            attempts += 1;
            if !fails(&source) || attempts == ATTEMPTS {
                return Err(Error { path, source });
            }
        }
    }

    fn give_back_after(&self, slot: u32, source: &io::Error) {
        if fails(source) {
            self.ring().doubt(slot);
        }
        self.give_back(&Place::Slot(slot));
    }

    fn begin(&self, path: &Path, first: &[u8]) -> io::Result<SlotFile> {
        let slot_bytes = self.shared.limits.slot_bytes;
        let begin = || SlotFile::begin(self.shared.disk.clone(), path, slot_bytes, first);
        match begin() {
            // Somebody has removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                slot::make(&*self.shared.disk, path, slot_bytes)?;
                begin()
            }
            begun => begun,
        }
    }
}

impl Writer {
    /// Appends a sealed record, durably; `until_us` is the media time the segment then covers and
    /// `chain` its newest link.
    ///
    /// # Errors
    /// The disk refuses, or the slot is full. The segment is then closed with what was durable
    /// before, and takes no more.
    pub fn append(&mut self, record: &[u8], until_us: u32, chain: [u8; 32]) -> Result<(), Error> {
        let mut attempts = 1;
        while let Err(source) = self.try_append(record) {
            if attempts < ATTEMPTS && fails(&source) && self.moves(&source)? {
                attempts += 1;
            } else {
                return Err(self.fail(source));
            }
        }
        if self.entry.duration_us == 0 {
            self.spool.ring().begun(self.slot);
        }
        self.entry.duration_us = until_us;
        self.chain = chain;
        Ok(())
    }

    fn try_append(&mut self, record: &[u8]) -> io::Result<()> {
        let closed = || io::Error::other("the segment is closed");
        self.file.as_mut().ok_or_else(closed)?.append(record)
    }

    /// As long as nothing of the segment was written, another slot takes it. Whether one has.
    fn moves(&mut self, source: &io::Error) -> Result<bool, Error> {
        let first = self.file.as_ref().and_then(SlotFile::first);
        let Some(first) = first.map(<[u8]>::to_vec) else {
            return Ok(false);
        };
        self.file = None;
        self.spool.give_back_after(self.slot, source);
        let (slot, file) = self.spool.take(&first)?;
        self.slot = slot;
        self.file = Some(file);
        Ok(true)
    }

    fn fail(&mut self, source: io::Error) -> Error {
        if fails(&source) && self.file.is_some() {
            self.spool.ring().doubt(self.slot);
        }
        self.close();
        let path = slot::path(&self.spool.shared.dir, self.slot);
        Error { path, source }
    }

    /// Appends the last records and closes the segment. The end promises nothing that was not
    /// promised before, so it has no flush of its own.
    ///
    /// # Errors
    /// The disk refuses; the segment is then truncated, and still good.
    pub fn end(mut self, records: &[u8], chain: [u8; 32]) -> Result<(), Error> {
        if self.entry.duration_us == 0 {
            return Ok(());
        }
        let closed = || io::Error::other("the segment is closed");
        let ended = self.file.as_mut().ok_or_else(closed);
        if let Err(source) = ended.and_then(|file| file.append_lazily(records)) {
            return Err(self.fail(source));
        }
        self.chain = chain;
        Ok(())
    }

    fn close(&mut self) {
        let Some(file) = self.file.take() else {
            return;
        };
        let spool = &self.spool;
        let place = Place::Slot(self.slot);
        self.entry.bytes = file.bytes();
        self.entry.sha256 = Some(file.finish());
        if self.entry.duration_us == 0 {
            return spool.give_back(&place);
        }
        let tail = Tail {
            chain: self.chain,
            ended_us: self.entry.start_us + i64::from(self.entry.duration_us),
        };
        spool.note(self.segment, &place, Standing::Waiting, &self.entry);
        spool.shared.index.tail(self.entry.source.clone(), tail);
        let kept = Kept {
            entry: self.entry.clone(),
            place,
            standing: Standing::Waiting,
        };
        let mut ring = spool.ring();
        ring.kept.insert(self.segment, kept);
        ring.tails.insert(self.entry.source.clone(), tail);
        drop(ring);
        spool.publish();
        spool.shared.arrived.notify_one();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}
