//! Screen: who watched the teacher's own lessons, once they are over (K2, Q19).

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use crate::store::view::{self, WatchedRow};

const VIEWS_MAX: i64 = 500;

/// Who watched the teacher's own lessons.
#[derive(Debug, Serialize, ToSchema)]
pub struct Watchers {
    /// The latest first, 500 at most.
    pub views: Vec<Watcher>,
}

/// Somebody who watched a lesson.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Watcher {
    /// The view.
    pub id: String,
    /// The supervisor's name.
    pub supervisor: String,
    /// `live` or `playback`.
    pub kind: String,
    /// As it stands in the trail, such as `plan`.
    pub purpose: String,
    /// From.
    pub from: i64,
    /// To; none while a playback lasts.
    pub to: Option<i64>,
    /// The course.
    pub course: String,
    /// The room.
    pub room: String,
    /// Begin of the lesson.
    pub lesson_start: i64,
    /// End of the lesson.
    pub lesson_end: i64,
}

/// Who watched the caller's own lessons, once they are over.
///
/// # Errors
/// 403 for whoever does not teach.
#[utoipa::path(get, path = "/api/watchers", tag = "watchers",
    responses((status = 200, body = Watchers), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Watchers>, Error> {
    let teacher = caller.session.person.id.to_string();
    let rows = view::of_teacher(&app.db, &teacher, caller.now_ms, VIEWS_MAX).await?;
    Ok(Json(Watchers {
        views: rows.into_iter().map(Watcher::from).collect(),
    }))
}

impl From<WatchedRow> for Watcher {
    /// A live view that runs on into another teacher's lesson is cut at the end of this one.
    fn from(row: WatchedRow) -> Self {
        let live = row.kind == "live";
        let end_ms = row.closed_ms.unwrap_or(row.end_ms).min(row.end_ms);
        Self {
            id: row.view_id,
            supervisor: row.person,
            kind: row.kind,
            purpose: row.purpose,
            from: if live {
                row.opened_ms.max(row.start_ms)
            } else {
                row.opened_ms
            },
            to: if live { Some(end_ms) } else { row.closed_ms },
            course: row.course,
            room: row.room,
            lesson_start: row.start_ms,
            lesson_end: row.end_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(kind: &str, opened_ms: i64, closed_ms: Option<i64>) -> (i64, Option<i64>) {
        let watcher = Watcher::from(WatchedRow {
            view_id: "v".into(),
            kind: kind.into(),
            person: "王建国".into(),
            purpose: "plan".into(),
            opened_ms,
            closed_ms,
            course: "数学".into(),
            room: "博学楼101".into(),
            start_ms: 1000,
            end_ms: 2000,
        });
        (watcher.from, watcher.to)
    }

    /// K2: of a live view, the part that lies in the own lesson; of a playback, all.
    #[test]
    fn a_live_view_is_cut_to_the_lesson() {
        assert_eq!(shown("live", 1200, Some(1300)), (1200, Some(1300)));
        assert_eq!(shown("live", 900, Some(2100)), (1000, Some(2000)));
        assert_eq!(shown("live", 1900, None), (1900, Some(2000)));
        assert_eq!(shown("playback", 9000, Some(9100)), (9000, Some(9100)));
        assert_eq!(shown("playback", 9000, None), (9000, None));
    }
}
