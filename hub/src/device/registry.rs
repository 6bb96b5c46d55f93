//! The registry: which box holds a certificate, and whether it may speak now.

use std::str::FromStr;

use data_encoding::HEXLOWER;
use ed25519_dalek::VerifyingKey;
use rustls::pki_types::CertificateDer;
use uuid::Uuid;
use x509_parser::prelude::{FromDer, X509Certificate};
use xunke_protocol::id::{ClassroomId, DeviceId};

use super::Devices;
use crate::store::device::{self as rows, DeviceRow};
use crate::store::{self, Db};

/// What went wrong with boxes.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is stored makes no sense.
    #[error("the stored {what} of box {device} cannot be read")]
    Stored {
        /// Such as `room`.
        what: &'static str,
        /// Which box.
        device: String,
    },
    /// A certificate could not be made.
    #[error(transparent)]
    Authority(#[from] crate::authority::Error),
    /// The box is retired, or stands in another room.
    #[error("box {0} is retired or stands in another room")]
    NotExpected(DeviceId),
}

/// A box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The room it stands in.
    pub classroom: ClassroomId,
    /// Where it stands between noted and retired.
    pub state: State,
    /// The certificates that are good.
    pub serials: Serials,
    /// End of the one in force, milliseconds since the epoch.
    pub certificate_until_ms: Option<i64>,
}

/// The certificates of a box, hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Serials {
    /// In force.
    pub current: Option<String>,
    /// Made, and in force from its first use on.
    pub next: Option<String>,
    /// Good until then for connections that were opened with it.
    pub previous: Option<(String, i64)>,
}

/// A box's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A code was made; no box has used it yet.
    Pending,
    /// A box holds a certificate.
    Enrolled,
    /// A box holds a certificate that opens nothing until somebody has looked at it (X19).
    Quarantined,
    /// Out of use for good.
    Retired,
}

/// A box that has shown its certificate in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxIdentity {
    /// Which box.
    pub device: DeviceId,
    /// The room it stands in.
    pub classroom: ClassroomId,
    /// What signs its recordings, newest first. What it sealed before a new enrolment is signed
    /// with an older one and still genuine.
    pub signing_keys: Vec<VerifyingKey>,
    /// It has shown a certificate that another has followed: whatever it opens next shows that.
    pub renewed: bool,
}

/// Connections may last so long after the next certificate was first used: whoever watches a
/// lesson goes on watching.
const OVERLAP_MS: i64 = 12 * 60 * 60 * 1000;

impl Devices {
    /// The box that holds this certificate, which TLS has verified; `None` when the certificate is
    /// not good, or the box is not in use. The first use of a renewed certificate puts it in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn identify(
        &self,
        certificate: &CertificateDer<'_>,
        now_ms: i64,
    ) -> Result<Option<BoxIdentity>, Error> {
        let Some((name, serial)) = name_and_serial(certificate) else {
            return Ok(None);
        };
        let Some(device) = find(&self.db, &name).await? else {
            return Ok(None);
        };
        if device.state != State::Enrolled {
            return Ok(None);
        }
        let Some(held) = device.serials.holds(&serial, now_ms) else {
            return Ok(None);
        };
        if held == Held::Next {
            let until_ms = now_ms + OVERLAP_MS;
            if !rows::put_next_in_force(&self.db, name.as_str(), &serial, until_ms).await? {
                return Ok(None);
            }
            tracing::info!(device.id = %name, "a renewed certificate is in force");
        }
        let signing_keys = signing_keys(&self.db, &name).await?;
        let classroom = device.classroom;
        Ok(Some(BoxIdentity {
            device: name,
            classroom,
            signing_keys,
            renewed: held == Held::Previous,
        }))
    }
}

/// Which of a box's certificates one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Current,
    Next,
    Previous,
}

impl Serials {
    fn holds(&self, serial: &str, now_ms: i64) -> Option<Held> {
        if self.current.as_deref() == Some(serial) {
            return Some(Held::Current);
        }
        if self.next.as_deref() == Some(serial) {
            return Some(Held::Next);
        }
        let (previous, until_ms) = self.previous.as_ref()?;
        (previous == serial && now_ms < *until_ms).then_some(Held::Previous)
    }
}

impl State {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Enrolled => "enrolled",
            Self::Quarantined => "quarantined",
            Self::Retired => "retired",
        }
    }

    /// The state of a stored name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        const ALL: [State; 4] = [
            State::Pending,
            State::Enrolled,
            State::Quarantined,
            State::Retired,
        ];
        ALL.into_iter().find(|state| state.name() == name)
    }
}

/// One box.
///
/// # Errors
/// When the store fails.
pub async fn find(db: &Db, device: &DeviceId) -> Result<Option<Device>, Error> {
    let row = rows::find(db, device.as_str()).await?;
    row.map(Device::try_from).transpose()
}

/// What a box signs with or has signed with, newest first.
///
/// # Errors
/// When the store fails.
pub async fn signing_keys(db: &Db, device: &DeviceId) -> Result<Vec<VerifyingKey>, Error> {
    let keys = rows::signing_keys(db, device.as_str()).await?;
    let keys: Option<Vec<_>> = keys.iter().map(|key| verifying_key(key)).collect();
    keys.ok_or_else(|| stored("signing key", device.as_str()))
}

/// Every box, by id.
///
/// # Errors
/// When the store fails.
pub async fn all(db: &Db) -> Result<Vec<Device>, Error> {
    rows::all(db)
        .await?
        .into_iter()
        .map(Device::try_from)
        .collect()
}

/// The box in use in a room, enrolled ones first.
///
/// # Errors
/// When the store fails.
pub async fn in_room(db: &Db, classroom: ClassroomId) -> Result<Option<Device>, Error> {
    let mut boxes = all(db).await?;
    boxes.retain(|device| device.classroom == classroom && device.state != State::Retired);
    boxes.sort_by_key(|device| device.state != State::Enrolled);
    Ok(boxes.into_iter().next())
}

impl TryFrom<DeviceRow> for Device {
    type Error = Error;

    fn try_from(row: DeviceRow) -> Result<Self, Error> {
        let state = State::named(&row.state).ok_or_else(|| stored("state", &row.id))?;
        let classroom = Uuid::from_str(&row.classroom_id).map_err(|_| stored("room", &row.id))?;
        Ok(Self {
            id: row.id.parse().map_err(|_| stored("id", &row.id))?,
            classroom: ClassroomId(classroom),
            state,
            certificate_until_ms: row.certificate_until_ms,
            serials: Serials {
                current: row.serial,
                next: row.next_serial,
                previous: row.previous_serial.zip(row.previous_until_ms),
            },
        })
    }
}

fn stored(what: &'static str, device: &str) -> Error {
    Error::Stored {
        what,
        device: device.to_owned(),
    }
}

/// The common name is the device id: the hub chose it.
fn name_and_serial(certificate: &CertificateDer<'_>) -> Option<(DeviceId, String)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?.parse().ok()?;
    let serial = HEXLOWER.encode(certificate.raw_serial());
    names.next().is_none().then_some((name, serial))
}

fn verifying_key(hex: &str) -> Option<VerifyingKey> {
    let bytes = HEXLOWER.decode(hex.as_bytes()).ok()?;
    VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()
}
