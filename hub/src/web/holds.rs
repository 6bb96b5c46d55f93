//! Screen: 保全, evidence kept by the number of a case (R122).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::applications::ReasonForm;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::premium::KeptNumber;
use crate::access::keeping::HoldDraft;
use crate::campus::id;
use crate::store::keeping::HoldRow;

/// Holds, those that last first, 500 at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct HoldList {
    /// One line each.
    pub holds: Vec<Hold>,
}

/// What a room recorded in a time, kept for a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hold {
    /// Id.
    pub id: Uuid,
    /// Such as `BQ-00001`.
    pub number: String,
    /// The room's name.
    pub room: String,
    /// From.
    pub from: i64,
    /// Until (exclusive).
    pub until: i64,
    /// 文号 of a decision, or number of an interference.
    pub case_number: String,
    /// Why.
    pub reason: String,
    /// Who began it.
    pub beginner: String,
    /// When.
    pub begun_at: i64,
    /// Recordings it holds now.
    pub recordings: i64,
    /// When it ended; null while it lasts.
    pub ended_at: Option<i64>,
    /// Who ended it; null: its case did.
    pub ender: Option<String>,
    /// Why.
    pub ended_why: Option<String>,
}

/// A hold to begin.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HoldForm {
    /// The room.
    pub room: Uuid,
    /// From.
    pub from: i64,
    /// Until (exclusive), 31 days later at most.
    pub until: i64,
    /// 文号 of a decision, or number of an interference.
    pub case_number: String,
    /// Why; 2 to 500 characters.
    pub reason: String,
}

/// Every hold.
///
/// # Errors
/// 403 for whoever does not decide about them.
#[utoipa::path(get, path = "/api/holds", tag = "retention", responses(
    (status = 200, body = HoldList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<HoldList>, Error> {
    let rows = app.keepings.holds().await?.into_iter();
    Ok(Json(HoldList {
        holds: rows.map(shown).collect::<Result<_, _>>()?,
    }))
}

/// Begins a hold.
///
/// # Errors
/// 403 with the article when there is no such case, 422 naming the field.
#[utoipa::path(post, path = "/api/holds", tag = "retention", request_body = HoldForm,
    responses((status = 201, body = KeptNumber), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn begin(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<HoldForm>,
) -> Result<(StatusCode, Json<KeptNumber>), Error> {
    let draft = HoldDraft {
        room: form.room,
        from_ms: form.from,
        until_ms: form.until,
        case_number: form.case_number,
        reason: form.reason,
    };
    let number = app.keepings.begin_hold(caller.by(), &draft).await?;
    app.retention.keep_now(caller.now_ms).await;
    Ok((StatusCode::CREATED, Json(KeptNumber { number })))
}

/// Ends a hold.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it is over, 422 without a reason.
#[utoipa::path(post, path = "/api/holds/{id}/end", tag = "retention",
    params(("id" = Uuid, Path)), request_body = ReasonForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn end(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    app.keepings.end_hold(caller.by(), id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(row: HoldRow) -> Result<Hold, Error> {
    Ok(Hold {
        id: id("a hold", &row.id)?,
        number: row.number,
        room: row.room,
        from: row.from_ms,
        until: row.until_ms,
        case_number: row.case_number,
        reason: row.reason,
        beginner: row.beginner,
        begun_at: row.begun_ms,
        recordings: row.recordings,
        ended_at: row.ended_ms,
        ender: row.ender,
        ended_why: row.ended_why,
    })
}
