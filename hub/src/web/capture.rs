//! Screen: how a room is recorded, changed by those who maintain its box (X49).

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use xunke_policy::patrol::FieldError;
use xunke_protocol::timetable::Mode;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use crate::recording::timetable::{self, Change};

/// How a room is to be recorded, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CaptureForm {
    /// `lessons`: in lessons alone; `continuous`: always.
    pub mode: String,
    /// 2 to 500 characters.
    pub reason: String,
}

/// Until when a room is recorded whatever its timetable says, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RecordUntilForm {
    /// Within the next 12 hours.
    pub until: i64,
    /// 2 to 500 characters.
    pub reason: String,
}

const MODE: FieldError = FieldError {
    field: "mode",
    zh: "录制方式只能是 lessons 或 continuous。",
    en: "The mode is lessons or continuous.",
};

/// Says how a room is recorded; its box is told within seconds.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such room, 422 without a reason.
#[utoipa::path(post, path = "/api/rooms/{id}/capture", tag = "health",
    params(("id" = Uuid, Path)), request_body = CaptureForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn set(
    State(app): State<App>,
    caller: Caller,
    Id(room): Id,
    Body(form): Body<CaptureForm>,
) -> Result<StatusCode, Error> {
    let mode = Mode::named(&form.mode).ok_or(Error::Field(MODE))?;
    let by = change(&caller, &form.reason);
    app.timetables.set_mode(by, room, mode).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has a room recorded from now on until then.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such room, 422 without a reason
/// or for an end that is over or more than 12 hours away.
#[utoipa::path(post, path = "/api/rooms/{id}/record-until", tag = "health",
    params(("id" = Uuid, Path)), request_body = RecordUntilForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn record_until(
    State(app): State<App>,
    caller: Caller,
    Id(room): Id,
    Body(form): Body<RecordUntilForm>,
) -> Result<StatusCode, Error> {
    let by = change(&caller, &form.reason);
    app.timetables.record_until(by, room, form.until).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn change<'a>(caller: &'a Caller, reason: &'a str) -> Change<'a> {
    Change {
        session: &caller.session,
        from: caller.address,
        now_ms: caller.now_ms,
        reason,
    }
}

impl From<timetable::Error> for Error {
    fn from(error: timetable::Error) -> Self {
        match error {
            timetable::Error::NotFound => Self::NotFound,
            timetable::Error::Field(field) => Self::Field(field),
            timetable::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}
