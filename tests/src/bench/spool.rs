//! The spool: what it writes beside the recording itself, what sealing costs, and how soon a full
//! one is open again; beside ffmpeg writing plain files.
//!
//! part

pub mod part;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use rustix::fs::{Advice, fadvise, statvfs};

use super::figure::{Figure, report};
use super::usage::children_cpu_s;
use crate::campus::{BoxKeys, Mounted, Process, cannot_mount, empty, program, system};
use part::{Filled, Opened};

const BENCH: &str = "spool";
const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// Stays free on the disk of whoever runs this.
const SPARE_BYTES: u64 = 20 * GIB;
/// Recorded when there is less room than the aim asks for.
const LITTLE_GIB: u64 = 4;
/// Longest wait for filling twenty GiB on a slow disk.
const PART_MAX: Duration = Duration::from_secs(1800);
/// One minute of a test picture at a steady 8 Mbit/s.
const CLIP: &str = "testsrc2=size=1920x1080:rate=25:duration=20";

/// How much of it.
#[derive(Debug, Clone, Args)]
pub struct Wishes {
    /// Segments that a start is to find, GiB.
    #[arg(long, default_value_t = 20)]
    pub gib: u64,
    /// Recorded to count writes, MiB.
    #[arg(long, default_value_t = 512)]
    pub mib: u64,
}

/// Runs the bench and prints its report; says whether every aim was met.
///
/// # Errors
/// Something did not work.
pub fn run(wishes: &Wishes) -> Result<bool> {
    if let Some(why) = cannot_mount() {
        bail!("what is written to a disk cannot be counted here: {why}");
    }
    let name = format!("xunke-spool-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    let figures = measure(wishes, &folder);
    fs::remove_dir_all(&folder)?;
    let figures = figures?;
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

fn measure(wishes: &Wishes, folder: &Path) -> Result<Vec<Figure>> {
    BoxKeys::make(&folder.join("state"))?;
    eprintln!("  recording {} MiB on a disk of its own", wishes.mib);
    let mut figures = written(wishes.mib, folder)?;
    eprintln!("  ffmpeg writes plain files of as much on another");
    figures.extend(plain(wishes.mib, folder)?);
    figures.extend(opening(wishes.gib, folder)?);
    Ok(figures)
}

/// What the block device was sent for so much recording: by a box that is new, and by one that
/// has recorded as much before and has its receipts.
fn written(mib: u64, folder: &Path) -> Result<Vec<Figure>> {
    let mut disk = Disk::new(folder, mib)?;
    let spool = disk.folder().join("spool");
    let new: Filled = serde_json::from_str(&part("fill", folder, &spool, mib, &[])?)?;
    let (new_bytes, _) = disk.sent()?;
    let cpu_s = children_cpu_s()?;
    let said = part("fill", folder, &spool, mib, &["--receipts"])?;
    let cpu_s = children_cpu_s()? - cpu_s;
    let filled: Filled = serde_json::from_str(&said)?;
    let (bytes, flushes) = disk.sent()?;
    disk.end()?;
    let gib = filled.bytes as f64 / GIB as f64;
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    Ok(vec![
        figure(
            "written to the disk ÷ recorded",
            bytes / filled.bytes as f64,
            "",
        )
        .at_most(1.03),
        figure(
            "the same while a box is new",
            new_bytes / new.bytes as f64,
            "",
        ),
        figure(
            "flushes per fragment",
            flushes / filled.fragments as f64,
            "",
        ),
        figure(
            "recorded in the run",
            filled.bytes as f64 / MIB as f64,
            "MiB",
        ),
        figure("processor, sealing and writing", cpu_s / gib, "s/GiB"),
        figure("memory of the writer", filled.resident_mb, "MB"),
        figure("one fragment durable, p50", filled.p50_ms, "ms"),
        figure("one fragment durable, p99", filled.p99_ms, "ms"),
    ])
}

/// ffmpeg, which flushes nothing, with a clip at a steady rate again and again.
fn plain(mib: u64, folder: &Path) -> Result<Vec<Figure>> {
    let clip = folder.join("clip.mkv");
    let x264 = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-x264-params",
        "nal-hrd=cbr",
    ];
    let rate = [
        "-b:v", "8M", "-minrate", "8M", "-maxrate", "8M", "-bufsize", "8M", "-g", "50",
    ];
    ffmpeg(
        &[&["-f", "lavfi", "-i", CLIP][..], &x264, &rate].concat(),
        &clip,
    )?;
    let again = mib * MIB / fs::metadata(&clip)?.len();
    let mut disk = Disk::new(folder, mib * 2)?;
    let cpu_s = children_cpu_s()?;
    let (again, input) = (again.to_string(), clip.to_string_lossy().into_owned());
    let input = ["-stream_loop", &again, "-i", &input, "-c", "copy"];
    let cut = [
        "-f",
        "segment",
        "-segment_time",
        "16",
        "-reset_timestamps",
        "1",
    ];
    ffmpeg(
        &[&input[..], &cut].concat(),
        &disk.folder().join("%05d.mp4"),
    )?;
    let cpu_s = children_cpu_s()? - cpu_s;
    let files = fs::read_dir(disk.folder())?.flatten();
    let lengths = files.map(|file| file.metadata().map_or(0, |file| file.len()));
    let recorded = lengths.sum::<u64>() as f64;
    let (bytes, _) = disk.sent()?;
    disk.end()?;
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    Ok(vec![
        figure("ffmpeg, plain: written ÷ recorded", bytes / recorded, ""),
        figure("ffmpeg, plain: recorded", recorded / MIB as f64, "MiB"),
        figure(
            "ffmpeg, plain: processor",
            cpu_s / (recorded / GIB as f64),
            "s/GiB",
        ),
    ])
}

fn ffmpeg(arguments: &[&str], target: &Path) -> Result<()> {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-y"])
        .args(arguments);
    let output = command.arg(target).output();
    let output = output.context("ffmpeg cannot be run: ./dev setup installs it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ffmpeg: {said}");
    Ok(())
}

/// A file system on a block device of its own.
struct Disk {
    image: PathBuf,
    mounted: Mounted,
    before: crate::campus::Work,
}

impl Disk {
    /// With room for so many MiB and a fifth more.
    fn new(folder: &Path, mib: u64) -> Result<Self> {
        let image = folder.join("disk.img");
        empty(&image, mib + mib / 5 + 64)?;
        let mounted = Mounted::new(&image, &folder.join("disk"))?;
        let before = mounted.work()?;
        Ok(Self {
            image,
            mounted,
            before,
        })
    }

    fn folder(&self) -> &Path {
        self.mounted.folder()
    }

    /// All that it was sent since the last time, and nothing is held back: bytes, and the flushes
    /// before we asked for one.
    fn sent(&mut self) -> Result<(f64, f64)> {
        let during = self.mounted.work()?;
        let folder = self.folder().to_string_lossy().into_owned();
        system("sync", &["--file-system", &folder])?;
        let after = self.mounted.work()?;
        let bytes = after.bytes - self.before.bytes;
        let flushes = during.flushes - self.before.flushes;
        self.before = after;
        Ok((bytes as f64, flushes as f64))
    }

    fn end(self) -> Result<()> {
        self.mounted.end()?;
        Ok(fs::remove_file(&self.image)?)
    }
}

/// How soon a start knows all that waits.
fn opening(wished_gib: u64, folder: &Path) -> Result<Vec<Figure>> {
    let free = statvfs(folder)?;
    let room = (free.f_bavail * free.f_frsize).saturating_sub(SPARE_BYTES) / GIB;
    let gib = if room > wished_gib {
        wished_gib
    } else {
        LITTLE_GIB
    };
    if gib < wished_gib {
        eprintln!("  the disk has no room for {wished_gib} GiB: {gib} GiB are taken instead");
    }
    eprintln!("  recording {gib} GiB to be found at a start");
    let spool = folder.join("spool");
    let filled: Filled = serde_json::from_str(&part("fill", folder, &spool, gib * 1024, &[])?)?;
    let open = || -> Result<Opened> {
        forget_pages(&spool)?;
        let opened: Opened = serde_json::from_str(&part("open", folder, &spool, 0, &[])?)?;
        let (found, recorded) = (opened.segments, filled.segments);
        ensure!(
            found == recorded,
            "{found} of {recorded} segments were found"
        );
        Ok(opened)
    };
    let indexed = open()?;
    part::without_index(&spool)?;
    let rebuilt = open()?;
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    let size = filled.bytes as f64 / GIB as f64;
    Ok(vec![
        figure("found at a start", size, "GiB"),
        figure("found at a start, segments", filled.segments as f64, ""),
        figure("open with the index", indexed.ms / 1e3, "s").at_most(1.0),
        figure("open with the index, memory", indexed.resident_mb, "MB"),
        figure("open rebuilding the index", rebuilt.ms / 1e3, "s").at_most(10.0),
        figure("open rebuilding, memory", rebuilt.resident_mb, "MB"),
    ])
}

/// What is read at a start comes from the disk, as after a power cut.
fn forget_pages(folder: &Path) -> Result<()> {
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        if path.is_dir() {
            forget_pages(&path)?;
        } else {
            let file = fs::File::open(&path)?;
            file.sync_all()?;
            fadvise(&file, 0, None, Advice::DontNeed)?;
        }
    }
    Ok(())
}

/// Runs a part and gives its last word.
fn part(role: &str, folder: &Path, spool: &Path, mib: u64, more: &[&str]) -> Result<String> {
    let state = folder.join("state");
    let mut arguments: Vec<OsString> = vec!["spool-part".into(), role.into()];
    for (name, path) in [("--state", &*state), ("--folder", spool)] {
        arguments.extend([name.into(), path.into()]);
    }
    arguments.extend(["--mib".into(), mib.to_string().into()]);
    arguments.extend(more.iter().map(Into::into));
    let mut process = Process::start(role, &program("xunke-tests")?, arguments, folder)?;
    let said = process.line(PART_MAX)?;
    let until = Instant::now() + PART_MAX;
    while !process.ended() && Instant::now() < until {
        sleep(Duration::from_millis(5));
    }
    Ok(said)
}
