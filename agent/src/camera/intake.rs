//! From a session's samples to frame messages of one stream: configuration first, then frames with
//! capture times and a sequence that shows every loss. Worker process only.

use super::codec::{self, Video};
use super::g711::{CLIPPED_MIN as G711_CLIPPED_MIN, Law, Lossless};
use super::hearing::{Ear, Heard};
use super::looks::{Looks, Track};
use super::pair::{ClockPace, Note, Report};
use super::times::Times;
use crate::clock;
use bytes::Bytes;
use tokio::sync::mpsc::Sender;
use xunke_protocol::live::{AudioConfig, Frame, FrameKind, HEADER_BYTES, MESSAGE_BYTES_MAX};

/// Sound waits for the next picture, so that both wake the agent once; but no more of it than this.
const SOUND_MAX: usize = 16;

/// Samples in a frame of AAC, and of FLAC as G.711 comes in.
const PIECE_SAMPLES: i64 = 1024;

/// What the worker sends to the agent; `None` ends the process after what waits has been sent.
pub type Outgoing = Sender<Option<Report>>;

/// Takes the samples of one session.
pub struct Intake {
    handle: u16,
    outgoing: Outgoing,
    /// Takes what is looked at and listened to.
    looks: Looks,
    /// Monotonic milliseconds of the newest picture.
    newest_ms: Option<u64>,
    sequence: u32,
    picture: Option<Description>,
    pictures: Times,
    sound: Option<Bytes>,
    sound_track: Option<Track<(u32, u32)>>,
    /// Makes frames of sound that comes as G.711.
    lossless: Option<Lossless>,
    sounds: Times,
    /// Listens to sound that needs no decoding.
    ear: Ear,
    /// What the agent knows of the camera's clock.
    told: ClockPace,
    /// Sound that waits for its picture.
    held: Vec<(FrameKind, i64, Bytes)>,
    /// The agent was too slow: pictures are left out up to the next keyframe.
    skipping: bool,
    /// Pictures left out that the agent has not been told of.
    left_out: u32,
}

/// How the pictures of this session are encoded.
struct Description {
    track: Track<Video>,
    /// As the agent is told, in JSON.
    message: Bytes,
}

impl Intake {
    /// For the stream that the agent knows by `handle`.
    pub fn new(handle: u16, outgoing: Outgoing, looks: Looks) -> Self {
        Self {
            handle,
            outgoing,
            looks,
            newest_ms: None,
            sequence: 0,
            picture: None,
            pictures: Times::default(),
            sound: None,
            sound_track: None,
            lossless: None,
            sounds: Times::default(),
            ear: Ear::default(),
            told: ClockPace::default(),
            held: Vec::new(),
            skipping: false,
            left_out: 0,
        }
    }

    /// When the newest picture came, see [`clock::mono_ms`]; also one that cannot be used because
    /// the camera has not yet said how it is encoded.
    pub fn newest_ms(&self) -> Option<u64> {
        self.newest_ms
    }

    /// Whether it is known how pictures are encoded.
    pub fn has_picture(&self) -> bool {
        self.picture.is_some()
    }

    /// Whether it is known how sound is encoded.
    pub fn has_sound(&self) -> bool {
        self.sound.is_some()
    }

    /// Tells the agent that something the camera offers is not taken.
    pub fn ignored(&self, detail: &str) {
        let detail = detail.to_owned();
        self.note(Note::Ignored { detail });
    }

    /// Notes how pictures are encoded from now on, as [`Video::config`] takes it.
    pub fn video_config(&mut self, codec: Video, description: &[u8], width: u32, height: u32) {
        let config = codec.config(description, width, height);
        let Some(message) = config.and_then(|config| serde_json::to_vec(&config).ok()) else {
            return;
        };
        let message = Bytes::from(message);
        if self
            .picture
            .as_ref()
            .is_some_and(|known| known.message == message)
        {
            return;
        }
        self.flush();
        let track = Track {
            codec,
            description: Bytes::copy_from_slice(description),
        };
        self.picture = Some(Description {
            track,
            message: message.clone(),
        });
        // Known before it is sent: what could not be sent is forgotten again.
        self.send(FrameKind::VideoConfig, false, 0, message);
    }

    /// Notes how sound is encoded, as [`codec::audio_config`] takes it.
    pub fn audio_config(&mut self, description: &[u8], sample_rate: u32, channels: u32) {
        self.lossless = None;
        self.sound_track = Some(Track {
            codec: (sample_rate, channels),
            description: Bytes::copy_from_slice(description),
        });
        self.sound_config(codec::audio_config(description, sample_rate, channels));
    }

    /// Notes that sound comes as G.711.
    pub fn g711_config(&mut self, law: Law, sample_rate: u32, channels: u32) {
        self.lossless = Lossless::new(law, sample_rate, channels);
        self.sound_track = None;
        self.ear = Ear::default();
        self.sound_config(self.lossless.as_ref().and_then(Lossless::config));
    }

    fn sound_config(&mut self, config: Option<AudioConfig>) {
        if let Some(message) = config.and_then(|config| serde_json::to_vec(&config).ok()) {
            let message = Bytes::from(message);
            self.sound = Some(message.clone());
            self.looks.sound_changed();
            self.held.push((FrameKind::AudioConfig, 0, message));
        }
    }

    /// Takes a picture, with the camera's time stamp in microseconds.
    pub fn video(&mut self, stamp_us: i64, unit: Bytes) {
        let mono_ms = clock::mono_ms();
        self.newest_ms = Some(mono_ms);
        let Some(picture) = self.picture.as_ref().filter(|_| !unit.is_empty()) else {
            return;
        };
        let key = picture.track.codec.is_key(&unit);
        let captured_us = self.pictures.captured_us(stamp_us, clock::moment());
        if key {
            self.looks.picture(&picture.track, &unit, mono_ms);
        }
        self.flush();
        self.send(FrameKind::Video, key, captured_us, unit);
    }

    /// Takes a piece of sound, with the camera's time stamp in microseconds.
    pub fn audio(&mut self, stamp_us: i64, data: Bytes) {
        if self.sound.is_none() || data.is_empty() {
            return;
        }
        let mono_ms = clock::mono_ms();
        if let Some(track) = &self.sound_track {
            self.looks.sound(track, &data, mono_ms);
        }
        if let Some(heard) = self.listen(&data, mono_ms) {
            self.note(Note::Sound(heard));
        }
        let pieces = match &mut self.lossless {
            Some(lossless) => lossless.push(stamp_us, &data),
            None => vec![(stamp_us, data)],
        };
        let (now, lasts_us) = (clock::moment(), self.piece_us());
        for (stamp_us, data) in pieces {
            // A piece comes when its last sample was heard, and bears the time of its first.
            let ended_us = self.sounds.captured_us(stamp_us + lasts_us, now);
            self.held
                .push((FrameKind::Audio, ended_us - lasts_us, data));
        }
        if self.held.len() >= SOUND_MAX {
            self.flush();
        }
    }

    /// How long a piece of sound lasts, microseconds.
    fn piece_us(&self) -> i64 {
        let track = self.sound_track.as_ref().map(|track| track.codec.0);
        let hertz = self.lossless.as_ref().map(Lossless::hertz).or(track);
        let of = |hertz| PIECE_SAMPLES * 1_000_000 / i64::from(hertz);
        hertz.filter(|&hertz| hertz > 0).map_or(0, of)
    }

    /// Sound of G.711 is numbers already.
    fn listen(&mut self, codes: &[u8], mono_ms: u64) -> Option<Heard> {
        let lossless = self.lossless.as_ref()?;
        let enough = lossless.hertz() / 2;
        self.ear
            .take(lossless.values(codes), enough, G711_CLIPPED_MIN, mono_ms)
    }

    /// Tells the agent how the camera's clock goes, when that is news.
    pub fn tell_pace(&mut self) {
        let pace = ClockPace {
            drift_ppm: self.pictures.drift_ppm(),
            sound_drift_ppm: self.sounds.drift_ppm(),
            steps: self.pictures.steps(),
            rough: self.pictures.rough(),
        };
        if pace != self.told && self.note(Note::Clock(pace)) {
            self.told = pace;
        }
    }

    /// Whether there was room for it.
    fn note(&self, note: Note) -> bool {
        self.outgoing.try_send(Some(Report::Note(note))).is_ok()
    }

    /// Tells the agent of pictures that it did not take in time, as soon as it takes something.
    pub fn confess(&mut self) {
        if self.left_out == 0 {
            return;
        }
        let pictures = self.left_out;
        if self.note(Note::Slow { pictures }) {
            self.left_out = 0;
        }
    }

    /// Sends the sound that waits for a picture.
    pub fn flush(&mut self) {
        for (kind, captured_us, data) in std::mem::take(&mut self.held) {
            self.send(kind, false, captured_us, data);
        }
    }

    /// Never waits: what the agent does not take in time is left out up to the next keyframe, and
    /// the sequence shows it.
    fn send(&mut self, kind: FrameKind, key: bool, captured_us: i64, payload: Bytes) {
        self.sequence = self.sequence.wrapping_add(1);
        let picture = kind == FrameKind::Video;
        let config = matches!(kind, FrameKind::VideoConfig | FrameKind::AudioConfig);
        if (self.skipping && !key && !config) || payload.len() + HEADER_BYTES > MESSAGE_BYTES_MAX {
            self.skipping |= picture;
            self.left_out += u32::from(picture);
            return;
        }
        let frame = Frame {
            kind,
            key,
            handle: self.handle,
            sequence: self.sequence,
            captured_us,
            payload,
        };
        let sent = self.outgoing.try_send(Some(Report::Frame(frame))).is_ok();
        if !sent && config {
            // Without its configuration the stream is of no use: send it again.
            self.picture = None;
            self.sound = None;
        }
        self.left_out += u32::from(picture && !sent);
        self.skipping = !sent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;

    /// Issue: "which side stalled": what the box does not take is laid to the box.
    #[test]
    fn pictures_that_the_agent_did_not_take_are_confessed() {
        let (outgoing, mut reports) = tokio::sync::mpsc::channel(2);
        let mut intake = Intake::new(0, outgoing, Looks::new(sync_channel(1).0, None));
        intake.video_config(Video::H264, &[1, 100, 0, 40, 0xff, 0xe1], 1920, 1080);
        let key = Bytes::from_static(&[0, 0, 0, 1, 0x65]);
        (0..4).for_each(|number| intake.video(number * 40_000, key.clone()));
        intake.confess();
        let is_slow = |report| matches!(report, Some(Report::Note(Note::Slow { pictures: 3 })));
        assert!(!is_slow(reports.try_recv().unwrap()));
        assert!(!is_slow(reports.try_recv().unwrap()));
        intake.confess();
        assert!(is_slow(reports.try_recv().unwrap()));
        intake.confess();
        assert!(reports.try_recv().is_err(), "told twice");
    }

    /// A session may begin in the middle of a GOP whose parameter sets have been sent before.
    #[test]
    fn pictures_without_parameters_prove_that_the_camera_lives() {
        let (outgoing, mut reports) = tokio::sync::mpsc::channel(2);
        let mut intake = Intake::new(0, outgoing, Looks::new(sync_channel(1).0, None));
        intake.video(0, Bytes::from_static(&[0, 0, 0, 1, 0x41]));
        assert!(intake.newest_ms().is_some() && !intake.has_picture());
        assert!(reports.try_recv().is_err());
    }

    /// Without its configuration a stream is of no use to anybody.
    #[test]
    fn a_configuration_that_could_not_be_sent_is_sent_again() {
        let (outgoing, mut reports) = tokio::sync::mpsc::channel(1);
        let mut intake = Intake::new(0, outgoing.clone(), Looks::new(sync_channel(1).0, None));
        outgoing.try_send(None).unwrap();
        let avcc = [1, 100, 0, 40, 0xff, 0xe1];
        intake.video_config(Video::H264, &avcc, 1920, 1080);
        assert!(!intake.has_picture());
        assert!(reports.try_recv().unwrap().is_none());
        intake.video_config(Video::H264, &avcc, 1920, 1080);
        assert!(intake.has_picture());
        let sent = reports.try_recv().unwrap();
        let Some(Report::Frame(frame)) = sent else {
            panic!("no configuration");
        };
        assert_eq!(frame.kind, FrameKind::VideoConfig);
    }

    /// Else the sound of most cameras would be an eighth of a second behind its pictures.
    #[test]
    fn sound_bears_the_time_of_its_first_sample() {
        let (outgoing, mut reports) = tokio::sync::mpsc::channel(64);
        let mut intake = Intake::new(0, outgoing, Looks::new(sync_channel(1).0, None));
        intake.g711_config(Law::A, 8_000, 1);
        let packet = Bytes::from_static(&[0xd5; 160]);
        (0..200).for_each(|number| intake.audio(number * 20_000, packet.clone()));
        intake.flush();
        let now_us = clock::moment().wall_us;
        let mut late_us = Vec::new();
        while let Ok(Some(report)) = reports.try_recv() {
            if let Report::Frame(frame) = report
                && frame.kind == FrameKind::Audio
            {
                late_us.push(now_us - frame.captured_us);
            }
        }
        assert!(!late_us.is_empty());
        assert!(late_us.iter().all(|&late| late >= 128_000), "{late_us:?}");
    }

    /// X56 for the sound that most cameras send by default: heard without a decoder, every ten
    /// seconds (the clock here stands, so once).
    #[test]
    fn sound_of_g711_is_measured_without_a_decoder() {
        let (outgoing, mut reports) = tokio::sync::mpsc::channel(64);
        let looks = Looks::new(sync_channel(1).0, None);
        let mut intake = Intake::new(0, outgoing, looks);
        intake.g711_config(Law::A, 8_000, 1);
        let loudest = Bytes::from_static(&[0xaa; 160]);
        (0..100).for_each(|packet| intake.audio(packet * 20_000, loudest.clone()));
        let mut heard = Vec::new();
        while let Ok(Some(report)) = reports.try_recv() {
            if let Report::Note(Note::Sound(piece)) = report {
                heard.push(piece);
            }
        }
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].clipping_ratio, 1.0);
        assert!(heard[0].rms_dbfs > -0.2, "{heard:?}");
    }
}
