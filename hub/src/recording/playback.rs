//! Playback: a permitted person watches a recording, one segment at a time, inside the platform.
//!
//! A play belongs to one session and one recording. Every fetch asks the gate again, and so does
//! the hub every half second meanwhile; segments are opened in memory only; the end of a play and
//! what was watched stand in the trail (R68, R69).
//!
//! keyframe → ranges → jumps

mod keyframe;
mod ranges;
mod jumps;

use std::collections::HashMap;
use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, Semaphore};
use uuid::Uuid;
use xunke_policy::Refusal;
use xunke_policy::patrol::FieldError;
use xunke_policy::purpose::Purpose;
use xunke_protocol::id::SegmentId;
use xunke_protocol::sealed::Outline;

use super::ingest::place_of;
use super::library::{self, Recording};
use super::media::{self, Media};
use crate::access::gate::{self, Denied, Gate, Permit, RecordingRef, Watermark};
use crate::access::secret;
use crate::access::session::Session;
use crate::campus::calendar::{DAY_MS, date_text, day};
use crate::keys::{self, Keys, Plain, Start};
use crate::store::recording::{self as rows, SegmentRow};
use crate::store::{self, Db};
use jumps::Jumps;
use ranges::Ranges;

/// A play that fetches nothing for so long has ended.
const IDLE_MS_MAX: i64 = 10 * 60 * 1000;
/// Whoever was sent nothing for so long is asked at the next fetch alone: a hall of open players
/// that stand still costs the store nothing.
const SENDING_MS_MAX: i64 = 5_000;
/// More plays of one person end the one that has been idle longest: pages are reloaded.
const PER_PERSON_MAX: usize = 4;
/// Plays of everybody.
const PLAYS_MAX: usize = 1000;
/// Segments opened at the same time; each is in memory as a whole.
const OPENING_MAX: usize = 8;

/// What went wrong in playback.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such play of this session, or no such segment of its recording.
    #[error("there is no such play or segment")]
    NotFound,
    /// Watching must end now.
    #[error("refused: {}", .0.en)]
    Refused(Refusal),
    /// What was asked for is no part of a recording.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// Nothing was permitted.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The library failed.
    #[error(transparent)]
    Library(#[from] library::Error),
    /// The file cannot be read.
    #[error(transparent)]
    Media(#[from] media::Error),
    /// The segment cannot be opened.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// It did not come to an end.
    #[error("reading a segment was broken off")]
    BrokenOff(#[from] tokio::task::JoinError),
}

impl Error {
    /// What the key room refuses by the regulations: no key any more, or enough for today.
    fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Keys(error) => error.refusal(),
            _ => None,
        }
    }
}

/// A play as the page needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// 128 random bits, hex; worth nothing in another session.
    pub play_id: String,
    /// What is drawn over the picture.
    pub watermark: Watermark,
}

/// The plays under way. Cheap to clone.
#[derive(Clone)]
pub struct Playback(Arc<Rooms>);

struct Rooms {
    db: Db,
    gate: Gate,
    keys: Arc<Keys>,
    media: Media,
    plays: Mutex<HashMap<String, Arc<Play>>>,
    opening: Semaphore,
}

type Permitted = Permit<gate::Playback, RecordingRef>;

/// The permit of a play, asked about as of now; nothing else happens to the play while it is held.
pub struct Held {
    play: Arc<Play>,
    permit: OwnedMutexGuard<Option<Permitted>>,
}

impl Held {
    /// The permit.
    ///
    /// # Errors
    /// The play has ended; why, if it was refused.
    pub fn permit(&self) -> Result<&Permit<gate::Playback, RecordingRef>, Error> {
        self.permit.as_ref().ok_or_else(|| self.play.over())
    }
}

struct Play {
    /// Which session it belongs to.
    token_hash: String,
    person: Uuid,
    /// One fetch at a time; `None` once it has ended.
    permit: Arc<AsyncMutex<Option<Permitted>>>,
    seen: Mutex<Seen>,
}

struct Seen {
    used_ms: i64,
    watched: Ranges,
    jumps: Jumps,
    /// Whether the trail has the line that a day's key is used for this play.
    key_noted: bool,
    /// Why it may not go on; said to whoever asks, until the play is forgotten.
    refused: Option<Refusal>,
}

impl std::fmt::Debug for Playback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Playback({} plays)", self.0.plays().len())
    }
}

impl Playback {
    /// Playback of what is in `media`, opened with `keys`, for whom `gate` permits it.
    #[must_use]
    pub fn new(db: Db, gate: Gate, keys: Arc<Keys>, media: Media) -> Self {
        Self(Arc::new(Rooms {
            db,
            gate,
            keys,
            media,
            plays: Mutex::default(),
            opening: Semaphore::new(OPENING_MAX),
        }))
    }

    /// Asks to watch a recording; the answer is in the trail either way.
    ///
    /// # Errors
    /// The refusal, or that the trail cannot be written.
    pub async fn open(
        &self,
        recording: &Recording,
        purpose: Purpose,
        session: &Session,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<Opened, Error> {
        let gate = &self.0.gate;
        let reference = recording.reference();
        let permit = gate
            .open_playback(session, reference, &purpose, origin, now_ms)
            .await?;
        self.make_room(session.person.id, now_ms).await;
        let watermark = permit.watermark();
        let play_id = HEXLOWER.encode(&secret::random::<16>());
        let play = Play {
            token_hash: session.token_hash.clone(),
            person: session.person.id,
            permit: Arc::new(AsyncMutex::new(Some(permit))),
            seen: Mutex::new(Seen {
                used_ms: now_ms,
                watched: Ranges::default(),
                jumps: Jumps::default(),
                key_noted: false,
                refused: None,
            }),
        };
        self.0.plays().insert(play_id.clone(), Arc::new(play));
        Ok(Opened { play_id, watermark })
    }

    /// The plain bytes of one segment: the init segment, then the fragments; with `from_ms` (since
    /// the epoch) those from the last one on that begins with a keyframe at or before it. Of what
    /// is before nothing is opened, sent or noted as watched.
    ///
    /// # Errors
    /// No such play or segment, a refusal as of now, or a file that cannot be read or opened.
    pub async fn segment(
        &self,
        play_id: &str,
        (segment, from_ms): (SegmentId, Option<i64>),
        session: &Session,
        now_ms: i64,
    ) -> Result<Vec<Vec<u8>>, Error> {
        let held = self.hold(play_id, session, now_ms).await?;
        let (play, permit) = (held.play.clone(), held.permit()?);
        let row = rows::segment(&self.0.db, &segment.to_string()).await?;
        let of_this = |row: &SegmentRow| row.recording_id == permit.object().id.to_string();
        let row = row.filter(of_this).ok_or(Error::NotFound)?;
        play.used(now_ms);
        if !play.seen().key_noted {
            let day = date_text(day(row.start_us / 1000));
            let noted = self.0.gate.note_key(permit, &day, now_ms).await;
            noted.map_err(Denied::from)?;
            play.seen().key_noted = true;
        }
        let opened = self.0.opened(permit, &row, from_ms, now_ms).await;
        let Some(refusal) = opened.as_ref().err().and_then(Error::refusal) else {
            let plain = opened?;
            play.watched(&row, plain.begin_us);
            return Ok(plain.parts);
        };
        let noted = self.0.gate.note_no_key(permit, refusal, now_ms).await;
        noted.map_err(Denied::from)?;
        drop(held);
        self.refuse(&play, refusal, now_ms).await;
        Err(Error::Refused(refusal))
    }

    /// The permit of a play of this session, after asking about it again.
    ///
    /// # Errors
    /// No such play, or a refusal as of now: then the play has ended.
    pub async fn hold(&self, play_id: &str, session: &Session, now_ms: i64) -> Result<Held, Error> {
        let play = self.0.plays().get(play_id).cloned();
        let play = play.filter(|play| play.token_hash == session.token_hash);
        let play = play.ok_or(Error::NotFound)?;
        let permit = play.permit.clone().lock_owned().await;
        let held = Held { play, permit };
        let Err(refusal) = self.0.gate.still_valid(held.permit()?, now_ms).await else {
            return Ok(held);
        };
        let play = held.play.clone();
        drop(held);
        self.refuse(&play, refusal, now_ms).await;
        Err(Error::Refused(refusal))
    }

    /// Notes that the viewer moved on the timeline (R69); told when the play ends.
    ///
    /// # Errors
    /// No such play, a refusal as of now, or moments that are no part of the recording.
    pub async fn jump(
        &self,
        play_id: &str,
        (from_ms, to_ms): (i64, i64),
        session: &Session,
        now_ms: i64,
    ) -> Result<(), Error> {
        let held = self.hold(play_id, session, now_ms).await?;
        let start_ms = held.permit()?.object().start_ms;
        // A lesson and what was recorded around it lie within.
        let near = start_ms - DAY_MS..start_ms + DAY_MS;
        for (at_ms, wrong) in [(from_ms, NOT_FROM), (to_ms, NOT_TO)] {
            if !near.contains(&at_ms) {
                return Err(Error::Field(wrong));
            }
        }
        held.play.seen().jumps.add(from_ms, to_ms);
        Ok(())
    }

    /// Whether what is being sent of a play may go on.
    #[must_use]
    pub fn goes_on(&self, play_id: &str, now_ms: i64) -> bool {
        let play = self.0.plays().get(play_id).cloned();
        play.is_some_and(|play| {
            let mut seen = play.seen();
            seen.used_ms = now_ms;
            seen.refused.is_none()
        })
    }

    /// Asks again about every play that somebody is being sent something of, and ends those that
    /// may not go on. To be called at least every half second (R23: revoke to dark < 1 s).
    pub async fn recheck(&self, now_ms: i64) {
        let all: Vec<_> = self.0.plays().values().cloned().collect();
        let sends = |play: &Arc<Play>| now_ms - play.used_ms() < SENDING_MS_MAX;
        for play in all.into_iter().filter(sends) {
            // Who is fetching is being asked.
            let Ok(permit) = play.permit.try_lock() else {
                continue;
            };
            let answer = match permit.as_ref() {
                Some(permit) => self.0.gate.may_go_on(permit, now_ms).await,
                None => Ok(()),
            };
            drop(permit);
            if let Err(refusal) = answer {
                self.refuse(&play, refusal, now_ms).await;
            }
        }
    }

    /// Ends the plays that have been idle; to be called every minute or so.
    pub async fn sweep(&self, now_ms: i64) {
        self.end_where("idle", now_ms, |play| {
            now_ms - play.used_ms() >= IDLE_MS_MAX
        })
        .await;
    }

    /// Ends every play: the hub stops.
    pub async fn end_all(&self, now_ms: i64) {
        self.end_where("hub_stopped", now_ms, |_| true).await;
    }

    async fn end_where(&self, why: &str, now_ms: i64, is: impl Fn(&Play) -> bool) {
        let ids: Vec<_> = {
            let plays = self.0.plays();
            let found = plays.iter().filter(|(_, play)| is(play));
            found.map(|(id, _)| id.clone()).collect()
        };
        for id in ids {
            self.end(&id, why, now_ms).await;
        }
    }

    /// Ends plays until there is room for one more of this person, and of anybody.
    async fn make_room(&self, person: Uuid, now_ms: i64) {
        while let Some(id) = self.0.surplus(person) {
            self.end(&id, "replaced", now_ms).await;
        }
    }

    /// Ends a play and writes what was watched to the trail.
    async fn end(&self, play_id: &str, why: &str, now_ms: i64) {
        let play = self.0.plays().remove(play_id);
        if let Some(play) = play {
            self.close(&play, why, now_ms).await;
        }
    }

    /// Ends a play that may not go on. It stays for a while, without a permit, to say why.
    async fn refuse(&self, play: &Play, refusal: Refusal, now_ms: i64) {
        play.seen().refused.get_or_insert(refusal);
        self.close(play, refusal.code, now_ms).await;
    }

    async fn close(&self, play: &Play, why: &str, now_ms: i64) {
        let Some(permit) = play.permit.lock().await.take() else {
            return;
        };
        let (why, jumps) = {
            let seen = play.seen();
            let jumps = (!seen.jumps.is_empty()).then(|| seen.jumps.to_string());
            (format!("{why}; {}", seen.watched), jumps)
        };
        if let Some(jumps) = jumps
            && let Err(error) = self.0.gate.note_jumps(&permit, &jumps, now_ms).await
        {
            tracing::error!(
                error = &error as &dyn StdError,
                "the jumps of a play are not in the trail"
            );
        }
        if let Err(error) = self.0.gate.close(permit, &why, now_ms).await {
            tracing::error!(
                error = &error as &dyn StdError,
                "the end of a play is not in the trail"
            );
        }
    }
}

impl Rooms {
    fn plays(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Play>>> {
        self.plays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The play that has to end before this person can have another.
    fn surplus(&self, person: Uuid) -> Option<String> {
        let plays = self.plays();
        let own = plays.values().filter(|play| play.person == person).count();
        let oldest = |all: bool| {
            let found = plays
                .iter()
                .filter(|(_, play)| all || play.person == person);
            found.min_by_key(|(_, play)| play.used_ms())
        };
        let surplus = if own >= PER_PERSON_MAX {
            oldest(false)
        } else if plays.len() >= PLAYS_MAX {
            oldest(true)
        } else {
            None
        };
        surplus.map(|(id, _)| id.clone())
    }

    async fn opened(
        &self,
        permit: &Permitted,
        row: &SegmentRow,
        from_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<Plain, Error> {
        let from_us = from_ms.map_or(0, |from_ms| from_ms.saturating_mul(1000));
        let offset_us = from_us.saturating_sub(row.start_us).max(0);
        let start = Start {
            from_us: u32::try_from(offset_us).unwrap_or(u32::MAX),
            begins: keyframe::begins,
        };
        let _place = self.opening.acquire().await;
        let classroom = permit.object().classroom.to_string();
        let place = place_of(&classroom, row.start_us, &row.id);
        let sealed = self.media.read(&place).await?;
        let scanned = sealed.clone();
        let outline = tokio::task::spawn_blocking(move || Outline::scan(&scanned)).await?;
        let outline = outline.map_err(keys::Error::from)?;
        let opening = self
            .keys
            .open_segment(permit, (outline, sealed), start, now_ms);
        Ok(opening.await?)
    }
}

impl Play {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is said of a play that has ended.
    fn over(&self) -> Error {
        self.seen().refused.map_or(Error::NotFound, Error::Refused)
    }

    fn used_ms(&self) -> i64 {
        self.seen().used_ms
    }

    fn used(&self, now_ms: i64) {
        self.seen().used_ms = now_ms;
    }

    fn watched(&self, row: &SegmentRow, begin_us: u32) {
        let from_us = row.start_us + i64::from(begin_us);
        let to_us = row.start_us + row.duration_us;
        self.seen().watched.add(&row.source, from_us, to_us);
    }
}

const NOT_FROM: FieldError = FieldError {
    field: "from",
    zh: "跳转的起点不在这段录像中。",
    en: "Where the jump begins is no part of this recording.",
};
const NOT_TO: FieldError = FieldError {
    field: "to",
    zh: "跳转的终点不在这段录像中。",
    en: "Where the jump ends is no part of this recording.",
};

#[cfg(test)]
mod tests;
