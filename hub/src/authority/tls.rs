//! TLS for the three doors: version 1.3 only, one provider.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientCertVerifierBuilder, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

use super::{Ca, Error, Shown};

/// The people's door: no client certificate.
///
/// # Errors
/// TLS cannot be set up.
pub fn people(shown: &Arc<Shown>) -> Result<Arc<ServerConfig>, Error> {
    let mut config = builder()?
        .with_no_client_auth()
        .with_cert_resolver(shown.clone());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The boxes' door: a certificate of the hub's CA, or none (then only enrolment is open).
///
/// # Errors
/// TLS cannot be set up.
pub fn boxes(shown: &Arc<Shown>, ca: &Ca) -> Result<Arc<ServerConfig>, Error> {
    let mut config = mutual(shown, verifier(ca)?.allow_unauthenticated())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// The MQTT door: a certificate of the hub's CA, always.
///
/// # Errors
/// TLS cannot be set up.
pub fn mqtt(shown: &Arc<Shown>, ca: &Ca) -> Result<Arc<ServerConfig>, Error> {
    Ok(Arc::new(mutual(shown, verifier(ca)?)?))
}

fn mutual(shown: &Arc<Shown>, verifier: ClientCertVerifierBuilder) -> Result<ServerConfig, Error> {
    let verifier = verifier.build().map_err(Error::Verifier)?;
    Ok(builder()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(shown.clone()))
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
