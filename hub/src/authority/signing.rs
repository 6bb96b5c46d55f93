//! The hub's signing key: receipts and key bundles are its word, and boxes know its public half.

use std::path::Path;

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::{Error, secret_file};

const FILE: &str = "signing-key";

/// Reads the key in `folder`, making it at first start.
pub(super) fn open(folder: &Path) -> Result<SigningKey, Error> {
    let path = folder.join(FILE);
    if let Some(bytes) = secret_file::read(&path)? {
        let seed: Result<&[u8; 32], _> = bytes.as_slice().try_into();
        let unusable = |_| Error::Unusable {
            path,
            what: "signing key of 32 bytes",
        };
        return seed.map(SigningKey::from_bytes).map_err(unusable);
    }
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).expect("invariant: the kernel gives random bytes");
    secret_file::write(&path, &*seed)?;
    Ok(SigningKey::from_bytes(&seed))
}
