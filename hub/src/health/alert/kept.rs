//! Alerts as they are kept: rows of the store, and the same as the policy sees them.

use std::collections::BTreeMap;

use xunke_policy::alert::book::{Alert, Stay};
use xunke_policy::alert::group::{Part, Subject};
use xunke_policy::alert::notify::Told;
use xunke_policy::fault::Severity;

use crate::store::alert::{self as rows, AlertRow, PartRow};
use crate::store::{self, Db};

/// An alert that is not over, with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Such as `GJ-00001`, once it was told.
    pub number: Option<String>,
    /// The alert.
    pub alert: Alert,
}

/// Every alert that is not over, oldest first.
///
/// # Errors
/// When the store fails.
pub async fn open(db: &Db) -> Result<Vec<Kept>, store::Error> {
    let mut parts: BTreeMap<String, Vec<PartRow>> = BTreeMap::new();
    for part in rows::open_parts(db).await? {
        parts.entry(part.alert_id.clone()).or_default().push(part);
    }
    let alerts = rows::open(db).await?.into_iter().map(|row| Kept {
        number: row.number.clone(),
        alert: alert(&row, parts.remove(&row.id).unwrap_or_default()),
    });
    Ok(alerts.collect())
}

fn alert(row: &AlertRow, parts: Vec<PartRow>) -> Alert {
    let part = |row: PartRow| {
        let part = Part {
            device: row.device_id,
            component: row.component,
        };
        let stay = Stay {
            joined_ms: row.joined_ms,
            left_ms: row.left_ms,
        };
        (part, stay)
    };
    Alert {
        id: row.id.clone(),
        subject: Subject {
            code: row.code.clone(),
            building: row.building.clone(),
            flaps: row.flaps.clone(),
        },
        parts: parts.into_iter().map(part).collect(),
        opened_ms: row.opened_ms,
        severity: severity(&row.severity),
        severity_since_ms: row.severity_since_ms,
        urgent: row.urgent != 0,
        told: told(row),
        acknowledged_until_ms: row.acknowledged_until_ms,
    }
}

fn told(row: &AlertRow) -> Option<Told> {
    Some(Told {
        first_ms: row.first_told_ms?,
        last_ms: row.last_told_ms?,
        severity: severity(row.told_severity.as_deref()?),
        step: usize::try_from(row.told_step?).ok()?,
    })
}

/// A word that this version does not know is the worst: rather told than kept back.
fn severity(word: &str) -> Severity {
    Severity::named(word).unwrap_or(Severity::Critical)
}

/// The alert as a row; who has taken it is written elsewhere.
#[must_use]
pub fn row(kept: &Kept, over_ms: Option<i64>) -> AlertRow {
    let alert = &kept.alert;
    let told = alert.told.as_ref();
    AlertRow {
        id: alert.id.clone(),
        number: kept.number.clone(),
        code: alert.subject.code.clone(),
        building: alert.subject.building.clone(),
        flaps: alert.subject.flaps.clone(),
        opened_ms: alert.opened_ms,
        severity: alert.severity.name().to_owned(),
        severity_since_ms: alert.severity_since_ms,
        urgent: i64::from(alert.urgent),
        first_told_ms: told.map(|told| told.first_ms),
        last_told_ms: told.map(|told| told.last_ms),
        told_severity: told.map(|told| told.severity.name().to_owned()),
        told_step: told.and_then(|told| i64::try_from(told.step).ok()),
        acknowledged_by: None,
        acknowledged_ms: None,
        acknowledged_until_ms: alert.acknowledged_until_ms,
        assigned_to: None,
        over_ms,
    }
}

/// The parts of an alert that are not as they were before, as rows.
#[must_use]
pub fn changed_parts(alert: &Alert, before: Option<&Alert>) -> Vec<PartRow> {
    let same = |part: &Part, stay: &Stay| before.is_some_and(|b| b.parts.get(part) == Some(stay));
    let parts = alert.parts.iter().filter(|(part, stay)| !same(part, stay));
    let row = |(part, stay): (&Part, &Stay)| PartRow {
        alert_id: alert.id.clone(),
        device_id: part.device.clone(),
        component: part.component.clone(),
        joined_ms: stay.joined_ms,
        left_ms: stay.left_ms,
    };
    parts.map(row).collect()
}
