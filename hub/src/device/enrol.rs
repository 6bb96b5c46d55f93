//! Enrolment: a single-use code and a certificate request in, an identity out. Every attempt is a
//! line in the trail before anything is given.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use data_encoding::HEXLOWER;
use ed25519_dalek::VerifyingKey;
use sha2::{Digest, Sha256};
use xunke_protocol::enrolment::{Code, EnrolRequest, EnrolResponse, SECRET_BYTES};
use xunke_protocol::id::{ClassroomId, DeviceId};
use xunke_protocol::sealed::epoch::SignedBundle;

use super::registry::{Device, Error};
use crate::access::audit::{Entry, Outcome, Trail, Unavailable, Who};
use crate::authority::{self, Ca, Issued};
use crate::endpoint::Links;
use crate::keys::{self, Keys};
use crate::store::device::{self as rows, EnrolledRow, ExpectedRow};
use crate::store::{Db, Writing};

/// A code is carried from the IT centre to the room within a day.
pub(super) const CODE_MS: i64 = 24 * 60 * 60 * 1000;
/// Wrong codes of one address before it has to wait.
const FAILURES_MAX: u32 = 5;
const FAILURES_WITHIN_MS: i64 = 10 * 60 * 1000;
const ACTION: &str = "enrol";
/// Addresses remembered; the oldest go first.
const ADDRESSES_MAX: usize = 4096;

/// Makes a code for a box, new or to be replaced, in that room. Shown once; the hub keeps its hash.
///
/// # Errors
/// The box is retired or stands in another room, or the store fails.
pub async fn new_code(
    db: &Db,
    ca: &Ca,
    device: &DeviceId,
    classroom: ClassroomId,
    now_ms: i64,
) -> Result<Code, Error> {
    let mut writing = db.begin().await?;
    let code = expect(&mut writing, ca.sha256(), device, classroom, now_ms).await?;
    Db::commit(writing).await?;
    Ok(code)
}

/// The same within what is being written.
pub(super) async fn expect(
    writing: &mut Writing,
    ca_sha256: [u8; 32],
    device: &DeviceId,
    classroom: ClassroomId,
    now_ms: i64,
) -> Result<Code, Error> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).expect("invariant: the kernel gives random bytes");
    let code = Code::new(secret, ca_sha256);
    let row = ExpectedRow {
        id: device.as_str(),
        classroom_id: &classroom.0.to_string(),
        secret_sha256: &hash(&code.secret()),
        expires_ms: now_ms + CODE_MS,
        now_ms,
    };
    match rows::expect(writing, &row).await? {
        true => Ok(code),
        false => Err(Error::NotExpected(device.clone())),
    }
}

/// Why a box is not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Unknown, used or expired: which of them is not said.
    #[error("the code is not valid")]
    Code,
    /// The request or the signing key is not what it must be.
    #[error("{0}")]
    Request(&'static str),
    /// Too many wrong codes from this address.
    #[error("too many wrong codes")]
    TooMany {
        /// When to try again.
        retry_after_seconds: i64,
    },
    /// A certificate that is not renewed: why stands in the trail alone.
    #[error("the certificate cannot be renewed")]
    NotRenewed(&'static str),
    /// There are no day keys to hand out.
    #[error("there are no day keys")]
    Keys(#[source] keys::Error),
    /// The trail cannot be written, so nobody is enrolled.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The hub failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// What an enrolled box is told of this hub.
pub struct Place {
    /// Signs its certificate.
    pub ca: Arc<Ca>,
    /// What it seals to.
    pub keys: Arc<Keys>,
    /// Where it speaks MQTT.
    pub mqtt: MqttPlace,
}

/// Where boxes speak MQTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MqttPlace {
    /// A broker of the school; `None` for the hub itself.
    pub host: Option<String>,
    /// Port.
    pub port: u16,
}

/// What is made for a box that is let in.
pub(super) struct Papers {
    pub issued: Issued,
    pub bundle: SignedBundle,
}

/// Enrols boxes.
pub struct Enrolment {
    pub(super) db: Db,
    pub(super) trail: Arc<Trail>,
    links: Links,
    place: Place,
    failures: Mutex<HashMap<IpAddr, Failures>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    since_ms: i64,
}

impl Enrolment {
    pub(super) fn new(db: Db, trail: Arc<Trail>, links: Links, place: Place) -> Self {
        Self {
            db,
            trail,
            links,
            place,
            failures: Mutex::default(),
        }
    }

    /// One attempt from `address`. A box that was enrolled before loses its old certificate.
    ///
    /// # Errors
    /// See [`Refused`]; the attempt is in the trail.
    pub async fn enrol(
        &self,
        request: &EnrolRequest,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<EnrolResponse, Refused> {
        self.may_try(address, now_ms)?;
        let answer = self.answer(request, address, now_ms).await;
        if let Err(refused @ (Refused::Code | Refused::Request(_))) = &answer {
            self.failed(address, now_ms);
            let what = refused.to_string();
            let entry = entry(ACTION, address, "", Outcome::Refused, what);
            self.trail.append(entry, now_ms).await?;
        }
        answer
    }

    async fn answer(
        &self,
        request: &EnrolRequest,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<EnrolResponse, Refused> {
        let secret_sha256 = hash(&request.code_secret);
        let row = rows::of_code(&self.db, &secret_sha256, now_ms)
            .await
            .map_err(Error::from)?;
        let device = Device::try_from(row.ok_or(Refused::Code)?)?;
        let signing_key = signing_key(&request.signing_key)?;
        let papers = self.papers(&request.csr_pem, &device.id, now_ms).await?;
        let detail = format!("certificate {}", papers.issued.serial);
        let entry = entry(
            ACTION,
            address,
            device.id.as_str(),
            Outcome::Permitted,
            detail,
        );
        self.trail.append(entry, now_ms).await?;
        let row = EnrolledRow {
            id: device.id.as_str(),
            serial: &papers.issued.serial,
            certificate_until_ms: papers.issued.not_after_ms,
            signing_key: &signing_key,
            secret_sha256: &secret_sha256,
        };
        match rows::enrol(&self.db, &row, now_ms).await {
            Ok(true) => {}
            Ok(false) => return Err(Refused::Code),
            Err(error) if error.is_duplicate() => {
                return Err(Refused::Request(
                    "its signing key belongs to another enrolment",
                ));
            }
            Err(error) => return Err(Error::from(error).into()),
        }
        self.links.kick(&device.id);
        Ok(self.response(device.id, device.classroom, papers))
    }

    /// A certificate for what a box asks, and the day keys.
    pub(super) async fn papers(
        &self,
        csr_pem: &str,
        device: &DeviceId,
        now_ms: i64,
    ) -> Result<Papers, Refused> {
        let issued = self.issue(csr_pem, device, now_ms)?;
        let bundle = self.place.keys.bundle(now_ms).await;
        let bundle = bundle.map_err(Refused::Keys)?;
        Ok(Papers { issued, bundle })
    }

    pub(super) fn issue(
        &self,
        csr_pem: &str,
        device: &DeviceId,
        now_ms: i64,
    ) -> Result<Issued, Refused> {
        let issued = self.place.ca.issue(csr_pem, device, now_ms);
        issued.map_err(|error| match error {
            authority::Error::Request(why) => Refused::Request(why),
            other => Error::from(other).into(),
        })
    }

    /// The hub's CA.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        self.place.ca.pem()
    }

    /// Stands in every code.
    pub(super) fn ca_sha256(&self) -> [u8; 32] {
        self.place.ca.sha256()
    }

    /// What the box is told.
    pub(super) fn response(
        &self,
        device_id: DeviceId,
        classroom_id: ClassroomId,
        papers: Papers,
    ) -> EnrolResponse {
        let ca = &self.place.ca;
        EnrolResponse {
            device_id,
            classroom_id,
            certificate_pem: papers.issued.pem,
            ca_pem: ca.pem().to_owned(),
            mqtt_host: self.place.mqtt.host.clone(),
            mqtt_port: self.place.mqtt.port,
            hub_signing_key: ca.signing_key().verifying_key().to_bytes(),
            epoch_bundle: papers.bundle,
        }
    }

    pub(super) fn may_try(&self, address: IpAddr, now_ms: i64) -> Result<(), Refused> {
        let failures = self
            .failures
            .lock()
            .expect("invariant: nobody panics while counting");
        let Some(failed) = failures.get(&address) else {
            return Ok(());
        };
        let left_ms = failed.since_ms + FAILURES_WITHIN_MS - now_ms;
        if failed.count < FAILURES_MAX || left_ms <= 0 {
            return Ok(());
        }
        Err(Refused::TooMany {
            retry_after_seconds: left_ms / 1000 + 1,
        })
    }

    pub(super) fn failed(&self, address: IpAddr, now_ms: i64) {
        let mut failures = self
            .failures
            .lock()
            .expect("invariant: nobody panics while counting");
        failures.retain(|_, failed| failed.since_ms + FAILURES_WITHIN_MS > now_ms);
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(&address) {
            let oldest = failures.iter().min_by_key(|(_, failed)| failed.since_ms);
            let oldest = oldest.map(|(address, _)| *address);
            oldest.and_then(|address| failures.remove(&address));
        }
        let fresh = Failures {
            count: 0,
            since_ms: now_ms,
        };
        failures.entry(address).or_insert(fresh).count += 1;
    }
}

fn hash(secret: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(secret.as_bytes()))
}

/// The key that will sign recordings, as stored.
pub(super) fn signing_key(bytes: &[u8; 32]) -> Result<String, Refused> {
    let bad = Refused::Request("its signing key is no Ed25519 public key");
    match VerifyingKey::from_bytes(bytes) {
        Ok(key) if !key.is_weak() => Ok(HEXLOWER.encode(bytes)),
        _ => Err(bad),
    }
}

pub(super) fn entry(
    action: &'static str,
    address: IpAddr,
    object: &str,
    outcome: Outcome,
    detail: String,
) -> Entry {
    Entry {
        who: Who {
            address: address.to_string(),
            ..Who::default()
        },
        action,
        object: object.to_owned(),
        purpose: String::new(),
        outcome,
        article: "",
        detail,
    }
}
