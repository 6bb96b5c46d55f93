//! A push against a hub that watches.

use super::*;
use crate::config;
use crate::identity::Identity;
use crate::test_peer::{Hub, certificate};
use bytes::Bytes;
use std::time::Instant;
use tokio_tungstenite::accept_hdr_async;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use uuid::Uuid;
use xunke_protocol::health::{RecordingSignals, RecordingState};
use xunke_protocol::live::FrameKind;

const IDLE: RecordingSignals = RecordingSignals {
    state: RecordingState::Idle,
    since: 0,
    durable_age_ms: None,
    timetable: None,
};

type Watched = WebSocketStream<tokio_rustls::server::TlsStream<TcpStream>>;

struct Room {
    camera: FrameHub,
    orders: mpsc::Sender<Job>,
    answers: mpsc::Receiver<(MessageId, CommandAnswer)>,
    stop: watch::Sender<bool>,
    watched: watch::Sender<usize>,
    task: tokio::task::JoinHandle<()>,
}

fn room(hub: &Hub, identity: &Identity) -> Room {
    lit_room(hub, identity, config::Light::default())
}

fn lit_room(hub: &Hub, identity: &Identity, light: config::Light) -> Room {
    let camera = FrameHub::default();
    let key = ("cam0".parse().unwrap(), StreamKind::Sub);
    let pushes = Pushes {
        hub: HubAddress {
            host: "localhost".into(),
            port: hub.port(),
        },
        tls: identity.tls_client_config(),
        streams: HashMap::from([(key, camera.clone())]),
        pushes_max: 2,
        watched: watch::Sender::new(0),
        light: Light::new(&light),
    };
    let (_, recorder) = watch::channel(IDLE);
    let (stop, stopping) = watch::channel(false);
    let (tell, _) = watch::channel(None);
    tokio::spawn(pushes.light.clone().run(recorder, tell, stopping.clone()));
    let watched = pushes.watched.clone();
    let (orders, jobs) = mpsc::channel(4);
    let (answers, answered) = mpsc::channel(4);
    Room {
        camera,
        orders,
        answers: answered,
        stop,
        watched,
        task: tokio::spawn(pushes.run(jobs, answers, stopping)),
    }
}

fn frame(sequence: u32) -> Frame {
    let config = sequence == 0;
    Frame {
        kind: if config {
            FrameKind::VideoConfig
        } else {
            FrameKind::Video
        },
        key: !config && sequence % 10 == 1,
        handle: 0,
        sequence,
        captured_us: i64::from(sequence) * 40_000,
        payload: Bytes::from(vec![7; 4000]),
    }
}

impl Room {
    async fn order(&self, push: u128, source: &str) {
        let order = Order::LiveStart {
            push: PushId(Uuid::from_u128(push)),
            source: source.parse().unwrap(),
            stream: StreamKind::Sub,
        };
        let id = MessageId(Uuid::from_u128(push + 1000));
        let job = Job {
            id,
            order,
            expires_ms: i64::MAX,
        };
        self.orders.send(job).await.unwrap();
    }

    async fn answer(&mut self) -> (u128, CommandState, Option<String>) {
        let (id, answer) = self.answers.recv().await.unwrap();
        (id.0.as_u128() - 1000, answer.state, answer.code)
    }
}

async fn watch_push(hub: &Hub) -> (Watched, String) {
    let stream = hub.accept().await.unwrap();
    assert!(
        certificate(&stream).is_some(),
        "a push shows the box's certificate"
    );
    let mut path = String::new();
    #[expect(clippy::result_large_err, reason = "the library's own signature")]
    let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        path = request.uri().path().to_owned();
        Ok(response)
    };
    let socket = accept_hdr_async(stream, note).await.unwrap();
    (socket, path)
}

async fn sequence(socket: &mut Watched) -> u32 {
    match socket.next().await.unwrap().unwrap() {
        Message::Binary(bytes) => Frame::decode(bytes).unwrap().sequence,
        other => panic!("expected a frame, not {other:?}"),
    }
}

#[tokio::test]
async fn a_push_begins_at_the_newest_keyframe_and_ends_with_the_last_viewer() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("push")).await;
    let mut room = room(&hub, &identity);
    (0..25).for_each(|number| room.camera.publish(frame(number)));
    room.order(5, "cam0").await;
    let (mut socket, path) = watch_push(&hub).await;
    assert_eq!(path, format!("/box/1/live/{}", Uuid::from_u128(5)));
    let mut heard = Vec::new();
    for _ in 0..5 {
        heard.push(sequence(&mut socket).await);
    }
    assert_eq!(heard, [0, 21, 22, 23, 24]);
    // Uploads slow down for as long (X55).
    assert_eq!(*room.watched.borrow(), 1);
    room.camera.publish(frame(25));
    assert_eq!(sequence(&mut socket).await, 25);
    socket.close(None).await.unwrap();
    assert_eq!(room.answer().await, (5, CommandState::Done, None));
    assert_eq!(*room.watched.borrow(), 0);
}

#[tokio::test]
async fn orders_that_cannot_be_carried_out_are_answered_with_a_word() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("failing")).await;
    let mut room = room(&hub, &identity);
    let failed = |push, code: &str| (push, CommandState::Failed, Some(code.to_owned()));
    room.order(1, "cam9").await;
    assert_eq!(room.answer().await, failed(1, "unknown_source"));
    room.order(2, "cam0").await;
    let (_first, _) = watch_push(&hub).await;
    room.order(2, "cam0").await;
    assert_eq!(room.answer().await, failed(2, "push_used"));
    room.order(3, "cam0").await;
    let (_second, _) = watch_push(&hub).await;
    room.order(4, "cam0").await;
    assert_eq!(room.answer().await, failed(4, "too_many"));
}

#[tokio::test]
async fn a_hub_that_refuses_or_is_away_ends_the_push() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("refusing")).await;
    let mut room = room(&hub, &identity);
    room.order(1, "cam0").await;
    let mut stream = hub.accept().await.unwrap();
    crate::test_peer::read_http(&mut stream).await;
    crate::test_peer::write_http(&mut stream, 404, b"").await;
    assert_eq!(room.answer().await.2.as_deref(), Some("refused"));
    drop(hub);
    room.order(2, "cam0").await;
    assert_eq!(room.answer().await.2.as_deref(), Some("unreachable"));
}

/// Issue 7: the light is on before the hub sees a connection, and out only after the last is gone.
#[tokio::test]
async fn the_light_is_lit_before_a_push_and_put_out_after_it() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("lit")).await;
    let file = std::env::temp_dir().join(format!("xunke-on-air-{}", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let shows = || std::fs::read_to_string(&file).unwrap();
    let light = config::Light {
        file: Some(file.clone()),
        push_without: false,
        ..config::Light::default()
    };
    let mut room = lit_room(&hub, &identity, light);
    (0..5).for_each(|number| room.camera.publish(frame(number)));
    room.order(1, "cam0").await;
    let (mut socket, _) = watch_push(&hub).await;
    assert_eq!(shows(), "1\n");
    sequence(&mut socket).await;
    socket.close(None).await.unwrap();
    assert_eq!(room.answer().await.1, CommandState::Done);
    let begun = Instant::now();
    while shows() != "0\n" {
        assert!(begun.elapsed() < Duration::from_secs(2), "{}", shows());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::fs::remove_file(&file).unwrap();
    room.order(2, "cam0").await;
    assert_eq!(room.answer().await.2.as_deref(), Some("no_light"));
}

#[tokio::test]
async fn stopping_ends_every_push() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("stopping")).await;
    let room = room(&hub, &identity);
    room.order(1, "cam0").await;
    let (mut socket, _) = watch_push(&hub).await;
    room.stop.send_replace(true);
    while let Some(Ok(_)) = socket.next().await {}
    timeout(Duration::from_secs(2), room.task)
        .await
        .unwrap()
        .unwrap();
}

/// DESIGN: click to picture under 300 ms leaves the box some twenty for its part.
#[tokio::test]
async fn the_second_push_resumes_the_session_and_is_quick() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("quick")).await;
    let mut room = room(&hub, &identity);
    (0..5).for_each(|number| room.camera.publish(frame(number)));
    let mut kinds = Vec::new();
    let mut quickest = Duration::MAX;
    for push in 1..8 {
        let ordered = Instant::now();
        room.order(push, "cam0").await;
        let (mut socket, _) = watch_push(&hub).await;
        sequence(&mut socket).await;
        quickest = quickest.min(ordered.elapsed());
        kinds.push(socket.get_ref().get_ref().1.handshake_kind());
        socket.close(None).await.unwrap();
        room.answer().await;
    }
    assert_eq!(kinds[0], Some(rustls::HandshakeKind::Full));
    assert_eq!(kinds[1], Some(rustls::HandshakeKind::Resumed));
    assert!(quickest < Duration::from_millis(20), "{quickest:?}");
}
