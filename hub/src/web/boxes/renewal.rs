//! `POST /box/1/renewal`: the certificate that follows; a box whose own has expired shows none.

use axum::Json;
use axum::extract::State;
use xunke_protocol::renewal::{RenewalRequest, RenewalResponse};

use crate::clock;
use crate::web::App;
use crate::web::error::Error;
use crate::web::input;
use crate::web::listen::Peer;

/// Renews the certificate of a box that signs with its recording key.
pub async fn renew(
    State(app): State<App>,
    peer: Peer,
    input::Json(request): input::Json<RenewalRequest>,
) -> Result<Json<RenewalResponse>, Error> {
    let enrolment = &app.devices.enrolment;
    let from = peer.address.ip();
    Ok(Json(
        enrolment.renew(&request, from, clock::now_ms()).await?,
    ))
}
