//! A box without a hub: its keys are ours, so that what it has sealed can be opened and counted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{SigningKey, VerifyingKey};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use serde_json::json;
use xunke_agent::recording::spool::look_into;
use xunke_protocol::sealed::epoch::{self, DaySecret, SignedBundle};
use xunke_protocol::sealed::{Outline, Suite};

use super::process::Process;
use super::programs::{free_port, program};
use crate::camera::{Number, SimulatedCamera};
use crate::clock::now_ms;

/// Where the day's secret is kept, beside the identity.
const SECRET: &str = "day-secret.json";

/// One camera in the box's configuration.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// RTSP address of the full picture; empty: it is asked for by ONVIF.
    pub main: String,
    /// RTSP address of the small picture.
    pub sub: Option<String>,
    /// Address of the ONVIF device service.
    pub onvif: Option<String>,
    /// Name and password.
    pub account: (String, String),
    /// SHA-256 of its certificate.
    pub tls_sha256: Option<String>,
}

impl Source {
    /// Both pictures of a simulated camera.
    #[must_use]
    pub fn of(camera: &SimulatedCamera) -> Self {
        let (user, password) = camera.account();
        Self {
            main: camera.url("main"),
            sub: Some(camera.url("sub")),
            onvif: None,
            account: (user.to_owned(), password.to_owned()),
            tls_sha256: camera.certificate().map(|(sha256, _)| sha256),
        }
    }
}

/// What opens a box's recordings, and what it signs them with.
#[derive(Debug, Clone)]
pub struct BoxKeys {
    /// The private half of its only day key, which no real box has.
    secret: Vec<u8>,
    /// Checks its signatures.
    pub device: VerifyingKey,
}

impl BoxKeys {
    /// Makes a box's identity in its state folder, and keeps the day's secret beside it.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn make(state: &Path) -> Result<Self> {
        fs::create_dir_all(state)?;
        let day = epoch::of(now_ms());
        let (secret, key) = DaySecret::generate(Suite::default(), day, &mut UnwrapErr(SysRng));
        let mut seeds = [[0; 32]; 2];
        seeds
            .iter_mut()
            .try_for_each(|seed| getrandom::fill(seed))?;
        let [device, hub] = seeds.map(|seed| SigningKey::from_bytes(&seed));
        let bundle = SignedBundle::sign(1, vec![key], &hub);
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
        let identity = json!({
            "device_id": "lone-box",
            "classroom_id": uuid::Uuid::now_v7(),
            "mqtt_port": free_port()?,
            "certificate_pem": made.cert.pem(),
            "ca_pem": made.cert.pem(),
            "key_pem": made.signing_key.serialize_pem(),
            "signing_key": BASE64.encode(device.to_bytes()),
            "hub_signing_key": BASE64.encode(hub.verifying_key().to_bytes()),
            "epoch_bundle": bundle,
        });
        secretly(&state.join("identity.json"), &identity.to_string())?;
        let secret = secret.to_bytes().to_vec();
        let device = device.verifying_key();
        let kept = json!([BASE64.encode(&secret), BASE64.encode(device.to_bytes())]);
        secretly(&state.join(SECRET), &kept.to_string())?;
        Ok(Self { secret, device })
    }

    /// Reads what [`BoxKeys::make`] has kept.
    ///
    /// # Errors
    /// It is not there.
    pub fn read(state: &Path) -> Result<Self> {
        let kept: [String; 2] = serde_json::from_slice(&fs::read(state.join(SECRET))?)?;
        let [secret, device] = kept.map(|text| BASE64.decode(text));
        let device = VerifyingKey::try_from(device?.as_slice())?;
        Ok(Self {
            secret: secret?,
            device,
        })
    }

    /// The private half of its only day key.
    ///
    /// # Errors
    /// What was kept is none.
    pub fn day_secret(&self) -> Result<DaySecret> {
        DaySecret::from_bytes(&self.secret).context("the kept day's secret cannot be read")
    }
}

/// The box. Dropping it kills its agent; its folder stays.
pub struct LoneBox {
    folder: PathBuf,
    keys: BoxKeys,
    /// Its agent.
    pub agent: Process,
}

/// One sealed segment, opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// When its first picture was taken, microseconds since the epoch.
    pub start_us: i64,
    /// The numbers of its pictures.
    pub pictures: Vec<Number>,
}

impl LoneBox {
    /// Makes its keys and starts its agent before the cameras, which are `cam0`, `cam1` …
    /// `settings` are further sections of `agent.toml`.
    ///
    /// # Errors
    /// The folder cannot be written, or the program not be started.
    pub fn start(folder: &Path, cameras: &[Source], settings: &str) -> Result<Self> {
        let keys = BoxKeys::make(&folder.join("state"))?;
        let config = folder.join("agent.toml");
        fs::write(&config, configuration(folder, cameras, settings)?)?;
        Ok(Self {
            folder: folder.to_owned(),
            keys,
            agent: run(folder)?,
        })
    }

    /// Kills its agent as a power cut would, and starts it again.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn kill_and_start(&mut self) -> Result<()> {
        self.agent.kill();
        self.agent = run(&self.folder)?;
        Ok(())
    }

    /// Opens all that was sealed of a camera so far, the oldest first.
    ///
    /// # Errors
    /// A segment is not what this box has sealed.
    pub fn opened(&self, camera: usize) -> Result<Vec<Opened>> {
        let source = format!("cam{camera}");
        let mut opened = vec![];
        for path in slots(&self.folder.join("state/spool")) {
            let held = match look_into(&path, &self.keys.device) {
                // An agent that starts does away with a slot that a kill left half made.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                held => held?,
            };
            let Some((_, bytes)) = held.filter(|(header, _)| header.source.as_str() == source)
            else {
                continue;
            };
            let segment = self.open(&bytes);
            opened.push(segment.with_context(|| format!("{} is not good", path.display()))?);
        }
        opened.sort_by_key(|segment| segment.start_us);
        Ok(opened)
    }

    fn open(&self, bytes: &[u8]) -> Result<Opened> {
        let outline = Outline::scan(bytes)?;
        outline.verify(&self.keys.device)?;
        let key = outline.unwrap_key(&self.keys.day_secret()?)?;
        let plain = outline.open(bytes, &key)?;
        Ok(Opened {
            start_us: outline.header.start_us,
            pictures: plain.iter().flat_map(|chunk| Number::all(chunk)).collect(),
        })
    }
}

fn run(folder: &Path) -> Result<Process> {
    let config = folder.join("agent.toml");
    let arguments = ["run".as_ref(), "--config".as_ref(), config.as_os_str()];
    Process::start("agent", &program("xunke-agent")?, arguments, folder)
}

/// The slots of a spool; none before there is one.
#[must_use]
pub fn slots(spool: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(spool).into_iter().flatten().flatten();
    let paths = files.map(|file| file.path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "slot"))
        .collect()
}

fn configuration(folder: &Path, cameras: &[Source], settings: &str) -> Result<String> {
    let state = folder.join("state");
    // Nobody is there: it records all the same.
    let mut text = format!(
        "state_dir = \"{}\"\n[hub]\nurl = \"https://127.0.0.1:{}\"\n{settings}\n",
        state.display(),
        free_port()?
    );
    for (number, camera) in cameras.iter().enumerate() {
        let file = folder.join(format!("cam{number}.credentials"));
        let (user, password) = &camera.account;
        secretly(&file, &format!("{user}\n{password}\n"))?;
        let file = file.display();
        write!(
            text,
            "[[camera]]\nname = \"cam{number}\"\ncredentials_file = \"{file}\"\n"
        )?;
        let main = Some(&camera.main).filter(|url| !url.is_empty());
        for (key, value) in [
            ("main_url", main),
            ("sub_url", camera.sub.as_ref()),
            ("onvif_url", camera.onvif.as_ref()),
            ("tls_sha256", camera.tls_sha256.as_ref()),
        ] {
            if let Some(value) = value {
                writeln!(text, "{key} = \"{value}\"")?;
            }
        }
    }
    Ok(text)
}

fn secretly(file: &Path, text: &str) -> Result<()> {
    let mut options = fs::File::options();
    let options = options.create(true).truncate(true).write(true).mode(0o600);
    let mut open = options.open(file)?;
    Ok(std::io::Write::write_all(&mut open, text.as_bytes())?)
}

/// What became of the pictures that a camera has sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pictures {
    /// Recorded, each counted once.
    pub recorded: u64,
    /// Missing before the last one that was recorded of its session.
    pub lost: u64,
    /// Recorded more than once.
    pub twice: u64,
    /// Sent after the last one that was recorded of the newest session.
    pub after: u64,
}

impl Pictures {
    /// Of all pictures that were found, and the number that was sent in the newest session.
    #[must_use]
    pub fn of(found: impl IntoIterator<Item = Number>, sent: u32) -> Self {
        let mut sessions: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        let mut told = Self::default();
        for number in found {
            let pictures = sessions.entry(number.session).or_default();
            told.twice += u64::from(!pictures.insert(number.picture));
        }
        let end = |pictures: &BTreeSet<u32>| pictures.last().map_or(0, |last| last + 1);
        for pictures in sessions.values() {
            let recorded = pictures.len() as u64;
            told.recorded += recorded;
            told.lost += u64::from(end(pictures)) - recorded;
        }
        let newest = sessions.values().next_back().map_or(0, end);
        told.after = u64::from(sent.saturating_sub(newest));
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_picture_is_accounted_for() {
        let number = |session, picture| Number { session, picture };
        let found = [
            number(1, 0),
            number(1, 2),
            number(1, 2),
            number(2, 0),
            number(2, 1),
        ];
        let expected = Pictures {
            recorded: 4,
            lost: 1,
            twice: 1,
            after: 3,
        };
        assert_eq!(Pictures::of(found, 5), expected);
        assert_eq!(Pictures::of([], 7).after, 7);
    }
}
