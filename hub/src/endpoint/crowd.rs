//! The boxes behind a broker: one task each, which hands over what its box says in its order, says
//! what was stored, and takes to it what it is told. Whether a box may speak is asked when it
//! begins to, and again whenever the hub has ended that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::{AsyncClient, QoS};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use xunke_protocol::envelope::{self, Presence, PresenceState, Received};
use xunke_protocol::id::DeviceId;
use xunke_protocol::topic::{Down, Up};

use super::links::{End, Links, Message, Seat};
use super::pace::Pace;
use super::stand_in::Broker;
use super::{Fleet, Happening, Limits};

/// Messages of one box that wait; an honest one has a window of them, and what is dropped it sends
/// again.
const WAITING_MAX: usize = 64;
/// Acknowledgements that go out together.
const TOGETHER_MAX: usize = 16;
/// A box that may not speak is sent away at most so often.
const AWAY_EVERY: Duration = Duration::from_secs(5);
/// Nothing is kept of a box without a seat that is silent for so long.
const IDLE: Duration = Duration::from_secs(600);
const REVOKED: &str = "revoked";
const UNKNOWN: &str = "it is not in use";

/// Something a box said.
pub(super) struct Said {
    /// On which channel.
    pub channel: Up,
    /// The document.
    pub payload: Bytes,
    /// When it came.
    pub came: Instant,
}

/// Every box that has said something since the hub met the broker.
pub(super) struct Crowd<F> {
    house: Arc<House<F>>,
    boxes: HashMap<DeviceId, mpsc::Sender<Said>>,
    tasks: JoinSet<DeviceId>,
}

/// What all of them need.
struct House<F> {
    fleet: Arc<F>,
    links: Links,
    limits: Limits,
    broker: Broker,
    client: AsyncClient,
}

impl<F: Fleet> Crowd<F> {
    pub fn new(
        fleet: &Arc<F>,
        links: &Links,
        limits: Limits,
        broker: &Broker,
        client: AsyncClient,
    ) -> Self {
        let house = House {
            fleet: fleet.clone(),
            links: links.clone(),
            limits,
            broker: broker.clone(),
            client,
        };
        Self {
            house: Arc::new(house),
            boxes: HashMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Takes one message; what finds no room is dropped, and its box sends it again.
    pub fn hear(&mut self, device: DeviceId, said: Said) {
        while let Some(Ok(gone)) = self.tasks.try_join_next() {
            if self.boxes.get(&gone).is_some_and(mpsc::Sender::is_closed) {
                self.boxes.remove(&gone);
            }
        }
        let known = self.boxes.get(&device).filter(|one| !one.is_closed());
        let sender = match known {
            Some(sender) => sender.clone(),
            None if self.boxes.len() >= self.house.limits.connections_max => {
                tracing::warn!("too many boxes speak; a message was dropped");
                return;
            }
            None => self.meet(&device),
        };
        if sender.try_send(said).is_err() {
            tracing::debug!(device.id = %device, "a box speaks too fast; it is heard later");
        }
    }

    fn meet(&mut self, device: &DeviceId) -> mpsc::Sender<Said> {
        let (sender, said) = mpsc::channel(WAITING_MAX);
        self.boxes.insert(device.clone(), sender.clone());
        let now = Instant::now();
        let one = OneBox {
            device: device.clone(),
            pace: Pace::new(&self.house.limits, now),
            house: self.house.clone(),
            seat: None,
            birth: None,
            away_at: None,
            sent_away: None,
            stored: Vec::new(),
        };
        self.tasks.spawn(one.attend(said));
        sender
    }
}

/// A box, as the hub sees it through the broker.
struct OneBox<F> {
    device: DeviceId,
    house: Arc<House<F>>,
    pace: Pace,
    /// Taken while it may speak.
    seat: Option<Seat>,
    /// The connection of its last birth: a late will of another one ends nothing.
    birth: Option<(uuid::Uuid, u64)>,
    /// When it is to be sent away.
    away_at: Option<Instant>,
    sent_away: Option<Instant>,
    /// Of stored events, with when they came: not said yet.
    stored: Vec<(u64, Instant)>,
}

/// What comes first.
enum Next {
    Said(Said),
    Told(Message),
    Ended(Option<End>),
    Away,
    Idle,
}

/// Enough of an envelope to say that it is stored.
#[derive(Deserialize)]
struct Numbered {
    seq: u64,
}

impl<F: Fleet> OneBox<F> {
    async fn attend(mut self, mut said: mpsc::Receiver<Said>) -> DeviceId {
        let mut read_from = Instant::now();
        loop {
            match self.next(&mut said, read_from).await {
                Next::Said(one) => {
                    let now = Instant::now();
                    read_from = now + self.pace.take(one.payload.len(), now);
                    self.hears(one).await;
                    if said.is_empty() || self.stored.len() >= TOGETHER_MAX {
                        self.says_what_is_stored().await;
                    }
                }
                Next::Told(message) => self.tells(message.topic, message.payload).await,
                Next::Ended(end) => self.ended(end),
                Next::Away => self.sends_away().await,
                Next::Idle => return self.device,
            }
        }
    }

    async fn next(&mut self, said: &mut mpsc::Receiver<Said>, read_from: Instant) -> Next {
        let (queue, end) = match &mut self.seat {
            Some(seat) => (Some(&mut seat.queue), Some(&mut seat.end)),
            None => (None, None),
        };
        let ended = async {
            match end {
                Some(end) => end.changed().await.ok().and_then(|()| *end.borrow()),
                None => std::future::pending().await,
            }
        };
        let told = async {
            match queue {
                Some(queue) => queue.recv().await,
                None => std::future::pending().await,
            }
        };
        let heard = async {
            sleep_until(read_from).await;
            said.recv().await
        };
        let away = async {
            match self.away_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            end = ended => Next::Ended(end),
            () = away => Next::Away,
            told = told => told.map_or(Next::Ended(None), Next::Told),
            heard = heard => heard.map_or(Next::Idle, Next::Said),
            () = tokio::time::sleep(IDLE) => Next::Idle,
        }
    }

    async fn hears(&mut self, said: Said) {
        let word = match said.channel {
            Up::State => envelope::parse::<Presence>(&said.payload).ok(),
            _ => None,
        };
        let leaves = word
            .as_ref()
            .is_some_and(|word| word.s != PresenceState::Online);
        // That it is gone may be said of a box that may say nothing else any more.
        if !leaves && self.seat.is_none() && !self.comes().await {
            return;
        }
        if let Some(word) = word.as_ref().filter(|_| !leaves) {
            self.birth = Some((word.boot, word.epoch));
        }
        let seq = match said.channel {
            Up::Event(_) => serde_json::from_slice(&said.payload).ok(),
            _ => None,
        };
        let (fleet, device) = (&self.house.fleet, &self.device);
        let taken = fleet.message(device, said.channel, said.payload).await;
        if let (Ok(()), Some(Numbered { seq })) = (taken, seq) {
            self.stored.push((seq, said.came));
        }
        if let Some(word) = word.filter(|_| leaves)
            && self.birth == Some((word.boot, word.epoch))
        {
            tracing::info!(device.id = %self.device, "box disconnected");
            self.seat = None;
        }
    }

    /// Whether it may speak; then it has its seat. Asked again once it has: whoever ended its right
    /// meanwhile found no seat to end.
    async fn comes(&mut self) -> bool {
        let (house, device) = (&self.house, &self.device);
        let seat = match house.fleet.knows(device).await {
            true => Some(house.links.sit(device).await),
            false => None,
        };
        if seat.is_some() && house.fleet.knows(device).await {
            tracing::info!(device.id = %device, "box connected");
            house.fleet.happened(Happening::Connected(device));
            self.seat = seat;
            self.away_at = None;
            return true;
        }
        if self.away_at.is_none() {
            house.fleet.happened(Happening::CutOff(device, UNKNOWN));
            let free_at = self.sent_away.map(|last| last + AWAY_EVERY);
            self.away_at = Some(free_at.unwrap_or_else(Instant::now));
        }
        false
    }

    fn ended(&mut self, end: Option<End>) {
        self.seat = None;
        if end == Some(End::Kicked) {
            let (house, device) = (&self.house, &self.device);
            house.fleet.happened(Happening::CutOff(device, REVOKED));
            self.away_at = Some(Instant::now());
        }
    }

    async fn sends_away(&mut self) {
        self.sent_away = Some(Instant::now());
        let left = self.house.broker.send_away(&self.device).await;
        tracing::info!(device.id = %self.device, left, "a box was sent away from the broker");
        self.away_at = (!left).then(|| Instant::now() + AWAY_EVERY);
    }

    async fn says_what_is_stored(&mut self) {
        if self.stored.is_empty() {
            return;
        }
        let stored = std::mem::take(&mut self.stored);
        let received = Received::of(stored.iter().map(|(seq, _)| *seq).collect());
        let payload = serde_json::to_vec(&received);
        let payload = payload.expect("invariant: numbers become JSON");
        self.tells(Down::Received.topic(&self.device), payload.into())
            .await;
        for (_, came) in stored {
            let waited = Happening::Acknowledged(came.elapsed());
            self.house.fleet.happened(waited);
        }
    }

    async fn tells(&self, topic: String, payload: Bytes) {
        let (client, qos) = (&self.house.client, QoS::AtLeastOnce);
        // Fails only when the connection is gone, and then so is everything here.
        drop(client.publish_bytes(topic, qos, false, payload).await);
    }
}
