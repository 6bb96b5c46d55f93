//! Signing in: login, password and one-time code, or the demonstration's single-use link.
//!
//! 第十一条第2项 “账号密码须专人专用”; R27–R32, X1, X2.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use xunke_policy::sanction::Standing;
use xunke_policy::{Refusal, password as rules};
use zeroize::Zeroizing;

use super::audit::{Entry, Outcome, Trail, Unavailable, Who};
use super::lockout::{Held, Lockout, Try, Wait, Whom};
use super::passkey::{Challenges, Site};
use super::password::Hasher;
use super::person::{self, Person};
use super::second_factor;
use super::secret::{self, SealingKey};
use super::session::{self, Session, Sessions};
use crate::campus::{self, id};
use crate::config::Config;
use crate::store::people::{self, CredentialRow};
use crate::store::session as links;
use crate::store::{self, Db};

/// Why somebody is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Login, password or code do not fit; which of them is not said.
    #[error("login, password or one-time code do not fit")]
    Wrong,
    /// Too many tries.
    #[error("too many tries; wait {0} seconds")]
    Wait(i64),
    /// The person may not sign in.
    #[error("refused: {}", .0.en)]
    Refused(Refusal),
    /// The trail cannot be written.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is stored makes no sense.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// The session cannot begin.
    #[error(transparent)]
    Session(#[from] session::Error),
    /// The stored second factor does not open.
    #[error("the second factor of a person does not open")]
    SecondFactor(#[from] secret::Error),
}

/// What somebody typed.
pub struct Typed {
    /// The staff number.
    pub login: String,
    /// The password.
    pub password: Zeroizing<String>,
    /// The one-time code.
    pub code: String,
}

/// Where people sign in.
#[derive(Debug, Clone)]
pub struct Desk {
    db: Db,
    trail: Arc<Trail>,
    sessions: Sessions,
    config: Arc<Config>,
    hasher: Hasher,
    sealing: SealingKey,
    lockout: Arc<Mutex<Lockout>>,
    challenges: Challenges,
    site: Site,
}

impl Desk {
    /// A desk that begins `sessions` and writes `trail`; `sealing` opens the second factors.
    #[must_use]
    pub fn new(
        db: Db,
        trail: Arc<Trail>,
        sessions: Sessions,
        config: Arc<Config>,
        sealing: SealingKey,
    ) -> Self {
        let lockout = Arc::new(Mutex::new(Lockout::new(&config.session)));
        let site = Site::new(&config.origin());
        let hasher = Hasher::default();
        Self {
            db,
            trail,
            sessions,
            config,
            hasher,
            sealing,
            lockout,
            challenges: Challenges::default(),
            site,
        }
    }

    /// Signs somebody in; the token is for the cookie alone.
    ///
    /// # Errors
    /// Why not.
    pub async fn sign_in(
        &self,
        typed: Typed,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        let (person, how) = self.prove(&typed, SIGN_IN, address, now_ms).await?;
        self.begin(&person, how, address, now_ms).await
    }

    /// Asks whoever is signed in for password and one-time code once more, before a signature:
    /// an open browser signs nothing. Counts and leaves lines like a sign-in, but begins nothing.
    ///
    /// # Errors
    /// Why not; after [`Error::Wrong`] and [`Error::Wait`] the session goes on.
    pub async fn confirm(
        &self,
        session: &Session,
        (password, code): (Zeroizing<String>, String),
        address: IpAddr,
        now_ms: i64,
    ) -> Result<(), Error> {
        if password.len() > rules::BYTES_MAX {
            return Err(Error::Wrong);
        }
        let typed = Typed {
            login: session.person.staff_number.clone(),
            password,
            code,
        };
        let proven = self.prove(&typed, "confirm_identity", address, now_ms);
        if proven.await?.0.id != session.person.id {
            return Err(Error::Wrong);
        }
        Ok(())
    }

    /// Counts the try, checks what was typed, and writes the line of a failure. Gives who it is,
    /// and by which second factor: `password` for the authenticator's code, or `recovery_code`.
    async fn prove(
        &self,
        typed: &Typed,
        action: &'static str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<(Person, &'static str), Error> {
        let from = address.to_string();
        let known = links::known_address(&self.db, &typed.login, &from).await?;
        let attempt = Try {
            login: &typed.login,
            address,
            known,
        };
        let allowed = self.lockout().begin(attempt, now_ms);
        if let Err(wait) = allowed {
            return Err(self.waits(wait, action, address, now_ms).await);
        }
        let credential = people::credential(&self.db, &typed.login).await?;
        let Some(proven) = self.proven(typed, credential.clone(), now_ms).await? else {
            self.note_failure(credential, action, address, now_ms)
                .await?;
            return Err(Error::Wrong);
        };
        self.lockout().succeeded(attempt);
        Ok(proven)
    }

    /// Signs in by a link of the demonstration: on the same machine only, once.
    ///
    /// # Errors
    /// [`Error::Wrong`] for anything that is not a fresh link of a demonstration.
    pub async fn sign_in_by_link(
        &self,
        token: &str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        if !self.config.demo.enabled || !address.is_loopback() {
            return Err(Error::Wrong);
        }
        let person = links::use_link(&self.db, &secret::hash(token), now_ms).await?;
        let person = id("a person", &person.ok_or(Error::Wrong)?)?;
        let person = person::find(&self.db, person, now_ms)
            .await?
            .ok_or(Error::Wrong)?;
        self.begin(&person, "link", address, now_ms).await
    }

    /// The person, if password and code are right and the code was not used before. Takes the
    /// same time whichever is wrong.
    async fn proven(
        &self,
        typed: &Typed,
        credential: Option<CredentialRow>,
        now_ms: i64,
    ) -> Result<Option<(Person, &'static str)>, Error> {
        let hash = credential
            .as_ref()
            .map(|credential| credential.password_hash.clone());
        let fits = self.hasher.verify(typed.password.clone(), hash).await;
        let factor = match &credential {
            Some(found) => self.sealing.unseal(&found.totp_sealed, &found.person_id)?,
            None => second_factor::new_secret(),
        };
        let step = second_factor::step(&factor, &typed.code, now_ms);
        let (true, Some(credential)) = (fits, credential) else {
            return Ok(None);
        };
        let holder = &credential.person_id;
        let how = match self.use_up(holder, step, &typed.code, now_ms).await? {
            Some(Second::Code) => "password",
            Some(Second::RecoveryCode) => "recovery_code",
            None => return Ok(None),
        };
        let person = person::find(&self.db, id("a person", holder)?, now_ms).await?;
        Ok(person.map(|person| (person, how)))
    }

    /// The session and its line are one: no sign-in without its line.
    pub(super) async fn begin(
        &self,
        person: &Person,
        how: &'static str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        let gone = match person.standing {
            Standing::Active | Standing::Suspended { .. } => None,
            Standing::Cancelled => Some(Refusal::CANCELLED),
            Standing::Left => Some(Refusal::LEFT),
        };
        let entry = entry(person.who(address), SIGN_IN, how);
        if let Some(refusal) = gone {
            let refused = Entry {
                outcome: Outcome::Refused,
                article: refusal.article,
                ..entry
            };
            self.trail.append(refused, now_ms).await?;
            return Err(Error::Refused(refusal));
        }
        let mut pending = self.trail.begin(entry, now_ms).await?;
        let writing = pending.writing();
        let token = self.sessions.begin_in(writing, person.id, address, now_ms);
        let token = token.await?;
        pending.commit().await?;
        Ok(token)
    }

    /// What a stranger typed is not kept: people type passwords into the wrong field.
    async fn note_failure(
        &self,
        credential: Option<CredentialRow>,
        action: &'static str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<(), Error> {
        let stranger = Who {
            address: address.to_string(),
            ..Who::default()
        };
        let who = match credential {
            None => stranger,
            Some(found) => {
                let person =
                    person::find(&self.db, id("a person", &found.person_id)?, now_ms).await?;
                person.map_or(stranger, |person| person.who(address))
            }
        };
        let entry = Entry {
            outcome: Outcome::Failed,
            ..entry(who, action, "wrong")
        };
        self.trail.append(entry, now_ms).await?;
        Ok(())
    }

    async fn waits(&self, wait: Wait, action: &'static str, address: IpAddr, now_ms: i64) -> Error {
        if wait.first {
            let who = Who {
                address: address.to_string(),
                ..Who::default()
            };
            let entry = Entry {
                outcome: Outcome::Refused,
                ..entry(who, action, "locked")
            };
            if let Err(unavailable) = self.trail.append(entry, now_ms).await {
                return unavailable.into();
            }
        }
        Error::Wait(wait.seconds)
    }

    /// What hashes passwords, a few at a time whoever asks.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Counts a try with a code that names nobody: only the network it comes from has to wait, so
    /// that nobody keeps others from starting.
    ///
    /// # Errors
    /// [`Error::Wait`], or that the trail cannot be written.
    pub async fn try_code(
        &self,
        action: &'static str,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<(), Error> {
        let allowed = self.lockout().begin(code_try(address), now_ms);
        match allowed {
            Ok(()) => Ok(()),
            Err(wait) => Err(self.waits(wait, action, address, now_ms).await),
        }
    }

    /// The code was right: the network starts afresh.
    pub fn code_fits(&self, address: IpAddr) {
        self.lockout().succeeded(code_try(address));
    }

    /// The code was wrong: writes the line.
    pub async fn wrong_code(&self, action: &'static str, address: IpAddr, now_ms: i64) -> Error {
        match self.note_failure(None, action, address, now_ms).await {
            Ok(()) => Error::Wrong,
            Err(error) => error,
        }
    }

    /// Who has tried wrongly, and who has to wait.
    #[must_use]
    pub fn held(&self, now_ms: i64) -> Vec<Held> {
        self.lockout().held(now_ms)
    }

    /// Lets somebody go before the time; the line is the caller's to write first.
    pub(super) fn release(&self, whom: &Whom) {
        self.lockout().release(whom);
    }

    fn lockout(&self) -> std::sync::MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const SIGN_IN: &str = "sign_in";

/// No login is empty.
fn code_try(address: IpAddr) -> Try<'static> {
    Try {
        login: "",
        address,
        known: true,
    }
}

fn entry(who: Who, action: &'static str, detail: &str) -> Entry {
    Entry {
        detail: detail.into(),
        ..Entry::done(who, action)
    }
}

mod passkey_step;
mod second_step;

pub use passkey_step::{Answer, Question};
pub(super) use second_step::Second;

#[cfg(test)]
mod tests;
