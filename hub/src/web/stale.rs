//! Screen: accounts that nobody uses, a part of the page of people (X4).

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::audit::XLSX;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::PersonName;
use crate::access::stale::{Export, Unused};
use crate::campus::{calendar, id};

/// Accounts that nobody uses.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaleReport {
    /// Days without a sign-in after which an account is here.
    pub days: u32,
    /// Days after which it is disabled by itself, if ever.
    pub disable_days: Option<u32>,
    /// The longest unused first.
    pub accounts: Vec<StaleAccount>,
}

/// One of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaleAccount {
    /// Whose.
    pub person: PersonName,
    /// The teaching unit.
    pub unit: Option<String>,
    /// What they are, such as `teacher`.
    pub roles: Vec<&'static str>,
    /// The last sign-in.
    pub last_sign_in: Option<i64>,
    /// Days without a use.
    pub unused_days: i64,
    /// Whether one of the three posts would be left without anybody: then it stays (X5).
    pub last_administrator: bool,
}

/// Why an account is disabled.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DisableForm {
    /// 2 to 500 characters.
    pub reason: String,
}

/// Accounts without a sign-in for long.
///
/// # Errors
/// 403 for whoever does not manage accounts.
#[utoipa::path(get, path = "/api/people/stale", tag = "people", responses(
    (status = 200, body = StaleReport), (status = 403, body = ErrorBody)))]
pub async fn report(State(app): State<App>, caller: Caller) -> Result<Json<StaleReport>, Error> {
    let unused = app.stale.report(caller.now_ms).await?;
    let accounts = unused.into_iter().map(shown);
    Ok(Json(StaleReport {
        days: app.stale.report_days,
        disable_days: app.stale.disable_days,
        accounts: accounts.collect::<Result<_, Error>>()?,
    }))
}

/// The same as a workbook; taking it is a line.
///
/// # Errors
/// 403 for whoever does not manage accounts.
#[utoipa::path(get, path = "/api/people/stale.xlsx", tag = "people", responses(
    (status = 200, content_type = XLSX, body = String), (status = 403, body = ErrorBody)))]
pub async fn workbook(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    let bytes = app.stale.workbook(caller.by()).await?;
    let date = calendar::date_text(calendar::day(caller.now_ms));
    let name = format!("attachment; filename=\"xunke-stale-accounts-{date}.xlsx\"");
    let headers = [
        (header::CONTENT_TYPE, XLSX.to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, bytes).into_response())
}

/// Disables an account of the report; its sessions end at once.
///
/// # Errors
/// 403 with the article, 409 when it was used meanwhile, 422 without a reason.
#[utoipa::path(post, path = "/api/people/{id}/disabling", tag = "people",
    params(("id" = Uuid, Path)), request_body = DisableForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn disable(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<DisableForm>,
) -> Result<StatusCode, Error> {
    app.stale.disable(caller.by(), id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(unused: Unused) -> Result<StaleAccount, Error> {
    Ok(StaleAccount {
        person: PersonName {
            id: id("a person", &unused.row.id)?,
            name: unused.row.name,
            staff_number: unused.row.staff_number,
        },
        unit: unused.row.unit,
        roles: unused.roles.iter().map(|role| role.name()).collect(),
        last_sign_in: unused.row.last_sign_in_ms,
        unused_days: unused.days,
        last_administrator: unused.is_last,
    })
}

impl From<Export> for Error {
    fn from(error: Export) -> Self {
        match error {
            Export::Report(cause) => cause.into(),
            failed @ Export::Workbook(_) => Self::Failed(Box::new(failed)),
        }
    }
}
