//! Intake: what boxes say over MQTT finds its room. A message nobody can read is acknowledged and
//! told once: refusing it would make the box send it for ever.

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use xunke_protocol::command::Refused;
use xunke_protocol::envelope::{
    self, Acks, CommandAnswer, Envelope, HubTime, Presence, PresenceState,
};
use xunke_protocol::health::HealthDocument;
use xunke_protocol::id::{DeviceId, MessageId};
use xunke_protocol::topic::{Down, Up};

use super::unreadable::Unreadable;
use super::{Error, status};
use crate::clock;
use crate::device::{Devices, registry};
use crate::endpoint::{Fleet, Happening, Unavailable};
use crate::notice::Notices;
use crate::recording::completeness;
use crate::recording::missing::{self, Missing};
use crate::store::Db;

/// The event with which a box says that footage is missing for good.
const GAP: &str = "gap";

/// Takes what boxes say.
#[derive(Debug)]
pub struct Intake {
    db: Db,
    pub(super) notices: Notices,
    devices: Devices,
    missing: Missing,
    acks: Acks,
    unreadable: Unreadable,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    /// It is not the document it should be.
    #[error(transparent)]
    Unreadable(#[from] envelope::Error),
    /// The hub failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Fleet for Intake {
    async fn admit(&self, certificate: &CertificateDer<'_>) -> Option<DeviceId> {
        match self.devices.identify(certificate, clock::now_ms()).await {
            Ok(identity) => identity.map(|identity| identity.device),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a box cannot be identified");
                None
            }
        }
    }

    async fn message(&self, device: &DeviceId, up: Up, payload: Bytes) -> Result<(), Unavailable> {
        self.devices.visits.heard(payload.len());
        match self.take(device, &up, &payload, clock::now_ms()).await {
            Ok(()) => Ok(()),
            Err(NotTaken::Unreadable(error)) => {
                self.devices.visits.unreadable();
                if let Some(count) = self.unreadable.note(device, clock::now_ms()) {
                    let error = &error as &dyn std::error::Error;
                    let (id, channel) = (device.as_str(), &up);
                    tracing::warn!(device.id = id, ?channel, count, error, "unreadable message");
                }
                Ok(())
            }
            Err(NotTaken::Failed(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(device.id = %device, error, "a message cannot be stored");
                Err(Unavailable)
            }
        }
    }

    async fn knows(&self, device: &DeviceId) -> bool {
        match registry::find(&self.db, device).await {
            Ok(found) => found.is_some_and(|one| one.state == registry::State::Enrolled),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "a box cannot be looked up");
                false
            }
        }
    }

    async fn lost_sight(&self) {
        if let Err(error) = status::begin(&self.db, clock::now_ms()).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "boxes cannot be called unknown");
        }
    }

    fn happened(&self, happening: Happening<'_>) {
        self.devices.visits.note(happening);
    }
}

impl Intake {
    /// Takes what `devices` say, what is missing from recordings with it; they take an
    /// acknowledgement as `acks` says.
    #[must_use]
    pub fn new(
        (db, notices): (Db, Notices),
        devices: Devices,
        missing: Missing,
        acks: Acks,
    ) -> Self {
        Self {
            db,
            notices,
            devices,
            missing,
            acks,
            unreadable: Unreadable::default(),
        }
    }

    pub(super) async fn take(
        &self,
        device: &DeviceId,
        up: &Up,
        payload: &[u8],
        now_ms: i64,
    ) -> Result<(), NotTaken> {
        let (db, notices) = (&self.db, &self.notices);
        match up {
            Up::State => {
                let said: Presence = envelope::parse(payload)?;
                status::heard(db, notices, device, &said, now_ms).await?;
                // Also a birth that was told before: its box asks for the time by it.
                if said.s == PresenceState::Online {
                    self.tell_time(device, now_ms);
                    let told = self.devices.tell_again(device, now_ms).await;
                    told.map_err(Error::from)?;
                }
            }
            Up::Health => {
                let envelope = Envelope::parse(payload)?;
                let report: HealthDocument = envelope.data()?;
                status::reported(db, notices, device, &envelope, &report, now_ms).await?;
                self.sources(device, &report, now_ms).await?;
            }
            Up::Event(kind) => {
                let envelope = Envelope::parse(payload)?;
                if kind == GAP {
                    self.missing(device, &envelope, now_ms).await?;
                }
                status::happened(db, device, kind, &envelope, now_ms).await?;
            }
            Up::Ack(id) => self.answered(device, *id, payload, now_ms).await?,
            Up::Metrics | Up::Config => {
                drop(Envelope::parse(payload)?);
            }
        }
        Ok(())
    }

    /// Recordings account for every second, also for what a box could not keep.
    async fn missing(
        &self,
        device: &DeviceId,
        envelope: &Envelope,
        now_ms: i64,
    ) -> Result<(), NotTaken> {
        match self.missing.take(device, envelope, now_ms).await {
            Err(missing::Error::Unreadable(error)) => Err(error.into()),
            taken => Ok(taken.map_err(Error::from)?),
        }
    }

    /// What a room has to record from, it owes from then on.
    async fn sources(
        &self,
        device: &DeviceId,
        report: &HealthDocument,
        now_ms: i64,
    ) -> Result<(), Error> {
        if let Some(found) = registry::find(&self.db, device).await? {
            completeness::see_sources(&self.db, found.classroom, report, now_ms).await?;
        }
        Ok(())
    }

    /// Whoever waits for an answer gets it; what is kept of commands knows it before the box may
    /// forget it.
    async fn answered(
        &self,
        device: &DeviceId,
        id: MessageId,
        payload: &[u8],
        now_ms: i64,
    ) -> Result<(), NotTaken> {
        let answer: CommandAnswer = Envelope::parse(payload)?.data()?;
        if answer.code.as_deref() == Some(Refused::Forged.code()) {
            self.devices.visits.forged(device);
        }
        if !self.devices.commands.answered(device, id, &answer) {
            let heard = self.devices.heard(device, id, &answer, now_ms).await;
            heard.map_err(Error::from)?;
        }
        Ok(())
    }

    /// So that a box knows how far its clock is off.
    fn tell_time(&self, device: &DeviceId, now_ms: i64) {
        let (now, acks) = (now_ms, self.acks);
        let time = serde_json::to_vec(&HubTime { now, acks });
        let time = Bytes::from(time.expect("invariant: a number becomes JSON"));
        let sent = self
            .devices
            .links
            .send(device, Down::Time.topic(device), time);
        if let Err(error) = sent {
            tracing::warn!(device.id = %device, %error, "the hub's time was not sent");
        }
    }
}
