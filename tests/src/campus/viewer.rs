//! Somebody at the live page: one socket, tiles, frames.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use xunke_protocol::live::Frame;

use super::person::{Person, Socket};

/// What the hub says.
#[derive(Debug)]
pub enum Said {
    /// A text message.
    Word(Value),
    /// A frame message.
    Frame(Frame),
    /// The connection is closed.
    Closed,
}

/// An open `/api/live`.
pub struct Viewer {
    socket: Socket,
}

impl Viewer {
    /// Opens the live page's socket.
    ///
    /// # Errors
    /// The hub refuses.
    pub async fn open(person: &Person) -> Result<Self> {
        Ok(Self {
            socket: person.socket("/api/live").await?,
        })
    }

    /// Asks for the picture of a room's first camera, as planned.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn watch(&mut self, tile: u16, room: &str, stream: &str) -> Result<()> {
        self.watch_because(tile, room, stream, &json!({ "kind": "plan" }))
            .await
    }

    /// Asks for the picture of a room's first camera with any purpose.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn watch_because(
        &mut self,
        tile: u16,
        room: &str,
        stream: &str,
        purpose: &Value,
    ) -> Result<()> {
        self.say(&json!({
            "op": "open",
            "tile": tile,
            "room": room,
            "source": "cam0",
            "stream": stream,
            "purpose": purpose,
        }))
        .await
    }

    /// Says anything.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn say(&mut self, word: &Value) -> Result<()> {
        Ok(self.socket.send(Message::text(word.to_string())).await?)
    }

    /// The next thing the hub says.
    ///
    /// # Errors
    /// Nothing came in time, or something that is neither JSON nor a frame message.
    pub async fn next(&mut self, longest: Duration) -> Result<Said> {
        loop {
            let next = timeout(longest, self.socket.next()).await;
            match next.context("the hub says nothing")? {
                Some(Ok(Message::Text(text))) => {
                    return Ok(Said::Word(serde_json::from_str(&text)?));
                }
                Some(Ok(Message::Binary(bytes))) => return Ok(Said::Frame(frame(bytes)?)),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(Said::Closed),
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next text message, passing over frames.
    ///
    /// # Errors
    /// None came in time, or the connection was closed.
    pub async fn word(&mut self, longest: Duration) -> Result<Value> {
        let word = async {
            loop {
                match self.next(longest).await? {
                    Said::Word(word) => return Ok(word),
                    Said::Closed => bail!("the hub closed the connection"),
                    Said::Frame(_) => {}
                }
            }
        };
        timeout(longest, word)
            .await
            .context("the hub says no word")?
    }

    /// The next frame, passing over text messages.
    ///
    /// # Errors
    /// None came in time, or the connection was closed.
    pub async fn frame(&mut self, longest: Duration) -> Result<Frame> {
        let frame = async {
            loop {
                match self.next(longest).await? {
                    Said::Frame(frame) => return Ok(frame),
                    Said::Closed => bail!("the hub closed the connection"),
                    Said::Word(_) => {}
                }
            }
        };
        timeout(longest, frame).await.context("no frame came")?
    }
}

fn frame(bytes: Bytes) -> Result<Frame> {
    Frame::decode(bytes).context("not a frame message")
}
