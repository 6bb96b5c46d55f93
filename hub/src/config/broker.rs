//! `[mqtt] broker`: a broker of the school in place of the hub's own MQTT door.

use serde::{Deserialize, Serialize};

/// `[mqtt] broker`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Broker {
    /// Its name or address, for hub and boxes alike; empty: none, and the hub opens `mqtt.listen`.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 8883,
        }
    }
}

impl Broker {
    /// Where it is, if there is one.
    #[must_use]
    pub fn address(&self) -> Option<(&str, u16)> {
        (!self.host.is_empty()).then_some((&self.host, self.port))
    }

    /// The key that is wrong, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let word = |letter: u8| letter.is_ascii_alphanumeric() || b"-.:".contains(&letter);
        if !self.host.bytes().all(word) || self.host.len() > 253 {
            return Err((
                "mqtt.broker",
                "host must be a name or an address alone, such as mqtt.example.edu.cn",
            ));
        }
        match self.port {
            0 => Err(("mqtt.broker", "port must be 1 to 65535")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_name_and_a_port() {
        let broker = |host: &str, port| Broker {
            host: host.into(),
            port,
        };
        assert_eq!(Broker::default().address(), None);
        for host in ["", "mqtt.example.edu.cn", "10.0.0.9", "::1"] {
            assert_eq!(broker(host, 8883).check(), Ok(()), "{host}");
        }
        for (host, port) in [
            ("mqtts://mqtt", 8883),
            ("mqtt/x", 8883),
            ("a b", 1),
            ("mqtt", 0),
        ] {
            assert!(broker(host, port).check().is_err(), "{host} {port}");
        }
    }
}
