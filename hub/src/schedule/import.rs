//! Import: a timetable previewed, then taken over as a whole or not at all.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::patrol::FieldError;

use super::expand::School;
use super::plan::{List, Plan, Snapshot, Taken, plan};
use super::{kb_list, table};
use crate::access::audit::{Entry, Trail};
use crate::access::grant::{By, Error};
use crate::access::roster::import::Unread;
use crate::campus::calendar;
use crate::campus::term::{self, Period, Term};
use crate::sheet::{self, NoSheet};
use crate::store::schedule::{self as rows, ExtentRow};
use crate::store::{Db, Writing, campus, roster};

/// A file as it is to be taken over.
#[derive(Debug)]
pub struct Upload {
    /// Its bytes.
    pub file: Vec<u8>,
    /// Whether it names every lesson of the term.
    pub whole: bool,
    /// The term.
    pub term: Uuid,
}

/// A plan with what it was made for.
#[derive(Debug)]
pub struct Preview {
    /// What would change.
    pub plan: Plan,
    /// The school it is about.
    pub school: School,
}

/// The school's timetable. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Schedule {
    db: Db,
    trail: Arc<Trail>,
}

impl Schedule {
    /// The timetable in `db`, each change a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>) -> Self {
        Self { db, trail }
    }

    /// Every term, the latest first, the periods of the day, and how much each term has.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn terms(&self) -> Result<(Vec<Term>, Vec<Period>, Vec<ExtentRow>), Error> {
        let terms = term::all(&self.db).await?;
        let periods = term::periods(&self.db).await?;
        Ok((terms, periods, rows::extents(&self.db).await?))
    }

    /// What a timetable would change; nothing is written.
    ///
    /// # Errors
    /// Why the file is not looked at.
    pub async fn preview(&self, by: By<'_>, upload: Upload) -> Result<Preview, Unread> {
        let (term, periods) = self.frame(upload.term).await?;
        let list = read(upload).await?;
        // Undone when it is dropped: all of it is seen at one moment, and nothing is changed.
        let mut writing = self.db.begin().await?;
        let snapshot = snapshot(&mut writing, (term, periods), by.now_ms).await?;
        drop(writing);
        compared(list, snapshot).await
    }

    /// Takes over exactly what was previewed as `hash`: all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the file or what it is compared with is not what was previewed;
    /// then nothing was written.
    pub async fn import(&self, by: By<'_>, upload: Upload, hash: &str) -> Result<Taken, Unread> {
        let frame = self.frame(upload.term).await?;
        let term = frame.0.key();
        let list = read(upload).await?;
        let mut still = self.trail.hold().await.map_err(Error::from)?;
        let snapshot = snapshot(still.writing(), frame, by.now_ms).await?;
        let plan = compared(list, snapshot).await?.plan;
        if plan.hash != hash {
            return Err(CHANGED.into());
        }
        if !plan.problems.is_empty() {
            return Err(Error::Field(PROBLEMS).into());
        }
        if plan.steps.is_empty() {
            return Err(Error::Field(NOTHING).into());
        }
        let taken = plan.counts();
        let pending = still.line(entry(by, &term, taken, hash), by.now_ms).await;
        let mut pending = pending.map_err(Error::from)?;
        write(pending.writing(), &plan).await?;
        pending.commit().await.map_err(Error::from)?;
        Ok(taken)
    }

    async fn frame(&self, term: Uuid) -> Result<(Term, Vec<Period>), Error> {
        let terms = term::all(&self.db).await?;
        let term = terms.into_iter().find(|one| one.id == term);
        Ok((term.ok_or(Error::NotFound)?, term::periods(&self.db).await?))
    }
}

/// Off the threads that serve, for a big file takes a while.
async fn read(upload: Upload) -> Result<List, Unread> {
    let read = tokio::task::spawn_blocking(move || {
        let (courses, problems) = if kb_list::is_json(&upload.file) {
            kb_list::read(&upload.file)?
        } else {
            table::read(&sheet::read(&upload.file)?)
        };
        Ok(List {
            file_hash: Sha256::digest(&upload.file).into(),
            whole: upload.whole,
            courses,
            problems,
        })
    });
    read.await
        .unwrap_or_else(|_| Err(unreadable()))
        .map_err(Unread::NoSheet)
}

async fn compared(list: List, snapshot: Snapshot) -> Result<Preview, Unread> {
    let compared = tokio::task::spawn_blocking(move || Preview {
        plan: plan(&list, &snapshot),
        school: snapshot.school,
    });
    compared.await.map_err(|_| Unread::NoSheet(unreadable()))
}

fn unreadable() -> NoSheet {
    NoSheet {
        zh: "文件无法读取，请另存为 .csv 后重试。".into(),
        en: "The file cannot be read; save it as .csv and try again.".into(),
    }
}

async fn snapshot(
    writing: &mut Writing,
    (term, periods): (Term, Vec<Period>),
    now_ms: i64,
) -> Result<Snapshot, Error> {
    let today = calendar::day(now_ms);
    Ok(Snapshot {
        lessons: rows::lessons_after(writing, &term.id.to_string(), today).await?,
        school: School {
            rooms: rows::rooms(writing).await?,
            units: roster::units_in(writing).await?,
            teachers: rows::teachers(writing).await?,
            term,
            periods,
        },
        today,
    })
}

fn entry(by: By<'_>, term: &str, taken: Taken, hash: &str) -> Entry {
    let Taken {
        added,
        changed,
        removed,
    } = taken;
    Entry {
        object: hash.to_owned(),
        detail: format!("{term} +{added} ~{changed} −{removed}"),
        ..Entry::done(by.session.person.who(by.origin), "import_timetable")
    }
}

/// What is no more goes first, so that its room is free.
async fn write(writing: &mut Writing, plan: &Plan) -> Result<(), Error> {
    let gone = plan.steps.iter().filter(|step| step.after.is_none());
    let gone: Vec<_> = gone
        .filter_map(|step| Some(step.before.as_ref()?.id.as_str()))
        .collect();
    rows::remove(writing, &gone).await?;
    let mut added = Vec::new();
    for step in &plan.steps {
        match (&step.before, &step.after) {
            (None, Some(row)) => added.push(row.clone()),
            (Some(_), Some(row)) => rows::change(writing, row).await?,
            (_, None) => {}
        }
    }
    Ok(campus::add_lessons(writing, &added).await?)
}

const CHANGED: Error = Error::Conflict(
    "文件、课表或人员在预览之后有了变化，请重新预览后再确认。",
    "The file, the timetable or the people changed after the preview; preview again, then confirm.",
);
const PROBLEMS: FieldError = FieldError {
    field: "file",
    zh: "文件中还有问题，没有写入任何内容；请按逐行提示改正后重新上传。",
    en: "There are problems in the file, so nothing was written; correct the lines and try again.",
};
const NOTHING: FieldError = FieldError {
    field: "file",
    zh: "课表与现有课次一致，没有需要更新的内容。",
    en: "The timetable is what is there already; there is nothing to change.",
};

#[cfg(test)]
mod tests;
