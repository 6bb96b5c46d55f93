//! Hostile boxes and hostile pages at the live doors, on the real wire (issue 7): refused or cut,
//! counted, and whoever watches another room sees every second of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use reqwest::StatusCode;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, TlsConfiguration, Transport};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{Connector, connect_async_tls_with_config};
use uuid::Uuid;
use xunke_protocol::command::SignedCommand;
use xunke_protocol::live::{Frame, FrameKind, MESSAGE_BYTES_MAX};
use xunke_tests::campus::{BoxIdentity, Classroom, Hub, Person, Said, Socket, Viewer, free_port};
use xunke_tests::classroom::Sound;

use crate::shared::{folder, run, until};

const SOON: Duration = Duration::from_secs(5);
/// An order is given anew after 8 s at the latest.
const ORDERED_MAX: Duration = Duration::from_secs(20);
/// A page that does not read is cut after 20 s, once its buffers are full.
const UNREAD_MAX: Duration = Duration::from_secs(50);
/// A second without pictures would be a keyframe missed; more is a disturbance.
const GAP_MAX: Duration = Duration::from_secs(3);
const TOKEN: &str = "fedcba9876543210fedcba9876543210";

/// A hub, a room that is well and watched, and a box that speaks for itself.
struct Stage {
    hub: Hub,
    well: Classroom,
    own: BoxIdentity,
    room: String,
    person: Person,
    metrics: String,
}

impl Stage {
    async fn start() -> Result<Self> {
        let folder = folder("hostile-live")?;
        let mut hub = Hub::start(&folder, 2, None)?;
        hub.end()?;
        let (port, token) = (free_port()?, folder.join("token"));
        fs::write(&token, TOKEN)?;
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
        hub.configure(|text| {
            let token = token.display();
            format!("{text}[metrics]\nlisten = \"127.0.0.1:{port}\"\ntoken_file = \"{token}\"\n")
        })?;
        hub.run()?;
        let (first, second) = (hub.rooms[0].clone(), hub.rooms[1].clone());
        let mut well = Classroom::start(first, Sound::Aac, &folder, hub.ports)?;
        well.run_agent()?;
        let own = Classroom::start(second, Sound::Aac, &folder, hub.ports)?;
        let mut accounts = hub.accounts.iter();
        let account = accounts.find(|one| one.role == "school_supervisor");
        let url = format!("https://localhost:{}", hub.ports.people);
        let nobody = Person::nobody(&url, &hub.ca_pem()?)?;
        Ok(Self {
            person: nobody.sign_in(account.context("nobody")?).await?,
            own: own.identity()?,
            room: own.room.id.clone(),
            metrics: format!("https://localhost:{port}/metrics"),
            well,
            hub,
        })
    }

    /// How often something was refused or cut for that reason, as Prometheus is told.
    async fn counted(&self, name: &str, reason: &str) -> Result<u64> {
        let client = self.own.client(false)?;
        let asked = client.get(&self.metrics).bearer_auth(TOKEN).send().await?;
        let text = asked.error_for_status()?.text().await?;
        let line = format!("xunke_hub_live_{name}_total{{reason=\"{reason}\"}} ");
        let found = text.lines().find_map(|one| one.strip_prefix(&line));
        found.map_or(Ok(0), |count| Ok(count.parse()?))
    }

    async fn is_counted(&self, name: &str, reason: &str, times: u64) -> Result<()> {
        until(&format!("{name} {reason}"), SOON, async || {
            let count = self.counted(name, reason).await?;
            Ok(if count == times {
                Ok(())
            } else {
                Err(json!(count))
            })
        })
        .await
    }

    /// Opens a push as whoever holds the identity; the status of a refusal.
    async fn push(&self, holder: &BoxIdentity, push: Uuid) -> Result<Result<Socket, StatusCode>> {
        let url = format!("wss://localhost:{}/box/1/live/{push}", self.hub.ports.boxes);
        let tls = Connector::Rustls(Arc::new(holder.tls(true)?));
        match connect_async_tls_with_config(url, None, true, Some(tls)).await {
            Ok((socket, _)) => Ok(Ok(socket)),
            Err(WsError::Http(answer)) => Ok(Err(answer.status())),
            Err(error) => Err(error.into()),
        }
    }

    async fn is_refused(&self, holder: &BoxIdentity, push: Uuid) -> Result<()> {
        let status = self.push(holder, push).await?.err();
        ensure!(status == Some(StatusCode::NOT_FOUND), "{status:?}");
        Ok(())
    }
}

/// What the hub orders from the box that speaks for itself.
struct Orders {
    heard: mpsc::Receiver<Uuid>,
    task: JoinHandle<()>,
}

impl Orders {
    async fn listen(own: &BoxIdentity) -> Result<Self> {
        let mut options = MqttOptions::new(&own.device_id, "localhost", own.mqtt_port);
        let tls = TlsConfiguration::Rustls(Arc::new(own.tls(true)?));
        options.set_transport(Transport::tls_with_config(tls));
        let (client, mut events) = AsyncClient::new(options, 8);
        let topic = format!("xk/1/d/{}/dn/#", own.device_id);
        client.subscribe(topic, QoS::AtLeastOnce).await?;
        let (tell, heard) = mpsc::channel(16);
        let (up, is_up) = tokio::sync::oneshot::channel();
        let mut up = Some(up);
        let task = tokio::spawn(async move {
            // The client goes with the task, and the connection with the client.
            let _client = client;
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Packet::SubAck(_)) => drop(up.take().map(|up| up.send(()))),
                    Event::Incoming(Packet::Publish(publish)) => {
                        if let Some(push) = ordered(&publish.payload) {
                            tell.send(push).await.ok();
                        }
                    }
                    _ => {}
                }
            }
        });
        timeout(SOON, is_up).await.context("the hub is silent")??;
        Ok(Self { heard, task })
    }

    async fn next(&mut self) -> Result<Uuid> {
        let heard = timeout(ORDERED_MAX, self.heard.recv()).await;
        heard
            .context("nothing is ordered")?
            .context("the line is gone")
    }
}

impl Drop for Orders {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The push that a command orders.
fn ordered(payload: &[u8]) -> Option<Uuid> {
    let signed: SignedCommand = serde_json::from_slice(payload).ok()?;
    let command: Value = serde_json::from_str(&signed.command).ok()?;
    command["args"]["push"].as_str()?.parse().ok()
}

/// Somebody who watches the other room all the while.
struct Witness {
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(usize, Duration)>>,
}

impl Witness {
    async fn begin(stage: &Stage) -> Result<Self> {
        let mut viewer = Viewer::open(&stage.person).await?;
        viewer.watch(1, &stage.well.room.id, "sub").await?;
        let opened = viewer.word(SOON).await?;
        ensure!(opened["op"] == "opened", "{opened}");
        viewer.frame(Duration::from_secs(20)).await?;
        let (stop, mut stopping) = watch::channel(false);
        let task = tokio::spawn(async move {
            let (mut pictures, mut longest) = (0, Duration::ZERO);
            let mut last = Instant::now();
            loop {
                let said = tokio::select! {
                    said = viewer.next(GAP_MAX) => said?,
                    _ = stopping.wait_for(|stop| *stop) => return Ok((pictures, longest)),
                };
                match said {
                    Said::Frame(frame) if frame.kind == FrameKind::Video => {
                        ensure!(opened["handle"] == frame.handle, "another's frame");
                        ensure!(frame.payload != FORGED, "another room's picture");
                        longest = longest.max(last.elapsed());
                        (last, pictures) = (Instant::now(), pictures + 1);
                    }
                    Said::Frame(_) => {}
                    // A machine that is busy elsewhere; the gap counts all the same.
                    Said::Word(word) if word["op"] == "delayed" => {}
                    said => bail!("the witness hears {said:?}"),
                }
            }
        });
        Ok(Self { stop, task })
    }

    /// It has seen a picture every moment.
    async fn end(self) -> Result<()> {
        self.stop.send_replace(true);
        let (pictures, longest) = self.task.await??;
        ensure!(pictures > 100, "only {pictures} pictures");
        ensure!(longest < GAP_MAX, "{longest:?} without a picture");
        Ok(())
    }
}

const FORGED: Bytes = Bytes::from_static(b"forged");

fn picture(handle: u16) -> Frame {
    Frame {
        kind: FrameKind::Video,
        key: true,
        handle,
        sequence: u32::MAX,
        captured_us: i64::MAX,
        payload: FORGED,
    }
}

/// A box that sends nonsense is cut; says how its connection ended.
async fn cut(socket: &mut Socket, messages: impl IntoIterator<Item = Message>) -> Result<()> {
    let cut = async {
        for message in messages {
            if socket.send(message).await.is_err() {
                return;
            }
        }
        while let Some(Ok(message)) = socket.next().await {
            if message.is_close() {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), cut)
        .await
        .context("not cut")
}

/// A push that nobody ordered, that is another box's, that is used twice or again.
async fn tickets(stage: &Stage, orders: &mut Orders) -> Result<Socket> {
    let (own, thief) = (&stage.own, &stage.well.identity()?);
    stage.is_refused(own, Uuid::now_v7()).await?;
    stage.is_refused(own, Uuid::nil()).await?;
    stage.is_counted("pushes_refused", "not_ordered", 2).await?;
    let push = orders.next().await?;
    stage.is_refused(thief, push).await?;
    let mut first = stage.push(own, push).await?.ok().context("refused")?;
    stage.is_refused(own, push).await?;
    stage.is_refused(thief, push).await?;
    first.send(Message::binary(picture(1).encode())).await?;
    stage.is_counted("pushes_refused", "not_ordered", 5).await?;
    Ok(first)
}

/// Whatever number a box writes on its frames, they come as those of its own room.
async fn forged(viewer: &mut Viewer, socket: &mut Socket, handle: u64) -> Result<()> {
    for forged in [0, 1, 2, 77, u16::MAX] {
        socket
            .send(Message::binary(picture(forged).encode()))
            .await?;
        let frame = viewer.frame(SOON).await?;
        ensure!(u64::from(frame.handle) == handle && frame.payload == FORGED);
        ensure!(frame.sequence < 1000, "{}", frame.sequence);
    }
    Ok(())
}

/// Everything that is no camera's: each ends the push, and the next may come.
async fn nonsense(stage: &Stage, orders: &mut Orders, mut socket: Socket) -> Result<()> {
    let mut kind = picture(1).encode().to_vec();
    kind[0] = 9;
    let mut flags = picture(1).encode().to_vec();
    flags[1] = 0x80;
    let huge = vec![2; MESSAGE_BYTES_MAX + 1];
    let used = |times| std::iter::repeat_with(|| Message::binary(picture(1).encode())).take(times);
    let cases: [(&str, u64, Vec<Message>); 6] = [
        ("no_frame", 1, vec![Message::binary(kind)]),
        ("no_frame", 2, vec![Message::binary(flags)]),
        ("no_frame", 3, vec![Message::binary(vec![2; 15])]),
        ("text", 1, vec![Message::text("{}")]),
        ("unreadable", 1, vec![Message::binary(huge)]),
        ("too_much", 1, used(20_000).collect()),
    ];
    for (reason, times, messages) in cases {
        cut(&mut socket, messages).await.context(reason)?;
        stage.is_counted("pushes_cut", reason, times).await?;
        let push = orders.next().await?;
        socket = stage
            .push(&stage.own, push)
            .await?
            .ok()
            .context("refused")?;
    }
    // A box that has come to its senses is seen again.
    socket.send(Message::binary(picture(1).encode())).await?;
    sleep(Duration::from_millis(200)).await;
    drop(socket);
    Ok(())
}

/// Pages that may not, that talk nonsense, or that mean another's tile.
async fn pages(stage: &Stage) -> Result<()> {
    let foreign = stage.person.clone();
    let foreign = foreign.with_header("origin", Some("https://evil.example"))?;
    let opened = foreign.try_socket("/api/live").await?;
    ensure!(opened.err() == Some(StatusCode::FORBIDDEN));
    stage.is_counted("lines_refused", "foreign_page", 1).await?;
    for (times, word) in [(1, "x".repeat(10)), (2, "x".repeat(5000))] {
        let mut socket = stage.person.socket("/api/live").await?;
        let words = std::iter::repeat_with(|| Message::text(word.clone()));
        cut(&mut socket, words.take(25)).await?;
        stage.is_counted("lines_cut", "unreadable", times).await?;
    }
    let mut other = Viewer::open(&stage.person).await?;
    for word in [
        json!({ "op": "close", "tile": 1 }),
        json!({ "op": "switch", "tile": 1, "source": "cam0", "stream": "main" }),
        json!({ "op": "shown", "tile": 1, "ms": 1 }),
    ] {
        other.say(&word).await?;
    }
    let closed = other.word(SOON).await?;
    ensure!(closed["op"] == "closed" && closed["error"].is_null());
    Ok(())
}

/// Asks for the sharp picture, reads nothing, and goes on talking.
async fn never_reads(stage: &Stage) -> Result<Duration> {
    let mut socket = stage.person.socket("/api/live").await?;
    let room = &stage.well.room.id;
    let open = json!({ "op": "open", "tile": 9, "room": room, "source": "cam0",
        "stream": "main", "purpose": { "kind": "plan" } });
    socket.send(Message::text(open.to_string())).await?;
    let begun = Instant::now();
    let shown = json!({ "op": "shown", "tile": 9, "ms": 1 }).to_string();
    while begun.elapsed() < UNREAD_MAX {
        sleep(Duration::from_secs(1)).await;
        if stage.counted("lines_cut", "unread").await? == 1 {
            return Ok(begun.elapsed());
        }
        drop(timeout(SOON, socket.send(Message::text(shown.clone()))).await);
    }
    bail!("not cut")
}

/// Issue 7, bad input; R59, R60: nobody else notices, and the visit that was cut has its end.
#[test]
fn hostile_boxes_and_pages_are_cut_and_counted_and_nobody_else_notices() -> Result<()> {
    run(async {
        let mut stage = Stage::start().await?;
        let witness = Witness::begin(&stage).await?;
        let mut orders = Orders::listen(&stage.own).await?;
        let mut viewer = Viewer::open(&stage.person).await?;
        let unread = never_reads(&stage);
        let others = async {
            viewer.watch(2, &stage.room, "sub").await?;
            let opened = viewer.word(SOON).await?;
            let handle = opened["handle"].as_u64().context("not opened")?;
            let mut socket = tickets(&stage, &mut orders).await?;
            viewer.frame(SOON).await?;
            forged(&mut viewer, &mut socket, handle).await?;
            nonsense(&stage, &mut orders, socket).await?;
            pages(&stage).await
        };
        let (after, others) = tokio::join!(unread, others);
        others?;
        println!("a page that never reads was cut after {:?}", after?);
        witness.end().await?;
        drop(viewer);
        let open = "SELECT COUNT(*) FROM views WHERE closed_ms IS NULL";
        until("every view has its end", SOON, async || {
            let left = stage.hub.sql(open)?;
            Ok(if left.trim() == "0" {
                Ok(())
            } else {
                Err(json!(left))
            })
        })
        .await?;
        stage.well.end_agent()?;
        stage.hub.end()
    })
}
