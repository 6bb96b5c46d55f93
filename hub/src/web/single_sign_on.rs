//! Screen: signing in by the school's issuer, there and back.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard;
use super::input::Json;
use super::listen::Peer;
use super::session::{self, Me};
use crate::access::single_sign_on::{Arrival, Arrived, LASTS_MS};
use crate::clock;

/// Names what is under way in this browser. `SameSite=Strict` suffices: what the issuer sends back
/// lands on a page of ours, and the page's own request carries it.
const COOKIE: &str = "__Host-xunke-sso";
/// Longest code and state that are looked at.
const TEXT_BYTES_MAX: usize = 4096;

/// The button, if there is one.
#[derive(Serialize, ToSchema)]
pub struct SingleSignOn {
    /// What it says; `null` when the school has no issuer.
    pub label: Option<Label>,
}

/// Words in both languages.
#[derive(Serialize, ToSchema)]
#[schema(as = SingleSignOnLabel)]
pub struct Label {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Where the browser goes.
#[derive(Serialize, ToSchema)]
#[schema(as = SingleSignOnDeparture)]
pub struct Departure {
    /// At the issuer.
    pub address: String,
}

/// What the issuer gave the browser to bring back.
#[derive(Deserialize, ToSchema)]
#[schema(as = SingleSignOnReturn)]
pub struct Return {
    /// `state`.
    pub state: String,
    /// `code`; missing when the issuer let nobody in.
    pub code: Option<String>,
    /// `iss`, if the issuer names itself.
    pub iss: Option<String>,
}

/// How far somebody came.
#[derive(Serialize, ToSchema)]
#[schema(as = SingleSignOnArrival)]
pub struct Came {
    /// Who is signed in; `null`: the hub's own second factor is asked for.
    pub me: Option<Me>,
}

/// The hub's own second factor.
#[derive(Deserialize, ToSchema)]
#[schema(as = SingleSignOnCode)]
pub struct Code {
    /// 动态验证码.
    pub totp: String,
}

/// Whether there is a button, and what it says.
#[utoipa::path(get, path = "/api/session/single-sign-on", tag = "session",
    responses((status = 200, body = SingleSignOn)))]
pub async fn offer(State(app): State<App>) -> axum::Json<SingleSignOn> {
    let label = app.single_sign_on.label().map(|(zh, en)| Label {
        zh: zh.to_owned(),
        en: en.to_owned(),
    });
    axum::Json(SingleSignOn { label })
}

/// Sets out for the issuer.
///
/// # Errors
/// 404 without an issuer, 429 after too many, 503 when the issuer does not answer.
#[utoipa::path(post, path = "/api/session/single-sign-on", tag = "session", responses(
    (status = 200, body = Departure), (status = 404, body = ErrorBody),
    (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn depart(State(app): State<App>, peer: Peer) -> Result<Response, Error> {
    let now_ms = clock::now_ms();
    let departure = app.single_sign_on.depart(peer.address.ip(), now_ms).await?;
    let address = departure.address.into();
    let cookie = cookie(&departure.browser, LASTS_MS / 1000);
    Ok(([cookie], axum::Json(Departure { address })).into_response())
}

/// Comes back from the issuer.
///
/// # Errors
/// 403 for whoever has no account, 409 when this browser did not set out, 502 and 503 when the
/// issuer fails.
#[utoipa::path(post, path = "/api/session/single-sign-on/return", tag = "session",
    request_body = Return, responses((status = 200, body = Came), (status = 403, body = ErrorBody),
    (status = 409, body = ErrorBody), (status = 502, body = ErrorBody),
    (status = 503, body = ErrorBody)))]
pub async fn arrive(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    Json(body): Json<Return>,
) -> Result<Response, Error> {
    let now_ms = clock::now_ms();
    let short = |text: &String| text.len() <= TEXT_BYTES_MAX;
    let arrival = Arrival {
        state: Some(body.state).filter(short).unwrap_or_default(),
        code: body.code.filter(short).map(Zeroizing::new),
        issuer: body.iss,
    };
    let browser = guard::cookie(&headers, COOKIE).unwrap_or_default();
    let address = peer.address.ip();
    let arrived = app.single_sign_on.arrive(browser, arrival, address, now_ms);
    match arrived.await? {
        Arrived::SecondFactor => Ok(axum::Json(Came { me: None }).into_response()),
        Arrived::SignedIn(token) => {
            let (own, me) = session::begun(&app, &token, now_ms).await?;
            let came = axum::Json(Came { me: Some(me) });
            Ok((AppendHeaders([own, cookie("", 0)]), came).into_response())
        }
    }
}

/// Gives the hub's own second factor.
///
/// # Errors
/// 409 when nobody is waiting for one in this browser, 429 after too many.
#[utoipa::path(post, path = "/api/session/single-sign-on/code", tag = "session",
    request_body = Code, responses((status = 200, body = Me), (status = 401, body = ErrorBody),
    (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
    (status = 429, body = ErrorBody)))]
pub async fn give_code(
    State(app): State<App>,
    peer: Peer,
    headers: HeaderMap,
    Json(body): Json<Code>,
) -> Result<Response, Error> {
    let now_ms = clock::now_ms();
    let browser = guard::cookie(&headers, COOKIE).unwrap_or_default();
    let (code, address) = (Zeroizing::new(body.totp), peer.address.ip());
    let token = app
        .single_sign_on
        .second_factor(browser, &code, address, now_ms);
    let (own, me) = session::begun(&app, &token.await?, now_ms).await?;
    Ok((AppendHeaders([own, cookie("", 0)]), axum::Json(me)).into_response())
}

fn cookie(browser: &str, seconds: i64) -> (HeaderName, HeaderValue) {
    let text =
        format!("{COOKIE}={browser}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}");
    let text = HeaderValue::from_str(&text).expect("invariant: a plain header");
    (header::SET_COOKIE, text)
}
