//! Orders to boxes by people and by the check-up: kept, signed, told, told again after each birth
//! until they end, and ended by time. Each step of a person stands in the trail (issue 6, item 4).

use serde_json::Value;
use uuid::Uuid;
use xunke_policy::command::{self as policy, CONSENT_MS, Consent};
use xunke_policy::fault::Moment;
use xunke_protocol::command::{RESULT_BYTES_MAX, Refused};
use xunke_protocol::envelope::{CommandAnswer, CommandState, Order};
use xunke_protocol::id::{DeviceId, MessageId};

use super::Devices;
use super::desk::{Act, NotDone};
use super::registry::{State, find};
use crate::access::audit::{Entry, Outcome, Who};
use crate::store;
use crate::store::command::{self as rows, CommandRow, NewCommand, Word};

/// A box begins within so long, or not at all.
const EXPIRES_MS: i64 = 60_000;
/// For the way there and back.
const WAY_MS: i64 = 5_000;
/// How long after it was given up a box may still tell how an order ended.
const LATE_MS: i64 = 24 * 60 * 60 * 1000;
const LISTED_MAX: i64 = 100;
/// What a box does not do side by side, as [`Order::exclusive`] says.
const EXCLUSIVE: [&str; 6] = [
    "reload",
    "reboot",
    "renew",
    "collect_diag",
    "selftest",
    "projector",
];

/// What became of an order that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its id.
    pub id: Uuid,
    /// `waiting` for a second person, `queued` until the box is there, or `sent`.
    pub state: &'static str,
}

const SET_ASIDE: (&str, &str) = (
    "该设备不在使用中，不能下达指令。",
    "The box is not in use; it cannot be ordered anything.",
);
const BESIDE: (&str, &str) = (
    "该设备还有一条指令没有结束，请等它结束。",
    "The box has another command that has not ended; wait for it.",
);
const OVER: (&str, &str) = (
    "该指令已不在等待同意。",
    "The command waits for nobody's word any more.",
);

impl Devices {
    /// Gives an order, at a moment of the room's timetable.
    ///
    /// # Errors
    /// The field, that there is no such box, or that another order is in its way; then nothing was
    /// ordered.
    pub async fn order(
        &self,
        act: Act<'_>,
        device: &DeviceId,
        order: Order,
        moment: Moment,
    ) -> Result<Given, NotDone> {
        let reason = policy::reason(&order, act.reason).map_err(NotDone::Field)?;
        let known = find(&self.db, device).await?.ok_or(NotDone::NotFound)?;
        if known.state != State::Enrolled {
            return Err(NotDone::Conflict(SET_ASIDE.0, SET_ASIDE.1));
        }
        let second = policy::consent(&order, moment) == Consent::Second;
        let (state, times) = match second {
            true => ("waiting", (act.now_ms, act.now_ms + CONSENT_MS)),
            false => ("queued", times(&order, act.now_ms)),
        };
        let id = Uuid::now_v7();
        let entry = Entry {
            object: format!("{device} {}", words(&order)),
            purpose: reason.to_owned(),
            detail: id.to_string(),
            ..Entry::done(
                act.session.person.who(act.from),
                if second { "ask_order" } else { "order_box" },
            )
        };
        let asked_by = act.session.person.id.to_string();
        let new = New {
            id: &id.to_string(),
            device,
            order: &order,
            reason,
            asked_by: Some(&asked_by),
            state,
            times,
            checkup: "",
        };
        let mut pending = self.trail.begin(entry, act.now_ms).await?;
        if !add(pending.writing(), &new, act.now_ms).await? {
            return Err(NotDone::Conflict(BESIDE.0, BESIDE.1));
        }
        pending.commit().await?;
        let state = match second {
            true => "waiting",
            false => {
                self.tell(device, (id, &order), (act.now_ms, times.0))
                    .await?
            }
        };
        Ok(Given { id, state })
    }

    /// A second person agrees to an order, which is then given, or declines it.
    ///
    /// # Errors
    /// The field, that there is no such order, or that nobody is waited for; then nothing happened.
    pub async fn judge(&self, act: Act<'_>, id: Uuid, agreed: bool) -> Result<Given, NotDone> {
        let row = rows::find(&self.db, &id.to_string()).await?;
        let row = row.ok_or(NotDone::NotFound)?;
        let order = read(&row)?;
        if row.state != "waiting" || row.ends_ms < act.now_ms {
            return Err(NotDone::Conflict(OVER.0, OVER.1));
        }
        let own = act.session.person.id.to_string();
        if agreed {
            let asked_by = row.asked_by.as_deref().unwrap_or_default();
            policy::second(&asked_by, &own.as_str()).map_err(NotDone::Field)?;
        }
        let device = device(&row)?;
        let (action, state) = match agreed {
            true => ("agree_order", "queued"),
            false => ("decline_order", "declined"),
        };
        let entry = Entry {
            object: format!("{device} {}", words(&order)),
            purpose: policy::reason(&Order::Ping, act.reason)
                .map_err(NotDone::Field)?
                .to_owned(),
            detail: row.id.clone(),
            ..Entry::done(act.session.person.who(act.from), action)
        };
        let times = match agreed {
            true => times(&order, act.now_ms),
            false => (act.now_ms, act.now_ms),
        };
        let mut pending = self.trail.begin(entry, act.now_ms).await?;
        let judged = (own.as_str(), state);
        if !rows::judge(pending.writing(), &row.id, judged, times, act.now_ms).await? {
            return Err(NotDone::Conflict(OVER.0, OVER.1));
        }
        pending.commit().await?;
        let state = match agreed {
            true => {
                self.tell(&device, (id, &order), (act.now_ms, times.0))
                    .await?
            }
            false => "declined",
        };
        Ok(Given { id, state })
    }

    /// Commands of a box, newest first, 100 at most.
    ///
    /// # Errors
    /// There is no such box, or the store fails.
    pub async fn orders(&self, device: &DeviceId) -> Result<Vec<CommandRow>, NotDone> {
        find(&self.db, device).await?.ok_or(NotDone::NotFound)?;
        Ok(rows::of_device(&self.db, device.as_str(), LISTED_MAX).await?)
    }

    /// Commands of all boxes that wait for a second person, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting_orders(&self, now_ms: i64) -> Result<Vec<CommandRow>, NotDone> {
        Ok(rows::waiting(&self.db, now_ms).await?)
    }

    /// Has a box test itself for a check-up; `false` when something else is in the way just now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn selftest(
        &self,
        device: &DeviceId,
        checkup: &str,
        now_ms: i64,
    ) -> Result<bool, NotDone> {
        let id = Uuid::now_v7();
        let times = times(&Order::Selftest, now_ms);
        let new = New {
            id: &id.to_string(),
            device,
            order: &Order::Selftest,
            reason: "",
            asked_by: None,
            state: "queued",
            times,
            checkup,
        };
        let mut writing = self.db.begin().await?;
        if !add(&mut writing, &new, now_ms).await? {
            return Ok(false);
        }
        store::Db::commit(writing).await?;
        self.tell(device, (id, &Order::Selftest), (now_ms, times.0))
            .await?;
        Ok(true)
    }

    /// After a birth: whatever this box has not ended is told again, and whatever it never answered
    /// is asked for once more. It does nothing twice.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tell_again(&self, device: &DeviceId, now_ms: i64) -> Result<(), NotDone> {
        for row in rows::open_of(&self.db, device.as_str(), now_ms - LATE_MS).await? {
            let (order, id) = (read(&row)?, id(&row)?);
            self.tell(device, (id, &order), (row.asked_ms, row.expires_ms))
                .await?;
        }
        Ok(())
    }

    /// Takes what a box says of a command.
    ///
    /// # Errors
    /// When the store or the trail fails.
    pub async fn heard(
        &self,
        device: &DeviceId,
        id: MessageId,
        answer: &CommandAnswer,
        now_ms: i64,
    ) -> Result<(), NotDone> {
        // Somebody else has used this id at the box; the hub's own command is still to come.
        if answer.code.as_deref() == Some(Refused::Forged.code()) {
            return Ok(());
        }
        let result = answer.result.as_ref().map(Value::to_string);
        let result = result.filter(|text| text.len() <= RESULT_BYTES_MAX);
        let code = answer.code.as_deref().unwrap_or_default();
        let word = Word {
            state: answer.state.name(),
            code: code.get(..code.len().min(32)).unwrap_or_default(),
            result: result.as_deref().unwrap_or_default(),
            ended_ms: answer.state.is_final().then_some(now_ms),
        };
        let key = id.to_string();
        if rows::heard(&self.db, (device.as_str(), &key), &word).await? && answer.state.is_final() {
            let good = answer.state == CommandState::Done;
            self.ended(&key, good, word.code, now_ms).await?;
        }
        Ok(())
    }

    /// Ends what nobody agreed to, no box was there for, or none answered.
    ///
    /// # Errors
    /// When the store or the trail fails.
    pub async fn end_overdue(&self, now_ms: i64) -> Result<(), NotDone> {
        for row in rows::overdue(&self.db, now_ms).await? {
            let code = match row.state.as_str() {
                "waiting" => "not_agreed",
                "queued" => "not_connected",
                _ => "no_answer",
            };
            if rows::expire(&self.db, &row.id, &row.state, code, now_ms).await? {
                self.ended(&row.id, false, code, now_ms).await?;
            }
        }
        Ok(())
    }

    /// The end of what a person ordered stands in the trail too; a check-up has one line for all.
    async fn ended(&self, id: &str, good: bool, code: &str, now_ms: i64) -> Result<(), NotDone> {
        let row = rows::find(&self.db, id).await?;
        let Some(row) = row.filter(|row| row.checkup_id.is_empty()) else {
            return Ok(());
        };
        let entry = Entry {
            object: format!("{} {}", row.device_id, words(&read(&row)?)),
            detail: [row.id.as_str(), code].join(" ").trim_end().to_owned(),
            outcome: if good { Outcome::Done } else { Outcome::Failed },
            ..Entry::done(Who::default(), "end_order")
        };
        self.trail.begin(entry, now_ms).await?.commit().await?;
        Ok(())
    }

    /// Tells a box an order, if it is there: else it is told after its birth.
    async fn tell(
        &self,
        device: &DeviceId,
        (id, order): (Uuid, &Order),
        (issued_ms, expires_ms): (i64, i64),
    ) -> Result<&'static str, NotDone> {
        let times = (issued_ms, expires_ms);
        let told = self
            .commands
            .tell(device, MessageId(id), order.clone(), times);
        if told.is_err() {
            return Ok("queued");
        }
        rows::sent(&self.db, &id.to_string()).await?;
        Ok("sent")
    }
}

/// A command about to be kept.
struct New<'a> {
    id: &'a str,
    device: &'a DeviceId,
    order: &'a Order,
    reason: &'a str,
    asked_by: Option<&'a str>,
    state: &'a str,
    times: (i64, i64),
    checkup: &'a str,
}

async fn add(
    writing: &mut store::Writing,
    new: &New<'_>,
    now_ms: i64,
) -> Result<bool, store::Error> {
    let body = serde_json::to_string(new.order).expect("invariant: an order is plain data");
    let row = NewCommand {
        id: new.id,
        device_id: new.device.as_str(),
        kind: new.order.kind(),
        body: &body,
        reason: new.reason,
        asked_by: new.asked_by,
        state: new.state,
        expires_ms: new.times.0,
        ends_ms: new.times.1,
        checkup_id: new.checkup,
    };
    let beside: &[&str] = match new.order.exclusive() {
        true => &EXCLUSIVE,
        false => &[],
    };
    rows::add(writing, &row, beside, now_ms).await
}

/// Until when a box begins, and until when the hub waits.
fn times(order: &Order, now_ms: i64) -> (i64, i64) {
    let expires_ms = now_ms + EXPIRES_MS.min(6 * order.limit_ms());
    (expires_ms, expires_ms + order.limit_ms() + WAY_MS)
}

/// An order in words of the wire, such as `projector projector off`.
fn words(order: &Order) -> String {
    match order {
        Order::Projector { name, power } => {
            let power = match power {
                xunke_protocol::envelope::Switch::On => "on",
                xunke_protocol::envelope::Switch::Off => "off",
            };
            format!("{} {name} {power}", order.kind())
        }
        order => order.kind().to_owned(),
    }
}

fn stored(row: &CommandRow) -> NotDone {
    NotDone::Failed(super::registry::Error::Stored {
        what: "command",
        device: row.device_id.clone(),
    })
}

fn read(row: &CommandRow) -> Result<Order, NotDone> {
    serde_json::from_str(&row.body).map_err(|_| stored(row))
}

fn id(row: &CommandRow) -> Result<Uuid, NotDone> {
    row.id.parse().map_err(|_| stored(row))
}

fn device(row: &CommandRow) -> Result<DeviceId, NotDone> {
    row.device_id.parse().map_err(|_| stored(row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_protocol::envelope::Switch;

    fn orders() -> Vec<Order> {
        let name = "projector".parse().unwrap();
        let power = Switch::Off;
        vec![
            Order::Ping,
            Order::Renew,
            Order::Reload,
            Order::Reboot,
            Order::CollectDiag,
            Order::Selftest,
            Order::Projector { name, power },
        ]
    }

    /// Issue 6, item 4: reboot, selftest, collect_diag not side by side; the hub and the box mean
    /// the same.
    #[test]
    fn what_excludes_each_other_is_one_list() {
        for order in orders() {
            let listed = EXCLUSIVE.contains(&order.kind());
            assert_eq!(listed, order.exclusive(), "{order:?}");
        }
    }

    #[test]
    fn every_order_ends_after_its_box_would_have() {
        for order in orders() {
            let (expires_ms, ends_ms) = times(&order, 1_000);
            assert!((1_000..=61_000).contains(&expires_ms));
            assert!(ends_ms >= expires_ms + order.limit_ms());
        }
        assert_eq!(words(&orders()[6]), "projector projector off");
    }
}
