//! Screen: the audit trail (第五条第3项 “定期检查系统日志”; K6).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Query;
use crate::store::trail::Line;

const LINES: i64 = 50;
const LINES_MAX: i64 = 500;

/// Which lines.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// Only those before this number.
    before: Option<i64>,
    /// How many, 500 at most.
    limit: Option<i64>,
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

/// Lines of the audit trail.
///
/// # Errors
/// 403 for whoever does not inspect it.
#[utoipa::path(get, path = "/api/audit", tag = "audit",
    params(("before" = Option<i64>, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = AuditPage), (status = 403, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<AuditPage>, Error> {
    let limit = page.limit.unwrap_or(LINES).clamp(1, LINES_MAX);
    let lines = app
        .trail
        .before(page.before.unwrap_or(i64::MAX), limit)
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
