//! Secrets: random tokens, their hashes, and sealing what must be kept but not read (R32).

use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::authority::secret_file;

const NONCE_BYTES: usize = 12;

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The key file cannot be read or made.
    #[error(transparent)]
    KeyFile(#[from] secret_file::Error),
    /// The key file is there but holds no key.
    #[error("{} must hold 32 bytes", .0.display())]
    KeyLength(PathBuf),
    /// What is stored was not sealed with this key, or was changed.
    #[error("a stored secret does not open with this key")]
    Open,
}

/// Fills an array from the operating system.
///
/// # Panics
/// When the operating system has no randomness; then nothing may go on.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("invariant: the system gives random bytes");
    bytes
}

/// A new 256-bit token, URL-safe.
#[must_use]
pub fn token() -> Zeroizing<String> {
    Zeroizing::new(URL_SAFE_NO_PAD.encode(random::<32>()))
}

/// What is stored of a token: SHA-256, hex.
#[must_use]
pub fn hash(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares without telling by its time where the difference is.
#[must_use]
pub fn equal(left: &str, right: &str) -> bool {
    let differing = left
        .bytes()
        .zip(right.bytes())
        .fold(0, |sum, (l, r)| sum | (l ^ r));
    left.len() == right.len() && differing == 0
}

/// Seals small secrets (second factors) at rest.
#[derive(Clone)]
pub struct SealingKey(Aes256Gcm);

impl SealingKey {
    /// Reads the key in `data_dir/keys`, making it at the first start.
    ///
    /// # Errors
    /// The file at fault.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        let path = data_dir.join("keys").join("access.key");
        let key = match secret_file::read(&path)? {
            Some(key) => key,
            None => {
                let key = Zeroizing::new(random::<32>().to_vec());
                secret_file::write(&path, &key)?;
                key
            }
        };
        let cipher = Aes256Gcm::new_from_slice(&key);
        Ok(Self(cipher.map_err(|_| Error::KeyLength(path))?))
    }

    /// Seals `secret` for `owner`: it opens for nobody else.
    #[must_use]
    pub fn seal(&self, secret: &[u8], owner: &str) -> String {
        let nonce = random::<NONCE_BYTES>();
        let payload = Payload {
            msg: secret,
            aad: owner.as_bytes(),
        };
        let sealed = self.0.encrypt(&Nonce::from(nonce), payload);
        let sealed = sealed.expect("invariant: a short secret can be sealed");
        STANDARD.encode([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`SealingKey::seal`] made for `owner`.
    ///
    /// # Errors
    /// When it was changed, or sealed with another key or for another owner.
    pub fn unseal(&self, sealed: &str, owner: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
        let bytes = STANDARD.decode(sealed).map_err(|_| Error::Open)?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(Error::Open)?;
        let payload = Payload {
            msg: sealed,
            aad: owner.as_bytes(),
        };
        let opened = self.0.decrypt(&Nonce::from(*nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| Error::Open)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SealingKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R32, X17.
    #[test]
    fn a_sealed_secret_opens_for_its_owner_only() {
        let dir = std::env::temp_dir().join(uuid::Uuid::now_v7().to_string());
        let key = SealingKey::open(&dir).unwrap();
        let sealed = key.seal(b"totp", "T2001");
        assert_eq!(key.unseal(&sealed, "T2001").unwrap().as_slice(), b"totp");
        assert!(key.unseal(&sealed, "T2002").is_err());
        assert!(key.unseal("AAAA", "T2001").is_err());
        let again = SealingKey::open(&dir).unwrap();
        assert_eq!(again.unseal(&sealed, "T2001").unwrap().as_slice(), b"totp");
        std::fs::remove_dir_all(dir).unwrap();
    }

    #[test]
    fn tokens_are_long_differ_and_compare() {
        assert_eq!(token().len(), 43);
        assert_ne!(*token(), *token());
        assert!(equal("abc", "abc") && !equal("abc", "abd") && !equal("abc", "abcd"));
        let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash("abc"), of_abc);
    }
}
