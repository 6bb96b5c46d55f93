//! The confidentiality agreement 附件2: read, signed, ended, kept in two originals (R34–R40, R46).
//!
//! pdf → layout → original → scan → text → register
//!
//! How long somebody read is measured here, between two requests, and not claimed by a page. Each
//! step and its line in the trail are one transaction; a hub that is killed in between leaves
//! neither.

pub mod pdf;
pub mod layout;
pub mod original;
pub mod scan;
pub mod text;
pub mod register;

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::Refusal;
use xunke_policy::agreement::signing::{self, Reading};
use xunke_policy::agreement::{Agreement, Rules};
use xunke_policy::institution::Institution;
use xunke_policy::patrol::FieldError;
use zeroize::Zeroizing;

use super::audit::{Entry, Outcome, Trail, Unavailable};
use super::grant::By;
use super::secret::{self, SealingKey, hex};
use super::sign_in::{self, Desk};
use crate::campus;
use crate::config;
use crate::store::agreement::{self as rows, AgreementRow, ListedRow, ReadingRow, TextRow};
use crate::store::original::{self as originals, OriginalRow};
use crate::store::{self, Db, Writing};
use original::{Party, Signed};
use pdf::Font;

/// A text that was opened longer ago is opened again before it is signed.
const READING_MS_MAX: i64 = 2 * 60 * 60 * 1000;
/// Longest name that is looked at.
const NAME_CHARACTERS_MAX: usize = 50;

/// Why a step is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The regulations say no; the refusal is in the trail.
    #[error("refused: {}", .0.en)]
    Refused(Refusal),
    /// A field cannot stay as it is.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// There is no such person, text or agreement.
    #[error("there is no such thing")]
    NotFound,
    /// The text in force is signed already.
    #[error("the text in force is signed already")]
    SignedAlready,
    /// Nothing lasts that could be ended.
    #[error("the agreement has ended already")]
    EndedAlready,
    /// Password or code do not fit.
    #[error(transparent)]
    Confirm(#[from] sign_in::Error),
    /// There is no font for the originals.
    #[error(transparent)]
    Pdf(#[from] pdf::Error),
    /// What is stored does not open, or is not what was stored.
    #[error("a stored agreement does not open")]
    Sealed(#[from] secret::Error),
    /// The trail cannot be written, so nothing is changed.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// What is stored makes no sense.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What somebody sends to sign.
pub struct Signing {
    /// Which reading.
    pub reading: Uuid,
    /// SHA-256 of the text that was shown, hex.
    pub sha256: String,
    /// Whether it was shown to its end.
    pub to_the_end: bool,
    /// Whether it was accepted.
    pub accepted: bool,
    /// The name as typed.
    pub typed_name: String,
    /// 身份证号; empty: none is given (Q16).
    pub identity_number: Zeroizing<String>,
    /// The password.
    pub password: Zeroizing<String>,
    /// The one-time code.
    pub code: String,
}

/// Agreements. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Agreements {
    db: Db,
    trail: Arc<Trail>,
    desk: Desk,
    sealing: SealingKey,
    institution: Arc<Institution>,
    rules: Arc<config::Agreement>,
    college: Arc<str>,
}

/// What agreements rest on.
pub struct Tools {
    /// Asks for password and code once more.
    pub desk: Desk,
    /// Seals identity numbers and originals.
    pub sealing: SealingKey,
    /// The school's rules.
    pub institution: Arc<Institution>,
}

impl Agreements {
    /// Agreements in `db`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, tools: Tools, rules: &config::Agreement) -> Self {
        Self {
            db,
            trail,
            desk: tools.desk,
            sealing: tools.sealing,
            college: tools.institution.name.as_str().into(),
            institution: tools.institution,
            rules: Arc::new(rules.clone()),
        }
    }

    /// Shortest time of reading before somebody may sign (R37).
    #[must_use]
    pub fn reading_seconds_min(&self) -> u32 {
        self.rules.reading_seconds_min
    }

    /// Whether originals can be made: the font is there and can be embedded.
    ///
    /// # Errors
    /// The file at fault.
    pub async fn can_make_originals(&self) -> Result<(), Error> {
        self.font().await.map(drop)
    }

    /// The text in force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn text(&self, now_ms: i64) -> Result<TextRow, Error> {
        let text = rows::text(&self.db, now_ms).await?;
        Ok(text.unwrap_or_else(|| text::official(&self.rules, now_ms)))
    }

    /// All that a person has signed, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn own(&self, person: Uuid) -> Result<Vec<ListedRow>, Error> {
        Ok(rows::of_person(&self.db, &person.to_string()).await?)
    }

    /// Whether the person may sign now, beside what the gate asks.
    ///
    /// # Errors
    /// The refusal, or that there is nothing to sign.
    pub async fn may_sign(&self, by: By<'_>) -> Result<(), Error> {
        let person = &by.session.person;
        if let Agreement::Signed { .. } = person.agreement {
            return Err(Error::SignedAlready);
        }
        let newest = rows::newest(&self.db, &person.id.to_string()).await?;
        let ended_ms = newest.and_then(|row| row.ended_ms);
        let opened_ms = person.grant.map(|grant| grant.from_ms);
        signing::may_begin_again(ended_ms, opened_ms).map_err(Error::Refused)
    }

    /// Begins to read; the time runs from here.
    ///
    /// # Errors
    /// When there is nothing to sign, or nothing can be written.
    pub async fn begin_reading(&self, by: By<'_>) -> Result<Uuid, Error> {
        let text = self.text(by.now_ms).await?;
        let entry = Entry {
            object: format!("text {}", text.version),
            ..by.done("read_agreement")
        };
        self.answered(self.may_sign(by).await, &entry, by.now_ms)
            .await?;
        let id = Uuid::now_v7();
        let row = ReadingRow {
            id: id.to_string(),
            person_id: by.session.person.id.to_string(),
            text_version: text.version,
            opened_ms: by.now_ms,
            used_ms: None,
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        rows::open_reading(pending.writing(), &row).await?;
        pending.commit().await?;
        Ok(id)
    }

    /// “乙方签订前已充分知悉协议内容，并自愿接受约束” (R35, R37): the own name, password and second
    /// factor are the signature. Gives the agreement's number.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was signed.
    pub async fn sign(&self, by: By<'_>, signing: Signing) -> Result<String, Error> {
        let now_ms = by.now_ms;
        let text = self.text(now_ms).await?;
        let seconds = self.seconds_read(by, &signing, &text).await?;
        let entry = Entry {
            object: format!("text {}", text.version),
            ..by.done("sign_agreement")
        };
        self.answered(self.may_sign(by).await, &entry, now_ms)
            .await?;
        let reading = Reading {
            to_the_end: signing.to_the_end,
            seconds: u32::try_from(seconds).unwrap_or(0),
            accepted: signing.accepted,
            typed_name: &signing.typed_name,
            // Asked for below, once all else is right: a code is good once.
            second_factor: true,
        };
        let rules = Rules {
            reading_seconds_min: self.rules.reading_seconds_min,
            ..Rules::default()
        };
        let answer = signing::may_sign(reading, &by.session.person.name, &rules);
        self.answered(answer.map_err(Error::Refused), &entry, now_ms)
            .await?;
        let identity = identity(&signing.identity_number)?;
        let font = self.font().await?;
        let typed = (signing.password, signing.code);
        self.desk
            .confirm(by.session, typed, by.origin, now_ms)
            .await?;
        let filing = Filing {
            by,
            text: &text,
            reading: signing.reading,
            seconds,
            identity,
        };
        self.file(&filing, &font).await
    }

    /// For how long the person has had this very text open; 0 when it is not theirs, was signed
    /// already, or is not what was shown.
    async fn seconds_read(
        &self,
        by: By<'_>,
        signing: &Signing,
        text: &TextRow,
    ) -> Result<i64, Error> {
        let row = rows::reading(&self.db, &signing.reading.to_string()).await?;
        let same = |row: &ReadingRow| {
            row.person_id == by.session.person.id.to_string()
                && row.used_ms.is_none()
                && row.text_version == text.version
                && signing.sha256.eq_ignore_ascii_case(&text.sha256)
        };
        let open_ms = row.filter(same).map_or(0, |row| by.now_ms - row.opened_ms);
        let open_ms = Some(open_ms).filter(|open_ms| (0..READING_MS_MAX).contains(open_ms));
        Ok(open_ms.unwrap_or(0) / 1000)
    }

    /// Reads the font off the threads that serve: it has some 20 MB.
    async fn font(&self) -> Result<Arc<Font>, Error> {
        let path = self.rules.font_file.clone();
        let read = tokio::task::spawn_blocking(move || Font::read(&path)).await;
        let font = read.expect("invariant: reading a font does not panic")?;
        Ok(Arc::new(font))
    }

    /// Both originals, the agreement and its line, in one transaction.
    async fn file(&self, filing: &Filing<'_>, font: &Arc<Font>) -> Result<String, Error> {
        loop {
            let count = rows::count(&self.db).await?;
            if self.filed(filing, count, font).await? {
                return Ok(number(count));
            }
        }
    }

    /// False if somebody else has taken the number meanwhile.
    async fn filed(
        &self,
        filing: &Filing<'_>,
        count: i64,
        font: &Arc<Font>,
    ) -> Result<bool, Error> {
        let (by, now_ms) = (filing.by, filing.by.now_ms);
        let number = number(count);
        let row = self.row(filing, &number);
        let mut kept = Vec::new();
        for party in Party::BOTH {
            let bytes = self.pdf(filing, &number, (font, party)).await?;
            let sha256: [u8; 32] = Sha256::digest(&bytes).into();
            kept.push((party, bytes, sha256));
        }
        signing::both_kept(Some(kept[0].2), Some(kept[1].2)).map_err(Error::Refused)?;
        let entry = Entry {
            object: format!("{number} text {}", filing.text.version),
            detail: format!(
                "text {}, school {}, person {}",
                filing.text.sha256,
                hex(&kept[0].2),
                hex(&kept[1].2)
            ),
            ..by.done("sign_agreement")
        };
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let writing = pending.writing();
        if !rows::still_counts(writing, count).await? {
            return Ok(false);
        }
        if !rows::use_reading(writing, &filing.reading.to_string(), now_ms).await? {
            return Err(Error::SignedAlready);
        }
        rows::add(writing, &row).await?;
        for (party, bytes, _) in &kept {
            let original = self.original(by, "application/pdf", bytes);
            let original = OriginalRow {
                agreement_id: Some(row.id.clone()),
                party: Some(party.word().into()),
                ..original
            };
            self.store(writing, &original, bytes).await?;
        }
        pending.commit().await?;
        Ok(true)
    }

    fn row(&self, filing: &Filing<'_>, number: &str) -> AgreementRow {
        let (by, text) = (filing.by, filing.text);
        let id = Uuid::now_v7().to_string();
        let sealed = filing.identity.as_ref();
        let sealed = sealed.map(|number| self.sealing.seal(number.as_bytes(), &id));
        let school_signed = !text.representative.is_empty();
        AgreementRow {
            person_id: by.session.person.id.to_string(),
            number: number.to_owned(),
            kind: "electronic".into(),
            text_version: text.version.clone(),
            text_sha256: Some(text.sha256.clone()),
            typed_name: Some(by.session.person.name.clone()),
            address: Some(by.origin.to_string()),
            reading_seconds: Some(filing.seconds),
            identity_sealed: sealed,
            representative: text.representative.clone(),
            school_signed_ms: school_signed.then_some(by.now_ms),
            seal_note: text.seal_note.clone(),
            signed_ms: by.now_ms,
            filed_ms: Some(by.now_ms),
            filed_by: None,
            ended_ms: None,
            ended_by: None,
            ended_why: None,
            replaced_by: None,
            id,
        }
    }

    async fn pdf(
        &self,
        filing: &Filing<'_>,
        number: &str,
        (font, party): (&Arc<Font>, Party),
    ) -> Result<Vec<u8>, Error> {
        let person = &filing.by.session.person;
        let (text, number) = (filing.text.clone(), number.to_owned());
        let (name, staff_number) = (person.name.clone(), person.staff_number.clone());
        let (identity, college) = (filing.identity.clone(), self.college.clone());
        let (seconds, signed_ms) = (filing.seconds, filing.by.now_ms);
        let font = font.clone();
        let made = tokio::task::spawn_blocking(move || {
            let signed = Signed {
                number: &number,
                text: &text.text,
                version: &text.version,
                sha256: &text.sha256,
                college: &college,
                representative: &text.representative,
                seal_note: &text.seal_note,
                name: &name,
                staff_number: &staff_number,
                identity_number: identity.as_ref().map(|number| number.as_str()),
                seconds,
                signed_ms,
            };
            original::pdf(&font, &signed, party)
        });
        Ok(made
            .await
            .expect("invariant: setting a text does not panic")?)
    }

    fn original(&self, by: By<'_>, media_type: &str, bytes: &[u8]) -> OriginalRow {
        OriginalRow {
            id: Uuid::now_v7().to_string(),
            agreement_id: None,
            party: None,
            media_type: media_type.into(),
            bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            sha256: hex(&Sha256::digest(bytes)),
            stored_ms: by.now_ms,
            stored_by: by.session.person.id.to_string(),
        }
    }

    async fn store(
        &self,
        writing: &mut Writing,
        row: &OriginalRow,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let sealed = self.sealing.seal(bytes, &row.id);
        Ok(originals::add(writing, row, &sealed).await?)
    }

    /// A refusal is a line as well.
    async fn answered(
        &self,
        answer: Result<(), Error>,
        entry: &Entry,
        now_ms: i64,
    ) -> Result<(), Error> {
        if let Err(Error::Refused(refusal)) = answer {
            let refused = Entry {
                outcome: Outcome::Refused,
                article: refusal.article,
                detail: refusal.code.into(),
                ..entry.clone()
            };
            self.trail.append(refused, now_ms).await?;
        }
        answer
    }
}

/// A signature that was given and is to be put on file.
struct Filing<'a> {
    by: By<'a>,
    text: &'a TextRow,
    reading: Uuid,
    seconds: i64,
    identity: Option<Zeroizing<String>>,
}

/// The number of the next agreement when there are `count`; none is ever deleted.
fn number(count: i64) -> String {
    format!("BM-{:05}", count + 1)
}

/// 身份证号 as it is kept; nothing typed means that none is given (Q16).
fn identity(typed: &str) -> Result<Option<Zeroizing<String>>, Error> {
    let number = Zeroizing::new(typed.trim().to_ascii_uppercase());
    if number.is_empty() {
        return Ok(None);
    }
    if signing::is_identity_number(&number) {
        return Ok(Some(number));
    }
    Err(Error::Field(FieldError {
        field: "identity_number",
        zh: "身份证号不正确，请核对 18 位号码；电子签署也可不填。",
        en: "This is no identity number of 18 characters; an electronic signature may go without.",
    }))
}

#[cfg(test)]
mod tests;
