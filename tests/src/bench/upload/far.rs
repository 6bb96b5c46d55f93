//! A box at the other end of the line, with its cameras, and what it has sealed.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use xunke_agent::identity::Identity;
use xunke_agent::recording::spool::look_into;
use xunke_protocol::id::SegmentId;
use xunke_protocol::sealed::Outline;

use super::line::Line;
use crate::campus::{FAR, Hub, Process, enrol, program, slots};

/// A camera encodes its clip first.
const CAMERA_UP_MAX: Duration = Duration::from_secs(120);
/// 3.5 and 0.5 Mbit/s.
const CAMERAS: [&[&str]; 2] = [&[], &["--small"]];

/// The box. Dropping it kills it and its cameras.
pub struct FarBox {
    /// Its agent.
    pub agent: Process,
    state: PathBuf,
    _cameras: Vec<Process>,
}

impl FarBox {
    /// Enrols it in the hub's first room and starts it.
    ///
    /// # Errors
    /// Something did not start.
    pub fn start(line: &Line, hub: &Hub, folder: &Path, slot_mib: u64) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let state = folder.join("state");
        let mut text = settings(hub, &state, slot_mib);
        let mut cameras = Vec::new();
        for (number, more) in CAMERAS.iter().enumerate() {
            let arguments = [&["cameras"], *more].concat();
            let name = format!("camera{number}");
            let camera = line.start(&name, &program("xunke-tests")?, arguments, folder)?;
            let said: Value = serde_json::from_str(&camera.line(CAMERA_UP_MAX)?)?;
            text += &one_camera(number, &said, folder)?;
            cameras.push(camera);
        }
        let config = folder.join("agent.toml");
        fs::write(&config, text)?;
        let room = hub.rooms.first().context("no room")?;
        enrol(folder, &room.enrolment_code)?;
        let arguments = ["run".as_ref(), "--config".as_ref(), config.as_os_str()];
        Ok(Self {
            agent: line.start("agent", &program("xunke-agent")?, arguments, folder)?,
            state,
            _cameras: cameras,
        })
    }

    /// The segments that are whole and wait for the hub, with the SHA-256 of each.
    ///
    /// # Errors
    /// A slot cannot be read.
    pub fn sealed(&mut self) -> Result<BTreeMap<SegmentId, [u8; 32]>> {
        let agent = &mut self.agent;
        ensure!(!agent.ended(), "the box has ended\n{}", agent.last_words());
        let device = Identity::load(&self.state)?
            .device_signing_key
            .verifying_key();
        let mut sealed = BTreeMap::new();
        for slot in slots(&self.state.join("spool")) {
            let Some((header, bytes)) = look_into(&slot, &device)? else {
                continue;
            };
            if Outline::scan(&bytes)?.complete {
                sealed.insert(header.segment, Sha256::digest(&bytes).into());
            }
        }
        Ok(sealed)
    }
}

/// As shipped, but for what waits by chance and for how long, and the small disk of this machine.
fn settings(hub: &Hub, state: &Path, slot_mib: u64) -> String {
    format!(
        "state_dir = \"{}\"\n[hub]\nurl = \"https://{FAR}:{}\"\nconnect_seconds = 5\n\
         [link]\nkeep_alive_seconds = 5\nretry_seconds_max = 5\n\
         [spool]\nmib_max = 8192\nfree_mib_min = 64\nslot_mib = {slot_mib}\n\
         [upload]\nretry_seconds_max = 5\nspread_seconds = 0\n",
        state.display(),
        hub.ports.boxes,
    )
}

fn one_camera(number: usize, said: &Value, folder: &Path) -> Result<String> {
    let word = |key: &str| said[key].as_str().context("a camera that says nothing");
    let credentials = folder.join(format!("cam{number}.credentials"));
    let mut file = fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&credentials)?;
    writeln!(file, "{}\n{}", word("user")?, word("password")?)?;
    Ok(format!(
        "[[camera]]\nname = \"cam{number}\"\nmain_url = \"{}\"\nsub_url = \"{}\"\n\
         credentials_file = \"{}\"\n",
        word("main")?,
        word("sub")?,
        credentials.display(),
    ))
}
