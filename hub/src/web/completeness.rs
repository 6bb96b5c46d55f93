//! Screen: how complete the recordings are, in numbers, and where each second went (K14). Times and
//! reasons, never a picture, a name or a course.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State as Shared;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::patrol::FieldError;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::recording::GapReason;
use xunke_protocol::timetable::Window;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Query};
use super::names::{RoomName, UnitName};
use super::recordings;
use crate::campus::{self, calendar, classroom, id};
use crate::recording::completeness::{self, NO_SOURCE, RoomLedger, of_room, sums};
use crate::recording::ledger::{Span, State, Sums};
use crate::store::campus::{TermRow, terms};
use crate::store::ledger::{DayRow, between};

/// Which term.
#[derive(Debug, Deserialize)]
pub struct Which {
    /// Its id; the one that is on, or else the latest that has begun, if left out.
    term: Option<Uuid>,
}

/// Which day.
#[derive(Debug, Deserialize)]
pub struct OnDay {
    /// Such as `2026-11-22`; today if left out.
    date: Option<String>,
}

/// How complete the recordings of a term are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Completeness {
    /// Which term; null before the first.
    pub term: Option<TermName>,
    /// All there are, the latest first.
    pub terms: Vec<TermName>,
    /// All rooms together.
    pub campus: AmountView,
    /// The worst first.
    pub rooms: Vec<RoomCompleteness>,
}

/// A term.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TermName {
    /// Id.
    pub id: Uuid,
    /// Such as `2026-2027`.
    pub school_year: String,
    /// 1, 2 or 3.
    pub number: i64,
}

/// How complete the recordings of a room are.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomCompleteness {
    /// The room.
    pub room: RoomName,
    /// Its building.
    pub building: String,
    /// Its unit.
    pub unit: UnitName,
    /// All its sources together.
    pub amount: AmountView,
    /// Each.
    pub sources: Vec<SourceAmount>,
}

/// How complete the recordings of a source are.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceAmount {
    /// Such as `cam0`; empty where no source is known.
    pub source: String,
    /// What there is of it.
    pub amount: AmountView,
}

/// Seconds of what was to be recorded and is over.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Amount)]
pub struct AmountView {
    /// Hundredths of a percent that are kept or were until their time was over; null when nothing
    /// was to be recorded.
    pub completeness: Option<i64>,
    /// To be recorded, and over.
    pub due_seconds: i64,
    /// In the library.
    pub stored_seconds: i64,
    /// In the box, on its way.
    pub waiting_seconds: i64,
    /// Destroyed on schedule.
    pub destroyed_seconds: i64,
    /// Missing, by reason: `power`, `camera`, `network`, `disk`, `policy`, `evicted`; only those
    /// that there are.
    pub missing_seconds: HashMap<&'static str, i64>,
    /// Nobody knows.
    pub unexplained_seconds: i64,
}

/// Where each second of a stretch went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaptureLedger)]
pub struct LedgerView {
    /// From.
    pub start: i64,
    /// To.
    pub end: i64,
    /// When the room's boxes reported last; what they hold is as of then. Null: never.
    pub as_of: Option<i64>,
    /// By source.
    pub sources: Vec<SourceLedger>,
}

/// Where each second of a source went.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceLedger {
    /// Such as `cam0`; empty where no source is known.
    pub source: String,
    /// What it amounts to.
    pub amount: AmountView,
    /// By time; what lies between was not to be recorded.
    pub spans: Vec<CaptureSpan>,
}

/// A stretch in one state.
#[derive(Debug, Serialize, ToSchema)]
pub struct CaptureSpan {
    /// From.
    pub start: i64,
    /// To.
    pub end: i64,
    /// `stored`, `waiting`, `power`, `camera`, `network`, `disk`, `policy`, `evicted`, `destroyed`,
    /// `unexplained` or `not_yet`.
    pub state: &'static str,
}

const NO_DATE: FieldError = FieldError {
    field: "date",
    zh: "日期格式应为 2026-11-22。",
    en: "The date must look like 2026-11-22.",
};

/// How complete the recordings of a term are, the worst rooms first.
///
/// # Errors
/// 403 for whoever neither maintains boxes nor answers for what is kept; 404 for no such term.
#[utoipa::path(get, path = "/api/completeness", tag = "completeness",
    params(("term" = Option<Uuid>, Query)), responses((status = 200, body = Completeness),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn list(
    Shared(app): Shared<App>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<Json<Completeness>, Error> {
    let all = terms(&app.db).await?;
    let today = calendar::day(caller.now_ms);
    let on = match which.term {
        Some(wanted) => {
            let wanted = wanted.to_string();
            let found = all.iter().find(|term| term.id == wanted);
            Some(found.ok_or(Error::NotFound)?)
        }
        None => all.iter().find(|term| term.week_one <= today),
    };
    let rows = match on {
        Some(term) => between(&app.db, term.week_one, term.week_one + 7 * term.weeks).await?,
        None => Vec::new(),
    };
    let rooms = rooms(&app, rows).await?;
    let campus = rooms
        .iter()
        .fold(Sums::default(), |all, (sums, _)| all.and(sums));
    Ok(Json(Completeness {
        term: on.map(term).transpose()?,
        terms: all.iter().map(term).collect::<Result<_, _>>()?,
        campus: AmountView::of(&campus),
        rooms: rooms.into_iter().map(|(_, room)| room).collect(),
    }))
}

/// Where each second of a day of a room went.
///
/// # Errors
/// 403 for whoever neither maintains boxes nor answers for what is kept; 404 for no such room; 422
/// for a date that is none.
#[utoipa::path(get, path = "/api/completeness/{id}", tag = "completeness",
    params(("id" = Uuid, Path), ("date" = Option<String>, Query)),
    responses((status = 200, body = LedgerView), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub async fn room(
    Shared(app): Shared<App>,
    caller: Caller,
    Id(room): Id,
    Query(on): Query<OnDay>,
) -> Result<Json<LedgerView>, Error> {
    let day = match &on.date {
        Some(text) => calendar::parse_day(text).ok_or(Error::Field(NO_DATE))?,
        None => calendar::day(caller.now_ms),
    };
    let room = ClassroomId(room);
    classroom::find(&app.db, room)
        .await?
        .ok_or(Error::NotFound)?;
    let stretch = Window {
        from_ms: calendar::moment(day, 0),
        to_ms: calendar::moment(day + 1, 0),
    };
    let ledger = of_room(&app.db, room, stretch, caller.now_ms).await?;
    Ok(Json(LedgerView::new(stretch, ledger)))
}

/// Where each second of a recording went, for whoever may watch it.
///
/// # Errors
/// 403 with its article when the caller may not watch it; 404 when there is none.
#[utoipa::path(get, path = "/api/recordings/{id}/ledger", tag = "completeness",
    params(("id" = Uuid, Path)), responses((status = 200, body = LedgerView),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn of_recording(
    Shared(app): Shared<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<LedgerView>, Error> {
    let recording = recordings::may_see(&app, &caller, id).await?;
    let stretch = Window {
        from_ms: recording.start_ms,
        to_ms: recording.end_ms,
    };
    let ledger = of_room(&app.db, recording.classroom, stretch, caller.now_ms).await?;
    Ok(Json(LedgerView::new(stretch, ledger)))
}

/// The rooms of which something was to be recorded, the worst first.
async fn rooms(app: &App, rows: Vec<DayRow>) -> Result<Vec<(Sums, RoomCompleteness)>, Error> {
    let mut of: HashMap<String, Vec<DayRow>> = HashMap::new();
    for row in rows {
        of.entry(row.classroom_id.clone()).or_default().push(row);
    }
    let mut rooms = Vec::new();
    for classroom in classroom::all(&app.db).await? {
        let Some(rows) = of.remove(&classroom.id.to_string()) else {
            continue;
        };
        let amount = rows
            .iter()
            .fold(Sums::default(), |all, row| all.and(&sums(row)));
        let room = RoomCompleteness {
            room: RoomName::from(&classroom),
            unit: UnitName::from(&classroom.unit),
            building: classroom.building,
            amount: AmountView::of(&amount),
            sources: rows
                .iter()
                .map(|row| SourceAmount {
                    source: named(&row.source),
                    amount: AmountView::of(&sums(row)),
                })
                .collect(),
        };
        rooms.push((amount, room));
    }
    rooms.sort_by_key(|(amount, _)| amount.completeness());
    Ok(rooms)
}

fn named(source: &str) -> String {
    match source {
        NO_SOURCE => String::new(),
        name => name.to_owned(),
    }
}

fn term(row: &TermRow) -> Result<TermName, campus::Error> {
    Ok(TermName {
        id: id("a term", &row.id)?,
        school_year: row.school_year.clone(),
        number: row.number,
    })
}

impl AmountView {
    fn of(sums: &Sums) -> Self {
        let missing = |reason: GapReason| (reason.name(), sums.missing_ms[reason.index()] / 1000);
        let missing = GapReason::ALL.into_iter().map(missing);
        Self {
            completeness: sums.completeness(),
            due_seconds: sums.due_ms / 1000,
            stored_seconds: sums.stored_ms / 1000,
            waiting_seconds: sums.waiting_ms / 1000,
            destroyed_seconds: sums.destroyed_ms / 1000,
            missing_seconds: missing.filter(|(_, seconds)| *seconds > 0).collect(),
            unexplained_seconds: sums.unexplained_ms / 1000,
        }
    }
}

impl LedgerView {
    fn new(stretch: Window, ledger: RoomLedger) -> Self {
        let source = |(source, spans): (String, Vec<Span>)| SourceLedger {
            source: named(&source),
            amount: AmountView::of(&Sums::of(&spans)),
            spans: spans.iter().map(CaptureSpan::from).collect(),
        };
        Self {
            start: stretch.from_ms,
            end: stretch.to_ms,
            as_of: ledger.as_of_ms,
            sources: ledger.sources.into_iter().map(source).collect(),
        }
    }
}

impl From<&Span> for CaptureSpan {
    fn from(span: &Span) -> Self {
        Self {
            start: span.window.from_ms,
            end: span.window.to_ms,
            state: match span.state {
                State::Stored => "stored",
                State::Waiting => "waiting",
                State::Missing(reason) => reason.name(),
                State::Destroyed => "destroyed",
                State::Unexplained => "unexplained",
                State::NotYet => "not_yet",
            },
        }
    }
}

impl From<completeness::Error> for Error {
    fn from(error: completeness::Error) -> Self {
        Self::Failed(Box::new(error))
    }
}
