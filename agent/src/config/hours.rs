//! Hours of the day such as `22:00-06:00`: when recordings may be sent.

use serde::Deserialize;
use std::str::FromStr;

const DAY_MINUTES: i64 = 24 * 60;
const MINUTE_MS: i64 = 60_000;
/// Asia/Shanghai has had no daylight saving time since 1991.
const SHANGHAI_MS: i64 = 8 * 3_600_000;

/// From one minute of the day up to another, in Asia/Shanghai, also across midnight. By default the
/// whole day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hours(Option<(i64, i64)>);

/// Why a text names no hours.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// Not two times of the day.
    #[error("{0:?} are no hours: write them like \"22:00-06:00\", or \"\" for always")]
    Shape(String),
    /// It ends where it begins.
    #[error("{0:?} ends where it begins: write \"\" for always")]
    Nothing(String),
}

impl Hours {
    /// Whether a moment lies within them; the last minute no longer does.
    #[must_use]
    pub fn contain(self, now_ms: i64) -> bool {
        let Some((from, until)) = self.0 else {
            return true;
        };
        let minute = now_ms.saturating_add(SHANGHAI_MS).div_euclid(MINUTE_MS);
        let minute = minute.rem_euclid(DAY_MINUTES);
        match from < until {
            true => (from..until).contains(&minute),
            false => minute >= from || minute < until,
        }
    }
}

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let times = text.split_once('-').map(|(from, until)| {
            // A day may end at 24:00, but it does not begin there.
            (minute(from, DAY_MINUTES - 1), minute(until, DAY_MINUTES))
        });
        let Some((Some(from), Some(until))) = times else {
            return Err(BadHours::Shape(text.to_owned()));
        };
        if from == until {
            return Err(BadHours::Nothing(text.to_owned()));
        }
        Ok(Self(Some((from, until))))
    }
}

impl TryFrom<String> for Hours {
    type Error = BadHours;

    fn try_from(text: String) -> Result<Self, BadHours> {
        text.parse()
    }
}

/// Minutes after midnight of a time such as `06:00`.
fn minute(text: &str, most: i64) -> Option<i64> {
    let two = |text: &str| match text.as_bytes() {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(i64::from((tens - b'0') * 10 + ones - b'0'))
        }
        _ => None,
    };
    let (hours, minutes) = text.trim().split_once(':')?;
    let minutes = two(minutes).filter(|&minutes| minutes < 60)?;
    Some(two(hours)? * 60 + minutes).filter(|&minute| minute <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23 00:00 in Asia/Shanghai.
    const MIDNIGHT_MS: i64 = 1_795_363_200_000;

    fn at(hour: i64, minute: i64) -> i64 {
        MIDNIGHT_MS + (hour * 60 + minute) * MINUTE_MS
    }

    /// X55: a night window goes across midnight, its first minute is in and its last is out.
    #[test]
    fn hours_go_across_midnight_and_have_two_ends() {
        let night: Hours = "22:00-06:00".parse().unwrap();
        for (hour, minute, within) in [
            (21, 59, false),
            (22, 0, true),
            (23, 59, true),
            (0, 0, true),
            (5, 59, true),
            (6, 0, false),
            (12, 0, false),
        ] {
            assert_eq!(night.contain(at(hour, minute)), within, "{hour}:{minute}");
        }
        assert!(!night.contain(at(22, 0) - 1) && night.contain(at(6, 0) - 1));
        let noon: Hours = "12:00-13:30".parse().unwrap();
        assert!(noon.contain(at(12, 0)) && noon.contain(at(13, 29)));
        assert!(!noon.contain(at(13, 30)) && !noon.contain(at(11, 59)) && !noon.contain(at(0, 0)));
    }

    /// Every minute of the day is in the hours or in the others, never in both.
    #[test]
    fn hours_and_their_contrary_make_a_day() {
        for from in 0..24 {
            for until in (0..24).filter(|until| *until != from) {
                let hours = |from: i64, until: i64| format!("{from:02}:00-{until:02}:00");
                let these: Hours = hours(from, until).parse().unwrap();
                let others: Hours = hours(until, from).parse().unwrap();
                for minute in 0..24 * 60 {
                    let now_ms = at(0, minute);
                    assert_ne!(these.contain(now_ms), others.contain(now_ms));
                }
            }
        }
    }

    #[test]
    fn without_hours_it_is_always_time() {
        let whole: Hours = "00:00-24:00".parse().unwrap();
        for minute in [0, 1, 719, 1439] {
            assert!(Hours::default().contain(at(0, minute)) && whole.contain(at(0, minute)));
        }
        assert_eq!("".parse(), Ok(Hours::default()));
        assert!(Hours::default().contain(i64::MIN) && Hours::default().contain(i64::MAX));
    }

    #[test]
    fn what_names_no_hours_is_refused() {
        for text in [
            "22-6",
            "22:00",
            "22:60-23:00",
            "24:00-06:00",
            "22:00-24:01",
            "2:00-06:00",
            "a",
            "-",
            "22:00-06:00-07:00",
            "+1:00-02:00",
        ] {
            assert_eq!(text.parse::<Hours>(), Err(BadHours::Shape(text.into())));
        }
        assert_eq!(
            "06:00-06:00".parse::<Hours>(),
            Err(BadHours::Nothing("06:00-06:00".into()))
        );
    }
}
