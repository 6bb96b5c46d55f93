//! Ingest: a box hands a segment over, the hub verifies it, makes it durable, and only then signs.
//!
//! Order: whole file on the disk → verified → file in its place → row committed → receipt. A power
//! cut between any two of them costs a repeated upload and nothing else.

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use ed25519_dalek::{SigningKey, VerifyingKey};
use futures_util::Stream;
use tokio::sync::{Mutex, Semaphore};
use uuid::Uuid;
use xunke_protocol::id::{ClassroomId, DeviceId, SegmentId};
use xunke_protocol::recording::{Progress, Receipt};
use xunke_protocol::sealed::{Damage, Outline};

use super::incoming::{Received, Upload};
use super::media::{self, Media};
use super::moment;
use super::slot;
use super::timetable::Roll;
use crate::campus::{self, calendar, classroom};
use crate::keys::{self, Keys};
use crate::store::recording::{self as rows, RecordingRow, SegmentRow};
use crate::store::{self, Db};

/// Segments held in memory to be verified at the same time.
const VERIFYING_MAX: usize = 4;
/// Uploads of the same segment wait for each other; of different ones hardly ever.
const LANES: usize = 64;
/// The init segment and one fragment: less shows nothing.
const CHUNKS_MIN: usize = 2;

/// The box at the other end, as its certificate and the registry say.
#[derive(Debug, Clone)]
pub struct Sender {
    /// Who.
    pub device: DeviceId,
    /// The rooms it stands or stood in.
    pub classrooms: Vec<ClassroomId>,
    /// What it signs or has signed recordings with, newest first.
    pub signing_keys: Vec<VerifyingKey>,
}

/// Why a segment is refused for good: sending it again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not a sealed segment, changed, or signed by another device.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// Sealed by another box than the one that brings it.
    #[error("it was sealed by device {0}, which is not the one that sends it")]
    OtherDevice(DeviceId),
    /// Its header names another segment than the address.
    #[error("its header names segment {0}, which is not the one in the address")]
    OtherSegment(SegmentId),
    /// From a room this box never stood in.
    #[error("it is of room {0}, where this device never stood")]
    OtherRoom(ClassroomId),
    /// Times that cannot be.
    #[error("it begins at {0} ms since the epoch, which cannot be: is the box's clock right?")]
    Clock(i64),
    /// Nobody can ever open it.
    #[error("it is sealed to the key of day {0}, which this hub does not hold")]
    NoKey(u32),
    /// No picture in it.
    #[error("it holds no whole fragment")]
    Empty,
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Sending it again does not help.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Another file has this id and a receipt.
    #[error("another file with this id is stored already")]
    Conflict,
    /// Receiving or keeping the file failed.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The campus cannot be read.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// What is stored makes no sense.
    #[error("the stored row of segment {0} is malformed")]
    Row(SegmentId),
    /// It did not come to an end.
    #[error("ingest was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

impl Error {
    /// Whether a disk is full: sending it again helps once somebody has made room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self {
            Self::Media(media::Error::Full) => true,
            Self::Store(error) => error.is_full(),
            _ => false,
        }
    }
}

/// The ingest. Cheap to clone.
#[derive(Clone)]
pub struct Ingest(Arc<Rooms>);

struct Rooms {
    db: Db,
    media: Media,
    keys: Arc<Keys>,
    /// The hub's key that boxes know.
    signing: SigningKey,
    /// What is recorded around a lesson.
    roll: Roll,
    uploads: Semaphore,
    verifying: Semaphore,
    lanes: Vec<Mutex<()>>,
}

impl std::fmt::Debug for Ingest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let places = self.0.uploads.available_permits();
        write!(f, "Ingest({places} places free)")
    }
}

impl Ingest {
    /// An ingest that keeps files in `media` and rows in `db`, and signs with `signing`; `roll` is
    /// what is recorded around a lesson.
    #[must_use]
    pub fn new(
        db: Db,
        media: Media,
        keys: Arc<Keys>,
        signing: SigningKey,
        (uploads_max, roll): (usize, Roll),
    ) -> Self {
        Self(Arc::new(Rooms {
            db,
            media,
            keys,
            signing,
            roll,
            uploads: Semaphore::new(uploads_max),
            verifying: Semaphore::new(VERIFYING_MAX),
            lanes: std::iter::repeat_with(Mutex::default).take(LANES).collect(),
        }))
    }

    /// What a box has to send of a segment yet: nothing once it has its receipt.
    ///
    /// # Errors
    /// A store failed, or another box brought this segment.
    pub async fn progress(&self, segment: SegmentId, device: &DeviceId) -> Result<Progress, Error> {
        let upload = Upload {
            device: device.clone(),
            segment,
        };
        let Some(row) = rows::segment(&self.0.db, &segment.to_string()).await? else {
            let arrived = self.0.media.arrived(&upload).await?;
            return Ok(Progress::Arrived(arrived));
        };
        if row.device_id != device.as_str() {
            return Err(Error::Conflict);
        }
        Ok(Progress::Stored(self.0.receipt(&row, segment)?))
    }

    /// Receives the body of an upload to the disk, from `offset` on: what broke off goes on where
    /// it ended. After an error the rest of the body is still to be read.
    ///
    /// # Errors
    /// Another offset than what is here, too large, broken off, or no room.
    pub async fn receive<E>(
        &self,
        segment: SegmentId,
        device: &DeviceId,
        offset: u64,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Received, Error> {
        let _place = self.0.uploads.acquire().await;
        let upload = Upload {
            device: device.clone(),
            segment,
        };
        Ok(self.0.media.receive(&upload, offset, body).await?)
    }

    /// Verifies what was received and keeps it. The receipt of a segment that is stored already is
    /// the same again. A sender that hangs up does not interrupt this.
    ///
    /// # Errors
    /// Refused for good, in conflict with a stored segment, no room, or a store failed.
    pub async fn accept(
        &self,
        segment: SegmentId,
        sender: Sender,
        received: Received,
        now_ms: i64,
    ) -> Result<Receipt, Error> {
        let rooms = self.0.clone();
        let work = async move {
            let receipt = rooms.accept(segment, &sender, &received, now_ms).await;
            rooms.media.forget(&received).await;
            receipt
        };
        tokio::spawn(work).await?
    }
}

impl Rooms {
    async fn accept(
        &self,
        segment: SegmentId,
        sender: &Sender,
        received: &Received,
        now_ms: i64,
    ) -> Result<Receipt, Error> {
        if let Some(receipt) = self.known(segment, sender, received).await? {
            return Ok(receipt);
        }
        let outline = self.verified(segment, sender, received).await?;
        let start_us = self.plausible(&outline, now_ms).await?;
        let (recording, row) = self.rows((&outline, start_us), received, now_ms).await?;
        let lane = segment.0.as_u128() % LANES as u128;
        let lane = usize::try_from(lane).expect("invariant: lanes are few");
        let _lane = self.lanes[lane].lock().await;
        if let Some(receipt) = self.known(segment, sender, received).await? {
            return Ok(receipt);
        }
        let place = place(&recording, &row);
        self.media.keep_received(received, &place).await?;
        match rows::add(&self.db, &recording, &row).await {
            // Another hub was faster: what counts is what its row says.
            Err(error) if error.is_duplicate() => {
                let receipt = self.known(segment, sender, received).await?;
                receipt.ok_or(Error::Conflict)
            }
            added => {
                added?;
                self.receipt(&row, segment)
            }
        }
    }

    /// The receipt of a segment that is stored already.
    async fn known(
        &self,
        segment: SegmentId,
        sender: &Sender,
        received: &Received,
    ) -> Result<Option<Receipt>, Error> {
        let Some(row) = rows::segment(&self.db, &segment.to_string()).await? else {
            return Ok(None);
        };
        let same = row.device_id == sender.device.as_str()
            && row.sha256 == HEXLOWER.encode(&received.sha256);
        if !same {
            return Err(Error::Conflict);
        }
        self.receipt(&row, segment).map(Some)
    }

    fn receipt(&self, row: &SegmentRow, segment: SegmentId) -> Result<Receipt, Error> {
        let malformed = || Error::Row(segment);
        let sha256 = HEXLOWER.decode(row.sha256.as_bytes()).ok();
        let sha256 = sha256.and_then(|bytes| bytes.try_into().ok());
        Ok(Receipt::sign(
            segment,
            row.device_id.parse().map_err(|_| malformed())?,
            sha256.ok_or_else(malformed)?,
            u64::try_from(row.bytes).map_err(|_| malformed())?,
            row.stored_ms,
            &self.signing,
        ))
    }

    /// Reads the file once and checks everything that its own bytes can tell.
    async fn verified(
        &self,
        segment: SegmentId,
        sender: &Sender,
        received: &Received,
    ) -> Result<Outline, Error> {
        let _place = self.verifying.acquire().await;
        let bytes = self.media.look_into(received).await?;
        let sender = sender.clone();
        let verifying = tokio::task::spawn_blocking(move || verify(segment, &sender, &bytes));
        Ok(verifying.await??)
    }

    /// When it began.
    async fn plausible(&self, outline: &Outline, now_ms: i64) -> Result<i64, Error> {
        let start_us = moment::of(&self.db, &outline.header, now_ms).await?;
        let told_ms = outline.header.start_us.div_euclid(1000);
        let start_us = start_us.ok_or(Refused::Clock(told_ms))?;
        if !self.keys.holds(outline.header.epoch).await? {
            return Err(Refused::NoKey(outline.header.epoch).into());
        }
        Ok(start_us)
    }

    async fn rows(
        &self,
        (outline, start_us): (&Outline, i64),
        received: &Received,
        now_ms: i64,
    ) -> Result<(RecordingRow, SegmentRow), Error> {
        let header = &outline.header;
        let room = classroom::find(&self.db, header.classroom).await?;
        let room = room.ok_or(Refused::OtherRoom(header.classroom))?;
        let start_ms = start_us.div_euclid(1000);
        let slot = slot::at(&self.db, header.classroom, start_ms, self.roll).await?;
        let recording = RecordingRow {
            id: Uuid::now_v7().to_string(),
            classroom_id: header.classroom.to_string(),
            unit_id: room.unit.id.0.to_string(),
            lesson_id: slot.lesson.map(|id| id.to_string()).unwrap_or_default(),
            start_ms: slot.start_ms,
            end_ms: slot.end_ms,
        };
        let row = SegmentRow {
            id: header.segment.to_string(),
            recording_id: String::new(),
            device_id: header.device.to_string(),
            source: header.source.to_string(),
            epoch: header.epoch.into(),
            start_us,
            duration_us: outline.duration_us.into(),
            complete: outline.complete.into(),
            codecs: header.codecs.clone(),
            bytes: i64::try_from(received.bytes).expect("invariant: segments are small"),
            sha256: HEXLOWER.encode(&received.sha256),
            stored_ms: now_ms,
        };
        Ok((recording, row))
    }
}

fn verify(segment: SegmentId, sender: &Sender, bytes: &[u8]) -> Result<Outline, Refused> {
    let outline = Outline::scan(bytes)?;
    let header = &outline.header;
    if header.device != sender.device {
        return Err(Refused::OtherDevice(header.device.clone()));
    }
    if header.segment != segment {
        return Err(Refused::OtherSegment(header.segment));
    }
    if !sender.classrooms.contains(&header.classroom) {
        return Err(Refused::OtherRoom(header.classroom));
    }
    let checked = sender.signing_keys.iter().map(|key| outline.verify(key));
    let best = checked.reduce(|best, next| if best.is_ok() { best } else { next });
    best.unwrap_or(Err(Damage::Signature { at: 0 }))?;
    if outline.chunks() < CHUNKS_MIN {
        return Err(Refused::Empty);
    }
    Ok(outline)
}

/// Where a segment is kept: `segments/<classroom>/<day>/<id>.xks`.
fn place(recording: &RecordingRow, row: &SegmentRow) -> String {
    place_of(&recording.classroom_id, row.start_us, &row.id)
}

/// See [`place`]; the day is that of its first frame in Asia/Shanghai.
pub(super) fn place_of(classroom_id: &str, start_us: i64, id: &str) -> String {
    let (year, month, day) = calendar::date(calendar::day(start_us.div_euclid(1000)));
    format!("segments/{classroom_id}/{year:04}-{month:02}-{day:02}/{id}.xks")
}

#[cfg(test)]
mod tests;
