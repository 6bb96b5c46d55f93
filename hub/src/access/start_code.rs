//! Start codes: with one, somebody sets up password and second factor, for the first time or anew.
//!
//! 第十一条第2项 “账号密码须专人专用” (R27, X3): there is no default account and no password that
//! somebody else knows. A code is shown once, kept as a hash, good once and for some days.

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;
use xunke_policy::sanction::Standing;
use xunke_policy::{Refusal, administrators, agreement};
use zeroize::Zeroizing;

use super::audit::{Entry, Outcome, Trail, Unavailable, Who};
use super::grant::By;
use super::person::{self, Person};
use super::{code, secret, session, sign_in};
use crate::campus;
use crate::store::{self, Db, Writing, account, session as sessions, start as rows};

/// 100 bits: out of reach also for somebody who has the hashes.
const GROUPS: usize = 5;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// Why an account is not changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Password or code do not fit, or there were too many tries.
    #[error(transparent)]
    SignIn(#[from] sign_in::Error),
    /// The regulations say no.
    #[error("refused: {}", .0.en)]
    Refused(Refusal),
    /// A field cannot stay as it is.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// There is no such person.
    #[error("there is no such person")]
    NotFound,
    /// The trail cannot be written, so nothing is changed.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// What is stored makes no sense.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A new session cannot begin.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// A stored second factor does not open.
    #[error("a second factor does not open")]
    Secret(#[from] secret::Error),
}

/// What came of asking for a code.
#[derive(Debug)]
pub enum Issued {
    /// The code, to be handed to the person; it is shown this once.
    Code {
        /// The code.
        code: Zeroizing<String>,
        /// Until when it is good.
        until_ms: i64,
    },
    /// An officer of this role must ask for the same before anything happens.
    Waiting {
        /// The role.
        with: Role,
        /// Until when the two belong together.
        until_ms: i64,
    },
}

/// Issues a code as part of what the reason is; earlier codes of the same person are void. Without
/// a person it is the code of the first start.
///
/// # Errors
/// When the store fails.
pub async fn issue(
    writing: &mut Writing,
    person_id: Option<&str>,
    now_ms: i64,
    until_ms: i64,
) -> Result<Zeroizing<String>, store::Error> {
    let code = code::new(GROUPS);
    let hash = hash(&code).expect("invariant: a code is a code");
    rows::issue(writing, &hash, person_id, (now_ms, until_ms)).await?;
    Ok(code)
}

/// What is stored of a code; `None` for what cannot be one.
#[must_use]
pub fn hash(typed: &str) -> Option<String> {
    code::hash("start", typed, GROUPS)
}

/// Where start codes are issued. Cheap to clone.
#[derive(Debug, Clone)]
pub struct StartCodes {
    db: Db,
    trail: Arc<Trail>,
    lasts_ms: i64,
}

impl StartCodes {
    /// Codes in `db`, good for `hours`, each a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, hours: u32) -> Self {
        let lasts_ms = i64::from(hours) * HOUR_MS;
        Self {
            db,
            trail,
            lasts_ms,
        }
    }

    /// Opens somebody's account, or resets it: what they signed in with before is void at once, and
    /// their sessions end (R23).
    ///
    /// # Errors
    /// The refusal; then nothing was changed.
    pub async fn issue(&self, by: By<'_>, person: Uuid) -> Result<Issued, Error> {
        let now_ms = by.now_ms;
        let holder = person::find(&self.db, person, now_ms).await?;
        let holder = holder.ok_or(Error::NotFound)?;
        let with = match allowed(by, &holder) {
            Ok(with) => with,
            Err(refusal) => {
                let refused = Entry {
                    outcome: Outcome::Refused,
                    article: refusal.article,
                    detail: refusal.code.into(),
                    ..entry(by, "issue_start_code", &holder)
                };
                self.trail.append(refused, now_ms).await?;
                return Err(Error::Refused(refusal));
            }
        };
        match with {
            Some(role) if !self.agreed(by, &holder, role).await? => {
                self.ask(by, &holder, role).await
            }
            _ => self.issue_now(by, &holder).await,
        }
    }

    async fn agreed(&self, by: By<'_>, holder: &Person, role: Role) -> Result<bool, Error> {
        let officer = by.session.person.id.to_string();
        let (holder, since_ms) = (holder.id.to_string(), by.now_ms - self.lasts_ms);
        Ok(rows::asked(&self.db, &holder, (&officer, role.name()), since_ms).await?)
    }

    async fn ask(&self, by: By<'_>, holder: &Person, with: Role) -> Result<Issued, Error> {
        let entry = Entry {
            detail: format!("with {}", with.name()),
            ..entry(by, "ask_start_code", holder)
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let (holder, officer) = (holder.id.to_string(), by.session.person.id.to_string());
        rows::ask(pending.writing(), &holder, &officer, by.now_ms).await?;
        pending.commit().await?;
        Ok(Issued::Waiting {
            with,
            until_ms: by.now_ms + self.lasts_ms,
        })
    }

    async fn issue_now(&self, by: By<'_>, holder: &Person) -> Result<Issued, Error> {
        let (now_ms, until_ms) = (by.now_ms, by.now_ms + self.lasts_ms);
        let entry = entry(by, "issue_start_code", holder);
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let (writing, holder) = (pending.writing(), holder.id.to_string());
        sessions::end_all(writing, &holder, now_ms).await?;
        account::close(writing, &holder, now_ms).await?;
        let code = issue(writing, Some(&holder), now_ms, until_ms).await?;
        pending.commit().await?;
        Ok(Issued::Code { code, until_ms })
    }

    /// The code of the first start, as long as the three administrators have not all been made;
    /// `None` ever after. One printed earlier is void.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn first_start(&self, now_ms: i64) -> Result<Option<Zeroizing<String>>, Error> {
        let holders = rows::administrators(&self.db).await?;
        if rows::first_start_done(&self.db).await? || posts_filled(&holders) {
            return Ok(None);
        }
        let entry = Entry {
            object: "first_start".into(),
            ..Entry::done(Who::default(), "issue_start_code")
        };
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let code = issue(pending.writing(), None, now_ms, now_ms + self.lasts_ms).await?;
        pending.commit().await?;
        Ok(Some(code))
    }
}

/// X5: whether three people fill the three posts.
pub(super) fn posts_filled(holders: &[rows::HolderRow]) -> bool {
    let held: Vec<(&str, Role)> = holders
        .iter()
        .filter_map(|row| Some((row.person_id.as_str(), Role::named(&row.role)?)))
        .collect();
    administrators::three_people(&held).is_ok()
}

fn allowed(by: By<'_>, holder: &Person) -> Result<Option<Role>, Refusal> {
    let issuer = &by.session.person;
    if issuer.id == holder.id {
        return Err(Refusal::START_CODE_OWN);
    }
    let over = |until_ms: i64| until_ms <= by.now_ms;
    let watches = holder
        .grant
        .is_some_and(|grant| !grant.until_ms.is_some_and(over));
    let with = administrators::start_code(&issuer.roles, &holder.roles, watches)?;
    agreement::in_force(issuer.agreement, by.now_ms)?;
    match holder.standing {
        Standing::Active | Standing::Suspended { .. } => Ok(with),
        Standing::Cancelled => Err(Refusal::CANCELLED),
        Standing::Left => Err(Refusal::LEFT),
    }
}

fn entry(by: By<'_>, action: &'static str, holder: &Person) -> Entry {
    Entry {
        object: format!("{} {}", holder.name, holder.staff_number),
        ..by.done(action)
    }
}
