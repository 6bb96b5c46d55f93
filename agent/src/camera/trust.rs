//! Whom to believe over TLS: the camera whose certificate is pinned, or that a CA file vouches for.
//! Worker process only.
//!
//! Cameras sign their own certificates, with names and dates that mean nothing; a pin needs
//! neither, and nobody else has the key to it.

use super::pair::Trust;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// How a camera is told from a stranger.
#[derive(Debug)]
pub struct Verifier {
    pin: Option<[u8; 32]>,
    /// Of the CA file.
    authority: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    /// SHA-256 of a certificate that was not believed, for the log.
    stranger: Mutex<Option<String>>,
}

impl Verifier {
    /// Reads what the order says.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(trust: &Trust) -> Result<Arc<Self>, String> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let (pin, authority) = match trust {
            Trust::Sha256(pin) => (Some(*pin), None),
            Trust::Authority(pem, _) => (None, Some(authority(pem, provider.clone())?)),
        };
        Ok(Arc::new(Self {
            pin,
            authority,
            provider,
            stranger: Mutex::default(),
        }))
    }

    /// SHA-256 of the certificate that was not believed.
    pub fn stranger(&self) -> Option<String> {
        let stranger = self.stranger.lock();
        stranger.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// TLS 1.2 and 1.3 with this verifier: many cameras know no newer than 1.2.
    ///
    /// # Errors
    /// The library does not know its own versions, which does not happen.
    pub fn tls(self: &Arc<Self>) -> Result<ClientConfig, String> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone());
        let builder = builder.with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| error.to_string())?;
        let builder = builder.dangerous();
        let builder = builder.with_custom_certificate_verifier(self.clone());
        Ok(builder.with_no_client_auth())
    }

    fn refuse(&self, certificate: &CertificateDer<'_>, error: Error) -> Error {
        let mut stranger = self.stranger.lock().unwrap_or_else(PoisonError::into_inner);
        *stranger = Some(hex(&Sha256::digest(certificate)));
        error
    }
}

fn authority(
    pem: &str,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    builder.build().map_err(|error| error.to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(authority) = &self.authority {
            let verified = authority.verify_server_cert(end_entity, intermediates, name, ocsp, now);
            return verified.map_err(|error| self.refuse(end_entity, error));
        }
        if self
            .pin
            .is_some_and(|pin| Sha256::digest(end_entity)[..] == pin)
        {
            return Ok(ServerCertVerified::assertion());
        }
        let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        Err(self.refuse(end_entity, unknown))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(trust: &Trust, certificate: &CertificateDer<'_>) -> Result<(), Option<String>> {
        let verifier = Verifier::new(trust).unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let verified = verifier.verify_server_cert(certificate, &[], &name, &[], UnixTime::now());
        verified.map(drop).map_err(|_| verifier.stranger())
    }

    /// A pin trusts one certificate, and says which one came instead.
    #[test]
    fn a_pin_and_a_ca_file_trust_their_camera_alone() {
        let make = |name: &str| rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let (right, wrong) = (make("127.0.0.1"), make("127.0.0.1"));
        let sha256 = |der: &CertificateDer<'_>| <[u8; 32]>::from(Sha256::digest(der));
        let pin = Trust::Sha256(sha256(right.cert.der()));
        assert_eq!(verify(&pin, right.cert.der()), Ok(()));
        let stranger = hex(&sha256(wrong.cert.der()));
        assert_eq!(verify(&pin, wrong.cert.der()), Err(Some(stranger.clone())));
        let file = Trust::Authority(right.cert.pem(), String::new());
        assert_eq!(verify(&file, right.cert.der()), Ok(()));
        assert_eq!(verify(&file, wrong.cert.der()), Err(Some(stranger)));
        let elsewhere = make("192.0.2.7");
        let file = Trust::Authority(elsewhere.cert.pem(), String::new());
        assert!(verify(&file, elsewhere.cert.der()).is_err(), "another name");
        for bad in [
            "",
            "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
        ] {
            assert!(
                Verifier::new(&Trust::Authority(bad.into(), String::new())).is_err(),
                "{bad:?}"
            );
        }
    }
}
