//! The timetable of the demonstration: a lesson in every room at every hour of three days.

use uuid::Uuid;

use super::{Place, Prepared, college};
use crate::campus::calendar;
use crate::store::campus::{self, LessonRow, TermRow};
use crate::store::{Error, Writing};

const PERIODS: i64 = 24;
const PERIOD_MINUTES: i64 = 60;
/// A lesson is a double period (大节).
const LESSON_PERIODS: i64 = 2;
/// The demonstration takes place in this week of its term.
const WEEK_NOW: i64 = 12;
const WEEKS: i64 = 20;
/// Today, tomorrow, and the day after for one that runs over two midnights.
const DAYS: i64 = 3;
/// Courses and their class groups, by unit.
const COURSES: [[(&str, &str); 4]; 2] = [
    [
        ("数据库技术", "软件2301"),
        ("Web前端开发", "软件2302\n软件2303"),
        ("网络安全基础", "网络2301"),
        ("Python程序设计", "大数据2301"),
    ],
    [
        ("机械制图", "机电2301"),
        ("电气控制与PLC", "机电2302"),
        ("数控加工技术", "数控2301\n数控2302"),
        ("液压与气动", "机电2303"),
    ],
];

/// Adds term, periods and lessons.
pub async fn add(
    writing: &mut Writing,
    rooms: &[Place],
    teachers: &[&Prepared],
    units: &[String; 2],
    now_ms: i64,
) -> Result<(), Error> {
    let today = calendar::day(now_ms);
    let term = term(today);
    campus::add_term(writing, &term).await?;
    for number in 1..=PERIODS {
        let start = (number - 1) * PERIOD_MINUTES;
        campus::add_period(writing, number, start, start + PERIOD_MINUTES).await?;
    }
    for day in today..today + DAYS {
        for (n, (room, teacher)) in rooms.iter().zip(teachers).enumerate() {
            for first in (1..=PERIODS).step_by(2) {
                let lesson = lesson(&term, units, n, room, teacher, day, first);
                campus::add_lesson(writing, &lesson).await?;
            }
        }
    }
    Ok(())
}

/// August to January is the first term of a school year, February to July the second.
fn term(today: i64) -> TermRow {
    let (year, month, _) = calendar::date(today);
    let (first, number) = match month {
        1 => (year - 1, 1),
        2..=7 => (year - 1, 2),
        _ => (year, 1),
    };
    TermRow {
        id: Uuid::now_v7().to_string(),
        school_year: format!("{first}-{}", first + 1),
        number,
        week_one: calendar::monday(today) - (WEEK_NOW - 1) * 7,
        weeks: WEEKS,
    }
}

fn lesson(
    term: &TermRow,
    units: &[String; 2],
    n: usize,
    room: &Place,
    teacher: &Prepared,
    day: i64,
    first: i64,
) -> LessonRow {
    let unit = college::unit_of(n);
    let turn = n / units.len() + usize::try_from(first / LESSON_PERIODS).unwrap_or_default();
    let (course, class_groups) = COURSES[unit][turn % COURSES[unit].len()];
    let groups = class_groups.lines().count();
    let due = 38 * groups + n % 5;
    LessonRow {
        id: Uuid::now_v7().to_string(),
        term_id: term.id.clone(),
        classroom_id: room.id.to_string(),
        unit_id: units[unit].clone(),
        teacher_id: Some(teacher.account.id.to_string()),
        teacher: teacher.account.name.into(),
        course: course.into(),
        class_groups: class_groups.into(),
        day,
        period_from: first,
        period_to: first + LESSON_PERIODS - 1,
        start_ms: calendar::moment(day, (first - 1) * PERIOD_MINUTES),
        end_ms: calendar::moment(day, (first - 1 + LESSON_PERIODS) * PERIOD_MINUTES),
        due_count: i64::try_from(due).expect("invariant: a class is small"),
        minors: 0,
        course_code: String::new(),
        teaching_class: String::new(),
    }
}
