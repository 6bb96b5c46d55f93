//! One line of a timetable: what is taught to whom, where, and in which weeks.

use super::weeks::{LAST, Unclear, Weeks};
use crate::sheet::{Problem, Said};

/// The last period (节) that can be named.
pub const LAST_PERIOD: i64 = 24;
/// More than any hall holds.
const DUE_MAX: i64 = 2_000;

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// The line, or the number of the entry, from 1.
    pub line: usize,
    /// The term, such as `2026-2027-1`; empty where the file is silent.
    pub term: String,
    /// 课程号; empty where it is not known.
    pub code: String,
    /// The course.
    pub name: String,
    /// 教学班; empty where it is not known.
    pub teaching_class: String,
    /// 班级, one or more (合班); none where the file is silent.
    pub class_groups: Vec<String>,
    /// 工号; empty where the file is silent.
    pub staff_number: String,
    /// The teacher's name; empty where the file is silent.
    pub teacher: String,
    /// The unit that runs it, by name or code; empty where the file is silent.
    pub unit: String,
    /// 1 is 星期一.
    pub weekday: i64,
    /// First and last period.
    pub periods: (i64, i64),
    /// In which weeks.
    pub weeks: Weeks,
    /// The room; empty where there is none, such as on a sports ground.
    pub room: String,
    /// 应到; 0 where the file is silent.
    pub due: i64,
}

/// Reads a weekday: `1`, `一`, `星期一`, `周一`; 7, 日 and 天 are the Sunday.
#[must_use]
pub fn weekday(text: &str) -> Option<i64> {
    let name = ["星期", "周", "礼拜"]
        .iter()
        .find_map(|before| text.strip_prefix(before))
        .unwrap_or(text);
    match name {
        "1" | "一" => Some(1),
        "2" | "二" => Some(2),
        "3" | "三" => Some(3),
        "4" | "四" => Some(4),
        "5" | "五" => Some(5),
        "6" | "六" => Some(6),
        "7" | "日" | "天" => Some(7),
        _ => None,
    }
}

/// Reads one period.
#[must_use]
pub fn period(text: &str) -> Option<i64> {
    let text = text.trim_start_matches('第').trim_end_matches('节');
    let number = text.parse().ok()?;
    (1..=LAST_PERIOD).contains(&number).then_some(number)
}

/// Reads a range of periods, such as `1-2节` or `3`.
#[must_use]
pub fn periods(text: &str) -> Option<(i64, i64)> {
    let text = text.trim_start_matches('第').trim_end_matches('节');
    let (from, to) = match text.split_once(['-', '－', '~']) {
        Some((from, to)) => (period(from)?, period(to)?),
        None => (period(text)?, period(text)?),
    };
    (from <= to).then_some((from, to))
}

/// Reads how many are due.
#[must_use]
pub fn due(text: &str) -> Option<i64> {
    let number = text.parse().ok()?;
    (0..=DUE_MAX).contains(&number).then_some(number)
}

/// Several names in one cell: `软件2301;软件2302`.
#[must_use]
pub fn names(text: &str) -> Vec<String> {
    let names = text.split([';', '；', '、', ',', '，', '/', '\n']);
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// What is said about weeks that are not clear.
#[must_use]
pub fn unclear(line: usize, found: &str, why: Unclear) -> Problem {
    let said = match why {
        Unclear::Empty | Unclear::At(_) => BAD_WEEKS,
        Unclear::Range => BAD_RANGE,
        Unclear::Parity => BAD_PARITY,
    };
    let found = match why {
        Unclear::At(at) => format!("{found}（第 {at} 个字 / character {at}）"),
        _ => found.to_owned(),
    };
    Problem::new(line, "周次", &found, said)
}

const BAD_WEEKS: Said = (
    "周次看不懂，请写成 1-16、1-16单、2、5、8 或 1-8,10-16 这样的形式。",
    "These weeks cannot be read; write 1-16, 1-16单 (odd), 2、5、8 or 1-8,10-16.",
);
const BAD_RANGE: Said = (
    "周次须在 1 到 40 之间，且起始不大于结束。",
    "Weeks are 1 to 40, and a range ends after it begins.",
);
const BAD_PARITY: Said = (
    "同一段周次不能既是单周又是双周。",
    "The same weeks cannot be both odd (单) and even (双).",
);
const _: () = assert!(LAST == 40, "BAD_RANGE says 40");
