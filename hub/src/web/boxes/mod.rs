//! The boxes' door: who a box is comes from its certificate, never from the address it asks for.
//!
//! enrol → ask → renewal → est → timetable → segments → live → table
//!
//! Its routes stand in the table of every entrance. Only enrolment, asking for it and renewal are
//! open without a certificate, because that is where a box gets one.

pub mod enrol;
pub mod ask;
pub mod renewal;
pub mod est;
pub mod timetable;
pub mod segments;
pub mod live;
pub mod table;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::App;
use super::error::Error;
use super::failure;
use super::listen::Peer;
use crate::access::audit::Who;
use crate::clock::now_ms;
use crate::device::registry::BoxIdentity;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// No certificate: enrolment, asking for it, and renewal.
    Nobody,
    /// The certificate in force of a box; the handler takes its [`BoxIdentity`].
    Box,
}

/// Lets a request through to its handler, or answers why not. Asks the store every time, so that
/// a retired box is out at its next request. A connection of the certificate before is closed after
/// the answer, so that the next one shows the certificate in force.
///
/// # Errors
/// 401 without a certificate in force.
pub async fn guard(
    State((app, needs)): State<(App, Needs)>,
    peer: Peer,
    mut request: Request,
    next: Next,
) -> Result<Response, Error> {
    let mut who = Who {
        address: peer.address.ip().to_string(),
        ..Who::default()
    };
    let mut renewed = false;
    if needs == Needs::Box {
        let certificate = peer.certificate.as_ref().ok_or(Error::UnknownBox)?;
        let identity = app.devices.identify(certificate, now_ms()).await?;
        let identity = identity.ok_or(Error::UnknownBox)?;
        who.person = identity.device.to_string();
        renewed = identity.renewed;
        request.extensions_mut().insert(identity);
    }
    let mut response = next.run(request).await;
    if renewed && response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    Ok(failure::asked_by(response, who))
}

impl<S: Send + Sync> FromRequestParts<S> for BoxIdentity {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Error::UnknownBox)
    }
}

#[cfg(test)]
mod tests;
