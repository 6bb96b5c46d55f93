//! One room of the campus: a camera and a box, each a real process.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::VerifyingKey;
use reqwest::Client;
use rustix::process::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};

use super::disk::SmallDisk;
use super::hub::{Ports, Room};
use super::process::Process;
use super::programs::program;
use crate::classroom::{Announcement, Answer, Behaviour, Event, Sound};

const CAMERA_UP_MAX: Duration = Duration::from_secs(20);

/// A camera and a box.
pub struct Classroom {
    /// What the hub knows of the room.
    pub room: Room,
    /// What the camera said when it was up.
    pub camera: Announcement,
    folder: PathBuf,
    camera_process: Process,
    agent: Option<Process>,
}

impl Classroom {
    /// Starts the camera and enrols the box; [`Classroom::run_agent`] starts the box.
    ///
    /// # Errors
    /// The camera did not come up, or the hub refused the box.
    pub fn start(room: Room, sound: Sound, folder: &Path, ports: Ports) -> Result<Self> {
        let folder = folder.join(&room.device_id);
        fs::create_dir_all(&folder)?;
        let camera_process = start_camera(&room, sound, &folder)?;
        let camera: Announcement = serde_json::from_str(&camera_process.line(CAMERA_UP_MAX)?)?;
        write_agent_config(&folder, ports, &camera)?;
        enrol(&folder, &room.enrolment_code)?;
        Ok(Self {
            room,
            camera,
            folder,
            camera_process,
            agent: None,
        })
    }

    /// Starts the box's agent, which must not be running.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn run_agent(&mut self) -> Result<()> {
        let (program, arguments) = (program("xunke-agent")?, self.arguments());
        self.agent = Some(Process::start("agent", &program, arguments, &self.folder)?);
        Ok(())
    }

    /// As [`Classroom::run_agent`], with all that the box keeps on a small disk.
    ///
    /// # Errors
    /// The same.
    pub fn run_agent_on(&mut self, disk: &SmallDisk) -> Result<()> {
        let (program, arguments) = (program("xunke-agent")?, self.arguments());
        let agent = Process::start_on(disk, "agent", &program, arguments, &self.folder);
        self.agent = Some(agent?);
        Ok(())
    }

    fn arguments(&self) -> [OsString; 3] {
        let config = self.folder.join("agent.toml");
        ["run".into(), "--config".into(), config.into()]
    }

    /// Changes the agent's configuration, for the next time it is run.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn configure(&self, change: impl FnOnce(String) -> String) -> Result<()> {
        let file = self.folder.join("agent.toml");
        Ok(fs::write(&file, change(fs::read_to_string(&file)?))?)
    }

    /// Lets the box ask a piece of equipment, from the next time it is run; a projector with the
    /// password in a file.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub fn equip(&self, kind: &str, address: &str, password: Option<&str>) -> Result<()> {
        let mut keys = format!("name = \"{kind}\"\nkind = \"{kind}\"\naddress = \"{address}\"\n");
        if let Some(password) = password {
            let file = self.folder.join("projector.password");
            fs::write(&file, format!("{password}\n"))?;
            keys += &format!("password_file = \"{}\"\n", file.display());
        }
        self.configure(|text| format!("{text}[[equipment]]\n{keys}"))
    }

    /// The box's agent.
    ///
    /// # Errors
    /// It is not running.
    pub fn agent(&mut self) -> Result<&mut Process> {
        self.agent.as_mut().context("the agent is not running")
    }

    /// Kills the agent as a power cut would.
    pub fn kill_agent(&mut self) {
        self.agent = None;
    }

    /// Ends the agent cleanly.
    ///
    /// # Errors
    /// It did not end in time or with an error.
    pub fn end_agent(&mut self) -> Result<()> {
        self.agent.take().map_or(Ok(()), |mut agent| agent.end())
    }

    /// Lets something befall the camera now, and waits until it has.
    ///
    /// # Errors
    /// The camera cannot do it or is gone.
    pub fn befall(&mut self, behaviour: Behaviour) -> Result<()> {
        let event = Event {
            behaviour,
            after_ms: 0,
        };
        self.order(event)?;
        loop {
            let answer = self.camera_process.line(CAMERA_UP_MAX)?;
            let answer: Answer = serde_json::from_str(&answer)?;
            // What was to befall it later may have done so meanwhile.
            if answer.event == event {
                let failed = answer.failed;
                ensure!(
                    failed.is_none(),
                    "the camera cannot do {behaviour:?}: {failed:?}"
                );
                return Ok(());
            }
        }
    }

    /// Stops the camera as if its cable were pulled: nothing comes from it, nothing is answered.
    /// It stays so.
    ///
    /// # Errors
    /// It is gone.
    pub fn stop_camera(&self) -> Result<()> {
        self.camera_process.signal(Signal::STOP)
    }

    /// Lets something befall the camera after a while of a millisecond or more.
    ///
    /// # Errors
    /// The camera is gone.
    pub fn befall_later(&mut self, behaviour: Behaviour, after: Duration) -> Result<()> {
        let after_ms = u64::try_from(after.as_millis())?.max(1);
        self.order(Event {
            behaviour,
            after_ms,
        })
    }

    fn order(&mut self, event: Event) -> Result<()> {
        self.camera_process.tell(&serde_json::to_string(&event)?)
    }

    /// The box's own folder: configuration, identity, spool, outbox, log.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the box keeps identity, spool and outbox.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Process ids of camera and agent.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        let agent = self.agent.as_ref().map(Process::pid);
        agent
            .into_iter()
            .chain([self.camera_process.pid()])
            .collect()
    }
}

fn start_camera(room: &Room, sound: Sound, folder: &Path) -> Result<Process> {
    let sound = match sound {
        Sound::Aac => "aac",
        Sound::Alaw => "alaw",
    };
    let arguments = ["classroom", "--room", &room.name, "--sound", sound];
    Process::start("camera", &program("xunke-tests")?, arguments, folder)
}

fn write_agent_config(folder: &Path, ports: Ports, camera: &Announcement) -> Result<()> {
    let credentials = folder.join("cam0.credentials");
    let mut file = fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&credentials)?;
    writeln!(file, "{}\n{}", camera.user, camera.password)?;
    let text = format!(
        r#"state_dir = "{state}"
[hub]
url = "https://127.0.0.1:{boxes}"
[link]
keep_alive_seconds = 5
retry_seconds_max = 2
[intake]
retry_seconds_max = 2
[recording]
segment_seconds = 6
[spool]
mib_max = 512
free_mib_min = 64
slot_mib = 2
[upload]
retry_seconds_max = 2
spread_seconds = 0
[health]
period_seconds = 10
spacing_seconds = 2
[[camera]]
name = "cam0"
main_url = "{main}"
sub_url = "{sub}"
credentials_file = "{credentials}"
"#,
        state = folder.join("state").display(),
        boxes = ports.boxes,
        main = camera.main,
        sub = camera.sub,
        credentials = credentials.display(),
    );
    Ok(fs::write(folder.join("agent.toml"), text)?)
}

/// Enrols a box with the configuration in its folder. The code goes in by standard input: it is a
/// secret.
///
/// # Errors
/// The hub refuses.
pub fn enrol(folder: &Path, code: &str) -> Result<()> {
    let mut child = Command::new(program("xunke-agent")?)
        .args(["enrol", "--code-file", "-", "--config"])
        .arg(folder.join("agent.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    child
        .stdin
        .take()
        .context("no standard input")?
        .write_all(code.as_bytes())?;
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the box could not be enrolled\n{said}"
    );
    Ok(())
}

/// What a box shows at the hub's doors. Reading it out is what a thief of the box would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoxIdentity {
    /// The box.
    pub device_id: String,
    /// Its certificate, PEM.
    pub certificate_pem: String,
    /// The certificate's key, PEM.
    pub key_pem: String,
    /// The hub's authority, PEM.
    pub ca_pem: String,
    /// The hub's MQTT port.
    pub mqtt_port: u16,
    /// What checks the hub's signatures, in base64.
    pub hub_signing_key: String,
}

impl BoxIdentity {
    /// What checks the hub's signatures.
    ///
    /// # Errors
    /// It is no key.
    pub fn hub_key(&self) -> Result<VerifyingKey> {
        let bytes = BASE64.decode(&self.hub_signing_key)?;
        Ok(VerifyingKey::try_from(bytes.as_slice())?)
    }

    /// A client that trusts the hub's authority, for the boxes' door: `with` the box's certificate
    /// or without any.
    ///
    /// # Errors
    /// When a PEM text is none.
    pub fn client(&self, with: bool) -> Result<Client> {
        let tls = self.tls(with)?;
        Ok(Client::builder().tls_backend_preconfigured(tls).build()?)
    }

    /// The same for a connection of one's own.
    ///
    /// # Errors
    /// The same.
    pub fn tls(&self, with: bool) -> Result<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots);
        if !with {
            return Ok(builder.with_no_client_auth());
        }
        let certificate = CertificateDer::from_pem_slice(self.certificate_pem.as_bytes())?;
        let key = PrivateKeyDer::from_pem_slice(self.key_pem.as_bytes())?;
        Ok(builder.with_client_auth_cert(vec![certificate], key)?)
    }
}

impl Classroom {
    /// The identity in the box's state folder.
    ///
    /// # Errors
    /// The box is not enrolled.
    pub fn identity(&self) -> Result<BoxIdentity> {
        let file = self.state_dir().join("identity.json");
        let text = fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }
}
