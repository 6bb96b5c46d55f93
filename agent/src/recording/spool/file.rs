//! One segment file: append-only, preallocated, each append durable before it is told of; and what
//! is left of one after a crash.

use ed25519_dalek::VerifyingKey;
use rustix::fs::{FallocateFlags, fallocate};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use xunke_protocol::recording::SEGMENT_BYTES_MAX;
use xunke_protocol::sealed::header::Header;
use xunke_protocol::sealed::{Damage, Outline};

/// A segment being written.
#[derive(Debug)]
pub struct SegmentFile {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl SegmentFile {
    /// Creates the file with its first bytes, all of it durable, its name too.
    ///
    /// # Errors
    /// The disk refuses; nothing is left behind then.
    pub fn create(path: &Path, first: &[u8], expected_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(path)?;
        let mut segment = Self {
            file,
            hash: Sha256::new(),
            bytes: 0,
        };
        let made = segment.begin(path, first, expected_bytes);
        if made.is_err() {
            let _ = std::fs::remove_file(path);
        }
        made.map(|()| segment)
    }

    fn begin(&mut self, path: &Path, first: &[u8], expected_bytes: u64) -> io::Result<()> {
        // Blocks in one place and no allocation later; a file system that cannot does without.
        let _ = fallocate(&self.file, FallocateFlags::KEEP_SIZE, 0, expected_bytes);
        self.append(first)?;
        sync_dir(path)
    }

    /// Appends and makes durable. What a failed append left is cut off again.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn append(&mut self, record: &[u8]) -> io::Result<()> {
        let written = self
            .file
            .write_all(record)
            .and_then(|()| self.file.sync_data());
        if written.is_err() {
            let _ = self.file.set_len(self.bytes);
            return written;
        }
        self.hash.update(record);
        self.bytes += record.len() as u64;
        Ok(())
    }

    /// Durable bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives preallocated space back and returns the SHA-256 of the file.
    pub fn finish(self) -> [u8; 32] {
        let _ = self.file.set_len(self.bytes);
        self.hash.finalize().into()
    }
}

/// What is known of a closed segment file.
#[derive(Debug)]
pub struct Found {
    /// What it says of itself.
    pub header: Header,
    /// Media covered, microseconds.
    pub duration_us: u32,
    /// Length of its whole records.
    pub bytes: u64,
    /// SHA-256 of those bytes.
    pub sha256: [u8; 32],
    /// The newest link of its chain.
    pub chain: [u8; 32],
}

/// Reads a file that a crash may have left. `None` when no footage is in it.
///
/// # Errors
/// The disk refuses.
pub fn inspect(path: &Path, device: &VerifyingKey) -> io::Result<Option<Found>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(SEGMENT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)?;
    // The first chunk is the init segment.
    let outline = outline(&bytes, device).filter(|outline| outline.chunks() > 1);
    Ok(outline.map(|outline| Found {
        duration_us: outline.duration_us,
        bytes: outline.whole_bytes as u64,
        sha256: Sha256::digest(&bytes[..outline.whole_bytes]).into(),
        chain: outline.chain,
        header: outline.header,
    }))
}

/// As [`inspect`], and cuts off, durably, what is not whole.
///
/// # Errors
/// The disk refuses.
pub fn recover(path: &Path, device: &VerifyingKey) -> io::Result<Option<Found>> {
    let Some(found) = inspect(path, device)? else {
        return Ok(None);
    };
    let file = OpenOptions::new().write(true).open(path)?;
    let there = file.metadata()?.len();
    if there > found.bytes {
        tracing::warn!(
            file = %path.display(),
            kept_bytes = found.bytes,
            cut_bytes = there - found.bytes,
            "a segment was cut at its last signed fragment"
        );
        file.set_len(found.bytes)?;
        file.sync_all()?;
    }
    Ok(Some(found))
}

/// Scans up to the last mark that this box has signed: what a crash leaves beyond may be anything,
/// and a torn chunk would make the whole segment fail to open.
fn outline(bytes: &[u8], device: &VerifyingKey) -> Option<Outline> {
    let mut end = bytes.len();
    loop {
        end = match Outline::scan(&bytes[..end]) {
            Ok(outline) if outline.marked_bytes() < end => outline.marked_bytes(),
            Ok(outline) => match outline.verify(device) {
                Ok(()) => return Some(outline),
                Err(Damage::Signature { at }) => at,
                Err(_) => return None,
            },
            Err(Damage::Record { at, .. }) => at,
            Err(_) => return None,
        };
    }
}

/// Makes names durable: of the file at `path`, or that it is gone.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    let dir = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    File::open(dir)?.sync_all()
}
