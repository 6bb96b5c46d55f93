//! The copy of the trail on another machine (X8): each signed day a file, written once, for
//! `xunke-hub audit verify`.
//!
//! The folder is another machine's: it may be away, be full, or never answer. Nothing waits for it;
//! what is missing follows once it is back.

mod folder;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use self::folder::{Failure, Folder};
use super::day::Days;
use super::export::Export;
use super::{Entry, Outcome, Unavailable, Who, empty};
use crate::campus::calendar;
use crate::store::trail::{DayRow, Head};

/// The file that an administrator puts into the folder: an unmounted one is empty.
pub const MARKER: &str = "xunke-trail-copies";
/// Signed days looked at: more than a century.
const DAYS_MAX: i64 = 40_000;
/// How long the folder may take for one step.
const STEP_MAX: Duration = Duration::from_secs(20);
const ACTION: &str = "copy_trail";

/// Why a day was not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The folder holds no [`MARKER`].
    Unmarked,
    /// No room there.
    Full,
    /// Not there, not writable, or without an answer.
    Unreachable,
    /// What was read back is not what was written.
    Damaged,
    /// The trail's own signed head does not hold.
    Broken,
}

impl Trouble {
    /// The word in the trail and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Unmarked => "unmarked",
            Self::Full => "full",
            Self::Unreachable => "unreachable",
            Self::Damaged => "damaged",
            Self::Broken => "broken",
        }
    }
}

/// How the copy is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The last day up to which every signed day is there.
    pub until: Option<i64>,
    /// What is wrong, and since when, milliseconds since the epoch.
    pub trouble: Option<(Trouble, i64)>,
}

/// Copies signed days. There is one.
#[derive(Debug)]
pub struct Copies {
    days: Arc<Days>,
    folder: Option<Folder>,
    standing: Mutex<Standing>,
}

impl Copies {
    /// Copies `days` to `folder`; empty: to nowhere.
    #[must_use]
    pub fn new(days: Arc<Days>, folder: &Path) -> Self {
        let named = !folder.as_os_str().is_empty();
        Self {
            folder: named.then(|| Folder::new(PathBuf::from(folder), STEP_MAX)),
            days,
            standing: Mutex::default(),
        }
    }

    /// How it is doing; `None` when there is no folder.
    pub async fn standing(&self) -> Option<Standing> {
        self.folder.as_ref()?;
        Some(self.standing.lock().await.clone())
    }

    /// Copies every signed day that is not there yet, the oldest first. What the folder does is
    /// told in [`Copies::standing`] and in the trail, a line when it begins.
    ///
    /// # Errors
    /// When the trail cannot be read or written; try again.
    pub async fn catch_up(&self, now_ms: i64) -> Result<(), Unavailable> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let answer = match folder.names().await {
            Ok(there) => self.copy_missing(folder, &there, now_ms).await?,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(()) => self.standing.lock().await.trouble = None,
            Err(failure) => self.tell(failure, now_ms).await?,
        }
        Ok(())
    }

    async fn copy_missing(
        &self,
        folder: &Folder,
        there: &HashSet<String>,
        now_ms: i64,
    ) -> Result<Result<(), Failure>, Unavailable> {
        let mut rows = self.days.list(DAYS_MAX).await?;
        rows.reverse();
        let mut before = empty();
        for row in rows {
            if !there.contains(&name(&row)) {
                if let Err(failure) = self.copy(folder, &before, &row).await? {
                    return Ok(Err(failure));
                }
                let done = entry(Outcome::Done, calendar::date_text(row.day), String::new());
                self.days.trail().append(done, now_ms).await?;
            }
            self.standing.lock().await.until = Some(row.day);
            before = row.head();
        }
        Ok(Ok(()))
    }

    async fn copy(
        &self,
        folder: &Folder,
        before: &Head,
        row: &DayRow,
    ) -> Result<Result<(), Failure>, Unavailable> {
        if !self.days.holds(row).await? {
            return Ok(Err(Trouble::Broken.into()));
        }
        let writing = folder.write(name(row), self.days.public());
        let mut writing = match writing {
            Ok(writing) => writing,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut export: Export = self.days.export_day(before, row);
        while let Some(piece) = export.next().await? {
            if !writing.put(piece).await {
                break;
            }
        }
        Ok(writing.end().await)
    }

    /// A line when trouble begins or becomes another, not each time it is met again.
    async fn tell(&self, failure: Failure, now_ms: i64) -> Result<(), Unavailable> {
        let mut standing = self.standing.lock().await;
        if standing
            .trouble
            .is_some_and(|(known, _)| known == failure.trouble)
        {
            return Ok(());
        }
        tracing::error!(
            trouble = failure.trouble.word(),
            cause = failure.cause,
            "audit.copy_dir: the trail is not copied"
        );
        let detail = failure.trouble.word().to_owned();
        let line = entry(Outcome::Failed, String::new(), detail);
        self.days.trail().append(line, now_ms).await?;
        standing.trouble = Some((failure.trouble, now_ms));
        Ok(())
    }
}

/// One name for one content: a store that was put back writes beside what is there, not over it.
fn name(row: &DayRow) -> String {
    let hash: String = row.hash.chars().take(12).collect();
    format!("xunke-trail-{}-{hash}.jsonl", calendar::date_text(row.day))
}

fn entry(outcome: Outcome, object: String, detail: String) -> Entry {
    Entry {
        who: Who::default(),
        action: ACTION,
        object,
        purpose: String::new(),
        outcome,
        article: "",
        detail,
    }
}

#[cfg(test)]
mod tests;
