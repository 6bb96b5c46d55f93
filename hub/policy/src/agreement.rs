//! 第十条 and 附件2: the confidentiality agreement.

use crate::refusal::Refusal;

/// The state of a person's agreement (附件2 第四条).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// Nothing on file.
    Unsigned,
    /// “本协议自签订之日起生效”: on file since then.
    Signed {
        /// Milliseconds since the epoch.
        since_ms: i64,
    },
    /// “至乙方不再承担听课/巡课职责时终止”; the duty of secrecy goes on (R39).
    Ended,
}

/// “所有参与听课/巡课人员须签订《智慧教室综合平台听课/巡课保密协议》（附件2）” (R19, R34).
///
/// # Errors
/// The refusal of 第十条 when no agreement is in force at `now_ms`.
pub fn in_force(agreement: Agreement, now_ms: i64) -> Result<(), Refusal> {
    match agreement {
        Agreement::Signed { since_ms } if since_ms <= now_ms => Ok(()),
        Agreement::Signed { .. } | Agreement::Unsigned | Agreement::Ended => {
            Err(Refusal::AGREEMENT_UNSIGNED)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R19, R39: nobody before signing, nobody after the end.
    #[test]
    fn only_a_signed_agreement_that_has_begun_counts() {
        let refused = Err(Refusal::AGREEMENT_UNSIGNED);
        assert_eq!(in_force(Agreement::Signed { since_ms: 10 }, 10), Ok(()));
        assert_eq!(in_force(Agreement::Signed { since_ms: 11 }, 10), refused);
        assert_eq!(in_force(Agreement::Unsigned, 10), refused);
        assert_eq!(in_force(Agreement::Ended, 10), refused);
    }
}
