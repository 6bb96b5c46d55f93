//! “防范数据泄露风险” (第五条第3项): what in the trail somebody should look at (R117).
//!
//! A finding is a hint with its lines of the trail, never a verdict (R114). Lines are seen one by
//! one, in the order of time; of each person only what may still count is remembered.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use crate::institution::RiskLimits;

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// How far back a line may still count.
pub const LOOK_BACK_MS: i64 = 7 * DAY_MS;
const SHANGHAI_MS: i64 = 8 * HOUR_MS;

/// What a line of the trail is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed<P> {
    /// Watched, live or recorded; whose lesson, if it was one.
    Viewed(Option<P>),
    /// Was refused.
    Refused,
    /// Signed in from an address never used before, by somebody who had used others.
    NewAddress,
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
    /// Signing in from a new address.
    NewAddress,
}

impl Risk {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::OddHours => "odd_hours",
            Self::Bulk => "bulk",
            Self::OneTeacher => "one_teacher",
            Self::TwoPlaces => "two_places",
            Self::Refusals => "refusals",
            Self::NewAddress => "new_address",
        }
    }
}

/// A hint, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<P> {
    /// What stands out.
    pub risk: Risk,
    /// About whom.
    pub person: P,
    /// Whose lessons, where it is about one teacher.
    pub teacher: Option<P>,
    /// The lines of the trail; of something that goes on, only the new one.
    pub lines: Vec<i64>,
}

/// Watches the trail.
#[derive(Debug)]
pub struct Watch<P> {
    limits: RiskLimits,
    people: BTreeMap<P, Recent<P>>,
}

/// What of a person may still count.
#[derive(Debug)]
struct Recent<P> {
    last: (i64, i64, IpAddr),
    views: Crowd,
    refused: Crowd,
    of_teacher: BTreeMap<P, Crowd>,
}

impl<P: Clone + Ord> Watch<P> {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(limits: RiskLimits) -> Self {
        let people = BTreeMap::new();
        Self { limits, people }
    }

    /// What stands out with this line.
    pub fn see(&mut self, line: &Line<P>) -> Vec<Finding<P>> {
        let (limits, at) = (self.limits, (line.seq, line.at_ms));
        let known = self.people.get(&line.person).map(|recent| recent.last);
        let recent = self.people.entry(line.person.clone());
        let recent = recent.or_insert_with(|| Recent::new(line, &limits));
        recent.last = (line.seq, line.at_ms, line.address);
        let places = known.map(|before| two_places(before, line, &limits));
        let mut found = vec![(Risk::TwoPlaces, None, places.unwrap_or_default())];
        match &line.deed {
            Deed::Viewed(teacher) => {
                let odd = at_odd_hours(line.at_ms, &limits).then_some(line.seq);
                found.push((Risk::OddHours, None, odd.into_iter().collect()));
                found.push((Risk::Bulk, None, recent.views.see(at, DAY_MS)));
                if let Some(teacher) = teacher {
                    let crowd = recent.of_teacher.entry(teacher.clone());
                    let crowd = crowd.or_insert_with(|| Crowd::new(limits.teacher_a_week_max));
                    let lines = crowd.see(at, LOOK_BACK_MS);
                    found.push((Risk::OneTeacher, Some(teacher.clone()), lines));
                }
            }
            Deed::Refused => found.push((Risk::Refusals, None, recent.refused.see(at, HOUR_MS))),
            Deed::NewAddress if limits.new_address => {
                found.push((Risk::NewAddress, None, vec![line.seq]));
            }
            Deed::NewAddress | Deed::Other => {}
        }
        found.retain(|(_, _, lines)| !lines.is_empty());
        let finding = |(risk, teacher, lines)| Finding {
            risk,
            person: line.person.clone(),
            teacher,
            lines,
        };
        found.into_iter().map(finding).collect()
    }

    /// Forgets what no longer counts.
    pub fn forget(&mut self, now_ms: i64) {
        let fresh = |at_ms: i64| now_ms - at_ms < LOOK_BACK_MS;
        self.people.retain(|_, recent| fresh(recent.last.1));
        for recent in self.people.values_mut() {
            recent
                .of_teacher
                .retain(|_, crowd| crowd.last_ms().is_some_and(fresh));
        }
    }
}

impl<P: Ord> Recent<P> {
    fn new(line: &Line<P>, limits: &RiskLimits) -> Self {
        Self {
            last: (line.seq, line.at_ms, line.address),
            views: Crowd::new(limits.views_a_day_max),
            refused: Crowd::new(limits.refused_an_hour_max),
            of_teacher: BTreeMap::new(),
        }
    }
}

/// The last lines of a kind, one more than are allowed.
#[derive(Debug)]
struct Crowd {
    lines: VecDeque<(i64, i64)>,
    max: usize,
    /// Whether the lines so far were told, so that only the next one is news.
    told: bool,
}

impl Crowd {
    fn new(max: usize) -> Self {
        Self {
            lines: VecDeque::new(),
            max,
            told: false,
        }
    }

    /// One more line: the lines that are too many within `within_ms`, or what is new of them.
    fn see(&mut self, line: (i64, i64), within_ms: i64) -> Vec<i64> {
        self.lines.push_back(line);
        if self.lines.len() > self.max + 1 {
            self.lines.pop_front();
        }
        let first_ms = self.lines.front().map_or(line.1, |first| first.1);
        let crowded = self.lines.len() > self.max && line.1 - first_ms < within_ms;
        let before = std::mem::replace(&mut self.told, crowded);
        match (crowded, before) {
            (false, _) => vec![],
            (true, true) => vec![line.0],
            (true, false) => self.lines.iter().map(|(seq, _)| *seq).collect(),
        }
    }

    fn last_ms(&self) -> Option<i64> {
        self.lines.back().map(|(_, at_ms)| *at_ms)
    }
}

fn at_odd_hours(at_ms: i64, limits: &RiskLimits) -> bool {
    let minute = (at_ms + SHANGHAI_MS).rem_euclid(DAY_MS) / MINUTE_MS;
    let (begins, ends) = (limits.day_from_minute, limits.day_until_minute);
    !(i64::from(begins)..i64::from(ends)).contains(&minute)
}

/// This line and the one before, when they come from different addresses within some minutes.
fn two_places<P>(before: (i64, i64, IpAddr), line: &Line<P>, limits: &RiskLimits) -> Vec<i64> {
    let (seq, at_ms, address) = before;
    let within_ms = i64::from(limits.places_minutes) * MINUTE_MS;
    if address != line.address && line.at_ms - at_ms < within_ms {
        vec![seq, line.seq]
    } else {
        vec![]
    }
}

#[cfg(test)]
mod tests;
