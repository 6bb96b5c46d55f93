//! The campus day keys: public halves on the box, private halves in the hub's key room alone.
//!
//! Destroying a day's private half makes every recording of that day unreadable everywhere at once
//! (B§16, six months).

use crate::encoding;
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, Serializable};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Most days in one bundle.
pub const DAYS_MAX: usize = 400;
const DAY_MS: i64 = 86_400_000;
/// Asia/Shanghai has had no daylight saving time since 1991.
const SHANGHAI_MS: i64 = 8 * 3_600_000;

/// Days since 1970-01-01 in Asia/Shanghai; times before 1970 count as day 0.
pub fn of(unix_ms: i64) -> u32 {
    u32::try_from(unix_ms.saturating_add(SHANGHAI_MS).div_euclid(DAY_MS)).unwrap_or(0)
}

/// What a box seals one day's recordings to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayKey {
    /// See [`of`].
    pub epoch: u32,
    /// X25519.
    #[serde(with = "encoding")]
    pub public: [u8; 32],
}

/// The half that opens. Lives in the hub's key room.
pub struct DaySecret(pub(super) Zeroizing<[u8; 32]>);

impl DaySecret {
    /// Makes a day's pair.
    pub fn generate(epoch: u32, rng: &mut impl CryptoRng) -> (Self, DayKey) {
        let (secret, public) = X25519HkdfSha256::gen_keypair_with_rng(rng);
        let secret = Self(Zeroizing::new(secret.to_bytes().into()));
        (
            secret,
            DayKey {
                epoch,
                public: public.to_bytes().into(),
            },
        )
    }

    /// Takes stored bytes back.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes to store, encrypted, in the key room.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.0.clone()
    }

    pub(super) fn private(&self) -> Option<<X25519HkdfSha256 as Kem>::PrivateKey> {
        Deserializable::from_bytes(&*self.0).ok()
    }
}

/// The day keys of the coming weeks, signed by the hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedBundle {
    /// Grows with every bundle; a box refuses a lower one.
    pub version: u64,
    /// One key a day, ascending.
    pub days: Vec<DayKey>,
    /// Ed25519 of the hub over all of the above.
    #[serde(with = "encoding")]
    pub signature: [u8; 64],
}

impl SignedBundle {
    /// Signs a bundle.
    pub fn sign(version: u64, days: Vec<DayKey>, key: &SigningKey) -> Self {
        let unsigned = Self {
            version,
            days,
            signature: [0; 64],
        };
        Self {
            signature: key.sign(&unsigned.message()).to_bytes(),
            ..unsigned
        }
    }

    /// Is this the hub's, and no older than what the box has?
    pub fn acceptable(&self, hub: &VerifyingKey, version_min: u64) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        self.version >= version_min
            && self.days.len() <= DAYS_MAX
            && hub.verify(&self.message(), &signature).is_ok()
    }

    /// The key for a day; when the clock is outside the bundle, the nearest day it has, because
    /// a wrong clock must never stop a recording.
    pub fn nearest(&self, epoch: u32) -> Option<&DayKey> {
        self.days.iter().min_by_key(|day| day.epoch.abs_diff(epoch))
    }

    fn message(&self) -> Vec<u8> {
        let mut message = b"xunke-epoch-bundle-v1".to_vec();
        message.extend_from_slice(&self.version.to_be_bytes());
        for day in &self.days {
            message.extend_from_slice(&day.epoch.to_be_bytes());
            message.extend_from_slice(&day.public);
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_shanghai() {
        assert_eq!(of(0), 0);
        assert_eq!(of(16 * 3_600_000 - 1), 0);
        assert_eq!(of(16 * 3_600_000), 1);
        assert_eq!(of(i64::MIN), 0);
    }

    #[test]
    fn a_bundle_that_is_forged_or_older_is_refused() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let hub = key.verifying_key();
        let day = |epoch, fill| DayKey {
            epoch,
            public: [fill; 32],
        };
        let bundle = SignedBundle::sign(4, vec![day(10, 1), day(11, 2)], &key);
        assert!(bundle.acceptable(&hub, 4));
        assert!(!bundle.acceptable(&hub, 5));
        let mut forged = bundle.clone();
        forged.days[0].public = [9; 32];
        assert!(!forged.acceptable(&hub, 0));
        let newer = SignedBundle {
            version: 5,
            ..bundle.clone()
        };
        assert!(!newer.acceptable(&hub, 0));
        assert_eq!(bundle.nearest(11), Some(&day(11, 2)));
        assert_eq!(bundle.nearest(0), Some(&day(10, 1)));
    }
}
