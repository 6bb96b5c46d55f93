//! Scans of paper agreements, and handing out what is kept: sealed at rest, opened for two.

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::institution::Function;

use super::original::Party;
use super::{Agreements, Entry, Error};
use crate::access::document;
use crate::access::grant::By;
use crate::access::secret::{self, hex};
use crate::campus;
use crate::store::agreement as rows;
use crate::store::original::{self as originals, OriginalRow};

/// A scan that was not filed within a day is forgotten at the next upload.
const LOOSE_MS_MAX: i64 = 24 * 60 * 60 * 1000;

/// An original as it is handed out.
pub struct Handed {
    /// Such as `BM-00001-person.pdf`.
    pub file_name: String,
    /// Such as `application/pdf`.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Agreements {
    /// Keeps a scan until its agreement is entered. Gives its id and its SHA-256.
    ///
    /// # Errors
    /// The field when it is no whole PDF, JPEG or PNG; then nothing was stored.
    pub async fn keep_scan(&self, by: By<'_>, bytes: &[u8]) -> Result<(Uuid, String), Error> {
        let media_type = document::media_type(bytes).map_err(Error::Field)?;
        let row = self.original(by, media_type, bytes);
        let entry = Entry {
            object: media_type.into(),
            detail: format!("{} bytes, {}", row.bytes, row.sha256),
            ..by.done("upload_scan")
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        originals::forget_loose(pending.writing(), by.now_ms - LOOSE_MS_MAX).await?;
        self.store(pending.writing(), &row, bytes).await?;
        pending.commit().await?;
        Ok((campus::id("a scan", &row.id)?, row.sha256))
    }

    /// The originals of an agreement.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn originals(&self, agreement: &str) -> Result<Vec<OriginalRow>, Error> {
        Ok(originals::of(&self.db, agreement).await?)
    }

    /// Hands out an original: 乙方 the own one, Academic Affairs both (R38).
    ///
    /// # Errors
    /// [`Error::NotFound`] for everybody else too: who signed what is nobody's business.
    pub async fn hand_out(
        &self,
        by: By<'_>,
        agreement: Uuid,
        party: Party,
    ) -> Result<Handed, Error> {
        let row = rows::find(&self.db, &agreement.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let person = &by.session.person;
        let keeps = self
            .institution
            .allows(&person.roles, Function::FileApplications);
        let own = row.agreement.person_id == person.id.to_string() && party == Party::Person;
        if !(keeps || own) {
            return Err(Error::NotFound);
        }
        let kept = self.originals(&row.agreement.id).await?.into_iter();
        let mut kept = kept.filter(|one| one.party.as_deref() == Some(party.word()));
        let kept = kept.next().ok_or(Error::NotFound)?;
        let sealed = originals::sealed(&self.db, &kept.id).await?;
        let opened = self
            .sealing
            .unseal(&sealed.ok_or(Error::NotFound)?, &kept.id)?;
        if hex(&Sha256::digest(opened.as_slice())) != kept.sha256 {
            return Err(secret::Error::Open.into());
        }
        let number = &row.agreement.number;
        let entry = Entry {
            object: format!("{number} {} {}", row.person, row.staff_number),
            detail: party.word().into(),
            ..by.done("download_agreement")
        };
        self.trail.append(entry, by.now_ms).await?;
        let suffix = document::suffix(&kept.media_type);
        Ok(Handed {
            file_name: format!("{number}-{}.{suffix}", party.word()),
            media_type: kept.media_type,
            bytes: opened.to_vec(),
        })
    }
}
