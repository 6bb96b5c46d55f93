//! One stream of one box: ordered for its first viewer, pushed once, fanned out, ended after its
//! last. Without IO: events and the time come in, the next step goes out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;
use xunke_protocol::id::PushId;
use xunke_protocol::live::{Frame, FrameKind};

use super::gop::Gop;
use super::queue::{Offline, Queue, Reason};

/// From the order to the box's push.
pub const PUSH_WAIT_MAX: Duration = Duration::from_secs(5);
/// A push goes on so long after the last viewer, for the one who comes straight back.
pub const LINGER: Duration = Duration::from_secs(3);
/// A push without frames for so long is as good as broken.
pub const SILENCE_MAX: Duration = Duration::from_secs(5);
/// A push that lasted so long was a good one: the next failure is the first again.
const GOOD_AFTER: Duration = Duration::from_secs(10);
const BACK_OFF_MIN: Duration = Duration::from_millis(250);
const BACK_OFF_MAX: Duration = Duration::from_secs(8);

/// A moment, on both clocks: waiting goes by the one that cannot jump, people read the other.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For waiting.
    pub at: Instant,
    /// For people: milliseconds since the epoch.
    pub ms: i64,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Order the box to open this push.
    Order(PushId),
    /// Nothing before this moment, unless something happens.
    Wait(Instant),
    /// Nobody watches and nothing is pushed: the stream may be forgotten.
    Over,
}

/// Names a viewer of a stream.
pub type Seat = u64;

/// The stream.
#[derive(Debug)]
pub struct Stream {
    stage: Stage,
    viewers: BTreeMap<Seat, Arc<Queue>>,
    next_seat: Seat,
    empty_since: Instant,
    failures: u32,
    offline: Option<Offline>,
}

#[derive(Debug)]
enum Stage {
    /// Order a push at this moment, if anybody watches.
    Due(Instant),
    /// Ordered, not there yet.
    Ordered { push: PushId, until: Instant },
    /// Frames are coming in.
    Pushed(Pushed),
}

#[derive(Debug)]
struct Pushed {
    push: PushId,
    gop: Gop,
    begun: Instant,
    heard: Now,
    /// Dropped to tell the connection that it is over.
    _over: oneshot::Sender<()>,
}

impl Stream {
    /// A stream that nobody watches yet.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self {
            stage: Stage::Due(now.at),
            viewers: BTreeMap::new(),
            next_seat: 0,
            empty_since: now.at,
            failures: 0,
            offline: None,
        }
    }

    /// What to do next. After an event, ask again.
    pub fn step(&mut self, fresh: impl FnOnce() -> PushId, now: Now) -> Step {
        let watched = !self.viewers.is_empty();
        match &self.stage {
            Stage::Due(_) if !watched => Step::Over,
            Stage::Due(at) if *at > now.at => Step::Wait(*at),
            Stage::Due(_) => {
                let push = fresh();
                let until = now.at + PUSH_WAIT_MAX;
                self.stage = Stage::Ordered { push, until };
                Step::Order(push)
            }
            Stage::Ordered { until, .. } if *until > now.at => Step::Wait(*until),
            Stage::Ordered { .. } => {
                self.fail(Reason::NoPush, now.ms, now);
                self.step(fresh, now)
            }
            Stage::Pushed(pushed) => {
                let silent_at = pushed.heard.at + SILENCE_MAX;
                let since_ms = pushed.heard.ms;
                let over_at = self.empty_since + LINGER;
                if !watched && over_at <= now.at {
                    self.stage = Stage::Due(now.at);
                    return Step::Over;
                }
                if silent_at <= now.at {
                    self.fail(Reason::Silent, since_ms, now);
                    return self.step(fresh, now);
                }
                Step::Wait(if watched {
                    silent_at
                } else {
                    silent_at.min(over_at)
                })
            }
        }
    }

    /// Somebody watches from now on, beginning at the newest keyframe.
    pub fn join(&mut self, queue: Arc<Queue>) -> Seat {
        if let Some(offline) = self.offline {
            queue.go_offline(offline);
        }
        if let Stage::Pushed(pushed) = &self.stage {
            pushed.gop.iter().for_each(|frame| queue.push(frame));
        }
        self.next_seat += 1;
        self.viewers.insert(self.next_seat, queue);
        self.next_seat
    }

    /// Somebody has stopped watching.
    pub fn leave(&mut self, seat: Seat, now: Now) {
        if self.viewers.remove(&seat).is_some() && self.viewers.is_empty() {
            self.empty_since = now.at;
        }
    }

    /// How many watch.
    #[must_use]
    pub fn viewers(&self) -> usize {
        self.viewers.len()
    }

    /// Whether the box pushes it.
    #[must_use]
    pub fn is_pushed(&self) -> bool {
        matches!(self.stage, Stage::Pushed(_))
    }

    /// The box opens a push. `None` unless it is the one that was ordered, for the first time.
    /// The receiver ends when the push is no longer wanted.
    pub fn accept(&mut self, push: PushId, now: Now) -> Option<oneshot::Receiver<()>> {
        if !matches!(self.stage, Stage::Ordered { push: ordered, .. } if ordered == push) {
            return None;
        }
        let (over, ended) = oneshot::channel();
        self.stage = Stage::Pushed(Pushed {
            push,
            gop: Gop::default(),
            begun: now.at,
            heard: now,
            _over: over,
        });
        self.empty_since = now.at;
        Some(ended)
    }

    /// A frame of a push. False when that push is no longer wanted.
    pub fn frame(&mut self, push: PushId, frame: &Frame, now: Now) -> bool {
        let Stage::Pushed(pushed) = &mut self.stage else {
            return false;
        };
        if pushed.push != push {
            return false;
        }
        pushed.heard = now;
        pushed.gop.push(frame);
        if frame.kind == FrameKind::Video {
            self.offline = None;
        }
        self.viewers.values().for_each(|queue| queue.push(frame));
        true
    }

    /// A push has broken off, or the box has closed it.
    pub fn broken(&mut self, push: PushId, now: Now) {
        match &self.stage {
            Stage::Pushed(pushed) if pushed.push == push => {
                let since_ms = pushed.heard.ms;
                self.fail(Reason::Broken, since_ms, now);
            }
            _ => {}
        }
    }

    /// The box cannot be ordered, or has answered that it cannot push.
    pub fn declined(&mut self, push: PushId, offline: Offline, now: Now) {
        if matches!(self.stage, Stage::Ordered { push: ordered, .. } if ordered == push) {
            self.fail(offline.reason, offline.since_ms, now);
        }
    }

    /// The box is back: no need to wait any longer.
    pub fn box_is_back(&mut self, now: Now) {
        if let Stage::Due(at) = &mut self.stage {
            *at = now.at;
        }
    }

    /// Tells the viewers, and tries again later.
    fn fail(&mut self, reason: Reason, since_ms: i64, now: Now) {
        if let Stage::Pushed(pushed) = &self.stage
            && now.at - pushed.begun >= GOOD_AFTER
        {
            self.failures = 0;
        }
        let wait = BACK_OFF_MIN * 2_u32.saturating_pow(self.failures);
        self.failures = (self.failures + 1).min(16);
        self.stage = Stage::Due(now.at + wait.min(BACK_OFF_MAX));
        // The first reason is what people were told, and the picture has been gone since then.
        if self.offline.is_none() {
            let offline = Offline { since_ms, reason };
            self.offline = Some(offline);
            self.viewers
                .values()
                .for_each(|queue| queue.go_offline(offline));
        }
    }
}

#[cfg(test)]
mod tests;
