//! An excerpt: the lines that a filter asks for, as a file to read and to compute with (R116,
//! R118).
//!
//! It proves nothing by itself: the whole export does. Its own line says who took how many, and
//! the head in it says from which trail.

use serde::Serialize;

use super::{Entry, Trail, Unavailable, Who};
use crate::access::workbook::{self, Cell, Column, Sheet};
use crate::campus::calendar;
use crate::store::trail::{Filter, Head, Line};

/// Most lines of one excerpt.
pub const LINES_MAX: usize = 20_000;

const COLUMNS: [Column; 13] = [
    ("序号", 9),
    ("时间", 20),
    ("姓名", 12),
    ("工号", 14),
    ("地址", 16),
    ("操作代码", 20),
    ("对象", 30),
    ("目的", 24),
    ("结果", 8),
    ("条款", 10),
    ("说明", 40),
    ("时间（毫秒）", 16),
    ("哈希", 66),
];

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For Excel and WPS.
    Xlsx,
    /// For programs.
    Json,
}

impl Kind {
    /// How the name of the file ends.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Json => "json",
        }
    }
}

/// Why there is no excerpt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More lines than [`LINES_MAX`].
    #[error("more lines than one excerpt holds")]
    TooMany,
    /// The trail cannot be read, or the excerpt's own line not written.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The workbook cannot be made.
    #[error("cannot make the workbook")]
    Workbook(#[from] workbook::Error),
}

/// What was asked, by whom, and where the trail stood.
#[derive(Debug, Clone, Serialize)]
struct Title {
    taken_ms: i64,
    taken_by: String,
    asked: Asked,
    head: Stand,
}

#[derive(Debug, Clone, Serialize)]
struct Asked {
    person: String,
    action: String,
    outcome: String,
    object: String,
    from_ms: Option<i64>,
    until_ms: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
struct Stand {
    seq: i64,
    hash: String,
}

/// An excerpt whose line is in the trail.
#[derive(Debug, Serialize)]
pub struct Excerpt {
    #[serde(flatten)]
    title: Title,
    /// Oldest first.
    lines: Vec<Line>,
}

/// Gathers what `filter` asks for and writes the line that `by` took it.
///
/// # Errors
/// When there is too much of it, or the trail fails; then nothing goes out.
pub async fn take(
    trail: &Trail,
    filter: &Filter,
    by: Who,
    kind: Kind,
    now_ms: i64,
) -> Result<Excerpt, Error> {
    let limit = i64::try_from(LINES_MAX).unwrap_or(i64::MAX);
    let mut lines = trail.find(filter, i64::MAX, limit + 1).await?;
    if lines.len() > LINES_MAX {
        return Err(Error::TooMany);
    }
    lines.reverse();
    let (asked, taken_by) = (asked(filter), by.staff_number.clone());
    let count = lines.len();
    let entry = Entry {
        object: question(&asked),
        detail: format!("excerpt, {} {count}", kind.word()),
        ..Entry::done(by, "export_trail")
    };
    let Head { seq, hash } = trail.append(entry, now_ms).await?;
    let title = Title {
        taken_ms: now_ms,
        taken_by,
        asked,
        head: Stand { seq, hash },
    };
    Ok(Excerpt { title, lines })
}

impl Excerpt {
    /// The bytes of the file. Not for the thread that answers others.
    ///
    /// # Errors
    /// When the workbook cannot be made.
    pub fn file(self, kind: Kind) -> Result<Vec<u8>, Error> {
        match kind {
            Kind::Json => Ok(serde_json::to_vec_pretty(&self)
                .expect("invariant: numbers and texts can be written as JSON")),
            Kind::Xlsx => Ok(self.workbook()?),
        }
    }

    fn workbook(self) -> Result<Vec<u8>, workbook::Error> {
        let now_ms = self.title.taken_ms;
        let about = Sheet {
            name: "导出说明",
            columns: &[("项目", 20), ("内容", 70)],
            lines: about(&self.title, self.lines.len()),
        };
        let lines = Sheet {
            name: "审计记录",
            columns: &COLUMNS,
            lines: self.lines.into_iter().map(cells).collect(),
        };
        workbook::file(vec![lines, about], now_ms)
    }
}

fn asked(filter: &Filter) -> Asked {
    Asked {
        person: filter.person.clone(),
        action: filter.action.clone(),
        outcome: filter.outcome.clone(),
        object: filter.object.clone(),
        from_ms: filter.from_ms,
        until_ms: filter.until_ms,
    }
}

/// As a query of the same is noted: `person=王 action=view_live`.
fn question(asked: &Asked) -> String {
    let time = |at_ms: Option<i64>| at_ms.map(|ms| ms.to_string()).unwrap_or_default();
    let pairs = [
        ("person", asked.person.clone()),
        ("action", asked.action.clone()),
        ("outcome", asked.outcome.clone()),
        ("object", asked.object.clone()),
        ("from", time(asked.from_ms)),
        ("until", time(asked.until_ms)),
    ];
    let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(" ")
}

fn about(title: &Title, lines: usize) -> Vec<Vec<Cell>> {
    let moment = |ms: Option<i64>| ms.map(calendar::date_and_time).unwrap_or_default();
    let head = format!("{} {}", title.head.seq, title.head.hash);
    let asked = &title.asked;
    let pairs = [
        ("导出时间", calendar::date_and_time(title.taken_ms)),
        ("导出人工号", title.taken_by.clone()),
        ("条数", lines.to_string()),
        ("人员", asked.person.clone()),
        ("操作代码", asked.action.clone()),
        ("结果", asked.outcome.clone()),
        ("对象", asked.object.clone()),
        ("起", moment(asked.from_ms)),
        ("止（不含）", moment(asked.until_ms)),
        ("导出后链头", head),
        (
            "校验",
            "本表是摘录，不能单独校验；请用“导出全部”的文件校验。".to_owned(),
        ),
    ];
    let line = |(name, value): (&str, String)| vec![Cell::Text(name.into()), Cell::Text(value)];
    pairs.into_iter().map(line).collect()
}

fn cells(line: Line) -> Vec<Cell> {
    let outcome = match line.outcome.as_str() {
        "permitted" => "许可",
        "refused" => "拒绝",
        "done" => "完成",
        "failed" => "失败",
        other => other,
    };
    let outcome = outcome.to_owned();
    let texts = [
        calendar::date_and_time(line.at_ms),
        line.person,
        line.staff_number,
        line.address,
        line.action,
        line.object,
        line.purpose,
        outcome,
        line.article,
        line.detail,
    ];
    let mut cells = vec![Cell::Number(line.seq)];
    cells.extend(texts.map(Cell::Text));
    cells.extend([Cell::Number(line.at_ms), Cell::Text(line.hash)]);
    cells
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use calamine::{Data, Reader, Xlsx};

    use super::*;
    use crate::access::audit::Outcome;
    use crate::notice::Notices;
    use crate::store::Db;
    use crate::store::trail::tamper;

    fn who(number: &str) -> Who {
        Who {
            person: "=1+1".into(),
            staff_number: number.into(),
            ..Who::default()
        }
    }

    async fn trail_of(numbers: &[&str]) -> (Db, Trail) {
        let db = Db::in_memory().await;
        let trail = Trail::new(db.clone(), Notices::default());
        for number in numbers {
            let entry = Entry {
                who: who(number),
                action: "view_live",
                object: "博学楼101".into(),
                purpose: "plan".into(),
                outcome: Outcome::Permitted,
                article: "",
                detail: String::new(),
            };
            trail.append(entry, 1_795_276_800_000).await.unwrap();
        }
        (db, trail)
    }

    fn of(person: &str) -> Filter {
        Filter {
            person: person.into(),
            ..Filter::default()
        }
    }

    /// R116: what was asked for and nothing else, oldest first; the excerpt is a line that says
    /// who took how many.
    #[tokio::test]
    async fn an_excerpt_holds_what_was_asked_and_is_a_line() {
        let (_, trail) = trail_of(&["A", "B", "A"]).await;
        let taken = take(&trail, &of("A"), who("S1"), Kind::Json, 5).await;
        let bytes = taken.unwrap().file(Kind::Json).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let lines: Vec<_> = json["lines"].as_array().unwrap().iter().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["seq"], &lines[1]["seq"]), (&1.into(), &3.into()));
        assert_eq!(
            (&json["head"]["seq"], &json["taken_by"]),
            (&4.into(), &"S1".into())
        );
        let line = trail.line(4).await.unwrap().unwrap();
        assert_eq!(line.action, "export_trail");
        assert_eq!(
            (line.object.as_str(), line.detail.as_str()),
            ("person=A", "excerpt, json 2")
        );
        assert_eq!(line.staff_number, "S1");
    }

    /// R116: the workbook says the same, its times as in the room, its texts as texts.
    #[tokio::test]
    async fn a_workbook_says_the_same() {
        let (_, trail) = trail_of(&["A"]).await;
        let taken = take(&trail, &of(""), who("S1"), Kind::Xlsx, 5).await;
        let bytes = taken.unwrap().file(Kind::Xlsx).unwrap();
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
        let range = book.worksheet_range("审计记录").unwrap();
        assert_eq!(range.get_size(), (2, COLUMNS.len()));
        let text = |column| range.get_value((1, column)).unwrap().clone();
        assert_eq!(text(0), Data::Float(1.0));
        assert_eq!(text(1), Data::String("2026-11-22 00:00:00".into()));
        assert_eq!(text(2), Data::String("=1+1".into()));
        assert_eq!(text(8), Data::String("许可".into()));
        assert_eq!(
            book.worksheet_formula("审计记录")
                .unwrap()
                .used_cells()
                .count(),
            0
        );
        let about = book.worksheet_range("导出说明").unwrap();
        assert_eq!(about.get_value((3, 1)), Some(&Data::String("1".into())));
    }

    /// R116, X9: more than the limit is refused as a whole and leaves no line; a trail that cannot
    /// be written lets nothing out.
    #[tokio::test]
    async fn too_much_or_no_line_lets_nothing_out() {
        let (db, trail) = trail_of(&["A"]).await;
        tamper(
            &db,
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20001)
             INSERT INTO trail (seq, at_ms, person, staff_number, address, action, object,
             purpose, outcome, article, detail, hash)
             SELECT i, 0, '', '', '', '', '', '', '', '', '', '' FROM n",
        )
        .await;
        let taken = take(&trail, &of(""), who("S1"), Kind::Json, 5).await;
        assert!(matches!(taken, Err(Error::TooMany)), "{taken:?}");
        assert_eq!(trail.head().await.unwrap().seq, 1);
        tamper(&db, "DELETE FROM trail WHERE seq = 20001").await;
        let taken = take(&trail, &of(""), who("S1"), Kind::Json, 5).await;
        assert!(
            matches!(taken, Err(Error::Trail(_))),
            "the numbers are taken: {taken:?}"
        );
    }
}
