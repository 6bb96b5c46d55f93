//! Facts: boxes and faults as they are stored, as what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::book::Alert;
use super::group::{self, Away, OpenFault, Part, Place, Subject, Wrong};
use crate::fault::{
    self, BUILDING_LOST, BoxSeen, DEVICE_LOST, FLAPPING, HUB_LINK_LOST, RECOVER_MS, Root, Shared,
};

/// The component of faults of the box itself.
pub const BOX: &str = "box";

/// A box in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxFacts {
    /// Its id.
    pub device: String,
    /// Where it is.
    pub place: Place,
    /// Not connected since then, milliseconds since the epoch; `None` while it is.
    pub away_since_ms: Option<i64>,
}

/// A fault that is open, or was opened within [`WINDOW_MS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultFacts {
    /// With what.
    pub part: Part,
    /// A code of the catalogue.
    pub code: String,
    /// When it was opened, milliseconds since the epoch.
    pub opened_ms: i64,
    /// Whether it still is.
    pub open: bool,
}

/// What is wrong. `alerts` are those that are not over: what was lost as a whole, and what flapped.
/// A fault of a box that is not in use is nothing.
#[must_use]
pub fn wrongs(
    boxes: &[BoxFacts],
    faults: &[FaultFacts],
    alerts: &[Alert],
    now_ms: i64,
) -> Vec<Wrong> {
    let codes = box_codes(faults);
    let codes_of = |device: &str| codes.get(device).map_or(&[][..], Vec::as_slice);
    let seen: Vec<BoxSeen<'_>> = boxes
        .iter()
        .map(|facts| BoxSeen {
            building: &facts.place.building,
            away_since_ms: facts.away_since_ms,
            lost: codes_of(&facts.device).contains(&DEVICE_LOST),
        })
        .collect();
    let before = lost(alerts, stands);
    let recovering = lost(alerts, |alert| stands(alert) && recovers(alert, now_ms));
    let shared = fault::shared(&seen, &before, &recovering);
    let places: BTreeMap<&str, &BoxFacts> = boxes
        .iter()
        .map(|facts| (facts.device.as_str(), facts))
        .collect();
    let mut open = Vec::new();
    for ((part, code), raised) in by_fault(faults) {
        let Some(facts) = places.get(part.device.as_str()) else {
            continue;
        };
        let flaps = fault::flapping(&raised.at_ms, latched(alerts, part, code), now_ms);
        if !raised.open && !flaps {
            continue;
        }
        let building = (facts.place.building.as_str(), facts.away_since_ms.is_some());
        open.push(OpenFault {
            part: part.clone(),
            place: facts.place.clone(),
            code: code.to_owned(),
            root: fault::root(code, building, codes_of(&part.device), &shared),
            flaps,
        });
    }
    group::wrongs(&open, &away(boxes, &shared))
}

/// What is wrong with the hub's own certificate, which is good until then: with every box in use,
/// for each of them depends on it.
#[must_use]
pub fn hub_wrongs(boxes: &[BoxFacts], until_ms: i64, now_ms: i64) -> Vec<Wrong> {
    let Some(code) = fault::hub_certificate(until_ms, now_ms) else {
        return Vec::new();
    };
    let wrong = |facts: &BoxFacts| Wrong {
        subject: Subject {
            code: code.to_owned(),
            building: String::new(),
            flaps: String::new(),
        },
        part: own_part(facts),
        place: facts.place.clone(),
        explained: false,
    };
    boxes.iter().map(wrong).collect()
}

fn own_part(facts: &BoxFacts) -> Part {
    Part {
        device: facts.device.clone(),
        component: BOX.to_owned(),
    }
}

/// The open faults of each box itself.
fn box_codes(faults: &[FaultFacts]) -> BTreeMap<&str, Vec<&str>> {
    let mut codes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let of_box = |fault: &&FaultFacts| fault.open && fault.part.component == BOX;
    for fault in faults.iter().filter(of_box) {
        codes
            .entry(&fault.part.device)
            .or_default()
            .push(&fault.code);
    }
    codes
}

#[derive(Default)]
struct Raised {
    at_ms: Vec<i64>,
    open: bool,
}

fn by_fault(faults: &[FaultFacts]) -> BTreeMap<(&Part, &str), Raised> {
    let mut all: BTreeMap<(&Part, &str), Raised> = BTreeMap::new();
    for fault in faults {
        let raised = all.entry((&fault.part, &fault.code)).or_default();
        raised.at_ms.push(fault.opened_ms);
        raised.open |= fault.open;
    }
    all
}

/// What is lost as a whole by those of its alerts that are `so`.
fn lost(alerts: &[Alert], so: impl Fn(&Alert) -> bool) -> Shared {
    let of = |code: &str| {
        let found = alerts
            .iter()
            .filter(|alert| alert.subject.code == code && so(alert));
        let buildings = found.map(|alert| alert.subject.building.clone());
        buildings.collect::<BTreeSet<_>>()
    };
    Shared {
        hub: !of(HUB_LINK_LOST).is_empty(),
        buildings: of(BUILDING_LOST),
    }
}

/// Something is wrong with it.
fn stands(alert: &Alert) -> bool {
    alert.wrong_parts().next().is_some()
}

/// A box has just come back.
fn recovers(alert: &Alert, now_ms: i64) -> bool {
    let mut left = alert.parts.values().filter_map(|stay| stay.left_ms);
    left.any(|left_ms| now_ms - left_ms < RECOVER_MS)
}

fn latched(alerts: &[Alert], part: &Part, code: &str) -> bool {
    let of = |alert: &Alert| {
        let subject = &alert.subject;
        let is = subject.code == FLAPPING && subject.flaps == code;
        is && alert.wrong_parts().any(|wrong| wrong == part)
    };
    alerts.iter().any(of)
}

fn away(boxes: &[BoxFacts], shared: &Shared) -> Vec<Away> {
    let gone = |facts: &BoxFacts| {
        facts.away_since_ms?;
        let root = match () {
            () if shared.hub => Root::Hub,
            () if shared.buildings.contains(&facts.place.building) => Root::Building,
            () => return None,
        };
        Some(Away {
            part: own_part(facts),
            place: facts.place.clone(),
            root,
        })
    };
    boxes.iter().filter_map(gone).collect()
}
