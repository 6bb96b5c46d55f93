//! Ranges: which stretches of a recording were watched, short enough for a line of the trail.

use std::collections::BTreeMap;
use std::fmt;

use crate::campus::calendar;

/// Stretches closer than this are one: segments join with a little air between them.
const JOIN_US: i64 = 2_000_000;
/// More stretches than this are only counted in the text.
const SHOWN_MAX: usize = 12;

/// Watched stretches of each source, by begin, none touching another. Microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ranges(BTreeMap<String, Vec<(i64, i64)>>);

impl Ranges {
    /// Adds a stretch.
    pub fn add(&mut self, source: &str, from_us: i64, to_us: i64) {
        let stretches = self.0.entry(source.to_owned()).or_default();
        stretches.push((from_us, to_us));
        stretches.sort_unstable();
        let mut joined: Vec<(i64, i64)> = Vec::with_capacity(stretches.len());
        for &(from_us, to_us) in stretches.iter() {
            match joined.last_mut() {
                Some(last) if from_us - last.1 <= JOIN_US => last.1 = last.1.max(to_us),
                _ => joined.push((from_us, to_us)),
            }
        }
        *stretches = joined;
    }
}

/// Such as `watched cam0 08:00:00-08:05:10, 08:20:00-08:21:00` (Asia/Shanghai).
impl fmt::Display for Ranges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing watched");
        }
        f.write_str("watched")?;
        for (source, stretches) in &self.0 {
            write!(f, " {source}")?;
            for (number, &(from_us, to_us)) in stretches.iter().take(SHOWN_MAX).enumerate() {
                let comma = if number > 0 { "," } else { "" };
                write!(f, "{comma} {}-{}", time(from_us), time(to_us))?;
            }
            if stretches.len() > SHOWN_MAX {
                write!(f, " and {} more", stretches.len() - SHOWN_MAX)?;
            }
        }
        Ok(())
    }
}

fn time(at_us: i64) -> String {
    calendar::time_of_day(at_us.div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stretches: &[(i64, i64)]) -> String {
        let mut ranges = Ranges::default();
        // 2026-11-22 08:00 in Shanghai.
        let eight = 1_795_305_600;
        for (from_s, to_s) in stretches {
            ranges.add(
                "cam0",
                (eight + from_s) * 1_000_000,
                (eight + to_s) * 1_000_000,
            );
        }
        ranges.to_string()
    }

    /// R69: also where somebody jumped to.
    #[test]
    fn neighbours_join_and_jumps_stay_apart() {
        assert_eq!(of(&[]), "nothing watched");
        assert_eq!(of(&[(0, 10), (10, 20)]), "watched cam0 08:00:00-08:00:20");
        let jumped = "watched cam0 08:00:00-08:00:10, 08:20:00-08:20:20";
        assert_eq!(of(&[(1200, 1210), (0, 10), (1210, 1220), (0, 10)]), jumped);
        assert_eq!(
            of(&[(0, 10), (20, 30), (5, 25)]),
            "watched cam0 08:00:00-08:00:30"
        );
    }

    #[test]
    fn the_text_fits_a_line_of_the_trail() {
        let many: Vec<_> = (0..500).map(|n| (n * 60, n * 60 + 10)).collect();
        let text = of(&many);
        assert!(
            text.ends_with(" and 488 more") && text.chars().count() < 400,
            "{text}"
        );
    }
}
