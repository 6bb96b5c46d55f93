//! Sealing and opening, in every suite: complete, truncated and manipulated segments told apart
//! (X14, P19).

use super::epoch::{DayKey, DaySecret};
use super::header::Header;
use super::*;
use ed25519_dalek::SigningKey;
use hpke::rand_core::{CryptoRng, Infallible, TryCryptoRng, TryRng};
use uuid::Uuid;

/// Not random at all: golden bytes need the same keys every time.
pub(super) struct Counter(u8);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.try_next_u64()? as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            self.0 = self.0.wrapping_mul(5).wrapping_add(3);
            *byte = self.0;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

pub(super) fn rng(seed: u8) -> impl CryptoRng {
    Counter(seed)
}

pub(super) fn device() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

pub(super) const SUITES: [Suite; 2] = [Suite::International, Suite::National];

pub(super) fn day(suite: Suite) -> (DaySecret, DayKey) {
    DaySecret::generate(suite, 20_000, &mut rng(1))
}

pub(super) fn header(number: u128) -> Header {
    Header {
        device: "box-1".parse().unwrap(),
        classroom: crate::id::ClassroomId(Uuid::from_u128(1)),
        segment: crate::id::SegmentId(Uuid::from_u128(number)),
        source: "cam0".parse().unwrap(),
        epoch: 20_000,
        start_us: 1_763_000_000_000_000,
        boot: Uuid::from_u128(3),
        mono_ms: 42,
        codecs: "avc1.640028,mp4a.40.2".into(),
        previous: [0; 32],
    }
}

pub(super) const FRAGMENTS: [&[u8]; 3] = [b"init", b"first fragment", b"second fragment"];

/// The segment and the offset after each record.
pub(crate) fn sealed(suite: Suite, number: u128) -> (Vec<u8>, Vec<usize>) {
    let (_, key) = day(suite);
    let (mut sealer, mut bytes) =
        Sealer::begin(&header(number), &key, device(), &mut rng(number as u8)).unwrap();
    let mut ends = vec![bytes.len()];
    for (index, plain) in (0..).zip(FRAGMENTS) {
        bytes.extend(sealer.chunk(plain, index * 2_000_000).unwrap());
        ends.push(bytes.len());
    }
    bytes.extend(sealer.checkpoint());
    ends.push(bytes.len());
    bytes.extend(sealer.finish().0);
    (bytes, ends)
}

/// Opens what [`sealed`] made in this suite: its plain chunks, and whether its end is there.
pub(crate) fn open(suite: Suite, bytes: &[u8]) -> Result<(Vec<Vec<u8>>, bool), Damage> {
    let outline = Outline::scan(bytes)?;
    outline.verify(&device().verifying_key())?;
    let key = outline.unwrap_key(&day(suite).0)?;
    Ok((outline.open(bytes, &key)?, outline.complete))
}

#[test]
fn a_complete_segment_opens_whole() {
    for suite in SUITES {
        let (bytes, _) = sealed(suite, 2);
        let (plain, complete) = open(suite, &bytes).unwrap();
        assert_eq!(plain, FRAGMENTS);
        assert!(complete);
        let outline = Outline::scan(&bytes).unwrap();
        assert_eq!(outline.header, header(2));
        assert_eq!((outline.chunks(), outline.duration_us), (3, 4_000_000));
    }
}

#[test]
fn every_prefix_opens_up_to_its_last_whole_chunk_and_says_truncated() {
    for suite in SUITES {
        let (bytes, ends) = sealed(suite, 2);
        let preamble = ends[0];
        for length in 0..preamble {
            let opened = open(suite, &bytes[..length]);
            assert!(matches!(opened, Err(Damage::Preamble(_))), "{length}");
        }
        for length in preamble..bytes.len() {
            let (plain, complete) = open(suite, &bytes[..length]).unwrap();
            let whole = ends[1..4].iter().filter(|end| **end <= length).count();
            assert_eq!(plain, FRAGMENTS[..whole], "{length}");
            assert!(!complete, "{length}");
            let marked = Outline::scan(&bytes[..length]).unwrap().marked_bytes();
            let expected = if length < ends[4] { 0 } else { ends[4] };
            assert_eq!(marked, expected, "{length}");
        }
    }
}

#[test]
fn every_changed_bit_is_refused() {
    for suite in SUITES {
        let (good, _) = sealed(suite, 2);
        for bit in 0..good.len() * 8 {
            let mut bytes = good.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(
                open(suite, &bytes).is_err(),
                "bit {bit} of byte {}",
                bit / 8
            );
        }
    }
}

#[test]
fn moved_dropped_repeated_and_foreign_records_are_refused() {
    for suite in SUITES {
        let (good, ends) = sealed(suite, 2);
        let (other, _) = sealed(suite, 9);
        let (preamble, first) = (ends[0], ends[1]);
        let (second, third) = (ends[2], ends[3]);
        let swapped = [
            &good[..first],
            &good[second..third],
            &good[first..second],
            &good[third..],
        ];
        let dropped = [&good[..first], &good[second..]];
        let repeated = [&good[..second], &good[first..]];
        let foreign = [&good[..first], &other[first..second], &good[second..]];
        let other_preamble = [&other[..preamble], &good[preamble..]];
        let appended = [&good[..], b"C"];
        assert!(open(suite, &swapped.concat()).is_err());
        for parts in [dropped, repeated, other_preamble, appended] {
            assert!(open(suite, &parts.concat()).is_err());
        }
        assert!(open(suite, &foreign.concat()).is_err());
    }
}

#[test]
fn neither_the_device_key_nor_another_day_opens_a_segment() {
    for suite in SUITES {
        let (bytes, _) = sealed(suite, 2);
        let outline = Outline::scan(&bytes).unwrap();
        let from = |half: &[u8]| DaySecret::from_bytes(&[&[suite.id()], half].concat()).unwrap();
        let public = day(suite).1.public;
        let wrong = [
            from(&[8; 32]),
            from(&public.as_bytes()[public.as_bytes().len() - 32..]),
            DaySecret::generate(suite, 20_000, &mut rng(77)).0,
        ];
        for secret in wrong {
            let refused = outline.unwrap_key(&secret).err();
            assert_eq!(refused, Some(Damage::Key { epoch: 20_000 }));
        }
    }
}

/// A key of one suite is never tried in another.
#[test]
fn a_suite_byte_that_was_changed_is_refused() {
    for (suite, other) in [(SUITES[0], SUITES[1]), (SUITES[1], SUITES[0])] {
        let (mut bytes, _) = sealed(suite, 2);
        bytes[4] = other.id();
        for secret in [day(suite).0, day(other).0] {
            let outline = Outline::scan(&bytes);
            assert!(outline.is_err() || outline.unwrap().unwrap_key(&secret).is_err());
        }
        bytes[4] = 3;
        assert_eq!(Outline::scan(&bytes).err(), Some(Damage::Suite(3)));
    }
}

#[test]
fn a_secret_that_is_stored_is_the_same_again() {
    for suite in SUITES {
        let (secret, _) = day(suite);
        let stored = secret.to_bytes();
        let again = DaySecret::from_bytes(&stored).unwrap();
        let (bytes, _) = sealed(suite, 2);
        assert!(Outline::scan(&bytes).unwrap().unwrap_key(&again).is_ok());
        assert!(DaySecret::from_bytes(&stored[1..]).is_none());
        assert!(DaySecret::from_bytes(&[&stored[..], &[0]].concat()).is_none());
        assert!(DaySecret::from_bytes(&[&[9], &stored[1..]].concat()).is_none());
        assert!(DaySecret::from_bytes(&[]).is_none());
    }
}

/// What is no key of a suite stops the sealing, not the agent.
#[test]
fn nothing_is_sealed_to_what_is_no_key() {
    for (suite, no_point) in [
        (Suite::International, vec![0; 32]),
        (Suite::National, vec![4; 65]),
    ] {
        let public = epoch::PublicHalf::new(no_point).unwrap();
        assert_eq!(public.suite(), suite);
        let key = DayKey { epoch: 9, public };
        let begun = Sealer::begin(&header(2), &key, device(), &mut rng(2));
        assert_eq!(begun.err(), Some(Damage::Key { epoch: 9 }));
    }
}

#[test]
fn a_signature_of_another_device_is_refused() {
    let (bytes, _) = sealed(Suite::International, 2);
    let outline = Outline::scan(&bytes).unwrap();
    let stranger = SigningKey::from_bytes(&[9; 32]).verifying_key();
    assert!(matches!(
        outline.verify(&stranger),
        Err(Damage::Signature { .. })
    ));
}

#[test]
fn no_plain_byte_is_in_the_sealed_file() {
    for suite in SUITES {
        let (bytes, _) = sealed(suite, 2);
        for plain in &FRAGMENTS[1..] {
            assert!(!bytes.windows(plain.len()).any(|window| window == *plain));
        }
    }
}
