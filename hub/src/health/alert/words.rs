//! Words: an alert as a message that leaves the hub. Numbers, codes, rooms and times (X67).

use std::collections::{BTreeMap, BTreeSet};

use xunke_policy::alert::book::Alert;
use xunke_policy::alert::facts::BOX;
use xunke_policy::alert::group::Part;
use xunke_policy::alert::notify::Word;
use xunke_policy::fault::{self, FLAPPING, Severity};

use crate::health::channel::message::{About, Message};

/// Where somebody looks first.
const LINK: &str = "/#/alerts";

/// The word in the store and on the wire.
#[must_use]
pub fn name(word: Word) -> &'static str {
    match word {
        Word::Raised => "raised",
        Word::Repeated => "repeated",
        Word::Escalated(_) => "escalated",
        Word::Resolved => "resolved",
    }
}

/// What an alert is called, in Chinese and in English.
#[must_use]
pub fn title(code: &str, flaps: &str) -> (String, String) {
    let of = |code: &str| {
        let kind = fault::kind(code).map(|kind| &kind.title);
        kind.map_or_else(
            || (code.to_owned(), code.to_owned()),
            |title| (title.zh.clone(), title.en.clone()),
        )
    };
    let (zh, en) = of(code);
    match flaps {
        "" => (zh, en),
        flaps => {
            let (what_zh, what_en) = of(flaps);
            (format!("{zh}：{what_zh}"), format!("{en}: {what_en}"))
        }
    }
}

/// A word about an alert. `rooms` are the names of the rooms of boxes.
#[must_use]
pub fn message(
    number: &str,
    alert: &Alert,
    word: Word,
    rooms: &BTreeMap<String, String>,
) -> Message {
    let parts: Vec<&Part> = match word {
        Word::Resolved => alert.parts.keys().collect(),
        _ => alert.wrong_parts().collect(),
    };
    let names = parts.iter().filter_map(|part| rooms.get(&part.device));
    let names: BTreeSet<&String> = names.collect();
    let component = match parts[..] {
        [part] if part.component != BOX => part.component.clone(),
        _ => String::new(),
    };
    let subject = &alert.subject;
    let (title_zh, title_en) = title(&subject.code, &subject.flaps);
    let severity = alert.told.map_or(alert.severity, |told| told.severity);
    Message {
        about: match word {
            Word::Raised if subject.code == FLAPPING => About::Summary,
            Word::Raised => About::Raised,
            Word::Repeated => About::Repeated,
            Word::Escalated(_) => About::Escalated,
            Word::Resolved => About::Resolved,
        },
        number: number.to_owned(),
        severity,
        code: subject.code.clone(),
        title_zh,
        title_en,
        rooms: names.into_iter().cloned().collect(),
        component,
        since_ms: alert.opened_ms,
        count: u32::try_from(parts.len()).unwrap_or(u32::MAX),
        link: LINK.to_owned(),
    }
}

/// The summary of the day: what was told and is not over; `None` when nothing is.
#[must_use]
pub fn digest(told: &[&Alert], rooms: &BTreeMap<String, String>) -> Option<Message> {
    let severity: Severity = told.iter().map(|alert| alert.severity).max()?;
    let parts = told.iter().flat_map(|alert| alert.wrong_parts());
    let names: BTreeSet<&String> = parts.filter_map(|part| rooms.get(&part.device)).collect();
    let (count, since_ms) = (told.len(), told.iter().map(|alert| alert.opened_ms).min()?);
    Some(Message {
        about: About::Summary,
        number: String::new(),
        severity,
        code: String::new(),
        title_zh: format!("今日未恢复的告警 {count} 条"),
        title_en: format!("{count} alerts are not over today"),
        rooms: names.into_iter().cloned().collect(),
        component: String::new(),
        since_ms,
        count: u32::try_from(count).unwrap_or(u32::MAX),
        link: LINK.to_owned(),
    })
}
