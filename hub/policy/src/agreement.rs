//! 第十条 and 附件2: the confidentiality agreement, and whether it is in force.

pub mod signing;

use serde::Deserialize;

use crate::refusal::Refusal;

/// The text of 附件2, as the college issued it.
pub const TEXT: &str = include_str!("../regulations/annex-2.txt");
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The school's rule about signing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Days in which an agreement on the text before still counts (R40).
    pub grace_days: u32,
    /// Shortest time of reading before somebody may sign (R37).
    pub reading_seconds_min: u32,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            grace_days: 14,
            reading_seconds_min: 60,
        }
    }
}

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
    /// On file, but on a text that has been replaced (R40).
    Superseded {
        /// When it was signed, milliseconds since the epoch.
        since_ms: i64,
        /// Until when it still counts (exclusive).
        grace_until_ms: i64,
    },
    /// “至乙方不再承担听课/巡课职责时终止”; the duty of secrecy goes on (R39).
    Ended,
}

/// A signature on file.
#[derive(Debug, Clone, Copy)]
pub struct Signature<'a> {
    /// The version of the text that was signed.
    pub version: &'a str,
    /// When, milliseconds since the epoch.
    pub signed_ms: i64,
    /// When the duty ended, if it has.
    pub ended_ms: Option<i64>,
}

/// The text that is in force.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Its version.
    pub version: &'a str,
    /// Since when, milliseconds since the epoch.
    pub in_force_ms: i64,
}

/// “本协议自签订之日起生效，至乙方不再承担听课/巡课职责时终止” (R39); a new version is signed again,
/// within the days of grace (R40).
#[must_use]
pub fn state(signature: Option<Signature<'_>>, text: Text<'_>, rules: &Rules) -> Agreement {
    let Some(signature) = signature else {
        return Agreement::Unsigned;
    };
    let since_ms = signature.signed_ms;
    if signature.ended_ms.is_some() {
        return Agreement::Ended;
    }
    if signature.version == text.version {
        return Agreement::Signed { since_ms };
    }
    let grace_ms = i64::from(rules.grace_days) * DAY_MS;
    Agreement::Superseded {
        since_ms,
        grace_until_ms: text.in_force_ms.saturating_add(grace_ms),
    }
}

/// “所有参与听课/巡课人员须签订《智慧教室综合平台听课/巡课保密协议》（附件2）” (R19, R34, R40).
///
/// # Errors
/// The refusal when no agreement is in force at `now_ms`.
pub fn in_force(agreement: Agreement, now_ms: i64) -> Result<(), Refusal> {
    match agreement {
        Agreement::Signed { since_ms } | Agreement::Superseded { since_ms, .. }
            if now_ms < since_ms =>
        {
            Err(Refusal::AGREEMENT_UNSIGNED)
        }
        Agreement::Signed { .. } => Ok(()),
        Agreement::Superseded { grace_until_ms, .. } if now_ms < grace_until_ms => Ok(()),
        Agreement::Superseded { .. } => Err(Refusal::AGREEMENT_SUPERSEDED),
        Agreement::Ended => Err(Refusal::AGREEMENT_ENDED),
        Agreement::Unsigned => Err(Refusal::AGREEMENT_UNSIGNED),
    }
}

/// “终止后，乙方仍需履行保密义务” (R39): whoever has ever signed stays bound.
#[must_use]
pub fn secrecy_binds(agreement: Agreement) -> bool {
    match agreement {
        Agreement::Signed { .. } | Agreement::Superseded { .. } | Agreement::Ended => true,
        Agreement::Unsigned => false,
    }
}

/// “直至涉密信息依法公开或失去保密价值” (R39): a signed agreement is never deleted.
///
/// # Errors
/// The refusal of 附件2 第四条第2项 as soon as something was signed.
pub fn may_be_deleted(agreement: Agreement) -> Result<(), Refusal> {
    if secrecy_binds(agreement) {
        return Err(Refusal::AGREEMENT_KEPT);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_DAY_MS: i64 = 86_400_000;

    const TODAY: Text<'_> = Text {
        version: "2026-09",
        in_force_ms: 1_000,
    };

    fn signed(version: &str, ended_ms: Option<i64>) -> Agreement {
        let signature = Signature {
            version,
            signed_ms: 10,
            ended_ms,
        };
        state(Some(signature), TODAY, &Rules::default())
    }

    /// R39, R40.
    #[test]
    fn the_state_follows_from_the_papers() {
        assert_eq!(state(None, TODAY, &Rules::default()), Agreement::Unsigned);
        assert_eq!(signed("2026-09", None), Agreement::Signed { since_ms: 10 });
        assert_eq!(signed("2026-09", Some(20)), Agreement::Ended);
        assert_eq!(signed("2025-09", Some(20)), Agreement::Ended);
        let superseded = Agreement::Superseded {
            since_ms: 10,
            grace_until_ms: 1_000 + 14 * ONE_DAY_MS,
        };
        assert_eq!(signed("2025-09", None), superseded);
    }

    /// R19, R39: nobody before signing, nobody after the end.
    #[test]
    fn only_a_signed_agreement_that_has_begun_counts() {
        let unsigned = Err(Refusal::AGREEMENT_UNSIGNED);
        assert_eq!(in_force(Agreement::Signed { since_ms: 10 }, 10), Ok(()));
        assert_eq!(in_force(Agreement::Signed { since_ms: 11 }, 10), unsigned);
        assert_eq!(in_force(Agreement::Unsigned, 10), unsigned);
        let ended = Err(Refusal::AGREEMENT_ENDED);
        assert_eq!(in_force(Agreement::Ended, 10), ended);
    }

    /// R40: the days of grace, and not a moment more.
    #[test]
    fn an_old_version_counts_until_its_grace_is_over() {
        let old = Agreement::Superseded {
            since_ms: 10,
            grace_until_ms: 20,
        };
        assert_eq!(in_force(old, 9), Err(Refusal::AGREEMENT_UNSIGNED));
        assert_eq!(in_force(old, 10), Ok(()));
        assert_eq!(in_force(old, 19), Ok(()));
        assert_eq!(in_force(old, 20), Err(Refusal::AGREEMENT_SUPERSEDED));
    }

    /// R39: secrecy continues after the end, and the paper with it.
    #[test]
    fn what_was_signed_binds_and_stays() {
        for agreement in [
            signed("2026-09", None),
            signed("2025-09", None),
            Agreement::Ended,
        ] {
            assert!(secrecy_binds(agreement));
            assert_eq!(may_be_deleted(agreement), Err(Refusal::AGREEMENT_KEPT));
        }
        assert!(!secrecy_binds(Agreement::Unsigned));
        assert_eq!(may_be_deleted(Agreement::Unsigned), Ok(()));
    }

    #[test]
    fn the_text_is_the_whole_annex() {
        assert!(TEXT.starts_with("北京工业职业技术学院") && TEXT.contains("身份证号"));
    }
}
