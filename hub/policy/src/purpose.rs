//! 附件2 第二条第3项: every view has a purpose, and it is written down.

use crate::refusal::Refusal;

/// Fewest letters, digits or characters of a reason when the purpose is "other" (R43).
pub const REASON_CHARACTERS_MIN: usize = 2;
/// Most characters of a reason.
pub const REASON_CHARACTERS_MAX: usize = 200;

/// Why somebody looks at a class: “巡课数据仅用于教学督导与质量评估” (R43, X22).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// A task of the plan.
    Plan,
    /// An issue being followed up.
    Issue,
    /// A re-inspection (第十二条第3项).
    Reinspection,
    /// Anything else, with its reason.
    Other(String),
    /// Nothing was said.
    Missing,
}

/// “巡课数据仅用于教学督导与质量评估，不得用于个人研究、商业用途或其他非授权目的” (R43).
///
/// # Errors
/// The refusal when there is no purpose, or "other" without a reason that says something.
pub fn stated(purpose: &Purpose) -> Result<(), Refusal> {
    match purpose {
        Purpose::Plan | Purpose::Issue | Purpose::Reinspection => Ok(()),
        Purpose::Other(reason) if says_something(reason) => Ok(()),
        Purpose::Other(_) | Purpose::Missing => Err(Refusal::PURPOSE_MISSING),
    }
}

fn says_something(reason: &str) -> bool {
    let said = reason.chars().filter(|c| c.is_alphanumeric()).count();
    said >= REASON_CHARACTERS_MIN && reason.chars().count() <= REASON_CHARACTERS_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R43: every view states its purpose; “other” says which.
    #[test]
    fn a_view_without_a_purpose_is_refused() {
        let other = |reason: &str| stated(&Purpose::Other(reason.into()));
        let refused = Err(Refusal::PURPOSE_MISSING);
        for purpose in [Purpose::Plan, Purpose::Issue, Purpose::Reinspection] {
            assert_eq!(stated(&purpose), Ok(()));
        }
        assert_eq!(stated(&Purpose::Missing), refused);
        assert_eq!(other("评估"), Ok(()));
        assert_eq!(other(" 评 "), refused);
        assert_eq!(other("。。。。"), refused);
        assert_eq!(other(&"评".repeat(REASON_CHARACTERS_MAX)), Ok(()));
        assert_eq!(other(&"评".repeat(REASON_CHARACTERS_MAX + 1)), refused);
    }
}
