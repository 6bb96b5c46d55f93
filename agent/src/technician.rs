//! Technician: what somebody with a new camera in front of him asks from the command line.
//!
//! These processes read no identity and hold no keys, as a camera's worker.

mod asked;
mod visits;

pub use asked::Asked;
pub use visits::{Told, aimed, surveyed};

use crate::camera::onvif::discovery::{Found, discover};
use crate::camera::onvif::probe::{Findings, probe};
use crate::camera::usb::listing::{Listed, plugged_in};
use crate::config::Network;
use anyhow::Result;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

/// The first is the one that is recorded.
const MODES_MAX: usize = 12;

/// How to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// Chinese, for people.
    Chinese,
    /// English, for people.
    English,
    /// JSON, for machines.
    Json,
}

impl Speech {
    /// Chinese first: English only where it is asked for, by `--lang` or by the locale.
    pub fn of(json: bool, lang: Option<&str>, locale: &str) -> Self {
        match (json, lang) {
            (true, _) => Self::Json,
            (false, Some("en")) => Self::English,
            (false, None) if locale.starts_with("en") => Self::English,
            _ => Self::Chinese,
        }
    }

    fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::English => en,
            _ => zh,
        }
    }
}

/// One camera, as a text.
///
/// # Errors
/// It cannot be asked.
pub async fn probed(
    url: &str,
    known: Option<(String, String)>,
    networks: &[Network],
    speech: Speech,
) -> Result<String> {
    let found = probe(url, known, networks).await?;
    Ok(told(&found, speech))
}

fn told(found: &Findings, speech: Speech) -> String {
    match speech {
        Speech::Json => probed_json(found),
        speech => probed_text(found, speech),
    }
}

fn probed_json(found: &Findings) -> String {
    let facts = found
        .lines
        .iter()
        .map(|line| (line.key.to_owned(), line.value.clone()));
    let mut whole: Map<String, Value> = facts.collect();
    let advice = found
        .advice
        .iter()
        .map(|one| json!({"zh": one.zh, "en": one.en}));
    let streams: Vec<_> = found.streams.iter().map(|stream| stream.json()).collect();
    whole.insert("profiles".into(), streams.into());
    whole.insert("events".into(), json!(found.topics));
    whole.insert("troubles".into(), json!(found.troubles));
    whole.insert("advice".into(), advice.collect::<Vec<_>>().into());
    Value::Object(whole).to_string() + "\n"
}

fn probed_text(found: &Findings, speech: Speech) -> String {
    let mut text = String::new();
    for line in &found.lines {
        let value = match &line.value {
            Value::String(value) => value.clone(),
            Value::Null => "-".to_owned(),
            Value::Bool(value) => speech.pick(yes_zh(*value), yes_en(*value)).to_owned(),
            value => value.to_string(),
        };
        let _ = writeln!(text, "{}: {value}", speech.pick(line.zh, line.en));
    }
    let streams: Vec<_> = found.streams.iter().map(|stream| stream.text()).collect();
    let advice: Vec<_> = found
        .advice
        .iter()
        .map(|one| speech.pick(&one.zh, &one.en))
        .collect();
    list(&mut text, speech.pick("码流", "streams"), &streams);
    list(
        &mut text,
        speech.pick("可报告的事件", "events it offers"),
        &found.topics,
    );
    list(
        &mut text,
        speech.pick("未能查询", "could not be asked"),
        &found.troubles,
    );
    list(&mut text, speech.pick("建议", "advice"), &advice);
    text
}

fn yes_zh(yes: bool) -> &'static str {
    if yes { "是" } else { "否" }
}

fn yes_en(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn list<T: AsRef<str>>(text: &mut String, title: &str, items: &[T]) {
    if !items.is_empty() {
        let _ = writeln!(text, "{title}:");
    }
    for item in items {
        let _ = writeln!(text, "  {}", item.as_ref());
    }
}

/// The cameras that are plugged in and those that answer a call, as a text.
///
/// # Errors
/// The network cannot be called.
pub async fn discovered(networks: &[Network], longest: Duration, speech: Speech) -> Result<String> {
    let plugged = tokio::task::spawn_blocking(plugged_in).await?;
    let found = discover(networks, longest).await?;
    Ok(match speech {
        Speech::Json => discovered_json(&found, &plugged),
        speech => discovered_text(&found, &plugged, speech),
    })
}

fn discovered_json(found: &BTreeMap<IpAddr, Found>, plugged: &[Listed]) -> String {
    let one = |(address, found): (&IpAddr, &Found)| {
        json!({"address": address, "urls": found.urls, "name": found.name,
               "hardware": found.hardware, "refused": found.refused})
    };
    let cameras: Vec<_> = found.iter().map(one).collect();
    let usb = |one: &Listed| {
        json!({"name": one.name, "bus": one.bus, "device": one.node, "links": one.links,
               "modes": one.modes, "trouble": one.trouble})
    };
    let plugged: Vec<_> = plugged.iter().map(usb).collect();
    json!({"cameras": cameras, "usb": plugged}).to_string() + "\n"
}

/// As it is written into `agent.toml`, then what it offers.
fn plugged_text(one: &Listed) -> String {
    let device = one.links.first().unwrap_or(&one.node);
    let mut text = format!("{}  {}  {}\n", one.name, one.bus, one.node.display());
    let _ = writeln!(text, "  device = \"{}\"", device.display());
    for line in one.links.iter().skip(1) {
        let _ = writeln!(text, "  {}", line.display());
    }
    let lines = one.modes.iter().take(MODES_MAX).chain(&one.trouble);
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn discovered_text(found: &BTreeMap<IpAddr, Found>, plugged: &[Listed], speech: Speech) -> String {
    let mut text: String = plugged.iter().map(plugged_text).collect();
    for (address, one) in found {
        let _ = writeln!(text, "{address}  {}  {}", one.name, one.hardware);
        let lines: Vec<_> = one.urls.iter().chain(&one.refused).collect();
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    if found.is_empty() {
        text += speech.pick(
            "没有摄像机应答：请确认在同一网络，或用 --network 192.168.10.0/24 逐个询问\n",
            "no camera answers: be in its network, or call each with --network 192.168.10.0/24\n",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_comes_first() {
        for (json, lang, locale, expect) in [
            (false, None, "", Speech::Chinese),
            (false, None, "C.UTF-8", Speech::Chinese),
            (false, None, "en_GB.UTF-8", Speech::English),
            (false, Some("zh"), "en_GB.UTF-8", Speech::Chinese),
            (false, Some("en"), "zh_CN.UTF-8", Speech::English),
            (true, Some("en"), "", Speech::Json),
        ] {
            assert_eq!(Speech::of(json, lang, locale), expect, "{lang:?} {locale}");
        }
    }

    #[test]
    fn nobody_is_told_with_what_to_do() {
        let none = BTreeMap::new();
        assert!(discovered_text(&none, &[], Speech::Chinese).contains("--network"));
        assert_eq!(discovered_json(&none, &[]), "{\"cameras\":[],\"usb\":[]}\n");
    }

    /// Issue: `camera discover` lists what is plugged in, with the link that stays.
    #[test]
    fn what_is_plugged_in_is_told_as_it_is_configured() {
        let by_path = "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:2:1.0-video-index0";
        let one = Listed {
            name: "HD Pro Webcam C920".into(),
            bus: "1-2:1.0".into(),
            node: "/dev/video0".into(),
            links: vec![by_path.into(), "/dev/v4l/by-id/usb-046d_C920".into()],
            modes: vec!["H.264 1920x1080 @ 24".into(); 40],
            trouble: None,
        };
        let text = discovered_text(&BTreeMap::new(), &[one], Speech::English);
        assert!(text.contains(&format!("device = \"{by_path}\"")), "{text}");
        assert!(text.contains("C920  1-2:1.0  /dev/video0"), "{text}");
        assert_eq!(text.matches("H.264").count(), MODES_MAX, "{text}");
    }
}
