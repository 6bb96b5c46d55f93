//! 第五条第3项: “定期检查系统日志，防范数据泄露风险”.

pub mod risk;

use crate::institution::{Function, Institution};
use crate::level::Role;
use crate::refusal::Refusal;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether somebody may inspect the trail of `audited` (R115): the audit administrator, and not
/// the own trail.
///
/// # Errors
/// The refusal of 第五条第3项.
pub fn may_inspect<P: PartialEq>(
    institution: &Institution,
    inspector: &P,
    roles: &[Role],
    audited: &[P],
) -> Result<(), Refusal> {
    let appointed = institution.allows(roles, Function::InspectTrail);
    if appointed && !audited.contains(inspector) {
        Ok(())
    } else {
        Err(Refusal::INSPECTION_OWN)
    }
}

/// Whether the next inspection is late (R115): `every_days` after the end of the period inspected
/// last, or after the day the hub began when there was none.
#[must_use]
pub fn overdue(last_until_ms: i64, every_days: u32, now_ms: i64) -> bool {
    now_ms.saturating_sub(last_until_ms) > i64::from(every_days) * DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset;

    const ONE_DAY_MS: i64 = 86_400_000;

    /// R115: by the audit administrator, not by the person audited.
    #[test]
    fn nobody_inspects_their_own_trail() {
        let school = preset::parse(preset::POLYTECHNIC).unwrap();
        let inspects = |role| may_inspect(&school, &"审计赵", &[role], &["督导李", "安全王"]);
        for (role, name) in Role::NAMES {
            let audits = role == Role::AuditAdministrator;
            assert_eq!(inspects(role).is_ok(), audits, "{name}");
        }
        let own = may_inspect(&school, &"审计赵", &[Role::AuditAdministrator], &["审计赵"]);
        assert_eq!(own, Err(Refusal::INSPECTION_OWN));
    }

    /// R115.
    #[test]
    fn a_late_inspection_shows() {
        assert!(!overdue(0, 30, 30 * ONE_DAY_MS));
        assert!(overdue(0, 30, 30 * ONE_DAY_MS + 1));
        assert!(!overdue(i64::MAX, 30, i64::MIN));
    }
}
