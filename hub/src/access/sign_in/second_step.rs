//! The second step alone, for people whom somebody else has vouched for (X1).

use std::net::IpAddr;

use uuid::Uuid;

use super::{Desk, Error, SIGN_IN};
use crate::access::lockout::Try;
use crate::access::person::{self, Person};
use crate::access::recovery;
use crate::access::second_factor;
use crate::campus::id;
use crate::store::people::{self, CredentialRow};
use crate::store::session as links;

/// Which second factor it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// The authenticator's code.
    Code,
    /// One of the ten for the day the authenticator is lost.
    RecoveryCode,
}

impl Desk {
    /// Whoever has that staff number and an account of their own.
    ///
    /// # Errors
    /// When the store fails.
    pub(in crate::access) async fn account(
        &self,
        staff_number: &str,
        now_ms: i64,
    ) -> Result<Option<Person>, Error> {
        let Some(credential) = people::credential(&self.db, staff_number).await? else {
            return Ok(None);
        };
        let person = id("a person", &credential.person_id)?;
        Ok(person::find(&self.db, person, now_ms).await?)
    }

    /// Checks the second factor of `person`. Counts and leaves lines like a sign-in.
    ///
    /// # Errors
    /// Why not; after [`Error::Wrong`] there may be another try.
    pub(in crate::access) async fn second_step(
        &self,
        person: Uuid,
        code: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<(Person, Second), Error> {
        let person = person::find(&self.db, person, now_ms).await?;
        let person = person.ok_or(Error::Wrong)?;
        let login = person.staff_number.as_str();
        let known = links::known_address(&self.db, login, &address.to_string()).await?;
        let attempt = Try {
            login,
            address,
            known,
        };
        let allowed = self.lockout().begin(attempt, now_ms);
        if let Err(wait) = allowed {
            return Err(self.waits(wait, SIGN_IN, address, now_ms).await);
        }
        let credential = people::credential(&self.db, login).await?;
        let used = match &credential {
            Some(credential) => self.used(credential, code, now_ms).await?,
            None => None,
        };
        let Some(second) = used else {
            self.note_failure(credential, SIGN_IN, address, now_ms)
                .await?;
            return Err(Error::Wrong);
        };
        self.lockout().succeeded(attempt);
        Ok((person, second))
    }

    async fn used(
        &self,
        credential: &CredentialRow,
        code: &str,
        now_ms: i64,
    ) -> Result<Option<Second>, Error> {
        let holder = &credential.person_id;
        let factor = self.sealing.unseal(&credential.totp_sealed, holder)?;
        let step = second_factor::step(&factor, code, now_ms);
        self.use_up(holder, step, code, now_ms).await
    }

    /// Uses up a code of the authenticator's, or else a recovery code; `None` when it is neither.
    pub(super) async fn use_up(
        &self,
        holder: &str,
        step: Option<i64>,
        code: &str,
        now_ms: i64,
    ) -> Result<Option<Second>, Error> {
        let (good, second) = match step {
            Some(step) => {
                let good = people::use_totp_step(&self.db, holder, step).await?;
                (good, Second::Code)
            }
            None => {
                let good = recovery::use_up(&self.db, holder, code, now_ms).await?;
                (good, Second::RecoveryCode)
            }
        };
        Ok(good.then_some(second))
    }
}
