//! What agent and camera worker say to each other on their socket pair.
//!
//! Each message is a u32 length (big-endian) and that many bytes. The agent speaks once: an
//! [`Order`] as JSON. The worker sends reports: a tag byte, then a frame message or a [`Note`].

use super::greeting::Greeting;
use super::hearing::Heard;
use super::sight::Sight;
use crate::config::Network;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt};
use url::Url;
use xunke_protocol::health::{CameraEvent, CameraState, Side};
use xunke_protocol::live::{BadFrame, Frame, MESSAGE_BYTES_MAX};

/// [`Frame::handle`] of the full picture.
pub const MAIN: u16 = 0;
/// [`Frame::handle`] of the small picture.
pub const SUB: u16 = 1;
const ORDER_BYTES_MAX: u32 = 64 * 1024;
const RTSP_PORT: u16 = 554;
const RTSPS_PORT: u16 = 322;
const TAG_FRAME: u8 = b'F';
const TAG_NOTE: u8 = b'N';

/// What the worker is to do. Secrets come this way and no other, so there is no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// The camera on USB; without it, the addresses say where the camera is.
    pub device: Option<Plugged>,
    /// RTSP address of the full picture.
    pub main_url: String,
    /// RTSP address of the small picture.
    pub sub_url: Option<String>,
    /// Where to ask what the camera says of itself; without `main_url`, where its streams are too.
    pub onvif: Option<Onvif>,
    /// User name and password for the camera.
    pub credentials: Option<(String, String)>,
    /// How the camera is told from a stranger; needed for `rtsps://`.
    pub trust: Option<Trust>,
    /// Whether to take sound.
    pub audio: bool,
    /// A session must bring frames within this time.
    pub connect_seconds: u64,
    /// And then never pause longer than this.
    pub stall_seconds: u64,
    /// A keyframe is looked at this often; 0 for never.
    pub look_ms: u64,
    /// Most memory the worker may write to, MiB.
    pub mib_max: u64,
    /// Whether the agent makes the worker's connections.
    pub brokered: bool,
    /// Whether to tell first how the camera greets a stranger.
    pub greet: bool,
}

/// A camera on USB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugged {
    /// Its device file itself, never a link to it.
    pub node: PathBuf,
    /// Device files that may help to encode.
    pub encoders: Vec<PathBuf>,
}

/// A camera's ONVIF service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Onvif {
    /// Address of its device service.
    pub url: String,
    /// Where its answers may point besides the camera itself.
    pub networks: Vec<Network>,
}

/// How a camera that speaks TLS is told from a stranger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// SHA-256 of its certificate.
    Sha256([u8; 32]),
    /// PEM of whoever vouches for it, and the name that must be vouched for.
    Authority(String, String),
}

/// What the worker sends.
#[derive(Debug, Clone, PartialEq)]
pub enum Report {
    /// A frame of the stream named by its handle.
    Frame(Frame),
    /// Anything else.
    Note(Note),
}

/// A short word from the worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// Proof of life, about twice a second.
    Alive,
    /// The worker has given up what it does not need; the first note of all.
    Confined {
        /// What this kernel cannot take from it.
        lacking: Vec<String>,
        /// Its descriptor on which the kernel tells of its `connect` and `bind`.
        calls: Option<i32>,
    },
    /// How the session of the full picture stands.
    State {
        /// The state.
        state: CameraState,
        /// Which side keeps the frames back, when that is known.
        side: Option<Side>,
        /// For the log: what the camera said.
        detail: String,
    },
    /// The small picture's session has ended; it is tried again.
    SubEnded {
        /// For the log.
        detail: String,
    },
    /// Pictures were left out because the agent did not take them in time.
    Slow {
        /// How many since the last word.
        pictures: u32,
    },
    /// A track that is not taken.
    Ignored {
        /// For the log.
        detail: String,
    },
    /// What one keyframe says.
    Sight(Box<Sight>),
    /// What a piece of sound says.
    Sound(Heard),
    /// How the camera greets a stranger, when that was asked for.
    Greeting(Greeting),
    /// How the camera's clock goes, in this session.
    Clock(ClockPace),
    /// What the camera says of itself by ONVIF.
    Device {
        /// What it is.
        model: String,
        /// What runs on it.
        firmware: String,
        /// Its clock against ours; `None` when it keeps its time to itself.
        clock_skew_ms: Option<i64>,
    },
    /// All tamper events that the camera says are going on.
    Events {
        /// Perhaps none.
        events: Vec<CameraEvent>,
    },
    /// The camera cannot be asked by ONVIF; it is tried again, and the streams go on.
    OnvifEnded {
        /// For the log: why, and what to do.
        detail: String,
    },
}

/// A camera's clock, as the time stamps of its full picture tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ClockPace {
    /// Against the box's own clock, parts per million; above zero it is the faster one.
    pub drift_ppm: Option<f32>,
    /// The same of its sound.
    pub sound_drift_ppm: Option<f32>,
    /// How often it was set or stopped.
    pub steps: u32,
    /// Its seconds in one of ours, roughly, told once a few seconds into the session.
    pub rough: Option<f32>,
}

/// Why the pair can no longer be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other side is gone, or the socket failed.
    #[error("the camera worker's socket ended")]
    Io(#[from] std::io::Error),
    /// Longer than any message may be.
    #[error("a message of {0} bytes is longer than allowed")]
    Long(u32),
    /// A tag that does not exist.
    #[error("message tag {0:#04x} does not exist")]
    Tag(u8),
    /// Not a frame message.
    #[error("bad frame message")]
    Frame(#[from] BadFrame),
    /// Not the JSON that was expected.
    #[error("bad note")]
    Json(#[from] serde_json::Error),
}

impl Order {
    /// Hosts and ports that the configuration names for this camera. ONVIF may use other ports of
    /// the same hosts, and what lies in [`Onvif::networks`].
    pub fn doors(&self) -> Vec<(String, u16)> {
        let onvif = self.onvif.iter().map(|onvif| onvif.url.as_str());
        let streams = self
            .sub_url
            .iter()
            .map(String::as_str)
            .chain([self.main_url.as_str()]);
        let door = |url: &str| {
            let url = Url::parse(url).ok()?;
            let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
            let own = if url.scheme() == "rtsps" {
                RTSPS_PORT
            } else {
                RTSP_PORT
            };
            Some((host, url.port_or_known_default().unwrap_or(own)))
        };
        onvif.chain(streams).filter_map(door).collect()
    }

    /// The message as bytes, with its length.
    pub fn encode(&self) -> Vec<u8> {
        let body = serde_json::to_vec(self).expect("invariant: an order is plain JSON");
        let length = u32::try_from(body.len()).expect("invariant: an order is short");
        [&length.to_be_bytes()[..], &body].concat()
    }

    /// Reads the order at the worker's start.
    ///
    /// # Errors
    /// The agent is gone or says something else.
    pub fn read(socket: &mut impl Read) -> Result<Self, Error> {
        let mut length = [0; 4];
        socket.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > ORDER_BYTES_MAX {
            return Err(Error::Long(length));
        }
        let mut body = vec![0; length as usize];
        socket.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Report {
    /// Appends a report with its length.
    ///
    /// # Errors
    /// A note is not JSON, which does not happen.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (tag, head, body) = match self {
            Self::Frame(frame) => (TAG_FRAME, frame.header().to_vec(), frame.payload.clone()),
            Self::Note(note) => (TAG_NOTE, serde_json::to_vec(note)?, Bytes::new()),
        };
        let length = u32::try_from(1 + head.len() + body.len()).unwrap_or(u32::MAX);
        out.extend(length.to_be_bytes());
        out.push(tag);
        out.extend(head);
        out.extend_from_slice(&body);
        Ok(())
    }

    /// Reads the next report.
    ///
    /// # Errors
    /// The worker is gone or does not keep to the format; it must then be ended.
    pub async fn read(socket: &mut (impl AsyncRead + Unpin)) -> Result<Self, Error> {
        let length = socket.read_u32().await?;
        if length == 0 || length as usize > MESSAGE_BYTES_MAX + 1 {
            return Err(Error::Long(length));
        }
        let tag = socket.read_u8().await?;
        let mut body = vec![0; length as usize - 1];
        socket.read_exact(&mut body).await?;
        match tag {
            TAG_FRAME => Ok(Self::Frame(Frame::decode(Bytes::from(body))?)),
            TAG_NOTE => Ok(Self::Note(serde_json::from_slice(&body)?)),
            other => Err(Error::Tag(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_protocol::live::FrameKind;

    fn reports() -> Vec<Report> {
        let frame = Frame {
            kind: FrameKind::Video,
            key: true,
            handle: SUB,
            sequence: 9,
            captured_us: 77,
            payload: Bytes::from_static(b"picture"),
        };
        let state = Note::State {
            state: CameraState::Garbage,
            side: Some(Side::Camera),
            detail: "答非所问".into(),
        };
        vec![
            Report::Frame(frame),
            Report::Note(state),
            Report::Note(Note::Alive),
        ]
    }

    #[tokio::test]
    async fn reports_arrive_as_they_were_sent() {
        let mut bytes = Vec::new();
        reports()
            .iter()
            .for_each(|report| report.encode(&mut bytes).unwrap());
        let mut socket = &bytes[..];
        for report in reports() {
            assert_eq!(Report::read(&mut socket).await.unwrap(), report);
        }
        assert!(matches!(Report::read(&mut socket).await, Err(Error::Io(_))));
    }

    #[tokio::test]
    async fn a_worker_that_was_taken_over_cannot_make_the_agent_allocate() {
        let mut huge: &[u8] = &[0xff, 0xff, 0xff, 0xff, b'F'];
        assert!(matches!(Report::read(&mut huge).await, Err(Error::Long(_))));
        let mut other: &[u8] = &[0, 0, 0, 1, b'X'];
        assert!(matches!(
            Report::read(&mut other).await,
            Err(Error::Tag(b'X'))
        ));
        let mut short: &[u8] = &[0, 0, 0, 3, b'F', 1, 2];
        assert!(matches!(
            Report::read(&mut short).await,
            Err(Error::Frame(_))
        ));
    }

    #[test]
    fn a_worker_needs_the_doors_of_its_camera_alone() {
        let mut order = Order {
            device: None,
            main_url: "rtsp://10.0.0.2/main".into(),
            sub_url: Some("rtsps://[fd00::2]/sub".into()),
            onvif: Some(Onvif {
                url: "http://camera:8000/onvif".into(),
                networks: Vec::new(),
            }),
            credentials: None,
            trust: None,
            audio: true,
            connect_seconds: 10,
            stall_seconds: 5,
            look_ms: 4_000,
            mib_max: 256,
            brokered: true,
            greet: false,
        };
        let doors = |order: &Order| {
            let doors = order.doors().into_iter();
            doors
                .map(|(host, port)| format!("{host} {port}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            doors(&order),
            ["camera 8000", "fd00::2 322", "10.0.0.2 554"]
        );
        (order.main_url, order.sub_url) = (String::new(), None);
        assert_eq!(doors(&order), ["camera 8000"]);
    }

    #[test]
    fn an_order_keeps_its_secret_to_itself_and_has_a_limit() {
        let order = Order {
            device: None,
            main_url: "rtsp://camera/main".into(),
            sub_url: None,
            onvif: None,
            credentials: Some(("user".into(), "p@ss:word".into())),
            trust: Some(Trust::Sha256([7; 32])),
            audio: true,
            connect_seconds: 10,
            stall_seconds: 5,
            look_ms: 4_000,
            mib_max: 256,
            brokered: true,
            greet: false,
        };
        let bytes = order.encode();
        let read = Order::read(&mut &bytes[..]).unwrap();
        assert_eq!(read.credentials, order.credentials);
        assert_eq!(read.trust, order.trust);
        let long = [0, 1, 0, 1];
        assert!(matches!(
            Order::read(&mut &long[..]),
            Err(Error::Long(65_537))
        ));
    }
}
