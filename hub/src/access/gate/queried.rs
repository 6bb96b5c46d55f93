//! Queries: whoever reads a list of recordings, records, permissions or lines leaves a line (R116).
//!
//! A page that asks the same again when something changes is one query, not many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::{Gate, Permit, purpose_text, view_object};
use crate::access::audit::{Entry, Outcome, Unavailable};
use crate::access::session::Session;

/// The same question by the same person within so long is the same query.
const SAME_MS: i64 = 5 * 60 * 1000;
/// Queries remembered; beyond, all are forgotten and the next of each is a line again.
const QUERIES_MAX: usize = 10_000;

/// Who asked what, and when that was last written.
#[derive(Debug, Clone, Default)]
pub(super) struct Queries(Arc<Mutex<HashMap<Key, i64>>>);

type Key = (Uuid, &'static str, String);

impl Queries {
    /// Whether this question was not asked lately; it counts as asked from now on.
    fn is_new(&self, key: Key, now_ms: i64) -> bool {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= QUERIES_MAX {
            asked.clear();
        }
        let before = asked.get(&key).copied();
        let lately = before.is_some_and(|at_ms| (0..SAME_MS).contains(&(now_ms - at_ms)));
        if !lately {
            asked.insert(key, now_ms);
        }
        !lately
    }
}

impl Gate {
    /// Writes that somebody reads a list; `object` says which part of it was asked for.
    ///
    /// # Errors
    /// When the trail cannot be written: then nothing is handed out.
    pub async fn note_query(
        &self,
        session: &Session,
        (name, object): (&'static str, &str),
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<(), Unavailable> {
        let key = (session.person.id, name, object.to_owned());
        if !self.queries.is_new(key, now_ms) {
            return Ok(());
        }
        let entry = Entry {
            who: session.person.who(origin),
            action: name,
            object: object.to_owned(),
            purpose: String::new(),
            outcome: Outcome::Permitted,
            article: "",
            detail: String::new(),
        };
        self.trail.append(entry, now_ms).await?;
        Ok(())
    }

    /// Writes that a permit begins to use the key of a day; once for each play (R116).
    ///
    /// # Errors
    /// When the trail cannot be written: then nothing is opened.
    pub async fn note_key<A, O>(
        &self,
        permit: &Permit<A, O>,
        day: &str,
        now_ms: i64,
    ) -> Result<(), Unavailable> {
        let entry = Entry {
            object: view_object(permit.view_id),
            purpose: purpose_text(&permit.purpose),
            detail: day.to_owned(),
            ..Entry::done(permit.session.person.who(permit.origin), "use_key")
        };
        self.trail.append(entry, now_ms).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::gate::tests::stage::{HERE, stage};

    const NOW: i64 = 1_795_300_000_000;

    /// R116: one line a question, however often the page asks; another question is another line.
    #[tokio::test]
    async fn a_page_that_asks_again_is_one_query() {
        let f = stage(NOW).await;
        let session = f.session("school_supervisor", NOW).await;
        let ask = async |object: &str, now_ms| {
            let question = ("see_recordings", object);
            let asked = f.gate.note_query(&session, question, HERE, now_ms);
            asked.await.unwrap();
            f.trail.head().await.unwrap().seq
        };
        assert_eq!(ask("date=2026-11-22", NOW).await, 1);
        assert_eq!(ask("date=2026-11-22", NOW + SAME_MS - 1).await, 1);
        assert_eq!(ask("date=2026-11-21", NOW).await, 2);
        assert_eq!(ask("date=2026-11-22", NOW + SAME_MS).await, 3);
        let lines = f.lines().await;
        assert_eq!(
            (lines[0].action.as_str(), lines[0].outcome.as_str()),
            ("see_recordings", "permitted")
        );
        assert_eq!(lines[0].object, "date=2026-11-22");
    }
}
