//! Screen: 早间体检, which rooms need a person before their first lesson, and what to bring (K8).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::checkup::{needs_person, to_bring};

use super::App;
use super::devices::rooms;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use crate::campus::classroom::Classroom;
use crate::health::checkup::FoundRoom;

/// The newest check-up.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckupView {
    /// When there is one on each day of lessons, `hh:mm` in Asia/Shanghai; empty for never by the
    /// clock.
    pub at: String,
    /// When the newest began; null before the first.
    pub begun_at: Option<i64>,
    /// When it ended; null while it runs.
    pub ended_at: Option<i64>,
    /// Who began it; null for the clock.
    pub begun_by: Option<String>,
    /// Rooms that need a person, the one with the earliest lesson first.
    pub needy: Vec<CheckedRoom>,
    /// Rooms with something that can be mended from a desk, or can wait.
    pub remarks: Vec<CheckedRoom>,
    /// Rooms that are as a lesson needs them.
    pub well: usize,
    /// Rooms that are still waited for.
    pub open: usize,
}

/// A room in which something is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckedRoom {
    /// The room's id.
    pub room_id: Uuid,
    /// The room's name.
    pub room: String,
    /// Its building.
    pub building: String,
    /// The box.
    pub device: String,
    /// Begin of its next lesson of that day; null for none.
    pub lesson_at: Option<i64>,
    /// What is wrong, what needs a person first.
    pub wrong: Vec<WrongView>,
    /// What to take along, in Chinese.
    pub bring_zh: Vec<&'static str>,
    /// The same in English.
    pub bring_en: Vec<&'static str>,
}

/// Something that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct WrongView {
    /// Which camera or piece of equipment; empty for the box itself.
    pub name: String,
    /// What, in Chinese.
    pub zh: &'static str,
    /// What, in English.
    pub en: &'static str,
    /// Whether it can only be mended in the room.
    pub person: bool,
}

/// The newest check-up.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/checkup", tag = "health", responses(
    (status = 200, body = CheckupView), (status = 403, body = ErrorBody)))]
pub async fn newest(State(app): State<App>, caller: Caller) -> Result<Json<CheckupView>, Error> {
    let mut view = CheckupView {
        at: app.config.checkup.at.clone(),
        begun_at: None,
        ended_at: None,
        begun_by: None,
        needy: Vec::new(),
        remarks: Vec::new(),
        well: 0,
        open: 0,
    };
    let Some(found) = app.checkups.newest(caller.now_ms).await? else {
        return Ok(Json(view));
    };
    let known = rooms(&app.db).await?;
    view.begun_at = Some(found.checkup.begun_ms);
    view.ended_at = found.checkup.ended_ms;
    view.begun_by = found.checkup.beginner;
    for room in &found.rooms {
        let wrong = room.wrong();
        match known.get(&room.room) {
            _ if room.open => view.open += 1,
            Some(named) if needs_person(&wrong) => view.needy.push(checked(room, named)),
            Some(named) if !wrong.is_empty() => view.remarks.push(checked(room, named)),
            _ => view.well += 1,
        }
    }
    Ok(Json(view))
}

/// Begins a check-up now.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 409 while one is under way.
#[utoipa::path(post, path = "/api/checkup", tag = "health", responses(
    (status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn begin(State(app): State<App>, caller: Caller) -> Result<StatusCode, Error> {
    let person = &caller.session.person;
    let who = person.who(caller.address);
    match app
        .checkups
        .begin_now(person.id, who, caller.now_ms)
        .await?
    {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Error::Conflict(
            "体检正在进行，请稍候。",
            "A check-up is under way; wait for it.",
        )),
    }
}

fn checked(room: &FoundRoom, named: &Classroom) -> CheckedRoom {
    let wrong = room.wrong();
    let bring = to_bring(&wrong);
    let shown = |one: &xunke_policy::checkup::Wrong<'_>| WrongView {
        name: one.name.to_owned(),
        zh: one.zh,
        en: one.en,
        person: one.person,
    };
    CheckedRoom {
        room_id: named.id.0,
        room: named.name.clone(),
        building: named.building.clone(),
        device: room.device.to_string(),
        lesson_at: room.lesson_ms,
        wrong: wrong.iter().map(shown).collect(),
        bring_zh: bring.iter().map(|one| one.words().0).collect(),
        bring_en: bring.iter().map(|one| one.words().1).collect(),
    }
}
