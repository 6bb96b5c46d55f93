//! The genuine cameras behind hostile ones, and a box with cameras of both kinds.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::door::{Door, Shared};
use super::plan::Plan;
use super::worker::Panic;
use crate::bench::usage::Usage;
use crate::camera::{Codec, Options, SimulatedCamera, SoundCodec};
use crate::campus::{LoneBox, Pictures, Source};
use crate::onvif::{Manners, OnvifCamera, Proof};

/// Of a full box; the others are hostile.
const GOOD: usize = 4;
/// Of the hostile ones, those asked by ONVIF alone.
const ONVIF: usize = 3;
const HOSTILE: usize = 12;
/// Numbers of sessions that the box made begin here.
const BOX_NUMBERS: u64 = 1_000_000_000;
const UP_MAX: Duration = Duration::from_secs(60);
/// One genuine camera of each of these.
const KINDS: [(Codec, SoundCodec); 4] = [
    (Codec::H264, SoundCodec::Aac),
    (Codec::H264, SoundCodec::Alaw),
    (Codec::H265, SoundCodec::Aac),
    (Codec::H264, SoundCodec::Opus),
];

/// Cameras that hide behind hostile ones.
pub struct Genuine {
    cameras: Vec<(SimulatedCamera, OnvifCamera)>,
}

/// Name and password, of RTSP and ONVIF alike.
type Login = (String, String);

impl Genuine {
    /// Starts one of each kind.
    ///
    /// # Errors
    /// GStreamer lacks an encoder, or there is no port.
    pub async fn start() -> Result<Self> {
        let mut cameras = vec![];
        for (number, (codec, sound)) in KINDS.into_iter().enumerate() {
            let options = Options {
                codec,
                sound: Some(sound),
                ..Options::default()
            };
            let camera = SimulatedCamera::start(options).await?;
            let mut manners = Manners::good(&camera.url("main"), &camera.url("sub"));
            manners.login = login(&camera);
            manners.proof = [Proof::Token, Proof::Http][number % 2];
            let onvif = OnvifCamera::start(IpAddr::V4(Ipv4Addr::LOCALHOST), manners).await?;
            cameras.push((camera, onvif));
        }
        Ok(Self { cameras })
    }

    /// A hostile camera for one session, and the order for the worker that faces it. Every fourth
    /// session is asked by ONVIF for its streams, every other one takes the small picture too.
    ///
    /// # Errors
    /// There is no port.
    pub async fn session(&self, seed: u64, number: u64) -> Result<(Vec<Door>, Value)> {
        let asked = is_asked(number);
        let kind = usize::try_from(number / 4 % KINDS.len() as u64)?;
        let (camera, onvif) = &self.cameras[kind];
        let plan: Shared = Arc::new(Mutex::new(Plan::of(seed, number, asked)));
        let open = async |genuine: SocketAddr, other| {
            let plan = Arc::clone(&plan);
            Door::open(genuine, other, move || Arc::clone(&plan)).await
        };
        let mut doors = vec![open(camera.address(), None).await?];
        let rtsp = doors[0].address;
        let (mut main, mut sub, mut asking) = (format!("rtsp://{rtsp}/main"), None, Value::Null);
        if number % 2 == 1 {
            sub = Some(format!("rtsp://{rtsp}/sub"));
        }
        if asked {
            let door = open(onvif.address, Some((camera.address(), rtsp))).await?;
            let url = format!("http://{}/onvif/device_service", door.address);
            asking = json!({ "url": url, "networks": ["127.0.0.0/16"] });
            doors.push(door);
            (main, sub) = (String::new(), None);
        }
        let order = json!({
            "main_url": main, "sub_url": sub, "onvif": asking, "trust": null,
            "credentials": login(camera), "audio": true,
            "connect_seconds": 3, "stall_seconds": 2, "look_ms": 4000, "mib_max": 256,
            "brokered": false, "greet": number % 8 == 5,
        });
        Ok((doors, order))
    }
}

/// Whether a session begins with ONVIF.
#[must_use]
pub fn is_asked(number: u64) -> bool {
    number.is_multiple_of(4)
}

fn login(camera: &SimulatedCamera) -> Login {
    let (user, password) = camera.account();
    (user.to_owned(), password.to_owned())
}

/// A box with four good cameras, one of each kind, and twelve hostile ones.
pub struct FullBox {
    folder: PathBuf,
    lone: LoneBox,
    good: Vec<SimulatedCamera>,
    _doors: Vec<Door>,
    made: Arc<AtomicU64>,
    memory_mb: f64,
}

impl Drop for FullBox {
    fn drop(&mut self) {
        self.lone.agent.kill();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// What became of the box.
#[derive(Debug)]
pub struct Outcome {
    /// Sessions and connections that hostile cameras were asked for.
    pub made: u64,
    /// Pictures that a good camera has sent and no segment has.
    pub lost: u64,
    /// Pictures of good cameras that were recorded.
    pub recorded: u64,
    /// Sessions of good cameras beside the first.
    pub again: u32,
    /// What the agent's memory has grown by, MB.
    pub grown_mb: f64,
    /// Panics that its log tells of.
    pub panics: Vec<Panic>,
}

impl FullBox {
    /// Starts it, and waits until the good cameras are recorded.
    ///
    /// # Errors
    /// Something did not start.
    pub async fn start(folder: &Path, genuine: &Genuine, seed: u64) -> Result<Self> {
        let (mut good, mut sources, mut doors) = (vec![], vec![], vec![]);
        for (number, (codec, sound)) in KINDS.into_iter().enumerate().take(GOOD) {
            let options = Options {
                codec,
                sound: Some(sound),
                tls: number == 1,
                ..Options::default()
            };
            let camera = SimulatedCamera::start(options).await?;
            sources.push(Source::of(&camera));
            good.push(camera);
        }
        let made = Arc::new(AtomicU64::new(0));
        for number in 0..HOSTILE {
            let (camera, onvif) = &genuine.cameras[number % KINDS.len()];
            let (made, asked) = (Arc::clone(&made), number < ONVIF);
            let address = if asked {
                onvif.address
            } else {
                camera.address()
            };
            let door = Door::open(address, None, move || {
                let number = BOX_NUMBERS + made.fetch_add(1, Ordering::Relaxed);
                let plan = if asked {
                    Plan::of_answer(seed, number)
                } else {
                    Plan::of(seed, number, false)
                };
                Arc::new(Mutex::new(plan))
            });
            let door = door.await?;
            let address = door.address;
            let url = |path: &str| format!("rtsp://{address}/{path}");
            sources.push(Source {
                main: if asked { String::new() } else { url("main") },
                sub: (number % 2 == 1 && !asked).then(|| url("sub")),
                onvif: asked.then(|| format!("http://{address}/onvif/device_service")),
                account: login(camera),
                tls_sha256: None,
            });
            doors.push(door);
        }
        let settings = "[intake]\nconnect_seconds = 3\nstall_seconds = 2\nretry_seconds_max = 1\n\
                        camera_networks = [\"127.0.0.0/16\"]\n[spool]\nfree_mib_min = 64\n";
        let lone = LoneBox::start(folder, &sources, settings)?;
        let mut full = Self {
            folder: folder.to_owned(),
            lone,
            good,
            _doors: doors,
            made,
            memory_mb: 0.0,
        };
        full.up().await?;
        full.memory_mb = Usage::of(full.lone.agent.pid())?.resident_mb;
        Ok(full)
    }

    async fn up(&mut self) -> Result<()> {
        let deadline = Instant::now() + UP_MAX;
        let plays = |camera: &SimulatedCamera| camera.tally("main").pictures > 25;
        while !self.good.iter().all(plays) {
            self.lives()?;
            if Instant::now() > deadline {
                bail!(
                    "a good camera is not played: {}",
                    self.lone.agent.last_words()
                );
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// The agent has not ended.
    ///
    /// # Errors
    /// It has; the error carries its last words.
    pub fn lives(&mut self) -> Result<()> {
        let agent = &mut self.lone.agent;
        ensure!(!agent.ended(), "the agent died\n{}", agent.last_words());
        Ok(())
    }

    /// Sessions and connections so far.
    #[must_use]
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }

    /// Ends the box and opens what it has recorded.
    ///
    /// # Errors
    /// It did not end cleanly, or a segment is not good.
    pub fn end(mut self) -> Result<Outcome> {
        self.lives()?;
        let memory_mb = Usage::of(self.lone.agent.pid())?.resident_mb;
        let made = self.made();
        self.lone.agent.end()?;
        let (mut lost, mut recorded, mut again) = (0, 0, 0);
        for (number, camera) in self.good.iter().enumerate() {
            let opened = self.lone.opened(number)?;
            let tally = camera.tally("main");
            let found = opened.into_iter().flat_map(|segment| segment.pictures);
            let pictures = Pictures::of(found, tally.pictures);
            ensure!(
                pictures.recorded > 0,
                "good camera {number} was not recorded"
            );
            lost += pictures.lost;
            recorded += pictures.recorded;
            again += tally.sessions - 1;
        }
        let said = self.lone.agent.said()?;
        Ok(Outcome {
            made,
            lost,
            recorded,
            again,
            grown_mb: memory_mb - self.memory_mb,
            panics: Panic::all(&said),
        })
    }
}
