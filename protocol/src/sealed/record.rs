//! The records of a segment as bytes: chunks, checkpoints and the end.

use super::suite::{Suite, TAG_BYTES};
use super::{CHUNK_BYTES_MAX, Damage};

pub(super) const CHUNK: u8 = b'C';
pub(super) const CHECKPOINT: u8 = b'K';
pub(super) const END: u8 = b'E';
pub(super) const CHUNK_HEAD_BYTES: usize = 10;
pub(super) const MARK_BYTES: usize = 1 + 8 + 64;

/// A chunk's first bytes, before its head tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkHead {
    /// The last chunk of a complete segment.
    pub last: bool,
    /// Media covered from the segment's start to the end of this chunk.
    pub until_us: u32,
    /// Bytes of ciphertext, with its tag.
    pub length: u32,
}

impl ChunkHead {
    pub fn encode(self) -> [u8; CHUNK_HEAD_BYTES] {
        let mut out = [0; CHUNK_HEAD_BYTES];
        out[0] = CHUNK;
        out[1] = u8::from(self.last);
        out[2..6].copy_from_slice(&self.until_us.to_be_bytes());
        out[6..].copy_from_slice(&self.length.to_be_bytes());
        out
    }

    /// Reads a head at offset `at` of a file.
    pub fn decode(bytes: &[u8; CHUNK_HEAD_BYTES], at: usize) -> Result<Self, Damage> {
        let [_, last, u0, u1, u2, u3, l0, l1, l2, l3] = *bytes;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        let body_max = CHUNK_BYTES_MAX + TAG_BYTES;
        if !(TAG_BYTES..=body_max).contains(&(length as usize)) {
            return Err(Damage::Record {
                at,
                why: "impossible chunk length",
            });
        }
        if last > 1 {
            return Err(Damage::Record {
                at,
                why: "impossible last flag",
            });
        }
        Ok(Self {
            last: last == 1,
            until_us: u32::from_be_bytes([u0, u1, u2, u3]),
            length,
        })
    }
}

/// What a checkpoint or the end signs.
pub(super) fn mark_message(kind: u8, chain: &[u8; 32], chunks: u64) -> Vec<u8> {
    let label: &[u8] = if kind == END {
        b"xunke-end-v1"
    } else {
        b"xunke-checkpoint-v1"
    };
    [label, chain, &chunks.to_be_bytes()].concat()
}

pub(super) fn mark(kind: u8, chunks: u64, signature: &[u8; 64]) -> Vec<u8> {
    [&[kind][..], &chunks.to_be_bytes(), signature].concat()
}

/// The chain over everything written, beginning with the preamble.
pub(super) fn chain_start(suite: Suite, preamble: &[u8]) -> [u8; 32] {
    suite.primitives().digest(&[b"xunke-chain-v1", preamble])
}

pub(super) fn chain_next(suite: Suite, chain: &[u8; 32], record: &[u8]) -> [u8; 32] {
    let primitives = suite.primitives();
    primitives.digest(&[chain, &primitives.digest(&[record])])
}
