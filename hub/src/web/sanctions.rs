//! Screen: decisions about a breach (R25, R45, R103, R104, R108).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::applications::ReasonForm;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::PersonName;
use crate::access::sanction::{Draft, Export};
use crate::campus::id;
use crate::store::sanction::SanctionRow;

/// Decisions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SanctionList {
    /// Those that wait first, then newest first.
    pub sanctions: Vec<Sanction>,
}

/// A decision about a breach.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sanction {
    /// Id.
    pub id: Uuid,
    /// 文号.
    pub number: String,
    /// About whom.
    pub about: PersonName,
    /// `warning`, `suspension`, `cancellation`, `discipline`, `notice`, `law` or `damages`.
    pub measure: String,
    /// A suspension from.
    pub from: Option<i64>,
    /// A suspension until (exclusive).
    pub until: Option<i64>,
    /// The article it rests on.
    pub basis: String,
    /// What happened.
    pub facts: String,
    /// Numbers of lines of the trail, separated by spaces.
    pub evidence: String,
    /// Who filed it.
    pub filer: String,
    /// When.
    pub filed_at: i64,
    /// `filed`, `in_force`, `withdrawn` or `lifted`.
    pub state: String,
    /// Who put it into force.
    pub decider: Option<String>,
    /// When.
    pub decided_at: Option<i64>,
    /// When it was withdrawn or lifted.
    pub ended_at: Option<i64>,
    /// Why.
    pub ended_why: Option<String>,
    /// What the person says to it.
    pub objection: Option<String>,
    /// What was said to that.
    pub answer: Option<String>,
}

/// A decision to be filed.
#[derive(Debug, Deserialize, ToSchema)]
pub struct SanctionForm {
    /// 文号.
    pub number: String,
    /// 工号 of whom it is about.
    pub staff_number: String,
    /// `warning`, `suspension`, `cancellation`, `discipline`, `notice`, `law` or `damages`.
    pub measure: String,
    /// A suspension from; at once when left out.
    pub from: Option<i64>,
    /// A suspension until (exclusive); until lifted when left out.
    pub until: Option<i64>,
    /// The article it rests on.
    pub basis: String,
    /// What happened; 2 to 2000 characters.
    pub facts: String,
    /// Numbers of lines of the trail.
    pub evidence: Vec<i64>,
}

/// A file that the hub has signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedExport {
    /// What is signed, behind a domain such as `xunke decision 1` and a line's end.
    pub text: String,
    /// The hub's public key (Ed25519), base64.
    pub key: String,
    /// Its signature, base64.
    pub signature: String,
}

/// Decisions, those that wait first.
///
/// # Errors
/// 403 for whoever does not read the ledger.
#[utoipa::path(get, path = "/api/sanctions", tag = "sanctions", responses(
    (status = 200, body = SanctionList), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, _caller: Caller) -> Result<Json<SanctionList>, Error> {
    shown(app.sanctions.all().await?)
}

/// What was filed about oneself.
///
/// # Errors
/// 401 when nobody is signed in.
#[utoipa::path(get, path = "/api/sanctions/own", tag = "sanctions", responses(
    (status = 200, body = SanctionList), (status = 401, body = ErrorBody)))]
pub async fn own(State(app): State<App>, caller: Caller) -> Result<Json<SanctionList>, Error> {
    shown(app.sanctions.about(caller.session.person.id).await?)
}

/// Files a decision.
///
/// # Errors
/// 403 with the article, 422 naming the field.
#[utoipa::path(post, path = "/api/sanctions", tag = "sanctions", request_body = SanctionForm,
    responses((status = 204), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<SanctionForm>,
) -> Result<StatusCode, Error> {
    let draft = Draft {
        number: form.number,
        staff_number: form.staff_number,
        measure: form.measure,
        from_ms: form.from,
        until_ms: form.until,
        basis: form.basis,
        facts: form.facts,
        evidence: form.evidence,
    };
    app.sanctions.file(caller.by(), draft).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a decision into force, at once.
///
/// # Errors
/// 403 with the article, 404 when there is none, 409 when it is decided.
#[utoipa::path(post, path = "/api/sanctions/{id}/decision", tag = "sanctions",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn decide(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<StatusCode, Error> {
    app.sanctions.decide(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One handler for each step that says why.
macro_rules! said {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "sanctions", params(("id" = Uuid, Path)),
            request_body = ReasonForm, responses((status = 204), (status = 403, body = ErrorBody),
                (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
                (status = 422, body = ErrorBody)))]
        pub async fn $name(
            State(app): State<App>,
            caller: Caller,
            Id(id): Id,
            Body(form): Body<ReasonForm>,
        ) -> Result<StatusCode, Error> {
            app.sanctions.$name(caller.by(), id, &form.reason).await?;
            Ok(StatusCode::NO_CONTENT)
        }
    };
}

said! {
    /// Withdraws a decision that waits.
    ///
    /// # Errors
    /// 404 when there is none, 409 when it is decided, 422 without a reason.
    withdraw, "/api/sanctions/{id}/withdrawal"
}
said! {
    /// Lifts a suspension before its end.
    ///
    /// # Errors
    /// 403 with the article, 404 when there is none, 409 when it is not in force, 422 without a
    /// reason.
    lift, "/api/sanctions/{id}/lifting"
}
said! {
    /// Says something to a decision about oneself; until it is answered nothing is decided.
    ///
    /// # Errors
    /// 404 for anybody else, 409 when it is decided, 422 without words.
    object, "/api/sanctions/{id}/objection"
}
said! {
    /// Answers an objection.
    ///
    /// # Errors
    /// 403 with the article, 404 when there is none, 409 when there is nothing to answer, 422
    /// without words.
    answer, "/api/sanctions/{id}/answer"
}

/// A decision for the personnel file, signed.
///
/// # Errors
/// 403 for whoever does not file decisions, 404 when there is none, 422 before it is in force.
#[utoipa::path(get, path = "/api/sanctions/{id}/export", tag = "sanctions",
    params(("id" = Uuid, Path)), responses((status = 200, body = SignedExport),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn export(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<SignedExport>, Error> {
    Ok(Json(app.sanctions.export(caller.by(), id).await?.into()))
}

impl From<Export> for SignedExport {
    fn from(export: Export) -> Self {
        Self {
            text: export.text,
            key: export.key,
            signature: export.signature,
        }
    }
}

fn shown(rows: Vec<SanctionRow>) -> Result<Json<SanctionList>, Error> {
    let sanctions = rows.into_iter().map(line);
    Ok(Json(SanctionList {
        sanctions: sanctions.collect::<Result<_, Error>>()?,
    }))
}

fn line(row: SanctionRow) -> Result<Sanction, Error> {
    Ok(Sanction {
        id: id("a decision", &row.id)?,
        number: row.number,
        about: PersonName {
            id: id("a person", &row.about_id)?,
            name: row.about,
            staff_number: row.staff_number,
        },
        measure: row.measure,
        from: row.from_ms,
        until: row.until_ms,
        basis: row.basis,
        facts: row.facts,
        evidence: row.evidence,
        filer: row.filer,
        filed_at: row.filed_ms,
        state: row.state,
        decider: row.decider,
        decided_at: row.decided_ms,
        ended_at: row.ended_ms,
        ended_why: row.ended_why,
        objection: row.objection,
        answer: row.answer,
    })
}
