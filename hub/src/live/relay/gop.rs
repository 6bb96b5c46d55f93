//! The newest GOP of a push, kept so that whoever joins sees a picture at once.

use xunke_protocol::live::{Frame, FrameKind};

/// Payload bytes kept: ten seconds of 1080p at 8 Mbit/s.
pub const GOP_BYTES_MAX: usize = 12 * 1024 * 1024;
/// Messages kept: ten seconds of video and sound.
pub const GOP_MESSAGES_MAX: usize = 800;

/// The newest configurations and everything since the newest keyframe.
#[derive(Debug, Default)]
pub struct Gop {
    video: Option<Frame>,
    audio: Option<Frame>,
    frames: Vec<Frame>,
    bytes: usize,
}

impl Gop {
    /// Keeps a message if it helps somebody who joins later.
    pub fn push(&mut self, frame: &Frame) {
        match frame.kind {
            FrameKind::VideoConfig => self.configure(frame),
            FrameKind::AudioConfig => self.audio = Some(frame.clone()),
            FrameKind::Video | FrameKind::Audio => self.keep(frame),
        }
    }

    /// What a viewer who joins now gets first: configurations, keyframe, the rest up to now.
    pub fn iter(&self) -> impl Iterator<Item = &Frame> {
        self.video.iter().chain(&self.audio).chain(&self.frames)
    }

    /// A new configuration makes the old pictures undecodable; the same one again does not.
    fn configure(&mut self, frame: &Frame) {
        let known = self.video.as_ref().map(|known| &known.payload);
        if known != Some(&frame.payload) {
            self.forget();
        }
        self.video = Some(frame.clone());
    }

    fn keep(&mut self, frame: &Frame) {
        if frame.key {
            self.forget();
        } else if self.frames.is_empty() {
            return;
        }
        self.bytes += frame.payload.len();
        self.frames.push(frame.clone());
        if self.bytes > GOP_BYTES_MAX || self.frames.len() > GOP_MESSAGES_MAX {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.frames.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{audio, config, delta, key, video_config};
    use super::*;
    use bytes::Bytes;

    fn kept(frames: &[Frame]) -> Vec<i64> {
        let mut gop = Gop::default();
        frames.iter().for_each(|frame| gop.push(frame));
        gop.iter().map(|frame| frame.captured_us).collect()
    }

    #[test]
    fn a_joiner_gets_the_configurations_and_everything_since_the_newest_keyframe() {
        let sound = config(FrameKind::AudioConfig, 2, "mp4a");
        let told = [
            video_config(1),
            sound,
            key(3),
            delta(4),
            audio(5),
            key(6),
            audio(7),
            delta(8),
        ];
        assert_eq!(kept(&told), [1, 2, 6, 7, 8]);
    }

    #[test]
    fn nothing_is_kept_before_the_first_keyframe() {
        assert_eq!(kept(&[video_config(1), delta(2), audio(3)]), [1]);
    }

    #[test]
    fn a_repeated_configuration_keeps_the_pictures_and_a_changed_one_does_not() {
        let same = [video_config(1), key(2), delta(3), video_config(4)];
        assert_eq!(kept(&same), [4, 2, 3]);
        let other = config(FrameKind::VideoConfig, 4, "hvc1");
        let changed = [video_config(1), key(2), delta(3), other, delta(5)];
        assert_eq!(kept(&changed), [4]);
    }

    #[test]
    fn an_endless_gop_is_dropped_whole_and_the_next_keyframe_begins_anew() {
        let mut large = delta(2);
        large.payload = Bytes::from(vec![0; GOP_BYTES_MAX]);
        let mut frames = vec![key(1), large, delta(3)];
        assert_eq!(kept(&frames), [0_i64; 0]);
        frames.extend([key(4), delta(5)]);
        assert_eq!(kept(&frames), [4, 5]);
        let many: Vec<_> = [key(0)].into_iter().chain((1..2000).map(delta)).collect();
        assert_eq!(kept(&many), [0_i64; 0]);
    }
}
