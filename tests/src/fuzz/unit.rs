//! What a camera sends, taken apart: answers of RTSP and HTTP, and packets between them. Pure.

/// One piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Head with its empty line, and body.
    Answer(Vec<u8>, Vec<u8>),
    /// A packet between the lines of RTSP, with its four bytes before it.
    Packet(Vec<u8>),
}

impl Unit {
    /// As it is sent.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Answer(head, body) => [&head[..], body].concat(),
            Self::Packet(bytes) => bytes.clone(),
        }
    }

    /// Takes the next one from what has come; what comes from our own camera is well formed.
    pub fn take(come: &mut Vec<u8>) -> Option<Self> {
        if let [b'$', _, high, low, ..] = come[..] {
            let length = 4 + usize::from(u16::from_be_bytes([high, low]));
            return (come.len() >= length).then(|| Self::Packet(come.drain(..length).collect()));
        }
        let head = 4 + come.windows(4).position(|four| four == b"\r\n\r\n")?;
        let body = length(&come[..head]);
        (come.len() >= head + body).then(|| {
            let head = come.drain(..head).collect();
            Self::Answer(head, come.drain(..body).collect())
        })
    }
}

fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut lines = head.lines();
    let value = lines.find_map(|line| line.strip_prefix("content-length:"));
    value
        .and_then(|value| value.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_packets_come_apart_and_only_whole() {
        let answer = b"RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let mut come = [&b"$\x01\x00\x02xy"[..], answer, b"$\x00\x00"].concat();
        assert_eq!(
            Unit::take(&mut come),
            Some(Unit::Packet(b"$\x01\x00\x02xy".into()))
        );
        let taken = Unit::take(&mut come).unwrap();
        assert_eq!(taken.bytes(), answer);
        assert!(matches!(taken, Unit::Answer(_, body) if body == b"abc"));
        assert_eq!(
            (Unit::take(&mut come), &come[..]),
            (None, &b"$\x00\x00"[..])
        );
    }
}
