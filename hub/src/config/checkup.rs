//! `[checkup]`: the check-up before the first lesson (K8).

use serde::{Deserialize, Serialize};

/// `[checkup]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Checkup {
    /// When, on each day that has lessons: `hh:mm` in Asia/Shanghai; empty: never by the clock.
    pub at: String,
}

impl Default for Checkup {
    fn default() -> Self {
        Self { at: "07:30".into() }
    }
}

impl Checkup {
    /// The minute of the day, if there is to be one.
    #[must_use]
    pub fn minute(&self) -> Option<i64> {
        minute(&self.at)
    }

    /// The key that is wrong, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        match self.at.is_empty() || self.minute().is_some() {
            true => Ok(()),
            false => Err((
                "checkup.at",
                "must be a time of day such as \"07:30\", or empty",
            )),
        }
    }
}

fn minute(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_one() {
        assert_eq!(Checkup::default().minute(), Some(450));
        for (text, good) in [
            ("", true),
            ("00:00", true),
            ("23:59", true),
            ("24:00", false),
            ("07:60", false),
            ("7:30", false),
            ("07:30:00", false),
            ("+7:30", false),
            ("早上", false),
        ] {
            let checkup = Checkup { at: text.into() };
            assert_eq!(checkup.check().is_ok(), good, "{text}");
        }
    }
}
