//! Screen: applications for permissions, filed and decided (R17, R18).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::application;
use xunke_policy::level::{Reach, UnitId};

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::{PersonName, UnitName};
use crate::access::grant::{self, By, Wish};
use crate::campus::id;
use crate::store::grant::{CandidateRow, ListedRow};

/// Applications.
#[derive(Debug, Serialize, ToSchema)]
pub struct Applications {
    /// Those that wait first, then newest first; 500 at most.
    pub applications: Vec<GrantApplication>,
}

/// 权限申请.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantApplication {
    /// Id.
    pub id: Uuid,
    /// Such as `SQ-00001`.
    pub number: String,
    /// The name of who filed it.
    pub applicant: String,
    /// For whom.
    pub beneficiary: PersonName,
    /// Whether the agreement is in force: what is opened gives no sight before.
    pub signed: bool,
    /// The number of the level.
    pub level: i64,
    /// The name of the unit, where the level reaches one unit only.
    pub unit: Option<String>,
    /// Why.
    pub reason: String,
    /// Why classes with minors are asked for too; none where they are not.
    pub minors_reason: Option<String>,
    /// From.
    pub from: i64,
    /// Until (exclusive).
    pub until: i64,
    /// When it was filed.
    pub filed_at: i64,
    /// `filed`, `opened`, `refused`, `revoked` or `expired`.
    pub state: &'static str,
    /// When it was decided.
    pub decided_at: Option<i64>,
    /// Who decided.
    pub decider: Option<String>,
    /// Why it was refused.
    pub answer: Option<String>,
}

/// What an empty form needs.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplicationHeader {
    /// For whom an application may be filed.
    pub people: Vec<Candidate>,
    /// The levels that see content or maintain.
    pub levels: Vec<LevelName>,
    /// The end of the term: until when a permission lasts if nothing else is asked for.
    pub until: Option<i64>,
}

/// Somebody for whom an application may be filed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Candidate {
    /// Who.
    pub person: PersonName,
    /// Their teaching unit.
    pub unit: Option<UnitName>,
}

/// A level of the school.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelName {
    /// 1 and up.
    pub number: u8,
    /// Such as `一级权限`.
    pub name: String,
    /// For whom it is, such as `校级教学督导`.
    pub holder: String,
    /// Whether it reaches one unit only.
    pub one_unit: bool,
}

/// An application to be filed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ApplicationForm {
    /// For whom.
    pub person: Uuid,
    /// The number of the level.
    pub level: u8,
    /// The unit, where the level reaches one unit only.
    pub unit: Option<Uuid>,
    /// 2 to 500 characters.
    pub reason: String,
    /// 2 to 500 characters: why classes with minors are needed too; left out where they are not.
    pub minors_reason: Option<String>,
    /// From.
    pub from: i64,
    /// Until (exclusive); the end of the term when left out.
    pub until: Option<i64>,
}

/// What was filed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiledApplication {
    /// Id.
    pub id: Uuid,
    /// Such as `SQ-00001`.
    pub number: String,
}

/// Why something is refused or taken back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReasonForm {
    /// 2 to 500 characters.
    pub reason: String,
}

impl Caller {
    /// As who takes a step with a permission.
    pub(super) fn by(&self) -> By<'_> {
        By {
            session: &self.session,
            origin: self.address,
            now_ms: self.now_ms,
        }
    }
}

/// Applications, those that wait first.
///
/// # Errors
/// 403 for whoever does not read the ledger.
#[utoipa::path(get, path = "/api/applications", tag = "grants", responses(
    (status = 200, body = Applications), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Applications>, Error> {
    let rows = app.grants.applications().await?;
    let in_force = app.grants.in_force(caller.now_ms).await?;
    let shown = rows.into_iter().map(|row| {
        let signed = in_force(&row.signature_version, row.signature_ms);
        shown(row, signed, caller.now_ms)
    });
    Ok(Json(Applications {
        applications: shown.collect::<Result<_, Error>>()?,
    }))
}

/// What an empty form needs.
///
/// # Errors
/// 403 for whoever does not file applications.
#[utoipa::path(get, path = "/api/applications/new", tag = "grants", responses(
    (status = 200, body = ApplicationHeader), (status = 403, body = ErrorBody)))]
pub async fn new(State(app): State<App>, caller: Caller) -> Result<Json<ApplicationHeader>, Error> {
    let caller_id = caller.session.person.id;
    let people = app.grants.candidates(caller_id, caller.now_ms).await?;
    let levels = app.grants.levels().iter().map(|level| LevelName {
        number: level.number,
        name: level.name.clone(),
        holder: level.holder.clone(),
        one_unit: level.reach == Reach::OwnUnit,
    });
    Ok(Json(ApplicationHeader {
        people: people
            .into_iter()
            .map(candidate)
            .collect::<Result<_, Error>>()?,
        levels: levels.collect(),
        until: app.grants.term_end_ms(caller.now_ms).await?,
    }))
}

/// Files an application.
///
/// # Errors
/// 403 with the article, 404 for nobody, 422 naming the field.
#[utoipa::path(post, path = "/api/applications", tag = "grants", request_body = ApplicationForm,
    responses((status = 201, body = FiledApplication), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<ApplicationForm>,
) -> Result<(StatusCode, Json<FiledApplication>), Error> {
    let wish = Wish {
        beneficiary: form.person,
        level: form.level,
        unit: form.unit.map(UnitId),
        reason: form.reason,
        minors: form.minors_reason,
        from_ms: form.from,
        until_ms: form.until,
    };
    let (id, number) = app.grants.file(caller.by(), wish).await?;
    Ok((StatusCode::CREATED, Json(FiledApplication { id, number })))
}

/// Opens exactly what an application asks for.
///
/// # Errors
/// 403 with the article, 404 when there is none.
#[utoipa::path(post, path = "/api/applications/{id}/opening", tag = "grants",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn open(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    app.grants.open(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers an application with no.
///
/// # Errors
/// 403 with the article, 404 when there is none, 422 without a reason.
#[utoipa::path(post, path = "/api/applications/{id}/refusal", tag = "grants",
    params(("id" = Uuid, Path)), request_body = ReasonForm,
    responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn refuse(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    app.grants.refuse(caller.by(), id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(row: ListedRow, signed: bool, now_ms: i64) -> Result<GrantApplication, Error> {
    let state = state_name(grant::state(&row, now_ms)?);
    let application = row.application;
    Ok(GrantApplication {
        id: id("an application", &application.id)?,
        number: application.number,
        applicant: row.applicant,
        beneficiary: PersonName {
            id: id("a person", &application.beneficiary_id)?,
            name: row.beneficiary,
            staff_number: row.staff_number,
        },
        signed,
        level: application.level,
        unit: row.unit,
        reason: application.reason,
        minors_reason: (application.minors > 0).then_some(application.minors_reason),
        from: application.from_ms,
        until: application.until_ms,
        filed_at: application.filed_ms,
        state,
        decided_at: row.decided_ms,
        decider: row.decider,
        answer: row.answer,
    })
}

fn state_name(state: application::State) -> &'static str {
    use application::State;
    match state {
        State::Draft => "draft",
        State::Filed => "filed",
        State::Opened => "opened",
        State::Refused => "refused",
        State::Suspended => "suspended",
        State::Revoked => "revoked",
        State::Expired => "expired",
    }
}

fn candidate(row: CandidateRow) -> Result<Candidate, Error> {
    let unit = match (row.unit_id, row.unit) {
        (Some(unit), Some(name)) => Some(UnitName {
            id: id("a unit", &unit)?,
            name,
        }),
        _ => None,
    };
    Ok(Candidate {
        person: PersonName {
            id: id("a person", &row.id)?,
            name: row.name,
            staff_number: row.staff_number,
        },
        unit,
    })
}
