//! Screen: passkeys, at sign-in and in the own account (X1).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::App;
use super::account::AgainForm;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::listen::Peer;
use super::session::{Me, signed_in};
use crate::access::passkey::{self, Made, Signed};
use crate::access::sign_in::{Answer, Question};
use crate::campus::id;
use crate::clock;

/// Login and password, before a passkey is asked for.
#[derive(Deserialize, ToSchema)]
pub struct PasskeySignIn {
    /// 工号.
    pub login: String,
    /// 密码.
    pub password: String,
}

/// What an authenticator is asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyQuestion {
    /// base64url.
    pub challenge: String,
    /// The name that keys are bound to.
    pub site: String,
    /// Keys that may answer, or that are there already, base64url.
    pub keys: Vec<String>,
}

/// An authenticator's answer at sign-in; bytes are base64url.
#[derive(Deserialize, ToSchema)]
pub struct PasskeyAnswer {
    /// Which key.
    pub credential_id: String,
    /// `clientDataJSON`.
    pub client_data: String,
    /// `authenticatorData`.
    pub authenticator_data: String,
    /// Over both.
    pub signature: String,
}

/// A passkey that an authenticator made; bytes are base64url.
#[derive(Deserialize, ToSchema)]
pub struct PasskeyForm {
    /// What its owner calls it.
    pub name: String,
    /// `clientDataJSON`.
    pub client_data: String,
    /// `authenticatorData`.
    pub authenticator_data: String,
    /// SubjectPublicKeyInfo.
    pub public_key: String,
    /// COSE: -7, -8 or -257.
    pub algorithm: i64,
}

/// The own passkeys.
#[derive(Debug, Serialize, ToSchema)]
pub struct Passkeys {
    /// The oldest first.
    pub passkeys: Vec<PasskeyLine>,
}

/// A passkey.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyLine {
    /// Id.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub made_at: i64,
    /// When it was last used.
    pub used_at: Option<i64>,
}

impl From<Question> for PasskeyQuestion {
    fn from(question: Question) -> Self {
        Self {
            challenge: question.challenge,
            site: question.site,
            keys: question.keys,
        }
    }
}

fn read(text: &str) -> Result<Vec<u8>, Error> {
    passkey::bytes(text).map_err(|error| Error::Unreadable(error.to_string()))
}

/// Asks for a passkey, once login and password fit.
///
/// # Errors
/// 401 when they do not, or there is no passkey; 429 after too many tries.
#[utoipa::path(post, path = "/api/session/passkey/question", tag = "session",
    request_body = PasskeySignIn, responses((status = 200, body = PasskeyQuestion),
        (status = 401, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn ask(
    State(app): State<App>,
    peer: Peer,
    Body(form): Body<PasskeySignIn>,
) -> Result<Json<PasskeyQuestion>, Error> {
    let (address, now_ms) = (peer.address.ip(), clock::now_ms());
    let password = Zeroizing::new(form.password);
    let asked = app
        .desk
        .ask_passkey((form.login.trim(), password), address, now_ms);
    Ok(Json(asked.await?.into()))
}

/// Signs in with the passkey's answer.
///
/// # Errors
/// 401 when it does not fit.
#[utoipa::path(post, path = "/api/session/passkey", tag = "session", request_body = PasskeyAnswer,
    responses((status = 200, body = Me), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody)))]
pub async fn sign_in(
    State(app): State<App>,
    peer: Peer,
    Body(form): Body<PasskeyAnswer>,
) -> Result<Response, Error> {
    let (address, now_ms) = (peer.address.ip(), clock::now_ms());
    let answer = Answer {
        signed: Signed {
            client_data: read(&form.client_data)?,
            authenticator_data: read(&form.authenticator_data)?,
            signature: read(&form.signature)?,
        },
        credential_id: form.credential_id,
    };
    let token = app.desk.sign_in_by_passkey(answer, address, now_ms).await?;
    signed_in(&app, &token, now_ms).await
}

/// The own passkeys.
///
/// # Errors
/// 401 when nobody is signed in.
#[utoipa::path(get, path = "/api/account/passkeys", tag = "account", responses(
    (status = 200, body = Passkeys), (status = 401, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Passkeys>, Error> {
    let rows = app.accounts.passkeys(caller.by()).await?.into_iter();
    let lines = rows.map(|row| {
        Ok(PasskeyLine {
            id: id("a passkey", &row.id)?,
            name: row.name,
            made_at: row.made_ms,
            used_at: row.used_ms,
        })
    });
    let passkeys = lines.collect::<Result<_, Error>>()?;
    Ok(Json(Passkeys { passkeys }))
}

/// Begins to add a passkey.
///
/// # Errors
/// 422 when password or code do not fit.
#[utoipa::path(post, path = "/api/account/passkeys/question", tag = "account",
    request_body = AgainForm, responses((status = 200, body = PasskeyQuestion),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn begin(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<AgainForm>,
) -> Result<Json<PasskeyQuestion>, Error> {
    let asked = app.accounts.begin_passkey(caller.by(), form.again());
    Ok(Json(asked.await?.into()))
}

/// Adds the passkey that an authenticator made.
///
/// # Errors
/// 422 when its word is not taken.
#[utoipa::path(post, path = "/api/account/passkeys", tag = "account", request_body = PasskeyForm,
    responses((status = 204), (status = 422, body = ErrorBody)))]
pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<PasskeyForm>,
) -> Result<StatusCode, Error> {
    let made = Made {
        client_data: read(&form.client_data)?,
        authenticator_data: read(&form.authenticator_data)?,
        public_key: read(&form.public_key)?,
        algorithm: form.algorithm,
    };
    app.accounts
        .end_passkey(caller.by(), &form.name, &made)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a passkey away, at once.
///
/// # Errors
/// 404 when the caller has none like that.
#[utoipa::path(delete, path = "/api/account/passkeys/{id}", tag = "account",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = ErrorBody)))]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.accounts.remove_passkey(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
