//! The MQTT topic tree: `xk/1/d/<device>/{up,dn}/…` and `xk/1/hub/state`.
//!
//! A device writes under its own `up/` and reads its own `dn/`; nothing else exists. No room, unit,
//! course or person ever stands in a topic (第十一条: technicians maintain, they see no content).

use crate::id::{DeviceId, MessageId};

/// Root with the protocol's major version.
pub const ROOT: &str = "xk/1";
/// The hub tells all devices that it is there; retained.
pub const HUB_STATE: &str = "xk/1/hub/state";
/// What the hub listens to where a broker stands between: everything that any box says.
pub const HUB_FILTER: &str = "xk/1/d/+/up/#";
/// Longest topic either side accepts, in bytes.
pub const TOPIC_BYTES_MAX: usize = 128;
/// Largest packet either side accepts, in bytes.
pub const PACKET_BYTES_MAX: usize = 64 * 1024;
/// Largest JSON document inside a packet, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 16 * 1024;

/// What a device says to the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// Birth, last will or goodbye.
    State,
    /// The latest full health document.
    Health,
    /// Something that happened, by kind.
    Event(String),
    /// Metrics batch, QoS 0.
    Metrics,
    /// Progress or result of one command.
    Ack(MessageId),
    /// Which configuration the box runs.
    Config,
}

/// What the hub says to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// One command.
    Command(MessageId),
    /// Everything up to a sequence number is stored (external broker).
    Received,
    /// The hub's clock, sent after birth.
    Time,
}

impl Up {
    /// Every channel there is, parameters in braces.
    pub const CHANNELS: [&'static str; 6] =
        ["state", "health", "ev/{kind}", "met", "ack/{id}", "cfg"];

    /// Which of [`Up::CHANNELS`] this is.
    pub fn channel(&self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Health => "health",
            Self::Event(_) => "ev/{kind}",
            Self::Metrics => "met",
            Self::Ack(_) => "ack/{id}",
            Self::Config => "cfg",
        }
    }

    /// The full topic for one device.
    pub fn topic(&self, device: &DeviceId) -> String {
        let channel = match self {
            Self::Event(kind) => self.channel().replace("{kind}", kind),
            Self::Ack(command) => self.channel().replace("{id}", &command.to_string()),
            _ => self.channel().to_owned(),
        };
        format!("{ROOT}/d/{device}/up/{channel}")
    }

    /// Reads a topic; `None` unless it is exactly one of this tree.
    pub fn parse(topic: &str) -> Option<(DeviceId, Self)> {
        let (device, direction, channel) = split(topic)?;
        if direction != "up" {
            return None;
        }
        let up = match channel {
            "state" => Self::State,
            "health" => Self::Health,
            "met" => Self::Metrics,
            "cfg" => Self::Config,
            other => match other.split_once('/')? {
                ("ev", kind) if is_kind(kind) => Self::Event(kind.to_owned()),
                ("ack", id) => Self::Ack(id.parse().ok()?),
                _ => return None,
            },
        };
        Some((device, up))
    }
}

impl Down {
    /// Every channel there is, parameters in braces.
    pub const CHANNELS: [&'static str; 3] = ["cmd/{id}", "rcv", "time"];

    /// Which of [`Down::CHANNELS`] this is.
    pub fn channel(&self) -> &'static str {
        match self {
            Self::Command(_) => "cmd/{id}",
            Self::Received => "rcv",
            Self::Time => "time",
        }
    }

    /// The full topic for one device.
    pub fn topic(&self, device: &DeviceId) -> String {
        let channel = match self {
            Self::Command(id) => self.channel().replace("{id}", &id.to_string()),
            _ => self.channel().to_owned(),
        };
        format!("{ROOT}/d/{device}/dn/{channel}")
    }

    /// Reads a topic; `None` unless it is exactly one of this tree.
    pub fn parse(topic: &str) -> Option<(DeviceId, Self)> {
        let (device, direction, channel) = split(topic)?;
        if direction != "dn" {
            return None;
        }
        let down = match channel {
            "rcv" => Self::Received,
            "time" => Self::Time,
            other => Self::Command(other.strip_prefix("cmd/")?.parse().ok()?),
        };
        Some((device, down))
    }
}

/// The one filter under which a device hears the hub.
pub fn device_filter(device: &DeviceId) -> String {
    format!("{ROOT}/d/{device}/dn/#")
}

/// May this device publish here? Its last will's topic is held to the same rule.
pub fn may_publish(device: &DeviceId, topic: &str) -> bool {
    Up::parse(topic).is_some_and(|(owner, _)| owner == *device)
}

/// May this device subscribe to this filter?
pub fn may_subscribe(device: &DeviceId, filter: &str) -> bool {
    filter == HUB_STATE || filter == device_filter(device)
}

fn split(topic: &str) -> Option<(DeviceId, &str, &str)> {
    if topic.len() > TOPIC_BYTES_MAX {
        return None;
    }
    let rest = topic.strip_prefix(ROOT)?.strip_prefix("/d/")?;
    let (device, rest) = rest.split_once('/')?;
    let (direction, channel) = rest.split_once('/')?;
    Some((device.parse().ok()?, direction, channel))
}

fn is_kind(kind: &str) -> bool {
    (1..=24).contains(&kind.len()) && kind.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn device(id: &str) -> DeviceId {
        id.parse().unwrap()
    }

    #[test]
    fn every_topic_reads_back_as_itself() {
        let id = MessageId(Uuid::nil());
        let box1 = device("box-1");
        let ups = [
            Up::State,
            Up::Health,
            Up::Event("fault".into()),
            Up::Metrics,
            Up::Ack(id),
            Up::Config,
        ];
        assert_eq!(ups.each_ref().map(Up::channel), Up::CHANNELS);
        for up in ups {
            assert_eq!(Up::parse(&up.topic(&box1)), Some((box1.clone(), up)));
        }
        let downs = [Down::Command(id), Down::Received, Down::Time];
        assert_eq!(downs.each_ref().map(Down::channel), Down::CHANNELS);
        for down in downs {
            assert_eq!(Down::parse(&down.topic(&box1)), Some((box1.clone(), down)));
        }
    }

    /// The well-known failure: unauthenticated or wildcard MQTT.
    #[test]
    fn a_device_reaches_its_own_topics_alone() {
        let box1 = device("box-1");
        assert!(may_publish(&box1, "xk/1/d/box-1/up/state"));
        for foreign in [
            "xk/1/d/box-2/up/state",
            "xk/1/d/box-1/dn/time",
            "xk/1/d/box-1/up/ev/../x",
            "xk/1/d/box-1/up/ev/+",
            "xk/1/d/+/up/state",
            "xk/2/d/box-1/up/state",
            "xk/1/d/box-1/up/state/",
            "xk/1/hub/state",
            "#",
            "",
        ] {
            assert!(!may_publish(&box1, foreign), "{foreign}");
        }
        assert!(may_subscribe(&box1, "xk/1/d/box-1/dn/#"));
        assert!(may_subscribe(&box1, HUB_STATE));
        for foreign in [
            "#",
            "xk/#",
            "xk/1/d/+/dn/#",
            "xk/1/d/box-2/dn/#",
            "xk/1/d/box-1/up/#",
        ] {
            assert!(!may_subscribe(&box1, foreign), "{foreign}");
        }
    }
}
