//! Presets: an institution read from a file, or refused with line, field and reason.

mod draft;

use std::fmt;
use std::ops::Range;

use crate::institution::{Function, Institution};
use crate::level::Role;

/// 北京工业职业技术学院, after 《教学督导智慧教室综合平台听课/巡课管理办法》.
pub const POLYTECHNIC: &str = include_str!("../presets/polytechnic.toml");
/// 北京教育学院, after 《北京教师学习网运行管理办法（试行）》.
pub const INSTITUTE_OF_EDUCATION: &str = include_str!("../presets/institute-of-education.toml");
/// Longest text that is looked at.
pub const BYTES_MAX: usize = 256 * 1024;

/// Why a file is no institution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Counted from 1.
    pub line: usize,
    /// The field on that line.
    pub field: String,
    /// What to do, in Chinese.
    pub zh: String,
    /// What to do, in English.
    pub en: String,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {}: {} {}", self.line, self.field, self.zh, self.en)
    }
}

impl std::error::Error for Error {}

/// Reads an institution.
///
/// # Errors
/// The first thing that is wrong: its line, its field, what to do.
pub fn parse(text: &str) -> Result<Institution, Error> {
    if text.len() > BYTES_MAX {
        let said = ("文件太大。".into(), "The file is too large.".into());
        return Err(at(text, &(0..0), Some("file"), said));
    }
    let draft: draft::Institution = toml::from_str(text).map_err(|error| syntax(text, &error))?;
    let institution = draft
        .checked()
        .map_err(|wrong| at(text, &place(text, &wrong), Some(wrong.field), wrong.said))?;
    separated(&institution).map_err(|said| at(text, &(0..0), Some("by"), said))?;
    Ok(institution)
}

/// X5, R18: nobody applies and opens, nobody opens and inspects, nobody who keeps the system
/// fills in patrol records; and somebody does each of these.
fn separated(institution: &Institution) -> Result<(), draft::Said> {
    use Function::{
        FileApplications, FileRecords, InspectTrail, ManageAccounts, OpenPermissions, ReadTrail,
    };
    let apart = [
        (FileApplications, OpenPermissions),
        (FileApplications, InspectTrail),
        (OpenPermissions, InspectTrail),
        (OpenPermissions, ManageAccounts),
        (InspectTrail, ManageAccounts),
        (ReadTrail, OpenPermissions),
        (ReadTrail, ManageAccounts),
        (FileRecords, OpenPermissions),
        (FileRecords, InspectTrail),
        (FileRecords, ManageAccounts),
    ];
    for (role, name) in Role::NAMES {
        let does = |function| institution.allows(&[role], function);
        if let Some((one, other)) = apart.iter().find(|(one, other)| does(*one) && does(*other)) {
            return Err((
                format!("角色 {name} 不得同时承担 {one:?} 与 {other:?}。"),
                format!("The role {name} must not do both {one:?} and {other:?}."),
            ));
        }
    }
    let everybody = Role::NAMES.map(|(role, _)| role);
    for needed in [
        FileApplications,
        OpenPermissions,
        ManageAccounts,
        InspectTrail,
    ] {
        if !institution.allows(&everybody, needed) {
            return Err((
                format!("没有部门承担 {needed:?}。"),
                format!("No department does {needed:?}."),
            ));
        }
    }
    Ok(())
}

fn syntax(text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().replace('\n', " ");
    let missing = message
        .strip_prefix("missing field `")
        .and_then(|rest| rest.strip_suffix('`'));
    let field = missing.map(str::to_owned);
    let said = match &field {
        Some(field) => (format!("缺少 {field}。"), format!("{field} is missing.")),
        None => (format!("格式不对：{message}。"), format!("{message}.")),
    };
    let span = error.span().unwrap_or(0..0);
    at(text, &span, field.as_deref(), said)
}

/// Where a draft is wrong; a field without a span stands only once in the file.
fn place(text: &str, wrong: &draft::Wrong) -> Range<usize> {
    let found = || text.find(&format!("\n{} =", wrong.field));
    let start = found().map_or(0, |line_feed| line_feed + 1);
    wrong.span.clone().unwrap_or(start..start)
}

/// An error at a place; without a field of its own, the key on that line.
fn at(text: &str, span: &Range<usize>, field: Option<&str>, (zh, en): draft::Said) -> Error {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let key = || {
        let line = text.lines().nth(line - 1).unwrap_or_default();
        line.split('=').next().unwrap_or_default().trim().to_owned()
    };
    Error {
        line,
        field: field.map_or_else(key, str::to_owned),
        zh,
        en,
    }
}

#[cfg(test)]
mod tests;
