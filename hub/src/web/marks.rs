//! Screen: time marks in recordings (K4, R70), made while watching and checked by anybody.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{self, Id};
use super::recordings::{may_see, may_watch};
use crate::recording::library;
use crate::recording::mark::check::{Checked, Footage, taken_back};
use crate::recording::mark::document::{Named, Said};
use crate::recording::mark::{self, Mark, Wish};

/// Longest body of a document to check: half an hour of three sources fits many times.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A stretch to be marked.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MarkForm {
    /// From.
    pub from: i64,
    /// To: after it, 30 minutes at most.
    pub to: i64,
    /// What is to be seen there, 1 to 500 characters.
    pub note: String,
}

/// Why a mark is taken back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WithdrawalForm {
    /// 1 to 500 characters.
    pub reason: String,
}

/// A document that somebody was given.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DocumentForm {
    /// Its text.
    pub document: String,
}

/// Time marks.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkList {
    /// 500 at most.
    pub marks: Vec<MarkView>,
}

/// A time mark.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Mark)]
pub struct MarkView {
    /// Id.
    pub id: Uuid,
    /// Such as `BJ-00001`.
    pub number: String,
    /// In which recording.
    pub recording: Uuid,
    /// The room's name.
    pub room: String,
    /// The course; null outside lessons.
    pub course: Option<String>,
    /// What recorded there, such as `cam0`.
    pub sources: Vec<String>,
    /// From.
    pub from: i64,
    /// To.
    pub to: i64,
    /// What is to be seen there.
    pub note: String,
    /// Whose mark it is.
    pub made_by: MarkAuthor,
    /// When it was made.
    pub made_at: i64,
    /// Null: it stands.
    pub withdrawn: Option<WithdrawalView>,
    /// The sealed files that hold it.
    pub segments: Vec<MarkSegment>,
    /// What the hub signed, to be handed on.
    pub document: String,
}

/// Who made a mark.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkAuthor {
    /// The name.
    pub name: String,
}

/// A mark that was taken back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MarkWithdrawal)]
pub struct WithdrawalView {
    /// When.
    pub at: i64,
    /// Why.
    pub reason: String,
}

/// A sealed file, named by its hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkSegment {
    /// Id.
    pub id: Uuid,
    /// Such as `cam0`.
    pub source: String,
    /// SHA-256 of the sealed file, hex.
    pub sha256: String,
}

/// What is to be said of a document.
#[derive(Debug, Serialize, ToSchema)]
pub struct MarkCheck {
    /// `genuine`, `altered`, `unknown_key` or `not_a_mark`.
    pub verdict: &'static str,
    /// Of a genuine one: `unchanged`, `changed` or `destroyed`.
    pub footage: Option<&'static str>,
    /// What the document itself says, where it can be read; the hub's word if it is genuine.
    pub mark: Option<ToldMark>,
    /// Null: it stands.
    pub withdrawn: Option<WithdrawalView>,
    /// Whether the caller may watch what it marks.
    pub may_watch: bool,
}

/// What a document says.
#[derive(Debug, Serialize, ToSchema)]
pub struct ToldMark {
    /// Id.
    pub id: Uuid,
    /// Such as `BJ-00001`.
    pub number: String,
    /// In which recording.
    pub recording: Uuid,
    /// The room's name.
    pub room: String,
    /// The course; null outside lessons.
    pub course: Option<String>,
    /// From.
    pub from: i64,
    /// To.
    pub to: i64,
    /// What is to be seen there.
    pub note: String,
    /// Whose mark it is.
    pub made_by: MarkAuthor,
    /// When it was made.
    pub made_at: i64,
    /// The sealed files that hold it.
    pub segments: Vec<MarkSegment>,
}

/// Marks a stretch of the recording that is being watched.
///
/// # Errors
/// 401 or 403 when watching must end now; 404 for the play of another session; 422 naming the
/// field.
#[utoipa::path(post, path = "/api/plays/{play}/marks", tag = "recordings",
    params(("play" = String, Path)), request_body = MarkForm,
    responses((status = 200, body = MarkView), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn make(
    State(app): State<App>,
    caller: Caller,
    Path(play): Path<String>,
    input::Json(form): input::Json<MarkForm>,
) -> Result<Json<MarkView>, Error> {
    let (session, now_ms) = (&caller.session, caller.now_ms);
    let held = app.playback.hold(&play, session, now_ms).await?;
    let wish = Wish {
        from_ms: form.from,
        to_ms: form.to,
        note: &form.note,
    };
    let made = app.marks.make(held.permit()?, wish, caller.address, now_ms);
    Ok(Json(made.await?.into()))
}

/// The marks in a recording.
///
/// # Errors
/// 403 with its article when the caller may not watch it; 404 when there is none.
#[utoipa::path(get, path = "/api/recordings/{id}/marks", tag = "recordings",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = MarkList), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn of_recording(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<MarkList>, Error> {
    let recording = may_see(&app, &caller, id).await?;
    let query = ("see_marks", &*format!("{} {id}", recording.room));
    let noted = app
        .gate
        .note_query(&caller.session, query, caller.address, caller.now_ms);
    noted.await?;
    Ok(Json(app.marks.of_recording(id).await?.into()))
}

/// The caller's own marks, the newest first.
///
/// # Errors
/// 401 for whoever is not signed in.
#[utoipa::path(get, path = "/api/marks", tag = "recordings",
    responses((status = 200, body = MarkList)))]
pub async fn own(State(app): State<App>, caller: Caller) -> Result<Json<MarkList>, Error> {
    let (session, query) = (&caller.session, ("see_own_marks", ""));
    let noted = app
        .gate
        .note_query(session, query, caller.address, caller.now_ms);
    noted.await?;
    Ok(Json(app.marks.of_author(session.person.id).await?.into()))
}

/// Takes an own mark back; it stays, and says so.
///
/// # Errors
/// 404 when there is no such mark of the caller's; 409 when it was done already; 422 without a
/// reason.
#[utoipa::path(post, path = "/api/marks/{id}/withdraw", tag = "recordings",
    params(("id" = Uuid, Path)), request_body = WithdrawalForm, responses((status = 204),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    input::Json(form): input::Json<WithdrawalForm>,
) -> Result<StatusCode, Error> {
    let by = (&caller.session, caller.address);
    let withdrawn = app.marks.withdraw(by, id, &form.reason, caller.now_ms);
    withdrawn.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Checks the document of a mark; for whoever was given one, and may watch nothing.
///
/// # Errors
/// 401 for whoever is not signed in; 503 while the trail cannot be written.
#[utoipa::path(post, path = "/api/marks/check", tag = "recordings", request_body = DocumentForm,
    responses((status = 200, body = MarkCheck), (status = 422, body = ErrorBody)))]
pub async fn check(
    State(app): State<App>,
    caller: Caller,
    input::Json(form): input::Json<DocumentForm>,
) -> Result<Json<MarkCheck>, Error> {
    let by = (&caller.session, caller.address);
    let checked = app.marks.check(&form.document, by, caller.now_ms).await?;
    let may_watch = may_watch_marked(&app, &caller, &checked).await?;
    Ok(Json(MarkCheck {
        verdict: checked.verdict.word(),
        footage: checked.footage.map(Footage::word),
        mark: checked.said.map(ToldMark::from),
        withdrawn: checked.withdrawn.map(WithdrawalView::from),
        may_watch,
    }))
}

/// Only of a genuine one: what others say of a recording is not looked up.
async fn may_watch_marked(app: &App, caller: &Caller, checked: &Checked) -> Result<bool, Error> {
    let genuine = checked.said.as_ref().filter(|_| checked.footage.is_some());
    let Some(said) = genuine else {
        return Ok(false);
    };
    let found = library::find(&app.db, said.recording, caller.now_ms).await?;
    let Some(recording) = found else {
        return Ok(false);
    };
    let asker = app.gate.asker(caller.session.person.id).await?;
    Ok(may_watch(app, caller, &asker, &recording.reference()))
}

impl From<Vec<Mark>> for MarkList {
    fn from(marks: Vec<Mark>) -> Self {
        Self {
            marks: marks.into_iter().map(MarkView::from).collect(),
        }
    }
}

impl From<Mark> for MarkView {
    fn from(Mark { row, said }: Mark) -> Self {
        let mut sources: Vec<_> = said.segments.iter().map(|one| one.source.clone()).collect();
        sources.sort_unstable();
        sources.dedup();
        Self {
            withdrawn: taken_back(&row).map(WithdrawalView::from),
            id: said.id,
            number: said.number,
            recording: said.recording,
            room: said.room,
            course: said.course,
            sources,
            from: said.from_ms,
            to: said.to_ms,
            note: said.note,
            made_by: MarkAuthor { name: said.made_by },
            made_at: said.made_ms,
            segments: said.segments.into_iter().map(MarkSegment::from).collect(),
            document: row.document,
        }
    }
}

impl From<Said> for ToldMark {
    fn from(said: Said) -> Self {
        Self {
            id: said.id,
            number: said.number,
            recording: said.recording,
            room: said.room,
            course: said.course,
            from: said.from_ms,
            to: said.to_ms,
            note: said.note,
            made_by: MarkAuthor { name: said.made_by },
            made_at: said.made_ms,
            segments: said.segments.into_iter().map(MarkSegment::from).collect(),
        }
    }
}

impl From<(i64, String)> for WithdrawalView {
    fn from((at, reason): (i64, String)) -> Self {
        Self { at, reason }
    }
}

impl From<Named> for MarkSegment {
    fn from(named: Named) -> Self {
        Self {
            id: named.id,
            source: named.source,
            sha256: named.sha256,
        }
    }
}

impl From<mark::Error> for Error {
    fn from(error: mark::Error) -> Self {
        match error {
            mark::Error::Field(field) => Self::Field(field),
            mark::Error::NotFound => Self::NotFound,
            mark::Error::Withdrawn => Self::Conflict(
                "这个标记已经撤回。",
                "This mark has been withdrawn already.",
            ),
            mark::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}
