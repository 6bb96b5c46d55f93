//! Failures: an answer of 500 and above is a line of the trail, and carries the number under which
//! the log knows it (R116). Neither holds anything of what was asked or answered.

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::App;
use super::listen::Peer;
use crate::access::audit::Who;
use crate::access::audit::failures::Failure;
use crate::clock;

/// The header with the number of a request that failed.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Whoever a guard has let in, on the way out.
pub(super) fn asked_by(mut response: Response, who: Who) -> Response {
    if response.status().is_server_error() {
        response.extensions_mut().insert(who);
    }
    response
}

/// Numbers the request for the log, and writes the line when its answer is a failure.
pub async fn note(
    State((app, method, path)): State<(App, Method, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let number = Uuid::now_v7();
    let address = request.extensions().get::<Peer>();
    let address = address.map(|peer| peer.address.ip().to_string());
    let span = tracing::info_span!("request", id = %number, %method, path);
    let mut response = next.run(request).instrument(span).await;
    if !response.status().is_server_error() {
        return response;
    }
    let stranger = || Who {
        address: address.unwrap_or_default(),
        ..Who::default()
    };
    let failure = Failure {
        who: response.extensions_mut().remove().unwrap_or_else(stranger),
        entrance: format!("{method} {path}"),
        status: response.status().as_u16(),
        request: number,
    };
    app.failures.note(failure, clock::now_ms()).await;
    let number = HeaderValue::from_str(&number.to_string());
    let number = number.expect("invariant: a UUID is ASCII");
    response.headers_mut().insert(HEADER, number);
    response
}

#[cfg(test)]
mod tests;
