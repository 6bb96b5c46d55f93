//! Screen: agreements as Academic Affairs keeps them: who must sign, papers, texts, ends (R34–R40).

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::App;
use super::agreement::{AgreementStanding, AgreementText, FiledAgreement, SignedAgreement, shown};
use super::applications::ReasonForm;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::PersonName;
use crate::access::agreement::register::{Paper, Signer};
use crate::access::agreement::text::Wording;
use crate::access::document;
use crate::campus::id;
use crate::store::agreement::ListedRow;

/// The register.
#[derive(Debug, Serialize, ToSchema)]
pub struct Agreements {
    /// Everybody who takes part and so must have signed, by staff number.
    pub signers: Vec<AgreementSigner>,
    /// Every agreement, those that last first; 500 at most. No identity number stands here.
    pub agreements: Vec<AgreementLine>,
    /// The version in force.
    pub version: String,
}

/// Somebody who must have signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementSigner {
    /// Who.
    pub person: PersonName,
    /// The name of their teaching unit.
    pub unit: Option<String>,
    /// Where they stand.
    pub standing: AgreementStanding,
    /// The number of what they signed last.
    pub number: Option<String>,
    /// On which text.
    pub version: Option<String>,
}

/// An agreement in the register.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementLine {
    /// Id.
    pub id: Uuid,
    /// Such as `BM-00001`.
    pub number: String,
    /// Who signed.
    pub person: PersonName,
    /// `electronic` or `paper`.
    pub kind: String,
    /// On which text.
    pub version: String,
    /// When it was signed.
    pub signed_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// Whether a newer one took its place.
    pub replaced: bool,
}

/// One agreement, with all that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementDetail {
    /// Who signed.
    pub person: PersonName,
    /// What was signed.
    pub agreement: SignedAgreement,
    /// From where it was signed.
    pub address: Option<String>,
    /// For how long it was read.
    pub reading_seconds: Option<i64>,
    /// 负责人 of 甲方.
    pub representative: String,
    /// When 甲方 signed.
    pub school_signed_at: Option<i64>,
    /// 用章说明.
    pub seal_note: String,
    /// Who ended it.
    pub ender: Option<String>,
}

/// 身份证号 in full.
#[derive(Serialize, ToSchema)]
pub struct IdentityNumber {
    /// Eighteen characters.
    pub identity_number: String,
}

/// Versions of the text.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementTexts {
    /// The newest first.
    pub texts: Vec<AgreementText>,
}

/// A text to be published.
#[derive(Debug, Deserialize, ToSchema)]
pub struct TextForm {
    /// The whole text.
    pub text: String,
    /// From when.
    pub in_force: i64,
    /// For how long an agreement on the text before still counts.
    pub grace_days: i64,
    /// 负责人 of 甲方.
    pub representative: String,
    /// 用章说明; may be empty.
    pub seal_note: String,
}

/// What was published.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublishedText {
    /// Such as `2`.
    pub version: String,
}

/// A scan that is kept until its agreement is entered.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptScan {
    /// To be sent with the paper.
    pub id: Uuid,
    /// SHA-256, hex.
    pub sha256: String,
}

/// A paper agreement.
#[derive(Deserialize, ToSchema)]
pub struct PaperForm {
    /// 乙方.
    pub person: Uuid,
    /// The version of the text.
    pub version: String,
    /// When 乙方 signed.
    pub signed: i64,
    /// 负责人 of 甲方.
    pub representative: String,
    /// When 甲方 signed.
    pub school_signed: i64,
    /// 用章说明; may be empty.
    pub seal_note: String,
    /// 身份证号; may be left out.
    pub identity_number: Option<String>,
    /// The scan of 甲方's original.
    pub school_scan: Uuid,
    /// The scan of 乙方's original.
    pub person_scan: Uuid,
}

/// The register.
///
/// # Errors
/// 403 for whoever does not keep it.
#[utoipa::path(get, path = "/api/agreements", tag = "agreement", responses(
    (status = 200, body = Agreements), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Agreements>, Error> {
    let now_ms = caller.now_ms;
    let signers = app.agreements.signers(now_ms).await?.into_iter();
    let agreements = app.agreements.register().await?.into_iter();
    Ok(Json(Agreements {
        signers: signers
            .map(|signer| signer_line(signer, now_ms))
            .collect::<Result<_, Error>>()?,
        agreements: agreements.map(line).collect::<Result<_, Error>>()?,
        version: app.agreements.text(now_ms).await?.version,
    }))
}

/// One agreement.
///
/// # Errors
/// 404 when there is none.
#[utoipa::path(get, path = "/api/agreements/{id}", tag = "agreement",
    params(("id" = Uuid, Path)), responses((status = 200, body = AgreementDetail),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn one(
    State(app): State<App>,
    _caller: Caller,
    Id(id): Id,
) -> Result<Json<AgreementDetail>, Error> {
    let row = app.agreements.one(id).await?;
    Ok(Json(AgreementDetail {
        person: person(&row)?,
        address: row.agreement.address.clone(),
        reading_seconds: row.agreement.reading_seconds,
        representative: row.agreement.representative.clone(),
        school_signed_at: row.agreement.school_signed_ms,
        seal_note: row.agreement.seal_note.clone(),
        ender: row.ender.clone(),
        agreement: shown(&app, row).await?,
    }))
}

/// 身份证号 in full; the reason stands in the trail.
///
/// # Errors
/// 404 when none is kept, 422 without a reason.
#[utoipa::path(post, path = "/api/agreements/{id}/identity", tag = "agreement",
    params(("id" = Uuid, Path)), request_body = ReasonForm,
    responses((status = 200, body = IdentityNumber), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn identity(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<Json<IdentityNumber>, Error> {
    let number = app
        .agreements
        .identity_number(caller.by(), id, &form.reason)
        .await?;
    Ok(Json(IdentityNumber {
        identity_number: number.to_string(),
    }))
}

/// Ends an agreement: the duty is over, secrecy continues.
///
/// # Errors
/// 404 when there is none, 409 when it has ended, 422 without a reason.
#[utoipa::path(post, path = "/api/agreements/{id}/end", tag = "agreement",
    params(("id" = Uuid, Path)), request_body = ReasonForm,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn end(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
    Body(form): Body<ReasonForm>,
) -> Result<StatusCode, Error> {
    app.agreements.end(caller.by(), id, &form.reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a scan until its agreement is entered: a PDF, JPEG or PNG of 8 MiB at most.
///
/// # Errors
/// 413 when it is too large, 422 when it is of another kind or cut off.
#[utoipa::path(post, path = "/api/agreements/scans", tag = "agreement",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = KeptScan), (status = 403, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn keep_scan(
    State(app): State<App>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<KeptScan>), Error> {
    let bytes = body.map_err(|rejection| Error::of_body(&rejection, document::BYTES_MAX))?;
    let (id, sha256) = app.agreements.keep_scan(caller.by(), &bytes).await?;
    Ok((StatusCode::CREATED, Json(KeptScan { id, sha256 })))
}

/// Enters an agreement that was signed on paper.
///
/// # Errors
/// 404 for nobody, 422 naming the field.
#[utoipa::path(post, path = "/api/agreements/paper", tag = "agreement", request_body = PaperForm,
    responses((status = 201, body = FiledAgreement), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn enter_paper(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<PaperForm>,
) -> Result<(StatusCode, Json<FiledAgreement>), Error> {
    let paper = Paper {
        person: form.person,
        version: form.version,
        signed_ms: form.signed,
        representative: form.representative,
        school_signed_ms: form.school_signed,
        seal_note: form.seal_note,
        identity_number: Zeroizing::new(form.identity_number.unwrap_or_default()),
        school_scan: form.school_scan,
        person_scan: form.person_scan,
    };
    let number = app.agreements.enter_paper(caller.by(), paper).await?;
    Ok((StatusCode::CREATED, Json(FiledAgreement { number })))
}

/// Every version of the text.
///
/// # Errors
/// 403 for whoever does not keep them.
#[utoipa::path(get, path = "/api/agreements/texts", tag = "agreement", responses(
    (status = 200, body = AgreementTexts), (status = 403, body = ErrorBody)))]
pub async fn texts(State(app): State<App>) -> Result<Json<AgreementTexts>, Error> {
    let texts = app.agreements.texts().await?.into_iter();
    Ok(Json(AgreementTexts {
        texts: texts.map(AgreementText::from).collect(),
    }))
}

/// Publishes a new text; whoever signed the one before signs again.
///
/// # Errors
/// 422 naming the field, 503 when originals cannot be made.
#[utoipa::path(post, path = "/api/agreements/texts", tag = "agreement", request_body = TextForm,
    responses((status = 201, body = PublishedText), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub async fn publish(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<TextForm>,
) -> Result<(StatusCode, Json<PublishedText>), Error> {
    let wording = Wording {
        text: form.text,
        in_force_ms: form.in_force,
        grace_days: form.grace_days,
        representative: form.representative,
        seal_note: form.seal_note,
    };
    let version = app.agreements.publish(caller.by(), wording).await?;
    Ok((StatusCode::CREATED, Json(PublishedText { version })))
}

fn signer_line(signer: Signer, now_ms: i64) -> Result<AgreementSigner, Error> {
    let row = signer.row;
    Ok(AgreementSigner {
        person: PersonName {
            id: id("a person", &row.id)?,
            name: row.name,
            staff_number: row.staff_number,
        },
        unit: row.unit,
        standing: AgreementStanding::new(signer.agreement, now_ms),
        number: row.number,
        version: row.text_version,
    })
}

fn line(row: ListedRow) -> Result<AgreementLine, Error> {
    Ok(AgreementLine {
        person: person(&row)?,
        id: id("an agreement", &row.agreement.id)?,
        replaced: row.agreement.replaced_by.is_some(),
        number: row.agreement.number,
        kind: row.agreement.kind,
        version: row.agreement.text_version,
        signed_at: row.agreement.signed_ms,
        ended_at: row.agreement.ended_ms,
    })
}

fn person(row: &ListedRow) -> Result<PersonName, Error> {
    Ok(PersonName {
        id: id("a person", &row.agreement.person_id)?,
        name: row.person.clone(),
        staff_number: row.staff_number.clone(),
    })
}
