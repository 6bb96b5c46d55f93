//! Screen: 登录防护, who has to wait after wrong sign-ins (X2).

use std::net::IpAddr;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use xunke_policy::patrol::FieldError;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Json as Body;
use crate::access::lockout::Whom;
use crate::access::release::Waiting;

/// Who has tried wrongly.
#[derive(Debug, Serialize, ToSchema)]
pub struct Lockouts {
    /// Wrong tries of one account from one network before it waits.
    pub failures_max: u32,
    /// How long it waits.
    pub locked_minutes: u32,
    /// Those who wait first; 500 at most.
    pub waiting: Vec<LockoutLine>,
}

/// An address, an account, or both.
#[derive(Debug, Serialize, ToSchema)]
pub struct LockoutLine {
    /// `pair`: an account from one address; `strangers`: an account from addresses its owner never
    /// came from; `network`: an address, whatever the account.
    pub kind: &'static str,
    /// The address, or the network it stands for.
    pub address: Option<String>,
    /// The account, when there is one of that name.
    pub staff_number: Option<String>,
    /// Its owner.
    pub name: Option<String>,
    /// Tries, the rejected ones too.
    pub tries: u32,
    /// The first of them.
    pub since: i64,
    /// Since when it has to wait, if it does.
    pub locked_since: Option<i64>,
    /// When it is forgotten.
    pub until: i64,
}

/// Whom to let go before the time, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReleaseForm {
    /// An address, with every account tried from there.
    pub address: Option<String>,
    /// Or an account, for strangers' addresses.
    pub staff_number: Option<String>,
    /// 2 to 500 characters.
    pub reason: String,
}

/// Who has to wait after wrong sign-ins.
///
/// # Errors
/// 403 for whoever does not manage accounts.
#[utoipa::path(get, path = "/api/lockouts", tag = "people", responses(
    (status = 200, body = Lockouts), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Lockouts>, Error> {
    let waiting = app.releases.waiting(caller.now_ms).await?;
    let rules = &app.config.session;
    Ok(Json(Lockouts {
        failures_max: rules.failures_max,
        locked_minutes: rules.locked_minutes,
        waiting: waiting.into_iter().map(shown).collect(),
    }))
}

/// Lets an address or an account go before the time; a line with the reason.
///
/// # Errors
/// 403 for whoever does not manage accounts, 409 when it does not wait, 422 naming the field.
#[utoipa::path(post, path = "/api/lockouts/release", tag = "people", request_body = ReleaseForm,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn release(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<ReleaseForm>,
) -> Result<StatusCode, Error> {
    let (by, why) = (caller.by(), &form.reason);
    match (&form.address, &form.staff_number) {
        (Some(address), None) => {
            let address: IpAddr = address.parse().map_err(|_| Error::Field(NO_ADDRESS))?;
            app.releases.release(by, address, why).await?;
        }
        (None, Some(number)) => app.releases.release_account(by, number, why).await?,
        _ => return Err(Error::Field(NO_ADDRESS)),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn shown(waiting: Waiting) -> LockoutLine {
    let held = waiting.held;
    let (staff_number, name) = waiting.account.unzip();
    LockoutLine {
        kind: match held.whom {
            Whom::Pair(..) => "pair",
            Whom::Strangers(_) => "strangers",
            Whom::Network(_) => "network",
        },
        address: held.whom.network().map(|address| address.to_string()),
        staff_number,
        name,
        tries: held.tries,
        since: held.since_ms,
        locked_since: held.locked_ms,
        until: held.until_ms,
    }
}

const NO_ADDRESS: FieldError = FieldError {
    field: "address",
    zh: "请指明一个地址或一个工号。",
    en: "Name one address or one staff number.",
};
