//! Screen: alerts and the inbox of whoever keeps the rooms running (R66). Numbers, rooms and times.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::fault;

use super::App;
use super::error::{Error, ErrorBody};
use super::faults::{RoomOfBox, rooms_of_boxes};
use super::guard::Caller;
use super::input::{Id, Json as Body, Query};
use crate::health::alert::duty::Quiet;
use crate::health::alert::words;
use crate::store::Db;
use crate::store::alert::{self as rows, AlertRow, LineRow, PartRow, ReceiptRow};

/// Which alerts.
#[derive(Debug, Deserialize)]
pub struct WhichAlerts {
    /// Only those that are not over.
    #[serde(default)]
    pub open: bool,
}

/// Alerts that were told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alerts {
    /// Those that are not over first, then the newest; 500 at most.
    pub alerts: Vec<Alert>,
}

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// Such as `GJ-00001`.
    pub number: String,
    /// Of the catalogue of faults.
    pub code: String,
    /// The code that a silence of it names: of something that flaps, what flaps.
    pub silence_code: String,
    /// What it is called, in Chinese.
    pub title_zh: String,
    /// What it is called, in English.
    pub title_en: String,
    /// What most often causes it, in Chinese; empty where the catalogue says nothing.
    pub cause_zh: String,
    /// What most often causes it, in English.
    pub cause_en: String,
    /// What to do first, in Chinese.
    pub first_action_zh: String,
    /// What to do first, in English.
    pub first_action_en: String,
    /// `warning`, `minor`, `major` or `critical`, as it is felt now.
    pub severity: String,
    /// A lesson suffers from it.
    pub urgent: bool,
    /// The building; empty for the hub's own link.
    pub building: String,
    /// With what something is, or was, wrong.
    pub parts: Vec<AlertPart>,
    /// First of it.
    pub opened_at: i64,
    /// The last word about it.
    pub told_at: i64,
    /// How many steps of the escalation were told, from 1.
    pub steps_told: i64,
    /// Who has taken it.
    pub acknowledged_by: Option<String>,
    /// Until when that counts.
    pub acknowledged_until: Option<i64>,
    /// Who sees to it.
    pub assigned_to: Option<String>,
    /// Each room that it is still about is silenced.
    pub silenced: bool,
    /// When it was over.
    pub over_at: Option<i64>,
}

/// A part of an alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertPart {
    /// The box.
    pub device: String,
    /// The room's id; empty for a box that stands nowhere.
    pub room_id: String,
    /// The room's name.
    pub room: String,
    /// A source name, or `box`.
    pub component: String,
    /// Since when.
    pub from: i64,
    /// Until when, if nothing is wrong with it any more.
    pub until: Option<i64>,
}

/// An alert with its story.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertStory {
    /// The alert.
    pub alert: Alert,
    /// What happened with it, in order.
    pub lines: Vec<AlertLine>,
}

/// Something that happened with an alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertLine {
    /// When.
    pub at: i64,
    /// `raised`, `repeated`, `escalated`, `resolved`, `acknowledged`, `assigned`, `commented` or
    /// `ordered`.
    pub what: String,
    /// Who; `None` for the hub.
    pub person: Option<String>,
    /// A comment, a duty, a name or a number.
    pub text: String,
}

/// What the caller was told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inbox {
    /// The newest word first; 500 at most.
    pub words: Vec<InboxWord>,
    /// How many of them are unread.
    pub unread: usize,
}

/// The last word about one alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxWord {
    /// `raised`, `repeated`, `escalated`, `resolved` or `assigned`.
    pub word: String,
    /// When.
    pub at: i64,
    /// When it was read.
    pub read_at: Option<i64>,
    /// The alert.
    pub alert: Alert,
}

/// For how long somebody takes an alert.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AcknowledgementForm {
    /// 5 to 1440.
    pub minutes: i64,
    /// 2 to 500 characters, or nothing.
    #[serde(default)]
    pub note: String,
}

/// Who is to see to an alert.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AssignmentForm {
    /// A system administrator in office.
    pub person: Uuid,
}

/// A comment.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CommentForm {
    /// 2 to 500 characters.
    pub text: String,
}

/// Alerts that were told.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/alerts", tag = "alerts",
    params(("open" = Option<bool>, Query, description = "Only those that are not over")),
    responses((status = 200, body = Alerts), (status = 403, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    which: Query<WhichAlerts>,
) -> Result<Json<Alerts>, Error> {
    let known = Known::of(&app.db, caller.now_ms).await?;
    let listed = app.alerts.desk.list(which.0.open).await?;
    let alerts = listed
        .into_iter()
        .map(|(row, parts)| known.alert(row, parts));
    Ok(Json(Alerts {
        alerts: alerts.collect(),
    }))
}

/// One alert with what happened with it.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none.
#[utoipa::path(get, path = "/api/alerts/{id}", tag = "alerts", params(("id" = Uuid, Path)),
    responses((status = 200, body = AlertStory), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<AlertStory>, Error> {
    let (row, parts, lines) = app.alerts.desk.one(id).await?;
    let known = Known::of(&app.db, caller.now_ms).await?;
    Ok(Json(AlertStory {
        alert: known.alert(row, parts),
        lines: lines.into_iter().map(line).collect(),
    }))
}

/// What the caller was told.
///
/// # Errors
/// 403 for whoever does not maintain boxes.
#[utoipa::path(get, path = "/api/inbox", tag = "alerts", responses(
    (status = 200, body = Inbox), (status = 403, body = ErrorBody)))]
pub async fn inbox(State(app): State<App>, caller: Caller) -> Result<Json<Inbox>, Error> {
    let known = Known::of(&app.db, caller.now_ms).await?;
    let mut words = Vec::new();
    for (receipt, row) in app.alerts.desk.inbox(caller.session.person.id).await? {
        let parts = rows::parts(&app.db, &row.id).await?;
        words.push(word(receipt, known.alert(row, parts)));
    }
    let unread = words.iter().filter(|word| word.read_at.is_none()).count();
    Ok(Json(Inbox { words, unread }))
}

/// Notes that the caller has read the last word about an alert.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when they were not told of it.
#[utoipa::path(post, path = "/api/inbox/{id}/read", tag = "alerts", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn read(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    app.alerts.desk.read(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes an alert: nothing is repeated or passed on until that expires.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none, 409 when it is over, 422.
#[utoipa::path(post, path = "/api/alerts/{id}/acknowledgement", tag = "alerts",
    params(("id" = Uuid, Path)), request_body = AcknowledgementForm,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn acknowledge(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<AcknowledgementForm>,
) -> Result<StatusCode, Error> {
    let by = caller.by();
    app.alerts
        .desk
        .acknowledge(by, id, form.minutes, &form.note)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an alert to somebody.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none, 422 for somebody else.
#[utoipa::path(post, path = "/api/alerts/{id}/assignment", tag = "alerts",
    params(("id" = Uuid, Path)), request_body = AssignmentForm,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn assign(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<AssignmentForm>,
) -> Result<StatusCode, Error> {
    app.alerts.desk.assign(caller.by(), id, form.person).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a comment to an alert.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 404 when there is none, 422.
#[utoipa::path(post, path = "/api/alerts/{id}/comments", tag = "alerts",
    params(("id" = Uuid, Path)), request_body = CommentForm,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn comment(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<CommentForm>,
) -> Result<StatusCode, Error> {
    app.alerts.desk.comment(caller.by(), id, &form.text).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The names that rows leave out.
pub(super) struct Known {
    rooms: HashMap<String, RoomOfBox>,
    people: HashMap<String, String>,
    quiet: Quiet,
}

impl Known {
    pub(super) async fn of(db: &Db, now_ms: i64) -> Result<Self, Error> {
        Ok(Self {
            rooms: rooms_of_boxes(db).await?,
            people: rows::names(db).await?.into_iter().collect(),
            quiet: Quiet::at(db, now_ms).await?,
        })
    }

    pub(super) fn alert(&self, row: AlertRow, parts: Vec<PartRow>) -> Alert {
        let (title_zh, title_en) = words::title(&row.code, &row.flaps);
        // Of something that flaps, what to do is that of what flaps.
        let silence_code = match row.flaps.as_str() {
            "" => row.code.clone(),
            flaps => flaps.to_owned(),
        };
        let kind = fault::kind(&silence_code);
        let words = |of: fn(&fault::Kind) -> &fault::Words| {
            let words = kind.map(|kind| of(kind).clone());
            words.map(|words| (words.zh, words.en)).unwrap_or_default()
        };
        let (cause_zh, cause_en) = words(|kind| &kind.cause);
        let (act_zh, act_en) = words(|kind| &kind.first_action);
        let silenced = self.quiet.covers(&row, &parts);
        let name = |id: Option<String>| id.map(|id| self.people.get(&id).cloned().unwrap_or(id));
        Alert {
            id: row.id,
            number: row.number.unwrap_or_default(),
            code: row.code,
            silence_code,
            title_zh,
            title_en,
            cause_zh,
            cause_en,
            first_action_zh: act_zh,
            first_action_en: act_en,
            severity: row.severity,
            urgent: row.urgent != 0,
            building: row.building,
            parts: parts.into_iter().map(|part| self.part(part)).collect(),
            opened_at: row.opened_ms,
            told_at: row.last_told_ms.unwrap_or(row.opened_ms),
            steps_told: row.told_step.unwrap_or(0) + 1,
            acknowledged_by: name(row.acknowledged_by),
            acknowledged_until: row.acknowledged_until_ms,
            assigned_to: name(row.assigned_to),
            silenced,
            over_at: row.over_ms,
        }
    }

    fn part(&self, row: PartRow) -> AlertPart {
        let room = self.rooms.get(&row.device_id).cloned().unwrap_or_default();
        AlertPart {
            room_id: room.id,
            room: room.name,
            device: row.device_id,
            component: row.component,
            from: row.joined_ms,
            until: row.left_ms,
        }
    }
}

fn line(row: LineRow) -> AlertLine {
    AlertLine {
        at: row.at_ms,
        what: row.what,
        person: row.person,
        text: row.text,
    }
}

fn word(receipt: ReceiptRow, alert: Alert) -> InboxWord {
    InboxWord {
        word: receipt.last_word,
        at: receipt.last_ms,
        read_at: receipt.read_ms,
        alert,
    }
}
