//! The master key: seals the private halves of day keys at rest, each for its own day.

use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use data_encoding::HEXLOWER;
use xunke_protocol::sealed::epoch::DaySecret;
use zeroize::Zeroizing;

use super::Error;
use super::record::RecordSecret;
use crate::access::secret;
use crate::authority::secret_file;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
/// Says what is sealed, so that it can be taken for nothing else.
const DOMAIN: &[u8] = b"xunke day key 1";
const RECORD_DOMAIN: &[u8] = b"xunke record key 1";
/// Names the key that is derived for channels, and what it seals.
const CHANNEL_DOMAIN: &[u8] = b"xunke channel secrets 1";

/// The master key. Never leaves this room.
pub(super) struct Master {
    cipher: Aes256Gcm,
    /// With a key of its own: what it seals goes out of this room.
    channels: Aes256Gcm,
    path: PathBuf,
}

impl Master {
    /// Reads the key at `path`. Only when `make` is true is a missing one made (mode 0600): with
    /// day keys sealed under a lost master key, a new one would hide the loss.
    pub fn open(path: &Path, make: bool) -> Result<Self, Error> {
        let key = match secret_file::read(path)? {
            Some(key) => key,
            None if make => {
                let key = Zeroizing::new(secret::random::<KEY_BYTES>());
                secret_file::write(path, &*key)?;
                tracing::info!(path = %path.display(), "made the master key; keep a safe copy");
                Zeroizing::new(key.to_vec())
            }
            None => return Err(Error::MasterMissing(path.into())),
        };
        let cipher = Aes256Gcm::new_from_slice(&key);
        let cipher = cipher.map_err(|_| Error::MasterMalformed(path.into()))?;
        Ok(Self {
            cipher,
            channels: derived(&key, CHANNEL_DOMAIN),
            path: path.into(),
        })
    }

    /// Seals a day's private half.
    pub fn seal(&self, secret: &DaySecret, epoch: u32) -> String {
        self.close(&secret.to_bytes(), &associated(epoch))
    }

    /// Opens what [`Master::seal`] made for this day.
    pub fn unseal(&self, sealed: &str, epoch: u32) -> Result<DaySecret, Error> {
        let wrong = || Error::OtherMaster {
            path: self.path.clone(),
            epoch,
        };
        let plain = self.open_sealed(sealed, &associated(epoch));
        DaySecret::from_bytes(&plain.ok_or_else(wrong)?).ok_or_else(wrong)
    }

    /// Seals the key of a recording, for its id alone.
    pub fn seal_record(&self, secret: &RecordSecret, id: &str) -> String {
        self.close(&*secret.0, &associated_record(id))
    }

    /// Opens what [`Master::seal_record`] made for this id; `None` for anything else.
    pub fn unseal_record(&self, sealed: &str, id: &str) -> Option<RecordSecret> {
        let plain = self.open_sealed(sealed, &associated_record(id))?;
        let secret = plain.as_slice().try_into().ok()?;
        Some(RecordSecret(Zeroizing::new(secret)))
    }

    /// Seals the secrets of a channel, for its id alone.
    pub fn seal_channel(&self, plain: &[u8], id: &str) -> String {
        close(&self.channels, plain, &associated_channel(id))
    }

    /// Opens what [`Master::seal_channel`] made for this id; `None` for anything else.
    pub fn unseal_channel(&self, sealed: &str, id: &str) -> Option<Zeroizing<Vec<u8>>> {
        open_sealed(&self.channels, sealed, &associated_channel(id))
    }

    fn close(&self, plain: &[u8], aad: &[u8]) -> String {
        close(&self.cipher, plain, aad)
    }

    fn open_sealed(&self, sealed: &str, aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        open_sealed(&self.cipher, sealed, aad)
    }
}

fn close(cipher: &Aes256Gcm, plain: &[u8], aad: &[u8]) -> String {
    let nonce = secret::random::<NONCE_BYTES>();
    let payload = Payload { msg: plain, aad };
    let sealed = cipher.encrypt(&Nonce::from(nonce), payload);
    let sealed = sealed.expect("invariant: a short secret can be sealed");
    HEXLOWER.encode(&[nonce.as_slice(), &sealed].concat())
}

fn open_sealed(cipher: &Aes256Gcm, sealed: &str, aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = HEXLOWER.decode(sealed.as_bytes()).ok()?;
    let (nonce, sealed) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    let payload = Payload { msg: sealed, aad };
    let plain = cipher.decrypt(&Nonce::from(*nonce), payload);
    plain.ok().map(Zeroizing::new)
}

/// A key for one purpose, from the master key and the name of the purpose.
fn derived(key: &[u8], purpose: &[u8]) -> Aes256Gcm {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    let purpose = [purpose];
    Salt::new(HKDF_SHA256, &[])
        .extract(key)
        .expand(&purpose, HKDF_SHA256)
        .and_then(|derived| derived.fill(&mut *bytes))
        .expect("invariant: 32 bytes can be derived");
    Aes256Gcm::new((&*bytes).into())
}

fn associated_channel(id: &str) -> Vec<u8> {
    [CHANNEL_DOMAIN, id.as_bytes()].concat()
}

fn associated_record(id: &str) -> Vec<u8> {
    [RECORD_DOMAIN, id.as_bytes()].concat()
}

fn associated(epoch: u32) -> Vec<u8> {
    [DOMAIN, &epoch.to_be_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use getrandom::SysRng;
    use getrandom::rand_core::UnwrapErr;
    use xunke_protocol::sealed::Suite;

    use super::*;

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("xunke-master-{}", uuid::Uuid::now_v7()))
    }

    /// X15, X17.
    #[test]
    fn a_sealed_half_opens_for_its_own_day_and_key_only() {
        let folder = folder();
        let master = Master::open(&folder.join("master.key"), true).unwrap();
        let (secret, _) = DaySecret::generate(Suite::default(), 20_000, &mut UnwrapErr(SysRng));
        let sealed = master.seal(&secret, 20_000);
        assert!(!sealed.contains(&HEXLOWER.encode(&secret.to_bytes()[1..])));
        let again = Master::open(&folder.join("master.key"), false).unwrap();
        let opened = again.unseal(&sealed, 20_000).unwrap();
        assert_eq!(opened.to_bytes(), secret.to_bytes());
        assert!(again.unseal(&sealed, 20_001).is_err());
        let other = Master::open(&folder.join("other.key"), true).unwrap();
        assert!(other.unseal(&sealed, 20_000).is_err());
        let last = if sealed.ends_with('0') { '1' } else { '0' };
        let changed = format!("{}{last}", &sealed[..sealed.len() - 1]);
        assert!(again.unseal(&changed, 20_000).is_err());
        assert!(again.unseal("zz", 20_000).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// X15: the key of a recording is no key of a day, nor of another recording.
    #[test]
    fn a_record_key_opens_for_its_own_recording_only() {
        let folder = folder();
        let master = Master::open(&folder.join("master.key"), true).unwrap();
        let secret = RecordSecret::generate();
        let sealed = master.seal_record(&secret, "one");
        let opened = master.unseal_record(&sealed, "one").unwrap();
        assert_eq!(opened.0, secret.0);
        assert!(master.unseal_record(&sealed, "two").is_none());
        assert!(master.unseal(&sealed, 20_000).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// X67: what channels keep opens for its own channel, under its own key, and nowhere else.
    #[test]
    fn the_secrets_of_a_channel_open_for_it_alone() {
        let folder = folder();
        let master = Master::open(&folder.join("master.key"), true).unwrap();
        let sealed = master.seal_channel(b"https://robot?key=1", "one");
        assert!(!sealed.contains(&HEXLOWER.encode(b"robot")));
        let opened = master.unseal_channel(&sealed, "one").unwrap();
        assert_eq!(opened.as_slice(), b"https://robot?key=1");
        assert!(master.unseal_channel(&sealed, "two").is_none());
        assert!(master.unseal_record(&sealed, "one").is_none());
        let same_words = master.close(b"https://robot?key=1", &associated_channel("one"));
        assert!(
            master.unseal_channel(&same_words, "one").is_none(),
            "another key"
        );
        let other = Master::open(&folder.join("other.key"), true).unwrap();
        assert!(other.unseal_channel(&sealed, "one").is_none());
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_missing_or_malformed_key_is_named() {
        let folder = folder();
        let path = folder.join("master.key");
        let missing = Master::open(&path, false).err().unwrap().to_string();
        assert!(missing.contains("master.key"), "{missing}");
        secret_file::write(&path, b"short").unwrap();
        let malformed = Master::open(&path, false).err().unwrap().to_string();
        assert!(malformed.contains("32 bytes"), "{malformed}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
