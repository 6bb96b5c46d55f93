//! All that a technician needs to know of one camera, asked once. Never a picture.

use super::Error;
use super::advice::{self, Advice};
use super::answer::Profile;
use super::device::Device;
use super::fence::Fence;
use super::security::Credentials;
use crate::clock;
use crate::config::Network;
use serde_json::{Value, json};
use url::Url;

/// Where cameras have their device service unless they say otherwise.
const PATH: &str = "/onvif/device_service";

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// Lines of name and value, in two languages and one for machines.
    pub lines: Vec<Line>,
    /// Its streams.
    pub streams: Vec<Stream>,
    /// Topics of the events that it offers.
    pub topics: Vec<String>,
    /// What could not be asked, and why.
    pub troubles: Vec<String>,
    /// What to do.
    pub advice: Vec<Advice>,
    /// The camera was asked for a picture and sent none.
    pub failed: bool,
}

/// One fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Name for machines.
    pub key: &'static str,
    /// For people.
    pub zh: &'static str,
    /// For people.
    pub en: &'static str,
    /// What it is.
    pub value: Value,
}

/// One profile.
#[derive(Debug, Clone, PartialEq)]
pub struct Stream {
    profile: Profile,
    /// Without name and password.
    url: Option<String>,
}

impl Stream {
    /// For machines.
    pub fn json(&self) -> Value {
        let video = self.profile.video.as_ref();
        json!({
            "name": self.profile.name,
            "codec": video.map(|video| &video.codec),
            "width": video.map(|video| video.width),
            "height": video.map(|video| video.height),
            "frames_per_second": video.and_then(|video| video.frames_per_second),
            "gop_frames": video.and_then(|video| video.gop_frames),
            "kbit_per_second": video.and_then(|video| video.kbit_per_second),
            "audio": self.profile.audio,
            "url": self.url,
        })
    }

    /// For people: `main: H264 1920×1080, 25/s, GOP 50, 4096 kbit/s, AAC, rtsp://…`
    pub fn text(&self) -> String {
        let Some(video) = &self.profile.video else {
            return format!("{}: -", self.profile.name);
        };
        let mut parts = vec![format!("{} {}×{}", video.codec, video.width, video.height)];
        parts.extend(video.frames_per_second.map(|rate| format!("{rate}/s")));
        parts.extend(video.gop_frames.map(|frames| format!("GOP {frames}")));
        parts.extend(video.kbit_per_second.map(|rate| format!("{rate} kbit/s")));
        parts.extend(self.profile.audio.clone());
        parts.extend(self.url.clone());
        format!("{}: {}", self.profile.name, parts.join(", "))
    }
}

/// Asks a camera everything.
///
/// # Errors
/// It could not be asked at all.
pub async fn probe(
    url: &str,
    known: Option<Credentials>,
    networks: &[Network],
) -> Result<Findings, Error> {
    let url = complete(url)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let doors = [(host.to_owned(), url.port_or_known_default().unwrap_or(80))];
    let fence = Fence::around(&doors, networks).await;
    let mut device = Device::open(url.as_str(), fence.clone(), known).await?;
    let mut found = Findings::default();
    found.fact("address", "地址", "address", json!(url.as_str()));
    found.fact("tls", "加密传输", "TLS", json!(false));
    found.fact(
        "clock_skew_ms",
        "时钟偏差（毫秒）",
        "clock skew (ms)",
        json!(device.skew_ms),
    );
    found
        .advice
        .extend(advice::clock(device.skew_ms, clock::now_ms()));
    found.ask_who(&mut device).await;
    found.ask_streams(&mut device).await;
    found.ask_events(&mut device).await;
    let open = is_open(&url, fence).await;
    let way = match (open, device.asks_for_digest()) {
        (true, _) => "none",
        (false, true) => "http-digest",
        (false, false) => "ws-security",
    };
    found.fact("authentication", "身份认证", "authentication", json!(way));
    found.advice.extend(advice::authentication(open));
    Ok(found)
}

/// An address without a path gets the usual one.
fn complete(text: &str) -> Result<Url, Error> {
    let wrong = || Error::address(text);
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    let named = !url.username().is_empty() || url.password().is_some();
    if url.scheme() != "http" || url.host_str().is_none() || named {
        return Err(wrong());
    }
    if url.path() == "/" {
        url.set_path(PATH);
    }
    Ok(url)
}

/// Whether it tells a stranger what it shows.
async fn is_open(url: &Url, fence: Fence) -> bool {
    match Device::open(url.as_str(), fence, None).await {
        Ok(mut stranger) => stranger.profiles().await.is_ok(),
        Err(_) => false,
    }
}

impl Findings {
    /// Adds a fact.
    pub fn fact(&mut self, key: &'static str, zh: &'static str, en: &'static str, value: Value) {
        self.lines.push(Line { key, zh, en, value });
    }

    fn trouble(&mut self, error: &Error) {
        let text = error.to_string();
        if !self.troubles.contains(&text) {
            self.troubles.push(text);
        }
    }

    async fn ask_who(&mut self, device: &mut Device) {
        match device.information().await {
            Ok(told) => {
                self.fact(
                    "manufacturer",
                    "厂商",
                    "manufacturer",
                    json!(told.manufacturer),
                );
                self.fact("model", "型号", "model", json!(told.model));
                self.fact("firmware", "固件", "firmware", json!(told.firmware));
                self.fact("serial", "序列号", "serial number", json!(told.serial));
            }
            Err(error) => self.trouble(&error),
        }
    }

    async fn ask_streams(&mut self, device: &mut Device) {
        let profiles = match device.profiles().await {
            Ok(profiles) => profiles,
            Err(error) => return self.trouble(&error),
        };
        self.advice.extend(advice::streams(&profiles));
        for profile in profiles {
            let url = match device.stream(&profile).await {
                Ok((url, _)) => Some(url),
                Err(error) => {
                    self.trouble(&error);
                    None
                }
            };
            self.streams.push(Stream { profile, url });
        }
    }

    async fn ask_events(&mut self, device: &mut Device) {
        match device.topics().await {
            Ok(topics) => {
                self.advice.extend(advice::events(&topics));
                self.topics = topics;
            }
            Err(error) => self.trouble(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_path_gets_the_usual_one() {
        let whole = |text| complete(text).map(String::from).ok();
        let usual = Some("http://10.0.0.2/onvif/device_service".to_owned());
        assert_eq!(whole("http://10.0.0.2"), usual);
        assert_eq!(
            whole("http://10.0.0.2:8000/odd").as_deref(),
            Some("http://10.0.0.2:8000/odd")
        );
        for bad in [
            "10.0.0.2",
            "https://10.0.0.2/",
            "http://a:b@10.0.0.2/",
            "file:///x",
            "",
        ] {
            assert_eq!(whole(bad), None, "{bad}");
        }
    }
}
