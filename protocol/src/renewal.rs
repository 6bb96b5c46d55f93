//! A box asks for the certificate that follows the one it holds.
//!
//! It shows no certificate meanwhile: after a long holiday the one it holds may have expired. What
//! proves the box is the key it signs its recordings with, which the hub knows from enrolment.

use crate::encoding;
use crate::id::DeviceId;
use data_encoding::HEXLOWER;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// `POST /box/1/renewal`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenewalRequest {
    /// Which box.
    pub device_id: DeviceId,
    /// Serial number of the certificate it holds, hexadecimal. Once the next one is in force, the
    /// same request is worth nothing.
    pub serial: String,
    /// PKCS#10 in PEM, by a new key that never leaves the box. Its subject is ignored.
    pub csr_pem: String,
    /// Ed25519 by the box's recording key over everything above.
    #[serde(with = "encoding")]
    pub signature: [u8; 64],
}

/// The hub's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenewalResponse {
    /// The next certificate. It is in force from its first use on.
    pub certificate_pem: String,
}

impl RenewalRequest {
    /// Asks with the box's recording key; `serial` as it stands in the certificate.
    #[must_use]
    pub fn sign(device_id: DeviceId, serial: &[u8], csr_pem: String, key: &SigningKey) -> Self {
        let serial = HEXLOWER.encode(serial);
        let signature = key.sign(&message(&device_id, &serial, &csr_pem)).to_bytes();
        Self {
            device_id,
            serial,
            csr_pem,
            signature,
        }
    }

    /// Has the holder of this recording key asked exactly this?
    #[must_use]
    pub fn is_by(&self, key: &VerifyingKey) -> bool {
        let message = message(&self.device_id, &self.serial, &self.csr_pem);
        let signature = Signature::from_bytes(&self.signature);
        key.verify_strict(&message, &signature).is_ok()
    }
}

/// Texts of any length have one of their own: each goes in as its SHA-256.
fn message(device: &DeviceId, serial: &str, csr_pem: &str) -> Vec<u8> {
    let mut message = b"xunke-renewal-v1".to_vec();
    for text in [device.as_str(), serial, csr_pem] {
        message.extend_from_slice(&Sha256::digest(text.as_bytes()));
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X19, X20: nothing of a request can be changed, and nobody else can make it.
    #[test]
    fn a_request_is_its_makers_and_whole() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let asked = || {
            let device = "box-1".parse().unwrap();
            RenewalRequest::sign(device, &[0x4f], "CSR".into(), &key)
        };
        assert!(asked().is_by(&key.verifying_key()));
        let stranger = SigningKey::from_bytes(&[4; 32]).verifying_key();
        assert!(!asked().is_by(&stranger));
        let changes: [fn(&mut RenewalRequest); 4] = [
            |asked| asked.device_id = "box-2".parse().unwrap(),
            |asked| asked.serial.push('0'),
            |asked| asked.csr_pem.push(' '),
            |asked| asked.signature[0] ^= 1,
        ];
        for change in changes {
            let mut asked = asked();
            change(&mut asked);
            assert!(!asked.is_by(&key.verifying_key()), "{asked:?}");
        }
    }
}
