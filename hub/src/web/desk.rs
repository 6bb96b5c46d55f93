//! Screen: 设备入网, codes for boxes that are to come and what is done with those that are there (X19).

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::patrol::FieldError;
use xunke_protocol::envelope::{CommandState, Order};
use xunke_protocol::id::{ClassroomId, DeviceId};

use super::App;
use super::devices::rooms;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Json as Body;
use crate::device::desk::{Act, NotDone, Step};
use crate::device::registry;
use crate::endpoint::NotSent;
use crate::health::status;

/// A box tries its new certificate at the hub before it answers.
const ANSWER: Duration = Duration::from_secs(45);

/// Every box that was ever known, those that ask to be, and the rooms one may be put in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Desk {
    /// The first first.
    pub asking: Vec<AskingBox>,
    /// By room and id, those out of use last.
    pub boxes: Vec<KnownBox>,
    /// By building and name.
    pub rooms: Vec<DeskRoom>,
}

/// A box that nobody knows and that shows a code.
#[derive(Debug, Serialize, ToSchema)]
pub struct AskingBox {
    /// Where it asks from.
    pub address: String,
    /// Since when.
    pub since: i64,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeskRoom {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its building.
    pub building: String,
}

/// A box.
#[derive(Debug, Serialize, ToSchema)]
pub struct KnownBox {
    /// Its id.
    pub id: String,
    /// The room's id.
    pub room_id: Uuid,
    /// The room's name.
    pub room: String,
    /// `pending`, `enrolled`, `quarantined` or `retired`.
    pub state: &'static str,
    /// Until when its certificate is good; null before it has one.
    pub certificate_until: Option<i64>,
    /// A newer certificate was made and not used yet.
    pub renewing: bool,
    /// `online`, `lost`, `offline` or `unknown`.
    pub presence: &'static str,
    /// The agent's version; empty when it never spoke.
    pub agent: String,
}

/// For which room a code is made, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CodeForm {
    /// The room.
    pub room: Uuid,
    /// The box whose place is taken; null for a new one.
    pub device: Option<String>,
    /// 2 to 500 characters.
    pub reason: String,
}

/// A code. It is shown once.
#[derive(Serialize, ToSchema)]
pub struct NewCode {
    /// Single use. It is a secret.
    pub code: String,
    /// Which box it makes known.
    pub device: String,
    /// Until when it is good.
    pub expires_at: i64,
}

/// Which box is let in, into which room, and why.
#[derive(Deserialize, ToSchema)]
pub struct AdmissionForm {
    /// The room.
    pub room: Uuid,
    /// The box whose place is taken; null for a new one.
    pub device: Option<String>,
    /// What the box shows. It is a secret until it was used.
    pub code: String,
    /// 2 to 500 characters.
    pub reason: String,
}

/// Who the box is from now on.
#[derive(Debug, Serialize, ToSchema)]
pub struct LetIn {
    /// Its id.
    pub device: String,
}

/// What is done to a box, and why.
#[derive(Debug, Deserialize, ToSchema)]
pub struct StepForm {
    /// Which box.
    pub device: String,
    /// `quarantine`, `release`, `retire` or `renew`.
    pub step: String,
    /// 2 to 500 characters.
    pub reason: String,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Stepped {
    /// `done`, `failed`, `absent` (not connected) or `silent` (no answer in time).
    pub outcome: &'static str,
    /// What failed, as the box says it.
    pub code: Option<String>,
}

const STEP: FieldError = FieldError {
    field: "step",
    zh: "操作只能是 quarantine、release、retire 或 renew。",
    en: "The step is quarantine, release, retire or renew.",
};
const CODE: FieldError = FieldError {
    field: "code",
    zh: "设备显示的代码以 XB1 开头，后面是六组四位字母和数字。",
    en: "A box shows XB1 and six groups of four letters and digits.",
};
const DEVICE: FieldError = FieldError {
    field: "device",
    zh: "设备编号由 4 至 32 个小写字母、数字和连字符组成。",
    en: "A box's id has 4 to 32 small letters, digits and hyphens.",
};

/// Every box, and the rooms.
///
/// # Errors
/// 403 for whoever does not maintain them.
#[utoipa::path(get, path = "/api/desk", tag = "health", responses(
    (status = 200, body = Desk), (status = 403, body = ErrorBody)))]
pub async fn desk(State(app): State<App>, caller: Caller) -> Result<Json<Desk>, Error> {
    let known = rooms(&app.db).await?;
    let asking = app.devices.waiting(caller.now_ms).await?;
    let asking = asking.into_iter().map(|one| AskingBox {
        address: one.address,
        since: one.since_ms,
    });
    let asking = asking.collect();
    let mut boxes = Vec::new();
    for device in status::all(&app.db).await? {
        let (presence, _) = device.state();
        let agent = device
            .status
            .map_or_else(String::new, |status| status.agent);
        let device = device.device;
        let room = known.get(&device.classroom);
        boxes.push(KnownBox {
            room_id: device.classroom.0,
            room: room.map_or_else(String::new, |room| room.name.clone()),
            state: device.state.name(),
            certificate_until: device.certificate_until_ms,
            renewing: device.serials.next.is_some(),
            presence: presence.name(),
            agent,
            id: device.id.into(),
        });
    }
    let retired = registry::State::Retired.name();
    boxes.sort_by(|left, right| {
        let key = |one: &KnownBox| (one.state == retired, one.room.clone(), one.id.clone());
        key(left).cmp(&key(right))
    });
    let mut rooms: Vec<DeskRoom> = known
        .into_values()
        .map(|room| DeskRoom {
            id: room.id.0,
            name: room.name,
            building: room.building,
        })
        .collect();
    rooms.sort_by(|left, right| (&left.building, &left.name).cmp(&(&right.building, &right.name)));
    Ok(Json(Desk {
        asking,
        boxes,
        rooms,
    }))
}

/// Makes a code for a room. It is good once, for a day.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such room, 422 for a box that is
/// retired or stands elsewhere, or without a reason.
#[utoipa::path(post, path = "/api/desk/codes", tag = "health", request_body = CodeForm, responses(
    (status = 200, body = NewCode), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn make_code(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<CodeForm>,
) -> Result<Json<NewCode>, Error> {
    let device = form.device.as_deref().map(device).transpose()?;
    let (act, room) = (act(&caller, &form.reason), ClassroomId(form.room));
    let made = app.devices.make_code(act, room, device).await?;
    Ok(Json(NewCode {
        code: made.code.reveal().to_string(),
        device: made.device.into(),
        expires_at: made.expires_ms,
    }))
}

/// Lets in the box that shows this code.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such room, 422 when no box waits
/// with this code or it has met another hub, for a box that is retired or stands elsewhere, or
/// without a reason.
#[utoipa::path(post, path = "/api/desk/admissions", tag = "health", request_body = AdmissionForm,
    responses((status = 200, body = LetIn), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn admit(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<AdmissionForm>,
) -> Result<Json<LetIn>, Error> {
    let device = form.device.as_deref().map(device).transpose()?;
    let code = form.code.parse().map_err(|_| Error::Field(CODE))?;
    let (act, room) = (act(&caller, &form.reason), ClassroomId(form.room));
    let device = app.devices.admit(act, room, device, &code).await?;
    Ok(Json(LetIn {
        device: device.into(),
    }))
}

/// Sets a box aside, takes it back, takes it out of use, or has it renew its certificate.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is no such box, 422 when it is not in a
/// state for it, or without a reason.
#[utoipa::path(post, path = "/api/desk/steps", tag = "health", request_body = StepForm, responses(
    (status = 200, body = Stepped), (status = 403, body = ErrorBody),
    (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn step(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<StepForm>,
) -> Result<Json<Stepped>, Error> {
    let device = device(&form.device)?;
    let act = act(&caller, &form.reason);
    let step = match form.step.as_str() {
        "quarantine" => Step::Quarantine,
        "release" => Step::Release,
        "retire" => Step::Retire,
        "renew" => Step::Renew,
        _ => return Err(Error::Field(STEP)),
    };
    app.devices.step(act, &device, step).await?;
    let stepped = match step {
        Step::Renew => renewed(&app, &device, caller.now_ms).await,
        _ => Stepped {
            outcome: "done",
            code: None,
        },
    };
    Ok(Json(stepped))
}

async fn renewed(app: &App, device: &DeviceId, now_ms: i64) -> Stepped {
    let outcome = |outcome, code| Stepped { outcome, code };
    match app.devices.commands.send(device, Order::Renew, now_ms) {
        Err(NotSent::Absent | NotSent::Slow) => outcome("absent", None),
        Ok(sent) => match sent.answer(ANSWER).await {
            Err(_) => outcome("silent", None),
            Ok(answer) if answer.state == CommandState::Done => outcome("done", None),
            Ok(answer) => outcome("failed", answer.code),
        },
    }
}

fn device(text: &str) -> Result<DeviceId, Error> {
    text.parse().map_err(|_| Error::Field(DEVICE))
}

pub(super) fn act<'a>(caller: &'a Caller, reason: &'a str) -> Act<'a> {
    Act {
        session: &caller.session,
        from: caller.address,
        now_ms: caller.now_ms,
        reason,
    }
}

impl From<NotDone> for Error {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::NotFound => Self::NotFound,
            NotDone::Field(field) => Self::Field(field),
            NotDone::Conflict(zh, en) => Self::Conflict(zh, en),
            NotDone::Trail(cause) => Self::TrailUnavailable(cause),
            NotDone::Refused(why) => why.into(),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}

/// Never the code.
impl std::fmt::Debug for NewCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewCode({})", self.device)
    }
}
