//! Where a segment begins and ends, and what goes into each fragment. Pure: frames in, steps out.
//!
//! A segment begins at a keyframe and ends at the first keyframe after its length, at one before it
//! would be too large for its slot, or where the stream breaks. Sound is laid beside the picture
//! first, so that each segment holds exactly the sound of its own pictures.

use super::align::{Aligned, Aligner, Sample};
use xunke_protocol::live::{AudioConfig, Frame, FrameKind, VideoConfig};
use xunke_protocol::sealed::CHUNK_BYTES_MAX;

/// A hole in the pictures longer than this is a gap, not jitter.
pub const GAP_US: i64 = 2_000_000;
/// A keyframe this little before a segment's length is the one that was meant.
const JITTER_US: i64 = 100_000;
/// Pictures are stored out of display order by less than this.
const REORDER_US_MAX: i64 = 1_000_000;
/// For cameras that send a keyframe only every few minutes.
const SEGMENT_US_MAX: i64 = 600_000_000;
/// Room for boxes and tags below the largest fragment.
const SLACK_BYTES: usize = 1024 * 1024;
/// At most, what a segment begins and ends with: preamble, init segment, last marks.
const ENDS_BYTES: usize = 64 * 1024;
/// At most, what a fragment takes beside its samples: boxes, tags, mark.
const FRAGMENT_BYTES: usize = 1024;
/// At most, what a sample takes beside its content.
const SAMPLE_BYTES: usize = 32;

/// How long pieces may be, in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Lengths {
    /// A segment ends at the first keyframe after this.
    pub segment_us: i64,
    /// A fragment ends at a keyframe after half of this, and without one a tenth beyond it.
    pub fragment_us: i64,
    /// A session's first pictures wait this long for its sound; 0 when no sound is taken.
    pub first_sound_us: i64,
    /// No segment is larger than this when it is sealed.
    pub segment_bytes_max: u64,
}

/// What a segment carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracks {
    /// The picture.
    pub video: VideoConfig,
    /// The sound, when the camera sends any.
    pub audio: Option<AudioConfig>,
}

/// The content of one fragment, in decoding order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// Pictures.
    pub video: Vec<Sample>,
    /// Sound.
    pub audio: Vec<Sample>,
    /// Where the next fragment begins.
    pub until_us: i64,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A segment begins at this moment.
    Begin {
        /// What it carries.
        tracks: Tracks,
        /// When its first picture is shown.
        start_us: i64,
    },
    /// The open segment goes on.
    Fragment(Batch),
    /// The open segment is whole.
    End,
}

/// Cuts one stream.
pub struct Cutter {
    lengths: Lengths,
    aligner: Aligner,
    video: Option<VideoConfig>,
    audio: Option<AudioConfig>,
    open: Option<Open>,
    sequence: Option<u32>,
    group: Group,
}

/// How large the groups of pictures are that are too long for one fragment: a segment can end only
/// between them.
#[derive(Default)]
struct Group {
    bytes: usize,
    /// A fragment has ended within it.
    long: bool,
    bytes_max: usize,
}

/// The open segment.
struct Open {
    start_us: i64,
    audio: Option<AudioConfig>,
    fragment_us: i64,
    newest_us: i64,
    fragment: Batch,
    fragment_bytes: usize,
    bytes: usize,
    /// Sound began or changed: the next keyframe begins a segment that has it.
    recut: bool,
}

impl Cutter {
    /// A cutter that has seen nothing.
    pub fn new(lengths: Lengths) -> Self {
        Self {
            lengths,
            aligner: Aligner::new(lengths.first_sound_us),
            video: None,
            audio: None,
            open: None,
            sequence: None,
            group: Group::default(),
        }
    }

    /// Takes the next frame of the stream.
    pub fn push(&mut self, frame: Frame) -> Vec<Step> {
        let mut steps = Vec::new();
        let follows = self
            .sequence
            .is_none_or(|last| frame.sequence == last.wrapping_add(1));
        let config = matches!(frame.kind, FrameKind::VideoConfig | FrameKind::AudioConfig);
        if !follows && !config {
            self.break_off(&mut steps);
        }
        if follows || !config {
            self.sequence = Some(frame.sequence);
        }
        let sample = Sample {
            at_us: frame.captured_us,
            key: frame.key,
            data: frame.payload,
        };
        match frame.kind {
            FrameKind::VideoConfig => self.take_video_config(&sample.data, &mut steps),
            FrameKind::AudioConfig => self.take_audio_config(&sample.data),
            FrameKind::Video => self.aligner.push_video(sample),
            FrameKind::Audio => self.aligner.push_audio(sample),
        }
        while let Some(aligned) = self.aligner.pop(false) {
            self.take(aligned, &mut steps);
        }
        steps
    }

    /// The stream has stopped: ends the open segment with all it has.
    pub fn interrupt(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        self.break_off(&mut steps);
        self.sequence = None;
        steps
    }

    fn break_off(&mut self, steps: &mut Vec<Step>) {
        while let Some(aligned) = self.aligner.pop(true) {
            self.take(aligned, steps);
        }
        self.aligner.restart();
        self.end(None, steps);
    }

    fn take_video_config(&mut self, json: &[u8], steps: &mut Vec<Step>) {
        let config: Option<VideoConfig> = serde_json::from_slice(json).ok();
        if config.is_some() && config != self.video {
            self.break_off(steps);
            self.video = config;
        }
    }

    fn take_audio_config(&mut self, json: &[u8]) {
        let config: Option<AudioConfig> = serde_json::from_slice(json).ok();
        if config.is_some() && config != self.audio {
            self.audio = config;
        }
        if self.audio.is_some() {
            self.aligner.expect();
        }
        if let Some(open) = &mut self.open {
            open.recut |= open.audio != self.audio;
        }
    }

    fn take(&mut self, aligned: Aligned, steps: &mut Vec<Step>) {
        match aligned {
            Aligned::Audio(sample) => self.take_audio(sample),
            Aligned::Video(sample) => self.take_video(sample, steps),
        }
    }

    fn take_audio(&mut self, sample: Sample) {
        let Some(open) = &mut self.open else {
            return;
        };
        if open.audio == self.audio && open.audio.is_some() && sample.at_us >= open.start_us {
            open.fragment_bytes += sample.data.len() + SAMPLE_BYTES;
            open.fragment.audio.push(sample);
        } else {
            // Sound that comes back after a silence is in no track of this segment.
            open.recut |= open.audio.is_none() && self.audio.is_some();
        }
    }

    fn take_video(&mut self, sample: Sample, steps: &mut Vec<Step>) {
        let at_us = sample.at_us;
        if self
            .open
            .as_ref()
            .is_some_and(|open| open.broken_by(&sample))
        {
            self.end(None, steps);
        }
        self.group.push(&sample);
        if let Some(open) = &self.open {
            let next_bytes = self.group.bytes_max.max(sample.data.len() + SAMPLE_BYTES);
            let last = open.whole(at_us, self.lengths) || !open.takes(next_bytes, self.lengths);
            if sample.key && last {
                self.end(Some(at_us), steps);
            } else if open.fragment_whole(&sample, self.lengths) {
                self.group.long |= !sample.key;
                self.flush(Some(at_us), steps);
            }
        }
        self.spill(&sample, steps);
        if self.open.is_none() && !self.begin(&sample, steps) {
            return;
        }
        if let Some(open) = &mut self.open {
            open.push(sample);
        }
    }

    /// Ends a segment that has no room for a picture. What follows its newest fragment goes into
    /// the next segment when that can begin with it.
    fn spill(&mut self, sample: &Sample, steps: &mut Vec<Step>) {
        let bytes = sample.data.len() + SAMPLE_BYTES;
        let lengths = self.lengths;
        while let Some(open) = self.open.take_if(|open| !open.takes(bytes, lengths)) {
            let start_us = open.fragment_us;
            let key = open.fragment.video.first().is_some_and(|first| first.key);
            let video = self
                .video
                .clone()
                .filter(|_| key && open.start_us < start_us);
            let Some(video) = video else {
                self.open = Some(open);
                return self.end(None, steps);
            };
            let audio = open.audio.clone();
            let tracks = Tracks { video, audio };
            steps.extend([Step::End, Step::Begin { tracks, start_us }]);
            self.open = Some(open.rest());
        }
    }

    fn begin(&mut self, sample: &Sample, steps: &mut Vec<Step>) -> bool {
        let Some(video) = self.video.clone().filter(|_| sample.key) else {
            return false;
        };
        let start_us = sample.at_us;
        let audio = self.audio.clone().filter(|_| self.aligner.hears());
        self.open = Some(Open::new(start_us, audio.clone()));
        let tracks = Tracks { video, audio };
        steps.push(Step::Begin { tracks, start_us });
        true
    }

    fn flush(&mut self, next_us: Option<i64>, steps: &mut Vec<Step>) {
        if let Some(batch) = self.open.as_mut().and_then(|open| open.flush(next_us)) {
            steps.push(Step::Fragment(batch));
        }
    }

    fn end(&mut self, next_us: Option<i64>, steps: &mut Vec<Step>) {
        self.flush(next_us, steps);
        if self.open.take().is_some() {
            steps.push(Step::End);
        }
    }
}

impl Group {
    /// A keyframe begins the next one. What was large once is forgotten in time.
    fn push(&mut self, sample: &Sample) {
        if sample.key {
            let seen = if self.long { self.bytes } else { 0 };
            self.bytes_max = seen.max(self.bytes_max - self.bytes_max / 16);
            self.bytes = 0;
            self.long = false;
        }
        self.bytes += sample.data.len() + SAMPLE_BYTES;
    }
}

impl Open {
    fn new(start_us: i64, audio: Option<AudioConfig>) -> Self {
        Self {
            start_us,
            audio,
            fragment_us: start_us,
            newest_us: start_us,
            fragment: Batch::default(),
            fragment_bytes: 0,
            bytes: ENDS_BYTES,
            recut: false,
        }
    }

    /// A segment that begins with the fragment that this one has no room for.
    fn rest(self) -> Self {
        let start_us = self.fragment_us;
        Self {
            start_us,
            bytes: ENDS_BYTES,
            ..self
        }
    }

    /// The clock jumped, pictures are missing, or no keyframe came for too long.
    fn broken_by(&self, sample: &Sample) -> bool {
        let step_us = sample.at_us - self.newest_us;
        !(-REORDER_US_MAX..=GAP_US).contains(&step_us)
            || sample.at_us - self.start_us > SEGMENT_US_MAX
    }

    /// Whether so many bytes more fit into the slot.
    fn takes(&self, bytes: usize, lengths: Lengths) -> bool {
        let all = self.bytes + self.fragment_bytes + FRAGMENT_BYTES + bytes;
        all as u64 <= lengths.segment_bytes_max
    }

    fn whole(&self, at_us: i64, lengths: Lengths) -> bool {
        self.recut || at_us - self.start_us + JITTER_US >= lengths.segment_us
    }

    fn fragment_whole(&self, next: &Sample, lengths: Lengths) -> bool {
        let length_us = next.at_us - self.fragment_us;
        let long_us = lengths.fragment_us + lengths.fragment_us / 10;
        // Between two keyframes a cut is clean before a picture that is shown after all others.
        let clean = next.at_us > self.newest_us;
        let full = self.fragment_bytes + next.data.len() + SLACK_BYTES > CHUNK_BYTES_MAX;
        full || (next.key && length_us >= lengths.fragment_us / 2)
            || (clean && length_us >= long_us)
    }

    fn push(&mut self, sample: Sample) {
        self.newest_us = self.newest_us.max(sample.at_us);
        self.fragment_bytes += sample.data.len() + SAMPLE_BYTES;
        self.fragment.video.push(sample);
    }

    fn flush(&mut self, next_us: Option<i64>) -> Option<Batch> {
        if self.fragment.video.is_empty() {
            return None;
        }
        let pictures = i64::try_from(self.fragment.video.len()).unwrap_or(1);
        let between_us = (self.newest_us - self.fragment_us) / (pictures - 1).max(1);
        let until_us = next_us.unwrap_or(self.newest_us + between_us.clamp(1_000, 1_000_000));
        self.bytes += self.fragment_bytes + FRAGMENT_BYTES;
        self.fragment_bytes = 0;
        self.fragment_us = until_us;
        let batch = std::mem::take(&mut self.fragment);
        Some(Batch { until_us, ..batch })
    }
}

#[cfg(test)]
mod tests;
