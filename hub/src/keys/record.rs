//! Record keys: what a recording that outlives its day is sealed with, one for each decision that
//! keeps it.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use data_encoding::HEXLOWER;
use xunke_protocol::id::SegmentId;
use xunke_protocol::sealed::SegmentSecret;
use zeroize::Zeroizing;

use crate::access::secret;

const NONCE_BYTES: usize = 12;
/// Says what is sealed, so that it can be taken for nothing else.
const DOMAIN: &[u8] = b"xunke segment key 1";

/// The key of one recording for one decision. Never leaves this room but in an export.
pub(super) struct RecordSecret(pub Zeroizing<[u8; 32]>);

impl RecordSecret {
    pub fn generate() -> Self {
        Self(Zeroizing::new(secret::random()))
    }

    /// Seals the key of a segment, for that segment alone.
    pub fn seal(&self, key: &SegmentSecret, segment: SegmentId) -> String {
        let nonce = secret::random::<NONCE_BYTES>();
        let (plain, aad) = (key.to_bytes(), associated(segment));
        let payload = Payload {
            msg: &*plain,
            aad: &aad,
        };
        let sealed = self.cipher().encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.expect("invariant: 32 bytes can be sealed");
        HEXLOWER.encode(&[nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`RecordSecret::seal`] made for this segment; `None` for anything else.
    pub fn open(&self, sealed: &str, segment: SegmentId) -> Option<SegmentSecret> {
        let bytes = HEXLOWER.decode(sealed.as_bytes()).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let aad = associated(segment);
        let payload = Payload {
            msg: sealed,
            aad: &aad,
        };
        let plain = self.cipher().decrypt(&Nonce::from(*nonce), payload).ok();
        let plain = Zeroizing::new(plain?);
        Some(SegmentSecret::from_bytes(plain.as_slice().try_into().ok()?))
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
    }
}

fn associated(segment: SegmentId) -> Vec<u8> {
    [DOMAIN, segment.0.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// X15: a segment key opens under its record key and for its segment alone.
    #[test]
    fn a_segment_key_opens_for_its_own_segment_only() {
        let (one, other) = (RecordSecret::generate(), RecordSecret::generate());
        let id = |number| SegmentId(Uuid::from_u128(number));
        let sealed = one.seal(&SegmentSecret::from_bytes([7; 32]), id(1));
        assert!(!sealed.contains(&"07".repeat(8)));
        let opened = one.open(&sealed, id(1)).unwrap();
        assert_eq!(*opened.to_bytes(), [7; 32]);
        assert!(one.open(&sealed, id(2)).is_none());
        assert!(other.open(&sealed, id(1)).is_none());
        assert!(one.open("zz", id(1)).is_none());
    }
}
