//! Status: the latest of each box, stored before its message is acknowledged.

use std::str::FromStr;

use uuid::Uuid;
use xunke_protocol::envelope::{Envelope, Presence};
use xunke_protocol::health::HealthDocument;
use xunke_protocol::id::{ClassroomId, DeviceId};

use super::Error;
use super::presence::{self, Standing, State};
use crate::device::registry::{self, Device};
use crate::notice::{Notice, Notices};
use crate::store::Db;
use crate::store::health::{self as rows, EventRow, PresenceRow, ReportRow, StatusRow};
use crate::store::together::{self, Note};

/// The latest of one box.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// State and connection.
    pub standing: Standing,
    /// In this state since, milliseconds since the epoch.
    pub since_ms: i64,
    /// The agent's version.
    pub agent: String,
    /// The newest report and when it arrived.
    pub report: Option<(HealthDocument, i64)>,
}

/// A box with its latest; `None` for one that never spoke.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceStatus {
    /// The box.
    pub device: Device,
    /// Its latest.
    pub status: Option<Status>,
}

impl DeviceStatus {
    /// State and since when; a box that never spoke is unknown since ever.
    #[must_use]
    pub fn state(&self) -> (State, i64) {
        let status = self.status.as_ref();
        status.map_or((State::Unknown, 0), |status| {
            (status.standing.state, status.since_ms)
        })
    }
}

/// Every box with its latest, by id; retired ones too.
///
/// # Errors
/// When the store fails.
pub async fn all(db: &Db) -> Result<Vec<DeviceStatus>, Error> {
    let mut statuses = rows::statuses(db).await?;
    let mut all = Vec::new();
    for device in registry::all(db).await? {
        let at = statuses
            .iter()
            .position(|row| row.device_id == device.id.as_str());
        let row = at.map(|at| statuses.swap_remove(at));
        let status = row.map(Status::try_from).transpose()?;
        all.push(DeviceStatus { device, status });
    }
    Ok(all)
}

/// The box in use in a room with its latest.
///
/// # Errors
/// When the store fails.
pub async fn in_room(db: &Db, classroom: ClassroomId) -> Result<Option<DeviceStatus>, Error> {
    let Some(device) = registry::in_room(db, classroom).await? else {
        return Ok(None);
    };
    let row = rows::status(db, device.id.as_str()).await?;
    let status = row.map(Status::try_from).transpose()?;
    Ok(Some(DeviceStatus { device, status }))
}

/// After a start of the hub: nothing is known of boxes that were online.
///
/// # Errors
/// When the store fails.
pub async fn begin(db: &Db, now_ms: i64) -> Result<(), Error> {
    Ok(rows::forget_online(db, now_ms).await?)
}

/// Takes a birth, will or goodbye.
///
/// # Errors
/// When it is not stored.
pub async fn heard(
    db: &Db,
    notices: &Notices,
    device: &DeviceId,
    said: &Presence,
    now_ms: i64,
) -> Result<(), Error> {
    let row = rows::status(db, device.as_str()).await?;
    let known = row.map(Status::try_from).transpose()?;
    let standing = known.map(|status| status.standing);
    let Some(state) = presence::after(standing, said) else {
        return Ok(());
    };
    let agent = said.agent.get(..said.agent.len().min(32));
    let row = PresenceRow {
        device_id: device.to_string(),
        state: state.name(),
        boot: said.boot.to_string(),
        epoch: signed(said.epoch),
        agent: agent.unwrap_or_default().to_owned(),
    };
    together::note(db, Note::Presence(row, now_ms)).await?;
    notices.publish(Notice::Device {
        id: device.to_string(),
        state: state.name(),
    });
    Ok(())
}

/// Takes a health document, unless a newer one of the same start is here already.
///
/// # Errors
/// When it is not stored.
pub async fn reported(
    db: &Db,
    notices: &Notices,
    device: &DeviceId,
    envelope: &Envelope,
    report: &HealthDocument,
    now_ms: i64,
) -> Result<(), Error> {
    let boot = envelope.boot.to_string();
    let known = rows::status(db, device.as_str()).await?;
    if known
        .as_ref()
        .is_some_and(|known| older(envelope, &boot, known))
    {
        return Ok(());
    }
    let text = serde_json::to_string(report).expect("invariant: a report is plain data");
    let row = ReportRow {
        device_id: device.to_string(),
        report: text,
        boot,
        mono_ms: signed(envelope.mono_ms),
        ts_ms: envelope.ts,
    };
    together::note(db, Note::Report(row, now_ms)).await?;
    let known = known.and_then(|row| State::named(&row.state));
    let state = known.unwrap_or(State::Unknown).name();
    notices.publish(Notice::Device {
        id: device.to_string(),
        state,
    });
    Ok(())
}

/// Takes an event of any kind, once.
///
/// # Errors
/// When it is not stored.
pub async fn happened(
    db: &Db,
    device: &DeviceId,
    kind: &str,
    envelope: &Envelope,
    now_ms: i64,
) -> Result<(), Error> {
    let row = EventRow {
        id: envelope.id.to_string(),
        device_id: device.to_string(),
        kind: kind.to_owned(),
        seq: signed(envelope.seq),
        at_ms: envelope.ts,
        received_ms: now_ms,
        data: envelope.data.to_string(),
    };
    Ok(together::note(db, Note::Event(row)).await?)
}

/// A late report never hides the present: of another start than the box is in, or written before
/// the newest of the same start. `seq` does not tell: it counts what is queued, and health is not.
fn older(envelope: &Envelope, boot: &str, known: &StatusRow) -> bool {
    let elsewhen = known.epoch != 0 && known.boot != boot;
    let written = Some(signed(envelope.mono_ms));
    let same = known.report_boot.as_deref() == Some(boot);
    elsewhen || (same && known.report_mono_ms >= written)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl TryFrom<StatusRow> for Status {
    type Error = Error;

    fn try_from(row: StatusRow) -> Result<Self, Error> {
        let unreadable = || Error::Stored(row.device_id.clone());
        let standing = Standing {
            state: State::named(&row.state).ok_or_else(unreadable)?,
            boot: Uuid::from_str(&row.boot).map_err(|_| unreadable())?,
            epoch: row.epoch.unsigned_abs(),
        };
        let report = match (&row.report, row.reported_ms) {
            (Some(text), Some(at_ms)) => {
                Some((serde_json::from_str(text).map_err(|_| unreadable())?, at_ms))
            }
            _ => None,
        };
        Ok(Self {
            standing,
            since_ms: row.since_ms,
            agent: row.agent,
            report,
        })
    }
}
