//! The campus: a hub, classrooms and people, all real, on this machine.
//!
//! programs → disk → mounted → process → lone → postgres → broker → hub → room → person → viewer
//! → proxy → nginx → issuer → liar → empty → stored
//!
//! Nothing is shared between two campuses, every port is a free one, and nothing stays behind.

mod programs;
mod disk;
mod mounted;
mod process;
mod lone;
mod postgres;
mod broker;
mod hub;
mod room;
mod person;
mod viewer;
mod proxy;
mod nginx;
mod issuer;
mod liar;
mod empty;
mod stored;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use reqwest::StatusCode;
use serde_json::Value;

use crate::classroom::Sound;
use crate::projector::{Manners, Projector};

pub use broker::Broker;
pub use disk::SmallDisk;
pub use empty::EmptyHub;
pub use hub::{Account, FAR, Hub, Ports, Room};
pub use issuer::{Issuer, Visitor};
pub use liar::Liar;
pub use lone::{BoxKeys, LoneBox, Opened, Pictures, Source, slots};
pub use mounted::{Mounted, Work, cannot_mount, empty, system, write_image};
pub use nginx::Nginx;
pub use person::{Person, Socket, one_time_code};
pub use postgres::Postgres;
pub use process::Process;
pub use programs::{free_port, is_free, program};
pub use proxy::Proxy;
pub use room::{BoxIdentity, Classroom, enrol};
pub use stored::stored;
pub use viewer::{Said, Viewer};

const ONLINE_MAX: Duration = Duration::from_secs(45);

/// What a campus is to be like.
#[derive(Clone, Default)]
pub struct Options {
    /// How many rooms.
    pub rooms: usize,
    /// Where everything is kept; a new folder below the system's temporary one when `None`,
    /// removed at the end.
    pub data_dir: Option<PathBuf>,
    /// Port of the people's door; a free one when `None`.
    pub people_port: Option<u16>,
    /// Where the hub keeps its store; SQLite in its own folder when `None`.
    pub store: Option<Arc<Postgres>>,
    /// With mosquitto between the boxes and the hub.
    pub broker: bool,
    /// Says what is being done on standard error.
    pub chatty: bool,
}

/// A running campus.
pub struct Campus {
    /// The hub.
    pub hub: Hub,
    /// The rooms.
    pub classrooms: Vec<Classroom>,
    /// What hangs from the ceiling of the first room.
    pub projector: Projector,
    folder: PathBuf,
    keep: bool,
}

impl Campus {
    /// Starts everything and waits until every box is online.
    ///
    /// # Errors
    /// A part did not start; the error carries what it said.
    pub async fn start(options: Options) -> Result<Self> {
        let began = Instant::now();
        let step = |what: &str| {
            if options.chatty {
                eprintln!("  {:5.1} s  {what}", began.elapsed().as_secs_f32());
            }
        };
        let (folder, keep) = folder(options.data_dir.as_deref())?;
        step("seeding the college and starting the hub");
        let (rooms, port) = (options.rooms, options.people_port);
        let hub = match options.broker {
            true => Hub::start_behind_broker(&folder, rooms)?,
            false => Hub::start_on(options.store.clone(), &folder, rooms, port)?,
        };
        let mut campus = Self {
            hub,
            classrooms: Vec::new(),
            projector: Projector::start(Manners::default()).await?,
            folder,
            keep,
        };
        // A campus has cameras of both kinds; the first room's speaks AAC.
        let sounds = [Sound::Aac, Sound::Alaw].into_iter().cycle();
        for (room, sound) in campus.hub.rooms.clone().into_iter().zip(sounds) {
            step(&format!("{}: camera, enrolment, box", room.name));
            let mut classroom = Classroom::start(room, sound, &campus.folder, campus.hub.ports)?;
            if campus.classrooms.is_empty() {
                let address = campus.projector.address.to_string();
                classroom.equip("projector", &address, None)?;
            }
            classroom.run_agent()?;
            campus.classrooms.push(classroom);
        }
        step("waiting for every box to be online");
        campus.online().await?;
        step("everything is up");
        Ok(campus)
    }

    /// Address for browsers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.hub.ports.people)
    }

    /// Where everything is kept.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The first account with this role, such as `unit_supervisor`.
    ///
    /// # Errors
    /// There is none.
    pub fn account(&self, role: &str) -> Result<&Account> {
        let found = self
            .hub
            .accounts
            .iter()
            .find(|account| account.role == role);
        found.with_context(|| format!("nobody is {role}"))
    }

    /// A browser in which nobody has signed in.
    ///
    /// # Errors
    /// The hub's certificate authority cannot be read.
    pub fn nobody(&self) -> Result<Person> {
        Person::nobody(&self.url(), &self.hub.ca_pem()?)
    }

    /// Signs somebody in. A one-time code is good once: keep the person for later.
    ///
    /// # Errors
    /// There is nobody like that, or the hub refuses.
    pub async fn sign_in(&self, role: &str) -> Result<Person> {
        self.nobody()?.sign_in(self.account(role)?).await
    }

    /// Waits until every classroom's box is online and its camera streams, as a technician sees it.
    async fn online(&mut self) -> Result<()> {
        let technician = self.sign_in("technician").await?;
        let deadline = Instant::now() + ONLINE_MAX;
        loop {
            let (status, body) = technician.get("/api/devices").await?;
            ensure!(
                status == StatusCode::OK,
                "the hub does not show its devices: {body}"
            );
            if streaming(&body) == self.classrooms.len() {
                // One session a person: leave theirs to whoever comes.
                technician.delete("/api/session").await?;
                return Ok(());
            }
            for classroom in &mut self.classrooms {
                let agent = classroom.agent()?;
                ensure!(!agent.ended(), "an agent ended\n{}", agent.last_words());
            }
            if Instant::now() > deadline {
                bail!("not every box is online after {ONLINE_MAX:?}: {body}");
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    /// Ends everything cleanly.
    ///
    /// # Errors
    /// A part did not end in time or with an error.
    pub fn end(mut self) -> Result<()> {
        for classroom in &mut self.classrooms {
            classroom.end_agent()?;
        }
        self.hub.end()
    }
}

impl Drop for Campus {
    fn drop(&mut self) {
        self.classrooms.clear();
        self.hub.kill();
        if !self.keep && !std::thread::panicking() {
            drop(fs::remove_dir_all(&self.folder));
        }
    }
}

fn streaming(devices: &Value) -> usize {
    let devices = devices["devices"].as_array().map_or(&[][..], Vec::as_slice);
    let up = |device: &&Value| {
        device["state"] == "online" && device["health"]["cameras"][0]["state"] == "streaming"
    };
    devices.iter().filter(up).count()
}

fn folder(wanted: Option<&Path>) -> Result<(PathBuf, bool)> {
    let path = match wanted {
        Some(path) => path.to_owned(),
        None => std::env::temp_dir().join(format!("xunke-{}", uuid::Uuid::now_v7().simple())),
    };
    fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
    let path = path.canonicalize()?;
    let empty = fs::read_dir(&path)?.next().is_none();
    ensure!(
        empty,
        "{} is not empty; give an empty or a new folder",
        path.display()
    );
    Ok((path, wanted.is_some()))
}
