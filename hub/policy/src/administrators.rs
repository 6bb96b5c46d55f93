//! 三员分立: the three administrators are three people, and none of them watches (X5).

use crate::level::Role;
use crate::refusal::Refusal;

/// “应授予管理用户所需的最小权限，实现管理用户的权限分离” (GB/T 22239 8.1.4.2 d), “应配备专职安全管理员，
/// 不可兼任” (8.1.7.2 b), and 第十一条第1项 “三级权限（技术人员）：仅限系统维护，不得查看课堂内容”:
/// whether one person may have all of `roles`, and a viewing level besides.
///
/// # Errors
/// Which rule forbids it.
pub fn may_have(roles: &[Role], viewing_level: bool) -> Result<(), Refusal> {
    let mut posts: Vec<Role> = roles
        .iter()
        .copied()
        .filter(|r| r.is_administrator())
        .collect();
    posts.sort_unstable();
    posts.dedup();
    let watches = viewing_level || roles.iter().any(|role| role.supervises());
    if watches && !posts.is_empty() {
        return Err(Refusal::ADMINISTRATOR_VIEWING);
    }
    if posts.len() > 1 {
        return Err(Refusal::ADMINISTRATORS_THREE);
    }
    let others = roles
        .iter()
        .any(|role| *role != Role::SecurityAdministrator);
    if posts == [Role::SecurityAdministrator] && others {
        return Err(Refusal::SECURITY_FULL_TIME);
    }
    Ok(())
}

/// “实现管理用户的权限分离” (X5): each of the three posts is filled, and nobody fills two.
///
/// # Errors
/// The refusal of GB/T 22239 8.1.4.2 d).
pub fn three_people<P: PartialEq>(holders: &[(P, Role)]) -> Result<(), Refusal> {
    let posts = [
        Role::Technician,
        Role::SecurityAdministrator,
        Role::AuditAdministrator,
    ];
    let filled = |post: &Role| holders.iter().any(|(_, role)| role == post);
    let twice = |(person, role): &(P, Role)| {
        let also =
            |(other, post): &(P, Role)| other == person && post != role && post.is_administrator();
        role.is_administrator() && holders.iter().any(also)
    };
    if !posts.iter().all(filled) || holders.iter().any(twice) {
        return Err(Refusal::ADMINISTRATORS_THREE);
    }
    Ok(())
}

/// “账号密码须专人专用” (第十一条第2项) and “实现管理用户的权限分离” (8.1.4.2 d): who issues a start code,
/// with which somebody sets up password and second factor, anew after a loss (R27, X3, X5).
/// `None`: `issuer` alone. `Some`: only together with an officer of that role, because whoever
/// alone opened an account that sees classes, or that opens permissions, could use it.
///
/// # Errors
/// The refusal when it is not for `issuer` to say.
pub fn start_code(
    issuer: &[Role],
    holder: &[Role],
    watches: bool,
) -> Result<Option<Role>, Refusal> {
    let is = |role| issuer.contains(&role);
    if holder.contains(&Role::SecurityAdministrator) {
        return match () {
            () if is(Role::SecurityAdministrator) => Ok(None),
            () if is(Role::Technician) => Ok(Some(Role::AuditAdministrator)),
            () if is(Role::AuditAdministrator) => Ok(Some(Role::Technician)),
            () => Err(Refusal::NOT_YOUR_ROLE),
        };
    }
    if holder.iter().any(|role| role.is_administrator()) {
        return match is(Role::SecurityAdministrator) {
            true => Ok(None),
            false => Err(Refusal::START_CODE_POST),
        };
    }
    match () {
        () if watches && is(Role::Technician) => Ok(Some(Role::SecurityAdministrator)),
        () if watches && is(Role::SecurityAdministrator) => Ok(Some(Role::Technician)),
        () if is(Role::Technician) => Ok(None),
        () => Err(Refusal::NOT_YOUR_ROLE),
    }
}

#[cfg(test)]
mod tests {
    use super::Role::*;
    use super::*;

    /// X5: none may hold a viewing level, or be a supervisor.
    #[test]
    fn an_administrator_never_watches() {
        let refused = Err(Refusal::ADMINISTRATOR_VIEWING);
        for post in [Technician, SecurityAdministrator, AuditAdministrator] {
            assert_eq!(may_have(&[post], false), Ok(()));
            assert_eq!(may_have(&[post], true), refused);
            assert_eq!(may_have(&[SchoolSupervisor, post], false), refused);
            assert_eq!(may_have(&[post, UnitSupervisor], false), refused);
        }
        assert_eq!(may_have(&[SchoolSupervisor, Teacher], true), Ok(()));
        assert_eq!(may_have(&[], true), Ok(()));
    }

    /// X5: one post each; the security administrator has no other role at all.
    #[test]
    fn one_person_has_one_post() {
        let three = Err(Refusal::ADMINISTRATORS_THREE);
        assert_eq!(may_have(&[Technician, AuditAdministrator], false), three);
        assert_eq!(may_have(&[Technician, SecurityAdministrator], false), three);
        assert_eq!(may_have(&[Technician, Technician], false), Ok(()));
        assert_eq!(may_have(&[Technician, Teacher], false), Ok(()));
        assert_eq!(may_have(&[AuditAdministrator, Teacher], false), Ok(()));
        assert_eq!(
            may_have(&[SecurityAdministrator, Teacher], false),
            Err(Refusal::SECURITY_FULL_TIME)
        );
    }

    /// X5: three posts, three people.
    #[test]
    fn the_three_are_three_people() {
        let three = [
            ("甲", Technician),
            ("乙", SecurityAdministrator),
            ("丙", AuditAdministrator),
        ];
        assert_eq!(three_people(&three), Ok(()));
        let refused = Err(Refusal::ADMINISTRATORS_THREE);
        for missing in 0..3 {
            let mut two = three.to_vec();
            two.remove(missing);
            assert_eq!(three_people(&two), refused);
            let mut both = three;
            both[missing].0 = both[(missing + 1) % 3].0;
            assert_eq!(three_people(&both), refused);
        }
        let more = [three.to_vec(), vec![("丁", Technician), ("甲", Teacher)]].concat();
        assert_eq!(three_people(&more), Ok(()));
    }

    /// X3, X5: the system administrator opens accounts; those of the other posts and those that
    /// see classes never alone.
    #[test]
    fn who_issues_a_start_code() {
        let not_yours = Err(Refusal::NOT_YOUR_ROLE);
        let issued = |by, to| start_code(&[by], &[to], false);
        for ordinary in [Teacher, SchoolSupervisor, UnitLeader, AcademicAffairs] {
            assert_eq!(issued(Technician, ordinary), Ok(None));
            for by in [SecurityAdministrator, AuditAdministrator, AcademicAffairs] {
                assert_eq!(issued(by, ordinary), not_yours);
            }
        }
        assert_eq!(start_code(&[Technician], &[], false), Ok(None));
        let watching = |by| start_code(&[by], &[SchoolSupervisor], true);
        assert_eq!(watching(Technician), Ok(Some(SecurityAdministrator)));
        assert_eq!(watching(SecurityAdministrator), Ok(Some(Technician)));
        assert_eq!(watching(AuditAdministrator), not_yours);
        for post in [Technician, AuditAdministrator] {
            assert_eq!(issued(SecurityAdministrator, post), Ok(None));
            for by in [Technician, AuditAdministrator, Teacher] {
                assert_eq!(issued(by, post), Err(Refusal::START_CODE_POST));
            }
        }
        let security = |by| issued(by, SecurityAdministrator);
        assert_eq!(security(SecurityAdministrator), Ok(None));
        assert_eq!(security(Technician), Ok(Some(AuditAdministrator)));
        assert_eq!(security(AuditAdministrator), Ok(Some(Technician)));
        assert_eq!(security(AcademicAffairs), not_yours);
        assert_eq!(start_code(&[], &[Teacher], false), not_yours);
    }
}
