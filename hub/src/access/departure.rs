//! Departures: leaving, being transferred, asking to close; the permission ends at once (R23, R24).
//!
//! 第十条第3项 “离职或调岗时立即移交权限及涉密资料”; the hand-over list comes after and is closed when
//! every line is (R44). Each step and its line in the trail are one transaction.

use super::audit::{Entry, Outcome};
use super::grant::By;
use crate::store::agreement;
use crate::store::departure::{self as rows, NewDeparture};
use crate::store::session;
use crate::store::{self, Writing};

/// Why somebody's post ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 离职.
    Left,
    /// 调岗.
    Transferred,
    /// 本人申请关闭权限.
    Closing,
}

impl Kind {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Transferred => "transferred",
            Self::Closing => "closing",
        }
    }
}

/// The line of a departure.
pub(super) fn entry(
    by: By<'_>,
    kind: Kind,
    number: &str,
    (name, staff_number): (&str, &str),
    reason: &str,
) -> Entry {
    Entry {
        who: by.session.person.who(by.origin),
        action: "open_departure",
        object: format!("{number} {name} {staff_number}"),
        purpose: reason.to_owned(),
        outcome: Outcome::Done,
        article: "",
        detail: kind.word().to_owned(),
    }
}

/// The number of the next departure.
pub(super) async fn number(writing: &mut Writing) -> Result<String, store::Error> {
    Ok(format!("YJ-{:05}", rows::count(writing).await? + 1))
}

/// Ends what somebody may, as part of what the reason is: grants, waiting applications and sessions
/// at once, the agreement when the post ends altogether; opens the hand-over list under its number.
/// Who watches goes dark when the gate asks again.
pub(super) async fn hand_back(
    writing: &mut Writing,
    kind: Kind,
    (person_id, opened_by): (&str, &str),
    reason: &str,
    now_ms: i64,
) -> Result<String, store::Error> {
    let number = number(writing).await?;
    let new = NewDeparture {
        person_id,
        kind: kind.word(),
        reason,
        opened_by,
        now_ms,
    };
    rows::take_back(writing, &new).await?;
    session::end_all(writing, person_id, now_ms).await?;
    if kind != Kind::Transferred {
        agreement::end(writing, person_id, opened_by, reason, now_ms).await?;
    }
    if kind == Kind::Left {
        rows::set_standing(writing, person_id, "left").await?;
    }
    rows::open(writing, &number, &new).await?;
    Ok(number)
}
