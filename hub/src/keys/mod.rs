//! Keys: the private halves of the day keys, sealed at rest, used for a permit and nothing else.
//!
//! record → master → limit → rewrap → custody → escrow → backup
//!
//! Invariant: a [`DaySecret`] exists only in this room, and only while a segment is opened for a
//! [`Permit`] or sealed again for an [`Authority`]; a route that forgets the gate gets bytes it
//! cannot open.

mod record;
mod master;
mod limit;
mod rewrap;
pub mod custody;
pub mod escrow;
pub mod backup;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use tokio::sync::Mutex;
use xunke_policy::Refusal;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::sealed::epoch::{self, DayKey, DaySecret, PublicHalf, SignedBundle};
use xunke_protocol::sealed::{Damage, Outline, Suite};
use zeroize::Zeroizing;

use crate::access::gate::{Permit, Playback, RecordingRef};
use crate::access::keeping::Authority;
use crate::authority::secret_file;
use crate::config;
use crate::store::keys::{self as rows, BundleRow, DayKeyRow};
use crate::store::{self, Db};
use custody::Custody;
use limit::{Opened, Piece};
use master::Master;

/// A box whose clock is a little behind still finds its day.
const DAYS_BEHIND: u32 = 1;

/// What went wrong with keys.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The master key file.
    #[error(transparent)]
    File(#[from] secret_file::Error),
    /// There is no master key outside the data folder.
    #[error(
        "keys.master_key_file: there is no master key: make one with `xunke-hub keys master --to \
         FILE` and deliver it as the credential master-key of the service, or name its file here \
         (docs/guides/key-holders.md)"
    )]
    NoCustody,
    /// The master key lies beside what it opens.
    #[error(
        "keys.master_key_file: {file} lies in {folder}, beside what it opens: move it elsewhere, \
         best into a credential of the service (docs/guides/key-holders.md)"
    )]
    Beside {
        /// The key.
        file: PathBuf,
        /// The data or media folder.
        folder: PathBuf,
    },
    /// An export that cannot be made or read.
    #[error(transparent)]
    Escrow(#[from] escrow::Error),
    /// Day keys are sealed under a master key that is gone.
    #[error("{0}: the master key is missing; put it back, no recording can be opened without it")]
    MasterMissing(PathBuf),
    /// The file is no key.
    #[error("{0}: a master key is a file of exactly 32 bytes")]
    MasterMalformed(PathBuf),
    /// The file is another key.
    #[error("{path}: the key of day {epoch} was sealed with another master key; put that one back")]
    OtherMaster {
        /// The file.
        path: PathBuf,
        /// The day.
        epoch: u32,
    },
    /// The day's key was destroyed, or never was ours.
    #[error("there is no key for day {0}")]
    NoDay(u32),
    /// A stored public half is not one.
    #[error("the stored public key of day {0} is malformed")]
    Public(i64),
    /// The permit is for another room than the segment.
    #[error("the permit is for room {permitted}, the segment is of room {found}")]
    OtherRoom {
        /// What was permitted.
        permitted: ClassroomId,
        /// What was asked for.
        found: ClassroomId,
    },
    /// The segment was changed.
    #[error("the segment cannot be opened")]
    Damaged(#[from] Damage),
    /// Whoever asks has opened as much today as one person may.
    #[error("refused: {}", .0.en)]
    Enough(Refusal),
    /// A record key is sealed under another master key, or was changed.
    #[error("record key {0} does not open with this master key")]
    Record(String),
    /// Opening it did not come to an end.
    #[error("opening a segment was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

/// From where on a segment is opened.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    /// Microseconds from its beginning; 0: all of it.
    pub from_us: u32,
    /// Whether a fragment can be shown without those before it.
    pub begins: fn(&[u8]) -> bool,
}

/// What was opened of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Where the first fragment begins, microseconds from the segment's beginning.
    pub begin_us: u32,
    /// The init segment, then the fragments.
    pub parts: Vec<Vec<u8>>,
}

/// The keys. There is one, shared by the doors.
pub struct Keys {
    db: Db,
    master: Arc<Master>,
    signing: SigningKey,
    suite: Suite,
    days_ahead: u32,
    hours_a_day_max: u32,
    opened: Opened,
    /// One bundle is made at a time.
    publishing: Mutex<()>,
}

impl Keys {
    /// Opens the keys; at first start makes the master key and the coming days' pairs. `signing`
    /// is the hub's key that boxes know.
    ///
    /// # Errors
    /// The master key is missing, malformed or another one, or the store fails.
    pub async fn open(
        db: Db,
        custody: &Custody,
        config: &config::Keys,
        signing: SigningKey,
        now_ms: i64,
    ) -> Result<Self, Error> {
        let known = rows::any(&db).await?;
        let master = Master::open(&custody.file, custody.make && known.is_none())?;
        if let Some(row) = known {
            master.unseal(&row.sealed, day(row.epoch)?)?;
        }
        let keys = Self {
            db,
            master: Arc::new(master),
            signing,
            suite: config.suite,
            days_ahead: config.days_ahead,
            hours_a_day_max: config.hours_a_day_max,
            opened: Opened::default(),
            publishing: Mutex::new(()),
        };
        keys.top_up(now_ms).await?;
        Ok(keys)
    }

    /// Makes the pairs that are missing from yesterday to the last of the coming days; to be
    /// called daily.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn top_up(&self, now_ms: i64) -> Result<(), Error> {
        let (first, last) = self.span(now_ms);
        let known = rows::between(&self.db, first.into(), last.into()).await?;
        let missing = (first..=last)
            .filter(|epoch| known.iter().all(|row| row.epoch != i64::from(*epoch)))
            .map(|epoch| self.new_pair(epoch))
            .collect::<Vec<_>>();
        if missing.is_empty() {
            return Ok(());
        }
        rows::add(&self.db, &missing).await?;
        tracing::info!(days = missing.len(), "made day keys");
        Ok(())
    }

    /// The public halves of the coming days, signed for boxes. Its version grows with every
    /// change, and with time, so that a database restored from a copy is believed again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bundle(&self, now_ms: i64) -> Result<SignedBundle, Error> {
        let _one = self.publishing.lock().await;
        self.top_up(now_ms).await?;
        let (first, last) = self.span(now_ms);
        let (first_epoch, last_epoch) = (i64::from(first), i64::from(last));
        let newest = rows::bundle(&self.db).await?;
        let same = |row: &BundleRow| (row.first_epoch, row.last_epoch) == (first_epoch, last_epoch);
        let version = match newest {
            Some(row) if same(&row) => row.version,
            older => {
                let version = older.map_or(0, |row| row.version + 1).max(now_ms / 1000);
                let row = BundleRow {
                    version,
                    first_epoch,
                    last_epoch,
                };
                rows::publish(&self.db, &row).await?;
                version
            }
        };
        let known = rows::between(&self.db, first_epoch, last_epoch).await?;
        let days = known.iter().map(public).collect::<Result<_, _>>()?;
        Ok(SignedBundle::sign(
            version.unsigned_abs(),
            days,
            &self.signing,
        ))
    }

    /// Whether what is sealed to this day can be opened at all: not once its key is destroyed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds(&self, epoch: u32) -> Result<bool, Error> {
        let row = rows::find(&self.db, epoch.into()).await?;
        Ok(row.is_some_and(|row| !row.sealed.is_empty()))
    }

    /// Opens a segment of the room that `permit` is for, from where `start` says: the init segment,
    /// then the fragments. `sealed` must be what was scanned. The plain bytes live in memory only.
    /// Of the day's hours the minutes of the whole segment are taken.
    ///
    /// # Errors
    /// Another room, enough for today, no key any more, or a segment that was changed.
    pub async fn open_segment(
        &self,
        permit: &Permit<Playback, RecordingRef>,
        (outline, sealed): (Outline, Bytes),
        start: Start,
        now_ms: i64,
    ) -> Result<Plain, Error> {
        let (permitted, found) = (permit.object().classroom, outline.header.classroom);
        if permitted != found {
            return Err(Error::OtherRoom { permitted, found });
        }
        let piece = Piece {
            person: permit.session().person.id,
            recording: permit.object().id,
            start_us: outline.header.start_us,
            duration_us: outline.duration_us.into(),
        };
        let hours_max = self.hours_a_day_max;
        self.opened.take(&self.db, piece, hours_max, now_ms).await?;
        let source = self.source(&outline).await?;
        let master = self.master.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let key = outline.key_from(&source.unwrap(&master, &outline)?)?;
            let opened = outline.open_from(&sealed, &key, start.from_us, start.begins)?;
            let (begin_us, parts) = opened;
            Ok(Plain { begin_us, parts })
        });
        opening.await?
    }

    /// Seals the secrets of a channel that leaves the hub, for its id alone.
    #[must_use]
    pub fn seal_channel(&self, plain: &[u8], id: &str) -> String {
        self.master.seal_channel(plain, id)
    }

    /// Opens what [`Keys::seal_channel`] made for this id; `None` for anything else, and after
    /// another master key was put in place: then they have to be typed again.
    #[must_use]
    pub fn unseal_channel(&self, sealed: &str, id: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.master.unseal_channel(sealed, id)
    }

    fn span(&self, now_ms: i64) -> (u32, u32) {
        let today = epoch::of(now_ms);
        (
            today.saturating_sub(DAYS_BEHIND),
            today.saturating_add(self.days_ahead),
        )
    }

    fn new_pair(&self, epoch: u32) -> DayKeyRow {
        let (secret, day) = DaySecret::generate(self.suite, epoch, &mut UnwrapErr(SysRng));
        DayKeyRow {
            epoch: epoch.into(),
            public: day.public.into(),
            sealed: self.master.seal(&secret, epoch),
        }
    }
}

/// Where systemd puts the credentials of a service.
#[must_use]
pub fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Keys are never printed.
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

fn day(epoch: i64) -> Result<u32, Error> {
    u32::try_from(epoch).map_err(|_| Error::Public(epoch))
}

fn public(row: &DayKeyRow) -> Result<DayKey, Error> {
    let public = PublicHalf::try_from(row.public.clone());
    Ok(DayKey {
        epoch: day(row.epoch)?,
        public: public.map_err(|_| Error::Public(row.epoch))?,
    })
}

#[cfg(test)]
mod tests;
