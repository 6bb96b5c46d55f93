//! Screen: a timetable, previewed and then taken over as a whole (R74).

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Json as Body;
use super::staff_import::{LineProblem, SHOWN_MAX, bytes};
use crate::campus::calendar::{self, date_text};
use crate::campus::term::{Period, Term};
use crate::schedule::conflict::Conflict;
use crate::schedule::import::{Preview, Upload};
use crate::schedule::plan::{Series, Taken};
use crate::schedule::table::TEMPLATE;
use crate::store::campus::LessonRow;
use crate::store::schedule::ExtentRow;

/// The terms there are, and the periods of the day.
#[derive(Serialize, ToSchema)]
pub struct Timetable {
    /// The latest first.
    pub terms: Vec<TermLine>,
    /// By number.
    pub periods: Vec<PeriodLine>,
}

/// A term.
#[derive(Serialize, ToSchema)]
pub struct TermLine {
    /// UUID.
    pub id: Uuid,
    /// Such as `2026-2027-1`.
    pub key: String,
    /// The Monday of week 1.
    pub first_day: String,
    /// How many weeks.
    pub weeks: i64,
    /// How many lessons it has.
    pub lessons: i64,
    /// The last day with one.
    pub last_day: Option<String>,
    /// Whether it is running today.
    pub current: bool,
}

/// A period of the day.
#[derive(Serialize, ToSchema)]
pub struct PeriodLine {
    /// Its number.
    pub number: i64,
    /// `hh:mm`.
    pub from: String,
    /// `hh:mm`.
    pub to: String,
}

/// A timetable.
#[derive(Deserialize, ToSchema)]
pub struct TimetableFile {
    /// An xlsx, csv or json file of 4 MB at most, base64.
    pub file: String,
    /// Whether it names every lesson of the term, so that others are no more.
    pub whole: bool,
    /// Of which term.
    pub term: Uuid,
}

/// A timetable that was previewed.
#[derive(Deserialize, ToSchema)]
pub struct TimetableImport {
    /// The same file, base64.
    pub file: String,
    /// As previewed.
    pub whole: bool,
    /// As previewed.
    pub term: Uuid,
    /// What the preview is named.
    pub hash: String,
}

/// What a timetable would change.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimetablePreview {
    /// Names exactly this file and what it was compared with.
    pub hash: String,
    /// How many lessons of each kind.
    pub counts: LessonCounts,
    /// Lessons that stay as they are.
    pub unchanged: usize,
    /// Lessons of the file that are over, or today's: they stay as they were.
    pub past: usize,
    /// In the order of the file, 500 at most.
    pub series: Vec<SeriesLine>,
    /// How many there are in all.
    pub series_count: usize,
    /// Who or what would be in two places, 500 at most; nothing is stopped by it.
    pub conflicts: Vec<ConflictLine>,
    /// How many there are in all.
    pub conflict_count: usize,
    /// By line, 500 at most; while there is one, nothing can be imported.
    pub problems: Vec<LineProblem>,
    /// How many there are in all.
    pub problem_count: usize,
    /// What is odd, by line, 500 at most; nothing is stopped by it.
    pub notices: Vec<LineProblem>,
    /// How many there are in all.
    pub notice_count: usize,
}

/// Lessons by what becomes of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct LessonCounts {
    /// New.
    pub added: usize,
    /// Other rooms, teachers, times or classes.
    pub changed: usize,
    /// No more.
    pub removed: usize,
}

/// The same change on several days.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeriesLine {
    /// `add`, `change` or `remove`.
    pub kind: &'static str,
    /// The line; 0 where none names it.
    pub line: usize,
    /// On how many days.
    pub days: usize,
    /// The first of them.
    pub first: String,
    /// The last of them.
    pub last: String,
    /// As it is.
    pub before: Option<LessonShape>,
    /// As it will be.
    pub after: Option<LessonShape>,
}

/// What a lesson is, whatever its day.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LessonShape {
    /// The course.
    pub course: String,
    /// One or more (合班).
    pub class_groups: Vec<String>,
    /// The teacher.
    pub teacher: String,
    /// The room.
    pub room: String,
    /// 1 is 星期一.
    pub weekday: i64,
    /// The first period.
    pub period_from: i64,
    /// The last.
    pub period_to: i64,
    /// 应到.
    pub due: i64,
}

/// Two lines that meet.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConflictLine {
    /// `room`, `teacher` or `class_group`.
    pub kind: &'static str,
    /// Its name.
    pub of: String,
    /// The lines; 0 is a lesson that is there already.
    pub lines: [usize; 2],
    /// The courses.
    pub courses: [String; 2],
    /// 1 is 星期一.
    pub weekday: i64,
    /// The first period that both hold.
    pub period_from: i64,
    /// The last.
    pub period_to: i64,
    /// On how many days.
    pub days: usize,
    /// The first of them.
    pub first: String,
}

/// The terms, the periods of the day, and how far each timetable reaches.
///
/// # Errors
/// 403 for whoever does not keep the timetable.
#[utoipa::path(get, path = "/api/timetable", tag = "timetable",
    responses((status = 200, body = Timetable), (status = 403, body = ErrorBody)))]
pub async fn terms(State(app): State<App>, caller: Caller) -> Result<Json<Timetable>, Error> {
    let (terms, periods, extents) = app.schedule.terms().await?;
    let today = calendar::day(caller.by().now_ms);
    let of: HashMap<_, _> = extents.iter().map(|one| (&*one.term_id, one)).collect();
    Ok(Json(Timetable {
        terms: terms
            .iter()
            .map(|term| term_line(term, &of, today))
            .collect(),
        periods: periods.iter().map(period_line).collect(),
    }))
}

/// A timetable to fill in.
///
/// # Errors
/// 403 for whoever does not keep the timetable.
#[utoipa::path(get, path = "/api/timetable/template", tag = "timetable", responses(
    (status = 200, content_type = "text/csv", body = String), (status = 403, body = ErrorBody)))]
pub async fn template() -> Response {
    let named = "attachment; filename=\"timetable.csv\"; filename*=UTF-8''%E8%AF%BE%E8%A1%A8.csv";
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, named),
    ];
    (headers, TEMPLATE).into_response()
}

/// What a timetable would change; nothing is written.
///
/// # Errors
/// 403 for whoever does not keep the timetable, 404 when there is no such term, 422 when the file
/// is no timetable.
#[utoipa::path(post, path = "/api/timetable/preview", tag = "timetable",
    request_body = TimetableFile, responses((status = 200, body = TimetablePreview),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn preview(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<TimetableFile>,
) -> Result<Json<TimetablePreview>, Error> {
    let upload = Upload {
        file: bytes(&form.file)?,
        whole: form.whole,
        term: form.term,
    };
    Ok(Json(shown(
        app.schedule.preview(caller.by(), upload).await?,
    )))
}

/// Takes over exactly what was previewed: all of it, or nothing.
///
/// # Errors
/// 403 for whoever does not keep the timetable, 404 when there is no such term, 409 when the file
/// or what it was compared with changed, 422 while there are problems.
#[utoipa::path(post, path = "/api/timetable/import", tag = "timetable",
    request_body = TimetableImport, responses((status = 200, body = LessonCounts),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn import(
    State(app): State<App>,
    caller: Caller,
    Body(form): Body<TimetableImport>,
) -> Result<Json<LessonCounts>, Error> {
    let upload = Upload {
        file: bytes(&form.file)?,
        whole: form.whole,
        term: form.term,
    };
    let taken = app.schedule.import(caller.by(), upload, &form.hash).await?;
    Ok(Json(taken.into()))
}

fn term_line(term: &Term, extents: &HashMap<&str, &ExtentRow>, today: i64) -> TermLine {
    let extent = extents.get(&*term.id.to_string());
    let (first, end) = term.days();
    TermLine {
        id: term.id,
        key: term.key(),
        first_day: date_text(first),
        weeks: term.weeks,
        lessons: extent.map_or(0, |one| one.lessons),
        last_day: extent.map(|one| date_text(one.last_day)),
        current: (first..end).contains(&today),
    }
}

fn period_line(period: &Period) -> PeriodLine {
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    PeriodLine {
        number: period.number,
        from: clock(period.start_minute),
        to: clock(period.end_minute),
    }
}

fn shown(preview: Preview) -> TimetablePreview {
    let Preview { plan, school } = preview;
    let rooms = school
        .rooms
        .iter()
        .map(|room| (&*room.id, &*room.name))
        .collect();
    let series = plan.series();
    let lines = |all: Vec<crate::sheet::Problem>| {
        let all = all.into_iter().take(SHOWN_MAX);
        all.map(LineProblem::from).collect()
    };
    TimetablePreview {
        counts: plan.counts().into(),
        unchanged: plan.unchanged,
        past: plan.past,
        series_count: series.len(),
        series: series
            .into_iter()
            .take(SHOWN_MAX)
            .map(|one| series_line(one, &rooms))
            .collect(),
        conflict_count: plan.conflicts.len(),
        conflicts: plan
            .conflicts
            .into_iter()
            .take(SHOWN_MAX)
            .map(|one| conflict_line(one, &rooms))
            .collect(),
        problem_count: plan.problems.len(),
        problems: lines(plan.problems),
        notice_count: plan.notices.len(),
        notices: lines(plan.notices),
        hash: plan.hash,
    }
}

fn series_line(series: Series, rooms: &HashMap<&str, &str>) -> SeriesLine {
    let Series { step, days, span } = series;
    let shape = |row: &LessonRow| LessonShape {
        course: row.course.clone(),
        class_groups: row.class_groups.lines().map(str::to_owned).collect(),
        teacher: row.teacher.clone(),
        room: rooms
            .get(&*row.classroom_id)
            .copied()
            .unwrap_or_default()
            .to_owned(),
        weekday: calendar::weekday(row.day),
        period_from: row.period_from,
        period_to: row.period_to,
        due: row.due_count,
    };
    SeriesLine {
        kind: step.kind().word(),
        line: step.line,
        days,
        first: date_text(span.0),
        last: date_text(span.1),
        before: step.before.as_ref().map(shape),
        after: step.after.as_ref().map(shape),
    }
}

fn conflict_line(conflict: Conflict, rooms: &HashMap<&str, &str>) -> ConflictLine {
    let name = rooms.get(&*conflict.of).map(|name| (*name).to_owned());
    ConflictLine {
        kind: conflict.kind.word(),
        of: name.unwrap_or(conflict.of),
        lines: [conflict.lines.0, conflict.lines.1],
        courses: [conflict.courses.0, conflict.courses.1],
        weekday: conflict.weekday,
        period_from: conflict.periods.0,
        period_to: conflict.periods.1,
        days: conflict.days,
        first: date_text(conflict.first),
    }
}

impl From<Taken> for LessonCounts {
    fn from(taken: Taken) -> Self {
        Self {
            added: taken.added,
            changed: taken.changed,
            removed: taken.removed,
        }
    }
}
