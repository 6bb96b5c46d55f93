//! The hub's word that a segment is safe, and the box's word that one is gone.

use crate::encoding;
use crate::id::{DeviceId, SegmentId, SourceName};
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

/// The box tells the hub that footage is missing for good: `up/ev/gap`.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GapReason {
    /// The box was off.
    Power,
    /// The camera did not deliver.
    Camera,
    /// The disk refused, or was full and a segment had to go unsent.
    Disk,
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
