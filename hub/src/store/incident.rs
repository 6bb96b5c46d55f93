//! Queries of a leak: which views could have shown what got out (R106).

use sqlx::FromRow;

use super::{Db, Error, failed};

/// Most views of one answer.
const VIEWS_MAX: i64 = 500;

/// A view that could have shown it.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct SuspectRow {
    /// UUID of the view.
    pub id: String,
    /// Who watched.
    pub person: String,
    /// Their staff number.
    pub staff_number: String,
    /// From where.
    pub address: String,
    /// When the session began in which they watched.
    pub session_ms: Option<i64>,
    /// The room.
    pub room: String,
    /// `live` or `playback`.
    pub kind: String,
    /// Why.
    pub purpose: String,
    /// The line that permitted it.
    pub trail_seq: i64,
    /// From.
    pub opened_ms: i64,
    /// Until; `None` while it goes on.
    pub closed_ms: Option<i64>,
}

/// A stored segment, as a leak names it.
#[derive(Debug, Clone, FromRow)]
pub struct SegmentRow {
    /// The recording it belongs to.
    pub recording_id: String,
    /// The room.
    pub classroom_id: String,
    /// First frame, milliseconds since the epoch.
    pub from_ms: i64,
    /// Its end.
    pub until_ms: i64,
}

/// What a watermark says; what is empty was not readable.
#[derive(Debug, Clone, Copy)]
pub struct MarkQuery<'a> {
    /// 工号.
    pub staff_number: &'a str,
    /// The address.
    pub address: &'a str,
    /// From and until: the time, give or take.
    pub span: (i64, i64),
}

macro_rules! suspects {
    ($which:literal) => {
        concat!(
            "SELECT v.id, p.name AS person, p.staff_number, t.address,
             (SELECT MAX(s.begun_ms) FROM sessions s WHERE s.person_id = v.person_id
               AND s.address = t.address AND s.begun_ms <= v.opened_ms) AS session_ms,
             c.name AS room, v.kind, t.purpose, v.trail_seq, v.opened_ms, v.closed_ms
             FROM views v JOIN trail t ON t.seq = v.trail_seq
             JOIN persons p ON p.id = v.person_id JOIN classrooms c ON c.id = v.classroom_id
             WHERE ",
            $which,
            " ORDER BY v.opened_ms, v.id LIMIT $5"
        )
    };
}

/// Views that a watermark could come from. A view that goes on ends at no time yet.
///
/// # Errors
/// When the database fails.
pub async fn by_mark(db: &Db, mark: MarkQuery<'_>) -> Result<Vec<SuspectRow>, Error> {
    sqlx::query_as(suspects!(
        "($1 = '' OR p.staff_number = $1) AND ($2 = '' OR t.address = $2)
         AND v.opened_ms <= $4 AND (v.closed_ms IS NULL OR v.closed_ms >= $3)"
    ))
    .bind(mark.staff_number)
    .bind(mark.address)
    .bind(mark.span.0)
    .bind(mark.span.1)
    .bind(VIEWS_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("looking for the views behind a watermark"))
}

/// Views that could have shown a segment: every playback of its recording, and whoever watched the
/// room live at that time.
///
/// # Errors
/// When the database fails.
pub async fn by_segment(db: &Db, segment: &SegmentRow) -> Result<Vec<SuspectRow>, Error> {
    sqlx::query_as(suspects!(
        "v.recording_id = $1 OR (v.kind = 'live' AND v.classroom_id = $2 AND v.opened_ms < $4
         AND (v.closed_ms IS NULL OR v.closed_ms > $3))"
    ))
    .bind(&segment.recording_id)
    .bind(&segment.classroom_id)
    .bind(segment.from_ms)
    .bind(segment.until_ms)
    .bind(VIEWS_MAX)
    .fetch_all(db.read())
    .await
    .map_err(failed("looking for the views of a segment"))
}

/// A segment by its id.
///
/// # Errors
/// When the database fails.
pub async fn segment(db: &Db, id: &str) -> Result<Option<SegmentRow>, Error> {
    sqlx::query_as(
        "SELECT s.recording_id, r.classroom_id, s.start_us / 1000 AS from_ms,
         (s.start_us + s.duration_us) / 1000 AS until_ms
         FROM segments s JOIN recordings r ON r.id = s.recording_id WHERE s.id = $1",
    )
    .bind(id)
    .fetch_optional(db.read())
    .await
    .map_err(failed("looking for a segment"))
}
