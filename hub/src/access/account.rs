//! The own account: changing password and authenticator, recovery codes, the last sign-ins.
//!
//! 第十一条第2项 “账号密码须专人专用，按学校规定定期更换” (R27–R30, R32). Each change asks for password and
//! code once more, ends every other session, and is one transaction with its line.

use std::sync::Arc;

use xunke_policy::institution::Institution;
use xunke_policy::password::{self as rules, Owner};
use xunke_policy::patrol::FieldError;
use zeroize::Zeroizing;

use super::audit::Trail;
use super::grant::By;
use super::password::Hasher;
use super::secret::SealingKey;
use super::session::Sessions;
use super::sign_in::{self, Desk};
use super::start::CODE_DOES_NOT_FIT;
use super::start_code::Error;
use super::{recovery, second_factor};
use crate::store::trail::{self, Line};
use crate::store::{Db, account as rows, people};

/// How long a new authenticator may take to be confirmed.
const CHANGE_MS: i64 = 10 * 60 * 1000;
/// Sign-ins shown to their owner.
const SIGN_INS: i64 = 20;

/// Password and one-time code as typed once more.
pub type Again = (Zeroizing<String>, String);

/// Accounts, each for its owner. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts {
    db: Db,
    trail: Arc<Trail>,
    desk: Desk,
    sessions: Sessions,
    hasher: Hasher,
    sealing: SealingKey,
    institution: Arc<Institution>,
}

impl Accounts {
    /// Accounts in `db` under the rules of `institution`; `desk` asks once more who it is.
    #[must_use]
    pub fn new(
        (db, trail): (Db, Arc<Trail>),
        (desk, sessions): (Desk, Sessions),
        sealing: SealingKey,
        institution: Arc<Institution>,
    ) -> Self {
        let hasher = desk.hasher().clone();
        Self {
            db,
            trail,
            desk,
            sessions,
            hasher,
            sealing,
            institution,
        }
    }

    /// The school's rules for passwords.
    #[must_use]
    pub fn rules(&self) -> &rules::Rules {
        &self.institution.rules.password
    }

    /// Changes the password (R29, R30) and begins the session anew; the token is for the cookie.
    ///
    /// # Errors
    /// The rule that the new one breaks, or that the old one does not fit; then nothing changed.
    pub async fn change_password(
        &self,
        by: By<'_>,
        again: Again,
        new: Zeroizing<String>,
    ) -> Result<Zeroizing<String>, Error> {
        let person = &by.session.person;
        let owner = Owner {
            staff_number: &person.staff_number,
            name: &person.name,
        };
        rules::strong_enough(&new, owner, self.rules()).map_err(Error::Refused)?;
        self.again(by, again).await?;
        let credential = people::credential(&self.db, &person.staff_number).await?;
        let old = credential.ok_or(sign_in::Error::Wrong)?.password_hash;
        let (id, now_ms) = (person.id.to_string(), by.now_ms);
        self.not_used_before(&id, &old, &new).await?;
        let hash = self.hasher.hash(new).await;
        let mut pending = self.trail.begin(by.done("change_password"), now_ms).await?;
        let writing = pending.writing();
        let kept = self.kept();
        if !rows::replace_password(writing, &id, (&old, &hash), kept, now_ms).await? {
            return Err(sign_in::Error::Wrong.into());
        }
        let token = self
            .sessions
            .begin_in(writing, person.id, by.origin, now_ms);
        let token = token.await?;
        pending.commit().await?;
        Ok(token)
    }

    async fn again(&self, by: By<'_>, again: Again) -> Result<(), Error> {
        let confirmed = self.desk.confirm(by.session, again, by.origin, by.now_ms);
        Ok(confirmed.await?)
    }

    fn kept(&self) -> i64 {
        i64::try_from(self.rules().history_kept).unwrap_or(i64::MAX)
    }

    async fn not_used_before(
        &self,
        person_id: &str,
        old_hash: &str,
        new: &Zeroizing<String>,
    ) -> Result<(), Error> {
        let past = rows::past_passwords(&self.db, person_id, self.kept()).await?;
        let mut fits = Vec::new();
        for hash in std::iter::once(old_hash.to_owned()).chain(past) {
            fits.push(self.hasher.verify(new.clone(), Some(hash)).await);
        }
        rules::not_used_before(fits, self.rules()).map_err(Error::Refused)
    }

    /// Begins to change the authenticator: gives the new second factor, which counts only once a
    /// code of it was given.
    ///
    /// # Errors
    /// Password or code do not fit.
    pub async fn begin_authenticator(
        &self,
        by: By<'_>,
        again: Again,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.again(by, again).await?;
        let factor = second_factor::new_secret();
        let id = by.session.person.id.to_string();
        let sealed = self.sealing.seal(&factor, &id);
        rows::begin_change(&self.db, &id, &sealed, by.now_ms).await?;
        Ok(factor)
    }

    /// Ends the change with a code of the new authenticator; the old one is void and the session
    /// begins anew.
    ///
    /// # Errors
    /// The code does not fit, or the change took too long; then nothing changed.
    pub async fn end_authenticator(
        &self,
        by: By<'_>,
        code: &str,
    ) -> Result<Zeroizing<String>, Error> {
        let (person, now_ms) = (by.session.person.id, by.now_ms);
        let id = person.to_string();
        let begun = rows::change(&self.db, &id, now_ms - CHANGE_MS).await?;
        let sealed = begun.ok_or(Error::Field(TOOK_TOO_LONG))?;
        let factor = self.sealing.unseal(&sealed, &id)?;
        let step = second_factor::step(&factor, code, now_ms);
        let step = step.ok_or(Error::Field(CODE_DOES_NOT_FIT))?;
        let entry = by.done("change_authenticator");
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let writing = pending.writing();
        if !rows::end_change(writing, &id, &sealed, step).await? {
            return Err(Error::Field(TOOK_TOO_LONG));
        }
        let token = self.sessions.begin_in(writing, person, by.origin, now_ms);
        let token = token.await?;
        pending.commit().await?;
        Ok(token)
    }

    /// New recovery codes in place of all earlier ones, shown this once.
    ///
    /// # Errors
    /// Password or code do not fit.
    pub async fn renew_recovery_codes(
        &self,
        by: By<'_>,
        again: Again,
    ) -> Result<Vec<Zeroizing<String>>, Error> {
        self.again(by, again).await?;
        let entry = by.done("renew_recovery_codes");
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let id = by.session.person.id.to_string();
        let codes = recovery::renew(pending.writing(), &id, by.now_ms).await?;
        pending.commit().await?;
        Ok(codes)
    }

    /// How many recovery codes the caller has left.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recovery_codes_left(&self, by: By<'_>) -> Result<i64, Error> {
        let id = by.session.person.id.to_string();
        Ok(rows::recovery_codes_left(&self.db, &id).await?)
    }

    /// The caller's last sign-ins, failed ones too, so that whoever lends or loses an account
    /// notices (R28).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sign_ins(&self, by: By<'_>) -> Result<Vec<Line>, Error> {
        let id = by.session.person.id.to_string();
        Ok(trail::of_person(&self.db, &id, "sign_in", SIGN_INS).await?)
    }
}

const TOOK_TOO_LONG: FieldError = FieldError {
    field: "totp",
    zh: "更换验证器超过 10 分钟未完成，请重新开始。",
    en: "The change took longer than 10 minutes; begin again.",
};

mod passkeys;

#[cfg(test)]
mod tests;
