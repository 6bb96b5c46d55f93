//! Decisions about a breach: filed by Academic Affairs, answered by whom they are about, put into
//! force by the IT centre (R25, R45, R103, R104, R106–R108).
//!
//! What a measure does to a permission is not written anywhere: it follows from the decisions in
//! force at every question, so a suspension begins and ends by itself.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey};
use uuid::Uuid;
use xunke_policy::Refusal;
use xunke_policy::patrol::FieldError;
use xunke_policy::sanction::{self as policy, Decision, Measure};

use super::audit::signed::{parse_public, public_text};
use super::audit::{Entry, Trail};
use super::departure::by_number;
use super::grant::{By, Error, answered, reasoned};
use crate::campus::calendar::date_and_time;
use crate::campus::id;
use crate::store::departure::{NewDeparture, take_back};
use crate::store::sanction::{self as rows, NewSanction, SanctionRow};
use crate::store::{Db, session};

/// Says what is signed, so that the signature can mean nothing else.
const DOMAIN: &str = "xunke decision 1\n";
const NUMBER_CHARACTERS_MAX: usize = 60;
const FACTS_CHARACTERS_MAX: usize = 2000;
const EVIDENCE_MAX: usize = 20;
const WORDS: [&str; 7] = [
    "warning",
    "suspension",
    "cancellation",
    "discipline",
    "notice",
    "law",
    "damages",
];

/// A decision as it is drawn up.
#[derive(Debug, Clone)]
pub struct Draft {
    /// 文号.
    pub number: String,
    /// 工号 of whom it is about.
    pub staff_number: String,
    /// The word of the measure.
    pub measure: String,
    /// A suspension from; now when left out.
    pub from_ms: Option<i64>,
    /// A suspension until (exclusive); until lifted when left out.
    pub until_ms: Option<i64>,
    /// The article it rests on.
    pub basis: String,
    /// What happened.
    pub facts: String,
    /// Numbers of lines of the trail.
    pub evidence: Vec<i64>,
}

/// A text that the hub has signed, such as a decision for the personnel file (R108).
#[derive(Debug, Clone)]
pub struct Export {
    /// What is signed, after its domain.
    pub text: String,
    /// The hub's public key, base64.
    pub key: String,
    /// Its signature over domain and text, base64.
    pub signature: String,
}

impl Export {
    /// Signs a text for one domain, so that the signature can mean nothing else.
    pub(crate) fn sign(key: &SigningKey, domain: &str, text: String) -> Self {
        let signature = key.sign(format!("{domain}{text}").as_bytes());
        Self {
            text,
            key: public_text(&key.verifying_key()),
            signature: STANDARD.encode(signature.to_bytes()),
        }
    }

    /// Whether the key that is given signed this text for that domain.
    #[must_use]
    pub fn holds(&self, domain: &str) -> bool {
        let signature = STANDARD.decode(&self.signature).ok();
        let signature = signature.and_then(|bytes| <[u8; 64]>::try_from(bytes).ok());
        let signed = format!("{domain}{}", self.text);
        parse_public(&self.key)
            .zip(signature)
            .is_some_and(|(key, bytes)| {
                let signature = Signature::from_bytes(&bytes);
                key.verify_strict(signed.as_bytes(), &signature).is_ok()
            })
    }
}

/// Decisions about breaches. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sanctions {
    db: Db,
    trail: Arc<Trail>,
    signing: SigningKey,
}

impl Sanctions {
    /// Decisions in `db`, each step a line of `trail`; exports are signed with `signing`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, signing: SigningKey) -> Self {
        Self { db, trail, signing }
    }

    /// Decisions, those that wait first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self) -> Result<Vec<SanctionRow>, Error> {
        Ok(rows::all(&self.db).await?)
    }

    /// Decisions about one person (R103).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn about(&self, person: Uuid) -> Result<Vec<SanctionRow>, Error> {
        Ok(rows::about(&self.db, &person.to_string()).await?)
    }

    /// Files a decision: complete, about somebody else, with lines of the trail that exist (R104).
    ///
    /// # Errors
    /// The refusal or the field; then nothing was filed.
    pub async fn file(&self, by: By<'_>, draft: Draft) -> Result<(), Error> {
        let (number, facts) = (draft.number.trim(), draft.facts.trim());
        let length = facts.chars().count();
        if !(2..=FACTS_CHARACTERS_MAX).contains(&length) {
            return Err(Error::Field(NO_FACTS));
        }
        if number.chars().count() > NUMBER_CHARACTERS_MAX {
            return Err(Error::Field(LONG_NUMBER));
        }
        let about = by_number(&self.db, &draft.staff_number, by.now_ms).await?;
        let evidence = in_the_trail(&self.trail, &draft.evidence).await?;
        let suspends = draft.measure == "suspension";
        let from_ms = suspends.then(|| draft.from_ms.unwrap_or(by.now_ms));
        let until_ms = draft.until_ms.filter(|_| suspends);
        let decision = Decision {
            number,
            basis: &draft.basis,
            evidence: &evidence,
            decided_by: by.session.person.id,
            about: about.id,
            measure: measure(&draft.measure, from_ms, until_ms)?,
            contested: false,
        };
        let about_id = about.id.to_string();
        let evidence = evidence.join(" ");
        let new = NewSanction {
            number,
            about_id: &about_id,
            measure: &draft.measure,
            span: (from_ms, until_ms),
            basis: draft.basis.trim(),
            facts,
            evidence: &evidence,
            filed_by: &by.session.person.id.to_string(),
            now_ms: by.now_ms,
        };
        let entry = Entry {
            object: format!("{number} {} {}", about.name, about.staff_number),
            purpose: new.basis.to_owned(),
            detail: format!("{}; {evidence}", draft.measure),
            ..by.done("file_sanction")
        };
        answered(&self.trail, policy::valid(&decision), &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let filed = rows::file(pending.writing(), &new).await;
        filed.map_err(|error| match error.is_duplicate() {
            true => Error::Field(NUMBER_TAKEN),
            false => error.into(),
        })?;
        pending.commit().await?;
        Ok(())
    }

    /// Puts a decision into force, at once (R25): by another than who filed it, of whom it is not,
    /// and not while it is contested (R103).
    ///
    /// # Errors
    /// The refusal; then nothing was changed.
    pub async fn decide(&self, by: By<'_>, sanction: Uuid) -> Result<(), Error> {
        let row = self.find(sanction).await?;
        let evidence: Vec<_> = row.evidence.split(' ').map(str::to_owned).collect();
        let decision = Decision {
            number: &row.number,
            basis: &row.basis,
            evidence: &evidence,
            decided_by: by.session.person.id,
            about: id("a person", &row.about_id)?,
            measure: measure(&row.measure, row.from_ms, row.until_ms)?,
            contested: row.objection.is_some() && row.answer.is_none(),
        };
        let entry = entry(by, "decide_sanction", &row);
        answered(&self.trail, policy::valid(&decision), &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let (decider, now_ms) = (by.session.person.id.to_string(), by.now_ms);
        let writing = pending.writing();
        if !rows::decide(writing, &row.id, &decider, now_ms).await? {
            return Err(MEANWHILE);
        }
        if row.measure == "cancellation" {
            let end = NewDeparture {
                person_id: &row.about_id,
                kind: "",
                reason: &row.number,
                opened_by: &decider,
                now_ms,
            };
            take_back(writing, &end).await?;
            session::end_all(writing, &row.about_id, now_ms).await?;
        }
        pending.commit().await?;
        Ok(())
    }

    /// Withdraws a decision that waits.
    ///
    /// # Errors
    /// The field, or that it is decided; then nothing was changed.
    pub async fn withdraw(&self, by: By<'_>, sanction: Uuid, why: &str) -> Result<(), Error> {
        let row = self.find(sanction).await?;
        let step = ("withdraw_sanction", "filed", "withdrawn");
        self.end(by, &row, step, why).await
    }

    /// 恢复: lifts a suspension before its end (R25). A cancellation is for good.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn lift(&self, by: By<'_>, sanction: Uuid, why: &str) -> Result<(), Error> {
        let row = self.find(sanction).await?;
        let answer = match row.measure.as_str() {
            "suspension" if row.about_id == by.session.person.id.to_string() => {
                Err(Refusal::RECUSED)
            }
            "suspension" => Ok(()),
            _ => Err(Refusal::CANCELLED),
        };
        let entry = entry(by, "lift_sanction", &row);
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        self.end(by, &row, ("lift_sanction", "in_force", "lifted"), why)
            .await
    }

    async fn end(
        &self,
        by: By<'_>,
        row: &SanctionRow,
        (action, from, to): (&'static str, &str, &str),
        why: &str,
    ) -> Result<(), Error> {
        let why = reasoned(why)?;
        let entry = Entry {
            purpose: why.to_owned(),
            ..entry(by, action, row)
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let ender = by.session.person.id.to_string();
        let (writing, now_ms) = (pending.writing(), by.now_ms);
        if !rows::end(writing, &row.id, (from, to), (&ender, why), now_ms).await? {
            return Err(MEANWHILE);
        }
        pending.commit().await?;
        Ok(())
    }

    /// 申诉、说明 (R103): by whom it is about, and nobody else; until it is answered, nothing is
    /// decided.
    ///
    /// # Errors
    /// The field, or that there is no such decision; then nothing was changed.
    pub async fn object(&self, by: By<'_>, sanction: Uuid, says: &str) -> Result<(), Error> {
        let row = self.find(sanction).await?;
        if row.about_id != by.session.person.id.to_string() {
            return Err(Error::NotFound);
        }
        let says = reasoned(says)?;
        let entry = entry(by, "object_sanction", &row);
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        if !rows::object(pending.writing(), &row.id, says, by.now_ms).await? {
            return Err(MEANWHILE);
        }
        pending.commit().await?;
        Ok(())
    }

    /// Answers an objection, after which the decision can be taken or withdrawn.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was changed.
    pub async fn answer(&self, by: By<'_>, sanction: Uuid, says: &str) -> Result<(), Error> {
        let row = self.find(sanction).await?;
        let says = reasoned(says)?;
        let own = row.about_id == by.session.person.id.to_string();
        let entry = entry(by, "answer_sanction", &row);
        let answer = if own { Err(Refusal::RECUSED) } else { Ok(()) };
        answered(&self.trail, answer, &entry, by.now_ms).await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let answerer = by.session.person.id.to_string();
        let said = (&*answerer, says);
        if !rows::answer(pending.writing(), &row.id, said, by.now_ms).await? {
            return Err(MEANWHILE);
        }
        pending.commit().await?;
        Ok(())
    }

    /// 记入人事档案 (R108): a decision in force, signed by the hub; the export is a line.
    ///
    /// # Errors
    /// The field, when it is not in force.
    pub async fn export(&self, by: By<'_>, sanction: Uuid) -> Result<Export, Error> {
        let row = self.find(sanction).await?;
        if row.decided_ms.is_none() {
            return Err(Error::Field(NOT_DECIDED));
        }
        self.trail
            .append(entry(by, "export_sanction", &row), by.now_ms)
            .await?;
        let text = document(&row, by.now_ms);
        Ok(Export::sign(&self.signing, DOMAIN, text))
    }

    async fn find(&self, sanction: Uuid) -> Result<SanctionRow, Error> {
        let row = rows::find(&self.db, &sanction.to_string()).await?;
        row.ok_or(Error::NotFound)
    }
}

/// Numbers of lines that are in the trail (R104, R105, R107).
pub(super) async fn in_the_trail(trail: &Trail, numbers: &[i64]) -> Result<Vec<String>, Error> {
    if numbers.len() > EVIDENCE_MAX {
        return Err(Error::Field(NO_EVIDENCE));
    }
    let mut texts = Vec::with_capacity(numbers.len());
    for number in numbers {
        let line = trail.line(*number).await?;
        line.ok_or(Error::Field(NO_EVIDENCE))?;
        texts.push(number.to_string());
    }
    Ok(texts)
}

fn measure(word: &str, from_ms: Option<i64>, until_ms: Option<i64>) -> Result<Measure, Error> {
    match word {
        "warning" => Ok(Measure::Warning),
        "suspension" => Ok(Measure::Suspension {
            from_ms: from_ms.unwrap_or(i64::MIN),
            until_ms,
        }),
        "cancellation" => Ok(Measure::Cancellation),
        "discipline" => Ok(Measure::Discipline),
        "notice" => Ok(Measure::Notice),
        "law" => Ok(Measure::Law),
        "damages" => Ok(Measure::Damages),
        _ => Err(Error::Field(NO_MEASURE)),
    }
}

/// The document, a fact a line.
fn document(row: &SanctionRow, now_ms: i64) -> String {
    let time = |at_ms: Option<i64>| at_ms.map_or_else(|| "–".into(), date_and_time);
    let state = match row.state.as_str() {
        "lifted" => "已解除",
        _ => "生效",
    };
    [
        format!("文号：{}", row.number),
        format!("当事人：{} {}", row.about, row.staff_number),
        format!("措施：{}", title(&row.measure)),
        format!("起止：{} – {}", time(row.from_ms), time(row.until_ms)),
        format!("依据：{}", row.basis),
        format!("事实：{}", row.facts),
        format!("证据（审计记录编号）：{}", row.evidence),
        format!("当事人意见：{}", row.objection.as_deref().unwrap_or("无")),
        format!("答复：{}", row.answer.as_deref().unwrap_or("无")),
        format!("提出：{} {}", row.filer, date_and_time(row.filed_ms)),
        format!(
            "生效：{} {}",
            row.decider.as_deref().unwrap_or("–"),
            time(row.decided_ms)
        ),
        format!("状态：{state} {}", row.ended_why.as_deref().unwrap_or("")),
        format!("导出：{}", date_and_time(now_ms)),
    ]
    .join("\n")
}

/// In the words of the regulation.
fn title(word: &str) -> &'static str {
    const TITLES: [&str; 7] = [
        "警告",
        "暂停听课/巡课权限",
        "永久取消听课/巡课权限",
        "纪律处分",
        "通报批评并记入人事档案",
        "追究法律责任",
        "赔偿损失",
    ];
    let place = WORDS.iter().position(|known| *known == word);
    place.map_or("–", |place| TITLES[place])
}

fn entry(by: By<'_>, action: &'static str, row: &SanctionRow) -> Entry {
    Entry {
        object: format!("{} {} {}", row.number, row.about, row.staff_number),
        detail: row.measure.clone(),
        ..by.done(action)
    }
}

const NO_MEASURE: FieldError = FieldError {
    field: "measure",
    zh: "请选择处理措施。",
    en: "Choose a measure.",
};
const NO_FACTS: FieldError = FieldError {
    field: "facts",
    zh: "请写明事实（2 至 2000 字）。",
    en: "State what happened in 2 to 2000 characters.",
};
const LONG_NUMBER: FieldError = FieldError {
    field: "number",
    zh: "文号最多 60 个字。",
    en: "A number has 60 characters at most.",
};
const NUMBER_TAKEN: FieldError = FieldError {
    field: "number",
    zh: "这个文号已经用过。",
    en: "There is a decision with this number.",
};
const NO_EVIDENCE: FieldError = FieldError {
    field: "evidence",
    zh: "证据须是审计记录中存在的编号，最多 20 条。",
    en: "Evidence is numbers of lines that are in the trail, 20 at most.",
};
const NOT_DECIDED: FieldError = FieldError {
    field: "state",
    zh: "尚未生效的处理不能导出。",
    en: "Only a decision in force is exported.",
};
const MEANWHILE: Error = Error::Conflict(
    "这项处理的状态刚刚变化，请刷新。",
    "The decision is in another state by now; reload.",
);

#[cfg(test)]
mod tests;
