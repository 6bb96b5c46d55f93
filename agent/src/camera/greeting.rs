//! How a camera greets a stranger: what serves its streams, and what proof it wants. Asked for a
//! technician only. Worker process only.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

const ANSWER: Duration = Duration::from_secs(5);
const HEAD_BYTES_MAX: u64 = 16 * 1024;
const RTSP_PORT: u16 = 554;
/// A server's name is shown to people; the rest of a long one says nothing.
const WORD_CHARS_MAX: usize = 60;
const PROOFS_MAX: usize = 4;

/// What a camera says to somebody without a password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Greeting {
    /// RTSP status; 200 means that everybody may watch.
    pub status: u16,
    /// Its server's own name.
    pub server: Option<String>,
    /// Kinds of proof that it takes, such as `Digest MD5`.
    pub proofs: Vec<String>,
}

/// Asks for the description of a stream, as a stranger.
///
/// # Errors
/// Nobody answers in time, or with something else than RTSP.
pub async fn greet(url: &Url) -> std::io::Result<Greeting> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port().unwrap_or(RTSP_PORT);
    let asked = async {
        let mut socket = TcpStream::connect((host, port)).await?;
        let request = format!(
            "DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\
             User-Agent: xunke\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await?;
        head(socket).await
    };
    let head = timeout(ANSWER, asked).await??;
    read(&String::from_utf8_lossy(&head)).ok_or_else(|| std::io::Error::other("no RTSP"))
}

async fn head(socket: TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut socket = socket.take(HEAD_BYTES_MAX);
    while !bytes.windows(4).any(|four| four == b"\r\n\r\n") {
        if socket.read_buf(&mut bytes).await? == 0 {
            break;
        }
    }
    Ok(bytes)
}

/// Reads the head of an answer; `None` when it is no RTSP.
fn read(head: &str) -> Option<Greeting> {
    let mut lines = head.lines();
    let status = lines.next()?.strip_prefix("RTSP/")?.split(' ').nth(1)?;
    let mut greeting = Greeting {
        status: status.parse().ok()?,
        ..Greeting::default()
    };
    for line in lines.take_while(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else {
            continue;
        };
        match name.trim().to_ascii_lowercase().as_str() {
            "server" => greeting.server = Some(word(value.trim())),
            "www-authenticate" if greeting.proofs.len() < PROOFS_MAX => {
                greeting.proofs.push(proof(value.trim()));
            }
            _ => {}
        }
    }
    Some(greeting)
}

/// `Digest realm="x", algorithm=SHA-256` becomes `Digest SHA-256`.
fn proof(challenge: &str) -> String {
    let scheme = challenge.split(' ').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("digest") {
        return word(scheme);
    }
    let algorithm = challenge.split(',').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        let name = name.trim().rsplit(' ').next()?;
        let is = name.eq_ignore_ascii_case("algorithm");
        is.then(|| value.trim().trim_matches('"').to_owned())
    });
    // RFC 2617, 3.2.1: MD5 when nothing is said.
    word(&format!("Digest {}", algorithm.as_deref().unwrap_or("MD5")))
}

/// Plain letters: what a camera says goes to a terminal.
fn word(text: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_graphic() || *letter == ' ';
    text.chars().filter(plain).take(WORD_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(head: &str) -> (u16, String, String) {
        let greeting = read(head).unwrap();
        let server = greeting.server.unwrap_or_default();
        (greeting.status, server, greeting.proofs.join("; "))
    }

    #[test]
    fn a_greeting_tells_server_and_proof() {
        let both = "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nserver:  Hipcam\u{1b}[31m 1.0 \r\n\
                    WWW-Authenticate: Digest realm=\"a, b\", nonce=\"x\"\r\n\
                    WWW-Authenticate: Basic realm=\"a\"\r\n\r\nServer: body";
        let expect = (401, "Hipcam[31m 1.0".into(), "Digest MD5; Basic".into());
        assert_eq!(said(both), expect);
        let newer = "RTSP/1.0 401 X\r\nWWW-Authenticate: digest realm=\"c\", Algorithm=\"SHA-256\"";
        assert_eq!(said(newer), (401, String::new(), "Digest SHA-256".into()));
        let first = "RTSP/1.0 401 X\r\nWWW-Authenticate: Digest algorithm=MD5-sess, realm=\"c\"";
        assert_eq!(said(first).2, "Digest MD5-sess");
        let open = "RTSP/1.0 200 OK\r\n\r\n";
        assert_eq!(said(open), (200, String::new(), String::new()));
        let many = format!("RTSP/1.0 401 X\r\n{}", "WWW-Authenticate: B\r\n".repeat(99));
        assert_eq!(said(&many).2, "B; B; B; B");
    }

    #[test]
    fn nonsense_is_no_greeting() {
        for head in [
            "",
            "HTTP/1.0 200 OK\r\n",
            "RTSP/1.0\r\n",
            "RTSP/1.0 many\r\n",
            "\r\n",
        ] {
            assert_eq!(read(head), None, "{head:?}");
        }
        assert!(word(&"x".repeat(200)).len() == WORD_CHARS_MAX);
    }
}
