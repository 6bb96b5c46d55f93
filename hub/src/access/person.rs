//! Persons: all that is known of somebody when a decision about them is made.

use std::net::IpAddr;

use uuid::Uuid;
use xunke_policy::access::{Facts, Grant};
use xunke_policy::agreement::{self, Agreement, Rules, Signature, Text};
use xunke_policy::institution::Institution;
use xunke_policy::level::{Role, UnitId};
use xunke_policy::network::Network;
use xunke_policy::patrol::Reader;
use xunke_policy::sanction::{self, Measure, Standing};

use super::audit::Who;
use crate::campus::classroom::Unit;
use crate::campus::{self, id};
use crate::store::agreement::{self as texts, VersionRow};
use crate::store::people::{self, GrantRow, PersonRow, SignatureRow};
use crate::store::sanction::{self as sanctions, MeasureRow};
use crate::store::{self, Db};

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
    /// What they are.
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

/// Why the hub does not start with these people.
#[derive(Debug, thiserror::Error)]
pub enum UnknownRole {
    /// This version knows nothing of it, so it cannot tell what it allows or forbids.
    #[error(
        "table person_roles: {role:?} (of {staff_number}, for one) is no role that this version \
         knows; known are {known}; correct the row or run the version that wrote it"
    )]
    Unknown {
        /// The name.
        role: String,
        /// Somebody who has it.
        staff_number: String,
        /// The names that are known.
        known: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Whether every role in the store is one that the policy knows (R20).
///
/// # Errors
/// One line naming the role.
pub async fn every_role_is_known(db: &Db) -> Result<(), UnknownRole> {
    let held = people::roles_held(db).await?;
    let mut unknown = held
        .into_iter()
        .filter(|(role, _)| Role::named(role).is_none());
    match unknown.next() {
        None => Ok(()),
        Some((role, staff_number)) => Err(UnknownRole::Unknown {
            role,
            staff_number,
            known: Role::NAMES.map(|(_, name)| name).join(", "),
        }),
    }
}

/// Reads somebody anew, as of `now_ms`. A role nobody knows, which may be one that forbids, makes
/// the whole answer unreadable.
///
/// # Errors
/// When the store fails or holds what makes no sense.
pub async fn find(db: &Db, person: Uuid, now_ms: i64) -> Result<Option<Person>, campus::Error> {
    let key = person.to_string();
    let Some(row) = people::person(db, &key).await? else {
        return Ok(None);
    };
    let roles = people::roles(db, &key).await?;
    let signature = people::signature(db, &key).await?;
    let version = texts::version(db, now_ms).await?;
    let grant = people::grant(db, &key, now_ms).await?;
    let measures = sanctions::measures(db, &key).await?;
    Ok(Some(Person {
        id: person,
        standing: standing(&row.standing, row.suspended_until_ms, &measures, now_ms),
        roles: roles
            .iter()
            .map(|name| role(name))
            .collect::<Result<_, _>>()?,
        agreement: agreement_state(signature.as_ref(), version.as_ref()),
        grant: grant.map(grant_of).transpose()?,
        password_changed_ms: row.password_changed_ms,
        unit: unit(&row)?,
        staff_number: row.staff_number,
        name: row.name,
    }))
}

fn role(name: &str) -> Result<Role, campus::Error> {
    Role::named(name).ok_or_else(|| campus::Error::Corrupt {
        what: "a role",
        text: name.into(),
    })
}

/// What is noted about somebody, and what the measures in force make of it (R25): the stricter of
/// the two. A word nobody knows counts as the strictest.
pub(super) fn standing(
    noted: &str,
    suspended_until_ms: Option<i64>,
    measures: &[MeasureRow],
    now_ms: i64,
) -> Standing {
    let until_ms = suspended_until_ms;
    match noted {
        "left" => Standing::Left,
        "active" => sanction::standing(measures.iter().map(measure), now_ms),
        "suspended" => {
            let from_ms = i64::MIN;
            let noted = Measure::Suspension { from_ms, until_ms };
            let measures = measures.iter().map(measure);
            sanction::standing(measures.chain([noted]), now_ms)
        }
        _ => Standing::Cancelled,
    }
}

/// A suspension without a beginning is in force already.
fn measure(row: &MeasureRow) -> Measure {
    match row.measure.as_str() {
        "suspension" => Measure::Suspension {
            from_ms: row.from_ms.unwrap_or(i64::MIN),
            until_ms: row.until_ms,
        },
        _ => Measure::Cancellation,
    }
}

/// The state of an agreement under the version in force (R39, R40). Until the hub has put one in
/// force, the official text is.
#[must_use]
pub fn agreement_state(
    signature: Option<&SignatureRow>,
    version: Option<&VersionRow>,
) -> Agreement {
    let signature = signature.map(|row| Signature {
        version: &row.text_version,
        signed_ms: row.signed_ms,
        ended_ms: row.ended_ms,
    });
    let text = version.map_or(OFFICIAL, |row| Text {
        version: &row.version,
        in_force_ms: row.in_force_ms,
    });
    let grace_days = version.map_or(0, |row| u32::try_from(row.grace_days).unwrap_or(0));
    let rules = Rules {
        grace_days,
        ..Rules::default()
    };
    agreement::state(signature, text, &rules)
}

/// The first version: 附件2 as the college issued it.
pub const OFFICIAL: Text<'static> = Text {
    version: "1",
    in_force_ms: 0,
};

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
        minors: row.minors > 0,
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
