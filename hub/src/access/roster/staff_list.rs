//! A list of staff: who somebody is to be, line by line, or what is wrong with the line.

use std::collections::HashMap;

use xunke_policy::level::Role;

use crate::sheet::{Cell, Line, Problem, Said, UNFIT};

/// The columns, each with the names it goes by.
const COLUMNS: [(Column, &[&str]); 5] = [
    (Column::StaffNumber, &["工号", "职工号", "staff_number"]),
    (Column::Name, &["姓名", "name"]),
    (Column::Unit, &["教学单位", "所在单位", "单位", "unit"]),
    (Column::Roles, &["角色", "roles"]),
    (Column::Standing, &["状态", "standing"]),
];
/// Roles a list may give; the others are appointed one by one (R16).
const ROLES: [(Role, &[&str]); 3] = [
    (Role::Teacher, &["任课教师", "教师", "teacher"]),
    (
        Role::UnitSupervisor,
        &["二级督导", "二级教学督导", "unit_supervisor"],
    ),
    (
        Role::SchoolSupervisor,
        &["校级督导", "校级教学督导", "school_supervisor"],
    ),
];
const STAFF_NUMBER_CHARACTERS_MAX: usize = 32;
const NAME_CHARACTERS_MAX: usize = 40;

/// To be opened with any spreadsheet program: the mark says that it is UTF-8.
pub const TEMPLATE: &str = "\u{feff}工号,姓名,教学单位,角色,状态\r\n\
    T6001,李明,信息工程学院,任课教师,在岗\r\n\
    D2001,李秀英,信息工程学院,任课教师、二级督导,在岗\r\n\
    T5999,王芳,机电工程学院,任课教师,离职\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Column {
    StaffNumber,
    Name,
    Unit,
    Roles,
    Standing,
}

impl Column {
    fn title(self) -> &'static str {
        match self {
            Self::StaffNumber => "工号",
            Self::Name => "姓名",
            Self::Unit => "教学单位",
            Self::Roles => "角色",
            Self::Standing => "状态",
        }
    }
}

/// What a line says about somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The line.
    pub line: usize,
    /// 工号.
    pub staff_number: String,
    /// The name.
    pub name: String,
    /// Name or code of the unit; `None` for nobody's.
    pub unit: Option<String>,
    /// The roles that a list may give; `None` when the line says nothing.
    pub roles: Option<Vec<Role>>,
    /// 离职.
    pub left: bool,
}

/// Reads a list; every problem of every line, not only the first.
#[must_use]
pub fn read(lines: &[Line]) -> (Vec<Wanted>, Vec<Problem>) {
    let Some((head, body)) = lines.split_first() else {
        let none = problem(1, Column::StaffNumber, "", EMPTY_FILE);
        return (Vec::new(), vec![none]);
    };
    let columns = titles(head);
    let needed = [
        Column::StaffNumber,
        Column::Name,
        Column::Unit,
        Column::Roles,
    ];
    let missing = needed
        .into_iter()
        .filter(|column| !columns.contains_key(column));
    let mut problems: Vec<_> = missing
        .map(|column| problem(head.number, column, "", NO_COLUMN))
        .collect();
    if !problems.is_empty() {
        return (Vec::new(), problems);
    }
    let mut wanted = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for line in body {
        let row = Row {
            line,
            columns: &columns,
        };
        match row.read() {
            Ok(one) if seen.contains_key(&one.staff_number) => problems.push(problem(
                line.number,
                Column::StaffNumber,
                &one.staff_number,
                TWICE,
            )),
            Ok(one) => {
                seen.insert(one.staff_number.clone(), line.number);
                wanted.push(one);
            }
            Err(found) => problems.extend(found),
        }
    }
    (wanted, problems)
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
}

impl Row<'_> {
    fn read(&self) -> Result<Wanted, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut noted = |answer: Result<Option<String>, Problem>| match answer {
            Ok(text) => text,
            Err(found) => {
                problems.push(found);
                None
            }
        };
        let staff_number = noted(self.must(Column::StaffNumber, staff_number));
        let name = noted(self.must(Column::Name, name));
        let unit = noted(self.text(Column::Unit));
        let roles = noted(self.text(Column::Roles));
        let standing = noted(self.text(Column::Standing));
        let roles = roles.map(|text| self.roles(&text)).transpose();
        let left = self.left(standing.as_deref());
        match (staff_number, name, roles, left) {
            (Some(staff_number), Some(name), Ok(roles), Ok(left)) if problems.is_empty() => {
                Ok(Wanted {
                    line: self.line.number,
                    staff_number,
                    name,
                    unit,
                    roles,
                    left,
                })
            }
            (_, _, roles, left) => {
                problems.extend(roles.err());
                problems.extend(left.err());
                Err(problems)
            }
        }
    }

    fn text(&self, column: Column) -> Result<Option<String>, Problem> {
        let cell = self.columns.get(&column);
        match cell.and_then(|index| self.line.cells.get(*index)) {
            None | Some(Cell::Empty) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text.clone())),
            Some(Cell::Unfit) => Err(problem(self.line.number, column, "", UNFIT)),
        }
    }

    fn must(
        &self,
        column: Column,
        fits: fn(&str) -> Result<(), Said>,
    ) -> Result<Option<String>, Problem> {
        let text = self.text(column)?;
        let text = text.ok_or_else(|| problem(self.line.number, column, "", BLANK))?;
        match fits(&text) {
            Ok(()) => Ok(Some(text)),
            Err(said) => Err(problem(self.line.number, column, &text, said)),
        }
    }

    fn roles(&self, text: &str) -> Result<Vec<Role>, Problem> {
        let names = text.split(['、', ',', '，', ';', '；', '/', ' ']);
        let mut roles = Vec::new();
        for name in names.map(str::trim).filter(|name| !name.is_empty()) {
            let known = ROLES.iter().find(|(_, names)| names.contains(&name));
            let (role, _) =
                known.ok_or_else(|| problem(self.line.number, Column::Roles, name, BAD_ROLE))?;
            roles.push(*role);
        }
        roles.sort_unstable();
        roles.dedup();
        Ok(roles)
    }

    fn left(&self, standing: Option<&str>) -> Result<bool, Problem> {
        match standing {
            None | Some("在岗" | "在职" | "active") => Ok(false),
            Some("离职" | "退休" | "left") => Ok(true),
            Some(other) => Err(problem(
                self.line.number,
                Column::Standing,
                other,
                BAD_STANDING,
            )),
        }
    }
}

fn staff_number(text: &str) -> Result<(), Said> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if begins && text.chars().all(plain) && text.len() <= STAFF_NUMBER_CHARACTERS_MAX {
        return Ok(());
    }
    Err(BAD_STAFF_NUMBER)
}

/// What begins like a formula would be run by the program that opens an export.
fn name(text: &str) -> Result<(), Said> {
    if text.chars().count() > NAME_CHARACTERS_MAX || text.starts_with(['=', '+', '-', '@']) {
        return Err(BAD_NAME);
    }
    Ok(())
}

pub(super) fn at_unit(line: usize, found: &str, said: Said) -> Problem {
    problem(line, Column::Unit, found, said)
}

pub(super) fn at_staff_number(line: usize, found: &str, said: Said) -> Problem {
    problem(line, Column::StaffNumber, found, said)
}

pub(super) fn at_roles(line: usize, found: &str, said: Said) -> Problem {
    problem(line, Column::Roles, found, said)
}

fn problem(line: usize, column: Column, found: &str, said: Said) -> Problem {
    Problem::new(line, column.title(), found, said)
}

const EMPTY_FILE: Said = (
    "表格里没有内容，请下载模板填写。",
    "The sheet is empty; begin with the template.",
);
const NO_COLUMN: Said = (
    "缺少这一列：首行须有“工号、姓名、教学单位、角色”。",
    "This column is missing: the first line names 工号, 姓名, 教学单位, 角色.",
);
const TWICE: Said = (
    "工号在文件中重复，请只保留一行。",
    "The staff number is in the file twice; keep one line.",
);
const BLANK: Said = ("不能为空。", "This must not be empty.");
const BAD_STAFF_NUMBER: Said = (
    "工号只能由字母、数字和 - _ . 组成，最多 32 位。",
    "A staff number has letters, digits and - _ . only, 32 at most.",
);
const BAD_NAME: Said = (
    "姓名最多 40 个字，且不能以 = + - @ 开头。",
    "A name has 40 characters at most and does not begin with = + - @.",
);
const BAD_ROLE: Said = (
    "名单只能给“任课教师、二级督导、校级督导”；其他角色由安全管理员任免。",
    "A list gives 任课教师, 二级督导 or 校级督导 only; the security administrator appoints others.",
);
const BAD_STANDING: Said = (
    "状态只能是“在岗”或“离职”。",
    "The state is 在岗 (in office) or 离职 (has left).",
);

#[cfg(test)]
mod tests;
