//! Screen: the day of a room under its picture (X36): the periods, what is taught in them, and
//! which of it can be watched again.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_protocol::id::ClassroomId;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::Id;
use super::lesson::LessonView;
use super::recordings::may_watch;
use crate::access::gate::{Denied, RecordingRef};
use crate::campus::calendar;
use crate::campus::classroom::{self, Classroom};
use crate::campus::lesson::{self, Lesson};
use crate::campus::term::{self, Period};
use crate::recording::library::Recording;
use crate::recording::library::search::{self, Asked};

/// What is taught in a room today, as far as the caller may know of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomLessons {
    /// Every period of the day (节), by number.
    pub periods: Vec<DayPeriod>,
    /// The lessons that would open to the caller, by time; a period without one may be free, or
    /// none of the caller's.
    pub lessons: Vec<DayLesson>,
}

/// A period of today.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayPeriod {
    /// Its number.
    pub number: i64,
    /// Begin.
    pub start: i64,
    /// End.
    pub end: i64,
}

/// A lesson of today.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayLesson {
    /// What is taught, by whom, and when.
    pub lesson: LessonView,
    /// First period.
    pub period_from: i64,
    /// Last period.
    pub period_to: i64,
    /// Its recording, once the lesson is over, if the caller may watch it.
    pub recording: Option<Uuid>,
}

/// A room's lessons of today.
///
/// # Errors
/// 403 with the article when the room is out of the caller's scope, 404 when there is none.
#[utoipa::path(get, path = "/api/rooms/{id}/lessons", tag = "rooms",
    params(("id" = Uuid, Path)), responses((status = 200, body = RoomLessons),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub async fn today(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<RoomLessons>, Error> {
    let room = classroom::find(&app.db, ClassroomId(id)).await?;
    let room = room.ok_or(Error::NotFound)?;
    let (session, from, now_ms) = (&caller.session, caller.address, caller.now_ms);
    app.gate.enter_room(session, &room, from, now_ms).await?;
    let day = calendar::day(now_ms);
    let (begin, end) = (calendar::moment(day, 0), calendar::moment(day + 1, 0));
    let lessons = lesson::of_room(&app.db, room.id, begin, end).await?;
    let lessons = app
        .gate
        .lessons_in_scope(&session.person, &room, lessons, from, now_ms);
    let lessons = lessons.await.map_err(Denied::Refused)?;
    let recordings = recordings(&app, &caller, &room).await?;
    let recording = |lesson: &Lesson| {
        let is_over = lesson.end_ms <= now_ms;
        recordings.get(&lesson.id).copied().filter(|_| is_over)
    };
    let periods = term::periods(&app.db).await?.into_iter();
    Ok(Json(RoomLessons {
        periods: periods.map(|period| day_period(period, day)).collect(),
        lessons: lessons
            .into_iter()
            .map(|lesson| DayLesson {
                recording: recording(&lesson),
                period_from: lesson.period_from,
                period_to: lesson.period_to,
                lesson: lesson.into(),
            })
            .collect(),
    }))
}

fn day_period(period: Period, day: i64) -> DayPeriod {
    let (start, end) = period.on(day);
    DayPeriod {
        number: period.number,
        start,
        end,
    }
}

/// What was recorded in the room today and the caller may watch, by lesson.
async fn recordings(
    app: &App,
    caller: &Caller,
    room: &Classroom,
) -> Result<HashMap<Uuid, Uuid>, Error> {
    let today = Asked {
        room: Some(room.id.to_string()),
        ..Asked::default()
    };
    let today = today.search(&[], caller.now_ms).map_err(Error::Field)?;
    let asker = app.gate.asker(caller.session.person.id).await?;
    let may = |recording: &RecordingRef| may_watch(app, caller, &asker, recording);
    let found = search::search(&app.db, &today, may, caller.now_ms).await?;
    let of_lesson = |one: Recording| Some((one.lesson?.id, one.id));
    Ok(found.recordings.into_iter().filter_map(of_lesson).collect())
}
