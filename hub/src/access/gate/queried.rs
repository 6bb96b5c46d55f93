//! Queries: whoever reads a list of recordings, records, permissions or lines leaves a line (R116).
//!
//! A page that asks the same again when something changes is one query, not many.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use xunke_policy::Refusal;

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
    /// Whether this question was not asked lately.
    fn is_new(&self, key: &Key, now_ms: i64) -> bool {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = asked.get(key).copied();
        !before.is_some_and(|at_ms| (0..SAME_MS).contains(&(now_ms - at_ms)))
    }

    /// Its line is written.
    fn note(&self, key: Key, now_ms: i64) {
        let mut asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.len() >= QUERIES_MAX {
            asked.clear();
        }
        asked.insert(key, now_ms);
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
        if !self.queries.is_new(&key, now_ms) {
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
        self.queries.note(key, now_ms);
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

    /// Writes where somebody moved on the timeline of a play (R69); once, when it ends.
    ///
    /// # Errors
    /// When the trail cannot be written.
    pub async fn note_jumps<A, O>(
        &self,
        permit: &Permit<A, O>,
        jumps: &str,
        now_ms: i64,
    ) -> Result<(), Unavailable> {
        let entry = Entry {
            object: view_object(permit.view_id),
            purpose: purpose_text(&permit.purpose),
            detail: jumps.to_owned(),
            ..Entry::done(permit.session.person.who(permit.origin), "playback_jumps")
        };
        self.trail.append(entry, now_ms).await?;
        Ok(())
    }

    /// Writes that a permit gets no key, and why: somebody has opened enough for today (K1).
    ///
    /// # Errors
    /// When the trail cannot be written.
    pub async fn note_no_key<A, O>(
        &self,
        permit: &Permit<A, O>,
        refusal: Refusal,
        now_ms: i64,
    ) -> Result<(), Unavailable> {
        let entry = Entry {
            object: view_object(permit.view_id),
            purpose: purpose_text(&permit.purpose),
            outcome: Outcome::Refused,
            article: refusal.article,
            detail: refusal.code.into(),
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
    use crate::store::trail::tamper;
    use xunke_policy::purpose::Purpose;

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
        assert_eq!(ask("date=2026-11-22", NOW + 299_999).await, 1);
        assert_eq!(ask("date=2026-11-21", NOW).await, 2);
        assert_eq!(ask("date=2026-11-22", NOW + 300_000).await, 3);
        let lines = f.lines().await;
        assert_eq!(
            (lines[0].action.as_str(), lines[0].outcome.as_str()),
            ("see_recordings", "permitted")
        );
        assert_eq!(lines[0].object, "date=2026-11-22");
    }

    /// R116: a question whose line could not be written is answered neither now nor the next time.
    #[tokio::test]
    async fn a_query_that_left_no_line_was_not_asked() {
        let f = stage(NOW).await;
        let session = f.session("school_supervisor", NOW).await;
        let ask = |now_ms| {
            let question = ("see_recordings", "");
            f.gate.note_query(&session, question, HERE, now_ms)
        };
        tamper(&f.db, "ALTER TABLE trail RENAME TO lost").await;
        assert!(ask(NOW).await.is_err());
        assert!(ask(NOW + 1_000).await.is_err());
        tamper(&f.db, "ALTER TABLE lost RENAME TO trail").await;
        assert!(ask(NOW + 2_000).await.is_ok());
        assert_eq!(f.lines().await.len(), 1);
    }

    /// R116: whose key of which day, for which view and why.
    #[tokio::test]
    async fn the_use_of_a_key_is_a_line() {
        let f = stage(NOW).await;
        let session = f.session("school_supervisor", NOW).await;
        let (room, purpose) = (f.rooms[0].clone(), Purpose::Issue);
        let opened = f.gate.open_live(&session, room, &purpose, HERE, NOW).await;
        let permit = opened.unwrap();
        f.gate.note_key(&permit, "2026-11-22", NOW).await.unwrap();
        let line = &f.lines().await[0];
        assert_eq!((&*line.action, &*line.outcome), ("use_key", "done"));
        assert_eq!(line.object, format!("view {}", permit.view_id));
        assert_eq!((&*line.purpose, &*line.detail), ("issue", "2026-11-22"));
        assert_eq!(line.person, "王建国");
    }

    #[test]
    fn no_more_is_remembered_than_its_limit() {
        let queries = Queries::default();
        let key = |number: usize| (Uuid::nil(), "see_records", number.to_string());
        for number in 0..10_000 {
            queries.note(key(number), NOW);
        }
        assert!(!queries.is_new(&key(0), NOW));
        queries.note(key(10_000), NOW);
        assert!(queries.is_new(&key(0), NOW));
        assert!(!queries.is_new(&key(10_000), NOW));
    }
}
