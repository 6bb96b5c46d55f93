//! Configuration: `agent.toml`, one struct per concern, units in the keys.
//!
//! `configs/agent.toml` lists every key at its default; a test holds the two together. Secrets
//! stand in files that the configuration names, never in it.

mod network;
mod hours;
mod commands;
mod complaint;
mod equipment;
mod light;
mod metrics;
mod limits;

pub use commands::Commands;
pub use equipment::{EQUIPMENT_MAX, Equipment, EquipmentKind};
pub use hours::{BadHours, Hours};
pub use light::Light;
pub use metrics::{Listen, Metrics};
pub use network::{BadNetwork, Network};

use complaint::{Wrong, key_at, line_at, line_of};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use xunke_protocol::health;
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
    /// The on-air light.
    pub light: Light,
    /// Numbers for Prometheus.
    pub metrics: Metrics,
    /// What the hub may order.
    pub commands: Commands,
    /// The cameras of this room.
    #[serde(rename = "camera")]
    pub cameras: Vec<Camera>,
    /// What else of this room is asked how it is.
    pub equipment: Vec<Equipment>,
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
    /// Longest pause between two attempts to connect: a whole campus is back within a minute.
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
    /// Gaps, fault evidence and audit lines older than this are given up.
    pub record_days_max: u32,
    /// Notes older than this are given up.
    pub note_days_max: u32,
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
    /// Where a camera's answers may point besides the camera itself.
    pub camera_networks: Vec<Network>,
    /// Most memory one camera's worker may write to.
    pub worker_mib_max: u64,
}

/// Cutting and sealing.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    /// Longest segment; it is cut at the next keyframe, and before that when its slot is full.
    pub segment_seconds: u64,
    /// At most this much is lost in a power cut.
    pub fragment_seconds: u64,
}

/// Where sealed segments wait.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Spool {
    /// Limit for all slots together.
    pub mib_max: u64,
    /// What a new slot must leave free on the disk.
    pub free_mib_min: u64,
    /// Size of a slot, and most that a segment may have.
    pub slot_mib: u64,
}

/// Sending sealed segments.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Upload {
    /// Limit for all uploads together; 0: none.
    pub kib_per_second_max: u64,
    /// The same while somebody watches this box live; 0: no other.
    pub live_kib_per_second_max: u64,
    /// Segments sent at the same time.
    pub in_flight_max: usize,
    /// When segments are sent; empty: always.
    pub hours: Hours,
    /// When more of the spool than this is full, segments are sent outside of `hours` too.
    pub hours_spool_percent_max: u64,
    /// Boxes that come back together begin within so long of each other.
    pub spread_seconds: u64,
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
    /// What it shows.
    #[serde(default)]
    pub shows: Shows,
    /// Device file of a camera on USB, below `/dev`; instead of all addresses.
    pub device: Option<PathBuf>,
    /// RTSP address of the full picture, without name and password; `rtsps://` for TLS. Empty: both
    /// pictures are asked for at `onvif_url`.
    #[serde(default)]
    pub main_url: String,
    /// RTSP address of the small picture.
    pub sub_url: Option<String>,
    /// Address of the camera's ONVIF device service.
    pub onvif_url: Option<String>,
    /// A file with the camera's user name on its first line and the password on its second.
    pub credentials_file: Option<PathBuf>,
    /// For `rtsps://`: SHA-256 of the camera's certificate, 64 hexadecimal digits.
    pub tls_sha256: Option<Sha256Hex>,
    /// For `rtsps://`: a file with the certificate of whoever vouches for the camera, PEM.
    pub tls_ca_file: Option<PathBuf>,
}

/// What a source shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// The classroom.
    #[default]
    Room,
    /// What is projected; it may stand still or be black for a whole lesson.
    Screen,
}

impl From<Shows> for health::Shows {
    fn from(shows: Shows) -> Self {
        match shows {
            Shows::Room => Self::Room,
            Shows::Screen => Self::Screen,
        }
    }
}

/// A SHA-256 as `sha256sum` and `openssl` write it: 64 hexadecimal digits, colons allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sha256Hex(pub [u8; 32]);

impl TryFrom<String> for Sha256Hex {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "must be a SHA-256: 64 hexadecimal digits";
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong);
        }
        let mut bytes = [0; 32];
        for (number, byte) in bytes.iter_mut().enumerate() {
            let pair = &digits[number * 2..number * 2 + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong)?;
        }
        Ok(Self(bytes))
    }
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
            light: Light::default(),
            metrics: Metrics::default(),
            commands: Commands::default(),
            cameras: Vec::new(),
            equipment: Vec::new(),
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
    fn default() -> Self {
        Self {
            keep_alive_seconds: 30,
            window: 16,
            retry_seconds_max: 45,
        }
    }
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            record_mib_max: 64,
            note_mib_max: 16,
            record_days_max: 90,
            note_days_max: 30,
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
            camera_networks: Vec::new(),
            worker_mib_max: 256,
        }
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self {
            segment_seconds: 60,
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
            live_kib_per_second_max: 2560,
            in_flight_max: 4,
            hours: Hours::default(),
            hours_spool_percent_max: 50,
            spread_seconds: 30,
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

#[cfg(test)]
mod tests;
