//! The enrolment desk: codes for boxes that are to come, and boxes set aside, taken back, or taken
//! out of use. Each act has a reason and stands in the trail, or does not happen (X19).

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use xunke_policy::patrol::FieldError;
use xunke_protocol::enrolment::Code;
use xunke_protocol::id::{ClassroomId, DeviceId};

use super::Devices;
use super::enrol::{self, CODE_MS, Refused};
use super::registry::{Error, State, find};
use crate::access::audit::{Entry, Unavailable};
use crate::access::session::Session;
use crate::campus::{self, classroom};
use crate::store::{self, device as rows};

/// Who acts, from where, when, and why.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    /// Whose session it is.
    pub session: &'a Session,
    /// From where.
    pub from: IpAddr,
    /// When, milliseconds since the epoch.
    pub now_ms: i64,
    /// Why; 2 to 500 characters.
    pub reason: &'a str,
}

/// What is done to a box that holds a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Its certificate opens nothing until it is released; its sessions end at once.
    Quarantine,
    /// Its certificate is good again.
    Release,
    /// Out of use for good.
    Retire,
    /// It is asked to renew its certificate now; it stays what it is.
    Renew,
}

impl Step {
    /// The action in the trail, the states it starts from, the state it leads to.
    fn terms(self) -> (&'static str, &'static [State], State) {
        use State::{Enrolled, Pending, Quarantined, Retired};
        match self {
            Self::Quarantine => ("quarantine_box", &[Enrolled], Quarantined),
            Self::Release => ("release_box", &[Quarantined], Enrolled),
            Self::Retire => ("retire_box", &[Pending, Enrolled, Quarantined], Retired),
            Self::Renew => ("renew_box", &[Enrolled], Enrolled),
        }
    }
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// There is no such box or room.
    #[error("there is no such box or room")]
    NotFound,
    /// A field cannot stay as it is.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// Something else is in its way; in Chinese and in English.
    #[error("{1}")]
    Conflict(&'static str, &'static str),
    /// The trail cannot be written, so nothing is done.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The campus cannot be read.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// No certificate is made for it, or there are no day keys.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The hub failed.
    #[error(transparent)]
    Failed(Error),
}

impl From<Error> for NotDone {
    fn from(error: Error) -> Self {
        match error {
            Error::NotExpected(_) => Self::Field(DEVICE),
            failed => Self::Failed(failed),
        }
    }
}

/// A code, to be shown once, and the box it is for.
#[derive(Debug)]
pub struct NewCode {
    /// It is a secret.
    pub code: Code,
    /// Which box it makes known.
    pub device: DeviceId,
    /// Until when it is good, milliseconds since the epoch.
    pub expires_ms: i64,
}

const REASON: FieldError = FieldError {
    field: "reason",
    zh: "请写明理由（2 至 500 字）。",
    en: "Say why, in 2 to 500 characters.",
};
pub(super) const DEVICE: FieldError = FieldError {
    field: "device",
    zh: "该设备已停用或在其他教室，请另选设备或新建。",
    en: "That box is retired or stands in another room; choose another or a new one.",
};
const STATE: FieldError = FieldError {
    field: "device",
    zh: "该设备当前状态不能这样处理，请刷新页面。",
    en: "The box is not in a state for this; load the page again.",
};

impl Devices {
    /// Makes a code for a room: for a new box, or for one that takes the place of `device`.
    ///
    /// # Errors
    /// The field, or that there is no such room; then there is no code.
    pub async fn make_code(
        &self,
        act: Act<'_>,
        room: ClassroomId,
        device: Option<DeviceId>,
    ) -> Result<NewCode, NotDone> {
        let found = classroom::find(&self.db, room).await?;
        let found = found.ok_or(NotDone::NotFound)?;
        let device = device.unwrap_or_else(new_id);
        let object = format!("{} {device}", found.name);
        let entry = entry(act, "make_enrolment_code", object)?;
        let ca_sha256 = self.enrolment.ca_sha256();
        let mut pending = self.trail.begin(entry, act.now_ms).await?;
        let writing = pending.writing();
        let code = enrol::expect(writing, ca_sha256, &device, room, act.now_ms).await?;
        pending.commit().await?;
        Ok(NewCode {
            code,
            device,
            expires_ms: act.now_ms + CODE_MS,
        })
    }

    /// Sets a box aside, takes it back, or takes it out of use. What it has open ends within a
    /// second.
    ///
    /// # Errors
    /// The field, or that there is no such box; then nothing was changed.
    pub async fn step(&self, act: Act<'_>, device: &DeviceId, step: Step) -> Result<(), NotDone> {
        let known = find(&self.db, device).await?.ok_or(NotDone::NotFound)?;
        let (action, from, to) = step.terms();
        if !from.contains(&known.state) {
            return Err(NotDone::Field(STATE));
        }
        let entry = entry(act, action, device.to_string())?;
        let mut pending = self.trail.begin(entry, act.now_ms).await?;
        let (from, to) = (known.state.name(), to.name());
        if !rows::step(pending.writing(), device.as_str(), from, to).await? {
            return Err(NotDone::Field(STATE));
        }
        pending.commit().await?;
        if matches!(step, Step::Quarantine | Step::Retire) {
            self.links.kick(device);
        }
        Ok(())
    }
}

/// Its id says nothing about the room.
pub(super) fn new_id() -> DeviceId {
    let mut random = [0; 4];
    getrandom::fill(&mut random).expect("invariant: the kernel gives random bytes");
    let id = format!("box-{}", HEXLOWER.encode(&random));
    id.parse().expect("invariant: a device id")
}

pub(super) fn entry(act: Act<'_>, action: &'static str, object: String) -> Result<Entry, NotDone> {
    let reason = act.reason.trim();
    if !(2..=500).contains(&reason.chars().count()) {
        return Err(NotDone::Field(REASON));
    }
    Ok(Entry {
        object,
        purpose: reason.to_owned(),
        ..Entry::done(act.session.person.who(act.from), action)
    })
}
