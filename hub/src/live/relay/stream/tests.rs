//! Tests of a stream: every rule with a clock that the test turns.

use super::super::queue::Delivery;
use super::super::sample::{delta, key, video_config};
use super::*;
use uuid::Uuid;

/// A stream and its clock.
struct Rig {
    stream: Stream,
    start: Instant,
    ms: u64,
    pushes: u128,
}

impl Rig {
    fn new() -> Self {
        let start = Instant::now();
        let stream = Stream::new(Now { at: start, ms: 0 });
        Self {
            stream,
            start,
            ms: 0,
            pushes: 0,
        }
    }

    fn now(&self) -> Now {
        let at = self.start + Duration::from_millis(self.ms);
        Now {
            at,
            ms: self.ms.try_into().unwrap(),
        }
    }

    fn pass(&mut self, time: Duration) {
        self.ms += u64::try_from(time.as_millis()).unwrap();
    }

    fn step(&mut self) -> Step {
        let now = self.now();
        let fresh = || {
            self.pushes += 1;
            PushId(Uuid::from_u128(self.pushes))
        };
        self.stream.step(fresh, now)
    }

    /// Waits as long as the stream wants to, then says what it does.
    fn next(&mut self) -> (u64, Step) {
        let before = self.ms;
        loop {
            match self.step() {
                Step::Wait(until) => {
                    assert!(until > self.now().at, "a wait that has passed");
                    self.pass(until - self.now().at);
                }
                step => return (self.ms - before, step),
            }
        }
    }

    fn ordered(&mut self) -> PushId {
        match self.step() {
            Step::Order(push) => push,
            step => panic!("{step:?} instead of an order"),
        }
    }

    fn join(&mut self) -> (Seat, Arc<Queue>) {
        let queue = Arc::new(Queue::new(1, Arc::default()));
        (self.stream.join(queue.clone()), queue)
    }

    fn accept(&mut self, push: PushId) -> Option<oneshot::Receiver<()>> {
        let now = self.now();
        self.stream.accept(push, now)
    }

    fn frame(&mut self, push: PushId, frame: &Frame) -> bool {
        let now = self.now();
        self.stream.frame(push, frame, now)
    }

    /// A stream with one viewer and a push that has brought a keyframe.
    fn watched() -> (Self, PushId, oneshot::Receiver<()>, (Seat, Arc<Queue>)) {
        let mut rig = Self::new();
        let viewer = rig.join();
        let push = rig.ordered();
        let ended = rig.accept(push).unwrap();
        assert!(rig.frame(push, &video_config(0)) && rig.frame(push, &key(1)));
        (rig, push, ended, viewer)
    }
}

fn taken(queue: &Queue) -> Vec<i64> {
    let number = |delivery| match delivery {
        Delivery::Frame(frame) => frame.captured_us,
        Delivery::Delayed(_) => -1,
        Delivery::Offline(offline) => -1000 - offline.since_ms,
    };
    std::iter::from_fn(|| queue.take()).map(number).collect()
}

#[test]
fn two_viewers_share_one_push_and_the_second_begins_at_the_keyframe() {
    let (mut rig, push, _ended, (_, first)) = Rig::watched();
    rig.frame(push, &delta(2));
    let (_, second) = rig.join();
    assert!(matches!(rig.step(), Step::Wait(_)), "no second order");
    rig.frame(push, &delta(3));
    assert_eq!(taken(&first), [0, 1, 2, 3]);
    assert_eq!(taken(&second), [0, 1, 2, 3]);
    assert_eq!(rig.stream.viewers(), 2);
}

#[test]
fn only_the_ordered_push_is_accepted_and_only_once() {
    let mut rig = Rig::new();
    let (_viewer, _) = rig.join();
    let foreign = PushId(Uuid::from_u128(99));
    assert!(rig.accept(foreign).is_none(), "before any order");
    let push = rig.ordered();
    assert!(rig.accept(foreign).is_none());
    let ended = rig.accept(push);
    assert!(ended.is_some());
    assert!(rig.accept(push).is_none(), "single use");
    assert!(!rig.frame(foreign, &key(1)));
}

#[test]
fn a_push_that_comes_too_late_is_not_accepted() {
    let mut rig = Rig::new();
    let (_, queue) = rig.join();
    let push = rig.ordered();
    rig.pass(PUSH_WAIT_MAX);
    assert!(matches!(rig.step(), Step::Wait(_)));
    assert!(rig.accept(push).is_none());
    let offline = Offline {
        since_ms: 5000,
        reason: Reason::NoPush,
    };
    assert_eq!(queue.take(), Some(Delivery::Offline(offline)));
}

#[test]
fn the_push_goes_on_for_three_seconds_after_the_last_viewer() {
    let (mut rig, push, mut ended, (seat, _)) = Rig::watched();
    rig.pass(Duration::from_secs(1));
    rig.frame(push, &key(2));
    let now = rig.now();
    rig.stream.leave(seat, now);
    rig.pass(Duration::from_millis(2900));
    assert!(matches!(rig.step(), Step::Wait(_)));
    let (seat, back) = rig.join();
    assert_eq!(taken(&back), [0, 2], "the picture is still there");
    let now = rig.now();
    rig.stream.leave(seat, now);
    assert!(
        rig.frame(push, &key(3)) && ended.try_recv() == Err(oneshot::error::TryRecvError::Empty)
    );
    assert_eq!(rig.next(), (3000, Step::Over));
    assert_eq!(ended.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    assert!(!rig.frame(push, &key(4)), "nobody wants it");
}

#[test]
fn a_push_that_comes_when_everybody_has_left_ends_by_itself() {
    let mut rig = Rig::new();
    let (seat, _) = rig.join();
    let push = rig.ordered();
    let now = rig.now();
    rig.stream.leave(seat, now);
    rig.pass(Duration::from_secs(4));
    let _ended = rig.accept(push).unwrap();
    assert_eq!(rig.next(), (3000, Step::Over));
}

#[test]
fn a_broken_push_is_told_and_ordered_anew() {
    let (mut rig, push, _ended, (_, queue)) = Rig::watched();
    taken(&queue);
    rig.pass(Duration::from_secs(1));
    let now = rig.now();
    rig.stream.broken(push, now);
    let offline = Offline {
        since_ms: 0,
        reason: Reason::Broken,
    };
    assert_eq!(
        queue.take(),
        Some(Delivery::Offline(offline)),
        "since the last frame"
    );
    let (waited_ms, step) = rig.next();
    assert_eq!(waited_ms, 250);
    let Step::Order(again) = step else {
        panic!("{step:?}");
    };
    assert_ne!(again, push);
    let _ended = rig.accept(again).unwrap();
    rig.frame(again, &delta(2));
    rig.frame(again, &key(3));
    assert_eq!(taken(&queue), [3], "the picture comes back by itself");
}

#[test]
fn tries_grow_further_apart_and_people_are_told_once() {
    let mut rig = Rig::new();
    let (_, queue) = rig.join();
    let mut waits = Vec::new();
    for _ in 0..8 {
        let (waited_ms, Step::Order(push)) = rig.next() else {
            panic!("an order");
        };
        waits.push(waited_ms);
        let now = rig.now();
        let offline = Offline {
            since_ms: 42,
            reason: Reason::Absent,
        };
        rig.stream.declined(push, offline, now);
    }
    assert_eq!(waits, [0, 250, 500, 1000, 2000, 4000, 8000, 8000]);
    assert_eq!(taken(&queue), [-1042]);
    let (_, late) = rig.join();
    assert_eq!(taken(&late), [-1042], "who comes later is told too");
    let now = rig.now();
    rig.stream.box_is_back(now);
    assert!(matches!(rig.step(), Step::Order(_)), "at once");
}

#[test]
fn a_silent_push_is_given_up() {
    let (mut rig, push, mut ended, (_, queue)) = Rig::watched();
    rig.pass(Duration::from_secs(2));
    rig.frame(push, &delta(2));
    taken(&queue);
    let (waited_ms, step) = rig.next();
    assert_eq!(waited_ms, 5000 + 250);
    assert!(matches!(step, Step::Order(_)));
    assert_eq!(taken(&queue), [-1000 - 2000], "since the last frame");
    assert_eq!(ended.try_recv(), Err(oneshot::error::TryRecvError::Closed));
}

#[test]
fn after_a_good_push_the_next_failure_is_the_first_again() {
    let (mut rig, push, _ended, _viewer) = Rig::watched();
    let now = rig.now();
    rig.stream.broken(push, now);
    for _ in 0..3 {
        let (_, Step::Order(push)) = rig.next() else {
            panic!("an order");
        };
        let _ended = rig.accept(push).unwrap();
        rig.pass(GOOD_AFTER);
        let now = rig.now();
        rig.stream.broken(push, now);
    }
    assert_eq!(rig.next().0, 250);
}

#[test]
fn without_viewers_a_failure_orders_nothing() {
    let (mut rig, push, _ended, (seat, _)) = Rig::watched();
    let now = rig.now();
    rig.stream.leave(seat, now);
    rig.stream.broken(push, now);
    assert_eq!(rig.step(), Step::Over);
}
