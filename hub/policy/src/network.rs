//! 第十一条第2项: “仅允许通过校内加密网络访问智慧教室管理平台”.

use std::net::IpAddr;

use crate::refusal::Refusal;

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// From a campus address, encrypted.
    Campus,
    /// Encrypted, but from elsewhere.
    Outside,
    /// Not encrypted, wherever from.
    Plain,
}

impl Network {
    /// What the two facts make together (R31: TLS and a campus address, both).
    #[must_use]
    pub fn of(on_campus: bool, encrypted: bool) -> Self {
        match (encrypted, on_campus) {
            (false, _) => Self::Plain,
            (true, false) => Self::Outside,
            (true, true) => Self::Campus,
        }
    }
}

/// “仅允许通过校内加密网络访问” (R31).
///
/// # Errors
/// The refusal of 第十一条, even with the right password.
pub fn admitted(network: Network) -> Result<(), Refusal> {
    match network {
        Network::Campus => Ok(()),
        Network::Outside => Err(Refusal::OFF_CAMPUS),
        Network::Plain => Err(Refusal::UNENCRYPTED),
    }
}

/// Most hops of a forwarding header that are looked at.
pub const HOPS_MAX: usize = 8;

/// The address a request really comes from (R31). A forwarding header counts only as far as the
/// proxies the school has named wrote it: read from its end, through named proxies, to the first
/// address that is none. `None` when a named proxy says nothing that can be understood: such a
/// request is from nowhere on the campus.
pub fn client(peer: IpAddr, forwarded_for: &str, proxy: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
    let mut client = peer.to_canonical();
    let mut hops = forwarded_for.rsplit(',').take(HOPS_MAX);
    while proxy(client) {
        let hop = hops.next()?.trim().parse::<IpAddr>().ok()?;
        client = hop.to_canonical();
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R31: both, or not at all.
    #[test]
    fn only_encrypted_and_from_the_campus() {
        let asked = |on_campus, encrypted| admitted(Network::of(on_campus, encrypted));
        assert_eq!(asked(true, true), Ok(()));
        assert_eq!(asked(false, true), Err(Refusal::OFF_CAMPUS));
        assert_eq!(asked(true, false), Err(Refusal::UNENCRYPTED));
        assert_eq!(asked(false, false), Err(Refusal::UNENCRYPTED));
    }

    fn from(peer: &str, forwarded_for: &str) -> Option<String> {
        let proxies: [IpAddr; 2] = ["10.0.0.2".parse().unwrap(), "10.0.0.3".parse().unwrap()];
        let found = client(peer.parse().unwrap(), forwarded_for, |address| {
            proxies.contains(&address)
        });
        found.map(|address| address.to_string())
    }

    /// R31: what a stranger writes into the header is not believed.
    #[test]
    fn spoofed_forwarding_headers_are_ignored() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(from("203.0.113.9", "10.1.1.1"), some("203.0.113.9"));
        assert_eq!(from("10.0.0.2", "203.0.113.9"), some("203.0.113.9"));
        assert_eq!(
            from("10.0.0.2", "10.1.1.1, 203.0.113.9"),
            some("203.0.113.9")
        );
        assert_eq!(
            from("10.0.0.2", "9.9.9.9, 10.1.1.1, 10.0.0.3"),
            some("10.1.1.1")
        );
        assert_eq!(from("::ffff:10.0.0.2", "10.1.1.1"), some("10.1.1.1"));
    }

    /// R31: a named proxy that says nothing useful makes nobody a campus client.
    #[test]
    fn a_proxy_without_an_address_is_nobody() {
        assert_eq!(from("10.0.0.2", ""), None);
        assert_eq!(from("10.0.0.2", "unknown"), None);
        let hops = |n| vec!["10.0.0.3"; n].join(", ");
        let through = |n| from("10.0.0.2", &format!("10.1.1.1, {}", hops(n)));
        assert_eq!(through(HOPS_MAX - 1), Some("10.1.1.1".to_owned()));
        assert_eq!(through(HOPS_MAX), None);
    }
}
