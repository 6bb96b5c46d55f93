//! Passwords: 附件2 第二条第2项 (complexity) and 第十一条第2项 (regular change).

use serde::Deserialize;

use crate::refusal::Refusal;

/// Longest password in bytes; longer input would only feed the hash function.
pub const BYTES_MAX: usize = 128;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The school's rule, where the regulation says “按学校规定” (Q15).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Fewest characters.
    pub characters_min: usize,
    /// Whether “等” is read as a symbol too.
    pub symbol_required: bool,
    /// How many earlier passwords may not come back.
    pub history_kept: usize,
    /// Days until a password must be changed.
    pub days_max: u32,
    /// Days before that on which the person is reminded.
    pub warning_days: u32,
}

impl Default for Rules {
    /// The baseline of protection level 3.
    fn default() -> Self {
        Self {
            characters_min: 10,
            symbol_required: true,
            history_kept: 5,
            days_max: 90,
            warning_days: 14,
        }
    }
}

/// Whose password it is.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// 工号.
    pub staff_number: &'a str,
    /// 姓名.
    pub name: &'a str,
}

/// “密码须定期更换，且符合学校安全要求（如包含大小写字母、数字等）” (R29).
///
/// # Errors
/// The first rule that is not kept.
pub fn strong_enough(password: &str, owner: Owner<'_>, rules: &Rules) -> Result<(), Refusal> {
    if password.chars().count() < rules.characters_min || password.len() > BYTES_MAX {
        return Err(Refusal::PASSWORD_LENGTH);
    }
    let any = |kind: fn(char) -> bool| password.chars().any(kind);
    let upper = any(|c| c.is_ascii_uppercase());
    let lower = any(|c| c.is_ascii_lowercase());
    let digit = any(|c| c.is_ascii_digit());
    let symbol = any(|c| !c.is_alphanumeric());
    if !(upper && lower && digit && (symbol || !rules.symbol_required)) {
        return Err(Refusal::PASSWORD_KINDS);
    }
    let folded = password.to_lowercase();
    let holds = |part: &str| !part.is_empty() && folded.contains(&part.to_lowercase());
    if holds(owner.staff_number) || holds(owner.name) {
        return Err(Refusal::PASSWORD_PERSONAL);
    }
    Ok(())
}

/// A password that was used before is no change (R29, R30). `fits` says of each earlier password,
/// the newest first, whether the new one is the same.
///
/// # Errors
/// The refusal when one of the kept ones fits.
pub fn not_used_before(fits: impl IntoIterator<Item = bool>, rules: &Rules) -> Result<(), Refusal> {
    if fits.into_iter().take(rules.history_kept).any(|fits| fits) {
        return Err(Refusal::PASSWORD_REUSED);
    }
    Ok(())
}

/// Where a password stands between two changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Good, and no word about it.
    Fresh,
    /// Good, but to be changed soon.
    Warning {
        /// Whole days left; 0 on the last day.
        days_left: u32,
    },
    /// Good for nothing but being changed.
    Expired,
}

/// “账号密码须专人专用，按学校规定定期更换” (R30; 90 days and 14 days' warning by default, Q15).
#[must_use]
pub fn age(changed_ms: i64, rules: &Rules, now_ms: i64) -> Age {
    let ends_ms = changed_ms.saturating_add(i64::from(rules.days_max) * DAY_MS);
    let left_ms = ends_ms.saturating_sub(now_ms);
    if left_ms <= 0 {
        return Age::Expired;
    }
    match u32::try_from(left_ms / DAY_MS) {
        Ok(days_left) if days_left < rules.warning_days => Age::Warning { days_left },
        Ok(_) | Err(_) => Age::Fresh,
    }
}

/// “按学校规定定期更换” (R30).
///
/// # Errors
/// The refusal of 第十一条 when the password is too old.
pub fn fresh(changed_ms: i64, rules: &Rules, now_ms: i64) -> Result<(), Refusal> {
    match age(changed_ms, rules, now_ms) {
        Age::Fresh | Age::Warning { .. } => Ok(()),
        Age::Expired => Err(Refusal::PASSWORD_EXPIRED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_DAY_MS: i64 = 86_400_000;

    const OWNER: Owner<'_> = Owner {
        staff_number: "T2001",
        name: "李明",
    };

    /// R29.
    #[test]
    fn weak_passwords_are_named() {
        let check = |password: &str| strong_enough(password, OWNER, &Rules::default());
        assert_eq!(check("Xk7#wide-Lake"), Ok(()));
        assert_eq!(check("Xk7#wide-L"), Ok(()));
        assert_eq!(check("Xk7#wide-"), Err(Refusal::PASSWORD_LENGTH));
        let long = |bytes| format!("Xk7#{}", "a".repeat(bytes - 4));
        assert_eq!(check(&long(BYTES_MAX)), Ok(()));
        assert_eq!(check(&long(BYTES_MAX + 1)), Err(Refusal::PASSWORD_LENGTH));
        let kinds = Err(Refusal::PASSWORD_KINDS);
        assert_eq!(check("xk7#wide-lake"), kinds);
        assert_eq!(check("XK7#WIDE-LAKE"), kinds);
        assert_eq!(check("Xkq#wide-Lake"), kinds);
        assert_eq!(check("Xk7wideLake99"), kinds);
        assert_eq!(check("Xk7宽湖wideLake"), kinds);
        let personal = Err(Refusal::PASSWORD_PERSONAL);
        assert_eq!(check("Xk#wide-t2001"), personal);
        assert_eq!(check("Xk7#wide-李明-Lake"), personal);
    }

    /// R29: the symbol is the school's choice; a person without a number is judged all the same.
    #[test]
    fn the_school_may_do_without_a_symbol() {
        let rules = Rules {
            symbol_required: false,
            ..Rules::default()
        };
        let nobody = Owner {
            staff_number: "",
            name: "",
        };
        assert_eq!(strong_enough("Xk7wideLake99", nobody, &rules), Ok(()));
        assert_eq!(
            strong_enough("xk7widelake99", nobody, &rules),
            Err(Refusal::PASSWORD_KINDS)
        );
    }

    /// R29: the last five do not come back, the sixth may.
    #[test]
    fn recent_passwords_do_not_come_back() {
        let used = |place| not_used_before((0..9).map(|n| n == place), &Rules::default());
        assert_eq!(used(0), Err(Refusal::PASSWORD_REUSED));
        assert_eq!(used(4), Err(Refusal::PASSWORD_REUSED));
        assert_eq!(used(5), Ok(()));
        assert_eq!(used(20), Ok(()));
    }

    /// R30, Q15.
    #[test]
    fn a_password_ends_on_its_ninetieth_day() {
        let rules = Rules::default();
        assert_eq!(fresh(0, &rules, 90 * ONE_DAY_MS - 1), Ok(()));
        assert_eq!(
            fresh(0, &rules, 90 * ONE_DAY_MS),
            Err(Refusal::PASSWORD_EXPIRED)
        );
    }

    /// R30: a reminder on each of the last fourteen days.
    #[test]
    fn the_last_fourteen_days_are_warned_of() {
        let after = |days: i64| age(0, &Rules::default(), days * ONE_DAY_MS);
        assert_eq!(after(0), Age::Fresh);
        assert_eq!(age(0, &Rules::default(), 76 * ONE_DAY_MS), Age::Fresh);
        let first = age(0, &Rules::default(), 76 * ONE_DAY_MS + 1);
        assert_eq!(first, Age::Warning { days_left: 13 });
        assert_eq!(after(89), Age::Warning { days_left: 1 });
        let last = age(0, &Rules::default(), 90 * ONE_DAY_MS - 1);
        assert_eq!(last, Age::Warning { days_left: 0 });
        assert_eq!(after(90), Age::Expired);
        assert_eq!(age(i64::MAX, &Rules::default(), 0), Age::Fresh);
        assert_eq!(age(i64::MIN, &Rules::default(), 0), Age::Expired);
    }
}
