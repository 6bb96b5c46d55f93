//! One segment's way to the hub, and what becomes of it in the spool.

use super::super::spool::{Reader, Spool};
use super::body::{Pacer, body, quiet_for};
use ed25519_dalek::VerifyingKey;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use xunke_protocol::id::SegmentId;
use xunke_protocol::recording::{OFFSET_HEADER, Progress, Receipt};

const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Longest silence: while the hub takes nothing, and until it has made a segment durable and
/// signed for it.
const ANSWER: Duration = Duration::from_secs(60);

/// What every flight needs.
pub struct Sender {
    /// Where segments wait.
    pub spool: Spool,
    /// Speaks to the hub with this box's certificate.
    pub client: Client,
    /// `https://host:port` of the boxes' door.
    pub base: String,
    /// Signs receipts.
    pub hub: VerifyingKey,
    /// Shared by all flights.
    pub pacer: Arc<Pacer>,
    /// A segment that this process has not written is read whole before it goes, one after the
    /// other.
    pub opening: Mutex<()>,
    /// The hub has answered a question.
    pub heard: Notify,
}

/// How one attempt went.
#[derive(Debug)]
pub enum Outcome {
    /// The hub has signed for it.
    Stored,
    /// The segment is no longer there.
    Gone,
    /// This one never, as it is.
    Refused(String),
    /// This one not now; others may go.
    Later(String),
    /// None now: the hub does not answer.
    Away(String),
    /// None now: the hub says so.
    Closed(String),
}

impl Sender {
    /// Hands a segment over and forgets it with its receipt. With `ask`, sends only what the hub
    /// does not have.
    pub async fn fly(&self, segment: SegmentId, ask: bool) -> Outcome {
        let outcome = self.send(segment, ask).await;
        match &outcome {
            Outcome::Stored => self.on_disk(move |spool| spool.forget(segment)).await,
            Outcome::Gone => self.on_disk(move |spool| spool.lost(segment)).await,
            Outcome::Refused(why) => {
                let why = why.clone();
                self.on_disk(move |spool| spool.quarantine(segment, &why))
                    .await;
            }
            Outcome::Later(_) | Outcome::Away(_) | Outcome::Closed(_) => {}
        }
        outcome
    }

    async fn on_disk(&self, act: impl FnOnce(&Spool) + Send + 'static) {
        let spool = self.spool.clone();
        let _ = spawn_blocking(move || act(&spool)).await;
    }

    async fn send(&self, segment: SegmentId, ask: bool) -> Outcome {
        let reader = match self.open(segment).await {
            Ok(Some(reader)) => reader,
            Ok(None) => return Outcome::Gone,
            Err(error) => return Outcome::Later(format!("it cannot be read: {error}")),
        };
        // What is on its way to the hub is given up last, until the hub has answered.
        let _hold = reader.hold();
        let arrived = match ask {
            true => self.progress(segment).await,
            false => Ok(Progress::Arrived(0)),
        };
        match arrived {
            Ok(Progress::Arrived(offset)) => self.rest(segment, reader, offset).await,
            Ok(Progress::Stored(receipt)) => self.believe(segment, &reader.sha256(), Some(receipt)),
            Err(error) => Outcome::Away(innermost(&error)),
        }
    }

    async fn open(&self, segment: SegmentId) -> io::Result<Option<Reader>> {
        let _one = self.opening.lock().await;
        let spool = self.spool.clone();
        let opened = spawn_blocking(move || spool.read(segment)).await;
        opened.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// How far the hub is with a segment. A hub that does not say so has nothing.
    async fn progress(&self, segment: SegmentId) -> Result<Progress, reqwest::Error> {
        let asked = self.client.get(self.url(segment)).timeout(ANSWER);
        let response = asked.send().await?;
        let well = response.status().is_success();
        let answer = read(response).await?;
        if well {
            self.heard.notify_one();
        }
        Ok(serde_json::from_slice(&answer).unwrap_or(Progress::Arrived(0)))
    }

    /// Sends a segment without its first `offset` bytes.
    async fn rest(&self, segment: SegmentId, reader: Reader, offset: u64) -> Outcome {
        let (length, sha256) = (reader.length(), reader.sha256());
        // A hub that has more than all of it has something else.
        let offset = if offset < length { offset } else { 0 };
        let (body, quiet) = body(reader.from(offset), self.pacer.clone());
        let request = self
            .client
            .put(self.url(segment))
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, length - offset)
            .header(OFFSET_HEADER, offset)
            .body(body);
        let sent = tokio::select! {
            sent = request.send() => sent,
            () = quiet_for(quiet, ANSWER) => {
                return Outcome::Away(format!("nothing moves for {} s", ANSWER.as_secs()));
            }
        };
        match sent {
            Ok(response) => self.judge(segment, &sha256, response).await,
            Err(error) => Outcome::Away(innermost(&error)),
        }
    }

    async fn judge(&self, segment: SegmentId, sha256: &[u8; 32], response: Response) -> Outcome {
        let status = response.status();
        let answer = match timeout(ANSWER, read(response)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Outcome::Away(innermost(&error)),
            Err(_) => return Outcome::Away("its answer does not end".into()),
        };
        match status {
            StatusCode::OK => self.believe(segment, sha256, serde_json::from_slice(&answer).ok()),
            StatusCode::CONFLICT
            | StatusCode::PAYLOAD_TOO_LARGE
            | StatusCode::UNPROCESSABLE_ENTITY => {
                let words: String = String::from_utf8_lossy(&answer).chars().take(500).collect();
                Outcome::Refused(format!("{status}: {words}"))
            }
            // A door without this route is not a hub that takes segments.
            StatusCode::NOT_FOUND
            | StatusCode::INSUFFICIENT_STORAGE
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN => Outcome::Closed(status.to_string()),
            other => Outcome::Later(other.to_string()),
        }
    }

    fn believe(&self, segment: SegmentId, sha256: &[u8; 32], receipt: Option<Receipt>) -> Outcome {
        match receipt.is_some_and(|receipt| receipt.proves(segment, sha256, &self.hub)) {
            true => Outcome::Stored,
            false => Outcome::Later("the hub's receipt does not prove this segment".into()),
        }
    }

    fn url(&self, segment: SegmentId) -> String {
        format!("{}/box/1/segments/{segment}", self.base)
    }
}

/// The hub's answer, up to a limit: what is longer proves nothing.
async fn read(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut answer = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if answer.len() + piece.len() > ANSWER_BYTES_MAX {
            break;
        }
        answer.extend_from_slice(&piece);
    }
    Ok(answer)
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
