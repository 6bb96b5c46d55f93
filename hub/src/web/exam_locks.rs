//! Screen: 考试锁定, the rooms that nobody watches live while an examination goes on (R59).

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
use crate::access::exam_lock::{ExamDraft, ExamLock as Lock, ExamLocks};
use crate::campus::id;

/// Locks for examinations.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExamLockList {
    /// The latest first, 300 at most.
    pub locks: Vec<ExamLock>,
}

/// A lock for an examination.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExamLock {
    /// Id.
    pub id: Uuid,
    /// Such as `KS-00001`.
    pub number: String,
    /// Names of its rooms.
    pub rooms: Vec<String>,
    /// From.
    pub from: i64,
    /// Until (exclusive).
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who set it.
    pub setter: String,
    /// When.
    pub set_at: i64,
    /// When it was lifted before its time.
    pub lifted_at: Option<i64>,
    /// By whom.
    pub lifter: Option<String>,
    /// Why.
    pub lifted_why: Option<String>,
}

/// Rooms to be locked.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ExamLockForm {
    /// 1 to 200.
    pub rooms: Vec<Uuid>,
    /// From.
    pub from: i64,
    /// Until (exclusive), after now; 14 days at most.
    pub until: i64,
    /// 2 to 500 characters.
    pub reason: String,
}

/// The number of a lock.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExamLockNumber {
    /// Such as `KS-00001`.
    pub number: String,
}

/// Locks for examinations.
///
/// # Errors
/// 403 for whoever files no applications.
#[utoipa::path(get, path = "/api/exam-locks", tag = "live", responses(
    (status = 200, body = ExamLockList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<ExamLockList>, Error> {
    let locks = locks(&app).all().await?.into_iter().map(shown);
    Ok(Json(ExamLockList {
        locks: locks.collect::<Result<_, _>>()?,
    }))
}

/// Locks rooms; live views of them are closed at once when it begins.
///
/// # Errors
/// 403 for whoever files no applications, 422 naming the field.
#[utoipa::path(post, path = "/api/exam-locks", tag = "live", request_body = ExamLockForm,
    responses((status = 201, body = ExamLockNumber), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn set(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<ExamLockForm>,
) -> Result<(StatusCode, Json<ExamLockNumber>), Error> {
    let draft = ExamDraft {
        rooms: form.rooms,
        from_ms: form.from,
        until_ms: form.until,
        reason: form.reason,
    };
    let number = locks(&app).set(caller.by(), &draft).await?;
    Ok((StatusCode::CREATED, Json(ExamLockNumber { number })))
}

/// Lifts a lock before its time.
///
/// # Errors
/// 403 for whoever files no applications, 404 when there is none, 409 when it is over, 422 without
/// a reason.
#[utoipa::path(post, path = "/api/exam-locks/{id}/lifting", tag = "live",
    params(("id" = Uuid, Path)), request_body = ReasonForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn lift(
    State(app): State<App>,
    caller: Caller,
    Id(lock): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    locks(&app).lift(caller.by(), lock, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn locks(app: &App) -> ExamLocks {
    ExamLocks::new(app.db.clone(), app.trail.clone())
}

fn shown(Lock { row, rooms }: Lock) -> Result<ExamLock, Error> {
    Ok(ExamLock {
        id: id("a lock for an examination", &row.id)?,
        number: row.number,
        rooms,
        from: row.from_ms,
        until: row.until_ms,
        reason: row.reason,
        setter: row.setter,
        set_at: row.set_ms,
        lifted_at: row.lifted_ms,
        lifter: row.lifter,
        lifted_why: row.lifted_why,
    })
}
