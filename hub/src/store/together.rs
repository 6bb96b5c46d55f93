//! Writing together: what many boxes say at the same moment is committed at once.
//!
//! A commit waits for the disk, so one for each message would bound the whole campus by the disk's
//! latency. Nobody waits for company: who finds the writer free commits alone, and what comes while
//! a commit is under way is the next group. So a message waits for two commits at most, and 20 ms
//! are more than two commits take.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as Turn, oneshot};

use super::health::{self, EventRow, PresenceRow, ReportRow};
use super::history::{self, StepRow};
use super::{Db, Error, Writing};

/// Writes in one transaction: others want the one writing connection too.
const GROUP_MAX: usize = 128;

/// One thing to note.
#[derive(Debug, Clone)]
pub enum Note {
    /// A box's presence, and when the hub heard of it.
    Presence(PresenceRow, i64),
    /// A box's report, and when it arrived.
    Report(ReportRow, i64),
    /// An event.
    Event(EventRow),
    /// A box's numbers over five minutes.
    Step(StepRow),
}

/// What waits for its group.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    turn: Turn<()>,
    /// Since the hub started.
    groups: AtomicU64,
    queue: Mutex<VecDeque<Letter>>,
}

#[derive(Debug)]
struct Letter {
    note: Note,
    noted: oneshot::Sender<Result<(), Error>>,
}

impl Waiting {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Letter>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes something, together with what others note at the same time; durable when this returns.
///
/// # Errors
/// When the database does not take this one; what else was in the group does not suffer.
pub async fn note(db: &Db, note: Note) -> Result<(), Error> {
    let waiting = &db.waiting;
    let (noted, mut answer) = oneshot::channel();
    waiting.queue().push_back(Letter { note, noted });
    loop {
        let turn = tokio::select! {
            biased;
            answered = &mut answer => return answered.unwrap_or(Err(gone())),
            turn = waiting.turn.lock() => turn,
        };
        // A task of its own: who waits may be dropped, the group it leads may not.
        let group = tokio::spawn(write_group(db.clone()));
        drop(group.await);
        drop(turn);
    }
}

/// How many groups were written since the hub started.
#[must_use]
pub fn groups(db: &Db) -> u64 {
    db.waiting.groups.load(Ordering::Relaxed)
}

/// A panic in the group: nothing of it was committed.
fn gone() -> Error {
    Error::Query {
        doing: "noting what boxes say",
        source: sqlx::Error::WorkerCrashed,
    }
}

async fn write_group(db: Db) {
    // Those who come while the connection is waited for belong to the group.
    let begun = db.begin().await;
    let group: Vec<Letter> = {
        let mut queue = db.waiting.queue();
        let count = queue.len().min(GROUP_MAX);
        queue.drain(..count).collect()
    };
    db.waiting.groups.fetch_add(1, Ordering::Relaxed);
    let written = match begun {
        Ok(writing) => write_all(writing, &group).await,
        Err(error) => Err(error),
    };
    match written {
        Ok(()) => group
            .into_iter()
            .for_each(|letter| drop(letter.noted.send(Ok(())))),
        Err(_) => one_by_one(&db, group).await,
    }
}

async fn write_all(mut writing: Writing, group: &[Letter]) -> Result<(), Error> {
    for letter in group {
        write(&mut writing, &letter.note).await?;
    }
    Db::commit(writing).await
}

/// One that cannot be written spoils the transaction for all: each gets its own.
async fn one_by_one(db: &Db, group: Vec<Letter>) {
    for Letter { note, noted } in group {
        let written = async {
            let mut writing = db.begin().await?;
            write(&mut writing, &note).await?;
            Db::commit(writing).await
        };
        // Who is gone does not want to know.
        drop(noted.send(written.await));
    }
}

async fn write(writing: &mut Writing, note: &Note) -> Result<(), Error> {
    match note {
        Note::Presence(row, now_ms) => health::put_presence(writing, row, *now_ms).await,
        Note::Report(row, now_ms) => health::put_report(writing, row, *now_ms).await,
        Note::Event(row) => health::add_event(writing, row).await,
        Note::Step(row) => history::roll_up(writing, row).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use uuid::Uuid;

    async fn with_box() -> Db {
        let db = Db::in_memory().await;
        for statement in [
            "INSERT INTO units VALUES ('u', 'u', 'u')",
            "INSERT INTO buildings VALUES ('b', 'b')",
            "INSERT INTO classrooms (id, name, building_id, unit_id) VALUES ('c', 'c', 'b', 'u')",
            "INSERT INTO devices (id, classroom_id, state, created_ms)
             VALUES ('box-1', 'c', 'enrolled', 0)",
        ] {
            sqlx::query(statement).execute(db.write()).await.unwrap();
        }
        db
    }

    fn event(number: u128, device: &str) -> Note {
        Note::Event(EventRow {
            id: Uuid::from_u128(number).to_string(),
            device_id: device.into(),
            kind: "note".into(),
            seq: 1,
            at_ms: 1,
            received_ms: 1,
            data: "{}".into(),
        })
    }

    async fn events(db: &Db) -> usize {
        health::events(db, "box-1", "note", 0).await.unwrap().len()
    }

    #[tokio::test]
    async fn what_comes_at_once_is_all_noted() {
        let db = with_box().await;
        let notes = (0..300).map(|number| note(&db, event(number, "box-1")));
        let noted = join_all(notes).await;
        assert!(noted.iter().all(Result::is_ok));
        assert_eq!(events(&db).await, 300);
        let groups = groups(&db);
        assert!((3..10).contains(&groups), "together, in {groups} groups");
        assert!(note(&db, event(7, "box-1")).await.is_ok(), "again");
        assert_eq!(events(&db).await, 300, "once");
    }

    /// A box that nobody knows breaks a rule of the tables.
    #[tokio::test]
    async fn one_that_cannot_be_noted_does_no_harm_to_its_group() {
        let db = with_box().await;
        let device = |number: u128| ["box-1", "nobody"][usize::from(number % 10 == 3)];
        let notes = (0..50).map(|number| note(&db, event(number, device(number))));
        let noted = join_all(notes).await;
        let failed: Vec<usize> = (0..50).filter(|number| noted[*number].is_err()).collect();
        assert_eq!(failed, [3, 13, 23, 33, 43]);
        assert_eq!(events(&db).await, 45);
    }

    /// The connection of whoever leads a group may end at any moment.
    #[tokio::test]
    async fn whoever_goes_away_takes_nobody_along() {
        let db = with_box().await;
        let held = db.begin().await.unwrap();
        let first = tokio::spawn({
            let db = db.clone();
            async move { note(&db, event(1, "box-1")).await }
        });
        tokio::task::yield_now().await;
        let second = tokio::spawn({
            let db = db.clone();
            async move { note(&db, event(2, "box-1")).await }
        });
        tokio::task::yield_now().await;
        first.abort();
        drop(held);
        assert!(second.await.unwrap().is_ok());
        assert_eq!(events(&db).await, 2);
    }
}
