//! Screen: the own confidentiality agreement: reading, signing, the own original (R34–R38).

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::access::Action;
use xunke_policy::agreement::Agreement;
use zeroize::Zeroizing;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Json as Body;
use crate::access::agreement::original::Party;
use crate::access::agreement::{self, Signing};
use crate::campus::id;
use crate::store::agreement::{ListedRow, TextRow};

/// The text in force, and where the caller stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnAgreement {
    /// The text in force.
    pub text: AgreementText,
    /// A newer one that is published and not in force yet: its day.
    pub next_in_force: Option<i64>,
    /// Where the caller stands.
    pub standing: AgreementStanding,
    /// Whether the caller takes part and so must have signed (R34).
    pub must_sign: bool,
    /// Whether there is something to sign now.
    pub may_sign: bool,
    /// Shortest time of reading before somebody may sign.
    pub reading_seconds_min: u32,
    /// All that the caller has signed, the newest first.
    pub signed: Vec<SignedAgreement>,
}

/// A version of the text.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementText {
    /// Such as `1`.
    pub version: String,
    /// The whole text.
    pub text: String,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Since when.
    pub in_force: i64,
    /// For how long an agreement on the text before still counts.
    pub grace_days: i64,
    /// 负责人 of 甲方; empty: left blank.
    pub representative: String,
    /// 用章说明.
    pub seal_note: String,
    /// When it was published.
    pub published_at: i64,
}

/// Where somebody stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgreementStanding {
    /// `signed`, `superseded` (a text before, within its days of grace), `lapsed` (after them),
    /// `ended` or `unsigned`.
    pub state: &'static str,
    /// When it was signed.
    pub signed_at: Option<i64>,
    /// Until when a superseded one counts.
    pub grace_until: Option<i64>,
}

/// Something that was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedAgreement {
    /// Id.
    pub id: Uuid,
    /// Such as `BM-00001`.
    pub number: String,
    /// `electronic` or `paper`.
    pub kind: String,
    /// Which text.
    pub version: String,
    /// Its SHA-256.
    pub sha256: Option<String>,
    /// When it was signed.
    pub signed_at: i64,
    /// 身份证号: the first three and the last four.
    pub identity: Option<String>,
    /// When it ended; secrecy continues (R39).
    pub ended_at: Option<i64>,
    /// Why.
    pub ended_why: Option<String>,
    /// Whether a newer one took its place.
    pub replaced: bool,
    /// The originals on file.
    pub originals: Vec<Original>,
}

/// An original.
#[derive(Debug, Serialize, ToSchema)]
pub struct Original {
    /// `school` or `person`.
    pub party: String,
    /// Such as `application/pdf`.
    pub media_type: String,
    /// How large.
    pub bytes: i64,
    /// SHA-256, hex.
    pub sha256: String,
}

/// A reading that has begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct BegunReading {
    /// To be sent with the signature.
    pub id: Uuid,
    /// Shortest time of reading before somebody may sign.
    pub seconds_min: u32,
}

/// A signature.
#[derive(Deserialize, ToSchema)]
pub struct SignatureForm {
    /// Which reading.
    pub reading: Uuid,
    /// SHA-256 of the text that was shown.
    pub sha256: String,
    /// Whether it was shown to its end.
    pub to_the_end: bool,
    /// Whether it was ticked as understood and freely accepted.
    pub accepted: bool,
    /// The own name.
    pub name: String,
    /// 身份证号; may be left out (Q16).
    pub identity_number: Option<String>,
    /// 密码.
    pub password: String,
    /// 动态验证码.
    pub totp: String,
}

/// What was put on file.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiledAgreement {
    /// Such as `BM-00001`.
    pub number: String,
}

impl From<TextRow> for AgreementText {
    fn from(row: TextRow) -> Self {
        Self {
            version: row.version,
            text: row.text,
            sha256: row.sha256,
            in_force: row.in_force_ms,
            grace_days: row.grace_days,
            representative: row.representative,
            seal_note: row.seal_note,
            published_at: row.published_ms,
        }
    }
}

impl AgreementStanding {
    pub(super) fn new(agreement: Agreement, now_ms: i64) -> Self {
        let (state, signed_at, grace_until) = match agreement {
            Agreement::Signed { since_ms } => ("signed", Some(since_ms), None),
            Agreement::Superseded {
                since_ms,
                grace_until_ms,
            } => {
                let lapsed = grace_until_ms <= now_ms;
                let state = if lapsed { "lapsed" } else { "superseded" };
                (state, Some(since_ms), Some(grace_until_ms))
            }
            Agreement::Ended => ("ended", None, None),
            Agreement::Unsigned => ("unsigned", None, None),
        };
        Self {
            state,
            signed_at,
            grace_until,
        }
    }
}

/// The text in force, and where the caller stands. Everybody may read it: it is no secret.
///
/// # Errors
/// 401 when nobody is signed in.
#[utoipa::path(get, path = "/api/agreement", tag = "agreement", responses(
    (status = 200, body = OwnAgreement), (status = 401, body = ErrorBody)))]
pub async fn own(State(app): State<App>, caller: Caller) -> Result<Json<OwnAgreement>, Error> {
    let (person, now_ms) = (&caller.session.person, caller.now_ms);
    let action = Action::SignAgreement;
    let must_sign = app.gate.judge(person, action, caller.address, now_ms);
    let must_sign = must_sign.is_ok();
    let texts = app.agreements.texts().await?;
    let next = texts.iter().rfind(|text| now_ms < text.in_force_ms);
    let mut signed = Vec::new();
    for row in app.agreements.own(person.id).await? {
        signed.push(shown(&app, row).await?);
    }
    Ok(Json(OwnAgreement {
        text: app.agreements.text(now_ms).await?.into(),
        next_in_force: next.map(|text| text.in_force_ms),
        standing: AgreementStanding::new(person.agreement, now_ms),
        must_sign,
        may_sign: must_sign && app.agreements.may_sign(caller.by()).await.is_ok(),
        reading_seconds_min: app.agreements.reading_seconds_min(),
        signed,
    }))
}

/// Begins to read: the time runs from here.
///
/// # Errors
/// 403 for whoever takes no part, 409 when the text in force is signed already.
#[utoipa::path(post, path = "/api/agreement/reading", tag = "agreement", responses(
    (status = 201, body = BegunReading), (status = 403, body = ErrorBody),
    (status = 409, body = ErrorBody)))]
pub async fn read(
    State(app): State<App>,
    caller: Caller,
) -> Result<(StatusCode, Json<BegunReading>), Error> {
    let id = app.agreements.begin_reading(caller.by()).await?;
    let seconds_min = app.agreements.reading_seconds_min();
    Ok((StatusCode::CREATED, Json(BegunReading { id, seconds_min })))
}

/// Signs.
///
/// # Errors
/// 403 with the article, 409 when it is signed already, 422 naming the field, 429 after too many
/// tries, 503 when originals cannot be made.
#[utoipa::path(post, path = "/api/agreement/signature", tag = "agreement",
    request_body = SignatureForm, responses((status = 201, body = FiledAgreement),
        (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
pub async fn sign(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<SignatureForm>,
) -> Result<(StatusCode, Json<FiledAgreement>), Error> {
    let signing = Signing {
        reading: form.reading,
        sha256: form.sha256,
        to_the_end: form.to_the_end,
        accepted: form.accepted,
        typed_name: form.name,
        identity_number: Zeroizing::new(form.identity_number.unwrap_or_default()),
        password: Zeroizing::new(form.password),
        code: form.totp,
    };
    let number = app.agreements.sign(caller.by(), signing).await?;
    Ok((StatusCode::CREATED, Json(FiledAgreement { number })))
}

/// An original: 乙方 the own one, Academic Affairs both.
///
/// # Errors
/// 404 for everybody else.
#[utoipa::path(get, path = "/api/agreements/{id}/originals/{party}", tag = "agreement",
    params(("id" = Uuid, Path), ("party" = String, Path)),
    responses((status = 200, content_type = "application/pdf"), (status = 404, body = ErrorBody)))]
pub async fn original(
    State(app): State<App>,
    caller: Caller,
    path: Result<Path<(Uuid, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Error> {
    let Path((id, party)) = path.map_err(|_| Error::NotFound)?;
    let party = Party::named(&party).ok_or(Error::NotFound)?;
    let handed = app.agreements.hand_out(caller.by(), id, party).await?;
    let disposition = format!("attachment; filename=\"{}\"", handed.file_name);
    let disposition = HeaderValue::from_str(&disposition).map_err(|_| Error::NotFound)?;
    let media_type = HeaderValue::from_str(&handed.media_type).map_err(|_| Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, handed.bytes).into_response())
}

pub(super) async fn shown(app: &App, row: ListedRow) -> Result<SignedAgreement, Error> {
    let agreement = row.agreement;
    let originals = app.agreements.originals(&agreement.id).await?;
    Ok(SignedAgreement {
        id: id("an agreement", &agreement.id)?,
        identity: app.agreements.masked(&agreement)?,
        originals: originals.into_iter().map(Original::from).collect(),
        replaced: agreement.replaced_by.is_some(),
        number: agreement.number,
        kind: agreement.kind,
        version: agreement.text_version,
        sha256: agreement.text_sha256,
        signed_at: agreement.signed_ms,
        ended_at: agreement.ended_ms,
        ended_why: agreement.ended_why,
    })
}

impl From<crate::store::original::OriginalRow> for Original {
    fn from(row: crate::store::original::OriginalRow) -> Self {
        Self {
            party: row.party.unwrap_or_default(),
            media_type: row.media_type,
            bytes: row.bytes,
            sha256: row.sha256,
        }
    }
}

impl From<agreement::Error> for Error {
    fn from(error: agreement::Error) -> Self {
        match error {
            agreement::Error::Refused(refusal) => Self::Refused(refusal),
            agreement::Error::Field(field) => Self::Field(field),
            agreement::Error::NotFound => Self::NotFound,
            agreement::Error::SignedAlready => Self::Conflict(
                "现行版本的保密协议已签署。",
                "The text in force is signed already.",
            ),
            agreement::Error::EndedAlready => {
                Self::Conflict("该协议已终止。", "The agreement has ended already.")
            }
            agreement::Error::Confirm(error) => Self::of_signature(error),
            agreement::Error::Pdf(cause) => Self::NoFont(cause),
            agreement::Error::Trail(cause) => Self::TrailUnavailable(cause),
            failed => Self::Failed(Box::new(failed)),
        }
    }
}
