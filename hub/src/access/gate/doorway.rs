//! At the door: asking for what is no content, and a refusal with its line.

use std::net::IpAddr;

use xunke_policy::access::Action;
use xunke_policy::{Refusal, password};

use super::{Denied, Gate};
use crate::access::audit::{Entry, Outcome};
use crate::access::session::Session;

impl Gate {
    /// Asks for something that is not content; `name` and `object` stand in the trail when the
    /// answer is a refusal.
    ///
    /// # Errors
    /// The refusal, or that the trail cannot be written.
    pub async fn enter(
        &self,
        session: &Session,
        action: Action<'_>,
        (name, object): (&'static str, &str),
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<(), Denied> {
        match self.judge(&session.person, action, origin, now_ms) {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.turn_away(session, refusal, (name, object), origin, now_ms)
                    .await
            }
        }
    }

    /// “按学校规定定期更换” (R30): with an expired password nothing is left but to change it, whatever
    /// else a person may. `name` stands in the trail when the answer is a refusal.
    ///
    /// # Errors
    /// The refusal, or that the trail cannot be written.
    pub async fn pass(
        &self,
        session: &Session,
        name: &'static str,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<(), Denied> {
        let rules = &self.institution.rules.password;
        match password::fresh(session.person.password_changed_ms, rules, now_ms) {
            Ok(()) => Ok(()),
            Err(refusal) => {
                self.turn_away(session, refusal, (name, ""), origin, now_ms)
                    .await
            }
        }
    }

    async fn turn_away(
        &self,
        session: &Session,
        refusal: Refusal,
        (name, object): (&'static str, &str),
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<(), Denied> {
        let entry = Entry {
            who: session.person.who(origin),
            action: name,
            object: object.into(),
            purpose: String::new(),
            outcome: Outcome::Refused,
            article: refusal.article,
            detail: refusal.code.into(),
        };
        self.trail.append(entry, now_ms).await?;
        Err(Denied::Refused(refusal))
    }
}
