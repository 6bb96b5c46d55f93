//! Upload: hands sealed segments to the hub, oldest first, and forgets one only when the hub has
//! signed for it. Tries for ever, slowly when it must.

use super::spool::{Entry, Spool};
use crate::camera::pause::Pause;
use ed25519_dalek::VerifyingKey;
use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Body, Client, Response, StatusCode};
use std::collections::HashMap;
use std::io;
use std::time::Duration;
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use xunke_protocol::id::SegmentId;
use xunke_protocol::recording::Receipt;

const PIECE_BYTES: usize = 64 * 1024;
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Time for the hub to make a segment durable and sign for it, beyond sending it.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends what waits in the spool.
pub struct Uploader {
    /// Where segments wait.
    pub spool: Spool,
    /// Speaks to the hub with this box's certificate.
    pub client: Client,
    /// `https://host:port` of the boxes' door.
    pub base: String,
    /// Signs receipts.
    pub hub: VerifyingKey,
    /// Limit for all uploads together.
    pub bytes_per_second_max: u64,
    /// Longest pause between two attempts.
    pub retry_seconds_max: u64,
}

/// How one attempt went.
#[derive(Debug)]
enum Outcome {
    /// The hub has signed for it.
    Stored,
    /// The segment is no longer there.
    Gone,
    /// This one never, as it is.
    Refused(String),
    /// This one not now; others may go.
    Later(String),
    /// None now: the hub is not there.
    Away(String),
}

impl Uploader {
    /// Uploads for ever.
    pub async fn run(self) {
        let mut away = Pause::up_to(self.retry_seconds_max);
        let mut told = false;
        let mut later: HashMap<SegmentId, (Pause, Instant)> = HashMap::new();
        loop {
            let now = Instant::now();
            let skipped = |segment| later.get(&segment).is_some_and(|(_, until)| *until > now);
            let Some((segment, entry)) = self.spool.oldest(skipped) else {
                // What is put off is looked at again every second.
                let _ = timeout(Duration::from_secs(1), self.spool.arrived()).await;
                continue;
            };
            match self.send(segment, &entry).await {
                Outcome::Stored => {
                    later.remove(&segment);
                    away.reset();
                    if std::mem::take(&mut told) {
                        tracing::info!("the hub takes segments again");
                    }
                    self.on_disk(move |spool| spool.forget(segment)).await;
                }
                Outcome::Gone => {
                    later.remove(&segment);
                    self.on_disk(move |spool| spool.lost(segment)).await;
                }
                Outcome::Refused(why) => {
                    later.remove(&segment);
                    self.on_disk(move |spool| spool.quarantine(segment, &why))
                        .await;
                }
                Outcome::Later(why) => {
                    if !later.contains_key(&segment) {
                        tracing::warn!(segment.id = %segment, why, "a segment is sent again later");
                    }
                    let fresh = || (Pause::up_to(self.retry_seconds_max), now);
                    let (pause, until) = later.entry(segment).or_insert_with(fresh);
                    *until = Instant::now() + pause.take();
                }
                Outcome::Away(why) => {
                    if !std::mem::replace(&mut told, true) {
                        tracing::warn!(why, "the hub does not take segments; they wait here");
                    }
                    sleep(away.take()).await;
                }
            }
        }
    }

    async fn on_disk(&self, act: impl FnOnce(&Spool) + Send + 'static) {
        let spool = self.spool.clone();
        let _ = spawn_blocking(move || act(&spool)).await;
    }

    async fn send(&self, segment: SegmentId, entry: &Entry) -> Outcome {
        let path = self.spool.path(&entry.source, segment);
        let file = match File::open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Outcome::Gone,
            Err(error) => return Outcome::Later(format!("{}: {error}", path.display())),
        };
        let sending = Duration::from_secs(entry.bytes / self.bytes_per_second_max * 2);
        let request = self
            .client
            .put(format!("{}/box/1/segments/{segment}", self.base))
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, entry.bytes)
            .timeout(sending + ANSWER)
            .body(body(file, entry.bytes, self.bytes_per_second_max));
        match request.send().await {
            Ok(response) => self.judge(segment, entry, response).await,
            Err(error) => Outcome::Away(innermost(&error)),
        }
    }

    async fn judge(&self, segment: SegmentId, entry: &Entry, response: Response) -> Outcome {
        let status = response.status();
        let answer = match read(response).await {
            Ok(answer) => answer,
            Err(error) => return Outcome::Away(innermost(&error)),
        };
        match status {
            StatusCode::OK => {
                let receipt: Option<Receipt> = serde_json::from_slice(&answer).ok();
                match receipt.is_some_and(|r| r.proves(segment, &entry.sha256, &self.hub)) {
                    true => Outcome::Stored,
                    false => Outcome::Later("the hub's receipt does not prove this segment".into()),
                }
            }
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                let words: String = String::from_utf8_lossy(&answer).chars().take(500).collect();
                Outcome::Refused(format!("{status}: {words}"))
            }
            // A door without this route is not a hub that takes segments.
            StatusCode::NOT_FOUND
            | StatusCode::INSUFFICIENT_STORAGE
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::TOO_MANY_REQUESTS
            | StatusCode::UNAUTHORIZED
            | StatusCode::FORBIDDEN => Outcome::Away(status.to_string()),
            other => Outcome::Later(other.to_string()),
        }
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

/// Reads exactly `bytes` of the file, no faster than the limit.
fn body(file: File, bytes: u64, bytes_per_second_max: u64) -> Body {
    let pieces = stream::unfold(
        (file.take(bytes), Instant::now()),
        move |(mut file, due)| async move {
            sleep_until(due).await;
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = (&mut file)
                .take(PIECE_BYTES as u64)
                .read_to_end(&mut piece)
                .await;
            match read {
                Ok(0) => None,
                Ok(count) => {
                    let pace = Duration::from_secs_f64(count as f64 / bytes_per_second_max as f64);
                    let due = due.max(Instant::now() - pace) + pace;
                    Some((Ok::<_, io::Error>(piece), (file, due)))
                }
                Err(error) => Some((Err(error), (file, due))),
            }
        },
    );
    Body::wrap_stream(pieces)
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests;
