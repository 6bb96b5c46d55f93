//! Reading a segment: exactly its bytes, never what an earlier one has left behind them.

use super::Spool;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use xunke_protocol::id::SegmentId;

/// As long as it lives, its segment is given up last.
pub struct Hold {
    pub(super) spool: Spool,
    pub(super) segment: SegmentId,
}

/// A segment held open. Reads are refused from the moment at which it is given up all the same, so
/// that no byte of its successor in the slot comes out.
pub struct Reader {
    pub(super) hold: Arc<Hold>,
    pub(super) file: File,
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
    pub(super) at: u64,
}

impl Reader {
    /// Bytes of the segment.
    pub fn length(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the segment.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The same, without its first bytes.
    pub fn from(self, at: u64) -> Self {
        let at = at.min(self.bytes);
        Self { at, ..self }
    }

    /// For whom the segment must stay when it has been read.
    pub fn hold(&self) -> Arc<Hold> {
        self.hold.clone()
    }
}

impl Read for Reader {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.bytes - self.at).unwrap_or(usize::MAX);
        let wanted = bytes.len().min(left);
        if wanted == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut bytes[..wanted], self.at)?;
        // A slot is taken out of the list before it is written anew.
        if !self.hold.spool.keeps(self.hold.segment) {
            return Err(io::Error::other("the segment was given up meanwhile"));
        }
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.at += read as u64;
        Ok(read)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.spool.ring().let_go(self.segment);
    }
}
