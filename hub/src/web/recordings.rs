//! Screens: recordings, and the playback of one.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::access::Action;
use xunke_policy::patrol::FieldError;
use xunke_policy::purpose::Purpose;
use xunke_policy::retention::Terms;
use xunke_protocol::id::SegmentId;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{self, Id, Query};
use super::lesson::LessonView;
use super::names::{RoomName, UnitName};
use super::purpose::PurposeForm;
use crate::access::gate::Watermark;
use crate::access::place::Asker;
use crate::campus::calendar;
use crate::clock::now_ms;
use crate::recording::library::{self, Contents, Gap, Recording, Segment};
use crate::recording::playback::Opened;

/// Which recordings to list.
#[derive(Debug, Deserialize)]
pub struct Filter {
    /// The day on which they begin, such as `2026-11-22`; today if left out.
    date: Option<String>,
    /// Of one room only.
    room: Option<Uuid>,
}

/// The recordings of a day that the caller may watch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recordings)]
pub struct RecordingsView {
    /// By time and room.
    pub recordings: Vec<RecordingView>,
}

/// What a room recorded in one lesson, or in one hour outside lessons (课外).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recording)]
pub struct RecordingView {
    /// Id.
    pub id: Uuid,
    /// Where.
    pub room: RoomName,
    /// The unit that owned the room at record time.
    pub unit: UnitName,
    /// The lesson; null outside lessons.
    pub lesson: Option<LessonView>,
    /// Begin of the lesson; outside lessons, of what there is.
    pub start: i64,
    /// End of the lesson; outside lessons, of what there is.
    pub end: i64,
    /// Recorded by the source that has most.
    pub seconds_recorded: i64,
    /// How many segments.
    pub segments: i64,
    /// `capturing` while more is to come, then `stored`.
    pub state: &'static str,
    /// `ordinary`, `outside`, `premium` or `held` (R121).
    pub class: &'static str,
    /// Until when it is kept (exclusive); null while a decision keeps it (R119).
    pub kept_until: Option<i64>,
}

/// Why somebody wants to watch a recording.
#[derive(Debug, Deserialize, ToSchema)]
pub struct PlayRequest {
    /// 事由.
    #[serde(default)]
    pub purpose: PurposeForm,
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

/// The recordings of a day that the caller may watch.
///
/// # Errors
/// 403 for whoever may watch none; 422 for a date that is none.
#[utoipa::path(get, path = "/api/recordings", tag = "recordings",
    params(("date" = Option<String>, Query), ("room" = Option<Uuid>, Query)),
    responses((status = 200, body = RecordingsView), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<Json<RecordingsView>, Error> {
    let day = match &filter.date {
        Some(text) => calendar::parse_day(text).ok_or(Error::Field(NO_DATE))?,
        None => calendar::day(caller.now_ms),
    };
    let mut found = library::on_day(&app.db, day, caller.now_ms).await?;
    let asker = app.gate.asker(caller.session.person.id).await?;
    found.retain(|one| {
        let wanted = filter.room.is_none_or(|room| room == one.classroom.0);
        let (person, from, now_ms) = (&caller.session.person, caller.address, caller.now_ms);
        let watching = watching(&app, &asker, one);
        wanted && app.gate.judge(person, watching, from, now_ms).is_ok()
    });
    let terms = app.keepings.terms();
    let shown = found.into_iter().map(|one| RecordingView::new(one, terms));
    let recordings = shown.collect();
    Ok(Json(RecordingsView { recordings }))
}

/// One recording.
///
/// # Errors
/// 403 with its article when the caller may not watch it; 404 when there is none.
#[utoipa::path(get, path = "/api/recordings/{id}", tag = "recordings", params(("id" = Uuid, Path)),
    responses((status = 200, body = RecordingView), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<RecordingView>, Error> {
    let recording = may_see(&app, &caller, id).await?;
    let (session, from, now_ms) = (&caller.session, caller.address, caller.now_ms);
    let query = ("see_recording", &*format!("{} {id}", recording.room));
    app.gate.note_query(session, query, from, now_ms).await?;
    Ok(Json(RecordingView::new(recording, app.keepings.terms())))
}

/// A recording that the caller may watch.
pub(super) async fn may_see(app: &App, caller: &Caller, id: Uuid) -> Result<Recording, Error> {
    let recording = find(app, caller, id).await?;
    let asker = app.gate.asker(caller.session.person.id).await?;
    enter(app, caller, watching(app, &asker, &recording)).await?;
    Ok(recording)
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
    Ok(Json(PlayView::new(opened, contents)))
}

/// One segment of a play: init segment and fragments, its times beginning at 0.
///
/// # Errors
/// 401 or 403 when watching must end now; 404 for the play of another session, or a segment of
/// another recording.
#[utoipa::path(get, path = "/api/plays/{play}/segments/{segment}", tag = "recordings",
    params(("play" = String, Path), ("segment" = Uuid, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn segment(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(String, Uuid)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Error> {
    let Path((play, segment)) = path.map_err(|_| Error::NotFound)?;
    let (segment, session) = (SegmentId(segment), &caller.session);
    let plain = app
        .playback
        .segment(&play, segment, session, caller.now_ms)
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

const NO_DATE: FieldError = FieldError {
    field: "date",
    zh: "日期格式应为 2026-11-22。",
    en: "The date must look like 2026-11-22.",
};

/// Whether a recording may be watched at all, whatever the purpose will be. What a case holds past
/// its calendar is there for the issue alone (R122).
fn watching(app: &App, asker: &Asker, recording: &Recording) -> Action<'static> {
    let recording = recording.reference();
    app.gate.playing(asker, &recording, &Purpose::Issue)
}

/// One recording; who may watch none is not told which there are.
async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<Recording, Error> {
    if let Some(recording) = library::find(&app.db, id, caller.now_ms).await? {
        return Ok(recording);
    }
    enter(app, caller, Action::SeeRecordings).await?;
    Err(Error::NotFound)
}

async fn enter(app: &App, caller: &Caller, action: Action<'_>) -> Result<(), Error> {
    let (session, from) = (&caller.session, caller.address);
    let entered = app
        .gate
        .enter(session, action, ("see_recording", ""), from, caller.now_ms);
    Ok(entered.await?)
}

impl RecordingView {
    fn new(recording: Recording, terms: Terms) -> Self {
        let kept = recording.kept;
        Self {
            class: kept.class().word(),
            kept_until: kept.destroyed_from_ms(recording.start_ms, terms),
            id: recording.id,
            room: RoomName {
                id: recording.classroom.0,
                name: recording.room,
            },
            unit: UnitName {
                id: recording.unit.id.0,
                name: recording.unit.name,
            },
            lesson: recording.lesson.map(LessonView::from),
            start: recording.start_ms,
            end: recording.end_ms,
            seconds_recorded: recording.recorded_us / 1_000_000,
            segments: recording.segments,
            state: if recording.capturing {
                "capturing"
            } else {
                "stored"
            },
        }
    }
}

impl PlayView {
    fn new(opened: Opened, contents: Contents) -> Self {
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
        }
    }
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
