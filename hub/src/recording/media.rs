//! The media store: sealed files in an object store, durable before anyone is told of them.
//!
//! `incoming/` holds what is being received and is emptied at start; `segments/` holds what was
//! verified. With the local directory, files, renames and folders are flushed by the store.

use std::error::Error as StdError;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Location;
use object_store::{ObjectStore, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_protocol::recording::SEGMENT_BYTES_MAX;

const INCOMING: &str = "incoming";
/// Written to the disk in pieces of this size.
const PIECE_BYTES: usize = 1024 * 1024;
/// Pieces of one upload that may wait for the disk.
const PIECES_MAX: usize = 2;
/// A box that sends nothing for so long has gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);

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

/// Where sealed files are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Media {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    free_bytes_min: u64,
    /// Whether it was said that there is no room.
    full: Arc<AtomicBool>,
}

/// A file that was received whole and is durable, but not yet believed.
#[derive(Debug)]
pub struct Received {
    location: Location,
    /// Of all its bytes.
    pub sha256: [u8; 32],
    /// Its length.
    pub bytes: u64,
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

    /// Receives a body to the disk, never more than [`SEGMENT_BYTES_MAX`] of it. Dropping the
    /// future forgets what came.
    ///
    /// # Errors
    /// Too large, broken off, no room, or the store failed.
    pub async fn receive<E>(
        &self,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Received, Error> {
        let received = self.take_in(body).await;
        match received {
            Ok(_) => self.tell(false),
            Err(Error::Full) => self.tell(true),
            Err(_) => {}
        }
        received
    }

    /// Once when there is no room any more, and once when there is again.
    fn tell(&self, full: bool) {
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

    async fn take_in<E>(
        &self,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Received, Error> {
        self.check_room()?;
        let failed = |source| failed("receiving a segment", source);
        let location = Location::from_iter([INCOMING, &Uuid::now_v7().to_string()]);
        let upload = self.store.put_multipart(&location).await.map_err(failed)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE_BYTES);
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        loop {
            let next = tokio::time::timeout(SILENCE_MAX, body.next()).await;
            let piece = match next {
                Ok(None) => break,
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(_))) | Err(_) => return Err(Error::BrokenOff(bytes)),
            };
            bytes += piece.len() as u64;
            if bytes > SEGMENT_BYTES_MAX {
                return Err(Error::TooLarge);
            }
            hash.update(&piece);
            upload.wait_for_capacity(PIECES_MAX).await.map_err(failed)?;
            upload.put(piece);
        }
        upload.finish().await.map_err(failed)?;
        Ok(Received {
            location,
            sha256: hash.finalize().into(),
            bytes,
        })
    }

    /// The bytes of a received file.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_into(&self, received: &Received) -> Result<Bytes, Error> {
        self.get(&received.location).await
    }

    /// Gives a received file its place; durable when this returns. A file there that nobody was
    /// given a receipt for is replaced.
    ///
    /// # Errors
    /// When the store fails; then nothing has a place.
    pub async fn keep(&self, received: &Received, place: &str) -> Result<(), Error> {
        let renamed = self.store.rename(&received.location, &place.into()).await;
        renamed.map_err(|source| failed("keeping a segment", source))
    }

    /// Forgets a received file, if it has not been given a place.
    pub async fn forget(&self, received: &Received) {
        match self.store.delete(&received.location).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "cannot forget an upload");
            }
        }
    }

    /// The bytes of a kept file.
    ///
    /// # Errors
    /// It is not there, or the store fails.
    pub async fn read(&self, place: &str) -> Result<Bytes, Error> {
        self.get(&place.into()).await
    }

    async fn get(&self, location: &Location) -> Result<Bytes, Error> {
        let failed = |source| failed("reading a segment", source);
        let found = self.store.get(location).await.map_err(failed)?;
        found.bytes().await.map_err(failed)
    }

    /// The database and the trail share the disk: without a trail nobody may see anything (X9),
    /// so recordings stop first.
    fn check_room(&self) -> Result<(), Error> {
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

fn failed(doing: &'static str, source: object_store::Error) -> Error {
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
    use futures_util::stream;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("xunke-media-{}", Uuid::now_v7())))
        }

        fn left(&self) -> usize {
            std::fs::read_dir(self.0.join(INCOMING)).unwrap().count()
        }

        /// What is dropped is deleted in the background.
        async fn is_emptied(&self) -> bool {
            for _ in 0..200 {
                if self.left() == 0 {
                    return true;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            false
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }

    #[tokio::test]
    async fn what_is_received_is_read_back_and_moves_once() {
        let folder = Folder::new();
        let media = Media::open(&folder.0, 0).unwrap();
        let pieces = [b"one ".as_slice(), b"two"].map(|piece| Ok::<_, ()>(piece.into()));
        let received = media.receive(stream::iter(pieces)).await.unwrap();
        assert_eq!(received.bytes, 7);
        assert_eq!(
            received.sha256,
            <[u8; 32]>::from(Sha256::digest(b"one two"))
        );
        assert_eq!(&media.look_into(&received).await.unwrap()[..], b"one two");
        media.keep(&received, "segments/a/b/c.xks").await.unwrap();
        assert_eq!(
            &media.read("segments/a/b/c.xks").await.unwrap()[..],
            b"one two"
        );
        assert_eq!(folder.left(), 0);
        assert!(media.keep(&received, "segments/a/b/d.xks").await.is_err());
        media.forget(&received).await;
    }

    #[tokio::test]
    async fn one_byte_too_many_is_refused_and_forgotten() {
        let folder = Folder::new();
        let media = Media::open(&folder.0, 0).unwrap();
        let piece = Bytes::from(vec![7; 1024 * 1024]);
        let full = SEGMENT_BYTES_MAX / piece.len() as u64;
        let largest = stream::iter(0..full).map(|_| Ok::<_, ()>(piece.clone()));
        let received = media.receive(largest).await.unwrap();
        assert_eq!(received.bytes, SEGMENT_BYTES_MAX);
        media.forget(&received).await;
        let more = stream::iter(0..=full).map(|n| match n {
            0 => Ok::<_, ()>(piece.slice(..1)),
            _ => Ok(piece.clone()),
        });
        assert!(matches!(media.receive(more).await, Err(Error::TooLarge)));
        assert!(folder.is_emptied().await);
    }

    #[tokio::test]
    async fn an_upload_that_breaks_off_is_forgotten() {
        let folder = Folder::new();
        let media = Media::open(&folder.0, 0).unwrap();
        let pieces = [Ok(Bytes::from_static(b"one")), Err("the box is gone")];
        let broken = media.receive(stream::iter(pieces)).await;
        assert!(matches!(broken, Err(Error::BrokenOff(3))));
        assert!(folder.is_emptied().await);
    }

    #[tokio::test]
    async fn what_a_crash_left_is_forgotten_at_start_and_what_was_kept_is_not() {
        let folder = Folder::new();
        let media = Media::open(&folder.0, 0).unwrap();
        let received = media
            .receive(stream::iter([Ok::<_, ()>("x".into())]))
            .await
            .unwrap();
        media.keep(&received, "segments/a").await.unwrap();
        media
            .receive(stream::iter([Ok::<_, ()>("y".into())]))
            .await
            .unwrap();
        std::fs::write(folder.0.join(INCOMING).join("half#1"), b"half").unwrap();
        let again = Media::open(&folder.0, 0).unwrap();
        assert_eq!(folder.left(), 0);
        assert_eq!(&again.read("segments/a").await.unwrap()[..], b"x");
    }

    /// X9: uploads stop before the trail has no room.
    #[tokio::test]
    async fn the_last_space_is_not_for_recordings() {
        let folder = Folder::new();
        let media = Media::open(&folder.0, u64::MAX).unwrap();
        let upload = media.receive(stream::iter([Ok::<_, ()>("x".into())])).await;
        assert!(matches!(upload, Err(Error::Full)));
        assert_eq!(folder.left(), 0);
    }

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
