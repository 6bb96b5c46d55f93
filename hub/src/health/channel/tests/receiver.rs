//! A receiver on this machine that answers as robots and gateways do, errors included.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request line and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct Told {
    /// `None`: takes the request and never answers.
    answers: VecDeque<Option<String>>,
    asked: Vec<Asked>,
}

/// A running receiver, until the test ends.
pub struct Receiver {
    /// Where it is.
    pub port: u16,
    told: Arc<Mutex<Told>>,
    heard: Arc<Notify>,
}

impl Receiver {
    /// Starts one that takes everything: `{"errcode":0,"code":0}`.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, heard) = (
            Arc::new(Mutex::new(Told::default())),
            Arc::new(Notify::new()),
        );
        let shared = (told.clone(), heard.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, shared.clone()));
            }
        });
        Self { port, told, heard }
    }

    /// The address of a path.
    pub fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers the next request that has no answer yet with a status line, headers and a body.
    pub fn says(&self, head: &str, body: &str) {
        let length = body.len();
        let answer = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n{body}");
        self.told().answers.push_back(Some(answer));
    }

    /// Lets the next request wait for ever.
    pub fn hangs(&self) {
        self.told().answers.push_back(None);
    }

    /// Everything that was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.told().asked.clone()
    }

    /// Waits until there were so many requests.
    pub async fn hears(&self, count: usize) {
        loop {
            let heard = self.heard.notified();
            if self.asked().len() >= count {
                return;
            }
            heard.await;
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(mut stream: TcpStream, (told, heard): (Arc<Mutex<Told>>, Arc<Notify>)) {
    while let Some(asked) = request(&mut stream).await {
        let answer = {
            let mut told = told.lock().unwrap();
            told.asked.push(asked);
            told.answers.pop_front()
        };
        heard.notify_waiters();
        let body = r#"{"errcode":0,"code":0}"#;
        let fine = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        match answer.unwrap_or(Some(fine)) {
            Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
            None => std::future::pending().await,
        }
    }
}

async fn request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut asked = Asked {
        head,
        body: bytes[end + 4..].to_vec(),
    };
    let length = asked
        .header("content-length")
        .map_or(0, |text| text.parse().unwrap());
    while asked.body.len() < length {
        if stream.read_buf(&mut asked.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(asked)
}
