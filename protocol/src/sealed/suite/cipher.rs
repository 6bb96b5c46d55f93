//! The two uses of a suite's cipher: a chunk's body, and the tag of its head alone.

use super::KEY_BYTES;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{Aead, AeadCore, AeadInOut, Payload};
use hkdf::Hkdf;
use hkdf::hmac::EagerHash;
use zeroize::Zeroizing;

pub(in crate::sealed) const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;

/// What follows from a segment key: the cipher, and the commitment that makes the key unique.
pub(in crate::sealed) struct Keys {
    cipher: Box<dyn Gcm + Send + Sync>,
    pub commit: [u8; KEY_BYTES],
}

impl Keys {
    pub(super) fn new(cipher: impl Gcm + Send + Sync + 'static, commit: [u8; KEY_BYTES]) -> Self {
        Self {
            cipher: Box::new(cipher),
            commit,
        }
    }

    /// Appends a chunk to `out`, encrypted where it stands: half a megabyte a second and camera is
    /// worth no second copy. `aad` is the header and the chunk's head.
    pub fn seal(&self, index: u64, last: bool, aad: &[u8], plain: &[u8], out: &mut Vec<u8>) {
        let from = out.len();
        out.extend_from_slice(plain);
        let tag = self
            .cipher
            .seal(nonce(Use::Body, index, last), aad, &mut out[from..]);
        out.extend_from_slice(&tag);
    }

    pub fn open(&self, index: u64, last: bool, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        self.cipher.open(nonce(Use::Body, index, last), aad, sealed)
    }

    /// A tag over a chunk's head alone, so that its length is known to be true.
    pub fn head_tag(&self, index: u64, last: bool, aad: &[u8]) -> [u8; TAG_BYTES] {
        self.cipher
            .seal(nonce(Use::Head, index, last), aad, &mut [])
    }

    pub fn head_is_true(&self, index: u64, last: bool, aad: &[u8], tag: &[u8]) -> bool {
        let opened = self.cipher.open(nonce(Use::Head, index, last), aad, tag);
        opened.is_some()
    }
}

/// A block cipher in Galois/counter mode with a 12-byte nonce.
pub(super) trait Gcm {
    /// Encrypts in place; what it returns is to follow.
    fn seal(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES];
    fn open(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>>;
}

impl<C: Aead + AeadInOut + AeadCore<NonceSize = U12, TagSize = U16>> Gcm for C {
    fn seal(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], text: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self.encrypt_inout_detached(&nonce.into(), aad, text.into());
        tag.expect("invariant: chunks are far below GCM's limit")
            .into()
    }

    fn open(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg: sealed, aad };
        self.decrypt(&nonce.into(), payload).ok()
    }
}

/// `N` bytes of HKDF (RFC 5869) for one use under one header.
pub(super) fn expand<H: EagerHash, const N: usize>(
    kdf: &Hkdf<H>,
    label: &[u8],
    header: &[u8],
) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    kdf.expand_multi_info(&[label, header], &mut *out)
        .expect("invariant: 32 bytes are within HKDF's limit");
    out
}

#[derive(Clone, Copy)]
enum Use {
    Body = 0,
    Head = 1,
}

/// 0³ ‖ index ‖ last, with the first byte telling the two uses of the key apart.
fn nonce(purpose: Use, index: u64, last: bool) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[0] = purpose as u8;
    nonce[3..11].copy_from_slice(&index.to_be_bytes());
    nonce[11] = u8::from(last);
    nonce
}
