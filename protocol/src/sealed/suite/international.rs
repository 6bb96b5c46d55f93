//! Suite 0x01: HPKE base mode (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM.

use super::cipher::{Keys, expand};
use super::{INFO, KEY_BYTES, Pair, Primitives};
use aes_gcm::Aes256Gcm;
use aes_gcm::aead::KeyInit;
use hkdf::Hkdf;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256 as Kem;
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

pub(super) const PUBLIC_BYTES: usize = 32;
const ENC_BYTES: usize = 32;
const WRAPPED_BYTES: usize = ENC_BYTES + KEY_BYTES + 16;

pub(super) struct International;

impl Primitives for International {
    fn generate(&self, mut rng: &mut dyn CryptoRng) -> Pair {
        let (secret, public) = <Kem as hpke::Kem>::gen_keypair_with_rng(&mut rng);
        Pair {
            public: public.to_bytes().to_vec(),
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
        header: &[u8],
        mut rng: &mut dyn CryptoRng,
    ) -> Option<Vec<u8>> {
        let public = <Kem as hpke::Kem>::PublicKey::from_bytes(public).ok()?;
        let (enc, wrapped) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, Kem>(
            &OpModeS::Base,
            &public,
            INFO,
            key,
            header,
            &mut rng,
        )
        .ok()?;
        Some([enc.to_bytes().as_slice(), &wrapped].concat())
    }

    fn unwrap(
        &self,
        wrapped: &[u8],
        secret: &[u8; KEY_BYTES],
        header: &[u8],
    ) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let (enc, sealed) = wrapped.split_at_checked(ENC_BYTES)?;
        let secret = <Kem as hpke::Kem>::PrivateKey::from_bytes(secret).ok()?;
        let enc = <Kem as hpke::Kem>::EncappedKey::from_bytes(enc).ok()?;
        let key = hpke::single_shot_open::<AesGcm256, HkdfSha256, Kem>(
            &OpModeR::Base,
            &secret,
            &enc,
            INFO,
            sealed,
            header,
        );
        let key = Zeroizing::new(key.ok()?);
        Some(Zeroizing::new(key.as_slice().try_into().ok()?))
    }

    fn keys(&self, key: &[u8; KEY_BYTES], header: &[u8]) -> Keys {
        let kdf = Hkdf::<Sha256>::new(Some(INFO), key);
        let cipher = expand::<_, 32>(&kdf, b"payload", header);
        let commit = expand(&kdf, b"commit", header);
        Keys::new(Aes256Gcm::new((&*cipher).into()), *commit)
    }

    fn digest(&self, parts: &[&[u8]]) -> [u8; KEY_BYTES] {
        let all = parts.iter().fold(Sha256::new(), Digest::chain_update);
        all.finalize().into()
    }
}
