//! Screen: 销毁证明, what was destroyed by which rule, signed by the hub (K11).

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::error::{Error, ErrorBody};
use super::input::Id;
use super::sanctions::SignedExport;
use crate::access::audit::signed::public_text;
use crate::campus::calendar::date_text;
use crate::campus::id;
use crate::recording::retention;
use crate::store::destruction::{self as rows, DestructionRow};

/// Certificates, the latest first, 400 at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct DestructionList {
    /// One line each.
    pub destructions: Vec<Destruction>,
}

/// A certificate.
#[derive(Debug, Serialize, ToSchema)]
pub struct Destruction {
    /// Id.
    pub id: Uuid,
    /// Such as `XH-00001`.
    pub number: String,
    /// The day of the recordings, such as `2026-11-22`.
    pub date: String,
    /// Whether the key of that day died with them.
    pub with_key: bool,
    /// When it was done.
    pub done_at: Option<i64>,
    /// What is signed, a fact a line.
    pub text: String,
}

/// Certificates of destruction.
///
/// # Errors
/// 403 for whoever reads neither the ledger nor the trail.
#[utoipa::path(get, path = "/api/destructions", tag = "retention", responses(
    (status = 200, body = DestructionList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<DestructionList>, Error> {
    let rows = rows::certificates(&app.db).await?.into_iter();
    Ok(Json(DestructionList {
        destructions: rows.map(shown).collect::<Result<_, _>>()?,
    }))
}

/// A certificate as a file that the hub has signed, for `xunke-hub keys verify`.
///
/// # Errors
/// 403 for whoever reads neither the ledger nor the trail, 404 when there is none.
#[utoipa::path(get, path = "/api/destructions/{id}", tag = "retention",
    params(("id" = Uuid, Path)), responses((status = 200, body = SignedExport),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn one(State(app): State<App>, Id(id): Id) -> Result<Json<SignedExport>, Error> {
    let row = rows::certificate(&app.db, &id.to_string()).await?;
    let row = row.ok_or(Error::NotFound)?;
    let export = retention::signed(&row, &public_text(&app.days.public()));
    Ok(Json(export.ok_or(Error::NotFound)?.into()))
}

fn shown(row: DestructionRow) -> Result<Destruction, Error> {
    Ok(Destruction {
        id: id("a certificate", &row.id)?,
        number: row.number,
        date: date_text(row.day),
        with_key: !row.public_sha256.is_empty(),
        done_at: row.done_ms,
        text: row.text.unwrap_or(row.facts),
    })
}
