//! Screen: the boxes and their latest numbers, for those who maintain them (R8, R64).

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::timetable::Mode;

use super::App;
use super::error::{Error, ErrorBody};
use crate::campus::classroom::{self, Classroom};
use crate::clock::now_ms;
use crate::device::registry;
use crate::health::status::{self, DeviceStatus};
use crate::store::Db;

/// Every box in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct Devices {
    /// By building and room.
    pub devices: Vec<Device>,
}

/// One box.
#[derive(Debug, Serialize, ToSchema)]
pub struct Device {
    /// Its id.
    pub id: String,
    /// The room's name.
    pub room: String,
    /// The building's name.
    pub building: String,
    /// `online`, `lost`, `offline` or `unknown`.
    pub state: &'static str,
    /// In this state since; 0 when it never spoke.
    pub since: i64,
    /// The agent's version; empty when it never spoke.
    pub agent: String,
    /// The newest report: numbers and states only; empty when there is none.
    #[schema(value_type = Object)]
    pub health: serde_json::Value,
    /// The room's id.
    pub room_id: uuid::Uuid,
    /// How the room is recorded: `lessons` or `continuous`.
    pub capture: &'static str,
    /// Until when it is recorded by order; null when it is not.
    pub record_until: Option<i64>,
}

/// Rooms by id, for screens that name them.
pub(super) async fn rooms(db: &Db) -> Result<HashMap<ClassroomId, Classroom>, Error> {
    let rooms = classroom::all(db).await?;
    Ok(rooms.into_iter().map(|room| (room.id, room)).collect())
}

/// The boxes in use and their latest numbers.
///
/// # Errors
/// 403 for whoever does not maintain them.
#[utoipa::path(get, path = "/api/devices", tag = "health", responses(
    (status = 200, body = Devices), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<Devices>, Error> {
    let rooms = rooms(&app.db).await?;
    let modes = app.timetables.modes(now_ms()).await?;
    let mut devices = Vec::new();
    for device in status::all(&app.db).await? {
        let room = rooms.get(&device.device.classroom);
        if let (true, Some(room)) = (device.device.state != registry::State::Retired, room) {
            let mode = modes.get(device.device.id.as_str()).copied();
            devices.push(view(device, room, mode.unwrap_or_default()));
        }
    }
    devices.sort_by(|left, right| {
        (&left.building, &left.room, &left.id).cmp(&(&right.building, &right.room, &right.id))
    });
    Ok(Json(Devices { devices }))
}

fn view(device: DeviceStatus, room: &Classroom, (mode, until): (Mode, Option<i64>)) -> Device {
    let (state, since) = device.state();
    let (agent, report) = match device.status {
        Some(status) => (status.agent, status.report),
        None => (String::new(), None),
    };
    let report = report.map(|(report, _)| serde_json::to_value(report));
    let health = report.and_then(Result::ok);
    Device {
        id: device.device.id.into(),
        room: room.name.clone(),
        building: room.building.clone(),
        state: state.name(),
        since,
        agent,
        health: health.unwrap_or_else(|| serde_json::json!({})),
        room_id: room.id.0,
        capture: mode.name(),
        record_until: until,
    }
}
