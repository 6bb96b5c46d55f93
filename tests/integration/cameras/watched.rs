//! A simulated camera, the agent's side of it with a real worker process, and all that came.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use xunke_agent::camera::program::Program;
use xunke_agent::camera::source::Camera;
use xunke_agent::config::{self, Shows};
use xunke_protocol::health::CameraSignals;
use xunke_protocol::id::StreamKind;
use xunke_protocol::live::{Frame, FrameKind, VideoConfig};
use xunke_tests::camera::{Number, Options, SimulatedCamera};
use xunke_tests::campus::program;
use xunke_tests::clock::now_ms;

use crate::shared::folder;

/// The machine may be busy with other tests.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// A picture reaches the test this late at most; capture times that lie further back are wrong.
const LATE_MS_MAX: i64 = 3_000;
/// Clocks are read one after the other.
const EARLY_MS_MAX: i64 = 100;

/// One picture as it came.
#[derive(Debug, Clone)]
pub struct Shot {
    pub number: Option<Number>,
    pub key: bool,
    pub captured_us: i64,
    pub received_ms: i64,
    /// How many configurations came before it.
    pub configs: usize,
}

/// All that came of one stream.
#[derive(Debug, Default)]
pub struct Seen {
    pub shots: Vec<Shot>,
    pub configs: Vec<VideoConfig>,
    pub sounds: usize,
}

impl Seen {
    fn take(&mut self, frame: &Frame) {
        match frame.kind {
            FrameKind::VideoConfig => {
                self.configs.extend(serde_json::from_slice(&frame.payload));
            }
            FrameKind::Video => self.shots.push(Shot {
                number: Number::read(&frame.payload),
                key: frame.key,
                captured_us: frame.captured_us,
                received_ms: now_ms(),
                configs: self.configs.len(),
            }),
            FrameKind::Audio => self.sounds += 1,
            FrameKind::AudioConfig => {}
        }
    }

    /// Pictures of sessions from this one on.
    pub fn since(&self, session: u32) -> usize {
        let of = |shot: &&Shot| shot.number.is_some_and(|number| number.session >= session);
        self.shots.iter().filter(of).count()
    }

    /// Each picture that the camera sent is there, but for those it spoiled itself, and neither it
    /// nor the worker has let a number out.
    pub fn is_whole(&self, spoils: bool) -> Result<()> {
        for pair in self.shots.windows(2) {
            let (Some(before), Some(after)) = (pair[0].number, pair[1].number) else {
                bail!("a picture without a number: {pair:?}");
            };
            if after.session != before.session {
                ensure!(
                    pair[1].key,
                    "a session does not begin with a keyframe: {pair:?}"
                );
                continue;
            }
            let step = after.picture - before.picture;
            ensure!(
                step == 1 || (spoils && step == 2),
                "pictures are missing: {pair:?}"
            );
        }
        Ok(())
    }

    /// Capture times go on, and are near the time at which the picture came. Pictures stored out
    /// of order may lie `back_ms` before the one before them.
    pub fn has_sound_times(&self, back_ms: i64) -> Result<()> {
        for pair in self.shots.windows(2) {
            let step_us = pair[1].captured_us - pair[0].captured_us;
            ensure!(step_us >= -back_ms * 1000, "time goes back: {pair:?}");
        }
        for shot in &self.shots {
            let late_ms = shot.received_ms - shot.captured_us / 1000;
            let near = (-EARLY_MS_MAX..=LATE_MS_MAX).contains(&late_ms);
            ensure!(near, "{late_ms} ms late: {shot:?}");
        }
        Ok(())
    }
}

/// A camera that is watched.
pub struct Watched {
    pub camera: SimulatedCamera,
    agent: Camera,
    seen: [Arc<Mutex<Seen>>; 2],
    tasks: [JoinHandle<()>; 2],
    credentials: PathBuf,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        drop(std::fs::remove_file(&self.credentials));
    }
}

/// What differs from an ordinary camera in the agent's configuration.
pub type Change = dyn Fn(&SimulatedCamera, &mut config::Camera) + Send + Sync;

impl Watched {
    /// Starts both. The name must be the test's own.
    pub async fn start(name: &str, options: Options) -> Result<Self> {
        Self::start_with(name, options, &|_, _| {}).await
    }

    pub async fn start_with(name: &str, options: Options, change: &Change) -> Result<Self> {
        let camera = SimulatedCamera::start(options).await?;
        let (user, password) = camera.account();
        let folder = folder("cameras")?;
        let credentials = folder.join(format!("{name}.credentials"));
        std::fs::write(&credentials, format!("{user}\n{password}\n"))?;
        let mut settings = config::Camera {
            name: "cam0".parse()?,
            shows: Shows::Room,
            device: None,
            main_url: camera.url("main"),
            sub_url: Some(camera.url("sub")),
            credentials_file: Some(credentials.clone()),
            onvif_url: None,
            tls_sha256: None,
            tls_ca_file: None,
        };
        change(&camera, &mut settings);
        let intake = config::Intake {
            connect_seconds: 10,
            stall_seconds: 3,
            retry_seconds_max: 2,
            audio: true,
            ..config::Intake::default()
        };
        let program = Program {
            file: program("xunke-agent")?,
            registry: folder.join("gstreamer-registry.bin"),
        };
        let agent = Camera::start(settings, intake, program);
        let seen: [Arc<Mutex<Seen>>; 2] = Default::default();
        let kinds = [StreamKind::Main, StreamKind::Sub];
        let tasks = std::array::from_fn(|number| {
            let frames = agent.frames(kinds[number]).map(|hub| hub.record());
            let seen = Arc::clone(&seen[number]);
            tokio::spawn(async move {
                let Some(mut frames) = frames else { return };
                while let Some(frame) = frames.next().await {
                    seen.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .take(&frame);
                }
            })
        });
        Ok(Self {
            camera,
            agent,
            seen,
            tasks,
            credentials,
        })
    }

    /// Looks at what came of the full picture.
    pub fn main<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen[0].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at what came of the small picture.
    pub fn sub<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.seen[1].lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How the agent says that the camera stands.
    pub fn signals(&self) -> CameraSignals {
        self.agent.signals().borrow().clone()
    }

    /// Waits until it is so.
    pub async fn until(&self, what: &str, is: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if is(self) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        let (main, sub) = (self.camera.tally("main"), self.camera.tally("sub"));
        let shots = (
            self.main(|seen| seen.shots.len()),
            self.sub(|seen| seen.shots.len()),
        );
        let signals = self.signals();
        bail!("not so in time: {what}; main {main:?}, sub {sub:?}, seen {shots:?}, {signals:?}")
    }
}
