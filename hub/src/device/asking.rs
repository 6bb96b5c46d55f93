//! Boxes that nobody knows and that ask to be let in: each shows a code, and whoever stands before
//! it types that code at the desk. The hub is told the code by a person and by nobody else; with it
//! each side proves itself to the other (docs/decisions/0039).

use std::net::IpAddr;

use data_encoding::HEXLOWER;
use xunke_policy::patrol::FieldError;
use xunke_protocol::asking::{ASKING_MS, Admitted, AskRequest, AskResponse, ShownCode};
use xunke_protocol::enrolment::CSR_BYTES_MAX;
use xunke_protocol::id::{ClassroomId, DeviceId};

use super::Devices;
use super::desk::{Act, DEVICE, NotDone, entry as act_entry, new_id};
use super::enrol::{Enrolment, Papers, Refused, entry, signing_key};
use super::registry::Error;
use crate::access::audit::{Entry, Outcome};
use crate::campus::classroom;
use crate::store::asking::{self as rows, AskingRow};
use crate::store::device::{self as boxes, EnrolledRow, ExpectedRow};
use crate::store::{self, Writing};

/// Boxes that ask within an hour; a campus enrols fewer in a day.
const ALL_MAX: i64 = 256;
/// The same from one address: a building may stand behind one.
const OF_ADDRESS_MAX: i64 = 32;
/// A box that was not heard of for so long does not wait any more.
const SILENT_MS: i64 = 60_000;
/// When there are too many: a good part of the hour that each of them takes.
const RETRY_SECONDS: i64 = 600;
const ASKS: &str = "ask_enrolment";
const ADMITS: &str = "admit_box";

/// A box that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Where it asks from.
    pub address: String,
    /// Since when, milliseconds since the epoch.
    pub since_ms: i64,
}

const CODE: FieldError = FieldError {
    field: "code",
    zh: "没有设备在等待这个代码：请核对设备上显示的代码；设备须正在等待，代码一小时内有效。",
    en: "No box waits with this code. Compare it with what the box shows; it is good for an hour \
         while the box waits.",
};
const STRANGER: FieldError = FieldError {
    field: "code",
    zh: "设备看到的不是本平台：设备与平台之间有人冒充，或设备的 hub.url 写错。设备没有入网。",
    en: "The box has met another hub: somebody stands between, or its hub.url is wrong. It was not \
         let in.",
};
const KEY: FieldError = FieldError {
    field: "code",
    zh: "这台设备的签名密钥已属于另一次入网，请在设备上重新开始。",
    en: "The signing key of this box belongs to another enrolment; begin again on the box.",
};

impl Enrolment {
    /// A box asks, for the first time or again.
    ///
    /// # Errors
    /// See [`Refused`]; what is refused is in the trail.
    pub async fn ask(
        &self,
        request: &AskRequest,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<AskResponse, Refused> {
        self.may_try(address, now_ms)?;
        let answer = self.hear(request, address, now_ms).await;
        if let Err(Refused::Request(_) | Refused::TooMany { .. }) = &answer {
            self.failed(address, now_ms);
        }
        if let Err(refused @ Refused::Request(_)) = &answer {
            let entry = entry(ASKS, address, "", Outcome::Refused, refused.to_string());
            self.trail.append(entry, now_ms).await?;
        }
        answer
    }

    async fn hear(
        &self,
        request: &AskRequest,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<AskResponse, Refused> {
        let asked = asked(request, address, now_ms)?;
        let Some(known) = rows::find(&self.db, &asked.name)
            .await
            .map_err(Error::from)?
        else {
            self.begin(&asked, address, now_ms).await?;
            return Ok(AskResponse { admitted: None });
        };
        let same = (&known.csr_pem, &known.signing_key, &known.proof)
            == (&asked.csr_pem, &asked.signing_key, &asked.proof);
        if !same || known.since_ms + ASKING_MS <= now_ms {
            return Err(Refused::Request("its code was used for something else"));
        }
        let admitted = admitted(&known)?;
        if admitted.is_none() {
            rows::heard(&self.db, &asked.name, now_ms)
                .await
                .map_err(Error::from)?;
        }
        Ok(AskResponse { admitted })
    }

    async fn begin(&self, row: &AskingRow, address: IpAddr, now_ms: i64) -> Result<(), Refused> {
        let entry = entry(ASKS, address, "", Outcome::Permitted, String::new());
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let writing = pending.writing();
        let left = rows::left(writing, now_ms - ASKING_MS, &row.address).await;
        let (all, here) = left.map_err(Error::from)?;
        if all >= ALL_MAX || here >= OF_ADDRESS_MAX {
            return Err(Refused::TooMany {
                retry_after_seconds: RETRY_SECONDS,
            });
        }
        rows::add(writing, row).await.map_err(Error::from)?;
        pending.commit().await?;
        Ok(())
    }
}

impl Devices {
    /// The boxes that wait for somebody to type what they show.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting(&self, now_ms: i64) -> Result<Vec<Waiting>, Error> {
        let (since_ms, seen_ms) = (now_ms - ASKING_MS, now_ms - SILENT_MS);
        let rows = rows::waiting(&self.db, since_ms, seen_ms).await?;
        let waiting = rows.into_iter().map(|row| Waiting {
            address: row.address,
            since_ms: row.since_ms,
        });
        Ok(waiting.collect())
    }

    /// Lets in the box that shows this code, into a room: a new one, or one that takes the place of
    /// `device`. It hears of it when it asks again.
    ///
    /// # Errors
    /// The field, or that there is no such room; then nobody was let in.
    pub async fn admit(
        &self,
        act: Act<'_>,
        room: ClassroomId,
        device: Option<DeviceId>,
        code: &ShownCode,
    ) -> Result<DeviceId, NotDone> {
        let found = classroom::find(&self.db, room).await?;
        let found = found.ok_or(NotDone::NotFound)?;
        let device = device.unwrap_or_else(new_id);
        let line = act_entry(act, ADMITS, format!("{} {device}", found.name))?;
        let name = code.name();
        let row = rows::find(&self.db, &name).await?;
        let row = row.filter(|row| row.answer.is_none() && row.since_ms + ASKING_MS > act.now_ms);
        let row = row.ok_or(NotDone::Field(CODE))?;
        let (key, asked) = (bytes(&row.signing_key)?, bytes(&row.proof)?);
        let proof = code.asks(&self.enrolment.ca_sha256(), &row.csr_pem, &key);
        if !code.same(&proof, &asked) {
            let (outcome, detail) = (Outcome::Refused, "it has met another hub".into());
            let line = Entry {
                outcome,
                detail,
                ..line
            };
            self.trail.append(line, act.now_ms).await?;
            return Err(NotDone::Field(STRANGER));
        }
        let papers = self.enrolment.papers(&row.csr_pem, &device, act.now_ms);
        let papers = papers.await?;
        let line = Entry {
            detail: format!(
                "certificate {}, asks from {}",
                papers.issued.serial, row.address
            ),
            ..line
        };
        let mut pending = self.trail.begin(line, act.now_ms).await?;
        let place = (&device, room);
        enrolled(pending.writing(), place, &row, &papers, act.now_ms).await?;
        let answer = self.enrolment.response(device.clone(), room, papers);
        let answer = serde_json::to_string(&answer);
        let answer = answer.expect("invariant: plain fields become JSON");
        let proof = HEXLOWER.encode(&code.answers(&asked, &answer));
        if !rows::admit(pending.writing(), &name, (&answer, &proof)).await? {
            return Err(NotDone::Field(CODE));
        }
        pending.commit().await?;
        self.links.kick(&device);
        Ok(device)
    }
}

/// The box is noted, its code used, and its certificate in force.
async fn enrolled(
    writing: &mut Writing,
    (device, room): (&DeviceId, ClassroomId),
    row: &AskingRow,
    papers: &Papers,
    now_ms: i64,
) -> Result<(), NotDone> {
    let expected = ExpectedRow {
        id: device.as_str(),
        classroom_id: &room.0.to_string(),
        secret_sha256: &row.name,
        expires_ms: now_ms,
        now_ms,
    };
    if !boxes::expect(writing, &expected).await.map_err(used)? {
        return Err(NotDone::Field(DEVICE));
    }
    let row = EnrolledRow {
        id: device.as_str(),
        serial: &papers.issued.serial,
        certificate_until_ms: papers.issued.not_after_ms,
        signing_key: &row.signing_key,
        secret_sha256: &row.name,
    };
    match boxes::enrol_within(writing, &row, now_ms).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(NotDone::Field(CODE)),
        Err(error) if error.is_duplicate() => Err(NotDone::Field(KEY)),
        Err(error) => Err(error.into()),
    }
}

/// Two people may type the same code at once.
fn used(error: store::Error) -> NotDone {
    match error.is_duplicate() {
        true => NotDone::Field(CODE),
        false => error.into(),
    }
}

/// What is asked, as it is stored.
fn asked(request: &AskRequest, address: IpAddr, now_ms: i64) -> Result<AskingRow, Refused> {
    if bytes(&request.name).is_err() {
        return Err(Refused::Request("its code is called by no hash"));
    }
    if request.csr_pem.len() > CSR_BYTES_MAX {
        return Err(Refused::Request("its certificate request is too long"));
    }
    Ok(AskingRow {
        name: request.name.clone(),
        csr_pem: request.csr_pem.clone(),
        signing_key: signing_key(&request.signing_key)?,
        proof: HEXLOWER.encode(&request.proof),
        address: address.to_string(),
        since_ms: now_ms,
        seen_ms: now_ms,
        answer: None,
        answer_proof: None,
    })
}

fn admitted(row: &AskingRow) -> Result<Option<Admitted>, Error> {
    let (Some(answer), Some(proof)) = (&row.answer, &row.answer_proof) else {
        return Ok(None);
    };
    Ok(Some(Admitted {
        answer: answer.clone(),
        proof: bytes(proof)?,
    }))
}

fn bytes(hex: &str) -> Result<[u8; 32], Error> {
    let bytes = HEXLOWER.decode(hex.as_bytes()).ok();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Error::Stored {
        what: "proof",
        device: String::new(),
    })
}
