//! A network such as `192.168.10.0/24`: where cameras may be.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Wider than this, a list of networks no longer says where cameras are.
const PREFIX_V4_MIN: u8 = 16;
const PREFIX_V6_MIN: u8 = 48;

/// An address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network for cameras.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    /// Not an address with a prefix.
    #[error("{0:?} is no network: write it like 192.168.10.0/24")]
    Shape(String),
    /// It takes in addresses where no camera of this room is.
    #[error(
        "{0} is too wide: name the cameras' network, /{PREFIX_V4_MIN} (IPv6: \
         /{PREFIX_V6_MIN}) or narrower"
    )]
    Wide(String),
}

impl Network {
    /// Whether an address lies in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                masked_v4(own, self.prefix) == masked_v4(other, self.prefix)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                masked_v6(own, self.prefix) == masked_v6(other, self.prefix)
            }
            _ => false,
        }
    }

    /// Its IPv4 addresses that a device may have; none when there are more than `most`.
    #[must_use]
    pub fn addresses(&self, most: u32) -> Vec<Ipv4Addr> {
        let IpAddr::V4(own) = self.address else {
            return Vec::new();
        };
        let first = masked_v4(own, self.prefix);
        let count = 1_u32.checked_shl(u32::from(32 - self.prefix));
        let Some(count) = count.filter(|&count| count <= most) else {
            return Vec::new();
        };
        // The first and the last address of a real network name no device.
        let edge = u32::from(count > 2);
        let numbers = first + edge..=first + (count - 1 - edge);
        numbers.map(Ipv4Addr::from).collect()
    }
}

fn masked_v4(address: Ipv4Addr, prefix: u8) -> u32 {
    let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
    u32::from(address) & mask
}

fn masked_v6(address: Ipv6Addr, prefix: u8) -> u128 {
    let mask = u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
    u128::from(address) & mask
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let shape = || BadNetwork::Shape(text.to_owned());
        let (address, prefix) = text.split_once('/').ok_or_else(shape)?;
        let address: IpAddr = address.parse().map_err(|_| shape())?;
        let prefix: u8 = prefix.parse().map_err(|_| shape())?;
        let (min, max) = match address {
            IpAddr::V4(_) => (PREFIX_V4_MIN, 32),
            IpAddr::V6(_) => (PREFIX_V6_MIN, 128),
        };
        if prefix > max {
            return Err(shape());
        }
        if prefix < min {
            return Err(BadNetwork::Wide(text.to_owned()));
        }
        Ok(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = BadNetwork;

    fn try_from(text: String) -> Result<Self, BadNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        let network: Network = network.parse().unwrap();
        network.contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_is_in_or_out() {
        assert!(holds("192.168.10.0/24", "192.168.10.255"));
        assert!(holds("192.168.10.77/24", "192.168.10.1"));
        assert!(!holds("192.168.10.0/24", "192.168.11.1"));
        assert!(holds("10.1.0.0/16", "10.1.255.1") && !holds("10.1.0.0/16", "10.2.0.1"));
        assert!(holds("10.0.0.5/32", "10.0.0.5") && !holds("10.0.0.5/32", "10.0.0.4"));
        assert!(holds("fd00:1:2::/48", "fd00:1:2:9::1") && !holds("fd00:1:2::/48", "fd00:1:3::1"));
        assert!(!holds("192.168.10.0/24", "fd00::1"));
        // An IPv4 address in the clothes of an IPv6 one is what it is.
        assert!(holds("192.168.10.0/24", "::ffff:192.168.10.9"));
        assert!(!holds("192.168.10.0/24", "::ffff:10.0.0.1"));
    }

    /// X62: no list opens everything.
    #[test]
    fn what_opens_everything_is_no_network_for_cameras() {
        for wide in ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/15", "::/0"] {
            let error = wide.parse::<Network>().unwrap_err();
            assert_eq!(error, BadNetwork::Wide(wide.to_owned()));
        }
        for shape in [
            "",
            "10.0.0.1",
            "10.0.0.0/33",
            "camera/24",
            "10.0.0.0/x",
            "fd00::/129",
        ] {
            let error = shape.parse::<Network>().unwrap_err();
            assert_eq!(error, BadNetwork::Shape(shape.to_owned()));
        }
    }

    #[test]
    fn the_addresses_of_a_network_are_counted() {
        let count = |text: &str| text.parse::<Network>().unwrap().addresses(1024).len();
        assert_eq!(
            (
                count("10.0.0.0/24"),
                count("10.0.0.8/32"),
                count("10.0.0.8/31")
            ),
            (254, 1, 2)
        );
        assert_eq!(
            (
                count("10.0.0.0/22"),
                count("10.0.0.0/21"),
                count("fd00::/120")
            ),
            (1022, 0, 0)
        );
        let one: Network = "10.0.0.8/32".parse().unwrap();
        assert_eq!(one.addresses(9), [Ipv4Addr::new(10, 0, 0, 8)]);
    }
}
