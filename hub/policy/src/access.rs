//! Access: who may do what, decided in one place, by default not at all (R20).

use crate::agreement::{self, Agreement};
use crate::institution::{Function, Institution};
use crate::level::{Level, Reach, Role, UnitId};
use crate::network::{self, Network};
use crate::password;
use crate::purpose::{self, Purpose};
use crate::recusal::{self, Tie};
use crate::refusal::Refusal;
use crate::retention;
use crate::sanction::{self, Standing};

/// A standing right: applied for by Academic Affairs, opened by the IT centre (R17, R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The number of the level that was opened; which levels there are is the school's data.
    pub level: u8,
    /// The unit, where the level reaches one unit only.
    pub unit: Option<UnitId>,
    /// Whether viewing classes with minors was approved too (X29).
    pub minors: bool,
    /// In force from, milliseconds since the epoch.
    pub from_ms: i64,
    /// In force until (exclusive); `None` until closed.
    pub until_ms: Option<i64>,
}

/// A class as the decision sees it: live, as of now; recorded, as of then (R22).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The unit that owns the room.
    pub owner: UnitId,
    /// The unit whose course runs there, if one does.
    pub course: Option<UnitId>,
    /// What ties the person to the lesson (R53).
    pub tie: Tie,
    /// Whether there are minors in the class (X29).
    pub minors: bool,
    /// Whether 教务处 has locked the room for an examination that goes on now.
    pub exam: bool,
    /// When the lesson ended for which it has been watched live; `None` while that lasts, and where
    /// there was none.
    pub lesson_ended_ms: Option<i64>,
}

impl Place {
    /// A room of which nothing but its unit matters.
    #[must_use]
    pub const fn of(owner: UnitId) -> Self {
        Self {
            owner,
            course: None,
            tie: Tie::None,
            minors: false,
            exam: false,
            lesson_ended_ms: None,
        }
    }
}

/// All that bears on a decision, gathered before it is made.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The school's levels, duties and rules.
    pub institution: &'a Institution,
    /// What the person is.
    pub roles: Vec<Role>,
    /// Whether the person may act at all.
    pub standing: Standing,
    /// The confidentiality agreement.
    pub agreement: Agreement,
    /// The standing right, if one was opened.
    pub grant: Option<Grant>,
    /// When the password was last changed, milliseconds since the epoch.
    pub password_changed_ms: i64,
    /// How the request came.
    pub network: Network,
    /// The moment of the decision, milliseconds since the epoch.
    pub now_ms: i64,
}

/// What somebody wants to do. Content and maintenance are never the same action.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// See the list of rooms that may be watched (R56).
    SeeRooms,
    /// Watch a class now (R55).
    ViewLive {
        /// The class.
        place: Place,
        /// Why.
        purpose: &'a Purpose,
    },
    /// See the list of recordings that may be watched (R67).
    SeeRecordings,
    /// Watch a recording (R67).
    Playback {
        /// The class as it was when it was recorded (R22).
        place: Place,
        /// End of its retention (exclusive), milliseconds since the epoch.
        kept_until_ms: i64,
        /// Why.
        purpose: &'a Purpose,
    },
    /// File a patrol record about a class (R85).
    FileRecord {
        /// The class.
        place: Place,
    },
    /// Open the list of patrol records; which of them is [`crate::patrol::readable`]'s (R89).
    ReadRecords,
    /// See who watched the own lessons, once they are over (K2, Q19); only the own ones are shown.
    SeeWatchers,
    /// See devices and faults: numbers and states, no picture (R8, R64).
    SeeDevices,
    /// See how complete recordings are: times, numbers and reasons, no picture (R2, R119, K14).
    SeeCompleteness,
    /// Create accounts and import people (R27, R33).
    ManageAccounts,
    /// Read who there is; who may change it is [`crate::appointment::may_appoint`]'s (R16).
    SeePeople,
    /// File applications; which one is [`crate::application::may_file`]'s (R17).
    FileApplications,
    /// Open and revoke; which one is [`crate::application::may_open`]'s (R18).
    OpenPermissions,
    /// Read who holds which permission (R26).
    ReadLedger,
    /// Read the papers that speak for an application (R17).
    ReadPapers,
    /// Put a decision about a breach on file; see [`crate::sanction::valid`] (R104).
    FileSanctions,
    /// Propose lessons for the premium courses, consent to the own; which one is [`retention`]'s
    /// (R120).
    ProposePremium,
    /// Decide what is kept longer than others; which one is [`retention`]'s (R120, R122).
    KeepRecordings,
    /// Take over timetables (R74).
    KeepTimetable,
    /// Read the audit trail (第五条第3项).
    ReadTrail,
    /// Inspect the trail; whose is [`crate::inspection::may_inspect`]'s (R115).
    InspectTrail,
    /// Read and sign the own agreement (R34, R37).
    SignAgreement,
    /// Change the own password: all that is left once it has expired (R30).
    ChangePassword,
}

/// Decides. Whatever no line below allows is refused.
///
/// # Errors
/// The refusal, with its article.
pub fn decide(facts: &Facts<'_>, action: Action<'_>) -> Result<(), Refusal> {
    sanction::in_office(facts.standing, facts.now_ms)?;
    network::admitted(facts.network)?;
    if let Action::ChangePassword = action {
        return Ok(());
    }
    let rules = &facts.institution.rules;
    password::fresh(facts.password_changed_ms, &rules.password, facts.now_ms)?;
    match action {
        Action::SeeRooms | Action::SeeRecordings => viewing(facts).map(drop),
        Action::ViewLive { place, purpose } => {
            watch(facts, place, purpose)?;
            undisturbed(facts, place)
        }
        Action::Playback {
            place,
            kept_until_ms,
            purpose,
        } => {
            watch(facts, place, purpose)?;
            retention::kept(kept_until_ms, facts.now_ms)
        }
        Action::FileRecord { place } => file_record(facts, place),
        Action::ReadRecords => read_records(facts),
        Action::SeeWatchers => teach(facts),
        Action::SeeDevices => serve(facts, Function::SeeDevices),
        Action::SeeCompleteness => see_completeness(facts),
        Action::ManageAccounts => serve(facts, Function::ManageAccounts),
        Action::SeePeople => serve(facts, Function::ReadPeople),
        Action::FileApplications => serve(facts, Function::FileApplications),
        Action::OpenPermissions => serve(facts, Function::OpenPermissions),
        Action::ReadLedger => serve(facts, Function::ReadLedger),
        Action::ReadPapers => read_papers(facts),
        Action::FileSanctions => serve(facts, Function::FileSanctions),
        Action::ProposePremium => propose(facts),
        Action::KeepRecordings => serve(facts, Function::KeepRecordings),
        Action::KeepTimetable => serve(facts, Function::KeepTimetable),
        Action::ReadTrail => serve(facts, Function::ReadTrail),
        Action::InspectTrail => serve(facts, Function::InspectTrail),
        Action::SignAgreement => sign(facts),
        Action::ChangePassword => Ok(()),
    }
}

/// 第十一条第1项 and 第十条: a level that sees content, opened, in force, agreement signed.
///
/// The three administrators are told first: nothing would change their answer (R8, R58, X5).
fn viewing<'a>(facts: &Facts<'a>) -> Result<(Grant, &'a Level), Refusal> {
    if facts.roles.iter().any(|role| role.is_administrator()) {
        return Err(Refusal::TECHNICIAN_CONTENT);
    }
    let grant = facts.grant.ok_or(Refusal::NO_GRANT)?;
    let over = |until_ms| until_ms <= facts.now_ms;
    if facts.now_ms < grant.from_ms || grant.until_ms.is_some_and(over) {
        return Err(Refusal::NO_GRANT);
    }
    let level = facts.institution.level(grant.level);
    let level = level.ok_or(Refusal::LEVEL_UNKNOWN)?;
    if level.reach == Reach::NoContent {
        return Err(Refusal::TECHNICIAN_CONTENT);
    }
    agreement::in_force(facts.agreement, facts.now_ms)?;
    Ok((grant, level))
}

/// 第十一条第1项, 第三条第2项 and 附件2 第二条第3项: within the scope, impartial, for a purpose.
fn watch(facts: &Facts<'_>, place: Place, purpose: &Purpose) -> Result<(), Refusal> {
    within(facts, place)?;
    recusal::impartial(place.tie)?;
    purpose::stated(purpose)
}

/// 第三条第2项 “不得干扰正常教学秩序”: an examination is watched by nobody here (R59); 附件2 第二条第3项: the
/// purpose was a lesson, and ends with it where the school says so.
fn undisturbed(facts: &Facts<'_>, place: Place) -> Result<(), Refusal> {
    if place.exam {
        return Err(Refusal::EXAM_LOCKED);
    }
    let after = facts.institution.rules.live_minutes_after_lesson;
    if let (Some(ended_ms), Some(minutes)) = (place.lesson_ended_ms, after)
        && facts.now_ms >= ended_ms.saturating_add(i64::from(minutes) * 60_000)
    {
        return Err(Refusal::LESSON_OVER);
    }
    Ok(())
}

/// “仅可查看所在教学单位的教室” (R7, R21, R22); 未成年人网络保护条例 第三十六条 (X29).
fn within(facts: &Facts<'_>, place: Place) -> Result<(), Refusal> {
    let (grant, level) = viewing(facts)?;
    let course = place
        .course
        .filter(|_| facts.institution.rules.course_scope);
    let own = |unit| unit == place.owner || Some(unit) == course;
    match level.reach {
        Reach::EveryRoom => {}
        Reach::OwnUnit if grant.unit.is_some_and(own) => {}
        Reach::OwnUnit => return Err(Refusal::OTHER_UNIT),
        Reach::NoContent => return Err(Refusal::TECHNICIAN_CONTENT),
    }
    if place.minors && !grant.minors {
        return Err(Refusal::MINORS);
    }
    Ok(())
}

/// 第六条第1项 “按计划开展听课/巡课，如实记录课堂情况” (R85), and 第三条第2项 (R53).
fn file_record(facts: &Facts<'_>, place: Place) -> Result<(), Refusal> {
    if !facts
        .institution
        .allows(&facts.roles, Function::FileRecords)
    {
        return Err(Refusal::NOT_A_SUPERVISOR);
    }
    within(facts, place)?;
    recusal::impartial(place.tie)
}

/// 第三条第3项 “须严格保密”: who may open the list at all (R89). Technicians never.
fn read_records(facts: &Facts<'_>) -> Result<(), Refusal> {
    let is = |role| facts.roles.contains(&role);
    if is(Role::AcademicAffairs) || is(Role::Teacher) {
        return Ok(());
    }
    if !(facts.roles.iter().any(|role| role.supervises()) || is(Role::UnitLeader)) {
        return Err(Refusal::RECORD_SECRET);
    }
    agreement::in_force(facts.agreement, facts.now_ms)
}

/// 第三条第2项 “不得干扰正常教学秩序” (Q19): teachers learn afterwards who watched (K2), and nobody else
/// does this way.
fn teach(facts: &Facts<'_>) -> Result<(), Refusal> {
    if facts.roles.contains(&Role::Teacher) {
        Ok(())
    } else {
        Err(Refusal::NOT_YOUR_ROLE)
    }
}

/// 学习网第十六条 (R120): those who teach, lead a unit or supervise, once those who must have signed.
fn propose(facts: &Facts<'_>) -> Result<(), Refusal> {
    let proposes =
        |role: &Role| role.supervises() || matches!(role, Role::UnitLeader | Role::Teacher);
    if !facts.roles.iter().any(proposes) {
        return Err(Refusal::NOT_YOUR_ROLE);
    }
    if facts.roles.iter().any(|role| role.signs_agreement()) {
        agreement::in_force(facts.agreement, facts.now_ms)?;
    }
    Ok(())
}

/// 第四条 and 第五条: a function of the person's department (R1, R2), once those who must have
/// signed (第十条, R34, Q21).
fn serve(facts: &Facts<'_>, function: Function) -> Result<(), Refusal> {
    if !facts.institution.allows(&facts.roles, function) {
        return Err(Refusal::NOT_YOUR_ROLE);
    }
    if facts.roles.iter().any(|role| role.signs_agreement()) {
        agreement::in_force(facts.agreement, facts.now_ms)?;
    }
    Ok(())
}

/// 第四条 and 第十六条 (R2, R119): whoever maintains what records, and whoever answers for what is
/// kept.
fn see_completeness(facts: &Facts<'_>) -> Result<(), Refusal> {
    match serve(facts, Function::SeeDevices) {
        Err(Refusal::NOT_YOUR_ROLE) => serve(facts, Function::KeepRecordings),
        answer => answer,
    }
}

/// 附件 (R17, 第五条): whoever reads the ledger, and whoever reads the trail.
fn read_papers(facts: &Facts<'_>) -> Result<(), Refusal> {
    match serve(facts, Function::ReadTrail) {
        Err(Refusal::NOT_YOUR_ROLE) => serve(facts, Function::ReadLedger),
        answer => answer,
    }
}

/// “所有参与听课/巡课人员” (R34): by what somebody is, or by a permission that was ever opened.
#[must_use]
pub fn takes_part(roles: &[Role], grant: Option<Grant>) -> bool {
    grant.is_some() || roles.iter().any(|role| role.signs_agreement())
}

/// “所有参与听课/巡课人员须签订” (R34): those who take part, and whoever was given a permission.
fn sign(facts: &Facts<'_>) -> Result<(), Refusal> {
    if takes_part(&facts.roles, facts.grant) {
        Ok(())
    } else {
        Err(Refusal::NOT_YOUR_ROLE)
    }
}

#[cfg(test)]
mod tests;
