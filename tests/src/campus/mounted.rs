//! ext4 on an image: made, attached as a block device, mounted, and taken away again.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

const BUSY_MAX: Duration = Duration::from_secs(20);
/// Images are sparse in pieces of this.
const PIECE_BYTES: usize = 64 * 1024;
/// One after the other takes a free block device.
static TAKING: Mutex<()> = Mutex::new(());

/// What this machine lacks for making and mounting disks of its own, if anything.
#[must_use]
pub fn cannot_mount() -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("only root may attach and mount disks".into());
    }
    for device in ["/dev/fuse", "/dev/loop-control"] {
        if let Err(error) = File::options().read(true).write(true).open(device) {
            return Some(format!("{device}: {error}"));
        }
    }
    let lacks = |program: &&&str| Command::new(program).arg("--version").output().is_err();
    let programs = ["losetup", "mount", "umount", "mkfs.ext4", "unshare"];
    let lacking = programs.iter().find(lacks)?;
    Some(format!("{lacking} is not installed"))
}

/// Runs a program of the system and gives what it prints.
///
/// # Errors
/// It is not there or fails; the error carries what it said.
pub fn system(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("{program} cannot be run"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{program} {}: {}",
        arguments.join(" "),
        said.trim()
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// An empty ext4 of so many MiB.
///
/// # Errors
/// It cannot be made.
pub fn empty(file: &Path, mib: u64) -> Result<()> {
    File::create(file)?.set_len(mib * 1024 * 1024)?;
    let file = file.to_str().context("a path that is no text")?;
    let extra = "nodiscard,lazy_itable_init=0,lazy_journal_init=0";
    let arguments = ["-q", "-F", "-b", "4096", "-m", "0", "-E", extra, file];
    system("mkfs.ext4", &arguments).map(drop)
}

/// Writes an image to a file, which is sparse where it is zero.
///
/// # Errors
/// There is no room.
pub fn write_image(file: &Path, image: &[u8]) -> Result<()> {
    let mut out = File::create(file)?;
    out.set_len(image.len() as u64)?;
    for (number, piece) in image.chunks(PIECE_BYTES).enumerate() {
        if piece.iter().any(|byte| *byte != 0) {
            out.seek(SeekFrom::Start((number * PIECE_BYTES) as u64))?;
            out.write_all(piece)?;
        }
    }
    Ok(())
}

/// A mounted file system. Dropping it unmounts it as far as that goes.
pub struct Mounted {
    folder: PathBuf,
    device: PathBuf,
    up: bool,
}

impl Mounted {
    /// Attaches `image` as a block device and mounts it on `folder`, which is made; the kernel
    /// replays its journal.
    ///
    /// # Errors
    /// The image does not mount.
    pub fn new(image: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let text = |path: &Path| path.to_str().map(str::to_owned);
        let (image, target) = text(image).zip(text(folder)).context("a path is no text")?;
        let _one = TAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let device = system("losetup", &["--find", "--show", "--direct-io=off", &image])?;
        let mounted = system("mount", &["-t", "ext4", &device, &target]);
        // It frees itself when nobody holds it any more, whatever becomes of us.
        system("losetup", &["--detach", &device])?;
        mounted?;
        Ok(Self {
            folder: folder.to_owned(),
            device: device.into(),
            up: true,
        })
    }

    /// Where.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the block device has done so far.
    ///
    /// # Errors
    /// The kernel does not say.
    pub fn work(&self) -> Result<Work> {
        let stat = fs::read_to_string(self.sys().join("stat"))?;
        let fields: Vec<u64> = stat
            .split_whitespace()
            .map_while(|field| field.parse().ok())
            .collect();
        let field = |number: usize| fields.get(number).copied().context("no such number");
        Ok(Work {
            writes: field(4)?,
            bytes: field(6)? * 512,
            flushes: field(15)?,
        })
    }

    fn sys(&self) -> PathBuf {
        let name = self.device.file_name().unwrap_or_default();
        Path::new("/sys/block").join(name)
    }

    /// Unmounts it and waits until its block device is free.
    ///
    /// # Errors
    /// Somebody holds a file on it.
    pub fn end(mut self) -> Result<()> {
        let until = Instant::now() + BUSY_MAX;
        while let Err(error) = self.unmount(&[]) {
            if Instant::now() > until {
                return Err(error);
            }
            sleep(Duration::from_millis(20));
        }
        self.up = false;
        while self.sys().join("loop/backing_file").exists() {
            if Instant::now() > until {
                bail!("{} does not become free", self.device.display());
            }
            sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn unmount(&self, options: &[&str]) -> Result<()> {
        let folder = self.folder.to_str().context("a path that is no text")?;
        system("umount", &[options, &[folder]].concat()).map(drop)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if self.up {
            drop(self.unmount(&["--lazy"]));
        }
    }
}

/// What a block device has done.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    /// Writes.
    pub writes: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Flushes.
    pub flushes: u64,
}
