//! The hub of the campus: configuration, demonstration college, process.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::broker::Broker;
use super::disk::SmallDisk;
use super::postgres::Postgres;
use super::process::Process;
use super::programs::{free_port, program};

const UP_MAX: Duration = Duration::from_secs(30);

/// A person of the demonstration college, with all it takes to sign in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Role, or `school_supervisor_unsigned`.
    pub role: String,
    /// Name.
    pub name: String,
    /// Staff number.
    pub login: String,
    /// Password.
    pub password: String,
    /// Second factor, base32.
    pub totp_secret: String,
    /// Good once, on loopback.
    pub sign_in_link_token: String,
}

/// A room of the demonstration college.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Room {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Building.
    pub building: String,
    /// Teaching unit.
    pub unit: String,
    /// The box that will stand there.
    pub device_id: String,
    /// How the box becomes known; good once.
    #[serde(skip_serializing)]
    pub enrolment_code: String,
}

#[derive(Deserialize)]
struct Seeded {
    accounts: Vec<Account>,
    rooms: Vec<Room>,
}

/// Where the doors for boxes are, when the box is to be on another network: on loopback, as the
/// demonstration asks for, but another address than the box's own.
pub const FAR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 77);

/// The hub and what was seeded.
pub struct Hub {
    folder: PathBuf,
    /// Address of the doors for boxes.
    boxes_at: Ipv4Addr,
    /// Ports of the three doors on 127.0.0.1.
    pub ports: Ports,
    /// Everybody.
    pub accounts: Vec<Account>,
    /// Every room.
    pub rooms: Vec<Room>,
    process: Option<Process>,
    store: Option<Arc<Postgres>>,
    /// What stands between it and its boxes.
    pub broker: Option<Broker>,
}

/// Ports of the three doors.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// Browsers.
    pub people: u16,
    /// Boxes, HTTPS.
    pub boxes: u16,
    /// Boxes, MQTT.
    pub mqtt: u16,
}

impl Hub {
    /// Writes the configuration, seeds the college and starts the hub.
    ///
    /// # Errors
    /// A step failed; the error carries what the hub said.
    pub fn start(folder: &Path, rooms: usize, people_port: Option<u16>) -> Result<Self> {
        Self::start_on(None, folder, rooms, people_port)
    }

    /// The same with its store on a PostgreSQL.
    ///
    /// # Errors
    /// The same.
    pub fn start_on(
        store: Option<Arc<Postgres>>,
        folder: &Path,
        rooms: usize,
        people_port: Option<u16>,
    ) -> Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST, store, folder, (rooms, people_port))
    }

    /// The same with its doors for boxes at [`FAR`].
    ///
    /// # Errors
    /// The same.
    pub fn start_far(folder: &Path, rooms: usize) -> Result<Self> {
        Self::start_at(FAR, None, folder, (rooms, None))
    }

    /// The same with a broker between it and its boxes.
    ///
    /// # Errors
    /// The same, or the broker does not start.
    pub fn start_behind_broker(folder: &Path, rooms: usize) -> Result<Self> {
        let mut hub = Self::prepared(Ipv4Addr::LOCALHOST, None, folder, (rooms, None))?;
        let port = hub.ports.mqtt;
        hub.configure(|text| {
            let broker = format!("[mqtt]\nbroker = {{ host = \"127.0.0.1\", port = {port} }}\n");
            text.replace("[mqtt]\n", &broker)
        })?;
        let config = folder.join("hub.toml");
        hub.broker = Some(Broker::start(&folder.join("broker"), &config, port)?);
        hub.run()?;
        Ok(hub)
    }

    fn start_at(
        boxes_at: Ipv4Addr,
        store: Option<Arc<Postgres>>,
        folder: &Path,
        wishes: (usize, Option<u16>),
    ) -> Result<Self> {
        let mut hub = Self::prepared(boxes_at, store, folder, wishes)?;
        hub.run()?;
        Ok(hub)
    }

    fn prepared(
        boxes_at: Ipv4Addr,
        store: Option<Arc<Postgres>>,
        folder: &Path,
        (rooms, people_port): (usize, Option<u16>),
    ) -> Result<Self> {
        let people = people_port.map_or_else(free_port, Ok)?;
        let ports = Ports {
            people,
            boxes: free_port()?,
            mqtt: free_port()?,
        };
        let more = store
            .as_deref()
            .map_or_else(String::new, Postgres::configuration);
        let text = configuration(folder, ports, boxes_at) + &more;
        fs::write(folder.join("hub.toml"), text)?;
        let Seeded { accounts, rooms } = seed(folder, rooms)?;
        let folder = folder.to_owned();
        Ok(Self {
            folder,
            boxes_at,
            ports,
            accounts,
            rooms,
            process: None,
            store,
            broker: None,
        })
    }

    /// A second hub with doors of its own, on the same PostgreSQL and with a copy of the keys of
    /// the first, which must have answered somebody: only then it has made them.
    ///
    /// # Errors
    /// The first is on no PostgreSQL, or the second does not start.
    pub fn beside(first: &Self, folder: &Path) -> Result<Self> {
        let store = first.store.clone().context("a hub on a store of its own")?;
        let ports = Ports {
            people: free_port()?,
            boxes: free_port()?,
            mqtt: free_port()?,
        };
        let boxes_at = first.boxes_at;
        let text = configuration(folder, ports, boxes_at) + &store.configuration();
        fs::write(folder.join("hub.toml"), text)?;
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(first.data_dir()).arg(folder);
        ensure!(copy.status()?.success(), "the keys cannot be copied");
        let mut hub = Self {
            folder: folder.to_owned(),
            boxes_at,
            ports,
            accounts: first.accounts.clone(),
            rooms: first.rooms.clone(),
            process: None,
            store: Some(store),
            broker: None,
        };
        hub.run()?;
        Ok(hub)
    }

    /// Starts the hub's process, which must not be running, and waits until its doors are open.
    ///
    /// # Errors
    /// It ended or did not open its doors in time.
    pub fn run(&mut self) -> Result<()> {
        let process = Process::start(
            "hub",
            &program("xunke-hub")?,
            self.arguments(),
            &self.folder,
        );
        self.wait_for(process?)
    }

    /// Puts all lessons aside but one of this room, which lasts from `start_ms` to `end_ms`.
    ///
    /// # Errors
    /// The store refuses.
    pub fn teach(&self, room: &str, start_ms: i64, end_ms: i64) -> Result<()> {
        let statement = format!(
            "UPDATE lessons SET start_ms = 1, end_ms = 2;
             UPDATE lessons SET start_ms = {start_ms}, end_ms = {end_ms} WHERE id =
             (SELECT id FROM lessons WHERE classroom_id = '{room}' ORDER BY id LIMIT 1);"
        );
        self.sql(&statement).map(drop)
    }

    /// What a hub says that must not start as it is configured.
    ///
    /// # Errors
    /// It started, or ended well.
    pub async fn refusal(&self) -> Result<String> {
        let mut command = tokio::process::Command::new(program("xunke-hub")?);
        let output = command.args(self.arguments()).kill_on_drop(true).output();
        let output = tokio::time::timeout(UP_MAX, output).await;
        let output = output.context("it started")??;
        ensure!(!output.status.success(), "it ended well");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// As [`Hub::run`], with all its data on a small disk.
    ///
    /// # Errors
    /// The same.
    pub fn run_on(&mut self, disk: &SmallDisk) -> Result<()> {
        let (program, arguments) = (program("xunke-hub")?, self.arguments());
        let process = Process::start_on(disk, "hub", &program, arguments, &self.folder);
        self.wait_for(process?)
    }

    /// The broker before it.
    ///
    /// # Errors
    /// There is none.
    pub fn broker(&mut self) -> Result<&mut Broker> {
        self.broker
            .as_mut()
            .context("no broker stands before the hub")
    }

    fn arguments(&self) -> [OsString; 3] {
        let config = self.folder.join("hub.toml");
        ["serve".into(), "--config".into(), config.into()]
    }

    fn wait_for(&mut self, mut process: Process) -> Result<()> {
        let deadline = Instant::now() + UP_MAX;
        while !self.doors_open() {
            if process.ended() || Instant::now() > deadline {
                bail!("the hub did not start\n{}", process.last_words());
            }
            thread::sleep(Duration::from_millis(30));
        }
        self.process = Some(process);
        Ok(())
    }

    /// Where it keeps its data.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.folder.join("hub")
    }

    /// Runs a statement on its store behind its back, also while it runs; gives what it prints.
    ///
    /// # Errors
    /// The store does not take it.
    pub fn sql(&self, statement: &str) -> Result<String> {
        if let Some(store) = &self.store {
            return store.sql(statement);
        }
        let output = Command::new("sqlite3")
            .args(["-bail", "-cmd", ".timeout 10000"])
            .arg(self.data_dir().join("hub.sqlite"))
            .arg(statement)
            .output()
            .context("sqlite3 cannot be run: ./dev setup installs it")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{statement}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Where it writes what it has to say.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("hub.log")
    }

    /// Changes its configuration, for the next time it is run.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn configure(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let file = self.folder.join("hub.toml");
        Ok(fs::write(&file, change(fs::read_to_string(&file)?))?)
    }

    fn doors_open(&self) -> bool {
        let Ports {
            people,
            boxes,
            mqtt,
        } = self.ports;
        let people = (Ipv4Addr::LOCALHOST, people);
        let doors = [people, (self.boxes_at, boxes), (self.boxes_at, mqtt)];
        doors.into_iter().all(|(host, port)| {
            let address = SocketAddr::from((host, port));
            TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
        })
    }

    /// The running process.
    ///
    /// # Errors
    /// The hub is not running.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the hub is not running")
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Kills the hub as a power cut would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Ends the hub cleanly.
    ///
    /// # Errors
    /// It did not end in time or with an error.
    pub fn end(&mut self) -> Result<()> {
        self.process
            .take()
            .map_or(Ok(()), |mut process| process.end())
    }

    /// The certificate authority that browsers and tests must trust, PEM.
    ///
    /// # Errors
    /// The hub has not made it yet.
    pub fn ca_pem(&self) -> Result<String> {
        let path = self.folder.join("hub/authority/ca.pem");
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
    }
}

fn configuration(folder: &Path, ports: Ports, boxes_at: Ipv4Addr) -> String {
    let Ports {
        people,
        boxes,
        mqtt,
    } = ports;
    format!(
        r#"data_dir = "{}"
[people]
listen = "127.0.0.1:{people}"
{names}
[boxes]
listen = "{boxes_at}:{boxes}"
[mqtt]
listen = "{boxes_at}:{mqtt}"
[agreement]
reading_seconds_min = 3
[recording]
free_mib_min = 64
[demo]
enabled = true
"#,
        folder.join("hub").display(),
        names = match boxes_at {
            Ipv4Addr::LOCALHOST => String::new(),
            other => format!("origin = \"https://localhost:{people}\"\nnames = [\"{other}\"]"),
        },
    )
}

fn seed(folder: &Path, rooms: usize) -> Result<Seeded> {
    let output = Command::new(program("xunke-hub")?)
        .arg("seed-demo")
        .arg("--config")
        .arg(folder.join("hub.toml"))
        .args(["--rooms", &rooms.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the college could not be seeded\n{said}"
    );
    serde_json::from_slice(&output.stdout).context("the seeded college cannot be read")
}
