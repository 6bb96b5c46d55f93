//! The header of a segment: which room, when, from which box. Readable without a key, and bound
//! to the content as associated data, so that a recording cannot be passed off as another's.

use super::Damage;
use crate::id::{ClassroomId, DeviceId, SegmentId, SourceName};
use uuid::Uuid;

/// Longest codec text, in bytes.
pub const CODECS_BYTES_MAX: usize = 64;

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The box that sealed it.
    pub device: DeviceId,
    /// The room it stood in.
    pub classroom: ClassroomId,
    /// This segment.
    pub segment: SegmentId,
    /// Which camera.
    pub source: SourceName,
    /// Day of the key it is sealed to, see [`super::epoch::of`].
    pub epoch: u32,
    /// Wall clock of the first frame, microseconds since 1970-01-01 UTC.
    pub start_us: i64,
    /// This start of the box's operating system.
    pub boot: Uuid,
    /// Milliseconds since `boot` at the first frame: tells time when the wall clock was wrong.
    pub mono_ms: u64,
    /// Contents for a player, RFC 6381, such as `avc1.640028,mp4a.40.2`.
    pub codecs: String,
    /// Last link of the previous segment's chain of this source; zeros for the first.
    pub previous: [u8; 32],
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        put_text(&mut out, self.device.as_str());
        out.extend_from_slice(self.classroom.0.as_bytes());
        out.extend_from_slice(self.segment.0.as_bytes());
        put_text(&mut out, self.source.as_str());
        out.extend_from_slice(&self.epoch.to_be_bytes());
        out.extend_from_slice(&self.start_us.to_be_bytes());
        out.extend_from_slice(self.boot.as_bytes());
        out.extend_from_slice(&self.mono_ms.to_be_bytes());
        put_text(&mut out, &self.codecs);
        out.extend_from_slice(&self.previous);
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let mut rest = bytes;
        let header = Self {
            device: text(&mut rest)?
                .parse()
                .map_err(|_| Damage::Preamble("bad device id"))?,
            classroom: ClassroomId(Uuid::from_bytes(array(&mut rest)?)),
            segment: SegmentId(Uuid::from_bytes(array(&mut rest)?)),
            source: text(&mut rest)?
                .parse()
                .map_err(|_| Damage::Preamble("bad source name"))?,
            epoch: u32::from_be_bytes(array(&mut rest)?),
            start_us: i64::from_be_bytes(array(&mut rest)?),
            boot: Uuid::from_bytes(array(&mut rest)?),
            mono_ms: u64::from_be_bytes(array(&mut rest)?),
            codecs: codecs(text(&mut rest)?)?,
            previous: array(&mut rest)?,
        };
        if rest.is_empty() {
            Ok(header)
        } else {
            Err(Damage::Preamble("header too long"))
        }
    }
}

fn codecs(text: &str) -> Result<String, Damage> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b',' | b'-');
    if text.len() <= CODECS_BYTES_MAX && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err(Damage::Preamble("bad codec text"))
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).expect("invariant: header texts are short");
    out.push(length);
    out.extend_from_slice(text.as_bytes());
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Damage> {
    let (head, tail) = rest
        .split_first_chunk()
        .ok_or(Damage::Preamble("header too short"))?;
    *rest = tail;
    Ok(*head)
}

fn text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Damage> {
    let [length] = array(rest)?;
    let split = rest.split_at_checked(length.into());
    let (head, tail) = split.ok_or(Damage::Preamble("header too short"))?;
    *rest = tail;
    str::from_utf8(head).map_err(|_| Damage::Preamble("header text is not UTF-8"))
}
