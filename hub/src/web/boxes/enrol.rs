//! `POST /box/1/enrol`: the one request that a box makes before it has a certificate.

use axum::Json;
use axum::extract::State;
use xunke_protocol::enrolment::{EnrolRequest, EnrolResponse};

use crate::clock;
use crate::web::App;
use crate::web::error::Error;
use crate::web::input;
use crate::web::listen::Peer;

/// Longest request: a certificate request and two short texts.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// Enrols a box with a code that was made for it.
pub async fn enrol(
    State(app): State<App>,
    peer: Peer,
    input::Json(request): input::Json<EnrolRequest>,
) -> Result<Json<EnrolResponse>, Error> {
    let enrolment = &app.devices.enrolment;
    let response = enrolment
        .enrol(&request, peer.address.ip(), clock::now_ms())
        .await?;
    tracing::info!(device.id = %response.device_id, "box enrolled");
    Ok(Json(response))
}
