//! Screen: one room's numbers over time, for those who maintain its box (R64).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use xunke_policy::history::{Metric, Rollup, Span};
use xunke_policy::patrol::FieldError;
use xunke_protocol::id::ClassroomId;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Query};
use crate::device::registry;
use crate::store::history as rows;

/// How much of the past.
#[derive(Debug, Deserialize)]
pub struct Which {
    /// `day`, `week` or `month`.
    #[serde(default)]
    pub span: String,
}

/// The numbers of a room's box over time, in even steps.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// The box in use; empty where there is none.
    pub device: String,
    /// Length of a step, milliseconds.
    pub step_ms: i64,
    /// The beginnings of the steps, the last being the one that runs.
    pub times: Vec<i64>,
    /// One for each number.
    pub series: Vec<Series>,
}

/// A number over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Series {
    /// Such as `rtt_ms`, with its unit.
    pub name: &'static str,
    /// Its mean in each step; null where the box said nothing.
    pub mean: Vec<Option<f64>>,
    /// Its worst, which is its greatest.
    pub worst: Vec<Option<f64>>,
}

const SPAN: FieldError = FieldError {
    field: "span",
    zh: "时间范围只能是 day、week 或 month。",
    en: "The span is day, week or month.",
};

/// The numbers of a room's box over 24 hours, 7 days or 30 days.
///
/// # Errors
/// 403 for whoever does not maintain boxes, 422 for another span.
#[utoipa::path(get, path = "/api/rooms/{id}/health/history", tag = "health",
    params(("id" = uuid::Uuid, Path), ("span" = String, Query, description = "`day`, `week` or \
        `month`")),
    responses((status = 200, body = History), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn history(
    State(app): State<App>,
    caller: Caller,
    Id(room): Id,
    which: Query<Which>,
) -> Result<Json<History>, Error> {
    let span = Span::named(&which.0.span).ok_or(Error::Field(SPAN))?;
    let times = span.steps(caller.now_ms);
    let device = registry::in_room(&app.db, ClassroomId(room)).await?;
    let device = device
        .map(|device| device.id.to_string())
        .unwrap_or_default();
    let from_ms = times.first().copied().unwrap_or(caller.now_ms);
    let steps = rows::steps(&app.db, &device, span.step_ms(), from_ms).await?;
    Ok(Json(History {
        series: Metric::ALL.map(|one| series(one, &times, &steps)).into(),
        device,
        step_ms: span.step_ms(),
        times,
    }))
}

fn series(metric: Metric, times: &[i64], steps: &[(i64, Rollup)]) -> Series {
    let shown = |time: &i64| {
        let at = steps.binary_search_by_key(time, |(from_ms, _)| *from_ms);
        at.ok().and_then(|at| steps[at].1.shown(metric))
    };
    let (mean, worst) = times.iter().map(|time| shown(time).unzip()).unzip();
    Series {
        name: metric.name(),
        mean,
        worst,
    }
}
