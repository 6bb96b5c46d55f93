//! 附件 (R17): what speaks for an application; sealed at rest, read by few, and every time a line.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_policy::Refusal;
use xunke_policy::patrol::FieldError;

use super::audit::{Entry, Trail, Unavailable};
use super::document;
use super::grant::{self, By};
use super::secret::{self, SealingKey, hex};
use crate::store::paper::{self as rows, NewPaper, PaperRow};
use crate::store::{self, Db, grant as applications};

/// Most papers of one application.
const PAPERS_MAX: i64 = 5;
const NAME_CHARACTERS_MAX: usize = 120;

/// Why a paper is not kept or handed out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// As for the application itself.
    #[error(transparent)]
    Grant(#[from] grant::Error),
    /// What is stored does not open, or is not what was stored.
    #[error(transparent)]
    Secret(#[from] secret::Error),
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        Self::Grant(error.into())
    }
}

impl From<Unavailable> for Error {
    fn from(error: Unavailable) -> Self {
        Self::Grant(error.into())
    }
}

/// A paper as it is handed out.
pub struct Handed {
    /// Such as `SQ-00001-6789ab.pdf`.
    pub file_name: String,
    /// Such as `application/pdf`.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

/// The papers of applications. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Papers {
    db: Db,
    trail: Arc<Trail>,
    sealing: SealingKey,
}

impl Papers {
    /// Papers in `db`, sealed with `sealing`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, sealing: SealingKey) -> Self {
        Self { db, trail, sealing }
    }

    /// Every paper, the latest first, 2000 at most.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self) -> Result<Vec<PaperRow>, Error> {
        Ok(rows::list(&self.db).await?)
    }

    /// Adds a paper to an application that waits.
    ///
    /// # Errors
    /// The refusal or the field; then nothing was kept.
    pub async fn add(
        &self,
        by: By<'_>,
        application: Uuid,
        name: &str,
        bytes: &[u8],
    ) -> Result<Uuid, Error> {
        let name = named(name)?;
        let media_type = document::media_type(bytes).map_err(grant::Error::Field)?;
        let found = applications::application(&self.db, &application.to_string()).await?;
        let found = found.ok_or(grant::Error::NotFound)?;
        let sha256 = hex(&Sha256::digest(bytes));
        let entry = Entry {
            object: format!("{} {name}", found.number),
            detail: format!("{media_type}, {} bytes, {sha256}", bytes.len()),
            ..by.done("add_paper")
        };
        let waits = match found.state.as_str() {
            "filed" => Ok(()),
            _ => Err(Refusal::APPLICATION_STATE),
        };
        grant::answered(&self.trail, waits, &entry, by.now_ms).await?;
        let id = Uuid::now_v7();
        let key = id.to_string();
        let new = NewPaper {
            id: &key,
            application_id: &found.id,
            name,
            media_type,
            bytes: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            sha256: &sha256,
            sealed: &self.sealing.seal(bytes, &key),
            stored_by: &by.session.person.id.to_string(),
            now_ms: by.now_ms,
        };
        let mut still = self.trail.hold().await?;
        if rows::count(still.writing(), &found.id).await? >= PAPERS_MAX {
            return Err(grant::Error::Field(TOO_MANY).into());
        }
        let mut pending = still.line(entry, by.now_ms).await?;
        rows::add(pending.writing(), &new).await?;
        pending.commit().await?;
        Ok(id)
    }

    /// Hands a paper out, behind the line that says so. Who may ask is the door's question.
    ///
    /// # Errors
    /// When there is none, it does not open, or the line cannot be written.
    pub async fn read(&self, by: By<'_>, paper: Uuid) -> Result<Handed, Error> {
        let row = rows::find(&self.db, &paper.to_string()).await?;
        let row = row.ok_or(grant::Error::NotFound)?;
        let sealed = rows::sealed(&self.db, &row.id).await?;
        let sealed = sealed.ok_or(grant::Error::NotFound)?;
        let opened = self.sealing.unseal(&sealed, &row.id)?;
        if hex(&Sha256::digest(opened.as_slice())) != row.sha256 {
            return Err(secret::Error::Open.into());
        }
        let entry = Entry {
            object: format!("{} {}", row.number, row.name),
            ..by.done("read_paper")
        };
        self.trail.append(entry, by.now_ms).await?;
        let tail = &row.id[row.id.len().saturating_sub(6)..];
        let suffix = document::suffix(&row.media_type);
        Ok(Handed {
            file_name: format!("{}-{tail}.{suffix}", row.number),
            media_type: row.media_type,
            bytes: opened.to_vec(),
        })
    }
}

/// A name for people to read: no path, nothing invisible.
fn named(name: &str) -> Result<&str, grant::Error> {
    let name = name.trim();
    let length = name.chars().count();
    let odd = |one: char| one.is_control() || matches!(one, '/' | '\\');
    if (1..=NAME_CHARACTERS_MAX).contains(&length) && !name.contains(odd) {
        return Ok(name);
    }
    Err(grant::Error::Field(NO_NAME))
}

const NO_NAME: FieldError = FieldError {
    field: "name",
    zh: "附件名须为 1 至 120 字，不含斜杠和控制字符。",
    en: "A paper has a name of 1 to 120 characters without slashes and control characters.",
};
const TOO_MANY: FieldError = FieldError {
    field: "scan",
    zh: "一份申请最多 5 个附件。",
    en: "An application has 5 papers at most.",
};

#[cfg(test)]
mod tests;
