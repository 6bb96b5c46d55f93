//! Addresses that are tried: a TCP port, an HTTP page, an ICMP echo. What is sent says nothing.

use super::standing::Standing;
use crate::health::echo;
use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use url::Url;
use xunke_protocol::health::{EquipmentKind, EquipmentSignals, EquipmentState};
use xunke_protocol::id::EquipmentName;

/// For the whole attempt.
const ANSWER: Duration = Duration::from_secs(3);
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What is tried.
#[derive(Debug, Clone)]
pub(super) enum Try {
    /// Whether a port opens.
    Tcp,
    /// Whether a page answers, below 400.
    Http(Url),
    /// Whether the address answers an echo.
    Icmp,
}

impl Try {
    fn kind(&self) -> EquipmentKind {
        match self {
            Self::Tcp => EquipmentKind::Tcp,
            Self::Http(_) => EquipmentKind::Http,
            Self::Icmp => EquipmentKind::Icmp,
        }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Attempt {
    /// An answer, with the status of a page.
    Answered { rtt_ms: f32, status: Option<u16> },
    /// None within the limit.
    Silent,
    /// The system does not let the agent try.
    Forbidden,
}

/// Tries once.
pub(super) async fn attempt(what: &Try, address: SocketAddr, sequence: u16) -> Attempt {
    if matches!(what, Try::Icmp) && !echo::allowed() {
        return Attempt::Forbidden;
    }
    let begun = Instant::now();
    let tried = async {
        match what {
            Try::Tcp => TcpStream::connect(address).await.ok().map(|_| None),
            Try::Icmp => echo::echo(address.ip(), sequence).await.ok().map(|()| None),
            Try::Http(url) => page(url, address).await.map(Some),
        }
    };
    match timeout(ANSWER, tried).await {
        Ok(Some(status)) => Attempt::Answered {
            rtt_ms: begun.elapsed().as_secs_f32() * 1000.0,
            status,
        },
        _ => Attempt::Silent,
    }
}

/// The status of a page. Its body is not read, and no redirect followed.
async fn page(url: &Url, address: SocketAddr) -> Option<u16> {
    let stream = TcpStream::connect(address).await.ok()?;
    let handshake = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.ok()?;
    // Ends with this function, however it ends.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = hyper::Request::get(path)
        .header(HOST, url.authority())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new());
    let response = sender.send_request(request.ok()?).await.ok()?;
    Some(response.status().as_u16())
}

/// One address under watch.
#[derive(Debug)]
pub(super) struct Probe {
    name: EquipmentName,
    kind: EquipmentKind,
    standing: Standing,
    last: Option<(f32, Option<u16>)>,
}

impl Probe {
    pub fn new(name: EquipmentName, what: &Try, now_ms: i64) -> Self {
        Self {
            name,
            kind: what.kind(),
            standing: Standing::new(now_ms),
            last: None,
        }
    }

    pub fn heard(&mut self, attempt: Attempt, now_ms: i64) {
        self.last = None;
        match attempt {
            Attempt::Answered { rtt_ms, status } => {
                self.last = Some((rtt_ms, status));
                let bad = status.is_some_and(|status| status >= 400);
                let state = if bad {
                    EquipmentState::Failed
                } else {
                    EquipmentState::Ok
                };
                self.standing.answered(state, now_ms);
            }
            Attempt::Silent => self.standing.silent(false, now_ms),
            Attempt::Forbidden => self.standing.silent(true, now_ms),
        }
    }

    pub fn signals(&self) -> EquipmentSignals {
        EquipmentSignals {
            name: self.name.clone(),
            kind: self.kind,
            state: self.standing.state,
            since: self.standing.since_ms,
            misses: self.standing.misses,
            rtt_ms: self.last.map(|(rtt_ms, _)| rtt_ms),
            http_status: self.last.and_then(|(_, status)| status),
            power: None,
            troubles: Vec::new(),
            lamp_hours: None,
            filter_hours: None,
            model: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn a_page_that_answers_with_an_error_is_not_well() {
        let mut probe = Probe::new("panel".parse().unwrap(), &Try::Tcp, 0);
        assert_eq!(probe.signals().state, EquipmentState::Unknown);
        for (attempt, state, misses) in [
            (answer(Some(200)), EquipmentState::Ok, 0),
            (answer(Some(503)), EquipmentState::Failed, 0),
            (answer(None), EquipmentState::Ok, 0),
            (Attempt::Silent, EquipmentState::Unreachable, 1),
            (Attempt::Silent, EquipmentState::Unreachable, 2),
            (Attempt::Forbidden, EquipmentState::Unknown, 0),
        ] {
            probe.heard(attempt, 1);
            let signals = probe.signals();
            assert_eq!(
                (signals.state, signals.misses),
                (state, misses),
                "{attempt:?}"
            );
        }
    }

    fn answer(status: Option<u16>) -> Attempt {
        Attempt::Answered {
            rtt_ms: 1.0,
            status,
        }
    }

    /// Answers one request with a text, and gives what it was asked.
    async fn page_of(text: &'static str) -> (SocketAddr, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 1024];
            let bytes = stream.read(&mut asked).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&asked[..bytes]).into_owned()
        });
        (address, asked)
    }

    #[tokio::test]
    async fn a_page_is_asked_for_and_its_status_read() {
        let text = "HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n";
        let (address, asked) = page_of(text).await;
        let url = Url::parse(&format!("http://{address}/status?a=1")).unwrap();
        let found = attempt(&Try::Http(url), address, 0).await;
        assert!(
            matches!(
                found,
                Attempt::Answered {
                    status: Some(302),
                    ..
                }
            ),
            "{found:?}"
        );
        let asked = asked.await.unwrap();
        assert!(asked.starts_with("GET /status?a=1 HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains(&format!("host: {address}\r\n")), "{asked}");
        let (address, _asked) = page_of("SSH-2.0-nonsense\r\n").await;
        let url = Url::parse(&format!("http://{address}/")).unwrap();
        assert_eq!(attempt(&Try::Http(url), address, 0).await, Attempt::Silent);
    }

    #[tokio::test]
    async fn a_port_is_open_or_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = attempt(&Try::Tcp, address, 0).await;
        assert!(
            matches!(open, Attempt::Answered { status: None, .. }),
            "{open:?}"
        );
        drop(listener);
        assert_eq!(attempt(&Try::Tcp, address, 0).await, Attempt::Silent);
    }
}
