//! Time marks (时间标记): a stretch of a recording, what was seen there, and the hashes of the
//! sealed files that hold it, signed by the hub (K4, R70).
//!
//! document → check
//!
//! A mark is evidence without a picture: it opens at its second for whoever may watch the
//! recording, and is checked by whoever may not. It is made with the permit of a play and by
//! nothing else, outlives the recording, and is never changed: its author takes it back, and then
//! it says so.

pub mod document;
pub mod check;

use std::net::IpAddr;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use tokio::sync::Semaphore;
use uuid::Uuid;
use xunke_policy::patrol::FieldError;

use super::library;
use super::media::{self, Media};
use crate::access::audit::{Entry, Trail, Unavailable};
use crate::access::gate::{Permit, Playback, RecordingRef, purpose_text};
use crate::access::secret;
use crate::access::session::Session;
use crate::campus::calendar::{date_and_time, time_of_day};
use crate::campus::{self, id};
use crate::store::mark::{self as rows, MarkRow};
use crate::store::recording::{self as segments, SegmentRow};
use crate::store::{self, Db};
use document::{KIND, Named, Said};

/// Longest stretch.
const LENGTH_MS_MAX: i64 = 30 * 60 * 1000;
/// Characters of a note or reason.
const NOTE_CHARACTERS_MAX: usize = 500;

/// What went wrong with marks.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The form.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// There is no such mark of this person.
    #[error("there is no such mark")]
    NotFound,
    /// It was taken back already.
    #[error("the mark is withdrawn already")]
    Withdrawn,
    /// A stored document cannot be read.
    #[error("the document of mark {0} cannot be read")]
    Document(String),
    /// The trail cannot be written: then nothing was done.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The library failed.
    #[error(transparent)]
    Library(#[from] library::Error),
    /// A stored id is none.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// A sealed file cannot be read.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// It did not come to an end.
    #[error("reading a segment was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

/// What somebody wants to mark.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// From, milliseconds since the epoch.
    pub from_ms: i64,
    /// To (exclusive).
    pub to_ms: i64,
    /// What is to be seen there.
    pub note: &'a str,
}

/// A mark and what its document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// As stored.
    pub row: MarkRow,
    /// As signed.
    pub said: Said,
}

/// The marks. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Marks {
    db: Db,
    trail: Arc<Trail>,
    media: Media,
    signing: SigningKey,
    /// Files of one mark are read at a time, whoever asks.
    reading: Arc<Semaphore>,
}

impl Marks {
    /// Marks in `db`, each step a line of `trail`, signed with the hub's key.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, media: Media, signing: SigningKey) -> Self {
        Self {
            db,
            trail,
            media,
            signing,
            reading: Arc::new(Semaphore::new(1)),
        }
    }

    /// Makes a mark in the recording that is being watched; durable with its line when this
    /// returns.
    ///
    /// # Errors
    /// The field that does not fit; nothing was recorded there; or store and trail fail.
    pub async fn make(
        &self,
        permit: &Permit<Playback, RecordingRef>,
        wish: Wish<'_>,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<Mark, Error> {
        let note = text(wish.note, NO_NOTE)?;
        let (recording, named) = self.marked(permit.object(), wish, now_ms).await?;
        let person = &permit.session().person;
        let mut still = self.trail.hold().await?;
        let number = format!("BJ-{:05}", rows::count(still.writing()).await? + 1);
        let said = Said {
            kind: KIND.into(),
            id: Uuid::now_v7(),
            number: number.clone(),
            recording: recording.id,
            room: recording.room,
            course: recording.lesson.map(|lesson| lesson.course),
            from_ms: wish.from_ms,
            to_ms: wish.to_ms,
            note: note.to_owned(),
            made_by: person.name.clone(),
            made_ms: now_ms,
            segments: named,
        };
        let row = MarkRow {
            id: said.id.to_string(),
            number,
            recording_id: said.recording.to_string(),
            from_ms: said.from_ms,
            to_ms: said.to_ms,
            note: said.note.clone(),
            author_id: person.id.to_string(),
            made_ms: now_ms,
            document: document::sign(&self.signing, said.clone()),
            withdrawn_ms: None,
            withdrawn_why: None,
        };
        let entry = Entry {
            object: format!("{} {} {}", row.number, said.room, said.recording),
            purpose: purpose_text(permit.purpose()),
            detail: line(&row),
            ..Entry::done(person.who(origin), "make_mark")
        };
        let mut pending = still.line(entry, now_ms).await?;
        rows::add(pending.writing(), &row).await?;
        pending.commit().await?;
        Ok(Mark { row, said })
    }

    /// The recording, and the sealed files that hold the stretch.
    async fn marked(
        &self,
        reference: &RecordingRef,
        wish: Wish<'_>,
        now_ms: i64,
    ) -> Result<(library::Recording, Vec<Named>), Error> {
        let found = library::find(&self.db, reference.id, now_ms).await?;
        let recording = found.ok_or(Error::NotFound)?;
        let contents = library::contents(&self.db, &recording).await?;
        let within = contents.start_ms..=contents.end_ms;
        if !within.contains(&wish.from_ms) {
            return Err(Error::Field(NOT_FROM));
        }
        if !within.contains(&wish.to_ms) {
            return Err(Error::Field(NOT_TO));
        }
        if !(1..=LENGTH_MS_MAX).contains(&(wish.to_ms - wish.from_ms)) {
            return Err(Error::Field(NO_STRETCH));
        }
        let stored = segments::segments(&self.db, &recording.id.to_string()).await?;
        let named = stored
            .into_iter()
            .filter(|row| overlaps(row, wish))
            .map(|row| {
                Ok(Named {
                    id: id("a segment", &row.id)?,
                    source: row.source,
                    sha256: row.sha256,
                })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        if named.is_empty() {
            return Err(Error::Field(NOTHING_THERE));
        }
        Ok((recording, named))
    }

    /// The marks in a recording, by where they begin. Whoever lists them has asked the gate.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_recording(&self, recording: Uuid) -> Result<Vec<Mark>, Error> {
        let rows = rows::of_recording(&self.db, &recording.to_string()).await?;
        rows.into_iter().map(Mark::try_from).collect()
    }

    /// The marks of an author, the newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn of_author(&self, author: Uuid) -> Result<Vec<Mark>, Error> {
        let rows = rows::of_author(&self.db, &author.to_string()).await?;
        rows.into_iter().map(Mark::try_from).collect()
    }

    /// Its author takes a mark back: it stays, and says so.
    ///
    /// # Errors
    /// No such mark of this person, or it is withdrawn already; or store and trail fail.
    pub async fn withdraw(
        &self,
        (session, origin): (&Session, IpAddr),
        mark: Uuid,
        why: &str,
        now_ms: i64,
    ) -> Result<(), Error> {
        let why = text(why, NO_REASON)?;
        let row = rows::find(&self.db, &mark.to_string()).await?;
        let own = |row: &MarkRow| row.author_id == session.person.id.to_string();
        let row = row.filter(own).ok_or(Error::NotFound)?;
        let entry = Entry {
            object: format!("{} {}", row.number, row.recording_id),
            purpose: why.to_owned(),
            detail: line(&row),
            ..Entry::done(session.person.who(origin), "withdraw_mark")
        };
        let mut pending = self.trail.begin(entry, now_ms).await?;
        if !rows::withdraw(pending.writing(), &row.id, (now_ms, why)).await? {
            return Err(Error::Withdrawn);
        }
        pending.commit().await?;
        Ok(())
    }
}

impl TryFrom<MarkRow> for Mark {
    type Error = Error;

    fn try_from(row: MarkRow) -> Result<Self, Error> {
        let said = document::said(&row.document);
        let said = said.ok_or_else(|| Error::Document(row.number.clone()))?;
        Ok(Self { row, said })
    }
}

/// From when to when, and the hash of the document: the trail says which it was.
fn line(row: &MarkRow) -> String {
    let (from, to) = (date_and_time(row.from_ms), time_of_day(row.to_ms));
    format!("{from} – {to}, {}", secret::hash(&row.document))
}

fn overlaps(row: &SegmentRow, wish: Wish<'_>) -> bool {
    let end_us = row.start_us + row.duration_us;
    row.start_us < wish.to_ms * 1000 && end_us > wish.from_ms * 1000
}

fn text(given: &str, wrong: FieldError) -> Result<&str, Error> {
    let text = given.trim();
    let fits = (1..=NOTE_CHARACTERS_MAX).contains(&text.chars().count());
    fits.then_some(text).ok_or(Error::Field(wrong))
}

const NO_NOTE: FieldError = FieldError {
    field: "note",
    zh: "请用 1 至 500 个字写明看到了什么。",
    en: "Say in 1 to 500 characters what is to be seen there.",
};
const NO_REASON: FieldError = FieldError {
    field: "reason",
    zh: "请用 1 至 500 个字写明撤回的理由。",
    en: "Say in 1 to 500 characters why it is taken back.",
};
const NOT_FROM: FieldError = FieldError {
    field: "from",
    zh: "起点不在这段录像中。",
    en: "The mark begins outside this recording.",
};
const NOT_TO: FieldError = FieldError {
    field: "to",
    zh: "终点不在这段录像中。",
    en: "The mark ends outside this recording.",
};
const NO_STRETCH: FieldError = FieldError {
    field: "to",
    zh: "终点须在起点之后，最长 30 分钟。",
    en: "It ends after it begins and lasts 30 minutes at most.",
};
const NOTHING_THERE: FieldError = FieldError {
    field: "from",
    zh: "这段时间没有录到任何画面，不能标记。",
    en: "Nothing was recorded there: there is nothing to mark.",
};

#[cfg(test)]
mod tests;
