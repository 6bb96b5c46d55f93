//! Screen: 泄露风险, what in the trail somebody should look at (R117). Hints, never verdicts (R114).

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
use super::names::PersonName;
use crate::access::risk::Judgement;
use crate::campus::id;
use crate::store::risk::RiskRow;

/// Risks.
#[derive(Debug, Serialize, ToSchema)]
pub struct Risks {
    /// Those nobody has looked at first, then the latest; 200 at most.
    pub risks: Vec<RiskLine>,
}

/// A hint with its evidence. Never says what was seen in class.
#[derive(Debug, Serialize, ToSchema)]
pub struct RiskLine {
    /// Id.
    pub id: Uuid,
    /// `odd_hours`, `bulk`, `one_teacher`, `two_places`, `refusals` or `new_address`.
    pub risk: String,
    /// About whom.
    pub person: PersonName,
    /// Whose lessons, where it is about one teacher.
    pub teacher: Option<String>,
    /// When it began.
    pub from: i64,
    /// When it was last seen.
    pub until: i64,
    /// `open`, `looked_at` or `false_alarm`.
    pub state: String,
    /// What somebody found.
    pub note: String,
    /// Who looked.
    pub decider: Option<String>,
    /// When.
    pub decided_at: Option<i64>,
    /// How many lines of the trail speak for it.
    pub lines: i64,
    /// The numbers of the latest of them, 20 at most.
    pub evidence: Vec<i64>,
}

/// What somebody found.
#[derive(Debug, Deserialize, ToSchema)]
pub struct JudgementForm {
    /// `looked_at` or `false_alarm`.
    pub state: String,
    /// 2 to 500 characters.
    pub note: String,
}

/// Risks, those nobody has looked at first.
///
/// # Errors
/// 403 for whoever does not inspect the trail.
#[utoipa::path(get, path = "/api/risks", tag = "audit", responses(
    (status = 200, body = Risks), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>) -> Result<Json<Risks>, Error> {
    let listed = app.risks.list().await?;
    let lines = listed
        .into_iter()
        .map(|(row, evidence)| line(row, evidence));
    Ok(Json(Risks {
        risks: lines.collect::<Result<_, _>>()?,
    }))
}

/// Keeps what somebody found about a risk.
///
/// # Errors
/// 403 with the article for what is about oneself, 404 when there is none, 422 without a note.
#[utoipa::path(post, path = "/api/risks/{id}/judgement", tag = "audit",
    params(("id" = Uuid, Path)), request_body = JudgementForm,
    responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn judge(
    State(app): State<App>,
    caller: Caller,
    Id(risk): Id,
    Body(form): Body<JudgementForm>,
) -> Result<StatusCode, Error> {
    let judgement = Judgement::named(&form.state).ok_or(Error::Field(NO_STATE))?;
    let by = caller.by();
    app.risks.judge(by, risk, judgement, &form.note).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn line(row: RiskRow, evidence: Vec<i64>) -> Result<RiskLine, Error> {
    Ok(RiskLine {
        person: PersonName {
            id: id("a person", &row.person_id)?,
            name: row.person,
            staff_number: row.staff_number,
        },
        id: id("a risk", &row.id)?,
        risk: row.risk,
        teacher: row.teacher,
        from: row.first_ms,
        until: row.last_ms,
        state: row.state,
        note: row.note,
        decider: row.decider,
        decided_at: row.decided_ms,
        lines: row.lines,
        evidence,
    })
}

const NO_STATE: FieldError = FieldError {
    field: "state",
    zh: "请选择查看结果：已查看，或误报。",
    en: "Choose what was found: looked at, or a false alarm.",
};
