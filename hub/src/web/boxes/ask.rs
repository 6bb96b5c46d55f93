//! `POST /box/1/ask`: a box that shows a code asks until somebody has typed it at the desk.

use axum::Json;
use axum::extract::State;
use xunke_protocol::asking::{AskRequest, AskResponse};

use crate::clock;
use crate::web::App;
use crate::web::error::Error;
use crate::web::input;
use crate::web::listen::Peer;

/// Hears it; once it was let in, it is told who it is.
pub async fn ask(
    State(app): State<App>,
    peer: Peer,
    input::Json(request): input::Json<AskRequest>,
) -> Result<Json<AskResponse>, Error> {
    let (enrolment, from) = (&app.devices.enrolment, peer.address.ip());
    Ok(Json(enrolment.ask(&request, from, clock::now_ms()).await?))
}
