//! Names of things that cross the wire, each with its allowed form.
//!
//! A device id and a source name end up in topics, file names and log lines, so their alphabet is
//! small and checked once, here.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Why a name was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} must be {min} to {max} characters of a-z, 0-9 and '-'")]
pub struct BadName {
    what: &'static str,
    given: String,
    min: usize,
    max: usize,
}

fn check(what: &'static str, given: &str, min: usize, max: usize) -> Result<String, BadName> {
    let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    if (min..=max).contains(&given.len()) && given.bytes().all(letter) {
        return Ok(given.to_owned());
    }
    let given = given.chars().take(64).collect();
    Err(BadName {
        what,
        given,
        min,
        max,
    })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $min:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The checked text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(given: &str) -> Result<Self, BadName> {
                check($what, given, $min, $max).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(given: String) -> Result<Self, BadName> {
                given.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A box that runs the agent: opaque, 4 to 32 characters; never a room, unit or person.
    DeviceId, "device id", 4, 32
);
name!(
    /// One camera or screen input of a box, such as `cam0`; 1 to 16 characters.
    SourceName, "source name", 1, 16
);
name!(
    /// One piece of equipment in a box's room, such as `projector`; 1 to 16 characters.
    EquipmentName, "equipment name", 1, 16
);

macro_rules! uuid {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(given: &str) -> Result<Self, uuid::Error> {
                given.parse().map(Self)
            }
        }
    };
}

uuid!(
    /// A room where lessons are held.
    ClassroomId
);
uuid!(
    /// One sealed file of a few seconds; UUIDv7, so names sort by time.
    SegmentId
);
uuid!(
    /// One push of one source's stream from a box to the hub.
    PushId
);
uuid!(
    /// One message or command; UUIDv7, the key for removing duplicates.
    MessageId
);

/// Which of a camera's two encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// The full picture: recorded, and watched enlarged.
    Main,
    /// The small picture: tiles of the patrol wall, and what is checked for covering.
    Sub,
}

impl StreamKind {
    /// The word used in JSON and URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Sub => "sub",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_ids_keep_to_their_alphabet() {
        for good in ["box1", "bxl-0007", "a-b-c-d"] {
            assert_eq!(
                good.parse::<DeviceId>().map(String::from).as_deref(),
                Ok(good)
            );
        }
        for bad in [
            "",
            "abc",
            "Box1",
            "box/1",
            "box#1",
            "box+1",
            "..-..",
            "教室一号",
            "b\0x1",
        ] {
            assert!(bad.parse::<DeviceId>().is_err(), "{bad}");
        }
        assert!("a".repeat(33).parse::<DeviceId>().is_err());
    }

    #[test]
    fn a_refused_name_says_what_is_allowed() {
        let error = "Kamera 1".parse::<SourceName>().unwrap_err();
        let text = "source name \"Kamera 1\" must be 1 to 16 characters of a-z, 0-9 and '-'";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn json_cannot_smuggle_a_bad_name() {
        assert!(serde_json::from_str::<DeviceId>("\"../../etc\"").is_err());
        assert!(serde_json::from_str::<DeviceId>("\"box-01\"").is_ok());
    }
}
