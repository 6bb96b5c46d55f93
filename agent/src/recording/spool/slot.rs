//! Slots: files of one size, filled once with zeros and from then on only overwritten. A write into
//! a slot changes nothing but its content, so one flush of the device makes it durable.
//!
//! One slot holds one segment, from its first byte. A zero byte stands behind the segment's last
//! record: what an earlier segment has left begins there and is never read as a record.

use super::disk::Disk;
use rustix::fs::{FallocateFlags, fallocate};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const EXTENSION: &str = "slot";
/// Zeros are written in pieces of this size.
const PIECE_BYTES: u64 = 1024 * 1024;
/// Without these first bytes nothing is a segment.
const STRUCK: [u8; 16] = [0; 16];

/// The file of a slot.
pub fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:05}.{EXTENSION}"))
}

/// Which slot a file's name names.
pub fn number(name: &str) -> Option<u32> {
    let digits = name.strip_suffix(EXTENSION)?.strip_suffix('.')?;
    let number = digits.parse().ok()?;
    (format!("{number:05}") == digits).then_some(number)
}

/// Makes a slot: its space taken and written, its name durable.
///
/// # Errors
/// The disk refuses, or a file is there already; nothing is left behind then.
pub fn make(disk: &dyn Disk, path: &Path, slot_bytes: u64) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options.create_new(true).write(true).open(path)?;
    let made = fill(disk, &file, slot_bytes).and_then(|()| sync_dir(path));
    if made.is_err() {
        let _ = std::fs::remove_file(path);
    }
    made
}

fn fill(disk: &dyn Disk, file: &File, slot_bytes: u64) -> io::Result<()> {
    // In one place if possible. Blocks that were only set aside would cost a journal entry each
    // when they are first written, so zeros follow in any case.
    let _ = fallocate(file, FallocateFlags::KEEP_SIZE, 0, slot_bytes);
    let zeros = vec![0; usize::try_from(PIECE_BYTES.min(slot_bytes)).unwrap_or(1)];
    let mut at = 0;
    while at < slot_bytes {
        let piece = usize::try_from(slot_bytes - at).map_or(zeros.len(), |n| n.min(zeros.len()));
        disk.write_at(file, &zeros[..piece], at)?;
        at += piece as u64;
    }
    disk.sync(file)
}

/// Strikes out what a slot holds. Not made durable: after a power cut the segment may be back, and
/// is then handed over once more.
///
/// # Errors
/// The disk refuses.
pub fn strike(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    disk.write_at(&file, &STRUCK, 0)
}

/// Writes, durably, that a segment ends here.
///
/// # Errors
/// The disk refuses.
pub fn end_at(disk: &dyn Disk, path: &Path, at: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    disk.write_at(&file, &[0], at)?;
    disk.sync(&file)
}

/// Cuts a slot behind its segment.
///
/// # Errors
/// The disk refuses.
pub fn cut(disk: &dyn Disk, path: &Path, bytes: u64) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    disk.cut(&file, bytes)
}

/// A slot that is being written.
pub struct SlotFile {
    disk: Arc<dyn Disk>,
    file: File,
    hash: Sha256,
    slot_bytes: u64,
    bytes: u64,
    /// What the segment begins with, until the first record is there to go with it.
    first: Vec<u8>,
}

impl SlotFile {
    /// Begins a segment. Its first bytes are written with its first record, so that both take one
    /// flush of the device, and a slot bears a segment's name only when there is footage of it.
    ///
    /// The name of what lay there before is struck out durably first: a power cut in the middle of
    /// the first write could otherwise leave the old head before new footage, and what the hub has
    /// signed for would be told as lost (found by `./dev powercut`).
    ///
    /// # Errors
    /// The slot is not there, or not for us to write.
    pub fn begin(
        disk: Arc<dyn Disk>,
        path: &Path,
        slot_bytes: u64,
        first: &[u8],
    ) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).open(path)?;
        disk.write_at(&file, &STRUCK, 0)?;
        disk.sync(&file)?;
        Ok(Self {
            disk,
            file,
            hash: Sha256::new(),
            slot_bytes,
            bytes: 0,
            first: first.to_vec(),
        })
    }

    /// Appends and makes durable. After an error nothing more may be appended: what a failed flush
    /// has touched may be lost although the next one succeeds.
    ///
    /// # Errors
    /// The disk refuses, or the slot is full.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.write(record, true)
    }

    /// Appends what nobody is told of, and leaves it to the system to make it durable.
    ///
    /// # Errors
    /// The disk refuses, or the slot is full.
    pub fn append_lazily(&mut self, record: &[u8]) -> io::Result<()> {
        self.write(record, false)
    }

    fn write(&mut self, record: &[u8], durably: bool) -> io::Result<()> {
        let mut written = Vec::with_capacity(self.first.len() + record.len() + 1);
        written.extend_from_slice(&self.first);
        written.extend_from_slice(record);
        let end = self.bytes + written.len() as u64;
        if end > self.slot_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if end < self.slot_bytes {
            written.push(0);
        }
        let mut done = self.disk.write_at(&self.file, &written, self.bytes);
        if durably {
            done = done.and_then(|()| self.disk.sync(&self.file));
        }
        if done.is_err() {
            let _ = self.disk.write_at(&self.file, &[0], self.bytes);
            return done;
        }
        self.hash.update(&self.first);
        self.hash.update(record);
        self.first = Vec::new();
        self.bytes = end;
        Ok(())
    }

    /// What the segment begins with, as long as nothing of it was written.
    pub fn first(&self) -> Option<&[u8]> {
        (self.bytes == 0).then_some(&self.first)
    }

    /// Bytes of the segment that were written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the segment.
    pub fn finish(self) -> [u8; 32] {
        self.hash.finalize().into()
    }
}

/// Makes names durable: of the file at `path`, or that it is gone.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_known_by_its_name_alone() {
        let name = |number| path(Path::new("/spool"), number);
        assert_eq!(name(7), Path::new("/spool/00007.slot"));
        for known in [0, 7, 99_999, 123_456] {
            let file = name(known);
            assert_eq!(
                number(file.file_name().unwrap().to_str().unwrap()),
                Some(known)
            );
        }
        for strange in [
            "7.slot",
            "+0007.slot",
            "0000007.slot",
            "00007.xks",
            ".slot",
            "slot",
        ] {
            assert_eq!(number(strange), None, "{strange}");
        }
    }
}
