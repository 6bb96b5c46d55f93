//! The desk: what administrators do with an alert. Each act and its line in the trail are one
//! transaction.

use std::ops::RangeInclusive;
use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;

use crate::access::audit::{Entry, Pending, Trail};
use crate::access::grant::{By, Error};
use crate::store::alert::{self as rows, AlertRow, LineRow, PartRow, ReceiptRow};
use crate::store::{Db, duty};

/// How long an alert may be taken for, minutes: up to a day.
pub const TAKEN_MINUTES: RangeInclusive<i64> = 5..=24 * 60;
/// How long a note or a comment is, characters.
const NOTE_CHARACTERS: RangeInclusive<usize> = 2..=500;
const LISTED_MAX: i64 = 500;

/// What administrators do with alerts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Desk {
    db: Db,
    trail: Arc<Trail>,
}

impl Desk {
    /// Alerts in `db`, each act a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>) -> Self {
        Self { db, trail }
    }

    /// Alerts that were told: those that are not over first, 500 at most.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, open_only: bool) -> Result<Vec<(AlertRow, Vec<PartRow>)>, Error> {
        let mut listed = Vec::new();
        for row in rows::told(&self.db, open_only, LISTED_MAX).await? {
            let parts = rows::parts(&self.db, &row.id).await?;
            listed.push((row, parts));
        }
        Ok(listed)
    }

    /// One alert with what it is about and what happened with it.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn one(&self, id: Uuid) -> Result<(AlertRow, Vec<PartRow>, Vec<LineRow>), Error> {
        let row = self.find(id).await?;
        let parts = rows::parts(&self.db, &row.id).await?;
        let lines = rows::lines(&self.db, &row.id).await?;
        Ok((row, parts, lines))
    }

    /// What somebody was told, newest first, 500 at most.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn inbox(&self, person: Uuid) -> Result<Vec<(ReceiptRow, AlertRow)>, Error> {
        let mut inbox = Vec::new();
        for receipt in rows::inbox(&self.db, &person.to_string(), LISTED_MAX).await? {
            if let Some(alert) = rows::find(&self.db, &receipt.alert_id).await? {
                inbox.push((receipt, alert));
            }
        }
        Ok(inbox)
    }

    /// Somebody has read the last word to them about an alert.
    ///
    /// # Errors
    /// They were not told of it, or the store fails.
    pub async fn read(&self, by: By<'_>, id: Uuid) -> Result<(), Error> {
        let person = by.session.person.id.to_string();
        match rows::read(&self.db, &id.to_string(), &person, by.now_ms).await? {
            true => Ok(()),
            false => Err(Error::NotFound),
        }
    }

    /// Takes an alert for so many minutes: nothing is repeated or passed on meanwhile.
    ///
    /// # Errors
    /// The field, there is none that is not over, or the store fails; then nothing was changed.
    pub async fn acknowledge(
        &self,
        by: By<'_>,
        id: Uuid,
        minutes: i64,
        note: &str,
    ) -> Result<(), Error> {
        if !TAKEN_MINUTES.contains(&minutes) {
            return Err(Error::Field(NO_MINUTES));
        }
        let note = note.trim();
        if !note.is_empty() {
            said(note, "note")?;
        }
        let row = self.find(id).await?;
        if row.over_ms.is_some() {
            return Err(OVER);
        }
        let mut pending = self
            .begin(by, "acknowledge_alert", &row, format!("{minutes} min"))
            .await?;
        let person = by.session.person.id.to_string();
        let until_ms = by.now_ms + minutes * 60_000;
        let (writing, times) = (pending.writing(), (by.now_ms, until_ms));
        if !rows::acknowledge(writing, &row.id, &person, times).await? {
            return Err(OVER);
        }
        let line = (Some(person.as_str()), note);
        rows::add_line(writing, &row.id, "acknowledged", line, by.now_ms).await?;
        pending.commit().await?;
        Ok(())
    }

    /// Gives an alert to somebody who keeps the rooms running.
    ///
    /// # Errors
    /// The field, there is none, or the store fails; then nothing was changed.
    pub async fn assign(&self, by: By<'_>, id: Uuid, person: Uuid) -> Result<(), Error> {
        let keepers = duty::keepers(&self.db, Role::Technician.name()).await?;
        let to = keepers
            .into_iter()
            .find(|keeper| keeper.id == person.to_string());
        let to = to.ok_or(Error::Field(NO_KEEPER))?;
        let row = self.find(id).await?;
        let mut pending = self
            .begin(by, "assign_alert", &row, to.name.clone())
            .await?;
        let writing = pending.writing();
        if !rows::assign(writing, &row.id, &to.id).await? {
            return Err(Error::NotFound);
        }
        let by_id = by.session.person.id.to_string();
        let line = (Some(by_id.as_str()), to.name.as_str());
        rows::add_line(writing, &row.id, "assigned", line, by.now_ms).await?;
        if row.over_ms.is_none() {
            rows::tell(writing, &row.id, &to.id, "assigned", by.now_ms).await?;
        }
        pending.commit().await?;
        Ok(())
    }

    /// Adds a comment.
    ///
    /// # Errors
    /// The field, there is none, or the store fails; then nothing was changed.
    pub async fn comment(&self, by: By<'_>, id: Uuid, text: &str) -> Result<(), Error> {
        let text = said(text, "text")?;
        let row = self.find(id).await?;
        let mut pending = self.begin(by, "comment_alert", &row, String::new()).await?;
        let person = by.session.person.id.to_string();
        let line = (Some(person.as_str()), text);
        rows::add_line(pending.writing(), &row.id, "commented", line, by.now_ms).await?;
        pending.commit().await?;
        Ok(())
    }

    async fn find(&self, id: Uuid) -> Result<AlertRow, Error> {
        let row = rows::find(&self.db, &id.to_string()).await?;
        row.ok_or(Error::NotFound)
    }

    async fn begin(
        &self,
        by: By<'_>,
        action: &'static str,
        row: &AlertRow,
        detail: String,
    ) -> Result<Pending<'_>, Error> {
        let entry = Entry {
            object: row.number.clone().unwrap_or_default(),
            detail,
            ..Entry::done(by.session.person.who(by.origin), action)
        };
        Ok(self.trail.begin(entry, by.now_ms).await?)
    }
}

/// A note within its limits, without blanks around it.
pub(super) fn said<'a>(text: &'a str, field: &'static str) -> Result<&'a str, Error> {
    let text = text.trim();
    if NOTE_CHARACTERS.contains(&text.chars().count()) {
        return Ok(text);
    }
    Err(Error::Field(FieldError {
        field,
        zh: "请写 2 至 500 字。",
        en: "Write 2 to 500 characters.",
    }))
}

const OVER: Error = Error::Conflict("该告警已恢复。", "The alert is over.");
const NO_MINUTES: FieldError = FieldError {
    field: "minutes",
    zh: "认领时长须为 5 至 1440 分钟。",
    en: "Take it for 5 to 1440 minutes.",
};
pub(super) const NO_KEEPER: FieldError = FieldError {
    field: "person",
    zh: "请选择在岗的系统管理员。",
    en: "Choose a system administrator in office.",
};
