//! Failures: an answer that says the hub failed is a line (R116), though not every time: what fails
//! again within a minute is counted and told with the next line.
//!
//! When the trail itself is what fails, there is no line while it does. It is counted here and told
//! once the trail takes lines again; the log knows of each failure at once, and should the hub end
//! before, only the log does.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use super::{Entry, Outcome, Trail, Unavailable, Who};

/// Time between two lines about the same entrance and the same status.
const EVERY_MS: i64 = 60_000;

/// A failed answer: nothing of what was asked or said.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Who asked, as far as known.
    pub who: Who,
    /// The entrance, such as `GET /api/rooms/{id}`.
    pub entrance: String,
    /// Such as 500.
    pub status: u16,
    /// Under which the log knows it.
    pub request: Uuid,
}

/// What is known of one entrance and status.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    /// When it was last told.
    told_ms: Option<i64>,
    /// How many failed since.
    untold: u32,
}

impl Count {
    /// Whether it was told less than a minute ago. A clock that was set back makes no silence.
    fn is_fresh(self, now_ms: i64) -> bool {
        let since = self.told_ms.map(|told_ms| now_ms - told_ms);
        since.is_some_and(|since_ms| (0..EVERY_MS).contains(&since_ms))
    }
}

/// Counts failures and tells the trail. There is one.
#[derive(Debug)]
pub struct Failures {
    trail: Arc<Trail>,
    counts: Mutex<HashMap<(String, u16), Count>>,
}

impl Failures {
    /// Tells `trail`.
    #[must_use]
    pub fn new(trail: Arc<Trail>) -> Self {
        Self {
            trail,
            counts: Mutex::default(),
        }
    }

    /// Writes the line of a failure, or counts it when there was one a moment ago or the trail
    /// takes none.
    pub async fn note(&self, failure: Failure, now_ms: i64) {
        let kind = (failure.entrance.clone(), failure.status);
        let before = {
            let mut counts = self.counts();
            let count = counts.entry(kind.clone()).or_default();
            if count.is_fresh(now_ms) {
                count.untold = count.untold.saturating_add(1);
                return;
            }
            count.told_ms = Some(now_ms);
            std::mem::take(&mut count.untold)
        };
        let more = match before {
            0 => String::new(),
            before => format!(", {before} untold"),
        };
        let detail = format!("{}, request {}{more}", failure.status, failure.request);
        let line = entry(failure.who, failure.entrance, detail);
        self.write(&kind, line, before.saturating_add(1), now_ms)
            .await;
    }

    /// Tells what was counted more than a minute ago and is not told yet.
    pub async fn tell_rest(&self, now_ms: i64) {
        let mut rest = Vec::new();
        for (kind, count) in self.counts().iter_mut() {
            if count.untold > 0 && !count.is_fresh(now_ms) {
                count.told_ms = Some(now_ms);
                rest.push((kind.clone(), std::mem::take(&mut count.untold)));
            }
        }
        for (kind, untold) in rest {
            let detail = format!("{}, {untold} untold", kind.1);
            let line = entry(Who::default(), kind.0.clone(), detail);
            self.write(&kind, line, untold, now_ms).await;
        }
    }

    /// What the line does not tell is told later.
    async fn write(&self, kind: &(String, u16), line: Entry, tells: u32, now_ms: i64) {
        let told: Result<_, Unavailable> = self.trail.append(line, now_ms).await;
        if told.is_err() {
            let mut counts = self.counts();
            let count = counts.entry(kind.clone()).or_default();
            count.untold = count.untold.saturating_add(tells);
        }
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<(String, u16), Count>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry(who: Who, entrance: String, detail: String) -> Entry {
    Entry {
        who,
        action: "request_failed",
        object: entrance,
        purpose: String::new(),
        outcome: Outcome::Failed,
        article: "",
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notices;
    use crate::store::Db;
    use crate::store::trail::{full, room_again};

    fn failure(entrance: &str) -> Failure {
        Failure {
            who: Who {
                staff_number: "S1".into(),
                ..Who::default()
            },
            entrance: entrance.into(),
            status: 500,
            request: Uuid::nil(),
        }
    }

    async fn stage() -> (Db, Failures) {
        let db = Db::in_memory().await;
        let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
        (db, Failures::new(trail))
    }

    async fn lines(failures: &Failures) -> Vec<String> {
        let lines = failures.trail.before(i64::MAX, 100).await.unwrap();
        let nil = Uuid::nil().to_string();
        let told = lines.iter().rev().map(|line| {
            let detail = line.detail.replace(&nil, "0");
            format!("{} {} {detail}", line.staff_number, line.object)
        });
        told.collect()
    }

    /// R116: who, where and under which number; what fails again and again is a line a minute.
    #[tokio::test]
    async fn a_failure_is_a_line_and_a_thousand_are_two() {
        let (_, failures) = stage().await;
        for at_ms in 0..1000 {
            failures.note(failure("GET /api/rooms"), at_ms).await;
        }
        failures.note(failure("GET /api/home"), 1000).await;
        failures.tell_rest(EVERY_MS - 1).await;
        let mut told = vec![
            "S1 GET /api/rooms 500, request 0".to_owned(),
            "S1 GET /api/home 500, request 0".to_owned(),
        ];
        assert_eq!(lines(&failures).await, told);
        failures.note(failure("GET /api/rooms"), EVERY_MS).await;
        told.push("S1 GET /api/rooms 500, request 0, 999 untold".to_owned());
        assert_eq!(lines(&failures).await, told);
    }

    /// R116: the last ones are told too, though nothing fails any more.
    #[tokio::test]
    async fn what_was_counted_is_told_in_the_end() {
        let (_, failures) = stage().await;
        for at_ms in 0..3 {
            failures.note(failure("GET /api/rooms"), at_ms).await;
        }
        for now_ms in [EVERY_MS, EVERY_MS + 1, 3 * EVERY_MS] {
            failures.tell_rest(now_ms).await;
        }
        let rest = lines(&failures).await.split_off(1);
        assert_eq!(rest, [" GET /api/rooms 500, 2 untold"]);
    }

    /// X9: while the trail takes nothing, failures are counted; afterwards they are told. A clock
    /// that was set back silences none.
    #[tokio::test]
    async fn failures_of_the_trail_itself_are_told_afterwards() {
        let (db, failures) = stage().await;
        full(&db, "trail", "1 = 1").await;
        for at_ms in [0, 1, EVERY_MS, EVERY_MS + 1] {
            failures.note(failure("GET /api/rooms"), at_ms).await;
        }
        assert_eq!(lines(&failures).await, Vec::<String>::new());
        room_again(&db).await;
        failures.tell_rest(EVERY_MS + 2).await;
        assert_eq!(
            lines(&failures).await,
            Vec::<String>::new(),
            "a minute has not passed"
        );
        failures.tell_rest(EVERY_MS - 1).await;
        assert_eq!(lines(&failures).await, [" GET /api/rooms 500, 4 untold"]);
    }
}
