//! Security labels (安全标记, GB/T 22239—2019 8.1.4.2 f): of which kind a thing is, and which kinds
//! somebody reaches at all (X7). A label opens nothing; [`crate::decide`] does.

use crate::access::{Action, Facts};
use crate::institution::Function;
use crate::level::{Reach, Role};

/// The kind of thing that an action touches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// What concerns nobody but the person: password, agreement, who watched the own lessons.
    Own,
    /// Pictures, sound and lists of classes: 课堂内容.
    Class,
    /// Patrol records, and nominations of lessons: 巡课记录.
    Record,
    /// Devices and faults: numbers and states, 运行状态.
    Operation,
    /// People and their accounts: 人员与账号.
    Personnel,
    /// Who may what, and breaches: 权限与处理.
    Permission,
    /// The audit trail: 审计记录.
    Trail,
}

impl Label {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Own,
        Self::Class,
        Self::Record,
        Self::Operation,
        Self::Personnel,
        Self::Permission,
        Self::Trail,
    ];
}

impl std::fmt::Display for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Own => "own",
            Self::Class => "class",
            Self::Record => "record",
            Self::Operation => "operation",
            Self::Personnel => "personnel",
            Self::Permission => "permission",
            Self::Trail => "trail",
        })
    }
}

/// The label of what an action touches.
#[must_use]
pub const fn of(action: &Action<'_>) -> Label {
    match action {
        Action::SeeWatchers | Action::SignAgreement | Action::ChangePassword => Label::Own,
        Action::SeeRooms | Action::ViewLive { .. } => Label::Class,
        Action::SeeRecordings | Action::Playback { .. } => Label::Class,
        Action::FileRecord { .. } | Action::ReadRecords => Label::Record,
        Action::ProposePremium => Label::Record,
        Action::SeeDevices | Action::SeeCompleteness => Label::Operation,
        Action::ManageAccounts | Action::SeePeople | Action::KeepTimetable => Label::Personnel,
        Action::FileApplications | Action::OpenPermissions => Label::Permission,
        Action::ReadLedger | Action::ReadPapers | Action::FileSanctions => Label::Permission,
        Action::KeepRecordings => Label::Permission,
        Action::ReadTrail | Action::InspectTrail => Label::Trail,
    }
}

/// The labels of a person: what roles, duties and permission reach. Never class content or records
/// for one of the three administrators (R8, X5).
#[must_use]
pub fn cleared(facts: &Facts<'_>) -> Vec<Label> {
    let all = Label::ALL.into_iter();
    all.filter(|label| reaches(facts, *label)).collect()
}

fn reaches(facts: &Facts<'_>, label: Label) -> bool {
    let serves = |functions: &[Function]| {
        let mut functions = functions.iter();
        functions.any(|function| facts.institution.allows(&facts.roles, *function))
    };
    match label {
        Label::Own => true,
        Label::Class => watches(facts),
        Label::Record => facts.roles.iter().any(|role| knows_records(*role)),
        Label::Operation => serves(&[Function::SeeDevices, Function::KeepRecordings]),
        Label::Personnel => serves(&[
            Function::ManageAccounts,
            Function::ReadPeople,
            Function::KeepTimetable,
        ]),
        Label::Permission => serves(&[
            Function::FileApplications,
            Function::OpenPermissions,
            Function::ReadLedger,
            Function::FileSanctions,
            Function::KeepRecordings,
            // The papers of an application are evidence of the trail.
            Function::ReadTrail,
        ]),
        Label::Trail => serves(&[Function::ReadTrail, Function::InspectTrail]),
    }
}

/// Somebody with a level that sees content, and no administrator.
fn watches(facts: &Facts<'_>) -> bool {
    let level = facts.grant.and_then(|grant| {
        let number = grant.level;
        facts.institution.level(number)
    });
    level.is_some_and(|level| level.reach != Reach::NoContent)
        && !facts.roles.iter().any(|role| role.is_administrator())
}

/// 第三条第3项 (R89): those who patrol, lead a unit, keep the records, or teach.
fn knows_records(role: Role) -> bool {
    role.supervises()
        || matches!(
            role,
            Role::UnitLeader | Role::AcademicAffairs | Role::Teacher
        )
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use uuid::Uuid;

    use super::*;
    use crate::access::{Grant, Place, decide};
    use crate::agreement::Agreement;
    use crate::institution::Institution;
    use crate::level::UnitId;
    use crate::network::Network;
    use crate::preset;
    use crate::purpose::Purpose;
    use crate::sanction::Standing;

    const OWN: UnitId = UnitId(Uuid::from_u128(1));
    const NOW: i64 = 1_800_000_000_000;

    static SCHOOL: LazyLock<Institution> =
        LazyLock::new(|| preset::parse(preset::POLYTECHNIC).unwrap());

    fn person(role: Role, level: Option<u8>) -> Facts<'static> {
        let grant = |level| Grant {
            level,
            unit: Some(OWN),
            minors: true,
            from_ms: 0,
            until_ms: None,
        };
        Facts {
            institution: &SCHOOL,
            roles: vec![role],
            standing: Standing::Active,
            agreement: Agreement::Signed { since_ms: 0 },
            grant: level.map(grant),
            password_changed_ms: NOW,
            network: Network::Campus,
            now_ms: NOW,
        }
    }

    fn actions() -> Vec<Action<'static>> {
        let (place, purpose) = (Place::of(OWN), &Purpose::Plan);
        vec![
            Action::SeeRooms,
            Action::ViewLive { place, purpose },
            Action::SeeRecordings,
            Action::Playback {
                place,
                kept_until_ms: NOW + 1,
                purpose,
            },
            Action::FileRecord { place },
            Action::ReadRecords,
            Action::SeeWatchers,
            Action::SeeDevices,
            Action::SeeCompleteness,
            Action::ManageAccounts,
            Action::SeePeople,
            Action::FileApplications,
            Action::OpenPermissions,
            Action::ReadLedger,
            Action::ReadPapers,
            Action::FileSanctions,
            Action::ProposePremium,
            Action::KeepRecordings,
            Action::KeepTimetable,
            Action::ReadTrail,
            Action::InspectTrail,
            Action::SignAgreement,
            Action::ChangePassword,
        ]
    }

    /// X7: a label that somebody lacks is never opened, by whatever role and level.
    #[test]
    fn nothing_is_permitted_beyond_the_label() {
        let mut permitted = 0;
        for (role, name) in Role::NAMES {
            for level in [None, Some(1), Some(2), Some(3), Some(9)] {
                let facts = person(role, level);
                let labels = cleared(&facts);
                for action in actions() {
                    if decide(&facts, action).is_ok() {
                        permitted += 1;
                        assert!(labels.contains(&of(&action)), "{name} {level:?} {action:?}");
                    }
                }
            }
        }
        assert!(permitted > 100, "only {permitted} were permitted");
    }

    #[test]
    fn who_is_cleared_for_what() {
        let said = |role, level| {
            let labels = cleared(&person(role, level));
            let words: Vec<_> = labels.iter().map(ToString::to_string).collect();
            words.join(" ")
        };
        assert_eq!(said(Role::Teacher, None), "own record");
        assert_eq!(said(Role::Teacher, Some(2)), "own class record");
        assert_eq!(said(Role::SchoolSupervisor, Some(1)), "own class record");
        assert_eq!(said(Role::UnitSupervisor, Some(9)), "own record");
        assert_eq!(said(Role::UnitLeader, None), "own record");
        assert_eq!(
            said(Role::AcademicAffairs, None),
            "own record operation personnel permission"
        );
        let technician = "own operation personnel";
        assert_eq!(said(Role::Technician, Some(3)), technician);
        assert_eq!(said(Role::Technician, Some(1)), technician);
        assert_eq!(
            said(Role::SecurityAdministrator, Some(1)),
            "own personnel permission"
        );
        assert_eq!(
            said(Role::AuditAdministrator, Some(1)),
            "own permission trail"
        );
    }
}
