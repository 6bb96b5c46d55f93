//! The own passkeys: adding one, naming it, taking it away (X1).

use uuid::Uuid;
use xunke_policy::patrol::FieldError;

use super::{Accounts, Again};
use crate::access::grant::By;
use crate::access::passkey::{self, Made, Purpose};
use crate::access::sign_in::Question;
use crate::access::start_code::Error;
use crate::store::passkey::{self as rows, PasskeyRow};

const PASSKEYS_MAX: usize = 10;
const NAME_CHARACTERS_MAX: usize = 40;

impl Accounts {
    /// The caller's passkeys.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn passkeys(&self, by: By<'_>) -> Result<Vec<PasskeyRow>, Error> {
        let id = by.session.person.id.to_string();
        Ok(rows::of_person(&self.db, &id).await?)
    }

    /// Begins to add a passkey.
    ///
    /// # Errors
    /// Password or code do not fit, or there are enough.
    pub async fn begin_passkey(&self, by: By<'_>, again: Again) -> Result<Question, Error> {
        let keys = self.passkeys(by).await?;
        if keys.len() >= PASSKEYS_MAX {
            return Err(Error::Field(ENOUGH));
        }
        self.again(by, again).await?;
        let person = by.session.person.id;
        let challenges = self.desk.challenges();
        Ok(Question {
            challenge: challenges.give(person, Purpose::Create, by.now_ms),
            site: self.desk.site().id().to_owned(),
            keys: keys.into_iter().map(|key| key.credential_id).collect(),
        })
    }

    /// Adds the passkey that an authenticator made.
    ///
    /// # Errors
    /// The authenticator's word is not taken; then nothing was added.
    pub async fn end_passkey(&self, by: By<'_>, name: &str, made: &Made) -> Result<(), Error> {
        let person = by.session.person.id;
        let challenges = self.desk.challenges();
        let taken = challenges.take(&made.client_data, Purpose::Create, by.now_ms);
        let key = taken.and_then(|(challenge, asked)| match asked == person {
            true => passkey::made(self.desk.site(), &challenge, made),
            false => Err(passkey::Error::Foreign),
        });
        let key = key.map_err(|_| Error::Field(NOT_TAKEN))?;
        let name = name.trim();
        if !(1..=NAME_CHARACTERS_MAX).contains(&name.chars().count()) {
            return Err(Error::Field(NO_NAME));
        }
        let row = PasskeyRow {
            id: Uuid::now_v7().to_string(),
            person_id: person.to_string(),
            credential_id: passkey::text(&key.credential_id),
            name: name.to_owned(),
            algorithm: key.algorithm,
            public_key: passkey::text(&key.public_key),
            counter: key.counter.into(),
            made_ms: by.now_ms,
            used_ms: None,
        };
        let mut pending = self.trail.begin(by.done("add_passkey"), by.now_ms).await?;
        let added = rows::add(pending.writing(), &row).await;
        added.map_err(|error| match error.is_duplicate() {
            true => Error::Field(NOT_TAKEN),
            false => error.into(),
        })?;
        pending.commit().await?;
        Ok(())
    }

    /// Takes a passkey away, at once.
    ///
    /// # Errors
    /// There is none like that.
    pub async fn remove_passkey(&self, by: By<'_>, passkey: Uuid) -> Result<(), Error> {
        let entry = by.done("remove_passkey");
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let (person, passkey) = (by.session.person.id.to_string(), passkey.to_string());
        if !rows::remove(pending.writing(), &person, &passkey).await? {
            return Err(Error::NotFound);
        }
        pending.commit().await?;
        Ok(())
    }
}

const ENOUGH: FieldError = FieldError {
    field: "name",
    zh: "通行密钥最多 10 个，请先移除不用的。",
    en: "There are ten passkeys already; take one away first.",
};
const NOT_TAKEN: FieldError = FieldError {
    field: "name",
    zh: "这个通行密钥未能添加（已添加过、超时或不属于本平台），请重试。",
    en: "This passkey cannot be added (known, too late, or of another site); try again.",
};
const NO_NAME: FieldError = FieldError {
    field: "name",
    zh: "请为通行密钥起个名字（1 至 40 字）。",
    en: "Name the passkey in 1 to 40 characters.",
};
