//! What a player must know of a stream, read from the camera's own codec description.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::fmt::Write;
use xunke_protocol::live::{AudioConfig, VideoConfig};

/// How pictures are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Video {
    /// H.264, described by an avcC.
    H264,
    /// H.265, described by an hvcC.
    H265,
}

impl Video {
    /// Reads a description; `None` when it is none, or the picture has no size.
    pub fn config(self, description: &[u8], width: u32, height: u32) -> Option<VideoConfig> {
        let codec = match self {
            Self::H264 => avc_name(description)?,
            Self::H265 => hevc_name(description)?,
        };
        (width > 0 && height > 0).then(|| VideoConfig {
            codec,
            width,
            height,
            description: BASE64.encode(description),
        })
    }

    /// Whether an access unit with 4-byte lengths can be decoded alone: its first slice is IDR
    /// (H.264), or of a random access point (H.265, 16 to 21).
    pub fn is_key(self, unit: &[u8]) -> bool {
        let mut rest = unit;
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let Some(first) = after.first() else {
                return false;
            };
            let (slice, key) = match self {
                Self::H264 => ((1..=5).contains(&(first & 0x1f)), first & 0x1f == 5),
                Self::H265 => (
                    first >> 1 & 0x3f < 32,
                    (16..=21).contains(&(first >> 1 & 0x3f)),
                ),
            };
            if slice {
                return key;
            }
            rest = after.get(length..).unwrap_or_default();
        }
        false
    }
}

/// Reads an AudioSpecificConfig; `None` when it is none.
pub fn audio_config(description: &[u8], sample_rate: u32, channels: u32) -> Option<AudioConfig> {
    let &[first, second, ..] = description else {
        return None;
    };
    let object = match first >> 3 {
        31 => 32 + (u32::from(first & 7) << 3 | u32::from(second >> 5)),
        object => u32::from(object),
    };
    (object > 0 && sample_rate > 0 && channels > 0).then(|| AudioConfig {
        codec: format!("mp4a.40.{object}"),
        sample_rate,
        channels,
        description: BASE64.encode(description),
    })
}

/// RFC 6381, 3.3: `avc1.` and three bytes of the sequence parameter set.
fn avc_name(avcc: &[u8]) -> Option<String> {
    match avcc {
        [1, profile, compatibility, level, _, sets, ..] if sets & 0x1f > 0 => {
            Some(format!("avc1.{profile:02x}{compatibility:02x}{level:02x}"))
        }
        _ => None,
    }
}

/// ISO/IEC 14496-15, annex E.3.
fn hevc_name(hvcc: &[u8]) -> Option<String> {
    let &[1, profile, c0, c1, c2, c3, ref constraints @ .., _] = hvcc.get(..14)? else {
        return None;
    };
    let (constraints, level) = constraints.split_at(6);
    let space = ["", "A", "B", "C"][usize::from(profile >> 6)];
    let tier = if profile & 0x20 == 0 { 'L' } else { 'H' };
    let compatible = u32::from_be_bytes([c0, c1, c2, c3]).reverse_bits();
    let number = profile & 0x1f;
    let mut name = format!("hvc1.{space}{number}.{compatible:x}.{tier}{}", level[0]);
    let used = constraints
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    for byte in &constraints[..used] {
        let _ = write!(name, ".{byte:x}");
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codec_names_are_those_of_the_specifications() {
        let avcc = [1, 0x64, 0, 0x28, 0xff, 0xe1, 0];
        let config = Video::H264.config(&avcc, 1920, 1080).unwrap();
        assert_eq!(config.codec, "avc1.640028");
        assert_eq!(config.description, "AWQAKP/hAA==");
        // Main profile, level 3.1: the example of the standard is hvc1.1.6.L93.B0.
        let hvcc = [1, 0x01, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93, 0xf0];
        let config = Video::H265.config(&hvcc, 1920, 1080).unwrap();
        assert_eq!(config.codec, "hvc1.1.6.L93.b0");
        assert_eq!(
            audio_config(&[0x11, 0x88], 48_000, 1).unwrap().codec,
            "mp4a.40.2"
        );
    }

    #[test]
    fn what_is_no_description_is_refused() {
        assert_eq!(
            Video::H264.config(&[1, 0x64, 0, 0x28, 0xff, 0xe0], 16, 16),
            None
        );
        assert_eq!(Video::H264.config(&[], 16, 16), None);
        assert_eq!(Video::H265.config(&[1; 13], 16, 16), None);
        assert_eq!(
            Video::H264.config(&[1, 0x64, 0, 0x28, 0xff, 0xe1], 0, 16),
            None
        );
        assert_eq!(audio_config(&[0x11], 48_000, 1), None);
        assert_eq!(audio_config(&[0, 0], 48_000, 1), None);
    }

    #[test]
    fn keyframes_are_told_by_their_first_slice() {
        let unit = |types: &[u8]| {
            types
                .iter()
                .flat_map(|&kind| [0, 0, 0, 2, kind, 0])
                .collect()
        };
        let unit = |types: &[u8]| -> Vec<u8> { unit(types) };
        assert!(Video::H264.is_key(&unit(&[9, 7, 8, 6, 0x65])));
        assert!(!Video::H264.is_key(&unit(&[9, 6, 0x41])));
        assert!(!Video::H264.is_key(&unit(&[6])));
        assert!(Video::H265.is_key(&unit(&[32 << 1, 33 << 1, 34 << 1, 19 << 1])));
        assert!(!Video::H265.is_key(&unit(&[1 << 1])));
        for cut in [&[][..], &[0, 0, 0, 9], &[0, 0], &[255, 255, 255, 255, 6]] {
            assert!(!Video::H264.is_key(cut) && !Video::H265.is_key(cut));
        }
    }
}
