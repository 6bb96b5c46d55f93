//! Screen: the duty roster, the steps of the escalation, and silences (R66).

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::alert::duty::{self, Shift};
use xunke_policy::alert::silence::Matcher;
use xunke_policy::fault;
use xunke_policy::patrol::FieldError;

use super::App;
use super::alerts::{Alert, Alerts, Known};
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use crate::store::alert as rows;
use crate::store::health::placed;

/// Who is told first, and who next.
#[derive(Debug, Serialize, ToSchema)]
pub struct Duty {
    /// The steps, the first at once.
    pub steps: Vec<DutyStep>,
    /// Duties that are not over, by time.
    pub shifts: Vec<DutyShift>,
    /// Who may have one; all of them are told where the roster names nobody.
    pub people: Vec<Keeper>,
}

/// A step of the escalation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct DutyStep {
    /// The name of the duty, 1 to 30 characters.
    pub title: String,
    /// So many minutes after the first word; 0 for the first step.
    pub after_minutes: i64,
}

/// Somebody's duty.
#[derive(Debug, Serialize, ToSchema)]
pub struct DutyShift {
    /// Its id.
    pub id: String,
    /// Of which step, from 0.
    pub step: i64,
    /// Who.
    pub person: String,
    /// From.
    pub from: i64,
    /// Until.
    pub until: i64,
}

/// Somebody who keeps the rooms running.
#[derive(Debug, Serialize, ToSchema)]
pub struct Keeper {
    /// The person.
    pub id: String,
    /// Their name.
    pub name: String,
}

/// The steps.
#[derive(Debug, Deserialize, ToSchema)]
pub struct StepsForm {
    /// 1 to 5.
    pub steps: Vec<DutyStep>,
}

/// A duty.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ShiftForm {
    /// Of which step, from 0.
    pub step: usize,
    /// A system administrator in office.
    pub person: Uuid,
    /// From.
    pub from: i64,
    /// Until, at most 200 days later.
    pub until: i64,
}

/// The id of what was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Made {
    /// Its id.
    pub id: Uuid,
}

/// Silences that are not over.
#[derive(Debug, Serialize, ToSchema)]
pub struct Silences {
    /// By their end.
    pub silences: Vec<SilenceLine>,
    /// What a silence may name.
    pub faults: Vec<FaultName>,
    /// Where boxes stand, by building and name; a silence may name a room or its building.
    pub rooms: Vec<PlacedRoom>,
}

/// A fault of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultName {
    /// Stable name, such as `CAM_COVERED`.
    pub code: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// What it is called, in English.
    pub title_en: String,
    /// The code of its alert. Faults with the same are one alert; whoever silences one of them
    /// silences all.
    pub told_as: String,
}

/// A room with a box.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct PlacedRoom {
    /// The building's name.
    pub building: String,
    /// The room's name.
    pub name: String,
    /// The room's id.
    pub id: String,
}

/// A silence; what it does not name is any.
#[derive(Debug, Serialize, ToSchema)]
pub struct SilenceLine {
    /// Its id.
    pub id: String,
    /// Of the catalogue of faults.
    pub code: Option<String>,
    /// The building.
    pub building: Option<String>,
    /// The room's id.
    pub room: Option<String>,
    /// From.
    pub from: i64,
    /// Until.
    pub until: i64,
    /// Why.
    pub reason: String,
    /// Who.
    pub creator: String,
}

/// What is to be silenced; at least one of the three.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MatcherForm {
    /// Of the catalogue of faults.
    pub code: Option<String>,
    /// The building's name.
    pub building: Option<String>,
    /// The room's id.
    pub room: Option<Uuid>,
}

/// A silence.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SilenceForm {
    /// What.
    pub matcher: MatcherForm,
    /// Until when, 30 days away at most.
    pub until: i64,
    /// 2 to 200 characters.
    pub reason: String,
}

/// The duty roster.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/duty", tag = "alerts", responses(
    (status = 200, body = Duty), (status = 403, body = ErrorBody)))]
pub async fn roster(State(app): State<App>, caller: Caller) -> Result<Json<Duty>, Error> {
    let (steps, shifts, keepers) = app.alerts.roster.duties(caller.now_ms).await?;
    let steps = steps.into_iter().map(|row| DutyStep {
        title: row.title,
        after_minutes: row.after_minutes,
    });
    let shifts = shifts.into_iter().map(|row| DutyShift {
        id: row.id,
        step: row.step,
        person: row.person,
        from: row.from_ms,
        until: row.until_ms,
    });
    let keepers = keepers.into_iter().map(|row| Keeper {
        id: row.id,
        name: row.name,
    });
    Ok(Json(Duty {
        steps: steps.collect(),
        shifts: shifts.collect(),
        people: keepers.collect(),
    }))
}

/// Replaces the steps of the escalation.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 422 for steps that do not rise.
#[utoipa::path(post, path = "/api/duty/steps", tag = "alerts", request_body = StepsForm,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn set_steps(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<StepsForm>,
) -> Result<StatusCode, Error> {
    let step = |step: DutyStep| duty::Step {
        title: step.title,
        after_minutes: step.after_minutes,
    };
    let steps: Vec<_> = form.steps.into_iter().map(step).collect();
    app.alerts.roster.set_steps(caller.by(), &steps).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives somebody a duty.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 422.
#[utoipa::path(post, path = "/api/duty/shifts", tag = "alerts", request_body = ShiftForm,
    responses((status = 200, body = Made), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn add_shift(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<ShiftForm>,
) -> Result<Json<Made>, Error> {
    let shift = Shift {
        step: form.step,
        person: form.person,
        from_ms: form.from,
        until_ms: form.until,
    };
    let id = app.alerts.roster.add_shift(caller.by(), &shift).await?;
    Ok(Json(Made { id }))
}

/// Ends a duty now.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none that is not over.
#[utoipa::path(post, path = "/api/duty/shifts/{id}/end", tag = "alerts",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn end_shift(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.alerts.roster.end_shift(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Silences that are not over.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/silences", tag = "alerts", responses(
    (status = 200, body = Silences), (status = 403, body = ErrorBody)))]
pub async fn silences(State(app): State<App>, caller: Caller) -> Result<Json<Silences>, Error> {
    let silences = app.alerts.roster.silences(caller.now_ms).await?;
    let silences = silences.into_iter().map(|row| SilenceLine {
        id: row.id,
        code: row.code,
        building: row.building,
        room: row.classroom_id,
        from: row.from_ms,
        until: row.until_ms,
        reason: row.reason,
        creator: row.creator,
    });
    let faults = fault::CATALOGUE.iter().map(|kind| FaultName {
        code: kind.code.clone(),
        title_zh: kind.title.zh.clone(),
        title_en: kind.title.en.clone(),
        told_as: kind.told_as.clone(),
    });
    let placed = placed(&app.db).await?.into_iter();
    let rooms: BTreeSet<PlacedRoom> = placed
        .map(|row| PlacedRoom {
            building: row.building,
            name: row.room,
            id: row.classroom_id,
        })
        .collect();
    Ok(Json(Silences {
        silences: silences.collect(),
        faults: faults.collect(),
        rooms: rooms.into_iter().collect(),
    }))
}

/// Which open alerts a silence would keep quiet, to be seen before it is kept.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 422 when it names nothing.
#[utoipa::path(post, path = "/api/silences/matches", tag = "alerts", request_body = MatcherForm,
    responses((status = 200, body = Alerts), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn matches(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<MatcherForm>,
) -> Result<Json<Alerts>, Error> {
    let matcher = matcher(form);
    if matcher == Matcher::default() {
        return Err(Error::Field(NOTHING));
    }
    let known = Known::of(&app.db, caller.now_ms).await?;
    let mut alerts: Vec<Alert> = Vec::new();
    for row in app.alerts.roster.matches(&matcher).await? {
        let parts = rows::parts(&app.db, &row.id).await?;
        alerts.push(known.alert(row, parts));
    }
    Ok(Json(Alerts { alerts }))
}

/// Keeps a silence from now on.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 422 when it names nothing, ends too late or says no
/// reason.
#[utoipa::path(post, path = "/api/silences", tag = "alerts", request_body = SilenceForm,
    responses((status = 200, body = Made), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn silence(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<SilenceForm>,
) -> Result<Json<Made>, Error> {
    let (by, matcher) = (caller.by(), matcher(form.matcher));
    let id = app
        .alerts
        .roster
        .add_silence(by, matcher, form.until, &form.reason)
        .await?;
    Ok(Json(Made { id }))
}

/// Ends a silence now.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none that lasts.
#[utoipa::path(post, path = "/api/silences/{id}/end", tag = "alerts",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn end_silence(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.alerts.roster.end_silence(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn matcher(form: MatcherForm) -> Matcher {
    let named = |text: Option<String>| text.filter(|text| !text.is_empty());
    Matcher {
        code: named(form.code),
        building: named(form.building),
        room: form.room.map(|room| room.to_string()),
    }
}

const NOTHING: FieldError = FieldError {
    field: "code",
    zh: "请至少选择故障、楼宇、教室中的一项。",
    en: "Choose a fault, a building or a room at least.",
};
