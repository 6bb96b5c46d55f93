//! G.711, which most cameras send by default, as FLAC: the same sound to the last bit, in a form
//! that recordings can hold and browsers play. Worker process only.
//!
//! Each of the 256 codes of ITU-T G.711 stands for one 16-bit value, so this is no re-encoding: the
//! codes can be had back from the values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, StreamInfo};
use flacenc::encode_fixed_size_frame;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Fill, FrameBuf};
use xunke_protocol::live::AudioConfig;

/// Samples in one frame, as many as in one of AAC: 128 ms at 8 kHz.
const FRAME_SAMPLES: usize = 1024;
const BITS: usize = 16;
/// RFC 9639, 8.1: the last metadata block, of type STREAMINFO, 34 bytes long.
const STREAM_INFO: [u8; 4] = [0x80, 0, 0, 34];
/// G.711 is speech: more is a mistake of the camera.
const HERTZ_MAX: u32 = 48_000;
/// The last step of both tables lies above this, the last but one below.
pub const CLIPPED_MIN: u16 = 32_000;

/// Which of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// PCMA.
    A,
    /// PCMU.
    Mu,
}

impl Law {
    /// The 16-bit value of a code.
    fn value(self, code: u8) -> i32 {
        match self {
            Self::A => a_law(code),
            Self::Mu => mu_law(code),
        }
    }
}

/// ITU-T G.711, table 1: even bits are inverted, 13 bits are aligned to the left of 16.
fn a_law(code: u8) -> i32 {
    let code = code ^ 0x55;
    let (exponent, mantissa) = (code >> 4 & 7, i32::from(code & 0x0f));
    let magnitude = match exponent {
        0 => (mantissa << 4) + 8,
        exponent => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

/// ITU-T G.711, table 2: all bits are inverted, 14 bits are aligned to the left of 16.
fn mu_law(code: u8) -> i32 {
    let code = !code;
    let (exponent, mantissa) = (code >> 4 & 7, i32::from(code & 0x0f));
    let magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84;
    if code & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

/// Collects codes and gives out FLAC frames.
pub struct Lossless {
    law: Law,
    hertz: u32,
    info: StreamInfo,
    encoder: Verified<flacenc::config::Encoder>,
    waiting: Vec<i32>,
    frames: usize,
    block: FrameBuf,
}

impl Lossless {
    /// For one channel; `None` when the rate is none, or there are more channels than G.711 has.
    pub fn new(law: Law, hertz: u32, channels: u32) -> Option<Self> {
        if channels != 1 || hertz == 0 || hertz > HERTZ_MAX {
            return None;
        }
        let mut info = StreamInfo::new(hertz as usize, 1, BITS).ok()?;
        info.set_block_sizes(FRAME_SAMPLES, FRAME_SAMPLES).ok()?;
        Some(Self {
            law,
            hertz,
            info,
            encoder: flacenc::config::Encoder::default().into_verified().ok()?,
            waiting: Vec::with_capacity(2 * FRAME_SAMPLES),
            frames: 0,
            block: FrameBuf::with_size(1, FRAME_SAMPLES).ok()?,
        })
    }

    /// What a player must know.
    pub fn config(&self) -> Option<AudioConfig> {
        let mut info = ByteSink::new();
        self.info.write(&mut info).ok()?;
        let description = [&b"fLaC"[..], &STREAM_INFO, info.as_slice()].concat();
        Some(AudioConfig {
            codec: "flac".to_owned(),
            sample_rate: self.hertz,
            channels: 1,
            description: BASE64.encode(description),
        })
    }

    /// Takes the codes of one packet, with the camera's time stamp of the first in microseconds;
    /// returns the frames that are full, each with its own. After a loss the newest stamp counts.
    pub fn push(&mut self, stamp_us: i64, codes: &[u8]) -> Vec<(i64, Bytes)> {
        let law = self.law;
        let mut at_us = stamp_us - self.microseconds(self.waiting.len());
        self.waiting
            .extend(codes.iter().map(|&code| law.value(code)));
        let mut frames = Vec::new();
        while self.waiting.len() >= FRAME_SAMPLES {
            frames.extend(self.frame().map(|frame| (at_us, frame)));
            self.waiting.drain(..FRAME_SAMPLES);
            at_us += self.microseconds(FRAME_SAMPLES);
        }
        frames
    }

    /// The samples that codes stand for.
    pub fn values(&self, codes: &[u8]) -> impl Iterator<Item = i16> {
        let law = self.law;
        let value = move |&code: &u8| i16::try_from(law.value(code)).unwrap_or_default();
        codes.iter().map(value)
    }

    /// Samples a second.
    pub fn hertz(&self) -> u32 {
        self.hertz
    }

    fn microseconds(&self, samples: usize) -> i64 {
        samples as i64 * 1_000_000 / i64::from(self.hertz)
    }

    fn frame(&mut self) -> Option<Bytes> {
        self.block
            .fill_interleaved(&self.waiting[..FRAME_SAMPLES])
            .ok()?;
        let number = self.frames & 0x7fff_ffff;
        let frame = encode_fixed_size_frame(&self.encoder, &self.block, number, &self.info).ok()?;
        self.frames = number + 1;
        let mut bytes = ByteSink::new();
        frame.write(&mut bytes).ok()?;
        Some(Bytes::from(bytes.into_inner()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use claxon::frame::FrameReader;
    use std::io::Cursor;

    /// The ends and the middle of both tables of ITU-T G.711.
    #[test]
    fn codes_have_the_values_of_the_recommendation() {
        let a = [
            (0xd5, 8),
            (0x55, -8),
            (0x2a, -32_256),
            (0xaa, 32_256),
            (0x80, 5_504),
        ];
        let mu = [
            (0xff, 0),
            (0x00, -32_124),
            (0x80, 32_124),
            (0xfe, 8),
            (0x70, -120),
        ];
        for (law, table) in [(Law::A, a), (Law::Mu, mu)] {
            for (code, value) in table {
                assert_eq!(law.value(code), value, "{law:?} {code:#04x}");
            }
            let mut values: Vec<_> = (0..=255).map(|code| law.value(code)).collect();
            values.sort_unstable();
            values.dedup();
            // Mu-law has two zeros.
            assert_eq!(values.len(), if law == Law::A { 256 } else { 255 });
        }
    }

    /// Only the loudest code of each sign is at the end of the scale.
    #[test]
    fn one_code_of_each_sign_is_clipped() {
        for law in [Law::A, Law::Mu] {
            let lossless = Lossless::new(law, 8_000, 1).unwrap();
            let codes: Vec<u8> = (0..=255).collect();
            let values = lossless.values(&codes);
            let clipped = values.filter(|value| value.unsigned_abs() >= CLIPPED_MIN);
            assert_eq!(clipped.count(), 2, "{law:?}");
        }
    }

    #[test]
    fn the_sound_comes_back_to_the_last_bit() {
        let codes: Vec<u8> = (0..5_000_u32).map(|n| (n * n / 7) as u8).collect();
        let mut lossless = Lossless::new(Law::A, 8_000, 1).unwrap();
        let mut frames = Vec::new();
        for (number, packet) in codes.chunks(160).enumerate() {
            frames.extend(lossless.push(number as i64 * 20_000, packet));
        }
        assert_eq!(frames.len(), 4);
        let mut decoded = Vec::new();
        for (number, (stamp_us, frame)) in frames.iter().enumerate() {
            assert_eq!(*stamp_us, number as i64 * 128_000);
            let mut reader = FrameReader::new(Cursor::new(&frame[..]));
            let block = reader.read_next_or_eof(Vec::new()).unwrap().unwrap();
            decoded.extend_from_slice(block.channel(0));
        }
        let values: Vec<_> = codes[..4_096].iter().map(|&code| a_law(code)).collect();
        assert_eq!(decoded, values);
    }

    #[test]
    fn a_lost_packet_moves_what_follows_to_where_it_belongs() {
        let mut lossless = Lossless::new(Law::Mu, 8_000, 1).unwrap();
        assert!(lossless.push(0, &[0xff; 1_000]).is_empty());
        let frames = lossless.push(500_000, &[0xff; 1_100]);
        let begun: Vec<_> = frames.iter().map(|frame| frame.0).collect();
        assert_eq!(begun, [375_000, 503_000]);
    }

    #[test]
    fn a_player_is_told_rate_and_bits() {
        let config = Lossless::new(Law::A, 8_000, 1).unwrap().config().unwrap();
        let description = BASE64.decode(&config.description).unwrap();
        assert_eq!((description.len(), &description[..4]), (42, &b"fLaC"[..]));
        assert_eq!((&*config.codec, config.sample_rate), ("flac", 8_000));
        assert!(Lossless::new(Law::A, 8_000, 2).is_none());
        assert!(Lossless::new(Law::A, 0, 1).is_none());
    }
}
