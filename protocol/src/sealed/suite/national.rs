//! Suite 0x02, 国密: the segment key by SM2 public-key encryption (GB/T 32918.4, C1‖C3‖C2), chunks
//! by SM4-GCM (RFC 8998), digests and key derivation by SM3.
//!
//! SM2 encryption has no associated data: the header is bound by the commitment, which a key under
//! another header does not give.

use super::cipher::{Keys, expand};
use super::{INFO, KEY_BYTES, Pair, Primitives};
use aes_gcm::AesGcm;
use aes_gcm::aead::KeyInit;
use aes_gcm::aead::consts::U12;
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sm2::SecretKey;
use sm2::elliptic_curve::Generate;
use sm2::pke::{DecryptingKey, EncryptingKey};
use sm3::{Digest, Sm3};
use sm4::Sm4;
use zeroize::Zeroizing;

/// A point, uncompressed: 04 ‖ x ‖ y.
pub(super) const PUBLIC_BYTES: usize = 65;
const WRAPPED_BYTES: usize = PUBLIC_BYTES + 32 + KEY_BYTES;

type Sm4Gcm = AesGcm<Sm4, U12>;

pub(super) struct National;

impl Primitives for National {
    fn generate(&self, mut rng: &mut dyn CryptoRng) -> Pair {
        let secret = SecretKey::generate_from_rng(&mut rng);
        Pair {
            public: secret.public_key().to_sec1_bytes().to_vec(),
            secret: Zeroizing::new(secret.to_bytes().into()),
        }
    }

    fn wrapped_bytes(&self) -> usize {
        WRAPPED_BYTES
    }

    fn wrap(
        &self,
        key: &[u8; KEY_BYTES],
        public: &[u8],
        _header: &[u8],
        mut rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let public = EncryptingKey::from_sec1_bytes(public).ok()?;
        public.encrypt(&mut rng, key).ok()
    }

    fn unwrap(
        &self,
        wrapped: &[u8],
        secret: &[u8; KEY_BYTES],
        _header: &[u8],
    ) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let secret = DecryptingKey::from_slice(secret).ok()?;
        let key = Zeroizing::new(secret.decrypt(wrapped).ok()?);
        Some(Zeroizing::new(key.as_slice().try_into().ok()?))
    }

    fn keys(&self, key: &[u8; KEY_BYTES], header: &[u8]) -> Keys {
        let kdf = Hkdf::<Sm3>::new(Some(INFO), key);
        let cipher = expand::<_, 16>(&kdf, b"payload", header);
        let commit = expand(&kdf, b"commit", header);
        Keys::new(Sm4Gcm::new((&*cipher).into()), *commit)
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; KEY_BYTES] {
        let all = parts.iter().fold(Sm3::new(), Digest::chain_update);
        all.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes_gcm::aead::{Aead, Payload};
    use data_encoding::HEXUPPER as HEX;

    fn hex(text: &str) -> Vec<u8> {
        HEX.decode(text.as_bytes()).unwrap()
    }

    /// RFC 8998, A.1.
    #[test]
    fn sm4_gcm_is_that_of_its_standard() {
        let key: [u8; 16] = hex("0123456789ABCDEFFEDCBA9876543210").try_into().unwrap();
        let nonce: [u8; 12] = hex("00001234567800000000ABCD").try_into().unwrap();
        let plain = ["AA", "BB", "CC", "DD", "EE", "FF", "EE", "AA"].map(|byte| byte.repeat(8));
        let aad = hex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2");
        let payload = Payload {
            msg: &hex(&plain.concat()),
            aad: &aad,
        };
        let sealed = Sm4Gcm::new(&key.into()).encrypt(&nonce.into(), payload);
        let text = "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735\
                    D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D";
        let tag = "83DE3541E4C2B58177E065A9BF7B62EC";
        assert_eq!(sealed.unwrap(), hex(&[text, tag].concat()));
    }

    /// GB/T 32918.5, annex C.
    #[test]
    fn sm2_opens_the_example_of_its_standard() {
        let secret = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
        let c1 = "0404EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73\
                  E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0";
        let c3 = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766";
        let c2 = "21886CA989CA9C7D58087307CA93092D651EFA";
        let secret = DecryptingKey::from_slice(&hex(secret)).unwrap();
        let plain = secret.decrypt(&hex(&[c1, c3, c2].concat())).unwrap();
        assert_eq!(plain, b"encryption standard");
    }

    /// GB/T 32905, annex A.
    #[test]
    fn sm3_is_that_of_its_standard() {
        let digest = "66C7F0F462EEEDD9D1F2D46BDC10E4E24167C4875CF2F7A2297DA02B8F4BA8E0";
        assert_eq!(National.digest(&[b"a", b"bc"]).as_slice(), hex(digest));
    }
}
