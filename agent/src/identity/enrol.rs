//! Enrolment: the single-use code in, this box's identity out.

use super::epochs::{check, read_limited, words};
use super::pin::PinnedCa;
use super::stored::{Stored, certificates, encode};
use super::{Error, http_client, innermost, path};
use crate::config::Config;
use ed25519_dalek::{SigningKey, VerifyingKey};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::pki_types::CertificateDer;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;
use xunke_protocol::enrolment::{Code, EnrolRequest, EnrolResponse};
use xunke_protocol::id::{ClassroomId, DeviceId};
use zeroize::Zeroizing;

const ANSWER_BYTES_MAX: usize = 256 * 1024;
const ANSWER: Duration = Duration::from_secs(30);

/// Who the box has become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The hub's name for this box.
    pub device_id: DeviceId,
    /// The room it stands in.
    pub classroom_id: ClassroomId,
}

/// The two key pairs of a box, made here and kept here.
pub(super) struct Keys {
    pub tls: KeyPair,
    pub signing: SigningKey,
}

/// Proves the code to the hub and keeps the identity it gives, all of it or nothing.
///
/// # Errors
/// Already enrolled and not `replace`, the hub is away, is a stranger, refuses, or answers with
/// something that does not fit the code or our keys; or the disk refuses.
pub async fn enrol(config: &Config, code: &Code, replace: bool) -> Result<Enrolment, Error> {
    may_begin(config, replace)?;
    let keys = generate()?;
    let pin = PinnedCa::new(code.ca_sha256);
    let response = post(config, &pin, "/box/1/enrol", &request(code, &keys)?).await?;
    kept(verified(response, &code.ca_sha256, &keys)?, config)
}

/// Whether there is no identity yet, or it may go; and somewhere to keep one.
pub(super) fn may_begin(config: &Config, replace: bool) -> Result<(), Error> {
    match Stored::read(&path(&config.state_dir)) {
        Ok(old) if !replace => {
            return Err(Error::AlreadyEnrolled {
                device: old.device_id,
            });
        }
        Ok(_) | Err(Error::NotEnrolled { .. }) => {}
        Err(error) if !replace => return Err(error),
        Err(_) => {}
    }
    let private = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.state_dir);
    private.map_err(|source| Error::File {
        file: config.state_dir.clone(),
        source,
    })
}

/// From now on this is who the box is.
pub(super) fn kept(stored: Stored, config: &Config) -> Result<Enrolment, Error> {
    stored.write(&path(&config.state_dir))?;
    Ok(Enrolment {
        device_id: stored.device_id,
        classroom_id: stored.classroom_id,
    })
}

pub(super) fn generate() -> Result<Keys, Error> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|error| Error::Crypto(error.to_string()))?;
    Ok(Keys {
        tls: new_tls_key()?,
        signing: SigningKey::from_bytes(&seed),
    })
}

/// A key for this box's certificate: P-256, made here.
pub(super) fn new_tls_key() -> Result<KeyPair, Error> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(crypto)
}

/// PKCS#10 in PEM for a certificate of that key.
pub(super) fn request_for(key: &KeyPair) -> Result<String, Error> {
    let request = CertificateParams::default().serialize_request(key);
    request.and_then(|request| request.pem()).map_err(crypto)
}

fn request(code: &Code, keys: &Keys) -> Result<EnrolRequest, Error> {
    Ok(EnrolRequest {
        code_secret: code.secret().to_string(),
        csr_pem: request_for(&keys.tls)?,
        signing_key: keys.signing.verifying_key().to_bytes(),
    })
}

/// Asks the hub whose CA is pinned, without a certificate of our own.
pub(super) async fn post<T: DeserializeOwned>(
    config: &Config,
    pin: &Arc<PinnedCa>,
    path: &str,
    request: &impl Serialize,
) -> Result<T, Error> {
    let tls = pin
        .tls()
        .map_err(|error| Error::Crypto(error.to_string()))?;
    let url = config.hub.base().to_owned();
    let failed = |error: reqwest::Error| match pin.met_stranger() {
        true => Error::Stranger { url: url.clone() },
        false => Error::Unreachable {
            url: url.clone(),
            why: innermost(&error),
        },
    };
    let connect = Duration::from_secs(config.hub.connect_seconds);
    let client = http_client(tls, connect).map_err(&failed)?;
    let post = client
        .post(format!("{url}{path}"))
        .timeout(ANSWER)
        .json(request);
    let answer = post.send().await.map_err(&failed)?;
    let status = answer.status();
    let body = read_limited(answer, ANSWER_BYTES_MAX)
        .await
        .map_err(&failed)?;
    if !status.is_success() {
        return Err(Error::Refused {
            status: status.as_u16(),
            why: words(&body),
        });
    }
    serde_json::from_slice(&body).map_err(|error| Error::Answer(error.to_string()))
}

/// Holds the answer against the CA it must be of and our own keys before anything of it is kept.
pub(super) fn verified(
    response: EnrolResponse,
    ca_sha256: &[u8; 32],
    keys: &Keys,
) -> Result<Stored, Error> {
    let answer = |why: &str| Error::Answer(why.to_owned());
    let cas = certificates(&response.ca_pem).map_err(Error::Answer)?;
    let [ca] = cas.as_slice() else {
        return Err(answer("it must carry exactly one CA certificate"));
    };
    if Sha256::digest(ca)[..] != *ca_sha256 {
        return Err(answer("its CA is not the one in the code"));
    }
    let chain = certificates(&response.certificate_pem).map_err(Error::Answer)?;
    check_certificate(&chain[0], ca, &keys.tls, &response.device_id)?;
    let hub = VerifyingKey::from_bytes(&response.hub_signing_key);
    let hub = hub.map_err(|_| answer("its signing key is no Ed25519 key"))?;
    check(&response.epoch_bundle, &hub, 0)?;
    let stored = Stored {
        device_id: response.device_id,
        classroom_id: response.classroom_id,
        mqtt_host: response.mqtt_host,
        mqtt_port: response.mqtt_port,
        certificate_pem: response.certificate_pem,
        ca_pem: response.ca_pem,
        key_pem: Zeroizing::new(keys.tls.serialize_pem()),
        signing_key: Zeroizing::new(encode(keys.signing.as_bytes())),
        hub_signing_key: encode(&response.hub_signing_key),
        epoch_bundle: response.epoch_bundle,
    };
    stored.key().map_err(Error::Answer)?;
    Ok(stored)
}

/// Our key, our name, this CA's signature.
pub(super) fn check_certificate(
    der: &CertificateDer<'_>,
    ca: &CertificateDer<'_>,
    key: &KeyPair,
    device: &DeviceId,
) -> Result<(), Error> {
    let answer = |why: &str| Error::Answer(why.to_owned());
    let certificate = parsed(der)?;
    if certificate.public_key().raw != key.subject_public_key_info() {
        return Err(answer("the certificate is for another key than ours"));
    }
    let names: Vec<_> = certificate.subject().iter_common_name().collect();
    let named = match names.as_slice() {
        [name] => name.as_str().is_ok_and(|name| name == device.as_str()),
        _ => false,
    };
    if !named {
        return Err(answer("the certificate's name is not the device id"));
    }
    let ca = parsed(ca)?;
    let signed = certificate.verify_signature(Some(ca.public_key()));
    signed.map_err(|_| answer("the certificate is not signed by the CA in the code"))
}

fn parsed<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Error> {
    let parsed = parse_x509_certificate(der);
    let (_, parsed) = parsed.map_err(|_| Error::Answer("a certificate is not X.509".into()))?;
    Ok(parsed)
}

fn crypto(error: rcgen::Error) -> Error {
    Error::Crypto(error.to_string())
}
