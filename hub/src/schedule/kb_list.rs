//! A timetable as 正方 systems export it: JSON with a `kbList` of entries.

use serde::Deserialize;

use super::course::{Course, due, names, periods, unclear, weekday};
use super::weeks::Weeks;
use crate::sheet::{LINES_MAX, NoSheet, Problem, Said};

#[derive(Deserialize)]
struct Export {
    #[serde(rename = "kbList")]
    entries: Vec<Entry>,
}

/// The names are the system's own; what is not listed is not needed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    /// 学年, its first year.
    xnm: String,
    /// 3, 12 or 16 for the first, second and third term.
    xqm: String,
    kch: String,
    kcmc: String,
    jxbmc: String,
    jxbzc: String,
    jgh: String,
    xm: String,
    kkxy: String,
    xqj: String,
    jcs: String,
    jc: String,
    zcd: String,
    cdmc: String,
    jxbrs: String,
}

/// Whether a file looks like this and not like a sheet.
#[must_use]
pub fn is_json(file: &[u8]) -> bool {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    file.trim_ascii_start().starts_with(b"{")
}

/// Reads an export; every problem of every entry.
///
/// # Errors
/// When it is no such export.
pub fn read(file: &[u8]) -> Result<(Vec<Course>, Vec<Problem>), NoSheet> {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let export: Export = serde_json::from_slice(file).map_err(|error| damaged(&error))?;
    if export.entries.len() > LINES_MAX {
        return Err(NoSheet {
            zh: format!("课表过大：最多 {LINES_MAX} 条，请分成几个文件。"),
            en: format!("The timetable is too large: {LINES_MAX} entries at most; split it."),
        });
    }
    let (mut courses, mut problems) = (Vec::new(), Vec::new());
    for (index, entry) in export.entries.into_iter().enumerate() {
        match course(index + 1, entry) {
            Ok(course) => courses.push(course),
            Err(found) => problems.extend(found),
        }
    }
    Ok((courses, problems))
}

fn damaged(error: &serde_json::Error) -> NoSheet {
    let (line, column) = (error.line(), error.column());
    NoSheet {
        zh: format!(
            "文件不是正方课表导出（kbList）：第 {line} 行第 {column} 列无法识别，请重新导出。"
        ),
        en: format!(
            "The file is no export with a kbList: line {line}, column {column} cannot be read; \
             export it again."
        ),
    }
}

fn course(line: usize, entry: Entry) -> Result<Course, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut wrong = |field, found: &str, said| {
        problems.push(Problem::new(line, field, found, said));
    };
    if entry.kcmc.trim().is_empty() {
        wrong("kcmc", "", BLANK);
    }
    let weekday = weekday(entry.xqj.trim());
    if weekday.is_none() {
        wrong("xqj", &entry.xqj, BAD_WEEKDAY);
    }
    let text = if entry.jcs.is_empty() {
        &entry.jc
    } else {
        &entry.jcs
    };
    let periods = periods(text.trim());
    if periods.is_none() {
        wrong("jcs", text, BAD_PERIODS);
    }
    let count = match entry.jxbrs.trim() {
        "" => Some(0),
        text => due(text),
    };
    if count.is_none() {
        wrong("jxbrs", &entry.jxbrs, BAD_DUE);
    }
    let weeks = Weeks::parse(&entry.zcd);
    if let Err(why) = weeks {
        problems.push(unclear(line, &entry.zcd, why));
    }
    match (weekday, periods, count, weeks) {
        (Some(weekday), Some(periods), Some(due), Ok(weeks)) if problems.is_empty() => Ok(Course {
            line,
            term: term(&entry),
            code: plain(entry.kch),
            name: plain(entry.kcmc),
            teaching_class: plain(entry.jxbmc),
            class_groups: names(&entry.jxbzc),
            staff_number: plain(entry.jgh),
            teacher: plain(entry.xm),
            unit: plain(entry.kkxy),
            weekday,
            periods,
            weeks,
            room: plain(entry.cdmc),
            due,
        }),
        _ => Err(problems),
    }
}

fn plain(text: String) -> String {
    text.trim().to_owned()
}

/// `2026` and `3` are 2026-2027-1; whatever else is left for a person to choose.
fn term(entry: &Entry) -> String {
    let number = match &*entry.xqm {
        "3" => 1,
        "12" => 2,
        "16" => 3,
        _ => return String::new(),
    };
    let year = entry.xnm.parse::<u16>();
    year.map_or_else(
        |_| String::new(),
        |year| format!("{year}-{}-{number}", u32::from(year) + 1),
    )
}

const BLANK: Said = ("不能为空。", "This must not be empty.");
const BAD_WEEKDAY: Said = ("星期（xqj）只能是 1 到 7。", "A weekday (xqj) is 1 to 7.");
const BAD_PERIODS: Said = (
    "节次（jcs）须写成 1-2 这样的形式，在 1 到 24 之间。",
    "Periods (jcs) are written as 1-2, from 1 to 24.",
);
const BAD_DUE: Said = (
    "人数（jxbrs）只能是 0 到 2000 的整数。",
    "The count (jxbrs) is a whole number from 0 to 2,000.",
);

#[cfg(test)]
mod tests;
