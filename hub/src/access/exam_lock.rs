//! 考试锁定: 教务处 locks rooms for an examination; while it lasts nobody watches them live (R59). The
//! gate asks the store each time, so that a lock closes what is open in < 1 s. Recording goes on.
//!
//! 第三条第2项 “不得干扰正常教学秩序”.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::patrol::FieldError;
use xunke_protocol::id::ClassroomId;

use super::audit::{Entry, Trail};
use super::grant::{By, Error, reasoned};
use crate::campus::calendar::{DAY_MS, date_and_time};
use crate::campus::classroom;
use crate::store::Db;
use crate::store::exam::{self as rows, ExamLockRow, NewExamLock};

const ARTICLE: &str = "第三条";
/// Rooms of one lock: a building.
const ROOMS_MAX: usize = 200;
/// An examination lasts days, not a term: what is forgotten ends by itself.
const DAYS_MAX: i64 = 14;

/// A lock as it is drawn up.
#[derive(Debug, Clone)]
pub struct ExamDraft {
    /// The rooms.
    pub rooms: Vec<Uuid>,
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// Why.
    pub reason: String,
}

/// A lock with the names of its rooms.
#[derive(Debug, Clone)]
pub struct ExamLock {
    /// What is stored of it.
    pub row: ExamLockRow,
    /// By name.
    pub rooms: Vec<String>,
}

/// Locks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ExamLocks {
    db: Db,
    trail: Arc<Trail>,
}

impl ExamLocks {
    /// Locks in `db`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>) -> Self {
        Self { db, trail }
    }

    /// Locks, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self) -> Result<Vec<ExamLock>, Error> {
        let mut rooms: HashMap<String, Vec<String>> = HashMap::new();
        for one in rows::rooms(&self.db).await? {
            rooms.entry(one.lock_id).or_default().push(one.room);
        }
        let locks = rows::all(&self.db).await?.into_iter();
        let locks = locks.map(|row| ExamLock {
            rooms: rooms.remove(&row.id).unwrap_or_default(),
            row,
        });
        Ok(locks.collect())
    }

    /// Locks rooms. Gives the number.
    ///
    /// # Errors
    /// The field; then nothing is locked.
    pub async fn set(&self, by: By<'_>, draft: &ExamDraft) -> Result<String, Error> {
        let reason = reasoned(&draft.reason)?;
        let span = (draft.from_ms, draft.until_ms);
        let lasts = span.1.saturating_sub(span.0);
        let (in_time, ahead) = (1..=DAYS_MAX * DAY_MS, span.1 > by.now_ms);
        if span.0 < 0 || !in_time.contains(&lasts) || !ahead {
            return Err(Error::Field(NO_SPAN));
        }
        let wanted: BTreeSet<_> = draft.rooms.iter().copied().collect();
        if wanted.is_empty() || wanted.len() > ROOMS_MAX {
            return Err(Error::Field(NO_ROOMS));
        }
        let mut names = Vec::new();
        for room in &wanted {
            let room = classroom::find(&self.db, ClassroomId(*room)).await?;
            names.push(room.ok_or(Error::Field(NO_ROOMS))?.name);
        }
        let rooms: Vec<_> = wanted.iter().map(Uuid::to_string).collect();
        let mut still = self.trail.hold().await?;
        let count = rows::count(still.writing()).await?;
        let number = format!("KS-{:05}", count + 1);
        let entry = Entry {
            object: format!("{number} {}", names.join("、")),
            purpose: reason.to_owned(),
            detail: format!("{} – {}", date_and_time(span.0), date_and_time(span.1)),
            article: ARTICLE,
            ..by.done("lock_exam")
        };
        let mut pending = still.line(entry, by.now_ms).await?;
        let new = NewExamLock {
            id: &Uuid::now_v7().to_string(),
            number: &number,
            span,
            reason,
            set_by: &by.session.person.id.to_string(),
            now_ms: by.now_ms,
        };
        rows::set(pending.writing(), &new, &rooms).await?;
        pending.commit().await?;
        Ok(number)
    }

    /// Lifts a lock before its time.
    ///
    /// # Errors
    /// The field, that there is none, or that it is over; then nothing was changed.
    pub async fn lift(&self, by: By<'_>, lock: Uuid, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let row = rows::one(&self.db, &lock.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let entry = Entry {
            object: row.number,
            purpose: why.to_owned(),
            article: ARTICLE,
            ..by.done("unlock_exam")
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let who = (&*by.session.person.id.to_string(), why);
        if !rows::lift(pending.writing(), &row.id, who, by.now_ms).await? {
            return Err(OVER);
        }
        pending.commit().await?;
        Ok(())
    }
}

const NO_SPAN: FieldError = FieldError {
    field: "until",
    zh: "起须在止前，止须在现在之后，最多 14 天。",
    en: "It begins before it ends, ends after now, and covers 14 days at most.",
};
const NO_ROOMS: FieldError = FieldError {
    field: "rooms",
    zh: "请选择 1 至 200 间教室。",
    en: "Choose 1 to 200 rooms.",
};
const OVER: Error = Error::Conflict(
    "该锁定已解除或已到期，请刷新。",
    "This lock is lifted or over; reload.",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::gate::tests::stage::{HERE, stage};

    const NOW: i64 = 1_795_300_000_000;

    #[tokio::test]
    async fn a_lock_names_rooms_that_exist_and_a_time_that_comes() {
        let f = stage(NOW).await;
        let session = f.session("academic_affairs", NOW).await;
        let by = By {
            session: &session,
            origin: HERE,
            now_ms: NOW,
        };
        let locks = ExamLocks::new(f.db.clone(), f.trail.clone());
        let rooms: Vec<_> = f.rooms.iter().map(|room| room.id.0).collect();
        let draft = |rooms: &[Uuid], from_ms, until_ms, reason: &str| ExamDraft {
            rooms: rooms.to_vec(),
            from_ms,
            until_ms,
            reason: reason.to_owned(),
        };
        for (field, wrong) in [
            ("rooms", draft(&[], NOW, NOW + 1, "期末考试")),
            ("rooms", draft(&[Uuid::now_v7()], NOW, NOW + 1, "期末考试")),
            ("reason", draft(&rooms, NOW, NOW + 1, " ")),
            ("until", draft(&rooms, NOW, NOW, "期末考试")),
            ("until", draft(&rooms, NOW - 9, NOW, "期末考试")),
            ("until", draft(&rooms, -1, NOW + 1, "期末考试")),
            ("until", draft(&rooms, NOW, NOW + 15 * DAY_MS, "期末考试")),
        ] {
            match locks.set(by, &wrong).await {
                Err(Error::Field(error)) => assert_eq!(error.field, field),
                other => panic!("{other:?}"),
            }
        }
        assert!(locks.all().await.unwrap().is_empty());
        let twice = [rooms[0], rooms[0], rooms[1]];
        let number = locks
            .set(by, &draft(&twice, NOW, NOW + 1000, "期末考试"))
            .await;
        assert_eq!(number.unwrap(), "KS-00001");
        let all = locks.all().await.unwrap();
        assert_eq!(all[0].rooms.len(), 2);
        let lock: Uuid = all[0].row.id.parse().unwrap();
        locks.lift(by, lock, "提前结束").await.unwrap();
        let again = locks.lift(by, lock, "提前结束").await;
        assert!(matches!(again, Err(Error::Conflict(..))), "{again:?}");
        let lines = f.lines().await;
        assert_eq!(lines[1].action, "lock_exam");
        assert_eq!(
            (&*lines[0].action, &*lines[0].article),
            ("unlock_exam", ARTICLE)
        );
    }
}
