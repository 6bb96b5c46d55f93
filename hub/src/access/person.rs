//! Persons: all that is known of somebody when a decision about them is made.

use std::net::IpAddr;

use uuid::Uuid;
use xunke_policy::access::{Facts, Grant};
use xunke_policy::agreement::Agreement;
use xunke_policy::institution::Institution;
use xunke_policy::level::{Role, UnitId};
use xunke_policy::network::Network;
use xunke_policy::patrol::Reader;
use xunke_policy::sanction::Standing;

use super::audit::Who;
use crate::campus::classroom::Unit;
use crate::campus::{self, id};
use crate::store::Db;
use crate::store::people::{self, AgreementRow, GrantRow, PersonRow};

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Their id.
    pub id: Uuid,
    /// 工号, also the login.
    pub staff_number: String,
    /// Their name.
    pub name: String,
    /// Their teaching unit.
    pub unit: Option<Unit>,
    /// What they are; names nobody knows are left out (default deny).
    pub roles: Vec<Role>,
    /// Whether they may act.
    pub standing: Standing,
    /// The confidentiality agreement.
    pub agreement: Agreement,
    /// The standing right.
    pub grant: Option<Grant>,
    /// When the password was last changed.
    pub password_changed_ms: i64,
}

impl Person {
    /// What bears on a decision.
    #[must_use]
    pub fn facts<'a>(
        &self,
        institution: &'a Institution,
        network: Network,
        now_ms: i64,
    ) -> Facts<'a> {
        Facts {
            institution,
            roles: self.roles.clone(),
            standing: self.standing,
            agreement: self.agreement,
            grant: self.grant,
            password_changed_ms: self.password_changed_ms,
            network,
            now_ms,
        }
    }

    /// As a reader of patrol records (R89).
    #[must_use]
    pub fn reader(&self, now_ms: i64) -> Reader<Uuid> {
        Reader {
            person: self.id,
            roles: self.roles.clone(),
            unit: self.unit.as_ref().map(|unit| unit.id),
            agreement: self.agreement,
            now_ms,
        }
    }

    /// As a line of the trail names them.
    #[must_use]
    pub fn who(&self, address: IpAddr) -> Who {
        Who {
            person_id: Some(self.id.to_string()),
            person: self.name.clone(),
            staff_number: self.staff_number.clone(),
            address: address.to_string(),
        }
    }

    /// Whether they have a role.
    #[must_use]
    pub fn is(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Reads somebody anew, as of `now_ms`.
///
/// # Errors
/// When the store fails.
pub async fn find(db: &Db, person: Uuid, now_ms: i64) -> Result<Option<Person>, campus::Error> {
    let key = person.to_string();
    let Some(row) = people::person(db, &key).await? else {
        return Ok(None);
    };
    let roles = people::roles(db, &key).await?;
    let agreement = people::agreement(db, &key).await?;
    let grant = people::grant(db, &key, now_ms).await?;
    Ok(Some(Person {
        id: person,
        roles: roles.iter().filter_map(|name| Role::named(name)).collect(),
        standing: standing(&row),
        agreement: agreement.map_or(Agreement::Unsigned, agreement_state),
        grant: grant.map(grant_of).transpose()?,
        password_changed_ms: row.password_changed_ms,
        unit: unit(&row)?,
        staff_number: row.staff_number,
        name: row.name,
    }))
}

/// A word nobody knows counts as the strictest.
fn standing(row: &PersonRow) -> Standing {
    match row.standing.as_str() {
        "active" => Standing::Active,
        "suspended" => Standing::Suspended {
            until_ms: row.suspended_until_ms,
        },
        "left" => Standing::Left,
        _ => Standing::Cancelled,
    }
}

fn agreement_state(row: AgreementRow) -> Agreement {
    match row.ended_ms {
        None => Agreement::Signed {
            since_ms: row.signed_ms,
        },
        Some(_) => Agreement::Ended,
    }
}

/// Whether there is such a level, and whether it lacks a unit, is the policy's to judge; a number
/// that is none stands for no level (default deny).
fn grant_of(row: GrantRow) -> Result<Grant, campus::Error> {
    let unit = row
        .unit_id
        .as_deref()
        .map(|text| id("a unit", text))
        .transpose()?;
    Ok(Grant {
        level: u8::try_from(row.level).unwrap_or(0),
        unit: unit.map(UnitId),
        minors: false,
        from_ms: row.from_ms,
        until_ms: row.until_ms,
    })
}

fn unit(row: &PersonRow) -> Result<Option<Unit>, campus::Error> {
    let (Some(unit), Some(name)) = (&row.unit_id, &row.unit) else {
        return Ok(None);
    };
    Ok(Some(Unit {
        id: UnitId(id("a unit", unit)?),
        name: name.clone(),
    }))
}
