//! Screen: every room by its state, for those who keep them running (R8, R64). Nothing of classes
//! but that one runs.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use xunke_policy::fault::{DEVICE_LOST, Moment};
use xunke_protocol::id::ClassroomId;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use crate::campus::classroom::{self, Classroom};
use crate::device::registry;
use crate::health::moment::Moments;
use crate::health::presence;
use crate::health::status::{self, DeviceStatus};
use crate::store::health::{self as rows, FaultRow};

/// Most open faults that are looked at.
const FAULTS_MAX: i64 = 100_000;

/// Every room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Fleet {
    /// By building and name.
    pub rooms: Vec<FleetRoom>,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct FleetRoom {
    /// Its id.
    pub id: uuid::Uuid,
    /// Its name.
    pub name: String,
    /// Its building.
    pub building: String,
    /// `ok`, `fault`, `offline` or `not_enrolled`.
    pub state: &'static str,
    /// In that state since; null where nobody knows.
    pub since: Option<i64>,
    /// A lesson runs there now.
    pub in_class: bool,
    /// The box in use; null where there is none.
    pub device: Option<String>,
    /// `warning`, `minor`, `major` or `critical`, the worst of its open faults when they began.
    pub severity: Option<String>,
    /// How many faults are open.
    pub faults: usize,
}

/// Every room by its state.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/fleet", tag = "health", responses(
    (status = 200, body = Fleet), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Fleet>, Error> {
    let moments = Moments::at(&app.db, caller.now_ms).await?;
    let mut boxes: HashMap<ClassroomId, DeviceStatus> = HashMap::new();
    for one in status::all(&app.db).await? {
        if one.device.state == registry::State::Enrolled {
            boxes.insert(one.device.classroom, one);
        }
    }
    let mut faults: HashMap<String, Vec<FaultRow>> = HashMap::new();
    for fault in rows::faults(&app.db, true, FAULTS_MAX).await? {
        let of_box = faults.entry(fault.device_id.clone()).or_default();
        of_box.push(fault);
    }
    let view = |room: Classroom| {
        let device = boxes.get(&room.id);
        let faults = device.and_then(|one| faults.get(one.device.id.as_str()));
        let in_class = moments.of(room.id) == Moment::InClass;
        view(
            room,
            in_class,
            device,
            faults.map_or(&[][..], Vec::as_slice),
        )
    };
    let rooms = classroom::all(&app.db).await?.into_iter();
    Ok(Json(Fleet {
        rooms: rooms.map(view).collect(),
    }))
}

fn view(
    room: Classroom,
    in_class: bool,
    device: Option<&DeviceStatus>,
    faults: &[FaultRow],
) -> FleetRoom {
    let (state, since) = state(device, faults);
    // In the order of the words: critical first.
    let rank = |severity: &str| match severity {
        "critical" => 0,
        "major" => 1,
        "minor" => 2,
        _ => 3,
    };
    let worst = faults.iter().min_by_key(|fault| rank(&fault.severity));
    FleetRoom {
        id: room.id.0,
        name: room.name,
        building: room.building,
        state,
        since,
        in_class,
        device: device.map(|one| one.device.id.to_string()),
        severity: worst.map(|fault| fault.severity.clone()),
        faults: faults.len(),
    }
}

/// What is wrong with a room, the gravest first: of a box that is away nothing else is known.
fn state(device: Option<&DeviceStatus>, faults: &[FaultRow]) -> (&'static str, Option<i64>) {
    let Some(device) = device else {
        return ("not_enrolled", None);
    };
    let (presence, since_ms) = device.state();
    let since = Some(since_ms).filter(|since_ms| *since_ms > 0);
    let away = faults.iter().any(|fault| fault.code == DEVICE_LOST);
    if presence != presence::State::Online || away {
        return ("offline", since);
    }
    match faults.iter().map(|fault| fault.opened_ms).min() {
        Some(opened_ms) => ("fault", Some(opened_ms)),
        None => ("ok", since),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campus::classroom::Unit;
    use crate::health::presence::Standing;
    use crate::health::status::Status;
    use uuid::Uuid;

    fn device(state: presence::State) -> DeviceStatus {
        let standing = Standing {
            state,
            boot: Uuid::nil(),
            epoch: 1,
        };
        DeviceStatus {
            device: registry::Device {
                id: "box-1".parse().unwrap(),
                classroom: ClassroomId(Uuid::nil()),
                state: registry::State::Enrolled,
                serials: registry::Serials::default(),
                certificate_until_ms: None,
            },
            status: Some(Status {
                standing,
                since_ms: 5,
                agent: String::new(),
                report: None,
            }),
        }
    }

    fn fault(code: &str, severity: &str, opened_ms: i64) -> FaultRow {
        FaultRow {
            id: code.into(),
            device_id: "box-1".into(),
            component: "box".into(),
            code: code.into(),
            severity: severity.into(),
            opened_ms,
            cleared_ms: None,
            evidence: "{}".into(),
        }
    }

    #[test]
    fn a_room_is_in_order_only_while_its_box_says_so() {
        use presence::State::{Lost, Offline, Online, Unknown};
        let online = device(Online);
        assert_eq!(state(None, &[]), ("not_enrolled", None));
        assert_eq!(state(Some(&online), &[]), ("ok", Some(5)));
        for away in [Lost, Offline, Unknown] {
            assert_eq!(state(Some(&device(away)), &[]), ("offline", Some(5)));
        }
        let mut never = device(Online);
        never.status = None;
        assert_eq!(state(Some(&never), &[]), ("offline", None));
        let faults = [
            fault("CAM_DARK", "minor", 9),
            fault("CAM_STALLED", "major", 7),
        ];
        assert_eq!(state(Some(&online), &faults), ("fault", Some(7)));
        let lost = [fault(DEVICE_LOST, "critical", 9)];
        assert_eq!(state(Some(&online), &lost), ("offline", Some(5)));
    }

    #[test]
    fn the_worst_fault_of_a_room_is_told() {
        let room = Classroom {
            id: ClassroomId(Uuid::nil()),
            name: "101".into(),
            building: "博学楼".into(),
            unit: Unit {
                id: xunke_policy::level::UnitId(Uuid::nil()),
                name: "u".into(),
            },
            minors: false,
        };
        let faults = [
            fault("CAM_DARK", "minor", 9),
            fault("CAM_STALLED", "major", 7),
            fault("NEWER", "strange", 7),
        ];
        let online = device(presence::State::Online);
        let seen = view(room, true, Some(&online), &faults);
        assert_eq!(seen.severity.as_deref(), Some("major"));
        assert!(seen.in_class && seen.faults == 3);
    }
}
