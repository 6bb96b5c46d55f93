//! One real camera worker, driven over its socket pair as the agent does, and what became of it.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::timeout;
use xunke_protocol::live::{Frame, MESSAGE_BYTES_MAX};

/// Of what it writes on standard error.
const WORDS_BYTES_MAX: u64 = 64 * 1024;
/// Its socket has ended, so must it.
const END_MAX: Duration = Duration::from_secs(10);
/// As the agent gives it: agent/src/camera/program.rs.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("LC_ALL", "C.UTF-8"),
    ("GST_REGISTRY_UPDATE", "no"),
    ("GST_REGISTRY_FORK", "no"),
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_THRESHOLD_", "131072"),
    ("MALLOC_TRIM_THRESHOLD_", "262144"),
];

/// How to start one.
#[derive(Debug, Clone)]
pub struct Program {
    /// The agent's binary.
    pub file: PathBuf,
    /// GStreamer's list of plugins.
    pub registry: PathBuf,
}

/// What became of a worker.
#[derive(Debug, Default)]
pub struct Ran {
    /// Frames that it handed on.
    pub frames: u64,
    /// What is wrong with how it ended or with what it said; empty when all is well.
    pub wrong: String,
    /// Whether a signal ended it.
    pub killed: bool,
    /// Where it panicked, or a part of it.
    pub panics: Vec<Panic>,
}

/// Where a panic was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Panic {
    /// File and line; of a library without the folder in which it was built.
    pub place: String,
    /// Whether the code is a library's. Such a panic must be caught.
    pub foreign: bool,
}

impl Panic {
    /// All that a text on standard error tells of.
    #[must_use]
    pub fn all(words: &str) -> Vec<Self> {
        let places = words
            .lines()
            .filter_map(|line| line.split("panicked at ").nth(1));
        let told = places.map(|place| match place.split_once("/registry/src/") {
            Some((_, rest)) => Self {
                place: rest
                    .split_once('/')
                    .map_or(rest, |(_, file)| file)
                    .to_owned(),
                foreign: true,
            },
            None => Self {
                place: place.to_owned(),
                foreign: false,
            },
        });
        told.collect()
    }
}

impl Program {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(&self.file);
        command
            .arg(name)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(ENVIRONMENT)
            .env("GST_REGISTRY", &self.registry)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Writes the list of plugins, which no worker can.
    ///
    /// # Errors
    /// The program cannot be started, or says no.
    pub async fn prepare(&self) -> Result<()> {
        let mut list = self.command("camera-plugins");
        list.env_remove("GST_REGISTRY_UPDATE");
        let status = list.stdin(Stdio::null()).status().await?;
        ensure!(status.success(), "camera-plugins: {status}");
        Ok(())
    }

    /// Runs a worker with this order until it ends by itself; one that does not within `longest` is
    /// killed, which is wrong.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn run(&self, order: &Value, longest: Duration) -> Result<Ran> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut command = self.command("camera-worker");
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        let mut child = command.spawn().context("the worker cannot be started")?;
        drop(command);
        let mut socket = UnixStream::from_std(ours)?;
        let order = serde_json::to_vec(order)?;
        let mut words = String::new();
        let stderr = child.stderr.take().context("no standard error")?;
        let mut stderr = stderr.take(WORDS_BYTES_MAX);
        let mut ran = Ran::default();
        let talk = async {
            socket.write_u32(u32::try_from(order.len())?).await?;
            socket.write_all(&order).await?;
            read(&mut socket, &mut ran.frames).await
        };
        let talk = timeout(longest, async {
            let (said, _) = tokio::join!(talk, stderr.read_to_string(&mut words));
            said
        });
        match talk.await {
            Ok(said) => {
                let ended = timeout(END_MAX, child.wait()).await;
                ran.judge(said, ended.ok().transpose()?, &words);
            }
            Err(_) => ran.wrong = format!("it still ran after {} s", longest.as_secs()),
        }
        // Whatever it was, it is over.
        let _ = child.start_kill();
        let _ = child.wait().await;
        Ok(ran)
    }
}

/// Reads reports until the socket ends; agent/src/camera/pair.rs has their format.
async fn read(socket: &mut UnixStream, frames: &mut u64) -> Result<()> {
    loop {
        // What is in the middle of a report when the worker ends is the agent's to drop.
        let Ok(length) = socket.read_u32().await else {
            return Ok(());
        };
        let length = usize::try_from(length)?;
        ensure!(
            length > 0 && length <= MESSAGE_BYTES_MAX + 1,
            "a report of {length} bytes"
        );
        let mut report = vec![0; length];
        if socket.read_exact(&mut report).await.is_err() {
            return Ok(());
        }
        match report.split_first() {
            Some((b'F', frame)) => {
                Frame::decode(Bytes::copy_from_slice(frame))?;
                *frames += 1;
            }
            Some((b'N', note)) => {
                let note: Value = serde_json::from_slice(note)?;
                ensure!(note["note"].is_string(), "a note without its kind: {note}");
            }
            _ => bail!("a report of an unknown kind"),
        }
    }
}

impl Ran {
    fn judge(&mut self, said: Result<()>, ended: Option<ExitStatus>, words: &str) {
        self.panics = Panic::all(words);
        let ours = self.panics.iter().any(|panic| !panic.foreign);
        self.killed = ended.is_some_and(|status| status.signal().is_some());
        self.wrong = match (said, ended) {
            (Err(error), _) => format!("it said nonsense to the agent: {error:#}"),
            (_, None) => "its socket ended and it did not".into(),
            (_, Some(status)) if !status.success() => format!("it ended with {status}"),
            _ if ours => "a part of it panicked".into(),
            _ => return,
        };
        let words: String = words.chars().take(2_000).collect();
        if !words.is_empty() {
            self.wrong = format!("{}; its words:\n{words}", self.wrong);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_a_panic_and_nonsense_are_told_from_a_good_end() {
        let judged = |said: Result<()>, status: i32, words: &str| {
            let mut ran = Ran::default();
            ran.judge(said, Some(ExitStatus::from_raw(status)), words);
            (ran.killed, ran.panics.len(), ran.wrong.is_empty())
        };
        let ours = "thread 'x' panicked at agent/src/camera/x.rs:7:1:";
        let theirs = "thread 'x' panicked at /r/registry/src/index-1/sdp-0.1.8/src/p.rs:374:17:";
        assert_eq!(judged(Ok(()), 0, "a warning"), (false, 0, true));
        assert_eq!(judged(Ok(()), 6, ""), (true, 0, false));
        assert_eq!(judged(Ok(()), 0, ours), (false, 1, false));
        assert_eq!(judged(Ok(()), 0, theirs), (false, 1, true));
        assert_eq!(judged(Ok(()), 101 << 8, theirs), (false, 1, false));
        assert_eq!(Panic::all(theirs)[0].place, "sdp-0.1.8/src/p.rs:374:17:");
        let nonsense = Err(anyhow::anyhow!("a report of 0 bytes"));
        assert_eq!(judged(nonsense, 0, ""), (false, 0, false));
        let mut alive = Ran::default();
        alive.judge(Ok(()), None, "");
        assert!(!alive.wrong.is_empty());
    }
}
