//! What is known of a camera right now, from the reports of its worker.

use super::hearing::{Heard, Hearing};
use super::notice::Notice;
use super::pair::ClockPace;
use super::sight::Sight;
use std::collections::VecDeque;
use xunke_protocol::health::{CameraEvent, CameraSignals, CameraState, Shows, Side};
use xunke_protocol::id::SourceName;
use xunke_protocol::live::{Frame, FrameKind};

/// Rates are those of the last ten seconds.
const RATE_MS: i64 = 10_000;
/// A camera whose newest sound is older than this sends none.
const AUDIO_MS: i64 = 5_000;
/// What a camera calls itself: letters enough to know it, and no room for more.
const NAME_CHARS_MAX: usize = 24;
const EVENTS_MAX: usize = 4;
/// A clock that strays by less than this has not changed.
const SKEW_STEP_MS: i64 = 2_000;

/// Collects the full picture's numbers.
pub struct Meter {
    source: SourceName,
    shows: Shows,
    sound_taken: bool,
    state: CameraState,
    since: i64,
    /// Which side frames are missing at while the camera does not stream.
    side: Option<Side>,
    /// When the box last left out pictures.
    slow_ms: Option<i64>,
    restarts: u32,
    /// In this session.
    pace: ClockPace,
    /// Steps of the camera's clock in earlier sessions.
    steps_before: u32,
    newest_video_ms: Option<i64>,
    newest_audio_ms: Option<i64>,
    /// Mean and variance of the newest look, and its sharpness.
    luma: Option<(f32, f32)>,
    /// Model, firmware and skew of the clock, by ONVIF.
    device: Option<(String, String, Option<i64>)>,
    events: Vec<CameraEvent>,
    sharpness: Option<f32>,
    notice: Notice,
    hearing: Hearing,
    /// One entry a second: when it began, bytes, pictures.
    seconds: VecDeque<(i64, u64, u32)>,
}

impl Meter {
    /// A camera that is being opened for the first time.
    pub fn new(source: SourceName, shows: Shows, sound_taken: bool, now_ms: i64) -> Self {
        Self {
            source,
            shows,
            sound_taken,
            state: CameraState::Connecting,
            since: now_ms,
            side: None,
            slow_ms: None,
            restarts: 0,
            pace: ClockPace::default(),
            steps_before: 0,
            newest_video_ms: None,
            newest_audio_ms: None,
            luma: None,
            device: None,
            events: Vec::new(),
            sharpness: None,
            notice: Notice::default(),
            hearing: Hearing::default(),
            seconds: VecDeque::new(),
        }
    }

    /// Counts a frame of the full picture.
    pub fn frame(&mut self, frame: &Frame, now_ms: i64) {
        match frame.kind {
            FrameKind::Video => self.newest_video_ms = Some(now_ms),
            FrameKind::Audio => self.newest_audio_ms = Some(now_ms),
            FrameKind::VideoConfig | FrameKind::AudioConfig => return,
        }
        let current = self
            .seconds
            .back()
            .is_some_and(|second| now_ms - second.0 < 1000);
        if !current {
            self.seconds.push_back((now_ms, 0, 0));
        }
        if let Some((_, bytes, pictures)) = self.seconds.back_mut() {
            *bytes += frame.payload.len() as u64;
            *pictures += u32::from(frame.kind == FrameKind::Video);
        }
    }

    /// Notes a state; returns whether it is news. A second attempt that has not succeeded yet is
    /// none: the camera stays as it was found.
    pub fn state(&mut self, state: CameraState, side: Option<Side>, now_ms: i64) -> bool {
        let news = self.state != state || self.side != side;
        self.side = side;
        if self.state != state {
            self.state = state;
            self.since = now_ms;
        }
        if state != CameraState::Streaming {
            self.luma = None;
            self.sharpness = None;
            self.notice.interrupt();
            self.hearing.interrupt();
            self.seconds.clear();
        }
        news
    }

    /// Notes that the box left out pictures; returns whether it is news.
    pub fn slow(&mut self, now_ms: i64) -> bool {
        let news = !self.is_slow(now_ms);
        self.slow_ms = Some(now_ms);
        news
    }

    fn is_slow(&self, now_ms: i64) -> bool {
        self.slow_ms
            .is_some_and(|slow_ms| now_ms - slow_ms < RATE_MS)
    }

    /// Notes that the session has to be opened again.
    pub fn restart(&mut self) {
        self.restarts = self.restarts.saturating_add(1);
        self.steps_before = self.steps();
        self.pace = ClockPace::default();
    }

    /// Notes how the camera's clock goes; returns whether it was set.
    pub fn clock(&mut self, pace: ClockPace) -> bool {
        let set = pace.steps > self.pace.steps;
        self.pace = pace;
        set
    }

    /// Of the camera's clock, in all sessions.
    fn steps(&self) -> u32 {
        self.steps_before.saturating_add(self.pace.steps)
    }

    /// Notes what a keyframe says; a screen may look like anything.
    pub fn sight(&mut self, sight: &Sight, now_ms: i64) {
        if self.shows == Shows::Screen {
            return;
        }
        self.luma = Some((sight.mean, sight.variance));
        self.sharpness = sight.sharpness;
        self.notice.take(sight, now_ms);
    }

    /// Notes what a piece of sound says; a screen has no microphone.
    pub fn sound(&mut self, heard: Heard, now_ms: i64) {
        if self.shows == Shows::Screen {
            return;
        }
        self.hearing.take(heard, now_ms);
    }

    /// Notes what the camera says of itself; returns whether it is news.
    pub fn device(&mut self, model: &str, firmware: &str, skew_ms: Option<i64>) -> bool {
        let device = (named(model), named(firmware), skew_ms);
        let strays = |old: Option<i64>| match (old, skew_ms) {
            (Some(old), Some(new)) => old.abs_diff(new) > SKEW_STEP_MS.unsigned_abs(),
            (old, new) => old != new,
        };
        let known = self.device.as_ref();
        let news =
            known.is_none_or(|old| (&old.0, &old.1) != (&device.0, &device.1) || strays(old.2));
        self.device = Some(device);
        news
    }

    /// Notes the tamper events that the camera says are going on.
    pub fn events(&mut self, mut events: Vec<CameraEvent>) {
        events.truncate(EVENTS_MAX);
        self.events = events;
    }

    /// The report for the hub.
    pub fn signals(&mut self, now_ms: i64) -> CameraSignals {
        let old = |second: &(i64, u64, u32)| now_ms - second.0 > RATE_MS;
        while self.seconds.front().is_some_and(old) {
            self.seconds.pop_front();
        }
        let first = self.seconds.front().map_or(now_ms, |second| second.0);
        let span_s = ((now_ms - first).max(1000)) as f64 / 1000.0;
        let bytes: u64 = self.seconds.iter().map(|second| second.1).sum();
        let pictures: u32 = self.seconds.iter().map(|second| second.2).sum();
        let age = |newest: i64| u64::try_from(now_ms - newest).unwrap_or(0);
        let audio = self
            .newest_audio_ms
            .is_some_and(|newest| now_ms - newest < AUDIO_MS);
        CameraSignals {
            source: self.source.clone(),
            shows: self.shows,
            state: self.state,
            since: self.since,
            stalled: self.side.or(self.is_slow(now_ms).then_some(Side::Box)),
            frame_age_ms: self.newest_video_ms.map(age),
            bytes_per_second: (bytes as f64 / span_s) as u64,
            frames_per_second: (f64::from(pictures) / span_s * 10.0).round() as f32 / 10.0,
            restarts: self.restarts,
            luma_mean: self.luma.map(|luma| tenths(luma.0)),
            luma_variance: self.luma.map(|luma| tenths(luma.1)),
            audio,
            sound_taken: self.sound_taken,
            sharpness: self.sharpness.map(f32::round),
            sight: self.luma.is_some().then(|| self.notice.sightings()),
            sound: self.hearing.signals().filter(|_| audio),
            model: self.device.as_ref().map(|device| device.0.clone()),
            firmware: self.device.as_ref().map(|device| device.1.clone()),
            clock_skew_ms: self.device.as_ref().and_then(|device| device.2),
            drift_ppm: self.pace.drift_ppm.map(tenths),
            sound_drift_ppm: self.pace.sound_drift_ppm.map(tenths),
            clock_steps: self.steps(),
            events: self.events.clone(),
        }
    }
}

/// Plain letters of a camera's own words: it may have been taken over, and the worker with it.
fn named(text: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_graphic() || *letter == ' ';
    text.chars().filter(plain).take(NAME_CHARS_MAX).collect()
}

fn tenths(value: f32) -> f32 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use xunke_protocol::health::TamperTopic;

    fn frame(kind: FrameKind) -> Frame {
        Frame {
            kind,
            key: false,
            handle: 0,
            sequence: 0,
            captured_us: 0,
            payload: Bytes::from_static(&[0; 1000]),
        }
    }

    fn room() -> Meter {
        Meter::new("cam0".parse().unwrap(), Shows::Room, true, 0)
    }

    /// Issue: a screen may stand still, be black or be silent for a whole lesson.
    #[test]
    fn a_screen_is_judged_neither_by_its_looks_nor_by_its_sound() {
        let black = Sight {
            same_ratio: Some(1.0),
            ..Sight::default()
        };
        let nothing = Heard {
            rms_dbfs: -120.0,
            clipping_ratio: 0.0,
        };
        let found = |shows| {
            let mut meter = Meter::new("cam0".parse().unwrap(), shows, true, 0);
            for now_ms in (0..120_000).step_by(4_000) {
                meter.frame(&frame(FrameKind::Audio), now_ms);
                meter.sight(&black, now_ms);
                meter.sound(nothing, now_ms);
            }
            let signals = meter.signals(120_000);
            let sighted = signals.sight.is_some_and(|all| !all.is_empty());
            let heard = signals.sound.is_some_and(|sound| sound.found.is_some());
            (signals.shows, sighted, heard)
        };
        assert_eq!(found(Shows::Room), (Shows::Room, true, true));
        assert_eq!(found(Shows::Screen), (Shows::Screen, false, false));
    }

    #[test]
    fn rates_are_those_of_the_last_ten_seconds() {
        let mut meter = room();
        (0..750).for_each(|number| meter.frame(&frame(FrameKind::Video), number * 40));
        let signals = meter.signals(30_000);
        assert!(
            (24.0..=26.0).contains(&signals.frames_per_second),
            "{signals:?}"
        );
        assert!(
            (24_000..=26_000).contains(&signals.bytes_per_second),
            "{signals:?}"
        );
        assert_eq!((signals.frame_age_ms, signals.audio), (Some(40), false));
        let later = meter.signals(60_000);
        assert_eq!((later.frames_per_second, later.bytes_per_second), (0.0, 0));
        assert_eq!(later.frame_age_ms, Some(30_040));
    }

    /// R64, X62.
    #[test]
    fn a_camera_says_who_it_is_in_few_plain_letters() {
        let mut meter = room();
        assert_eq!(meter.signals(0).model, None);
        let long = format!("IPC-\u{7}<{}", "9".repeat(99));
        assert!(meter.device(&long, "V5.7", Some(28_800_000)));
        assert!(
            !meter.device(&long, "V5.7", Some(28_801_000)),
            "the clock strays a little"
        );
        assert!(meter.device(&long, "V5.7", Some(0)), "the clock was set");
        assert!(meter.device(&long, "V5.8", Some(0)));
        let signals = meter.signals(0);
        assert_eq!(signals.model.unwrap(), format!("IPC-<{}", "9".repeat(19)));
        assert_eq!(signals.clock_skew_ms, Some(0));
        let event = CameraEvent {
            topic: TamperTopic::SignalLoss,
            since: 7,
        };
        meter.events(vec![event.clone(); 99]);
        assert_eq!(meter.signals(0).events, vec![event; EVENTS_MAX]);
    }

    /// Issue 4, item 6: what is measured belongs to a session, what is counted to the camera.
    #[test]
    fn the_clock_of_a_camera_is_told_of() {
        let mut meter = room();
        let mut pace = ClockPace {
            drift_ppm: Some(-38.26),
            ..ClockPace::default()
        };
        assert!(!meter.clock(pace));
        pace.steps = 2;
        assert!(meter.clock(pace) && !meter.clock(pace));
        let signals = meter.signals(0);
        assert_eq!((signals.drift_ppm, signals.clock_steps), (Some(-38.3), 2));
        meter.restart();
        let signals = meter.signals(0);
        assert_eq!((signals.drift_ppm, signals.clock_steps), (None, 2));
        pace.steps = 1;
        assert!(meter.clock(pace));
        assert_eq!(meter.signals(0).clock_steps, 3);
    }

    #[test]
    fn a_state_keeps_its_beginning_until_it_changes() {
        let mut meter = room();
        meter.frame(&frame(FrameKind::Audio), 4_000);
        let sight = Sight {
            mean: 16.0,
            ..Sight::default()
        };
        meter.sight(&sight, 4_000);
        assert_eq!(meter.signals(4_000).sight, Some(vec![]));
        assert!(meter.state(CameraState::Unreachable, None, 5_000));
        assert!(!meter.state(CameraState::Unreachable, None, 9_000));
        let signals = meter.signals(8_000);
        assert_eq!(
            (signals.state, signals.since),
            (CameraState::Unreachable, 5_000)
        );
        assert!(signals.audio && signals.luma_mean.is_none() && signals.sight.is_none());
        assert!(!meter.signals(9_001).audio);
    }

    /// Issue: "the health state says which side stalled (camera, network, us)".
    #[test]
    fn the_side_that_frames_are_missing_at_is_told_as_long_as_it_lasts() {
        let mut meter = room();
        assert!(meter.state(CameraState::Stalled, Some(Side::Camera), 1_000));
        assert!(
            meter.state(CameraState::Stalled, Some(Side::Network), 5_000),
            "news"
        );
        let signals = meter.signals(6_000);
        assert_eq!(
            (signals.stalled, signals.since),
            (Some(Side::Network), 1_000)
        );
        assert!(meter.state(CameraState::Streaming, None, 7_000));
        assert_eq!(meter.signals(7_000).stalled, None);
        assert!(meter.slow(8_000) && !meter.slow(9_000));
        assert_eq!(meter.signals(18_000).stalled, Some(Side::Box));
        assert_eq!(meter.signals(19_000).stalled, None);
        assert!(meter.slow(19_000));
    }
}
