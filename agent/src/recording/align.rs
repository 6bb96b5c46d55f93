//! Sound beside picture: holds pictures back until the sound of the same moment is there.

use bytes::Bytes;
use std::collections::VecDeque;

/// Pictures wait no longer than this for their sound.
const WAIT_US_MAX: i64 = 1_000_000;
/// A camera whose sound is further behind than this has none.
const SILENT_US: i64 = 2_000_000;
/// Most sound held for pictures that do not come: about ten seconds.
const AUDIO_MAX: usize = 512;

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
#[derive(Default)]
pub struct Aligner {
    video: VecDeque<Sample>,
    audio: VecDeque<Sample>,
    seen_us: Option<i64>,
    heard_us: Option<i64>,
    /// Sound was announced.
    expects: bool,
}

impl Aligner {
    /// Takes the next picture.
    pub fn push_video(&mut self, sample: Sample) {
        self.seen_us = Some(sample.at_us);
        self.video.push_back(sample);
    }

    /// Takes the next piece of sound.
    pub fn push_audio(&mut self, sample: Sample) {
        self.heard_us = Some(sample.at_us);
        if self.audio.len() >= AUDIO_MAX {
            self.audio.pop_front();
        }
        self.audio.push_back(sample);
    }

    /// Sound was announced: the first pictures wait for it too.
    pub fn expect(&mut self) {
        self.expects = true;
    }

    /// The stream was interrupted: sound has to be heard anew.
    pub fn restart(&mut self) {
        self.seen_us = None;
        self.heard_us = None;
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
        if all || !self.waits(next.at_us) {
            return self.video.pop_front().map(Aligned::Video);
        }
        None
    }

    fn waits(&self, at_us: i64) -> bool {
        let waited_us = self.seen_us.map_or(0, |seen| seen - at_us);
        let comes = match self.heard_us {
            Some(heard) => heard < at_us && self.hears(),
            None => self.expects,
        };
        comes && waited_us < WAIT_US_MAX
    }
}
