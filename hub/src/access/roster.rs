//! The roster: everybody there is, and who makes them what they are (R16, R23, R33, X5).
//!
//! Each appointment and its line in the trail are one transaction, and ends the sessions of whom it
//! is about.

pub mod staff_list;
pub mod plan;
pub mod import;

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::access::Grant;
use xunke_policy::appointment::{self, Appointment, BASIS_CHARACTERS_MAX};
use xunke_policy::institution::Institution;
use xunke_policy::level::{Reach, Role, UnitId};
use xunke_policy::patrol::FieldError;
use xunke_policy::sanction::{self, Standing};

use super::audit::{Entry, Trail};
use super::departure::{self, Kind};
use super::grant::{By, Error, answered};
use super::person::{self, Person};
use crate::campus::id;
use crate::store::roster::{self as rows, NewAppointment, StaffRow, UnitRow};
use crate::store::sanction::{self as sanctions, MeasureRow};
use crate::store::{Db, session};

/// Somebody as the roster knows them.
#[derive(Debug, Clone)]
pub struct Member {
    /// As stored.
    pub row: StaffRow,
    /// What they are.
    pub roles: Vec<Role>,
    /// Whether they may act.
    pub standing: Standing,
}

/// What somebody is to be.
#[derive(Debug, Clone)]
pub struct Post {
    /// The roles, and no others.
    pub roles: Vec<Role>,
    /// The teaching unit.
    pub unit: Option<UnitId>,
    /// The paper it rests on, such as a decision of Academic Affairs (R16).
    pub basis: String,
}

/// Everybody there is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Roster {
    db: Db,
    trail: Arc<Trail>,
    institution: Arc<Institution>,
}

impl Roster {
    /// The roster in `db` under the rules of `institution`, each change a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, institution: Arc<Institution>) -> Self {
        Self {
            db,
            trail,
            institution,
        }
    }

    /// Everybody, by staff number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn everybody(&self, now_ms: i64) -> Result<Vec<Member>, Error> {
        let mut roles: HashMap<String, Vec<Role>> = HashMap::new();
        for row in rows::roles(&self.db).await? {
            let known = roles.entry(row.person_id).or_default();
            known.extend(Role::named(&row.role));
        }
        let mut measures: HashMap<String, Vec<MeasureRow>> = HashMap::new();
        for row in sanctions::all_measures(&self.db).await? {
            measures.entry(row.about_id.clone()).or_default().push(row);
        }
        let member = |row: StaffRow| {
            let measures = measures.get(&row.id).map_or(&[][..], Vec::as_slice);
            let until_ms = row.suspended_until_ms;
            Member {
                roles: roles.remove(&row.id).unwrap_or_default(),
                standing: person::standing(&row.standing, until_ms, measures, now_ms),
                row,
            }
        };
        let everybody = rows::everybody(&self.db).await?;
        Ok(everybody.into_iter().map(member).collect())
    }

    /// The teaching units, by code.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn units(&self) -> Result<Vec<UnitRow>, Error> {
        Ok(rows::units(&self.db).await?)
    }

    /// Somebody with agreement and grant, as of now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn person(&self, person: Uuid, now_ms: i64) -> Result<Option<Person>, Error> {
        Ok(person::find(&self.db, person, now_ms).await?)
    }

    /// 任免 (R16): gives somebody these roles and this unit. Another unit, or a post less, is a
    /// transfer: the permission goes back at once and a hand-over list is opened (R23).
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn appoint(&self, by: By<'_>, person: Uuid, post: Post) -> Result<(), Error> {
        let now_ms = by.now_ms;
        let found = person::find(&self.db, person, now_ms).await?;
        let holder = found.ok_or(Error::NotFound)?;
        let change = self.change(&holder, post).await?;
        let entry = change.entry(by);
        let ends_post = change.ends_post();
        let answer = appointment::may_appoint(
            &self.institution,
            &Appointment {
                by: by.session.person.id,
                by_roles: &by.session.person.roles,
                about: holder.id,
                before: &holder.roles,
                after: &change.roles,
                moved: change.unit_before() != change.unit_after(),
                viewing_level: !ends_post && self.watches(&holder, now_ms),
            },
        );
        answered(&self.trail, answer, &entry, now_ms).await?;
        let mut still = self.trail.hold().await?;
        let key = holder.id.to_string();
        let others = rows::roles_of_others(still.writing(), &key).await?;
        let others: Vec<_> = others.iter().filter_map(|name| Role::named(name)).collect();
        let answer = appointment::may_vacate(&holder.roles, &change.roles, &others);
        if answer.is_err() {
            drop(still);
            return answered(&self.trail, answer, &entry, now_ms).await;
        }
        let mut pending = still.line(entry, now_ms).await?;
        let writing = pending.writing();
        change.write(writing, by, &key).await?;
        if ends_post && lasting(&holder, now_ms).is_some() {
            let by = by.session.person.id.to_string();
            let who = (key.as_str(), by.as_str());
            departure::hand_back(writing, Kind::Transferred, who, &change.basis, now_ms).await?;
        }
        pending.commit().await?;
        Ok(())
    }

    /// The change as it would be made.
    async fn change<'a>(&self, holder: &'a Person, post: Post) -> Result<Change<'a>, Error> {
        if holder.standing == Standing::Left {
            return Err(Error::Field(GONE));
        }
        let basis = post.basis.trim().to_owned();
        if !(2..=BASIS_CHARACTERS_MAX).contains(&basis.chars().count()) {
            return Err(Error::Field(NO_BASIS));
        }
        let units = rows::units(&self.db).await?;
        let unit = post.unit.map(|unit| unit.0.to_string());
        let unit = unit.map(|unit| units.into_iter().find(|row| row.id == unit));
        let unit = unit.map(|found| found.ok_or(Error::Field(NO_UNIT)));
        let mut roles = post.roles;
        roles.sort_unstable();
        roles.dedup();
        Ok(Change {
            holder,
            roles,
            unit: unit.transpose()?,
            basis,
        })
    }

    /// Whether somebody holds what sees content, now or later.
    fn watches(&self, person: &Person, now_ms: i64) -> bool {
        let level = lasting(person, now_ms).and_then(|grant| self.institution.level(grant.level));
        level.is_some_and(|level| level.reach != Reach::NoContent)
    }
}

/// The grant that somebody holds now or later.
#[must_use]
pub fn lasting(person: &Person, now_ms: i64) -> Option<Grant> {
    let lasts = |grant: &Grant| grant.until_ms.is_none_or(|until_ms| until_ms > now_ms);
    person.grant.filter(lasts)
}

/// What is about to be changed.
struct Change<'a> {
    holder: &'a Person,
    roles: Vec<Role>,
    unit: Option<UnitRow>,
    basis: String,
}

impl Change<'_> {
    /// 调岗 (R23).
    fn ends_post(&self) -> bool {
        let post = |role: &Role| role.supervises() || role.is_administrator();
        let lost = |role: &Role| post(role) && !self.roles.contains(role);
        self.unit_before() != self.unit_after() || self.holder.roles.iter().any(lost)
    }

    fn unit_before(&self) -> Option<String> {
        let unit = self.holder.unit.as_ref();
        unit.map(|unit| unit.id.0.to_string())
    }

    fn unit_after(&self) -> Option<String> {
        self.unit.as_ref().map(|unit| unit.id.clone())
    }

    fn entry(&self, by: By<'_>) -> Entry {
        let holder = self.holder;
        let unit_before = holder.unit.as_ref().map_or("–", |unit| &unit.name);
        let unit_after = self.unit.as_ref().map_or("–", |unit| &unit.name);
        let (before, after) = (names(&holder.roles), names(&self.roles));
        Entry {
            object: format!("{} {}", holder.name, holder.staff_number),
            purpose: self.basis.clone(),
            detail: format!("roles; {before} → {after}, {unit_before} → {unit_after}"),
            ..by.done("appoint")
        }
    }

    async fn write(
        &self,
        writing: &mut crate::store::Writing,
        by: By<'_>,
        key: &str,
    ) -> Result<(), Error> {
        let (unit_before, unit_after) = (self.unit_before(), self.unit_after());
        let roles: Vec<_> = self.roles.iter().map(|role| role.name()).collect();
        rows::set_roles(writing, key, &roles).await?;
        rows::set_unit(writing, key, &self.holder.name, unit_after.as_deref()).await?;
        let new = NewAppointment {
            person_id: key,
            roles_before: &names(&self.holder.roles),
            roles_after: &names(&self.roles),
            unit_before: unit_before.as_deref(),
            unit_after: unit_after.as_deref(),
            basis: &self.basis,
            decided_by: &by.session.person.id.to_string(),
            now_ms: by.now_ms,
        };
        rows::appoint(writing, &new).await?;
        Ok(session::end_all(writing, key, by.now_ms).await?)
    }
}

/// Names of roles, separated by spaces.
fn names(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
    names.join(" ")
}

impl Member {
    /// The word of the standing on the wire, as of `now_ms`.
    #[must_use]
    pub fn standing_word(&self, now_ms: i64) -> &'static str {
        match self.standing {
            Standing::Left => "left",
            Standing::Cancelled => "cancelled",
            standing if sanction::in_office(standing, now_ms).is_err() => "suspended",
            Standing::Active | Standing::Suspended { .. } => "active",
        }
    }

    /// The id.
    ///
    /// # Errors
    /// When the store holds what is none.
    pub fn id(&self) -> Result<Uuid, Error> {
        Ok(id("a person", &self.row.id)?)
    }
}

const NO_BASIS: FieldError = FieldError {
    field: "basis",
    zh: "请写明任免依据，如教务处文号（2 至 200 字）。",
    en: "State the paper it rests on, such as a decision number, in 2 to 200 characters.",
};
const NO_UNIT: FieldError = FieldError {
    field: "unit",
    zh: "没有这个教学单位，请重新选择。",
    en: "There is no such teaching unit; choose another.",
};
const GONE: FieldError = FieldError {
    field: "person",
    zh: "该人员已离职。重新入职的，请先通过人员名单导入。",
    en: "This person has left; bring them back by importing the list of staff first.",
};

#[cfg(test)]
mod tests;
