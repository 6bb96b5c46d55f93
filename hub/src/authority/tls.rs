//! TLS for the three doors: version 1.3 only, one provider.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientCertVerifierBuilder, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

use super::{Ca, Error, ServerIdentity};

/// The people's door: no client certificate.
///
/// # Errors
/// The hub's certificate and key do not fit.
pub fn people(identity: &ServerIdentity) -> Result<Arc<ServerConfig>, Error> {
    let mut config = builder()?
        .with_no_client_auth()
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())
        .map_err(Error::Tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The boxes' door: a certificate of the hub's CA, or none (then only enrolment is open).
///
/// # Errors
/// The hub's certificate and key do not fit.
pub fn boxes(identity: &ServerIdentity, ca: &Ca) -> Result<Arc<ServerConfig>, Error> {
    let mut config = mutual(identity, verifier(ca)?.allow_unauthenticated())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The MQTT door: a certificate of the hub's CA, always.
///
/// # Errors
/// The hub's certificate and key do not fit.
pub fn mqtt(identity: &ServerIdentity, ca: &Ca) -> Result<Arc<ServerConfig>, Error> {
    Ok(Arc::new(mutual(identity, verifier(ca)?)?))
}

fn mutual(
    identity: &ServerIdentity,
    verifier: ClientCertVerifierBuilder,
) -> Result<ServerConfig, Error> {
    builder()?
        .with_client_cert_verifier(verifier.build().map_err(Error::Verifier)?)
        .with_single_cert(identity.chain.clone(), identity.key.clone_key())
        .map_err(Error::Tls)
}

fn builder() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, Error> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(Error::Tls)
}

fn verifier(ca: &Ca) -> Result<ClientCertVerifierBuilder, Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.certificate.clone()).map_err(Error::Tls)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        provider,
    ))
}
