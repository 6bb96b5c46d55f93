//! Sheets: real workbooks, csv as Excel and WPS write it, and files that are none.

use std::io::Write;

use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

fn line(number: usize, cells: &[&str]) -> Line {
    let cell = |one: &&str| match *one {
        "" => Cell::Empty,
        one => text(one),
    };
    Line {
        number,
        cells: cells.iter().map(cell).collect(),
    }
}

fn refused(file: &[u8]) -> String {
    read(file).unwrap_err().zh
}

/// R27: what people type into Excel: numbers, blanks, empty lines, a wide blank.
#[test]
fn a_workbook_is_read_as_it_is_meant() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet
        .write_row(0, 0, ["工号", "姓名", "教学单位", "角色"])
        .unwrap();
    sheet.write(2, 0, 10001).unwrap();
    sheet.write(2, 1, " 李 明　").unwrap();
    sheet.write(2, 3, "任课教师").unwrap();
    sheet.write(5, 0, "   ").unwrap();
    let lines = read(&book.save_to_buffer().unwrap()).unwrap();
    let expected = [
        line(1, &["工号", "姓名", "教学单位", "角色"]),
        line(3, &["10001", "李 明", "", "任课教师"]),
    ];
    assert_eq!(lines, expected);
}

/// A formula counts by its result; without one, and as an error or a date, it means nothing.
#[test]
fn formulas_dates_and_long_texts_are_not_guessed() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let result = Formula::new("=\"T\"&6001").set_result("T6001");
    sheet.write(0, 0, result).unwrap();
    sheet
        .write(0, 1, Formula::new("=X1").set_result(""))
        .unwrap();
    sheet
        .write(0, 2, Formula::new("=1/0").set_result("#DIV/0!"))
        .unwrap();
    let date = ExcelDateTime::from_ymd(2026, 11, 22).unwrap();
    let format = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write_with_format(0, 3, &date, &format).unwrap();
    sheet.write(0, 4, 1.5).unwrap();
    sheet.write(0, 5, "长".repeat(201)).unwrap();
    sheet.write(0, 6, true).unwrap();
    let lines = read(&book.save_to_buffer().unwrap()).unwrap();
    let cells = &lines[0].cells;
    assert_eq!(cells[0], text("T6001"));
    for (column, cell) in cells.iter().enumerate().skip(3) {
        assert_eq!(*cell, Cell::Unfit, "column {column}");
    }
    assert_ne!(cells[1], text("X1"));
    assert!(!matches!(&cells[2], Cell::Empty), "an error is not nothing");
}

/// Merged cells hide to whom they belong.
#[test]
fn merged_cells_are_sent_back() {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write(0, 0, "工号").unwrap();
    let format = Format::new();
    sheet
        .merge_range(2, 2, 4, 2, "信息工程学院", &format)
        .unwrap();
    let said = refused(&book.save_to_buffer().unwrap());
    assert!(said.starts_with("第 3 行有合并单元格"), "{said}");
}

/// GB18030 as Excel writes it in Chinese, UTF-8 with and without its mark, UTF-16.
#[test]
fn csv_is_read_in_every_encoding_that_occurs() {
    let written = "工号,姓名,教学单位\r\nT6001,李明,\"信息,工程\"\r\n\r\nT6002,喆𠮷\t,\r\n";
    let lines = [
        line(1, &["工号", "姓名", "教学单位"]),
        line(2, &["T6001", "李明", "信息,工程"]),
        line(4, &["T6002", "喆𠮷", ""]),
    ];
    let utf8 = written.as_bytes().to_vec();
    let marked = [b"\xEF\xBB\xBF", written.as_bytes()].concat();
    let gb18030 = GB18030.encode(written).0.into_owned();
    let units = written.encode_utf16().flat_map(u16::to_le_bytes);
    let utf16: Vec<_> = [0xFF, 0xFE].into_iter().chain(units).collect();
    assert_ne!(utf8, gb18030);
    for file in [utf8, marked, gb18030, utf16] {
        assert_eq!(read(&file).unwrap(), lines);
    }
    let tabs = written.replace("\"信息,工程\"", "信息").replace(',', "\t");
    assert_eq!(read(tabs.as_bytes()).unwrap()[1].cells[1], text("李明"));
}

/// What is no sheet says so, and what to do.
#[test]
fn other_files_are_refused_with_what_to_do() {
    assert!(refused(b"").contains("空"));
    assert!(refused(&[0xD0, 0xCF, 0x11, 0xE0, 0, 0]).contains(".xlsx"));
    assert!(refused(b"PK\x03\x04 and then something else").contains("损坏"));
    assert!(refused(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe").contains("编码"));
    assert!(refused(&vec![b'a'; FILE_BYTES_MAX + 1]).contains("4 MB"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("word/document.xml", SimpleFileOptions::default())
        .unwrap();
    zip.write_all(b"<w/>").unwrap();
    assert!(refused(&zip.finish().unwrap().into_inner()).contains("损坏"));
    let mut cut = Workbook::new();
    cut.add_worksheet().write(0, 0, "工号").unwrap();
    let whole = cut.save_to_buffer().unwrap();
    assert!(refused(&whole[..whole.len() / 2]).contains("损坏"));
}

/// A file of a few kilobytes that would fill the memory, and a cell a million lines down.
#[test]
fn a_bomb_is_not_unpacked() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let block = vec![b' '; 1024 * 1024];
    for _ in 0..=UNPACKED_BYTES_MAX / 1024 / 1024 {
        zip.write_all(&block).unwrap();
    }
    let bomb = zip.finish().unwrap().into_inner();
    assert!(bomb.len() < 256 * 1024, "{} bytes", bomb.len());
    assert!(refused(&bomb).contains("过大"));
    let mut far = Workbook::new();
    far.add_worksheet().write(1_000_000, 0, "T1").unwrap();
    assert!(refused(&far.save_to_buffer().unwrap()).contains("过大"));
    let wide = ",".repeat(60);
    assert!(refused(wide.as_bytes()).contains("过大"));
    let long = "T1\n".repeat(LINES_MAX + 1);
    assert!(refused(long.as_bytes()).contains("过大"));
}
