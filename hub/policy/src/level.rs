//! Roles, and the levels of 第十一条第1项 as data.

use serde::Deserialize;
use uuid::Uuid;

/// A teaching unit (二级教学单位).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnitId(pub Uuid);

/// What a person is in this house (R1–R8; the three administrators of X5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// 校级教学督导.
    SchoolSupervisor,
    /// 二级教学督导.
    UnitSupervisor,
    /// 技术人员: the system administrator of the IT centre.
    Technician,
    /// 安全管理员: opens permissions.
    SecurityAdministrator,
    /// 审计管理员: reads the trail.
    AuditAdministrator,
    /// 教务处.
    AcademicAffairs,
    /// 二级教学单位负责人.
    UnitLeader,
    /// 任课教师.
    Teacher,
}

impl Role {
    /// Every role with its name on the wire.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::SchoolSupervisor, "school_supervisor"),
        (Self::UnitSupervisor, "unit_supervisor"),
        (Self::Technician, "technician"),
        (Self::SecurityAdministrator, "security_administrator"),
        (Self::AuditAdministrator, "audit_administrator"),
        (Self::AcademicAffairs, "academic_affairs"),
        (Self::UnitLeader, "unit_leader"),
        (Self::Teacher, "teacher"),
    ];

    /// The name on the wire and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = Self::NAMES.iter().find(|(role, _)| *role == self);
        named.expect("invariant: every role has a name").1
    }

    /// The role of that name; an unknown name is no role at all (default deny).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(role, _)| *role)
    }

    /// 第十条: those who take part in observation or patrol and so sign the agreement (R34, Q21).
    #[must_use]
    pub fn signs_agreement(self) -> bool {
        match self {
            Self::SchoolSupervisor | Self::UnitSupervisor | Self::UnitLeader => true,
            Self::Technician | Self::SecurityAdministrator | Self::AuditAdministrator => true,
            Self::AcademicAffairs | Self::Teacher => false,
        }
    }

    /// One of the three administrators, who keep the system and never see class content (X5).
    #[must_use]
    pub fn is_administrator(self) -> bool {
        match self {
            Self::Technician | Self::SecurityAdministrator | Self::AuditAdministrator => true,
            Self::SchoolSupervisor | Self::UnitSupervisor | Self::UnitLeader => false,
            Self::AcademicAffairs | Self::Teacher => false,
        }
    }

    /// Decides about others, in an office or as an administrator; never given by a list of staff
    /// (R16).
    #[must_use]
    pub fn decides(self) -> bool {
        match self {
            Self::AcademicAffairs | Self::UnitLeader => true,
            Self::Technician | Self::SecurityAdministrator | Self::AuditAdministrator => true,
            Self::SchoolSupervisor | Self::UnitSupervisor | Self::Teacher => false,
        }
    }

    /// 第六条: a member of the supervision group (R3).
    #[must_use]
    pub fn supervises(self) -> bool {
        matches!(self, Self::SchoolSupervisor | Self::UnitSupervisor)
    }
}

/// How far a level reaches. Which levels there are is the school's data: `hub/policy/presets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// “可实时查看所有教室”.
    EveryRoom,
    /// “仅可查看所在教学单位的教室”.
    OwnUnit,
    /// “仅限系统维护，不得查看课堂内容”.
    NoContent,
}

/// One level of “实行分级权限制度” (第十一条第1项).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// 1 and up; what a grant holds.
    pub number: u8,
    /// Its name, such as `一级权限`.
    pub name: String,
    /// For whom it is, such as `校级教学督导`.
    pub holder: String,
    /// How far it reaches.
    pub reach: Reach,
    /// The article it comes from.
    pub article: String,
    /// The words of that article.
    pub quote: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R20: a role nobody knows is no role.
    #[test]
    fn names_round_trip_and_unknown_names_are_nobody() {
        for (role, name) in Role::NAMES {
            assert_eq!(Role::named(name), Some(role));
            assert_eq!(role.name(), name);
        }
        assert_eq!(Role::named("administrator"), None);
    }

    /// R34, Q21: all who take part sign, the three administrators too.
    #[test]
    fn who_signs_and_who_administers() {
        let names = |holds: fn(Role) -> bool| -> Vec<_> {
            let all = Role::NAMES.iter().filter(|(role, _)| holds(*role));
            all.map(|(_, name)| *name).collect()
        };
        let administrators = [
            "technician",
            "security_administrator",
            "audit_administrator",
        ];
        assert_eq!(names(Role::is_administrator), administrators);
        assert_eq!(
            names(|role| !role.signs_agreement()),
            ["academic_affairs", "teacher"]
        );
        assert_eq!(
            names(Role::supervises),
            ["school_supervisor", "unit_supervisor"]
        );
    }
}
