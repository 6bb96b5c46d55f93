//! The camera worker as a program: how it is started, and what of the agent reaches it.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// All that GStreamer needs; nothing else of the agent's environment reaches the worker.
const ENVIRONMENT: [&str; 7] = [
    "PATH",
    "HOME",
    "LD_LIBRARY_PATH",
    "GST_DEBUG",
    "GST_PLUGIN_PATH",
    "GST_PLUGIN_SYSTEM_PATH",
    "TMPDIR",
];

/// glibc keeps one heap for each of GStreamer's threads, and every picture that was decoded for its
/// brightness in it. With one heap, and large blocks given back at once, a worker takes half.
const FRUGAL: [(&str, &str); 3] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "262144"),
];
/// A confined worker can neither search for plugins nor write down what it found. Under systemd it
/// may not write code to run it either, and GStreamer's ORC would end the process for that.
const AS_FOUND: [(&str, &str); 3] = [
    ("GST_REGISTRY_UPDATE", "no"),
    ("GST_REGISTRY_FORK", "no"),
    ("ORC_CODE", "backup"),
];
/// GStreamer looks into each of its plugins after an update; this is a slow disk.
const SEARCH: Duration = Duration::from_secs(60);

/// How to start a camera worker.
#[derive(Debug, Clone)]
pub struct Program {
    /// The agent's own binary.
    pub file: PathBuf,
    /// Where GStreamer's list of plugins is, so that no worker searches for them.
    pub registry: PathBuf,
}

impl Program {
    /// This very binary, even after it was replaced on disk by an update.
    pub fn own(state_dir: &Path) -> Self {
        Self {
            file: "/proc/self/exe".into(),
            registry: state_dir.join("gstreamer-registry.bin"),
        }
    }

    /// Brings the list of plugins up to date. Without it every worker searches for itself; nothing
    /// is recorded later or worse.
    pub async fn prepare(&self) {
        let mut search = self.command("camera-plugins");
        let ended = timeout(SEARCH, search.stdin(Stdio::null()).status()).await;
        if !matches!(&ended, Ok(Ok(status)) if status.success()) {
            let registry = self.registry.display();
            tracing::warn!(%registry, "the list of GStreamer's plugins cannot be written");
        }
    }

    /// Starts a worker. The agent's end of the socket pair comes back; the worker's is its
    /// standard input.
    ///
    /// # Errors
    /// There are too many processes or open files.
    pub fn spawn(&self) -> std::io::Result<(Child, UnixStream)> {
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = self
            .command("camera-worker")
            .envs(AS_FOUND)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        Ok((child, ours))
    }

    fn command(&self, name: &str) -> Command {
        let kept = ENVIRONMENT
            .into_iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut command = Command::new(&self.file);
        command
            .arg(name)
            .env_clear()
            .envs(kept)
            .env("LC_ALL", "C.UTF-8")
            .env("GST_REGISTRY", &self.registry)
            .envs(FRUGAL)
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        command
    }
}
