//! A box becoming known: single-use code, certificate request, and what the hub gives in return.
//!
//! The code carries the fingerprint of the hub's CA, so there is no trust on first use: a box that
//! meets another hub refuses it before it shows its secret.

use crate::encoding;
use crate::id::{ClassroomId, DeviceId};
use crate::sealed::epoch::SignedBundle;
use data_encoding::BASE32_NOPAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use zeroize::Zeroizing;

/// Bytes of secret in a code (160 bits).
pub const SECRET_BYTES: usize = 20;
/// Longest certificate request the hub reads, in bytes.
pub const CSR_BYTES_MAX: usize = 4096;
/// Of a certificate request in the shape of RFC 7030: the URI among its alternative names that is
/// the Ed25519 recording key, 64 hexadecimal digits after this.
pub const SIGNING_KEY_URN: &str = "urn:xunke:signing-key:";
const PREFIX: &str = "XK1";

/// What the IT centre hands to the technician: secret and CA fingerprint.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    secret: Zeroizing<[u8; SECRET_BYTES]>,
    /// SHA-256 of the hub CA certificate's DER bytes.
    pub ca_sha256: [u8; 32],
}

/// The text is not an enrolment code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is not an enrolment code: it must look like XK1-<32 characters>-<52 characters>")]
pub struct BadCode;

impl Code {
    /// Puts a code together; `secret` must be fresh random bytes.
    pub fn new(secret: [u8; SECRET_BYTES], ca_sha256: [u8; 32]) -> Self {
        Self {
            secret: Zeroizing::new(secret),
            ca_sha256,
        }
    }

    /// The secret as sent to the hub, base32. The hub stores only its hash.
    pub fn secret(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&*self.secret))
    }

    /// The full text, to be shown once. It is a secret.
    pub fn reveal(&self) -> Zeroizing<String> {
        let ca = BASE32_NOPAD.encode(&self.ca_sha256);
        Zeroizing::new(format!("{PREFIX}-{}-{ca}", *self.secret()))
    }
}

impl FromStr for Code {
    type Err = BadCode;

    fn from_str(text: &str) -> Result<Self, BadCode> {
        let text = Zeroizing::new(text.trim().to_ascii_uppercase());
        let mut parts = text.split('-');
        let (prefix, secret, ca) = (parts.next(), parts.next(), parts.next());
        if prefix != Some(PREFIX) || parts.next().is_some() {
            return Err(BadCode);
        }
        Ok(Self {
            secret: Zeroizing::new(decode(secret)?),
            ca_sha256: decode(ca)?,
        })
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(secret)")
    }
}

fn decode<const N: usize>(part: Option<&str>) -> Result<[u8; N], BadCode> {
    let bytes = BASE32_NOPAD
        .decode(part.ok_or(BadCode)?.as_bytes())
        .map_err(|_| BadCode)?;
    bytes.try_into().map_err(|_| BadCode)
}

/// `POST /box/1/enrol`: the box proves the code and hands in its two public keys.
#[derive(Clone, Serialize, Deserialize)]
pub struct EnrolRequest {
    /// [`Code::secret`].
    pub code_secret: String,
    /// PKCS#10 in PEM; the key behind it never leaves the box. Its subject is ignored: the hub
    /// chooses the device id.
    pub csr_pem: String,
    /// Ed25519 public key that will sign this box's recordings.
    #[serde(with = "encoding")]
    pub signing_key: [u8; 32],
}

/// What an enrolled box keeps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EnrolResponse {
    /// Certificate common name = MQTT client id = topic.
    pub device_id: DeviceId,
    /// The room this box stands in.
    pub classroom_id: ClassroomId,
    /// The client certificate and its chain.
    pub certificate_pem: String,
    /// The hub's CA, whose SHA-256 must be the one in the code.
    pub ca_pem: String,
    /// Where a broker of the school stands in place of the hub's own MQTT endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mqtt_host: Option<String>,
    /// Port of the MQTT endpoint, on the hub's host where there is no `mqtt_host`.
    pub mqtt_port: u16,
    /// Ed25519 public key that signs receipts and epoch bundles.
    #[serde(with = "encoding")]
    pub hub_signing_key: [u8; 32],
    /// Day keys to seal with.
    pub epoch_bundle: SignedBundle,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_reads_back_even_when_typed_in_lower_case() {
        let code = Code::new([7; 20], [9; 32]);
        assert_eq!(code.reveal().parse::<Code>(), Ok(code.clone()));
        assert_eq!(
            code.reveal().to_lowercase().parse::<Code>(),
            Ok(code.clone())
        );
        assert_eq!(code.reveal().len(), 3 + 1 + 32 + 1 + 52);
    }

    #[test]
    fn a_mistyped_code_is_refused_before_anything_is_sent() {
        let text = Code::new([7; 20], [9; 32]).reveal();
        let short = &text[..text.len() - 1];
        let longer = format!("{}-A", *text);
        for bad in ["", "XK1", "XK1--", short, longer.as_str()] {
            assert_eq!(bad.parse::<Code>(), Err(BadCode), "{bad}");
        }
        assert_eq!(text.replace("XK1", "XK2").parse::<Code>(), Err(BadCode));
    }

    #[test]
    fn debug_output_never_shows_the_secret() {
        assert_eq!(format!("{:?}", Code::new([7; 20], [9; 32])), "Code(secret)");
    }
}
