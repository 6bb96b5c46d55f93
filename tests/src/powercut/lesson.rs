//! What is recorded: fragments that anybody can tell again from their segment and place, with a
//! canary in every few kilobytes.

use sha2::{Digest, Sha256};
use xunke_mutate::Dice;
use xunke_protocol::id::SegmentId;

/// A start code, the head of a keyframe's NAL unit, and a sentence no cipher writes by chance.
pub const CANARY: &[u8] = b"\0\0\0\x01\x65\x88\x84 a face in the third row";
/// Media in a fragment, microseconds.
pub const FRAGMENT_US: u32 = 2_000_000;
const LEAST_BYTES: usize = 6 * 1024;
const MORE_BYTES: usize = 72 * 1024;
/// The canary stands at every so many bytes.
const EVERY_BYTES: usize = 2048;

/// The plain content of a segment's piece: 0 is its beginning, the others are fragments.
#[must_use]
pub fn piece(segment: SegmentId, index: u64) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(segment.0.as_bytes());
    hash.update(index.to_be_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let (seed, _) = digest.split_at(8);
    let seed = u64::from_be_bytes(seed.try_into().unwrap_or_default());
    let mut dice = Dice::of(seed, index);
    let bytes = match index {
        0 => 700,
        _ => LEAST_BYTES + dice.below(MORE_BYTES),
    };
    let mut plain = Vec::with_capacity(bytes + EVERY_BYTES);
    while plain.len() < bytes {
        plain.extend_from_slice(CANARY);
        while plain.len() % EVERY_BYTES != 0 {
            let word = dice.throw().to_be_bytes();
            let room = EVERY_BYTES - plain.len() % EVERY_BYTES;
            plain.extend_from_slice(&word[..room.min(8)]);
        }
    }
    plain.truncate(bytes);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_piece_is_told_again_and_differs_from_all_others() {
        let [one, two] = [1, 2].map(|number| SegmentId(Uuid::from_u128(number)));
        assert_eq!(piece(one, 3), piece(one, 3));
        assert_ne!(piece(one, 3), piece(one, 4));
        assert_ne!(piece(one, 3), piece(two, 3));
        assert!(piece(one, 0).starts_with(CANARY));
        let hits = piece(one, 1)
            .windows(CANARY.len())
            .filter(|at| *at == CANARY)
            .count();
        assert!(hits >= LEAST_BYTES / EVERY_BYTES);
    }
}
