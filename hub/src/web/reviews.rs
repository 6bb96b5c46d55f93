//! Screen: 学期复核, the permissions of the term, each kept or taken back (R26).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body};
use super::names::PersonName;
use crate::access::grant::review::{Line, Review, Stand};
use crate::campus::id;
use crate::store::review::ReviewRow;

/// The review of the term, and those before.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewPage {
    /// When it is due; none before the first term.
    pub due: Option<ReviewDue>,
    /// The permissions of the term, by staff number; 5000 at most.
    pub lines: Vec<ReviewLine>,
    /// Signed reviews, the latest first; 100 at most.
    pub signed: Vec<SignedReview>,
}

/// Where the review of the term stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewDue {
    /// Such as `2026-2027`.
    pub school_year: String,
    /// Number of the term in it.
    pub term: i64,
    /// From when on it is late.
    pub due_at: i64,
    /// Whether it is late.
    pub overdue: bool,
    /// Permissions nobody has said anything about.
    pub open: usize,
    /// Permissions that stay.
    pub kept: usize,
    /// Permissions that were taken back.
    pub revoked: usize,
    /// Permissions that were over by themselves.
    pub ended: usize,
    /// Number of the signed review.
    pub signed: Option<String>,
}

/// A permission of the term.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewLine {
    /// Id of the grant.
    pub id: Uuid,
    /// Who holds it.
    pub person: PersonName,
    /// The number of the level.
    pub level: i64,
    /// The name of the unit, where the level reaches one unit only.
    pub unit: Option<String>,
    /// Whether classes with minors are included.
    pub minors: bool,
    /// Such as `SQ-00001`.
    pub application: String,
    /// Who opened it.
    pub opener: String,
    /// In force from.
    pub from: i64,
    /// In force until.
    pub until: Option<i64>,
    /// When it was last used.
    pub used_at: Option<i64>,
    /// `open`, `kept`, `revoked`, `ended` or `later`.
    pub stand: &'static str,
    /// Who said that it stays.
    pub reviewer: Option<String>,
    /// When.
    pub reviewed_at: Option<i64>,
    /// Why it was taken back.
    pub revoked_why: Option<String>,
    /// Whether it is the reader's own: somebody else reviews it.
    pub own: bool,
}

/// A signed review.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedReview {
    /// Such as `FH-00001`.
    pub number: String,
    /// Such as `2026-2027`.
    pub school_year: String,
    /// Number of the term in it.
    pub term: i64,
    /// Who signed.
    pub reviewer: String,
    /// Permissions that stayed.
    pub kept: i64,
    /// Permissions that were taken back.
    pub revoked: i64,
    /// Permissions that were over by themselves.
    pub ended: i64,
    /// When it was signed.
    pub signed_at: i64,
}

/// The signature of a review.
#[derive(Deserialize, ToSchema)]
pub struct ReviewForm {
    /// 密码, once more.
    pub password: String,
    /// 动态验证码, once more.
    pub totp: String,
}

/// The number of what was signed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewNumber {
    /// Such as `FH-00001`.
    pub number: String,
}

/// The review of the term.
///
/// # Errors
/// 403 for whoever does not read the ledger.
#[utoipa::path(get, path = "/api/review", tag = "grants", responses(
    (status = 200, body = ReviewPage), (status = 403, body = ErrorBody)))]
pub async fn review(State(app): State<App>, caller: Caller) -> Result<Json<ReviewPage>, Error> {
    let reader = caller.session.person.id;
    let review = app.grants.review(reader, caller.now_ms).await?;
    let due = review.as_ref().map(ReviewDue::from);
    let lines = review.map(|review| review.lines).unwrap_or_default();
    let lines = lines.into_iter().map(ReviewLine::try_from);
    let signed = app.grants.reviews().await?.into_iter();
    Ok(Json(ReviewPage {
        due,
        lines: lines.collect::<Result<_, Error>>()?,
        signed: signed.map(SignedReview::from).collect(),
    }))
}

/// Says that a permission stays.
///
/// # Errors
/// 403 with the article, 404 when it is none of this term, 409 when it is decided.
#[utoipa::path(post, path = "/api/grants/{id}/review", tag = "grants",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn keep(State(app): State<App>, caller: Caller, Id(id): Id) -> Result<StatusCode, Error> {
    app.grants.keep(caller.by(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs the review of the term with password and one-time code.
///
/// # Errors
/// 403 with the article while something is open, 409 when it is signed, 429 after too many tries.
#[utoipa::path(post, path = "/api/review", tag = "grants", request_body = ReviewForm,
    responses((status = 201, body = ReviewNumber), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody),
        (status = 429, body = ErrorBody)))]
pub async fn sign(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<ReviewForm>,
) -> Result<(StatusCode, Json<ReviewNumber>), Error> {
    let typed = (Zeroizing::new(form.password), form.totp);
    let by = caller.by();
    app.grants.check_review(by).await?;
    let confirmed = app.desk.confirm(by.session, typed, by.origin, by.now_ms);
    confirmed.await.map_err(Error::of_signature)?;
    let number = app.grants.sign_review(by).await?;
    Ok((StatusCode::CREATED, Json(ReviewNumber { number })))
}

impl From<&Review> for ReviewDue {
    fn from(review: &Review) -> Self {
        Self {
            school_year: review.term.school_year.clone(),
            term: review.term.number,
            due_at: review.due_ms,
            overdue: review.overdue,
            open: review.count(Stand::Open),
            kept: review.count(Stand::Kept),
            revoked: review.count(Stand::Revoked),
            ended: review.count(Stand::Ended),
            signed: review.signed.as_ref().map(|signed| signed.number.clone()),
        }
    }
}

impl TryFrom<Line> for ReviewLine {
    type Error = Error;

    fn try_from(line: Line) -> Result<Self, Error> {
        let row = line.row;
        Ok(Self {
            id: id("a grant", &row.id)?,
            person: PersonName {
                id: id("a person", &row.person_id)?,
                name: row.person,
                staff_number: row.staff_number,
            },
            level: row.level,
            unit: row.unit,
            minors: row.minors > 0,
            application: row.application,
            opener: row.opener,
            from: row.from_ms,
            until: row.until_ms,
            used_at: line.used_ms,
            stand: line.stand.word(),
            reviewer: row.reviewer,
            reviewed_at: row.reviewed_ms,
            revoked_why: row.revoked_why,
            own: line.own,
        })
    }
}

impl From<ReviewRow> for SignedReview {
    fn from(row: ReviewRow) -> Self {
        Self {
            number: row.number,
            school_year: row.school_year,
            term: row.term,
            reviewer: row.reviewer,
            kept: row.kept,
            revoked: row.revoked,
            ended: row.ended,
            signed_at: row.signed_ms,
        }
    }
}
