//! Departures: leaving, being transferred, asking to close; the permission ends at once (R23, R24).
//!
//! 第十条第3项 “离职或调岗时立即移交权限及涉密资料”; the hand-over list comes after and is closed when
//! every line is (R44). Each step and its line in the trail are one transaction.

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::departure::{self as policy, Item};
use xunke_policy::institution::Institution;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;
use xunke_policy::sanction::Standing;
use xunke_policy::{Refusal, application, appointment};

use super::audit::{Entry, Trail};
use super::grant::{By, Error, answered, reasoned};
use super::person::{self, Person};
use crate::campus::id;
use crate::store::departure::{self as rows, DepartureRow, ItemRow, NewDeparture};
use crate::store::{self, Db, Writing, agreement, roster, session};

/// Most characters of a line of a hand-over list.
const ITEM_CHARACTERS_MAX: usize = 200;

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

/// Departures. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Departures {
    db: Db,
    trail: Arc<Trail>,
    institution: Arc<Institution>,
}

/// A departure with its hand-over list.
#[derive(Debug, Clone)]
pub struct Departure {
    /// The departure.
    pub row: DepartureRow,
    /// The list.
    pub items: Vec<ItemRow>,
}

impl Departures {
    /// Departures in `db` under the rules of `institution`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, institution: Arc<Institution>) -> Self {
        Self {
            db,
            trail,
            institution,
        }
    }

    /// Departures with their lists, open ones first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self) -> Result<Vec<Departure>, Error> {
        self.with_items(rows::all(&self.db).await?).await
    }

    /// The departures of one person.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of(&self, person: Uuid) -> Result<Vec<Departure>, Error> {
        let rows = rows::of(&self.db, &person.to_string()).await?;
        self.with_items(rows).await
    }

    async fn with_items(&self, rows: Vec<DepartureRow>) -> Result<Vec<Departure>, Error> {
        let mut departures = Vec::with_capacity(rows.len());
        for row in rows {
            let items = rows::items(&self.db, &row.id).await?;
            departures.push(Departure { row, items });
        }
        Ok(departures)
    }

    /// 离职、调岗 (R23): one of the two offices notes it, and whatever the person may ends at once.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn open(
        &self,
        by: By<'_>,
        staff_number: &str,
        kind: Kind,
        why: &str,
    ) -> Result<String, Error> {
        let why = reasoned(why)?;
        let giver = self.by_number(staff_number, by.now_ms).await?;
        if giver.standing == Standing::Left {
            return Err(Error::Field(LEFT_ALREADY));
        }
        let mut answer = application::may_revoke(&self.institution, &by.session.person.roles);
        if giver.id == by.session.person.id {
            answer = Err(Refusal::APPOINTMENT_OWN);
        }
        self.leave(by, &giver, kind, (answer, why), &[]).await
    }

    /// 本人申请关闭 (R24): the permission ends with the notice; what is still to be handed over is
    /// listed by the person.
    ///
    /// # Errors
    /// The field; then nothing was changed.
    pub async fn close_own(
        &self,
        by: By<'_>,
        why: &str,
        items: &[String],
    ) -> Result<String, Error> {
        let why = reasoned(why)?;
        let items: Vec<_> = items
            .iter()
            .map(|what| named(what))
            .collect::<Result<_, _>>()?;
        let giver = &by.session.person;
        let over = |until_ms| until_ms <= by.now_ms;
        if giver
            .grant
            .is_none_or(|grant| grant.until_ms.is_some_and(over))
        {
            return Err(Error::Field(NOTHING_HELD));
        }
        self.leave(by, giver, Kind::Closing, (Ok(()), why), &items)
            .await
    }

    async fn leave(
        &self,
        by: By<'_>,
        giver: &Person,
        kind: Kind,
        (answer, why): (Result<(), Refusal>, &str),
        items: &[&str],
    ) -> Result<String, Error> {
        let now_ms = by.now_ms;
        let about = (giver.name.as_str(), giver.staff_number.as_str());
        let drawn_up = entry(by, kind, "", about, why);
        answered(&self.trail, answer, &drawn_up, now_ms).await?;
        let key = giver.id.to_string();
        let mut still = self.trail.hold().await?;
        let others = roster::roles_of_others(still.writing(), &key).await?;
        let others: Vec<_> = others.iter().filter_map(|name| Role::named(name)).collect();
        let after = if kind == Kind::Left {
            &[][..]
        } else {
            &giver.roles
        };
        let answer = appointment::may_vacate(&giver.roles, after, &others);
        if answer.is_err() {
            drop(still);
            answered(&self.trail, answer, &drawn_up, now_ms).await?;
            return Err(Error::NotFound);
        }
        let number = number(still.writing()).await?;
        let entry = entry(by, kind, &number, about, why);
        let mut pending = still.line(entry, now_ms).await?;
        let opener = by.session.person.id.to_string();
        let writing = pending.writing();
        hand_back(writing, kind, (&key, &opener), why, now_ms).await?;
        for what in items {
            rows::add_item(writing, &number, (what, &opener), now_ms).await?;
        }
        pending.commit().await?;
        Ok(number)
    }

    /// Adds a line to a hand-over list that is open (R44); the giver to the own one.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn add_item(&self, by: By<'_>, departure: Uuid, what: &str) -> Result<(), Error> {
        let what = named(what)?;
        let row = self.find(departure).await?;
        let roles = &by.session.person.roles;
        let own = row.person_id == by.session.person.id.to_string();
        let office = application::may_revoke(&self.institution, roles);
        if !own && office.is_err() {
            return Err(Error::NotFound);
        }
        let entry = Entry {
            action: "add_handover",
            detail: what.to_owned(),
            ..line(by, &row)
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let added = (what, &*by.session.person.id.to_string());
        if !rows::add_item(pending.writing(), &row.number, added, by.now_ms).await? {
            return Err(CLOSED);
        }
        pending.commit().await?;
        Ok(())
    }

    /// Says what became of a line: handed over to, or destroyed before, somebody who is not the
    /// giver (R44).
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn settle(
        &self,
        by: By<'_>,
        item: Uuid,
        receiver: &str,
        outcome: policy::Outcome,
    ) -> Result<(), Error> {
        let item = rows::item(&self.db, &item.to_string()).await?;
        let item = item.ok_or(Error::NotFound)?;
        let row = self.find(id("a departure", &item.departure_id)?).await?;
        let receiver = self.by_number(receiver, by.now_ms).await?;
        let outcome_word = match outcome {
            policy::Outcome::HandedOver => "handed_over",
            policy::Outcome::Destroyed => "destroyed",
        };
        let settled = Item {
            what: item.what.clone(),
            receiver: Some(receiver.id),
            outcome: Some(outcome),
        };
        let entry = Entry {
            action: "settle_handover",
            detail: format!("{outcome_word}; {}, {}", item.what, receiver.staff_number),
            ..line(by, &row)
        };
        let giver = id("a person", &row.person_id)?;
        let answer = policy::may_close(&giver, &[settled]);
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let (receiver, now_ms) = (receiver.id.to_string(), by.now_ms);
        let settled = (&*receiver, outcome_word);
        if !rows::settle_item(pending.writing(), &item.id, settled, now_ms).await? {
            return Err(CLOSED);
        }
        pending.commit().await?;
        Ok(())
    }

    /// 办结 (R24, R44): once every line is done.
    ///
    /// # Errors
    /// The refusal while one is open; then nothing was changed.
    pub async fn close(&self, by: By<'_>, departure: Uuid) -> Result<(), Error> {
        let row = self.find(departure).await?;
        let giver = id("a person", &row.person_id)?;
        let items = rows::items(&self.db, &row.id).await?;
        let items = items
            .into_iter()
            .map(item_of)
            .collect::<Result<Vec<_>, _>>()?;
        let entry = Entry {
            action: "close_departure",
            ..line(by, &row)
        };
        let mut answer = policy::may_close(&giver, &items);
        if giver == by.session.person.id {
            answer = Err(Refusal::APPOINTMENT_OWN);
        }
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let closer = by.session.person.id.to_string();
        if !rows::close(pending.writing(), &row.id, &closer, by.now_ms).await? {
            return Err(CLOSED);
        }
        pending.commit().await?;
        Ok(())
    }

    async fn find(&self, departure: Uuid) -> Result<DepartureRow, Error> {
        let row = rows::find(&self.db, &departure.to_string()).await?;
        row.ok_or(Error::NotFound)
    }

    async fn by_number(&self, staff_number: &str, now_ms: i64) -> Result<Person, Error> {
        by_number(&self.db, staff_number, now_ms).await
    }
}

/// Somebody by staff number.
pub(super) async fn by_number(db: &Db, staff_number: &str, now_ms: i64) -> Result<Person, Error> {
    let found = roster::id_of(db, staff_number.trim()).await?;
    let found = found.ok_or(Error::Field(NOBODY))?;
    let person = person::find(db, id("a person", &found)?, now_ms).await?;
    person.ok_or(Error::Field(NOBODY))
}

fn item_of(row: ItemRow) -> Result<Item<Uuid>, Error> {
    let receiver = row.receiver_id.as_deref().map(|text| id("a person", text));
    Ok(Item {
        what: row.what,
        receiver: receiver.transpose()?,
        outcome: match row.outcome.as_deref() {
            Some("handed_over") => Some(policy::Outcome::HandedOver),
            Some("destroyed") => Some(policy::Outcome::Destroyed),
            _ => None,
        },
    })
}

fn line(by: By<'_>, row: &DepartureRow) -> Entry {
    let about = (row.person.as_str(), row.staff_number.as_str());
    Entry {
        detail: String::new(),
        ..entry(by, Kind::Left, &row.number, about, "")
    }
}

/// What is handed over: paper, notes, printed forms, tokens (Q13).
fn named(what: &str) -> Result<&str, Error> {
    let what = what.trim();
    if (2..=ITEM_CHARACTERS_MAX).contains(&what.chars().count()) {
        return Ok(what);
    }
    Err(Error::Field(NO_ITEM))
}

const NOBODY: FieldError = FieldError {
    field: "staff_number",
    zh: "没有这个工号的人员。",
    en: "Nobody has this staff number.",
};
const LEFT_ALREADY: FieldError = FieldError {
    field: "staff_number",
    zh: "该人员已登记离职。",
    en: "This person has left already.",
};
const NOTHING_HELD: FieldError = FieldError {
    field: "reason",
    zh: "您没有正在持有的查看权限，无需申请关闭。",
    en: "You hold no permission, so there is nothing to close.",
};
const NO_ITEM: FieldError = FieldError {
    field: "what",
    zh: "请写明移交的物品（2 至 200 字），如纸质笔记、打印的记录表、令牌。",
    en: "Name what is handed over in 2 to 200 characters, such as notes, printed forms, a token.",
};
const CLOSED: Error = Error::Conflict(
    "这一项或这份清单刚刚办结，请刷新。",
    "This line or list was closed meanwhile; reload.",
);

/// The line of a departure.
pub(super) fn entry(
    by: By<'_>,
    kind: Kind,
    number: &str,
    (name, staff_number): (&str, &str),
    reason: &str,
) -> Entry {
    Entry {
        object: format!("{number} {name} {staff_number}"),
        purpose: reason.to_owned(),
        detail: kind.word().to_owned(),
        ..by.done("open_departure")
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

#[cfg(test)]
mod tests;
