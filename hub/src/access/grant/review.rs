//! 学期复核 (R26): every term each permission is kept or taken back, and the review is signed.
//!
//! What a permission was taken back for is in the ledger; only what stays is noted here. Who signs
//! sees that nothing is left open, counted in the transaction of the line.

use uuid::Uuid;
use xunke_policy::level::Reach;
use xunke_policy::patrol::FieldError;
use xunke_policy::review as policy;

use super::{By, Entry, Error, Grants, answered};
use crate::campus::calendar::{day, moment};
use crate::campus::id;
use crate::store::campus::TermRow;
use crate::store::review::{self as rows, LineRow, NewReview, ReviewRow};

const DAYS_A_WEEK: i64 = 7;

/// Where a permission stands in the review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Nobody has said anything yet.
    Open,
    /// It stays.
    Kept,
    /// It was taken back.
    Revoked,
    /// It was over by itself.
    Ended,
    /// It was opened after the review was signed.
    Later,
}

impl Stand {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Kept => "kept",
            Self::Revoked => "revoked",
            Self::Ended => "ended",
            Self::Later => "later",
        }
    }
}

/// A permission of the term.
#[derive(Debug, Clone)]
pub struct Line {
    /// What is known of it.
    pub row: LineRow,
    /// Where it stands.
    pub stand: Stand,
    /// When it was last used: the last view, or the last visit where the level sees no content.
    pub used_ms: Option<i64>,
    /// Whether it is the reader's own: somebody else reviews it.
    pub own: bool,
}

/// The review of a term.
#[derive(Debug, Clone)]
pub struct Review {
    /// Which term.
    pub term: TermRow,
    /// When it is late.
    pub due_ms: i64,
    /// Whether it is late.
    pub overdue: bool,
    /// Every permission of the term.
    pub lines: Vec<Line>,
    /// The signature, once there is one.
    pub signed: Option<ReviewRow>,
}

impl Review {
    /// How many permissions stand like that.
    #[must_use]
    pub fn count(&self, stand: Stand) -> usize {
        count(&self.lines, stand)
    }
}

impl Grants {
    /// The review of the term that runs, for one reader; `None` before the first term.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn review(&self, reader: Uuid, now_ms: i64) -> Result<Option<Review>, Error> {
        let Some(term) = rows::term(&self.db, day(now_ms)).await? else {
            return Ok(None);
        };
        let signed = self.reviews().await?.into_iter();
        let signed = signed.into_iter().find(|one| one.term_id == term.id);
        let found = rows::lines(self.db.read(), &term.id, span(&term)).await?;
        let (reader, signed_too) = (reader.to_string(), signed.is_some());
        let lines = found.into_iter().map(|row| Line {
            stand: stand(&row, signed_too, now_ms),
            used_ms: self.used(&row),
            own: row.person_id == reader,
            row,
        });
        let due_week = self.institution.rules.review.due_week;
        let due_ms = moment(policy::due_day(term.week_one, due_week), 0);
        Ok(Some(Review {
            due_ms,
            overdue: policy::overdue(due_ms, signed_too, now_ms),
            lines: lines.collect(),
            term,
            signed,
        }))
    }

    /// Signed reviews, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reviews(&self) -> Result<Vec<ReviewRow>, Error> {
        Ok(rows::list(&self.db).await?)
    }

    fn used(&self, row: &LineRow) -> Option<i64> {
        let level = u8::try_from(row.level).ok();
        let level = level.and_then(|number| self.institution.level(number));
        match level.map(|level| level.reach) {
            Some(Reach::NoContent) => row.seen_ms,
            _ => row.viewed_ms,
        }
    }

    /// 保留: a permission stays for this term; said once, and by another than its holder.
    ///
    /// # Errors
    /// The refusal, or that it is decided already; then nothing was changed.
    pub async fn keep(&self, by: By<'_>, grant: Uuid) -> Result<(), Error> {
        let reviewer = &by.session.person;
        let review = self.review(reviewer.id, by.now_ms).await?;
        let review = review.ok_or(Error::NotFound)?;
        let key = grant.to_string();
        let line = review.lines.iter().find(|line| line.row.id == key);
        let line = line.ok_or(Error::NotFound)?;
        let row = &line.row;
        let entry = Entry {
            object: format!("{} {} {}", row.application, row.person, row.staff_number),
            detail: format!("level {}, {}", row.level, term_text(&review.term)),
            ..by.done("keep_grant")
        };
        let holder = id("a person", &row.person_id)?;
        let by_whom = (&reviewer.id, &*reviewer.roles);
        let answer = policy::may_review(&self.institution, by_whom, &holder);
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        if line.stand != Stand::Open {
            return Err(DECIDED);
        }
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let what = (&*row.id, &*review.term.id);
        let reviewer = reviewer.id.to_string();
        let kept = rows::keep(pending.writing(), what, &reviewer, by.now_ms).await;
        kept.map_err(|error| match error.is_duplicate() {
            true => DECIDED,
            false => error.into(),
        })?;
        pending.commit().await?;
        Ok(())
    }

    /// Whether the review can be signed. Asked before password and code are.
    ///
    /// # Errors
    /// The refusal with its line, or that it is signed.
    pub async fn check_review(&self, by: By<'_>) -> Result<TermRow, Error> {
        let review = self.review(by.session.person.id, by.now_ms).await?;
        let review = review.ok_or(NO_TERM)?;
        if review.signed.is_some() {
            return Err(SIGNED);
        }
        let (roles, open) = (&by.session.person.roles, review.count(Stand::Open));
        let answer = policy::may_sign(&self.institution, roles, open);
        let entry = Entry {
            object: term_text(&review.term),
            ..by.done("sign_review")
        };
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        Ok(review.term)
    }

    /// Signs the review of the term; whoever calls has asked for password and code. Gives its
    /// number.
    ///
    /// # Errors
    /// The refusal, or that it is signed; then nothing was signed.
    pub async fn sign_review(&self, by: By<'_>) -> Result<String, Error> {
        let term = self.check_review(by).await?;
        let now_ms = by.now_ms;
        let mut still = self.trail.hold().await?;
        let lines = rows::lines(&mut **still.writing(), &term.id, span(&term)).await?;
        let stands = lines.iter().map(|row| stand(row, false, now_ms));
        let stands: Vec<_> = stands.collect();
        let number_of = |stand| stands.iter().filter(|one| **one == stand).count();
        if number_of(Stand::Open) > 0 {
            return Err(Error::Refused(xunke_policy::Refusal::REVIEW_OPEN));
        }
        let counts = [Stand::Kept, Stand::Revoked, Stand::Ended].map(number_of);
        let number = format!("FH-{:05}", rows::count(still.writing()).await? + 1);
        let [kept, revoked, ended] = counts;
        let entry = Entry {
            object: format!("{number} {}", term_text(&term)),
            detail: format!("kept {kept}, revoked {revoked}, ended {ended}"),
            ..by.done("sign_review")
        };
        let mut pending = still.line(entry, now_ms).await?;
        let [kept, revoked, ended] = counts.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let new = NewReview {
            number: &number,
            term_id: &term.id,
            reviewer_id: &by.session.person.id.to_string(),
            counts: (kept, revoked, ended),
            now_ms,
        };
        rows::add(pending.writing(), &new).await?;
        pending.commit().await?;
        Ok(number)
    }
}

fn count(lines: &[Line], stand: Stand) -> usize {
    lines.iter().filter(|line| line.stand == stand).count()
}

fn stand(row: &LineRow, signed: bool, now_ms: i64) -> Stand {
    if row.revoked_ms.is_some() {
        return Stand::Revoked;
    }
    if row.until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
        return Stand::Ended;
    }
    match (row.reviewed_ms, signed) {
        (Some(_), _) => Stand::Kept,
        (None, true) => Stand::Later,
        (None, false) => Stand::Open,
    }
}

/// From the first moment of a term to the first after it.
fn span(term: &TermRow) -> (i64, i64) {
    let ends = term.week_one + term.weeks * DAYS_A_WEEK;
    (moment(term.week_one, 0), moment(ends, 0))
}

fn term_text(term: &TermRow) -> String {
    format!("{}-{}", term.school_year, term.number)
}

const DECIDED: Error = Error::Conflict(
    "这项权限已复核、已结束，或本学期复核已签署。",
    "This permission is reviewed or over, or the review of the term is signed.",
);
const SIGNED: Error = Error::Conflict(
    "本学期的权限复核已签署。",
    "The review of this term is signed already.",
);
const NO_TERM: Error = Error::Field(FieldError {
    field: "term",
    zh: "没有学期，无法复核；请先设置校历。",
    en: "There is no term to review; set the school's calendar first.",
});

#[cfg(test)]
mod tests;
