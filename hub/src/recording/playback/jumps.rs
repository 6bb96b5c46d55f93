//! Jumps: where a viewer moved on the timeline, short enough for a line of the trail (R69).

use std::fmt;

use crate::campus::calendar;

/// More jumps than this are only counted.
const SHOWN_MAX: usize = 12;

/// From where to where, milliseconds since the epoch, in the order they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Jumps {
    shown: Vec<(i64, i64)>,
    more: u64,
}

impl Jumps {
    /// Adds one.
    pub fn add(&mut self, from_ms: i64, to_ms: i64) {
        if self.shown.len() < SHOWN_MAX {
            self.shown.push((from_ms, to_ms));
        } else {
            self.more += 1;
        }
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }
}

/// Such as `08:00:00-08:05:10, 08:20:00-08:01:00 and 3 more` (Asia/Shanghai).
impl fmt::Display for Jumps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, &(from_ms, to_ms)) in self.shown.iter().enumerate() {
            let comma = if number > 0 { ", " } else { "" };
            let (from, to) = (calendar::time_of_day(from_ms), calendar::time_of_day(to_ms));
            write!(f, "{comma}{from}-{to}")?;
        }
        if self.more > 0 {
            write!(f, " and {} more", self.more)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R69: the first twelve, and how many others; no more is kept than that.
    #[test]
    fn jumps_fit_a_line_of_the_trail() {
        // 2026-11-22 08:00 in Shanghai.
        let eight = 1_795_305_600_000;
        let mut jumps = Jumps::default();
        assert!(jumps.is_empty());
        jumps.add(eight, eight + 1_200_000);
        jumps.add(eight + 1_260_000, eight);
        assert_eq!(jumps.to_string(), "08:00:00-08:20:00, 08:21:00-08:00:00");
        for _ in 0..1_000_000 {
            jumps.add(eight, eight + 1);
        }
        let text = jumps.to_string();
        assert!(text.ends_with(" and 999990 more") && text.chars().count() < 300);
        assert_eq!(jumps.shown.capacity().max(16), 16);
    }
}
