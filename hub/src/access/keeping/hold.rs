//! 保全 (R122): what a room recorded is kept as evidence, by the number of a case that exists and
//! lasts, until the case or 教务处 ends it.

use uuid::Uuid;
use xunke_policy::patrol::FieldError;
use xunke_policy::retention::{self as policy, Case};
use xunke_protocol::id::ClassroomId;

use super::super::audit::{Entry, Who};
use super::super::grant::{By, Error, answered, reasoned};
use super::{ARTICLE, Keepings, MEANWHILE, numbered};
use crate::campus::calendar::{DAY_MS, date_and_time};
use crate::campus::classroom;
use crate::store::keeping::{self as rows, CaseRow, End, HoldRow, NewHold};
use crate::store::keys;

/// Evidence of one case lies within so many days.
const DAYS_MAX: i64 = 31;
const NUMBER_CHARACTERS_MAX: usize = 60;

/// A hold as it is drawn up.
#[derive(Debug, Clone)]
pub struct HoldDraft {
    /// The room.
    pub room: Uuid,
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// 文号 of a decision, or number of an interference.
    pub case_number: String,
    /// Why.
    pub reason: String,
}

impl Keepings {
    /// Holds, those that last first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds(&self) -> Result<Vec<HoldRow>, Error> {
        Ok(rows::holds(&self.db).await?)
    }

    /// Begins a hold. Gives its number.
    ///
    /// # Errors
    /// The refusal when there is no such case, or the field; then nothing was held.
    pub async fn begin_hold(&self, by: By<'_>, draft: &HoldDraft) -> Result<String, Error> {
        let why = reasoned(&draft.reason)?;
        let case_number = draft.case_number.trim();
        if case_number.chars().count() > NUMBER_CHARACTERS_MAX {
            return Err(Error::Field(LONG_NUMBER));
        }
        let span = (draft.from_ms, draft.until_ms);
        let days = span.1.saturating_sub(span.0);
        if span.0 < 0 || !(1..=DAYS_MAX * DAY_MS).contains(&days) {
            return Err(Error::Field(NO_SPAN));
        }
        let room = classroom::find(&self.db, ClassroomId(draft.room)).await?;
        let room = room.ok_or(Error::Field(NO_ROOM))?;
        let entry = |number: &str| Entry {
            object: format!("{number} {} {case_number}", room.name),
            purpose: why.to_owned(),
            detail: format!("{} – {}", date_and_time(span.0), date_and_time(span.1)),
            article: ARTICLE,
            ..by.done("begin_hold")
        };
        let case = rows::case(&self.db, case_number).await?;
        let answer = policy::may_hold(case.as_ref().map(state), by.now_ms);
        answered(&self.trail, answer, &entry("–"), by.now_ms).await?;
        let mut still = self.trail.hold().await?;
        let number = numbered("BQ", rows::hold_count(still.writing()).await?);
        let mut pending = still.line(entry(&number), by.now_ms).await?;
        let new = NewHold {
            number: &number,
            classroom_id: &room.id.to_string(),
            span,
            case_number,
            reason: why,
            begun_by: &by.session.person.id.to_string(),
            now_ms: by.now_ms,
        };
        rows::begin_hold(pending.writing(), &new).await?;
        pending.commit().await?;
        Ok(number)
    }

    /// 教务处 ends a hold; its keys die with it.
    ///
    /// # Errors
    /// The field, or that it is over; then nothing was changed.
    pub async fn end_hold(&self, by: By<'_>, hold: Uuid, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let row = rows::hold(&self.db, &hold.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let entry = Entry {
            purpose: why.to_owned(),
            ..entry(by.done("end_hold"), &row)
        };
        let ender = by.session.person.id.to_string();
        self.end_now(entry, &row, (Some(&ender), why), by.now_ms)
            .await
    }

    /// Ends the holds whose case is over; to be called daily, before anything is destroyed. Says
    /// how many.
    ///
    /// # Errors
    /// When the store fails or a line cannot be written.
    pub async fn end_settled(&self, now_ms: i64) -> Result<usize, Error> {
        let mut ended = 0;
        for row in rows::lasting_holds(&self.db).await? {
            let case = rows::case(&self.db, &row.case_number).await?;
            if policy::may_hold(case.as_ref().map(state), now_ms).is_ok() {
                continue;
            }
            let entry = entry(Entry::done(Who::default(), "end_hold"), &row);
            self.end_now(entry, &row, (None, &row.case_number), now_ms)
                .await?;
            ended += 1;
        }
        Ok(ended)
    }

    async fn end_now(
        &self,
        entry: Entry,
        row: &HoldRow,
        (by, why): (Option<&str>, &str),
        now_ms: i64,
    ) -> Result<(), Error> {
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let end = End {
            word: "ended",
            by,
            why,
            now_ms,
        };
        if !rows::end_hold(pending.writing(), &row.id, end).await? {
            return Err(MEANWHILE);
        }
        keys::forget_keeper(pending.writing(), &row.id).await?;
        pending.commit().await?;
        Ok(())
    }
}

/// Where a case stands, as the policy asks.
fn state(row: &CaseRow) -> Case {
    match row.state.as_str() {
        "filed" | "noted" => Case::Open,
        "in_force" if row.contested > 0 => Case::Open,
        "in_force" if row.measure == "suspension" => Case::Decided {
            until_ms: row.until_ms,
        },
        "in_force" => Case::Decided { until_ms: None },
        _ => Case::Over,
    }
}

fn entry(entry: Entry, row: &HoldRow) -> Entry {
    Entry {
        object: format!("{} {} {}", row.number, row.room, row.case_number),
        article: ARTICLE,
        ..entry
    }
}

const LONG_NUMBER: FieldError = FieldError {
    field: "case_number",
    zh: "编号（文号）最多 60 个字。",
    en: "A number has 60 characters at most.",
};
const NO_SPAN: FieldError = FieldError {
    field: "until",
    zh: "起须在止前，最多 31 天。",
    en: "It begins before it ends and covers 31 days at most.",
};
const NO_ROOM: FieldError = FieldError {
    field: "room",
    zh: "没有这间教室。",
    en: "There is no such room.",
};
