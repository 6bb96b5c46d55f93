//! The on-air light of the room: a file that is written, an address that is called, or both.

use serde::Deserialize;
use std::net::IpAddr;
use std::path::PathBuf;
use url::{Host, Url};

/// Longest value for a file.
const VALUE_CHARACTERS_MAX: usize = 32;

type Wrong = (&'static str, &'static str);

/// What the light shows in which state; without `file` and addresses there is none.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Light {
    /// Written at each change, such as `/sys/class/leds/onair/brightness`.
    pub file: Option<PathBuf>,
    /// What is written while nothing is recorded and nobody watches.
    pub file_idle: String,
    /// While the room is recorded.
    pub file_recording: String,
    /// While a picture is sent to somebody who watches.
    pub file_watched: String,
    /// The same as addresses on the local network that are called by `GET`.
    pub url_idle: Option<String>,
    /// See `url_idle`.
    pub url_recording: Option<String>,
    /// See `url_idle`.
    pub url_watched: Option<String>,
    /// Whether a picture is sent while the light cannot be lit.
    pub push_without: bool,
}

impl Default for Light {
    fn default() -> Self {
        Self {
            file: None,
            file_idle: "0".into(),
            file_recording: "1".into(),
            file_watched: "1".into(),
            url_idle: None,
            url_recording: None,
            url_watched: None,
            push_without: true,
        }
    }
}

impl Light {
    /// Whether the room has one.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.file.is_some() || self.url_watched.is_some()
    }

    /// What is written: idle, recording, watched.
    #[must_use]
    pub fn values(&self) -> [&str; 3] {
        [&self.file_idle, &self.file_recording, &self.file_watched]
    }

    /// What is called, in the same order.
    #[must_use]
    pub fn urls(&self) -> Option<[&str; 3]> {
        let [idle, recording, watched] = self.keyed().map(|(_, url)| url);
        Some([idle?, recording?, watched?])
    }

    /// Whether it can stand in a configuration: what somebody who is watched sees is never what it
    /// shows when nothing goes on.
    ///
    /// # Errors
    /// The key, and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), Wrong> {
        if self.file.as_ref().is_some_and(|file| !file.is_absolute()) {
            return Err(("file", "must be an absolute path"));
        }
        let keys = ["file_idle", "file_recording", "file_watched"];
        for (key, value) in keys.into_iter().zip(self.values()) {
            let short = (1..=VALUE_CHARACTERS_MAX).contains(&value.len());
            if !short || !value.bytes().all(|letter| letter.is_ascii_graphic()) {
                return Err((key, "must be 1 to 32 plain letters without a space"));
            }
        }
        if self.file_watched == self.file_idle {
            let why = "must not be what file_idle is: a light never says off while it is watched";
            return Err(("file_watched", why));
        }
        self.check_urls()
    }

    fn check_urls(&self) -> Result<(), Wrong> {
        let keyed = self.keyed();
        if keyed.iter().all(|(_, url)| url.is_none()) {
            return Ok(());
        }
        for (key, url) in keyed {
            let why = "is missing: url_idle, url_recording and url_watched belong together";
            check_url(url.ok_or((key, why))?).map_err(|why| (key, why))?;
        }
        if self.url_watched == self.url_idle {
            let why = "must not be what url_idle is: a light never says off while it is watched";
            return Err(("url_watched", why));
        }
        Ok(())
    }

    fn keyed(&self) -> [(&'static str, Option<&str>); 3] {
        [
            ("url_idle", self.url_idle.as_deref()),
            ("url_recording", self.url_recording.as_deref()),
            ("url_watched", self.url_watched.as_deref()),
        ]
    }
}

/// An address of the room's own network: what is recorded there concerns nobody else.
fn check_url(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).map_err(|_| "is no address")?;
    if url.scheme() != "http" {
        return Err("must begin with http://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not carry a password");
    }
    let near = match url.host() {
        Some(Host::Ipv4(address)) => is_near(address.into()),
        Some(Host::Ipv6(address)) => is_near(address.into()),
        _ => false,
    };
    near.then_some(())
        .ok_or("must name an address of the local network, such as http://192.168.10.40/on")
}

fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(change: impl FnOnce(&mut Light)) -> Option<(&'static str, &'static str)> {
        let mut light = Light::default();
        change(&mut light);
        light.check().err()
    }

    #[test]
    fn a_light_never_shows_the_same_when_watched_as_when_idle() {
        assert_eq!(Light::default().check(), Ok(()));
        assert!(!Light::default().is_there());
        let key = |found: Option<(&'static str, _)>| found.map(|(key, _)| key);
        let value = |text: &str| key(wrong(|light| light.file_watched = text.into()));
        assert_eq!(value("255"), None);
        for text in ["0", "", "on air", "灯", &"1".repeat(33)] {
            assert_eq!(value(text), Some("file_watched"), "{text}");
        }
        let relative = wrong(|light| light.file = Some("led".into()));
        assert_eq!(key(relative), Some("file"));
    }

    #[test]
    fn addresses_are_three_of_the_local_network() {
        let urls = |idle: &str, recording: &str, watched: &str| {
            wrong(|light| {
                light.url_idle = Some(idle.into());
                light.url_recording = Some(recording.into());
                light.url_watched = Some(watched.into());
            })
        };
        let (off, on) = ("http://192.168.10.40/off", "http://192.168.10.40/on?a=1");
        assert_eq!(urls(off, on, on), None);
        assert_eq!(urls("http://[fd00::7]/off", on, on), None);
        assert_eq!(urls(off, on, off).unwrap().0, "url_watched");
        for far in [
            "http://8.8.8.8/on",
            "http://light.local/on",
            "https://10.0.0.1/on",
            "http://a:b@10.0.0.1/on",
            "http://[::ffff:8.8.8.8]/on",
            "10.0.0.1",
        ] {
            assert_eq!(
                urls(off, far, on).map(|(key, _)| key),
                Some("url_recording")
            );
        }
        let one = wrong(|light| light.url_idle = Some(off.into())).unwrap();
        assert_eq!(one.0, "url_recording");
    }
}
