//! Screen: departures and their hand-over lists (R23, R24, R44).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::departure::Outcome;
use xunke_policy::patrol::FieldError;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::PersonName;
use crate::access::departure::{Departure, Kind};
use crate::campus::id;
use crate::store::departure::ItemRow;

/// Most lines that come with a notice.
const ITEMS_MAX: usize = 50;

/// Departures.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartureList {
    /// Open ones first, then newest first.
    pub departures: Vec<DepartureLine>,
}

/// A departure with its hand-over list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DepartureLine {
    /// Id.
    pub id: Uuid,
    /// Such as `YJ-00001`.
    pub number: String,
    /// Who hands over.
    pub person: PersonName,
    /// `left`, `transferred` or `closing`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Who noted it.
    pub opener: String,
    /// When.
    pub opened_at: i64,
    /// Who closed the list.
    pub closer: Option<String>,
    /// When.
    pub closed_at: Option<i64>,
    /// The list.
    pub items: Vec<HandoverItem>,
}

/// One thing to be handed over.
#[derive(Debug, Serialize, ToSchema)]
pub struct HandoverItem {
    /// Id.
    pub id: Uuid,
    /// What it is.
    pub what: String,
    /// Who received or witnessed it.
    pub receiver: Option<String>,
    /// `handed_over` or `destroyed`.
    pub outcome: Option<String>,
    /// When.
    pub done_at: Option<i64>,
}

/// Somebody leaves or is transferred.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DepartureForm {
    /// 工号.
    pub staff_number: String,
    /// `left` or `transferred`.
    pub kind: String,
    /// 2 to 500 characters.
    pub reason: String,
}

/// 本人申请关闭权限.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ClosingForm {
    /// 2 to 500 characters.
    pub reason: String,
    /// What is to be handed over: paper, notes, printed forms, tokens.
    pub items: Vec<String>,
}

/// A line for a hand-over list.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ItemForm {
    /// 2 to 200 characters.
    pub what: String,
}

/// What became of a line.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SettlementForm {
    /// 工号 of who received or witnessed it; never the giver.
    pub receiver: String,
    /// `handed_over` or `destroyed`.
    pub outcome: String,
}

/// What was opened.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenedDeparture {
    /// Such as `YJ-00001`.
    pub number: String,
}

/// Departures, open ones first.
///
/// # Errors
/// 403 for whoever does not read the ledger.
#[utoipa::path(get, path = "/api/departures", tag = "people", responses(
    (status = 200, body = DepartureList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, _caller: Caller) -> Result<Json<DepartureList>, Error> {
    shown(app.departures.all().await?)
}

/// The own departures.
///
/// # Errors
/// 401 when nobody is signed in.
#[utoipa::path(get, path = "/api/departures/own", tag = "people", responses(
    (status = 200, body = DepartureList), (status = 401, body = ErrorBody)))]
pub async fn own(State(app): State<App>, caller: Caller) -> Result<Json<DepartureList>, Error> {
    shown(app.departures.of(caller.session.person.id).await?)
}

/// Notes that somebody leaves or is transferred; what they may ends at once.
///
/// # Errors
/// 403 with the article, 422 naming the field.
#[utoipa::path(post, path = "/api/departures", tag = "people", request_body = DepartureForm,
    responses((status = 201, body = OpenedDeparture), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn open(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<DepartureForm>,
) -> Result<(StatusCode, Json<OpenedDeparture>), Error> {
    let kind = match form.kind.as_str() {
        "left" => Kind::Left,
        "transferred" => Kind::Transferred,
        _ => return Err(Error::Field(NO_KIND)),
    };
    let departures = &app.departures;
    let opened = departures.open(caller.by(), &form.staff_number, kind, &form.reason);
    let number = opened.await?;
    Ok((StatusCode::CREATED, Json(OpenedDeparture { number })))
}

/// Gives the own permission back; the session ends with it.
///
/// # Errors
/// 422 naming the field.
#[utoipa::path(post, path = "/api/departures/own", tag = "people", request_body = ClosingForm,
    responses((status = 201, body = OpenedDeparture), (status = 401, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn close_own(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<ClosingForm>,
) -> Result<(StatusCode, Json<OpenedDeparture>), Error> {
    if form.items.len() > ITEMS_MAX {
        return Err(Error::Field(TOO_MANY));
    }
    let closed = app
        .departures
        .close_own(caller.by(), &form.reason, &form.items);
    let number = closed.await?;
    Ok((StatusCode::CREATED, Json(OpenedDeparture { number })))
}

/// Adds a line to a list: the two offices to any, the giver to the own one.
///
/// # Errors
/// 404 for anybody else, 409 when it is closed, 422 naming the field.
#[utoipa::path(post, path = "/api/departures/{id}/items", tag = "people",
    params(("id" = Uuid, Path)), request_body = ItemForm, responses((status = 204),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn add_item(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ItemForm>,
) -> Result<StatusCode, Error> {
    app.departures.add_item(caller.by(), id, &form.what).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what became of a line.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it is done, 422 naming the field.
#[utoipa::path(post, path = "/api/handovers/{id}/settlement", tag = "people",
    params(("id" = Uuid, Path)), request_body = SettlementForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn settle(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<SettlementForm>,
) -> Result<StatusCode, Error> {
    let outcome = match form.outcome.as_str() {
        "handed_over" => Outcome::HandedOver,
        "destroyed" => Outcome::Destroyed,
        _ => return Err(Error::Field(NO_OUTCOME)),
    };
    let settled = app
        .departures
        .settle(caller.by(), id, &form.receiver, outcome);
    settled.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Closes a departure whose list is done.
///
/// # Errors
/// 403 with the article while a line is open, 404 when there is none, 409 when it is closed.
#[utoipa::path(post, path = "/api/departures/{id}/closing", tag = "people",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn close(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.departures.close(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(departures: Vec<Departure>) -> Result<Json<DepartureList>, Error> {
    let departures = departures.into_iter().map(line);
    Ok(Json(DepartureList {
        departures: departures.collect::<Result<_, Error>>()?,
    }))
}

fn line(departure: Departure) -> Result<DepartureLine, Error> {
    let row = departure.row;
    Ok(DepartureLine {
        id: id("a departure", &row.id)?,
        number: row.number,
        person: PersonName {
            id: id("a person", &row.person_id)?,
            name: row.person,
            staff_number: row.staff_number,
        },
        kind: row.kind,
        reason: row.reason,
        opener: row.opener,
        opened_at: row.opened_ms,
        closer: row.closer,
        closed_at: row.closed_ms,
        items: departure
            .items
            .into_iter()
            .map(item)
            .collect::<Result<_, Error>>()?,
    })
}

fn item(row: ItemRow) -> Result<HandoverItem, Error> {
    Ok(HandoverItem {
        id: id("a line", &row.id)?,
        what: row.what,
        receiver: row.receiver,
        outcome: row.outcome,
        done_at: row.done_ms,
    })
}

const NO_KIND: FieldError = FieldError {
    field: "kind",
    zh: "请选择离职或调岗。",
    en: "Choose whether the person left or was transferred.",
};
const NO_OUTCOME: FieldError = FieldError {
    field: "outcome",
    zh: "请选择已移交或已销毁。",
    en: "Choose whether it was handed over or destroyed.",
};
const TOO_MANY: FieldError = FieldError {
    field: "items",
    zh: "最多先列 50 项，其余可在移交清单中补充。",
    en: "50 lines at most to begin with; add the others to the list.",
};
