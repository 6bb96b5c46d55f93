//! The escrow file `XKE1`: the keys of recordings, for two holders together (docs/PROTOCOL.md).
//!
//! A random file key is split in two shares; each is sealed to one holder. One holder alone has
//! random bytes.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::access::secret;
use crate::authority::secret_file;

const MAGIC: &[u8; 4] = b"XKE1";
const INFO: &[u8] = b"xunke-escrow-v1";
const PUBLIC_PREFIX: &str = "xunke-holder-1:";
const PRIVATE_PREFIX: &str = "xunke-holder-private-1:";
const NONCE_BYTES: usize = 12;
const SHARE_BYTES: usize = 48;
/// Day keys of years and the records of many more lessons.
pub const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Why an escrow file or a holder's key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A holder's file.
    #[error(transparent)]
    File(#[from] secret_file::Error),
    /// There is a file already, which is never overwritten.
    #[error("{0} is there already; name a new file")]
    Exists(String),
    /// Not a holder's private key.
    #[error("{0} holds no holder's private key; make one with: xunke-hub keys holder --to FILE")]
    NoHolder(String),
    /// Not a holder's public key.
    #[error("this is no holder's public key, which looks like {PUBLIC_PREFIX}…")]
    NoRecipient,
    /// One person cannot be both.
    #[error("the two holders must be two: each has a key of their own")]
    SameHolder,
    /// Not an escrow file, or cut or changed.
    #[error("this is no export of keys, or it was changed")]
    Malformed,
    /// Sealed to other holders.
    #[error("these are not the two holders of this export: it is for {0} and {1}")]
    OtherHolders(String, String),
}

/// A holder's private half.
pub struct Holder(Zeroizing<[u8; 32]>);

/// A holder's public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

/// What is exported. Never leaves this room unsealed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Secrets {
    /// Day, public half as stored, private half.
    pub days: Vec<(u32, String, Zeroizing<Vec<u8>>)>,
    /// Record keys by their ids.
    pub records: Vec<(Uuid, Zeroizing<[u8; 32]>)>,
}

impl Holder {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        let (private, _) = X25519HkdfSha256::gen_keypair_with_rng(&mut UnwrapErr(SysRng));
        Self(Zeroizing::new(private.to_bytes().into()))
    }

    /// Writes it to a new file, mode 0600.
    ///
    /// # Errors
    /// The file is there, or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        if path.exists() {
            return Err(Error::Exists(path.display().to_string()));
        }
        let text = Zeroizing::new(format!("{PRIVATE_PREFIX}{}\n", STANDARD.encode(*self.0)));
        Ok(secret_file::write(path, text.as_bytes())?)
    }

    /// Reads what [`Holder::write`] wrote.
    ///
    /// # Errors
    /// The file is missing, open to others, or holds no key.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let none = || Error::NoHolder(path.display().to_string());
        let bytes = secret_file::read(path)?.ok_or_else(none)?;
        let text = str::from_utf8(&bytes).map_err(|_| none())?;
        let key = text.trim_end().strip_prefix(PRIVATE_PREFIX);
        let key = key.and_then(|text| STANDARD.decode(text).ok().map(Zeroizing::new));
        let key = key.and_then(|bytes| bytes.as_slice().try_into().ok());
        Ok(Self(Zeroizing::new(key.ok_or_else(none)?)))
    }

    /// The public half, for whoever exports.
    #[must_use]
    pub fn recipient(&self) -> Recipient {
        let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&*self.0);
        let private = private.expect("invariant: any 32 bytes are an X25519 key");
        Recipient(X25519HkdfSha256::sk_to_pk(&private).to_bytes().into())
    }
}

impl Recipient {
    /// Names the holder in the trail and in certificates.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        secret::hex(&Sha256::digest(self.0)[..8])
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC_PREFIX}{}", STANDARD.encode(self.0))
    }
}

impl FromStr for Recipient {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let key = text.strip_prefix(PUBLIC_PREFIX);
        let key = key.and_then(|text| STANDARD.decode(text).ok());
        let key = key.and_then(|bytes| bytes.try_into().ok());
        key.map(Self).ok_or(Error::NoRecipient)
    }
}

/// Seals for both.
///
/// # Errors
/// They are one, or a public key is none.
pub(super) fn seal(
    recipients: &[Recipient; 2],
    secrets: &Secrets,
    made_ms: i64,
) -> Result<Vec<u8>, Error> {
    if recipients[0] == recipients[1] {
        return Err(Error::SameHolder);
    }
    let key = Zeroizing::new(secret::random::<32>());
    let one = Zeroizing::new(secret::random::<32>());
    let other = Zeroizing::new(std::array::from_fn(|n| key[n] ^ one[n]));
    let mut file = head(recipients, made_ms);
    let aad = file.clone();
    for (recipient, share) in recipients.iter().zip([&one, &other]) {
        file.extend(sealed_share(recipient, share, &aad)?);
    }
    let nonce = secret::random::<NONCE_BYTES>();
    let (plain, aad) = (secrets.encode(), file.clone());
    let payload = Payload {
        msg: &plain,
        aad: &aad,
    };
    let sealed = Aes256Gcm::new((&*key).into()).encrypt(&Nonce::from(nonce), payload);
    file.extend_from_slice(&nonce);
    file.extend(sealed.expect("invariant: an export is far below GCM's limit"));
    Ok(file)
}

/// Opens with both, in whatever order. Gives when it was made, too.
///
/// # Errors
/// Other holders, or a file that was changed.
pub(super) fn open(file: &[u8], holders: &[Holder; 2]) -> Result<(i64, Secrets), Error> {
    let mut rest = file.strip_prefix(MAGIC).ok_or(Error::Malformed)?;
    let made_ms = i64::from_be_bytes(take(&mut rest)?);
    let of = [Recipient(take(&mut rest)?), Recipient(take(&mut rest)?)];
    let aad = head(&of, made_ms);
    let mut key = Zeroizing::new([0; 32]);
    for recipient in &of {
        let enc: [u8; 32] = take(&mut rest)?;
        let sealed: [u8; SHARE_BYTES] = take(&mut rest)?;
        let holder = holders.iter().find(|one| one.recipient() == *recipient);
        let others = || Error::OtherHolders(of[0].fingerprint(), of[1].fingerprint());
        let share = opened_share(holder.ok_or_else(others)?, &enc, &sealed, &aad)?;
        key.iter_mut()
            .zip(share.iter())
            .for_each(|(byte, more)| *byte ^= more);
    }
    let aad = &file[..file.len() - rest.len()];
    let nonce: [u8; NONCE_BYTES] = take(&mut rest)?;
    let payload = Payload { msg: rest, aad };
    let plain = Aes256Gcm::new((&*key).into()).decrypt(&Nonce::from(nonce), payload);
    let plain = Zeroizing::new(plain.map_err(|_| Error::Malformed)?);
    Ok((made_ms, Secrets::decode(&plain).ok_or(Error::Malformed)?))
}

fn head(recipients: &[Recipient; 2], made_ms: i64) -> Vec<u8> {
    let [one, other] = recipients;
    [&MAGIC[..], &made_ms.to_be_bytes(), &one.0, &other.0].concat()
}

fn sealed_share(recipient: &Recipient, share: &[u8; 32], aad: &[u8]) -> Result<Vec<u8>, Error> {
    let public = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&recipient.0);
    let public = public.map_err(|_| Error::NoRecipient)?;
    let (enc, sealed) = hpke::single_shot_seal_with_rng::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &public,
        INFO,
        share,
        aad,
        &mut UnwrapErr(SysRng),
    )
    .map_err(|_| Error::NoRecipient)?;
    Ok([enc.to_bytes().as_slice(), &sealed].concat())
}

fn opened_share(
    holder: &Holder,
    enc: &[u8],
    sealed: &[u8],
    aad: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let malformed = |_| Error::Malformed;
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&*holder.0);
    let private = private.map_err(malformed)?;
    let enc = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(enc).map_err(malformed)?;
    let share = hpke::single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &enc,
        INFO,
        sealed,
        aad,
    );
    Ok(Zeroizing::new(share.map_err(malformed)?))
}

impl Secrets {
    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::new());
        put(&mut out, &count(self.days.len()));
        for (epoch, public, secret) in &self.days {
            put(&mut out, &epoch.to_be_bytes());
            for part in [public.as_bytes(), secret] {
                put(&mut out, &count(part.len()));
                put(&mut out, part);
            }
        }
        put(&mut out, &count(self.records.len()));
        for (id, secret) in &self.records {
            put(&mut out, id.as_bytes());
            put(&mut out, &**secret);
        }
        out
    }

    fn decode(mut rest: &[u8]) -> Option<Self> {
        let mut secrets = Self::default();
        for _ in 0..number(&mut rest)? {
            let epoch = u32::from_be_bytes(take(&mut rest).ok()?);
            let public = part(&mut rest)?.to_vec();
            let secret = Zeroizing::new(part(&mut rest)?.to_vec());
            let public = String::from_utf8(public).ok()?;
            secrets.days.push((epoch, public, secret));
        }
        for _ in 0..number(&mut rest)? {
            let id = Uuid::from_bytes(take(&mut rest).ok()?);
            let secret = Zeroizing::new(take(&mut rest).ok()?);
            secrets.records.push((id, secret));
        }
        rest.is_empty().then_some(secrets)
    }
}

fn count(length: usize) -> [u8; 4] {
    let length = u32::try_from(length).expect("invariant: an export is small");
    length.to_be_bytes()
}

fn put(out: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Error> {
    let (head, tail) = rest.split_first_chunk().ok_or(Error::Malformed)?;
    *rest = tail;
    Ok(*head)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let number = u32::from_be_bytes(take(rest).ok()?);
    usize::try_from(number).ok()
}

fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = number(rest)?;
    let (head, tail) = rest.split_at_checked(length)?;
    *rest = tail;
    Some(head)
}

/// Keys are never printed.
impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Holder")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets {
            days: vec![(7, "ab".into(), Zeroizing::new(vec![5; 33]))],
            records: vec![(Uuid::from_u128(3), Zeroizing::new([9; 32]))],
        }
    }

    /// K1: two holders together, in any order, and nobody else; every changed byte is refused.
    #[test]
    fn two_holders_open_it_and_one_does_not() {
        let three = [Holder::generate(), Holder::generate(), Holder::generate()];
        let [one, other, stranger] = three;
        let recipients = [one.recipient(), other.recipient()];
        let file = seal(&recipients, &secrets(), 42).unwrap();
        assert_eq!(open(&file, &[other, one]).unwrap(), (42, secrets()));
        assert!(!file.windows(8).any(|part| part == [5; 8] || part == [9; 8]));
        let pair = |keys: [&[u8; 32]; 2]| keys.map(|key| Holder(Zeroizing::new(*key)));
        let (one, other) = (Holder::generate(), Holder::generate());
        let recipients = [one.recipient(), other.recipient()];
        let file = seal(&recipients, &secrets(), 42).unwrap();
        let alone = open(&file, &pair([&one.0, &stranger.0])).unwrap_err();
        assert!(alone.to_string().contains(&recipients[0].fingerprint()));
        let twice = open(&file, &pair([&one.0, &one.0]));
        assert!(matches!(twice, Err(Error::OtherHolders(..))));
        for at in (0..file.len()).step_by(7) {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&changed, &pair([&one.0, &other.0])).is_err(), "{at}");
            assert!(
                open(&file[..at], &pair([&one.0, &other.0])).is_err(),
                "{at}"
            );
        }
        let same = [one.recipient(), one.recipient()];
        assert!(matches!(seal(&same, &secrets(), 1), Err(Error::SameHolder)));
    }

    /// K1: a holder's file is the holder's alone, and never overwritten.
    #[test]
    fn a_holders_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = std::env::temp_dir().join(format!("xunke-holder-{}", Uuid::now_v7()));
        let path = folder.join("one");
        let holder = Holder::generate();
        holder.write(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(holder.write(&path), Err(Error::Exists(_))));
        let again = Holder::read(&path).unwrap();
        assert_eq!(again.recipient(), holder.recipient());
        let public = holder.recipient().to_string();
        assert_eq!(public.parse::<Recipient>().unwrap(), holder.recipient());
        assert!("xunke-holder-1:abc".parse::<Recipient>().is_err());
        assert!(Holder::read(&folder.join("none")).is_err());
        std::fs::write(&path, "something else").unwrap();
        assert!(matches!(Holder::read(&path), Err(Error::NoHolder(_))));
        std::fs::remove_dir_all(folder).unwrap();
    }
}
