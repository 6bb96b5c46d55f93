//! Screen: the rooms somebody may watch, and what runs in them now (R56, R57).

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_protocol::id::ClassroomId;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Id;
use super::lesson::LessonView;
use super::names::UnitName;
use crate::campus::classroom::{self, Classroom, Source};
use crate::campus::lesson::{self, Lesson};
use crate::health::status::{self, DeviceStatus};

/// The rooms in the caller's scope.
#[derive(Debug, Serialize, ToSchema)]
pub struct Rooms {
    /// By building and name.
    pub rooms: Vec<Room>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Room {
    /// Id.
    pub id: Uuid,
    /// Such as `博学楼101`.
    pub name: String,
    /// The building.
    pub building: String,
    /// The unit that owns it.
    pub unit: UnitName,
    /// The lesson that runs there now.
    pub lesson: Option<LessonView>,
    /// The box that stands there.
    pub device: Option<RoomDevice>,
    /// Its pictures.
    pub sources: Vec<RoomSource>,
}

/// The box of a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomDevice {
    /// Id.
    pub id: String,
    /// `online`, `lost`, `offline` or `unknown`.
    pub state: &'static str,
    /// In this state since.
    pub since: i64,
}

/// A picture of a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomSource {
    /// Such as `cam0`.
    pub name: String,
    /// Such as `教室全景`.
    pub title: String,
}

/// The rooms in the caller's scope, with what runs there now.
///
/// # Errors
/// 403 for whoever may watch none.
#[utoipa::path(get, path = "/api/rooms", tag = "rooms", responses(
    (status = 200, body = Rooms), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Rooms>, Error> {
    let mut rooms = in_scope(&app, &caller).await?;
    let around = Around::now(&app, caller.now_ms).await?;
    let rooms = rooms.drain(..).map(|room| around.room(room)).collect();
    Ok(Json(Rooms { rooms }))
}

/// One room.
///
/// # Errors
/// 403 with the article when it is out of the caller's scope, 404 when there is none.
#[utoipa::path(get, path = "/api/rooms/{id}", tag = "rooms", params(("id" = Uuid, Path)),
    responses((status = 200, body = Room), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn one(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<Json<Room>, Error> {
    let room = classroom::find(&app.db, ClassroomId(id)).await?;
    let room = room.ok_or(Error::NotFound)?;
    let (session, from, now_ms) = (&caller.session, caller.address, caller.now_ms);
    app.gate.enter_room(session, &room, from, now_ms).await?;
    let around = Around::now(&app, now_ms).await?;
    Ok(Json(around.room(room)))
}

/// The rooms the caller may watch now: those the gate would open, and no others.
pub(super) async fn in_scope(app: &App, caller: &Caller) -> Result<Vec<Classroom>, Error> {
    let (person, from, now_ms) = (&caller.session.person, caller.address, caller.now_ms);
    Ok(app.gate.scope(person, from, now_ms).await?)
}

/// What is known around the rooms at one moment.
struct Around {
    lessons: HashMap<ClassroomId, Lesson>,
    devices: HashMap<ClassroomId, DeviceStatus>,
    sources: Vec<Source>,
}

impl Around {
    async fn now(app: &App, now_ms: i64) -> Result<Self, Error> {
        let lessons = lesson::between(&app.db, now_ms, now_ms + 1).await?;
        let devices = status::all(&app.db).await?;
        Ok(Self {
            lessons: lessons
                .into_iter()
                .map(|lesson| (lesson.classroom, lesson))
                .collect(),
            devices: devices
                .into_iter()
                .map(|one| (one.device.classroom, one))
                .collect(),
            sources: classroom::sources(&app.db).await?,
        })
    }

    fn room(&self, room: Classroom) -> Room {
        let sources = self
            .sources
            .iter()
            .filter(|source| source.classroom == room.id);
        let lesson = self.lessons.get(&room.id).cloned();
        Room {
            id: room.id.0,
            unit: (&room.unit).into(),
            name: room.name,
            building: room.building,
            lesson: lesson.map(LessonView::from),
            device: self.devices.get(&room.id).map(device),
            sources: sources.map(source).collect(),
        }
    }
}

fn device(device: &DeviceStatus) -> RoomDevice {
    let (state, since) = device.state();
    RoomDevice {
        id: device.device.id.to_string(),
        state: state.name(),
        since,
    }
}

fn source(source: &Source) -> RoomSource {
    RoomSource {
        name: source.name.clone(),
        title: source.title.clone(),
    }
}
