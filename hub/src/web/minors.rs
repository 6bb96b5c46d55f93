//! Screen: 未成年人课堂, the rooms with minors in their classes (X29).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};

/// Every room.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinorsList {
    /// By building and name.
    pub rooms: Vec<MinorsRoom>,
}

/// A room, with whether there are minors in its classes.
#[derive(Debug, Serialize, ToSchema)]
pub struct MinorsRoom {
    /// Id.
    pub id: Uuid,
    /// Such as `博学楼101`.
    pub name: String,
    /// The name of the unit that owns it.
    pub unit: String,
    /// Whether viewing it needs a permission that was opened for minors too.
    pub minors: bool,
}

/// Whether there are minors in the classes of a room, and why that is said.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MinorsForm {
    /// Whether there are.
    pub minors: bool,
    /// 2 to 500 characters.
    pub reason: String,
}

/// Every room, with whether there are minors in its classes.
///
/// # Errors
/// 403 for whoever files no applications.
#[utoipa::path(get, path = "/api/minors", tag = "grants", responses(
    (status = 200, body = MinorsList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<MinorsList>, Error> {
    let rooms = app.grants.rooms().await?.into_iter();
    let rooms = rooms.map(|room| MinorsRoom {
        id: room.id.0,
        name: room.name,
        unit: room.unit.name,
        minors: room.minors,
    });
    Ok(Json(MinorsList {
        rooms: rooms.collect(),
    }))
}

/// Says whether there are minors in the classes of a room; the gate asks from then on.
///
/// # Errors
/// 403 for whoever files no applications, 404 when there is no such room, 422 without a reason.
#[utoipa::path(post, path = "/api/minors/{id}", tag = "grants", params(("id" = Uuid, Path)),
    request_body = MinorsForm, responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn mark(
    State(app): State<App>,
    caller: Caller,
    Id(room): Id,
    Body(form): Body<MinorsForm>,
) -> Result<StatusCode, Error> {
    let (by, grants) = (caller.by(), &app.grants);
    grants
        .mark_minors(by, room, form.minors, &form.reason)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
