//! Starting: with a start code somebody sets up password and second factor; the first three people
//! become the three administrators (X1, X3, X5).
//!
//! 附件2 第二条第2项: a password that meets the school's rules, known to its owner alone (R29, R32).

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::institution::Institution;
use xunke_policy::level::Role;
use xunke_policy::password::{self as rules, Owner};
use xunke_policy::patrol::FieldError;
use zeroize::Zeroizing;

use super::audit::{Entry, Trail, Who};
use super::password::Hasher;
use super::person::{self, Person};
use super::secret::SealingKey;
use super::sign_in::{self, Desk};
use super::start_code::{self, Error};
use super::{recovery, second_factor};
use crate::campus::id;
use crate::store::start::{self as rows, StartRow};
use crate::store::{Db, Writing, account};

/// The posts that are filled at the first start, in the order of the page.
pub const POSTS: [Role; 3] = [
    Role::Technician,
    Role::SecurityAdministrator,
    Role::AuditAdministrator,
];
const NAME_CHARACTERS_MAX: usize = 40;
const STAFF_NUMBER_BYTES_MAX: usize = 32;

/// For whom a code is.
#[derive(Debug)]
pub enum Whose {
    /// For somebody who is known already.
    Person(Person),
    /// For the three administrators in turn: the posts that are filled.
    First(Vec<Role>),
}

/// What somebody with a code begins with.
pub struct Beginning {
    /// For whom the code is.
    pub whose: Whose,
    /// The second factor to be put into an authenticator.
    pub factor: Zeroizing<Vec<u8>>,
    /// Until when the code is good.
    pub until_ms: i64,
}

/// What somebody chose.
pub struct Chosen {
    /// The start code.
    pub code: String,
    /// The new password.
    pub password: Zeroizing<String>,
    /// A code of the authenticator, as the proof that it was set up.
    pub totp: String,
    /// At the first start: who is to have which post.
    pub administrator: Option<Administrator>,
}

/// One of the three administrators to be.
pub struct Administrator {
    /// The post.
    pub post: Role,
    /// 工号.
    pub staff_number: String,
    /// 姓名.
    pub name: String,
}

/// Where accounts start. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Starts {
    db: Db,
    trail: Arc<Trail>,
    desk: Desk,
    hasher: Hasher,
    sealing: SealingKey,
    institution: Arc<Institution>,
}

/// A code that was looked up, and what was begun with it.
struct Found {
    row: StartRow,
    sealed: String,
    begun: Beginning,
}

impl Starts {
    /// Accounts in `db` under the rules of `institution`; tries are counted at `desk`.
    #[must_use]
    pub fn new(
        db: Db,
        trail: Arc<Trail>,
        desk: Desk,
        sealing: SealingKey,
        institution: Arc<Institution>,
    ) -> Self {
        let hasher = desk.hasher().clone();
        Self {
            db,
            trail,
            desk,
            hasher,
            sealing,
            institution,
        }
    }

    /// Looks a code up; the second factor stays the same until it was set up.
    ///
    /// # Errors
    /// [`sign_in::Error::Wrong`] for a code that is unknown, used, void or expired.
    pub async fn begin(
        &self,
        code: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Beginning, Error> {
        Ok(self.found(code, address, now_ms).await?.begun)
    }

    async fn found(&self, code: &str, address: IpAddr, now_ms: i64) -> Result<Found, Error> {
        self.desk.try_code(ACTION, address, now_ms).await?;
        let row = match start_code::hash(code) {
            Some(hash) => rows::start(&self.db, &hash, now_ms).await?,
            None => None,
        };
        let Some(row) = row else {
            return Err(self.desk.wrong_code(ACTION, address, now_ms).await.into());
        };
        self.desk.code_fits(address);
        let sealed = self.factor(&row, now_ms).await?;
        let factor = self.sealing.unseal(&sealed, owner(&row))?;
        let whose = match &row.person_id {
            Some(person) => {
                let person = person::find(&self.db, id("a person", person)?, now_ms).await?;
                Whose::Person(person.ok_or(Error::NotFound)?)
            }
            None => Whose::First(filled(&rows::administrators(&self.db).await?)),
        };
        let begun = Beginning {
            whose,
            factor,
            until_ms: row.expires_ms,
        };
        Ok(Found { row, sealed, begun })
    }

    /// The second factor that goes with a code, sealed; made by whoever comes first.
    async fn factor(&self, row: &StartRow, now_ms: i64) -> Result<String, Error> {
        if let Some(sealed) = &row.totp_sealed {
            return Ok(sealed.clone());
        }
        let fresh = self.sealing.seal(&second_factor::new_secret(), owner(row));
        rows::keep_start_factor(&self.db, &row.code_hash, &fresh).await?;
        let kept = rows::start(&self.db, &row.code_hash, now_ms).await?;
        let kept = kept.and_then(|row| row.totp_sealed);
        kept.ok_or(Error::SignIn(sign_in::Error::Wrong))
    }

    /// Sets up password and second factor, and uses the code up. Gives the recovery codes, which
    /// are shown this once.
    ///
    /// # Errors
    /// The rule that the password breaks, or the field; then nothing was changed.
    pub async fn finish(
        &self,
        chosen: Chosen,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Vec<Zeroizing<String>>, Error> {
        let found = self.found(&chosen.code, address, now_ms).await?;
        match &found.begun.whose {
            Whose::Person(person) => {
                let owner = Owner {
                    staff_number: &person.staff_number,
                    name: &person.name,
                };
                self.strong(&chosen.password, owner)?;
                let step = step(&found, &chosen, now_ms)?;
                self.not_used_before(&person.id.to_string(), &chosen.password)
                    .await?;
                let hash = self.hasher.hash(chosen.password.clone()).await;
                self.set_up(&found, person, (&hash, step), address, now_ms)
                    .await
            }
            Whose::First(filled) => {
                let new = administrator(chosen.administrator.as_ref(), filled)?;
                let owner = Owner {
                    staff_number: new.staff_number.trim(),
                    name: new.name.trim(),
                };
                self.strong(&chosen.password, owner)?;
                let step = step(&found, &chosen, now_ms)?;
                let hash = self.hasher.hash(chosen.password.clone()).await;
                self.appoint(&found, new, (&hash, step), address, now_ms)
                    .await
            }
        }
    }

    fn strong(&self, password: &str, owner: Owner<'_>) -> Result<(), Error> {
        let rules = &self.institution.rules.password;
        rules::strong_enough(password, owner, rules).map_err(Error::Refused)
    }

    async fn not_used_before(
        &self,
        person_id: &str,
        password: &Zeroizing<String>,
    ) -> Result<(), Error> {
        let rules = &self.institution.rules.password;
        let kept = i64::try_from(rules.history_kept).unwrap_or(i64::MAX);
        let mut fits = Vec::new();
        for hash in account::past_passwords(&self.db, person_id, kept).await? {
            fits.push(self.hasher.verify(password.clone(), Some(hash)).await);
        }
        rules::not_used_before(fits, rules).map_err(Error::Refused)
    }

    async fn set_up(
        &self,
        found: &Found,
        person: &Person,
        (password_hash, step): (&str, i64),
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Vec<Zeroizing<String>>, Error> {
        let entry = entry(person.who(address), ACTION, String::new());
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let (writing, person) = (pending.writing(), person.id.to_string());
        self.take(writing, found).await?;
        rows::use_start(writing, &found.row.code_hash, now_ms).await?;
        let sealed = self.sealing.seal(&found.begun.factor, &person);
        account::add_credential(writing, &person, password_hash, (&sealed, step), now_ms).await?;
        let codes = recovery::renew(writing, &person, now_ms).await?;
        pending.commit().await?;
        Ok(codes)
    }

    /// Fills one of the three posts; with the third the code of the first start is used up.
    async fn appoint(
        &self,
        found: &Found,
        new: &Administrator,
        (password_hash, step): (&str, i64),
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Vec<Zeroizing<String>>, Error> {
        let person = Uuid::now_v7().to_string();
        let (staff_number, name) = (new.staff_number.trim(), new.name.trim());
        let who = Who {
            person_id: Some(person.clone()),
            person: name.into(),
            staff_number: staff_number.into(),
            address: address.to_string(),
        };
        let entry = entry(who, "first_start", new.post.name().into());
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let writing = pending.writing();
        self.take(writing, found).await?;
        if filled(&rows::administrators_now(writing).await?).contains(&new.post) {
            return Err(Error::Field(POST_FILLED));
        }
        let named = (staff_number, name);
        let added = rows::add_administrator(writing, &person, named, new.post.name()).await;
        added.map_err(|error| match error.is_duplicate() {
            true => Error::Field(NUMBER_TAKEN),
            false => error.into(),
        })?;
        let sealed = self.sealing.seal(&found.begun.factor, &person);
        account::add_credential(writing, &person, password_hash, (&sealed, step), now_ms).await?;
        let codes = recovery::renew(writing, &person, now_ms).await?;
        if start_code::posts_filled(&rows::administrators_now(writing).await?) {
            rows::use_start(writing, &found.row.code_hash, now_ms).await?;
        }
        pending.commit().await?;
        Ok(codes)
    }

    /// Whoever comes second with the same code begins anew, with a second factor of their own.
    async fn take(&self, writing: &mut Writing, found: &Found) -> Result<(), Error> {
        let hash = &found.row.code_hash;
        if rows::take_start_factor(writing, hash, &found.sealed).await? {
            return Ok(());
        }
        Err(Error::SignIn(sign_in::Error::Wrong))
    }
}

const ACTION: &str = "use_start_code";

/// For whom the second factor is sealed while there is no person yet.
fn owner(row: &StartRow) -> &str {
    &row.code_hash
}

fn filled(holders: &[rows::HolderRow]) -> Vec<Role> {
    let named = holders.iter().filter_map(|row| Role::named(&row.role));
    named.collect()
}

fn step(found: &Found, chosen: &Chosen, now_ms: i64) -> Result<i64, Error> {
    let step = second_factor::step(&found.begun.factor, &chosen.totp, now_ms);
    step.ok_or(Error::Field(CODE_DOES_NOT_FIT))
}

fn administrator<'a>(
    new: Option<&'a Administrator>,
    filled: &[Role],
) -> Result<&'a Administrator, Error> {
    let new = new.filter(|new| POSTS.contains(&new.post));
    let new = new.ok_or(Error::Field(NO_POST))?;
    if filled.contains(&new.post) {
        return Err(Error::Field(POST_FILLED));
    }
    let number = new.staff_number.trim();
    let sign = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=STAFF_NUMBER_BYTES_MAX).contains(&number.len()) || !number.bytes().all(sign) {
        return Err(Error::Field(NO_NUMBER));
    }
    if !(2..=NAME_CHARACTERS_MAX).contains(&new.name.trim().chars().count()) {
        return Err(Error::Field(NO_NAME));
    }
    Ok(new)
}

fn entry(who: Who, action: &'static str, detail: String) -> Entry {
    Entry {
        detail,
        ..Entry::done(who, action)
    }
}

/// A code that the authenticator does not show.
pub(super) const CODE_DOES_NOT_FIT: FieldError = FieldError {
    field: "totp",
    zh: "验证码与刚才添加的验证器不符。请核对手机时间是否准确，再输入当前的 6 位数字。",
    en: "The code does not fit the new authenticator; check the phone's clock.",
};
const NO_POST: FieldError = FieldError {
    field: "post",
    zh: "请选择要担任的管理员。",
    en: "Choose the post.",
};
const POST_FILLED: FieldError = FieldError {
    field: "post",
    zh: "这个管理员已经建立，三位管理员须由三个人分别担任。",
    en: "This post is filled; the three administrators are three people.",
};
const NO_NUMBER: FieldError = FieldError {
    field: "staff_number",
    zh: "工号为 1 至 32 个字母、数字、点、横线。",
    en: "A staff number has 1 to 32 letters, digits, dots and dashes.",
};
const NUMBER_TAKEN: FieldError = FieldError {
    field: "staff_number",
    zh: "这个工号已有账号；三位管理员须由三个人分别担任。",
    en: "This staff number has an account; the three administrators are three people.",
};
const NO_NAME: FieldError = FieldError {
    field: "name",
    zh: "请填写姓名（2 至 40 字）。",
    en: "Give the name, 2 to 40 characters.",
};

#[cfg(test)]
mod tests;
