//! The book of alerts: one step of all of them, from what is wrong now to what is said.
//!
//! Everything that matters later is in [`Alert`]; whoever keeps it may stop and go on at any time.

use std::collections::{BTreeMap, BTreeSet};

use super::duty::Step;
use super::group::{self, OpenAlert, Part, Subject, Wrong};
use super::notify::{self, Decision, Standing, Told, Word};
use super::silence::{Silence, Target, silenced};
use crate::fault::{self, Moment, Severity};

/// A part of an alert, from–to, milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// Something is wrong with it since then.
    pub joined_ms: i64,
    /// Nothing is any more since then.
    pub left_ms: Option<i64>,
}

/// An alert that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub subject: Subject,
    /// With what, now and before.
    pub parts: BTreeMap<Part, Stay>,
    /// First of it, milliseconds since the epoch.
    pub opened_ms: i64,
    /// How bad it is.
    pub severity: Severity,
    /// As bad as that since then.
    pub severity_since_ms: i64,
    /// A lesson suffers from it.
    pub urgent: bool,
    /// What has been said.
    pub told: Option<Told>,
    /// Somebody has taken it until then.
    pub acknowledged_until_ms: Option<i64>,
}

/// What there is besides.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// What is wrong.
    pub wrongs: &'a [Wrong],
    /// What nobody wants to hear of.
    pub silences: &'a [Silence],
    /// The steps of the escalation.
    pub steps: &'a [Step],
    /// Milliseconds since the epoch.
    pub now_ms: i64,
}

/// What one step brought about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// What to say about which alert, by its id.
    pub said: Vec<(String, Word)>,
    /// Alerts that are over, by their ids: resolved, or never heard of.
    pub over: BTreeSet<String>,
}

/// One step of every alert. `id` gives the id of a new one.
pub fn step(alerts: &mut Vec<Alert>, scene: Scene<'_>, mut id: impl FnMut() -> String) -> Outcome {
    let open: Vec<_> = alerts
        .iter()
        .map(|alert| seen(alert, scene.now_ms))
        .collect();
    let change = group::regroup(scene.wrongs, &open, scene.now_ms);
    drop(open);
    for (at, part) in change.left {
        let stay = alerts[at].parts.get_mut(&part);
        let stay = stay.expect("invariant: only what is in an alert leaves it");
        stay.left_ms = Some(scene.now_ms);
    }
    for (at, part) in change.joined {
        join(&mut alerts[at], part, scene.now_ms);
    }
    let mut outcome = Outcome::default();
    for (at, alert) in alerts.iter_mut().enumerate() {
        say(alert, change.inhibited.contains(&at), scene, &mut outcome);
    }
    for (subject, parts) in change.opened {
        let mut alert = opened(id(), subject, scene.now_ms);
        parts
            .into_iter()
            .for_each(|part| join(&mut alert, part, scene.now_ms));
        say(&mut alert, false, scene, &mut outcome);
        alerts.push(alert);
    }
    outcome
}

impl Alert {
    /// The parts with which something is wrong now.
    pub fn wrong_parts(&self) -> impl Iterator<Item = &Part> {
        let here = |(_, stay): &(&Part, &Stay)| stay.left_ms.is_none();
        self.parts.iter().filter(here).map(|(part, _)| part)
    }

    /// Whether somebody has taken it, and that has not expired.
    #[must_use]
    pub fn acknowledged(&self, now_ms: i64) -> bool {
        self.acknowledged_until_ms
            .is_some_and(|until_ms| now_ms < until_ms)
    }
}

fn seen(alert: &Alert, now_ms: i64) -> OpenAlert<'_> {
    let past = alert
        .parts
        .iter()
        .filter(|(_, stay)| stay.left_ms.is_some());
    OpenAlert {
        subject: &alert.subject,
        parts: alert.wrong_parts().collect(),
        past: past.map(|(part, _)| part).collect(),
        newest_ms: newest_ms(alert),
        taken: alert.acknowledged(now_ms),
    }
}

fn newest_ms(alert: &Alert) -> i64 {
    let joined = alert.parts.values().map(|stay| stay.joined_ms).max();
    match joined {
        Some(joined_ms) if !group::is_shared(&alert.subject.code) => joined_ms,
        _ => alert.opened_ms,
    }
}

/// When the last part left.
fn left_ms(alert: &Alert) -> Option<i64> {
    alert.parts.values().filter_map(|stay| stay.left_ms).max()
}

fn opened(id: String, subject: Subject, now_ms: i64) -> Alert {
    Alert {
        id,
        subject,
        parts: BTreeMap::new(),
        opened_ms: now_ms,
        severity: Severity::Warning,
        severity_since_ms: now_ms,
        urgent: false,
        told: None,
        acknowledged_until_ms: None,
    }
}

/// What is back is no news: it keeps its first moment.
fn join(alert: &mut Alert, part: Part, now_ms: i64) {
    let new = Stay {
        joined_ms: now_ms,
        left_ms: None,
    };
    alert.parts.entry(part).or_insert(new).left_ms = None;
}

fn say(alert: &mut Alert, inhibited: bool, scene: Scene<'_>, outcome: &mut Outcome) {
    let now_ms = scene.now_ms;
    let part_of = |wrong: &&Wrong| {
        let stay = alert.parts.get(&wrong.part);
        wrong.subject == alert.subject && stay.is_some_and(|stay| stay.left_ms.is_none())
    };
    let wrongs: Vec<&Wrong> = scene.wrongs.iter().filter(part_of).collect();
    if let Some((severity, urgent)) = severity(&alert.subject, &wrongs) {
        if severity != alert.severity {
            alert.severity_since_ms = now_ms;
        }
        (alert.severity, alert.urgent) = (severity, urgent);
    }
    let targets: Vec<_> = wrongs.iter().map(|wrong| target(wrong)).collect();
    let standing = Standing {
        opened_ms: alert.opened_ms,
        newest_ms: newest_ms(alert),
        cleared_ms: wrongs.is_empty().then(|| left_ms(alert).unwrap_or(now_ms)),
        severity: alert.severity,
        severity_since_ms: alert.severity_since_ms,
        urgent: alert.urgent,
        quiet: inhibited || silenced(scene.silences, &targets, now_ms),
        acknowledged: alert.acknowledged(now_ms),
    };
    let word = match notify::decide(&standing, alert.told.as_ref(), scene.steps, now_ms) {
        Decision::Nothing => return,
        Decision::Drop => {
            outcome.over.insert(alert.id.clone());
            return;
        }
        Decision::Tell(word) => word,
    };
    alert.told = Some(notify::after(alert.told, word, alert.severity, now_ms));
    if word == Word::Resolved {
        outcome.over.insert(alert.id.clone());
    }
    outcome.said.push((alert.id.clone(), word));
}

/// The worst of its rooms now, and whether a lesson suffers there.
fn severity(subject: &Subject, wrongs: &[&Wrong]) -> Option<(Severity, bool)> {
    let kind = fault::kind(&subject.code);
    let of = |wrong: &&Wrong| {
        let moment: Moment = wrong.place.moment;
        let severity = kind.map_or(Severity::Warning, |kind| kind.severity.at(moment));
        (severity, notify::urgent(severity, moment))
    };
    wrongs.iter().map(of).max()
}

fn target(wrong: &Wrong) -> Target<'_> {
    let code = match wrong.subject.flaps.as_str() {
        "" => &wrong.subject.code,
        flaps => flaps,
    };
    Target {
        code,
        building: &wrong.place.building,
        room: &wrong.place.room,
    }
}
