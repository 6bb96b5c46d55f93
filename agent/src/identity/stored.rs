//! `identity.json`: what enrolment keeps, in one file.

use super::Error;
use super::credential::Credential;
use super::file::write_durable;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{SigningKey, VerifyingKey};
use rustls::client::Resumption;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use xunke_protocol::id::{ClassroomId, DeviceId};
use xunke_protocol::sealed::epoch::SignedBundle;
use zeroize::Zeroizing;

const FILE_BYTES_MAX: u64 = 256 * 1024;

/// The file's fields; keys as PEM, or as base64 of their 32 bytes.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    pub device_id: DeviceId,
    pub classroom_id: ClassroomId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mqtt_host: Option<String>,
    pub mqtt_port: u16,
    pub certificate_pem: String,
    pub ca_pem: String,
    pub key_pem: Zeroizing<String>,
    pub signing_key: Zeroizing<String>,
    pub hub_signing_key: String,
    pub epoch_bundle: SignedBundle,
}

impl Stored {
    pub fn read(file: &Path) -> Result<Self, Error> {
        let io = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => Error::NotEnrolled { file: file.into() },
            _ => Error::File {
                file: file.into(),
                source,
            },
        };
        let bytes = std::fs::metadata(file).map_err(io)?.len();
        let damaged = |why: String| Error::Damaged {
            file: file.into(),
            why,
        };
        if bytes > FILE_BYTES_MAX {
            return Err(damaged("larger than 256 KiB".into()));
        }
        let text = Zeroizing::new(std::fs::read(file).map_err(io)?);
        // The parser's own message may quote what it read, and this file holds keys.
        serde_json::from_slice(&text)
            .map_err(|error| damaged(format!("not readable at line {}", error.line())))
    }

    pub fn write(&self, file: &Path) -> Result<(), Error> {
        let text = serde_json::to_vec_pretty(self).expect("invariant: plain fields become JSON");
        let text = Zeroizing::new(text);
        write_durable(file, &text).map_err(|source| Error::File {
            file: file.into(),
            source,
        })
    }

    pub fn device_signing_key(&self) -> Result<SigningKey, String> {
        let bytes = Zeroizing::new(decode(&self.signing_key)?);
        Ok(SigningKey::from_bytes(&bytes))
    }

    pub fn hub_signing_key(&self) -> Result<VerifyingKey, String> {
        let bytes = decode(&self.hub_signing_key)?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| "the hub's signing key is no key".into())
    }

    /// Certificate and key, which must belong together.
    pub fn key(&self) -> Result<CertifiedKey, String> {
        let chain = certificates(&self.certificate_pem)?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())
            .map_err(|_| "no private key".to_owned())?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain, key, &provider).map_err(|error| error.to_string())
    }

    /// See [`super::Identity::tls_client_config`].
    pub fn tls(&self, shown: Arc<Credential>) -> Result<ClientConfig, String> {
        let config = self.trusting()?;
        let mut config = config.with_client_cert_resolver(shown.clone());
        config.resumption = Resumption::store(shown);
        Ok(config)
    }

    /// The same without showing who this is: a certificate that has expired opens no door.
    pub fn tls_of_nobody(&self) -> Result<ClientConfig, String> {
        Ok(self.trusting()?.with_no_client_auth())
    }

    fn trusting(&self) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
        let text = |error: rustls::Error| error.to_string();
        let mut roots = RootCertStore::empty();
        for ca in certificates(&self.ca_pem)? {
            roots.add(ca).map_err(text)?;
        }
        let chain = certificates(&self.certificate_pem)?;
        let floor = chain.first().map_or(0, not_before);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let clock = Arc::new(NotBefore(UnixTime::since_unix_epoch(Duration::from_secs(
            floor,
        ))));
        Ok(ClientConfig::builder_with_details(provider, clock)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(text)?
            .with_root_certificates(roots))
    }
}

pub(super) fn encode(bytes: &[u8; 32]) -> String {
    BASE64.encode(bytes)
}

fn decode(text: &str) -> Result<[u8; 32], String> {
    let bytes = BASE64
        .decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| "a signing key is not 32 bytes".into())
}

pub(super) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err("no certificate in PEM".into()),
    }
}

/// Seconds since 1970 from which a certificate counts.
fn not_before(certificate: &CertificateDer<'_>) -> u64 {
    let parsed = x509_parser::parse_x509_certificate(certificate);
    let start = parsed.map_or(0, |(_, parsed)| parsed.validity().not_before.timestamp());
    u64::try_from(start).unwrap_or(0)
}

/// A clock that never shows less than the start of our own certificate: a box without battery
/// wakes up in 1970, where no certificate is valid yet.
#[derive(Debug)]
struct NotBefore(UnixTime);

impl TimeProvider for NotBefore {
    fn current_time(&self) -> Option<UnixTime> {
        DefaultTimeProvider
            .current_time()
            .map(|now| now.max(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_wakes_up_in_1970_still_trusts_its_hub() {
        let late = UnixTime::since_unix_epoch(Duration::from_secs(1 << 40));
        assert_eq!(NotBefore(late).current_time(), Some(late));
        let early = UnixTime::since_unix_epoch(Duration::ZERO);
        assert!(NotBefore(early).current_time() > Some(early));
    }
}
