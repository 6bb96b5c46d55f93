//! 第十三条 and 附件2 第三条: measures against a breach, and what they do to a permission.

use crate::refusal::Refusal;

/// Whether a person may act at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In office.
    Active,
    /// “暂停权限” (第十三条第1项), until the moment given or until lifted.
    Suspended {
        /// End of the suspension, milliseconds since the epoch; `None` until lifted.
        until_ms: Option<i64>,
    },
    /// “永久取消听课/巡课权限” (附件2 第三条第1项).
    Cancelled,
    /// “离职或调岗” (第十条第3项).
    Left,
}

/// 第十三条第1项 “警告、暂停权限或纪律处分”; 附件2 第三条第1项; 第十条第3项 (R23, R25).
///
/// # Errors
/// Why the person may not act at `now_ms`.
pub fn in_office(standing: Standing, now_ms: i64) -> Result<(), Refusal> {
    match standing {
        Standing::Active => Ok(()),
        Standing::Suspended {
            until_ms: Some(until_ms),
        } if until_ms <= now_ms => Ok(()),
        Standing::Suspended { .. } => Err(Refusal::SUSPENDED),
        Standing::Cancelled => Err(Refusal::CANCELLED),
        Standing::Left => Err(Refusal::LEFT),
    }
}

/// “甲方有权视情节采取以下措施” (附件2 第三条, R45, R104, R106–R108).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// “警告”.
    Warning,
    /// “暂停……听课/巡课权限”.
    Suspension {
        /// From, milliseconds since the epoch.
        from_ms: i64,
        /// To (exclusive); `None` until lifted.
        until_ms: Option<i64>,
    },
    /// “永久取消听课/巡课权限”.
    Cancellation,
    /// “纪律处分” (第十三条第1项).
    Discipline,
    /// “通报批评并记入人事档案”.
    Notice,
    /// “追究法律责任（如因泄密造成严重后果）”.
    Law,
    /// “赔偿因泄密导致的一切损失”.
    Damages,
}

/// A decision about a breach, as it is put on file.
#[derive(Debug, Clone)]
pub struct Decision<'a, P> {
    /// 文号.
    pub number: &'a str,
    /// The article it rests on.
    pub basis: &'a str,
    /// What proves the breach: numbers of trail entries, of incidents.
    pub evidence: &'a [String],
    /// Who decided.
    pub decided_by: P,
    /// About whom.
    pub about: P,
    /// What was decided.
    pub measure: Measure,
    /// Whether the person's objection is still open.
    pub contested: bool,
}

/// “乙方违反本协议，甲方有权视情节采取以下措施” (R45, R103, R104): complete, uncontested, and by
/// somebody else.
///
/// # Errors
/// What the decision lacks.
pub fn valid<P: PartialEq>(decision: &Decision<'_, P>) -> Result<(), Refusal> {
    let blank = |text: &str| text.trim().is_empty();
    let evidence = decision.evidence;
    let proven = !evidence.is_empty() && !evidence.iter().any(|text| blank(text));
    if blank(decision.number) || blank(decision.basis) || !proven || endless(decision.measure) {
        return Err(Refusal::SANCTION_INCOMPLETE);
    }
    if decision.decided_by == decision.about {
        return Err(Refusal::RECUSED);
    }
    if decision.contested {
        return Err(Refusal::SANCTION_CONTESTED);
    }
    Ok(())
}

/// A suspension that ends before it begins.
fn endless(measure: Measure) -> bool {
    match measure {
        Measure::Suspension {
            from_ms,
            until_ms: Some(until_ms),
        } => until_ms <= from_ms,
        _ => false,
    }
}

/// “警告、暂停或永久取消听课/巡课权限” (R25): what all measures in force make of a permission at
/// `now_ms`. A cancellation outweighs a suspension, the longest suspension the shorter ones.
pub fn standing(measures: impl IntoIterator<Item = Measure>, now_ms: i64) -> Standing {
    let effects = measures.into_iter().map(|measure| effect(measure, now_ms));
    effects.max_by_key(weight).unwrap_or(Standing::Active)
}

fn effect(measure: Measure, now_ms: i64) -> Standing {
    match measure {
        Measure::Cancellation => Standing::Cancelled,
        Measure::Suspension { from_ms, until_ms } if from_ms <= now_ms => {
            let over = until_ms.is_some_and(|until_ms| until_ms <= now_ms);
            if over {
                Standing::Active
            } else {
                Standing::Suspended { until_ms }
            }
        }
        _ => Standing::Active,
    }
}

/// How strict a standing is; of two suspensions, the longer one.
fn weight(standing: &Standing) -> (u8, i64) {
    match standing {
        Standing::Active => (0, 0),
        Standing::Suspended { until_ms } => (1, until_ms.unwrap_or(i64::MAX)),
        Standing::Cancelled => (2, 0),
        Standing::Left => (3, 0),
    }
}

/// “教师故意干扰听课/巡课的，纳入教学考核负面清单” (R105, R114): two people have confirmed it, each
/// for themselves, and neither is the teacher.
///
/// # Errors
/// The refusal of 第十三条第2项 before that.
pub fn listed<P: PartialEq>(teacher: &P, confirmed_by: &[P]) -> Result<(), Refusal> {
    let mut others = confirmed_by.iter().filter(|person| *person != teacher);
    let first = others.next();
    if first.is_some() && others.any(|person| Some(person) != first) {
        return Ok(());
    }
    Err(Refusal::INTERFERENCE_UNCONFIRMED)
}

#[cfg(test)]
mod tests;
