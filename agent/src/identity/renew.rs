//! Renewal: the certificate that follows this box's own, asked for when half its life is over.
//!
//! ```text
//! new key → request, signed with the recording key → `renewal.json` → tried at the hub
//!         → `identity.json` → shown by every new connection → `renewal.json` removed
//! ```
//!
//! The hub counts the new certificate from its first use on, so a power cut between any two steps
//! leaves the box with one that is good. Recording and open connections notice nothing of it.

use super::credential::Credential;
use super::enrol::{check_certificate, new_tls_key, request_for};
use super::epochs::{read_limited, words};
use super::stored::{Stored, certificates};
use super::{Error, Identity, http_client, innermost, path, write_durable};
use crate::clock;
use crate::config;
use rcgen::KeyPair;
use reqwest::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;
use xunke_protocol::envelope::{CommandAnswer, CommandState};
use xunke_protocol::id::{DeviceId, MessageId};
use xunke_protocol::renewal::{RenewalRequest, RenewalResponse};
use zeroize::Zeroizing;

const ANSWER: Duration = Duration::from_secs(30);
const ANSWER_BYTES_MAX: usize = 64 * 1024;
const FILE_BYTES_MAX: u64 = 64 * 1024;
const DAY_MS: i64 = 86_400_000;
/// Boxes that were enrolled on one day do not all renew on another.
const SPREAD_MS: i64 = 14 * DAY_MS;
/// Never by a computed moment alone: clocks are set, and boxes sleep.
const LOOK: Duration = Duration::from_secs(3600);
/// After a hub that was away.
const AWAY: Duration = Duration::from_secs(300);
/// After a hub that said no.
const REFUSED: Duration = Duration::from_secs(4 * 3600);

/// The certificate that is to follow, until the hub has seen it.
#[derive(Serialize, Deserialize)]
struct Staged {
    certificate_pem: String,
    key_pem: Zeroizing<String>,
}

/// Renews the certificate of this box.
pub struct Renewal {
    state_dir: PathBuf,
    base: String,
    connect: Duration,
    credential: Arc<Credential>,
}

impl Renewal {
    /// For the box that `identity` is.
    pub fn new(identity: &Identity, state_dir: PathBuf, hub: &config::Hub) -> Self {
        Self {
            state_dir,
            base: hub.base().to_owned(),
            connect: Duration::from_secs(hub.connect_seconds),
            credential: identity.credential.clone(),
        }
    }

    /// Renews whenever it is due, and by order at once. Never returns.
    pub async fn run(
        &self,
        mut orders: mpsc::Receiver<MessageId>,
        answers: mpsc::Sender<(MessageId, CommandAnswer)>,
    ) {
        let mut failed = false;
        loop {
            let pause = match self.when_due(clock::now_ms()).await {
                Ok(()) => {
                    failed = false;
                    LOOK
                }
                Err(error) => {
                    let away = matches!(error, Error::Unreachable { .. });
                    if !std::mem::replace(&mut failed, true) {
                        tracing::warn!(%error, "the certificate was not renewed yet");
                    }
                    if away { AWAY } else { REFUSED }
                }
            };
            tokio::select! {
                () = sleep(pause) => {}
                Some(id) = orders.recv() => {
                    let answer = answered(self.renew().await);
                    // The link has gone only when the box is stopping.
                    drop(answers.send((id, answer)).await);
                }
            }
        }
    }

    async fn when_due(&self, now_ms: i64) -> Result<(), Error> {
        let stored = Stored::read(&path(&self.state_dir))?;
        let (from_ms, to_ms) = validity(&stored)?;
        let due = now_ms >= due_ms(from_ms, to_ms, &stored.device_id);
        if !due && self.staged()?.is_none() {
            return Ok(());
        }
        self.renew().await
    }

    /// Renews now, due or not: finishes what was begun, or begins.
    ///
    /// # Errors
    /// The hub is away, refuses, or answers with something that does not fit; or the disk refuses.
    /// The certificate in force stays.
    pub async fn renew(&self) -> Result<(), Error> {
        if let Some(staged) = self.staged()?
            && self.take_over(staged).await?
        {
            return Ok(());
        }
        let staged = self.ask().await?;
        let text = serde_json::to_vec(&staged).expect("invariant: plain fields become JSON");
        let (text, file) = (Zeroizing::new(text), self.file());
        let written = write_durable(&file, &text);
        written.map_err(|source| Error::File { file, source })?;
        match self.take_over(staged).await? {
            true => Ok(()),
            false => Err(Error::Answer("it refuses the certificate it made".into())),
        }
    }

    async fn ask(&self) -> Result<Staged, Error> {
        let stored = Stored::read(&path(&self.state_dir))?;
        let damaged = |why| self.damaged(why);
        let signing = stored.device_signing_key().map_err(damaged)?;
        let key = new_tls_key()?;
        let request = RenewalRequest::sign(
            stored.device_id.clone(),
            &serial(&stored)?,
            request_for(&key)?,
            &signing,
        );
        let tls = stored.tls_of_nobody().map_err(damaged)?;
        let client = http_client(tls, self.connect).map_err(|error| self.unreachable(&error))?;
        let post = client.post(format!("{}/box/1/renewal", self.base));
        let answer = post.timeout(ANSWER).json(&request).send().await;
        let body = self.body(answer).await?;
        let response: RenewalResponse =
            serde_json::from_slice(&body).map_err(|error| Error::Answer(error.to_string()))?;
        fits(&response, &stored, &key)?;
        Ok(Staged {
            certificate_pem: response.certificate_pem,
            key_pem: Zeroizing::new(key.serialize_pem()),
        })
    }

    /// Shows the hub the staged certificate and, when it is taken, keeps it; `false` when the hub
    /// does not know it (any more), and then it is gone.
    async fn take_over(&self, staged: Staged) -> Result<bool, Error> {
        let mut next = Stored::read(&path(&self.state_dir))?;
        next.certificate_pem = staged.certificate_pem;
        next.key_pem = staged.key_pem;
        let damaged = |why| self.damaged(why);
        let shown = Arc::new(Credential::new(next.key().map_err(damaged)?));
        let tls = next.tls(shown).map_err(damaged)?;
        let client = http_client(tls, self.connect).map_err(|error| self.unreachable(&error))?;
        let get = client.get(format!("{}/box/1/epoch-bundle", self.base));
        match self.body(get.timeout(ANSWER).send().await).await {
            Ok(_) => {}
            Err(Error::Refused { status, .. }) if status == StatusCode::UNAUTHORIZED => {
                self.forget()?;
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        next.write(&path(&self.state_dir))?;
        self.credential.show(next.key().map_err(damaged)?);
        self.forget()?;
        tracing::info!("the certificate was renewed");
        Ok(true)
    }

    async fn body(&self, answer: Result<Response, reqwest::Error>) -> Result<Vec<u8>, Error> {
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        let status = answer.status();
        let body = read_limited(answer, ANSWER_BYTES_MAX).await;
        let body = body.map_err(|error| self.unreachable(&error))?;
        match status.is_success() {
            true => Ok(body),
            false => Err(Error::Refused {
                status: status.as_u16(),
                why: words(&body),
            }),
        }
    }

    fn file(&self) -> PathBuf {
        self.state_dir.join("renewal.json")
    }

    /// What was begun. A file that is not whole was never answered for: another is asked for.
    fn staged(&self) -> Result<Option<Staged>, Error> {
        let file = self.file();
        let failed = |source| Error::File {
            file: file.clone(),
            source,
        };
        match std::fs::metadata(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
            Ok(known) if known.len() > FILE_BYTES_MAX => return Ok(None),
            Ok(_) => {}
        }
        let text = Zeroizing::new(std::fs::read(&file).map_err(failed)?);
        Ok(serde_json::from_slice(&text).ok())
    }

    fn forget(&self) -> Result<(), Error> {
        let file = self.file();
        match std::fs::remove_file(&file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::File { file, source })
            }
            _ => Ok(()),
        }
    }

    fn damaged(&self, why: String) -> Error {
        let file = path(&self.state_dir);
        Error::Damaged { file, why }
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        Error::Unreachable {
            url: self.base.clone(),
            why: innermost(error),
        }
    }
}

fn answered(renewed: Result<(), Error>) -> CommandAnswer {
    match renewed {
        Ok(()) => CommandAnswer::new(CommandState::Done, None),
        Err(error) => {
            tracing::warn!(%error, "the certificate was not renewed");
            let code = match error {
                Error::Unreachable { .. } => "unreachable",
                Error::Refused { .. } => "refused",
                Error::File { .. } => "disk",
                _ => "failed",
            };
            CommandAnswer::new(CommandState::Failed, Some(code))
        }
    }
}

/// Our new key, our name, the CA of our enrolment.
fn fits(response: &RenewalResponse, stored: &Stored, key: &KeyPair) -> Result<(), Error> {
    let chain = certificates(&response.certificate_pem).map_err(Error::Answer)?;
    let cas = certificates(&stored.ca_pem).map_err(Error::Answer)?;
    check_certificate(&chain[0], &cas[0], key, &stored.device_id)
}

fn serial(stored: &Stored) -> Result<Vec<u8>, Error> {
    parsed(stored, |certificate| certificate.raw_serial().to_vec())
}

/// From when to when the certificate counts, milliseconds since 1970-01-01 UTC.
fn validity(stored: &Stored) -> Result<(i64, i64), Error> {
    parsed(stored, |certificate| {
        let validity = certificate.validity();
        let ms = |time: x509_parser::time::ASN1Time| time.timestamp() * 1000;
        (ms(validity.not_before), ms(validity.not_after))
    })
}

fn parsed<T>(
    stored: &Stored,
    read: impl FnOnce(&x509_parser::certificate::X509Certificate<'_>) -> T,
) -> Result<T, Error> {
    let unreadable = || Error::Answer("the certificate in force is not X.509".into());
    let chain = certificates(&stored.certificate_pem).map_err(Error::Answer)?;
    let parsed = x509_parser::parse_x509_certificate(&chain[0]);
    let (_, certificate) = parsed.map_err(|_| unreadable())?;
    Ok(read(&certificate))
}

/// Half of its life, and a share of two weeks that is this box's own.
fn due_ms(from_ms: i64, to_ms: i64, device: &DeviceId) -> i64 {
    let life_ms = to_ms - from_ms;
    let hash = Sha256::digest(device.as_str().as_bytes());
    let share = i64::from(u16::from_be_bytes([hash[0], hash[1]]));
    let spread_ms = SPREAD_MS.min(life_ms / 8);
    from_ms + life_ms / 2 + spread_ms * share / i64::from(u16::MAX)
}

#[cfg(test)]
mod tests;
