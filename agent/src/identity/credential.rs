//! What this box shows its hub: the certificate in force, which may change while connections live.

use rustls::client::{
    ClientSessionMemoryCache, ClientSessionStore, ResolvesClientCert, Tls12ClientSessionValue,
    Tls13ClientSessionValue,
};
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use rustls::{NamedGroup, SignatureScheme};
use std::sync::{Arc, PoisonError, RwLock};

/// One per door of the hub and some to spare.
const SESSIONS_MAX: usize = 8;

/// The certificate and key of new connections, and what makes their handshakes shorter. A session
/// that is taken up again carries the certificate of its first handshake, so both change together.
#[derive(Debug)]
pub(super) struct Credential {
    shown: RwLock<Shown>,
}

#[derive(Debug, Clone)]
struct Shown {
    key: Arc<CertifiedKey>,
    sessions: Arc<ClientSessionMemoryCache>,
}

impl Shown {
    fn new(key: CertifiedKey) -> Self {
        Self {
            key: Arc::new(key),
            sessions: Arc::new(ClientSessionMemoryCache::new(SESSIONS_MAX)),
        }
    }
}

impl Credential {
    pub fn new(key: CertifiedKey) -> Self {
        Self {
            shown: RwLock::new(Shown::new(key)),
        }
    }

    /// Every connection from now on shows this one.
    pub fn show(&self, key: CertifiedKey) {
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        *shown = Shown::new(key);
    }

    /// When what is shown now ends, milliseconds since 1970-01-01 UTC; 0 when it does not say.
    pub fn end_ms(&self) -> i64 {
        let key = self.shown().key;
        let parsed = key
            .end_entity_cert()
            .map(|own| x509_parser::parse_x509_certificate(own));
        let Ok(Ok((_, certificate))) = parsed else {
            return 0;
        };
        certificate.validity().not_after.timestamp() * 1000
    }

    fn shown(&self) -> Shown {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }
}

impl ResolvesClientCert for Credential {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let key = self.shown().key;
        key.key.choose_scheme(schemes).is_some().then_some(key)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl ClientSessionStore for Credential {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.shown().sessions.set_kx_hint(server, group);
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.shown().sessions.kx_hint(server)
    }

    fn set_tls12_session(&self, server: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.shown().sessions.set_tls12_session(server, value);
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.shown().sessions.tls12_session(server)
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        self.shown().sessions.remove_tls12_session(server);
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.shown().sessions.insert_tls13_ticket(server, value);
    }

    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.shown().sessions.take_tls13_ticket(server)
    }
}
