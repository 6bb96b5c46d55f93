//! Which versions of this protocol understand each other.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The version that this build speaks.
pub const CURRENT: Version = Version { major: 1, minor: 0 };

/// `major.minor`: another major is another topic tree; a minor only adds fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    /// Equals the second level of every topic.
    pub major: u16,
    /// Raised when fields are added; receivers ignore fields they do not know.
    pub minor: u16,
}

impl Version {
    /// A receiver reads every minor of its own major, older and newer.
    pub fn readable(self) -> bool {
        self.major == CURRENT.major
    }
}

/// The text was not `major.minor`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("protocol version must be two numbers with a dot, such as 1.0")]
pub struct BadVersion;

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        let (major, minor) = text.split_once('.').ok_or(BadVersion)?;
        let number = |part: &str| part.parse().map_err(|_| BadVersion);
        Ok(Self {
            major: number(major)?,
            minor: number(minor)?,
        })
    }
}

impl TryFrom<String> for Version {
    type Error = BadVersion;

    fn try_from(text: String) -> Result<Self, BadVersion> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_are_readable_and_majors_are_not() {
        assert!("1.99".parse::<Version>().unwrap().readable());
        assert!(!"2.0".parse::<Version>().unwrap().readable());
        for bad in ["", "1", "1.", ".0", "1.0.0", "one.two", "-1.0"] {
            assert_eq!(bad.parse::<Version>(), Err(BadVersion), "{bad}");
        }
    }
}
