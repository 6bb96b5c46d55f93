//! Renewal: the certificate that follows the one a box holds (X20).
//!
//! Whoever can sign with the box's recording key and names the certificate in force is the box,
//! whether that certificate has expired or not: a school is dark for nine weeks in summer. The next
//! certificate counts from its first use on, so a box that loses the answer has lost nothing.

use std::net::IpAddr;

use xunke_policy::fault::RENEWAL_GRACE_DAYS;
use xunke_protocol::enrolment::CSR_BYTES_MAX;
use xunke_protocol::id::DeviceId;
use xunke_protocol::renewal::{RenewalRequest, RenewalResponse};

use super::enrol::{Enrolment, Refused, entry};
use super::registry::{self, BoxIdentity, Error, State};
use crate::access::audit::Outcome;
use crate::store::device as rows;

const DAY_MS: i64 = 86_400_000;
/// So long after its end a certificate can still be renewed.
const GRACE_MS: i64 = RENEWAL_GRACE_DAYS * DAY_MS;
const ACTION: &str = "renew_certificate";

impl Enrolment {
    /// One request from `address`. What is not renewed does not hear why.
    ///
    /// # Errors
    /// See [`Refused`]; the attempt is in the trail.
    pub async fn renew(
        &self,
        request: &RenewalRequest,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<RenewalResponse, Refused> {
        self.may_try(address, now_ms)?;
        let answer = self.follow(request, address, now_ms).await;
        let device = request.device_id.as_str();
        self.noted(answer, device, address, now_ms).await
    }

    /// The same for a box that has shown its certificate, and with it who it is.
    ///
    /// # Errors
    /// See [`Refused`]; the attempt is in the trail.
    pub async fn renew_shown(
        &self,
        shown: &BoxIdentity,
        csr_pem: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<RenewalResponse, Refused> {
        self.may_try(address, now_ms)?;
        let answer = self.follow_shown(shown, csr_pem, address, now_ms).await;
        let device = shown.device.as_str();
        self.noted(answer, device, address, now_ms).await
    }

    /// A refusal counts, and stands in the trail.
    async fn noted(
        &self,
        answer: Result<RenewalResponse, Refused>,
        device: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<RenewalResponse, Refused> {
        if let Err(refused @ (Refused::NotRenewed(_) | Refused::Request(_))) = &answer {
            self.failed(address, now_ms);
            let why = match refused {
                Refused::NotRenewed(why) => (*why).to_owned(),
                other => other.to_string(),
            };
            let entry = entry(ACTION, address, device, Outcome::Refused, why);
            self.trail.append(entry, now_ms).await?;
        }
        answer
    }

    async fn follow_shown(
        &self,
        shown: &BoxIdentity,
        csr_pem: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<RenewalResponse, Refused> {
        let row = rows::find(&self.db, shown.device.as_str()).await;
        let serial = row.map_err(Error::from)?.and_then(|row| row.serial);
        let Some(serial) = serial.filter(|_| !shown.renewed) else {
            return Err(Refused::NotRenewed(
                "its certificate is not the one in force",
            ));
        };
        let after = (&shown.device, serial.as_str());
        self.next(after, csr_pem, "", (address, now_ms)).await
    }

    async fn follow(
        &self,
        request: &RenewalRequest,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<RenewalResponse, Refused> {
        if request.csr_pem.len() > CSR_BYTES_MAX {
            return Err(Refused::Request("its certificate request is too long"));
        }
        let late = self.asked_by_the_box(request, now_ms).await?;
        let late = if late { "late, " } else { "" };
        let after = (&request.device_id, request.serial.as_str());
        self.next(after, &request.csr_pem, late, (address, now_ms))
            .await
    }

    /// Makes the certificate that follows this one of this box.
    async fn next(
        &self,
        (device, serial): (&DeviceId, &str),
        csr_pem: &str,
        late: &str,
        (address, now_ms): (IpAddr, i64),
    ) -> Result<RenewalResponse, Refused> {
        let issued = self.issue(csr_pem, device, now_ms)?;
        let detail = format!("{late}certificate {} after {serial}", issued.serial);
        let entry = entry(ACTION, address, device.as_str(), Outcome::Permitted, detail);
        self.trail.append(entry, now_ms).await?;
        let next = rows::NextRow {
            id: device.as_str(),
            serial,
            next_serial: &issued.serial,
            next_until_ms: issued.not_after_ms,
        };
        if !rows::follow(&self.db, &next, now_ms)
            .await
            .map_err(Error::from)?
        {
            return Err(Refused::NotRenewed(
                "its certificate was replaced meanwhile",
            ));
        }
        Ok(RenewalResponse {
            certificate_pem: issued.pem,
        })
    }

    /// Whether the certificate in force, which the request names, has expired.
    async fn asked_by_the_box(
        &self,
        request: &RenewalRequest,
        now_ms: i64,
    ) -> Result<bool, Refused> {
        let no = |why| Err(Refused::NotRenewed(why));
        let keys = self.keys_of(&request.device_id).await?;
        if !keys.first().is_some_and(|newest| request.is_by(newest)) {
            return no("it is not signed by that box");
        }
        let row = rows::find(&self.db, request.device_id.as_str()).await;
        let Some(row) = row.map_err(Error::from)? else {
            return no("it is not signed by that box");
        };
        if State::named(&row.state) != Some(State::Enrolled) {
            return no("the box is not in use");
        }
        let in_force = row.serial.as_deref() == Some(request.serial.as_str());
        let Some(until_ms) = row.certificate_until_ms.filter(|_| in_force) else {
            return no("its certificate is not the one in force");
        };
        if now_ms > until_ms + GRACE_MS {
            return no("its certificate expired more than 180 days ago");
        }
        Ok(now_ms > until_ms)
    }

    async fn keys_of(
        &self,
        device: &DeviceId,
    ) -> Result<Vec<ed25519_dalek::VerifyingKey>, Refused> {
        Ok(registry::signing_keys(&self.db, device).await?)
    }
}
