//! Screen: the playback of one recording (R68, R69).

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::purpose::Purpose;
use xunke_protocol::id::SegmentId;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{self, Id, Query};
use super::purpose::PurposeForm;
use super::recordings::find;
use crate::access::gate::Watermark;
use crate::campus::lesson::Lesson;
use crate::campus::term::{self, Period};
use crate::clock::now_ms;
use crate::recording::library::{self, Contents, Gap, Segment};
use crate::recording::playback::Opened;

/// Why somebody wants to watch a recording.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlayRequest {
    /// 事由.
    #[serde(default)]
    pub purpose: PurposeForm,
}

/// From where on a segment is wanted.
#[derive(Debug, Deserialize)]
pub struct SegmentPart {
    from: Option<i64>,
}

/// A move on the timeline.
#[derive(Debug, Deserialize, ToSchema)]
pub struct JumpForm {
    /// Where the viewer was.
    pub from: i64,
    /// Where they went.
    pub to: i64,
}

/// One playback of one recording, bound to the session that asked for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Play)]
pub struct PlayView {
    /// Id; worth nothing in another session.
    pub play_id: String,
    /// Where the timeline begins.
    pub start: i64,
    /// Where it ends.
    pub end: i64,
    /// What a player is told of each source (what most of it is), and of `main`, the first of them.
    pub codecs: BTreeMap<String, String>,
    /// What is drawn over the picture.
    pub watermark: WatermarkView,
    /// By time.
    pub segments: Vec<PlaySegment>,
    /// What is missing.
    pub gaps: Vec<GapView>,
    /// Periods (节) of the lesson, for the timeline; none outside lessons.
    pub periods: Vec<PlayPeriod>,
    /// Begin of the lesson; null outside lessons.
    pub lesson_start: Option<i64>,
    /// Its end.
    pub lesson_end: Option<i64>,
}

/// One period (节) of the lesson.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlayPeriod {
    /// Its number.
    pub number: i64,
    /// Begin.
    pub start: i64,
    /// End.
    pub end: i64,
}

/// The moving identity watermark (R61).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Watermark)]
pub struct WatermarkView {
    /// The viewer's name.
    pub name: String,
    /// 工号.
    pub staff_number: String,
    /// From where.
    pub address: String,
}

/// One segment of a play.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaySegment {
    /// Id.
    pub id: Uuid,
    /// Such as `cam0`.
    pub source: String,
    /// Begin.
    pub start: i64,
    /// Length.
    pub duration_ms: i64,
    /// What a player is told of it: sound may come and go within a recording.
    pub codecs: String,
    /// Whether it was cut off; what there is, is good.
    pub truncated: bool,
}

/// A stretch that is missing from one source.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gap)]
pub struct GapView {
    /// Such as `cam0`.
    pub source: String,
    /// From.
    pub start: i64,
    /// To.
    pub end: i64,
    /// `power`, `camera`, `network`, `disk`, `policy`, `evicted` or `unknown`.
    pub reason: String,
}

/// Asks to watch a recording.
///
/// # Errors
/// 403 with its article when the caller may not; 404 when there is no such recording.
#[utoipa::path(post, path = "/api/recordings/{id}/plays", tag = "recordings",
    params(("id" = Uuid, Path)), request_body = PlayRequest,
    responses((status = 200, body = PlayView), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn play(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    input::Json(request): input::Json<PlayRequest>,
) -> Result<Json<PlayView>, Error> {
    let recording = find(&app, &caller, id).await?;
    let purpose = Purpose::from(request.purpose);
    let (session, from) = (&caller.session, caller.address);
    let playback = &app.playback;
    let opened = playback
        .open(&recording, purpose, session, from, caller.now_ms)
        .await?;
    let contents = library::contents(&app.db, &recording).await?;
    let periods = term::periods(&app.db).await?;
    let lesson = recording.lesson.as_ref();
    Ok(Json(PlayView::new(opened, contents, lesson, &periods)))
}

/// One segment of a play: init segment and fragments, its times beginning at 0. With `from`, the
/// fragments before the last one that begins with a keyframe at or before it are left out; the
/// times of the others stay what they are.
///
/// # Errors
/// 401 or 403 when watching must end now; 404 for the play of another session, or a segment of
/// another recording.
#[utoipa::path(get, path = "/api/plays/{play}/segments/{segment}", tag = "recordings",
    params(("play" = String, Path), ("segment" = Uuid, Path), ("from" = Option<i64>, Query)),
    responses((status = 200, content_type = "video/mp4"), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn segment(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, Uuid)>, axum::extract::rejection::PathRejection>,
    Query(part): Query<SegmentPart>,
) -> Result<Response, Error> {
    let Path((play, segment)) = path.map_err(|_| Error::NotFound)?;
    let (wanted, session) = ((SegmentId(segment), part.from), &caller.session);
    let plain = app
        .playback
        .segment(&play, wanted, session, caller.now_ms)
        .await?;
    let length: usize = plain.iter().map(Vec::len).sum();
    let pieces = plain.into_iter().flat_map(pieces).map(move |piece| {
        let goes_on = app.playback.goes_on(&play, now_ms());
        goes_on.then_some(piece).ok_or(CutOff)
    });
    let headers = [
        (header::CONTENT_TYPE, "video/mp4".to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
    ];
    Ok((headers, Body::from_stream(stream::iter(pieces))).into_response())
}

/// Notes that the viewer moved on the timeline (R69).
///
/// # Errors
/// 401 or 403 when watching must end now; 404 for the play of another session; 422 for moments that
/// are no part of the recording.
#[utoipa::path(post, path = "/api/plays/{play}/jumps", tag = "recordings",
    params(("play" = String, Path)), request_body = JumpForm,
    responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn jump(
    State(app): State<App>,
    caller: Caller,
    Path(play): Path<String>,
    input::Json(form): input::Json<JumpForm>,
) -> Result<StatusCode, Error> {
    let (jump, session) = ((form.from, form.to), &caller.session);
    let noted = app.playback.jump(&play, jump, session, caller.now_ms);
    noted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Watching must end while a segment is being sent: the connection is closed in the middle (R23).
#[derive(Debug, thiserror::Error)]
#[error("watching has ended")]
struct CutOff;

/// What is handed to a connection at once; the permit is asked about between two of them.
const PIECE_BYTES: usize = 64 * 1024;

fn pieces(part: Vec<u8>) -> impl Iterator<Item = Bytes> {
    let mut part = Bytes::from(part);
    std::iter::from_fn(move || {
        let length = part.len().min(PIECE_BYTES);
        (length > 0).then(|| part.split_to(length))
    })
}

impl PlayView {
    fn new(
        opened: Opened,
        contents: Contents,
        lesson: Option<&Lesson>,
        periods: &[Period],
    ) -> Self {
        let Watermark {
            name,
            staff_number,
            address,
        } = opened.watermark;
        Self {
            play_id: opened.play_id,
            start: contents.start_ms,
            end: contents.end_ms,
            codecs: codecs(&contents.segments),
            watermark: WatermarkView {
                name,
                staff_number,
                address,
            },
            segments: contents
                .segments
                .into_iter()
                .map(PlaySegment::from)
                .collect(),
            gaps: contents.gaps.into_iter().map(GapView::from).collect(),
            periods: lesson.map_or_else(Vec::new, |lesson| periods_of(lesson, periods)),
            lesson_start: lesson.map(|lesson| lesson.start_ms),
            lesson_end: lesson.map(|lesson| lesson.end_ms),
        }
    }
}

fn periods_of(lesson: &Lesson, periods: &[Period]) -> Vec<PlayPeriod> {
    let of_lesson = periods.iter().filter(|period| period.is_in(lesson));
    let shown = of_lesson.map(|period| {
        let (start, end) = period.on(lesson.day);
        PlayPeriod {
            number: period.number,
            start,
            end,
        }
    });
    shown.collect()
}

/// What a player is told of each source: what most of it is.
fn codecs(segments: &[Segment]) -> BTreeMap<String, String> {
    let mut lasting: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for segment in segments {
        let kind = (segment.source.as_str(), segment.codecs.as_str());
        *lasting.entry(kind).or_default() += segment.duration_us;
    }
    let mut by_time: Vec<_> = lasting.into_iter().collect();
    by_time.sort_by_key(|(_, duration_us)| *duration_us);
    // What lasts longest comes last and so stays.
    let mut codecs: BTreeMap<_, _> = by_time
        .into_iter()
        .map(|((source, codecs), _)| (source.to_owned(), mime(codecs)))
        .collect();
    if let Some(first) = codecs.values().next().cloned() {
        codecs.insert("main".into(), first);
    }
    codecs
}

fn mime(codecs: &str) -> String {
    format!("video/mp4; codecs=\"{codecs}\"")
}

impl From<Segment> for PlaySegment {
    fn from(segment: Segment) -> Self {
        Self {
            id: segment.id.0,
            source: segment.source,
            start: segment.start_us.div_euclid(1000),
            duration_ms: segment.duration_us / 1000,
            codecs: mime(&segment.codecs),
            truncated: segment.truncated,
        }
    }
}

impl From<Gap> for GapView {
    fn from(gap: Gap) -> Self {
        Self {
            source: gap.source,
            start: gap.from_us.div_euclid(1000),
            end: gap.to_us.div_euclid(1000),
            reason: gap.reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(source: &str, codecs: &str, seconds: i64) -> Segment {
        Segment {
            id: SegmentId(Uuid::nil()),
            source: source.into(),
            start_us: 0,
            duration_us: seconds * 1_000_000,
            truncated: false,
            codecs: codecs.into(),
        }
    }

    /// Seen with a real camera: sound arrives seconds after the picture, in the second segment.
    #[test]
    fn what_most_of_a_source_is_speaks_for_it() {
        let segments = [
            segment("cam0", "avc1.42c028", 2),
            segment("cam0", "avc1.42c028,mp4a.40.2", 10),
            segment("screen", "avc1.640028", 10),
        ];
        let codecs = codecs(&segments);
        let sound = "video/mp4; codecs=\"avc1.42c028,mp4a.40.2\"";
        assert_eq!(
            (codecs["cam0"].as_str(), codecs["main"].as_str()),
            (sound, sound)
        );
        assert_eq!(codecs["screen"], "video/mp4; codecs=\"avc1.640028\"");
        assert!(super::codecs(&[]).is_empty());
    }
}
