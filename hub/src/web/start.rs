//! Screen: starting with a one-time code, and issuing one (X1, X3, X5).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use xunke_policy::level::Role;
use zeroize::Zeroizing;

use super::App;
use super::enrolment::Enrolment;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::listen::Peer;
use crate::access::start::{Administrator, Beginning, Chosen, POSTS, Whose};
use crate::access::start_code::Issued;
use crate::clock;

/// A start code.
#[derive(Deserialize, ToSchema)]
pub struct StartForm {
    /// 启用码, as typed.
    pub code: String,
}

/// What somebody with a start code sets up.
#[derive(Debug, Serialize, ToSchema)]
pub struct Start {
    /// Whose account it is; `null` at the first start.
    pub person: Option<StartPerson>,
    /// At the first start: the three posts.
    pub posts: Vec<StartPost>,
    /// The second factor to be put into an authenticator.
    pub enrolment: Enrolment,
    /// Until when the code is good.
    pub until: i64,
    /// Fewest characters of a password.
    pub password_characters_min: usize,
}

/// Whose account it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartPerson {
    /// Name.
    pub name: String,
    /// 工号.
    pub staff_number: String,
}

/// One of the three posts of administrators.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StartPost {
    /// Such as `technician`.
    pub role: &'static str,
    /// Whether somebody has it.
    pub filled: bool,
}

/// What somebody chose.
#[derive(Deserialize, ToSchema)]
pub struct StartAccount {
    /// 启用码, as typed.
    pub code: String,
    /// 新密码.
    pub password: String,
    /// A code of the authenticator.
    pub totp: String,
    /// At the first start: the post.
    pub post: Option<String>,
    /// At the first start: 工号.
    pub staff_number: Option<String>,
    /// At the first start: 姓名.
    pub name: Option<String>,
}

/// Recovery codes, shown this once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// Ten codes, each good once in place of the authenticator's.
    pub codes: Vec<String>,
}

/// What came of asking for a start code.
#[derive(Serialize, ToSchema)]
pub struct StartCode {
    /// The code, shown this once; `null` while another officer must ask for the same.
    pub code: Option<String>,
    /// The role of that officer.
    pub with: Option<&'static str>,
    /// Until when it is good, or waits.
    pub until: i64,
}

impl From<Vec<Zeroizing<String>>> for RecoveryCodes {
    fn from(codes: Vec<Zeroizing<String>>) -> Self {
        Self {
            codes: codes.iter().map(|code| code.to_string()).collect(),
        }
    }
}

/// Looks a start code up.
///
/// # Errors
/// 422 when it is unknown, used or expired; 429 after too many tries.
#[utoipa::path(post, path = "/api/start", tag = "account", request_body = StartForm, responses(
    (status = 200, body = Start), (status = 422, body = ErrorBody),
    (status = 429, body = ErrorBody)))]
pub async fn begin(
    State(app): State<App>,
    peer: Peer,
    Body(form): Body<StartForm>,
) -> Result<Json<Start>, Error> {
    let (address, now_ms) = (peer.address.ip(), clock::now_ms());
    let begun = app.starts.begin(&form.code, address, now_ms).await;
    let begun = begun.map_err(Error::of_start)?;
    Ok(Json(shown(&app, &begun)?))
}

fn shown(app: &App, begun: &Beginning) -> Result<Start, Error> {
    let (person, posts, account) = match &begun.whose {
        Whose::Person(person) => {
            let named = StartPerson {
                name: person.name.clone(),
                staff_number: person.staff_number.clone(),
            };
            (Some(named), Vec::new(), person.staff_number.as_str())
        }
        Whose::First(filled) => {
            let post = |role: Role| StartPost {
                role: role.name(),
                filled: filled.contains(&role),
            };
            (None, POSTS.map(post).to_vec(), "administrator")
        }
    };
    Ok(Start {
        person,
        posts,
        enrolment: Enrolment::new(&begun.factor, account)?,
        until: begun.until_ms,
        password_characters_min: app.accounts.rules().characters_min,
    })
}

/// Sets up password and second factor with a start code.
///
/// # Errors
/// 403 with the rule a password breaks, 422 for a field or a code that is not good.
#[utoipa::path(post, path = "/api/start/account", tag = "account", request_body = StartAccount,
    responses((status = 201, body = RecoveryCodes), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn finish(
    State(app): State<App>,
    peer: Peer,
    Body(form): Body<StartAccount>,
) -> Result<Response, Error> {
    let (address, now_ms) = (peer.address.ip(), clock::now_ms());
    let post = form.post.as_deref().and_then(Role::named);
    let chosen = Chosen {
        code: form.code,
        password: Zeroizing::new(form.password),
        totp: form.totp,
        administrator: post.map(|post| Administrator {
            post,
            staff_number: form.staff_number.unwrap_or_default(),
            name: form.name.unwrap_or_default(),
        }),
    };
    let codes = app.starts.finish(chosen, address, now_ms).await;
    let codes = RecoveryCodes::from(codes.map_err(Error::of_start)?);
    Ok((StatusCode::CREATED, Json(codes)).into_response())
}

/// Issues a start code: the first activation of an account, or its reset, which takes effect at
/// once.
///
/// # Errors
/// 403 with the article, 404 when there is no such person.
#[utoipa::path(post, path = "/api/people/{id}/start-code", tag = "account",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = StartCode),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn issue(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<StartCode>, Error> {
    Ok(Json(match app.start_codes.issue(caller.by(), id).await? {
        Issued::Code { code, until_ms } => StartCode {
            code: Some(code.to_string()),
            with: None,
            until: until_ms,
        },
        Issued::Waiting { with, until_ms } => StartCode {
            code: None,
            with: Some(with.name()),
            until: until_ms,
        },
    }))
}
