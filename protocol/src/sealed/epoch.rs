//! The campus day keys: public halves on the box, private halves in the hub's key room alone.
//!
//! Destroying a day's private half makes every recording of that day unreadable everywhere at once
//! (B§16, six months).

use super::suite::{KEY_BYTES, Suite};
use crate::encoding;
use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
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
    /// The half that seals.
    pub public: PublicHalf,
}

/// The half that seals: an X25519 key (32 bytes), or a point for SM2 (65 bytes, uncompressed). Its
/// length says which suite it is of. In JSON it is text in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicHalf {
    suite: Suite,
    bytes: Vec<u8>,
}

/// Bytes that are no public half of any suite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a day key is 64 or 130 hexadecimal digits")]
pub struct NoPublicHalf;

impl PublicHalf {
    /// Takes bytes of one of the known lengths.
    ///
    /// # Errors
    /// Another length. Whether they are a key shows when something is sealed to them.
    pub fn new(bytes: Vec<u8>) -> Result<Self, NoPublicHalf> {
        let suite = Suite::of_public(&bytes).ok_or(NoPublicHalf)?;
        Ok(Self { suite, bytes })
    }

    /// What is sealed to it is of this suite.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl TryFrom<String> for PublicHalf {
    type Error = NoPublicHalf;

    fn try_from(text: String) -> Result<Self, NoPublicHalf> {
        let bytes = HEX.decode(text.as_bytes());
        Self::new(bytes.map_err(|_| NoPublicHalf)?)
    }
}

impl From<PublicHalf> for String {
    fn from(half: PublicHalf) -> Self {
        data_encoding::HEXLOWER.encode(&half.bytes)
    }
}

/// The half that opens. Lives in the hub's key room.
pub struct DaySecret {
    suite: Suite,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl DaySecret {
    /// Makes a day's pair.
    pub fn generate(suite: Suite, epoch: u32, rng: &mut impl CryptoRng) -> (Self, DayKey) {
        let pair = suite.primitives().generate(rng);
        let public = PublicHalf {
            suite,
            bytes: pair.public,
        };
        let secret = Self {
            suite,
            bytes: pair.secret,
        };
        (secret, DayKey { epoch, public })
    }

    /// Takes stored bytes back; `None` when they are not what [`Self::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&suite, bytes) = bytes.split_first()?;
        let bytes = Zeroizing::new(bytes.try_into().ok()?);
        let suite = Suite::of(suite)?;
        Some(Self { suite, bytes })
    }

    /// The bytes to store, encrypted, in the key room: the suite, then the half.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1 + KEY_BYTES));
        bytes.push(self.suite.id());
        bytes.extend_from_slice(&*self.bytes);
        bytes
    }

    /// Unwraps a segment key; `None` when it was wrapped for another key or in another suite.
    pub(super) fn unwrap(
        &self,
        suite: Suite,
        wrapped: &[u8],
        header: &[u8],
    ) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let own = self.suite == suite;
        let unwrapped = || suite.primitives().unwrap(wrapped, &self.bytes, header);
        own.then(unwrapped).flatten()
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
            message.extend_from_slice(day.public.as_bytes());
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
            public: PublicHalf::new(vec![fill; 32]).unwrap(),
        };
        let bundle = SignedBundle::sign(4, vec![day(10, 1), day(11, 2)], &key);
        assert!(bundle.acceptable(&hub, 4));
        assert!(!bundle.acceptable(&hub, 5));
        let mut forged = bundle.clone();
        forged.days[0] = day(10, 9);
        assert!(!forged.acceptable(&hub, 0));
        let newer = SignedBundle {
            version: 5,
            ..bundle.clone()
        };
        assert!(!newer.acceptable(&hub, 0));
        assert_eq!(bundle.nearest(11), Some(&day(11, 2)));
        assert_eq!(bundle.nearest(0), Some(&day(10, 1)));
    }

    #[test]
    fn a_public_half_is_of_the_suite_of_its_length() {
        let half = |bytes| PublicHalf::new(vec![4; bytes]).map(|half| half.suite());
        assert_eq!(half(32), Ok(Suite::International));
        assert_eq!(half(65), Ok(Suite::National));
        for bytes in [0, 31, 33, 64, 66] {
            assert_eq!(half(bytes), Err(NoPublicHalf), "{bytes}");
        }
        let text = format!(r#"{{"epoch":7,"public":"{}"}}"#, "0a".repeat(32));
        let day: DayKey = serde_json::from_str(&text).unwrap();
        assert_eq!(day.public.as_bytes(), [10; 32]);
        assert_eq!(serde_json::to_string(&day).unwrap(), text);
        assert!(serde_json::from_str::<DayKey>(&text.replace("0a0a", "0a")).is_err());
    }
}
