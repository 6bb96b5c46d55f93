//! What the hub shows at its doors: a certificate that may change while connections live. New
//! handshakes get the new one; whoever is connected notices nothing.

use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Ca, Error, ServerIdentity};

/// The certificate of every new connection. All doors share one.
#[derive(Debug)]
pub struct Shown {
    key: RwLock<Arc<CertifiedKey>>,
}

impl Shown {
    /// Shows the hub's certificate for `names`.
    ///
    /// # Errors
    /// A file cannot be read or written, or certificate and key do not belong together.
    pub fn open(ca: &Ca, names: &[String], now_ms: i64) -> Result<Self, Error> {
        let key = certified(&ca.server(names, now_ms)?)?;
        Ok(Self {
            key: RwLock::new(Arc::new(key)),
        })
    }

    /// Reads the files again, and makes a new certificate when half of its life is over; says
    /// whether another one is shown from now on.
    ///
    /// # Errors
    /// The same as when it was opened; then the one before stays.
    pub fn look_again(&self, ca: &Ca, names: &[String], now_ms: i64) -> Result<bool, Error> {
        let key = certified(&ca.server(names, now_ms)?)?;
        let mut shown = self.key.write().unwrap_or_else(PoisonError::into_inner);
        if shown.cert == key.cert {
            return Ok(false);
        }
        *shown = Arc::new(key);
        Ok(true)
    }

    /// Until when it is good, milliseconds since the epoch; 0 when it does not say.
    #[must_use]
    pub fn until_ms(&self) -> i64 {
        let key = self.key();
        let leaf = key.cert.first().map(|leaf| X509Certificate::from_der(leaf));
        let Some(Ok((_, leaf))) = leaf else {
            return 0;
        };
        leaf.validity().not_after.timestamp() * 1000
    }

    fn key(&self) -> Arc<CertifiedKey> {
        let shown = self.key.read().unwrap_or_else(PoisonError::into_inner);
        shown.clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key())
    }
}

fn certified(identity: &ServerIdentity) -> Result<CertifiedKey, Error> {
    let (chain, key) = (identity.chain.clone(), identity.key.clone_key());
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(Error::Tls)
}
