//! `XKS1`: one sealed segment, written by a box that cannot read it back.
//!
//! suite → epoch → header → record → write → read
//!
//! ```text
//! segment  = preamble ‖ record*
//! preamble = "XKS1" ‖ suite u8 ‖ header length u16 ‖ header
//!            ‖ wrapped key (as long as the suite says) ‖ commit (32)
//! chunk    = 'C' ‖ last u8 ‖ until_us u32 ‖ length u32 ‖ head tag (16) ‖ ciphertext (length)
//! mark     = 'K' or 'E' ‖ chunks so far u64 ‖ Ed25519 signature (64)
//! ```
//!
//! All numbers are big-endian. A fresh segment key is wrapped to the campus day key; chunks are
//! sealed by the suite's cipher in GCM under a key derived from it, with a counter nonce, the
//! header and the chunk's head as associated data. The head tag authenticates a chunk's length
//! before its body is there, so that a cut (truncated, kept) and a changed length (manipulated,
//! refused) can be told apart. `commit` binds the key to the segment, because GCM alone does not.
//! Marks sign the hash chain over all records with the device's key, Ed25519 in every suite: a
//! device has one identity.
//!
//! Invariant: nothing that can open a segment is ever on the box.

mod suite;
pub mod epoch;
pub mod header;
mod record;
mod write;
mod read;

pub use read::{Outline, SegmentKey, SegmentSecret, Told};
pub use suite::Suite;
pub use write::Sealer;

/// Largest plain chunk, in bytes: two seconds at 48 Mbit/s stay below.
pub const CHUNK_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most chunks in a segment.
pub const CHUNKS_MAX: u64 = 4096;

/// Why a segment is refused. A segment that merely ends early is not damaged but truncated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Not `XKS1`, or the preamble is not all there.
    #[error("this is not a sealed segment: {0}")]
    Preamble(&'static str),
    /// A suite this build does not have.
    #[error("suite {0:#04x} is not known here")]
    Suite(u8),
    /// A record that breaks the format.
    #[error("record at byte {at} is malformed: {why}")]
    Record {
        /// Offset of the record in the file.
        at: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// A signature that is not the device's over this chain.
    #[error("the signature at byte {at} is not the device's")]
    Signature {
        /// Offset of the record in the file.
        at: usize,
    },
    /// The wrapped key does not open with this day key, or is bound to another header.
    #[error("the segment key cannot be unwrapped with the key of day {epoch}")]
    Key {
        /// Day of the key, see [`epoch::of`].
        epoch: u32,
    },
    /// A chunk that was changed, moved or taken from another segment.
    #[error("chunk {index} does not authenticate")]
    Chunk {
        /// Position in the segment, from 0.
        index: u64,
    },
}

#[cfg(test)]
pub(crate) mod tests;
#[cfg(test)]
mod vectors;
