//! Passkeys and security keys: a second factor that signs, and only for this site (X1, CES1-04).
//!
//! Web Authentication level 2, §7.1 and §7.2, without attestation: which make an authenticator is
//! of does not matter here. Pure but for the clock-free book of challenges.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::secret;

/// How long somebody may take to touch the authenticator.
const LASTS_MS: i64 = 2 * 60 * 1000;
const CHALLENGES_MAX: usize = 10_000;
/// rpIdHash, flags, counter.
const HEAD_BYTES: usize = 37;
/// The AAGUID and the length of the credential id.
const CREDENTIAL_HEAD_BYTES: usize = 18;
const CREDENTIAL_ID_BYTES_MAX: usize = 1023;
const USER_PRESENT: u8 = 0x01;
const CREDENTIAL_INCLUDED: u8 = 0x40;

/// Why an authenticator's word is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("the authenticator's answer cannot be read")]
    Unreadable,
    /// It answers another question: an old one, another site's, another ceremony's.
    #[error("the authenticator answers another question")]
    Foreign,
    /// Nobody touched it.
    #[error("nobody touched the authenticator")]
    Absent,
    /// The signature is not by this key.
    #[error("the signature does not fit")]
    Signature,
    /// Its counter went back: there is a copy.
    #[error("the authenticator's counter went back")]
    Copied,
}

/// What a challenge is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Adding a passkey.
    Create,
    /// Signing in after the password.
    SignIn,
}

/// Where passkeys are good: an origin, and the host name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    origin: String,
    id: String,
}

impl Site {
    /// The site of an origin such as `https://xunke.example.edu.cn:8443`.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        let host = origin.strip_prefix("https://").unwrap_or(origin);
        let id = host.rsplit_once(':').map_or(host, |(name, _)| name);
        Self {
            origin: origin.to_owned(),
            id: id.to_owned(),
        }
    }

    /// The name that authenticators bind a key to.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

/// Challenges that wait for an answer; each is taken once.
#[derive(Debug, Clone, Default)]
pub struct Challenges(Arc<Mutex<HashMap<String, Waiting>>>);

#[derive(Debug, Clone, Copy)]
struct Waiting {
    person: Uuid,
    purpose: Purpose,
    until_ms: i64,
}

impl Challenges {
    /// A new challenge for somebody, base64url.
    #[must_use]
    pub fn give(&self, person: Uuid, purpose: Purpose, now_ms: i64) -> String {
        let challenge = secret::token().to_string();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, one| one.until_ms > now_ms);
        if waiting.len() < CHALLENGES_MAX {
            let until_ms = now_ms + LASTS_MS;
            let one = Waiting {
                person,
                purpose,
                until_ms,
            };
            waiting.insert(challenge.clone(), one);
        }
        challenge
    }

    /// Takes the challenge that `client_data` answers; whose it was.
    ///
    /// # Errors
    /// [`Error::Foreign`] when it was never given, for something else, too long ago or taken.
    pub fn take(
        &self,
        client_data: &[u8],
        purpose: Purpose,
        now_ms: i64,
    ) -> Result<(String, Uuid), Error> {
        let challenge = read(client_data)?.challenge;
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = waiting.remove(&challenge).ok_or(Error::Foreign)?;
        if one.purpose != purpose || one.until_ms <= now_ms {
            return Err(Error::Foreign);
        }
        Ok((challenge, one.person))
    }
}

/// A passkey as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What the authenticator calls it.
    pub credential_id: Vec<u8>,
    /// -7 ES256, -8 Ed25519, -257 RS256 (COSE).
    pub algorithm: i64,
    /// SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// As the authenticator last counted; 0 when it does not count.
    pub counter: u32,
}

/// What the page got from an authenticator that made a key.
pub struct Made {
    /// The JSON that the browser made of the question.
    pub client_data: Vec<u8>,
    /// The authenticator's word.
    pub authenticator_data: Vec<u8>,
    /// SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
    /// COSE.
    pub algorithm: i64,
}

/// What the page got from an authenticator that signed.
pub struct Signed {
    /// The JSON that the browser made of the question.
    pub client_data: Vec<u8>,
    /// The authenticator's word.
    pub authenticator_data: Vec<u8>,
    /// Over both.
    pub signature: Vec<u8>,
}

#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
}

/// The key that was made, in answer to `challenge`, for this site (§7.1).
///
/// # Errors
/// Why it is not taken.
pub fn made(site: &Site, challenge: &str, made: &Made) -> Result<Key, Error> {
    asked(site, "webauthn.create", challenge, &made.client_data)?;
    let (flags, counter) = head(site, &made.authenticator_data)?;
    if flags & CREDENTIAL_INCLUDED == 0 {
        return Err(Error::Unreadable);
    }
    let included = &made.authenticator_data[HEAD_BYTES..];
    let (head, rest) = included
        .split_at_checked(CREDENTIAL_HEAD_BYTES)
        .ok_or(Error::Unreadable)?;
    let length = usize::from(u16::from_be_bytes([head[16], head[17]]));
    let credential_id = rest.get(..length).ok_or(Error::Unreadable)?;
    if !(1..=CREDENTIAL_ID_BYTES_MAX).contains(&length) {
        return Err(Error::Unreadable);
    }
    parsed(made.algorithm, &made.public_key)?;
    Ok(Key {
        credential_id: credential_id.to_vec(),
        algorithm: made.algorithm,
        public_key: made.public_key.clone(),
        counter,
    })
}

/// The new counter of `key`, which signed in answer to `challenge`, for this site (§7.2).
///
/// # Errors
/// Why it is not taken.
pub fn signed(site: &Site, challenge: &str, key: &Key, signed: &Signed) -> Result<u32, Error> {
    asked(site, "webauthn.get", challenge, &signed.client_data)?;
    let (_, counter) = head(site, &signed.authenticator_data)?;
    let hash = Sha256::digest(&signed.client_data);
    let message = [signed.authenticator_data.as_slice(), &hash].concat();
    let verified = parsed(key.algorithm, &key.public_key)?.verify_sig(&message, &signed.signature);
    verified.map_err(|_| Error::Signature)?;
    let counts = counter != 0 || key.counter != 0;
    if counts && counter <= key.counter {
        return Err(Error::Copied);
    }
    Ok(counter)
}

fn read(client_data: &[u8]) -> Result<ClientData, Error> {
    serde_json::from_slice(client_data).map_err(|_| Error::Unreadable)
}

/// The browser says what was asked, and on which page.
fn asked(site: &Site, ceremony: &str, challenge: &str, client_data: &[u8]) -> Result<(), Error> {
    let data = read(client_data)?;
    let own = data.r#type == ceremony
        && secret::equal(&data.challenge, challenge)
        && data.origin == site.origin
        && !data.cross_origin;
    if own { Ok(()) } else { Err(Error::Foreign) }
}

/// Flags and counter, of a word about this site that somebody was there to give.
fn head(site: &Site, data: &[u8]) -> Result<(u8, u32), Error> {
    let (head, _) = data
        .split_first_chunk::<HEAD_BYTES>()
        .ok_or(Error::Unreadable)?;
    if head[..32] != Sha256::digest(site.id.as_bytes())[..] {
        return Err(Error::Foreign);
    }
    if head[32] & USER_PRESENT == 0 {
        return Err(Error::Absent);
    }
    let counter = u32::from_be_bytes([head[33], head[34], head[35], head[36]]);
    Ok((head[32], counter))
}

fn parsed(algorithm: i64, public_key: &[u8]) -> Result<ParsedPublicKey, Error> {
    let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
        -7 => &ECDSA_P256_SHA256_ASN1,
        -8 => &ED25519,
        -257 => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(Error::Unreadable),
    };
    ParsedPublicKey::new(algorithm, public_key).map_err(|_| Error::Unreadable)
}

/// base64url, as pages send bytes.
///
/// # Errors
/// [`Error::Unreadable`] when it is not.
pub fn bytes(text: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Error::Unreadable)
}

/// The same the other way round.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
pub(crate) mod tests;
