//! Passwords: 附件2 第二条第2项 (complexity) and 第十一条第2项 (regular change).

use crate::refusal::Refusal;

/// Shortest password in characters: the baseline of protection level 3.
pub const CHARACTERS_MIN: usize = 10;
/// Longest password in bytes; longer input would only feed the hash function.
pub const BYTES_MAX: usize = 128;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Why a new password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer than [`CHARACTERS_MIN`] characters or more than [`BYTES_MAX`] bytes.
    Length,
    /// One of upper case, lower case, digit, symbol is missing.
    Kinds,
    /// Contains the person's name or staff number.
    Personal,
}

/// “密码须定期更换，且符合学校安全要求（如包含大小写字母、数字等）” (R29; “等” read as a symbol too).
///
/// # Errors
/// The first weakness found.
pub fn strong_enough(password: &str, staff_number: &str, name: &str) -> Result<(), Weakness> {
    if password.chars().count() < CHARACTERS_MIN || password.len() > BYTES_MAX {
        return Err(Weakness::Length);
    }
    let any = |kind: fn(char) -> bool| password.chars().any(kind);
    let upper = any(|c| c.is_ascii_uppercase());
    let lower = any(|c| c.is_ascii_lowercase());
    let digit = any(|c| c.is_ascii_digit());
    let symbol = any(|c| !c.is_ascii_alphanumeric());
    if !(upper && lower && digit && symbol) {
        return Err(Weakness::Kinds);
    }
    let folded = password.to_lowercase();
    let holds = |part: &str| !part.is_empty() && folded.contains(&part.to_lowercase());
    if holds(staff_number) || holds(name) {
        return Err(Weakness::Personal);
    }
    Ok(())
}

/// “账号密码须专人专用，按学校规定定期更换” (R30; the period is the school's, 90 days by default, Q15).
///
/// # Errors
/// The refusal of 第十一条 when the password is `days_max` days old or older.
pub fn fresh(changed_ms: i64, days_max: u32, now_ms: i64) -> Result<(), Refusal> {
    if now_ms - changed_ms >= i64::from(days_max) * DAY_MS {
        return Err(Refusal::PASSWORD_EXPIRED);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R29.
    #[test]
    fn weak_passwords_are_named() {
        let check = |password: &str| strong_enough(password, "T2001", "李明");
        assert_eq!(check("Xk7#wide-Lake"), Ok(()));
        assert_eq!(check("Xk7#wide"), Err(Weakness::Length));
        assert_eq!(check(&"Xk7#".repeat(40)), Err(Weakness::Length));
        assert_eq!(check("xk7#wide-lake"), Err(Weakness::Kinds));
        assert_eq!(check("Xkq#wide-Lake"), Err(Weakness::Kinds));
        assert_eq!(check("Xk7wideLake99"), Err(Weakness::Kinds));
        assert_eq!(check("Xk#wide-t2001"), Err(Weakness::Personal));
        assert_eq!(check("Xk7#wide-李明-Lake"), Err(Weakness::Personal));
    }

    /// R30, Q15.
    #[test]
    fn a_password_ends_on_its_ninetieth_day() {
        assert_eq!(fresh(0, 90, 90 * DAY_MS - 1), Ok(()));
        assert_eq!(fresh(0, 90, 90 * DAY_MS), Err(Refusal::PASSWORD_EXPIRED));
    }
}
