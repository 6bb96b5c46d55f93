//! Access: who may do what, decided in one place, by default not at all (R20).

use crate::agreement::{self, Agreement};
use crate::level::{Level, Role, UnitId};
use crate::password;
use crate::refusal::Refusal;

/// Fewest characters of a reason when the purpose is "other" (R43).
pub const REASON_CHARACTERS_MIN: usize = 2;

/// Whether a person may act at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In office.
    Active,
    /// “暂停权限” (第十三条第1项), until the moment given or until lifted.
    Suspended {
        /// End of the suspension, milliseconds since the epoch; `None` until lifted.
        until_ms: Option<i64>,
    },
    /// “永久取消听课/巡课权限” (附件2 第三条第1项).
    Cancelled,
    /// “离职或调岗” (第十条第3项).
    Left,
}

/// A standing right: applied for by Academic Affairs, opened by the IT centre (R17, R18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// What was opened.
    pub level: Level,
    /// In force from, milliseconds since the epoch.
    pub from_ms: i64,
    /// In force until (exclusive); `None` until closed.
    pub until_ms: Option<i64>,
}

/// Why somebody looks at a class: “巡课数据仅用于教学督导与质量评估” (附件2 第二条第3项, R43).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A task of the plan.
    Plan,
    /// An issue being followed up.
    Issue,
    /// A re-inspection (第十二条第3项).
    Reinspection,
    /// Anything else, with its reason.
    Other(String),
    /// Nothing was said.
    Missing,
}

/// All that bears on a decision, gathered before it is made.
#[derive(Debug, Clone)]
pub struct Facts {
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
    /// The school's rule: days until a password must be changed.
    pub password_days_max: u32,
    /// Whether the request comes from a campus address (TLS is there on every listener).
    pub on_campus: bool,
    /// The moment of the decision, milliseconds since the epoch.
    pub now_ms: i64,
}

/// What somebody wants to do. Content and maintenance are never the same action.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// See the list of rooms that may be watched (R56).
    SeeRooms,
    /// Watch a room of `unit` now (R55).
    ViewLive {
        /// The unit that owns the room now.
        unit: UnitId,
        /// Why.
        purpose: &'a Purpose,
    },
    /// See the list of recordings that may be watched (R67).
    SeeRecordings,
    /// Watch a recording (R67).
    Playback {
        /// The unit that owned the room when it was recorded (R22).
        unit: UnitId,
        /// Why.
        purpose: &'a Purpose,
    },
    /// File a patrol record about a room of `unit` (R85).
    FileRecord {
        /// The unit that owns the room now.
        unit: UnitId,
    },
    /// Open the list of patrol records; which of them is [`crate::patrol::readable`]'s (R89).
    ReadRecords,
    /// See devices and faults: numbers and states, no picture (R8, R64).
    SeeDevices,
    /// Read the audit trail (第五条第3项).
    ReadTrail,
}

/// Decides. Whatever no line below allows is refused.
///
/// # Errors
/// The refusal, with its article.
pub fn decide(facts: &Facts, action: Action<'_>) -> Result<(), Refusal> {
    in_office(facts)?;
    from_campus(facts)?;
    password::fresh(
        facts.password_changed_ms,
        facts.password_days_max,
        facts.now_ms,
    )?;
    match action {
        Action::SeeRooms | Action::SeeRecordings => viewing_level(facts).map(drop),
        Action::ViewLive { unit, purpose } | Action::Playback { unit, purpose } => {
            within(viewing_level(facts)?, unit)?;
            stated(purpose)
        }
        Action::FileRecord { unit } => {
            supervisor(facts)?;
            within(viewing_level(facts)?, unit)
        }
        Action::ReadRecords => record_reader(facts),
        Action::SeeDevices => one_of(facts, &[Role::Technician, Role::SecurityAdministrator]),
        Action::ReadTrail => one_of(
            facts,
            &[Role::AuditAdministrator, Role::SecurityAdministrator],
        ),
    }
}

/// 第十三条第1项 “警告、暂停权限或纪律处分”; 附件2 第三条第1项; 第十条第3项 (R23, R25).
fn in_office(facts: &Facts) -> Result<(), Refusal> {
    match facts.standing {
        Standing::Active => Ok(()),
        Standing::Suspended {
            until_ms: Some(until_ms),
        } if until_ms <= facts.now_ms => Ok(()),
        Standing::Suspended { .. } => Err(Refusal::SUSPENDED),
        Standing::Cancelled => Err(Refusal::CANCELLED),
        Standing::Left => Err(Refusal::LEFT),
    }
}

/// 第十一条第2项 “仅允许通过校内加密网络访问智慧教室管理平台” (R31).
fn from_campus(facts: &Facts) -> Result<(), Refusal> {
    if facts.on_campus {
        Ok(())
    } else {
        Err(Refusal::OFF_CAMPUS)
    }
}

/// 第十一条第1项 and 第十条: a level that sees content, opened, in force, agreement signed.
///
/// Level 3 is told so first: the agreement would not change its answer (R8, R58, X5).
fn viewing_level(facts: &Facts) -> Result<Level, Refusal> {
    let maintains = [
        Role::Technician,
        Role::SecurityAdministrator,
        Role::AuditAdministrator,
    ];
    if one_of(facts, &maintains).is_ok() {
        return Err(Refusal::TECHNICIAN_CONTENT);
    }
    let grant = facts.grant.ok_or(Refusal::NO_GRANT)?;
    let begun = grant.from_ms <= facts.now_ms;
    let over = grant
        .until_ms
        .is_some_and(|until_ms| until_ms <= facts.now_ms);
    if !begun || over {
        return Err(Refusal::NO_GRANT);
    }
    if grant.level == Level::Three {
        return Err(Refusal::TECHNICIAN_CONTENT);
    }
    agreement::in_force(facts.agreement, facts.now_ms)?;
    Ok(grant.level)
}

/// 第十一条第1项 “仅可查看所在教学单位的教室” (R7, R21, R22).
fn within(level: Level, unit: UnitId) -> Result<(), Refusal> {
    if level.reaches(unit) {
        Ok(())
    } else {
        Err(Refusal::OTHER_UNIT)
    }
}

/// 附件2 第二条第3项 “巡课数据仅用于教学督导与质量评估” (R43).
fn stated(purpose: &Purpose) -> Result<(), Refusal> {
    match purpose {
        Purpose::Plan | Purpose::Issue | Purpose::Reinspection => Ok(()),
        Purpose::Other(reason) if reason.trim().chars().count() >= REASON_CHARACTERS_MIN => Ok(()),
        Purpose::Other(_) | Purpose::Missing => Err(Refusal::PURPOSE_MISSING),
    }
}

/// 第六条第1项 “按计划开展听课/巡课，如实记录课堂情况” (R85).
fn supervisor(facts: &Facts) -> Result<(), Refusal> {
    one_of(facts, &[Role::SchoolSupervisor, Role::UnitSupervisor])
        .map_err(|_| Refusal::NOT_A_SUPERVISOR)
}

/// 第三条第3项 “须严格保密”: who may open the list at all (R89). Technicians never.
fn record_reader(facts: &Facts) -> Result<(), Refusal> {
    let signers = [
        Role::SchoolSupervisor,
        Role::UnitSupervisor,
        Role::UnitLeader,
    ];
    if one_of(facts, &[Role::AcademicAffairs, Role::Teacher]).is_ok() {
        return Ok(());
    }
    one_of(facts, &signers).map_err(|_| Refusal::RECORD_SECRET)?;
    agreement::in_force(facts.agreement, facts.now_ms)
}

fn one_of(facts: &Facts, allowed: &[Role]) -> Result<(), Refusal> {
    let has = facts.roles.iter().any(|role| allowed.contains(role));
    if has {
        Ok(())
    } else {
        Err(Refusal::NOT_YOUR_ROLE)
    }
}

#[cfg(test)]
mod tests;
