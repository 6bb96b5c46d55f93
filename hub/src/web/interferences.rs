//! Screen: 负面清单, interference with patrols as two people have confirmed it (R105).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::applications::ReasonForm;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::PersonName;
use super::sanctions::SignedExport;
use crate::access::interference::{Draft, Listed};
use crate::campus::id;

/// What was noted.
#[derive(Debug, Serialize, ToSchema)]
pub struct InterferenceList {
    /// The latest first, 500 at most.
    pub interferences: Vec<Interference>,
}

/// An interference, with who has confirmed it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Interference {
    /// Id.
    pub id: Uuid,
    /// Such as `GR-00001`.
    pub number: String,
    /// About whom.
    pub teacher: PersonName,
    /// The room's name.
    pub room: Option<String>,
    /// From.
    pub from: Option<i64>,
    /// Until (exclusive).
    pub until: Option<i64>,
    /// What happened.
    pub what: String,
    /// Numbers of lines of the trail, separated by spaces.
    pub evidence: String,
    /// What the room's box told of that time.
    pub faults: Vec<String>,
    /// Who noted it.
    pub filer: String,
    /// When.
    pub filed_at: i64,
    /// Who has confirmed it.
    pub confirmed: Vec<Confirmation>,
    /// `noted`, `listed` or `withdrawn`.
    pub state: &'static str,
    /// Whether the reader has confirmed it.
    pub own: bool,
    /// Why it was withdrawn.
    pub withdrawn_why: Option<String>,
}

/// Somebody has confirmed it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Confirmation {
    /// Who.
    pub person: String,
    /// When.
    pub at: i64,
}

/// An interference to be noted.
#[derive(Debug, Deserialize, ToSchema)]
pub struct InterferenceForm {
    /// 工号 of the teacher.
    pub staff_number: String,
    /// The room.
    pub room: Uuid,
    /// From.
    pub from: i64,
    /// Until (exclusive), in the past.
    pub until: i64,
    /// 2 to 2000 characters.
    pub what: String,
    /// Numbers of lines of the trail; may be empty where the room's box told of trouble.
    pub evidence: Vec<i64>,
}

/// The number of what was noted.
#[derive(Debug, Serialize, ToSchema)]
pub struct InterferenceNumber {
    /// Such as `GR-00001`.
    pub number: String,
}

/// What was noted.
///
/// # Errors
/// 403 for whoever does not read the ledger.
#[utoipa::path(get, path = "/api/interferences", tag = "sanctions", responses(
    (status = 200, body = InterferenceList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<InterferenceList>, Error> {
    let reader = caller.session.person.id.to_string();
    let all = app.interferences.all().await?.into_iter();
    let all = all.map(|one| shown(one, &reader));
    Ok(Json(InterferenceList {
        interferences: all.collect::<Result<_, Error>>()?,
    }))
}

/// Notes an interference.
///
/// # Errors
/// 403 with the article, 422 naming the field.
#[utoipa::path(post, path = "/api/interferences", tag = "sanctions",
    request_body = InterferenceForm, responses((status = 201, body = InterferenceNumber),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<InterferenceForm>,
) -> Result<(StatusCode, Json<InterferenceNumber>), Error> {
    let draft = Draft {
        staff_number: form.staff_number,
        room: form.room,
        from_ms: form.from,
        until_ms: form.until,
        what: form.what,
        evidence: form.evidence,
    };
    let number = app.interferences.file(caller.by(), draft).await?;
    Ok((StatusCode::CREATED, Json(InterferenceNumber { number })))
}

/// Confirms an interference; two people list it.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it was said already.
#[utoipa::path(post, path = "/api/interferences/{id}/confirmation", tag = "sanctions",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn confirm(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.interferences.confirm(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Withdraws an interference.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it was withdrawn, 422 without a reason.
#[utoipa::path(post, path = "/api/interferences/{id}/withdrawal", tag = "sanctions",
    params(("id" = Uuid, Path)), request_body = ReasonForm, responses((status = 204),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    let (by, list) = (caller.by(), &app.interferences);
    list.withdraw(by, id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What two have confirmed, signed by the hub.
///
/// # Errors
/// 403 for whoever files no decisions.
#[utoipa::path(get, path = "/api/interferences/export", tag = "sanctions", responses(
    (status = 200, body = SignedExport), (status = 403, body = ErrorBody)))]
pub async fn export(State(app): State<App>, caller: Caller) -> Result<Json<SignedExport>, Error> {
    Ok(Json(app.interferences.export(caller.by()).await?.into()))
}

fn shown(one: Listed, reader: &str) -> Result<Interference, Error> {
    let row = one.row;
    let state = match (row.withdrawn_ms, one.listed) {
        (Some(_), _) => "withdrawn",
        (None, true) => "listed",
        (None, false) => "noted",
    };
    let own = one.confirmed.iter().any(|one| one.person_id == reader);
    let confirmed = one.confirmed.into_iter().map(|one| Confirmation {
        person: one.person,
        at: one.confirmed_ms,
    });
    Ok(Interference {
        id: id("an interference", &row.id)?,
        number: row.number,
        teacher: PersonName {
            id: id("a person", &row.teacher_id)?,
            name: row.teacher,
            staff_number: row.staff_number,
        },
        room: row.room,
        from: row.from_ms,
        until: row.until_ms,
        what: row.what,
        evidence: row.evidence,
        faults: row.faults.lines().map(str::to_owned).collect(),
        filer: row.filer,
        filed_at: row.filed_ms,
        confirmed: confirmed.collect(),
        state,
        own,
        withdrawn_why: row.withdrawn_why,
    })
}
