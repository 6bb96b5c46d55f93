//! Grants: applied for by Academic Affairs, opened by the IT centre, taken back at once.
//!
//! 第十一条第1项 “智慧教室管理平台权限由教务处递交权限申请，信息中心负责开通权限” (R17, R18, R23, R26).
//! Each step and its line in the trail are one transaction. Opening gives no sight by itself: the
//! agreement and everything else is asked at every decision (R19).

mod minors;
pub mod review;

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::application::{self, Application, Beneficiary, Officer, State, Step, Terms};
use xunke_policy::institution::Institution;
use xunke_policy::level::{Level, Reach, UnitId};
use xunke_policy::patrol::FieldError;
use xunke_policy::{Refusal, administrators};

use super::audit::{Entry, Outcome, Trail, Unavailable};
use super::person::{self, Person};
use super::session::Session;
use crate::campus::calendar::{date_and_time, day, moment};
use crate::campus::{self, id};
use crate::store::agreement;
use crate::store::grant::{self as rows, ApplicationRow, CandidateRow, LedgerRow, ListedRow};
use crate::store::people::{self, GrantRow, SignatureRow};
use crate::store::{self, Db};

/// Why a step is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The regulations say no; the refusal is in the trail.
    #[error("refused: {}", .0.en)]
    Refused(Refusal),
    /// A field cannot stay as it is.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// There is no such person, application or grant.
    #[error("there is no such thing")]
    NotFound,
    /// It was changed or done meanwhile; in Chinese and in English.
    #[error("{1}")]
    Conflict(&'static str, &'static str),
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

/// Who takes a step, from where and when.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// Whose session it is.
    pub session: &'a Session,
    /// From where.
    pub origin: IpAddr,
    /// When, milliseconds since the epoch.
    pub now_ms: i64,
}

impl By<'_> {
    /// A line about what is done, to be filled in.
    pub(super) fn done(self, action: &'static str) -> Entry {
        Entry::done(self.session.person.who(self.origin), action)
    }
}

/// What Academic Affairs asks for (R17).
#[derive(Debug, Clone)]
pub struct Wish {
    /// For whom.
    pub beneficiary: Uuid,
    /// The number of the level.
    pub level: u8,
    /// The unit, where the level reaches one unit only.
    pub unit: Option<UnitId>,
    /// Why.
    pub reason: String,
    /// Why classes with minors are needed too; `None` where they are not (X29).
    pub minors: Option<String>,
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// Until (exclusive); the end of the term when nothing is asked for.
    pub until_ms: Option<i64>,
}

/// Applications and grants. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Grants {
    db: Db,
    trail: Arc<Trail>,
    institution: Arc<Institution>,
}

impl Grants {
    /// Grants in `db` under the rules of `institution`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, institution: Arc<Institution>) -> Self {
        Self {
            db,
            trail,
            institution,
        }
    }

    /// The levels there are.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.institution.levels
    }

    /// Those for whom the caller may file an application: everybody in office but the caller and
    /// the three administrators, who only ever maintain (X5).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn candidates(&self, caller: Uuid, now_ms: i64) -> Result<Vec<CandidateRow>, Error> {
        let mut may = Vec::new();
        for row in rows::candidates(&self.db).await? {
            let Some(person) = person::find(&self.db, id("a person", &row.id)?, now_ms).await?
            else {
                continue;
            };
            if person.id != caller && administrators::may_have(&person.roles, true).is_ok() {
                may.push(row);
            }
        }
        Ok(may)
    }

    /// The end of the term that runs now, milliseconds since the epoch (R17).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn term_end_ms(&self, now_ms: i64) -> Result<Option<i64>, Error> {
        let end = rows::term_end(&self.db, day(now_ms)).await?;
        Ok(end.map(|day| moment(day, 0)))
    }

    /// Applications: those that wait first, then newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn applications(&self) -> Result<Vec<ListedRow>, Error> {
        Ok(rows::applications(&self.db).await?)
    }

    /// 权限台账 (R26): who holds what, since when, by which application; what is over stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ledger(&self) -> Result<Vec<LedgerRow>, Error> {
        Ok(rows::ledger(&self.db).await?)
    }

    /// Tells of signatures whether they are in force now: before, what is opened gives no sight
    /// (R19).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn in_force(
        &self,
        now_ms: i64,
    ) -> Result<impl Fn(&Option<String>, Option<i64>) -> bool, Error> {
        let version = agreement::version(&self.db, now_ms).await?;
        Ok(move |signed: &Option<String>, signed_ms: Option<i64>| {
            let signature = signed.clone().zip(signed_ms);
            let signature = signature.map(|(text_version, signed_ms)| SignatureRow {
                text_version,
                signed_ms,
                ended_ms: None,
            });
            let state = person::agreement_state(signature.as_ref(), version.as_ref());
            xunke_policy::agreement::in_force(state, now_ms).is_ok()
        })
    }

    /// 递交 (R17). Gives the application's id and number.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was filed.
    pub async fn file(&self, by: By<'_>, wish: Wish) -> Result<(Uuid, String), Error> {
        let found = person::find(&self.db, wish.beneficiary, by.now_ms).await?;
        let holder = found.ok_or(Error::NotFound)?;
        let mut row = self.written(by, &holder, wish).await?;
        let paper = paper_of(&row)?;
        let officer = officer(by.session);
        let now_ms = by.now_ms;
        let (institution, holds) = (&self.institution, holding(&holder));
        let answer = application::may_file(institution, officer, &paper, holds, now_ms);
        let drawn_up = entry(by, "file_application", &row, &holder);
        answered(&self.trail, answer, &drawn_up, now_ms).await?;
        let mut still = self.trail.hold().await?;
        row.number = format!("SQ-{:05}", rows::count(still.writing()).await? + 1);
        let entry = entry(by, "file_application", &row, &holder);
        let mut pending = still.line(entry, now_ms).await?;
        rows::file(pending.writing(), &row).await?;
        pending.commit().await?;
        Ok((id("an application", &row.id)?, row.number))
    }

    /// The application as it would be filed; level 2 is for the holder's own unit (R7).
    async fn written(
        &self,
        by: By<'_>,
        holder: &Person,
        wish: Wish,
    ) -> Result<ApplicationRow, Error> {
        let level = self.institution.level(wish.level);
        let one_unit = level.is_some_and(|level| level.reach == Reach::OwnUnit);
        if one_unit && wish.unit != holder.unit.as_ref().map(|unit| unit.id) {
            return Err(Error::Field(NOT_OWN_UNIT));
        }
        let minors = wish.minors.as_deref().map(reasoned_minors).transpose()?;
        let until_ms = match wish.until_ms {
            Some(until_ms) => until_ms,
            None => self.term_end_ms(by.now_ms).await?.ok_or(NO_TERM)?,
        };
        Ok(ApplicationRow {
            id: Uuid::now_v7().to_string(),
            number: String::new(),
            applicant_id: by.session.person.id.to_string(),
            beneficiary_id: holder.id.to_string(),
            level: wish.level.into(),
            unit_id: wish.unit.map(|unit| unit.0.to_string()),
            reason: wish.reason.trim().to_owned(),
            minors: i64::from(minors.is_some()),
            minors_reason: minors.unwrap_or_default().to_owned(),
            from_ms: wish.from_ms,
            until_ms,
            filed_ms: by.now_ms,
            state: "filed".into(),
        })
    }

    /// 开通 (R18): exactly what was applied for, from now on at the earliest. What the person held
    /// before ends when this begins.
    ///
    /// # Errors
    /// The refusal; then nothing was opened.
    pub async fn open(&self, by: By<'_>, application: Uuid) -> Result<(), Error> {
        let now_ms = by.now_ms;
        let (row, holder) = self.waiting(application, now_ms).await?;
        let paper = paper_of(&row)?;
        let opened = Terms {
            from_ms: paper.terms.from_ms.max(now_ms),
            ..paper.terms
        };
        let (officer, holds) = (officer(by.session), holding(&holder));
        let answer = step(&row, Step::Open).and_then(|()| {
            application::may_open(&self.institution, officer, &paper, opened, holds, now_ms)
        });
        let entry = entry(by, "open_grant", &row, &holder);
        answered(&self.trail, answer, &entry, now_ms).await?;
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let writing = pending.writing();
        let opener = by.session.person.id.to_string();
        if !rows::decide(writing, &row.id, ("opened", None), &opener, now_ms).await? {
            return Err(Error::Refused(Refusal::APPLICATION_STATE));
        }
        rows::give_way(writing, &row.beneficiary_id, opened.from_ms).await?;
        let grant = GrantRow {
            level: row.level,
            unit_id: row.unit_id.clone(),
            from_ms: opened.from_ms,
            until_ms: Some(opened.until_ms),
            minors: i64::from(opened.minors),
        };
        let (holder, number) = (&row.beneficiary_id, &row.number);
        people::add_grant(writing, holder, &grant, number, &opener).await?;
        pending.commit().await?;
        Ok(())
    }

    /// 退回, with the reason why. Only those who could open it answer with no (R18).
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn refuse(&self, by: By<'_>, application: Uuid, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let now_ms = by.now_ms;
        let (row, holder) = self.waiting(application, now_ms).await?;
        let answer = step(&row, Step::Refuse);
        let entry = Entry {
            purpose: why.to_owned(),
            ..entry(by, "refuse_application", &row, &holder)
        };
        answered(&self.trail, answer, &entry, now_ms).await?;
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let decider = by.session.person.id.to_string();
        let answer = ("refused", Some(why));
        if !rows::decide(pending.writing(), &row.id, answer, &decider, now_ms).await? {
            return Err(Error::Refused(Refusal::APPLICATION_STATE));
        }
        pending.commit().await?;
        Ok(())
    }

    /// 收回 (R23): at once. Whoever is watching is asked again within half a second.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn revoke(&self, by: By<'_>, grant: Uuid, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let now_ms = by.now_ms;
        let row = rows::grant(&self.db, &grant.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let entry = Entry {
            object: format!("{} {} {}", row.application, row.person, row.staff_number),
            purpose: why.to_owned(),
            detail: format!("level {}", row.level),
            ..by.done("revoke_grant")
        };
        let over = row.until_ms.is_some_and(|until_ms| until_ms <= now_ms);
        let state = if over { State::Expired } else { State::Opened };
        let roles = &by.session.person.roles;
        let answer = application::may_revoke(&self.institution, roles);
        let answer = answer.and_then(|()| application::next(state, Step::Revoke).map(drop));
        answered(&self.trail, answer, &entry, now_ms).await?;
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let revoker = by.session.person.id.to_string();
        if !rows::revoke(pending.writing(), &row.id, &revoker, why, now_ms).await? {
            return Err(Error::Refused(Refusal::APPLICATION_STATE));
        }
        pending.commit().await?;
        Ok(())
    }

    /// An application with the person it is for, as they are now.
    async fn waiting(&self, id_: Uuid, now_ms: i64) -> Result<(ApplicationRow, Person), Error> {
        let row = rows::application(&self.db, &id_.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let holder = id("a person", &row.beneficiary_id)?;
        let holder = person::find(&self.db, holder, now_ms).await?;
        Ok((row, holder.ok_or(Error::NotFound)?))
    }
}

/// A refusal is a line as well.
pub(super) async fn answered(
    trail: &Trail,
    answer: Result<(), Refusal>,
    entry: &Entry,
    now_ms: i64,
) -> Result<(), Error> {
    let Err(refusal) = answer else {
        return Ok(());
    };
    let refused = Entry {
        outcome: Outcome::Refused,
        article: refusal.article,
        detail: refusal.code.into(),
        ..entry.clone()
    };
    trail.append(refused, now_ms).await?;
    Err(Error::Refused(refusal))
}

/// Where an application stands, with what became of its grant.
///
/// # Errors
/// When the store holds a word nobody knows.
pub fn state(row: &ListedRow, now_ms: i64) -> Result<State, campus::Error> {
    let filed = filed_state(&row.application.state)?;
    let over = row.ends_ms.is_some_and(|ends_ms| ends_ms <= now_ms);
    Ok(match filed {
        State::Opened if row.revoked_ms.is_some() => State::Revoked,
        State::Opened if over => State::Expired,
        state => state,
    })
}

fn filed_state(word: &str) -> Result<State, campus::Error> {
    match word {
        "filed" => Ok(State::Filed),
        "opened" => Ok(State::Opened),
        "refused" => Ok(State::Refused),
        _ => Err(campus::Error::Corrupt {
            what: "the state of an application",
            text: word.into(),
        }),
    }
}

/// Whether the way of an application has such a step from here.
fn step(row: &ApplicationRow, step: Step) -> Result<(), Refusal> {
    let state = filed_state(&row.state).map_err(|_| Refusal::APPLICATION_STATE)?;
    application::next(state, step).map(drop)
}

fn officer(session: &Session) -> Officer<'_, Uuid> {
    Officer {
        person: session.person.id,
        roles: &session.person.roles,
    }
}

fn holding(person: &Person) -> Beneficiary<'_> {
    Beneficiary {
        roles: &person.roles,
        standing: person.standing,
    }
}

fn paper_of(row: &ApplicationRow) -> Result<Application<'_, Uuid>, campus::Error> {
    let unit = row.unit_id.as_deref().map(|text| id("a unit", text));
    Ok(Application {
        applicant: id("a person", &row.applicant_id)?,
        beneficiary: id("a person", &row.beneficiary_id)?,
        terms: Terms {
            level: u8::try_from(row.level).unwrap_or(0),
            unit: unit.transpose()?.map(UnitId),
            minors: row.minors > 0,
            from_ms: row.from_ms,
            until_ms: row.until_ms,
        },
        reason: &row.reason,
    })
}

fn entry(by: By<'_>, action: &'static str, row: &ApplicationRow, holder: &Person) -> Entry {
    let (from, until) = (date_and_time(row.from_ms), date_and_time(row.until_ms));
    Entry {
        object: format!("{} {} {}", row.number, holder.name, holder.staff_number),
        purpose: row.reason.clone(),
        detail: format!("level {}{}, {from}–{until}", row.level, with_minors(row)),
        ..by.done(action)
    }
}

fn with_minors(row: &ApplicationRow) -> &'static str {
    match row.minors {
        0 => "",
        _ => ", with minors",
    }
}

/// A reason of 2 to 500 characters.
pub(super) fn reasoned(why: &str) -> Result<&str, Error> {
    stated(why).ok_or(Error::Field(NO_REASON))
}

fn reasoned_minors(why: &str) -> Result<&str, Error> {
    stated(why).ok_or(Error::Field(NO_MINORS_REASON))
}

fn stated(why: &str) -> Option<&str> {
    let why = why.trim();
    let length = why.chars().count();
    let long = (2..=application::REASON_CHARACTERS_MAX).contains(&length);
    long.then_some(why)
}

const NO_REASON: FieldError = FieldError {
    field: "reason",
    zh: "请写明理由（2 至 500 字）。",
    en: "State the reason in 2 to 500 characters.",
};
const NO_MINORS_REASON: FieldError = FieldError {
    field: "minors_reason",
    zh: "申请查看有未成年人的课堂，须另写明理由（2 至 500 字）。",
    en: "Say why classes with minors are needed too, in 2 to 500 characters.",
};
const NOT_OWN_UNIT: FieldError = FieldError {
    field: "unit",
    zh: "该级别只能开通使用人所在的教学单位。",
    en: "This level is for the person's own teaching unit only.",
};
const NO_TERM: Error = Error::Field(FieldError {
    field: "until",
    zh: "没有本学期的起止时间，请填写截止日期。",
    en: "There is no current term, so give the date until which it lasts.",
});

#[cfg(test)]
mod tests;
