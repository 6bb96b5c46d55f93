//! Search: recordings by term, week, day, period, room, class, teacher, course or words (R67).
//!
//! What is asked for narrows in the store; whoever lists says of each row whether the asker may
//! watch it, and what they may not watch is not counted, told or hinted at.

use std::collections::HashMap;

use uuid::Uuid;
use xunke_policy::level::UnitId;
use xunke_policy::patrol::FieldError;
use xunke_policy::retention::Kept;
use xunke_protocol::id::ClassroomId;

use super::{Error, NO_LESSON, Recording, lesson_id, recording};
use crate::access::gate::RecordingRef;
use crate::campus::lesson::{self, Lesson};
use crate::campus::term::Term;
use crate::campus::{calendar, id};
use crate::store::Db;
use crate::store::library::{self as rows, CandidateRow, Search};
use crate::store::recording as shares;

/// Recordings shown at once.
pub const SHOWN_MAX: usize = 200;
/// Rows judged between two queries.
const PAGE: i64 = 500;
/// Characters of a name or of words that are looked for.
const TEXT_CHARACTERS_MAX: usize = 100;
/// No school has more periods in a day.
const PERIODS_MAX: i64 = 30;

/// What somebody asks for, as it comes: empty is not asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// A day such as `2026-11-22`.
    pub date: Option<String>,
    /// A term's id.
    pub term: Option<String>,
    /// Teaching week, from 1.
    pub week: Option<String>,
    /// 1 is Monday, 7 is Sunday.
    pub weekday: Option<String>,
    /// A period (节).
    pub period: Option<String>,
    /// A room's id.
    pub room: Option<String>,
    /// A class group, exactly.
    pub class: Option<String>,
    /// A teacher's name, exactly.
    pub teacher: Option<String>,
    /// A course, exactly.
    pub course: Option<String>,
    /// A part of room, unit, course, teacher or class.
    pub text: Option<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The newest first, [`SHOWN_MAX`] at most.
    pub recordings: Vec<Recording>,
    /// Whether the asker may watch others that fit as well.
    pub more: bool,
}

impl Asked {
    /// What to look for in the store. Nothing is looked for beyond a day or a term: today, when
    /// neither is asked for.
    ///
    /// # Errors
    /// The field that makes no sense.
    pub fn search(&self, terms: &[Term], now_ms: i64) -> Result<Search, FieldError> {
        let date = given(&self.date);
        let term = given(&self.term);
        let date = date.map(|text| calendar::parse_day(text).ok_or(NO_DATE));
        let date = date.transpose()?;
        let term = term.map(|text| named(terms, text)).transpose()?;
        let weekday = number(&self.weekday, 1..=7, NO_WEEKDAY)?;
        let period = number(&self.period, 1..=PERIODS_MAX, NO_PERIOD)?;
        let week = number(&self.week, 1..=i64::MAX, NO_WEEK)?;
        if date.is_none() && term.is_none() {
            let alone = [
                (week.is_some(), "week"),
                (weekday.is_some(), "weekday"),
                (period.is_some(), "period"),
            ];
            if let Some((_, field)) = alone.into_iter().find(|(asked, _)| *asked) {
                return Err(FieldError { field, ..ALONE });
            }
        }
        let (from, to) = days(date, term, week, terms, calendar::day(now_ms))?;
        let room = given(&self.room).map(|text| text.parse::<Uuid>().map_err(|_| NO_ROOM));
        Ok(Search {
            from_ms: calendar::moment(from, 0),
            to_ms: calendar::moment(to, 0),
            weekday,
            period,
            classroom_id: room.transpose()?.map(|room| room.to_string()),
            class_group: text(&self.class, "class")?,
            teacher: text(&self.teacher, "teacher")?,
            course: text(&self.course, "course")?,
            text: text(&self.text, "text")?,
        })
    }
}

/// The days that are meant: from, and to (exclusive).
fn days(
    date: Option<i64>,
    term: Option<&Term>,
    week: Option<i64>,
    terms: &[Term],
    today: i64,
) -> Result<(i64, i64), FieldError> {
    let day = |day: i64| (day, day + 1);
    let asked = match (date, term) {
        (None, None) => return Ok(day(today)),
        (Some(date), None) => day(date),
        (None, Some(term)) => term.days(),
        (Some(date), Some(term)) => both(day(date), term.days()),
    };
    let Some(week) = week else {
        return Ok(asked);
    };
    // A day outside every term is in no week.
    let of_day = || Term::at(terms, asked.0);
    let Some(term) = term.or_else(of_day) else {
        return Ok((asked.0, asked.0));
    };
    if week > term.weeks {
        return Err(NO_WEEK);
    }
    Ok(both(asked, term.week(week)))
}

fn both(one: (i64, i64), other: (i64, i64)) -> (i64, i64) {
    let from = one.0.max(other.0);
    (from, one.1.min(other.1).max(from))
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

fn named<'a>(terms: &'a [Term], text: &str) -> Result<&'a Term, FieldError> {
    let id: Uuid = text.parse().map_err(|_| NO_TERM)?;
    terms.iter().find(|term| term.id == id).ok_or(NO_TERM)
}

/// The term that somebody names, if they do.
///
/// # Errors
/// There is no such term.
pub fn term<'a>(terms: &'a [Term], asked: &Option<String>) -> Result<Option<&'a Term>, FieldError> {
    given(asked).map(|text| named(terms, text)).transpose()
}

fn number(
    asked: &Option<String>,
    within: std::ops::RangeInclusive<i64>,
    wrong: FieldError,
) -> Result<Option<i64>, FieldError> {
    let read = |text: &str| text.parse().ok().filter(|number| within.contains(number));
    given(asked).map(|text| read(text).ok_or(wrong)).transpose()
}

fn text(asked: &Option<String>, field: &'static str) -> Result<Option<String>, FieldError> {
    let Some(text) = given(asked) else {
        return Ok(None);
    };
    if text.chars().count() > TEXT_CHARACTERS_MAX {
        return Err(FieldError { field, ..TOO_LONG });
    }
    Ok(Some(text.to_owned()))
}

/// Recordings that fit and that `may` lets the asker watch, the newest first.
///
/// # Errors
/// When the store fails.
pub async fn search(
    db: &Db,
    search: &Search,
    may: impl Fn(&RecordingRef) -> bool,
    now_ms: i64,
) -> Result<Found, Error> {
    let mut ids = Vec::new();
    let mut last: Option<CandidateRow> = None;
    while ids.len() <= SHOWN_MAX {
        let after = last.as_ref().map(|row| (row.start_ms, &*row.id));
        let page = rows::candidates(db, search, after, PAGE).await?;
        let Some(newest) = page.last().cloned() else {
            break;
        };
        last = Some(newest);
        for row in page {
            if may(&reference(&row)?) {
                ids.push(row.id);
            }
        }
    }
    let more = ids.len() > SHOWN_MAX;
    ids.truncate(SHOWN_MAX);
    let recordings = whole(db, &ids, now_ms).await?;
    Ok(Found { recordings, more })
}

/// As the gate sees it; the same as [`Recording::reference`], before its segments are summed up.
fn reference(row: &CandidateRow) -> Result<RecordingRef, Error> {
    let in_lesson = row.lesson_id != NO_LESSON;
    let course = row.course_unit_id.as_deref();
    let teacher = row.teacher_id.as_deref();
    Ok(RecordingRef {
        id: id("a recording", &row.id)?,
        classroom: ClassroomId(id("a classroom", &row.classroom_id)?),
        room: row.room.clone(),
        unit_at_record_time: UnitId(id("a unit", &row.unit_id)?),
        course: course
            .map(|unit| id("a unit", unit).map(UnitId))
            .transpose()?,
        teacher: teacher.map(|person| id("a person", person)).transpose()?,
        minors: row.minors > 0,
        start_ms: if in_lesson {
            row.start_ms
        } else {
            row.first_us.div_euclid(1000)
        },
        kept: Kept {
            in_lesson,
            premium: row.premium > 0,
            held: row.held > 0,
        },
    })
}

/// These recordings as lists show them, the newest first, then by room.
async fn whole(db: &Db, ids: &[String], now_ms: i64) -> Result<Vec<Recording>, Error> {
    let shares = shares::of(db, ids).await?;
    let mut known: Vec<_> = shares.iter().map(|share| share.lesson_id.clone()).collect();
    known.sort_unstable();
    known.dedup();
    let lessons = lesson::some(db, &known).await?;
    let lessons: HashMap<Uuid, Lesson> = lessons.into_iter().map(|one| (one.id, one)).collect();
    let mut all = shares
        .chunk_by(|a, b| a.id == b.id)
        .map(|shares| {
            let lesson = lesson_id(&shares[0])?.and_then(|id| lessons.get(&id).cloned());
            recording(shares, lesson, now_ms)
        })
        .collect::<Result<Vec<_>, _>>()?;
    // Stable: rooms stay in order.
    all.sort_by_key(|one| std::cmp::Reverse(one.start_ms));
    Ok(all)
}

const NO_DATE: FieldError = FieldError {
    field: "date",
    zh: "日期格式应为 2026-11-22。",
    en: "The date must look like 2026-11-22.",
};
const NO_TERM: FieldError = FieldError {
    field: "term",
    zh: "没有这个学期，请从列表中选择。",
    en: "There is no such term: choose one of the list.",
};
const NO_WEEK: FieldError = FieldError {
    field: "week",
    zh: "周次应为本学期内的周数，从 1 开始。",
    en: "The week must be one of the term's, from 1.",
};
const NO_WEEKDAY: FieldError = FieldError {
    field: "weekday",
    zh: "星期应为 1（星期一）至 7（星期日）。",
    en: "The weekday is 1 (Monday) to 7 (Sunday).",
};
const NO_PERIOD: FieldError = FieldError {
    field: "period",
    zh: "节次应为 1 至 30 的整数。",
    en: "The period is a number from 1 to 30.",
};
const NO_ROOM: FieldError = FieldError {
    field: "room",
    zh: "没有这间教室，请从列表中选择。",
    en: "There is no such room: choose one of the list.",
};
const ALONE: FieldError = FieldError {
    field: "",
    zh: "按周次、星期或节次查找时，请同时选择学期或日期。",
    en: "With a week, weekday or period, name a term or a date as well.",
};
const TOO_LONG: FieldError = FieldError {
    field: "",
    zh: "不能超过 100 个字。",
    en: "At most 100 characters.",
};

#[cfg(test)]
mod tests;
