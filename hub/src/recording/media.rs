//! The media store: sealed files in an object store, durable before anyone is told of them.
//!
//! `incoming/` holds what is being received and is emptied at start; `segments/` holds what was
//! verified. With the local directory, files, renames and folders are flushed by the store.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt};
use xunke_protocol::recording::SEGMENT_BYTES_MAX;

pub(super) const INCOMING: &str = "incoming";
/// More than any header and wrapped key.
const HEAD_BYTES: u64 = 4096;

/// What went wrong with media.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder cannot be used.
    #[error("recording.folder: cannot use {path}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// More than a segment may have.
    #[error("a segment has at most {SEGMENT_BYTES_MAX} bytes")]
    TooLarge,
    /// The sender went away or fell silent.
    #[error("the upload broke off after {0} bytes")]
    BrokenOff(u64),
    /// The sender goes on somewhere else than where its upload ended.
    #[error("{0} bytes of this segment are here: go on there")]
    Offset(u64),
    /// The disk is full, or as full as it may get.
    #[error("there is no room for recordings")]
    Full,
    /// The object store failed.
    #[error("the media store failed while {doing}")]
    Store {
        /// Such as `receiving a segment`.
        doing: &'static str,
        /// The cause.
        source: object_store::Error,
    },
}

impl Error {
    /// Whether the file is simply not there.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        let absent = |source: &_| matches!(source, object_store::Error::NotFound { .. });
        matches!(self, Self::Store { source, .. } if absent(source))
    }
}

/// Where sealed files are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Media {
    pub(super) store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    free_bytes_min: u64,
    /// Whether it was said that there is no room.
    full: Arc<AtomicBool>,
}

impl Media {
    /// Opens (or makes) the store in `folder` and forgets uploads that a crash cut off.
    ///
    /// # Errors
    /// The folder cannot be made, read or written.
    pub fn open(folder: &Path, free_bytes_min: u64) -> Result<Self, Error> {
        let failed = |source| Error::Folder {
            path: folder.into(),
            source,
        };
        let incoming = folder.join(INCOMING);
        if incoming.exists() {
            std::fs::remove_dir_all(&incoming).map_err(failed)?;
        }
        make_folder(&incoming).map_err(failed)?;
        Self::beside(folder, free_bytes_min)
    }

    /// The store in `folder` as it is, for reading beside a hub that runs: its uploads go on.
    ///
    /// # Errors
    /// There is no such folder.
    pub fn beside(folder: &Path, free_bytes_min: u64) -> Result<Self, Error> {
        let store = LocalFileSystem::new_with_prefix(folder).map_err(|source| Error::Store {
            doing: "opening the folder",
            source,
        })?;
        Ok(Self {
            store: Arc::new(store.with_fsync(true)),
            folder: folder.into(),
            free_bytes_min,
            full: Arc::default(),
        })
    }

    /// Says so once when there is no room any more, and once when there is again.
    pub(super) fn tell(&self, full: bool) {
        let folder = self.folder.display();
        match (self.full.swap(full, Ordering::Relaxed), full) {
            (false, true) => tracing::error!(
                %folder,
                "recording.folder has no room left: boxes keep their recordings until there is; \
                 free some space, or move it to a larger disk"
            ),
            (true, false) => tracing::info!(%folder, "there is room for recordings again"),
            _ => {}
        }
    }

    /// Gives an incoming file its place; durable when this returns. A file there that nobody was
    /// given a receipt for is replaced.
    ///
    /// # Errors
    /// When the store fails; then nothing has a place.
    pub(super) async fn keep(&self, incoming: &Location, place: &str) -> Result<(), Error> {
        let renamed = self.store.rename(incoming, &place.into()).await;
        renamed.map_err(|source| failed("keeping a segment", source))
    }

    /// The bytes of a kept file.
    ///
    /// # Errors
    /// It is not there, or the store fails.
    pub async fn read(&self, place: &str) -> Result<Bytes, Error> {
        self.get(&place.into()).await
    }

    /// The beginning of a kept file, which holds its header and its wrapped key.
    ///
    /// # Errors
    /// It is not there, or the store fails.
    pub async fn read_head(&self, place: &str) -> Result<Bytes, Error> {
        let head = self.store.get_range(&place.into(), 0..HEAD_BYTES).await;
        head.map_err(|source| failed("reading the head of a segment", source))
    }

    /// Removes a kept file; one that is gone already is no error.
    ///
    /// # Errors
    /// The store fails; try again.
    pub async fn remove(&self, place: &str) -> Result<(), Error> {
        match self.store.delete(&place.into()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(failed("removing a segment", source)),
        }
    }

    pub(super) async fn get(&self, location: &Location) -> Result<Bytes, Error> {
        let failed = |source| failed("reading a segment", source);
        let found = self.store.get(location).await.map_err(failed)?;
        found.bytes().await.map_err(failed)
    }

    /// The database and the trail share the disk: without a trail nobody may see anything (X9),
    /// so recordings stop first.
    pub(super) fn check_room(&self) -> Result<(), Error> {
        let disk = rustix::fs::statvfs(&self.folder).map_err(|source| Error::Folder {
            path: self.folder.clone(),
            source: source.into(),
        })?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < self.free_bytes_min {
            return Err(Error::Full);
        }
        Ok(())
    }
}

/// Only the hub's own user looks into media.
fn make_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

pub(super) fn failed(doing: &'static str, source: object_store::Error) -> Error {
    if is_full(&source) {
        return Error::Full;
    }
    Error::Store { doing, source }
}

/// Whether the disk or a quota is at the bottom of this.
fn is_full(error: &(dyn StdError + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let kind = error
            .downcast_ref::<std::io::Error>()
            .map(std::io::Error::kind);
        if matches!(
            kind,
            Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        ) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let wrapped = |kind: ErrorKind| object_store::Error::Generic {
            store: "local",
            source: Box::new(std::io::Error::from(kind)),
        };
        assert!(matches!(
            failed("x", wrapped(ErrorKind::StorageFull)),
            Error::Full
        ));
        assert!(matches!(
            failed("x", wrapped(ErrorKind::QuotaExceeded)),
            Error::Full
        ));
        let other = failed("x", wrapped(ErrorKind::PermissionDenied));
        assert!(matches!(other, Error::Store { .. }));
    }
}
