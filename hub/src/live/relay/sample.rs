//! Frames for tests; the capture time is the number by which a test knows them.

use bytes::Bytes;
use xunke_protocol::live::{Frame, FrameKind};

/// A message of any kind.
pub fn frame(kind: FrameKind, key: bool, number: i64, payload: &'static str) -> Frame {
    Frame {
        kind,
        key,
        handle: 999,
        sequence: 999,
        captured_us: number,
        payload: Bytes::from_static(payload.as_bytes()),
    }
}

/// A configuration.
pub fn config(kind: FrameKind, number: i64, codec: &'static str) -> Frame {
    frame(kind, false, number, codec)
}

/// The configuration of the pictures below.
pub fn video_config(number: i64) -> Frame {
    config(FrameKind::VideoConfig, number, "avc1")
}

/// A keyframe.
pub fn key(number: i64) -> Frame {
    frame(FrameKind::Video, true, number, "key")
}

/// A picture that needs those before it.
pub fn delta(number: i64) -> Frame {
    frame(FrameKind::Video, false, number, "delta")
}

/// Sound.
pub fn audio(number: i64) -> Frame {
    frame(FrameKind::Audio, false, number, "sound")
}
