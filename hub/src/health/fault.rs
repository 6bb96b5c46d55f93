//! Faults: every second the newest signals, or their absence, are judged; what lasts is opened,
//! what is gone is closed, and pages are told.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;
use xunke_policy::fault::{self, Edge, Evidence, Finding, Kind, Moment, Phase, Severity};

use super::Error;
use super::moment::Moments;
use super::presence::State;
use super::status::{self, DeviceStatus};
use crate::clock;
use crate::device::registry;
use crate::notice::{Notice, Notices};
use crate::store::Db;
use crate::store::health::{self as rows, FaultRow};

const EVERY: Duration = Duration::from_secs(1);
const FAULTS_MAX: i64 = 100_000;

/// Judges until `stop` turns true.
pub async fn judge(mut watch: FaultWatch, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let judged = watch.tick(clock::now_ms()).await;
        if let Err(error) = &judged
            && !failing
        {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "faults cannot be judged");
        }
        failing = judged.is_err();
    }
}

/// The faults under watch.
pub struct FaultWatch {
    db: Db,
    notices: Notices,
    watched: BTreeMap<Key, Watched>,
}

/// Box, component, code.
type Key = (String, String, &'static str);

#[derive(Debug, Clone)]
struct Watched {
    phase: Phase,
    /// The row, once the fault is open.
    id: Option<String>,
}

/// What a fault rests on.
struct Found {
    evidence: Evidence,
    /// Since when, as the box says, by the hub's clock.
    told_ms: Option<i64>,
}

/// What is found of one box now.
struct Findings {
    found: BTreeMap<Key, Found>,
    /// Whether its components can be judged: not while it is silent, nor before it has reported.
    components: bool,
    /// Which hold-down counts.
    in_lesson: bool,
    /// Which severity counts.
    moment: Moment,
}

impl FaultWatch {
    /// Goes on with the faults that were open when the hub stopped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(db: Db, notices: Notices) -> Result<Self, Error> {
        let mut watched = BTreeMap::new();
        for row in rows::faults(&db, true, FAULTS_MAX).await? {
            // A code that this version no longer knows is over.
            let Some(kind) = fault::kind(&row.code) else {
                continue;
            };
            let entry = Watched {
                phase: Phase::Open,
                id: Some(row.id),
            };
            watched.insert((row.device_id, row.component, kind.code.as_str()), entry);
        }
        Ok(Self {
            db,
            notices,
            watched,
        })
    }

    /// One judgement of every box.
    ///
    /// # Errors
    /// When the store fails; what was not stored is judged again.
    pub async fn tick(&mut self, now_ms: i64) -> Result<(), Error> {
        let moments = Moments::at(&self.db, now_ms).await?;
        for device in status::all(&self.db).await? {
            let moment = moments.of(device.device.classroom);
            let findings = findings(&device, moment, now_ms);
            self.judge(device.device.id.as_str(), &findings, now_ms)
                .await?;
        }
        Ok(())
    }

    async fn judge(&mut self, device: &str, findings: &Findings, now_ms: i64) -> Result<(), Error> {
        let known = self.watched.keys().filter(|(owner, ..)| owner == device);
        let mut keys: Vec<Key> = known.chain(findings.found.keys()).cloned().collect();
        keys.sort();
        keys.dedup();
        for key in keys {
            let kind = fault::kind(key.2).expect("invariant: codes come from the catalogue");
            let found = findings.found.get(&key);
            if found.is_some() || findings.components || needs_no_report(kind) {
                self.step(key, kind, found, findings, now_ms).await?;
            }
        }
        Ok(())
    }

    async fn step(
        &mut self,
        key: Key,
        kind: &Kind,
        finding: Option<&Found>,
        findings: &Findings,
        now_ms: i64,
    ) -> Result<(), Error> {
        let before = self.watched.get(&key).cloned();
        let in_lesson = findings.in_lesson;
        let hold_ms = if in_lesson {
            kind.hold_ms
        } else {
            kind.idle_hold_ms
        };
        let phase = before.as_ref().map(|watched| watched.phase);
        let found = finding.is_some() && kind.matters(in_lesson);
        let (phase, edge) = fault::step(phase, found, hold_ms, kind.clear_ms, now_ms);
        let mut id = before.and_then(|watched| watched.id);
        match (edge, &id) {
            (Some(Edge::Opened { since_ms }), _) => {
                let evidence =
                    finding.map_or_else(|| "{}".into(), |found| numbers(&found.evidence));
                let since_ms = fault::begun_ms(finding.and_then(|found| found.told_ms), since_ms);
                let severity = kind.severity.at(findings.moment);
                id = Some(self.opened(&key, severity, evidence, since_ms).await?);
            }
            (Some(Edge::Cleared { since_ms }), Some(id)) => {
                rows::clear_fault(&self.db, id, since_ms).await?;
                self.tell(id, &key, false);
            }
            _ => {}
        }
        match phase {
            Some(phase) => drop(self.watched.insert(key, Watched { phase, id })),
            None => drop(self.watched.remove(&key)),
        }
        Ok(())
    }

    async fn opened(
        &self,
        key: &Key,
        severity: Severity,
        evidence: String,
        since_ms: i64,
    ) -> Result<String, Error> {
        let (device, component, code) = key;
        let row = FaultRow {
            id: Uuid::now_v7().to_string(),
            device_id: device.clone(),
            component: component.clone(),
            code: (*code).to_owned(),
            severity: severity.name().to_owned(),
            opened_ms: since_ms,
            cleared_ms: None,
            evidence,
        };
        rows::open_fault(&self.db, &row).await?;
        self.tell(&row.id, key, true);
        Ok(row.id)
    }

    fn tell(&self, id: &str, key: &Key, open: bool) {
        let (device, component, code) = key;
        tracing::info!(device.id = device, component, code, open, "fault");
        self.notices.publish(Notice::Fault {
            id: id.to_owned(),
            open,
        });
    }
}

/// What silence and the register say begins and ends without a word of the box.
fn needs_no_report(kind: &Kind) -> bool {
    let code = kind.code.as_str();
    matches!(code, "DEVICE_LOST" | "DEVICE_SILENT") || fault::is_of_register(code)
}

fn findings(device: &DeviceStatus, moment: Moment, now_ms: i64) -> Findings {
    let mut findings = Vec::new();
    let mut components = false;
    let mut skew_ms = 0;
    let in_use = device.device.state == registry::State::Enrolled;
    if let (true, Some(status)) = (in_use, &device.status) {
        let online = status.standing.state == State::Online;
        let reported_ms = status.report.as_ref().map(|(_, at_ms)| *at_ms);
        let online_since_ms = online.then_some(status.since_ms);
        findings = fault::silence_findings(online_since_ms, reported_ms, now_ms);
        // A report from before the box was lost says nothing of now.
        let fresh = status
            .report
            .as_ref()
            .filter(|(_, at_ms)| *at_ms >= status.since_ms);
        if let (true, Some((report, _))) = (online, fresh) {
            findings.extend(fault::device_findings(report));
            components = true;
            skew_ms = report.clock_skew_ms.unwrap_or(0);
        }
    }
    let until_ms = device.device.certificate_until_ms.filter(|_| in_use);
    findings.extend(until_ms.and_then(|until_ms| fault::certificate_finding(until_ms, now_ms)));
    let owner = device.device.id.as_str();
    let keyed = |finding: Finding| {
        let told_ms = finding
            .since_ms
            .map(|since_ms| since_ms.saturating_sub(skew_ms));
        let evidence = finding.evidence;
        (
            (owner.to_owned(), finding.component, finding.code),
            Found { evidence, told_ms },
        )
    };
    // A box that said goodbye, or that the hub has not met since it started, gets the longer time.
    let waits = matches!(device.state().0, State::Offline | State::Unknown);
    Findings {
        found: findings.into_iter().map(keyed).collect(),
        // Out of use: everything that was wrong with it is over.
        components: components || !in_use,
        in_lesson: moment == Moment::InClass && !waits,
        moment,
    }
}

fn numbers(evidence: &Evidence) -> String {
    let number = |(name, value): &(&str, f64)| ((*name).to_owned(), (*value).into());
    let object: serde_json::Map<_, serde_json::Value> = evidence.iter().map(number).collect();
    serde_json::Value::Object(object).to_string()
}
