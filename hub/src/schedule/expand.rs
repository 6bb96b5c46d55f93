//! From a line of a timetable to its lessons: one for each week, at a moment and in a known room.

use std::collections::HashMap;

use super::course::Course;
use crate::campus::calendar;
use crate::campus::term::{Period, Term};
use crate::sheet::{Problem, Said};
use crate::store::campus::{ClassroomRow, LessonRow};
use crate::store::roster::UnitRow;
use crate::store::schedule::TeacherRow;

/// The school, as of one moment.
#[derive(Debug)]
pub struct School {
    /// Whose timetable it is.
    pub term: Term,
    /// By number.
    pub periods: Vec<Period>,
    /// Every room.
    pub rooms: Vec<ClassroomRow>,
    /// Every unit.
    pub units: Vec<UnitRow>,
    /// Whoever may teach.
    pub teachers: Vec<TeacherRow>,
}

/// A lesson of a line, without an id as yet.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The line; 0 for a lesson that was there before.
    pub line: usize,
    /// What would be stored.
    pub row: LessonRow,
}

/// The school by the names that timetables use.
#[derive(Debug)]
pub struct Names<'a> {
    school: &'a School,
    rooms: HashMap<String, Vec<&'a ClassroomRow>>,
    numbers: HashMap<&'a str, &'a TeacherRow>,
    names: HashMap<&'a str, Vec<&'a TeacherRow>>,
}

impl School {
    /// By name, for many look-ups.
    #[must_use]
    pub fn names(&self) -> Names<'_> {
        let mut rooms: HashMap<_, Vec<_>> = HashMap::new();
        for room in &self.rooms {
            let with_building = format!("{}{}", room.building, room.name);
            for name in [room.name.as_str(), with_building.as_str()] {
                let known = rooms.entry(same(name)).or_default();
                known.push(room);
            }
        }
        let mut names: HashMap<_, Vec<_>> = HashMap::new();
        for teacher in &self.teachers {
            names
                .entry(teacher.name.as_str())
                .or_default()
                .push(teacher);
        }
        let numbers = self.teachers.iter();
        Names {
            school: self,
            rooms,
            numbers: numbers
                .map(|one| (one.staff_number.as_str(), one))
                .collect(),
            names,
        }
    }
}

/// Without blanks and dashes, letters small: `博学楼 A-101` is `博学楼a101`.
fn same(name: &str) -> String {
    let kept = name
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '－' | '#'));
    kept.flat_map(char::to_lowercase).collect()
}

/// Who teaches, as far as it is known.
struct Teacher<'a> {
    id: Option<&'a str>,
    name: &'a str,
}

impl<'a> Names<'a> {
    /// The lessons of a line. What is odd and stops nothing goes to `notices`; a line without a
    /// room has no lessons.
    ///
    /// # Errors
    /// Everything that is wrong with the line.
    pub fn lessons(
        &self,
        course: &'a Course,
        notices: &mut Vec<Problem>,
    ) -> Result<Vec<Placed>, Vec<Problem>> {
        let mut problems = self.when(course);
        let teacher = noted(self.teacher(course, notices), &mut problems);
        let room = noted(self.room(course), &mut problems);
        let unit = noted(self.unit(course, room.flatten()), &mut problems);
        let (Some(teacher), Some(room), Some(unit), true) =
            (teacher, room, unit, problems.is_empty())
        else {
            return Err(problems);
        };
        let (Some(room), Some(unit)) = (room, unit) else {
            notices.push(Problem::new(course.line, "教室编号", "", NO_ROOM));
            return Ok(Vec::new());
        };
        let weeks = course.weeks.iter();
        Ok(weeks
            .map(|week| self.lesson(course, i64::from(week), (room, unit, &teacher)))
            .collect())
    }

    /// What is wrong with term, weeks and periods.
    fn when(&self, course: &Course) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |column, found: &str, said| {
            problems.push(Problem::new(course.line, column, found, said));
        };
        let term = &self.school.term;
        if !course.term.is_empty() && course.term != term.key() {
            wrong("学年学期", &course.term, OTHER_TERM);
        }
        if i64::from(course.weeks.last()) > term.weeks {
            wrong("周次", &course.weeks.to_string(), PAST_TERM);
        }
        for (column, number) in [("开始节", course.periods.0), ("结束节", course.periods.1)] {
            if self.period(number).is_none() {
                wrong(column, &number.to_string(), NO_PERIOD);
            }
        }
        problems
    }

    fn period(&self, number: i64) -> Option<&Period> {
        self.school
            .periods
            .iter()
            .find(|period| period.number == number)
    }

    fn teacher(
        &self,
        course: &'a Course,
        notices: &mut Vec<Problem>,
    ) -> Result<Teacher<'a>, Problem> {
        let line = course.line;
        if !course.staff_number.is_empty() {
            let number = course.staff_number.as_str();
            let found = self.numbers.get(number);
            let found = found.ok_or_else(|| Problem::new(line, "任课教师工号", number, NOBODY))?;
            return Ok(Teacher {
                id: Some(&found.id),
                name: &found.name,
            });
        }
        let name = course.teacher.as_str();
        if name.is_empty() {
            return Err(Problem::new(line, "任课教师", "", NO_TEACHER));
        }
        let first = name
            .split([',', '，', '、', ';', '/'])
            .next()
            .unwrap_or(name)
            .trim();
        let id = match self.names.get(first).map(Vec::as_slice) {
            Some([only]) => Some(only.id.as_str()),
            Some(_) => {
                notices.push(Problem::new(line, "任课教师", first, NAMESAKES));
                None
            }
            None => {
                notices.push(Problem::new(line, "任课教师", first, UNKNOWN_NAME));
                None
            }
        };
        Ok(Teacher { id, name })
    }

    fn room(&self, course: &Course) -> Result<Option<&'a ClassroomRow>, Problem> {
        if course.room.is_empty() {
            return Ok(None);
        }
        let wrong = |said| Problem::new(course.line, "教室编号", &course.room, said);
        match self.rooms.get(&same(&course.room)).map(Vec::as_slice) {
            Some([only]) => Ok(Some(only)),
            Some([first, rest @ ..]) if rest.iter().all(|room| room.id == first.id) => {
                Ok(Some(first))
            }
            Some(_) => Err(wrong(SEVERAL_ROOMS)),
            None => Err(wrong(UNKNOWN_ROOM)),
        }
    }

    /// The unit that is named; where none is, the one that owns the room.
    fn unit(
        &self,
        course: &Course,
        room: Option<&'a ClassroomRow>,
    ) -> Result<Option<&'a str>, Problem> {
        let text = &course.unit;
        if text.is_empty() {
            return Ok(room.map(|room| room.unit_id.as_str()));
        }
        let mut units = self.school.units.iter();
        let found = units.find(|unit| unit.name == *text || unit.code == *text);
        let found = found.ok_or_else(|| Problem::new(course.line, "开课单位", text, NO_UNIT))?;
        Ok(Some(&found.id))
    }

    fn lesson(
        &self,
        course: &Course,
        week: i64,
        (room, unit, teacher): (&ClassroomRow, &str, &Teacher<'_>),
    ) -> Placed {
        let day = self.school.term.week(week).0 + course.weekday - 1;
        let (from, to) = course.periods;
        let minute = |number, edge: fn(&Period) -> i64| self.period(number).map_or(0, edge);
        let row = LessonRow {
            id: String::new(),
            term_id: self.school.term.id.to_string(),
            classroom_id: room.id.clone(),
            unit_id: unit.into(),
            teacher_id: teacher.id.map(str::to_owned),
            teacher: teacher.name.into(),
            course: course.name.clone(),
            class_groups: course.class_groups.join("\n"),
            day,
            period_from: from,
            period_to: to,
            start_ms: calendar::moment(day, minute(from, |period| period.start_minute)),
            end_ms: calendar::moment(day, minute(to, |period| period.end_minute)),
            due_count: course.due,
            minors: 0,
            course_code: course.code.clone(),
            teaching_class: course.teaching_class.clone(),
        };
        Placed {
            line: course.line,
            row,
        }
    }
}

fn noted<T>(found: Result<T, Problem>, problems: &mut Vec<Problem>) -> Option<T> {
    found.map_err(|one| problems.push(one)).ok()
}

const OTHER_TERM: Said = (
    "与所选学期不同，请选择文件所属的学期，或分开导入。",
    "This is another term than the chosen one; choose it, or import it apart.",
);
const PAST_TERM: Said = (
    "周次超过本学期的周数，请核对周次或学期设置。",
    "There are weeks beyond the end of the term; check the weeks, or the term.",
);
const NO_PERIOD: Said = (
    "作息表里没有这一节，请核对节次或作息表。",
    "The day has no such period; check it, or the table of periods.",
);
const NOBODY: Said = (
    "系统中没有这个工号，请先导入人员，或核对工号。",
    "Nobody has this staff number; import the staff first, or check it.",
);
const NO_TEACHER: Said = (
    "须写明任课教师或其工号。",
    "The teacher is named, or the staff number is.",
);
const NAMESAKES: Said = (
    "有多位同名人员，未对应到人；写上工号即可对应。",
    "Several people have this name, so nobody is linked; give the staff number.",
);
const UNKNOWN_NAME: Said = (
    "系统中没有这个姓名，只保留文字；导入人员或写上工号即可对应。",
    "Nobody has this name, so it is kept as text; import the staff, or give the staff number.",
);
const NO_ROOM: Said = (
    "没有教室，这一行不产生课次。",
    "There is no room, so this line makes no lessons.",
);
const UNKNOWN_ROOM: Said = (
    "系统中没有这间教室，请用系统中的教室名称。",
    "There is no such room; use its name as it is known here.",
);
const SEVERAL_ROOMS: Said = (
    "有多间教室叫这个名字，请在前面写上楼名。",
    "Several rooms have this name; write the building before it.",
);
const NO_UNIT: Said = (
    "没有这个教学单位，请用系统中的单位名称或代码。",
    "There is no such unit; use its name or code as it is known here.",
);
