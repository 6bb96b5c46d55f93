//! One viewer's queue: bounded; a slow viewer skips to the next keyframe and is told so.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::Notify;
use xunke_protocol::live::{Frame, FrameKind};

use super::gop::{GOP_BYTES_MAX, GOP_MESSAGES_MAX};

/// Payload bytes waiting; more than the GOP a viewer begins with. Payloads are shared.
const BYTES_MAX: usize = GOP_BYTES_MAX + 4 * 1024 * 1024;
/// Messages waiting.
const MESSAGES_MAX: usize = GOP_MESSAGES_MAX + 200;
/// A keyframe that finds the oldest waiting picture this old replaces all that waits.
const LATE_US_MAX: i64 = 1_000_000;
/// A longer pause between two pictures is a gap, not picture delivered.
const PAUSE_US_MAX: i64 = 1_000_000;

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The box is not connected.
    Absent,
    /// The box did not open its push in time.
    NoPush,
    /// The box said that it cannot.
    Declined,
    /// The push broke off.
    Broken,
    /// The push is there and brings nothing.
    Silent,
}

/// There is no picture, since when and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offline {
    /// The last picture, or when the first was asked for; milliseconds since the epoch.
    pub since_ms: i64,
    /// Why.
    pub reason: Reason,
}

/// What a viewer gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// No picture for now; frames follow when there is one again.
    Offline(Offline),
    /// So many pictures were left out because the viewer is slow.
    Delayed(u64),
    /// A frame, with the viewer's own handle and sequence.
    Frame(Frame),
}

/// The queue between a stream and one viewer.
#[derive(Debug)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    wake: Arc<Notify>,
}

impl Queue {
    /// An empty queue whose frames carry `handle`; `wake` is told when there is something to take.
    #[must_use]
    pub fn new(handle: u16, wake: Arc<Notify>) -> Self {
        Self {
            waiting: Mutex::new(Waiting::new(handle)),
            wake,
        }
    }

    /// The next thing to deliver, if any.
    pub fn take(&self) -> Option<Delivery> {
        self.lock().take()
    }

    /// Microseconds of picture taken so far.
    pub fn delivered_us(&self) -> i64 {
        self.lock().delivered_us
    }

    /// Throws away what waits and takes nothing any more: the view is over.
    pub fn shut(&self) {
        self.lock().shut();
    }

    /// Nobody can say at the moment whether the view is still permitted: nothing passes until it is
    /// released, and then from the next keyframe on.
    pub fn hold(&self) {
        self.lock().hold();
    }

    /// The view is permitted after all.
    pub fn release(&self) {
        self.lock().held = false;
    }

    pub(in crate::live) fn push(&self, frame: &Frame) {
        if self.lock().push(frame) {
            self.wake.notify_one();
        }
    }

    pub(super) fn go_offline(&self, offline: Offline) {
        self.lock().go_offline(offline);
        self.wake.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        let locked = self.waiting.lock();
        locked.expect("invariant: nobody panics while holding a queue")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// Frames pass.
    Open,
    /// The next keyframe opens it; nothing the viewer had is missing.
    Fresh,
    /// The next keyframe opens it; what is left out meanwhile is counted.
    Skipping(u64),
    /// The view is over.
    Shut,
}

#[derive(Debug)]
struct Waiting {
    handle: u16,
    sequence: u32,
    gate: Gate,
    held: bool,
    frames: VecDeque<Frame>,
    bytes: usize,
    delayed: u64,
    offline: Option<Offline>,
    taken_us: Option<i64>,
    delivered_us: i64,
}

impl Waiting {
    fn new(handle: u16) -> Self {
        Self {
            handle,
            sequence: 0,
            gate: Gate::Fresh,
            held: false,
            frames: VecDeque::new(),
            bytes: 0,
            delayed: 0,
            offline: None,
            taken_us: None,
            delivered_us: 0,
        }
    }

    /// Whether there is something to take now.
    fn push(&mut self, frame: &Frame) -> bool {
        if self.gate == Gate::Shut {
            return false;
        }
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        if frame.key && !self.held {
            self.skip_if_late(frame.captured_us);
            self.open();
        }
        let config = matches!(frame.kind, FrameKind::VideoConfig | FrameKind::AudioConfig);
        if let (Gate::Skipping(count), FrameKind::Video) = (&mut self.gate, frame.kind) {
            *count += 1;
        }
        if self.gate != Gate::Open && !config {
            return false;
        }
        self.bytes += frame.payload.len();
        self.frames.push_back(Frame {
            handle: self.handle,
            sequence,
            ..frame.clone()
        });
        if self.bytes > BYTES_MAX || self.frames.len() > MESSAGES_MAX {
            let count = self.clear();
            self.delayed += count;
            self.gate = Gate::Skipping(0);
        }
        true
    }

    fn take(&mut self) -> Option<Delivery> {
        if let Some(offline) = self.offline.take() {
            return Some(Delivery::Offline(offline));
        }
        if self.delayed > 0 {
            return Some(Delivery::Delayed(std::mem::take(&mut self.delayed)));
        }
        let frame = self.frames.pop_front()?;
        self.bytes -= frame.payload.len();
        if frame.kind == FrameKind::Video {
            // The box writes the times; they may be anything.
            let before_us = self.taken_us.unwrap_or(frame.captured_us);
            let pause_us = frame.captured_us.saturating_sub(before_us);
            if (0..=PAUSE_US_MAX).contains(&pause_us) {
                self.delivered_us += pause_us;
            }
            self.taken_us = Some(frame.captured_us);
        }
        Some(Delivery::Frame(frame))
    }

    /// What waits would be a picture of the past; the next one begins with a keyframe.
    fn go_offline(&mut self, offline: Offline) {
        if self.gate == Gate::Shut {
            return;
        }
        self.clear();
        self.gate = Gate::Fresh;
        self.offline = Some(offline);
    }

    fn hold(&mut self) {
        if self.gate == Gate::Shut {
            return;
        }
        let count = self.clear();
        self.delayed += count;
        self.gate = Gate::Skipping(0);
        self.held = true;
    }

    fn shut(&mut self) {
        self.gate = Gate::Shut;
        self.frames.clear();
        self.bytes = 0;
        self.offline = None;
        self.delayed = 0;
    }

    fn skip_if_late(&mut self, now_us: i64) {
        let mut pictures = self.frames.iter();
        let oldest = pictures.find(|frame| frame.kind == FrameKind::Video);
        if oldest.is_some_and(|oldest| now_us.saturating_sub(oldest.captured_us) >= LATE_US_MAX) {
            let count = self.clear();
            self.delayed += count;
        }
    }

    fn open(&mut self) {
        if let Gate::Skipping(count) = self.gate {
            self.delayed += count;
        }
        self.gate = Gate::Open;
    }

    /// Drops all frames but the newest configuration of each kind; returns how many pictures.
    fn clear(&mut self) -> u64 {
        let frames = std::mem::take(&mut self.frames);
        self.bytes = 0;
        let mut pictures = 0;
        for frame in frames {
            match frame.kind {
                FrameKind::Video => pictures += 1,
                FrameKind::Audio => {}
                FrameKind::VideoConfig | FrameKind::AudioConfig => {
                    self.frames.retain(|older| older.kind != frame.kind);
                    self.frames.push_back(frame);
                }
            }
        }
        self.bytes = self.frames.iter().map(|frame| frame.payload.len()).sum();
        pictures
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{audio, config, delta, key, video_config};
    use super::*;
    use bytes::Bytes;

    const OFFLINE: Offline = Offline {
        since_ms: 7,
        reason: Reason::Broken,
    };

    fn pushed(frames: &[Frame]) -> Waiting {
        let mut waiting = Waiting::new(5);
        for frame in frames {
            waiting.push(frame);
        }
        waiting
    }

    fn taken(waiting: &mut Waiting) -> Vec<Delivery> {
        std::iter::from_fn(|| waiting.take()).collect()
    }

    /// Numbers of the frames; notices as negative numbers.
    fn numbers(waiting: &mut Waiting) -> Vec<i64> {
        let number = |delivery| match delivery {
            Delivery::Frame(frame) => frame.captured_us,
            Delivery::Delayed(count) => -i64::try_from(count).unwrap(),
            Delivery::Offline(_) => -1_000_000,
        };
        taken(waiting).into_iter().map(number).collect()
    }

    #[test]
    fn handle_and_sequence_are_the_viewers_own_and_the_payload_is_shared() {
        let picture = key(1);
        let mut waiting = pushed(&[video_config(0), picture.clone(), delta(2)]);
        for (sequence, delivery) in (0..).zip(taken(&mut waiting)) {
            let Delivery::Frame(frame) = delivery else {
                panic!("only frames");
            };
            assert_eq!((frame.handle, frame.sequence), (5, sequence));
            if frame.key {
                assert_eq!(frame.payload.as_ptr(), picture.payload.as_ptr());
            }
        }
    }

    #[test]
    fn a_viewer_begins_with_a_keyframe_and_is_not_told_that_it_is_slow() {
        let mut waiting = pushed(&[delta(1), audio(2), video_config(3), key(4), audio(5)]);
        assert_eq!(numbers(&mut waiting), [3, 4, 5]);
    }

    #[test]
    fn a_keyframe_overtakes_pictures_that_are_a_second_old() {
        let start = [video_config(0), key(1), delta(2), audio(3)];
        let mut punctual = pushed(&start);
        punctual.push(&key(LATE_US_MAX));
        assert_eq!(numbers(&mut punctual), [0, 1, 2, 3, LATE_US_MAX]);
        let mut late = pushed(&start);
        late.push(&key(LATE_US_MAX + 1));
        assert_eq!(numbers(&mut late), [-2, 0, LATE_US_MAX + 1]);
    }

    #[test]
    fn a_full_queue_waits_for_the_next_keyframe_and_counts_what_it_leaves_out() {
        let mut large = delta(2);
        large.payload = Bytes::from(vec![0; BYTES_MAX]);
        let mut waiting = pushed(&[video_config(0), key(1), large]);
        assert!(waiting.bytes < 10);
        assert_eq!(numbers(&mut waiting), [-2, 0]);
        for frame in [delta(3), audio(4), delta(5)] {
            assert!(!waiting.push(&frame), "nothing to take");
        }
        assert_eq!(numbers(&mut waiting), [0_i64; 0]);
        waiting.push(&key(6));
        assert_eq!(numbers(&mut waiting), [-2, 6]);
        let Some(Delivery::Frame(next)) = ({
            waiting.push(&delta(7));
            waiting.take()
        }) else {
            panic!("a frame");
        };
        assert_eq!(next.sequence, 7, "a gap shows where frames were left out");
    }

    #[test]
    fn a_viewer_that_takes_nothing_costs_a_bounded_amount() {
        let mut waiting = pushed(&[key(0)]);
        for number in 1..100_000 {
            waiting.push(&delta(number));
            assert!(waiting.frames.len() <= MESSAGES_MAX);
        }
    }

    #[test]
    fn configurations_survive_a_skip_the_newest_of_each_kind() {
        let sound = config(FrameKind::AudioConfig, 1, "mp4a");
        let other = config(FrameKind::VideoConfig, 3, "hvc1");
        let mut waiting = pushed(&[video_config(0), sound, key(2), other, key(4)]);
        waiting.push(&key(LATE_US_MAX * 2));
        assert_eq!(numbers(&mut waiting), [-2, 1, 3, LATE_US_MAX * 2]);
    }

    #[test]
    fn offline_replaces_what_waits_and_the_picture_comes_back_with_a_keyframe() {
        let mut waiting = pushed(&[key(1), delta(2)]);
        waiting.go_offline(OFFLINE);
        waiting.push(&delta(3));
        waiting.push(&key(4));
        let all = taken(&mut waiting);
        assert_eq!(all[0], Delivery::Offline(OFFLINE));
        assert!(matches!(&all[1], Delivery::Frame(frame) if frame.captured_us == 4));
        assert_eq!(all.len(), 2, "no notice of delay");
    }

    #[test]
    fn a_shut_queue_gives_and_takes_nothing() {
        let queue = Queue::new(1, Arc::default());
        queue.push(&video_config(0));
        queue.push(&key(1));
        queue.shut();
        queue.push(&key(2));
        queue.go_offline(OFFLINE);
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_held_queue_gives_no_picture_until_it_is_released() {
        let queue = Queue::new(1, Arc::default());
        queue.push(&key(1));
        queue.hold();
        queue.push(&key(2));
        assert_eq!(queue.take(), Some(Delivery::Delayed(1)));
        assert_eq!(queue.take(), None);
        queue.release();
        queue.push(&delta(3));
        assert_eq!(queue.take(), None);
        queue.push(&key(4));
        assert_eq!(queue.take(), Some(Delivery::Delayed(2)));
        assert!(matches!(queue.take(), Some(Delivery::Frame(frame)) if frame.captured_us == 4));
    }

    /// The box writes the times, and a hostile one may write any.
    #[test]
    fn impossible_times_are_gaps_like_any_other() {
        let queue = Queue::new(1, Arc::default());
        for captured_us in [i64::MAX, i64::MIN, i64::MAX, 0, -1, i64::MIN] {
            queue.push(&key(captured_us));
            while queue.take().is_some() {}
        }
        queue.push(&key(7));
        queue.push(&key(i64::MAX));
        assert_eq!(queue.take(), Some(Delivery::Delayed(1)));
        assert!(matches!(queue.take(), Some(Delivery::Frame(_))));
        assert_eq!(queue.delivered_us(), 0);
    }

    /// R60: how much picture somebody was shown is part of the trail.
    #[test]
    fn delivered_picture_is_counted_without_its_gaps() {
        let queue = Queue::new(1, Arc::default());
        for second in [0, 1, 2, 60, 61] {
            queue.push(&key(second * 1_000_000));
            while queue.take().is_some() {}
        }
        assert_eq!(queue.delivered_us(), 3_000_000);
    }
}
