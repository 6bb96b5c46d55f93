//! Roles and the three levels of 第十一条第1项.

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
}

/// 第十一条第1项: “实行分级权限制度”.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// “一级权限（校级教学督导）：可实时查看所有教室”.
    One,
    /// “二级权限（二级教学督导）：仅可查看所在教学单位的教室”.
    Two(UnitId),
    /// “三级权限（技术人员）：仅限系统维护，不得查看课堂内容”.
    Three,
}

impl Level {
    /// Whether this level reaches the content of a room of `unit` (R6, R7, R8).
    #[must_use]
    pub fn reaches(self, unit: UnitId) -> bool {
        match self {
            Self::One => true,
            Self::Two(own) => own == unit,
            Self::Three => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: UnitId = UnitId(Uuid::from_u128(1));
    const OTHER: UnitId = UnitId(Uuid::from_u128(2));

    /// R6, R7, R8, R21.
    #[test]
    fn level_one_reaches_all_level_two_its_own_level_three_none() {
        assert!(Level::One.reaches(OWN) && Level::One.reaches(OTHER));
        assert!(Level::Two(OWN).reaches(OWN) && !Level::Two(OWN).reaches(OTHER));
        assert!(!Level::Three.reaches(OWN) && !Level::Three.reaches(OTHER));
    }

    /// R20: a role nobody knows is no role.
    #[test]
    fn names_round_trip_and_unknown_names_are_nobody() {
        for (role, name) in Role::NAMES {
            assert_eq!(Role::named(name), Some(role));
            assert_eq!(role.name(), name);
        }
        assert_eq!(Role::named("administrator"), None);
    }
}
