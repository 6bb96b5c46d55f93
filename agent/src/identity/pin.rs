//! The first handshake with a hub: its CA must be the one whose SHA-256 stands in the code, or, of
//! a box that shows a code itself, the same at every handshake, so that the code can prove it.
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Trusts one CA by its hash.
#[derive(Debug)]
pub(super) struct PinnedCa {
    /// Empty until the first hub was met.
    sha256: OnceLock<[u8; 32]>,
    provider: Arc<CryptoProvider>,
    stranger: AtomicBool,
}

impl PinnedCa {
    pub fn new(sha256: [u8; 32]) -> Arc<Self> {
        Self::made(OnceLock::from(sha256))
    }

    /// The CA of whichever hub is met first: who it is must be proven before anything is believed.
    pub fn first_met() -> Arc<Self> {
        Self::made(OnceLock::new())
    }

    fn made(sha256: OnceLock<[u8; 32]>) -> Arc<Self> {
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

    /// The CA that is trusted; absent before a hub was met.
    pub fn sha256(&self) -> Option<[u8; 32]> {
        self.sha256.get().copied()
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

    fn anchor<'a>(&self, chain: &'a [CertificateDer<'a>]) -> Result<&'a CertificateDer<'a>, Error> {
        let pinned = match self.sha256() {
            Some(sha256) => chain.iter().find(|ca| Sha256::digest(ca)[..] == sha256),
            None => chain.last(),
        };
        pinned.ok_or_else(|| self.stranger())
    }

    fn stranger(&self) -> Error {
        self.stranger.store(true, Ordering::Relaxed);
        Error::InvalidCertificate(CertificateError::UnknownIssuer)
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
        let ca = self.anchor(intermediates)?;
        let mut roots = RootCertStore::empty();
        roots.add(ca.clone().into_owned())?;
        let (roots, provider) = (Arc::new(roots), self.provider.clone());
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider)
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        let verified = verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        let shown = Sha256::digest(ca).into();
        match *self.sha256.get_or_init(|| shown) == shown {
            true => Ok(verified),
            false => Err(self.stranger()),
        }
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
