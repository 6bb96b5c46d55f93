//! Which keyframes are looked at and which pieces of sound are listened to: few, for decoding one
//! costs more than all else that is done to record a second. Worker process only.

use super::codec::Video;
use super::decode::{Keyframe, Piece};
use super::hearing::LISTEN_MS;
use bytes::Bytes;
use std::sync::mpsc::SyncSender;

/// Frames of a piece: half a second of 1,024 samples at 48,000 a second.
const PIECE_FRAMES: usize = 24;
/// A frame of AAC is at most 768 bytes a channel; a piece of more is not sound.
const PIECE_BYTES_MAX: usize = 256 * 1024;

/// What is to be decoded.
#[derive(Debug)]
pub enum Wanted {
    /// To look at.
    Picture(Keyframe),
    /// To listen to.
    Sound(Piece),
}

/// How the camera's pictures or sound are encoded now.
#[derive(Debug, Clone)]
pub struct Track<C> {
    /// The codec, or what must be known of it.
    pub codec: C,
    /// As the decoder wants it.
    pub description: Bytes,
}

/// What is taken from one stream.
pub struct Looks {
    wanted: SyncSender<Wanted>,
    /// Between two keyframes; `None` when this stream's pictures are not looked at.
    every_ms: Option<u64>,
    looked_ms: Option<u64>,
    listened_ms: Option<u64>,
    piece: Vec<Bytes>,
}

impl Looks {
    /// Hands what it takes to `wanted`; whatever finds no place there is left out.
    pub fn new(wanted: SyncSender<Wanted>, every_ms: Option<u64>) -> Self {
        Self {
            wanted,
            every_ms,
            looked_ms: None,
            listened_ms: None,
            piece: Vec::new(),
        }
    }

    /// A keyframe went by; `mono_ms` as of [`crate::clock::mono_ms`].
    pub fn picture(&mut self, track: &Track<Video>, unit: &Bytes, mono_ms: u64) {
        let Some(every_ms) = self.every_ms else {
            return;
        };
        if is_early(self.looked_ms, every_ms, mono_ms) {
            return;
        }
        let keyframe = Keyframe {
            codec: track.codec,
            description: track.description.clone(),
            unit: unit.clone(),
        };
        if self.wanted.try_send(Wanted::Picture(keyframe)).is_ok() {
            self.looked_ms = Some(mono_ms);
        }
    }

    /// A frame of AAC went by, of so many samples a second and channels.
    pub fn sound(&mut self, track: &Track<(u32, u32)>, frame: &Bytes, mono_ms: u64) {
        if is_early(self.listened_ms, LISTEN_MS, mono_ms) {
            return;
        }
        self.piece.push(frame.clone());
        if self.piece.len() < PIECE_FRAMES {
            return;
        }
        self.listened_ms = Some(mono_ms);
        let frames = std::mem::take(&mut self.piece);
        let bytes: usize = frames.iter().map(Bytes::len).sum();
        let (sample_rate, channels) = track.codec;
        let piece = Piece {
            description: track.description.clone(),
            sample_rate,
            channels,
            frames,
        };
        if bytes <= PIECE_BYTES_MAX {
            let _ = self.wanted.try_send(Wanted::Sound(piece));
        }
    }

    /// How sound is encoded has changed: what was gathered is of no use.
    pub fn sound_changed(&mut self) {
        self.piece.clear();
    }
}

fn is_early(before_ms: Option<u64>, every_ms: u64, mono_ms: u64) -> bool {
    before_ms.is_some_and(|before_ms| mono_ms.saturating_sub(before_ms) < every_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, sync_channel};

    fn looks(every_ms: Option<u64>) -> (Looks, Receiver<Wanted>) {
        let (wanted, received) = sync_channel(2);
        (Looks::new(wanted, every_ms), received)
    }

    fn picture(looks: &mut Looks, bytes: usize, mono_ms: u64) {
        let track = Track {
            codec: Video::H264,
            description: Bytes::new(),
        };
        looks.picture(&track, &Bytes::from(vec![0; bytes]), mono_ms);
    }

    /// Keyframes every two seconds, looked at every four.
    #[test]
    fn a_keyframe_is_looked_at_when_it_is_time() {
        let (mut looks, received) = looks(Some(4_000));
        for second in (0..=12).step_by(2) {
            picture(&mut looks, second as usize, second * 1000);
        }
        let taken = || match received.try_recv() {
            Ok(Wanted::Picture(keyframe)) => Some(keyframe.unit.len()),
            _ => None,
        };
        // The others found no place, for two were waiting already; the next one does.
        assert_eq!([taken(), taken(), taken()], [Some(0), Some(4), None]);
        picture(&mut looks, 14, 14_000);
        assert_eq!(taken(), Some(14));
    }

    #[test]
    fn a_stream_that_is_not_looked_at_costs_nothing() {
        let (mut looks, received) = looks(None);
        picture(&mut looks, 9_000, 0);
        assert!(received.try_recv().is_err());
    }

    #[test]
    fn half_a_second_of_sound_is_listened_to_every_ten() {
        let (mut looks, received) = looks(None);
        let track = Track {
            codec: (48_000, 1),
            description: Bytes::from_static(b"asc"),
        };
        let frame = Bytes::from_static(&[1; 170]);
        (0..1_000).for_each(|n| looks.sound(&track, &frame, n * 21));
        let pieces: Vec<_> = received.try_iter().collect();
        assert_eq!(pieces.len(), 2);
        let huge = Bytes::from(vec![0; PIECE_BYTES_MAX]);
        (0..24).for_each(|n| looks.sound(&track, &huge, 99_000 + n));
        assert!(received.try_recv().is_err(), "that is no sound");
    }
}
