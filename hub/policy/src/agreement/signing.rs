//! 附件2 第五条: how an agreement is signed, and what is kept of it.

use super::Rules;
use crate::refusal::Refusal;

/// How somebody came to sign on the screen.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// Whether the text was shown to its end.
    pub to_the_end: bool,
    /// For how long it was shown.
    pub seconds: u32,
    /// Whether the person ticked that it was understood and accepted freely.
    pub accepted: bool,
    /// The name as typed.
    pub typed_name: &'a str,
    /// Whether the second factor was right.
    pub second_factor: bool,
}

/// “乙方签订前已充分知悉协议内容，并自愿接受约束” (R35, R37). `name` is the person's own.
///
/// # Errors
/// The refusal of 附件2 第五条第4项: not read, or not signed by the person.
pub fn may_sign(reading: Reading<'_>, name: &str, rules: &Rules) -> Result<(), Refusal> {
    let long_enough = reading.seconds >= rules.reading_seconds_min;
    if !(reading.to_the_end && long_enough && reading.accepted) {
        return Err(Refusal::AGREEMENT_UNREAD);
    }
    let own_name = !name.is_empty() && reading.typed_name.trim() == name;
    if !(own_name && reading.second_factor) {
        return Err(Refusal::AGREEMENT_SIGNATURE);
    }
    Ok(())
}

/// “至乙方不再承担听课/巡课职责时终止” (R39): once the duty has ended, and the agreement with it, it is
/// signed anew only for a permission that was opened (`opened_ms`) since the end.
///
/// # Errors
/// The refusal of 附件2 第四条第1项 without a new permission.
pub fn may_begin_again(ended_ms: Option<i64>, opened_ms: Option<i64>) -> Result<(), Refusal> {
    match (ended_ms, opened_ms) {
        (None, _) => Ok(()),
        (Some(ended_ms), Some(opened_ms)) if ended_ms <= opened_ms => Ok(()),
        (Some(_), _) => Err(Refusal::AGREEMENT_ENDED),
    }
}

/// “本协议一式两份，甲乙双方各执一份” (R38): SHA-256 of each original as kept; on paper, of its scan.
///
/// # Errors
/// The refusal of 附件2 第五条第3项 while one is missing.
pub fn both_kept(school: Option<[u8; 32]>, person: Option<[u8; 32]>) -> Result<(), Refusal> {
    if school.is_some() && person.is_some() {
        Ok(())
    } else {
        Err(Refusal::AGREEMENT_NO_COPY)
    }
}

/// “身份证号” as lists show it: the first three and the last four characters (R46, Q16). Anything
/// that is not an identity number shows nothing of itself.
#[must_use]
pub fn masked(identity_number: &str) -> String {
    if !is_identity_number(identity_number) {
        return "*".repeat(18);
    }
    let (first, last) = (&identity_number[..3], &identity_number[14..]);
    format!("{first}***********{last}")
}

/// Eighteen characters, the last of which checks the others (GB 11643, R35).
#[must_use]
pub fn is_identity_number(text: &str) -> bool {
    const LAST: &[u8; 11] = b"10X98765432";
    let Some((last, digits)) = text.as_bytes().split_last() else {
        return false;
    };
    if digits.len() != 17 || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    // The weight of a place is 2 to the power of its distance from the end, modulo 11.
    let sum = digits
        .iter()
        .fold(0, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    LAST[sum as usize] == *last
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Reading<'_> = Reading {
        to_the_end: true,
        seconds: 60,
        accepted: true,
        typed_name: " 李明 ",
        second_factor: true,
    };

    /// R37: scrolled to the end, long enough, accepted.
    #[test]
    fn nobody_signs_what_they_have_not_read() {
        let sign = |reading| may_sign(reading, "李明", &Rules::default());
        assert_eq!(sign(READ), Ok(()));
        let unread = [
            Reading {
                to_the_end: false,
                ..READ
            },
            Reading {
                seconds: 59,
                ..READ
            },
            Reading {
                accepted: false,
                ..READ
            },
        ];
        for reading in unread {
            assert_eq!(sign(reading), Err(Refusal::AGREEMENT_UNREAD));
        }
    }

    /// R35: the own name and the second factor are the signature.
    #[test]
    fn nobody_signs_for_another() {
        let sign = |reading, name| may_sign(reading, name, &Rules::default());
        let refused = Err(Refusal::AGREEMENT_SIGNATURE);
        assert_eq!(sign(READ, "李鸣"), refused);
        let no_factor = Reading {
            second_factor: false,
            ..READ
        };
        assert_eq!(sign(no_factor, "李明"), refused);
        let no_name = Reading {
            typed_name: "",
            ..READ
        };
        assert_eq!(sign(no_name, ""), refused);
    }

    /// R39: nobody undoes the end of their own duty by signing again.
    #[test]
    fn an_ended_agreement_is_signed_anew_for_a_new_permission_only() {
        let ended = Err(Refusal::AGREEMENT_ENDED);
        assert_eq!(may_begin_again(None, None), Ok(()));
        assert_eq!(may_begin_again(None, Some(10)), Ok(()));
        assert_eq!(may_begin_again(Some(10), None), ended);
        assert_eq!(may_begin_again(Some(10), Some(9)), ended);
        assert_eq!(may_begin_again(Some(10), Some(10)), Ok(()));
    }

    /// R38.
    #[test]
    fn both_originals_are_kept() {
        let hash = Some([7; 32]);
        assert_eq!(both_kept(hash, hash), Ok(()));
        assert_eq!(both_kept(hash, None), Err(Refusal::AGREEMENT_NO_COPY));
        assert_eq!(both_kept(None, hash), Err(Refusal::AGREEMENT_NO_COPY));
    }

    /// R35, R46: the two samples of GB 11643, and what is wrong in one place.
    #[test]
    fn an_identity_number_is_checked_and_hidden() {
        assert!(is_identity_number("11010519491231002X"));
        assert!(is_identity_number("440524188001010014"));
        assert!(!is_identity_number("440524188001010015"));
        assert!(!is_identity_number("440524188001010041"));
        assert!(!is_identity_number("44052418800101001"));
        assert!(!is_identity_number("4405241880010100144"));
        assert!(!is_identity_number("0440524188001010014"));
        assert!(!is_identity_number("44052418800101O014"));
        assert!(!is_identity_number(""));
        assert_eq!(masked("11010519491231002X"), "110***********002X");
        assert_eq!(masked("李明的身份证号"), "******************");
    }
}
