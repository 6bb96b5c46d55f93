//! Patrol records (附件1): the title from the timetable, filed once, never changed (R73–R89).

use uuid::Uuid;
use xunke_policy::level::UnitId;
use xunke_policy::patrol::{About, Extent, FieldError, Form, LessonTime, Reader, check, readable};
use xunke_protocol::id::ClassroomId;

use super::Error;
use crate::access::person::Person;
use crate::campus::classroom::{Classroom, Unit};
use crate::campus::lesson::Lesson;
use crate::campus::{calendar, id};
use crate::store::record::{self as rows, RecordRow, Title};
use crate::store::view::{self, ViewRow};
use crate::store::{Db, campus};

/// The title lines of a record about a lesson; `None` when its day is outside its term (R74).
///
/// # Errors
/// When the store fails.
pub async fn title(db: &Db, college: &str, lesson: &Lesson) -> Result<Option<Title>, Error> {
    let Some(term) = campus::term(db, &lesson.term.to_string()).await? else {
        return Ok(None);
    };
    let week = calendar::teaching_week(lesson.day, term.week_one);
    if !(1..=term.weeks).contains(&week) {
        return Ok(None);
    }
    Ok(Some(Title {
        college: college.into(),
        school_year: term.school_year,
        term: term.number,
        week,
        weekday: calendar::weekday(lesson.day),
        period: lesson.period(),
    }))
}

/// The time that the form proposes: since the author began to watch this lesson, until now (R77).
///
/// # Errors
/// When the store fails.
pub async fn time_watched(
    db: &Db,
    author: Uuid,
    lesson: &Lesson,
    now_ms: i64,
) -> Result<(i64, i64), Error> {
    let (person, room) = (author.to_string(), lesson.classroom.to_string());
    let seen = view::latest(db, &person, &room, lesson.start_ms).await?;
    let from_ms = seen.map_or(lesson.start_ms, |seen| seen.opened_ms);
    Ok((from_ms, now_ms.min(lesson.end_ms)))
}

/// What somebody hands in.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Who.
    pub author: &'a Person,
    /// Where.
    pub room: &'a Classroom,
    /// About which lesson.
    pub lesson: &'a Lesson,
    /// The view it rests on, as the page says.
    pub view: Option<Uuid>,
    /// The title lines.
    pub title: &'a Title,
    /// The form.
    pub form: &'a Form<'a>,
}

/// Why a draft is not filed.
#[derive(Debug)]
pub enum Flaw {
    /// A field cannot stay as it is.
    Field(FieldError),
    /// The author has filed one about this lesson (R86).
    Twice,
}

/// Checks a draft, without writing anything: so that the trail can come first.
///
/// # Errors
/// When the store fails. A flaw is an answer, not an error.
pub async fn flaw(db: &Db, draft: &Draft<'_>, now_ms: i64) -> Result<Option<Flaw>, Error> {
    let lesson = LessonTime {
        start_ms: draft.lesson.start_ms,
        end_ms: draft.lesson.end_ms,
    };
    if let Err(error) = check(draft.form, lesson, now_ms) {
        return Ok(Some(Flaw::Field(error)));
    }
    if let Some(view) = draft.view
        && !watched(view::find(db, &view.to_string()).await?, draft)
    {
        return Ok(Some(Flaw::Field(NOT_YOUR_VIEW)));
    }
    let author = draft.author.id.to_string();
    let twice = rows::exists(db, &author, &draft.lesson.id.to_string()).await?;
    Ok(twice.then_some(Flaw::Twice))
}

const NOT_YOUR_VIEW: FieldError = FieldError {
    field: "view_id",
    zh: "所填的查看记录不是您对这间教室的查看。",
    en: "The view given is not yours of this room.",
};

/// A record rests on the author's own view of that room.
fn watched(view: Option<ViewRow>, draft: &Draft<'_>) -> bool {
    view.is_some_and(|view| {
        view.person_id == draft.author.id.to_string()
            && view.classroom_id == draft.room.id.to_string()
    })
}

/// Files a draft that has no [`flaw`]; from now on it cannot be changed (R85).
///
/// # Errors
/// When the store fails.
pub async fn file(db: &Db, record: Uuid, draft: &Draft<'_>, now_ms: i64) -> Result<(), Error> {
    let form = draft.form;
    let row = RecordRow {
        id: record.to_string(),
        version: 1,
        author_id: draft.author.id.to_string(),
        author: draft.author.name.clone(),
        author_number: draft.author.staff_number.clone(),
        classroom_id: draft.room.id.to_string(),
        classroom: draft.room.name.clone(),
        unit_id: draft.room.unit.id.0.to_string(),
        unit: draft.room.unit.name.clone(),
        lesson_id: draft.lesson.id.to_string(),
        teacher_id: draft.lesson.teacher_id.map(|teacher| teacher.to_string()),
        view_id: draft.view.map(|view| view.to_string()),
        submitted_ms: now_ms,
        title: draft.title.clone(),
        class_groups: form.class_groups.join("\n"),
        teacher: form.teacher.trim().into(),
        course: form.course.trim().into(),
        time_from_ms: form.time_from_ms,
        time_to_ms: form.time_to_ms,
        due_count: form.due_count,
        present_count: form.present_count,
        attendance_note: form.attendance_note.trim().into(),
        teacher_presence: form.teacher_presence.into(),
        interaction: form.interaction.into(),
        conditions: form.conditions.into(),
        abnormal_note: form.abnormal_note.trim().into(),
        grade: form.grade.into(),
    };
    Ok(rows::add(db, &row).await?)
}

/// A filed record, as much of it as the reader may see.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// How much of it the reader may see.
    pub extent: Extent,
    /// Who filed it.
    pub author: Uuid,
    /// The room.
    pub classroom: ClassroomId,
    /// The unit that owned the room then.
    pub unit: Unit,
    /// All that stands on it.
    pub row: RecordRow,
}

/// The records since `since_ms` that `reader` may read, newest first (R89).
///
/// # Errors
/// When the store fails.
pub async fn list(db: &Db, reader: &Reader<Uuid>, since_ms: i64) -> Result<Vec<Record>, Error> {
    let rows = rows::since(db, since_ms).await?;
    let records = rows.into_iter().map(|row| open(reader, row));
    records.filter_map(Result::transpose).collect()
}

/// One record, if `reader` may read it; else it is as if it were not there (R89).
///
/// # Errors
/// When the store fails.
pub async fn find(db: &Db, reader: &Reader<Uuid>, record: Uuid) -> Result<Option<Record>, Error> {
    let row = rows::find(db, &record.to_string()).await?;
    row.map_or(Ok(None), |row| open(reader, row))
}

fn open(reader: &Reader<Uuid>, row: RecordRow) -> Result<Option<Record>, Error> {
    let teacher = row.teacher_id.as_deref().map(|text| id("a person", text));
    let about = About {
        author: id("a person", &row.author_id)?,
        unit: UnitId(id("a unit", &row.unit_id)?),
        teacher: teacher.transpose()?,
    };
    let Some(extent) = readable(reader, &about) else {
        return Ok(None);
    };
    Ok(Some(Record {
        id: id("a record", &row.id)?,
        extent,
        author: about.author,
        classroom: ClassroomId(id("a classroom", &row.classroom_id)?),
        unit: Unit {
            id: about.unit,
            name: row.unit.clone(),
        },
        row,
    }))
}

#[cfg(test)]
mod tests;
