//! Sessions: an opaque token in a cookie, only its hash in the store, one per person (R27).

use std::net::IpAddr;

use uuid::Uuid;
use xunke_policy::Refusal;
use zeroize::Zeroizing;

use super::person::{self, Person};
use super::secret;
use crate::campus::{self, id};
use crate::config;
use crate::store::session::{self as rows, SessionRow};
use crate::store::{self, Db, Writing};

const MINUTE_MS: i64 = 60 * 1000;
/// A request is noted at most so often, so that reading pages does not mean writing.
const SEEN_EVERY_MS: i64 = MINUTE_MS;

/// A session that begins later than this from now: the clock was set back, and nobody knows how
/// long it has lasted.
const AHEAD_MS_MAX: i64 = 5 * MINUTE_MS;

/// Somebody signed in, at the moment of a request.
#[derive(Debug, Clone)]
pub struct Session {
    /// What names the session in the store; of no use as a token.
    pub token_hash: String,
    /// Goes with every unsafe request.
    pub csrf_token: String,
    /// Who.
    pub person: Person,
    /// From where the session was begun.
    pub begun_address: String,
}

/// What went wrong with a session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// What is stored makes no sense.
    #[error(transparent)]
    Campus(#[from] campus::Error),
}

/// The sessions of everybody.
#[derive(Debug, Clone)]
pub struct Sessions {
    db: Db,
    idle_ms: i64,
    absolute_ms: i64,
}

impl Sessions {
    /// Sessions in `db` under the school's rules.
    #[must_use]
    pub fn new(db: Db, rules: &config::Session) -> Self {
        Self {
            db,
            idle_ms: i64::from(rules.idle_minutes) * MINUTE_MS,
            absolute_ms: i64::from(rules.absolute_hours) * 60 * MINUTE_MS,
        }
    }

    /// Begins a session and ends the person's others, for a test about something else.
    #[cfg(test)]
    pub(crate) async fn begin(
        &self,
        person: Uuid,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        let mut writing = self.db.begin().await?;
        let token = self.begin_in(&mut writing, person, address, now_ms).await?;
        Db::commit(writing).await?;
        Ok(token)
    }

    /// Begins a session and ends the person's others, as part of what the reason is; the token is
    /// for the cookie alone.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_in(
        &self,
        writing: &mut Writing,
        person: Uuid,
        address: IpAddr,
        now_ms: i64,
    ) -> Result<Zeroizing<String>, Error> {
        let token = secret::token();
        let row = SessionRow {
            token_hash: secret::hash(&token),
            person_id: person.to_string(),
            address: address.to_string(),
            begun_ms: now_ms,
            seen_ms: now_ms,
            ended_ms: None,
        };
        rows::begin(writing, &row).await?;
        Ok(token)
    }

    /// Whose token this is, if the session still lasts; the request counts as activity.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, token: &str, now_ms: i64) -> Result<Option<Session>, Error> {
        let token_hash = secret::hash(token);
        let Some(row) = self.lasting(&token_hash, now_ms).await? else {
            return Ok(None);
        };
        if now_ms - row.seen_ms >= SEEN_EVERY_MS {
            rows::seen(&self.db, &token_hash, now_ms).await?;
        }
        let person = person::find(&self.db, id("a person", &row.person_id)?, now_ms).await?;
        let csrf_token = csrf_token(token);
        let begun_address = row.address;
        Ok(person.map(|person| Session {
            token_hash,
            csrf_token,
            person,
            begun_address,
        }))
    }

    /// Whether a session still lasts, and its person as of now. Does not count as activity.
    ///
    /// # Errors
    /// [`Refusal::SESSION_ENDED`] inside, or a failure of the store outside.
    pub async fn recheck(
        &self,
        session: &Session,
        now_ms: i64,
    ) -> Result<Result<Person, Refusal>, Error> {
        let ended = Ok(Err(Refusal::SESSION_ENDED));
        let Some(row) = self.lasting(&session.token_hash, now_ms).await? else {
            return ended;
        };
        let person = person::find(&self.db, id("a person", &row.person_id)?, now_ms).await?;
        Ok(person.ok_or(Refusal::SESSION_ENDED))
    }

    /// Counts as activity: somebody who is watching is not idle.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn touch(&self, session: &Session, now_ms: i64) -> Result<(), Error> {
        if self.lasting(&session.token_hash, now_ms).await?.is_some() {
            rows::seen(&self.db, &session.token_hash, now_ms).await?;
        }
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&self, session: &Session, now_ms: i64) -> Result<(), Error> {
        Ok(rows::end(&self.db, &session.token_hash, now_ms).await?)
    }

    async fn lasting(&self, token_hash: &str, now_ms: i64) -> Result<Option<SessionRow>, Error> {
        let row = rows::find(&self.db, token_hash).await?;
        Ok(row.filter(|row| {
            let idle = now_ms - row.seen_ms >= self.idle_ms;
            let old = now_ms - row.begun_ms >= self.absolute_ms;
            let ahead = row.begun_ms - now_ms > AHEAD_MS_MAX;
            row.ended_ms.is_none() && !idle && !old && !ahead
        }))
    }
}

/// Derived from the session token, which the page cannot read; nothing more to store.
fn csrf_token(token: &str) -> String {
    secret::hash(&format!("xunke csrf {token}"))
}
