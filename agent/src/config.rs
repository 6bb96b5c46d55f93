//! Configuration: `agent.toml`, one struct per concern, units in the keys.
//!
//! `configs/agent.toml` lists every key at its default; a test holds the two together. Secrets
//! stand in files that the configuration names, never in it.

use serde::Deserialize;
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};
use xunke_protocol::id::SourceName;

/// Most cameras on one box.
pub const CAMERAS_MAX: usize = 16;
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Everything `agent.toml` may say.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where identity, outbox and spool live. One directory, one box.
    pub state_dir: PathBuf,
    /// The hub.
    pub hub: Hub,
    /// The MQTT connection.
    pub link: Link,
    /// What waits on disk for the MQTT connection.
    pub outbox: Outbox,
    /// Taking in camera streams.
    pub intake: Intake,
    /// Cutting and sealing.
    pub recording: Recording,
    /// Where sealed segments wait.
    pub spool: Spool,
    /// Sending sealed segments.
    pub upload: Upload,
    /// Health reports.
    pub health: Health,
    /// Live pushes.
    pub live: Live,
    /// The cameras of this room.
    #[serde(rename = "camera")]
    pub cameras: Vec<Camera>,
}

/// Where the hub is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hub {
    /// The boxes' door: `https://host:port`.
    pub url: String,
    /// Longest wait for a connection.
    pub connect_seconds: u64,
}

/// The MQTT connection.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Link {
    /// The hub calls this box lost after one and a half times this silence.
    pub keep_alive_seconds: u64,
    /// Messages sent but not yet acknowledged.
    pub window: u16,
    /// Longest pause between two attempts to connect.
    pub retry_seconds_max: u64,
}

/// What waits on disk for the MQTT connection.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbox {
    /// Limit for gaps, fault evidence and audit lines.
    pub record_mib_max: u64,
    /// Limit for notes: what is nice to know afterwards.
    pub note_mib_max: u64,
}

/// Taking in camera streams.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Intake {
    /// A camera is given up on after this long without an answer.
    pub connect_seconds: u64,
    /// Frames have stopped after this long without one; the session is opened again.
    pub stall_seconds: u64,
    /// Longest pause between two attempts to open a camera.
    pub retry_seconds_max: u64,
    /// Whether to take the camera's sound.
    pub audio: bool,
}

/// Cutting and sealing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Length of a segment; it is cut at the next keyframe.
    pub segment_seconds: u64,
    /// At most this much is lost in a power cut.
    pub fragment_seconds: u64,
}

/// Where sealed segments wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spool {
    /// Limit for all segment files together.
    pub mib_max: u64,
    /// Space that must stay free on the disk.
    pub free_mib_min: u64,
    /// Size of a preallocated file.
    pub slot_mib: u64,
}

/// Sending sealed segments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upload {
    /// Limit for all uploads together, so that live views stay fluent.
    pub kib_per_second_max: u64,
    /// Longest pause between two attempts.
    pub retry_seconds_max: u64,
}

/// Health reports.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// A report at least this often.
    pub period_seconds: u64,
    /// And not more often than this, unless a camera or the recorder changes its state.
    pub spacing_seconds: u64,
}

/// Live pushes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Live {
    /// Pushes at the same time.
    pub pushes_max: usize,
}

/// One camera.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Camera {
    /// Such as `cam0`; 1 to 16 characters of a-z, 0-9 and '-'.
    pub name: SourceName,
    /// RTSP address of the full picture, without name and password.
    pub main_url: String,
    /// RTSP address of the small picture.
    pub sub_url: Option<String>,
    /// A file with the camera's user name on its first line and the password on its second.
    pub credentials_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            state_dir: "/var/lib/xunke-agent".into(),
            hub: Hub::default(),
            link: Link::default(),
            outbox: Outbox::default(),
            intake: Intake::default(),
            recording: Recording::default(),
            spool: Spool::default(),
            upload: Upload::default(),
            health: Health::default(),
            live: Live::default(),
            cameras: Vec::new(),
        }
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            url: "https://xunke-hub:8444".into(),
            connect_seconds: 10,
        }
    }
}

impl Default for Link {
    /// research: timing table of the fleet plane.
    fn default() -> Self {
        Self {
            keep_alive_seconds: 30,
            window: 16,
            retry_seconds_max: 60,
        }
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            record_mib_max: 64,
            note_mib_max: 16,
        }
    }
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            connect_seconds: 10,
            stall_seconds: 5,
            retry_seconds_max: 30,
            audio: true,
        }
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            segment_seconds: 10,
            fragment_seconds: 2,
        }
    }
}

impl Default for Spool {
    fn default() -> Self {
        Self {
            mib_max: 16 * 1024,
            free_mib_min: 1024,
            slot_mib: 16,
        }
    }
}

impl Default for Upload {
    fn default() -> Self {
        Self {
            kib_per_second_max: 4096,
            retry_seconds_max: 60,
        }
    }
}

impl Default for Health {
    fn default() -> Self {
        Self {
            period_seconds: 60,
            spacing_seconds: 10,
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self { pushes_max: 4 }
    }
}

/// What is wrong with a configuration file, in one line: file, line, key, reason.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not there or not readable.
    #[error("{}: cannot be read: {source}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line of it is wrong.
    #[error("{}:{line}: {key}: {why}", file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Dotted, such as `hub.url`.
        key: String,
        /// What is wrong and what is expected.
        why: String,
    },
}

/// Reads and checks a file.
///
/// # Errors
/// Unreadable, not TOML, an unknown key, a wrong type, or a value out of its limits.
pub fn load(file: &Path) -> Result<Config, Error> {
    let read = |source| Error::Read {
        file: file.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(file).map_err(read)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(read(std::io::Error::other("larger than 256 KiB")));
    }
    let text = std::fs::read_to_string(file).map_err(read)?;
    parse(&text).map_err(|wrong| wrong.at(file))
}

/// A complaint that does not know its file yet.
#[derive(Debug)]
struct Wrong {
    line: usize,
    key: String,
    why: String,
}

impl Wrong {
    fn at(self, file: &Path) -> Error {
        Error::Line {
            file: file.to_owned(),
            line: self.line,
            key: self.key,
            why: self.why,
        }
    }
}

fn parse(text: &str) -> Result<Config, Wrong> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        Wrong {
            line: line_at(text, offset),
            key: key_at(text, offset),
            why: error.message().replace('\n', " "),
        }
    })?;
    match config.check() {
        Ok(()) => Ok(config),
        Err((key, why)) => Err(Wrong {
            line: line_of(text, &key),
            key: key.to_string(),
            why,
        }),
    }
}

/// Where a value stands: table, number in an array of tables, key.
struct Key(&'static str, usize, &'static str);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self("", _, key) => f.write_str(key),
            Self("camera", number, key) => write!(f, "camera[{number}].{key}"),
            Self(table, _, key) => write!(f, "{table}.{key}"),
        }
    }
}

type Check = Result<(), (Key, String)>;

impl Config {
    /// The limits that types alone do not hold.
    fn check(&self) -> Check {
        if !self.state_dir.is_absolute() {
            return wrong("", "state_dir", "must be an absolute path");
        }
        if HubAddress::parse(&self.hub.url).is_none() {
            return wrong(
                "hub",
                "url",
                "must look like https://host:port, with a name or an IPv4 address",
            );
        }
        self.check_ranges()?;
        self.check_cameras()
    }

    fn check_ranges(&self) -> Check {
        let window = u64::from(self.link.window);
        let pushes = self.live.pushes_max as u64;
        within("hub", "connect_seconds", self.hub.connect_seconds, 1, 120)?;
        within(
            "link",
            "keep_alive_seconds",
            self.link.keep_alive_seconds,
            5,
            300,
        )?;
        within("link", "window", window, 1, 1024)?;
        within(
            "link",
            "retry_seconds_max",
            self.link.retry_seconds_max,
            1,
            600,
        )?;
        within(
            "outbox",
            "record_mib_max",
            self.outbox.record_mib_max,
            1,
            1024,
        )?;
        within("outbox", "note_mib_max", self.outbox.note_mib_max, 1, 1024)?;
        within(
            "intake",
            "connect_seconds",
            self.intake.connect_seconds,
            1,
            120,
        )?;
        within("intake", "stall_seconds", self.intake.stall_seconds, 1, 120)?;
        within(
            "intake",
            "retry_seconds_max",
            self.intake.retry_seconds_max,
            1,
            600,
        )?;
        within(
            "recording",
            "segment_seconds",
            self.recording.segment_seconds,
            2,
            60,
        )?;
        within(
            "recording",
            "fragment_seconds",
            self.recording.fragment_seconds,
            1,
            2,
        )?;
        within("spool", "mib_max", self.spool.mib_max, 64, 64 * 1024 * 1024)?;
        within(
            "spool",
            "free_mib_min",
            self.spool.free_mib_min,
            0,
            1024 * 1024,
        )?;
        within("spool", "slot_mib", self.spool.slot_mib, 1, 64)?;
        within(
            "upload",
            "kib_per_second_max",
            self.upload.kib_per_second_max,
            64,
            1 << 20,
        )?;
        within(
            "upload",
            "retry_seconds_max",
            self.upload.retry_seconds_max,
            1,
            600,
        )?;
        within(
            "health",
            "period_seconds",
            self.health.period_seconds,
            5,
            600,
        )?;
        within(
            "health",
            "spacing_seconds",
            self.health.spacing_seconds,
            1,
            60,
        )?;
        within("live", "pushes_max", pushes, 1, 64)
    }

    fn check_cameras(&self) -> Check {
        let camera = |number, key, why: &str| Err((Key("camera", number, key), why.to_owned()));
        if self.cameras.len() > CAMERAS_MAX {
            return camera(CAMERAS_MAX, "name", "a box takes at most 16 cameras");
        }
        let mut names = HashSet::new();
        for (number, one) in self.cameras.iter().enumerate() {
            if !names.insert(&one.name) {
                return camera(number, "name", "is used twice");
            }
            if let Err(why) = check_url(&one.main_url) {
                return camera(number, "main_url", why);
            }
            if let Some(Err(why)) = one.sub_url.as_deref().map(check_url) {
                return camera(number, "sub_url", why);
            }
        }
        Ok(())
    }
}

fn check_url(url: &str) -> Result<(), &'static str> {
    let rest = ["rtsp://", "rtsps://"]
        .into_iter()
        .find_map(|scheme| url.strip_prefix(scheme));
    let rest = rest.ok_or("must begin with rtsp:// or rtsps://")?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Err("must not carry a password; put it into credentials_file");
    }
    if host.is_empty() {
        return Err("names no host");
    }
    Ok(())
}

fn wrong(table: &'static str, key: &'static str, why: &str) -> Check {
    Err((Key(table, 0, key), why.to_owned()))
}

fn within(table: &'static str, key: &'static str, value: u64, min: u64, max: u64) -> Check {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    wrong(
        table,
        key,
        &format!("{value} must be between {min} and {max}"),
    )
}

/// Host and port out of `hub.url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubAddress {
    /// Name or IPv4 address: the MQTT library takes no other.
    pub host: String,
    /// Port of the boxes' door.
    pub port: u16,
}

impl HubAddress {
    fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("https://")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (rest, 443),
        };
        let letter = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-');
        let good = !host.is_empty() && host.bytes().all(letter);
        good.then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl Hub {
    /// Host and port of the boxes' door.
    pub fn address(&self) -> HubAddress {
        HubAddress::parse(&self.url).expect("invariant: load() has checked hub.url")
    }

    /// `https://host:port` without a slash at its end.
    pub fn base(&self) -> &str {
        self.url.trim_end_matches('/')
    }
}

fn line_at(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// The dotted key at a byte offset, read from the lines above it.
fn key_at(text: &str, offset: usize) -> String {
    let line = line_at(text, offset);
    let mut lines: Vec<&str> = text.lines().take(line).collect();
    let own = lines.pop().unwrap_or_default();
    let key = own.split('=').next().unwrap_or_default().trim();
    if key.starts_with('[') {
        return key.trim_matches(['[', ']']).to_owned();
    }
    let table = lines.iter().rev().find(|line| line.starts_with('['));
    match table {
        Some(table) => format!("{}.{key}", table.trim().trim_matches(['[', ']'])),
        None => key.to_owned(),
    }
}

/// The line a value stands on; its table's line, or the first, when it is not written at all.
fn line_of(text: &str, key: &Key) -> usize {
    let Ok(root) = DeTable::parse(text) else {
        return 1;
    };
    let Key(table, number, name) = key;
    let Some(value) = root
        .get_ref()
        .get(if table.is_empty() { *name } else { *table })
    else {
        return 1;
    };
    let inner = match value.get_ref() {
        DeValue::Table(table) => table.get(*name),
        DeValue::Array(array) => array.get(*number).and_then(|one| one.get_ref().get(*name)),
        _ => None,
    };
    line_at(text, inner.unwrap_or(value).span().start)
}

#[cfg(test)]
mod tests;
