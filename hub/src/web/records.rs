//! Screen: patrol records, 附件1 (R73–R89).

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use xunke_policy::access::Action;
use xunke_policy::patrol::{Extent, FieldError, Form};
use xunke_protocol::id::ClassroomId;

use super::App;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::input::{Id, Json as Body, Query};
use super::names::{PersonName, RoomName, UnitName};
use crate::access::audit::{Entry, Outcome};
use crate::campus::classroom::{self, Classroom};
use crate::campus::lesson::{self, Lesson};
use crate::patrol::record::{self, Draft, Flaw, Record};
use crate::store::record::Title;

const NO_LESSON: Error = Error::Conflict(
    "这间教室此刻没有课，不能填写巡课记录表。",
    "There is no lesson in this room now, so there is nothing to record.",
);
const OUTSIDE_TERM: Error = Error::Conflict(
    "这次课不在学期教学周之内，请教务处核对校历。",
    "This lesson lies outside the weeks of its term; Academic Affairs should check the calendar.",
);
const TWICE: Error = Error::Conflict(
    "您已为这次课提交过巡课记录表（一课一表）。",
    "You have filed a record about this lesson already.",
);
const OTHER_ROOM: FieldError = FieldError {
    field: "lesson",
    zh: "这次课不在所选的教室。",
    en: "This lesson is not in the chosen room.",
};

/// About which room.
#[derive(Debug, Deserialize)]
pub struct About {
    room: Uuid,
}

/// The title lines of 附件1.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordTitle {
    /// 学校.
    pub college: String,
    /// 学年.
    pub school_year: String,
    /// 学期.
    pub term: i64,
    /// 周.
    pub week: i64,
    /// 星期, 1 to 7.
    pub weekday: i64,
    /// 节.
    pub period: String,
}

impl From<Title> for RecordTitle {
    fn from(title: Title) -> Self {
        Self {
            college: title.college,
            school_year: title.school_year,
            term: title.term,
            week: title.week,
            weekday: title.weekday,
            period: title.period,
        }
    }
}

/// What the timetable knows about the lesson in a room now.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordHeader {
    /// 标题.
    #[serde(flatten)]
    pub title: RecordTitle,
    /// 班级.
    pub class_groups: Vec<String>,
    /// 任课教师.
    pub teacher: String,
    /// 时间: since the caller began to watch.
    pub time_from: i64,
    /// 时间: until now, or the end of the lesson.
    pub time_to: i64,
    /// 课程名称.
    pub course: String,
    /// 应到.
    pub due_count: i64,
    /// 教室.
    pub room: RoomName,
    /// 课次, to be sent with the form.
    pub lesson: Uuid,
}

/// 附件1 as filled in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordForm {
    /// 教室.
    pub room: Uuid,
    /// 课次.
    pub lesson: Uuid,
    /// The view it rests on.
    pub view_id: Option<Uuid>,
    /// 班级.
    pub class_groups: Vec<String>,
    /// 任课教师.
    pub teacher: String,
    /// 课程名称.
    pub course: String,
    /// 时间.
    pub time_from: i64,
    /// 时间.
    pub time_to: i64,
    /// 应到.
    pub due_count: i64,
    /// 实到.
    pub present_count: i64,
    /// 教师到课情况, `A` or `B`.
    #[serde(default)]
    #[schema(required)]
    pub teacher_presence: String,
    /// 课堂互动情况, `A`, `B` or `C`.
    #[serde(default)]
    #[schema(required)]
    pub interaction: String,
    /// 教学条件, `A` or `B`.
    #[serde(default)]
    #[schema(required)]
    pub conditions: String,
    /// 异常说明.
    #[serde(default)]
    #[schema(required)]
    pub abnormal_note: String,
    /// 综合评价, `A` to `G`.
    #[serde(default)]
    #[schema(required)]
    pub grade: String,
    /// Why more came than were due.
    #[serde(default)]
    #[schema(required)]
    pub attendance_note: String,
}

/// What was filed.
#[derive(Debug, Serialize, ToSchema)]
pub struct Filed {
    /// Its id.
    pub id: Uuid,
}

/// Records that the caller may read.
#[derive(Debug, Serialize, ToSchema)]
pub struct Records {
    /// Newest first.
    pub records: Vec<PatrolRecord>,
}

/// A filed record.
#[derive(Debug, Serialize, ToSchema)]
pub struct PatrolRecord {
    /// Id.
    pub id: Uuid,
    /// 标题.
    #[serde(flatten)]
    pub title: RecordTitle,
    /// 教室.
    pub room: RoomName,
    /// The unit that owned the room then.
    pub unit: UnitName,
    /// 班级.
    pub class_groups: Vec<String>,
    /// 任课教师.
    pub teacher: String,
    /// 课程名称.
    pub course: String,
    /// 时间.
    pub time_from: i64,
    /// 时间.
    pub time_to: i64,
    /// 应到.
    pub due_count: i64,
    /// 实到.
    pub present_count: i64,
    /// 教师到课情况.
    pub teacher_presence: String,
    /// 课堂互动情况.
    pub interaction: String,
    /// 教学条件.
    pub conditions: String,
    /// 异常说明.
    pub abnormal_note: String,
    /// 综合评价.
    pub grade: String,
    /// Why more came than were due.
    pub attendance_note: String,
    /// Who filed it; left out for the teacher it is about.
    pub author: Option<PersonName>,
    /// When.
    pub submitted_at: i64,
    /// Whether its author had watched the room.
    pub viewed: bool,
}

/// The header of a record about the lesson in a room now.
///
/// # Errors
/// 403 for whoever may not file, 404 for no room, 409 when no lesson runs there.
#[utoipa::path(get, path = "/api/records/new", tag = "records", params(("room" = Uuid, Query)),
    responses((status = 200, body = RecordHeader), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
pub async fn new(
    State(app): State<App>,
    caller: Caller,
    Query(about): Query<About>,
) -> Result<Json<RecordHeader>, Error> {
    let room = room_to_record(&app, &caller, about.room).await?;
    let lesson = lesson::in_room(&app.db, room.id, caller.now_ms).await?;
    let lesson = lesson.ok_or(NO_LESSON)?;
    may_record(&app, &caller, &room, Some(&lesson)).await?;
    let title = title(&app, &lesson).await?;
    let author = caller.session.person.id;
    let time = record::time_watched(&app.db, author, &lesson, caller.now_ms).await?;
    Ok(Json(RecordHeader {
        title: title.into(),
        class_groups: lesson.class_groups,
        teacher: lesson.teacher,
        time_from: time.0,
        time_to: time.1,
        course: lesson.course,
        due_count: lesson.due_count,
        room: (&room).into(),
        lesson: lesson.id,
    }))
}

/// Files a record; it cannot be changed afterwards.
///
/// # Errors
/// 403 for whoever may not file, 409 for a second one, 422 with the field that is wrong.
#[utoipa::path(post, path = "/api/records", tag = "records", request_body = RecordForm,
    responses((status = 200, body = Filed), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)))]
pub async fn file(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<RecordForm>,
) -> Result<Json<Filed>, Error> {
    let room = room_to_record(&app, &caller, body.room).await?;
    let lesson = lesson::find(&app.db, body.lesson).await?;
    let lesson = lesson.filter(|lesson| lesson.classroom == room.id);
    let lesson = lesson.ok_or(Error::Field(OTHER_ROOM))?;
    may_record(&app, &caller, &room, Some(&lesson)).await?;
    let title = title(&app, &lesson).await?;
    let draft = Draft {
        author: &caller.session.person,
        room: &room,
        lesson: &lesson,
        view: body.view_id,
        title: &title,
        form: &form(&body),
    };
    match record::flaw(&app.db, &draft, caller.now_ms).await? {
        Some(Flaw::Field(error)) => return Err(Error::Field(error)),
        Some(Flaw::Twice) => return Err(TWICE),
        None => {}
    }
    let id = Uuid::now_v7();
    let object = format!("{} {id}", room.name);
    note(&app, &caller, "file_record", object, Outcome::Done).await?;
    match record::file(&app.db, id, &draft, caller.now_ms).await {
        Err(error) if error.is_duplicate() => Err(TWICE),
        filed => Ok(filed.map(|()| Json(Filed { id }))?),
    }
}

/// The records that the caller may read.
///
/// # Errors
/// 403 for whoever may read none.
#[utoipa::path(get, path = "/api/records", tag = "records", responses(
    (status = 200, body = Records), (status = 403, body = ErrorBody)))]
pub async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Records>, Error> {
    let reader = caller.session.person.reader(caller.now_ms);
    let records = record::list(&app.db, &reader, 0).await?;
    let records = records.into_iter().map(view).collect();
    Ok(Json(Records { records }))
}

/// One record. Reading it is a line in the trail.
///
/// # Errors
/// 404 for whoever may not read it.
#[utoipa::path(get, path = "/api/records/{id}", tag = "records", params(("id" = Uuid, Path)),
    responses((status = 200, body = PatrolRecord), (status = 404, body = ErrorBody)))]
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id,
) -> Result<Json<PatrolRecord>, Error> {
    let reader = caller.session.person.reader(caller.now_ms);
    let found = record::find(&app.db, &reader, id)
        .await?
        .ok_or(Error::NotFound)?;
    let person = &caller.session.person;
    let allowed = app
        .gate
        .judge(person, Action::ReadRecords, caller.address, caller.now_ms);
    allowed.map_err(|_| Error::NotFound)?;
    let object = format!("{} {id}", found.row.classroom);
    note(&app, &caller, "read_record", object, Outcome::Permitted).await?;
    Ok(Json(view(found)))
}

/// The room, if there is one and the caller may file about it.
async fn room_to_record(app: &App, caller: &Caller, room: Uuid) -> Result<Classroom, Error> {
    let room = classroom::find(&app.db, ClassroomId(room)).await?;
    let room = room.ok_or(Error::NotFound)?;
    may_record(app, caller, &room, None).await?;
    Ok(room)
}

/// Whether the caller may file about the room, and about that lesson in it (R53).
async fn may_record(
    app: &App,
    caller: &Caller,
    room: &Classroom,
    lesson: Option<&Lesson>,
) -> Result<(), Error> {
    let (session, from, now_ms) = (&caller.session, caller.address, caller.now_ms);
    let place = app
        .gate
        .asker(session.person.id)
        .await?
        .in_room(room, lesson);
    let (action, name) = (Action::FileRecord { place }, ("file_record", &*room.name));
    app.gate.enter(session, action, name, from, now_ms).await?;
    Ok(())
}

async fn title(app: &App, lesson: &Lesson) -> Result<Title, Error> {
    let title = record::title(&app.db, app.college(), lesson).await?;
    title.ok_or(OUTSIDE_TERM)
}

async fn note(
    app: &App,
    caller: &Caller,
    action: &'static str,
    object: String,
    outcome: Outcome,
) -> Result<(), Error> {
    let entry = Entry {
        who: caller.session.person.who(caller.address),
        action,
        object,
        purpose: String::new(),
        outcome,
        article: "",
        detail: String::new(),
    };
    app.trail.append(entry, caller.now_ms).await?;
    Ok(())
}

fn form(body: &RecordForm) -> Form<'_> {
    Form {
        class_groups: &body.class_groups,
        teacher: &body.teacher,
        course: &body.course,
        time_from_ms: body.time_from,
        time_to_ms: body.time_to,
        due_count: body.due_count,
        present_count: body.present_count,
        teacher_presence: &body.teacher_presence,
        interaction: &body.interaction,
        conditions: &body.conditions,
        abnormal_note: &body.abnormal_note,
        grade: &body.grade,
        attendance_note: &body.attendance_note,
    }
}

fn view(record: Record) -> PatrolRecord {
    let row = record.row;
    let author = PersonName {
        id: record.author,
        name: row.author,
        staff_number: row.author_number,
    };
    PatrolRecord {
        id: record.id,
        title: row.title.into(),
        room: RoomName {
            id: record.classroom.0,
            name: row.classroom,
        },
        unit: (&record.unit).into(),
        class_groups: row.class_groups.lines().map(str::to_owned).collect(),
        teacher: row.teacher,
        course: row.course,
        time_from: row.time_from_ms,
        time_to: row.time_to_ms,
        due_count: row.due_count,
        present_count: row.present_count,
        teacher_presence: row.teacher_presence,
        interaction: row.interaction,
        conditions: row.conditions,
        abnormal_note: row.abnormal_note,
        grade: row.grade,
        attendance_note: row.attendance_note,
        author: (record.extent == Extent::Whole).then_some(author),
        submitted_at: row.submitted_ms,
        viewed: row.view_id.is_some(),
    }
}
