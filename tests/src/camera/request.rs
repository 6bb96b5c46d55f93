//! RTSP requests as they come, and answers to them (RFC 2326).

use std::fmt::Write;

use super::quirk::Quirk;

/// Longest request.
const BYTES_MAX: usize = 16 * 1024;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Such as `SETUP`.
    pub method: String,
    /// Path of its URL, without the host.
    pub path: String,
    headers: Vec<(String, String)>,
}

/// What stands at the beginning of what has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing whole yet.
    Nothing,
    /// A packet of that many bytes, to be skipped.
    Packet(usize),
    /// A request of that many bytes.
    Request(Request, usize),
    /// Nothing that a camera understands.
    Nonsense,
}

impl Request {
    /// Looks for the next request.
    pub fn find(bytes: &[u8]) -> Found {
        if let [b'$', _, high, low, ..] = *bytes {
            let length = 4 + usize::from(u16::from_be_bytes([high, low]));
            return if bytes.len() < length {
                Found::Nothing
            } else {
                Found::Packet(length)
            };
        }
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return if bytes.len() > BYTES_MAX {
                Found::Nonsense
            } else {
                Found::Nothing
            };
        };
        let text = std::str::from_utf8(&bytes[..end]).ok();
        text.and_then(Self::parse)
            .map_or(Found::Nonsense, |request| Found::Request(request, end + 4))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let mut first = lines.next()?.split(' ');
        let (method, url) = (first.next()?, first.next()?);
        let after_host = url.split_once("://")?.1;
        let path = after_host.find('/').map_or("/", |at| &after_host[at..]);
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        });
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: headers.collect(),
        })
    }

    /// A header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// An answer to a request.
pub struct Answer {
    /// Such as `200 OK`.
    pub status: &'static str,
    /// Headers beside `CSeq`.
    pub headers: Vec<(&'static str, String)>,
    /// What is described.
    pub body: String,
}

impl Answer {
    /// An answer without a body.
    pub fn new(status: &'static str) -> Self {
        Self {
            status,
            headers: vec![],
            body: String::new(),
        }
    }

    /// Adds a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>, to: &Request, quirk: Option<Quirk>) {
        let odd = quirk == Some(Quirk::OddHeaders);
        let mut text = format!("RTSP/1.0 {}\r\n", self.status);
        let cseq = to.header("cseq").unwrap_or("0").to_owned();
        let length = (!self.body.is_empty()).then(|| self.body.len().to_string());
        let all = [("CSeq", cseq)]
            .into_iter()
            .chain(self.headers.clone())
            .chain(length.map(|length| ("Content-Length", length)));
        for (name, value) in all {
            let _ = if odd {
                write!(text, "{}:   {value}\r\n", name.to_ascii_lowercase())
            } else {
                write!(text, "{name}: {value}\r\n")
            };
        }
        if odd {
            text.push_str("x-vendor-note: \ta=b; \"c\", d\r\nDate: Thu Jan  1 00:00:07 1970\r\n");
        }
        text.push_str("\r\n");
        text.push_str(&self.body);
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_found_between_packets() {
        let text = b"SETUP rtsp://192.0.2.7:1/main/1 RTSP/1.0\r\nCSeq: 4\r\nSession:  9 \r\n\r\n$";
        let Found::Request(request, length) = Request::find(text) else {
            panic!("no request");
        };
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("SETUP", "/main/1")
        );
        assert_eq!(
            (request.header("session"), length),
            (Some("9"), text.len() - 1)
        );
        assert_eq!(Request::find(b"$\x00\x00\x02ab"), Found::Packet(6));
        assert_eq!(Request::find(b"$\x00\x00\x02a"), Found::Nothing);
        assert_eq!(Request::find(b"OPTIONS rtsp://a"), Found::Nothing);
        assert_eq!(Request::find(b"banana\r\n\r\n"), Found::Nonsense);
    }
}
