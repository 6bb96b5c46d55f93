//! 第十一条第1项 and GB/T 22239: who makes somebody what they are.
//!
//! A role that decides about others is given and taken by the security administrator; the others
//! come with the list of staff.

use crate::administrators;
use crate::institution::{Function, Institution};
use crate::level::Role;
use crate::refusal::Refusal;

/// Most characters of the paper an appointment rests on.
pub const BASIS_CHARACTERS_MAX: usize = 200;

/// A change of what somebody is.
#[derive(Debug, Clone)]
pub struct Appointment<'a, P> {
    /// Who makes it.
    pub by: P,
    /// What they are.
    pub by_roles: &'a [Role],
    /// Whose roles are changed.
    pub about: P,
    /// What the person is.
    pub before: &'a [Role],
    /// What the person is to be.
    pub after: &'a [Role],
    /// Whether the person goes to another unit.
    pub moved: bool,
    /// Whether the person holds a permission that sees content.
    pub viewing_level: bool,
}

/// “实现管理用户的权限分离” (8.1.4.2 d), R16, R33): roles that decide by the security administrator,
/// never the own ones, and only together as X5 allows.
///
/// # Errors
/// Which rule forbids it.
pub fn may_appoint<P: PartialEq>(
    institution: &Institution,
    appointment: &Appointment<'_, P>,
) -> Result<(), Refusal> {
    let (before, after) = (appointment.before, appointment.after);
    let may = |function| institution.allows(appointment.by_roles, function);
    let appoints = may(Function::AppointOfficers);
    if !appoints && !may(Function::ManageAccounts) {
        return Err(Refusal::NOT_YOUR_ROLE);
    }
    // The head of a unit who is moved decides about another one.
    let changed = |role: &&Role| appointment.moved || before.contains(role) != after.contains(role);
    let mut touched = before.iter().chain(after).filter(changed);
    if !appoints && touched.any(|role| role.decides()) {
        return Err(Refusal::APPOINTMENT_BY_OTHERS);
    }
    if appointment.by == appointment.about {
        return Err(Refusal::APPOINTMENT_OWN);
    }
    administrators::may_have(after, appointment.viewing_level)
}

/// X5: whether somebody may give up a post; `others` are the roles of everybody else in office.
///
/// # Errors
/// The refusal of GB/T 22239 8.1.4.2 d) when one of the three posts would be empty.
pub fn may_vacate(before: &[Role], after: &[Role], others: &[Role]) -> Result<(), Refusal> {
    let given_up = |role: &&Role| role.is_administrator() && !after.contains(role);
    let mut posts = before.iter().filter(given_up);
    if posts.all(|post| others.contains(post)) {
        Ok(())
    } else {
        Err(Refusal::ADMINISTRATORS_THREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Role::*;
    use crate::preset;

    fn asked(by: &[Role], before: &[Role], after: &[Role], watches: bool) -> Result<(), Refusal> {
        let school = preset::parse(preset::POLYTECHNIC).unwrap();
        let appointment = Appointment {
            by: "甲",
            by_roles: by,
            about: "乙",
            before,
            after,
            moved: false,
            viewing_level: watches,
        };
        may_appoint(&school, &appointment)
    }

    /// R16, R33, X5: roles that decide only by the security administrator; the others by the
    /// system administrator too; nobody else.
    #[test]
    fn roles_that_decide_are_given_by_the_security_administrator() {
        for role in [
            AcademicAffairs,
            UnitLeader,
            Technician,
            SecurityAdministrator,
            AuditAdministrator,
        ] {
            assert_eq!(asked(&[SecurityAdministrator], &[], &[role], false), Ok(()));
            let others = Err(Refusal::APPOINTMENT_BY_OTHERS);
            assert_eq!(asked(&[Technician], &[], &[role], false), others);
            assert_eq!(asked(&[Technician], &[role], &[], false), others);
            let kept = asked(&[Technician], &[role], &[role], false);
            assert_eq!(kept, Ok(()), "what is not touched does not matter");
        }
        for role in [SchoolSupervisor, UnitSupervisor, Teacher] {
            assert_eq!(asked(&[Technician], &[], &[role], true), Ok(()));
            assert_eq!(asked(&[SecurityAdministrator], &[role], &[], true), Ok(()));
            for other in [AcademicAffairs, AuditAdministrator, UnitLeader, Teacher] {
                let refused = asked(&[other], &[], &[role], false);
                assert_eq!(refused, Err(Refusal::NOT_YOUR_ROLE));
            }
        }
    }

    /// R16: to move a head is to make them head of another unit.
    #[test]
    fn a_head_is_moved_by_the_security_administrator_alone() {
        let school = preset::parse(preset::POLYTECHNIC).unwrap();
        let moved = |by_roles, role| {
            let roles = [role];
            let appointment = Appointment {
                by: "甲",
                by_roles,
                about: "乙",
                before: &roles,
                after: &roles,
                moved: true,
                viewing_level: false,
            };
            may_appoint(&school, &appointment)
        };
        let others = Err(Refusal::APPOINTMENT_BY_OTHERS);
        assert_eq!(moved(&[Technician], UnitLeader), others);
        assert_eq!(moved(&[Technician], Teacher), Ok(()));
        assert_eq!(moved(&[SecurityAdministrator], UnitLeader), Ok(()));
    }

    /// X5: nobody appoints themselves, and no administrator is given what watches.
    #[test]
    fn nobody_appoints_themselves_or_a_watching_administrator() {
        let school = preset::parse(preset::POLYTECHNIC).unwrap();
        let own = Appointment {
            by: "甲",
            by_roles: &[SecurityAdministrator],
            about: "甲",
            before: &[SecurityAdministrator],
            after: &[SecurityAdministrator],
            moved: false,
            viewing_level: false,
        };
        assert_eq!(may_appoint(&school, &own), Err(Refusal::APPOINTMENT_OWN));
        let security = [SecurityAdministrator];
        let watching = asked(&security, &[Teacher], &[Technician], true);
        assert_eq!(watching, Err(Refusal::ADMINISTRATOR_VIEWING));
        let two = asked(&security, &[], &[Technician, AuditAdministrator], false);
        assert_eq!(two, Err(Refusal::ADMINISTRATORS_THREE));
    }

    /// X5: the last holder of a post stays until there is another.
    #[test]
    fn the_last_holder_of_a_post_cannot_be_removed() {
        let left = [SecurityAdministrator, AuditAdministrator];
        let refused = Err(Refusal::ADMINISTRATORS_THREE);
        assert_eq!(may_vacate(&[Technician], &[], &left), refused);
        assert_eq!(may_vacate(&[Technician], &[Technician], &left), Ok(()));
        assert_eq!(may_vacate(&[Technician], &[Teacher], &[Technician]), Ok(()));
        assert_eq!(may_vacate(&[Teacher], &[], &left), Ok(()));
    }
}
