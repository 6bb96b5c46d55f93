//! Where messages may go: whoever can type an address must not reach the machines that only the hub
//! can reach. Pure: names are looked up elsewhere, and what they stand for is judged here again.
//!
//! Refused: anything but https, names and numbers in an address, this machine (unless the
//! configuration allows it), link-local addresses and with them the metadata services of clouds.
//! The school's own networks are allowed: its mail relay and its gateway for short messages are
//! there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Longest address.
const BYTES_MAX: usize = 2048;
/// Metadata services of clouds outside link-local ranges: Alibaba's and Amazon's.
const METADATA_V4: [Ipv4Addr; 1] = [Ipv4Addr::new(100, 100, 100, 200)];
const METADATA_V6: [Ipv6Addr; 1] = [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)];
/// Names that stand for this machine or for a metadata service.
const OWN_NAMES: [&str; 2] = ["localhost", "localhost.localdomain"];
const METADATA_NAMES: [&str; 2] = ["metadata.google.internal", "metadata"];

/// Why an address is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is none, or too long.
    Unreadable,
    /// Not https.
    NotHttps,
    /// It carries a user name or a password.
    Credentials,
    /// It is this machine.
    Own,
    /// It is on the link only, a metadata service, or nobody's.
    Forbidden,
}

/// What the configuration allows beside the rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Allowed {
    /// This machine, also without TLS: a relay on the hub itself.
    pub loopback: bool,
}

/// Reads an address to which messages may be posted.
///
/// # Errors
/// Why it is refused.
pub fn https(text: &str, allowed: Allowed) -> Result<Url, Refused> {
    let url = match text.len() {
        0..=BYTES_MAX => Url::parse(text).map_err(|_| Refused::Unreadable)?,
        _ => return Err(Refused::Unreadable),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    let own = match url.host().ok_or(Refused::Unreadable)? {
        Host::Domain(name) => named(name)?,
        Host::Ipv4(address) => judged(address.into())?,
        Host::Ipv6(address) => judged(address.into())?,
    };
    match (url.scheme(), own) {
        ("https", false) => Ok(url),
        ("https" | "http", true) if allowed.loopback => Ok(url),
        ("https" | "http", true) => Err(Refused::Own),
        _ => Err(Refused::NotHttps),
    }
}

/// Reads the name or the address of a mail relay; gives it back as it is asked for.
///
/// # Errors
/// Why it is refused.
pub fn relay(text: &str, allowed: Allowed) -> Result<String, Refused> {
    let host = Host::parse(text).map_err(|_| Refused::Unreadable)?;
    let own = match &host {
        Host::Domain(name) => named(name)?,
        Host::Ipv4(address) => judged((*address).into())?,
        Host::Ipv6(address) => judged((*address).into())?,
    };
    match own && !allowed.loopback {
        true => Err(Refused::Own),
        false => Ok(host.to_string()),
    }
}

/// Whether a connection to this address may be made, whatever name it was looked up under.
#[must_use]
pub fn may_connect(address: IpAddr, allowed: Allowed) -> bool {
    judged(address).is_ok_and(|own| !own || allowed.loopback)
}

/// Whether the name is this machine's.
fn named(name: &str) -> Result<bool, Refused> {
    let name = name.trim_end_matches('.');
    if METADATA_NAMES.contains(&name) {
        return Err(Refused::Forbidden);
    }
    Ok(OWN_NAMES.contains(&name) || name.ends_with(".localhost"))
}

/// Whether the address is this machine's.
fn judged(address: IpAddr) -> Result<bool, Refused> {
    let forbidden = match address {
        IpAddr::V4(v4) => {
            let nobody = v4.octets()[0] == 0 || v4.octets()[0] >= 240;
            nobody || v4.is_link_local() || v4.is_multicast() || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => {
            if let Some(v4) = inside(v6) {
                return judged(v4.into());
            }
            let nobody = v6.is_unspecified() || v6.is_unicast_link_local();
            nobody || v6.is_multicast() || METADATA_V6.contains(&v6)
        }
    };
    match forbidden {
        true => Err(Refused::Forbidden),
        false => Ok(address.is_loopback()),
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, translated (64:ff9b::/96)
/// or tunnelled (2002::/16).
fn inside(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = v6.segments();
    let [high, low] = match parts {
        [0x2002, high, low, ..] => [high, low],
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => [high, low],
        [0, 0, 0, 0, 0, 0xffff, high, low] => [high, low],
        // `::` and `::1` stand for themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => return None,
        [0, 0, 0, 0, 0, 0, high, low] => [high, low],
        _ => return None,
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Allowed = Allowed { loopback: false };
    const LOOSE: Allowed = Allowed { loopback: true };

    #[test]
    fn robots_and_the_school_s_own_gateways_are_reached() {
        for good in [
            "https://oapi.dingtalk.com/robot/send?access_token=x",
            "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x",
            "https://10.20.30.40:9443/sms",
            "https://[fd12::1]/hook",
            "https://192.168.1.9/",
            "https://relay.example.edu.cn/",
        ] {
            assert!(https(good, STRICT).is_ok(), "{good}");
        }
    }

    /// X20: the hub is nobody's way into itself, its neighbours on the link, or its cloud.
    #[test]
    fn what_only_the_hub_can_reach_is_refused() {
        use Refused::{Credentials, Forbidden, NotHttps, Own, Unreadable};
        for (bad, why) in [
            ("http://oapi.dingtalk.com/robot/send", NotHttps),
            ("ftp://example.com/", NotHttps),
            ("file:///etc/passwd", Unreadable),
            ("https://", Unreadable),
            ("example.com", Unreadable),
            ("https://user:secret@example.com/", Credentials),
            ("https://localhost/", Own),
            ("http://localhost:8080/", Own),
            ("https://LOCALHOST./", Own),
            ("https://hub.localhost/", Own),
            ("https://127.0.0.1/", Own),
            ("https://127.8.8.8/", Own),
            ("https://2130706433/", Own),
            ("https://0x7f.1/", Own),
            ("https://[::1]/", Own),
            ("https://[::ffff:127.0.0.1]/", Own),
            ("https://[::ffff:169.254.169.254]/", Forbidden),
            ("https://[64:ff9b::a9fe:a9fe]/", Forbidden),
            ("https://[2002:a9fe:a9fe::1]/", Forbidden),
            ("https://[::a9fe:a9fe]/", Forbidden),
            ("https://169.254.169.254/latest/meta-data/", Forbidden),
            ("https://169.254.1.1/", Forbidden),
            ("https://100.100.100.200/", Forbidden),
            ("https://[fd00:ec2::254]/", Forbidden),
            ("https://[fe80::1]/", Forbidden),
            ("https://metadata.google.internal/", Forbidden),
            ("https://0.0.0.0/", Forbidden),
            ("https://[::]/", Forbidden),
            ("https://224.0.0.1/", Forbidden),
            ("https://255.255.255.255/", Forbidden),
        ] {
            assert_eq!(https(bad, STRICT), Err(why), "{bad}");
        }
        let long = format!("https://example.com/{}", "a".repeat(BYTES_MAX));
        assert_eq!(https(&long, STRICT), Err(Unreadable));
    }

    /// Allowing this machine allows nothing else.
    #[test]
    fn a_relay_on_this_machine_needs_the_configuration() {
        for own in [
            "http://localhost:8080/",
            "https://127.0.0.1/",
            "http://[::1]:9/",
        ] {
            assert!(https(own, LOOSE).is_ok(), "{own}");
        }
        assert_eq!(https("http://example.com/", LOOSE), Err(Refused::NotHttps));
        let metadata = "http://169.254.169.254/";
        assert_eq!(https(metadata, LOOSE), Err(Refused::Forbidden));
        assert_eq!(relay("localhost", STRICT), Err(Refused::Own));
        assert_eq!(relay("127.0.0.1", LOOSE).unwrap(), "127.0.0.1");
        assert_eq!(
            relay("mail.example.edu.cn", STRICT).unwrap(),
            "mail.example.edu.cn"
        );
        assert_eq!(relay("169.254.169.254", LOOSE), Err(Refused::Forbidden));
        assert_eq!(relay("two words", LOOSE), Err(Refused::Unreadable));
    }

    /// A name that is good today may stand for another address tomorrow.
    #[test]
    fn what_a_name_stands_for_is_judged_again() {
        let may = |text: &str, allowed| may_connect(text.parse().unwrap(), allowed);
        assert!(may("203.0.113.7", STRICT) && may("10.0.0.1", STRICT));
        assert!(!may("127.0.0.1", STRICT) && may("127.0.0.1", LOOSE));
        assert!(!may("169.254.169.254", LOOSE) && !may("::ffff:169.254.169.254", LOOSE));
        assert!(!may("::", LOOSE) && !may("0.0.0.0", LOOSE));
    }
}
