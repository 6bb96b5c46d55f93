//! A box that asks to be let in: it shows a code, and somebody who stands before it types the code
//! at the enrolment desk.
//!
//! The code is a secret that box and hub share by a person's eyes alone, and it is never sent. The
//! box proves it over what it asks for and the CA it has met, the hub over its answer: whoever
//! stands between them shows a CA of his own and so is found out by both. There is no trust on
//! first use in this direction either.

use crate::encoding;
use data_encoding::{BASE32_NOPAD, HEXLOWER};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Bytes of secret in a shown code (120 bits): 24 characters, which a person can type.
pub const SHOWN_BYTES: usize = 15;
/// So long a box goes on asking, and so long its code is good, milliseconds.
pub const ASKING_MS: i64 = 60 * 60 * 1000;
/// A box asks so often, seconds.
pub const ASK_AGAIN_SECONDS: u64 = 3;
const PREFIX: &str = "XB1";
const GROUP: usize = 4;

/// What a box shows. It is a secret until it was used.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownCode(Zeroizing<[u8; SHOWN_BYTES]>);

/// The text is not what a box shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not the code of a box: it must look like XB1 and six groups of four characters")]
pub struct BadShownCode;

/// `POST /box/1/ask`: asked again and again with the same words until somebody has typed the code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskRequest {
    /// [`ShownCode::name`].
    pub name: String,
    /// PKCS#10 in PEM; the key behind it never leaves the box. Its subject is ignored.
    pub csr_pem: String,
    /// Ed25519 public key that will sign this box's recordings.
    #[serde(with = "encoding")]
    pub signing_key: [u8; 32],
    /// [`ShownCode::asks`].
    #[serde(with = "encoding")]
    pub proof: [u8; 32],
}

/// The hub's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskResponse {
    /// Absent until somebody has typed the code.
    pub admitted: Option<Admitted>,
}

/// The box is let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// [`crate::enrolment::EnrolResponse`] in JSON, as text: the proof is over these very bytes.
    pub answer: String,
    /// [`ShownCode::answers`].
    #[serde(with = "encoding")]
    pub proof: [u8; 32],
}

impl ShownCode {
    /// A code of fresh random bytes.
    #[must_use]
    pub fn new(secret: [u8; SHOWN_BYTES]) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// As it is shown: `XB1-….-….-….-….-….-….`.
    #[must_use]
    pub fn reveal(&self) -> Zeroizing<String> {
        let text = Zeroizing::new(BASE32_NOPAD.encode(&*self.0));
        let mut shown = Zeroizing::new(String::with_capacity(PREFIX.len() + text.len() + 6));
        shown.push_str(PREFIX);
        for (at, character) in text.chars().enumerate() {
            if at % GROUP == 0 {
                shown.push('-');
            }
            shown.push(character);
        }
        shown
    }

    /// What box and hub call it by; nothing of it can be read back.
    #[must_use]
    pub fn name(&self) -> String {
        HEXLOWER.encode(&self.mac(b"xunke-ask-name-v1", []))
    }

    /// The box's proof: exactly this is asked for, at the hub with this CA.
    #[must_use]
    pub fn asks(&self, ca_sha256: &[u8; 32], csr_pem: &str, signing_key: &[u8; 32]) -> [u8; 32] {
        let parts = [&ca_sha256[..], csr_pem.as_bytes(), signing_key];
        self.mac(b"xunke-ask-box-v1", parts)
    }

    /// The hub's proof: exactly this is the answer to what was asked with that proof.
    #[must_use]
    pub fn answers(&self, asked: &[u8; 32], answer: &str) -> [u8; 32] {
        self.mac(b"xunke-ask-hub-v1", [&asked[..], answer.as_bytes()])
    }

    /// Whether two proofs are the same, in a time that says nothing about where they differ.
    #[must_use]
    pub fn same(&self, left: &[u8; 32], right: &[u8; 32]) -> bool {
        let blind = |proof: &[u8; 32]| self.mac(b"xunke-ask-same-v1", [&proof[..]]);
        blind(left) == blind(right)
    }

    /// HMAC-SHA-256 (HKDF's first half); texts of any length go in as their SHA-256.
    fn mac<const N: usize>(&self, purpose: &[u8], parts: [&[u8]; N]) -> [u8; 32] {
        let mut message = purpose.to_vec();
        for part in parts {
            message.extend_from_slice(&Sha256::digest(part));
        }
        Hkdf::<Sha256>::extract(Some(&*self.0), &message).0.into()
    }
}

/// Typed by a person: in small letters, with or without prefix, hyphens and spaces, and with the
/// digits 0, 1 and 8, which no code has, for the letters that look like them.
impl FromStr for ShownCode {
    type Err = BadShownCode;

    fn from_str(text: &str) -> Result<Self, BadShownCode> {
        let typed = text.chars().filter(|c| !c.is_whitespace() && *c != '-');
        let typed = Zeroizing::new(typed.collect::<String>().to_ascii_uppercase());
        let code = typed.strip_prefix(PREFIX).unwrap_or(&typed);
        let likely = |c| match c {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            other => other,
        };
        let code = Zeroizing::new(code.chars().map(likely).collect::<String>());
        let bytes = BASE32_NOPAD.decode(code.as_bytes());
        let bytes = Zeroizing::new(bytes.map_err(|_| BadShownCode)?);
        let bytes = bytes.as_slice().try_into().map_err(|_| BadShownCode)?;
        Ok(Self::new(bytes))
    }
}

impl fmt::Debug for ShownCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownCode(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> ShownCode {
        ShownCode::new([0xa7; SHOWN_BYTES])
    }

    #[test]
    fn a_code_reads_back_however_it_is_typed() {
        let shown = code().reveal().to_string();
        assert_eq!(shown.len(), 3 + 6 * 5);
        let bare = shown.replace("XB1", "").replace('-', "");
        let typed = [
            shown.clone(),
            shown.to_lowercase(),
            format!(" {} ", shown.replace('-', " ")),
            bare.clone(),
            bare.replace('O', "0").replace('I', "1").replace('B', "8"),
        ];
        for text in typed {
            assert_eq!(text.parse::<ShownCode>(), Ok(code()), "{text}");
        }
        let long = format!("{shown}-AAAA");
        for bad in [
            "",
            "XB1",
            &shown[..shown.len() - 1],
            &long,
            "XK1-AAAA",
            "码",
        ] {
            assert_eq!(bad.parse::<ShownCode>(), Err(BadShownCode), "{bad}");
        }
        assert_eq!(format!("{:?}", code()), "ShownCode(secret)");
    }

    /// X19: nothing of what is asked or answered can be changed, and only a holder of the code can
    /// have said it.
    #[test]
    fn each_side_proves_the_code_over_what_it_says() {
        let (ca, key) = ([1; 32], [2; 32]);
        let asked = code().asks(&ca, "CSR", &key);
        let other = ShownCode::new([0xa6; SHOWN_BYTES]);
        assert_ne!(asked, code().asks(&[9; 32], "CSR", &key), "another CA");
        assert_ne!(asked, code().asks(&ca, "CSR ", &key));
        assert_ne!(asked, code().asks(&ca, "CSR", &[3; 32]));
        assert_ne!(asked, other.asks(&ca, "CSR", &key), "another code");
        let answer = code().answers(&asked, "{}");
        assert_ne!(answer, code().answers(&asked, "{ }"));
        assert_ne!(answer, code().answers(&[0; 32], "{}"), "of another asking");
        assert_ne!(answer, other.answers(&asked, "{}"));
        assert!(code().same(&answer, &code().answers(&asked, "{}")));
        assert!(!code().same(&answer, &asked));
        assert_ne!(code().name(), other.name());
    }
}
