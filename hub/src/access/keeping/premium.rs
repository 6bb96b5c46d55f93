//! 精品课程 (R120): nominated, approved by 教务处, consented to by the teacher in person, and only
//! then kept. Whoever consented may take it back; 教务处 may take a course out of the library.

use uuid::Uuid;
use xunke_policy::Refusal;
use xunke_policy::patrol::FieldError;
use xunke_policy::retention::{self as policy, Nominator};

use super::super::audit::Entry;
use super::super::gate::RecordingRef;
use super::super::grant::{By, Error, answered, reasoned};
use super::{ARTICLE, Keepings, MEANWHILE, numbered};
use crate::campus::id;
use crate::store::keeping::{self as rows, End, NewPremium, PremiumRow};
use crate::store::keys;

impl Keepings {
    /// Nominations: all of them, or those that one person nominated or taught.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn premium(&self, person: Option<Uuid>) -> Result<Vec<PremiumRow>, Error> {
        let person = person.map(|id| id.to_string());
        Ok(rows::premium(&self.db, person.as_deref()).await?)
    }

    /// Whether somebody may nominate a recording now.
    ///
    /// # Errors
    /// The refusal, or that nobody knows whose lesson it is.
    pub fn nominable(&self, by: By<'_>, recording: &RecordingRef) -> Result<Uuid, Nominable> {
        let teacher = recording.teacher.ok_or(Nominable::NoTeacher)?;
        let person = &by.session.person;
        let unit = person.unit.as_ref().map(|unit| unit.id);
        let of_unit = unit == Some(recording.unit_at_record_time) || unit == recording.course;
        let nominator = Nominator {
            roles: person.roles.clone(),
            own_lesson: person.id == teacher,
            own_unit: unit.is_some() && of_unit,
        };
        policy::may_nominate(&nominator).map_err(Nominable::Refused)?;
        self.in_time(recording, by.now_ms)
            .map_err(Nominable::Refused)?;
        Ok(teacher)
    }

    /// 提名. Gives the number.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was noted.
    pub async fn nominate(
        &self,
        by: By<'_>,
        recording: &RecordingRef,
        why: &str,
    ) -> Result<String, Error> {
        let why = reasoned(why)?;
        let entry = |number: &str| Entry {
            object: format!("{number} {} {}", recording.room, recording.id),
            purpose: why.to_owned(),
            article: ARTICLE,
            ..by.done("nominate_premium")
        };
        let teacher = match self.nominable(by, recording) {
            Ok(teacher) => teacher,
            Err(Nominable::NoTeacher) => return Err(Error::Field(NO_TEACHER)),
            Err(Nominable::Refused(refusal)) => {
                answered(&self.trail, Err(refusal), &entry("–"), by.now_ms).await?;
                return Err(Error::Refused(refusal));
            }
        };
        let mut still = self.trail.hold().await?;
        let number = numbered("JP", rows::premium_count(still.writing()).await?);
        let mut pending = still.line(entry(&number), by.now_ms).await?;
        let new = NewPremium {
            number: &number,
            recording_id: &recording.id.to_string(),
            teacher_id: &teacher.to_string(),
            reason: why,
            nominated_by: &by.session.person.id.to_string(),
            now_ms: by.now_ms,
        };
        let noted = rows::nominate(pending.writing(), &new).await;
        noted.map_err(|error| match error.is_duplicate() {
            true => Error::Field(NOMINATED),
            false => error.into(),
        })?;
        pending.commit().await?;
        Ok(number)
    }

    /// 教务处 approves it, never who proposed or taught it.
    ///
    /// # Errors
    /// The refusal, or that it is over; then nothing was changed.
    pub async fn approve(&self, by: By<'_>, premium: Uuid) -> Result<(), Error> {
        let row = self.find(premium).await?;
        let person = by.session.person.id;
        let nominator: Uuid = id("a person", &row.nominated_by)?;
        let answer = policy::may_approve(&person, &nominator, &teacher(&row)?)
            .and_then(|()| self.still_kept(&row, by.now_ms));
        let entry = entry(by, "approve_premium", &row);
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let approver = person.to_string();
        if !rows::approve(pending.writing(), &row.id, &approver, by.now_ms).await? {
            return Err(MEANWHILE);
        }
        pending.commit().await?;
        Ok(())
    }

    /// The teacher says yes.
    ///
    /// # Errors
    /// The refusal of everybody else, or that it is over; then nothing was changed.
    pub async fn consent(&self, by: By<'_>, premium: Uuid) -> Result<(), Error> {
        let row = self.find(premium).await?;
        let answer = policy::may_consent(&by.session.person.id, &teacher(&row)?)
            .and_then(|()| self.still_kept(&row, by.now_ms));
        let entry = entry(by, "consent_premium", &row);
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        if !rows::consent(pending.writing(), &row.id, by.now_ms).await? {
            return Err(MEANWHILE);
        }
        pending.commit().await?;
        Ok(())
    }

    /// The teacher takes the consent back, or refuses it: before it is complete the nomination
    /// ends, after that the course leaves the library (个人信息保护法 第十五条).
    ///
    /// # Errors
    /// The refusal of everybody else, or that it is over; then nothing was changed.
    pub async fn withdraw(&self, by: By<'_>, premium: Uuid, why: &str) -> Result<(), Error> {
        let row = self.find(premium).await?;
        let answer = policy::may_consent(&by.session.person.id, &teacher(&row)?);
        let action = entry(by, "withdraw_premium", &row);
        answered(&self.trail, answer, &action, by.now_ms).await?;
        self.end(by, &row, ("withdraw_premium", "withdrawn"), why)
            .await
    }

    /// 教务处 refuses a nomination, or takes a course out of the library.
    ///
    /// # Errors
    /// The field, or that it is over; then nothing was changed.
    pub async fn remove(&self, by: By<'_>, premium: Uuid, why: &str) -> Result<(), Error> {
        let row = self.find(premium).await?;
        let word = match row.approved_ms {
            Some(_) => "removed",
            None => "refused",
        };
        self.end(by, &row, ("remove_premium", word), why).await
    }

    async fn end(
        &self,
        by: By<'_>,
        row: &PremiumRow,
        (action, word): (&'static str, &str),
        why: &str,
    ) -> Result<(), Error> {
        let why = reasoned(why)?;
        let entry = Entry {
            purpose: why.to_owned(),
            ..entry(by, action, row)
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let end = End {
            word,
            by: Some(&by.session.person.id.to_string()),
            why,
            now_ms: by.now_ms,
        };
        if !rows::end_premium(pending.writing(), &row.id, end).await? {
            return Err(MEANWHILE);
        }
        keys::forget_keeper(pending.writing(), &row.id).await?;
        pending.commit().await?;
        Ok(())
    }

    async fn find(&self, premium: Uuid) -> Result<PremiumRow, Error> {
        let row = rows::one_premium(&self.db, &premium.to_string()).await?;
        row.ok_or(Error::NotFound)
    }

    /// A nomination is completed while the recording is still there, or not at all.
    fn still_kept(&self, row: &PremiumRow, now_ms: i64) -> Result<(), Refusal> {
        let until_ms = policy::kept_until_ms(row.start_ms, self.terms().months);
        policy::kept(until_ms, now_ms)
    }

    fn in_time(&self, recording: &RecordingRef, now_ms: i64) -> Result<(), Refusal> {
        let until_ms = recording
            .kept
            .by_calendar_ms(recording.start_ms, self.terms());
        policy::kept(until_ms, now_ms)
    }
}

/// Why a recording cannot be nominated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nominable {
    /// The regulations say no.
    Refused(Refusal),
    /// Nobody could consent.
    NoTeacher,
}

fn teacher(row: &PremiumRow) -> Result<Uuid, Error> {
    Ok(id("a person", &row.teacher_id)?)
}

fn entry(by: By<'_>, action: &'static str, row: &PremiumRow) -> Entry {
    Entry {
        object: format!("{} {} {}", row.number, row.room, row.recording_id),
        article: ARTICLE,
        ..by.done(action)
    }
}

const NO_TEACHER: FieldError = FieldError {
    field: "recording",
    zh: "课表中没有这节课的任课教师，无人可以同意，不能提名。",
    en: "The timetable names no teacher of this lesson, so nobody could consent.",
};
const NOMINATED: FieldError = FieldError {
    field: "recording",
    zh: "这节课已在提名中或已是精品课程。",
    en: "This lesson is nominated, or a premium course, already.",
};
