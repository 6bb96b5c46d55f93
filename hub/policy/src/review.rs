//! 第五条第2项: the permissions in force are looked through once a term (R26).

use crate::application;
use crate::institution::{Function, Institution};
use crate::level::Role;
use crate::refusal::Refusal;

/// Days of a week.
const WEEK_DAYS: i64 = 7;

/// “负责智慧教室综合平台系统权限管理” (R26): whoever could take a permission back says whether it
/// stays; nobody about their own.
///
/// # Errors
/// The refusal.
pub fn may_review<P: PartialEq>(
    institution: &Institution,
    (reviewer, roles): (&P, &[Role]),
    beneficiary: &P,
) -> Result<(), Refusal> {
    application::may_revoke(institution, roles)?;
    if reviewer == beneficiary {
        return Err(Refusal::REVIEW_OWN);
    }
    Ok(())
}

/// The IT centre, which opens permissions, signs the review (第五条第2项), and only once every line
/// has its decision.
///
/// # Errors
/// The refusal.
pub fn may_sign(institution: &Institution, roles: &[Role], open: usize) -> Result<(), Refusal> {
    if !institution.allows(roles, Function::OpenPermissions) {
        return Err(Refusal::OPENING_BY_OTHERS);
    }
    if open > 0 {
        return Err(Refusal::REVIEW_OPEN);
    }
    Ok(())
}

/// The first day (days since the epoch) on which the review of a term is late: that after its
/// week `due_week`, when week 1 begins on `week_one`.
#[must_use]
pub fn due_day(week_one: i64, due_week: u32) -> i64 {
    week_one + WEEK_DAYS * i64::from(due_week)
}

/// Whether the review is late.
#[must_use]
pub fn overdue(due_ms: i64, signed: bool, now_ms: i64) -> bool {
    !signed && due_ms <= now_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset;

    /// R26: Academic Affairs and the security administrator; about others.
    #[test]
    fn nobody_reviews_the_own_permission() {
        let school = preset::parse(preset::POLYTECHNIC).unwrap();
        for (role, name) in Role::NAMES {
            let review = |of| may_review(&school, (&"安全王", &[role]), &of);
            let reviews = matches!(role, Role::AcademicAffairs | Role::SecurityAdministrator);
            assert_eq!(review("督导李").is_ok(), reviews, "{name}");
            let own = match reviews {
                true => Refusal::REVIEW_OWN,
                false => Refusal::OPENING_BY_OTHERS,
            };
            assert_eq!(review("安全王"), Err(own), "{name}");
        }
    }

    /// R26: signed by the IT centre, with nothing left open.
    #[test]
    fn a_review_is_signed_when_every_line_is_decided() {
        let school = preset::parse(preset::POLYTECHNIC).unwrap();
        let sign = |role, open| may_sign(&school, &[role], open);
        assert_eq!(sign(Role::SecurityAdministrator, 0), Ok(()));
        let open = sign(Role::SecurityAdministrator, 1);
        assert_eq!(open, Err(Refusal::REVIEW_OPEN));
        let other = sign(Role::AcademicAffairs, 0);
        assert_eq!(other, Err(Refusal::OPENING_BY_OTHERS));
    }

    /// R26.
    #[test]
    fn a_review_is_late_after_its_week() {
        assert_eq!(due_day(100, 4), 128);
        assert!(!overdue(10, false, 9) && overdue(10, false, 10));
        assert!(!overdue(10, true, 11));
    }
}
