//! “防范数据泄露风险” (第五条第3项): what in the trail somebody should look at (R117).
//!
//! A finding is a hint with its lines of the trail, never a verdict (R114).

use std::collections::BTreeMap;
use std::net::IpAddr;

const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
const SHANGHAI_MS: i64 = 8 * 60 * MINUTE_MS;

/// From when on something stands out; the school's to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Views before this minute of the day, or from the other on, are at odd hours.
    pub day_minutes: (i64, i64),
    /// More views than this within a day are many.
    pub views_a_day_max: usize,
    /// More views of one teacher than this within a week are a pursuit.
    pub teacher_a_week_max: usize,
    /// More refused attempts than this within an hour are a search.
    pub refused_an_hour_max: usize,
    /// Two addresses within so many minutes are two places.
    pub places_minutes: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            day_minutes: (7 * 60, 22 * 60),
            views_a_day_max: 60,
            teacher_a_week_max: 5,
            refused_an_hour_max: 10,
            places_minutes: 10,
        }
    }
}

/// What a line of the trail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed<P> {
    /// Watched, live or recorded; whose lesson, if it was one.
    Viewed(Option<P>),
    /// Was refused.
    Refused,
    /// Anything else.
    Other,
}

/// A line of the trail.
#[derive(Debug, Clone)]
pub struct Line<P> {
    /// Its number.
    pub seq: i64,
    /// When, milliseconds since the epoch.
    pub at_ms: i64,
    /// Who.
    pub person: P,
    /// From where.
    pub address: IpAddr,
    /// What.
    pub deed: Deed<P>,
}

/// What stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Watching at odd hours.
    OddHours,
    /// Watching very much in a day.
    Bulk,
    /// Watching one teacher again and again.
    OneTeacher,
    /// One account in two places, perhaps lent (R28).
    TwoPlaces,
    /// Many refused attempts.
    Refusals,
}

/// A hint, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<P> {
    /// What stands out.
    pub risk: Risk,
    /// About whom.
    pub person: P,
    /// The lines of the trail.
    pub lines: Vec<i64>,
}

/// What stands out in `lines`, which are in the order of time, by person.
#[must_use]
pub fn findings<P: Clone + Ord>(lines: &[Line<P>], limits: &Limits) -> Vec<Finding<P>> {
    let mut people: BTreeMap<&P, Vec<&Line<P>>> = BTreeMap::new();
    for line in lines {
        people.entry(&line.person).or_default().push(line);
    }
    let of_one = |(person, lines): (&P, Vec<&Line<P>>)| {
        let risks = risks_of(&lines, limits);
        let found = risks.into_iter().filter(|(_, lines)| !lines.is_empty());
        let finding = |(risk, lines)| Finding {
            risk,
            person: person.clone(),
            lines,
        };
        found.map(finding).collect::<Vec<_>>()
    };
    people.into_iter().flat_map(of_one).collect()
}

/// Each risk with the lines that speak for it.
fn risks_of<P: Ord>(lines: &[&Line<P>], limits: &Limits) -> Vec<(Risk, Vec<i64>)> {
    let mut views = vec![];
    let mut refused = vec![];
    let mut of_teacher: BTreeMap<&P, Vec<&Line<P>>> = BTreeMap::new();
    for line in lines {
        match &line.deed {
            Deed::Viewed(teacher) => {
                views.push(*line);
                let known = teacher.iter();
                known.for_each(|teacher| of_teacher.entry(teacher).or_default().push(line));
            }
            Deed::Refused => refused.push(*line),
            Deed::Other => {}
        }
    }
    let odd = views.iter().filter(|line| at_odd_hours(line.at_ms, limits));
    let odd = odd.map(|line| line.seq).collect();
    let bulk = crowd(&views, limits.views_a_day_max, DAY_MS);
    let mut risks = vec![(Risk::OddHours, odd), (Risk::Bulk, bulk)];
    for views in of_teacher.values() {
        let week = crowd(views, limits.teacher_a_week_max, 7 * DAY_MS);
        risks.push((Risk::OneTeacher, week));
    }
    let hour = crowd(&refused, limits.refused_an_hour_max, 60 * MINUTE_MS);
    risks.push((Risk::TwoPlaces, two_places(lines, limits)));
    risks.push((Risk::Refusals, hour));
    risks
}

fn at_odd_hours(at_ms: i64, limits: &Limits) -> bool {
    let minute = (at_ms + SHANGHAI_MS).rem_euclid(DAY_MS) / MINUTE_MS;
    let (begins, ends) = limits.day_minutes;
    !(begins..ends).contains(&minute)
}

/// The first `max + 1` lines that lie less than `within_ms` apart, if there are so many.
fn crowd<P>(lines: &[&Line<P>], max: usize, within_ms: i64) -> Vec<i64> {
    let near = |window: &&[&Line<P>]| {
        let times = window.first().zip(window.last());
        times.is_some_and(|(first, last)| last.at_ms - first.at_ms < within_ms)
    };
    let found = lines.windows(max + 1).find(near).unwrap_or_default();
    found.iter().map(|line| line.seq).collect()
}

/// The first two lines in a row from different addresses, less than some minutes apart.
fn two_places<P>(lines: &[&Line<P>], limits: &Limits) -> Vec<i64> {
    let within_ms = limits.places_minutes * MINUTE_MS;
    let apart = |pair: &&[&Line<P>]| {
        let moved = pair[0].address != pair[1].address;
        moved && pair[1].at_ms - pair[0].at_ms < within_ms
    };
    let found = lines.windows(2).find(apart).unwrap_or_default();
    found.iter().map(|line| line.seq).collect()
}

#[cfg(test)]
mod tests;
