//! The audit trail: append-only, hash-chained, one writer, and nothing goes on without it.
//!
//! 第五条第3项 “定期检查系统日志，防范数据泄露风险”; R60, X8, X9. The head is signed when a day ends
//! (`day`) and with every `export`; an `excerpt` is for reading only. Signed days
//! go to another machine (`copy`).

pub mod signed;
pub mod export;
pub mod day;
pub mod copy;
pub mod excerpt;
pub mod running;
pub mod failures;

use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, MutexGuard};

use super::secret::hex;
use crate::notice::{self, Notice, Notices};
use crate::store::trail::{self, Filter, Head, Line};
use crate::store::{self, Db, Writing};

/// What the first line is chained to.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Says what is hashed, so that the hash can mean nothing else.
const DOMAIN: &[u8] = b"xunke trail line 1";
/// Longest text of a field; strangers can type into some of them.
const CHARACTERS_MAX: usize = 500;
const PAGE: i64 = 1000;
/// How long the answer about the whole trail is kept.
const CHECKED_FOR_MS: i64 = 5_000;

/// How something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody asked and may.
    Permitted,
    /// Somebody asked and may not; the article says why.
    Refused,
    /// Something was done.
    Done,
    /// Something was tried and did not succeed.
    Failed,
}

impl Outcome {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Refused => "refused",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Who did it, as far as known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Who {
    /// The person's id; `None` for a stranger or the hub itself.
    pub person_id: Option<String>,
    /// The name.
    pub person: String,
    /// The staff number, or what was typed as one.
    pub staff_number: String,
    /// From where.
    pub address: String,
}

/// A line to be written. Never holds secrets, pictures or the text of records.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Who.
    pub who: Who,
    /// What, such as `view_live`.
    pub action: &'static str,
    /// To what, such as a room.
    pub object: String,
    /// Why.
    pub purpose: String,
    /// How it went.
    pub outcome: Outcome,
    /// The article of a refusal, else empty.
    pub article: &'static str,
    /// Anything more.
    pub detail: String,
}

impl Entry {
    /// Something that somebody did, of which nothing more is to be said yet.
    #[must_use]
    pub const fn done(who: Who, action: &'static str) -> Self {
        Self {
            who,
            action,
            object: String::new(),
            purpose: String::new(),
            outcome: Outcome::Done,
            article: "",
            detail: String::new(),
        }
    }
}

/// The trail cannot be written or read; whoever needs it must not go on.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The store does not take it or give it.
    #[error("the audit trail is not available")]
    Store(#[from] store::Error),
    /// What this hub has written is no longer there: nothing is chained to what somebody else put
    /// in its place.
    #[error("the audit trail was changed from outside: line {0} is not the one written here")]
    Changed(i64),
}

/// Where the trail was found broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The first line that does not fit.
    pub seq: i64,
    /// What does not fit.
    pub what: &'static str,
}

/// The trail. There is one, shared by every room.
#[derive(Debug)]
pub struct Trail {
    db: Db,
    notices: Notices,
    /// One append at a time, and the last line that this process has written: whatever the store
    /// says, that line must still be there. Another hub may have written since.
    writer: Mutex<Option<Head>>,
    /// When the whole trail was last read, and whether it was whole.
    checked: Mutex<Option<(i64, bool)>>,
    /// How often a line could not be written.
    unwritten: AtomicU64,
}

/// The trail held still before a line is written, for whatever the line depends on: a number that
/// is counted, a rule about who is left. Dropping it leaves everything as it was.
#[derive(Debug)]
pub struct Still<'a> {
    trail: &'a Trail,
    writer: MutexGuard<'a, Option<Head>>,
    writing: Writing,
    end: Head,
}

impl<'a> Still<'a> {
    /// Where to read what the line depends on. Nothing else can be written or appended meanwhile.
    pub fn writing(&mut self) -> &mut Writing {
        &mut self.writing
    }

    /// Writes the line; what it is about goes into the same transaction.
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub async fn line(mut self, entry: Entry, now_ms: i64) -> Result<Pending<'a>, Unavailable> {
        let action = entry.action;
        let line = line_after(&self.end, entry, now_ms);
        let added = trail::add(&mut self.writing, &line).await;
        self.trail.noted(added)?;
        Ok(Pending {
            trail: self.trail,
            action,
            writer: self.writer,
            writing: self.writing,
            head: Head {
                seq: line.seq,
                hash: line.hash,
            },
        })
    }
}

/// A line that becomes durable together with what it is about, or not at all: dropping it undoes
/// both.
#[derive(Debug)]
pub struct Pending<'a> {
    trail: &'a Trail,
    action: &'static str,
    writer: MutexGuard<'a, Option<Head>>,
    writing: Writing,
    head: Head,
}

impl Pending<'_> {
    /// The number of the line.
    #[must_use]
    pub fn seq(&self) -> i64 {
        self.head.seq
    }

    /// Where to write what the line is about. Nothing else can be written or appended meanwhile.
    pub fn writing(&mut self) -> &mut Writing {
        &mut self.writing
    }

    /// Writes one more line into the same transaction.
    ///
    /// # Errors
    /// When the store fails; then nothing must be committed.
    pub async fn also(&mut self, entry: Entry, now_ms: i64) -> Result<(), Unavailable> {
        let end = trail::hold(&mut self.writing, GENESIS).await?;
        let line = line_after(&end, entry, now_ms);
        trail::add(&mut self.writing, &line).await?;
        self.head = Head {
            seq: line.seq,
            hash: line.hash,
        };
        Ok(())
    }

    /// Both are durable when this returns.
    ///
    /// # Errors
    /// When the disk does not take it; then nothing was written.
    pub async fn commit(mut self) -> Result<Head, Unavailable> {
        self.trail.noted(Db::commit(self.writing).await)?;
        *self.writer = Some(self.head.clone());
        drop(self.writer);
        let notices = &self.trail.notices;
        notices.publish(Notice::Trail { seq: self.head.seq });
        if let Some(topic) = notice::topic(self.action) {
            notices.publish(Notice::Changed { topic });
        }
        Ok(self.head)
    }
}

impl Trail {
    /// The trail in `db`; what is appended is also told to open pages.
    #[must_use]
    pub fn new(db: Db, notices: Notices) -> Self {
        Self {
            db,
            notices,
            writer: Mutex::new(None),
            checked: Mutex::new(None),
            unwritten: AtomicU64::new(0),
        }
    }

    /// How often a line could not be written since the start: whatever was running before the last
    /// time must end (X9).
    #[must_use]
    pub fn unwritten(&self) -> u64 {
        self.unwritten.load(Ordering::Relaxed)
    }

    /// Notes that something could not be written that lies beside the trail.
    pub(super) fn noted<T, E>(&self, written: Result<T, E>) -> Result<T, E> {
        if written.is_err() {
            self.unwritten.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    /// Appends a line; it is durable when this returns.
    ///
    /// # Errors
    /// The line is not there: the caller must not do what it was about to record.
    pub async fn append(&self, entry: Entry, now_ms: i64) -> Result<Head, Unavailable> {
        self.begin(entry, now_ms).await?.commit().await
    }

    /// Begins to write a line and what it is about in one transaction.
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub async fn begin(&self, entry: Entry, now_ms: i64) -> Result<Pending<'_>, Unavailable> {
        self.hold().await?.line(entry, now_ms).await
    }

    /// Holds the trail still, to write a line that depends on what is stored.
    ///
    /// # Errors
    /// When the store fails; then nothing was written.
    pub async fn hold(&self) -> Result<Still<'_>, Unavailable> {
        let held = self.try_to_hold().await;
        self.noted(held)
    }

    async fn try_to_hold(&self) -> Result<Still<'_>, Unavailable> {
        let writer = self.writer.lock().await;
        let mut writing = self.db.begin().await?;
        let end = trail::hold(&mut writing, GENESIS).await?;
        if let Some(own) = writer.as_ref() {
            still_there(&mut writing, own, &end).await?;
        }
        Ok(Still {
            trail: self,
            writer,
            writing,
            end,
        })
    }

    /// The end of the trail.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn head(&self) -> Result<Head, Unavailable> {
        Ok(trail::head(&self.db).await?.unwrap_or_else(empty))
    }

    /// Up to `limit` lines before `seq`, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn before(&self, seq: i64, limit: i64) -> Result<Vec<Line>, Unavailable> {
        Ok(trail::before(&self.db, seq, limit).await?)
    }

    /// Up to `limit` lines before `seq` that `filter` asks for, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(
        &self,
        filter: &Filter,
        seq: i64,
        limit: i64,
    ) -> Result<Vec<Line>, Unavailable> {
        Ok(trail::find(&self.db, filter, seq, limit).await?)
    }

    /// The line with this number.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn line(&self, seq: i64) -> Result<Option<Line>, Unavailable> {
        let found = trail::before(&self.db, seq.saturating_add(1), 1).await?;
        Ok(found.into_iter().find(|line| line.seq == seq))
    }

    /// How many lines with this outcome there are since `since_ms`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn count(&self, outcome: Outcome, since_ms: i64) -> Result<i64, Unavailable> {
        Ok(trail::count(&self.db, outcome.word(), since_ms).await?)
    }

    /// Whether the whole trail fits together, as of a few seconds ago at most.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn whole(&self, now_ms: i64) -> Result<bool, Unavailable> {
        let mut checked = self.checked.lock().await;
        if let Some((at_ms, whole)) = *checked
            && (0..CHECKED_FOR_MS).contains(&(now_ms - at_ms))
        {
            return Ok(whole);
        }
        let answer = self.verify().await?;
        if let Err(broken) = &answer {
            tracing::error!(
                trail.seq = broken.seq,
                what = broken.what,
                "the trail is broken"
            );
        }
        *checked = Some((now_ms, answer.is_ok()));
        Ok(answer.is_ok())
    }

    /// Reads the whole trail and checks every line: numbers without gaps, hashes that fit, an end
    /// that is where the head says, and the last line of this process where it was left.
    ///
    /// # Errors
    /// When the store fails. A broken trail is an answer, not an error.
    pub async fn verify(&self) -> Result<Result<Head, Broken>, Unavailable> {
        let own = self.writer.lock().await.clone().unwrap_or_else(empty);
        let mut end = empty();
        loop {
            // The head first: lines become visible together with it, so it is never ahead of them.
            let recorded = trail::head(&self.db).await?.unwrap_or_else(empty);
            let page = trail::after(&self.db, end.seq, PAGE).await?;
            if page.is_empty() {
                let whole = recorded == end && own.seq <= end.seq;
                let what = "the trail does not end here";
                return Ok(whole
                    .then_some(end.clone())
                    .ok_or(Broken { seq: end.seq, what }));
            }
            for line in page {
                if let Err(broken) = follows(&end, &line) {
                    return Ok(Err(broken));
                }
                end = Head {
                    seq: line.seq,
                    hash: line.hash,
                };
                if end.seq == own.seq && end != own {
                    let what = "this is not the line that was written here";
                    return Ok(Err(Broken { seq: end.seq, what }));
                }
            }
        }
    }
}

/// The last line of this process is the end, or another hub has written after it.
async fn still_there(writing: &mut Writing, own: &Head, end: &Head) -> Result<(), Unavailable> {
    let stored = match end.seq == own.seq {
        true => Some(end.hash.clone()),
        false => trail::hash_at(writing, own.seq).await?,
    };
    if end.seq < own.seq || stored.is_none_or(|hash| hash != own.hash) {
        return Err(Unavailable::Changed(own.seq));
    }
    Ok(())
}

fn empty() -> Head {
    Head {
        seq: 0,
        hash: GENESIS.into(),
    }
}

fn follows(end: &Head, line: &Line) -> Result<(), Broken> {
    if line.seq != end.seq + 1 {
        return Err(Broken {
            seq: end.seq + 1,
            what: "a line is missing",
        });
    }
    if line.hash != line_hash(&end.hash, line) {
        return Err(Broken {
            seq: line.seq,
            what: "the hash does not fit the line",
        });
    }
    Ok(())
}

fn line_after(end: &Head, entry: Entry, now_ms: i64) -> Line {
    let mut line = Line {
        seq: end.seq + 1,
        at_ms: now_ms,
        person_id: entry.who.person_id,
        person: cut(entry.who.person),
        staff_number: cut(entry.who.staff_number),
        address: cut(entry.who.address),
        action: entry.action.into(),
        object: cut(entry.object),
        purpose: cut(entry.purpose),
        outcome: entry.outcome.word().into(),
        article: entry.article.into(),
        detail: cut(entry.detail),
        hash: String::new(),
    };
    line.hash = line_hash(&end.hash, &line);
    line
}

fn cut(text: String) -> String {
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

/// SHA-256 over the previous hash, the number, the time and every field with its length.
fn line_hash(previous: &str, line: &Line) -> String {
    let mut hasher = Sha256::new();
    hasher.update(DOMAIN);
    hasher.update(line.seq.to_be_bytes());
    hasher.update(line.at_ms.to_be_bytes());
    hasher.update([u8::from(line.person_id.is_some())]);
    let fields = [
        previous,
        line.person_id.as_deref().unwrap_or_default(),
        &line.person,
        &line.staff_number,
        &line.address,
        &line.action,
        &line.object,
        &line.purpose,
        &line.outcome,
        &line.article,
        &line.detail,
    ];
    for field in fields {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hex(&hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::trail::tamper;

    fn entry(object: &str) -> Entry {
        Entry {
            who: Who {
                person: "王建国".into(),
                ..Who::default()
            },
            action: "view_live",
            object: object.into(),
            purpose: "plan".into(),
            outcome: Outcome::Permitted,
            article: "",
            detail: String::new(),
        }
    }

    async fn trail_of_five() -> (Db, Trail) {
        let db = Db::in_memory().await;
        let trail = Trail::new(db.clone(), Notices::default());
        for room in ["101", "102", "103", "104", "105"] {
            trail.append(entry(room), 1_000).await.unwrap();
        }
        (db, trail)
    }

    async fn broken_after(statement: &'static str) -> i64 {
        let (db, _) = trail_of_five().await;
        tamper(&db, statement).await;
        // A new process remembers nothing: what is stored has to speak for itself.
        let trail = Trail::new(db, Notices::default());
        trail.verify().await.unwrap().unwrap_err().seq
    }

    #[tokio::test]
    async fn an_untouched_trail_verifies_also_after_a_restart() {
        let (db, trail) = trail_of_five().await;
        let head = trail.verify().await.unwrap().unwrap();
        assert_eq!(head.seq, 5);
        let restarted = Trail::new(db, Notices::default());
        assert_eq!(restarted.append(entry("106"), 2_000).await.unwrap().seq, 6);
        assert_eq!(restarted.verify().await.unwrap().unwrap().seq, 6);
    }

    /// X8, K6: changing any field of any line shows at that line.
    #[tokio::test]
    async fn a_changed_field_shows() {
        for statement in [
            "UPDATE trail SET at_ms = 999 WHERE seq = 3",
            "UPDATE trail SET person_id = '' WHERE seq = 3",
            "UPDATE trail SET person = '李明' WHERE seq = 3",
            "UPDATE trail SET staff_number = 'T1' WHERE seq = 3",
            "UPDATE trail SET address = '10.0.0.1' WHERE seq = 3",
            "UPDATE trail SET action = 'playback' WHERE seq = 3",
            "UPDATE trail SET object = '' WHERE seq = 3",
            "UPDATE trail SET purpose = 'issue' WHERE seq = 3",
            "UPDATE trail SET outcome = 'refused' WHERE seq = 3",
            "UPDATE trail SET article = '第十条' WHERE seq = 3",
            "UPDATE trail SET detail = 'x' WHERE seq = 3",
            "UPDATE trail SET hash = 'x' WHERE seq = 3",
            "UPDATE trail SET object = purpose, purpose = object WHERE seq = 3",
        ] {
            assert_eq!(broken_after(statement).await, 3, "{statement}");
        }
    }

    /// X8, K6: deleting, reordering and cutting off show.
    #[tokio::test]
    async fn missing_moved_and_cut_lines_show() {
        assert_eq!(broken_after("DELETE FROM trail WHERE seq = 3").await, 3);
        assert_eq!(broken_after("DELETE FROM trail WHERE seq = 1").await, 1);
        assert_eq!(broken_after("DELETE FROM trail WHERE seq = 5").await, 4);
        assert_eq!(broken_after("DELETE FROM trail").await, 0);
        let swap = "UPDATE trail SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3);
                    UPDATE trail SET seq = -seq WHERE seq < 0";
        assert_eq!(broken_after(swap).await, 2);
        let renumber = "DELETE FROM trail WHERE seq = 2;
                        UPDATE trail SET seq = seq - 1 WHERE seq = 3;
                        UPDATE trail SET seq = seq - 1 WHERE seq = 4;
                        UPDATE trail SET seq = seq - 1 WHERE seq = 5";
        assert_eq!(broken_after(renumber).await, 2);
    }

    /// A tail that is cut together with the recorded head shows while the hub runs.
    #[tokio::test]
    async fn a_cut_head_shows_to_the_process_that_wrote_it() {
        let (db, trail) = trail_of_five().await;
        let cut = "DELETE FROM trail WHERE seq = 5;
                   UPDATE trail_head SET seq = 4, hash = (SELECT hash FROM trail WHERE seq = 4)";
        tamper(&db, cut).await;
        assert_eq!(trail.verify().await.unwrap().unwrap_err().seq, 4);
    }

    /// X9: a trail that was cut or written anew behind the hub's back gets no more lines, so
    /// nothing goes on; what another hub adds after the own last line is no such change.
    #[tokio::test]
    async fn nothing_is_chained_to_what_somebody_else_put_there() {
        let (db, trail) = trail_of_five().await;
        let other_hub = Trail::new(db.clone(), Notices::default());
        assert_eq!(other_hub.append(entry("106"), 2_000).await.unwrap().seq, 6);
        assert_eq!(trail.append(entry("107"), 2_000).await.unwrap().seq, 7);
        assert_eq!(other_hub.verify().await.unwrap().unwrap().seq, 7);
        let cut = "DELETE FROM trail WHERE seq = 7;
                   UPDATE trail_head SET seq = 6, hash = (SELECT hash FROM trail WHERE seq = 6)";
        tamper(&db, cut).await;
        let refused = trail.append(entry("108"), 3_000).await;
        assert!(
            matches!(refused, Err(Unavailable::Changed(7))),
            "{refused:?}"
        );
        assert_eq!(other_hub.append(entry("108"), 3_000).await.unwrap().seq, 7);
        let refused = trail.append(entry("109"), 3_000).await;
        assert!(
            matches!(refused, Err(Unavailable::Changed(7))),
            "{refused:?}"
        );
        assert_eq!(trail.verify().await.unwrap().unwrap_err().seq, 7);
    }

    /// The page may ask as often as it likes; a break shows within seconds.
    #[tokio::test]
    async fn a_break_shows_within_seconds() {
        let (db, trail) = trail_of_five().await;
        assert!(trail.whole(10_000).await.unwrap());
        tamper(&db, "UPDATE trail SET person = '' WHERE seq = 2").await;
        assert!(trail.whole(14_999).await.unwrap());
        assert!(!trail.whole(15_000).await.unwrap());
    }

    /// X9: a trail that cannot be written says so.
    #[tokio::test]
    async fn appending_to_nowhere_is_an_error() {
        let (db, trail) = trail_of_five().await;
        tamper(&db, "DROP TABLE trail").await;
        assert!(trail.append(entry("106"), 1).await.is_err());
    }

    #[tokio::test]
    async fn long_text_of_strangers_is_cut() {
        let trail = Trail::new(Db::in_memory().await, Notices::default());
        trail.append(entry(&"课".repeat(5_000)), 1).await.unwrap();
        let lines = trail.before(i64::MAX, 1).await.unwrap();
        assert_eq!(lines[0].object.chars().count(), CHARACTERS_MAX);
        assert!(trail.verify().await.unwrap().is_ok());
    }
}
