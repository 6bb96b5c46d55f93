//! Identity: who this box is to the hub, and which hub it trusts.
//!
//! file → credential → stored → epochs → pin → enrol → ask → renew
//!
//! Invariants: private keys are made here and never leave; one file holds the identity, so it is
//! whole or absent; the enrolment secret is sent only to a hub whose CA the code names, and one
//! that this box shows itself is never sent.

mod file;
mod credential;
mod stored;
mod epochs;
mod pin;
mod enrol;
mod ask;
mod renew;

pub use ask::ask;
pub use enrol::{Enrolment, enrol};
pub use epochs::{Epochs, keep_fresh};
pub use file::write_durable;
pub use renew::Renewal;

use credential::Credential;
use ed25519_dalek::{SigningKey, VerifyingKey};
use rustls::ClientConfig;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use stored::Stored;
use xunke_protocol::id::{ClassroomId, DeviceId};

/// Speaks HTTPS with the hub alone, as this box.
pub type HttpClient = reqwest::Client;

/// What the hub needs to know this box by, and the box the hub.
pub struct Identity {
    /// Certificate common name = MQTT client id = topic.
    pub device_id: DeviceId,
    /// The room this box stands in.
    pub classroom_id: ClassroomId,
    /// Where a broker stands in place of the hub's own MQTT endpoint.
    pub mqtt_host: Option<String>,
    /// Port of the MQTT endpoint, on the hub's host where there is no `mqtt_host`.
    pub mqtt_port: u16,
    /// Signs this box's recordings.
    pub device_signing_key: SigningKey,
    /// Checks receipts and epoch bundles.
    pub hub_signing_key: VerifyingKey,
    /// The day keys to seal with.
    pub epochs: Epochs,
    tls: Arc<ClientConfig>,
    credential: Arc<Credential>,
}

/// Why there is no identity, or why it was not given.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Never enrolled.
    #[error(
        "this box is not enrolled ({} is not there): run \
         `xunke-agent enrol --config FILE --code-file CODE`", file.display()
    )]
    NotEnrolled {
        /// Where the identity would be.
        file: PathBuf,
    },
    /// Enrolled already.
    #[error("this box is already enrolled as {device}: add --replace to give it a new identity")]
    AlreadyEnrolled {
        /// As whom.
        device: DeviceId,
    },
    /// The disk refused.
    #[error("{}: {source}", file.display())]
    File {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is there but is not what this program wrote.
    #[error(
        "{}: {why}; enrol again with --replace and a new code", file.display()
    )]
    Damaged {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answers at `hub.url`, or the connection broke.
    #[error("the hub at {url} cannot be reached: {why}")]
    Unreachable {
        /// `hub.url`.
        url: String,
        /// The innermost cause.
        why: String,
    },
    /// Somebody answers at `hub.url` who is not the hub that made the code.
    #[error(
        "{url} is not the hub that made this enrolment code (its CA is another one); \
         the code was not sent: check hub.url, then ask for a new code"
    )]
    Stranger {
        /// `hub.url`.
        url: String,
    },
    /// The hub said no.
    #[error("the hub refused: {status} {why}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The hub's words.
        why: String,
    },
    /// The hub's answer does not hold together; nothing of it was kept.
    #[error("the hub's answer cannot be trusted and was not kept: {0}")]
    Answer(String),
    /// Nobody typed the code that this box showed.
    #[error("nobody typed the code at the enrolment desk within an hour; ask again")]
    NotTyped,
    /// The cryptographic library refused.
    #[error("cryptography failed: {0}")]
    Crypto(String),
}

/// Where the identity of a state directory is.
pub fn path(state_dir: &Path) -> PathBuf {
    state_dir.join("identity.json")
}

impl Identity {
    /// Reads what enrolment wrote.
    ///
    /// # Errors
    /// Not enrolled, unreadable, or damaged.
    pub fn load(state_dir: &Path) -> Result<Self, Error> {
        let file = path(state_dir);
        let stored = Stored::read(&file)?;
        let damaged = |why: String| Error::Damaged {
            file: file.clone(),
            why,
        };
        let hub_signing_key = stored.hub_signing_key().map_err(damaged)?;
        let credential = Arc::new(Credential::new(stored.key().map_err(damaged)?));
        Ok(Self {
            tls: Arc::new(stored.tls(credential.clone()).map_err(damaged)?),
            credential,
            device_signing_key: stored.device_signing_key().map_err(damaged)?,
            epochs: Epochs::load(state_dir, hub_signing_key, stored.epoch_bundle.clone()),
            hub_signing_key,
            device_id: stored.device_id,
            classroom_id: stored.classroom_id,
            mqtt_host: stored.mqtt_host,
            mqtt_port: stored.mqtt_port,
        })
    }

    /// Says when the certificate ends that is shown now, milliseconds since the epoch.
    pub fn certificate_end(&self) -> impl Fn() -> i64 + Send + Sync + 'static {
        let credential = self.credential.clone();
        move || credential.end_ms()
    }

    /// TLS 1.3 only; trusts the hub's CA alone and shows this box's certificate, the newest at
    /// every new connection. Shared, so that its session tickets make the next handshake shorter.
    pub fn tls_client_config(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    /// An HTTPS client that speaks as this box. It follows no redirect and uses no proxy.
    ///
    /// # Errors
    /// The library refuses the configuration.
    pub fn http_client(&self, connect: Duration) -> Result<HttpClient, reqwest::Error> {
        http_client((*self.tls).clone(), connect)
    }
}

fn http_client(tls: ClientConfig, connect: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .connect_timeout(connect)
        .build()
}

/// The innermost cause: the one that names the trouble.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
