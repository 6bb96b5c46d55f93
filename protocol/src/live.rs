//! The frame message: camera worker → agent → hub → browser, the same bytes on every leg.
//!
//! ```text
//! kind u8 · flags u8 · handle u16 · sequence u32 · captured_us i64 · payload     (big-endian)
//! ```
//!
//! The hub rewrites `handle` and `sequence` and never looks at the payload.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 16;
/// Largest frame message: a 4K keyframe at high quality stays below.
pub const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
const FLAG_KEY: u8 = 1;

/// What a payload is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// [`VideoConfig`] as JSON; precedes the first frame and every change.
    VideoConfig,
    /// One access unit with 4-byte lengths (AVCC or HVCC form).
    Video,
    /// [`AudioConfig`] as JSON.
    AudioConfig,
    /// One audio frame without transport header.
    Audio,
}

impl FrameKind {
    fn code(self) -> u8 {
        match self {
            Self::VideoConfig => 1,
            Self::Video => 2,
            Self::AudioConfig => 3,
            Self::Audio => 4,
        }
    }

    fn read(code: u8) -> Option<Self> {
        [
            Self::VideoConfig,
            Self::Video,
            Self::AudioConfig,
            Self::Audio,
        ]
        .into_iter()
        .find(|kind| kind.code() == code)
    }
}

/// One frame message. Cloning shares the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub kind: FrameKind,
    /// Decodable alone (IDR). Always false for audio.
    pub key: bool,
    /// Which stream on this connection.
    pub handle: u16,
    /// Counts messages per handle; a gap means that frames were dropped on purpose.
    pub sequence: u32,
    /// When the box received the first byte, of sound so much earlier as the piece lasts;
    /// microseconds since 1970-01-01 UTC.
    pub captured_us: i64,
    /// See [`FrameKind`].
    pub payload: Bytes,
}

/// Why bytes are no frame message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    /// Fewer than [`HEADER_BYTES`].
    #[error("a frame message has at least {HEADER_BYTES} bytes; this one has {0}")]
    Short(usize),
    /// More than [`MESSAGE_BYTES_MAX`].
    #[error("a frame message has at most {MESSAGE_BYTES_MAX} bytes; this one has {0}")]
    Long(usize),
    /// Not one of [`FrameKind`].
    #[error("frame kind {0} does not exist")]
    Kind(u8),
    /// A flag that this version does not know.
    #[error("frame flags {0:#04x} do not exist")]
    Flags(u8),
}

impl Frame {
    /// The message as bytes.
    pub fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEADER_BYTES + self.payload.len());
        bytes.put_slice(&self.header());
        bytes.put_slice(&self.payload);
        bytes.freeze()
    }

    /// The first [`HEADER_BYTES`] alone, for writers that send the payload beside it.
    pub fn header(&self) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0] = self.kind.code();
        header[1] = if self.key { FLAG_KEY } else { 0 };
        header[2..4].copy_from_slice(&self.handle.to_be_bytes());
        header[4..8].copy_from_slice(&self.sequence.to_be_bytes());
        header[8..].copy_from_slice(&self.captured_us.to_be_bytes());
        header
    }

    /// Reads a message; the payload shares `bytes`.
    ///
    /// # Errors
    /// Wrong length, kind or flags.
    pub fn decode(bytes: Bytes) -> Result<Self, BadFrame> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(BadFrame::Long(bytes.len()));
        }
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(BadFrame::Short(bytes.len()));
        };
        let [kind, flags, h0, h1, s0, s1, s2, s3, time @ ..] = *header;
        if flags & !FLAG_KEY != 0 {
            return Err(BadFrame::Flags(flags));
        }
        Ok(Self {
            kind: FrameKind::read(kind).ok_or(BadFrame::Kind(kind))?,
            key: flags == FLAG_KEY,
            handle: u16::from_be_bytes([h0, h1]),
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            captured_us: i64::from_be_bytes(time),
            payload: bytes.slice(HEADER_BYTES..),
        })
    }
}

/// How to set up a video decoder (WebCodecs field names).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoConfig {
    /// RFC 6381, such as `avc1.640028`.
    pub codec: String,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// avcC or hvcC, base64.
    pub description: String,
}

/// How to set up an audio decoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioConfig {
    /// RFC 6381, such as `mp4a.40.2`.
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// AudioSpecificConfig, base64.
    pub description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            kind: FrameKind::Video,
            key: true,
            handle: 0x0102,
            sequence: 0x03040506,
            captured_us: -2,
            payload: Bytes::from_static(b"pic"),
        }
    }

    #[test]
    fn the_layout_is_the_one_in_the_header_of_this_file() {
        let bytes = frame().encode();
        let expect = [
            2, 1, 1, 2, 3, 4, 5, 6, 255, 255, 255, 255, 255, 255, 255, 254, b'p',
        ];
        assert_eq!(bytes[..17], expect);
        assert_eq!(Frame::decode(bytes), Ok(frame()));
    }

    #[test]
    fn bad_frames_are_told_apart() {
        let good = frame().encode();
        let with = |at: usize, value: u8| {
            let mut bytes = good.to_vec();
            bytes[at] = value;
            Frame::decode(bytes.into())
        };
        assert_eq!(with(0, 0), Err(BadFrame::Kind(0)));
        assert_eq!(with(0, 5), Err(BadFrame::Kind(5)));
        assert_eq!(with(1, 2), Err(BadFrame::Flags(2)));
        assert_eq!(Frame::decode(good.slice(..15)), Err(BadFrame::Short(15)));
        let long = Bytes::from(vec![2; MESSAGE_BYTES_MAX + 1]);
        assert_eq!(
            Frame::decode(long),
            Err(BadFrame::Long(MESSAGE_BYTES_MAX + 1))
        );
    }
}
