//! `[metrics]`: numbers for Prometheus.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// `[metrics]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Address and port of a door of their own, by TLS; empty: none.
    pub listen: Door,
    /// The file with the token that is to be shown; without one only this machine may ask.
    pub token_file: PathBuf,
}

/// An address, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Door(pub Option<SocketAddr>);

impl TryFrom<String> for Door {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let address = text
            .parse()
            .map_err(|_| "must be an address with a port, such as \"127.0.0.1:9469\", or empty")?;
        Ok(Self(Some(address)))
    }
}

impl From<Door> for String {
    fn from(Door(address): Door) -> Self {
        address.map_or_else(Self::new, |address| address.to_string())
    }
}

impl Metrics {
    /// Whoever is not on this machine shows a token.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let open = self.token_file.as_os_str().is_empty();
        match self.listen.0 {
            Some(address) if open && !address.ip().is_loopback() => Err((
                "metrics.listen",
                "others could ask there: name a file with a token in metrics.token_file, or listen \
                 at 127.0.0.1",
            )),
            None if !open => Err(("metrics.token_file", "is of no use without metrics.listen")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_ask_without_a_token() {
        let check = |listen: &str, token_file: &str| {
            let listen = Door::try_from(listen.to_owned())?;
            let token_file = token_file.into();
            Metrics { listen, token_file }
                .check()
                .map_err(|(key, _)| key)
        };
        assert_eq!(check("", ""), Ok(()));
        assert_eq!(check("127.0.0.1:9469", ""), Ok(()));
        assert_eq!(check("[::1]:9469", ""), Ok(()));
        assert_eq!(check("0.0.0.0:9469", "/etc/xunke/metrics.token"), Ok(()));
        assert_eq!(check("0.0.0.0:9469", ""), Err("metrics.listen"));
        assert_eq!(check("10.1.2.3:9469", ""), Err("metrics.listen"));
        assert_eq!(check("", "/etc/xunke/token"), Err("metrics.token_file"));
        assert!(check("9469", "").unwrap_err().contains("with a port"));
        let door = Door::try_from("127.0.0.1:9469".to_owned()).unwrap();
        assert_eq!(String::from(door), "127.0.0.1:9469");
    }
}
