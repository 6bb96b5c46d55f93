//! Enrolment over Secure Transport, as much of RFC 7030 as a box needs: for boxes and tools that
//! speak it in place of `/box/1/enrol`. Codes, limits and lines in the trail are the same.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use xunke_protocol::enrolment::{Code, EnrolRequest};
use zeroize::Zeroizing;

use crate::authority::est::{self, EstRequest};
use crate::clock;
use crate::device::registry::BoxIdentity;
use crate::web::App;
use crate::web::error::Error;
use crate::web::listen::Peer;

const CREDENTIALS_BYTES_MAX: usize = 1024;

/// `GET /.well-known/est/cacerts`: the hub's CA. A client that pins nothing trusts it at its own
/// risk; its SHA-256 stands in every enrolment code.
pub async fn ca_certificates(State(app): State<App>) -> Result<Response, Error> {
    certificates(app.devices.enrolment.ca_pem())
}

/// `POST /.well-known/est/simpleenroll`: PKCS#10 that names the recording key, with the code as the
/// password of HTTP Basic; the user name is of no account.
pub async fn enrol(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Some(code) = code(&headers) else {
        return not_authorised(Error::WrongCode);
    };
    match enrolled(&app, &peer, &code, &body).await {
        Ok(response) => response,
        Err(error @ Error::WrongCode) => not_authorised(error),
        Err(error) => error.into_response(),
    }
}

async fn enrolled(app: &App, peer: &Peer, code: &Code, body: &[u8]) -> Result<Response, Error> {
    let asked = read(body)?;
    let no_key = "the request names no recording key (a URI among its alternative names)";
    let request = EnrolRequest {
        code_secret: code.secret().to_string(),
        csr_pem: asked.csr_pem,
        signing_key: asked
            .signing_key
            .ok_or_else(|| Error::Unreadable(no_key.into()))?,
    };
    let (enrolment, from) = (&app.devices.enrolment, peer.address.ip());
    let response = enrolment.enrol(&request, from, clock::now_ms()).await?;
    tracing::info!(device.id = %response.device_id, "box enrolled");
    certificates(&response.certificate_pem)
}

/// `POST /.well-known/est/simplereenroll`: the certificate that follows the one that is shown.
pub async fn renew(
    State(app): State<App>,
    peer: Peer,
    identity: BoxIdentity,
    body: Bytes,
) -> Result<Response, Error> {
    let asked = read(&body)?;
    let (enrolment, from) = (&app.devices.enrolment, peer.address.ip());
    let now_ms = clock::now_ms();
    let renewed = enrolment.renew_shown(&identity, &asked.csr_pem, from, now_ms);
    certificates(&renewed.await?.certificate_pem)
}

fn read(body: &[u8]) -> Result<EstRequest, Error> {
    est::read(body).map_err(|error| Error::Unreadable(error.to_string()))
}

fn certificates(pem: &str) -> Result<Response, Error> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let read = read.map_err(|error| Error::Failed(Box::new(error)))?;
    let kind = "application/pkcs7-mime; smime-type=certs-only";
    let headers = [
        ("content-type", kind),
        ("content-transfer-encoding", "base64"),
    ];
    Ok((headers, est::certificates_only(&read)).into_response())
}

/// What stands in `Authorization: Basic`.
fn code(headers: &HeaderMap) -> Option<Code> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, given) = given.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || given.len() > CREDENTIALS_BYTES_MAX {
        return None;
    }
    let given = Zeroizing::new(BASE64.decode(given.trim().as_bytes()).ok()?);
    let (_, password) = std::str::from_utf8(&given).ok()?.split_once(':')?;
    password.parse().ok()
}

/// RFC 7030 §3.2.3: who is not known is told how to prove himself.
fn not_authorised(error: Error) -> Response {
    let mut response = error.into_response();
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    let how = HeaderValue::from_static("Basic realm=\"xunke\", charset=\"UTF-8\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, how);
    response
}
