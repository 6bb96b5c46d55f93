//! The hub's word that a segment is safe, and the box's word that footage is missing.

use crate::encoding;
use crate::id::{ClassroomId, DeviceId, SegmentId, SourceName};
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};

/// Largest sealed segment the hub accepts, in bytes.
pub const SEGMENT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Signed by the hub after the segment and its row are durable. Only then may the box forget it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which segment.
    pub segment: SegmentId,
    /// From which device.
    pub device: DeviceId,
    /// SHA-256 of the sealed file as the hub stored it.
    #[serde(with = "encoding")]
    pub sha256: [u8; 32],
    /// Length of the sealed file.
    pub bytes: u64,
    /// When it was durable, milliseconds since 1970-01-01 UTC.
    pub stored_at: i64,
    /// Ed25519 over everything above.
    #[serde(with = "encoding")]
    pub signature: [u8; 64],
}

impl Receipt {
    /// Signs that a segment is stored.
    pub fn sign(
        segment: SegmentId,
        device: DeviceId,
        sha256: [u8; 32],
        bytes: u64,
        stored_at: i64,
        key: &SigningKey,
    ) -> Self {
        let unsigned = Self {
            segment,
            device,
            sha256,
            bytes,
            stored_at,
            signature: [0; 64],
        };
        Self {
            signature: key.sign(&unsigned.message()).to_bytes(),
            ..unsigned
        }
    }

    /// Is this the hub's word about exactly this file?
    pub fn proves(&self, segment: SegmentId, sha256: &[u8; 32], hub: &VerifyingKey) -> bool {
        self.segment == segment
            && self.sha256 == *sha256
            && hub
                .verify(&self.message(), &Signature::from_bytes(&self.signature))
                .is_ok()
    }

    fn message(&self) -> Vec<u8> {
        let device = self.device.as_str().as_bytes();
        let length = u8::try_from(device.len()).expect("invariant: device ids have 32 characters");
        let mut message = b"xunke-receipt-v1".to_vec();
        message.extend_from_slice(self.segment.0.as_bytes());
        message.push(length);
        message.extend_from_slice(device);
        message.extend_from_slice(&self.sha256);
        message.extend_from_slice(&self.bytes.to_be_bytes());
        message.extend_from_slice(&self.stored_at.to_be_bytes());
        message
    }
}

/// How far the hub is with a segment: `GET /box/1/segments/<id>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Progress {
    /// It is durable.
    Stored(Receipt),
    /// So many of its first bytes are here; the upload may go on there.
    Arrived(u64),
}

/// Header of an upload that goes on: how many bytes are there already, in decimal digits.
pub const OFFSET_HEADER: &str = "upload-offset";

/// Footage that was to be recorded and is missing for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Which camera.
    pub source: SourceName,
    /// First missing moment, microseconds since 1970-01-01 UTC.
    pub from_us: i64,
    /// First moment that is there again.
    pub to_us: i64,
    /// Why.
    pub reason: GapReason,
}

/// Why footage is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapReason {
    /// The box was off, or its agent did not run.
    Power,
    /// The camera sent no pictures, though what is sent to it arrives, or it is plugged into the
    /// box.
    Camera,
    /// Nothing comes back from the camera's address: the way to it is broken, or it is off.
    Network,
    /// The disk refused, or was too slow, or lost it.
    Disk,
    /// The box held it back: the document it had then did not want it.
    Policy,
    /// It was recorded, and given up unsent because the spool was full.
    Evicted,
}

impl GapReason {
    /// Every reason there is.
    pub const ALL: [Self; 6] = [
        Self::Power,
        Self::Camera,
        Self::Network,
        Self::Disk,
        Self::Policy,
        Self::Evicted,
    ];

    /// Where it stands in [`Self::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Camera => "camera",
            Self::Network => "network",
            Self::Disk => "disk",
            Self::Policy => "policy",
            Self::Evicted => "evicted",
        }
    }
}

/// A gap as the box tells it: `up/ev/gap`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedGap {
    /// What is missing.
    #[serde(flatten)]
    pub gap: Gap,
    /// The box that says so.
    pub device: DeviceId,
    /// The room it stood in.
    pub classroom: ClassroomId,
    /// Ed25519 of the box, with the key of its recordings, over all of it.
    #[serde(with = "encoding")]
    pub signature: [u8; 64],
}

impl SignedGap {
    /// Signs what is missing.
    #[must_use]
    pub fn sign(gap: Gap, device: DeviceId, classroom: ClassroomId, key: &SigningKey) -> Self {
        let unsigned = Self {
            gap,
            device,
            classroom,
            signature: [0; 64],
        };
        Self {
            signature: key.sign(&unsigned.message()).to_bytes(),
            ..unsigned
        }
    }

    /// Is this the word of a box that signs with one of these keys?
    #[must_use]
    pub fn is_of(&self, keys: &[VerifyingKey]) -> bool {
        let (message, signature) = (self.message(), Signature::from_bytes(&self.signature));
        keys.iter()
            .any(|key| key.verify(&message, &signature).is_ok())
    }

    fn message(&self) -> Vec<u8> {
        let mut message = b"xunke-gap-v1".to_vec();
        let words = [
            self.device.as_str(),
            self.gap.source.as_str(),
            self.gap.reason.name(),
        ];
        for word in words {
            let length = u8::try_from(word.len()).expect("invariant: names are short");
            message.push(length);
            message.extend_from_slice(word.as_bytes());
        }
        message.extend_from_slice(self.classroom.0.as_bytes());
        message.extend_from_slice(&self.gap.from_us.to_be_bytes());
        message.extend_from_slice(&self.gap.to_us.to_be_bytes());
        message
    }
}

/// A stretch of one source, milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Which camera.
    pub source: SourceName,
    /// First moment of it.
    pub from_ms: i64,
    /// First moment after it.
    pub to_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn receipt(key: &SigningKey) -> Receipt {
        let segment = SegmentId(Uuid::from_u128(1));
        Receipt::sign(segment, "box-1".parse().unwrap(), [5; 32], 9, 77, key)
    }

    #[test]
    fn a_receipt_proves_its_own_segment_and_no_other() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let hub = key.verifying_key();
        let good = receipt(&key);
        assert!(good.proves(good.segment, &[5; 32], &hub));
        assert!(!good.proves(SegmentId(Uuid::from_u128(2)), &[5; 32], &hub));
        assert!(!good.proves(good.segment, &[6; 32], &hub));
        let stranger = SigningKey::from_bytes(&[2; 32]).verifying_key();
        assert!(!good.proves(good.segment, &[5; 32], &stranger));
    }

    fn gap() -> Gap {
        Gap {
            source: "cam0".parse().unwrap(),
            from_us: 1_000,
            to_us: 2_000,
            reason: GapReason::Camera,
        }
    }

    /// K14: what a box says is missing is its own word, about its own room.
    #[test]
    fn no_field_of_a_gap_can_be_changed() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let room = ClassroomId(Uuid::from_u128(7));
        let good = SignedGap::sign(gap(), "box-1".parse().unwrap(), room, &key);
        let keys = [SigningKey::from_bytes(&[2; 32]), key].map(|key| key.verifying_key());
        assert!(good.is_of(&keys) && !good.is_of(&keys[..1]) && !good.is_of(&[]));
        let changes: [fn(&mut SignedGap); 6] = [
            |one| one.device = "box-2".parse().unwrap(),
            |one| one.classroom = ClassroomId(Uuid::from_u128(8)),
            |one| one.gap.source = "cam1".parse().unwrap(),
            |one| one.gap.from_us = 0,
            |one| one.gap.to_us = 3_000,
            |one| one.gap.reason = GapReason::Power,
        ];
        for change in changes {
            let mut forged = good.clone();
            change(&mut forged);
            assert!(!forged.is_of(&keys), "{forged:?}");
        }
    }

    #[test]
    fn a_gap_is_written_flat_and_read_back() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let room = ClassroomId(Uuid::from_u128(7));
        let good = SignedGap::sign(gap(), "box-1".parse().unwrap(), room, &key);
        let json = serde_json::to_value(&good).unwrap();
        assert_eq!(
            (&json["source"], &json["reason"]),
            (&"cam0".into(), &"camera".into())
        );
        assert_eq!(
            serde_json::from_value::<SignedGap>(json.clone()).unwrap(),
            good
        );
        assert_eq!(serde_json::from_value::<Gap>(json).unwrap(), good.gap);
        for (index, reason) in GapReason::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
            assert_eq!(
                (reason.index(), GapReason::named(reason.name())),
                (index, Some(reason))
            );
        }
        assert_eq!(GapReason::named("horoscope"), None);
    }

    #[test]
    fn no_field_of_a_receipt_can_be_changed() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let hub = key.verifying_key();
        let good = receipt(&key);
        let changed = [
            Receipt {
                device: "box-2".parse().unwrap(),
                ..good.clone()
            },
            Receipt {
                bytes: 10,
                ..good.clone()
            },
            Receipt {
                stored_at: 78,
                ..good.clone()
            },
        ];
        for forged in changed {
            assert!(
                !forged.proves(forged.segment, &forged.sha256, &hub),
                "{forged:?}"
            );
        }
    }
}
