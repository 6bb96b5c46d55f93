//! Screen: work orders to 信息中心 (R93): room, device, numbers and the history of faults.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::alert::group::Part;

use super::App;
use super::error::{Error, ErrorBody};
use super::faults::evidence;
use super::guard::Caller;
use super::input::{Id, Json as Body};
use crate::health::alert::words;
use crate::store::work_order::{PastFaultRow, WorkOrderRow};

/// Work orders.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkOrders {
    /// Those to be done first, then the newest; 500 at most.
    pub orders: Vec<WorkOrder>,
}

/// A work order.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkOrder {
    /// Its id.
    pub id: String,
    /// Such as `GD-00001`.
    pub number: String,
    /// For which alert.
    pub alert: String,
    /// The room's name.
    pub room: String,
    /// The box.
    pub device: String,
    /// A source name, or `box`.
    pub component: String,
    /// Of the catalogue of faults.
    pub code: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// What it is called, in English.
    pub title_en: String,
    /// What is to be done.
    pub note: String,
    /// Who opened it.
    pub opened_by: String,
    /// When.
    pub opened_at: i64,
    /// Who says that it is done.
    pub done_by: Option<String>,
    /// When.
    pub done_at: Option<i64>,
    /// What was done.
    pub done_note: String,
}

/// A work order with the history of its box.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkOrderSheet {
    /// The order.
    pub order: WorkOrder,
    /// Faults of the box in the 30 days before it was opened and since, newest first; 200 at most.
    pub history: Vec<PastFault>,
}

/// A fault of the history.
#[derive(Debug, Serialize, ToSchema)]
pub struct PastFault {
    /// Of the catalogue of faults.
    pub code: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// What it is called, in English.
    pub title_en: String,
    /// A source name, or `box`.
    pub component: String,
    /// First found.
    pub from: i64,
    /// Last found, if it is over.
    pub until: Option<i64>,
    /// The numbers it rests on.
    pub evidence: String,
}

/// A new work order.
#[derive(Debug, Deserialize, ToSchema)]
pub struct WorkOrderForm {
    /// The box, as the alert names it.
    pub device: String,
    /// A source name, or `box`, as the alert names it.
    pub component: String,
    /// What is to be done, 2 to 500 characters.
    pub note: String,
}

/// What was done.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DoneForm {
    /// 2 to 500 characters.
    pub note: String,
}

/// The number of a new work order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ordered {
    /// Its id.
    pub id: Uuid,
    /// Such as `GD-00001`.
    pub number: String,
}

/// Work orders.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/work-orders", tag = "alerts", responses(
    (status = 200, body = WorkOrders), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<WorkOrders>, Error> {
    let orders = app.alerts.orders.list().await?;
    Ok(Json(WorkOrders {
        orders: orders.into_iter().map(view).collect(),
    }))
}

/// One work order with the history of its box.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none.
#[utoipa::path(get, path = "/api/work-orders/{id}", tag = "alerts", params(("id" = Uuid, Path)),
    responses((status = 200, body = WorkOrderSheet), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn one(State(app): State<App>, Id(id): Id) -> Result<Json<WorkOrderSheet>, Error> {
    let (row, history) = app.alerts.orders.one(id).await?;
    Ok(Json(WorkOrderSheet {
        order: view(row),
        history: history.into_iter().map(past).collect(),
    }))
}

/// Opens a work order for a part of an alert.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such part, 422 without a note.
#[utoipa::path(post, path = "/api/alerts/{id}/work-orders", tag = "alerts",
    params(("id" = Uuid, Path)), request_body = WorkOrderForm,
    responses((status = 200, body = Ordered), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn open(
    State(app): State<App>,
    caller: Caller,
    Id(alert): Id,
    Body(form): Body<WorkOrderForm>,
) -> Result<Json<Ordered>, Error> {
    let part = Part {
        device: form.device,
        component: form.component,
    };
    let by = caller.by();
    let (id, number) = app.alerts.orders.open(by, alert, &part, &form.note).await?;
    Ok(Json(Ordered { id, number }))
}

/// Says that a work order is done.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none, 409 when it is done, 422.
#[utoipa::path(post, path = "/api/work-orders/{id}/done", tag = "alerts",
    params(("id" = Uuid, Path)), request_body = DoneForm,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn done(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<DoneForm>,
) -> Result<StatusCode, Error> {
    app.alerts.orders.close(caller.by(), id, &form.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(row: WorkOrderRow) -> WorkOrder {
    let (title_zh, title_en) = words::title(&row.code, "");
    WorkOrder {
        id: row.id,
        number: row.number,
        alert: row.alert_id,
        room: row.room,
        device: row.device_id,
        component: row.component,
        code: row.code,
        title_zh,
        title_en,
        note: row.note,
        opened_by: row.opener,
        opened_at: row.opened_ms,
        done_by: row.doer,
        done_at: row.done_ms,
        done_note: row.done_note,
    }
}

fn past(row: PastFaultRow) -> PastFault {
    let (title_zh, title_en) = words::title(&row.code, "");
    PastFault {
        title_zh,
        title_en,
        code: row.code,
        component: row.component,
        from: row.opened_ms,
        until: row.cleared_ms,
        evidence: evidence(&row.evidence),
    }
}
