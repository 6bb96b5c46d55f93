//! A bare TLS connection on which anything can be sent, and what comes back.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const ANSWER_MAX: Duration = Duration::from_secs(20);
/// A spoilt connection that is neither answered on nor closed is given up after this.
const SPOILT_MAX: Duration = Duration::from_millis(300);
const KEPT_BYTES_MAX: usize = 1024 * 1024;

/// What came back.
pub struct Answer {
    /// The status, or 0 when there was none.
    pub status: u16,
    text: String,
}

impl Answer {
    /// A canary, or something that succeeded and is neither the page nor empty.
    pub fn is_content(&self, canary: &str) -> bool {
        let lower = self.text.to_ascii_lowercase();
        let data = [
            "application/json",
            "event-stream",
            "video/",
            "openxmlformats",
            "/pdf",
        ];
        // Signing in and the description of the routes are for everybody.
        let description = self.text.contains("\"openapi\":");
        let succeeded = lower.contains("http/1.1 20") || lower.contains("http/1.0 20");
        let has_data = data
            .iter()
            .any(|kind| lower.contains(&format!("content-type: {kind}")));
        self.status == 101 || self.text.contains(canary) || (succeeded && has_data && !description)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text.chars().take(600).collect::<String>())
    }
}

/// A connection that is opened anew whenever it has to be.
pub struct Wire {
    port: u16,
    connector: TlsConnector,
    open: Option<TlsStream<TcpStream>>,
}

impl Wire {
    /// To the people's door.
    pub fn new(port: u16, ca_pem: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            port,
            connector: TlsConnector::from(Arc::new(config)),
            open: None,
        })
    }

    /// Sends bytes and reads one answer; all that comes, when they `spoil` the connection.
    pub async fn ask(&mut self, bytes: &[u8], spoil: bool) -> Result<Answer> {
        if spoil {
            self.open = None;
        }
        for _ in 0..3 {
            let mut stream = match self.open.take() {
                Some(stream) => stream,
                None => self.connect().await?,
            };
            if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
                continue;
            }
            let (received, whole) = match spoil {
                true => (all(&mut stream).await, false),
                false => timeout(ANSWER_MAX, one(&mut stream))
                    .await
                    .context("no answer")?,
            };
            if received.is_empty() && !spoil {
                // A connection that the hub had closed meanwhile.
                continue;
            }
            let closes = received.to_ascii_lowercase().contains("connection: close");
            self.open = (whole && !closes).then_some(stream);
            let status = received.get(9..12).and_then(|digits| digits.parse().ok());
            return Ok(Answer {
                status: status.unwrap_or(0),
                text: received,
            });
        }
        // Closed without a word three times: that is an answer too.
        Ok(Answer {
            status: 0,
            text: String::new(),
        })
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        match self.connector.connect(name, stream).await {
            Ok(stream) => Ok(stream),
            Err(error) => bail!("no TLS: {error}"),
        }
    }
}

async fn all(stream: &mut TlsStream<TcpStream>) -> String {
    let mut received = Vec::new();
    let reading = async {
        while received.len() < KEPT_BYTES_MAX {
            match timeout(SPOILT_MAX, stream.read_buf(&mut received)).await {
                Ok(Ok(1..)) => {}
                _ => return,
            }
        }
    };
    reading.await;
    String::from_utf8_lossy(&received).into_owned()
}

/// One answer, and whether its end is known, so that the connection can be used again.
async fn one(stream: &mut TlsStream<TcpStream>) -> (String, bool) {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let lower = head.to_ascii_lowercase();
            let length = lower
                .lines()
                .find_map(|line| line.strip_prefix("content-length:"));
            let length: Option<usize> = length.and_then(|text| text.trim().parse().ok());
            let bodiless = [" 101 ", " 204 ", " 304 "]
                .iter()
                .any(|code| lower.contains(code));
            let whole = match length {
                _ if bodiless => true,
                Some(length) => received.len() >= head.len() + 4 + length,
                None if lower.contains("chunked") => body.ends_with("0\r\n\r\n"),
                None => false,
            };
            if whole || received.len() > KEPT_BYTES_MAX {
                let upgraded = lower.contains(" 101 ");
                return (text.into_owned(), whole && !upgraded);
            }
        }
        // HEAD has a length and no body; what never ends is looked at as far as it came.
        match timeout(SPOILT_MAX * 10, stream.read_buf(&mut received)).await {
            Ok(Ok(1..)) => {}
            _ => return (String::from_utf8_lossy(&received).into_owned(), false),
        }
    }
}
