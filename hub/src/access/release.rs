//! Releases: who has to wait after wrong sign-ins, and who is let go before the time (X2).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::audit::{Entry, Trail};
use super::grant::{By, Error, reasoned};
use super::lockout::{Held, Whom};
use super::sign_in::Desk;
use crate::store::{Db, roster};

/// Most of them that are shown; a flood has more.
const SHOWN_MAX: usize = 500;

/// Who has to wait. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Releases {
    db: Db,
    trail: Arc<Trail>,
    desk: Desk,
}

/// Somebody or somewhere with wrong tries.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// As counted.
    pub held: Held,
    /// The staff number and name; `None` when there is no such account, or none was named. What a
    /// stranger typed is not shown: people type passwords into the wrong field.
    pub account: Option<(String, String)>,
}

impl Releases {
    /// Those whom `desk` holds off.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, desk: Desk) -> Self {
        Self { db, trail, desk }
    }

    /// Who has tried wrongly, and who has to wait: those first, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn waiting(&self, now_ms: i64) -> Result<Vec<Waiting>, Error> {
        let mut held = self.desk.held(now_ms);
        held.sort_by_key(|one| (one.locked_ms.is_none(), -one.until_ms));
        held.truncate(SHOWN_MAX);
        let names = self.names().await?;
        let waiting = held.into_iter().map(|held| {
            let login = held.whom.login().unwrap_or_default();
            let account = names.get(login);
            Waiting {
                account: account.map(|name| (login.to_owned(), name.clone())),
                held,
            }
        });
        Ok(waiting.collect())
    }

    async fn names(&self) -> Result<HashMap<String, String>, Error> {
        let everybody = roster::everybody(&self.db).await?;
        let names = everybody
            .into_iter()
            .map(|row| (row.staff_number, row.name));
        Ok(names.collect())
    }

    /// Lets a network try again, with every login it tried.
    ///
    /// # Errors
    /// Without a reason, or when the trail cannot be written; then it waits on.
    pub async fn release(&self, by: By<'_>, address: IpAddr, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let waits = self.desk.held(by.now_ms).into_iter();
        let mut waits = waits.filter_map(|held| held.whom.network());
        let network = super::lockout::network(address);
        if !waits.any(|waiting| waiting == network) {
            return Err(FREE);
        }
        self.note(by, network.to_string(), why).await?;
        self.desk.release(&Whom::Network(network));
        Ok(())
    }

    /// Lets strangers' networks try an account again; the owner's own never had to wait for them.
    ///
    /// # Errors
    /// Without a reason, or when the trail cannot be written; then they wait on.
    pub async fn release_account(
        &self,
        by: By<'_>,
        staff_number: &str,
        why: &str,
    ) -> Result<(), Error> {
        let why = reasoned(why)?;
        let whom = Whom::Strangers(staff_number.to_owned());
        let held = self.desk.held(by.now_ms);
        let known = self.names().await?.contains_key(staff_number);
        if !known || !held.iter().any(|held| held.whom == whom) {
            return Err(FREE);
        }
        self.note(by, staff_number.to_owned(), why).await?;
        self.desk.release(&whom);
        Ok(())
    }

    /// The line first: nobody is let go without it.
    async fn note(&self, by: By<'_>, object: String, why: &str) -> Result<(), Error> {
        let entry = Entry {
            object,
            purpose: why.to_owned(),
            ..by.done("release_lockout")
        };
        self.trail.append(entry, by.now_ms).await?;
        Ok(())
    }
}

const FREE: Error = Error::Conflict(
    "该地址或账号已不在限制之列，请刷新。",
    "It does not have to wait any more; reload.",
);

#[cfg(test)]
mod tests;
