//! Scans of paper agreements, and handing out what is kept: sealed at rest, opened for two.

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::institution::Function;
use xunke_policy::patrol::FieldError;

use super::original::Party;
use super::{Agreements, Entry, Error, entry};
use crate::access::grant::By;
use crate::access::secret::{self, hex};
use crate::campus;
use crate::store::agreement as rows;
use crate::store::original::{self as originals, OriginalRow};

/// Largest scan.
pub const BYTES_MAX: usize = 8 * 1024 * 1024;
/// A scan that was not filed within a day is forgotten at the next upload.
const LOOSE_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Where a file says that it ends.
const END_BYTES: usize = 1024;

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
        let media_type = media_type(bytes)?;
        let row = self.original(by, media_type, bytes);
        let entry = Entry {
            object: media_type.into(),
            detail: format!("{} bytes, {}", row.bytes, row.sha256),
            ..entry(by, "upload_scan")
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
            ..entry(by, "download_agreement")
        };
        self.trail.append(entry, by.now_ms).await?;
        let suffix = suffix(&kept.media_type);
        Ok(Handed {
            file_name: format!("{number}-{}.{suffix}", party.word()),
            media_type: kept.media_type,
            bytes: opened.to_vec(),
        })
    }
}

fn suffix(media_type: &str) -> &'static str {
    match media_type {
        "application/pdf" => "pdf",
        "image/jpeg" => "jpg",
        _ => "png",
    }
}

/// What a scan is, by how it begins; one that does not end was cut off on its way.
fn media_type(bytes: &[u8]) -> Result<&'static str, Error> {
    let end = &bytes[bytes.len().saturating_sub(END_BYTES)..];
    let has = |mark: &[u8]| end.windows(mark.len()).any(|window| window == mark);
    let (media_type, whole) = if bytes.starts_with(b"%PDF-") {
        ("application/pdf", has(b"%%EOF"))
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        ("image/jpeg", has(b"\xff\xd9"))
    } else if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        ("image/png", has(b"IEND"))
    } else {
        return Err(Error::Field(WRONG_KIND));
    };
    if whole {
        return Ok(media_type);
    }
    Err(Error::Field(CUT_OFF))
}

const WRONG_KIND: FieldError = FieldError {
    field: "scan",
    zh: "扫描件须为 PDF、JPEG 或 PNG 文件。",
    en: "A scan is a PDF, JPEG or PNG file.",
};
const CUT_OFF: FieldError = FieldError {
    field: "scan",
    zh: "扫描件不完整（文件没有结尾），请重新上传。",
    en: "The scan is cut off: the file has no end. Upload it again.",
};

#[cfg(test)]
mod tests {
    use super::*;

    fn field(bytes: &[u8]) -> &'static str {
        match media_type(bytes) {
            Err(Error::Field(field)) => field.en,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_scan_is_known_by_its_beginning_and_its_end() {
        let pdf = b"%PDF-1.7\nscan\n%%EOF\n";
        assert_eq!(media_type(pdf).unwrap(), "application/pdf");
        let jpeg = b"\xff\xd8\xff\xe0picture\xff\xd9";
        assert_eq!(media_type(jpeg).unwrap(), "image/jpeg");
        let png = b"\x89PNG\r\n\x1a\npictureIEND\xae\x42\x60\x82";
        assert_eq!(media_type(png).unwrap(), "image/png");
        for whole in [pdf.as_slice(), jpeg, png] {
            assert_eq!(field(&whole[..whole.len() - 8]), CUT_OFF.en);
        }
        for wrong in [b"".as_slice(), b"PK\x03\x04", b"<html>%PDF-%%EOF", b"MZ"] {
            assert_eq!(field(wrong), WRONG_KIND.en);
        }
    }
}
