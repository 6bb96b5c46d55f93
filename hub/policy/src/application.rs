//! 第十一条第1项: a permission is applied for by one, opened by another, for a third.
//!
//! draft → filed → opened or refused → suspended, revoked or expired

use crate::administrators;
use crate::institution::{Function, Institution};
use crate::level::{Reach, Role, UnitId};
use crate::refusal::Refusal;
use crate::sanction::{self, Standing};

/// Most characters of a reason.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// What is asked for, or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The level's number.
    pub level: u8,
    /// The unit, where the level reaches one unit only.
    pub unit: Option<UnitId>,
    /// Whether classes with minors are included (X29).
    pub minors: bool,
    /// In force from, milliseconds since the epoch.
    pub from_ms: i64,
    /// In force until (exclusive).
    pub until_ms: i64,
}

/// 权限申请 (R17).
#[derive(Debug, Clone)]
pub struct Application<'a, P> {
    /// Who filed it.
    pub applicant: P,
    /// For whom.
    pub beneficiary: P,
    /// What is asked for.
    pub terms: Terms,
    /// Why.
    pub reason: &'a str,
}

/// Who files or opens.
#[derive(Debug, Clone, Copy)]
pub struct Officer<'a, P> {
    /// The person.
    pub person: P,
    /// What the person is.
    pub roles: &'a [Role],
}

/// For whom a permission is, as of now.
#[derive(Debug, Clone, Copy)]
pub struct Beneficiary<'a> {
    /// What the person is.
    pub roles: &'a [Role],
    /// Whether the person may act.
    pub standing: Standing,
}

/// The end of a permission when none is asked for: that of the term (R17).
#[must_use]
pub fn until_ms(asked_ms: Option<i64>, term_end_ms: i64) -> i64 {
    asked_ms.unwrap_or(term_end_ms)
}

/// “智慧教室管理平台权限由教务处递交权限申请” (R17): by Academic Affairs, not for oneself, complete.
///
/// # Errors
/// Why it is not accepted.
pub fn may_file<P: PartialEq>(
    institution: &Institution,
    applicant: Officer<'_, P>,
    application: &Application<'_, P>,
    beneficiary: Beneficiary<'_>,
    now_ms: i64,
) -> Result<(), Refusal> {
    if !institution.allows(applicant.roles, Function::FileApplications) {
        return Err(Refusal::APPLICATION_BY_OTHERS);
    }
    let own = applicant.person == application.beneficiary;
    if own || applicant.person != application.applicant {
        return Err(Refusal::SAME_PERSON);
    }
    complete(institution, application, now_ms)?;
    may_receive(institution, application.terms, beneficiary, now_ms)
}

/// “信息中心负责开通权限” (R18): by the IT centre, by a third person, exactly what was applied for and
/// no longer; for somebody whose permission was never cancelled for good (R25). An agreement is not
/// asked for: 第十条 lets nobody take part unsigned, so what is opened gives no sight until then
/// ([`crate::access`] asks at every decision, R19).
///
/// # Errors
/// Why it is not opened.
pub fn may_open<P: PartialEq>(
    institution: &Institution,
    opener: Officer<'_, P>,
    application: &Application<'_, P>,
    opened: Terms,
    beneficiary: Beneficiary<'_>,
    now_ms: i64,
) -> Result<(), Refusal> {
    if !institution.allows(opener.roles, Function::OpenPermissions) {
        return Err(Refusal::OPENING_BY_OTHERS);
    }
    let (applicant, receiver) = (&application.applicant, &application.beneficiary);
    let two = applicant == receiver;
    if two || opener.person == *applicant || opener.person == *receiver {
        return Err(Refusal::SAME_PERSON);
    }
    complete(institution, application, now_ms)?;
    if !within(opened, application.terms) {
        return Err(Refusal::WIDER_THAN_APPLIED);
    }
    may_receive(institution, opened, beneficiary, now_ms)
}

/// “离职或调岗时立即移交权限” (R23): taken back by Academic Affairs or by the IT centre, at once and
/// from anybody.
///
/// # Errors
/// The refusal for anybody else.
pub fn may_revoke(institution: &Institution, roles: &[Role]) -> Result<(), Refusal> {
    let may = |function| institution.allows(roles, function);
    if may(Function::FileApplications) || may(Function::OpenPermissions) {
        return Ok(());
    }
    Err(Refusal::OPENING_BY_OTHERS)
}

/// Fields: person, level, unit, reason, from and to (R17).
fn complete<P>(
    institution: &Institution,
    application: &Application<'_, P>,
    now_ms: i64,
) -> Result<(), Refusal> {
    let terms = application.terms;
    let level = institution
        .level(terms.level)
        .ok_or(Refusal::LEVEL_UNKNOWN)?;
    let one_unit = level.reach == Reach::OwnUnit;
    let length = application.reason.trim().chars().count();
    let reasoned = (2..=REASON_CHARACTERS_MAX).contains(&length);
    let lasts = terms.from_ms < terms.until_ms && now_ms < terms.until_ms;
    if !reasoned || !lasts || one_unit != terms.unit.is_some() {
        return Err(Refusal::APPLICATION_INCOMPLETE);
    }
    Ok(())
}

/// R23, R25, X5: nobody who has left, was suspended or cancelled; no administrator who would see.
fn may_receive(
    institution: &Institution,
    terms: Terms,
    beneficiary: Beneficiary<'_>,
    now_ms: i64,
) -> Result<(), Refusal> {
    sanction::in_office(beneficiary.standing, now_ms)?;
    let level = institution
        .level(terms.level)
        .ok_or(Refusal::LEVEL_UNKNOWN)?;
    let sees = level.reach != Reach::NoContent;
    administrators::may_have(beneficiary.roles, sees)
}

/// “开通” never goes beyond “申请” (R18): the same level and unit, no minors that were not asked for,
/// no earlier and no later.
#[must_use]
pub fn within(opened: Terms, applied: Terms) -> bool {
    let same = opened.level == applied.level && opened.unit == applied.unit;
    let minors = applied.minors || !opened.minors;
    let time = applied.from_ms <= opened.from_ms && opened.until_ms <= applied.until_ms;
    same && minors && time && opened.from_ms < opened.until_ms
}

/// Where an application stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Being written.
    Draft,
    /// With the IT centre.
    Filed,
    /// A permission.
    Opened,
    /// Answered with no, and a reason.
    Refused,
    /// A permission that rests.
    Suspended,
    /// Handed back; a new one needs a new application (R23).
    Revoked,
    /// Over.
    Expired,
}

/// What is done with an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// 递交.
    File,
    /// 开通.
    Open,
    /// 退回.
    Refuse,
    /// 暂停.
    Suspend,
    /// 恢复.
    Resume,
    /// 收回.
    Revoke,
    /// 到期.
    Expire,
}

/// The way of an application (R17–R26). What is refused, revoked or over stays so.
///
/// # Errors
/// The refusal when the step does not fit the state.
pub fn next(state: State, step: Step) -> Result<State, Refusal> {
    match (state, step) {
        (State::Draft, Step::File) => Ok(State::Filed),
        (State::Filed, Step::Open) => Ok(State::Opened),
        (State::Filed, Step::Refuse) => Ok(State::Refused),
        (State::Opened, Step::Suspend) => Ok(State::Suspended),
        (State::Suspended, Step::Resume) => Ok(State::Opened),
        (State::Opened | State::Suspended, Step::Revoke) => Ok(State::Revoked),
        (State::Opened | State::Suspended, Step::Expire) => Ok(State::Expired),
        _ => Err(Refusal::APPLICATION_STATE),
    }
}

#[cfg(test)]
mod tests;
