//! Incoming: uploads while they come. What broke off stays as a part, and its sender goes on there.
//!
//! A part is a file `incoming/<device>/<segment>.<offset>.<unique>`. Parts are forgotten when the
//! hub starts; the sender then begins anew. Nothing here is believed: that is ingest's business.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::path::Path as Location;
use object_store::{GetResult, ObjectStoreExt, WriteMultipart};
use sha2::{Digest, Sha256};
use uuid::Uuid;
use xunke_protocol::id::{DeviceId, SegmentId};
use xunke_protocol::recording::SEGMENT_BYTES_MAX;

use super::media::{Error, INCOMING, Media, failed};

/// Written to the disk in pieces of this size.
const PIECE_BYTES: usize = 1024 * 1024;
/// Pieces of one upload that may wait for the disk.
const PIECES_MAX: usize = 2;
/// A box that sends nothing for so long has gone.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// Less than this is not worth a part.
const PART_BYTES_MIN: u64 = 256 * 1024;
/// Parts kept for one device; the oldest segments' go first.
const PARTS_MAX: usize = 32;

/// Whose upload, and of which segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Who sends it.
    pub device: DeviceId,
    /// What it is.
    pub segment: SegmentId,
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

/// Bytes of an upload that lie together in one file.
struct Part {
    offset: u64,
    bytes: u64,
    location: Location,
}

impl Media {
    /// How much of an upload is here: where its sender may go on.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn arrived(&self, upload: &Upload) -> Result<u64, Error> {
        let parts = self.parts(&upload.device).await?;
        Ok(end(&joined(&parts, upload.segment)))
    }

    /// Receives a body to the disk, that of an upload from `offset` on: never more than
    /// [`SEGMENT_BYTES_MAX`] in all. What has come when it breaks off is kept as a part.
    ///
    /// # Errors
    /// Another offset than what is here, too large, broken off, no room, or the store failed.
    pub async fn receive<E>(
        &self,
        upload: &Upload,
        offset: u64,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Received, Error> {
        let received = self.take_in(upload, offset, body).await;
        match received {
            Ok(_) => self.tell(false),
            Err(Error::Full) => self.tell(true),
            Err(_) => {}
        }
        received
    }

    async fn take_in<E>(
        &self,
        upload: &Upload,
        offset: u64,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Received, Error> {
        self.check_room()?;
        let here = if offset == 0 {
            0
        } else {
            self.arrived(upload).await?
        };
        if offset != here {
            return Err(Error::Offset(here));
        }
        let received = self.part(upload, offset, body).await?;
        match offset {
            0 => Ok(received),
            _ => self.join(upload, received).await,
        }
    }

    /// Writes a body to one file.
    async fn part<E>(
        &self,
        upload: &Upload,
        offset: u64,
        mut body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Received, Error> {
        let failed = |source| failed("receiving a segment", source);
        let location = location(upload, offset);
        let writing = self.store.put_multipart(&location).await.map_err(failed)?;
        let mut writing = WriteMultipart::new_with_chunk_size(writing, PIECE_BYTES);
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        loop {
            let next = tokio::time::timeout(SILENCE_MAX, body.next()).await;
            let piece = match next {
                Ok(None) => break,
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(_))) | Err(_) => {
                    self.clone()
                        .keep_part(writing, upload.device.clone(), bytes);
                    return Err(Error::BrokenOff(offset + bytes));
                }
            };
            bytes += piece.len() as u64;
            if offset + bytes > SEGMENT_BYTES_MAX {
                return Err(Error::TooLarge);
            }
            hash.update(&piece);
            writing
                .wait_for_capacity(PIECES_MAX)
                .await
                .map_err(failed)?;
            writing.put(piece);
        }
        writing.finish().await.map_err(failed)?;
        Ok(Received {
            location,
            sha256: hash.finalize().into(),
            bytes,
        })
    }

    /// Not waited for: whoever hangs up takes the request with it.
    fn keep_part(self, writing: WriteMultipart, device: DeviceId, bytes: u64) {
        tokio::spawn(async move {
            if bytes < PART_BYTES_MIN {
                return drop(writing.abort().await);
            }
            let kept = writing.finish().await.map(drop);
            let kept = kept.map_err(|source| failed("keeping a part of a segment", source));
            let pruned = match kept {
                Ok(()) => self.prune(&device).await,
                Err(error) => Err(error),
            };
            if let Err(error) = pruned {
                let error = &error as &dyn StdError;
                tracing::warn!(error, "what broke off begins anew");
            }
        });
    }

    /// Puts the parts of an upload and its rest into one file.
    async fn join(&self, upload: &Upload, rest: Received) -> Result<Received, Error> {
        let parts = self.parts(&upload.device).await?;
        let parts = joined(&parts, upload.segment);
        let parts: Vec<Location> = parts.iter().map(|part| part.location.clone()).collect();
        let store = self.store.clone();
        let pieces = stream::iter(parts.clone()).then(move |part| {
            let store = store.clone();
            async move { store.get(&part).await }
        });
        let pieces = pieces.map_ok(GetResult::into_stream).try_flatten();
        let received = self.part(upload, 0, pieces.boxed()).await?;
        for part in &parts {
            self.delete(part).await;
        }
        self.delete(&rest.location).await;
        Ok(received)
    }

    /// The bytes of a received file.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_into(&self, received: &Received) -> Result<Bytes, Error> {
        self.get(&received.location).await
    }

    /// See [`Media::keep`].
    ///
    /// # Errors
    /// When the store fails; then nothing has a place.
    pub async fn keep_received(&self, received: &Received, place: &str) -> Result<(), Error> {
        self.keep(&received.location, place).await
    }

    /// Forgets a received file, if it has not been given a place.
    pub async fn forget(&self, received: &Received) {
        self.delete(&received.location).await;
    }

    async fn delete(&self, location: &Location) {
        match self.store.delete(location).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => {
                tracing::warn!(error = &error as &dyn StdError, "cannot forget an upload");
            }
        }
    }

    /// All parts of a device, by segment and offset.
    async fn parts(&self, device: &DeviceId) -> Result<Vec<(SegmentId, Part)>, Error> {
        let folder = Location::from_iter([INCOMING, device.as_str()]);
        let listed = self.store.list(Some(&folder)).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|source| failed("looking for parts", source))?;
        let mut parts: Vec<_> = listed
            .into_iter()
            .filter_map(|found| {
                let (segment, offset) = read(found.location.filename()?)?;
                let part = Part {
                    offset,
                    bytes: found.size,
                    location: found.location,
                };
                Some((segment, part))
            })
            .collect();
        parts.sort_by_key(|(segment, part)| (*segment, part.offset));
        Ok(parts)
    }

    /// Forgets the oldest parts of a device that has too many.
    async fn prune(&self, device: &DeviceId) -> Result<(), Error> {
        let parts = self.parts(device).await?;
        let more = parts.len().saturating_sub(PARTS_MAX);
        for (_, part) in &parts[..more] {
            self.delete(&part.location).await;
        }
        Ok(())
    }
}

/// Of a device's parts those of a segment that follow one another from its first byte.
fn joined(parts: &[(SegmentId, Part)], segment: SegmentId) -> Vec<&Part> {
    let own = parts.iter().filter(|(of, _)| *of == segment);
    let mut chain: Vec<&Part> = Vec::new();
    for (_, part) in own {
        if part.offset == end(&chain) && part.bytes > 0 {
            chain.push(part);
        }
    }
    chain
}

fn end(chain: &[&Part]) -> u64 {
    chain.last().map_or(0, |part| part.offset + part.bytes)
}

fn location(upload: &Upload, offset: u64) -> Location {
    let name = format!("{}.{offset:08}.{}", upload.segment, Uuid::now_v7());
    Location::from_iter([INCOMING, upload.device.as_str(), &name])
}

fn read(name: &str) -> Option<(SegmentId, u64)> {
    let mut fields = name.split('.');
    let segment = fields.next()?.parse().ok()?;
    Some((segment, fields.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
