//! Packets: bytes to MQTT 3.1.1 and back. The codec reads; what it lets pass although the standard
//! forbids it is refused here.

use bytes::{Bytes, BytesMut};
use mqttbytes::v4::SubscribeReasonCode;
use mqttbytes::v4::{ConnAck, ConnectReturnCode, Packet, PubAck, Publish, SubAck, UnsubAck};
use mqttbytes::{Protocol, QoS};
use xunke_protocol::topic::PACKET_BYTES_MAX;

/// Most filters in one SUBSCRIBE; a box has two.
const FILTERS_MAX: usize = 8;

/// MQTT 3.1.1.
const LEVEL: u8 = 4;

/// A last will as declared at CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Will {
    /// Where it is to be published.
    pub topic: String,
    /// What.
    pub payload: Bytes,
}

/// What a box may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// First packet, once.
    Connect {
        /// Must be the certificate's name.
        client_id: String,
        /// 0 means none.
        keep_alive_seconds: u16,
        /// To be published when the connection is lost.
        will: Option<Will>,
    },
    /// A message.
    Publish {
        /// Where.
        topic: String,
        /// What.
        payload: Bytes,
        /// `None` for QoS 0.
        id: Option<u16>,
    },
    /// The box has a message that we sent with QoS 1.
    PubAck(u16),
    /// Filters.
    Subscribe {
        /// To be repeated in the answer.
        id: u16,
        /// What it wants to hear.
        filters: Vec<String>,
    },
    /// Filters no longer wanted.
    Unsubscribe {
        /// To be repeated in the answer.
        id: u16,
    },
    /// Proof of life.
    Ping,
    /// Goodbye: no will.
    Disconnect,
}

/// Why bytes are no packet that a box may send.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The codec's word.
    #[error("the packet cannot be read: {0:?}")]
    Unreadable(mqttbytes::Error),
    /// Another version of MQTT.
    #[error("the box speaks another MQTT than 3.1.1")]
    Version,
    /// Allowed by the codec, forbidden by the standard or by this endpoint.
    #[error("{0}")]
    Forbidden(&'static str),
}

/// Takes the next whole packet out of `bytes`; `None` when more bytes are needed.
///
/// # Errors
/// The packet is malformed, too large, or not for a box to send.
pub fn read(bytes: &mut BytesMut) -> Result<Option<Request>, Malformed> {
    let first = bytes.first().copied();
    // The codec would read another version's CONNECT as a broken one of its own.
    if connect_level(bytes).is_some_and(|level| level != LEVEL) {
        return Err(Malformed::Version);
    }
    // A larger announced length is refused before its body is there.
    let packet = match mqttbytes::v4::read(bytes, PACKET_BYTES_MAX) {
        Ok(packet) => packet,
        Err(mqttbytes::Error::InsufficientBytes(_)) => return Ok(None),
        Err(mqttbytes::Error::InvalidProtocolLevel(_) | mqttbytes::Error::InvalidProtocol) => {
            return Err(Malformed::Version);
        }
        Err(error) => return Err(Malformed::Unreadable(error)),
    };
    flags(first.unwrap_or_default())?;
    request(packet).map(Some)
}

/// The protocol level of a CONNECT, as soon as it is there.
fn connect_level(bytes: &[u8]) -> Option<u8> {
    let (first, rest) = bytes.split_first()?;
    let length_bytes = rest.iter().take(4).position(|byte| byte & 0x80 == 0)? + 1;
    let level = rest[length_bytes..].strip_prefix(b"\x00\x04MQTT")?.first();
    level.copied().filter(|_| first >> 4 == 1)
}

/// MQTT-2.2.2-2: reserved flags of the first byte.
fn flags(first: u8) -> Result<(), Malformed> {
    let (kind, flags) = (first >> 4, first & 0x0f);
    let expected = match kind {
        3 => return Ok(()),
        6 | 8 | 10 => 2,
        _ => 0,
    };
    if flags == expected {
        Ok(())
    } else {
        Err(Malformed::Forbidden("reserved flags are set"))
    }
}

fn request(packet: Packet) -> Result<Request, Malformed> {
    let forbidden = |why| Err(Malformed::Forbidden(why));
    match packet {
        Packet::Connect(connect) if connect.protocol != Protocol::V4 => Err(Malformed::Version),
        Packet::Connect(connect) => Ok(Request::Connect {
            client_id: connect.client_id,
            keep_alive_seconds: connect.keep_alive,
            will: connect.last_will.map(|will| Will {
                topic: will.topic,
                payload: will.message,
            }),
        }),
        Packet::Publish(publish) if publish.qos == QoS::ExactlyOnce => forbidden("QoS 2"),
        Packet::Publish(publish) => Ok(Request::Publish {
            id: (publish.qos == QoS::AtLeastOnce).then_some(publish.pkid),
            topic: publish.topic,
            payload: publish.payload,
        }),
        Packet::PubAck(ack) => Ok(Request::PubAck(ack.pkid)),
        Packet::Subscribe(subscribe) if !(1..=FILTERS_MAX).contains(&subscribe.filters.len()) => {
            forbidden("a SUBSCRIBE has 1 to 8 filters")
        }
        Packet::Subscribe(subscribe) => Ok(Request::Subscribe {
            id: nonzero(subscribe.pkid)?,
            filters: subscribe
                .filters
                .into_iter()
                .map(|filter| filter.path)
                .collect(),
        }),
        Packet::Unsubscribe(unsubscribe) => Ok(Request::Unsubscribe {
            id: nonzero(unsubscribe.pkid)?,
        }),
        Packet::PingReq => Ok(Request::Ping),
        Packet::Disconnect => Ok(Request::Disconnect),
        _ => forbidden("a box does not send this kind of packet"),
    }
}

fn nonzero(id: u16) -> Result<u16, Malformed> {
    if id == 0 {
        Err(Malformed::Forbidden("packet id 0"))
    } else {
        Ok(id)
    }
}

/// What the hub may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Welcome; there is never an old session.
    Accepted,
    /// Refused: another version of MQTT.
    WrongVersion,
    /// Refused: the client id is not the certificate's name.
    WrongClient,
    /// Refused: this box may not speak, or not so.
    NotAuthorized,
    /// The hub has stored the message.
    PubAck(u16),
    /// Per filter: granted with QoS 1, or refused.
    SubAck {
        /// From the request.
        id: u16,
        /// In the order of the request.
        granted: Vec<bool>,
    },
    /// Done.
    UnsubAck(u16),
    /// A message for the box, QoS 1.
    Publish {
        /// Where.
        topic: String,
        /// What.
        payload: Bytes,
        /// Never 0.
        id: u16,
    },
    /// Proof of life.
    Pong,
}

impl Reply {
    /// Appends the packet to `out`.
    pub fn write(self, out: &mut BytesMut) {
        let connack = |code| ConnAck {
            session_present: false,
            code,
        };
        let written = match self {
            Self::Accepted => connack(ConnectReturnCode::Success).write(out),
            Self::WrongVersion => connack(ConnectReturnCode::RefusedProtocolVersion).write(out),
            Self::WrongClient => connack(ConnectReturnCode::BadClientId).write(out),
            Self::NotAuthorized => connack(ConnectReturnCode::NotAuthorized).write(out),
            Self::PubAck(id) => PubAck::new(id).write(out),
            Self::SubAck { id, granted } => SubAck::new(id, codes(&granted)).write(out),
            Self::UnsubAck(id) => UnsubAck::new(id).write(out),
            Self::Publish { topic, payload, id } => {
                let mut publish = Publish::from_bytes(topic, QoS::AtLeastOnce, payload);
                publish.pkid = id;
                publish.write(out)
            }
            Self::Pong => mqttbytes::v4::PingResp.write(out),
        };
        written.expect("invariant: replies are small and their ids are not 0");
    }
}

fn codes(granted: &[bool]) -> Vec<SubscribeReasonCode> {
    let code = |granted: &bool| {
        if *granted {
            return SubscribeReasonCode::Success(QoS::AtLeastOnce);
        }
        SubscribeReasonCode::Failure
    };
    granted.iter().map(code).collect()
}
