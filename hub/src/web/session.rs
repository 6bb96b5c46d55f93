//! Screen: who is signed in.

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use xunke_policy::access;
use xunke_policy::level::Reach;
use xunke_policy::password::{self, Age};
use zeroize::Zeroizing;

use super::App;
use super::agreement::AgreementStanding;
use super::error::{Error, ErrorBody};
use super::guard::{COOKIE, Caller};
use super::input::Json;
use super::listen::Peer;
use super::names::{PersonName, UnitName};
use crate::access::audit::Entry;
use crate::access::session::Session;
use crate::access::sign_in::Typed;
use crate::clock;

/// Longest login that is looked at.
const LOGIN_BYTES_MAX: usize = 64;

/// What somebody types to sign in.
#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    /// 工号.
    pub login: String,
    /// 密码.
    pub password: String,
    /// 动态验证码, six digits.
    pub totp: String,
}

/// A sign-in link of the demonstration.
#[derive(Deserialize, ToSchema)]
pub struct SignInLink {
    /// What stands after `#` in the link.
    pub token: String,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The person.
    pub person: PersonName,
    /// What the person is, such as `school_supervisor`.
    pub roles: Vec<String>,
    /// The person's teaching unit.
    pub unit: Option<UnitName>,
    /// The confidentiality agreement.
    pub agreement: AgreementStanding,
    /// Whether the person takes part and so must have signed (R34).
    pub must_sign: bool,
    /// The password: once it has expired, only changing it is left.
    pub password: MePassword,
    /// Whether a permission to watch was opened, whatever else the decision asks for.
    pub watches: bool,
    /// To be sent as `X-CSRF-Token` with every unsafe request.
    pub csrf_token: String,
    /// Whether this is the demonstration.
    pub demo: bool,
    /// The school's name.
    pub college: String,
}

/// Where the password stands between two changes (R30).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PasswordAge)]
pub struct MePassword {
    /// `fresh`, `warning` or `expired`.
    pub state: &'static str,
    /// Whole days left, when they are few.
    pub days_left: Option<u32>,
    /// Fewest characters of a new one.
    pub characters_min: usize,
}

impl MePassword {
    pub(super) fn new(app: &App, changed_ms: i64, now_ms: i64) -> Self {
        let (state, days_left) = match password::age(changed_ms, app.accounts.rules(), now_ms) {
            Age::Fresh => ("fresh", None),
            Age::Warning { days_left } => ("warning", Some(days_left)),
            Age::Expired => ("expired", None),
        };
        Self {
            state,
            days_left,
            characters_min: app.accounts.rules().characters_min,
        }
    }
}

impl Me {
    pub(super) fn new(app: &App, session: &Session, now_ms: i64) -> Self {
        let person = &session.person;
        Self {
            person: PersonName {
                id: person.id,
                name: person.name.clone(),
                staff_number: person.staff_number.clone(),
            },
            roles: person
                .roles
                .iter()
                .map(|role| role.name().to_owned())
                .collect(),
            unit: person.unit.as_ref().map(UnitName::from),
            agreement: AgreementStanding::new(person.agreement, now_ms),
            must_sign: access::takes_part(&person.roles, person.grant),
            password: MePassword::new(app, person.password_changed_ms, now_ms),
            watches: person.grant.is_some_and(|grant| {
                let mut levels = app.grants.levels().iter();
                let opened = levels.find(|level| level.number == grant.level);
                opened.is_some_and(|level| level.reach != Reach::NoContent)
            }),
            csrf_token: session.csrf_token.clone(),
            demo: app.config.demo.enabled,
            college: app.college().to_owned(),
        }
    }
}

/// Signs in with login, password and one-time code.
///
/// # Errors
/// 401 when they do not fit, 403 when the person may not, 429 after too many tries.
#[utoipa::path(post, path = "/api/session", tag = "session", request_body = SignIn, responses(
    (status = 200, body = Me), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    (status = 429, body = ErrorBody)))]
pub async fn sign_in(
    State(app): State<App>,
    peer: Peer,
    Json(body): Json<SignIn>,
) -> Result<Response, Error> {
    if body.login.len() > LOGIN_BYTES_MAX || body.password.len() > password::BYTES_MAX {
        return Err(Error::WrongSignIn);
    }
    let typed = Typed {
        login: body.login.trim().to_owned(),
        password: Zeroizing::new(body.password),
        code: body.totp,
    };
    let now_ms = clock::now_ms();
    let token = app.desk.sign_in(typed, peer.address.ip(), now_ms).await?;
    signed_in(&app, &token, now_ms).await
}

/// Signs in by a link of the demonstration: loopback only, good once.
///
/// # Errors
/// 401 for anything else.
#[utoipa::path(post, path = "/api/session/link", tag = "session", request_body = SignInLink,
    responses((status = 200, body = Me), (status = 401, body = ErrorBody)))]
pub async fn sign_in_by_link(
    State(app): State<App>,
    peer: Peer,
    Json(body): Json<SignInLink>,
) -> Result<Response, Error> {
    let now_ms = clock::now_ms();
    let token = app
        .desk
        .sign_in_by_link(&body.token, peer.address.ip(), now_ms)
        .await?;
    signed_in(&app, &token, now_ms).await
}

pub(super) async fn signed_in(app: &App, token: &str, now_ms: i64) -> Result<Response, Error> {
    let (cookie, me) = begun(app, token, now_ms).await?;
    Ok(([cookie], axum::Json(me)).into_response())
}

/// The cookie of a session that has just begun, and whose it is.
pub(super) async fn begun(
    app: &App,
    token: &str,
    now_ms: i64,
) -> Result<((header::HeaderName, HeaderValue), Me), Error> {
    let session = app.sessions.find(token, now_ms).await?;
    let me = Me::new(app, &session.ok_or(Error::SignedOut)?, now_ms);
    Ok((cookie(token, ""), me))
}

/// For this host alone, over TLS alone, out of the reach of scripts and other sites.
fn cookie(token: &str, more: &str) -> (header::HeaderName, HeaderValue) {
    let text = format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict{more}");
    let text = HeaderValue::from_str(&text).expect("invariant: a plain header");
    (header::SET_COOKIE, text)
}

/// Who is signed in.
///
/// # Errors
/// 401 when nobody is.
#[utoipa::path(get, path = "/api/me", tag = "session", responses(
    (status = 200, body = Me), (status = 401, body = ErrorBody)))]
pub async fn me(State(app): State<App>, caller: Caller) -> axum::Json<Me> {
    axum::Json(Me::new(&app, &caller.session, caller.now_ms))
}

/// Signs out.
///
/// # Errors
/// When the store fails; the session then lasts until it times out.
#[utoipa::path(delete, path = "/api/session", tag = "session", responses(
    (status = 204), (status = 401, body = ErrorBody)))]
pub async fn sign_out(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    app.sessions.end(&caller.session, caller.now_ms).await?;
    let entry = Entry::done(caller.session.person.who(caller.address), "sign_out");
    app.trail.append(entry, caller.now_ms).await?;
    Ok((StatusCode::NO_CONTENT, [cookie("", "; Max-Age=0")]).into_response())
}
