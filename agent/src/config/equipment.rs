//! Equipment of the room: projectors, and addresses that are tried.

use serde::Deserialize;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use url::Url;
use xunke_protocol::id::EquipmentName;

/// Most pieces of equipment of one box.
pub const EQUIPMENT_MAX: usize = 8;
/// Where projectors listen (PJLink, 2.1).
const PJLINK_PORT: u16 = 4352;

type Wrong = (&'static str, &'static str);

/// One piece.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equipment {
    /// Such as `projector`; 1 to 16 characters of a-z, 0-9 and '-', and no camera's.
    pub name: EquipmentName,
    /// What it is asked by.
    pub kind: EquipmentKind,
    /// Its name or address; with `:port` for `tcp`, and for a projector that does not listen at
    /// 4352.
    pub address: Option<String>,
    /// The page of `http`.
    pub url: Option<String>,
    /// A file with the projector's password on its first line.
    pub password_file: Option<PathBuf>,
}

/// What a piece of equipment is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EquipmentKind {
    /// PJLink.
    Projector,
    /// Whether a port opens.
    Tcp,
    /// Whether a page answers.
    Http,
    /// Whether the address answers an echo.
    Icmp,
}

impl Equipment {
    /// Host and port; the port of `icmp` is 0.
    #[must_use]
    pub fn target(&self) -> (&str, u16) {
        let found = match (self.kind, &self.url, &self.address) {
            (EquipmentKind::Http, Some(url), _) => page(url),
            (_, _, Some(address)) => host_and_port(address, self.port()),
            _ => None,
        };
        found.expect("invariant: load() has checked address and url")
    }

    /// The port of an address that names none.
    fn port(&self) -> Option<u16> {
        match self.kind {
            EquipmentKind::Projector => Some(PJLINK_PORT),
            EquipmentKind::Icmp => Some(0),
            EquipmentKind::Tcp | EquipmentKind::Http => None,
        }
    }

    /// Whether it can stand in a configuration.
    ///
    /// # Errors
    /// The key, and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        if self.kind != EquipmentKind::Projector && self.password_file.is_some() {
            return Err(("password_file", "is of no use but for a projector"));
        }
        match (self.kind, &self.url, &self.address) {
            (EquipmentKind::Http, _, Some(_)) => Err(("address", "is of no use beside url")),
            (EquipmentKind::Http, None, _) => Err(("url", "is missing: http://HOST/PATH")),
            (EquipmentKind::Http, Some(url), _) => check_url(url),
            (_, Some(_), _) => Err(("url", "is for kind = \"http\"; write address")),
            (_, None, None) => Err(("address", "is missing")),
            (kind, None, Some(address)) => check_address(kind, address, self.port()),
        }
    }
}

fn check_address(kind: EquipmentKind, address: &str, port: Option<u16>) -> Result<(), Wrong> {
    let why = match kind {
        EquipmentKind::Tcp => "must be a name or an address with its port, such as 10.0.0.9:23",
        EquipmentKind::Icmp => "must be a name or an address without a port, such as 10.0.0.9",
        _ => "must be a name or an address, such as 10.0.0.9 or 10.0.0.9:4352",
    };
    match host_and_port(address, port) {
        Some((_, port)) if (kind == EquipmentKind::Icmp) == (port == 0) => Ok(()),
        _ => Err(("address", why)),
    }
}

fn check_url(text: &str) -> Result<(), Wrong> {
    let wrong = |why| Err(("url", why));
    let Ok(url) = Url::parse(text) else {
        return wrong("is no address");
    };
    if url.scheme() != "http" {
        return wrong("must begin with http:// (https is not tried)");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("must not carry a password");
    }
    page(text).map_or_else(|| wrong("names no host"), |_| Ok(()))
}

/// Host and port as they stand in an `http://` address.
fn page(url: &str) -> Option<(&str, u16)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    host_and_port(&rest[..end], Some(80))
}

/// `port` counts where the text names none.
fn host_and_port(text: &str, port: Option<u16>) -> Option<(&str, u16)> {
    if text.parse::<IpAddr>().is_ok() {
        return Some((text, port?));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, number)) => (host, number.parse().ok()?),
        None => (text, port?),
    };
    if text.parse::<SocketAddr>().is_ok() {
        return Some((host.trim_matches(['[', ']']), port));
    }
    let letter = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-');
    let good = !host.is_empty() && host.bytes().all(letter);
    good.then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(kind: EquipmentKind, key: &str, value: &str) -> Equipment {
        let given = |name| (name == key).then(|| value.to_owned());
        Equipment {
            name: "piece".parse().unwrap(),
            kind,
            address: given("address"),
            url: given("url"),
            password_file: None,
        }
    }

    #[test]
    fn an_address_has_a_port_where_it_needs_one() {
        use EquipmentKind::{Http, Icmp, Projector, Tcp};
        for (kind, key, value, expect) in [
            (Projector, "address", "10.0.0.9", ("10.0.0.9", 4352)),
            (
                Projector,
                "address",
                "beamer.room:4353",
                ("beamer.room", 4353),
            ),
            (Projector, "address", "fd00::9", ("fd00::9", 4352)),
            (Projector, "address", "[fd00::9]:4353", ("fd00::9", 4353)),
            (Tcp, "address", "10.0.0.9:23", ("10.0.0.9", 23)),
            (Icmp, "address", "panel", ("panel", 0)),
            (Http, "url", "http://10.0.0.9/a?b", ("10.0.0.9", 80)),
            (Http, "url", "http://[fd00::9]:8080?b", ("fd00::9", 8080)),
        ] {
            let piece = piece(kind, key, value);
            assert_eq!(piece.check(), Ok(()), "{value}");
            assert_eq!(piece.target(), expect, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_asked_is_named_by_its_key() {
        use EquipmentKind::{Http, Icmp, Projector, Tcp};
        for (kind, key, value, named) in [
            (Tcp, "address", "10.0.0.9", "address"),
            (Tcp, "address", "10.0.0.9:0", "address"),
            (Icmp, "address", "10.0.0.9:7", "address"),
            (Projector, "address", "", "address"),
            (Projector, "address", "a b", "address"),
            (Projector, "address", "pw@10.0.0.9", "address"),
            (Projector, "address", "10.0.0.9:99999", "address"),
            (Projector, "url", "http://10.0.0.9/", "url"),
            (Http, "address", "10.0.0.9", "address"),
            (Http, "none", "", "url"),
            (Http, "url", "https://10.0.0.9/", "url"),
            (Http, "url", "http://a:b@10.0.0.9/", "url"),
            (Http, "url", "10.0.0.9", "url"),
        ] {
            let wrong = piece(kind, key, value).check();
            assert_eq!(wrong.map_err(|(key, _)| key), Err(named), "{value}");
        }
        let mut probe = piece(Tcp, "address", "10.0.0.9:23");
        probe.password_file = Some("/etc/xunke/x".into());
        assert_eq!(probe.check().unwrap_err().0, "password_file");
    }
}
