//! Import: a list of staff previewed, then taken over as a whole or not at all (R27, R33, R23).

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;

use super::plan::{Kind as StepKind, Known, List, Plan, Snapshot, Step, Taken, plan};
use super::{Roster, names, staff_list};
use crate::access::audit::{Entry, Pending};
use crate::access::departure::{self, Kind};
use crate::access::grant::{By, Error};
use crate::sheet::{self, NoSheet};
use crate::store::departure as departures;
use crate::store::roster::{self as rows, NewAppointment};
use crate::store::{self, Writing, session};

const BASIS: &str = "人员名单导入";

/// A file as it is to be imported.
#[derive(Debug)]
pub struct Upload {
    /// Its bytes.
    pub file: Vec<u8>,
    /// Whether it names everybody.
    pub whole: bool,
}

/// Why a file is not looked at line by line.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    /// It is no sheet.
    #[error("{}", .0.en)]
    NoSheet(NoSheet),
    /// Something failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<store::Error> for Unread {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Roster {
    /// What a list would change; nothing is written.
    ///
    /// # Errors
    /// Why the file is not looked at.
    pub async fn preview(&self, by: By<'_>, upload: Upload) -> Result<Plan, Unread> {
        let list = read(upload).await?;
        // Undone when it is dropped: all of it is seen at one moment, and nothing is changed.
        let mut writing = self.db.begin().await?;
        let snapshot = snapshot(&mut writing, by.now_ms).await?;
        Ok(plan(&list, &snapshot, by.session.person.id))
    }

    /// Takes over exactly what was previewed as `hash`, and whoever of the missing is `departing`:
    /// all of it or nothing.
    ///
    /// # Errors
    /// [`Error::Conflict`] when file or people are not what was previewed; then nothing was
    /// written.
    pub async fn import(
        &self,
        by: By<'_>,
        upload: Upload,
        hash: &str,
        departing: &[Uuid],
    ) -> Result<Taken, Unread> {
        let list = read(upload).await?;
        let mut still = self.trail.hold().await.map_err(Error::from)?;
        let snapshot = snapshot(still.writing(), by.now_ms).await?;
        let mut plan = plan(&list, &snapshot, by.session.person.id);
        if plan.hash != hash {
            return Err(CHANGED.into());
        }
        if !plan.problems.is_empty() {
            return Err(Error::Field(PROBLEMS).into());
        }
        let departing = chosen(&plan, departing)?;
        plan.steps.extend(departing);
        if plan.steps.is_empty() {
            return Err(Error::Field(NOTHING).into());
        }
        let taken = plan.counts();
        let entry = entry(by, &taken, hash);
        let pending = still.line(entry, by.now_ms).await;
        let mut pending = pending.map_err(Error::from)?;
        for step in &plan.steps {
            write(&mut pending, by, step).await?;
        }
        pending.commit().await.map_err(Error::from)?;
        Ok(taken)
    }
}

/// Off the threads that serve, for a big file takes a while.
async fn read(upload: Upload) -> Result<List, Unread> {
    let read = tokio::task::spawn_blocking(move || {
        let lines = sheet::read(&upload.file)?;
        let (wanted, problems) = staff_list::read(&lines);
        Ok(List {
            file_hash: Sha256::digest(&upload.file).into(),
            whole: upload.whole,
            wanted,
            problems,
        })
    });
    let list = read.await.unwrap_or_else(|_| {
        Err(NoSheet {
            zh: "文件无法读取，请另存为 .csv 后重试。".into(),
            en: "The file cannot be read; save it as .csv and try again.".into(),
        })
    });
    list.map_err(Unread::NoSheet)
}

async fn snapshot(writing: &mut Writing, now_ms: i64) -> Result<Snapshot, store::Error> {
    let mut people: Vec<_> = rows::known(writing, now_ms)
        .await?
        .into_iter()
        .map(|row| Known {
            row,
            roles: Vec::new(),
        })
        .collect();
    let index: std::collections::HashMap<_, _> = people
        .iter()
        .enumerate()
        .map(|(at, known)| (known.row.id.clone(), at))
        .collect();
    for row in rows::roles_in(writing).await? {
        if let (Some(at), Some(role)) = (index.get(&row.person_id), Role::named(&row.role)) {
            people[*at].roles.push(role);
        }
    }
    for known in &mut people {
        known.roles.sort_unstable();
    }
    let units = rows::units_in(writing).await?;
    Ok(Snapshot { people, units })
}

/// Of those who are missing in the list, the ones that were confirmed as gone.
fn chosen(plan: &Plan, departing: &[Uuid]) -> Result<Vec<Step>, Error> {
    let mut wanted: HashSet<_> = departing.iter().map(Uuid::to_string).collect();
    let gone = plan
        .missing
        .iter()
        .filter(|known| wanted.remove(&known.row.id));
    let steps = gone.map(|known| Step {
        kind: StepKind::Leave,
        line: 0,
        id: known.row.id.clone(),
        staff_number: known.row.staff_number.clone(),
        name: known.row.name.clone(),
        name_before: None,
        unit: (None, None),
        roles: (known.roles.clone(), known.roles.clone()),
        hands_back: known.row.grants > 0,
    });
    let steps = steps.collect();
    if wanted.is_empty() {
        Ok(steps)
    } else {
        Err(CHANGED)
    }
}

fn entry(by: By<'_>, taken: &Taken, hash: &str) -> Entry {
    let Taken {
        added,
        changed,
        transferred,
        left,
        returned,
    } = taken;
    Entry {
        object: hash.to_owned(),
        detail: format!("+{added} ~{changed} →{transferred} −{left} ↺{returned}"),
        ..by.done("import_people")
    }
}

/// One step, with what ends with it. Who leaves or moves gets a line of their own (R23).
async fn write(pending: &mut Pending<'_>, by: By<'_>, step: &Step) -> Result<(), Error> {
    let now_ms = by.now_ms;
    let opener = by.session.person.id.to_string();
    let who = (step.id.as_str(), opener.as_str());
    let writing = pending.writing();
    if step.kind == StepKind::Leave {
        let number = departure::hand_back(writing, Kind::Left, who, BASIS, now_ms).await?;
        pending
            .also(departed(by, step, Kind::Left, number), now_ms)
            .await?;
        return Ok(());
    }
    let unit = step.unit.1.as_ref().map(|unit| unit.id.as_str());
    if step.kind == StepKind::Add {
        rows::add(writing, (&step.id, &step.staff_number, &step.name), unit).await?;
    } else {
        rows::set_unit(writing, &step.id, &step.name, unit).await?;
        session::end_all(writing, &step.id, now_ms).await?;
    }
    if step.kind == StepKind::Return {
        departures::bring_back(writing, &step.id).await?;
    }
    appoint(writing, by, step).await?;
    if step.hands_back {
        let kind = Kind::Transferred;
        let number = departure::hand_back(writing, kind, who, BASIS, now_ms).await?;
        pending
            .also(departed(by, step, kind, number), now_ms)
            .await?;
    }
    Ok(())
}

async fn appoint(writing: &mut Writing, by: By<'_>, step: &Step) -> Result<(), Error> {
    let roles: Vec<_> = step.roles.1.iter().map(|role| role.name()).collect();
    rows::set_roles(writing, &step.id, &roles).await?;
    let unit_before = step.unit.0.as_ref().map(|unit| unit.id.as_str());
    let unit_after = step.unit.1.as_ref().map(|unit| unit.id.as_str());
    let new = NewAppointment {
        person_id: &step.id,
        roles_before: &names(&step.roles.0),
        roles_after: &names(&step.roles.1),
        unit_before,
        unit_after,
        basis: BASIS,
        decided_by: &by.session.person.id.to_string(),
        now_ms: by.now_ms,
    };
    Ok(rows::appoint(writing, &new).await?)
}

fn departed(by: By<'_>, step: &Step, kind: Kind, number: String) -> Entry {
    departure::entry(by, kind, &number, (&step.name, &step.staff_number), BASIS)
}

const CHANGED: Error = Error::Conflict(
    "文件或人员在预览之后有了变化，请重新预览后再确认。",
    "The file or the people changed after the preview; preview again, then confirm.",
);
const PROBLEMS: FieldError = FieldError {
    field: "file",
    zh: "文件中还有问题，没有写入任何内容；请按逐行提示改正后重新上传。",
    en: "There are problems in the file, so nothing was written; correct the lines and try again.",
};
const NOTHING: FieldError = FieldError {
    field: "file",
    zh: "名单与现有人员一致，没有需要更新的内容。",
    en: "The list is what is there already; there is nothing to change.",
};

#[cfg(test)]
mod tests;
