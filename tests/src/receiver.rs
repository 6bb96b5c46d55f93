//! What takes messages about faults at the other end of a webhook, and keeps when it got them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::asking::until;

/// In its address, where a real one has its token.
pub const TOKEN: &str = "hook-path-token-4567";
/// What its messages are signed with.
pub const SECRET: &str = "hook-signing-secret-0123";

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Heard {
    /// When it was whole.
    pub at: Instant,
    /// Head and body.
    pub text: String,
}

/// A receiver that keeps what it gets; while it holds back, it takes requests and answers none.
/// Lives as long as its runtime.
pub struct Receiver {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    heard: Vec<Heard>,
    holds_back: bool,
}

impl Heard {
    /// A field of the head.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// What it says.
    ///
    /// # Errors
    /// It is no JSON.
    pub fn body(&self) -> Result<Value> {
        let body = self.text.split_once("\r\n\r\n").context("no body")?;
        Ok(serde_json::from_str(body.1)?)
    }
}

impl Receiver {
    /// Listens on a port of this machine.
    ///
    /// # Errors
    /// There is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared: Arc<Mutex<Shared>> = Arc::default();
        let taken = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, taken.clone()));
            }
        });
        Ok(Self { port, shared })
    }

    /// The channel that leads to it, as `/api/channels` takes it.
    #[must_use]
    pub fn channel(&self) -> Value {
        json!({
            "name": "校内告警平台", "enabled": true, "severity_min": "minor", "language": "zh",
            "period_hours": 25, "settings": { "kind": "webhook" },
            "address": format!("http://127.0.0.1:{}/hook/{TOKEN}", self.port), "secret": SECRET,
        })
    }

    /// All that it got.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.shared).heard.clone()
    }

    /// Whether requests stay without an answer from now on.
    pub fn hold_back(&self, does: bool) {
        lock(&self.shared).holds_back = does;
    }

    /// Waits until it got so many.
    ///
    /// # Errors
    /// It did not in time.
    pub async fn hears(&self, count: usize, longest: Duration) -> Result<()> {
        let heard = async || {
            let heard = lock(&self.shared).heard.len();
            Ok((heard >= count).then_some(()).ok_or_else(|| json!(heard)))
        };
        until("messages at the receiver", longest, heard).await
    }
}

async fn take(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) -> Result<()> {
    loop {
        let mut bytes = Vec::new();
        let text = loop {
            if let Some(text) = whole(&bytes) {
                break text;
            }
            ensure!(stream.read_buf(&mut bytes).await? > 0, "the hub is gone");
        };
        let holds_back = {
            let mut shared = lock(&shared);
            let at = Instant::now();
            shared.heard.push(Heard { at, text });
            shared.holds_back
        };
        if holds_back {
            std::future::pending::<()>().await;
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
    }
}

/// The request, when all of it is there.
fn whole(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let length = head.lines().find_map(|line| {
        let length = line.to_lowercase();
        let length = length.strip_prefix("content-length: ")?;
        length.parse::<usize>().ok()
    });
    (body.len() >= length?).then_some(text)
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
