//! The words on the paper, read back with a program that knows nothing of how they were set.

use std::io::Write;
use std::process::{Command, Stdio};

use xunke_policy::agreement;

use super::*;
use crate::config;

const NUMBER: &str = "11010519491231002X";

fn font() -> Font {
    Font::read(&config::Agreement::default().font_file).unwrap()
}

fn signed() -> Signed<'static> {
    Signed {
        number: "BM-00012",
        text: agreement::TEXT,
        version: "1",
        sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        college: "北京工业职业技术学院",
        representative: "",
        seal_note: "",
        name: "王建国",
        staff_number: "D1001",
        identity_number: Some(NUMBER),
        seconds: 75,
        signed_ms: 1_795_300_000_000,
    }
}

/// The words of a PDF, without spaces and line ends.
fn words(pdf: &[u8]) -> String {
    let mut program = Command::new("pdftotext")
        .args(["-raw", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext of poppler-utils: ./dev setup installs it");
    program.stdin.take().unwrap().write_all(pdf).unwrap();
    let said = program.wait_with_output().unwrap();
    assert!(said.status.success());
    bare(&String::from_utf8(said.stdout).unwrap())
}

fn bare(text: &str) -> String {
    text.chars().filter(|char| !char.is_whitespace()).collect()
}

/// R35, R36, R38: every sentence of 附件2, the four kinds of secret matter among them, and what was
/// put into its blanks.
#[test]
fn an_original_holds_the_whole_annex_and_both_signatures() {
    let paper = words(&pdf(&font(), &signed(), Party::Person).unwrap());
    let wording = agreement::TEXT.lines();
    let wording: Vec<_> = wording
        .take_while(|line| !line.starts_with(BLANKS))
        .collect();
    assert!(wording.len() > 30);
    // A page ends within an article: its foot stands between two sentences.
    for sentence in wording.iter().filter(|line| !line.starts_with(PERSON)) {
        assert!(paper.contains(&bare(sentence)), "{sentence}");
    }
    for filled in [
        "乙方（听课/巡课人员）：王建国（工号D1001）",
        "甲方（盖章）：北京工业职业技术学院",
        "乙方（签字）：王建国（电子签名）",
        "负责人签字：__________________",
        "身份证号：110***********002X",
        "日期：2026年11月22日",
        "协议编号BM-00012乙方执第1页共2页",
        "第1版，SHA-256ba7816bf8f01cfea",
        "全文阅读75秒",
    ] {
        assert!(paper.contains(filled), "{filled}\n{paper}");
    }
    assert!(!paper.contains(NUMBER), "R46");
}

/// R38: the two differ in whose they are; the same agreement gives the same bytes again.
#[test]
fn the_two_originals_are_alike_but_for_whose_they_are() {
    let made = |party| pdf(&font(), &signed(), party).unwrap();
    assert_eq!(made(Party::School), made(Party::School));
    let school = words(&made(Party::School));
    assert!(school.contains("甲方执") && !school.contains("乙方执第"));
    let person = words(&made(Party::Person));
    assert_eq!(school.replace("甲方执第", "乙方执第"), person);
    assert!(
        made(Party::School).len() < 300_000,
        "only glyphs that are used"
    );
}

#[test]
fn the_school_signs_when_it_names_somebody() {
    let with = Signed {
        representative: "周文",
        seal_note: "加盖教务处公章",
        identity_number: None,
        ..signed()
    };
    let paper = words(&pdf(&font(), &with, Party::School).unwrap());
    assert!(
        paper.contains("负责人签字：周文身份证号：未填写"),
        "{paper}"
    );
    assert!(paper.contains("日期：2026年11月22日日期：2026年11月22日"));
    assert!(paper.contains("用章说明：加盖教务处公章"));
}

#[test]
fn a_font_that_is_missing_or_none_is_named() {
    let missing = Font::read(std::path::Path::new("/nowhere/font.ttc"));
    let told = missing.err().unwrap().to_string();
    assert!(told.contains("/nowhere/font.ttc") && told.contains("fonts-noto-cjk"));
    let here = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let told = Font::read(here).err().unwrap().to_string();
    assert!(
        told.contains("Cargo.toml") && told.contains("cannot be embedded"),
        "{told}"
    );
}

#[test]
fn a_character_without_a_glyph_is_found() {
    let font = font();
    assert_eq!(font.lacks(agreement::TEXT).unwrap(), None);
    assert_eq!(font.lacks("协议\u{e000}").unwrap(), Some('\u{e000}'));
}
