//! Keys: the private halves of the day keys, sealed at rest, used for a permit and nothing else.
//!
//! master
//!
//! Invariant: a [`DaySecret`] exists only in this room, and only while a segment is opened for a
//! [`Permit`]; a route that forgets the gate gets bytes it cannot open.

mod master;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use tokio::sync::Mutex;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::sealed::epoch::{self, DayKey, DaySecret, SignedBundle};
use xunke_protocol::sealed::{Damage, Outline};

use crate::access::gate::{Permit, Playback, RecordingRef};
use crate::authority::secret_file;
use crate::config;
use crate::store::keys::{self as rows, BundleRow, DayKeyRow};
use crate::store::{self, Db};
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
    /// Opening it did not come to an end.
    #[error("opening a segment was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

/// The keys. There is one, shared by the doors.
pub struct Keys {
    db: Db,
    master: Arc<Master>,
    signing: SigningKey,
    days_ahead: u32,
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
        data_dir: &Path,
        config: &config::Keys,
        signing: SigningKey,
        now_ms: i64,
    ) -> Result<Self, Error> {
        let known = rows::any(&db).await?;
        let own = data_dir.join("keys").join("master.key");
        let configured = !config.master_key_file.as_os_str().is_empty();
        let master = if configured {
            Master::open(&config.master_key_file, false)?
        } else {
            Master::open(&own, known.is_none())?
        };
        if let Some(row) = known {
            master.unseal(&row.sealed, day(row.epoch)?)?;
        }
        let keys = Self {
            db,
            master: Arc::new(master),
            signing,
            days_ahead: config.days_ahead,
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

    /// Whether what is sealed to this day can be opened at all.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds(&self, epoch: u32) -> Result<bool, Error> {
        Ok(rows::find(&self.db, epoch.into()).await?.is_some())
    }

    /// Opens a segment of the room that `permit` is for: the init segment, then the fragments.
    /// `sealed` must be what was scanned. The plain bytes live in memory only.
    ///
    /// # Errors
    /// Another room, no key for the day, or a segment that was changed.
    pub async fn open_segment(
        &self,
        permit: &Permit<Playback, RecordingRef>,
        outline: Outline,
        sealed: Bytes,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let (permitted, found) = (permit.object().classroom, outline.header.classroom);
        if permitted != found {
            return Err(Error::OtherRoom { permitted, found });
        }
        let epoch = outline.header.epoch;
        let row = rows::find(&self.db, epoch.into()).await?;
        let row = row.ok_or(Error::NoDay(epoch))?;
        let master = self.master.clone();
        let opening = tokio::task::spawn_blocking(move || {
            let secret = master.unseal(&row.sealed, epoch)?;
            let key = outline.unwrap_key(&secret)?;
            Ok(outline.open(&sealed, &key)?)
        });
        opening.await?
    }

    fn span(&self, now_ms: i64) -> (u32, u32) {
        let today = epoch::of(now_ms);
        (
            today.saturating_sub(DAYS_BEHIND),
            today.saturating_add(self.days_ahead),
        )
    }

    fn new_pair(&self, epoch: u32) -> DayKeyRow {
        let (secret, day) = DaySecret::generate(epoch, &mut UnwrapErr(SysRng));
        DayKeyRow {
            epoch: epoch.into(),
            public: HEXLOWER.encode(&day.public),
            sealed: self.master.seal(&secret, epoch),
        }
    }
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
    let bytes = HEXLOWER.decode(row.public.as_bytes()).ok();
    let public = bytes.and_then(|bytes| bytes.try_into().ok());
    Ok(DayKey {
        epoch: day(row.epoch)?,
        public: public.ok_or(Error::Public(row.epoch))?,
    })
}

#[cfg(test)]
mod tests;
