//! Screen: channels, by which messages about faults leave the hub (R66, X67). Secrets go in here
//! and never come back out; of them the last four characters are shown.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::patrol::FieldError;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use crate::campus::id;
use crate::health::channel::desk::{self, Draft};
use crate::health::channel::kind::Settings;
use crate::health::channel::{self, sms, smtp};
use crate::store::attempt::AttemptRow;
use crate::store::outbox::DeliveryRow;

/// A channel as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ChannelForm {
    /// What it is called, 1 to 40 characters.
    pub name: String,
    /// Whether it takes messages.
    pub enabled: bool,
    /// It takes these and worse: `warning`, `minor`, `major` or `critical`.
    pub severity_min: String,
    /// `zh` or `en`.
    pub language: String,
    /// Hours after which it is a fault that nothing has gone through, 1 to 744.
    pub period_hours: u32,
    /// What it is set up with.
    pub settings: ChannelSettings,
    /// The secret address of a robot or webhook; left out, the stored one stays.
    pub address: Option<String>,
    /// The key of the signature, the password or the token; left out, the stored one stays.
    pub secret: Option<String>,
}

/// What a channel is set up with; nothing secret.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ChannelSettings {
    /// Mail.
    Smtp(MailSettings),
    /// Any receiver that understands Alertmanager's webhook.
    Webhook,
    /// WeCom.
    Wecom,
    /// DingTalk.
    Dingtalk,
    /// Feishu.
    Feishu,
    /// Short messages.
    Sms(SmsSettings),
}

/// Where mail is handed over, and to whom it goes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MailSettings {
    /// Name or address of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `starttls`, `tls` or `none`.
    pub security: String,
    /// The account; empty: none.
    pub user: String,
    /// From whom.
    pub from: String,
    /// To whom, 1 to 20.
    pub to: Vec<String>,
}

/// How the gateway for short messages is asked. In double braces: `text`, `number`, `code`,
/// `title`, `room`, `since`, `phones` and `secret`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SmsSettings {
    /// `post` or `get`.
    pub method: String,
    /// Where to.
    pub address: String,
    /// 10 at most.
    pub headers: Vec<SmsHeader>,
    /// The body.
    pub body: String,
    /// `json` or `form`: how words are written in the body.
    pub body_kind: String,
    /// Where in the answer the success is told, such as `/code`; empty: any 2xx is one.
    pub success_at: String,
    /// What stands there then.
    pub success_is: String,
    /// Who is told, 1 to 10.
    pub phones: Vec<String>,
    /// Requests a day, 1 to 1000.
    pub day_max: u32,
}

/// A header of a request.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct SmsHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Every channel, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelList {
    /// One line each.
    pub channels: Vec<Channel>,
    /// Whether messages can carry a link: `people.origin` or `people.names` is set.
    pub links: bool,
}

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct Channel {
    /// Id.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// Whether it takes messages.
    pub enabled: bool,
    /// It takes these and worse.
    pub severity_min: String,
    /// `zh` or `en`.
    pub language: String,
    /// Hours after which it is a fault that nothing has gone through.
    pub period_hours: i64,
    /// What it is set up with.
    pub settings: ChannelSettings,
    /// Of the secret address the host and the last four characters; empty: none.
    pub address_hint: String,
    /// Of the secret the last four characters; empty: none.
    pub secret_hint: String,
    /// `off`, `good`, `failing`, or `silent`: nothing has gone through for its period.
    pub state: &'static str,
    /// The last success.
    pub succeeded_at: Option<i64>,
    /// Since when every try has failed.
    pub failing_since: Option<i64>,
    /// Why the last try failed; empty: it did not.
    pub trouble: String,
}

/// A channel that was added.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChannelAdded {
    /// Its id.
    pub id: Uuid,
}

/// A message that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestSent {
    /// Of the delivery, to be found in the log.
    pub delivery: Uuid,
}

/// The newest 100 messages of a channel, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryList {
    /// One line each.
    pub deliveries: Vec<Delivery>,
}

/// A message and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Delivery {
    /// Id, also the idempotency key.
    pub id: Uuid,
    /// `raised`, `repeated`, `escalated`, `resolved`, `summary`, `dead_man` or `test`.
    pub about: String,
    /// Such as `GJ-00001`; empty for what has none.
    pub number: String,
    /// When it was written.
    pub queued_at: i64,
    /// `waiting`, `delivered`, `refused`, `expired`, `merged` or `withdrawn`.
    pub state: String,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Tries, newest first.
    pub tries: Vec<DeliveryTry>,
}

/// A try.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryTry {
    /// When.
    pub at: i64,
    /// `delivered`, `later` or `refused`; null while it is under way, or the hub was killed.
    pub outcome: Option<String>,
    /// Why.
    pub detail: String,
}

/// Every channel.
///
/// # Errors
/// 403 for whoever does not maintain the hub.
#[utoipa::path(get, path = "/api/channels", tag = "health", responses(
    (status = 200, body = ChannelList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<ChannelList>, Error> {
    let all = app.channels.all(caller.now_ms).await?.into_iter();
    Ok(Json(ChannelList {
        channels: all.map(shown).collect::<Result<_, _>>()?,
        links: !app.channels.carrier().origin().is_empty(),
    }))
}

/// Adds a channel.
///
/// # Errors
/// 403 for whoever does not maintain the hub, 422 naming the field.
#[utoipa::path(post, path = "/api/channels", tag = "health", request_body = ChannelForm,
    responses((status = 201, body = ChannelAdded), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn add(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<ChannelForm>,
) -> Result<(StatusCode, Json<ChannelAdded>), Error> {
    let id = app.channels.add(caller.by(), draft(form)?).await?;
    Ok((StatusCode::CREATED, Json(ChannelAdded { id })))
}

/// Changes a channel; a channel that is turned off forgets what waits for it.
///
/// # Errors
/// 403 for whoever does not maintain the hub, 404 when there is none, 422 naming the field.
#[utoipa::path(put, path = "/api/channels/{id}", tag = "health", params(("id" = Uuid, Path)),
    request_body = ChannelForm, responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn change(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ChannelForm>,
) -> Result<StatusCode, Error> {
    app.channels.change(caller.by(), id, draft(form)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a channel with its secrets.
///
/// # Errors
/// 403 for whoever does not maintain the hub, 404 when there is none.
#[utoipa::path(delete, path = "/api/channels/{id}", tag = "health", params(("id" = Uuid, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn remove(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.channels.remove(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test message by one channel; how that goes is in its log.
///
/// # Errors
/// 403 for whoever does not maintain the hub, 404 when there is none, 409 while it is off or the
/// last test is still on its way.
#[utoipa::path(post, path = "/api/channels/{id}/test", tag = "health", params(("id" = Uuid, Path)),
    responses((status = 202, body = TestSent), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn test(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<(StatusCode, Json<TestSent>), Error> {
    let delivery = app.channels.test(caller.by(), id).await?;
    Ok((StatusCode::ACCEPTED, Json(TestSent { delivery })))
}

/// What became of the messages of a channel.
///
/// # Errors
/// 403 for whoever does not maintain the hub, 404 when there is none.
#[utoipa::path(get, path = "/api/channels/{id}/deliveries", tag = "health",
    params(("id" = Uuid, Path)), responses((status = 200, body = DeliveryList),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn log(State(app): State<App>, Id(channel): Id) -> Result<Json<DeliveryList>, Error> {
    let log = app.channels.log(channel).await?.into_iter();
    Ok(Json(DeliveryList {
        deliveries: log.map(delivery).collect::<Result<_, _>>()?,
    }))
}

fn draft(form: ChannelForm) -> Result<Draft, Error> {
    Ok(Draft {
        name: form.name,
        enabled: form.enabled,
        severity_min: form.severity_min,
        language: form.language,
        period_hours: form.period_hours,
        settings: settings(form.settings).map_err(Error::Field)?,
        address: form.address,
        secret: form.secret,
    })
}

fn settings(form: ChannelSettings) -> Result<Settings, FieldError> {
    Ok(match form {
        ChannelSettings::Webhook => Settings::Webhook,
        ChannelSettings::Wecom => Settings::Wecom,
        ChannelSettings::Dingtalk => Settings::Dingtalk,
        ChannelSettings::Feishu => Settings::Feishu,
        ChannelSettings::Smtp(form) => Settings::Smtp(smtp::Settings {
            security: smtp::Security::named(form.security.trim()).ok_or(SECURITY)?,
            host: form.host.trim().to_lowercase(),
            port: form.port,
            user: form.user.trim().into(),
            from: form.from.trim().into(),
            to: trimmed(form.to),
        }),
        ChannelSettings::Sms(form) => Settings::Sms(sms::Settings {
            method: channel::Method::named(&form.method).ok_or(METHOD)?,
            body_kind: sms::BodyKind::named(&form.body_kind).ok_or(BODY_KIND)?,
            address: form.address.trim().into(),
            headers: form
                .headers
                .into_iter()
                .map(|one| (one.name, one.value))
                .collect(),
            body: form.body,
            success_at: form.success_at.trim().into(),
            success_is: form.success_is.trim().into(),
            phones: trimmed(form.phones),
            day_max: form.day_max,
        }),
    })
}

fn trimmed(texts: Vec<String>) -> Vec<String> {
    let texts = texts.iter().map(|text| text.trim().to_owned());
    texts.filter(|text| !text.is_empty()).collect()
}

fn form(settings: Settings) -> ChannelSettings {
    match settings {
        Settings::Webhook => ChannelSettings::Webhook,
        Settings::Wecom => ChannelSettings::Wecom,
        Settings::Dingtalk => ChannelSettings::Dingtalk,
        Settings::Feishu => ChannelSettings::Feishu,
        Settings::Smtp(one) => ChannelSettings::Smtp(MailSettings {
            host: one.host,
            port: one.port,
            security: one.security.word().into(),
            user: one.user,
            from: one.from,
            to: one.to,
        }),
        Settings::Sms(one) => ChannelSettings::Sms(SmsSettings {
            method: one.method.word().into(),
            address: one.address,
            headers: one
                .headers
                .into_iter()
                .map(|(name, value)| SmsHeader { name, value })
                .collect(),
            body: one.body,
            body_kind: one.body_kind.word().into(),
            success_at: one.success_at,
            success_is: one.success_is,
            phones: one.phones,
            day_max: one.day_max,
        }),
    }
}

fn shown(one: desk::Channel) -> Result<Channel, Error> {
    let row = one.row;
    Ok(Channel {
        id: id("a channel", &row.id)?,
        name: row.name,
        enabled: row.enabled == 1,
        severity_min: row.severity_min,
        language: row.language,
        period_hours: row.period_hours,
        settings: form(one.settings),
        address_hint: row.address_hint,
        secret_hint: row.secret_hint,
        state: one.state.word(),
        succeeded_at: row.succeeded_ms,
        failing_since: row.failing_since_ms,
        trouble: row.trouble,
    })
}

fn delivery((row, tries): (DeliveryRow, Vec<AttemptRow>)) -> Result<Delivery, Error> {
    let attempt = |one: AttemptRow| DeliveryTry {
        at: one.at_ms,
        outcome: one.outcome,
        detail: one.detail,
    };
    Ok(Delivery {
        id: id("a delivery", &row.id)?,
        about: row.about,
        number: row.number,
        queued_at: row.queued_ms,
        state: row.state,
        ended_at: row.ended_ms,
        tries: tries.into_iter().map(attempt).collect(),
    })
}

impl From<channel::Error> for Error {
    fn from(error: channel::Error) -> Self {
        match error {
            channel::Error::Field(field) => Self::Field(field),
            channel::Error::NotFound => Self::NotFound,
            channel::Error::Conflict(zh, en) => Self::Conflict(zh, en),
            channel::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}

const SECURITY: FieldError = FieldError {
    field: "security",
    zh: "加密方式须为 starttls、tls 或 none。",
    en: "One of starttls, tls and none.",
};
const METHOD: FieldError = FieldError {
    field: "method",
    zh: "请求方式须为 post 或 get。",
    en: "post or get.",
};
const BODY_KIND: FieldError = FieldError {
    field: "body_kind",
    zh: "正文格式须为 json 或 form。",
    en: "json or form.",
};
