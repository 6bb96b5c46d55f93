//! Screen: 精品课程, lessons kept for the library: nominated, approved, consented to (R120).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::patrol::FieldError;

use super::App;
use super::applications::ReasonForm;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body, Query};
use crate::campus::{calendar, id};
use crate::recording::library;
use crate::store::keeping::PremiumRow;

/// Nominations, those that last first, 500 at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct PremiumList {
    /// One line each.
    pub premium: Vec<Premium>,
}

/// A nomination, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Premium {
    /// Id.
    pub id: Uuid,
    /// Such as `JP-00001`.
    pub number: String,
    /// The room's name.
    pub room: String,
    /// The course, as long as the timetable knows it.
    pub course: Option<String>,
    /// Begin of the lesson.
    pub start: i64,
    /// Whose lesson it is.
    pub teacher: String,
    /// Why.
    pub reason: String,
    /// Who nominated it.
    pub nominator: String,
    /// When.
    pub nominated_at: i64,
    /// Who approved it.
    pub approver: Option<String>,
    /// When.
    pub approved_at: Option<i64>,
    /// When the teacher consented.
    pub consented_at: Option<i64>,
    /// `nominated`, `kept`, `refused`, `withdrawn`, `removed` or `lapsed`.
    pub state: String,
    /// Why it ended.
    pub ended_why: Option<String>,
    /// Whether the reader is the teacher, whose word it needs.
    pub own: bool,
}

/// Lessons of a day that the caller may nominate.
#[derive(Debug, Serialize, ToSchema)]
pub struct PremiumCandidates {
    /// By time and room.
    pub lessons: Vec<PremiumCandidate>,
}

/// A recorded lesson that may be nominated.
#[derive(Debug, Serialize, ToSchema)]
pub struct PremiumCandidate {
    /// Id of the recording.
    pub recording: Uuid,
    /// The room's name.
    pub room: String,
    /// The course.
    pub course: String,
    /// The teacher's name.
    pub teacher: String,
    /// Begin of the lesson.
    pub start: i64,
    /// Until when the calendar keeps it (exclusive).
    pub kept_until: i64,
}

/// Of which day.
#[derive(Debug, Deserialize)]
pub struct Day {
    /// Such as `2026-11-22`; today if left out.
    date: Option<String>,
}

/// A nomination.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NominationForm {
    /// Id of the recording.
    pub recording: Uuid,
    /// Why; 2 to 500 characters.
    pub reason: String,
}

/// The number of what was noted.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptNumber {
    /// Such as `JP-00001` or `BQ-00001`.
    pub number: String,
}

/// Every nomination.
///
/// # Errors
/// 403 for whoever does not decide about them.
#[utoipa::path(get, path = "/api/premium", tag = "retention", responses(
    (status = 200, body = PremiumList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<PremiumList>, Error> {
    shown(app.keepings.premium(None).await?, &caller)
}

/// What the caller nominated or taught.
///
/// # Errors
/// 403 for whoever neither teaches nor proposes.
#[utoipa::path(get, path = "/api/premium/own", tag = "retention", responses(
    (status = 200, body = PremiumList), (status = 403, body = ErrorBody)))]
pub async fn own(State(app): State<App>, caller: Caller) -> Result<Json<PremiumList>, Error> {
    let person = Some(caller.session.person.id);
    shown(app.keepings.premium(person).await?, &caller)
}

/// Recorded lessons of a day that the caller may nominate.
///
/// # Errors
/// 403 for whoever neither teaches nor proposes; 422 for a date that is none.
#[utoipa::path(get, path = "/api/premium/candidates", tag = "retention",
    params(("date" = Option<String>, Query)), responses((status = 200, body = PremiumCandidates),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn candidates(
    State(app): State<App>,
    caller: Caller,
    Query(day): Query<Day>,
) -> Result<Json<PremiumCandidates>, Error> {
    let day = match &day.date {
        Some(text) => calendar::parse_day(text).ok_or(Error::Field(NO_DATE))?,
        None => calendar::day(caller.now_ms),
    };
    let found = library::on_day(&app.db, day, caller.now_ms).await?;
    let terms = app.keepings.terms();
    let lessons = found.into_iter().filter_map(|recording| {
        let reference = recording.reference();
        app.keepings.nominable(caller.by(), &reference).ok()?;
        let lesson = recording.lesson?;
        Some(PremiumCandidate {
            recording: recording.id,
            room: recording.room,
            course: lesson.course,
            teacher: lesson.teacher,
            start: recording.start_ms,
            kept_until: recording.kept.by_calendar_ms(recording.start_ms, terms),
        })
    });
    Ok(Json(PremiumCandidates {
        lessons: lessons.collect(),
    }))
}

/// 提名.
///
/// # Errors
/// 403 with the article, 404 when there is no such recording, 422 naming the field.
#[utoipa::path(post, path = "/api/premium", tag = "retention", request_body = NominationForm,
    responses((status = 201, body = KeptNumber), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn nominate(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<NominationForm>,
) -> Result<(StatusCode, Json<KeptNumber>), Error> {
    let found = library::find(&app.db, form.recording, caller.now_ms).await?;
    let reference = found.ok_or(Error::NotFound)?.reference();
    let keepings = &app.keepings;
    let number = keepings
        .nominate(caller.by(), &reference, &form.reason)
        .await?;
    Ok((StatusCode::CREATED, Json(KeptNumber { number })))
}

/// 教务处 approves.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it was done already.
#[utoipa::path(post, path = "/api/premium/{id}/approval", tag = "retention",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn approve(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.keepings.approve(caller.by(), id).await?;
    app.retention.keep_now(caller.now_ms).await;
    Ok(StatusCode::NO_CONTENT)
}

/// 教务处 refuses a nomination, or takes a course out of the library.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it is over, 422 without a reason.
#[utoipa::path(post, path = "/api/premium/{id}/removal", tag = "retention",
    params(("id" = Uuid, Path)), request_body = ReasonForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    app.keepings.remove(caller.by(), id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The teacher consents.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it was done already.
#[utoipa::path(post, path = "/api/premium/{id}/consent", tag = "retention",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn consent(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.keepings.consent(caller.by(), id).await?;
    app.retention.keep_now(caller.now_ms).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The teacher does not consent, or not any more.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it is over, 422 without a reason.
#[utoipa::path(post, path = "/api/premium/{id}/withdrawal", tag = "retention",
    params(("id" = Uuid, Path)), request_body = ReasonForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    app.keepings.withdraw(caller.by(), id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(rows: Vec<PremiumRow>, caller: &Caller) -> Result<Json<PremiumList>, Error> {
    let reader = caller.session.person.id.to_string();
    let rows = rows.into_iter().map(|row| premium(row, &reader));
    Ok(Json(PremiumList {
        premium: rows.collect::<Result<_, _>>()?,
    }))
}

fn premium(row: PremiumRow, reader: &str) -> Result<Premium, Error> {
    let complete = row.approved_ms.is_some() && row.consented_ms.is_some();
    let lasting = if complete { "kept" } else { "nominated" };
    Ok(Premium {
        id: id("a nomination", &row.id)?,
        number: row.number,
        room: row.room,
        course: row.course,
        start: row.start_ms,
        teacher: row.teacher,
        reason: row.reason,
        nominator: row.nominator,
        nominated_at: row.nominated_ms,
        approver: row.approver,
        approved_at: row.approved_ms,
        consented_at: row.consented_ms,
        state: row.ended.unwrap_or_else(|| lasting.to_owned()),
        ended_why: row.ended_why,
        own: row.teacher_id == reader,
    })
}

const NO_DATE: FieldError = FieldError {
    field: "date",
    zh: "日期格式应为 2026-11-22。",
    en: "The date must look like 2026-11-22.",
};
