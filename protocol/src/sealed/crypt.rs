//! The primitives of suite 0x01: key wrapping, key derivation, and the two uses of the cipher.

use super::Damage;
use super::epoch::{DayKey, DaySecret};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256 as Kem;
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(super) const ENC_BYTES: usize = 32;
pub(super) const WRAPPED_BYTES: usize = 48;
pub(super) const COMMIT_BYTES: usize = 32;
pub(super) const TAG_BYTES: usize = 16;
const INFO: &[u8] = b"xunke-seg-v1";

/// A segment key wrapped to a day key.
pub(super) struct Wrapped {
    pub enc: [u8; ENC_BYTES],
    pub wrapped: [u8; WRAPPED_BYTES],
}

pub(super) fn wrap(
    key: &[u8; 32],
    day: &DayKey,
    header: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Wrapped, Damage> {
    let failed = |_| Damage::Key { epoch: day.epoch };
    let public = <Kem as hpke::Kem>::PublicKey::from_bytes(&day.public).map_err(failed)?;
    let (enc, wrapped) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, Kem>(
        &OpModeS::Base,
        &public,
        INFO,
        key,
        header,
        rng,
    )
    .map_err(failed)?;
    let wrapped = wrapped
        .try_into()
        .expect("invariant: 32 bytes and a tag are 48 bytes");
    Ok(Wrapped {
        enc: enc.to_bytes().into(),
        wrapped,
    })
}

pub(super) fn unwrap(
    sealed: &Wrapped,
    day: &DaySecret,
    header: &[u8],
) -> Option<Zeroizing<[u8; 32]>> {
    let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(&sealed.enc).ok()?;
    let key = hpke::single_shot_open::<AesGcm256, HkdfSha256, Kem>(
        &OpModeR::Base,
        &day.private()?,
        &enc,
        INFO,
        &sealed.wrapped,
        header,
    )
    .ok()?;
    let key = Zeroizing::new(key);
    Some(Zeroizing::new(key.as_slice().try_into().ok()?))
}

/// What follows from a segment key: the cipher, and the commitment that makes the key unique.
pub(super) struct Keys {
    cipher: Aes256Gcm,
    pub commit: [u8; COMMIT_BYTES],
}

impl Keys {
    pub fn derive(segment_key: &[u8; 32], header: &[u8]) -> Self {
        let kdf = Hkdf::<Sha256>::new(Some(INFO), segment_key);
        let expand = |label: &[u8]| {
            let mut out = Zeroizing::new([0; 32]);
            kdf.expand_multi_info(&[label, header], &mut *out)
                .expect("invariant: 32 bytes are within HKDF's limit");
            out
        };
        let cipher = Aes256Gcm::new((&*expand(b"payload")).into());
        Self {
            cipher,
            commit: *expand(b"commit"),
        }
    }

    /// Encrypts a chunk; `aad` is the header and the chunk's head.
    pub fn seal(&self, index: u64, last: bool, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: plain, aad };
        self.cipher
            .encrypt(&nonce(Use::Body, index, last), payload)
            .expect("invariant: chunks are far below GCM's limit")
    }

    pub fn open(&self, index: u64, last: bool, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher
            .decrypt(&nonce(Use::Body, index, last), Payload { msg: sealed, aad })
            .ok()
    }

    /// A tag over a chunk's head alone, so that its length is known to be true.
    pub fn head_tag(&self, index: u64, last: bool, aad: &[u8]) -> [u8; TAG_BYTES] {
        let payload = Payload { msg: b"", aad };
        let tag = self.cipher.encrypt(&nonce(Use::Head, index, last), payload);
        let tag = tag.expect("invariant: an empty text is within GCM's limit");
        tag.try_into()
            .expect("invariant: sealing nothing leaves the tag")
    }

    pub fn head_is_true(&self, index: u64, last: bool, aad: &[u8], tag: &[u8]) -> bool {
        let payload = Payload { msg: tag, aad };
        self.cipher
            .decrypt(&nonce(Use::Head, index, last), payload)
            .is_ok()
    }
}

#[derive(Clone, Copy)]
enum Use {
    Body = 0,
    Head = 1,
}

/// 0³ ‖ index ‖ last, with the first byte telling the two uses of the key apart.
fn nonce(purpose: Use, index: u64, last: bool) -> Nonce<aes_gcm::aead::consts::U12> {
    let mut nonce = [0; 12];
    nonce[0] = purpose as u8;
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce.into()
}

/// The chain over everything written, beginning with the preamble.
pub(super) fn chain_start(preamble: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update(b"xunke-chain-v1")
        .chain_update(preamble)
        .finalize()
        .into()
}

pub(super) fn chain_next(chain: &[u8; 32], record: &[u8]) -> [u8; 32] {
    let record = Sha256::digest(record);
    Sha256::new()
        .chain_update(chain)
        .chain_update(record)
        .finalize()
        .into()
}
