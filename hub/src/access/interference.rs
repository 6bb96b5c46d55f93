//! 负面清单 (R105): a teacher interfered on purpose, as people say: noted with its evidence, confirmed
//! by two, exported signed. Nothing gets onto the list by itself (R114).
//!
//! 第十三条第2项 “教师故意干扰听课/巡课的，纳入教学考核负面清单”.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use uuid::Uuid;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;
use xunke_policy::{Refusal, sanction as policy};
use xunke_protocol::id::ClassroomId;

use super::audit::{Entry, Trail};
use super::departure::by_number;
use super::grant::{By, Error, answered, reasoned};
use super::sanction::{Export, in_the_trail};
use crate::campus::calendar::{DAY_MS, date_and_time};
use crate::campus::classroom;
use crate::store::Db;
use crate::store::interference::{
    self as rows, ConfirmationRow, InterferenceRow, NewInterference, TroubleRow,
};

/// Says what is signed, so that the signature can mean nothing else.
const DOMAIN: &str = "xunke interference list 1\n";
const WHAT_CHARACTERS_MAX: usize = 2000;

/// What is noted.
#[derive(Debug, Clone)]
pub struct Draft {
    /// 工号 of the teacher.
    pub staff_number: String,
    /// The room.
    pub room: Uuid,
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// What happened.
    pub what: String,
    /// Numbers of lines of the trail.
    pub evidence: Vec<i64>,
}

/// One of the list, with who has confirmed it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What was noted.
    pub row: InterferenceRow,
    /// Who has confirmed it, by time.
    pub confirmed: Vec<ConfirmationRow>,
    /// Whether it counts: two have confirmed it, and it was not withdrawn.
    pub listed: bool,
}

/// The list of interference. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Interferences {
    db: Db,
    trail: Arc<Trail>,
    signing: SigningKey,
}

impl Interferences {
    /// The list in `db`, each step a line of `trail`; exports are signed with `signing`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, signing: SigningKey) -> Self {
        Self { db, trail, signing }
    }

    /// All that was noted, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self) -> Result<Vec<Listed>, Error> {
        let confirmations = rows::confirmations(&self.db).await?;
        let found = rows::list(&self.db).await?.into_iter();
        let all = found.map(|row| {
            let of = confirmations.iter();
            let of = of.filter(|one| one.interference_id == row.id);
            let confirmed: Vec<_> = of.cloned().collect();
            Listed {
                listed: row.withdrawn_ms.is_none() && counts(&row, &confirmed),
                confirmed,
                row,
            }
        });
        Ok(all.collect())
    }

    /// Notes an interference, with what the boxes of the room told of that time. Gives its number.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was noted.
    pub async fn file(&self, by: By<'_>, draft: Draft) -> Result<String, Error> {
        let what = draft.what.trim();
        if !(2..=WHAT_CHARACTERS_MAX).contains(&what.chars().count()) {
            return Err(Error::Field(NO_WHAT));
        }
        let span = (draft.from_ms, draft.until_ms);
        if span.0 >= span.1 || span.1 > by.now_ms || span.1 - span.0 > DAY_MS {
            return Err(Error::Field(NO_SPAN));
        }
        let teacher = by_number(&self.db, &draft.staff_number, by.now_ms).await?;
        if !teacher.is(Role::Teacher) {
            return Err(Error::Field(NO_TEACHER));
        }
        let room = classroom::find(&self.db, ClassroomId(draft.room)).await?;
        let room = room.ok_or(Error::Field(NO_ROOM))?;
        let classroom_id = room.id.to_string();
        let evidence = in_the_trail(&self.trail, &draft.evidence).await?.join(" ");
        let told = rows::troubles(&self.db, &classroom_id, span).await?;
        let faults: Vec<_> = told.iter().map(trouble).collect();
        let faults = faults.join("\n");
        if evidence.is_empty() && faults.is_empty() {
            return Err(Error::Field(NO_EVIDENCE));
        }
        let filer = by.session.person.id;
        let answer = if filer == teacher.id {
            Err(Refusal::RECUSED)
        } else {
            Ok(())
        };
        let entry = |number: &str| Entry {
            object: format!("{number} {} {}", teacher.name, teacher.staff_number),
            purpose: what.to_owned(),
            detail: format!("{}; {evidence}", room.name),
            ..by.done("file_interference")
        };
        answered(&self.trail, answer, &entry("–"), by.now_ms).await?;
        let mut still = self.trail.hold().await?;
        let number = format!("GR-{:05}", rows::count(still.writing()).await? + 1);
        let mut pending = still.line(entry(&number), by.now_ms).await?;
        let new = NewInterference {
            number: &number,
            teacher_id: &teacher.id.to_string(),
            classroom_id: &classroom_id,
            span,
            what,
            evidence: &evidence,
            faults: &faults,
            filed_by: &filer.to_string(),
            now_ms: by.now_ms,
        };
        rows::add(pending.writing(), &new).await?;
        pending.commit().await?;
        Ok(number)
    }

    /// Confirms it: each person once, never the teacher, never what was withdrawn.
    ///
    /// # Errors
    /// The refusal, or that it was said already; then nothing was changed.
    pub async fn confirm(&self, by: By<'_>, interference: Uuid) -> Result<(), Error> {
        let one = self.find(interference).await?;
        let person = by.session.person.id.to_string();
        let own = one.row.teacher_id == person;
        let entry = entry(by, "confirm_interference", &one.row);
        let answer = if own { Err(Refusal::RECUSED) } else { Ok(()) };
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        if one.row.withdrawn_ms.is_some() {
            return Err(DONE);
        }
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let said = rows::confirm(pending.writing(), &one.row.id, &person, by.now_ms).await;
        said.map_err(|error| match error.is_duplicate() {
            true => DONE,
            false => error.into(),
        })?;
        pending.commit().await?;
        Ok(())
    }

    /// Withdraws it, with the reason why: from then on it does not count.
    ///
    /// # Errors
    /// The field, or that it was withdrawn already; then nothing was changed.
    pub async fn withdraw(&self, by: By<'_>, interference: Uuid, why: &str) -> Result<(), Error> {
        let why = reasoned(why)?;
        let one = self.find(interference).await?;
        let entry = Entry {
            purpose: why.to_owned(),
            ..entry(by, "withdraw_interference", &one.row)
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let (who, now_ms) = (by.session.person.id.to_string(), by.now_ms);
        if !rows::withdraw(pending.writing(), &one.row.id, (&who, why), now_ms).await? {
            return Err(DONE);
        }
        pending.commit().await?;
        Ok(())
    }

    /// The list for the assessment of teaching: what two have confirmed, signed by the hub.
    ///
    /// # Errors
    /// When the store fails or the line cannot be written.
    pub async fn export(&self, by: By<'_>) -> Result<Export, Error> {
        let all = self.all().await?;
        let listed: Vec<_> = all.iter().filter(|one| one.listed).collect();
        let entry = Entry {
            detail: format!("{} listed", listed.len()),
            ..by.done("export_interference")
        };
        self.trail.append(entry, by.now_ms).await?;
        let head = format!("教学考核负面清单　共 {} 条", listed.len());
        let mut paragraphs = vec![head];
        paragraphs.extend(listed.into_iter().map(paragraph));
        paragraphs.push(format!("导出：{}", date_and_time(by.now_ms)));
        let text = paragraphs.join("\n\n");
        Ok(Export::sign(&self.signing, DOMAIN, text))
    }

    async fn find(&self, interference: Uuid) -> Result<Listed, Error> {
        let key = interference.to_string();
        let found = self.all().await?.into_iter().find(|one| one.row.id == key);
        found.ok_or(Error::NotFound)
    }
}

/// Whether two people have confirmed it, as the policy asks.
fn counts(row: &InterferenceRow, confirmed: &[ConfirmationRow]) -> bool {
    let people: Vec<_> = confirmed.iter().map(|one| one.person_id.clone()).collect();
    policy::listed(&row.teacher_id, &people).is_ok()
}

/// Such as `camera.frozen cam0 2026-11-22 08:00:00 – 2026-11-22 08:05:00`.
fn trouble(row: &TroubleRow) -> String {
    let until = row.until_ms.map_or_else(|| "…".into(), date_and_time);
    let from = date_and_time(row.from_ms);
    format!("{} {} {from} – {until}", row.code, row.component)
}

fn paragraph(one: &Listed) -> String {
    let row = &one.row;
    let time = |at_ms: Option<i64>| at_ms.map_or_else(|| "–".into(), date_and_time);
    let confirmed = one.confirmed.iter();
    let confirmed: Vec<_> = confirmed
        .map(|one| format!("{} {}", one.person, date_and_time(one.confirmed_ms)))
        .collect();
    [
        format!("编号：{}", row.number),
        format!("教师：{} {}", row.teacher, row.staff_number),
        format!("教室：{}", row.room.as_deref().unwrap_or("–")),
        format!("时间：{} – {}", time(row.from_ms), time(row.until_ms)),
        format!("事实：{}", row.what),
        format!("证据（审计记录编号）：{}", row.evidence),
        format!("证据（设备事件）：{}", row.faults.replace('\n', "；")),
        format!("提出：{} {}", row.filer, date_and_time(row.filed_ms)),
        format!("确认：{}", confirmed.join("；")),
    ]
    .join("\n")
}

fn entry(by: By<'_>, action: &'static str, row: &InterferenceRow) -> Entry {
    Entry {
        object: format!("{} {} {}", row.number, row.teacher, row.staff_number),
        ..by.done(action)
    }
}

const DONE: Error = Error::Conflict(
    "您已确认过，或该条已撤回。",
    "You have confirmed it already, or it was withdrawn.",
);
const NO_WHAT: FieldError = FieldError {
    field: "what",
    zh: "请写明事实（2 至 2000 字）。",
    en: "Say what happened in 2 to 2000 characters.",
};
const NO_SPAN: FieldError = FieldError {
    field: "until",
    zh: "时间须已过去，起在止前，不超过一天。",
    en: "The time lies in the past, begins before it ends, and lasts a day at most.",
};
const NO_TEACHER: FieldError = FieldError {
    field: "staff_number",
    zh: "该工号不是任课教师。",
    en: "This staff number is no teacher's.",
};
const NO_ROOM: FieldError = FieldError {
    field: "room",
    zh: "没有这间教室。",
    en: "There is no such room.",
};
const NO_EVIDENCE: FieldError = FieldError {
    field: "evidence",
    zh: "该时段教室设备没有报告异常，请填写作为证据的审计记录编号。",
    en: "The room's box told of no trouble then; give lines of the trail as evidence.",
};

#[cfg(test)]
mod tests;
