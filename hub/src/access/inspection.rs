//! Inspections: somebody looks at the trail of a period, says what was found and signs it (R115).
//!
//! 第五条第3项 “定期检查系统日志，防范数据泄露风险”. The inspector's own lines are never part of it: they
//! are counted apart, for another inspector.

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::inspection;
use xunke_policy::institution::Institution;
use xunke_policy::patrol::FieldError;

use super::audit::{Entry, Trail};
use super::grant::{By, Error, answered};
use super::person;
use crate::campus::calendar::date_and_time;
use crate::store::inspection::{self as rows, InspectionRow, NewInspection, Tally};
use crate::store::{self, Db, risk};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Longest period of one inspection.
const PERIOD_MS_MAX: i64 = 366 * DAY_MS;
const TEXT_CHARACTERS_MAX: usize = 2000;
const LISTED_MAX: i64 = 500;

/// When the next inspection is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Until when the trail was inspected, or where it begins.
    pub inspected_until_ms: i64,
    /// When the next one is due.
    pub due_ms: i64,
    /// Whether it is late.
    pub overdue: bool,
}

/// What is inspected, and what was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// Until (exclusive).
    pub until_ms: i64,
    /// Whose lines; `None` for everybody's but the inspector's own.
    pub person: Option<Uuid>,
    /// 检查发现.
    pub findings: String,
    /// 处理措施.
    pub measures: String,
}

/// What a period holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Lines and what they are.
    pub tally: Tally,
    /// Risks of the period.
    pub risks: i64,
    /// How many of them nobody has looked at.
    pub risks_open: i64,
}

/// The inspections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inspections {
    db: Db,
    trail: Arc<Trail>,
    institution: Arc<Institution>,
}

impl Inspections {
    /// Inspections of `trail` under the rules of `institution`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, institution: Arc<Institution>) -> Self {
        Self {
            db,
            trail,
            institution,
        }
    }

    /// When the next inspection is due; `None` while the trail is empty.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn due(&self, now_ms: i64) -> Result<Option<Due>, store::Error> {
        let days = self.institution.rules.inspection.every_days;
        let until = rows::inspected_until(&self.db).await?;
        Ok(until.map(|inspected_until_ms| Due {
            inspected_until_ms,
            due_ms: inspected_until_ms + i64::from(days) * DAY_MS,
            overdue: inspection::overdue(inspected_until_ms, days, now_ms),
        }))
    }

    /// Signed inspections, the latest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<InspectionRow>, store::Error> {
        rows::list(&self.db, LISTED_MAX).await
    }

    /// What a period holds for this inspector.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn period(
        &self,
        inspector: Uuid,
        span: (i64, i64),
        person: Option<Uuid>,
    ) -> Result<Period, store::Error> {
        let (inspector, person) = (inspector.to_string(), person.map(|id| id.to_string()));
        let person = person.unwrap_or_default();
        let (risks, risks_open) = risk::count(&self.db, span.0, span.1).await?;
        Ok(Period {
            tally: rows::tally(&self.db, span, &inspector, &person).await?,
            risks,
            risks_open,
        })
    }

    /// Whether the report can be signed by its inspector. Asked before password and code are.
    ///
    /// # Errors
    /// The field, or the refusal with its line.
    pub async fn check(&self, by: By<'_>, report: &Report) -> Result<(), Error> {
        let (from_ms, until_ms) = (report.from_ms, report.until_ms);
        if from_ms >= until_ms || until_ms > by.now_ms || until_ms - from_ms > PERIOD_MS_MAX {
            return Err(Error::Field(NO_PERIOD));
        }
        for (text, missing) in [
            (&report.findings, NO_FINDINGS),
            (&report.measures, NO_MEASURES),
        ] {
            if !(2..=TEXT_CHARACTERS_MAX).contains(&text.trim().chars().count()) {
                return Err(Error::Field(missing));
            }
        }
        if let Some(person) = report.person {
            let found = person::find(&self.db, person, by.now_ms).await?;
            found.ok_or(Error::NotFound)?;
        }
        let audited: Vec<Uuid> = report.person.into_iter().collect();
        let (inspector, roles) = (by.session.person.id, &by.session.person.roles);
        let answer = inspection::may_inspect(&self.institution, &inspector, roles, &audited);
        answered(&self.trail, answer, &entry(by, "", report), by.now_ms).await
    }

    /// Signs the report; whoever calls has asked for password and code. Gives its number.
    ///
    /// # Errors
    /// The field or the refusal; then nothing was signed.
    pub async fn sign(&self, by: By<'_>, report: &Report) -> Result<String, Error> {
        self.check(by, report).await?;
        let span = (report.from_ms, report.until_ms);
        let inspector = by.session.person.id;
        let period = self.period(inspector, span, report.person).await?;
        let whole = self.trail.verify().await?.is_ok();
        let head = self.trail.head().await?;
        let mut still = self.trail.hold().await?;
        let count = rows::count(still.writing()).await?;
        let number = format!("JC-{:05}", count + 1);
        let mut pending = still.line(entry(by, &number, report), by.now_ms).await?;
        let person = report.person.map(|id| id.to_string());
        let new = NewInspection {
            id: &Uuid::now_v7().to_string(),
            number: &number,
            inspector_id: &inspector.to_string(),
            person_id: person.as_deref(),
            from_ms: report.from_ms,
            until_ms: report.until_ms,
            tally: period.tally,
            risks: (period.risks, period.risks_open),
            whole,
            head: (head.seq, &head.hash),
            findings: report.findings.trim(),
            measures: report.measures.trim(),
            signed_ms: by.now_ms,
        };
        rows::add(pending.writing(), &new).await?;
        pending.commit().await?;
        Ok(number)
    }
}

fn entry(by: By<'_>, number: &str, report: &Report) -> Entry {
    let (from, until) = (
        date_and_time(report.from_ms),
        date_and_time(report.until_ms),
    );
    Entry {
        object: number.into(),
        detail: format!("{from} – {until}"),
        ..by.done("sign_inspection")
    }
}

const NO_PERIOD: FieldError = FieldError {
    field: "until",
    zh: "检查时段须早于现在，起在止前，最长 366 天。",
    en: "The period lies in the past, begins before it ends, and lasts 366 days at most.",
};
const NO_FINDINGS: FieldError = FieldError {
    field: "findings",
    zh: "请写明检查发现；没有问题也请写明（2 至 2000 字）。",
    en: "Say what was found, also if it is nothing, in 2 to 2000 characters.",
};
const NO_MEASURES: FieldError = FieldError {
    field: "measures",
    zh: "请写明处理措施；无需处理也请写明（2 至 2000 字）。",
    en: "Say what is done about it, also if it is nothing, in 2 to 2000 characters.",
};

#[cfg(test)]
mod tests;
