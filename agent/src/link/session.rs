//! One connection after the other, for as long as the box runs.
//!
//! One task owns the library's event loop. A pending `poll` is never dropped half-way, because that
//! could lose a message the library believes to be written.

use super::backlog::{Backlog, Message, Token};
use super::command::{Commands, Job, Step};
use super::receipts::Receipts;
use super::retry::{pause, reason};
use super::window::{Flight, Window};
use crate::clock;
use ed25519_dalek::VerifyingKey;
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    NetworkOptions, Outgoing, Packet, QoS, SubscribeFilter, TlsConfiguration, Transport,
};
use rustls::ClientConfig;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;
use xunke_protocol::envelope::{
    Acks, CommandAnswer, CommandState, HubState, HubTime, Presence, PresenceState, Received, parse,
};
use xunke_protocol::id::{DeviceId, MessageId};
use xunke_protocol::topic::{self, Down, Up};

/// A clock further off than this is not trusted.
const SKEW_MS_MAX: i64 = 5000;
/// The goodbye must be acknowledged within this, or the box leaves without.
const GOODBYE: Duration = Duration::from_secs(2);
/// Packet ids before one is used again: more than the window, so that a late acknowledgement
/// does not hold up the others.
const PACKET_IDS: u16 = 4096;

/// Whom to connect to, as whom.
#[derive(Clone)]
pub struct Settings {
    /// This box.
    pub device: DeviceId,
    /// The hub's name or address.
    pub host: String,
    /// Its MQTT port.
    pub port: u16,
    /// Shows this box's certificate.
    pub tls: Arc<ClientConfig>,
    /// Has signed whatever this box is ordered.
    pub hub_key: VerifyingKey,
    /// Silence after which the library asks whether the hub is still there.
    pub keep_alive: Duration,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Messages sent but not yet acknowledged.
    pub window: u16,
    /// Longest pause between two attempts to connect.
    pub retry_max: Duration,
}

/// How the link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Status {
    /// The hub has accepted this box and the connection lives.
    pub connected: bool,
    /// This box's clock minus the hub's, in milliseconds; absent before the hub has told its time.
    pub skew_ms: Option<i64>,
    /// What the hub's clock showed when this box's system started; absent before the hub has told
    /// its time. Setting this box's clock does not change it.
    pub hub_start_ms: Option<i64>,
    /// Counts reasons to ask for the timetable: new connections, and the hub's word.
    pub timetables: u32,
}

/// The link, ready to run.
pub struct Link {
    eventloop: EventLoop,
    session: Session,
}

/// What outlives a connection, and what belongs to the present one.
struct Session {
    settings: Settings,
    client: AsyncClient,
    backlog: Arc<dyn Backlog>,
    jobs: mpsc::Sender<Job>,
    answers: mpsc::Receiver<(MessageId, CommandAnswer)>,
    status: watch::Sender<Status>,
    commands: Commands,
    boot: Uuid,
    epoch: u64,
    window: Window,
    receipts: Receipts,
    passing: VecDeque<Passing>,
    leaving: bool,
    failures: u32,
}

/// A message that belongs to this connection alone.
struct Passing {
    up: Up,
    payload: Vec<u8>,
}

/// The library takes nothing more, although the window is smaller than its queue.
struct ClientFull;

/// Why a connection ended.
enum End {
    /// We were told to stop.
    Stopped,
    /// The network, the hub, or nobody there.
    Broken(ConnectionError),
}

impl Link {
    /// Prepares a link; nothing is opened before [`Self::run`]. Orders for other rooms go to
    /// `jobs`, their answers come back through `answers`.
    pub fn new(
        settings: Settings,
        backlog: Arc<dyn Backlog>,
        jobs: mpsc::Sender<Job>,
        answers: mpsc::Receiver<(MessageId, CommandAnswer)>,
    ) -> Self {
        let capacity = usize::from(settings.window) + 8;
        let (client, mut eventloop) = AsyncClient::new(options(&settings), capacity);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(settings.connect.as_secs().max(1));
        eventloop.set_network_options(network);
        Self {
            eventloop,
            session: Session {
                commands: Commands::new(settings.device.clone(), settings.hub_key),
                settings,
                client,
                backlog,
                jobs,
                answers,
                status: watch::Sender::default(),
                boot: clock::boot_id(),
                epoch: 0,
                window: Window::default(),
                receipts: Receipts::default(),
                passing: VecDeque::new(),
                leaving: false,
                failures: 0,
            },
        }
    }

    /// Knows how orders ended that were carried out before this agent was started.
    #[must_use]
    pub fn knowing(mut self, ended: Vec<(MessageId, CommandAnswer)>) -> Self {
        for (id, answer) in ended {
            self.session.commands.finished(id, answer);
        }
        self
    }

    /// How the link stands, now and later.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.session.status.subscribe()
    }

    /// Connects, and connects again, until `stop` becomes true; then says goodbye.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let Self {
            mut eventloop,
            mut session,
        } = self;
        loop {
            session.begin(&mut eventloop.mqtt_options);
            let end = session.serve(&mut eventloop, &mut stop).await;
            eventloop.clean();
            eventloop.pending.clear();
            let connected = session.status.borrow().connected;
            session
                .status
                .send_modify(|status| status.connected = false);
            let End::Broken(error) = end else { return };
            session.report(&error, connected);
            let failures = session.failures;
            session.failures += 1;
            tokio::select! {
                () = sleep(pause(failures, session.settings.retry_max)) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}

fn options(settings: &Settings) -> MqttOptions {
    let device = settings.device.as_str();
    let mut options = MqttOptions::new(device, settings.host.clone(), settings.port);
    options
        .set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(
            settings.tls.clone(),
        )))
        .set_keep_alive(settings.keep_alive)
        .set_max_packet_size(topic::PACKET_BYTES_MAX, topic::PACKET_BYTES_MAX)
        .set_inflight(PACKET_IDS)
        .set_clean_session(true);
    options
}

impl Session {
    /// A fresh epoch, so that a late will of the last connection cannot end this one. Beginning at
    /// the time since boot keeps (boot, epoch) unique over restarts of the agent without a file.
    fn begin(&mut self, options: &mut MqttOptions) {
        self.epoch = clock::mono_ms().max(self.epoch + 1);
        let will = self.presence(PresenceState::Lost, "");
        let state = Up::State.topic(&self.settings.device);
        options.set_last_will(LastWill::new(state, will, QoS::AtLeastOnce, true));
        self.window = Window::default();
        self.receipts = Receipts::default();
        self.passing.clear();
        self.backlog.begin(self.epoch);
    }

    async fn serve(&mut self, eventloop: &mut EventLoop, stop: &mut watch::Receiver<bool>) -> End {
        let mut goodbye = Instant::now();
        let backlog = self.backlog.clone();
        loop {
            let mut poll = pin!(eventloop.poll());
            let event = loop {
                if self.feed().is_err() {
                    return End::Broken(ConnectionError::RequestsDone);
                }
                tokio::select! {
                    event = &mut poll => break event,
                    () = backlog.changed().notified(), if self.connected() => {}
                    Some((id, answer)) = self.answers.recv() => self.finished(id, answer),
                    _ = stop.wait_for(|stop| *stop), if !self.leaving => {
                        if !self.connected() {
                            return End::Stopped;
                        }
                        goodbye = Instant::now() + GOODBYE;
                        self.leave();
                    }
                    () = sleep_until(goodbye), if self.leaving => return End::Stopped,
                    () = until(self.receipts.again_at()), if !self.leaving => self.tell_again(),
                }
            };
            match event {
                Ok(Event::Outgoing(Outgoing::Disconnect)) => return End::Stopped,
                Ok(event) => self.handle(event),
                Err(error) => return End::Broken(error),
            }
        }
    }

    fn connected(&self) -> bool {
        self.status.borrow().connected
    }

    fn leave(&mut self) {
        self.leaving = true;
        let payload = self.presence(PresenceState::Offline, "shutdown");
        self.pass(Up::State, payload);
    }

    /// Gives the library what fits into the window: this connection's own messages first.
    fn feed(&mut self) -> Result<(), ClientFull> {
        if !self.connected() {
            return Ok(());
        }
        let window = usize::from(self.settings.window);
        while self.window.len() + self.receipts.waiting() < window {
            let (up, payload, flight) = if let Some(passing) = self.passing.pop_front() {
                (passing.up, passing.payload, Flight::Passing)
            } else if self.leaving || self.receipts.hub_is_away() {
                break;
            } else if let Some(Message { token, up, payload }) = self.backlog.next() {
                match up {
                    Up::Event(_) => (up, payload, Flight::Event(token)),
                    _ => (up, payload, Flight::Document(token)),
                }
            } else {
                break;
            };
            let retain = matches!(up, Up::State | Up::Health | Up::Config);
            let topic = up.topic(&self.settings.device);
            let fed = self
                .client
                .try_publish(topic, QoS::AtLeastOnce, retain, payload);
            fed.map_err(|_| ClientFull)?;
            if let Flight::Event(token) = flight {
                self.receipts.sent(token);
            }
            self.window.feed(flight);
        }
        if self.leaving && self.window.len() == 0 {
            // A second call finds the queue taken by the first; both mean the same.
            drop(self.client.try_disconnect());
        }
        Ok(())
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => self.born(),
            Event::Incoming(Packet::PubAck(ack)) => {
                self.failures = 0;
                let stored = match self.window.acknowledged(ack.pkid) {
                    Some(Flight::Event(token)) => self.receipts.acknowledged(token, Instant::now()),
                    Some(Flight::Document(token)) => Some(token),
                    Some(Flight::Passing) | None => None,
                };
                self.delivered(stored);
            }
            Event::Incoming(Packet::Publish(publish)) => {
                self.arrived(&publish.topic, &publish.payload);
            }
            Event::Outgoing(Outgoing::Publish(packet)) => self.window.wrote(packet),
            _ => {}
        }
    }

    fn born(&mut self) {
        let filters = [
            topic::device_filter(&self.settings.device),
            topic::HUB_STATE.to_owned(),
        ];
        let filters = filters.map(|filter| SubscribeFilter::new(filter, QoS::AtLeastOnce));
        // Fails only when the queue is full, and a new connection begins with an empty one.
        drop(self.client.try_subscribe_many(filters));
        let birth = self.presence(PresenceState::Online, "");
        self.pass(Up::State, birth);
        self.status.send_modify(|status| {
            status.connected = true;
            status.timetables = status.timetables.wrapping_add(1);
        });
        tracing::info!(
            hub.host = self.settings.host,
            hub.port = self.settings.port,
            "hub reached"
        );
    }

    fn arrived(&mut self, topic: &str, payload: &[u8]) {
        match Down::parse(topic) {
            Some((device, Down::Command(id))) if device == self.settings.device => {
                let hub_now_ms = clock::now_ms() - self.status.borrow().skew_ms.unwrap_or(0);
                match self.commands.arrived(id, payload, hub_now_ms) {
                    Step::Answer(answer) => self.tell(id, &answer),
                    Step::Start(job) => self.start(job),
                    Step::Timetable(answer) => {
                        self.status.send_modify(|status| {
                            status.timetables = status.timetables.wrapping_add(1);
                        });
                        self.tell(id, &answer);
                    }
                    Step::Wait => {}
                }
            }
            Some((device, Down::Time)) if device == self.settings.device => {
                if let Ok(HubTime { now, acks }) = parse(payload) {
                    self.learn_time(now);
                    self.learn_acks(acks);
                }
            }
            Some((device, Down::Received)) if device == self.settings.device => {
                if let Ok(received) = parse::<Received>(payload) {
                    let stored = self.receipts.stored(&received, Instant::now());
                    self.delivered(stored);
                }
            }
            None if topic == topic::HUB_STATE => {
                if let Ok(hub) = parse::<HubState>(payload) {
                    self.heard_of_hub(hub);
                }
            }
            _ => {}
        }
    }

    fn delivered(&self, stored: impl IntoIterator<Item = Token>) {
        for token in stored {
            self.backlog.delivered(token);
        }
    }

    fn learn_acks(&mut self, acks: Acks) {
        let stored = self.receipts.told(acks);
        self.delivered(stored);
    }

    fn heard_of_hub(&mut self, hub: HubState) {
        let again = self.receipts.heard_of_hub(hub);
        self.learn_acks(hub.acks);
        if again {
            tracing::info!("the hub behind the broker is back");
            self.tell_again();
        }
    }

    /// Whoever is behind the broker may know nothing of what was sent: birth first, as ever.
    fn tell_again(&mut self) {
        self.receipts.begin_again();
        self.backlog.begin(self.epoch);
        let birth = self.presence(PresenceState::Online, "");
        self.pass(Up::State, birth);
    }

    fn learn_time(&mut self, hub_now_ms: i64) {
        let skew_ms = clock::now_ms().saturating_sub(hub_now_ms);
        let hub_start_ms = hub_now_ms.saturating_sub_unsigned(clock::mono_ms());
        let trusted = skew_ms.saturating_abs() <= SKEW_MS_MAX;
        if !trusted {
            tracing::warn!(skew_ms, "the clock of this box is off; recording goes on");
        }
        self.backlog.set_clock_trusted(trusted);
        self.status.send_modify(|status| {
            status.skew_ms = Some(skew_ms);
            status.hub_start_ms = Some(hub_start_ms);
        });
    }

    fn start(&mut self, job: Job) {
        let id = job.id;
        if self.jobs.try_send(job).is_err() {
            let busy = CommandAnswer::new(CommandState::Failed, Some("busy"));
            self.finished(id, busy);
        }
    }

    fn finished(&mut self, id: MessageId, answer: CommandAnswer) {
        self.tell(id, &answer);
        self.commands.finished(id, answer);
    }

    /// Answers that find no connection are not kept: the hub asks again after the next birth.
    fn tell(&mut self, id: MessageId, answer: &CommandAnswer) {
        if self.connected() {
            let data = serde_json::to_value(answer).expect("invariant: plain fields become JSON");
            let payload = self.backlog.wrap("ack", data);
            self.pass(Up::Ack(id), payload);
        }
    }

    fn pass(&mut self, up: Up, payload: Vec<u8>) {
        self.passing.push_back(Passing { up, payload });
    }

    fn presence(&self, s: PresenceState, why: &str) -> Vec<u8> {
        let will = s == PresenceState::Lost;
        let agent = if will { "" } else { env!("CARGO_PKG_VERSION") };
        let presence = Presence {
            s,
            boot: self.boot,
            epoch: self.epoch,
            agent: agent.to_owned(),
            why: why.to_owned(),
        };
        serde_json::to_vec(&presence).expect("invariant: plain fields become JSON")
    }

    /// One line when the hub goes away, and none for each attempt after it.
    fn report(&self, error: &ConnectionError, connected: bool) {
        use ConnectReturnCode::{BadClientId, NotAuthorized};
        let host = self.settings.host.as_str();
        let port = self.settings.port;
        let why = reason(error);
        match error {
            _ if self.failures > 0 => tracing::debug!(why, "the hub is still away"),
            ConnectionError::ConnectionRefused(NotAuthorized | BadClientId) => tracing::warn!(
                hub.host = host,
                hub.port = port,
                "the hub does not accept this box any more (revoked or replaced); recording goes \
                 on, and the hub is asked again; enrol with --replace and a new code if it stays"
            ),
            _ if connected => tracing::warn!(
                why,
                hub.host = host,
                hub.port = port,
                "the hub is gone; recording goes on, and the hub is tried again"
            ),
            _ => tracing::warn!(
                why,
                hub.host = host,
                hub.port = port,
                "the hub cannot be reached; recording goes on, and the hub is tried again; check \
                 the network, hub.url and whether the hub runs"
            ),
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
