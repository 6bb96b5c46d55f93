//! What is kept longer than the calendar says (R120, R122): premium courses and holds. Each step is
//! a line of the trail with its article; what has ended loses its keys in the same transaction.
//!
//! 学习网第十六条 “保存时间分类确定”; 第四条第3项.

mod premium;
mod hold;

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::institution::Institution;
use xunke_policy::retention::Terms;

use super::audit::{Entry, Trail, Who};
use super::grant::Error;
use crate::campus::id;
use crate::store::Db;
use crate::store::keeping::{self as rows, KeeperRow};

pub use hold::HoldDraft;
pub use premium::Nominable;

/// On which every step rests.
const ARTICLE: &str = "学习网第十六条";

/// The proof that somebody decided to keep a recording, audited: with it, and with nothing else but
/// a permit to watch, the key room unwraps segment keys (K1). Only [`Keepings::authorities`] makes
/// one.
#[derive(Debug)]
pub struct Authority {
    recording: Uuid,
    classroom_id: String,
    keeper: String,
}

impl Authority {
    /// What is kept.
    #[must_use]
    pub fn recording(&self) -> Uuid {
        self.recording
    }

    /// Where it was made.
    #[must_use]
    pub fn classroom_id(&self) -> &str {
        &self.classroom_id
    }

    /// The decision that keeps it.
    #[must_use]
    pub fn keeper(&self) -> &str {
        &self.keeper
    }
}

/// Decisions to keep. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keepings {
    db: Db,
    trail: Arc<Trail>,
    institution: Arc<Institution>,
}

impl Keepings {
    /// Decisions in `db` under the rules of `institution`, each step a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, institution: Arc<Institution>) -> Self {
        Self {
            db,
            trail,
            institution,
        }
    }

    /// How long recordings are kept.
    #[must_use]
    pub fn terms(&self) -> Terms {
        self.institution.rules.terms()
    }

    /// Recordings that a decision in force keeps and whose keys are not all sealed again, each with
    /// its line in the trail: begun once more after a crash, and when a box brings more of one.
    ///
    /// # Errors
    /// When the store fails or a line cannot be written; then nothing may be unwrapped.
    pub async fn authorities(&self, now_ms: i64) -> Result<Vec<Authority>, Error> {
        let mut all = Vec::new();
        for row in rows::without_keys(&self.db).await? {
            self.trail.append(entry(&row), now_ms).await?;
            all.push(Authority {
                recording: id("a recording", &row.recording_id)?,
                classroom_id: row.classroom_id,
                keeper: row.keeper,
            });
        }
        Ok(all)
    }
}

/// The hub does it for the decision; the line is there before anything is unwrapped (R116).
fn entry(row: &KeeperRow) -> Entry {
    Entry {
        object: format!("recording {}", row.recording_id),
        detail: row.number.clone(),
        article: ARTICLE,
        ..Entry::done(Who::default(), "rewrap_keys")
    }
}

/// The line of a step that something has happened to meanwhile is not written.
const MEANWHILE: Error = Error::Conflict(
    "状态刚刚变化，请刷新。",
    "It is in another state by now; reload.",
);

/// The next number of a list.
fn numbered(letters: &str, count: i64) -> String {
    format!("{letters}-{:05}", count + 1)
}
