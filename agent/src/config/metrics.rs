//! Numbers for Prometheus, on this machine alone.

use serde::Deserialize;
use std::net::SocketAddr;

/// Where to listen.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// A loopback address with a port; empty: nowhere.
    pub listen: Listen,
}

/// A loopback address with a port, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Listen(pub Option<SocketAddr>);

impl TryFrom<String> for Listen {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let address: Option<SocketAddr> = text.parse().ok();
        let address = address.filter(|address| address.ip().is_loopback() && address.port() != 0);
        address
            .map(|address| Self(Some(address)))
            .ok_or("must be this machine's own address with a port, such as \"127.0.0.1:9469\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_to() {
        let of = |text: &str| Listen::try_from(text.to_owned()).map(|Listen(address)| address);
        assert_eq!(of(""), Ok(None));
        let local = "127.0.0.1:9469".parse().unwrap();
        assert_eq!(of("127.0.0.1:9469"), Ok(Some(local)));
        assert!(of("[::1]:9469").is_ok());
        for bad in [
            "0.0.0.0:9469",
            "10.0.0.2:9469",
            "127.0.0.1",
            "127.0.0.1:0",
            "9469",
        ] {
            assert!(of(bad).unwrap_err().contains("own address"), "{bad}");
        }
    }
}
