//! Grouping: what is wrong, as alerts.
//!
//! Faults of one code in one building that come within [`JOIN_MS`] of each other are one alert,
//! until somebody has taken it; what a root cause explains belongs to the alert of that cause.

use std::collections::{BTreeMap, BTreeSet};

use crate::fault::{BUILDING_LOST, FLAPPING, HUB_LINK_LOST, Moment, Root, is_of_hub, kind};

/// An alert that got no fault for so long is not joined by more.
pub const JOIN_MS: i64 = 10 * 60 * 1000;

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// A code of the catalogue.
    pub code: String,
    /// The name of the building; empty for the hub's own link and certificate.
    pub building: String,
    /// Of [`FLAPPING`]: the code of the fault that flaps. Empty otherwise.
    pub flaps: String,
}

/// One part of a room that something is wrong with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Part {
    /// The id of the box.
    pub device: String,
    /// A source name, or `box`.
    pub component: String,
}

/// Where a part is, and what the timetable says there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The id of the room.
    pub room: String,
    /// The name of its building.
    pub building: String,
    /// What the timetable says of the room now.
    pub moment: Moment,
}

/// An open fault, or one that was raised so often that it [flaps](crate::fault::flapping).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFault {
    /// What is wrong with.
    pub part: Part,
    /// Where.
    pub place: Place,
    /// A code of the catalogue.
    pub code: String,
    /// What explains it.
    pub root: Root,
    /// Whether it flaps; then it may be over at this very moment.
    pub flaps: bool,
}

/// A box that is away while its building is lost, or the hub's own link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Away {
    /// The box.
    pub part: Part,
    /// Where.
    pub place: Place,
    /// What explains it.
    pub root: Root,
}

/// Something that is wrong now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What it is.
    pub subject: Subject,
    /// With what.
    pub part: Part,
    /// Where.
    pub place: Place,
    /// Something else explains it.
    pub explained: bool,
}

/// Everything that is wrong, each with its subject.
#[must_use]
pub fn wrongs(faults: &[OpenFault], away: &[Away]) -> Vec<Wrong> {
    let subject = |code: &str, building: &str, flaps: &str| Subject {
        code: code.to_owned(),
        building: building.to_owned(),
        flaps: flaps.to_owned(),
    };
    let mut wrongs = Vec::new();
    for fault in faults {
        let mut add = |subject, explained| {
            wrongs.push(Wrong {
                subject,
                part: fault.part.clone(),
                place: fault.place.clone(),
                explained,
            });
        };
        let building = &fault.place.building;
        let below = fault.root != Root::Itself;
        // While it flaps it is not over, whatever it is at this moment.
        let code = kind(&fault.code).map_or(&fault.code, |kind| &kind.told_as);
        add(subject(code, building, ""), below || fault.flaps);
        if fault.flaps {
            add(subject(FLAPPING, building, &fault.code), below);
        }
    }
    for gone in away {
        let mut add = |subject, explained| {
            wrongs.push(Wrong {
                subject,
                part: gone.part.clone(),
                place: gone.place.clone(),
                explained,
            });
        };
        let by_hub = gone.root == Root::Hub;
        add(subject(BUILDING_LOST, &gone.place.building, ""), by_hub);
        if by_hub {
            add(subject(HUB_LINK_LOST, "", ""), false);
        }
    }
    wrongs
}

/// An alert that is not over, as grouping sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenAlert<'a> {
    /// What it is about.
    pub subject: &'a Subject,
    /// What is wrong now.
    pub parts: BTreeSet<&'a Part>,
    /// What was wrong before: if it is again, that is no news.
    pub past: BTreeSet<&'a Part>,
    /// When the newest part joined, milliseconds since the epoch.
    pub newest_ms: i64,
    /// Somebody has taken it, so it stays what it is.
    pub taken: bool,
}

/// What has to change so that alerts fit what is wrong. Numbers are places in the list of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Alerts that are new, with their parts.
    pub opened: Vec<(Subject, BTreeSet<Part>)>,
    /// Parts that join an alert, or are back in it.
    pub joined: Vec<(usize, Part)>,
    /// Parts of an alert with which nothing is wrong any more.
    pub left: Vec<(usize, Part)>,
    /// Alerts all of whose parts something else explains now.
    pub inhibited: BTreeSet<usize>,
}

/// Fits alerts to what is wrong.
#[must_use]
pub fn regroup(wrongs: &[Wrong], alerts: &[OpenAlert<'_>], now_ms: i64) -> Change {
    let mut change = Change::default();
    let mut missing: BTreeMap<&Subject, BTreeSet<&Part>> = BTreeMap::new();
    for wrong in wrongs.iter().filter(|wrong| !wrong.explained) {
        missing
            .entry(&wrong.subject)
            .or_default()
            .insert(&wrong.part);
    }
    for (at, alert) in alerts.iter().enumerate() {
        stay(at, alert, wrongs, &mut change);
        if let Some(missing) = missing.get_mut(alert.subject) {
            missing.retain(|part| !alert.parts.contains(part) && !alert.past.contains(part));
        }
    }
    for (subject, parts) in missing.into_iter().filter(|(_, parts)| !parts.is_empty()) {
        let parts = parts.into_iter().cloned();
        let joins = alerts
            .iter()
            .enumerate()
            .filter(|(_, alert)| alert.subject == subject && joinable(alert, now_ms))
            .max_by_key(|(_, alert)| alert.newest_ms);
        match joins {
            Some((at, _)) => change.joined.extend(parts.map(|part| (at, part))),
            None => change.opened.push((subject.clone(), parts.collect())),
        }
    }
    change
}

/// What leaves an alert, what is back in it, and whether something else explains all of it.
fn stay(at: usize, alert: &OpenAlert<'_>, wrongs: &[Wrong], change: &mut Change) {
    let same = wrongs
        .iter()
        .filter(|wrong| wrong.subject == *alert.subject);
    let same: Vec<&Wrong> = same.collect();
    let standing: BTreeSet<&Part> = same.iter().map(|wrong| &wrong.part).collect();
    let own = same.iter().filter(|wrong| !wrong.explained);
    let own: BTreeSet<&Part> = own.map(|wrong| &wrong.part).collect();
    let gone = alert.parts.difference(&standing);
    change.left.extend(gone.map(|part| (at, (*part).clone())));
    // Also what something else explains: it is not over either.
    let back: Vec<&&Part> = alert.past.intersection(&standing).collect();
    let stays = alert.parts.intersection(&standing);
    let here: Vec<&&Part> = stays.chain(back.iter().copied()).collect();
    if !here.is_empty() && !here.iter().any(|part| own.contains(**part)) {
        change.inhibited.insert(at);
    }
    let back = back.into_iter().map(|part| (at, (*part).clone()));
    change.joined.extend(back);
}

/// A cause that many rooms share takes in every room; others close after a while.
fn joinable(alert: &OpenAlert<'_>, now_ms: i64) -> bool {
    is_shared(&alert.subject.code)
        || (!alert.taken && now_ms - alert.newest_ms <= JOIN_MS && !alert.parts.is_empty())
}

/// Whether one alert of that code stands for many rooms at once.
#[must_use]
pub fn is_shared(code: &str) -> bool {
    matches!(code, HUB_LINK_LOST | BUILDING_LOST) || is_of_hub(code)
}
