//! Screen: 日志检查, the inspections of the trail (R115).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Json as Body, Query};
use crate::access::inspection::{Due, Period, Report};
use crate::store::inspection::InspectionRow;

/// Inspections, and when the next is due.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspections {
    /// The latest first, 500 at most.
    pub inspections: Vec<Inspection>,
    /// None while the trail is empty.
    pub due: Option<InspectionDue>,
}

/// When the next inspection is due.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectionDue {
    /// Until when the trail was inspected, or where it begins.
    pub inspected_until: i64,
    /// When the next one is due.
    pub due_at: i64,
    /// Whether it is late.
    pub overdue: bool,
}

/// What a period of the trail holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectionPeriod {
    /// Lines, without the inspector's own.
    pub lines: i64,
    /// Refused attempts.
    pub refused: i64,
    /// Failures.
    pub failed: i64,
    /// Permitted views, live and recorded.
    pub views: i64,
    /// Persons who did something.
    pub people: i64,
    /// The inspector's own lines: another inspects them.
    pub own_lines: i64,
    /// Risks of the period.
    pub risks: i64,
    /// How many of them nobody has looked at.
    pub risks_open: i64,
}

/// A signed inspection.
#[derive(Debug, Serialize, ToSchema)]
pub struct Inspection {
    /// Id.
    pub id: String,
    /// Such as `JC-00001`.
    pub number: String,
    /// Who inspected.
    pub inspector: String,
    /// 工号 of the inspector.
    pub inspector_number: String,
    /// Whose lines; none for everybody's but the inspector's own.
    pub person: Option<String>,
    /// From.
    pub from: i64,
    /// Until (exclusive).
    pub until: i64,
    /// What the period held when it was signed.
    pub period: InspectionPeriod,
    /// Whether every line of the trail followed from the one before.
    pub whole: bool,
    /// Where the trail ended.
    pub head_seq: i64,
    /// Its hash.
    pub head_hash: String,
    /// 检查发现.
    pub findings: String,
    /// 处理措施.
    pub measures: String,
    /// When it was signed.
    pub signed_at: i64,
}

/// Which period.
#[derive(Debug, Deserialize)]
pub struct Span {
    /// From.
    from: i64,
    /// Until (exclusive).
    until: i64,
    /// Whose lines.
    person: Option<Uuid>,
}

/// What is signed.
#[derive(Deserialize, ToSchema)]
pub struct InspectionForm {
    /// From.
    pub from: i64,
    /// Until (exclusive), in the past.
    pub until: i64,
    /// Whose lines; everybody's but the inspector's own if left out.
    pub person: Option<Uuid>,
    /// 检查发现.
    pub findings: String,
    /// 处理措施.
    pub measures: String,
    /// 密码, once more.
    pub password: String,
    /// 动态验证码, once more.
    pub totp: String,
}

/// The number of what was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct InspectionNumber {
    /// Such as `JC-00001`.
    pub number: String,
}

/// Signed inspections, and when the next is due.
///
/// # Errors
/// 403 for whoever does not inspect the trail.
#[utoipa::path(get, path = "/api/inspections", tag = "audit", responses(
    (status = 200, body = Inspections), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Inspections>, Error> {
    let rows = app.inspections.list().await?;
    let due = app.inspections.due(caller.now_ms).await?;
    Ok(Json(Inspections {
        inspections: rows.into_iter().map(Inspection::from).collect(),
        due: due.map(InspectionDue::from),
    }))
}

/// What a period holds, before it is inspected.
///
/// # Errors
/// 403 for whoever does not inspect the trail.
#[utoipa::path(get, path = "/api/inspections/period", tag = "audit",
    params(("from" = i64, Query), ("until" = i64, Query), ("person" = Option<Uuid>, Query)),
    responses((status = 200, body = InspectionPeriod), (status = 403, body = ErrorBody)))]
pub async fn period(
    State(app): State<App>,
    caller: Caller,
    Query(span): Query<Span>,
) -> Result<Json<InspectionPeriod>, Error> {
    let (inspector, times) = (caller.session.person.id, (span.from, span.until));
    let period = app.inspections.period(inspector, times, span.person);
    Ok(Json(period.await?.into()))
}

/// Signs an inspection with password and one-time code.
///
/// # Errors
/// 403 with the article for the own trail, 422 with the field, 429 after too many tries.
#[utoipa::path(post, path = "/api/inspections", tag = "audit", request_body = InspectionForm,
    responses((status = 201, body = InspectionNumber), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub async fn sign(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<InspectionForm>,
) -> Result<Response, Error> {
    let typed = (Zeroizing::new(form.password), form.totp);
    let report = Report {
        from_ms: form.from,
        until_ms: form.until,
        person: form.person,
        findings: form.findings,
        measures: form.measures,
    };
    let by = caller.by();
    app.inspections.check(by, &report).await?;
    let (session, from, now_ms) = (&caller.session, caller.address, caller.now_ms);
    let confirmed = app.desk.confirm(session, typed, from, now_ms).await;
    confirmed.map_err(Error::of_signature)?;
    let number = app.inspections.sign(by, &report).await?;
    Ok((StatusCode::CREATED, Json(InspectionNumber { number })).into_response())
}

impl From<Due> for InspectionDue {
    fn from(due: Due) -> Self {
        Self {
            inspected_until: due.inspected_until_ms,
            due_at: due.due_ms,
            overdue: due.overdue,
        }
    }
}

impl From<Period> for InspectionPeriod {
    fn from(period: Period) -> Self {
        let tally = period.tally;
        Self {
            lines: tally.lines,
            refused: tally.refused,
            failed: tally.failed,
            views: tally.views,
            people: tally.people,
            own_lines: tally.own_lines,
            risks: period.risks,
            risks_open: period.risks_open,
        }
    }
}

impl From<InspectionRow> for Inspection {
    fn from(row: InspectionRow) -> Self {
        let period = Period {
            tally: row.tally,
            risks: row.risks,
            risks_open: row.risks_open,
        };
        Self {
            id: row.id,
            number: row.number,
            inspector: row.inspector,
            inspector_number: row.inspector_number,
            person: row.person,
            from: row.from_ms,
            until: row.until_ms,
            period: period.into(),
            whole: row.whole != 0,
            head_seq: row.head_seq,
            head_hash: row.head_hash,
            findings: row.findings,
            measures: row.measures,
            signed_at: row.signed_ms,
        }
    }
}
