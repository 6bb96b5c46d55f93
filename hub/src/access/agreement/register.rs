//! What Academic Affairs does: who must sign, papers, ends, and 身份证号 on request (R34, R39, R46).

use uuid::Uuid;
use xunke_policy::agreement::Agreement;
use xunke_policy::agreement::signing;
use xunke_policy::application::REASON_CHARACTERS_MAX;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;
use zeroize::Zeroizing;

use super::original::Party;
use super::{Agreements, Entry, Error, identity, number, text};
use crate::access::grant::By;
use crate::access::person::{self, Person};
use crate::campus::calendar::{date_text, day};
use crate::store::Writing;
use crate::store::agreement::{self as rows, AgreementRow, ListedRow, SignerRow};
use crate::store::original as originals;
use crate::store::people::SignatureRow;

/// Somebody who must have signed, and where they stand.
#[derive(Debug, Clone)]
pub struct Signer {
    /// Who, and what they signed last.
    pub row: SignerRow,
    /// What that is worth now.
    pub agreement: Agreement,
}

/// A paper agreement as Academic Affairs enters it.
pub struct Paper {
    /// 乙方.
    pub person: Uuid,
    /// The version of the text.
    pub version: String,
    /// When 乙方 signed, milliseconds since the epoch.
    pub signed_ms: i64,
    /// 负责人 of 甲方.
    pub representative: String,
    /// When 甲方 signed, milliseconds since the epoch.
    pub school_signed_ms: i64,
    /// 用章说明.
    pub seal_note: String,
    /// 身份证号; empty: none is given.
    pub identity_number: Zeroizing<String>,
    /// The scan of 甲方's original.
    pub school_scan: Uuid,
    /// The scan of 乙方's original.
    pub person_scan: Uuid,
}

impl Agreements {
    /// Everybody who takes part, signed or not (R34, Q21), by staff number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn signers(&self, now_ms: i64) -> Result<Vec<Signer>, Error> {
        let roles = Role::NAMES
            .iter()
            .filter(|(role, _)| role.signs_agreement());
        let roles: Vec<_> = roles.map(|(_, name)| *name).collect();
        let version = rows::version(&self.db, now_ms).await?;
        let rows = rows::signers(&self.db, &roles, now_ms).await?;
        let signer = |row: SignerRow| {
            let signature = row.text_version.clone().zip(row.signed_ms);
            let signature = signature.map(|(text_version, signed_ms)| SignatureRow {
                text_version,
                signed_ms,
                ended_ms: row.ended_ms,
            });
            let agreement = person::agreement_state(signature.as_ref(), version.as_ref());
            Signer { row, agreement }
        };
        Ok(rows.into_iter().map(signer).collect())
    }

    /// Every agreement, those that last first; 500 at most.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn register(&self) -> Result<Vec<ListedRow>, Error> {
        Ok(rows::all(&self.db).await?)
    }

    /// One agreement.
    ///
    /// # Errors
    /// When there is none.
    pub async fn one(&self, id: Uuid) -> Result<ListedRow, Error> {
        let row = rows::find(&self.db, &id.to_string()).await?;
        row.ok_or(Error::NotFound)
    }

    /// 身份证号 as everybody sees it: the first three and the last four (R46).
    ///
    /// # Errors
    /// When what is stored does not open.
    pub fn masked(&self, row: &AgreementRow) -> Result<Option<String>, Error> {
        let number = self.unsealed(row)?;
        Ok(number.map(|number| signing::masked(&number)))
    }

    /// 身份证号 in full, for a reason that stands in the trail (R46).
    ///
    /// # Errors
    /// The field without a reason, [`Error::NotFound`] without a number.
    pub async fn identity_number(
        &self,
        by: By<'_>,
        id: Uuid,
        why: &str,
    ) -> Result<Zeroizing<String>, Error> {
        let why = reasoned(why)?;
        let row = self.one(id).await?;
        let number = self.unsealed(&row.agreement)?.ok_or(Error::NotFound)?;
        let entry = Entry {
            object: about(&row),
            purpose: why.into(),
            ..by.done("read_identity_number")
        };
        self.trail.append(entry, by.now_ms).await?;
        Ok(number)
    }

    /// “至乙方不再承担听课/巡课职责时终止” (R39): the duty is over, secrecy is not.
    ///
    /// # Errors
    /// The field without a reason, or that it has ended already.
    pub async fn end(&self, by: By<'_>, id: Uuid, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let row = self.one(id).await?;
        if row.agreement.ended_ms.is_some() {
            return Err(Error::EndedAlready);
        }
        let entry = Entry {
            object: about(&row),
            purpose: why.into(),
            ..by.done("end_agreement")
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let (person, ender) = (&row.agreement.person_id, by.session.person.id.to_string());
        if !rows::end(pending.writing(), person, &ender, why, by.now_ms).await? {
            return Err(Error::EndedAlready);
        }
        pending.commit().await?;
        Ok(())
    }

    /// Enters an agreement that was signed on paper. Gives its number.
    ///
    /// # Errors
    /// The field, or [`Error::NotFound`] for nobody; then nothing was entered.
    pub async fn enter_paper(&self, by: By<'_>, paper: Paper) -> Result<String, Error> {
        let holder = person::find(&self.db, paper.person, by.now_ms).await?;
        let holder = holder.ok_or(Error::NotFound)?;
        let row = self.paper_row(by, &holder, &paper).await?;
        let scans = self.scans(&paper).await?;
        loop {
            let count = rows::count(&self.db).await?;
            let row = AgreementRow {
                number: number(count),
                ..row.clone()
            };
            let entry = Entry {
                object: format!("{} {} {}", row.number, holder.name, holder.staff_number),
                detail: format!(
                    "text {}, paper of {}, school {}, person {}",
                    row.text_version,
                    date_text(day(row.signed_ms)),
                    scans[0],
                    scans[1]
                ),
                ..by.done("enter_agreement")
            };
            let mut pending = self.trail.begin(entry, by.now_ms).await?;
            let writing = pending.writing();
            // Somebody else may have taken the number meanwhile.
            if rows::still_counts(writing, count).await? {
                rows::add(writing, &row).await?;
                file_scans(writing, &row.id, &paper).await?;
                pending.commit().await?;
                return Ok(row.number);
            }
        }
    }

    async fn paper_row(
        &self,
        by: By<'_>,
        holder: &Person,
        paper: &Paper,
    ) -> Result<AgreementRow, Error> {
        let texts = self.texts().await?;
        let known = texts.into_iter().find(|text| text.version == paper.version);
        let known = known.filter(|text| text.in_force_ms <= by.now_ms);
        let known = known.ok_or(Error::Field(NO_VERSION))?;
        if paper.signed_ms > by.now_ms {
            return Err(Error::Field(NOT_YET));
        }
        if paper.school_signed_ms > by.now_ms {
            return Err(Error::Field(SCHOOL_NOT_YET));
        }
        let (representative, seal_note) = text::school(&paper.representative, &paper.seal_note)?;
        let identity = identity(&paper.identity_number)?;
        let id = Uuid::now_v7().to_string();
        let sealed = identity.map(|number| self.sealing.seal(number.as_bytes(), &id));
        Ok(AgreementRow {
            person_id: holder.id.to_string(),
            number: String::new(),
            kind: "paper".into(),
            text_version: known.version,
            text_sha256: Some(known.sha256),
            typed_name: None,
            address: None,
            reading_seconds: None,
            identity_sealed: sealed,
            representative,
            school_signed_ms: Some(paper.school_signed_ms),
            seal_note,
            signed_ms: paper.signed_ms,
            filed_ms: Some(by.now_ms),
            filed_by: Some(by.session.person.id.to_string()),
            ended_ms: None,
            ended_by: None,
            ended_why: None,
            replaced_by: None,
            id,
        })
    }

    /// The hashes of both scans, which must be two that are not filed yet (R38).
    async fn scans(&self, paper: &Paper) -> Result<[String; 2], Error> {
        let school = originals::loose(&self.db, &paper.school_scan.to_string()).await?;
        let person = originals::loose(&self.db, &paper.person_scan.to_string()).await?;
        match (school, person) {
            (Some(school), Some(person)) if school.id != person.id => {
                Ok([school.sha256, person.sha256])
            }
            _ => Err(Error::Field(NO_SCAN)),
        }
    }

    fn unsealed(&self, row: &AgreementRow) -> Result<Option<Zeroizing<String>>, Error> {
        let Some(sealed) = &row.identity_sealed else {
            return Ok(None);
        };
        let opened = self.sealing.unseal(sealed, &row.id)?;
        let number = String::from_utf8_lossy(&opened).into_owned();
        Ok(Some(Zeroizing::new(number)))
    }
}

async fn file_scans(writing: &mut Writing, agreement: &str, paper: &Paper) -> Result<(), Error> {
    let scans = [paper.school_scan, paper.person_scan];
    for (scan, party) in scans.into_iter().zip(Party::BOTH) {
        let word = party.word();
        if !originals::bind(writing, &scan.to_string(), agreement, word).await? {
            return Err(Error::Field(NO_SCAN));
        }
    }
    Ok(())
}

fn about(row: &ListedRow) -> String {
    let number = &row.agreement.number;
    format!("{number} {} {}", row.person, row.staff_number)
}

/// A reason of 2 to 500 characters.
fn reasoned(why: &str) -> Result<&str, Error> {
    let why = why.trim();
    if (2..=REASON_CHARACTERS_MAX).contains(&why.chars().count()) {
        return Ok(why);
    }
    Err(Error::Field(NO_REASON))
}

const NO_REASON: FieldError = FieldError {
    field: "reason",
    zh: "请写明理由（2 至 500 字）。",
    en: "State the reason in 2 to 500 characters.",
};
const NO_VERSION: FieldError = FieldError {
    field: "version",
    zh: "没有这一版协议文本，或尚未生效。",
    en: "There is no such version of the text, or it is not in force yet.",
};
const NOT_YET: FieldError = FieldError {
    field: "signed",
    zh: "乙方签订日期不能晚于今天。",
    en: "The person cannot have signed after today.",
};
const SCHOOL_NOT_YET: FieldError = FieldError {
    field: "school_signed",
    zh: "甲方签订日期不能晚于今天。",
    en: "The school cannot have signed after today.",
};
const NO_SCAN: FieldError = FieldError {
    field: "scan",
    zh: "请上传两份扫描件：甲方执、乙方执各一份（一式两份）。",
    en: "Upload two scans, one of each original.",
};
