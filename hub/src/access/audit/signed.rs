//! The hub's word for where the trail ends: Ed25519, with a domain for each kind of word (K6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::store::trail::Head;

/// What is said about a head. A signature for one is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The trail was exported up to here.
    Export {
        /// When, milliseconds since the epoch.
        signed_ms: i64,
    },
    /// A day ended here.
    Day {
        /// Days since the epoch, Asia/Shanghai.
        day: i64,
        /// When it was signed, milliseconds since the epoch.
        signed_ms: i64,
    },
}

impl Word {
    /// What is signed: the domain, the numbers and the hash with its length.
    fn message(self, head: &Head) -> Vec<u8> {
        let (domain, day, signed_ms): (&[u8], _, _) = match self {
            Self::Export { signed_ms } => (b"xunke trail export 1", 0, signed_ms),
            Self::Day { day, signed_ms } => (b"xunke trail day 1", day, signed_ms),
        };
        let mut message = domain.to_vec();
        for number in [day, signed_ms, head.seq] {
            message.extend(number.to_be_bytes());
        }
        message.extend((head.hash.len() as u64).to_be_bytes());
        message.extend(head.hash.as_bytes());
        message
    }
}

/// Signs; base64.
#[must_use]
pub fn sign(key: &SigningKey, word: Word, head: &Head) -> String {
    STANDARD.encode(key.sign(&word.message(head)).to_bytes())
}

/// Whether `signature` (base64) is the word of the holder of `key`.
#[must_use]
pub fn holds(key: &VerifyingKey, word: Word, head: &Head, signature: &str) -> bool {
    let bytes = STANDARD.decode(signature).ok();
    let bytes = bytes.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
    bytes.is_some_and(|bytes| {
        let signature = Signature::from_bytes(&bytes);
        key.verify_strict(&word.message(head), &signature).is_ok()
    })
}

/// The public half of a key as people copy it: base64 of its 32 bytes.
#[must_use]
pub fn public_text(key: &VerifyingKey) -> String {
    STANDARD.encode(key.as_bytes())
}

/// Reads what [`public_text`] wrote; `None` if it is no public key.
#[must_use]
pub fn parse_public(text: &str) -> Option<VerifyingKey> {
    let bytes = STANDARD.decode(text.trim()).ok()?;
    VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// K6: a signature is for one word about one head by one key.
    #[test]
    fn a_signature_is_good_for_nothing_else() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let (public, other) = (key.verifying_key(), SigningKey::from_bytes(&[8; 32]));
        let head = |seq, hash: &str| Head {
            seq,
            hash: hash.into(),
        };
        let day = |day, signed_ms| Word::Day { day, signed_ms };
        let signature = sign(&key, day(0, 5), &head(9, "ab"));
        let good = |word, head: &Head| holds(&public, word, head, &signature);
        assert!(good(day(0, 5), &head(9, "ab")));
        assert!(!good(day(1, 5), &head(9, "ab")) && !good(day(0, 6), &head(9, "ab")));
        assert!(!good(day(0, 5), &head(8, "ab")) && !good(day(0, 5), &head(9, "ac")));
        assert!(!good(Word::Export { signed_ms: 5 }, &head(9, "ab")));
        let stranger = other.verifying_key();
        assert!(!holds(&stranger, day(0, 5), &head(9, "ab"), &signature));
        assert!(!holds(&public, day(0, 5), &head(9, "ab"), "short"));
        assert_eq!(parse_public(&public_text(&public)), Some(public));
        assert_eq!(parse_public("no key"), None);
    }
}
