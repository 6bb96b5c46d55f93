//! A message about faults, as it leaves the hub: numbers, codes, names of rooms and times. There is
//! no place in it for a person, a picture, a course or a class (第十一条, X67).

use serde::{Deserialize, Serialize};
use xunke_policy::fault::Severity;

/// Rooms that a message names; more are counted.
pub const ROOMS_MAX: usize = 500;
/// Characters of a title, of a room's name and of a component.
const WORDS_MAX: usize = 60;
/// Characters of a number: two of them and a dash.
const NUMBER_MAX: usize = 24;
const CODE_MAX: usize = 40;
const LINK_MAX: usize = 200;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Something is wrong.
    Raised,
    /// It still is.
    Repeated,
    /// Nobody has acknowledged it in time.
    Escalated,
    /// It is over.
    Resolved,
    /// Several messages as one.
    Summary,
    /// Nothing is wrong: the channel works.
    DeadMan,
    /// Somebody has pressed the button.
    Test,
}

impl About {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Repeated => "repeated",
            Self::Escalated => "escalated",
            Self::Resolved => "resolved",
            Self::Summary => "summary",
            Self::DeadMan => "dead_man",
            Self::Test => "test",
        }
    }
}

/// A message about faults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What it is about.
    pub about: About,
    /// Such as `GJ-00001`; empty for what has none.
    pub number: String,
    /// How bad.
    #[serde(with = "severity")]
    pub severity: Severity,
    /// Of the catalogue of faults.
    pub code: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// The same in English.
    pub title_en: String,
    /// Names of the rooms.
    pub rooms: Vec<String>,
    /// Which part; empty when it is the whole.
    pub component: String,
    /// Since when, milliseconds since the epoch.
    pub since_ms: i64,
    /// How many there are of it.
    pub count: u32,
    /// Where to look, a path on the hub.
    pub link: String,
}

impl Message {
    /// The same within the limits: a message is rather cut than not sent. Without control
    /// characters, which could end a header or a line; a link that leads elsewhere leads home.
    #[must_use]
    pub fn trimmed(&self) -> Self {
        let home = !self.link.starts_with('/') || self.link.starts_with("//");
        Self {
            about: self.about,
            number: plain(&self.number, NUMBER_MAX),
            severity: self.severity,
            code: plain(&self.code, CODE_MAX),
            title_zh: plain(&self.title_zh, WORDS_MAX),
            title_en: plain(&self.title_en, 2 * WORDS_MAX),
            rooms: self
                .rooms
                .iter()
                .take(ROOMS_MAX)
                .map(|room| plain(room, WORDS_MAX))
                .collect(),
            component: plain(&self.component, WORDS_MAX),
            since_ms: self.since_ms,
            count: self.count,
            link: match home {
                true => "/".into(),
                false => plain(&self.link, LINK_MAX),
            },
        }
    }
}

fn plain(text: &str, characters_max: usize) -> String {
    let text = text.trim().chars();
    let text = text.map(|c| if c.is_control() { ' ' } else { c });
    text.take(characters_max).collect()
}

/// The severity as its name.
mod severity {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Severity;

    pub fn serialize<S: Serializer>(severity: &Severity, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(severity.name())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Severity, D::Error> {
        let name = String::deserialize(from)?;
        Severity::named(&name).ok_or_else(|| D::Error::custom("no severity"))
    }
}

/// A message for tests.
#[cfg(test)]
pub(super) fn example(about: About) -> Message {
    Message {
        about,
        number: "GJ-00001".into(),
        severity: Severity::Critical,
        code: "CAM_NO_SIGNAL".into(),
        title_zh: "摄像机无信号".into(),
        title_en: "No signal from the camera".into(),
        rooms: vec!["A101".into(), "A102".into()],
        component: "cam0".into(),
        since_ms: 1_795_000_000_000,
        count: 2,
        link: "/#/faults".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_message_reads_as_it_was() {
        for about in [About::Raised, About::DeadMan, About::Summary] {
            let message = example(about);
            let text = serde_json::to_string(&message).unwrap();
            assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message);
            assert!(
                text.contains(&format!("\"about\":\"{}\"", about.word())),
                "{text}"
            );
        }
        let wrong = serde_json::to_string(&example(About::Raised)).unwrap();
        let wrong = wrong.replace("critical", "terrible");
        assert!(serde_json::from_str::<Message>(&wrong).is_err());
    }

    /// A name with a line break cannot add a header or a line, and no link leads elsewhere.
    #[test]
    fn what_is_too_long_or_strange_is_cut() {
        let message = Message {
            number: "1".repeat(99),
            rooms: vec!["A101\r\nBcc: x@example.com".into(); ROOMS_MAX + 1],
            title_zh: "长".repeat(99),
            link: "//evil.example/".into(),
            ..example(About::Raised)
        };
        let trimmed = message.trimmed();
        assert_eq!(trimmed.number.len(), NUMBER_MAX);
        assert_eq!(trimmed.title_zh.chars().count(), WORDS_MAX);
        assert_eq!(trimmed.rooms.len(), ROOMS_MAX);
        assert_eq!(trimmed.rooms[0], "A101  Bcc: x@example.com");
        assert_eq!(trimmed.link, "/");
        let elsewhere = Message {
            link: "https://evil.example/".into(),
            ..example(About::Raised)
        };
        assert_eq!(elsewhere.trimmed().link, "/");
        assert_eq!(example(About::Test).trimmed(), example(About::Test));
    }
}
