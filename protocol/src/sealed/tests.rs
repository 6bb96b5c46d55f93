//! Sealing and opening: complete, truncated and manipulated segments told apart (X14, P19).

use super::epoch::{DayKey, DaySecret};
use super::header::Header;
use super::*;
use ed25519_dalek::SigningKey;
use hpke::rand_core::{CryptoRng, Infallible, TryCryptoRng, TryRng};
use uuid::Uuid;

/// Not random at all: golden bytes need the same keys every time.
struct Counter(u8);

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

fn rng(seed: u8) -> impl CryptoRng {
    Counter(seed)
}

fn device() -> SigningKey {
    SigningKey::from_bytes(&[8; 32])
}

fn day() -> (DaySecret, DayKey) {
    DaySecret::generate(20_000, &mut rng(1))
}

fn header(number: u128) -> Header {
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

const FRAGMENTS: [&[u8]; 3] = [b"init", b"first fragment", b"second fragment"];

/// The segment and the offset after each record.
pub(crate) fn sealed(number: u128) -> (Vec<u8>, Vec<usize>) {
    let (_, key) = day();
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

pub(crate) fn open(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, bool), Damage> {
    let outline = Outline::scan(bytes)?;
    outline.verify(&device().verifying_key())?;
    let key = outline.unwrap_key(&day().0)?;
    Ok((outline.open(bytes, &key)?, outline.complete))
}

#[test]
fn a_complete_segment_opens_whole() {
    let (bytes, _) = sealed(2);
    let (plain, complete) = open(&bytes).unwrap();
    assert_eq!(plain, FRAGMENTS);
    assert!(complete);
    let outline = Outline::scan(&bytes).unwrap();
    assert_eq!(outline.header, header(2));
    assert_eq!((outline.chunks(), outline.duration_us), (3, 4_000_000));
}

#[test]
fn every_prefix_opens_up_to_its_last_whole_chunk_and_says_truncated() {
    let (bytes, ends) = sealed(2);
    let preamble = ends[0];
    for length in 0..preamble {
        assert!(
            matches!(open(&bytes[..length]), Err(Damage::Preamble(_))),
            "{length}"
        );
    }
    for length in preamble..bytes.len() {
        let (plain, complete) = open(&bytes[..length]).unwrap();
        let whole = ends[1..4].iter().filter(|end| **end <= length).count();
        assert_eq!(plain, FRAGMENTS[..whole], "{length}");
        assert!(!complete, "{length}");
        let marked = Outline::scan(&bytes[..length]).unwrap().marked_bytes();
        assert_eq!(
            marked,
            if length < ends[4] { 0 } else { ends[4] },
            "{length}"
        );
    }
}

#[test]
fn every_changed_bit_is_refused() {
    let (good, _) = sealed(2);
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&bytes).is_err(), "bit {bit} of byte {}", bit / 8);
    }
}

#[test]
fn moved_dropped_repeated_and_foreign_records_are_refused() {
    let (good, ends) = sealed(2);
    let (other, _) = sealed(9);
    let (preamble, first) = (ends[0], ends[1]);
    let (second, third) = (ends[2], ends[3]);
    let join = |parts: &[&[u8]]| parts.concat();
    let swapped = join(&[
        &good[..first],
        &good[second..third],
        &good[first..second],
        &good[third..],
    ]);
    let dropped = join(&[&good[..first], &good[second..]]);
    let repeated = join(&[&good[..second], &good[first..]]);
    let foreign = join(&[&good[..first], &other[first..second], &good[second..]]);
    let other_preamble = join(&[&other[..preamble], &good[preamble..]]);
    let appended = join(&[&good, b"C"]);
    for bytes in [
        swapped,
        dropped,
        repeated,
        foreign,
        other_preamble,
        appended,
    ] {
        assert!(open(&bytes).is_err());
    }
}

#[test]
fn neither_the_device_key_nor_another_day_opens_a_segment() {
    let (bytes, _) = sealed(2);
    let outline = Outline::scan(&bytes).unwrap();
    let wrong = [
        DaySecret::from_bytes([8; 32]),
        DaySecret::generate(20_000, &mut rng(77)).0,
    ];
    for secret in wrong {
        assert_eq!(
            outline.unwrap_key(&secret).err(),
            Some(Damage::Key { epoch: 20_000 })
        );
    }
    let public = DaySecret::from_bytes(day().1.public);
    assert!(outline.unwrap_key(&public).is_err());
}

#[test]
fn a_signature_of_another_device_is_refused() {
    let (bytes, _) = sealed(2);
    let outline = Outline::scan(&bytes).unwrap();
    let stranger = SigningKey::from_bytes(&[9; 32]).verifying_key();
    assert!(matches!(
        outline.verify(&stranger),
        Err(Damage::Signature { .. })
    ));
}

#[test]
fn no_plain_byte_is_in_the_sealed_file() {
    let (bytes, _) = sealed(2);
    for plain in &FRAGMENTS[1..] {
        assert!(!bytes.windows(plain.len()).any(|window| window == *plain));
    }
}
