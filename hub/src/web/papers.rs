//! Screen: 申请附件, the papers that speak for applications (R17).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Query};
use crate::access::{document, paper};
use crate::campus::id;
use crate::store::paper::PaperRow;

/// Papers.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperList {
    /// The latest first, 2000 at most.
    pub papers: Vec<PaperLine>,
}

/// A paper of an application.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaperLine {
    /// Id.
    pub id: Uuid,
    /// Id of the application.
    pub application: Uuid,
    /// Its number, such as `SQ-00001`.
    pub number: String,
    /// As the file was called.
    pub name: String,
    /// `application/pdf`, `image/jpeg` or `image/png`.
    pub media_type: String,
    /// How long it is.
    pub bytes: i64,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Who added it.
    pub adder: String,
    /// When.
    pub stored_at: i64,
}

/// How the file is called.
#[derive(Debug, Deserialize)]
pub struct Named {
    name: String,
}

/// What was kept.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptPaper {
    /// Id.
    pub id: Uuid,
}

/// Papers of applications.
///
/// # Errors
/// 403 for whoever reads neither the ledger nor the trail.
#[utoipa::path(get, path = "/api/papers", tag = "grants", responses(
    (status = 200, body = PaperList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<PaperList>, Error> {
    let papers = app.papers.all().await?.into_iter().map(line);
    Ok(Json(PaperList {
        papers: papers.collect::<Result<_, Error>>()?,
    }))
}

/// Adds a paper to an application that waits: a whole PDF, JPEG or PNG of 8 MiB at most.
///
/// # Errors
/// 403 with the article, 404 when there is none, 413 when it is too large, 422 naming the field.
#[utoipa::path(post, path = "/api/applications/{id}/papers", tag = "grants",
    params(("id" = Uuid, Path), ("name" = String, Query)),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = KeptPaper), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 413, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Id(application): Id,
    Query(named): Query<Named>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<KeptPaper>), Error> {
    let bytes = body.map_err(|rejection| Error::of_body(&rejection, document::BYTES_MAX))?;
    let (by, name) = (caller.by(), &named.name);
    let id = app.papers.add(by, application, name, &bytes).await?;
    Ok((StatusCode::CREATED, Json(KeptPaper { id })))
}

/// A paper, behind the line that says who read it.
///
/// # Errors
/// 403 for whoever reads neither the ledger nor the trail, 404 when there is none.
#[utoipa::path(get, path = "/api/papers/{id}", tag = "grants", params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "application/pdf"), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn read(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Response, Error> {
    let handed = app.papers.read(caller.by(), id).await?;
    let disposition = format!("attachment; filename=\"{}\"", handed.file_name);
    let disposition = HeaderValue::from_str(&disposition).map_err(|_| Error::NotFound)?;
    let media_type = HeaderValue::from_str(&handed.media_type).map_err(|_| Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, handed.bytes).into_response())
}

fn line(row: PaperRow) -> Result<PaperLine, Error> {
    Ok(PaperLine {
        id: id("a paper", &row.id)?,
        application: id("an application", &row.application_id)?,
        number: row.number,
        name: row.name,
        media_type: row.media_type,
        bytes: row.bytes,
        sha256: row.sha256,
        adder: row.adder,
        stored_at: row.stored_ms,
    })
}

impl From<paper::Error> for Error {
    fn from(error: paper::Error) -> Self {
        match error {
            paper::Error::Grant(cause) => cause.into(),
            failed @ paper::Error::Secret(_) => Self::Failed(Box::new(failed)),
        }
    }
}
