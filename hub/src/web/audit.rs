//! Screen: the audit trail (第五条第3项 “定期检查系统日志”; K6).

use std::error::Error as StdError;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Query;
use crate::access::audit::Entry;
use crate::access::audit::day::Checked;
use crate::access::audit::excerpt::{self, Kind};
use crate::access::audit::export::Export;
use crate::campus::calendar;
use crate::clock;
use crate::store::trail::{Filter, Line};
use xunke_policy::patrol::FieldError;

const LINES: i64 = 50;
const LINES_MAX: i64 = 500;
const DAYS_MAX: i64 = 400;
/// What an xlsx file is called on the wire.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Which lines.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Page {
    /// Only those before this number.
    before: Option<i64>,
    /// How many, 500 at most.
    limit: Option<i64>,
    /// 工号 or name.
    person: String,
    /// What was done, such as `view_live`.
    action: String,
    /// How it went, such as `refused`.
    outcome: String,
    /// How the object begins, such as a room's name.
    object: String,
    /// From.
    from: Option<i64>,
    /// Until (exclusive).
    until: Option<i64>,
}

impl Page {
    fn filter(&self) -> Filter {
        Filter {
            person: self.person.trim().to_owned(),
            action: self.action.clone(),
            outcome: self.outcome.clone(),
            object: self.object.trim_start().to_owned(),
            from_ms: self.from,
            until_ms: self.until,
        }
    }
}

/// Lines of the trail, its end, and whether it is whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// The end of the trail.
    pub head: AuditHead,
    /// Whether every line was found to follow from the one before.
    pub verified: bool,
}

/// The end of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditHead {
    /// The last number.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// One line.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Counted from 1, without gaps.
    pub seq: i64,
    /// When.
    pub at: i64,
    /// Who.
    pub person: String,
    /// 工号.
    pub staff_number: String,
    /// From where.
    pub address: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub object: String,
    /// Why.
    pub purpose: String,
    /// `permitted`, `refused`, `done` or `failed`.
    pub outcome: String,
    /// The article of a refusal.
    pub article: Option<String>,
    /// Anything more.
    pub detail: String,
    /// Over the previous hash and every field.
    pub hash: String,
}

/// Lines of the audit trail, as far as they are asked for.
///
/// # Errors
/// 403 for whoever does not inspect it.
#[utoipa::path(get, path = "/api/audit", tag = "audit",
    params(("before" = Option<i64>, Query), ("limit" = Option<i64>, Query),
        ("person" = Option<String>, Query), ("action" = Option<String>, Query),
        ("outcome" = Option<String>, Query), ("object" = Option<String>, Query),
        ("from" = Option<i64>, Query), ("until" = Option<i64>, Query)),
    responses((status = 200, body = AuditPage), (status = 403, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<AuditPage>, Error> {
    let limit = page.limit.unwrap_or(LINES).clamp(1, LINES_MAX);
    let lines = app
        .trail
        .find(&page.filter(), page.before.unwrap_or(i64::MAX), limit)
        .await?;
    let head = app.trail.head().await?;
    Ok(Json(AuditPage {
        entries: lines.into_iter().map(AuditEntry::from).collect(),
        head: AuditHead {
            seq: head.seq,
            hash: head.hash,
        },
        verified: app.trail.whole(caller.now_ms).await?,
    }))
}

/// Where the trail stood when a day ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayHead {
    /// Such as `2026-11-22`.
    pub date: String,
    /// The last number.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
    /// When it was signed.
    pub signed_at: i64,
    /// The hub's public key, base64: `xunke-hub audit verify` takes it as `--key`.
    pub key: String,
    /// Ed25519 over day, time, number and hash, base64.
    pub signature: String,
    /// Whether that is still so: the signature is this hub's, and the line is there.
    pub holds: bool,
}

/// The signed heads.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayHeads {
    /// The latest first, 400 at most.
    pub days: Vec<DayHead>,
}

/// The signed head of each day, and whether it still holds (K6).
///
/// # Errors
/// 403 for whoever does not inspect the trail.
#[utoipa::path(get, path = "/api/audit/days", tag = "audit",
    responses((status = 200, body = DayHeads), (status = 403, body = ErrorBody)))]
pub async fn days(State(app): State<App>) -> Result<Json<DayHeads>, Error> {
    let days = app.days.checked(DAYS_MAX).await?;
    Ok(Json(DayHeads {
        days: days.into_iter().map(DayHead::from).collect(),
    }))
}

impl From<Checked> for DayHead {
    fn from(Checked { row, holds }: Checked) -> Self {
        Self {
            date: calendar::date_text(row.day),
            seq: row.seq,
            hash: row.hash,
            signed_at: row.signed_ms,
            key: row.signing_key,
            signature: row.signature,
            holds,
        }
    }
}

/// The whole trail as a file for `xunke-hub audit verify`; the export is its last line (R116).
///
/// # Errors
/// 403 for whoever does not inspect the trail.
#[utoipa::path(get, path = "/api/audit/export", tag = "audit", responses(
    (status = 200, content_type = "application/x-ndjson", body = String),
    (status = 403, body = ErrorBody)))]
pub async fn export(State(app): State<App>, caller: Caller) -> Result<Response, Error> {
    let now_ms = caller.now_ms;
    let entry = Entry::done(caller.session.person.who(caller.address), "export_trail");
    let head = app.trail.append(entry, now_ms).await?;
    let date = calendar::date_text(calendar::day(now_ms));
    let name = format!("attachment; filename=\"xunke-trail-{date}.jsonl\"");
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson".to_owned()),
        (header::CONTENT_DISPOSITION, name),
    ];
    let export = app.days.export(head, now_ms);
    let pieces = unfold((app, caller, export), async |(app, caller, mut export)| {
        let piece = piece(&app, &caller, &mut export).await.transpose()?;
        Some((piece, (app, caller, export)))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// The lines that are asked for, as a workbook; taking them is a line (R116).
///
/// # Errors
/// 403 for whoever does not inspect the trail, 422 when they are too many.
#[utoipa::path(get, path = "/api/audit/excerpt.xlsx", tag = "audit",
    params(("person" = Option<String>, Query), ("action" = Option<String>, Query),
        ("outcome" = Option<String>, Query), ("object" = Option<String>, Query),
        ("from" = Option<i64>, Query), ("until" = Option<i64>, Query)),
    responses((status = 200, content_type = XLSX, body = String),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn workbook(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Response, Error> {
    excerpt(&app, &caller, &page, (Kind::Xlsx, XLSX)).await
}

/// The lines that are asked for, as JSON; taking them is a line (R116).
///
/// # Errors
/// 403 for whoever does not inspect the trail, 422 when they are too many.
#[utoipa::path(get, path = "/api/audit/excerpt.json", tag = "audit",
    params(("person" = Option<String>, Query), ("action" = Option<String>, Query),
        ("outcome" = Option<String>, Query), ("object" = Option<String>, Query),
        ("from" = Option<i64>, Query), ("until" = Option<i64>, Query)),
    responses((status = 200, content_type = "application/json", body = String),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn json(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Response, Error> {
    excerpt(&app, &caller, &page, (Kind::Json, "application/json")).await
}

async fn excerpt(
    app: &App,
    caller: &Caller,
    page: &Page,
    (kind, content_type): (Kind, &'static str),
) -> Result<Response, Error> {
    let (filter, by) = (page.filter(), caller.session.person.who(caller.address));
    let taken = excerpt::take(&app.trail, &filter, by, kind, caller.now_ms).await?;
    let bytes = tokio::task::spawn_blocking(move || taken.file(kind)).await;
    let bytes = bytes.map_err(|failed| Error::Failed(failed.into()))??;
    let date = calendar::date_text(calendar::day(caller.now_ms));
    let name = format!("xunke-trail-excerpt-{date}.{}", kind.word());
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    Ok((headers, bytes).into_response())
}

impl From<excerpt::Error> for Error {
    fn from(error: excerpt::Error) -> Self {
        match error {
            excerpt::Error::TooMany => Self::Field(FieldError {
                field: "from",
                zh: "符合条件的记录超过 20,000 条，一次导不完。请缩小时间范围或增加筛选条件，\
                     分几次导出；需要全部记录请用“导出全部”。",
                en: "More than 20,000 entries fit; narrow the dates or add a filter and take them \
                     in parts. For the whole trail use “Export all”.",
            }),
            excerpt::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed @ excerpt::Error::Workbook(_) => Self::Failed(Box::new(failed)),
        }
    }
}

/// The next piece, for as long as the session lasts (R23); an error cuts the download off.
async fn piece(
    app: &App,
    caller: &Caller,
    export: &mut Export,
) -> Result<Option<String>, Box<dyn StdError + Send + Sync>> {
    let still = app.sessions.recheck(&caller.session, clock::now_ms());
    if still.await?.is_err() {
        return Err("the session is over".into());
    }
    Ok(export.next().await?)
}

impl From<Line> for AuditEntry {
    fn from(line: Line) -> Self {
        Self {
            seq: line.seq,
            at: line.at_ms,
            person: line.person,
            staff_number: line.staff_number,
            address: line.address,
            action: line.action,
            object: line.object,
            purpose: line.purpose,
            outcome: line.outcome,
            article: Some(line.article).filter(|article| !article.is_empty()),
            detail: line.detail,
            hash: line.hash,
        }
    }
}
