//! The two originals: 附件2 as issued, with what both sides put into its blanks (R35, R38).

use xunke_policy::agreement::signing;

use super::layout::{self, Block};
use super::pdf::{self, Font};
use crate::campus::calendar::{self, date_and_time};

/// The line of the form at which the blanks for both sides begin.
const BLANKS: &str = "甲方（盖章）";
/// The line that names the person.
const PERSON: &str = "乙方（听课/巡课人员）：";
const BLANK: &str = "__________________";

/// Whose original it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// 甲方: the school.
    School,
    /// 乙方: the person.
    Person,
}

impl Party {
    /// Both, the school's first.
    pub const BOTH: [Self; 2] = [Self::School, Self::Person];

    /// The word in the store and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::School => "school",
            Self::Person => "person",
        }
    }

    /// The party of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::BOTH.into_iter().find(|party| party.word() == word)
    }

    fn holds(self) -> &'static str {
        match self {
            Self::School => "甲方执",
            Self::Person => "乙方执",
        }
    }
}

/// What stands in the blanks of the form, and how it came to be signed.
#[derive(Debug, Clone)]
pub struct Signed<'a> {
    /// Such as `BM-00001`.
    pub number: &'a str,
    /// The whole text.
    pub text: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Its SHA-256, hex.
    pub sha256: &'a str,
    /// 甲方.
    pub college: &'a str,
    /// 负责人; empty: left blank for a pen.
    pub representative: &'a str,
    /// 用章说明; empty: nothing is said.
    pub seal_note: &'a str,
    /// 乙方, as typed.
    pub name: &'a str,
    /// 工号.
    pub staff_number: &'a str,
    /// 身份证号 in full; only its ends are printed (R46).
    pub identity_number: Option<&'a str>,
    /// For how long the text was shown.
    pub seconds: i64,
    /// When, milliseconds since the epoch.
    pub signed_ms: i64,
}

/// One of the two originals, as PDF.
///
/// # Errors
/// When the font cannot be embedded.
pub fn pdf(font: &Font, signed: &Signed<'_>, party: Party) -> Result<Vec<u8>, pdf::Error> {
    let foot = format!("协议编号 {}　{}", signed.number, party.holds());
    let pages = layout::pages(&blocks(signed), &foot, &font.widths()?);
    let title = format!("听课/巡课保密协议 {}", signed.number);
    pdf::write(font, &title, &pages)
}

fn blocks(signed: &Signed<'_>) -> Vec<Block> {
    let lines = signed.text.lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.is_empty());
    let lines: Vec<_> = lines.take_while(|line| !line.starts_with(BLANKS)).collect();
    let first = lines.iter().position(|line| line.starts_with("甲方"));
    let titles = first.unwrap_or(0);
    let mut blocks: Vec<_> = lines[..titles]
        .iter()
        .map(|line| Block::Title((*line).to_owned()))
        .collect();
    blocks.extend(lines[titles..].iter().map(|line| block(line, signed)));
    blocks.push(Block::Columns(signatures(signed)));
    blocks.extend(record(signed).into_iter().map(Block::Note));
    blocks
}

fn block(line: &str, signed: &Signed<'_>) -> Block {
    if line.starts_with('第') && line.contains("条 ") {
        return Block::Heading(line.to_owned());
    }
    if line.starts_with(PERSON) {
        let Signed {
            name, staff_number, ..
        } = signed;
        return Block::Paragraph {
            text: format!("{PERSON}{name}（工号 {staff_number}）"),
            indented: false,
        };
    }
    Block::Paragraph {
        text: line.to_owned(),
        indented: !line.starts_with("甲方："),
    }
}

/// The blanks of the form, filled in; what nobody has put there stays blank.
fn signatures(signed: &Signed<'_>) -> Vec<(String, String)> {
    let day = day(signed.signed_ms);
    let number = signed
        .identity_number
        .map_or_else(|| "未填写".to_owned(), signing::masked);
    let (representative, school_day) = match signed.representative {
        "" => (BLANK.to_owned(), "________年______月______日".to_owned()),
        name => (name.to_owned(), day.clone()),
    };
    vec![
        (
            format!("甲方（盖章）：{}", signed.college),
            format!("乙方（签字）：{}（电子签名）", signed.name),
        ),
        (
            format!("负责人签字：{representative}"),
            format!("身份证号：{number}"),
        ),
        (format!("日期：{school_day}"), format!("日期：{day}")),
    ]
}

fn record(signed: &Signed<'_>) -> Vec<String> {
    let mut notes = vec![
        format!(
            "协议文本：第 {} 版，SHA-256 {}",
            signed.version, signed.sha256
        ),
        format!(
            "签署记录：乙方于 {} 经平台签署；全文阅读 {} 秒，勾选“已充分知悉协议内容，并自愿接受约束”，键入本人姓名，\
             并以密码和动态验证码验证身份。",
            date_and_time(signed.signed_ms),
            signed.seconds
        ),
    ];
    if signed.identity_number.is_some() {
        notes.push("身份证号只显示前 3 位和后 4 位，全号加密存于平台。".to_owned());
    }
    if !signed.seal_note.is_empty() {
        notes.push(format!("用章说明：{}", signed.seal_note));
    }
    notes
}

/// Such as `2026年11月22日`.
fn day(at_ms: i64) -> String {
    let (year, month, day) = calendar::date(calendar::day(at_ms));
    format!("{year}年{month}月{day}日")
}

#[cfg(test)]
mod tests;
