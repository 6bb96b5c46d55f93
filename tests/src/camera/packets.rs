//! RTP packets between the lines of RTSP: RFC 3550 in RFC 2326, 10.12; H.264 by RFC 6184, H.265 by
//! RFC 7798, AAC by RFC 3640, G.711 by RFC 3551, Opus by RFC 7587.

use bytes::Bytes;

use super::clip::{Codec, SoundCodec};

/// Payload of an ordinary packet: an Ethernet frame less its headers.
pub const PAYLOAD_MAX: usize = 1400;
/// Payload of the largest packet that fits between the lines of RTSP.
pub const PAYLOAD_HUGE: usize = 65_000;
/// Marks our SEI messages; as long as the UUID that stands there.
const NUMBER_MARK: &[u8; 16] = b"xunke-picture-no";

/// Which picture of which session an access unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    /// Counts the sessions of a stream, from 1.
    pub session: u32,
    /// Counts the pictures of a session, from 0.
    pub picture: u32,
}

impl Number {
    /// An SEI message (user data unregistered) that says so; its hexadecimal digits need no
    /// emulation prevention.
    #[must_use]
    pub fn sei(self, codec: Codec) -> Vec<u8> {
        let head: &[u8] = match codec {
            Codec::H264 => &[6],
            Codec::H265 => &[39 << 1, 1],
        };
        let digits = format!("{:08x}{:08x}", self.session, self.picture);
        [head, &[5, 32], NUMBER_MARK, digits.as_bytes(), &[0x80]].concat()
    }

    /// Finds it in an access unit.
    #[must_use]
    pub fn read(unit: &[u8]) -> Option<Self> {
        let at = unit.windows(16).position(|window| window == NUMBER_MARK)? + 16;
        let digits = std::str::from_utf8(unit.get(at..at + 16)?).ok()?;
        let (session, picture) = digits.split_at_checked(8)?;
        Some(Self {
            session: u32::from_str_radix(session, 16).ok()?,
            picture: u32::from_str_radix(picture, 16).ok()?,
        })
    }

    /// Finds all of them, in whatever holds access units.
    #[must_use]
    pub fn all(bytes: &[u8]) -> Vec<Self> {
        let (mut found, mut rest) = (vec![], bytes);
        while let Some(at) = rest.windows(16).position(|window| window == NUMBER_MARK) {
            found.extend(Self::read(&rest[at..]));
            rest = &rest[at + 16..];
        }
        found
    }
}

/// Writes the packets of one track.
#[derive(Debug, Clone)]
pub struct Packets {
    /// Interleaved channel; the next one is for RTCP.
    pub channel: u8,
    /// RTP payload type.
    pub payload_type: u8,
    /// Synchronisation source.
    pub ssrc: u32,
    /// Number of the next packet.
    pub sequence: u16,
    /// Longest payload.
    pub payload_max: usize,
    /// Packets and payload bytes sent, for sender reports.
    pub sent: (u32, u32),
}

impl Packets {
    /// One packet.
    pub fn packet(&mut self, out: &mut Vec<u8>, stamp: u32, mark: bool, parts: &[&[u8]]) {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let length = u16::try_from(bytes + 12).unwrap_or(u16::MAX);
        out.extend([b'$', self.channel]);
        out.extend(length.to_be_bytes());
        out.extend([0x80, self.payload_type | u8::from(mark) << 7]);
        out.extend(self.sequence.to_be_bytes());
        out.extend(stamp.to_be_bytes());
        out.extend(self.ssrc.to_be_bytes());
        parts.iter().for_each(|part| out.extend_from_slice(part));
        self.sequence = self.sequence.wrapping_add(1);
        self.sent.0 = self.sent.0.wrapping_add(1);
        let bytes = u32::try_from(bytes).unwrap_or(0);
        self.sent.1 = self.sent.1.wrapping_add(bytes);
    }

    /// One picture: what is small in one packet, what is large in many.
    pub fn picture(&mut self, out: &mut Vec<u8>, stamp: u32, codec: Codec, nals: &[&[u8]]) {
        let (small, large): (Vec<&[u8]>, Vec<&[u8]>) = nals.iter().partition(|nal| nal.len() < 200);
        if small.len() > 1 {
            let mut joined = match codec {
                Codec::H264 => vec![24 | 0x60],
                Codec::H265 => vec![48 << 1, 1],
            };
            for nal in &small {
                joined.extend(u16::try_from(nal.len()).unwrap_or(0).to_be_bytes());
                joined.extend_from_slice(nal);
            }
            self.packet(out, stamp, large.is_empty(), &[&joined]);
        } else if let Some(nal) = small.first() {
            self.packet(out, stamp, large.is_empty(), &[nal]);
        }
        for (number, nal) in large.iter().enumerate() {
            self.unit(out, stamp, number + 1 == large.len(), codec, nal);
        }
    }

    fn unit(&mut self, out: &mut Vec<u8>, stamp: u32, last: bool, codec: Codec, nal: &[u8]) {
        if nal.len() <= self.payload_max {
            return self.packet(out, stamp, last, &[nal]);
        }
        let (head, body) = match codec {
            Codec::H264 => nal.split_at(1),
            Codec::H265 => nal.split_at(2),
        };
        let pieces = body.chunks(self.payload_max - 3);
        let count = pieces.len();
        for (number, piece) in pieces.enumerate() {
            let end = number + 1 == count;
            let edge = u8::from(number == 0) << 7 | u8::from(end) << 6;
            let fragment = match codec {
                Codec::H264 => vec![head[0] & 0xe0 | 28, edge | head[0] & 0x1f],
                Codec::H265 => vec![
                    head[0] & 0x81 | 49 << 1,
                    head[1],
                    edge | head[0] >> 1 & 0x3f,
                ],
            };
            self.packet(out, stamp, last && end, &[&fragment, piece]);
        }
    }

    /// One frame of sound.
    pub fn sound(&mut self, out: &mut Vec<u8>, stamp: u32, codec: SoundCodec, frame: &Bytes) {
        if codec == SoundCodec::Aac {
            let size = u16::try_from(frame.len() << 3).unwrap_or(0).to_be_bytes();
            let header = [0, 16, size[0], size[1]];
            return self.packet(out, stamp, true, &[&header, frame]);
        }
        self.packet(out, stamp, false, &[frame]);
    }

    /// A sender report that says `ntp` (seconds since 1900, and their fraction) for `stamp`.
    pub fn report(&self, out: &mut Vec<u8>, stamp: u32, ntp: u64) {
        out.extend([b'$', self.channel + 1, 0, 28, 0x80, 200, 0, 6]);
        out.extend(self.ssrc.to_be_bytes());
        out.extend(ntp.to_be_bytes());
        out.extend(stamp.to_be_bytes());
        out.extend(self.sent.0.to_be_bytes());
        out.extend(self.sent.1.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(payload_max: usize) -> Packets {
        Packets {
            channel: 0,
            payload_type: 96,
            ssrc: 7,
            sequence: 65_535,
            payload_max,
            sent: (0, 0),
        }
    }

    #[test]
    fn a_large_unit_is_cut_and_its_pieces_say_so() {
        let (mut track, mut out) = (packets(103), vec![]);
        let nal: Vec<u8> = [0x65].into_iter().chain([7; 299]).collect();
        track.picture(&mut out, 90, Codec::H264, &[&nal]);
        assert_eq!(track.sequence, 2, "three packets, counted beyond 65535");
        let pieces: Vec<&[u8]> = out.split(|byte| *byte == b'$').skip(1).collect();
        let marks: Vec<(u8, u8, u8)> = pieces
            .iter()
            .map(|piece| (piece[4] >> 7, piece[15], piece[16]))
            .collect();
        assert_eq!(marks, [(0, 0x7c, 0x85), (0, 0x7c, 0x05), (1, 0x7c, 0x45)]);
    }

    #[test]
    fn a_picture_says_its_number() {
        let number = Number {
            session: 3,
            picture: 0x1234,
        };
        for codec in [Codec::H264, Codec::H265] {
            assert_eq!(Number::read(&number.sei(codec)), Some(number));
        }
        let two = [number.sei(Codec::H264), number.sei(Codec::H265)].concat();
        assert_eq!(Number::all(&two), [number, number]);
        assert_eq!(Number::read(b"xunke-picture-no0000"), None);
    }
}
