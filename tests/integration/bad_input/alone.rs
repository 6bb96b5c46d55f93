//! A campus of one room for a test that breaks it, and what its library then holds.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use xunke_protocol::sealed::Outline;
use xunke_tests::campus::{Campus, Classroom, Options, Person, Process, SmallDisk, slots};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, until};

/// Segments last two seconds, so that many come in a short test.
pub const SEGMENT_MS: i64 = 2000;
/// What is uploaded after a trouble is over is in the library within this time.
pub const STORED_MAX: Duration = Duration::from_secs(30);
/// More than this between two segments, and pictures are missing: one fragment lasts longer.
const JOINT_MS_MAX: i64 = 500;

/// A room for one test, with two people who look on.
pub struct Alone {
    pub campus: Campus,
    pub supervisor: Person,
    pub technician: Person,
    /// The box's state folder, as its process sees it.
    pub state_dir: PathBuf,
    /// What was recorded before this is of no interest.
    pub since_ms: i64,
}

/// One stored segment.
#[derive(Debug, Clone)]
pub struct Piece {
    pub id: String,
    pub from_ms: i64,
    pub to_ms: i64,
    play: String,
}

/// A stretch that the library says is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Hole {
    pub from_ms: i64,
    pub to_ms: i64,
    pub reason: String,
}

/// All that the library holds of the room, by time.
#[derive(Debug, Default)]
pub struct Footage {
    pub pieces: Vec<Piece>,
    pub holes: Vec<Hole>,
}

impl Alone {
    /// A running campus whose box is not: the test starts it as it likes.
    pub async fn start(name: &str) -> Result<Self> {
        let options = Options {
            rooms: 1,
            data_dir: Some(folder(name)?),
            ..Options::default()
        };
        let campus = Campus::start(options).await?;
        let mut alone = Self {
            supervisor: campus.sign_in("school_supervisor").await?,
            technician: campus.sign_in("technician").await?,
            state_dir: campus.classrooms[0].state_dir(),
            since_ms: i64::MAX,
            campus,
        };
        alone.room().end_agent()?;
        alone.room().configure(|text| {
            let seconds = SEGMENT_MS / 1000;
            text.replace(
                "segment_seconds = 6",
                &format!("segment_seconds = {seconds}"),
            )
        })?;
        Ok(alone)
    }

    /// Starts the box; from now on the test looks.
    pub fn run_agent(&mut self) -> Result<()> {
        self.since_ms = now_ms();
        self.room().run_agent()
    }

    /// The same on a small disk.
    pub fn run_agent_on(&mut self, disk: &SmallDisk) -> Result<()> {
        self.since_ms = now_ms();
        self.room().run_agent_on(disk)?;
        self.state_dir = disk.seen_by(self.room().agent()?.pid());
        Ok(())
    }

    pub fn room(&mut self) -> &mut Classroom {
        &mut self.campus.classrooms[0]
    }

    /// What the box has said since it was started; a crash fails.
    pub fn box_said(&mut self) -> Result<String> {
        said(self.room().agent()?)
    }

    /// What the hub has said since it was started; a crash fails.
    pub fn hub_said(&mut self) -> Result<String> {
        said(self.campus.hub.process()?)
    }

    /// The newest that the IT centre's page shows of the box.
    pub async fn device(&self) -> Result<Value> {
        let body = get(&self.technician, "/api/devices").await?;
        let device = list(&body, "devices")?.first().cloned();
        device.context("no device")
    }

    /// Waits until the IT centre's page shows the box as it should be.
    pub async fn until_device(&self, what: &str, is: impl Fn(&Value) -> bool) -> Result<()> {
        until(what, STORED_MAX, async || {
            let device = self.device().await?;
            Ok(is(&device).then_some(()).ok_or(device))
        })
        .await
    }

    /// Waits until an open fault with this code is there, or is not.
    pub async fn until_fault(&self, component: &str, code: &str, open: bool) -> Result<()> {
        until(&format!("{code}, open: {open}"), STORED_MAX, async || {
            let body = get(&self.technician, "/api/faults?open=true").await?;
            let mut faults = list(&body, "faults")?.iter();
            let found = faults.any(|one| one["code"] == code && one["component"] == component);
            Ok((found == open).then_some(()).ok_or(body))
        })
        .await
    }

    /// The closed segments in the box's spool, oldest first: all but the one being written.
    pub fn spooled(&self) -> Vec<String> {
        let slots = slots(&self.state_dir.join("spool"));
        let name = |slot: &PathBuf| {
            let bytes = fs::read(slot).ok()?;
            let (header, _) = Outline::begin(&bytes).ok()?;
            let name = header.segment.to_string();
            (begin_ms(&name)? >= self.since_ms).then_some(name)
        };
        let mut names: Vec<String> = slots.iter().filter_map(name).collect();
        names.sort();
        names.pop();
        names
    }

    /// Waits until so many segments wait in the spool.
    pub async fn until_spooled(&self, count: usize) -> Result<Vec<String>> {
        until("segments in the spool", STORED_MAX, async || {
            let names = self.spooled();
            let answer = json!(names);
            Ok((names.len() >= count).then_some(names).ok_or(answer))
        })
        .await
    }

    /// What the library holds.
    pub async fn footage(&self) -> Result<Footage> {
        let room = &self.campus.classrooms[0].room.id;
        let body = get(&self.supervisor, &format!("/api/recordings?room={room}")).await?;
        let mut footage = Footage::default();
        for recording in list(&body, "recordings")? {
            let id = recording["id"].as_str().context("no id")?;
            let path = format!("/api/recordings/{id}/plays");
            let purpose = json!({ "purpose": { "kind": "plan" } });
            let (status, play) = self.supervisor.post(&path, &purpose).await?;
            ensure!(status.is_success(), "{status} {play}");
            footage.add(&play)?;
        }
        footage.begin_at(self.since_ms);
        Ok(footage)
    }

    /// Waits until the library holds all these segments; gives all that it holds.
    pub async fn until_stored(&self, ids: &[String]) -> Result<Footage> {
        until("every segment in the library", STORED_MAX, async || {
            let footage = self.footage().await?;
            let lacks = |id: &&String| footage.pieces.iter().all(|piece| piece.id != **id);
            let missing: Vec<_> = ids.iter().filter(lacks).collect();
            let answer = json!({ "missing": missing });
            Ok(missing.is_empty().then_some(footage).ok_or(answer))
        })
        .await
    }

    /// Waits until the library holds footage up to a moment.
    pub async fn until_stored_to(&self, to_ms: i64) -> Result<Footage> {
        until("footage in the library", STORED_MAX, async || {
            let footage = self.footage().await?;
            let until_ms = footage.pieces.last().map(|piece| piece.to_ms);
            let enough = until_ms.is_some_and(|until_ms| until_ms >= to_ms);
            let answer = json!({ "until": until_ms, "wanted": to_ms });
            Ok(enough.then_some(footage).ok_or(answer))
        })
        .await
    }

    /// Waits until footage is stored up to `to_ms` and nothing before it is missing: the box hands
    /// several segments over at once, so that a later one may be there first.
    pub async fn until_whole_to(&self, to_ms: i64) -> Result<Footage> {
        self.until_stored_to(to_ms).await?;
        until("footage without a hole", STORED_MAX, async || {
            let footage = self.footage().await?;
            Ok(match footage.is_whole() {
                Ok(()) => Ok(footage),
                Err(missing) => Err(missing.to_string().into()),
            })
        })
        .await
    }

    /// Plays all of it back; fails where the player gets no pictures.
    pub async fn play_back(&self, footage: &Footage) -> Result<()> {
        for Piece { play, id, .. } in &footage.pieces {
            let path = format!("/api/plays/{play}/segments/{id}");
            let answer = self.supervisor.request(Method::GET, &path, None).await?;
            let (status, mp4) = (answer.status(), answer.bytes().await?);
            let has = |name: &[u8]| mp4.windows(4).any(|window| window == name);
            let plays = status == StatusCode::OK && has(b"moov") && has(b"moof");
            ensure!(plays, "{id}: {status}, {} bytes", mp4.len());
        }
        Ok(())
    }
}

fn said(process: &mut Process) -> Result<String> {
    let said = process.said()?;
    ensure!(!process.ended(), "it has ended\n{said}");
    ensure!(!said.contains("panicked"), "it has panicked\n{said}");
    Ok(said)
}

/// When a segment begins, from its id: a UUIDv7.
fn begin_ms(id: &str) -> Option<i64> {
    let high = id.split('-').take(2).collect::<String>();
    i64::from_str_radix(&high, 16).ok()
}

/// The lines of a log that complain.
pub fn complaints(said: &str) -> Vec<&str> {
    let complains = |line: &&str| line.contains(" WARN ") || line.contains(" ERROR ");
    said.lines().filter(complains).collect()
}

impl Footage {
    fn add(&mut self, play: &Value) -> Result<()> {
        let ms = |value: &Value, name| value[name].as_i64().context("no time");
        let text = |value: &Value, name| value[name].as_str().map(str::to_owned).context("no text");
        let is_first = |one: &&Value| one["source"] == "cam0";
        for one in list(play, "segments")?.iter().filter(is_first) {
            let from_ms = ms(one, "start")?;
            self.pieces.push(Piece {
                id: text(one, "id")?,
                from_ms,
                to_ms: from_ms + ms(one, "duration_ms")?,
                play: text(play, "play_id")?,
            });
        }
        for one in list(play, "gaps")?.iter().filter(is_first) {
            self.holes.push(Hole {
                from_ms: ms(one, "start")?,
                to_ms: ms(one, "end")?,
                reason: text(one, "reason")?,
            });
        }
        self.pieces.sort_by_key(|piece| piece.from_ms);
        Ok(())
    }

    /// Leaves out what was before; where footage begins and ends is no hole.
    fn begin_at(&mut self, from_ms: i64) {
        self.pieces.retain(|piece| piece.from_ms >= from_ms);
        let (first, last) = (self.pieces.first(), self.pieces.last());
        let (first_ms, last_ms) = (
            first.map_or(i64::MAX, |piece| piece.from_ms),
            last.map_or(i64::MIN, |piece| piece.to_ms),
        );
        let within = |hole: &Hole| hole.from_ms >= first_ms && hole.to_ms <= last_ms;
        self.holes.retain(within);
    }

    /// Where one segment does not follow the other.
    pub fn breaks(&self) -> Vec<(i64, i64)> {
        let pairs = self.pieces.windows(2);
        let joints = pairs.map(|pair| (pair[0].to_ms, pair[1].from_ms));
        joints
            .filter(|(to_ms, from_ms)| (from_ms - to_ms).abs() > JOINT_MS_MAX)
            .collect()
    }

    /// Nothing is missing.
    pub fn is_whole(&self) -> Result<()> {
        let breaks = self.breaks();
        ensure!(
            breaks.is_empty() && self.holes.is_empty(),
            "missing: {breaks:?}, told: {:?}",
            self.holes
        );
        Ok(())
    }
}
