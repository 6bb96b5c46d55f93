//! Screen: the ledger of permissions, and taking one back (R23, R26).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::applications::ReasonForm;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::PersonName;
use crate::campus::id;
use crate::store::grant::LedgerRow;

/// 权限台账.
#[derive(Debug, Serialize, ToSchema)]
pub struct Ledger {
    /// By staff number, the newest of a person first; 500 at most.
    pub grants: Vec<GrantLine>,
}

/// Who holds what, since when, by which application.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantLine {
    /// Id.
    pub id: Uuid,
    /// Who.
    pub person: PersonName,
    /// Whether the agreement is in force: nothing is seen before.
    pub signed: bool,
    /// The number of the level.
    pub level: i64,
    /// The name of the unit, where the level reaches one unit only.
    pub unit: Option<String>,
    /// Whether classes with minors are included.
    pub minors: bool,
    /// Such as `SQ-00001`.
    pub application: String,
    /// The name of who opened it.
    pub opener: String,
    /// In force from.
    pub from: i64,
    /// In force until.
    pub until: Option<i64>,
    /// `future`, `in_force`, `expired` or `revoked`.
    pub state: &'static str,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
    /// By whom.
    pub revoker: Option<String>,
    /// Why.
    pub revoked_why: Option<String>,
}

/// The ledger.
///
/// # Errors
/// 403 for whoever does not read it.
#[utoipa::path(get, path = "/api/grants", tag = "grants", responses(
    (status = 200, body = Ledger), (status = 403, body = ErrorBody)))]
pub async fn ledger(State(app): State<App>, caller: Caller) -> Result<Json<Ledger>, Error> {
    let rows = app.grants.ledger().await?;
    let in_force = app.grants.in_force(caller.now_ms).await?;
    let lines = rows.into_iter().map(|row| {
        let signed = in_force(&row.signature_version, row.signature_ms);
        line(row, signed, caller.now_ms)
    });
    Ok(Json(Ledger {
        grants: lines.collect::<Result<_, Error>>()?,
    }))
}

/// Takes a permission back, at once.
///
/// # Errors
/// 403 with the article, 404 when there is none, 422 without a reason.
#[utoipa::path(post, path = "/api/grants/{id}/revocation", tag = "grants",
    params(("id" = Uuid, Path)), request_body = ReasonForm,
    responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    app.grants.revoke(caller.by(), id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn line(row: LedgerRow, signed: bool, now_ms: i64) -> Result<GrantLine, Error> {
    let over = row.until_ms.is_some_and(|until_ms| until_ms <= now_ms);
    let state = match (row.revoked_ms, over) {
        (Some(_), _) => "revoked",
        (None, true) => "expired",
        (None, false) if now_ms < row.from_ms => "future",
        (None, false) => "in_force",
    };
    Ok(GrantLine {
        id: id("a grant", &row.id)?,
        person: PersonName {
            id: id("a person", &row.person_id)?,
            name: row.person,
            staff_number: row.staff_number,
        },
        signed,
        level: row.level,
        unit: row.unit,
        minors: row.minors > 0,
        application: row.application,
        opener: row.opener,
        from: row.from_ms,
        until: row.until_ms,
        state,
        revoked_at: row.revoked_ms,
        revoker: row.revoker,
        revoked_why: row.revoked_why,
    })
}
