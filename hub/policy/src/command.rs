//! Commands to boxes: which of them a room feels, and who must agree to those.

use crate::fault::Moment;
use crate::patrol::FieldError;
use xunke_protocol::envelope::{Order, Switch};

/// How long a second person has to agree.
pub const CONSENT_MS: i64 = 10 * 60 * 1000;

/// Whose word an order needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Whoever gives it.
    Alone,
    /// A second administrator too.
    Second,
}

/// Whether somebody in the room would notice: the picture goes, or what is projected.
#[must_use]
pub fn disrupts(order: &Order) -> bool {
    match order {
        Order::Reboot | Order::Reload => true,
        Order::Projector { power, .. } => *power == Switch::Off,
        Order::Ping
        | Order::Timetable
        | Order::Renew
        | Order::LiveStart { .. }
        | Order::CollectDiag
        | Order::Selftest => false,
    }
}

/// 第三条第2项 “不得干扰正常教学秩序”: what a class would notice is not for one person to order while
/// the timetable says that there is one.
#[must_use]
pub fn consent(order: &Order, moment: Moment) -> Consent {
    match moment {
        Moment::InClass if disrupts(order) => Consent::Second,
        _ => Consent::Alone,
    }
}

const REASON: FieldError = FieldError {
    field: "reason",
    zh: "请写明理由（2 至 500 字）。",
    en: "Say why, in 2 to 500 characters.",
};
const TOO_LONG: FieldError = FieldError {
    field: "reason",
    zh: "理由不超过 500 字。",
    en: "The reason has at most 500 characters.",
};
const SAME: FieldError = FieldError {
    field: "approver",
    zh: "须由另一位系统管理员同意，不能自己同意自己的指令。",
    en: "Another system administrator has to agree; nobody agrees to an own order.",
};

/// The reason of an order, as it will stand in the trail. What disrupts needs one.
///
/// # Errors
/// The field, and what to do.
pub fn reason<'a>(order: &Order, said: &'a str) -> Result<&'a str, FieldError> {
    let said = said.trim();
    match said.chars().count() {
        0..2 if disrupts(order) => Err(REASON),
        501.. => Err(TOO_LONG),
        _ => Ok(said),
    }
}

/// Two people are two people.
///
/// # Errors
/// They are one.
pub fn second<P: PartialEq>(asked_by: &P, agreed_by: &P) -> Result<(), FieldError> {
    match asked_by == agreed_by {
        true => Err(SAME),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_protocol::id::{PushId, StreamKind};

    const MOMENTS: [Moment; 4] = [
        Moment::InClass,
        Moment::BeforeClass,
        Moment::Idle,
        Moment::Holiday,
    ];

    fn projector(power: Switch) -> Order {
        Order::Projector {
            name: "projector".parse().unwrap(),
            power,
        }
    }

    fn orders() -> Vec<(Order, bool)> {
        let live = Order::LiveStart {
            push: "0197d2a0-0000-7000-8000-000000000001"
                .parse::<PushId>()
                .unwrap(),
            source: "cam0".parse().unwrap(),
            stream: StreamKind::Sub,
        };
        vec![
            (Order::Ping, false),
            (Order::Timetable, false),
            (Order::Renew, false),
            (live, false),
            (Order::CollectDiag, false),
            (Order::Selftest, false),
            (projector(Switch::On), false),
            (projector(Switch::Off), true),
            (Order::Reload, true),
            (Order::Reboot, true),
        ]
    }

    /// Every order at every moment.
    #[test]
    fn what_a_class_would_notice_needs_two_people_while_there_is_one() {
        for (order, felt) in orders() {
            assert_eq!(disrupts(&order), felt, "{order:?}");
            for moment in MOMENTS {
                let second = felt && moment == Moment::InClass;
                let expected = if second {
                    Consent::Second
                } else {
                    Consent::Alone
                };
                assert_eq!(consent(&order, moment), expected, "{order:?} {moment:?}");
            }
        }
    }

    #[test]
    fn what_is_felt_has_a_reason_and_what_is_not_may_have_one() {
        assert_eq!(reason(&Order::Reboot, " 卡死 "), Ok("卡死"));
        assert_eq!(reason(&Order::Reboot, " 卡 "), Err(REASON));
        assert_eq!(reason(&Order::Ping, " "), Ok(""));
        let long = "长".repeat(501);
        assert_eq!(reason(&Order::Ping, &long), Err(TOO_LONG));
        assert_eq!(reason(&Order::Reboot, &long[3..]).map(str::len), Ok(1500));
    }

    #[test]
    fn nobody_agrees_to_an_own_order() {
        assert_eq!(second(&"甲", &"甲"), Err(SAME));
        assert_eq!(second(&"甲", &"乙"), Ok(()));
    }
}
