//! Tests of the relay: boxes are played by the test, the clock is turned by tokio.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{advance, timeout};

use super::sample::{delta, key, video_config};
use super::stream::{LINGER, PUSH_WAIT_MAX};
use super::*;

/// Boxes that hear their orders and do nothing, or that are not there.
struct FakeBoxes {
    orders: mpsc::UnboundedSender<(Key, PushId)>,
    absent_since_ms: Option<i64>,
}

impl Boxes for FakeBoxes {
    fn device_of(&self, _: ClassroomId) -> BoxFuture<'static, Option<DeviceId>> {
        Box::pin(async { Some(device("box-1")) })
    }

    fn live_start(&self, key: Key, push: PushId) -> BoxFuture<'static, Result<(), Offline>> {
        self.orders.send((key, push)).unwrap();
        let absent = self.absent_since_ms;
        Box::pin(async move {
            let reason = Reason::Absent;
            absent.map_or(Ok(()), |since_ms| Err(Offline { since_ms, reason }))
        })
    }
}

type Orders = mpsc::UnboundedReceiver<(Key, PushId)>;

fn device(name: &str) -> DeviceId {
    name.parse().unwrap()
}

fn stream_of(name: &str) -> Key {
    let source = "cam0".parse().unwrap();
    Key {
        device: device(name),
        source,
        stream: StreamKind::Sub,
    }
}

fn relay(absent_since_ms: Option<i64>) -> (Relay, Orders) {
    let (orders, heard) = mpsc::unbounded_channel();
    (
        Relay::new(Arc::new(FakeBoxes {
            orders,
            absent_since_ms,
        })),
        heard,
    )
}

fn view(relay: &Relay, name: &str) -> (Watching, Arc<Queue>, Arc<Notify>) {
    let wake = Arc::new(Notify::new());
    let queue = Arc::new(Queue::new(1, Arc::clone(&wake)));
    let watching = relay.join(stream_of(name), Arc::clone(&queue)).unwrap();
    (watching, queue, wake)
}

/// Waits for the next thing as a viewer's socket does.
async fn next(queue: &Queue, wake: &Notify) -> Delivery {
    let taken = async {
        loop {
            match queue.take() {
                Some(delivery) => return delivery,
                None => wake.notified().await,
            }
        }
    };
    timeout(Duration::from_secs(60), taken).await.unwrap()
}

fn number(delivery: &Delivery) -> i64 {
    match delivery {
        Delivery::Frame(frame) => frame.captured_us,
        other => panic!("{other:?} instead of a frame"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_viewer_makes_the_box_push_and_the_second_does_not() {
    let (relay, mut orders) = relay(None);
    let (_first, queue, wake) = view(&relay, "box-1");
    let (key_ordered, push) = orders.recv().await.unwrap();
    assert_eq!(key_ordered, stream_of("box-1"));
    let push = relay.accept(&device("box-1"), push).unwrap();
    assert!(push.frame(&video_config(0)) && push.frame(&key(1)) && push.frame(&delta(2)));
    let (_second, late, late_wake) = view(&relay, "box-1");
    for expect in [0, 1, 2] {
        assert_eq!(number(&next(&queue, &wake).await), expect);
        assert_eq!(number(&next(&late, &late_wake).await), expect);
    }
    assert!(orders.try_recv().is_err(), "one push for both");
}

#[tokio::test(start_paused = true)]
async fn a_box_cannot_open_the_push_of_another_nor_one_nobody_ordered() {
    let (relay, mut orders) = relay(None);
    let (_one, ..) = view(&relay, "box-1");
    let (_two, ..) = view(&relay, "box-2");
    let pushes = [orders.recv().await.unwrap(), orders.recv().await.unwrap()];
    let of = |name: &str| {
        pushes
            .iter()
            .find(|(key, _)| key.device == device(name))
            .unwrap()
            .1
    };
    assert!(relay.accept(&device("box-1"), of("box-2")).is_err());
    assert!(relay.accept(&device("box-3"), of("box-2")).is_err());
    assert!(
        relay
            .accept(&device("box-1"), PushId(Uuid::now_v7()))
            .is_err()
    );
    let push = relay.accept(&device("box-1"), of("box-1")).unwrap();
    assert!(
        relay.accept(&device("box-1"), of("box-1")).is_err(),
        "single use"
    );
    drop(push);
    assert!(
        relay.accept(&device("box-1"), of("box-1")).is_err(),
        "also afterwards"
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_viewer_slows_neither_the_box_nor_the_other() {
    let (relay, mut orders) = relay(None);
    let (_slow, slow, _) = view(&relay, "box-1");
    let (_fast, fast, wake) = view(&relay, "box-1");
    let push = relay
        .accept(&device("box-1"), orders.recv().await.unwrap().1)
        .unwrap();
    for second in 0..60 {
        assert!(push.frame(&key(second * 1_000_000)));
        assert_eq!(number(&next(&fast, &wake).await), second * 1_000_000);
        for picture in 1..25 {
            let number_sent = second * 1_000_000 + picture;
            assert!(push.frame(&delta(number_sent)));
            assert_eq!(number(&next(&fast, &wake).await), number_sent);
        }
    }
    assert_eq!(slow.take(), Some(Delivery::Delayed(59 * 25)));
    assert_eq!(
        number(&slow.take().unwrap()),
        59_000_000,
        "the newest keyframe"
    );
}

#[tokio::test(start_paused = true)]
async fn the_push_ends_three_seconds_after_the_last_viewer() {
    let (relay, mut orders) = relay(None);
    let (watching, ..) = view(&relay, "box-1");
    let mut push = relay
        .accept(&device("box-1"), orders.recv().await.unwrap().1)
        .unwrap();
    let left = Instant::now();
    drop(watching);
    push.ended().await;
    assert_eq!(left.elapsed().as_secs(), LINGER.as_secs());
    assert!(!push.frame(&key(1)));
    drop(push);
    assert!(relay.0.lock().is_empty(), "nothing is left behind");
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_while_it_lingers_finds_the_picture() {
    let (relay, mut orders) = relay(None);
    let (watching, ..) = view(&relay, "box-1");
    let push = relay
        .accept(&device("box-1"), orders.recv().await.unwrap().1)
        .unwrap();
    push.frame(&key(1));
    drop(watching);
    advance(LINGER / 2).await;
    let (_back, queue, _) = view(&relay, "box-1");
    assert_eq!(number(&queue.take().unwrap()), 1);
    advance(LINGER).await;
    assert!(push.frame(&delta(2)), "the push goes on");
    assert!(orders.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_box_that_does_not_come_is_offline_after_five_seconds_and_asked_again() {
    let (relay, mut orders) = relay(None);
    let begun = Instant::now();
    let (_watching, queue, wake) = view(&relay, "box-1");
    let first = orders.recv().await.unwrap().1;
    let told = next(&queue, &wake).await;
    assert!(matches!(
        told,
        Delivery::Offline(Offline {
            reason: Reason::NoPush,
            ..
        })
    ));
    assert_eq!(begun.elapsed().as_secs(), PUSH_WAIT_MAX.as_secs());
    let second = orders.recv().await.unwrap().1;
    assert!(relay.accept(&device("box-1"), first).is_err(), "too late");
    let push = relay.accept(&device("box-1"), second).unwrap();
    push.frame(&key(1));
    assert_eq!(number(&next(&queue, &wake).await), 1);
}

#[tokio::test(start_paused = true)]
async fn an_absent_box_is_told_at_once_and_ordered_as_soon_as_it_is_back() {
    let (relay, mut orders) = relay(Some(42));
    let begun = Instant::now();
    let (_watching, queue, wake) = view(&relay, "box-1");
    let offline = Offline {
        since_ms: 42,
        reason: Reason::Absent,
    };
    assert_eq!(next(&queue, &wake).await, Delivery::Offline(offline));
    assert_eq!(begun.elapsed(), Duration::ZERO);
    for _ in 0..7 {
        orders.recv().await.unwrap();
    }
    // The next try of its own would come eight seconds later.
    let back = Instant::now();
    relay.box_is_back(&device("box-1"));
    orders.recv().await.unwrap();
    assert_eq!(back.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_broken_push_comes_back_by_itself() {
    let (relay, mut orders) = relay(None);
    let (_watching, queue, wake) = view(&relay, "box-1");
    let push = relay
        .accept(&device("box-1"), orders.recv().await.unwrap().1)
        .unwrap();
    push.frame(&key(1));
    next(&queue, &wake).await;
    drop(push);
    let told = next(&queue, &wake).await;
    assert!(matches!(
        told,
        Delivery::Offline(Offline {
            reason: Reason::Broken,
            ..
        })
    ));
    let again = relay
        .accept(&device("box-1"), orders.recv().await.unwrap().1)
        .unwrap();
    again.frame(&key(2));
    assert_eq!(number(&next(&queue, &wake).await), 2);
}

#[tokio::test(start_paused = true)]
async fn a_room_has_a_limit_of_viewers() {
    let (relay, _orders) = relay(None);
    let mut seats: Vec<_> = (0..ROOM_VIEWERS_MAX)
        .map(|_| view(&relay, "box-1"))
        .collect();
    let queue = Arc::new(Queue::new(1, Arc::default()));
    let other_stream = Key {
        stream: StreamKind::Main,
        ..stream_of("box-1")
    };
    let full = relay.join(other_stream.clone(), Arc::clone(&queue));
    assert_eq!(full.err(), Some(NoPlace::Full));
    view(&relay, "box-2");
    seats.pop();
    assert!(relay.join(other_stream, queue).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_closed_view_gets_nothing_that_was_waiting() {
    let (relay, mut orders) = relay(None);
    let (watching, queue, _) = view(&relay, "box-1");
    let push = relay
        .accept(&device("box-1"), orders.recv().await.unwrap().1)
        .unwrap();
    push.frame(&key(1));
    drop(watching);
    push.frame(&delta(2));
    assert_eq!(queue.take(), None);
}
