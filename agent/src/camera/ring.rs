//! One stream's frames for many readers: each begins at the newest keyframe, and a slow one is
//! moved on to the next keyframe instead of holding anyone up.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::Notify;
use xunke_protocol::live::{Frame, FrameKind};

/// Longest GOP kept for readers that come later, in microseconds of capture time.
const GOP_US_MAX: i64 = 12_000_000;
/// Most bytes of that GOP.
const GOP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A watcher more than about four seconds behind (25 pictures and 47 sounds each) jumps ahead.
const WATCHER: Limits = Limits {
    bytes: 4 * 1024 * 1024,
    frames: 288,
};
/// The recorder keeps what it has not yet sealed, about two minutes while a disk hangs.
const RECORDER: Limits = Limits {
    bytes: 48 * 1024 * 1024,
    frames: 8_640,
};

/// Most that waits for one reader, beyond the GOP it began with.
#[derive(Clone, Copy)]
struct Limits {
    bytes: usize,
    frames: usize,
}

/// Where a camera's frames enter the box. Cloning gives another handle to the same stream.
#[derive(Clone, Default)]
pub struct FrameHub {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    stream: Mutex<Stream>,
}

#[derive(Default)]
struct Stream {
    video_config: Option<Frame>,
    audio_config: Option<Frame>,
    gop: VecDeque<Frame>,
    gop_bytes: usize,
    readers: Vec<Arc<Reader>>,
    closed: bool,
}

struct Reader {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

struct Waiting {
    limits: Limits,
    /// Whether what waits is worth more than what is new.
    keeps_old: bool,
    frames: VecDeque<Frame>,
    /// How many at the front are the GOP it began with.
    head_start: usize,
    /// Of the others.
    bytes: usize,
    /// Nothing more is taken until a keyframe comes.
    skipping: bool,
    dropped: u64,
    closed: bool,
}

/// One reader of a stream. Dropping it ends the subscription.
pub struct Subscription {
    reader: Arc<Reader>,
    shared: Weak<Shared>,
}

impl FrameHub {
    /// Hands a frame to every reader; never waits.
    pub fn publish(&self, frame: Frame) {
        let mut stream = lock(&self.shared.stream);
        stream.keep(&frame);
        for reader in &stream.readers {
            lock(&reader.waiting).push(&frame, &stream);
            reader.arrived.notify_one();
        }
    }

    /// Forgets the GOP and the configurations, because the session has ended: what comes later
    /// does not continue it, and a frozen last picture must not be shown.
    pub fn interrupt(&self) {
        let mut stream = lock(&self.shared.stream);
        stream.gop.clear();
        stream.gop_bytes = 0;
        stream.video_config = None;
        stream.audio_config = None;
        for reader in &stream.readers {
            lock(&reader.waiting).skipping = true;
        }
    }

    /// Ends the stream: readers get what waits for them, and then `None`.
    pub fn close(&self) {
        lock(&self.shared.stream).close();
    }

    /// Begins to watch: the configurations, the GOP from its keyframe, then live frames. A watcher
    /// that falls behind loses what waits and goes on at the next keyframe.
    pub fn subscribe(&self) -> Subscription {
        self.reader(WATCHER, false)
    }

    /// Begins to record: as [`Self::subscribe`], but a recorder that falls behind keeps what waits
    /// and loses what is new, up to the keyframe at which it has room again.
    pub fn record(&self) -> Subscription {
        self.reader(RECORDER, true)
    }

    fn reader(&self, limits: Limits, keeps_old: bool) -> Subscription {
        let mut stream = lock(&self.shared.stream);
        let reader = Arc::new(Reader {
            waiting: Mutex::new(Waiting::begin(&stream, limits, keeps_old)),
            arrived: Notify::new(),
        });
        if !stream.closed {
            stream.readers.push(reader.clone());
        }
        Subscription {
            reader,
            shared: Arc::downgrade(&self.shared),
        }
    }
}

impl Subscription {
    /// The next frame, in order; `None` when the camera is no longer served by this agent.
    ///
    /// After frames were dropped the next video frame is a keyframe, and [`Frame::sequence`]
    /// shows the gap. Cancel safe.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            {
                let mut waiting = lock(&self.reader.waiting);
                if let Some(frame) = waiting.pop() {
                    return Some(frame);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.reader.arrived.notified().await;
        }
    }

    /// Frames dropped so far because this reader was too slow.
    pub fn dropped(&self) -> u64 {
        lock(&self.reader.waiting).dropped
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            let mut stream = lock(&shared.stream);
            let other = |reader: &Arc<Reader>| !Arc::ptr_eq(reader, &self.reader);
            stream.readers.retain(other);
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let stream = self.stream.get_mut();
        stream.unwrap_or_else(PoisonError::into_inner).close();
    }
}

impl Stream {
    fn close(&mut self) {
        self.closed = true;
        for reader in self.readers.drain(..) {
            lock(&reader.waiting).closed = true;
            reader.arrived.notify_one();
        }
    }

    fn keep(&mut self, frame: &Frame) {
        match frame.kind {
            FrameKind::VideoConfig => {
                self.video_config = Some(frame.clone());
                self.forget_gop();
            }
            FrameKind::AudioConfig => self.audio_config = Some(frame.clone()),
            FrameKind::Video if frame.key => {
                self.forget_gop();
                self.keep_in_gop(frame);
            }
            FrameKind::Video | FrameKind::Audio => {
                if let Some(first) = self.gop.front() {
                    let age_us = frame.captured_us.saturating_sub(first.captured_us);
                    if age_us > GOP_US_MAX || self.gop_bytes > GOP_BYTES_MAX {
                        self.forget_gop();
                    } else {
                        self.keep_in_gop(frame);
                    }
                }
            }
        }
    }

    fn keep_in_gop(&mut self, frame: &Frame) {
        self.gop_bytes += frame.payload.len();
        self.gop.push_back(frame.clone());
    }

    fn forget_gop(&mut self) {
        self.gop.clear();
        self.gop_bytes = 0;
    }

    fn configs(&self) -> impl Iterator<Item = &Frame> {
        self.video_config.iter().chain(&self.audio_config)
    }
}

impl Waiting {
    fn begin(stream: &Stream, limits: Limits, keeps_old: bool) -> Self {
        let mut frames = VecDeque::new();
        if !stream.gop.is_empty() {
            frames.extend(stream.configs().chain(&stream.gop).cloned());
        }
        Self {
            limits,
            keeps_old,
            head_start: frames.len(),
            skipping: frames.is_empty(),
            frames,
            bytes: 0,
            dropped: 0,
            closed: stream.closed,
        }
    }

    fn push(&mut self, frame: &Frame, stream: &Stream) {
        let key = frame.kind == FrameKind::Video && frame.key;
        let room = self.bytes <= self.limits.bytes / 2 && self.frames.len() < self.limits.frames;
        if self.skipping && key && room {
            self.skipping = false;
            self.take_all(stream.configs());
        }
        if self.skipping {
            self.dropped += u64::from(frame.kind == FrameKind::Video);
            return;
        }
        self.take_all([frame]);
        if self.bytes > self.limits.bytes
            || self.frames.len() > self.limits.frames + self.head_start
        {
            self.skip();
        }
    }

    fn skip(&mut self) {
        self.skipping = true;
        if !self.keeps_old {
            self.dropped += self.frames.len() as u64;
            self.frames.clear();
            self.head_start = 0;
            self.bytes = 0;
        }
    }

    fn take_all<'a>(&mut self, frames: impl IntoIterator<Item = &'a Frame>) {
        for frame in frames {
            self.bytes += frame.payload.len();
            self.frames.push_back(frame.clone());
        }
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        if self.head_start > 0 {
            self.head_start -= 1;
        } else {
            self.bytes -= frame.payload.len();
        }
        Some(frame)
    }
}

/// A reader that panicked must not take the camera with it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn frame(kind: FrameKind, key: bool, sequence: u32, bytes: usize) -> Frame {
        Frame {
            kind,
            key,
            handle: 0,
            sequence,
            captured_us: i64::from(sequence) * 40_000,
            payload: Bytes::from(vec![0; bytes]),
        }
    }

    fn config(sequence: u32) -> Frame {
        frame(FrameKind::VideoConfig, false, sequence, 8)
    }

    fn picture(sequence: u32) -> Frame {
        frame(
            FrameKind::Video,
            sequence.is_multiple_of(50),
            sequence,
            1000,
        )
    }

    fn drain(subscription: &Subscription) -> Vec<u32> {
        let mut waiting = lock(&subscription.reader.waiting);
        std::iter::from_fn(|| waiting.pop().map(|frame| frame.sequence)).collect()
    }

    #[test]
    fn a_reader_begins_with_the_configuration_and_the_newest_keyframe() {
        let hub = FrameHub::default();
        hub.publish(config(7));
        let early = hub.subscribe();
        (40..=103).for_each(|number| hub.publish(picture(number)));
        let late = hub.subscribe();
        hub.publish(picture(104));
        assert_eq!(drain(&late), [7, 100, 101, 102, 103, 104]);
        assert_eq!(drain(&early)[..3], [7, 50, 51]);
    }

    #[test]
    fn a_slow_watcher_goes_on_at_a_keyframe_and_holds_nobody_up() {
        let hub = FrameHub::default();
        hub.publish(config(7));
        let slow = hub.subscribe();
        let mut seen = Vec::new();
        let quick = hub.subscribe();
        for number in 0..320 {
            hub.publish(picture(number));
            seen.extend(drain(&quick));
        }
        assert_eq!(seen.len(), 1 + 320);
        let kept = drain(&slow);
        assert_eq!(kept[..2], [7, 300]);
        assert_eq!(kept.last(), Some(&319));
        assert!(slow.dropped() >= 288, "{}", slow.dropped());
    }

    #[test]
    fn a_recorder_behind_keeps_the_past_and_resumes_at_a_keyframe() {
        let hub = FrameHub::default();
        hub.publish(config(0));
        let recorder = hub.record();
        (0..9_000).for_each(|number| hub.publish(picture(number)));
        let kept = drain(&recorder);
        assert_eq!(kept[..3], [0, 0, 1]);
        assert!(kept.len() <= 8_642);
        (9_001..9_060).for_each(|number| hub.publish(picture(number)));
        assert_eq!(drain(&recorder)[..2], [0, 9_050]);
    }

    #[test]
    fn the_ring_is_bounded_even_when_a_camera_sends_no_keyframe_again() {
        let hub = FrameHub::default();
        hub.publish(picture(0));
        let big = 1024 * 1024;
        (1..64).for_each(|number| hub.publish(frame(FrameKind::Video, false, number, big)));
        assert!(lock(&hub.shared.stream).gop_bytes <= GOP_BYTES_MAX + big);
        let hub = FrameHub::default();
        (0..1).for_each(|number| hub.publish(picture(number)));
        (1..5_000).for_each(|number| hub.publish(frame(FrameKind::Video, false, number, 1)));
        assert!(lock(&hub.shared.stream).gop.len() <= 301);
    }

    #[test]
    fn after_an_interruption_nothing_old_is_shown() {
        let hub = FrameHub::default();
        hub.publish(config(0));
        hub.publish(picture(50));
        hub.interrupt();
        let late = hub.subscribe();
        assert!(drain(&late).is_empty());
        hub.publish(picture(51));
        assert!(drain(&late).is_empty());
        hub.publish(config(0));
        hub.publish(picture(100));
        assert_eq!(drain(&late), [0, 100]);
    }

    #[tokio::test]
    async fn next_waits_for_frames_and_ends_with_the_hub() {
        let hub = FrameHub::default();
        let mut reader = hub.subscribe();
        let publisher = hub.clone();
        let task = tokio::spawn(async move {
            let first = reader.next().await.map(|frame| frame.sequence);
            (first, reader.next().await)
        });
        tokio::task::yield_now().await;
        publisher.publish(picture(50));
        drop((publisher, hub));
        assert_eq!(task.await.unwrap(), (Some(50), None));
    }

    #[tokio::test]
    async fn a_closed_stream_ends_for_old_and_new_readers() {
        let hub = FrameHub::default();
        let mut old = hub.subscribe();
        hub.publish(picture(50));
        hub.close();
        assert_eq!(old.next().await.map(|frame| frame.sequence), Some(50));
        assert_eq!(old.next().await, None);
        assert_eq!(
            hub.subscribe().next().await.map(|frame| frame.sequence),
            Some(50)
        );
    }
}
