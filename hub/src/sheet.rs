//! A sheet: lines of cells out of an xlsx or csv file, whatever is in it.
//!
//! Everything has a limit before it is read: bytes when unpacked, lines, columns, cells.

use std::io::{Cursor, Read};

use calamine::{DataRef, Reader, Xlsx};
use encoding_rs::{GB18030, UTF_16LE};
use zip::ZipArchive;

/// Longest file that is looked at.
pub const FILE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// What a file may become when it is unpacked.
const UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Most lines of a list.
pub const LINES_MAX: usize = 20_000;
const COLUMNS_MAX: usize = 50;
const CELL_CHARACTERS_MAX: usize = 200;

/// One line that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// As the program that made the file counts it, from 1.
    pub number: usize,
    /// From the first column.
    pub cells: Vec<Cell>,
}

/// One cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Cell {
    /// Nothing, or blanks.
    #[default]
    Empty,
    /// Text, without blanks around it.
    Text(String),
    /// A formula without a value, an error, a date: nothing that can be meant.
    Unfit,
}

/// What is wrong with a line: where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, as the program that made the file counts it.
    pub line: usize,
    /// The title of the column.
    pub column: &'static str,
    /// What stands there.
    pub found: String,
    /// For people, in Chinese.
    pub zh: &'static str,
    /// For people, in English.
    pub en: &'static str,
}

/// In Chinese and in English.
pub type Said = (&'static str, &'static str);

impl Problem {
    /// What is `said` about a cell.
    #[must_use]
    pub fn new(line: usize, column: &'static str, found: &str, (zh, en): Said) -> Self {
        Self {
            line,
            column,
            found: found.into(),
            zh,
            en,
        }
    }
}

/// About [`Cell::Unfit`].
pub const UNFIT: Said = (
    "内容不是普通文字（公式没有结果、错误值、日期或超过 200 字），请改为文字。",
    "Not plain text (a formula without a result, an error, a date, or over 200 characters).",
);
/// Why a file is no sheet: in Chinese and in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoSheet {
    /// For people, in Chinese.
    pub zh: String,
    /// For people, in English.
    pub en: String,
}

fn no_sheet(zh: impl Into<String>, en: impl Into<String>) -> NoSheet {
    NoSheet {
        zh: zh.into(),
        en: en.into(),
    }
}

/// The lines of a file, recognised by its first bytes.
///
/// # Errors
/// What is wrong with the file as a whole, and what to do.
pub fn read(file: &[u8]) -> Result<Vec<Line>, NoSheet> {
    if file.is_empty() {
        return Err(no_sheet("文件是空的。", "The file is empty."));
    }
    if file.len() > FILE_BYTES_MAX {
        return Err(no_sheet(
            "文件超过 4 MB，请分成几个文件。",
            "The file is larger than 4 MB; split it.",
        ));
    }
    if file.starts_with(b"PK\x03\x04") {
        return xlsx(file);
    }
    if file.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return Err(no_sheet(
            "这是旧版 Excel（.xls）或设有密码的文件，请另存为不带密码的 .xlsx 或 .csv。",
            "This is an old Excel (.xls) or a protected file; save it as .xlsx without a password, \
             or as .csv.",
        ));
    }
    csv(&text(file)?)
}

fn damaged() -> NoSheet {
    no_sheet(
        "文件已损坏或不是 Excel 工作簿，请用 Excel 或 WPS 另存为 .xlsx 后重试。",
        "The file is damaged or no workbook; save it anew as .xlsx.",
    )
}

fn too_many() -> NoSheet {
    no_sheet(
        format!("表格过大：最多 {LINES_MAX} 行、{COLUMNS_MAX} 列，请分成几个文件。"),
        format!("The sheet is too large: {LINES_MAX} lines and {COLUMNS_MAX} columns at most."),
    )
}

/// Unpacked once only to be counted: what the archive says of its own sizes may be a lie.
fn unpacks_within_limits(file: &[u8]) -> Result<(), NoSheet> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|_| damaged())?;
    let mut left = UNPACKED_BYTES_MAX;
    for index in 0..archive.len() {
        let entry = archive.by_index(index).map_err(|_| damaged())?;
        let mut entry = entry.take(left + 1);
        let read = std::io::copy(&mut entry, &mut std::io::sink()).map_err(|_| damaged())?;
        left = left.checked_sub(read).ok_or_else(too_many)?;
    }
    Ok(())
}

fn xlsx(file: &[u8]) -> Result<Vec<Line>, NoSheet> {
    unpacks_within_limits(file)?;
    let mut book = Xlsx::new(Cursor::new(file)).map_err(|_| damaged())?;
    let name = book.sheet_names().into_iter().next().ok_or_else(damaged)?;
    let merged = book.merge_cells_by_sheet_name(&name);
    if let Some(first) = merged.map_err(|_| damaged())?.first() {
        let line = first.start.0 + 1;
        return Err(no_sheet(
            format!("第 {line} 行有合并单元格，请取消合并并逐行填写后重试。"),
            format!("There are merged cells in line {line}; take them apart, fill each line."),
        ));
    }
    let mut cells = book.worksheet_cells_reader(&name).map_err(|_| damaged())?;
    let mut lines: Vec<Line> = Vec::new();
    while let Some(found) = cells
        .next_cell_with_formula_metadata()
        .map_err(|_| damaged())?
    {
        let (row, column) = (found.pos.0 as usize, found.pos.1 as usize);
        let cell = match found.value {
            DataRef::Empty if found.formula.is_some() => Cell::Unfit,
            value => cell(&value),
        };
        if cell == Cell::Empty {
            continue;
        }
        // Notes far below or beside the table would otherwise be read as people.
        if row >= LINES_MAX || column >= COLUMNS_MAX {
            return Err(too_many());
        }
        put(&mut lines, row + 1, column, cell);
    }
    lines.sort_by_key(|line| line.number);
    Ok(lines)
}

/// Cells come line by line in any file that a program wrote.
fn put(lines: &mut Vec<Line>, number: usize, column: usize, cell: Cell) {
    if lines.last().is_none_or(|line| line.number != number) {
        let cells = Vec::new();
        lines.push(Line { number, cells });
    }
    let line = lines.last_mut().expect("invariant: a line was pushed");
    if line.cells.len() <= column {
        line.cells.resize(column + 1, Cell::Empty);
    }
    line.cells[column] = cell;
}

fn cell(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::String(text) => plain(text),
        DataRef::SharedString(text) => plain(text),
        DataRef::Int(number) => Cell::Text(number.to_string()),
        // A staff number that was typed as a number.
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            Cell::Text(format!("{number:.0}"))
        }
        _ => Cell::Unfit,
    }
}

fn plain(text: &str) -> Cell {
    // A blank as wide as a character is a blank too.
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{3000}');
    let fits = text.chars().count() <= CELL_CHARACTERS_MAX && !text.chars().any(char::is_control);
    match (text.is_empty(), fits) {
        (true, _) => Cell::Empty,
        (false, true) => Cell::Text(text.into()),
        (false, false) => Cell::Unfit,
    }
}

/// UTF-8 with or without its mark, UTF-16 with its mark, else GB18030.
fn text(file: &[u8]) -> Result<String, NoSheet> {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    let (decoded, wrong) = match std::str::from_utf8(file) {
        Ok(text) => (text.into(), false),
        Err(_) if file.starts_with(&[0xFF, 0xFE]) => {
            let (text, wrong) = UTF_16LE.decode_with_bom_removal(file);
            (text, wrong)
        }
        Err(_) => GB18030.decode_without_bom_handling(file),
    };
    if wrong || decoded.contains('\0') {
        return Err(no_sheet(
            "文件不是表格，或编码无法识别；请保存为 .xlsx，或 UTF-8 / GB18030 编码的 .csv。",
            "The file is no list, or its encoding is unknown; save it as .xlsx, or as .csv in \
             UTF-8 or GB18030.",
        ));
    }
    Ok(decoded.into_owned())
}

fn csv(text: &str) -> Result<Vec<Line>, NoSheet> {
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b'\t', b';']
        .into_iter()
        .max_by_key(|mark| head.bytes().filter(|byte| byte == mark).count())
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let mut lines = Vec::new();
    let (mut at, mut number) = (0, 1);
    for record in reader.records() {
        let record = record.map_err(|_| damaged())?;
        // The reader's own count stands before the end of the last line, and skips empty ones.
        let start = record
            .position()
            .map_or(at, |position| position.byte() as usize);
        let blank = text[start..]
            .bytes()
            .take_while(|byte| b"\r\n".contains(byte));
        let start = start + blank.count();
        number += text[at..start]
            .bytes()
            .filter(|byte| *byte == b'\n')
            .count();
        at = start;
        if lines.len() >= LINES_MAX || record.len() > COLUMNS_MAX {
            return Err(too_many());
        }
        let cells: Vec<_> = record.iter().map(plain).collect();
        if cells.iter().any(|cell| *cell != Cell::Empty) {
            lines.push(Line { number, cells });
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
