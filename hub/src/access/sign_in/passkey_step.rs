//! Signing in with a passkey after the password: a question, then the authenticator's answer (X1).

use std::net::IpAddr;

use xunke_policy::password as rules;
use zeroize::Zeroizing;

use super::{Desk, Error, SIGN_IN};
use crate::access::lockout::Try;
use crate::access::passkey::{self, Challenges, Key, Purpose, Signed, Site};
use crate::access::person;
use crate::campus::id;
use crate::store::passkey::{self as rows, PasskeyRow};
use crate::store::people;
use crate::store::session as links;

/// What an authenticator is asked.
#[derive(Debug)]
pub struct Question {
    /// base64url.
    pub challenge: String,
    /// The name that keys are bound to.
    pub site: String,
    /// The keys that may answer (at sign-in) or are there already (when adding one), base64url.
    pub keys: Vec<String>,
}

/// What the page got from an authenticator at sign-in.
pub struct Answer {
    /// Which key signed, base64url.
    pub credential_id: String,
    /// What it signed.
    pub signed: Signed,
}

impl Desk {
    /// Where passkeys are good.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The questions that wait for an answer.
    #[must_use]
    pub fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// Asks for a passkey, once login and password fit. Counts as a try: only the answer gives it
    /// back.
    ///
    /// # Errors
    /// [`Error::Wrong`] also for whoever has no passkey.
    pub async fn ask_passkey(
        &self,
        (login, password): (&str, Zeroizing<String>),
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Question, Error> {
        self.try_passkey(login, address, now_ms).await?;
        let credential = people::credential(&self.db, login).await?;
        let hash = credential.as_ref().map(|found| found.password_hash.clone());
        let fits = password.len() <= rules::BYTES_MAX && self.hasher.verify(password, hash).await;
        let keys = match &credential {
            Some(found) if fits => rows::of_person(&self.db, &found.person_id).await?,
            _ => Vec::new(),
        };
        let (Some(found), false) = (&credential, keys.is_empty()) else {
            self.note_failure(credential, SIGN_IN, address, now_ms)
                .await?;
            return Err(Error::Wrong);
        };
        let person = id("a person", &found.person_id)?;
        Ok(Question {
            challenge: self.challenges.give(person, Purpose::SignIn, now_ms),
            site: self.site.id().to_owned(),
            keys: keys.into_iter().map(|key| key.credential_id).collect(),
        })
    }

    /// Signs in whoever's passkey answers; the token is for the cookie alone.
    ///
    /// # Errors
    /// Why not. A counter that went back is a line of its own: there is a copy of the key.
    pub async fn sign_in_by_passkey(
        &self,
        answer: Answer,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        let client_data = &answer.signed.client_data;
        let taken = self.challenges.take(client_data, Purpose::SignIn, now_ms);
        let (challenge, person) = taken.map_err(|_| Error::Wrong)?;
        let person = person::find(&self.db, person, now_ms).await?;
        let person = person.ok_or(Error::Wrong)?;
        let keys = rows::of_person(&self.db, &person.id.to_string()).await?;
        let key = keys
            .iter()
            .find(|key| key.credential_id == answer.credential_id);
        let checked = match key {
            Some(row) => self.checked(row, &challenge, &answer, now_ms).await?,
            None => Err(passkey::Error::Foreign),
        };
        if let Err(why) = checked {
            let entry = super::Entry {
                outcome: super::Outcome::Failed,
                ..super::entry(person.who(address), SIGN_IN, detail(why))
            };
            self.trail.append(entry, now_ms).await?;
            return Err(Error::Wrong);
        }
        self.passkey_fits(&person.staff_number, address).await?;
        self.begin(&person, "passkey", address, now_ms).await
    }

    async fn checked(
        &self,
        row: &PasskeyRow,
        challenge: &str,
        answer: &Answer,
        now_ms: i64,
    ) -> Result<Result<(), passkey::Error>, Error> {
        let counter = match key(row)
            .and_then(|key| passkey::signed(&self.site, challenge, &key, &answer.signed))
        {
            Ok(counter) => i64::from(counter),
            Err(why) => return Ok(Err(why)),
        };
        let ahead = rows::used(&self.db, &row.id, counter, now_ms).await?;
        Ok(if ahead {
            Ok(())
        } else {
            Err(passkey::Error::Copied)
        })
    }

    async fn try_passkey(&self, login: &str, address: IpAddr, now_ms: i64) -> Result<(), Error> {
        let known = links::known_address(&self.db, login, &address.to_string()).await?;
        let attempt = Try {
            login,
            address,
            known,
        };
        let allowed = self.lockout().begin(attempt, now_ms);
        match allowed {
            Ok(()) => Ok(()),
            Err(wait) => Err(self.waits(wait, SIGN_IN, address, now_ms).await),
        }
    }

    async fn passkey_fits(&self, login: &str, address: IpAddr) -> Result<(), Error> {
        let known = links::known_address(&self.db, login, &address.to_string()).await?;
        self.lockout().succeeded(Try {
            login,
            address,
            known,
        });
        Ok(())
    }
}

fn key(row: &PasskeyRow) -> Result<Key, passkey::Error> {
    Ok(Key {
        credential_id: passkey::bytes(&row.credential_id)?,
        algorithm: row.algorithm,
        public_key: passkey::bytes(&row.public_key)?,
        counter: u32::try_from(row.counter).map_err(|_| passkey::Error::Unreadable)?,
    })
}

fn detail(why: passkey::Error) -> &'static str {
    match why {
        passkey::Error::Copied => "passkey_copied",
        _ => "passkey_wrong",
    }
}
