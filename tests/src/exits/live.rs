//! The live line and the events: every kind of word as everybody, and all that comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::Message;
use xunke_policy::Refusal;
use xunke_policy::access::Action;
use xunke_policy::purpose::Purpose;
use xunke_protocol::live::Frame;

use super::Tally;
use super::canary::{NOTHING, ROOMS};
use super::subject::Subject;
use super::world::World;
use crate::campus::Socket;

/// What a page may say, as `xunke-hub doors` prints it.
pub const WORDS: [&str; 4] = [
    "say /api/live open",
    "say /api/live switch",
    "say /api/live shown",
    "say /api/live close",
];
/// What it may hear.
pub const EVENTS: [&str; 14] = [
    "hear /api/events agreements",
    "hear /api/events people",
    "hear /api/events departures",
    "hear /api/events sanctions",
    "hear /api/events grants",
    "hear /api/events inspections",
    "hear /api/events risks",
    "hear /api/events retention",
    "hear /api/events alerts",
    "hear /api/events channels",
    "hear /api/events commands",
    "hear /api/events fault",
    "hear /api/events device",
    "hear /api/events trail",
];

const WORD_MAX: Duration = Duration::from_secs(5);
/// Longer than a frame takes that should not come.
const QUIET: Duration = Duration::from_millis(150);

/// Asks everything a page can say on the live line.
pub async fn ask(world: &World, subject: &Subject, tally: &mut Tally) -> Result<()> {
    let opened = subject.person.try_socket("/api/live").await?;
    tally.asked += 1;
    tally.compared += 1;
    let mut socket = match (opened, subject.line(world)) {
        (Ok(socket), Ok(())) => socket,
        (Err(status), Err(wanted)) if status.as_u16() == wanted => return Ok(()),
        (opened, wanted) => {
            let opened = opened.map(drop);
            let at = subject.name;
            tally.differs(format!("/api/live as {at}: {opened:?}, not {wanted:?}"));
            return Ok(());
        }
    };
    let mut permitted = BTreeSet::new();
    for room in 0..ROOMS {
        let want = subject.may_watch(world, room);
        let line = Line {
            world,
            subject,
            tile: room,
        };
        let purpose = json!({ "kind": "plan" });
        let said = line.open(&mut socket, &purpose, tally).await?;
        line.compare(&said, want, tally);
        permitted.extend(said["handle"].as_u64().filter(|_| want.is_ok()));
        let place = subject.place(world, room);
        let purpose = &Purpose::Missing;
        let want = subject.may(world, Action::ViewLive { place, purpose });
        let line = Line {
            tile: ROOMS + room,
            ..line
        };
        let said = line
            .open(&mut socket, &json!({ "kind": "fun" }), tally)
            .await?;
        line.compare(&said, want, tally);
    }
    let line = Line {
        world,
        subject,
        tile: 0,
    };
    for nonsense in ["{\"op\":\"subscribe\",\"room\":\"*\"}", "[]", "open"] {
        socket.send(Message::text(nonsense)).await?;
        let said = line.word(&mut socket, &permitted, tally).await?;
        line.is(said["op"] == "error", &said, tally);
    }
    // No answer of its own: a picture that was not opened is not there to be changed.
    for tile in 0..2 * ROOMS {
        let switch = json!({ "op": "switch", "tile": tile, "source": "cam0", "stream": "main" });
        socket.send(Message::text(switch.to_string())).await?;
        let shown = json!({ "op": "shown", "tile": tile, "ms": 1 });
        socket.send(Message::text(shown.to_string())).await?;
    }
    sleep(QUIET).await;
    for tile in 0..ROOMS {
        let close = json!({ "op": "close", "tile": tile });
        socket.send(Message::text(close.to_string())).await?;
        let said = line.word(&mut socket, &permitted, tally).await?;
        line.is(said["op"] == "closed", &said, tally);
    }
    drop(socket.close(None).await);
    Ok(())
}

struct Line<'a> {
    world: &'a World,
    subject: &'a Subject,
    tile: usize,
}

impl Line<'_> {
    async fn open(&self, socket: &mut Socket, purpose: &Value, tally: &mut Tally) -> Result<Value> {
        let room = &self.world.rooms[self.tile % ROOMS].id;
        let word = json!({ "op": "open", "tile": self.tile, "room": room, "source": "cam0",
            "stream": "sub", "purpose": purpose });
        socket.send(Message::text(word.to_string())).await?;
        loop {
            // Frames of pictures that were permitted before.
            let said = self.next(socket, tally).await?;
            if let Said::Word(said) = said
                && said["tile"] == self.tile
                && (said["op"] == "opened" || said["op"] == "refused")
            {
                return Ok(said);
            }
        }
    }

    /// The next word that is an answer; frames must belong to a permitted picture.
    async fn word(
        &self,
        socket: &mut Socket,
        permitted: &BTreeSet<u64>,
        tally: &mut Tally,
    ) -> Result<Value> {
        loop {
            match self.next(socket, tally).await? {
                Said::Word(said) if said["op"] == "error" || said["op"] == "closed" => {
                    return Ok(said);
                }
                Said::Word(_) => {}
                Said::Frame(handle) => {
                    tally.looked_for += 1;
                    if !permitted.contains(&u64::from(handle)) {
                        tally.leaks += 1;
                        let name = self.subject.name;
                        tally.differs(format!("/api/live as {name}: a frame of {handle}"));
                    }
                }
            }
        }
    }

    async fn next(&self, socket: &mut Socket, tally: &mut Tally) -> Result<Said> {
        loop {
            let message = timeout(WORD_MAX, socket.next()).await;
            let message = message.context("the hub says nothing")?;
            match message.context("the line was cut")?? {
                Message::Text(text) => {
                    let at = format!("/api/live as {}", self.subject.name);
                    tally.search(&self.world.canaries, &at, &text, NOTHING);
                    return Ok(Said::Word(serde_json::from_str(&text)?));
                }
                Message::Binary(bytes) => {
                    let frame = Frame::decode(bytes).context("not a frame message")?;
                    return Ok(Said::Frame(frame.handle));
                }
                Message::Close(_) => anyhow::bail!("the hub closed the line"),
                _ => {}
            }
        }
    }

    fn compare(&self, said: &Value, want: Result<(), Refusal>, tally: &mut Tally) {
        let as_wanted = match want {
            Ok(()) => said["op"] == "opened",
            Err(refusal) => {
                said["op"] == "refused"
                    && said["error"]["code"] == refusal.code
                    && said["error"]["article"] == refusal.article
            }
        };
        self.is(as_wanted, said, tally);
    }

    fn is(&self, as_wanted: bool, said: &Value, tally: &mut Tally) {
        tally.asked += 1;
        tally.compared += 1;
        if !as_wanted {
            let (name, tile) = (self.subject.name, self.tile);
            tally.differs(format!("/api/live tile {tile} as {name}: {said}"));
        }
    }
}

enum Said {
    Word(Value),
    Frame(u16),
}

/// Listens to the events until the trail has grown under it.
pub fn listen(subject: &Subject) -> JoinHandle<Result<(StatusCode, String)>> {
    let person = subject.person.clone();
    tokio::spawn(async move {
        let answer = person.request(Method::GET, "/api/events", None).await?;
        let status = answer.status();
        let (mut stream, mut heard) = (answer.bytes_stream(), Vec::new());
        let listening = async {
            while let Some(Ok(piece)) = stream.next().await {
                heard.extend(piece);
            }
        };
        drop(timeout(Duration::from_secs(2), listening).await);
        Ok((status, String::from_utf8_lossy(&heard).into_owned()))
    })
}

/// Each event is one that the subject may know of, and says nothing of class content.
pub async fn heard(
    world: &World,
    subject: &Subject,
    listened: Result<Result<(StatusCode, String)>, tokio::task::JoinError>,
    tally: &mut Tally,
) -> Result<()> {
    let (status, heard) = listened??;
    let name = subject.name;
    tally.compared += 1;
    if let Err(wanted) = subject.line(world) {
        if status.as_u16() != wanted {
            tally.differs(format!("/api/events as {name}: {status}, not {wanted}"));
        }
        return Ok(());
    }
    tally.search(
        &world.canaries,
        &format!("/api/events as {name}"),
        &heard,
        NOTHING,
    );
    let may = |action| subject.may(world, action).is_ok();
    let (devices, rooms) = (may(Action::SeeDevices), may(Action::SeeRooms));
    for kind in heard.lines().filter_map(|line| line.strip_prefix("event:")) {
        tally.compared += 1;
        let allowed = match kind.trim() {
            "fault" | "alerts" | "channels" | "commands" => devices,
            "device" => devices || rooms,
            "trail" => may(Action::ReadTrail),
            "grants" | "agreements" | "people" | "departures" | "sanctions" => {
                may(Action::ReadLedger) || may(Action::SeePeople)
            }
            "inspections" => may(Action::InspectTrail) || may(Action::OpenPermissions),
            "risks" => may(Action::InspectTrail),
            "retention" => may(Action::ReadPapers) || may(Action::ProposePremium),
            _ => false,
        };
        if !allowed {
            tally.differs(format!("/api/events as {name}: hears of {kind}"));
        }
    }
    let hears = heard.contains("event: trail") || heard.contains("event:trail");
    if may(Action::ReadTrail) && !hears {
        tally.differs(format!(
            "/api/events as {name}: does not hear that the trail grows"
        ));
    }
    Ok(())
}
