//! Sealing, on the box: plain fragments in, records out. Holds the segment key in memory only.

use super::epoch::DayKey;
use super::header::Header;
use super::record::{self, CHECKPOINT, ChunkHead, END, MARK_BYTES};
use super::suite::{KEY_BYTES, Keys, Suite, TAG_BYTES};
use super::{CHUNK_BYTES_MAX, CHUNKS_MAX, Damage};
use ed25519_dalek::{Signer, SigningKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// One open segment. Dropping it forgets the key; what was written stays valid, truncated.
pub struct Sealer {
    suite: Suite,
    keys: Keys,
    header: Vec<u8>,
    device: SigningKey,
    chain: [u8; 32],
    chunks: u64,
    until_us: u32,
}

impl Sealer {
    /// Begins a segment: returns the sealer and the preamble to write first.
    ///
    /// # Errors
    /// The day key is not a key.
    pub fn begin(
        header: &Header,
        day: &DayKey,
        device: SigningKey,
        rng: &mut impl CryptoRng,
    ) -> Result<(Self, Vec<u8>), Damage> {
        let suite = day.public.suite();
        let mut segment_key = Zeroizing::new([0; KEY_BYTES]);
        rng.fill_bytes(&mut *segment_key);
        let header = Header {
            epoch: day.epoch,
            ..header.clone()
        }
        .encode();
        let primitives = suite.primitives();
        let wrapped = primitives.wrap(&segment_key, day.public.as_bytes(), &header, rng);
        let wrapped = wrapped.ok_or(Damage::Key { epoch: day.epoch })?;
        let keys = primitives.keys(&segment_key, &header);
        let preamble = preamble(suite, &header, &wrapped, &keys.commit);
        let chain = record::chain_start(suite, &preamble);
        Ok((
            Self {
                suite,
                keys,
                header,
                device,
                chain,
                chunks: 0,
                until_us: 0,
            },
            preamble,
        ))
    }

    /// Seals one fragment; `until_us` is the media time covered from the segment's start to the
    /// end of this fragment. The record must be durable before anyone is told of it.
    ///
    /// # Errors
    /// The fragment is larger than [`CHUNK_BYTES_MAX`], or the segment has [`CHUNKS_MAX`] chunks.
    pub fn chunk(&mut self, plain: &[u8], until_us: u32) -> Result<Vec<u8>, Damage> {
        if plain.len() > CHUNK_BYTES_MAX || self.chunks >= CHUNKS_MAX {
            return Err(Damage::Record {
                at: 0,
                why: "segment or fragment too large",
            });
        }
        self.until_us = until_us;
        Ok(self.record(plain, false))
    }

    /// Signs what was written so far. Written with every fragment, it lets the box tell after a
    /// crash, without the segment's key, which bytes are as it wrote them.
    pub fn checkpoint(&self) -> Vec<u8> {
        self.mark(CHECKPOINT)
    }

    /// Ends the segment: the last chunk, empty, and the signed end.
    pub fn finish(mut self) -> (Vec<u8>, [u8; 32]) {
        let mut records = self.record(b"", true);
        records.extend_from_slice(&self.mark(END));
        (records, self.chain)
    }

    /// The newest link of the chain, for the next segment's `previous`.
    pub fn chain(&self) -> [u8; 32] {
        self.chain
    }

    fn record(&mut self, plain: &[u8], last: bool) -> Vec<u8> {
        let length =
            u32::try_from(plain.len() + TAG_BYTES).expect("invariant: chunks are at most 16 MiB");
        let head = ChunkHead {
            last,
            until_us: self.until_us,
            length,
        }
        .encode();
        let aad = [&self.header[..], &head].concat();
        let around = head.len() + 2 * TAG_BYTES + MARK_BYTES;
        let mut record = Vec::with_capacity(around + plain.len());
        record.extend_from_slice(&head);
        record.extend_from_slice(&self.keys.head_tag(self.chunks, last, &aad));
        self.keys.seal(self.chunks, last, &aad, plain, &mut record);
        self.chain = record::chain_next(self.suite, &self.chain, &record);
        self.chunks += 1;
        record
    }

    fn mark(&self, kind: u8) -> Vec<u8> {
        let message = record::mark_message(kind, &self.chain, self.chunks);
        record::mark(kind, self.chunks, &self.device.sign(&message).to_bytes())
    }
}

fn preamble(suite: Suite, header: &[u8], wrapped: &[u8], commit: &[u8; KEY_BYTES]) -> Vec<u8> {
    let length = u16::try_from(header.len()).expect("invariant: headers have under 300 bytes");
    let mut out = b"XKS1".to_vec();
    out.push(suite.id());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(header);
    out.extend_from_slice(wrapped);
    out.extend_from_slice(commit);
    out
}
