//! The first handshake with a hub: its CA must be the one whose SHA-256 stands in the code.
//!
//! The hub sends its CA certificate with its own in the handshake. The one with the pinned hash is
//! the only trust anchor the server certificate is then verified against, name and dates included.
//! TLS 1.3 finishes verification before the client sends a byte of HTTP, so the secret of the code
//! never reaches a stranger.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Trusts one CA by its hash.
#[derive(Debug)]
pub(super) struct PinnedCa {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
    stranger: AtomicBool,
}

impl PinnedCa {
    pub fn new(sha256: [u8; 32]) -> Arc<Self> {
        Arc::new(Self {
            sha256,
            provider: Arc::new(rustls::crypto::aws_lc_rs::default_provider()),
            stranger: AtomicBool::new(false),
        })
    }

    /// Has a server shown itself that does not have this CA?
    pub fn met_stranger(&self) -> bool {
        self.stranger.load(Ordering::Relaxed)
    }

    /// TLS 1.3 with this verifier and without a certificate of our own.
    pub fn tls(self: &Arc<Self>) -> Result<ClientConfig, Error> {
        let config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_no_client_auth();
        Ok(config)
    }

    fn anchor(&self, chain: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        let pinned = |ca: &&CertificateDer<'_>| Sha256::digest(ca)[..] == self.sha256;
        let Some(ca) = chain.iter().find(pinned) else {
            self.stranger.store(true, Ordering::Relaxed);
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        };
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone().into_owned())?;
        Ok(roots)
    }
}

impl ServerCertVerifier for PinnedCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let roots = Arc::new(self.anchor(intermediates)?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, self.provider.clone())
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("only TLS 1.3 is offered".into()))
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
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
