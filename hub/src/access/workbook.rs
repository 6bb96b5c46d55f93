//! A workbook: sheets of lines as an xlsx file, for Excel and WPS.
//!
//! A text stays the text it is: what begins like a formula is none, not even once somebody has
//! edited the cell.

pub use rust_xlsxwriter::XlsxError as Error;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, Worksheet};

/// A column: its title, and how many characters it is wide.
pub type Column = (&'static str, u16);

/// What programs for sheets take for the beginning of a formula.
const LIKE_A_FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// A number to be sorted by.
    Number(i64),
    /// Anything else.
    Text(String),
}

/// One sheet.
#[derive(Debug)]
pub struct Sheet {
    /// What its tab says.
    pub name: &'static str,
    /// The columns; their titles are the first line.
    pub columns: &'static [Column],
    /// The lines below.
    pub lines: Vec<Vec<Cell>>,
}

/// The file. Takes some time when it is long: not for the thread that answers others.
///
/// # Errors
/// When there is more than a sheet can hold.
pub fn file(sheets: Vec<Sheet>, now_ms: i64) -> Result<Vec<u8>, Error> {
    let mut book = Workbook::new();
    let made = ExcelDateTime::from_timestamp(now_ms.div_euclid(1000))?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made));
    for sheet in sheets {
        write(book.add_worksheet(), sheet)?;
    }
    book.save_to_buffer()
}

fn write(page: &mut Worksheet, sheet: Sheet) -> Result<(), Error> {
    let title = Format::new().set_bold().set_align(FormatAlign::Top);
    let plain = Format::new().set_align(FormatAlign::Top);
    let quoted = plain.clone().set_quote_prefix();
    page.set_name(sheet.name)?;
    page.set_freeze_panes(1, 0)?;
    for (column, (text, characters)) in (0..).zip(sheet.columns) {
        page.write_string_with_format(0, column, *text, &title)?;
        page.set_column_width(column, *characters)?;
    }
    for (row, cells) in (1..).zip(sheet.lines) {
        for (column, cell) in (0..).zip(cells) {
            match cell {
                // Numbers of lines are far below where a sheet's numbers become inexact.
                Cell::Number(number) => {
                    page.write_number_with_format(row, column, number as f64, &plain)?
                }
                Cell::Text(text) if text.starts_with(LIKE_A_FORMULA) => {
                    page.write_string_with_format(row, column, text, &quoted)?
                }
                Cell::Text(text) => page.write_string_with_format(row, column, text, &plain)?,
            };
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use calamine::{Data, Reader, Xlsx};

    use super::*;

    const TEXTS: [&str; 8] = [
        "=HYPERLINK(\"http://evil\",\"x\")",
        "+1",
        "-1+2",
        "@SUM(1)",
        "\t=1",
        "王建国",
        "a\nb & <c> \u{1}",
        "00123",
    ];

    fn lines() -> Vec<Vec<Cell>> {
        let line = |(number, text): (i64, &&str)| {
            vec![Cell::Number(number), Cell::Text((*text).to_owned())]
        };
        (1..).zip(&TEXTS).map(line).collect()
    }

    fn bytes() -> Vec<u8> {
        let sheet = Sheet {
            name: "记录",
            columns: &[("序号", 8), ("对象", 30)],
            lines: lines(),
        };
        file(vec![sheet], 1_795_276_800_000).unwrap()
    }

    /// R116: what strangers typed comes out as they typed it, and computes nothing.
    #[test]
    fn no_text_becomes_a_formula() {
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes())).unwrap();
        let formulas = book.worksheet_formula("记录").unwrap();
        assert_eq!(formulas.used_cells().count(), 0);
        let range = book.worksheet_range("记录").unwrap();
        let mut rows = range.rows();
        let titles = ["序号", "对象"].map(|text| Data::String(text.into()));
        assert_eq!(rows.next().unwrap(), titles);
        for (row, text) in rows.zip(TEXTS) {
            assert_eq!(row[1], Data::String(text.into()));
        }
        assert_eq!(range.height(), 1 + TEXTS.len());
    }

    /// R116: an edited cell stays a text too; the five that look like formulas, and no others.
    #[test]
    fn what_looks_like_a_formula_is_marked_as_text() {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes())).unwrap();
        let mut part = |name: &str| {
            let mut text = String::new();
            let mut file = archive.by_name(name).unwrap();
            file.read_to_string(&mut text).unwrap();
            text
        };
        assert!(!part("xl/worksheets/sheet1.xml").contains("<f>"));
        let styles = part("xl/styles.xml");
        let quoted = styles.split("<cellXfs").nth(1).unwrap();
        let quoted = quoted.split("<xf ").skip(1);
        let number = quoted
            .enumerate()
            .find(|(_, style)| style.contains("quotePrefix=\"1\""));
        let mark = format!("s=\"{}\" t=\"s\"", number.unwrap().0);
        assert_eq!(part("xl/worksheets/sheet1.xml").matches(&mark).count(), 5);
    }
}
