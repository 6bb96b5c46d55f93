//! Screen: the own account (R27–R30, R32, X1).

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::App;
use super::enrolment::Enrolment;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Json as Body;
use super::session::{Me, MePassword, signed_in};
use super::start::RecoveryCodes;
use crate::access::account::Again;
use crate::access::recovery;

/// The own account.
#[derive(Debug, Serialize, ToSchema)]
pub struct Account {
    /// Where the password stands.
    pub password: MePassword,
    /// When the password was set.
    pub password_changed_at: i64,
    /// Recovery codes that are left.
    pub recovery_codes_left: i64,
    /// Whether these are so few that new ones should be made.
    pub recovery_codes_few: bool,
    /// The last sign-ins, the newest first; failed ones too.
    pub sign_ins: Vec<SignInLine>,
}

/// A sign-in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInLine {
    /// When.
    pub at: i64,
    /// From where.
    pub address: String,
    /// `done`, `failed` or `refused`.
    pub outcome: String,
    /// By what: `password` (with the authenticator's code), `recovery_code`, …
    pub how: String,
}

/// Password and one-time code, typed once more.
#[derive(Deserialize, ToSchema)]
pub struct AgainForm {
    /// The password as it is.
    pub password: String,
    /// The authenticator's code, or a recovery code.
    pub code: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
pub struct PasswordForm {
    /// The password as it is.
    pub old: String,
    /// The new one.
    pub new: String,
    /// The authenticator's code, or a recovery code.
    pub code: String,
}

/// A code of the new authenticator.
#[derive(Deserialize, ToSchema)]
pub struct AuthenticatorForm {
    /// Six digits.
    pub code: String,
}

impl AgainForm {
    pub(super) fn again(self) -> Again {
        (Zeroizing::new(self.password), self.code)
    }
}

/// The own account.
///
/// # Errors
/// 401 when nobody is signed in.
#[utoipa::path(get, path = "/api/account", tag = "account", responses(
    (status = 200, body = Account), (status = 401, body = ErrorBody)))]
pub async fn account(State(app): State<App>, caller: Caller) -> Result<Json<Account>, Error> {
    let left = app.accounts.recovery_codes_left(caller.by()).await?;
    let lines = app.accounts.sign_ins(caller.by()).await?.into_iter();
    let changed_ms = caller.session.person.password_changed_ms;
    Ok(Json(Account {
        password: MePassword::new(&app, changed_ms, caller.now_ms),
        password_changed_at: changed_ms,
        recovery_codes_left: left,
        recovery_codes_few: left <= recovery::FEW,
        sign_ins: lines
            .map(|line| SignInLine {
                at: line.at_ms,
                address: line.address,
                outcome: line.outcome,
                how: line.detail,
            })
            .collect(),
    }))
}

/// Changes the own password; every other session ends, and this one begins anew.
///
/// # Errors
/// 403 with the rule the new one breaks, 422 when the old one or the code does not fit.
#[utoipa::path(post, path = "/api/account/password", tag = "account", request_body = PasswordForm,
    responses((status = 200, body = Me), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn change_password(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<PasswordForm>,
) -> Result<Response, Error> {
    let again = (Zeroizing::new(form.old), form.code);
    let new = Zeroizing::new(form.new);
    let token = app.accounts.change_password(caller.by(), again, new);
    signed_in(&app, &token.await?, caller.now_ms).await
}

/// Begins to change the authenticator; the old one stays good until the new one was confirmed.
///
/// # Errors
/// 422 when password or code do not fit.
#[utoipa::path(post, path = "/api/account/authenticator", tag = "account",
    request_body = AgainForm, responses((status = 200, body = Enrolment),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn begin_change(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<AgainForm>,
) -> Result<Json<Enrolment>, Error> {
    let factor = app.accounts.begin_authenticator(caller.by(), form.again());
    let staff_number = &caller.session.person.staff_number;
    Ok(Json(Enrolment::new(&factor.await?, staff_number)?))
}

/// Confirms the new authenticator with a code of it; the old one is void.
///
/// # Errors
/// 422 when the code does not fit or the change took too long.
#[utoipa::path(put, path = "/api/account/authenticator", tag = "account",
    request_body = AuthenticatorForm, responses((status = 200, body = Me),
        (status = 422, body = ErrorBody)))]
pub async fn end_change(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<AuthenticatorForm>,
) -> Result<Response, Error> {
    let token = app.accounts.end_authenticator(caller.by(), &form.code);
    signed_in(&app, &token.await?, caller.now_ms).await
}

/// Makes new recovery codes; all earlier ones are void.
///
/// # Errors
/// 422 when password or code do not fit.
#[utoipa::path(post, path = "/api/account/recovery-codes", tag = "account",
    request_body = AgainForm, responses((status = 200, body = RecoveryCodes),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn renew_codes(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<AgainForm>,
) -> Result<Json<RecoveryCodes>, Error> {
    let codes = app.accounts.renew_recovery_codes(caller.by(), form.again());
    Ok(Json(RecoveryCodes::from(codes.await?)))
}

#[cfg(test)]
mod tests;
