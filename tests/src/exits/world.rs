//! Two units with three rooms each, every room with a lesson, a recording and a patrol record, and
//! a canary in all of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use uuid::Uuid;
use xunke_policy::institution::Institution;
use xunke_policy::level::UnitId;
use xunke_policy::preset;

use super::canary::{Canaries, LESSON, RECORD, RECORDING, ROOM, ROOMS, SEGMENT, TEXT};
use crate::asking::{get, list, record_form, until};
use crate::campus::{Account, Campus, Options, Person, Postgres, Proxy};

const STORED_MAX: Duration = Duration::from_secs(60);
/// The box that stands still, so that its identity can be used beside it.
pub const STILL: usize = ROOMS - 1;
/// The room whose lesson the school supervisor teaches.
pub const OWN_LESSON: usize = ROOMS - 1;
/// The room whose lesson the teacher among the subjects teaches.
pub const TAUGHT: usize = 0;

/// The teacher in the second room.
pub const BYSTANDER: &str = "T6002";

/// One room with what is in it.
#[derive(Debug, Clone)]
pub struct RoomWorld {
    /// Its id.
    pub id: String,
    /// Whose it is: rooms alternate between the units.
    pub unit: UnitId,
    /// A recording made in it.
    pub recording: String,
    /// An open playback of that, of whoever may see it.
    pub play: String,
    /// A segment of that.
    pub segment: String,
    /// A patrol record about it.
    pub record: String,
    /// A form like that one, without a grade: refused after the right to file was asked about.
    pub form: Value,
}

/// Everything there is.
pub struct World {
    /// Hub, rooms, accounts.
    pub campus: Campus,
    /// The rooms.
    pub rooms: Vec<RoomWorld>,
    /// What must not come out.
    pub canaries: Canaries,
    /// The school's rules.
    pub school: Institution,
    /// The two units.
    pub units: [UnitId; 2],
    /// A school supervisor, and the two units' own.
    pub supervisors: [Person; 3],
    /// The school's proxy, behind which one may be off campus.
    pub proxy: Proxy,
    /// Tokens of sessions.
    pub secrets: Vec<String>,
    /// A teacher of the second unit, who asks nothing.
    pub bystander: Uuid,
    /// The security administrator.
    pub security: Uuid,
}

impl World {
    /// Starts everything and puts canaries everywhere.
    pub async fn start(folder: &Path, store: Option<Arc<Postgres>>) -> Result<Self> {
        let options = Options {
            rooms: ROOMS,
            data_dir: Some(folder.to_owned()),
            store,
            ..Options::default()
        };
        let mut campus = Campus::start(options).await?;
        trust_a_proxy(&mut campus)?;
        let proxy = Proxy::start(campus.hub.ports.people, PROXY, &campus.hub.ca_pem()?).await?;
        let (canaries, supervisors) = (Canaries::default(), supervisors(&campus).await?);
        let units = [unit(&supervisors[1])?, unit(&supervisors[2])?];
        let school = preset::parse(preset::POLYTECHNIC).map_err(|why| anyhow::anyhow!("{why}"))?;
        let mut world = Self {
            campus,
            rooms: Vec::new(),
            canaries,
            school,
            units,
            supervisors,
            proxy,
            secrets: Vec::new(),
            bystander: Uuid::nil(),
            security: Uuid::nil(),
        };
        world.bystander = world.id_of(BYSTANDER)?;
        world.security = world.id_of("J3002")?;
        for number in 0..ROOMS {
            world.name_room(number)?;
        }
        for number in 0..ROOMS {
            let room = world.fill_room(number).await?;
            world.rooms.push(room);
        }
        // Two boxes go on, so that there are moving pictures to be kept from people.
        for classroom in &mut world.campus.classrooms[2..] {
            classroom.end_agent()?;
        }
        Ok(world)
    }

    /// Who files about a room and plays what was recorded in it: the school's supervisor, who plays
    /// four at most and not the own lesson, or the unit's own.
    pub fn sees(&self, room: usize) -> &Person {
        match room {
            OWN_LESSON => &self.supervisors[2],
            4 => &self.supervisors[1],
            _ => &self.supervisors[0],
        }
    }

    /// Somebody of the demonstration.
    pub fn account(&self, login: &str) -> Result<&Account> {
        let mut all = self.campus.hub.accounts.iter();
        all.find(|account| account.login == login)
            .context("nobody has that number")
    }

    /// Whose staff number it is.
    pub fn id_of(&self, staff_number: &str) -> Result<Uuid> {
        let find = format!("SELECT id FROM persons WHERE staff_number = '{staff_number}'");
        let found = self.campus.hub.sql(&find)?;
        found.trim().parse().context("nobody has that number")
    }

    fn name_room(&mut self, number: usize) -> Result<()> {
        let id = self.campus.classrooms[number].room.id.clone();
        let secret = Uuid::now_v7().simple().to_string();
        let name = |what: &str| format!("canary-{what}-{number}-{secret}");
        let [room, course, group, teacher] = ["room", "course", "group", "teacher"].map(name);
        let hub = &self.campus.hub;
        hub.sql(&format!(
            "UPDATE classrooms SET name = '{room}' WHERE id = '{id}';
             UPDATE lessons SET course = '{course}', class_groups = '{group}',
             teacher = '{teacher}' WHERE classroom_id = '{id}'"
        ))?;
        let taught_by = match number {
            OWN_LESSON => Some(&self.supervisors[0].me["person"]["staff_number"]),
            _ => None,
        };
        if let Some(number) = taught_by.and_then(Value::as_str) {
            hub.sql(&format!(
                "UPDATE lessons SET teacher_id = (SELECT id FROM persons WHERE staff_number =
                 '{number}') WHERE classroom_id = '{id}'"
            ))?;
        }
        let lessons = hub.sql(&format!(
            "SELECT id FROM lessons WHERE classroom_id = '{id}'"
        ))?;
        for text in [&room, &id] {
            self.canaries.add(number, ROOM, text);
        }
        let lessons = lessons.lines().chain([&*course, &group, &teacher]);
        lessons.for_each(|text| self.canaries.add(number, LESSON, text));
        Ok(())
    }

    async fn fill_room(&mut self, number: usize) -> Result<RoomWorld> {
        let id = self.campus.classrooms[number].room.id.clone();
        let person = self.sees(number).clone();
        let query = format!("/api/recordings?room={id}");
        let recording = until("a recording", STORED_MAX, async || {
            let body = get(&person, &query).await?;
            let found = list(&body, "recordings")?.first().cloned();
            Ok(found.ok_or(body))
        })
        .await?;
        let recording = text(&recording["id"])?;
        let notes = ["abnormal", "attendance"]
            .map(|what| format!("canary-{what}-{number}-{}", Uuid::now_v7().simple()));
        let mut form = record_form(&person, &id).await?;
        form["conditions"] = json!("B");
        form["abnormal_note"] = json!(notes[0]);
        form["attendance_note"] = json!(notes[1]);
        let (status, filed) = person.post("/api/records", &form).await?;
        ensure!(
            status.is_success(),
            "no record can be filed: {status} {filed}"
        );
        form["grade"] = json!("");
        let record = text(&filed["id"])?;
        let (play, segment) = (String::new(), String::new());
        for note in &notes {
            self.canaries.add(number, TEXT, note);
        }
        self.canaries.add(number, RECORD, &record);
        self.canaries.add(number, RECORDING, &recording);
        Ok(RoomWorld {
            id,
            unit: self.units[number % 2],
            recording,
            play,
            segment,
            record,
            form,
        })
    }

    /// Opens a playback of each room, for whoever may see it: some have been ended meanwhile.
    pub async fn open_plays(&mut self) -> Result<()> {
        for number in 0..ROOMS {
            let path = format!("/api/recordings/{}/plays", self.rooms[number].recording);
            let purpose = json!({ "purpose": { "kind": "plan" } });
            let (status, play) = self.sees(number).post(&path, &purpose).await?;
            ensure!(
                status.is_success(),
                "nothing can be played: {status} {play}"
            );
            let segments = list(&play, "segments")?;
            for segment in segments {
                self.canaries.add(number, SEGMENT, &text(&segment["id"])?);
            }
            let segment = segments.first().context("nothing was recorded")?;
            let room = &mut self.rooms[number];
            room.play = text(&play["play_id"])?;
            room.segment = text(&segment["id"])?;
        }
        Ok(())
    }
}

/// An address of this machine that is the proxy's alone.
const PROXY: std::net::Ipv4Addr = std::net::Ipv4Addr::new(127, 0, 0, 2);

fn trust_a_proxy(campus: &mut Campus) -> Result<()> {
    let named = format!("[people]\ntrusted_proxies = [\"{PROXY}\"]\n");
    campus.hub.end()?;
    campus
        .hub
        .configure(|text| text.replace("[people]\n", &named))?;
    campus.hub.run()
}

async fn supervisors(campus: &Campus) -> Result<[Person; 3]> {
    let accounts = campus.hub.accounts.iter();
    let units: Vec<_> = accounts
        .filter(|one| one.role == "unit_supervisor")
        .collect();
    ensure!(units.len() == 2, "a college of two units");
    Ok([
        campus.sign_in("school_supervisor").await?,
        campus.nobody()?.sign_in(units[0]).await?,
        campus.nobody()?.sign_in(units[1]).await?,
    ])
}

fn unit(person: &Person) -> Result<UnitId> {
    Ok(UnitId(text(&person.me["unit"]["id"])?.parse()?))
}

/// A text in an answer.
pub fn text(value: &Value) -> Result<String> {
    value
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("no text: {value}"))
}
