//! Screen: commands to one box, with who gave them and what came of them (issue 6, item 4).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::command as policy;
use xunke_policy::fault::Moment;
use xunke_policy::patrol::FieldError;
use xunke_protocol::envelope::{Order, Switch};
use xunke_protocol::health::EquipmentKind;
use xunke_protocol::id::DeviceId;

use super::App;
use super::desk::act;
use super::devices::rooms;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{BoxId, Id, Json as Body};
use crate::device::order::Given;
use crate::device::registry::{self, Device};
use crate::health::moment::Moments;
use crate::health::status;
use crate::store::command::CommandRow;

/// Commands of a box.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commands {
    /// Newest first, 100 at most.
    pub commands: Vec<CommandView>,
    /// Whether the timetable says that the room has a class now: what a class would notice needs a
    /// second person then.
    pub in_class: bool,
    /// Projectors that the box says it has.
    pub projectors: Vec<String>,
}

/// A command.
#[derive(Debug, Serialize, ToSchema)]
pub struct CommandView {
    /// Its id.
    pub id: String,
    /// `ping`, `reload`, `reboot`, `renew`, `collect_diag`, `selftest` or `projector`.
    pub kind: String,
    /// Which projector, and which way; null for others.
    pub projector: Option<ProjectorSwitch>,
    /// Why; empty for none.
    pub reason: String,
    /// Who gave it; null for the hub itself, for a check-up.
    pub asked_by: Option<String>,
    /// When.
    pub asked_at: i64,
    /// Who agreed or declined, where a second person was needed.
    pub judged_by: Option<String>,
    /// When.
    pub judged_at: Option<i64>,
    /// `waiting` (for a second person), `queued`, `sent`, `running`, `done`, `failed`, `rejected`,
    /// `expired` or `declined`.
    pub state: String,
    /// A stable word for what went wrong; empty for nothing.
    pub code: String,
    /// Numbers and words; null for none.
    #[schema(value_type = Object)]
    pub result: Option<serde_json::Value>,
    /// When it ends at the latest.
    pub ends_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Whether the caller gave it, so that somebody else has to agree.
    pub own: bool,
}

/// A command that a second person has to answer, and where it would be carried out.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitingCommand {
    /// The box.
    pub device: String,
    /// The room's id.
    pub room_id: Uuid,
    /// The room's name.
    pub room: String,
    /// Its building.
    pub building: String,
    /// The command.
    pub command: CommandView,
}

/// Which projector, and which way.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ProjectorSwitch {
    /// As the box calls it.
    pub name: String,
    /// `on` or `off`.
    pub power: String,
}

/// A new command.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CommandForm {
    /// `ping`, `reload`, `reboot`, `renew`, `collect_diag`, `selftest` or `projector`.
    pub kind: String,
    /// For `projector`.
    pub projector: Option<ProjectorSwitch>,
    /// 2 to 500 characters for what a class would notice; else it may be empty.
    pub reason: String,
}

/// A second person's word.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ConsentForm {
    /// Whether the command is to be carried out.
    pub agreed: bool,
    /// At most 500 characters; may be empty.
    pub reason: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Commanded {
    /// The command.
    pub id: Uuid,
    /// `waiting` for a second person, `queued` until the box is there, `sent` or `declined`.
    pub state: &'static str,
}

const KIND: FieldError = FieldError {
    field: "kind",
    zh: "指令只能是 ping、reload、reboot、renew、collect_diag、selftest 或 projector。",
    en: "The command is ping, reload, reboot, renew, collect_diag, selftest or projector.",
};
const PROJECTOR: FieldError = FieldError {
    field: "projector",
    zh: "请选择投影机，并选择开或关。",
    en: "Choose a projector, and on or off.",
};

/// Commands of a box.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such box.
#[utoipa::path(get, path = "/api/devices/{id}/commands", tag = "health",
    params(("id" = String, Path)), responses((status = 200, body = Commands),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    BoxId(device): BoxId,
) -> Result<Json<Commands>, Error> {
    let known = known(&app, &device).await?;
    let rows = app.devices.orders(&device).await?;
    let moment = moment(&app, &known, caller.now_ms).await?;
    let own = caller.session.person.id.to_string();
    Ok(Json(Commands {
        commands: rows.into_iter().map(|row| view(row, &own)).collect(),
        in_class: policy::consent(&Order::Reboot, moment) == policy::Consent::Second,
        projectors: projectors(&app, &known).await?,
    }))
}

/// Commands of all boxes that wait for a second person, the oldest first.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/commands/waiting", tag = "health",
    responses((status = 200, body = Vec<WaitingCommand>), (status = 403, body = ErrorBody)))]
pub async fn waiting(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<Vec<WaitingCommand>>, Error> {
    let rows = app.devices.waiting_orders(caller.now_ms).await?;
    let (rooms, own) = (rooms(&app.db).await?, caller.session.person.id.to_string());
    let mut all = Vec::new();
    for row in rows {
        let Ok(device) = row.device_id.parse() else {
            continue;
        };
        let known = found(&app, &device).await?;
        let Some(room) = known.and_then(|known| rooms.get(&known.classroom)) else {
            continue;
        };
        all.push(WaitingCommand {
            device: row.device_id.clone(),
            room_id: room.id.0,
            room: room.name.clone(),
            building: room.building.clone(),
            command: view(row, &own),
        });
    }
    Ok(Json(all))
}

/// Gives a box a command. What a class would notice waits for a second person while there is one.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such box, 409 when another command
/// is in the way, 422 without a reason.
#[utoipa::path(post, path = "/api/devices/{id}/commands", tag = "health",
    params(("id" = String, Path)), request_body = CommandForm,
    responses((status = 200, body = Commanded), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn give(
    State(app): State<App>,
    caller: Caller,
    BoxId(device): BoxId,
    Body(form): Body<CommandForm>,
) -> Result<Json<Commanded>, Error> {
    let order = order(&form)?;
    let moment = moment(&app, &known(&app, &device).await?, caller.now_ms).await?;
    let act = act(&caller, &form.reason);
    let given = app.devices.order(act, &device, order, moment).await?;
    Ok(Json(commanded(&given)))
}

/// Agrees to a command that waits for a second person, or declines it.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such command, 409 when nobody is
/// waited for, 422 for an own command.
#[utoipa::path(post, path = "/api/commands/{id}/consent", tag = "health",
    params(("id" = Uuid, Path)), request_body = ConsentForm,
    responses((status = 200, body = Commanded), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn judge(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ConsentForm>,
) -> Result<Json<Commanded>, Error> {
    let act = act(&caller, &form.reason);
    let given = app.devices.judge(act, id, form.agreed).await?;
    Ok(Json(commanded(&given)))
}

fn commanded(given: &Given) -> Commanded {
    Commanded {
        id: given.id,
        state: given.state,
    }
}

fn order(form: &CommandForm) -> Result<Order, Error> {
    match form.kind.as_str() {
        "ping" => Ok(Order::Ping),
        "reload" => Ok(Order::Reload),
        "reboot" => Ok(Order::Reboot),
        "renew" => Ok(Order::Renew),
        "collect_diag" => Ok(Order::CollectDiag),
        "selftest" => Ok(Order::Selftest),
        "projector" => {
            let wanted = form.projector.as_ref().ok_or(Error::Field(PROJECTOR))?;
            let name = wanted.name.parse().map_err(|_| Error::Field(PROJECTOR))?;
            let power = match wanted.power.as_str() {
                "on" => Switch::On,
                "off" => Switch::Off,
                _ => return Err(Error::Field(PROJECTOR)),
            };
            Ok(Order::Projector { name, power })
        }
        _ => Err(Error::Field(KIND)),
    }
}

async fn known(app: &App, device: &DeviceId) -> Result<Device, Error> {
    found(app, device).await?.ok_or(Error::NotFound)
}

async fn found(app: &App, device: &DeviceId) -> Result<Option<Device>, Error> {
    let found = registry::find(&app.db, device).await;
    found.map_err(|error| Error::Failed(Box::new(error)))
}

/// What the timetable says of the room of a box.
async fn moment(app: &App, device: &Device, now_ms: i64) -> Result<Moment, Error> {
    let moments = Moments::at(&app.db, now_ms).await?;
    Ok(moments.of(device.classroom))
}

/// The projectors that a box says it has.
async fn projectors(app: &App, device: &Device) -> Result<Vec<String>, Error> {
    let found = status::in_room(&app.db, device.classroom).await?;
    let found = found.filter(|found| found.device.id == device.id);
    let report = found.and_then(|found| found.status?.report);
    let pieces = report.map_or_else(Vec::new, |(report, _)| report.equipment);
    let pieces = pieces.into_iter();
    Ok(pieces
        .filter(|piece| piece.kind == EquipmentKind::Projector)
        .map(|piece| piece.name.to_string())
        .collect())
}

fn view(row: CommandRow, own: &str) -> CommandView {
    let projector = match serde_json::from_str(&row.body) {
        Ok(Order::Projector { name, power }) => Some(ProjectorSwitch {
            name: name.to_string(),
            power: match power {
                Switch::On => "on".to_owned(),
                Switch::Off => "off".to_owned(),
            },
        }),
        _ => None,
    };
    CommandView {
        own: row.asked_by.as_deref() == Some(own),
        id: row.id,
        kind: row.kind,
        projector,
        reason: row.reason,
        asked_by: row.asker,
        asked_at: row.asked_ms,
        judged_by: row.judge,
        judged_at: row.judged_ms,
        state: row.state,
        code: row.code,
        result: serde_json::from_str(&row.result).ok(),
        ends_at: row.ends_ms,
        ended_at: row.ended_ms,
    }
}
