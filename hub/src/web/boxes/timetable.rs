//! `GET /box/1/timetable`: when a box is to record, its own room and no other.

use axum::Json;
use axum::extract::State;
use xunke_protocol::timetable::SignedTimetable;

use crate::clock::now_ms;
use crate::device::registry::BoxIdentity;
use crate::web::App;
use crate::web::error::Error;

/// The windows of the coming days in the room where the box stands.
pub async fn timetable(
    State(app): State<App>,
    identity: BoxIdentity,
) -> Result<Json<SignedTimetable>, Error> {
    let signed = app.timetables.of(identity.classroom, now_ms()).await?;
    Ok(Json(signed))
}
