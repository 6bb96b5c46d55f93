//! Simulated cameras, boxes that record them, and an ffmpeg beside each of them on its like.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::time::sleep;

use crate::bench::usage::{Usage, children, share_mb};
use crate::camera::{Number, Options, SimulatedCamera, Size};
use crate::campus::{LoneBox, Pictures, Process, Source};

/// As many as a box takes: `CAMERAS_MAX` of the agent.
pub const ON_ONE_BOX: usize = 16;
/// All sessions are open by then.
const OPEN_MAX: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(200);

/// What is to be measured.
#[derive(Debug, Clone, Copy)]
pub struct Wishes {
    /// How many cameras.
    pub cameras: usize,
    /// Whether the boxes take the small pictures too, and look at them.
    pub small: bool,
    /// Whether an ffmpeg records the like of each camera.
    pub ffmpeg: bool,
}

/// Everything that runs. Dropping it ends it and removes what was recorded.
pub struct Rig {
    folder: PathBuf,
    /// The boxes' cameras.
    pub cameras: Vec<SimulatedCamera>,
    likes: Vec<SimulatedCamera>,
    boxes: Vec<LoneBox>,
    ffmpegs: Vec<Process>,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.ffmpegs.clear();
        self.boxes.clear();
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// What a group of processes costs at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    /// Processor time and resident memory.
    pub usage: Usage,
    /// Share of resident memory; not a number where it may not be read.
    pub share_mb: f64,
}

impl Cost {
    /// The sum over processes.
    ///
    /// # Errors
    /// One of them is gone.
    pub fn of(pids: impl IntoIterator<Item = u32>) -> Result<Self> {
        let mut sum = Self::default();
        for pid in pids {
            sum.usage = sum.usage.plus(Usage::of(pid)?);
            sum.share_mb += share_mb(pid).unwrap_or(f64::NAN);
        }
        Ok(sum)
    }

    /// Per cent of a core since `before`.
    #[must_use]
    pub fn percent_since(&self, before: &Self, seconds: f64) -> f64 {
        (self.usage.cpu_s - before.usage.cpu_s) / seconds * 100.0
    }
}

impl Rig {
    /// Starts everything, and waits until every stream is played.
    ///
    /// # Errors
    /// Something did not start.
    pub async fn start(wishes: Wishes) -> Result<Self> {
        let name = format!("xunke-camera-{}", uuid::Uuid::now_v7().simple());
        let mut rig = Self {
            folder: std::env::temp_dir().join(name),
            cameras: cameras(wishes.cameras).await?,
            likes: cameras(if wishes.ffmpeg { wishes.cameras } else { 0 }).await?,
            boxes: vec![],
            ffmpegs: vec![],
        };
        for (number, cameras) in rig.cameras.chunks(ON_ONE_BOX).enumerate() {
            let source = |camera| {
                let source = Source::of(camera);
                let sub = source.sub.filter(|_| wishes.small);
                Source { sub, ..source }
            };
            let sources: Vec<Source> = cameras.iter().map(source).collect();
            let folder = rig.folder.join(format!("box{number}"));
            rig.boxes.push(LoneBox::start(&folder, &sources, "")?);
        }
        for (number, camera) in rig.likes.iter().enumerate() {
            let folder = rig.folder.join(format!("ffmpeg{number}"));
            fs::create_dir_all(&folder)?;
            rig.ffmpegs.push(ffmpeg(camera, &folder)?);
        }
        rig.open(wishes.small).await?;
        Ok(rig)
    }

    async fn open(&mut self, small: bool) -> Result<()> {
        let deadline = Instant::now() + OPEN_MAX;
        let plays = |camera: &SimulatedCamera, stream| camera.tally(stream).open > 0;
        loop {
            let mut all = self.cameras.iter().chain(&self.likes);
            let main = all.all(|camera| plays(camera, "main"));
            let sub = !small || self.cameras.iter().all(|camera| plays(camera, "sub"));
            if main && sub {
                return Ok(());
            }
            for lone in &mut self.boxes {
                let agent = &mut lone.agent;
                ensure!(!agent.ended(), "a box ended\n{}", agent.last_words());
            }
            if Instant::now() > deadline {
                bail!("not every stream is played after {OPEN_MAX:?}");
            }
            sleep(LOOK).await;
        }
    }

    /// Process ids of the agents.
    pub fn agent_pids(&self) -> impl Iterator<Item = u32> {
        self.boxes.iter().map(|lone| lone.agent.pid())
    }

    /// The agents alone.
    ///
    /// # Errors
    /// One of them is gone.
    pub fn agents(&self) -> Result<Cost> {
        Cost::of(self.agent_pids())
    }

    /// Their camera workers.
    ///
    /// # Errors
    /// One of them is gone.
    pub fn workers(&self) -> Result<Cost> {
        Cost::of(self.worker_pids()?)
    }

    /// Process ids of all camera workers.
    ///
    /// # Errors
    /// /proc cannot be read.
    pub fn worker_pids(&self) -> Result<Vec<u32>> {
        let mut pids = vec![];
        for lone in &self.boxes {
            pids.extend(children(lone.agent.pid())?);
        }
        Ok(pids)
    }

    /// The ffmpegs.
    ///
    /// # Errors
    /// One of them is gone.
    pub fn ffmpegs(&self) -> Result<Cost> {
        Cost::of(self.ffmpegs.iter().map(Process::pid))
    }

    /// The box of a camera, and the camera's number there.
    #[must_use]
    pub fn box_of(&self, camera: usize) -> (&LoneBox, usize) {
        (&self.boxes[camera / ON_ONE_BOX], camera % ON_ONE_BOX)
    }

    /// Ends the recorders, so that what they have is on the disk.
    ///
    /// # Errors
    /// A box did not end cleanly.
    pub fn end(&mut self) -> Result<()> {
        for lone in &mut self.boxes {
            lone.agent.end()?;
        }
        for ffmpeg in &mut self.ffmpegs {
            // It calls being asked to end an error of 255, and finishes its file all the same.
            drop(ffmpeg.end());
        }
        Ok(())
    }

    /// What the boxes have recorded of each camera's full picture.
    ///
    /// # Errors
    /// A segment is not good.
    pub fn recorded(&self) -> Result<Vec<Pictures>> {
        let each = self.cameras.iter().enumerate().map(|(number, camera)| {
            let (lone, own) = self.box_of(number);
            let opened = lone.opened(own)?;
            let found = opened.into_iter().flat_map(|segment| segment.pictures);
            Ok(Pictures::of(found, camera.tally("main").pictures))
        });
        each.collect()
    }

    /// What the ffmpegs have recorded.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn recorded_by_ffmpeg(&self) -> Result<Vec<Pictures>> {
        let each = self.likes.iter().enumerate().map(|(number, camera)| {
            let mut found = vec![];
            for file in fs::read_dir(self.folder.join(format!("ffmpeg{number}")))? {
                found.extend(Number::all(&fs::read(file?.path())?));
            }
            Ok(Pictures::of(found, camera.tally("main").pictures))
        });
        each.collect()
    }
}

async fn cameras(count: usize) -> Result<Vec<SimulatedCamera>> {
    let options = Options {
        size: Size::Full,
        ..Options::default()
    };
    let mut cameras = vec![];
    for _ in 0..count {
        cameras.push(SimulatedCamera::start(options).await?);
    }
    Ok(cameras)
}

/// The camera's password stands in ffmpeg's arguments, for it takes it no other way; the camera is
/// a simulated one with a new password at every start.
fn ffmpeg(camera: &SimulatedCamera, folder: &Path) -> Result<Process> {
    let (user, password) = camera.account();
    let url = camera.url("main");
    let rest = url.strip_prefix("rtsp://").context("no RTSP address")?;
    let url = format!("rtsp://{user}:{password}@{rest}");
    let target = folder.join("%04d.mp4").display().to_string();
    let source = [
        "-nostdin",
        "-v",
        "error",
        "-rtsp_transport",
        "tcp",
        "-i",
        &url,
    ];
    let rest = [
        "-c",
        "copy",
        "-f",
        "segment",
        "-segment_time",
        "10",
        &target,
    ];
    let ffmpeg = PathBuf::from("/usr/bin/ffmpeg");
    Process::start("ffmpeg", &ffmpeg, [&source[..], &rest].concat(), folder)
}
