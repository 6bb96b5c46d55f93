//! Authority: the hub's own certificate authority vouches for the hub and for every box.
//!
//! secret_file → signing → server → shown → revoked → est → tls
//!
//! Made at first start. Its certificate's SHA-256 is part of every enrolment code, so a box knows
//! its hub before it shows a secret.

pub mod secret_file;
mod signing;
mod server;
mod shown;
mod revoked;
pub mod est;
pub mod tls;

use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SanType, SerialNumber,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use xunke_protocol::enrolment::CSR_BYTES_MAX;
use xunke_protocol::id::DeviceId;

pub use revoked::Papers;
pub use server::ServerIdentity;
pub use shown::Shown;

const DAY_MS: i64 = 86_400_000;
/// A summer holiday is 7 to 9 weeks dark; a year and a month survives two of them.
const LEAF_DAYS: i64 = 400;
const CA_DAYS: i64 = 20 * 366;
const CERTIFICATE_FILE: &str = "ca.pem";
const KEY_FILE: &str = "ca-key.pem";

/// What went wrong with certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key or certificate file.
    #[error(transparent)]
    File(#[from] secret_file::Error),
    /// A file is there but is not what it should be.
    #[error("{path} is not a usable {what}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Such as `certificate`.
        what: &'static str,
    },
    /// Making a certificate failed.
    #[error("cannot make the {what}")]
    Make {
        /// Such as `hub's certificate`.
        what: &'static str,
        /// The cause.
        source: rcgen::Error,
    },
    /// Setting up TLS failed.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// The verifier of box certificates cannot be made.
    #[error("cannot set up the check of box certificates")]
    Verifier(#[source] rustls::server::VerifierBuilderError),
    /// The request of a box is refused.
    #[error("the certificate request is refused: {0}")]
    Request(&'static str),
}

/// The certificate authority.
pub struct Ca {
    certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    signing: SigningKey,
    folder: PathBuf,
}

/// A certificate made for a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub pem: String,
    /// Its serial number, hexadecimal.
    pub serial: String,
    /// End of its validity, milliseconds since the epoch.
    pub not_after_ms: i64,
}

impl Ca {
    /// Opens the authority in `folder`, or makes it at first start.
    ///
    /// # Errors
    /// A file cannot be read or written, or is not a key or certificate.
    pub fn open(folder: &Path, now_ms: i64) -> Result<Self, Error> {
        let (key_path, path) = (folder.join(KEY_FILE), folder.join(CERTIFICATE_FILE));
        let (key, pem) = match (secret_file::read(&key_path)?, secret_file::read(&path)?) {
            (Some(key), Some(pem)) => (key_of(&key, &key_path)?, text_of(&pem, &path)?),
            // The certificate is written last: a key alone is the rest of a broken first start.
            _ => make(&key_path, &path, now_ms)?,
        };
        let unusable = || Error::Unusable {
            path: path.clone(),
            what: "certificate",
        };
        let issuer = Issuer::from_ca_cert_pem(&pem, key).map_err(|_| unusable())?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| unusable())?;
        Ok(Self {
            certificate,
            pem,
            issuer,
            signing: signing::open(folder)?,
            folder: folder.into(),
        })
    }

    /// SHA-256 of the certificate, as carried by enrolment codes.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.certificate).into()
    }

    /// The certificate, to be given to boxes and imported into browsers.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs receipts and key bundles.
    pub fn signing_key(&self) -> &SigningKey {
        &self.signing
    }

    /// Makes the client certificate of a box: its id is ours to choose, the request's own subject
    /// and wishes are ignored.
    ///
    /// # Errors
    /// The request is too long, unreadable, not signed by its key, or not for a P-256 key.
    pub fn issue(&self, csr_pem: &str, device: &DeviceId, now_ms: i64) -> Result<Issued, Error> {
        if csr_pem.len() > CSR_BYTES_MAX {
            return Err(Error::Request("it is too long"));
        }
        let unreadable = |_| Error::Request("it is no PKCS#10 signed by its own key");
        let mut request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(unreadable)?;
        if *request.public_key.algorithm() != PKCS_ECDSA_P256_SHA256 {
            return Err(Error::Request("its key is not P-256"));
        }
        let serial = serial();
        request.params = device_params(device, &serial, now_ms)?;
        let made = request.signed_by(&self.issuer).map_err(|source| {
            let what = "box's certificate";
            Error::Make { what, source }
        })?;
        Ok(Issued {
            pem: made.pem(),
            serial: data_encoding::HEXLOWER.encode(&serial),
            not_after_ms: now_ms + LEAF_DAYS * DAY_MS,
        })
    }
}

fn make(key_path: &Path, path: &Path, now_ms: i64) -> Result<(KeyPair, String), Error> {
    let failed = |source| Error::Make {
        what: "certificate authority",
        source,
    };
    let key = new_key().map_err(failed)?;
    let mut params = params("xunke hub CA", now_ms, CA_DAYS);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let pem = params.self_signed(&key).map_err(failed)?.pem();
    secret_file::write(key_path, key.serialize_pem().as_bytes())?;
    secret_file::write(path, pem.as_bytes())?;
    Ok((key, pem))
}

fn device_params(
    device: &DeviceId,
    serial: &[u8; 16],
    now_ms: i64,
) -> Result<CertificateParams, Error> {
    let mut params = params(device.as_str(), now_ms, LEAF_DAYS);
    let urn = format!("urn:xunke:device:{device}");
    let failed = |source| Error::Make {
        what: "box's certificate",
        source,
    };
    params.subject_alt_names = vec![SanType::URI(urn.as_str().try_into().map_err(failed)?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.serial_number = Some(SerialNumber::from_slice(serial));
    Ok(params)
}

/// Valid from a day before, because the clock of a box may be behind.
fn params(common_name: &str, now_ms: i64, days: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = moment(now_ms - DAY_MS);
    params.not_after = moment(now_ms + days * DAY_MS);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

fn moment(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(ms.div_euclid(1000))
        .expect("invariant: the clock and 20 years are within the calendar")
}

fn new_key() -> Result<KeyPair, rcgen::Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)
}

/// 127 random bits, positive and never zero.
fn serial() -> [u8; 16] {
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).expect("invariant: the kernel gives random bytes");
    serial[0] = serial[0] & 0x7f | 0x40;
    serial
}

fn key_of(pem: &[u8], path: &Path) -> Result<KeyPair, Error> {
    let unusable = || Error::Unusable {
        path: path.into(),
        what: "private key",
    };
    let pem = std::str::from_utf8(pem).map_err(|_| unusable())?;
    KeyPair::from_pem(pem).map_err(|_| unusable())
}

fn text_of(pem: &[u8], path: &Path) -> Result<String, Error> {
    let unusable = |_| Error::Unusable {
        path: path.into(),
        what: "certificate",
    };
    String::from_utf8(pem.to_vec()).map_err(unusable)
}

#[cfg(test)]
mod tests;
