//! Sound beside picture: holds pictures back until the sound of the same moment is there.

use bytes::Bytes;
use std::collections::VecDeque;

/// Pictures wait no longer than this for their sound.
const WAIT_US_MAX: i64 = 1_000_000;
/// A camera whose sound is further behind than this has none.
const SILENT_US: i64 = 2_000_000;
/// Sound comes in order: further back, the clock was set.
const BACK_US: i64 = 1_000_000;
/// Most sound held for pictures that do not come: about ten seconds.
const AUDIO_MAX: usize = 512;
/// Most pictures held for their sound, and most bytes of them, whatever their times say.
const VIDEO_MAX: usize = 256;
const VIDEO_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One encoded picture or piece of sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// When it is shown, microseconds since 1970-01-01 UTC.
    pub at_us: i64,
    /// Decodable alone.
    pub key: bool,
    /// AVCC, HVCC or AAC without header.
    pub data: Bytes,
}

/// The next thing in order.
pub enum Aligned {
    /// A picture; all sound before it has been given out.
    Video(Sample),
    /// Sound before the next picture.
    Audio(Sample),
}

/// Brings two tracks into one order.
pub struct Aligner {
    video: VecDeque<Sample>,
    video_bytes: usize,
    audio: VecDeque<Sample>,
    first_us_max: i64,
    seen_us: Option<i64>,
    heard_us: Option<i64>,
    /// The first pictures have waited in vain: no sound is expected in this session.
    gave_up: bool,
}

impl Aligner {
    /// At the start of a session, when it is not known whether any sound will come, pictures wait
    /// up to `first_us_max` microseconds for it: cameras often send the picture first.
    pub fn new(first_us_max: i64) -> Self {
        Self {
            video: VecDeque::new(),
            video_bytes: 0,
            audio: VecDeque::new(),
            first_us_max,
            seen_us: None,
            heard_us: None,
            gave_up: false,
        }
    }

    /// Takes the next picture.
    pub fn push_video(&mut self, sample: Sample) {
        self.seen_us = Some(sample.at_us);
        self.video_bytes += sample.data.len();
        self.video.push_back(sample);
    }

    /// Takes the next piece of sound.
    pub fn push_audio(&mut self, sample: Sample) {
        let set_back = |heard_us: i64| heard_us - sample.at_us > BACK_US;
        if self.heard_us.is_some_and(set_back) {
            // What is held lies in what is now the future, and would hold up all that comes.
            self.audio.clear();
        }
        self.heard_us = Some(sample.at_us);
        if self.audio.len() >= AUDIO_MAX {
            self.audio.pop_front();
        }
        self.audio.push_back(sample);
    }

    /// Sound was announced: pictures wait for it again.
    pub fn expect(&mut self) {
        self.gave_up = false;
    }

    /// The stream was interrupted: sound has to be heard anew.
    pub fn restart(&mut self) {
        self.seen_us = None;
        self.heard_us = None;
        self.gave_up = false;
    }

    /// Whether sound keeps coming.
    pub fn hears(&self) -> bool {
        match (self.seen_us, self.heard_us) {
            (Some(seen), Some(heard)) => (seen - heard).abs() < SILENT_US,
            _ => false,
        }
    }

    /// Gives out what is in order; with `all`, everything.
    pub fn pop(&mut self, all: bool) -> Option<Aligned> {
        let next = self.video.front()?;
        if self
            .audio
            .front()
            .is_some_and(|audio| audio.at_us < next.at_us)
        {
            return self.audio.pop_front().map(Aligned::Audio);
        }
        if !all && self.waits(next.at_us) {
            return None;
        }
        self.gave_up |= self.heard_us.is_none();
        let sample = self.video.pop_front()?;
        self.video_bytes -= sample.data.len();
        Some(Aligned::Video(sample))
    }

    fn waits(&self, at_us: i64) -> bool {
        if self.video.len() > VIDEO_MAX || self.video_bytes > VIDEO_BYTES_MAX {
            return false;
        }
        let waited_us = self.seen_us.map_or(0, |seen| seen - at_us);
        match self.heard_us {
            Some(heard) => heard < at_us && self.hears() && waited_us < WAIT_US_MAX,
            None => !self.gave_up && waited_us < self.first_us_max,
        }
    }
}
