//! Retention: in the night after its last day the key of a day is destroyed, and what it opened
//! with it (R119, R122, K11).
//!
//! plan → certificate
//!
//! Order: holds whose case is over end → what is kept longer is sealed again → key and intent in
//! one transaction → files → counts in the place of rows, and the signed certificate. A crash
//! between any two of them is gone on from at the next start: the key dies first, so nothing that
//! a crash leaves behind can be opened.

mod plan;
mod certificate;

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::sync::Arc;

use ed25519_dalek::SigningKey;
use tokio::sync::Mutex;
use uuid::Uuid;
use xunke_protocol::sealed::Outline;

use super::ingest::place_of;
use super::media::{self, Media};
use crate::access::audit::{Entry, Trail, Unavailable, Who};
use crate::access::grant;
use crate::access::keeping::{Authority, Keepings};
use crate::campus::calendar;
use crate::keys::{self, Keys};
use crate::store::destruction::{self as rows, DestructionRow};
use crate::store::keys::{SegmentPlaceRow, without_key};
use crate::store::{self, Db};
use plan::Batch;

pub use certificate::{DOMAIN, signed};

/// More keys due at once mean that the hub was away for long, or that its clock is wrong.
const KEYS_AT_ONCE_MAX: usize = 31;
/// On which every destruction rests.
const ARTICLE: &str = "学习网第十六条";

/// What went wrong; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The trail cannot be written: nothing is destroyed.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// Decisions to keep cannot be read.
    #[error(transparent)]
    Keeping(#[from] grant::Error),
    /// A file cannot be read or removed.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// A key cannot be sealed again.
    #[error(transparent)]
    Keys(#[from] keys::Error),
}

/// What ends recordings, and what keeps some of them. Cheap to clone.
#[derive(Clone)]
pub struct Retention(Arc<Rooms>);

struct Rooms {
    db: Db,
    trail: Arc<Trail>,
    keepings: Keepings,
    keys: Arc<Keys>,
    media: Media,
    signing: SigningKey,
    /// One at a time.
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last day that needs no more looking at; `None` after a start.
    done: Option<i64>,
    /// Since when more was due at once than is believed.
    doubted_ms: Option<i64>,
}

impl std::fmt::Debug for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Retention")
    }
}

impl Retention {
    /// Ends what is in `media`, opened with `keys`, unless `keepings` keeps it; certificates are
    /// signed with `signing`.
    #[must_use]
    pub fn new(
        (db, trail): (Db, Arc<Trail>),
        keepings: Keepings,
        (keys, media): (Arc<Keys>, Media),
        signing: SigningKey,
    ) -> Self {
        Self(Arc::new(Rooms {
            db,
            trail,
            keepings,
            keys,
            media,
            signing,
            state: Mutex::default(),
        }))
    }

    /// Destroys what is past its retention, once a day and after a start; days that were missed
    /// are caught up.
    ///
    /// # Errors
    /// What could not be destroyed, or not be told; the next call goes on from there.
    pub async fn nightly(&self, now_ms: i64) -> Result<(), Error> {
        let today = calendar::day(now_ms);
        let mut state = self.0.state.lock().await;
        if state.done == Some(today) {
            return Ok(());
        }
        self.0.run(&mut state.doubted_ms, now_ms).await?;
        state.done = Some(today);
        Ok(())
    }

    /// Seals again at once what a decision that was just made keeps; what fails is tried again
    /// before anything is destroyed.
    pub async fn keep_now(&self, now_ms: i64) {
        let _one = self.0.state.lock().await;
        if let Err(error) = self.0.seal_again(now_ms).await {
            tracing::error!(
                error = &error as &dyn StdError,
                "cannot seal a recording again that is to be kept; it is tried again tonight"
            );
        }
    }
}

impl Rooms {
    async fn run(&self, doubted_ms: &mut Option<i64>, now_ms: i64) -> Result<(), Error> {
        self.keepings.end_settled(now_ms).await?;
        let waiting = self.seal_again(now_ms).await?;
        for row in rows::unfinished(&self.db).await? {
            self.carry_out(row, now_ms).await?;
        }
        let terms = self.keepings.terms();
        let batches = plan::due(&self.db, terms, now_ms).await?;
        if is_doubtful(&batches, doubted_ms, now_ms) {
            return Ok(());
        }
        for batch in batches {
            let row = self.begin(batch, &waiting, now_ms).await?;
            if let Some(row) = row {
                self.carry_out(row, now_ms).await?;
            }
        }
        Ok(())
    }

    /// Seals again what decisions keep. Gives the days whose key must wait, because the reason why
    /// a segment could not be sealed again may pass.
    async fn seal_again(&self, now_ms: i64) -> Result<BTreeSet<i64>, Error> {
        let mut waiting = BTreeSet::new();
        for authority in self.keepings.authorities(now_ms).await? {
            let recording = authority.recording().to_string();
            for segment in without_key(&self.db, &recording, authority.keeper()).await? {
                let Err(error) = self.seal_one(&authority, &segment).await else {
                    continue;
                };
                let for_good = is_for_good(&error);
                tracing::error!(
                    error = &error as &dyn StdError,
                    segment.id = %segment.id,
                    for_good,
                    "a segment that is to be kept cannot be sealed again"
                );
                if !for_good {
                    waiting.insert(segment.epoch);
                }
            }
        }
        Ok(waiting)
    }

    async fn seal_one(
        &self,
        authority: &Authority,
        segment: &SegmentPlaceRow,
    ) -> Result<(), Error> {
        let place = place_of(authority.classroom_id(), segment.start_us, &segment.id);
        let head = self.media.read_head(&place).await?;
        let outline = Outline::scan(&head).map_err(keys::Error::from)?;
        self.keys.rewrap(authority, outline).await?;
        Ok(())
    }

    /// The key dies, and why and what stands beside it, in one transaction. `None`: the day waits.
    async fn begin(
        &self,
        mut batch: Batch,
        waiting: &BTreeSet<i64>,
        now_ms: i64,
    ) -> Result<Option<DestructionRow>, Error> {
        if batch.key.is_some() && waiting.contains(&batch.day) {
            tracing::error!(
                day = %calendar::date_text(batch.day),
                "the key of this day is past its retention and still needed for what is to be \
                 kept: mend what keeps those segments from being read, then start the hub anew"
            );
            batch.key = None;
        }
        if batch.key.is_none() && batch.recordings.is_empty() {
            return Ok(None);
        }
        let facts = certificate::facts(&self.db, &batch, self.keepings.terms()).await?;
        let mut still = self.trail.hold().await?;
        let count = rows::count(still.writing()).await?;
        let row = DestructionRow {
            id: Uuid::now_v7().to_string(),
            number: format!("XH-{:05}", count + 1),
            day: batch.day,
            public_sha256: batch.public_sha256(),
            facts,
            begun_ms: now_ms,
            done_ms: None,
            text: None,
            signature: None,
        };
        let mut pending = still
            .line(entry("destroy_recordings", &row), now_ms)
            .await?;
        let ids: Vec<_> = batch.recordings.iter().map(|one| one.id.clone()).collect();
        rows::begin(pending.writing(), &row, &ids, batch.key.is_some()).await?;
        pending.commit().await?;
        self.db.empty_journal().await?;
        Ok(Some(row))
    }

    /// Files, then rows; both may have been begun before a crash.
    async fn carry_out(&self, row: DestructionRow, now_ms: i64) -> Result<(), Error> {
        for file in rows::files(&self.db, &row.id).await? {
            let place = place_of(&file.classroom_id, file.start_us, &file.id);
            self.media.remove(&place).await?;
        }
        let row = certificate::done(row, &self.signing, now_ms);
        let mut pending = self.trail.begin(certified(&row), now_ms).await?;
        rows::finish(pending.writing(), &row).await?;
        pending.commit().await?;
        tracing::info!(
            number = row.number,
            day = %calendar::date_text(row.day),
            "destroyed what was past its retention; the certificate is signed"
        );
        Ok(())
    }
}

/// What is destroyed does not come back: more than a month of keys at once waits for a day.
fn is_doubtful(batches: &[Batch], doubted_ms: &mut Option<i64>, now_ms: i64) -> bool {
    let keys = batches.iter().filter(|batch| batch.key.is_some()).count();
    if keys <= KEYS_AT_ONCE_MAX {
        *doubted_ms = None;
        return false;
    }
    let since_ms = *doubted_ms.get_or_insert(now_ms);
    let waits = (0..calendar::DAY_MS).contains(&(now_ms - since_ms));
    if waits {
        tracing::error!(
            keys,
            "the keys of so many days are past their retention at once: the hub was away for \
             long, or its clock is wrong; nothing is destroyed for a day: set the clock right \
             if it is wrong"
        );
    }
    waits
}

/// Whether trying again does not help: the file is gone or was changed, or nobody has its key.
fn is_for_good(error: &Error) -> bool {
    match error {
        Error::Media(error) => error.is_absent(),
        Error::Keys(error) => matches!(error, keys::Error::Damaged(_) | keys::Error::NoDay(_)),
        _ => false,
    }
}

fn entry(action: &'static str, row: &DestructionRow) -> Entry {
    let key = match row.public_sha256.as_str() {
        "" => "recordings",
        hash => hash,
    };
    Entry {
        object: format!("{} {}", row.number, calendar::date_text(row.day)),
        detail: key.to_owned(),
        article: ARTICLE,
        ..Entry::done(Who::default(), action)
    }
}

/// The certificate is chained into the trail by its hash.
fn certified(row: &DestructionRow) -> Entry {
    Entry {
        detail: certificate::hash(row),
        ..entry("certify_destruction", row)
    }
}

#[cfg(test)]
mod tests;
