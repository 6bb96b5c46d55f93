//! Screen: 泄露追查, from a watermark or a segment to the views that could have shown it (R106).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::patrol::FieldError;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Json as Body;
use super::sanctions::SignedExport;
use crate::access::incident::Trace;
use crate::store::incident::SuspectRow;

/// What is known of what got out: a segment, or what a watermark says and when.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TraceForm {
    /// The segment; then nothing else is looked at.
    pub segment: Option<Uuid>,
    /// 工号; empty when it cannot be read.
    pub staff_number: String,
    /// The address; empty when it cannot be read.
    pub address: String,
    /// The time.
    pub at: Option<i64>,
    /// Give or take so many minutes, 0 to 1440.
    pub minutes: i64,
    /// 2 to 500 characters.
    pub reason: String,
}

/// Views that could have shown it. That somebody watched is no verdict.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suspects {
    /// By time, 500 at most.
    pub views: Vec<Suspect>,
}

/// A view that could have shown it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Suspect {
    /// Id of the view.
    pub view: String,
    /// Who watched.
    pub person: String,
    /// Their staff number.
    pub staff_number: String,
    /// From where.
    pub address: String,
    /// When the session began.
    pub session_at: Option<i64>,
    /// The room's name.
    pub room: String,
    /// `live` or `playback`.
    pub kind: String,
    /// Why.
    pub purpose: String,
    /// The line of the trail that permitted it.
    pub line: i64,
    /// From.
    pub from: i64,
    /// Until; none while it goes on.
    pub until: Option<i64>,
}

/// The views that could have shown it.
///
/// # Errors
/// 403 for whoever does not inspect the trail, 422 naming the field.
#[utoipa::path(post, path = "/api/incidents/trace", tag = "audit", request_body = TraceForm,
    responses((status = 200, body = Suspects), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn trace(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<TraceForm>,
) -> Result<Json<Suspects>, Error> {
    let (by, trace) = (caller.by(), trace_of(&form)?);
    let found = app.incidents.trace(by, &trace, &form.reason).await?;
    Ok(Json(Suspects {
        views: found.into_iter().map(Suspect::from).collect(),
    }))
}

/// The same as a file, signed by the hub.
///
/// # Errors
/// 403 for whoever does not inspect the trail, 422 naming the field.
#[utoipa::path(post, path = "/api/incidents/file", tag = "audit", request_body = TraceForm,
    responses((status = 200, body = SignedExport), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<TraceForm>,
) -> Result<Json<SignedExport>, Error> {
    let (by, trace) = (caller.by(), trace_of(&form)?);
    let export = app.incidents.export(by, &trace, &form.reason).await?;
    Ok(Json(export.into()))
}

fn trace_of(form: &TraceForm) -> Result<Trace, Error> {
    if let Some(segment) = form.segment {
        return Ok(Trace::Segment(segment));
    }
    Ok(Trace::Mark {
        staff_number: form.staff_number.clone(),
        address: form.address.clone(),
        at_ms: form.at.ok_or(Error::Field(NO_TIME))?,
        minutes: form.minutes,
    })
}

impl From<SuspectRow> for Suspect {
    fn from(row: SuspectRow) -> Self {
        Self {
            view: row.id,
            person: row.person,
            staff_number: row.staff_number,
            address: row.address,
            session_at: row.session_ms,
            room: row.room,
            kind: row.kind,
            purpose: row.purpose,
            line: row.trail_seq,
            from: row.opened_ms,
            until: row.closed_ms,
        }
    }
}

const NO_TIME: FieldError = FieldError {
    field: "at",
    zh: "请填写水印上的时间。",
    en: "Give the time of the watermark.",
};
