//! The signed head of each day (K6): whoever notes it down can prove later that nothing before it
//! was changed, not even by someone who can write the whole database.

use std::sync::Arc;

use ed25519_dalek::{SigningKey, VerifyingKey};
use tokio::sync::Mutex;

use super::export::Export;
use super::signed::{self, Word};
use super::{Broken, Entry, Trail, Unavailable, Who};
use crate::campus::calendar;
use crate::store::trail::{self, DayRow, Head};

/// Days that are signed afterwards at most, when the hub was away.
const DAYS_MAX: i64 = 400;

/// A signed head, asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The head.
    pub row: DayRow,
    /// Whether it is still this hub's word about a line that is there.
    pub holds: bool,
}

/// Signs days, and exports. There is one.
#[derive(Debug)]
pub struct Days {
    trail: Arc<Trail>,
    key: SigningKey,
    /// The last day that needs no more looking at; `None` after a start.
    done: Mutex<Option<i64>>,
}

impl Days {
    /// Signs the days of `trail` with the hub's `key`.
    #[must_use]
    pub fn new(trail: Arc<Trail>, key: SigningKey) -> Self {
        Self {
            trail,
            key,
            done: Mutex::new(None),
        }
    }

    /// Signs every day that has ended in Asia/Shanghai and is not signed yet: the last one, and
    /// those during which the hub was away. A broken trail is not signed; that is logged once.
    ///
    /// # Errors
    /// When the trail cannot be read or written; try again.
    pub async fn sign_missing(&self, now_ms: i64) -> Result<(), Unavailable> {
        let yesterday = calendar::day(now_ms) - 1;
        let mut done = self.done.lock().await;
        if done.is_some_and(|day| day >= yesterday) {
            return Ok(());
        }
        let latest = self.latest().await?;
        let first = match &latest {
            Some(row) => row.day + 1,
            None => self.first_day(now_ms).await?,
        };
        let first = first.max(yesterday - DAYS_MAX + 1);
        if first <= yesterday {
            match self.whole_since(latest.as_ref()).await? {
                Ok(()) => self.sign(first..=yesterday, now_ms).await?,
                Err(broken) => tracing::error!(
                    trail.seq = broken.seq,
                    what = broken.what,
                    "the trail is broken; its days are not signed"
                ),
            }
        }
        *done = Some(yesterday);
        Ok(())
    }

    /// The day of the first line; today while there is none.
    async fn first_day(&self, now_ms: i64) -> Result<i64, Unavailable> {
        let first = trail::after(&self.trail.db, 0, 1).await?;
        Ok(calendar::day(
            first.first().map_or(now_ms, |line| line.at_ms),
        ))
    }

    /// Whether the trail fits together and still runs through the head signed last.
    async fn whole_since(
        &self,
        latest: Option<&DayRow>,
    ) -> Result<Result<(), Broken>, Unavailable> {
        if let Err(broken) = self.trail.verify().await? {
            return Ok(Err(broken));
        }
        let Some(latest) = latest else {
            return Ok(Ok(()));
        };
        let line = self.trail.line(latest.seq).await?;
        if line.is_some_and(|line| line.hash == latest.hash) {
            return Ok(Ok(()));
        }
        Ok(Err(Broken {
            seq: latest.seq,
            what: "the line is not the one that was signed",
        }))
    }

    async fn sign(&self, days: impl Iterator<Item = i64>, now_ms: i64) -> Result<(), Unavailable> {
        for day in days {
            let ended_ms = calendar::moment(day + 1, 0);
            let Some(head) = trail::head_before(&self.trail.db, ended_ms).await? else {
                continue;
            };
            let mut pending = self.trail.begin(entry(day, &head), now_ms).await?;
            let word = Word::Day {
                day,
                signed_ms: now_ms,
            };
            let row = DayRow {
                day,
                seq: head.seq,
                signature: signed::sign(&self.key, word, &head),
                hash: head.hash,
                signed_ms: now_ms,
                signing_key: signed::public_text(&self.key.verifying_key()),
            };
            trail::add_day(pending.writing(), &row).await?;
            pending.commit().await?;
        }
        Ok(())
    }

    /// Asks again whether every signed head is the hub's word about a line that is still there:
    /// how many are, or the first day, from the latest, whose head does not hold (K6).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify(&self) -> Result<Result<usize, i64>, Unavailable> {
        let checked = self.checked(DAYS_MAX).await?;
        let broken = checked.iter().find(|one| !one.holds);
        Ok(broken.map_or(Ok(checked.len()), |one| Err(one.row.day)))
    }

    /// Up to `limit` signed heads, the latest first, each asked again whether it holds.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn checked(&self, limit: i64) -> Result<Vec<Checked>, Unavailable> {
        let mut checked = Vec::new();
        for row in self.list(limit).await? {
            let holds = self.holds(&row).await?;
            checked.push(Checked { row, holds });
        }
        Ok(checked)
    }

    /// Whether the head is this hub's word, and the line it is about is still there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds(&self, row: &DayRow) -> Result<bool, Unavailable> {
        let (day, signed_ms) = (row.day, row.signed_ms);
        let (key, word) = (self.key.verifying_key(), Word::Day { day, signed_ms });
        if !signed::holds(&key, word, &row.head(), &row.signature) {
            return Ok(false);
        }
        let line = self.trail.line(row.seq).await?;
        Ok(line.is_some_and(|line| line.hash == row.hash))
    }

    /// The head signed last.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn latest(&self) -> Result<Option<DayRow>, Unavailable> {
        Ok(self.list(1).await?.pop())
    }

    /// Up to `limit` signed heads, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, limit: i64) -> Result<Vec<DayRow>, Unavailable> {
        Ok(trail::days(&self.trail.db, limit).await?)
    }

    /// The lines of a day, which follow `from`, as a file that ends with its signed head (X8).
    #[must_use]
    pub fn export_day(&self, from: &Head, row: &DayRow) -> Export {
        Export::of_day(self.trail.clone(), from, row)
    }

    /// The trail whose days these are.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// The public half of the key that signs.
    #[must_use]
    pub fn public(&self) -> VerifyingKey {
        self.key.verifying_key()
    }

    /// An export of the trail up to `head`.
    #[must_use]
    pub fn export(&self, head: Head, now_ms: i64) -> Export {
        Export::new(self.trail.clone(), head, &self.key, now_ms)
    }
}

/// The signature is a use of the hub's key, and so a line of its own (R116).
fn entry(day: i64, head: &Head) -> Entry {
    Entry {
        object: calendar::date_text(day),
        detail: format!("{} {}", head.seq, head.hash),
        ..Entry::done(Who::default(), "sign_day")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notices;
    use crate::store::Db;
    use crate::store::trail::tamper;

    /// 2026-11-22, 00:00 in Shanghai.
    const MIDNIGHT_MS: i64 = 1_795_276_800_000;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    async fn days_of(moments: &[i64]) -> (Db, Days) {
        let db = Db::in_memory().await;
        let trail = Trail::new(db.clone(), Notices::default());
        for at_ms in moments {
            let line = entry(0, &super::super::empty());
            trail.append(line, *at_ms).await.unwrap();
        }
        (db, Days::new(Arc::new(trail), key()))
    }

    async fn signed(days: &Days) -> Vec<(i64, i64)> {
        let rows = days.list(100).await.unwrap();
        let today = calendar::day(MIDNIGHT_MS);
        rows.iter().map(|row| (row.day - today, row.seq)).collect()
    }

    /// K6: nothing at 23:59:59.999, the day's last line at 24:00, once.
    #[tokio::test]
    async fn a_day_is_signed_at_its_end() {
        let (_, days) = days_of(&[MIDNIGHT_MS - 5, MIDNIGHT_MS - 1, MIDNIGHT_MS]).await;
        days.sign_missing(MIDNIGHT_MS - 1).await.unwrap();
        assert_eq!(signed(&days).await, []);
        for now_ms in [MIDNIGHT_MS, MIDNIGHT_MS + 1, MIDNIGHT_MS - 1, MIDNIGHT_MS] {
            days.sign_missing(now_ms).await.unwrap();
            assert_eq!(signed(&days).await, [(-1, 2)]);
        }
        let row = days.latest().await.unwrap().unwrap();
        let (day, signed_ms) = (row.day, row.signed_ms);
        let head = Head {
            seq: row.seq,
            hash: row.hash,
        };
        let word = Word::Day { day, signed_ms };
        assert!(signed::holds(
            &key().verifying_key(),
            word,
            &head,
            &row.signature
        ));
        let line = days.trail.line(4).await.unwrap().unwrap();
        assert_eq!(
            (line.action.as_str(), line.object.as_str()),
            ("sign_day", "2026-11-21")
        );
    }

    /// K6: days during which the hub was away are signed when it is back.
    #[tokio::test]
    async fn missing_days_are_signed_at_start() {
        let day_ms = calendar::DAY_MS;
        let first_ms = MIDNIGHT_MS - 3 * day_ms;
        let (_, days) = days_of(&[first_ms, MIDNIGHT_MS - day_ms]).await;
        days.sign_missing(MIDNIGHT_MS).await.unwrap();
        assert_eq!(signed(&days).await, [(-1, 2), (-2, 1), (-3, 1)]);
        let (_, empty) = days_of(&[]).await;
        empty.sign_missing(MIDNIGHT_MS).await.unwrap();
        assert_eq!(signed(&empty).await, []);
    }

    /// K6, X8: a clock that was set back, over a restart, signs no day a second time and none
    /// before the last; the lines of that time are under the next head, and everything verifies.
    #[tokio::test]
    async fn a_clock_set_back_signs_nothing_twice_or_out_of_order() {
        let day_ms = calendar::DAY_MS;
        let (_, days) = days_of(&[MIDNIGHT_MS - 2 * day_ms, MIDNIGHT_MS - 1]).await;
        days.sign_missing(MIDNIGHT_MS).await.unwrap();
        let before = signed(&days).await;
        assert_eq!(before, [(-1, 2), (-2, 1)]);
        let again = Days::new(days.trail.clone(), key());
        for now_ms in [-3 * day_ms, -1, 0, day_ms - 1].map(|ms| MIDNIGHT_MS + ms) {
            let line = entry(0, &super::super::empty());
            days.trail.append(line, now_ms).await.unwrap();
            for days in [&days, &again] {
                days.sign_missing(now_ms).await.unwrap();
            }
            assert_eq!(signed(&days).await, before);
        }
        again.sign_missing(MIDNIGHT_MS + day_ms).await.unwrap();
        // Two lines, two of signing, and four while the clock was wrong.
        assert_eq!(signed(&days).await, [&[(0, 8)], &before[..]].concat());
        assert_eq!(again.verify().await.unwrap(), Ok(3));
        assert!(days.trail.verify().await.unwrap().is_ok());
    }

    /// K6: a trail that was changed, or written anew behind the signed head, is not signed.
    #[tokio::test]
    async fn a_changed_trail_is_not_signed() {
        for statement in [
            "UPDATE trail SET person = '李明' WHERE seq = 1",
            "UPDATE trail_days SET hash = 'of another trail'",
        ] {
            let (db, days) = days_of(&[MIDNIGHT_MS - 1]).await;
            days.sign_missing(MIDNIGHT_MS).await.unwrap();
            tamper(&db, statement).await;
            days.sign_missing(MIDNIGHT_MS + calendar::DAY_MS)
                .await
                .unwrap();
            assert_eq!(signed(&days).await, [(-1, 1)], "{statement}");
        }
    }

    /// K6: signed days are asked again; a changed head, signature or line shows with its day.
    #[tokio::test]
    async fn signed_days_are_asked_again() {
        for (statement, shows) in [
            ("UPDATE trail_days SET signed_ms = signed_ms", false),
            ("UPDATE trail_days SET signed_ms = signed_ms + 1", true),
            ("UPDATE trail_days SET seq = 1", true),
            ("UPDATE trail SET hash = 'x' WHERE seq = 2", true),
            ("DELETE FROM trail WHERE seq = 2", true),
        ] {
            let (db, days) = days_of(&[MIDNIGHT_MS - 5, MIDNIGHT_MS - 1]).await;
            days.sign_missing(MIDNIGHT_MS).await.unwrap();
            tamper(&db, statement).await;
            let yesterday = calendar::day(MIDNIGHT_MS) - 1;
            let expected = if shows { Err(yesterday) } else { Ok(1) };
            assert_eq!(days.verify().await.unwrap(), expected, "{statement}");
        }
    }

    /// X9: what cannot be written is tried again.
    #[tokio::test]
    async fn a_failure_is_tried_again() {
        let (db, days) = days_of(&[MIDNIGHT_MS - 1]).await;
        tamper(&db, "ALTER TABLE trail_days RENAME TO away").await;
        assert!(days.sign_missing(MIDNIGHT_MS).await.is_err());
        tamper(&db, "ALTER TABLE away RENAME TO trail_days").await;
        days.sign_missing(MIDNIGHT_MS).await.unwrap();
        assert_eq!(signed(&days).await, [(-1, 1)]);
        let head = days.trail.head().await.unwrap();
        assert_eq!(head.seq, 2, "the line of the failed try is not there");
    }
}
