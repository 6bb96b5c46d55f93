//! From GStreamer's samples to frame messages of one stream: configuration first, then frames with
//! capture times and a sequence that shows every loss. Worker process only.

use super::codec::{self, Video};
use super::pair::{Note, Report};
use super::timing::Anchor;
use crate::clock;
use bytes::Bytes;
use gstreamer as gst;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use xunke_protocol::live::{Frame, FrameKind, HEADER_BYTES, MESSAGE_BYTES_MAX};

/// A keyframe is looked at no more often than this.
const LUMA_EVERY_MS: u64 = 5_000;

/// What the worker sends to the agent; `None` ends the process after what waits has been sent.
pub type Outgoing = SyncSender<Option<Report>>;

/// Takes the samples of one session.
pub struct Intake {
    handle: u16,
    outgoing: Outgoing,
    /// Where keyframes go whose brightness is wanted.
    luma: Option<SyncSender<gst::Sample>>,
    answered: AtomicBool,
    /// Monotonic milliseconds of the newest picture, 0 before the first.
    newest_ms: AtomicU64,
    session: Mutex<Session>,
}

#[derive(Default)]
struct Session {
    sequence: u32,
    anchor: Anchor,
    video_caps: Option<gst::Caps>,
    audio_caps: Option<gst::Caps>,
    /// The agent was too slow: pictures are left out up to the next keyframe.
    skipping: bool,
    looked_ms: u64,
}

impl Intake {
    /// For the stream that the agent knows by `handle`.
    pub fn new(handle: u16, outgoing: Outgoing, luma: Option<SyncSender<gst::Sample>>) -> Self {
        Self {
            handle,
            outgoing,
            luma,
            answered: AtomicBool::new(false),
            newest_ms: AtomicU64::new(0),
            session: Mutex::default(),
        }
    }

    /// Notes that the camera offers pictures; false when it has offered some before.
    pub fn answer(&self) -> bool {
        !self.answered.swap(true, Ordering::Relaxed)
    }

    /// Whether the camera has offered pictures.
    pub fn answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// When the newest picture came, see [`clock::mono_ms`].
    pub fn newest_ms(&self) -> Option<u64> {
        Some(self.newest_ms.load(Ordering::Relaxed)).filter(|&newest| newest > 0)
    }

    /// Tells the agent that something the camera offers is not taken.
    pub fn ignored(&self, detail: &str) {
        let detail = detail.to_owned();
        let note = Report::Note(Note::Ignored { detail });
        let _ = self.outgoing.try_send(Some(note));
    }

    /// Takes a picture.
    pub fn video(&self, codec: Video, sample: &gst::Sample) {
        let Some(unit) = payload(sample) else {
            return;
        };
        let mono_ms = clock::mono_ms();
        let mut session = self.session();
        if let Some(caps) = sample.caps_owned()
            && session.video_caps.as_ref() != Some(&caps)
        {
            let Some(config) = video_config(codec, &caps) else {
                return;
            };
            session.video_caps = Some(caps);
            self.send(&mut session, FrameKind::VideoConfig, false, 0, config);
        }
        let key = codec.is_key(&unit);
        let Some(captured_us) = session.captured_us(sample, mono_ms) else {
            return;
        };
        self.send(&mut session, FrameKind::Video, key, captured_us, unit);
        self.newest_ms.store(mono_ms.max(1), Ordering::Relaxed);
        if let Some(luma) = self.luma.as_ref().filter(|_| key)
            && mono_ms.saturating_sub(session.looked_ms) >= LUMA_EVERY_MS
            && luma.try_send(sample.clone()).is_ok()
        {
            session.looked_ms = mono_ms;
        }
    }

    /// Takes a piece of sound.
    pub fn audio(&self, sample: &gst::Sample) {
        let Some(data) = payload(sample) else {
            return;
        };
        let mut session = self.session();
        if let Some(caps) = sample.caps_owned()
            && session.audio_caps.as_ref() != Some(&caps)
        {
            let Some(config) = audio_config(&caps) else {
                return;
            };
            session.audio_caps = Some(caps);
            self.send(&mut session, FrameKind::AudioConfig, false, 0, config);
        }
        if let Some(captured_us) = session.captured_us(sample, clock::mono_ms()) {
            self.send(&mut session, FrameKind::Audio, false, captured_us, data);
        }
    }

    /// Never waits: what the agent does not take in time is left out up to the next keyframe, and
    /// the sequence shows it.
    fn send(
        &self,
        session: &mut Session,
        kind: FrameKind,
        key: bool,
        captured_us: i64,
        payload: Bytes,
    ) {
        session.sequence = session.sequence.wrapping_add(1);
        let picture = kind == FrameKind::Video;
        let config = matches!(kind, FrameKind::VideoConfig | FrameKind::AudioConfig);
        if (session.skipping && !key && !config) || payload.len() + HEADER_BYTES > MESSAGE_BYTES_MAX
        {
            session.skipping |= picture;
            return;
        }
        let frame = Frame {
            kind,
            key,
            handle: self.handle,
            sequence: session.sequence,
            captured_us,
            payload,
        };
        let sent = self.outgoing.try_send(Some(Report::Frame(frame))).is_ok();
        if !sent && config {
            // Without its configuration the stream is of no use: send it again.
            session.video_caps = None;
            session.audio_caps = None;
        }
        session.skipping = !sent;
    }

    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn captured_us(&mut self, sample: &gst::Sample, mono_ms: u64) -> Option<i64> {
        let buffer = sample.buffer()?;
        let stamp = buffer.pts().or_else(|| buffer.dts())?;
        let stamp_us = i64::try_from(stamp.useconds()).ok()?;
        Some(self.anchor.captured_us(stamp_us, clock::now_us(), mono_ms))
    }
}

fn payload(sample: &gst::Sample) -> Option<Bytes> {
    let map = sample.buffer()?.map_readable().ok()?;
    (!map.is_empty()).then(|| Bytes::copy_from_slice(&map))
}

fn description(structure: &gst::StructureRef) -> Option<Vec<u8>> {
    let buffer = structure.get::<gst::Buffer>("codec_data").ok()?;
    let map = buffer.map_readable().ok()?;
    Some(map.to_vec())
}

fn number(structure: &gst::StructureRef, name: &str) -> Option<u32> {
    u32::try_from(structure.get::<i32>(name).ok()?).ok()
}

fn video_config(codec: Video, caps: &gst::Caps) -> Option<Bytes> {
    let structure = caps.structure(0)?;
    let (width, height) = (number(structure, "width")?, number(structure, "height")?);
    let config = codec.config(&description(structure)?, width, height)?;
    serde_json::to_vec(&config).ok().map(Bytes::from)
}

fn audio_config(caps: &gst::Caps) -> Option<Bytes> {
    let structure = caps.structure(0)?;
    let (rate, channels) = (number(structure, "rate")?, number(structure, "channels")?);
    let config = codec::audio_config(&description(structure)?, rate, channels)?;
    serde_json::to_vec(&config).ok().map(Bytes::from)
}
