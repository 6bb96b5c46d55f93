//! Risks: the trail is watched line by line for what somebody should look at (R117, R28).
//!
//! A hint names a person, a rule and its lines; what it means a person decides, with a note
//! (R114). Every line is looked at once, a page at a time, however long the trail is.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::Mutex;
use uuid::Uuid;
use xunke_policy::inspection;
use xunke_policy::inspection::risk::{Deed, Finding, LOOK_BACK_MS, Line, Watch};
use xunke_policy::institution::Institution;
use xunke_policy::patrol::FieldError;

use super::audit::{Entry, Trail};
use super::grant::{By, Error, answered};
use crate::campus::id;
use crate::notice::{Notice, Notices};
use crate::store::risk::{self as rows, NewRisk, RiskRow, WatchedLine};
use crate::store::{self, Db};

/// Lines looked at in one transaction.
const PAGE: i64 = 1000;
/// Something that stands out again within so long goes on.
const GOES_ON_MS: i64 = 24 * 60 * 60 * 1000;
/// Risks on the page.
const LISTED_MAX: i64 = 200;
/// Lines of one risk on the page.
const LINES_MAX: i64 = 20;
const NOTE_CHARACTERS_MAX: usize = 500;

/// What somebody found when they looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Looked at; the note says what comes of it.
    LookedAt,
    /// Nothing is wrong.
    FalseAlarm,
}

impl Judgement {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::LookedAt => "looked_at",
            Self::FalseAlarm => "false_alarm",
        }
    }

    /// The judgement of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::LookedAt, Self::FalseAlarm]
            .into_iter()
            .find(|one| one.word() == word)
    }
}

/// How far the trail was looked at, and what may still count.
#[derive(Debug)]
struct Sight {
    watch: Watch<String>,
    seq: i64,
}

/// Watches the trail. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Risks {
    db: Db,
    trail: Arc<Trail>,
    notices: Notices,
    institution: Arc<Institution>,
    sight: Arc<Mutex<Option<Sight>>>,
}

impl Risks {
    /// Nothing was looked at since the start.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, notices: Notices, institution: Arc<Institution>) -> Self {
        Self {
            db,
            trail,
            notices,
            institution,
            sight: Arc::default(),
        }
    }

    /// Looks at what was written since the last time; to be called every few seconds.
    ///
    /// # Errors
    /// When the store fails; the same lines are looked at again.
    pub async fn look(&self, now_ms: i64) -> Result<(), store::Error> {
        let mut sight = self.sight.lock().await;
        let mut seen = match sight.take() {
            Some(seen) => seen,
            None => self.begin(now_ms).await?,
        };
        let mut news = false;
        loop {
            let lines = rows::lines(&self.db, seen.seq, i64::MAX, PAGE).await?;
            let Some(last) = lines.last() else { break };
            let (seq, at_ms) = (last.seq, last.at_ms);
            let found = see(&mut seen.watch, &lines);
            news |= !found.is_empty();
            let mut writing = self.db.begin().await?;
            for (at_ms, finding) in &found {
                rows::add(&mut writing, &new_risk(*at_ms, finding)).await?;
            }
            rows::set_mark(&mut writing, seq).await?;
            Db::commit(writing).await?;
            seen.seq = seq;
            seen.watch.forget(at_ms);
        }
        // After an error nothing is kept: what was seen but not written is seen again.
        *sight = Some(seen);
        if news {
            self.notices.publish(Notice::Changed { topic: "risks" });
        }
        Ok(())
    }

    /// What may still count of the lines that were looked at before this start; told already.
    async fn begin(&self, now_ms: i64) -> Result<Sight, store::Error> {
        let mark = rows::mark(&self.db).await?;
        let mut watch = Watch::new(self.institution.rules.risk);
        let mut seq = rows::before(&self.db, now_ms - LOOK_BACK_MS).await?;
        loop {
            let lines = rows::lines(&self.db, seq, mark, PAGE).await?;
            let Some(last) = lines.last() else { break };
            seq = last.seq;
            see(&mut watch, &lines);
        }
        Ok(Sight { watch, seq: mark })
    }

    /// Risks with their latest lines: those nobody has looked at first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<(RiskRow, Vec<i64>)>, store::Error> {
        let mut listed = Vec::new();
        for row in rows::list(&self.db, LISTED_MAX).await? {
            let lines = rows::evidence(&self.db, &row.id, LINES_MAX).await?;
            listed.push((row, lines));
        }
        Ok(listed)
    }

    /// How many risks nobody has looked at.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(&self) -> Result<i64, store::Error> {
        Ok(rows::count(&self.db, i64::MIN, i64::MAX).await?.1)
    }

    /// Keeps what somebody found; nobody judges what is about themselves (R115).
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn judge(
        &self,
        by: By<'_>,
        risk: Uuid,
        judgement: Judgement,
        note: &str,
    ) -> Result<(), Error> {
        let note = note.trim();
        if !(2..=NOTE_CHARACTERS_MAX).contains(&note.chars().count()) {
            return Err(Error::Field(NO_NOTE));
        }
        let row = rows::find(&self.db, &risk.to_string()).await?;
        let row = row.ok_or(Error::NotFound)?;
        let entry = Entry {
            object: format!("{} {}", row.person, row.staff_number),
            purpose: note.to_owned(),
            detail: format!("{}, {}", judgement.word(), row.risk),
            ..by.done("judge_risk")
        };
        let inspector = by.session.person.id;
        let about = id("a person", &row.person_id)?;
        let (school, roles) = (&self.institution, &by.session.person.roles);
        let answer = inspection::may_inspect(school, &inspector, roles, &[about]);
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let (found, inspector) = ((judgement.word(), note), inspector.to_string());
        if !rows::judge(pending.writing(), &row.id, found, &inspector, by.now_ms).await? {
            return Err(Error::NotFound);
        }
        pending.commit().await?;
        Ok(())
    }
}

/// What stands out in these lines, each with the time of the line that showed it.
fn see(watch: &mut Watch<String>, lines: &[WatchedLine]) -> Vec<(i64, Finding<String>)> {
    let mut found = Vec::new();
    for line in lines.iter().filter_map(line_of) {
        let new = watch.see(&line).into_iter();
        found.extend(new.map(|finding| (line.at_ms, finding)));
    }
    found
}

/// A line of a person at an address; what the hub or its console did is not watched.
fn line_of(row: &WatchedLine) -> Option<Line<String>> {
    let address: IpAddr = row.address.parse().ok()?;
    let viewed = matches!(row.action.as_str(), "view_live" | "playback");
    let deed = match row.outcome.as_str() {
        "permitted" if viewed => Deed::Viewed(row.teacher_id.clone()),
        "refused" => Deed::Refused,
        _ if row.new_address != 0 => Deed::NewAddress,
        _ => Deed::Other,
    };
    Some(Line {
        seq: row.seq,
        at_ms: row.at_ms,
        person: row.person_id.clone()?,
        address,
        deed,
    })
}

fn new_risk(at_ms: i64, finding: &Finding<String>) -> NewRisk<'_> {
    NewRisk {
        risk: finding.risk.word(),
        person_id: &finding.person,
        teacher_id: finding.teacher.as_deref().unwrap_or_default(),
        at_ms,
        since_ms: at_ms - GOES_ON_MS,
        lines: &finding.lines,
    }
}

const NO_NOTE: FieldError = FieldError {
    field: "note",
    zh: "请写明查看结果（2 至 500 字）。",
    en: "Say what was found in 2 to 500 characters.",
};

#[cfg(test)]
mod tests;
