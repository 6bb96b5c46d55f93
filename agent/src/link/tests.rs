//! Against a hub that breaks connections, over mutual TLS.

use super::*;
use crate::clock;
use crate::identity::Identity;
use crate::test_peer::{DEVICE, Hub, Mqtt};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, SubAck, SubscribeReasonCode,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;
use uuid::Uuid;
use xunke_protocol::envelope::{
    Command, CommandAnswer, CommandState, Order, Presence, PresenceState,
};
use xunke_protocol::id::{MessageId, PushId, StreamKind};
use xunke_protocol::topic::{Down, HUB_STATE, Up, device_filter};

/// A backlog in memory.
#[derive(Default)]
struct Shelf {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: BTreeSet<u64>,
    after: u64,
    epochs: Vec<u64>,
    trusted: Option<bool>,
}

impl Shelf {
    fn add(&self, tokens: impl IntoIterator<Item = u64>) {
        self.state.lock().unwrap().waiting.extend(tokens);
        self.changed.notify_one();
    }

    fn waiting(&self) -> usize {
        self.state.lock().unwrap().waiting.len()
    }
}

impl Backlog for Shelf {
    fn begin(&self, epoch: u64) {
        let mut state = self.state.lock().unwrap();
        state.epochs.push(epoch);
        state.after = 0;
    }

    fn next(&self) -> Option<Message> {
        let mut state = self.state.lock().unwrap();
        let next = *state.waiting.range(state.after + 1..).next()?;
        state.after = next;
        Some(Message {
            token: Token(next),
            up: Up::Event("gap".into()),
            payload: next.to_string().into_bytes(),
        })
    }

    fn delivered(&self, token: Token) {
        self.state.lock().unwrap().waiting.remove(&token.0);
    }

    fn wrap(&self, kind: &str, data: Value) -> Vec<u8> {
        json!({"kind": kind, "data": data}).to_string().into_bytes()
    }

    fn set_clock_trusted(&self, trusted: bool) {
        self.state.lock().unwrap().trusted = Some(trusted);
    }

    fn changed(&self) -> &Notify {
        &self.changed
    }
}

/// A running link and its ends.
struct Box {
    shelf: Arc<Shelf>,
    jobs: mpsc::Receiver<Job>,
    answers: mpsc::Sender<(MessageId, CommandAnswer)>,
    status: watch::Receiver<Status>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

fn run(hub: &Hub, identity: &Identity) -> Box {
    let shelf = Arc::new(Shelf::default());
    let (jobs, ordered) = mpsc::channel(4);
    let (answers, answered) = mpsc::channel(4);
    let settings = Settings {
        device: identity.device_id.clone(),
        host: "localhost".into(),
        port: hub.port(),
        tls: identity.tls_client_config(),
        hub_key: identity.hub_signing_key,
        keep_alive: Duration::from_secs(30),
        connect: Duration::from_secs(5),
        window: 16,
        retry_max: Duration::from_secs(1),
    };
    let link = Link::new(settings, shelf.clone(), jobs, answered);
    let status = link.status();
    let (stop, stopping) = watch::channel(false);
    Box {
        shelf,
        jobs: ordered,
        answers,
        status,
        stop,
        task: tokio::spawn(link.run(stopping)),
    }
}

/// Accepts a connection up to its birth.
async fn greet(hub: &Hub) -> (Mqtt, Connect, Presence) {
    let mut mqtt = Mqtt::new(hub.accept().await.unwrap());
    let Some(Packet::Connect(connect)) = mqtt.read().await else {
        panic!("expected CONNECT");
    };
    mqtt.write(Packet::ConnAck(ConnAck::new(
        ConnectReturnCode::Success,
        false,
    )))
    .await;
    let Some(Packet::Subscribe(subscribe)) = mqtt.read().await else {
        panic!("expected SUBSCRIBE");
    };
    let filters: Vec<_> = subscribe
        .filters
        .iter()
        .map(|filter| filter.path.clone())
        .collect();
    assert_eq!(
        filters,
        [
            device_filter(&DEVICE.parse().unwrap()),
            HUB_STATE.to_owned()
        ]
    );
    let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); 2];
    mqtt.write(Packet::SubAck(SubAck::new(subscribe.pkid, granted)))
        .await;
    let birth = publish(&mut mqtt).await.expect("a birth");
    assert_eq!(birth.topic, Up::State.topic(&DEVICE.parse().unwrap()));
    assert!(birth.retain && birth.qos == QoS::AtLeastOnce);
    acknowledge(&mut mqtt, &birth).await;
    (
        mqtt,
        connect,
        serde_json::from_slice(&birth.payload).unwrap(),
    )
}

async fn publish(mqtt: &mut Mqtt) -> Option<Publish> {
    loop {
        match mqtt.read().await? {
            Packet::Publish(publish) => return Some(publish),
            Packet::Disconnect => return None,
            _ => {}
        }
    }
}

async fn acknowledge(mqtt: &mut Mqtt, publish: &Publish) {
    mqtt.write(Packet::PubAck(PubAck::new(publish.pkid))).await;
}

async fn say(mqtt: &mut Mqtt, down: &Down, payload: Vec<u8>) {
    let topic = down.topic(&DEVICE.parse().unwrap());
    mqtt.write(Packet::Publish(Publish::new(
        topic,
        QoS::AtMostOnce,
        payload,
    )))
    .await;
}

/// The hub's time, and that its PUBACK is its word.
async fn tell_time(mqtt: &mut Mqtt) {
    let time = json!({"now": clock::now_ms()});
    say(mqtt, &Down::Time, time.to_string().into_bytes()).await;
}

/// What a hub behind a broker says to all, and the broker gives to whoever connects.
async fn tell_state(mqtt: &mut Mqtt, since: i64) {
    let state = json!({"online": true, "since": since, "acks": "rcv"});
    let said = Publish::new(HUB_STATE, QoS::AtMostOnce, state.to_string());
    mqtt.write(Packet::Publish(said)).await;
}

/// The will and epoch rule: docs/PROTOCOL.md.
#[tokio::test]
async fn each_connection_has_its_own_epoch_in_will_and_birth() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("epoch")).await;
    let running = run(&hub, &identity);
    let mut epochs = Vec::new();
    for _ in 0..3 {
        let (_gone, connect, birth) = greet(&hub).await;
        assert_eq!(
            (connect.client_id.as_str(), connect.clean_session),
            (DEVICE, true)
        );
        let will = connect.last_will.unwrap();
        assert!(will.retain && will.qos == QoS::AtLeastOnce);
        assert_eq!(will.topic, Up::State.topic(&identity.device_id));
        let death: Presence = serde_json::from_slice(&will.message).unwrap();
        assert_eq!(
            (death.s, birth.s),
            (PresenceState::Lost, PresenceState::Online)
        );
        assert_eq!((death.boot, death.epoch), (birth.boot, birth.epoch));
        epochs.push(birth.epoch);
    }
    assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
    running.task.abort();
}

/// docs/decisions/0002: the library alone loses what is in flight; with the backlog nothing is
/// lost, whenever the connection breaks.
#[tokio::test]
async fn nothing_is_lost_over_a_hub_that_breaks_connections() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("loss")).await;
    let running = run(&hub, &identity);
    running.shelf.add(1..=200);
    let mut heard = BTreeSet::new();
    let mut twice = 0;
    for round in 0_usize.. {
        let (mut mqtt, ..) = greet(&hub).await;
        tell_time(&mut mqtt).await;
        // Hears more than it acknowledges, then breaks off.
        let breaks_after = if round < 5 { 30 } else { usize::MAX };
        for count in 0..breaks_after {
            let event = publish(&mut mqtt).await.unwrap();
            let number: u64 = str::from_utf8(&event.payload).unwrap().parse().unwrap();
            twice += u32::from(!heard.insert(number));
            if round >= 5 || count < 15 + round {
                acknowledge(&mut mqtt, &event).await;
            }
            if heard.len() == 200 {
                break;
            }
            if count == 28 || (round < 5 && count >= 15 + round + 15) {
                break;
            }
        }
        if heard.len() == 200 {
            let empty = async {
                while running.shelf.waiting() > 0 {
                    tokio::select! {
                        event = publish(&mut mqtt) => acknowledge(&mut mqtt, &event.unwrap()).await,
                        () = tokio::time::sleep(Duration::from_millis(10)) => {}
                    }
                }
            };
            timeout(Duration::from_secs(5), empty)
                .await
                .expect("all are acknowledged");
            break;
        }
    }
    assert_eq!(heard, (1..=200).collect());
    assert!(twice > 0, "the broken connections must have cost something");
    running.task.abort();
}

#[tokio::test]
async fn no_more_than_the_window_is_in_flight() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("window")).await;
    let running = run(&hub, &identity);
    running.shelf.add(1..=100);
    let (mut mqtt, ..) = greet(&hub).await;
    tell_time(&mut mqtt).await;
    let mut unacknowledged = Vec::new();
    let quiet = Duration::from_millis(300);
    while let Ok(Some(event)) = timeout(quiet, publish(&mut mqtt)).await {
        unacknowledged.push(event);
    }
    assert_eq!(unacknowledged.len(), 16);
    acknowledge(&mut mqtt, &unacknowledged[3]).await;
    assert!(
        timeout(quiet, publish(&mut mqtt)).await.is_ok(),
        "one more has room"
    );
    assert!(
        timeout(quiet, publish(&mut mqtt)).await.is_err(),
        "and only one"
    );
    running.task.abort();
}

/// The numbers of the events that come until it is quiet, all acknowledged.
async fn taken(mqtt: &mut Mqtt) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Ok(Some(event)) = timeout(Duration::from_millis(300), publish(mqtt)).await {
        acknowledge(mqtt, &event).await;
        let number = str::from_utf8(&event.payload).ok();
        numbers.extend(number.and_then(|text| text.parse::<u64>().ok()));
    }
    numbers
}

/// A broker's PUBACK is not the hub's word: docs/decisions/0037.
#[tokio::test]
async fn behind_a_broker_events_stay_until_the_hub_says_that_it_has_them() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("broker")).await;
    let running = run(&hub, &identity);
    running.shelf.add(1..=40);
    let (mut mqtt, ..) = greet(&hub).await;
    tell_state(&mut mqtt, 1).await;
    assert_eq!(taken(&mut mqtt).await, (1..=16).collect::<Vec<_>>());
    assert_eq!(
        running.shelf.waiting(),
        40,
        "the broker has them, not the hub"
    );
    let received = json!({"seqs": [[1, 9], [11, 16]]}).to_string().into_bytes();
    say(&mut mqtt, &Down::Received, received).await;
    assert_eq!(taken(&mut mqtt).await, (17..=31).collect::<Vec<_>>());
    assert_eq!(
        running.shelf.waiting(),
        25,
        "10 got lost between broker and hub"
    );
    tell_state(&mut mqtt, 2).await;
    let again = taken(&mut mqtt).await;
    assert_eq!(again, [10].into_iter().chain(17..=31).collect::<Vec<_>>());
    running.task.abort();
}

#[tokio::test]
async fn orders_are_answered_and_carried_out_once() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("orders")).await;
    let mut running = run(&hub, &identity);
    let (mut mqtt, ..) = greet(&hub).await;
    let live = Order::LiveStart {
        push: PushId(Uuid::from_u128(3)),
        source: "cam0".parse().unwrap(),
        stream: StreamKind::Sub,
    };
    let orders = [
        (Order::Ping, "done"),
        (Order::Timetable, "done"),
        (live.clone(), "failed"),
    ];
    for (order, state) in orders {
        let id = MessageId(Uuid::now_v7());
        let command = Command {
            v: xunke_protocol::version::CURRENT,
            id,
            issued: clock::now_ms(),
            expires: clock::now_ms() + 5000,
            order: order.clone(),
        };
        let expires_ms = command.expires;
        let payload = hub.signed(&command);
        for _ in 0..2 {
            say(&mut mqtt, &Down::Command(id), payload.clone()).await;
        }
        if order == live {
            let job = running.jobs.recv().await.unwrap();
            let expected = Job {
                id,
                order,
                expires_ms,
            };
            assert_eq!(job, expected);
            let failed = CommandAnswer::new(CommandState::Failed, Some("unknown_source"));
            running.answers.send((id, failed)).await.unwrap();
            let answer = publish(&mut mqtt).await.unwrap();
            check_answer(&answer, id, state);
            acknowledge(&mut mqtt, &answer).await;
            say(&mut mqtt, &Down::Command(id), payload).await;
        } else {
            let answer = publish(&mut mqtt).await.unwrap();
            check_answer(&answer, id, state);
            acknowledge(&mut mqtt, &answer).await;
        }
        let again = publish(&mut mqtt).await.unwrap();
        check_answer(&again, id, state);
        acknowledge(&mut mqtt, &again).await;
    }
    assert!(running.jobs.try_recv().is_err(), "carried out once");
    running.task.abort();
}

fn check_answer(publish: &Publish, id: MessageId, state: &str) {
    assert_eq!(publish.topic, Up::Ack(id).topic(&DEVICE.parse().unwrap()));
    let json: Value = serde_json::from_slice(&publish.payload).unwrap();
    assert_eq!(
        (json["kind"].as_str(), json["data"]["state"].as_str()),
        (Some("ack"), Some(state))
    );
    assert!(!publish.retain, "nothing old may answer for something new");
}

/// A box whose clock is an hour off judges an order by the hub's clock.
#[tokio::test]
async fn the_hubs_clock_counts() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("clock")).await;
    let mut running = run(&hub, &identity);
    let (mut mqtt, ..) = greet(&hub).await;
    let hub_now = clock::now_ms() + 3_600_000;
    say(
        &mut mqtt,
        &Down::Time,
        format!("{{\"now\":{hub_now}}}").into_bytes(),
    )
    .await;
    let known = running
        .status
        .wait_for(|status| status.skew_ms.is_some())
        .await
        .unwrap();
    let skew = known.skew_ms.unwrap();
    drop(known);
    assert!((-3_600_000..-3_590_000).contains(&skew), "{skew}");
    assert_eq!(running.shelf.state.lock().unwrap().trusted, Some(false));
    let id = MessageId(Uuid::now_v7());
    let late = Command {
        v: xunke_protocol::version::CURRENT,
        id,
        issued: hub_now - 9000,
        expires: hub_now - 5000,
        order: Order::Ping,
    };
    say(&mut mqtt, &Down::Command(id), hub.signed(&late)).await;
    check_answer(&publish(&mut mqtt).await.unwrap(), id, "expired");
    running.task.abort();
}

#[tokio::test]
async fn a_stopping_box_says_goodbye() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("goodbye")).await;
    let running = run(&hub, &identity);
    let (mut mqtt, _, birth) = greet(&hub).await;
    running.stop.send_replace(true);
    let goodbye = publish(&mut mqtt).await.unwrap();
    let presence: Presence = serde_json::from_slice(&goodbye.payload).unwrap();
    assert_eq!(
        (presence.s, presence.epoch),
        (PresenceState::Offline, birth.epoch)
    );
    assert_eq!((presence.why.as_str(), goodbye.retain), ("shutdown", true));
    acknowledge(&mut mqtt, &goodbye).await;
    assert_eq!(mqtt.read().await, Some(Packet::Disconnect));
    running.task.await.unwrap();
    assert!(!running.status.borrow().connected);
}

#[tokio::test]
async fn a_box_without_hub_stops_at_once() {
    let hub = Hub::start().await;
    let identity = hub.enrolled(&hub.config("absent")).await;
    let mut running = run(&hub, &identity);
    drop(hub);
    tokio::time::sleep(Duration::from_millis(300)).await;
    running.stop.send_replace(true);
    timeout(Duration::from_millis(500), &mut running.task)
        .await
        .unwrap()
        .unwrap();
}
