//! The gate before the recorder: what no window wants goes no further, and a window that opens
//! begins at the keyframe before it (X52). Pure: frames in, frames out.

use std::collections::VecDeque;
use xunke_protocol::live::{Frame, FrameKind};

/// Most of a group of pictures that is held back while nothing is recorded: as the camera's ring.
const HELD_US_MAX: i64 = 12_000_000;
const HELD_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Pictures come out of display order by less than this; within it a gate does not move twice.
const REORDER_US: i64 = 1_000_000;

/// What becomes of a frame.
#[derive(Debug, PartialEq)]
pub enum Passed {
    /// These go on.
    On(Vec<Frame>),
    /// The window has opened: these go on, from a keyframe where there is one.
    Begins(Vec<Frame>),
    /// Nothing goes on.
    Off,
    /// The window has closed.
    Ends,
}

/// The gate of one stream.
#[derive(Debug, Default)]
pub struct Gate {
    open: bool,
    /// The picture at which it moved last.
    moved_us: Option<i64>,
    held: VecDeque<Frame>,
    held_bytes: usize,
}

impl Gate {
    /// Takes a frame; `wanted` is whether its moment is to be recorded.
    pub fn pass(&mut self, frame: Frame, wanted: bool) -> Passed {
        // Configurations are no pictures; whoever begins later needs them.
        if matches!(frame.kind, FrameKind::VideoConfig | FrameKind::AudioConfig) {
            return Passed::On(vec![frame]);
        }
        if frame.kind == FrameKind::Video && wanted != self.open && self.may_move(&frame) {
            self.moved_us = Some(frame.captured_us);
            self.open = wanted;
            self.hold(frame);
            if !wanted {
                return Passed::Ends;
            }
            self.held_bytes = 0;
            return Passed::Begins(self.held.drain(..).collect());
        }
        // Sound that comes before the first picture of all is that picture's.
        if self.open || (wanted && self.held.is_empty() && frame.kind == FrameKind::Audio) {
            return Passed::On(vec![frame]);
        }
        self.hold(frame);
        Passed::Off
    }

    fn may_move(&self, frame: &Frame) -> bool {
        let early = |moved_us: i64| (1..REORDER_US).contains(&(moved_us - frame.captured_us));
        !self.moved_us.is_some_and(early)
    }

    fn hold(&mut self, frame: Frame) {
        let key = frame.kind == FrameKind::Video && frame.key;
        let long = self.held.front().is_some_and(|first| {
            let bytes = self.held_bytes + frame.payload.len();
            frame.captured_us.saturating_sub(first.captured_us) > HELD_US_MAX
                || bytes > HELD_BYTES_MAX
        });
        if key || long {
            self.held.clear();
            self.held_bytes = 0;
        }
        if key || !self.held.is_empty() {
            self.held_bytes += frame.payload.len();
            self.held.push_back(frame);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// Ten pictures a second, a keyframe each second.
    fn picture(number: u32) -> Frame {
        Frame {
            kind: FrameKind::Video,
            key: number.is_multiple_of(10),
            handle: 0,
            sequence: number,
            captured_us: i64::from(number) * 100_000,
            payload: Bytes::from_static(b"picture"),
        }
    }

    fn numbers(frames: &[Frame]) -> Vec<u32> {
        frames.iter().map(|frame| frame.sequence).collect()
    }

    /// Passes pictures through, `wanted` from one to another; what came out, in order.
    fn run(pictures: std::ops::Range<u32>, wanted: std::ops::Range<u32>) -> (Vec<u32>, u32) {
        let (mut gate, mut out, mut ends) = (Gate::default(), Vec::new(), 0);
        for number in pictures {
            match gate.pass(picture(number), wanted.contains(&number)) {
                Passed::On(frames) | Passed::Begins(frames) => out.extend(numbers(&frames)),
                Passed::Ends => ends += 1,
                Passed::Off => {}
            }
        }
        (out, ends)
    }

    /// X50, X52: nothing of a window is missing, not even when no keyframe stands at its begin.
    #[test]
    fn a_window_begins_at_the_keyframe_before_it_and_ends_at_its_end() {
        let (out, ends) = run(0..100, 25..57);
        assert_eq!((out, ends), ((20..57).collect(), 1));
        let (out, ends) = run(0..100, 0..100);
        assert_eq!((out, ends), ((0..100).collect(), 0));
        let (out, _) = run(33..100, 0..100);
        assert_eq!(
            out,
            (34..100).collect::<Vec<_>>(),
            "the cutter waits for its keyframe"
        );
        assert_eq!(run(0..100, 200..300), (vec![], 0));
    }

    #[test]
    fn pictures_out_of_order_do_not_move_it_twice() {
        let mut gate = Gate::default();
        assert!(matches!(gate.pass(picture(10), true), Passed::Begins(_)));
        assert!(matches!(gate.pass(picture(9), false), Passed::On(_)));
        assert_eq!(gate.pass(picture(20), false), Passed::Ends);
        assert_eq!(gate.pass(picture(19), true), Passed::Off);
        // A clock that was set back is no such thing.
        let mut gate = Gate::default();
        assert_eq!(gate.pass(picture(90), false), Passed::Off);
        assert!(matches!(gate.pass(picture(50), true), Passed::Begins(_)));
        assert_eq!(gate.pass(picture(30), false), Passed::Ends);
    }

    #[test]
    fn what_is_held_back_has_a_limit() {
        let mut gate = Gate::default();
        let mut big = picture(0);
        big.payload = vec![0; HELD_BYTES_MAX].into();
        assert_eq!(gate.pass(big, false), Passed::Off);
        assert_eq!(gate.pass(picture(1), false), Passed::Off);
        assert!(gate.held.is_empty() && gate.held_bytes == 0);
        let config = Frame {
            kind: FrameKind::VideoConfig,
            ..picture(2)
        };
        assert_eq!(gate.pass(config.clone(), false), Passed::On(vec![config]));
        for number in 10..300 {
            let frame = Frame {
                key: number == 10,
                ..picture(number)
            };
            assert_eq!(gate.pass(frame, false), Passed::Off);
        }
        assert!(gate.held.is_empty(), "a group of pictures of half a minute");
    }
}
