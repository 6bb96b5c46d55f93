//! Suites: which primitives seal a segment. Its sixth byte says which suite it is of.
//!
//! cipher → international → national
//!
//! Everything above works through [`Primitives`]; a module in hardware would be one more of them.

mod cipher;
mod international;
mod national;

pub(super) use cipher::{Keys, TAG_BYTES};

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Bytes of a segment key, of every digest and of the commitment, in every suite.
pub(super) const KEY_BYTES: usize = 32;

/// The suites this build has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Suite {
    /// 0x01: HPKE with X25519 (RFC 9180), AES-256-GCM, SHA-256.
    #[default]
    #[serde(rename = "aes")]
    International,
    /// 0x02, 国密: SM2 (GB/T 32918.4), SM4-GCM (RFC 8998), SM3 (GB/T 32905).
    #[serde(rename = "sm")]
    National,
}

impl Suite {
    /// The byte in a segment.
    pub fn id(self) -> u8 {
        match self {
            Self::International => 0x01,
            Self::National => 0x02,
        }
    }

    /// The suite with this byte.
    pub fn of(id: u8) -> Option<Self> {
        let all = [Self::International, Self::National];
        all.into_iter().find(|suite| suite.id() == id)
    }

    /// The suite whose public halves have this length.
    pub(super) fn of_public(public: &[u8]) -> Option<Self> {
        match public.len() {
            international::PUBLIC_BYTES => Some(Self::International),
            national::PUBLIC_BYTES => Some(Self::National),
            _ => None,
        }
    }

    pub(super) fn primitives(self) -> &'static dyn Primitives {
        match self {
            Self::International => &international::International,
            Self::National => &national::National,
        }
    }
}

/// A pair of halves: what seals and what opens.
pub(super) struct Pair {
    pub public: Vec<u8>,
    pub secret: Zeroizing<[u8; KEY_BYTES]>,
}

/// What a suite must be able to do. `None` always means: this is not a key, or not the right one.
pub(super) trait Primitives {
    /// Makes a day's pair.
    fn generate(&self, rng: &mut dyn CryptoRng) -> Pair;

    /// Bytes that [`Self::wrap`] returns.
    fn wrapped_bytes(&self) -> usize;

    /// Wraps a segment key to a public half.
    fn wrap(
        &self,
        key: &[u8; KEY_BYTES],
        public: &[u8],
        header: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>>;

    /// Opens what [`Self::wrap`] made.
    fn unwrap(
        &self,
        wrapped: &[u8],
        secret: &[u8; KEY_BYTES],
        header: &[u8],
    ) -> Option<Zeroizing<[u8; KEY_BYTES]>>;

    /// What follows from a segment key.
    fn keys(&self, key: &[u8; KEY_BYTES], header: &[u8]) -> Keys;

    /// The digest of all parts, one after the other.
    fn digest(&self, parts: &[&[u8]]) -> [u8; KEY_BYTES];
}

/// Says what a key is for, so that it can be used for nothing else.
const INFO: &[u8] = b"xunke-seg-v1";
