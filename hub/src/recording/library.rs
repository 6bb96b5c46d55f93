//! The library: which recordings there are, what they hold and what they lack.
//!
//! search → choices

pub mod search;
pub mod choices;

use std::collections::HashMap;

use uuid::Uuid;
use xunke_policy::level::UnitId;
use xunke_policy::retention::Kept;
use xunke_protocol::id::{ClassroomId, SegmentId};

use super::gaps::{self, Span, Told};
use crate::access::gate::RecordingRef;
use crate::campus::classroom::Unit;
use crate::campus::lesson::{self, Lesson};
use crate::campus::{self, calendar, id};
use crate::store::recording::{self as rows, GapRow, SegmentRow, ShareRow};
use crate::store::{self, Db};

/// A recording that got something within this time is still going on: a segment may last a minute,
/// and comes when it is whole.
const GOING_ON_MS: i64 = 150_000;
/// 课外.
const NO_LESSON: &str = "";

/// What went wrong in the library.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The campus cannot be read.
    #[error(transparent)]
    Campus(#[from] campus::Error),
}

/// What a room recorded in one lesson, or in one hour outside lessons (课外).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Its id.
    pub id: Uuid,
    /// Where.
    pub classroom: ClassroomId,
    /// The room's name.
    pub room: String,
    /// The unit that owned the room at record time (R22).
    pub unit: Unit,
    /// The lesson; `None` outside lessons, or when the timetable has forgotten it.
    pub lesson: Option<Lesson>,
    /// Begin: of the lesson; outside lessons, of the first segment.
    pub start_ms: i64,
    /// End: of the lesson; outside lessons, of the last segment.
    pub end_ms: i64,
    /// Media of the source that has most.
    pub recorded_us: i64,
    /// How many segments.
    pub segments: i64,
    /// Whether more is to come.
    pub capturing: bool,
    /// Whether there are minors in it (X29): in the room then or now, or in the lesson.
    pub minors: bool,
    /// What it is kept for: its class (R121).
    pub kept: Kept,
}

impl Recording {
    /// As the gate sees it.
    #[must_use]
    pub fn reference(&self) -> RecordingRef {
        RecordingRef {
            id: self.id,
            classroom: self.classroom,
            room: self.room.clone(),
            unit_at_record_time: self.unit.id,
            course: self.lesson.as_ref().map(|lesson| lesson.unit),
            teacher: self.lesson.as_ref().and_then(|lesson| lesson.teacher_id),
            minors: self.minors,
            start_ms: self.start_ms,
            kept: self.kept,
        }
    }
}

/// One stored segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its id.
    pub id: SegmentId,
    /// Such as `cam0`.
    pub source: String,
    /// First frame, microseconds since the epoch.
    pub start_us: i64,
    /// Media it holds.
    pub duration_us: i64,
    /// Whether it was cut off (power); it is still good.
    pub truncated: bool,
    /// RFC 6381.
    pub codecs: String,
}

/// A stretch that is missing from one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Such as `cam0`.
    pub source: String,
    /// From, microseconds since the epoch.
    pub from_us: i64,
    /// To.
    pub to_us: i64,
    /// `power`, `camera`, `network`, `disk`, `policy`, `evicted` or `unknown`.
    pub reason: String,
}

/// What is in a recording and what is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// From, milliseconds since the epoch.
    pub start_ms: i64,
    /// To: while it is going on, where it has got to.
    pub end_ms: i64,
    /// Its segments, by time.
    pub segments: Vec<Segment>,
    /// What is missing, by source and time.
    pub gaps: Vec<Gap>,
}

/// The recordings that begin on a day (days since the epoch, Asia/Shanghai), by time and room.
///
/// # Errors
/// When the store fails.
pub async fn on_day(db: &Db, day: i64, now_ms: i64) -> Result<Vec<Recording>, Error> {
    let (from_ms, to_ms) = (calendar::moment(day, 0), calendar::moment(day + 1, 0));
    let lessons = lesson::between(db, from_ms, to_ms).await?;
    let lessons: HashMap<_, _> = lessons.into_iter().map(|one| (one.id, one)).collect();
    let shares = rows::between(db, from_ms, to_ms).await?;
    shares
        .chunk_by(|a, b| a.id == b.id)
        .map(|shares| {
            let lesson = lesson_id(&shares[0])?.and_then(|id| lessons.get(&id).cloned());
            recording(shares, lesson, now_ms)
        })
        .collect()
}

/// One recording, and what is known of one that was destroyed: whoever asks for it learns that it
/// is past its retention.
///
/// # Errors
/// When the store fails.
pub async fn find(db: &Db, recording_id: Uuid, now_ms: i64) -> Result<Option<Recording>, Error> {
    let key = recording_id.to_string();
    let mut shares = rows::one(db, &key).await?;
    if shares.is_empty() {
        shares = rows::one_destroyed(db, &key).await?;
    }
    let Some(first) = shares.first() else {
        return Ok(None);
    };
    let lesson = match lesson_id(first)? {
        Some(id) => lesson::find(db, id).await?,
        None => None,
    };
    recording(&shares, lesson, now_ms).map(Some)
}

/// What is in a recording. Sources that recorded nothing at all are not known here.
///
/// # Errors
/// When the store fails.
pub async fn contents(db: &Db, recording: &Recording) -> Result<Contents, Error> {
    let stored = rows::segments(db, &recording.id.to_string()).await?;
    let segments = stored
        .into_iter()
        .map(segment)
        .collect::<Result<Vec<_>, _>>()?;
    let begins = segments.iter().map(|one| one.start_us);
    let ends = segments.iter().map(|one| one.start_us + one.duration_us);
    let first_us = begins.min().unwrap_or(recording.start_ms * 1000);
    let last_us = ends.max().unwrap_or(recording.end_ms * 1000);
    let end_us = if recording.capturing {
        last_us
    } else {
        last_us.max(recording.end_ms * 1000)
    };
    let whole = Span {
        from_us: first_us.min(recording.start_ms * 1000),
        to_us: end_us,
    };
    let gaps = missing(db, recording.classroom, whole, &segments).await?;
    Ok(Contents {
        start_ms: whole.from_us.div_euclid(1000),
        // Rounded up: the last frame is within.
        end_ms: -(-whole.to_us).div_euclid(1000),
        segments,
        gaps,
    })
}

async fn missing(
    db: &Db,
    classroom: ClassroomId,
    whole: Span,
    segments: &[Segment],
) -> Result<Vec<Gap>, Error> {
    let told = rows::gaps(db, &classroom.to_string(), whole.from_us, whole.to_us).await?;
    // Between two lessons that follow each other lies a segment of the first that reaches into the
    // second: nothing is missing there (X52).
    let stored = rows::stored(db, &classroom.to_string(), whole.from_us, whole.to_us).await?;
    let mut sources: Vec<_> = segments.iter().map(|one| one.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut all = Vec::new();
    for source in sources {
        let recorded: Vec<_> = stored
            .iter()
            .filter(|one| one.source == source)
            .map(|one| Span {
                from_us: one.start_us,
                to_us: one.start_us + one.duration_us,
            })
            .collect();
        let told: Vec<_> = told
            .iter()
            .filter(|row| row.source == source)
            .map(told_gap)
            .collect();
        all.extend(
            gaps::find(whole, &recorded, &told)
                .into_iter()
                .map(|hole| Gap {
                    source: source.to_owned(),
                    from_us: hole.span.from_us,
                    to_us: hole.span.to_us,
                    reason: hole.reason,
                }),
        );
    }
    Ok(all)
}

fn told_gap(row: &GapRow) -> Told {
    Told {
        span: Span {
            from_us: row.from_us,
            to_us: row.to_us,
        },
        reason: row.reason.clone(),
    }
}

fn lesson_id(row: &ShareRow) -> Result<Option<Uuid>, Error> {
    if row.lesson_id == NO_LESSON {
        return Ok(None);
    }
    Ok(Some(id("a lesson", &row.lesson_id)?))
}

/// Puts the sources of one recording together.
fn recording(shares: &[ShareRow], lesson: Option<Lesson>, now_ms: i64) -> Result<Recording, Error> {
    let row = &shares[0];
    let first_us = shares.iter().map(|share| share.first_us).min();
    let last_us = shares.iter().map(|share| share.last_us).max();
    let first_ms = first_us.unwrap_or_default().div_euclid(1000);
    let last_ms = last_us.unwrap_or_default().div_euclid(1000);
    let outside = row.lesson_id == NO_LESSON;
    let (start_ms, end_ms) = if outside {
        (first_ms, last_ms)
    } else {
        (row.start_ms, row.end_ms)
    };
    Ok(Recording {
        id: id("a recording", &row.id)?,
        classroom: ClassroomId(id("a classroom", &row.classroom_id)?),
        room: row.room.clone(),
        unit: Unit {
            id: UnitId(id("a unit", &row.unit_id)?),
            name: row.unit.clone(),
        },
        kept: Kept {
            in_lesson: !outside,
            premium: row.premium > 0,
            held: row.held > 0,
        },
        minors: row.minors > 0 || lesson.as_ref().is_some_and(|lesson| lesson.minors),
        lesson,
        start_ms,
        end_ms,
        recorded_us: shares
            .iter()
            .map(|share| share.duration_us)
            .max()
            .unwrap_or_default(),
        segments: shares.iter().map(|share| share.segments).sum(),
        capturing: now_ms < row.end_ms && now_ms - last_ms <= GOING_ON_MS,
    })
}

fn segment(row: SegmentRow) -> Result<Segment, Error> {
    Ok(Segment {
        id: SegmentId(id("a segment", &row.id)?),
        source: row.source,
        start_us: row.start_us,
        duration_us: row.duration_us,
        truncated: row.complete == 0,
        codecs: row.codecs,
    })
}

#[cfg(test)]
mod tests;
