//! Screen: the rooms somebody may watch, and what runs in them now (R56, R57).

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_protocol::health::{CameraSignals, Shows};
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
    /// Such as `教室全景`; the name again where nobody has given one.
    pub title: String,
    /// `room`, or `screen` for what is projected.
    pub shows: &'static str,
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
        let named = self.sources.iter();
        let named = named.filter(|source| source.classroom == room.id);
        let device = self.devices.get(&room.id);
        let status = device.and_then(|device| device.status.as_ref());
        let report = status.and_then(|status| status.report.as_ref());
        let sources = sources(named, report.map(|(document, _)| &document.cameras[..]));
        let lesson = self.lessons.get(&room.id).cloned();
        Room {
            id: room.id.0,
            unit: (&room.unit).into(),
            name: room.name,
            building: room.building,
            lesson: lesson.map(LessonView::from),
            device: device.map(room_device),
            sources,
        }
    }
}

fn room_device(device: &DeviceStatus) -> RoomDevice {
    let (state, since) = device.state();
    RoomDevice {
        id: device.device.id.to_string(),
        state: state.name(),
        since,
    }
}

/// The pictures that the college has named, then those that the box has besides; the box says what
/// each shows.
fn sources<'a>(
    named: impl Iterator<Item = &'a Source>,
    reported: Option<&[CameraSignals]>,
) -> Vec<RoomSource> {
    let reported = reported.unwrap_or_default();
    let shows = |name: &str| {
        let camera = reported
            .iter()
            .find(|camera| camera.source.as_str() == name);
        match camera.map(|camera| camera.shows) {
            Some(Shows::Screen) => "screen",
            _ => "room",
        }
    };
    let source = |name: &str, title: &str| RoomSource {
        name: name.to_owned(),
        title: title.to_owned(),
        shows: shows(name),
    };
    let mut all: Vec<_> = named.map(|one| source(&one.name, &one.title)).collect();
    for camera in reported {
        let name = camera.source.as_str();
        if all.iter().all(|known| known.name != name) {
            all.push(source(name, name));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn camera(name: &str, shows: &str) -> CameraSignals {
        let text = format!(
            r#"{{"source":"{name}","shows":"{shows}","state":"streaming","since":1,
            "bytes_per_second":0,"frames_per_second":25.0,"restarts":0,"audio":true}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    /// R55: teacher, board and screen of one room; the box knows which is the screen.
    #[test]
    fn a_room_has_the_pictures_that_its_box_has() {
        let named = [Source {
            classroom: ClassroomId(Uuid::nil()),
            name: "cam0".to_owned(),
            title: "教室全景".to_owned(),
        }];
        let all = |reported: Option<&[CameraSignals]>| {
            let all = sources(named.iter(), reported).into_iter();
            all.map(|one| (one.name, one.title, one.shows))
                .collect::<Vec<_>>()
        };
        let cam0 = ("cam0".to_owned(), "教室全景".to_owned(), "room");
        assert_eq!(all(None), std::slice::from_ref(&cam0));
        let screen = ("pc".to_owned(), "pc".to_owned(), "screen");
        let reported = [camera("cam0", "room"), camera("pc", "screen")];
        assert_eq!(all(Some(&reported)), [cam0, screen]);
        assert_eq!(all(Some(&[camera("cam0", "screen")]))[0].2, "screen");
        assert_eq!(all(Some(&[camera("cam0", "aquarium")]))[0].2, "room");
    }
}
