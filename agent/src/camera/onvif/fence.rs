//! Which addresses may be asked: the camera's own, and the configured networks. Pure but for
//! looking up the camera's own name, once.

use crate::config::Network;
use std::net::{IpAddr, SocketAddr};
use tokio::net::lookup_host;
use url::Url;

const RTSP_PORT: u16 = 554;
/// A host name may be 253 long; what is longer is cut in messages.
const TARGET_CHARS_MAX: usize = 80;

/// The camera's own addresses, and where else it may point.
#[derive(Debug, Clone, Default)]
pub struct Fence {
    own: Vec<(String, IpAddr)>,
    networks: Vec<Network>,
}

/// Where a connection goes: looked up once, connected to by address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Address and port.
    pub address: SocketAddr,
    /// Whether it is the camera itself. Only it sees name and password.
    pub own: bool,
}

/// An answer points to where it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the camera {camera} names {target} as its {what}: neither the camera itself nor in \
     intake.camera_networks, so it was not asked; correct the camera's network settings"
)]
pub struct Outside {
    camera: String,
    target: String,
    what: &'static str,
}

impl Fence {
    /// Looks up the camera's own hosts; those without an answer are left out.
    pub async fn around(doors: &[(String, u16)], networks: &[Network]) -> Self {
        let mut own = Vec::new();
        for (host, port) in doors {
            if let Ok(found) = lookup_host((host.as_str(), *port)).await {
                own.extend(found.map(|address| (host.clone(), address.ip())));
            }
        }
        Self::new(own, networks.to_vec())
    }

    /// From names and addresses of the camera that are known.
    pub fn new(own: Vec<(String, IpAddr)>, networks: Vec<Network>) -> Self {
        let own = own.into_iter();
        Self {
            own: own.map(|(host, ip)| (host, ip.to_canonical())).collect(),
            networks,
        }
    }

    /// Where an address leads; `what` says in a refusal what the camera named it as.
    ///
    /// # Errors
    /// Outside. A name that is not the camera's own is outside too: looking it up would already
    /// let the camera choose whom to ask.
    pub fn place(&self, url: &Url, what: &'static str) -> Result<Place, Outside> {
        let port = url.port_or_known_default().unwrap_or(RTSP_PORT);
        let host = host_of(url).unwrap_or_default();
        let found = match host.parse::<IpAddr>() {
            Ok(ip) => self.judge(ip.to_canonical()),
            Err(_) => self.named(&host).map(|ip| (ip, true)),
        };
        let (ip, own) = found.ok_or_else(|| self.outside(&host, what))?;
        let address = SocketAddr::new(ip, port);
        Ok(Place { address, own })
    }

    fn judge(&self, ip: IpAddr) -> Option<(IpAddr, bool)> {
        // Cameras behind address translation name 0.0.0.0, which is nobody: they mean themselves.
        if ip.is_unspecified() {
            return self.own.first().map(|(_, ip)| (*ip, true));
        }
        if self.own.iter().any(|(_, own)| *own == ip) {
            return Some((ip, true));
        }
        let near = self.networks.iter().any(|network| network.contains(ip));
        near.then_some((ip, false))
    }

    fn named(&self, host: &str) -> Option<IpAddr> {
        let own = self
            .own
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(host));
        own.map(|(_, ip)| *ip)
    }

    fn outside(&self, host: &str, what: &'static str) -> Outside {
        let camera = self.own.first().map_or("", |(name, _)| name);
        let readable = |text: &str| text.chars().take(TARGET_CHARS_MAX).collect();
        Outside {
            camera: readable(camera),
            target: readable(host),
            what,
        }
    }
}

/// The host of an address, without the brackets of IPv6.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?.trim_matches(['[', ']']);
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence(networks: &[&str]) -> Fence {
        let own = [
            ("camera.room", "10.1.0.20"),
            ("10.1.0.20", "10.1.0.20"),
            ("fd00::5", "fd00::5"),
        ];
        let own = own.map(|(host, ip)| (host.to_owned(), ip.parse().unwrap()));
        let networks = networks.iter().map(|text| text.parse().unwrap());
        Fence::new(own.into(), networks.collect())
    }

    /// `own`, `near` or `outside`, and the address.
    fn judged(networks: &[&str], url: &str) -> String {
        match fence(networks).place(&Url::parse(url).unwrap(), "media service") {
            Ok(place) if place.own => format!("own {}", place.address),
            Ok(place) => format!("near {}", place.address),
            Err(_) => "outside".to_owned(),
        }
    }

    /// X62: only the camera itself, and what is configured.
    #[test]
    fn an_answer_leads_to_the_camera_or_nowhere() {
        for (url, expect) in [
            ("http://10.1.0.20/onvif/media", "own 10.1.0.20:80"),
            ("http://10.1.0.20:8000/", "own 10.1.0.20:8000"),
            ("http://CAMERA.room:81/", "own 10.1.0.20:81"),
            ("rtsp://10.1.0.20/main", "own 10.1.0.20:554"),
            ("rtsp://camera.room:8554/main", "own 10.1.0.20:8554"),
            ("rtsp://[fd00::5]/main", "own [fd00::5]:554"),
            ("http://[::ffff:10.1.0.20]/", "own 10.1.0.20:80"),
            ("http://0.0.0.0:80/onvif/media", "own 10.1.0.20:80"),
            ("http://10.1.0.21/", "outside"),
            ("http://127.0.0.1/", "outside"),
            ("http://169.254.169.254/latest/meta-data", "outside"),
            ("http://hub.campus:8444/", "outside"),
            ("http://camera.room.evil.example/", "outside"),
            // The same number in other clothes.
            ("http://2130706433/", "outside"),
            ("http://0x7f.1/", "outside"),
            ("rtsp://2130706433/main", "outside"),
            ("rtsp://10.1.0.21/main", "outside"),
        ] {
            assert_eq!(judged(&[], url), expect, "{url}");
        }
    }

    #[test]
    fn a_configured_network_is_allowed_but_sees_no_password() {
        let networks = ["10.1.0.0/24"];
        assert_eq!(
            judged(&networks, "http://10.1.0.21:80/x"),
            "near 10.1.0.21:80"
        );
        assert_eq!(judged(&networks, "http://10.1.0.20/x"), "own 10.1.0.20:80");
        assert_eq!(judged(&networks, "http://10.1.1.21/x"), "outside");
        assert_eq!(judged(&networks, "http://recorder.room/x"), "outside");
    }

    #[test]
    fn a_refusal_says_who_pointed_where() {
        let url = Url::parse("http://10.9.9.9/").unwrap();
        let said = fence(&[])
            .place(&url, "media service")
            .unwrap_err()
            .to_string();
        assert!(said.starts_with("the camera camera.room names 10.9.9.9 as its media service"));
        let long = format!("http://{}.example/", "a".repeat(60));
        let url = Url::parse(&long.replace("example", &"b".repeat(60))).unwrap();
        assert!(
            fence(&[])
                .place(&url, "x")
                .unwrap_err()
                .target
                .chars()
                .count()
                <= 80
        );
    }
}
