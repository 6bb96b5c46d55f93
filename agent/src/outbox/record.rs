//! One event as bytes in a log file.
//!
//! ```text
//! length u32 ‖ check (8) ‖ seq u64 ‖ kind length u8 ‖ kind ‖ payload          (big-endian)
//! ```
//!
//! `length` counts what follows `check`; `check` is the start of its SHA-256 and tells a whole
//! record from a torn one.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use xunke_protocol::topic::DOCUMENT_BYTES_MAX;

pub(super) const HEAD_BYTES: usize = 12;
const FIXED_BYTES: usize = 9;
const BODY_BYTES_MAX: usize = FIXED_BYTES + u8::MAX as usize + DOCUMENT_BYTES_MAX;

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub seq: u64,
    pub kind: String,
    pub payload: Vec<u8>,
}

/// What of an envelope tells its age.
#[derive(Deserialize)]
struct Stamp {
    ts: i64,
    sync: bool,
}

impl Record {
    /// When it happened, milliseconds since the epoch; `None` when the box could not trust its
    /// clock then.
    pub fn at_ms(&self) -> Option<i64> {
        let stamp: Stamp = serde_json::from_slice(&self.payload).ok()?;
        stamp.sync.then_some(stamp.ts)
    }

    pub fn encode(&self) -> Vec<u8> {
        let kind = u8::try_from(self.kind.len()).expect("invariant: kinds have 24 characters");
        let mut body = self.seq.to_be_bytes().to_vec();
        body.push(kind);
        body.extend_from_slice(self.kind.as_bytes());
        body.extend_from_slice(&self.payload);
        let length = u32::try_from(body.len()).expect("invariant: documents are small");
        [&length.to_be_bytes()[..], &check(&body), &body].concat()
    }

    /// Reads the record at the start of `bytes` and how long it is; `None` when there is no whole
    /// one, whatever the bytes are.
    pub fn decode(bytes: &[u8]) -> Option<(Self, usize)> {
        let (length, rest) = bytes.split_first_chunk()?;
        let (expected, rest) = rest.split_first_chunk::<8>()?;
        let length = u32::from_be_bytes(*length) as usize;
        if length > BODY_BYTES_MAX {
            return None;
        }
        let body = rest.get(..length)?;
        if check(body) != *expected {
            return None;
        }
        let (seq, rest) = body.split_first_chunk()?;
        let (&kind, rest) = rest.split_first()?;
        let (kind, payload) = rest.split_at_checked(kind.into())?;
        let record = Self {
            seq: u64::from_be_bytes(*seq),
            kind: String::from_utf8(kind.to_vec()).ok()?,
            payload: payload.to_vec(),
        };
        Some((record, HEAD_BYTES + length))
    }
}

fn check(body: &[u8]) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(body).into();
    let (start, _) = digest
        .split_first_chunk()
        .expect("invariant: 32 bytes hold 8");
    *start
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            seq: 42,
            kind: "gap".into(),
            payload: b"{}".to_vec(),
        }
    }

    #[test]
    fn a_record_reads_back_and_its_neighbour_is_left_alone() {
        let mut bytes = record().encode();
        let length = bytes.len();
        bytes.extend_from_slice(b"next");
        assert_eq!(Record::decode(&bytes), Some((record(), length)));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_noticed() {
        let good = record().encode();
        for cut in 0..good.len() {
            assert_eq!(Record::decode(&good[..cut]), None, "cut at {cut}");
        }
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Record::decode(&bad), None, "bit {bit}");
        }
        assert_eq!(
            Record::decode(&[0; 64]),
            None,
            "a preallocated tail is no record"
        );
    }
}
