//! Screen: recordings, found by term, week, day, period, room, class, teacher or course (R67).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::access::Action;
use xunke_policy::purpose::Purpose;
use xunke_policy::retention::Terms;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Query};
use super::lesson::LessonView;
use super::names::{RoomName, UnitName};
use crate::access::gate::RecordingRef;
use crate::access::place::Asker;
use crate::campus::calendar;
use crate::campus::term::{self, Term};
use crate::recording::library::choices::{self, Choices};
use crate::recording::library::search::{self, Asked};
use crate::recording::library::{self, Recording};

/// Which recordings to list: whatever is given must fit.
#[derive(Debug, Deserialize)]
pub struct Filter {
    date: Option<String>,
    term: Option<String>,
    week: Option<String>,
    weekday: Option<String>,
    period: Option<String>,
    room: Option<String>,
    class: Option<String>,
    teacher: Option<String>,
    course: Option<String>,
    text: Option<String>,
}

/// Of which term the choices are.
#[derive(Debug, Deserialize)]
pub struct OfTerm {
    term: Option<String>,
}

/// Recordings that fit and that the caller may watch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recordings)]
pub struct RecordingsView {
    /// The newest first, then by room; 200 at most.
    pub recordings: Vec<RecordingView>,
    /// Whether there are others that fit.
    pub more: bool,
}

/// What recordings can be looked for by; nothing of what the caller may not watch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RecordingChoices)]
pub struct ChoicesView {
    /// The latest first.
    pub terms: Vec<TermChoice>,
    /// The term now; null between terms.
    pub term: Option<Uuid>,
    /// The teaching week now.
    pub week: Option<i64>,
    /// Periods of the day (节).
    pub periods: Vec<PeriodChoice>,
    /// Rooms, by name.
    pub rooms: Vec<RoomName>,
    /// Class groups.
    pub class_groups: Vec<String>,
    /// Teachers.
    pub teachers: Vec<String>,
    /// Courses.
    pub courses: Vec<String>,
}

/// A term.
#[derive(Debug, Serialize, ToSchema)]
pub struct TermChoice {
    /// Id.
    pub id: Uuid,
    /// Such as `2026-2027`.
    pub school_year: String,
    /// 1, 2 or 3.
    pub number: i64,
    /// The Monday of week 1, such as `2026-09-07`.
    pub week_one: String,
    /// How many weeks it has.
    pub weeks: i64,
}

/// A period of the day.
#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodChoice {
    /// Its number.
    pub number: i64,
    /// Begin, minutes after midnight.
    pub start_minute: i64,
    /// End.
    pub end_minute: i64,
}

/// What a room recorded in one lesson, or in one hour outside lessons (课外).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Recording)]
pub struct RecordingView {
    /// Id.
    pub id: Uuid,
    /// Where.
    pub room: RoomName,
    /// The unit that owned the room at record time.
    pub unit: UnitName,
    /// The lesson; null outside lessons.
    pub lesson: Option<LessonView>,
    /// Begin of the lesson; outside lessons, of what there is.
    pub start: i64,
    /// End of the lesson; outside lessons, of what there is.
    pub end: i64,
    /// Recorded by the source that has most.
    pub seconds_recorded: i64,
    /// How many segments.
    pub segments: i64,
    /// `capturing` while more is to come, then `stored`.
    pub state: &'static str,
    /// `ordinary`, `outside`, `premium` or `held` (R121).
    pub class: &'static str,
    /// Until when it is kept (exclusive); null while a decision keeps it (R119).
    pub kept_until: Option<i64>,
}

/// Recordings that fit and that the caller may watch: of today, when neither a date nor a term is
/// given.
///
/// # Errors
/// 403 for whoever may watch none; 422 naming the field that makes no sense.
#[utoipa::path(get, path = "/api/recordings", tag = "recordings", params(
    ("date" = Option<String>, Query, description = "The day on which they begin: 2026-11-22"),
    ("term" = Option<Uuid>, Query), ("week" = Option<i64>, Query, description = "From 1"),
    ("weekday" = Option<i64>, Query, description = "1 is Monday, 7 is Sunday"),
    ("period" = Option<i64>, Query), ("room" = Option<Uuid>, Query),
    ("class" = Option<String>, Query, description = "A class group, exactly"),
    ("teacher" = Option<String>, Query, description = "Exactly"),
    ("course" = Option<String>, Query, description = "Exactly"),
    ("text" = Option<String>, Query,
        description = "A part of room, unit, course, teacher or class")),
    responses((status = 200, body = RecordingsView), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(filter): Query<Filter>,
) -> Result<Json<RecordingsView>, Error> {
    let terms = term::all(&app.db).await?;
    let asked = Asked::from(filter);
    let wanted = asked.search(&terms, caller.now_ms).map_err(Error::Field)?;
    let asker = app.gate.asker(caller.session.person.id).await?;
    let may = |recording: &RecordingRef| may_watch(&app, &caller, &asker, recording);
    let found = search::search(&app.db, &wanted, may, caller.now_ms).await?;
    let terms = app.keepings.terms();
    let shown = found.recordings.into_iter();
    Ok(Json(RecordingsView {
        recordings: shown.map(|one| RecordingView::new(one, terms)).collect(),
        more: found.more,
    }))
}

/// What recordings of a term can be looked for by: of the term now, when none is given.
///
/// # Errors
/// 403 for whoever may watch no recording; 422 for a term that is none.
#[utoipa::path(get, path = "/api/recordings/choices", tag = "recordings",
    params(("term" = Option<Uuid>, Query)),
    responses((status = 200, body = ChoicesView), (status = 403, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn choices(
    State(app): State<App>,
    caller: Caller,
    Query(of): Query<OfTerm>,
) -> Result<Json<ChoicesView>, Error> {
    let terms = term::all(&app.db).await?;
    let today = calendar::day(caller.now_ms);
    let now = Term::at(&terms, today);
    // Between terms people look at the one that is over.
    let begun = || terms.iter().find(|term| term.week_one <= today);
    let asked = search::term(&terms, &of.term).map_err(Error::Field)?;
    let found = match asked.or(now).or_else(begun) {
        Some(term) => {
            let asker = app.gate.asker(caller.session.person.id).await?;
            let may = |recording: &RecordingRef| may_watch(&app, &caller, &asker, recording);
            choices::choices(&app.db, term, may).await?
        }
        None => Choices::default(),
    };
    let periods = term::periods(&app.db).await?.into_iter();
    Ok(Json(ChoicesView {
        term: now.map(|term| term.id),
        week: now.map(|term| calendar::teaching_week(today, term.week_one)),
        periods: periods.map(PeriodChoice::from).collect(),
        rooms: found.rooms.into_iter().map(room_name).collect(),
        class_groups: found.class_groups.into_iter().collect(),
        teachers: found.teachers.into_iter().collect(),
        courses: found.courses.into_iter().collect(),
        terms: terms.into_iter().map(TermChoice::from).collect(),
    }))
}

fn room_name((name, id): (String, Uuid)) -> RoomName {
    RoomName { id, name }
}

/// One recording.
///
/// # Errors
/// 403 with its article when the caller may not watch it; 404 when there is none.
#[utoipa::path(get, path = "/api/recordings/{id}", tag = "recordings", params(("id" = Uuid, Path)),
    responses((status = 200, body = RecordingView), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<RecordingView>, Error> {
    let recording = may_see(&app, &caller, id).await?;
    let (session, from, now_ms) = (&caller.session, caller.address, caller.now_ms);
    let query = ("see_recording", &*format!("{} {id}", recording.room));
    app.gate.note_query(session, query, from, now_ms).await?;
    Ok(Json(RecordingView::new(recording, app.keepings.terms())))
}

/// A recording that the caller may watch.
pub(super) async fn may_see(app: &App, caller: &Caller, id: Uuid) -> Result<Recording, Error> {
    let recording = find(app, caller, id).await?;
    let asker = app.gate.asker(caller.session.person.id).await?;
    enter(app, caller, watching(app, &asker, &recording.reference())).await?;
    Ok(recording)
}

/// Whether a recording may be watched at all, whatever the purpose will be. What a case holds past
/// its calendar is there for the issue alone (R122).
fn watching(app: &App, asker: &Asker, recording: &RecordingRef) -> Action<'static> {
    app.gate.playing(asker, recording, &Purpose::Issue)
}

/// What the gate says of a row of a list.
pub(super) fn may_watch(
    app: &App,
    caller: &Caller,
    asker: &Asker,
    recording: &RecordingRef,
) -> bool {
    let (person, from, now_ms) = (&caller.session.person, caller.address, caller.now_ms);
    let watching = watching(app, asker, recording);
    app.gate.judge(person, watching, from, now_ms).is_ok()
}

/// One recording; who may watch none is not told which there are.
pub(super) async fn find(app: &App, caller: &Caller, id: Uuid) -> Result<Recording, Error> {
    if let Some(recording) = library::find(&app.db, id, caller.now_ms).await? {
        return Ok(recording);
    }
    enter(app, caller, Action::SeeRecordings).await?;
    Err(Error::NotFound)
}

async fn enter(app: &App, caller: &Caller, action: Action<'_>) -> Result<(), Error> {
    let (session, from) = (&caller.session, caller.address);
    let entered = app
        .gate
        .enter(session, action, ("see_recording", ""), from, caller.now_ms);
    Ok(entered.await?)
}

impl RecordingView {
    fn new(recording: Recording, terms: Terms) -> Self {
        let kept = recording.kept;
        Self {
            class: kept.class().word(),
            kept_until: kept.destroyed_from_ms(recording.start_ms, terms),
            id: recording.id,
            room: RoomName {
                id: recording.classroom.0,
                name: recording.room,
            },
            unit: UnitName {
                id: recording.unit.id.0,
                name: recording.unit.name,
            },
            lesson: recording.lesson.map(LessonView::from),
            start: recording.start_ms,
            end: recording.end_ms,
            seconds_recorded: recording.recorded_us / 1_000_000,
            segments: recording.segments,
            state: if recording.capturing {
                "capturing"
            } else {
                "stored"
            },
        }
    }
}

impl From<Filter> for Asked {
    fn from(filter: Filter) -> Self {
        Self {
            date: filter.date,
            term: filter.term,
            week: filter.week,
            weekday: filter.weekday,
            period: filter.period,
            room: filter.room,
            class: filter.class,
            teacher: filter.teacher,
            course: filter.course,
            text: filter.text,
        }
    }
}

impl From<Term> for TermChoice {
    fn from(term: Term) -> Self {
        Self {
            id: term.id,
            school_year: term.school_year,
            number: term.number,
            week_one: calendar::date_text(term.week_one),
            weeks: term.weeks,
        }
    }
}

impl From<term::Period> for PeriodChoice {
    fn from(period: term::Period) -> Self {
        Self {
            number: period.number,
            start_minute: period.start_minute,
            end_minute: period.end_minute,
        }
    }
}
