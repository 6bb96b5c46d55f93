//! A timetable as a table: our own columns, or those that students' timetable apps exchange
//! (课程名称,星期,开始节数,结束节数,老师,地点,周数), in xlsx or csv.

use std::collections::HashMap;

use super::course::{Course, due, names, period, unclear, weekday};
use super::weeks::Weeks;
use crate::sheet::{Cell, Line, Problem, Said, UNFIT};

/// To be opened with any spreadsheet program: the mark says that it is UTF-8.
pub const TEMPLATE: &str = "\u{feff}学年学期,课程号,课程名称,教学班,班级,任课教师工号,任课教师,\
    开课单位,星期,开始节,结束节,周次,校区,教室编号,应到人数\r\n\
    2026-2027-1,CS1101,程序设计基础,CS1101-01,软件2301;软件2302,T5001,李明,信息工程学院,\
    1,1,2,1-16,,博学楼101,76\r\n\
    2026-2027-1,ME2203,机械制图,ME2203-02,机电2302,T5002,王芳,机电工程学院,\
    3,3,4,1-8单,,致远楼102,38\r\n";

/// The columns, each with the names it goes by; the first is what people are told.
const COLUMNS: [(Column, &[&str]); 14] = [
    (Column::Term, &["学年学期", "学期", "term"]),
    (Column::Code, &["课程号", "课程代码", "course_code"]),
    (Column::Name, &["课程名称", "课程", "course"]),
    (
        Column::TeachingClass,
        &["教学班", "教学班名称", "teaching_class"],
    ),
    (
        Column::ClassGroups,
        &["班级", "教学班组成", "上课班级", "class_groups"],
    ),
    (
        Column::StaffNumber,
        &["任课教师工号", "教师工号", "工号", "staff_number"],
    ),
    (Column::Teacher, &["任课教师", "老师", "教师", "teacher"]),
    (Column::Unit, &["开课单位", "开课学院", "unit"]),
    (Column::Weekday, &["星期", "weekday"]),
    (Column::From, &["开始节", "开始节数", "from"]),
    (Column::To, &["结束节", "结束节数", "to"]),
    (Column::Weeks, &["周次", "周数", "weeks"]),
    (
        Column::Room,
        &["教室编号", "教室", "地点", "上课地点", "room"],
    ),
    (Column::Due, &["应到人数", "人数", "due"]),
];

/// Without these nothing can be placed in time and room.
const NEEDED: [Column; 6] = [
    Column::Name,
    Column::Weekday,
    Column::From,
    Column::To,
    Column::Weeks,
    Column::Room,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Column {
    Term,
    Code,
    Name,
    TeachingClass,
    ClassGroups,
    StaffNumber,
    Teacher,
    Unit,
    Weekday,
    From,
    To,
    Weeks,
    Room,
    Due,
}

impl Column {
    fn title(self) -> &'static str {
        let found = COLUMNS.iter().find(|(column, _)| *column == self);
        found
            .and_then(|(_, names)| names.first())
            .copied()
            .unwrap_or_default()
    }
}

/// Reads a table; every problem of every line, not only the first.
#[must_use]
pub fn read(lines: &[Line]) -> (Vec<Course>, Vec<Problem>) {
    let Some((head, body)) = lines.split_first() else {
        let none = Problem::new(1, Column::Name.title(), "", EMPTY_FILE);
        return (Vec::new(), vec![none]);
    };
    let columns = titles(head);
    let missing = NEEDED
        .into_iter()
        .filter(|column| !columns.contains_key(column));
    let mut problems: Vec<_> = missing
        .map(|column| Problem::new(head.number, column.title(), "", NO_COLUMN))
        .collect();
    let mut courses = Vec::new();
    if problems.is_empty() {
        for line in body {
            let mut row = Row {
                line,
                columns: &columns,
                problems: &mut problems,
            };
            courses.extend(row.read());
        }
    }
    (courses, problems)
}

fn titles(head: &Line) -> HashMap<Column, usize> {
    let mut columns = HashMap::new();
    for (index, cell) in head.cells.iter().enumerate() {
        let Cell::Text(title) = cell else { continue };
        // A star marks what must be filled in.
        let title = title.trim_matches(['*', '＊', ' ']).to_lowercase();
        let known = COLUMNS.iter().find(|(_, names)| names.contains(&&*title));
        if let Some((column, _)) = known {
            columns.entry(*column).or_insert(index);
        }
    }
    columns
}

struct Row<'a> {
    line: &'a Line,
    columns: &'a HashMap<Column, usize>,
    problems: &'a mut Vec<Problem>,
}

impl Row<'_> {
    /// `None` when something is wrong, which is then among the problems.
    fn read(&mut self) -> Option<Course> {
        let before = self.problems.len();
        let name = self.must(Column::Name, |text| Some(text.to_owned()), BLANK);
        let weekday = self.must(Column::Weekday, weekday, BAD_WEEKDAY);
        let from = self.must(Column::From, period, BAD_PERIOD);
        let to = self.must(Column::To, period, BAD_PERIOD);
        let weeks = self.weeks();
        let due_text = self.text(Column::Due);
        let count = if due_text.is_empty() {
            Some(0)
        } else {
            due(&due_text)
        };
        if count.is_none() {
            self.wrong(Column::Due, &due_text, BAD_DUE);
        }
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            self.wrong(Column::To, &to.to_string(), BACKWARDS);
        }
        let course = Course {
            line: self.line.number,
            term: self.text(Column::Term),
            code: self.text(Column::Code),
            name: name.unwrap_or_default(),
            teaching_class: self.text(Column::TeachingClass),
            class_groups: names(&self.text(Column::ClassGroups)),
            staff_number: self.text(Column::StaffNumber),
            teacher: self.text(Column::Teacher),
            unit: self.text(Column::Unit),
            weekday: weekday.unwrap_or_default(),
            periods: (from.unwrap_or_default(), to.unwrap_or_default()),
            weeks: weeks?,
            room: self.text(Column::Room),
            due: count.unwrap_or_default(),
        };
        (self.problems.len() == before).then_some(course)
    }

    /// Empty where nothing is said.
    fn text(&mut self, column: Column) -> String {
        let cell = self.columns.get(&column);
        match cell.and_then(|index| self.line.cells.get(*index)) {
            None | Some(Cell::Empty) => String::new(),
            Some(Cell::Text(text)) => text.clone(),
            Some(Cell::Unfit) => {
                self.wrong(column, "", UNFIT);
                String::new()
            }
        }
    }

    fn must<T>(&mut self, column: Column, read: fn(&str) -> Option<T>, said: Said) -> Option<T> {
        let text = self.text(column);
        let value = (!text.is_empty()).then(|| read(&text)).flatten();
        if value.is_none() {
            self.wrong(column, &text, if text.is_empty() { BLANK } else { said });
        }
        value
    }

    fn weeks(&mut self) -> Option<Weeks> {
        let text = self.text(Column::Weeks);
        match Weeks::parse(&text) {
            Ok(weeks) => Some(weeks),
            Err(why) => {
                self.problems.push(unclear(self.line.number, &text, why));
                None
            }
        }
    }

    fn wrong(&mut self, column: Column, found: &str, said: Said) {
        let problem = Problem::new(self.line.number, column.title(), found, said);
        self.problems.push(problem);
    }
}

const EMPTY_FILE: Said = (
    "表格里没有内容，请下载模板填写。",
    "The sheet is empty; begin with the template.",
);
const NO_COLUMN: Said = (
    "缺少这一列：首行至少须有“课程名称、星期、开始节、结束节、周次、教室编号”。",
    "This column is missing: the first line names 课程名称, 星期, 开始节, 结束节, 周次 and 教室编号.",
);
const BLANK: Said = ("不能为空。", "This must not be empty.");
const BAD_WEEKDAY: Said = (
    "星期只能是 1 到 7，或“星期一”到“星期日”。",
    "A weekday is 1 to 7, or 星期一 to 星期日.",
);
const BAD_PERIOD: Said = (
    "节次只能是 1 到 24 的整数。",
    "A period is a whole number from 1 to 24.",
);
const BACKWARDS: Said = (
    "结束节不能早于开始节。",
    "The last period is not before the first.",
);
const BAD_DUE: Said = (
    "应到人数只能是 0 到 2000 的整数。",
    "Due is a whole number from 0 to 2,000.",
);

#[cfg(test)]
mod tests;
