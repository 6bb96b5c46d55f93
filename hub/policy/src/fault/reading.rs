//! Reading `faults.toml`: a whole catalogue, or the first thing that is wrong with it.

use std::fmt;

use toml::{Table, Value};

use super::catalogue::{Kind, LESSON_ONLY, Severities, Severity, Words};

/// Longest title, characters: with a room and a number it must fit an SMS of 70.
pub const TITLE_CHARACTERS_MAX: usize = 24;
/// Longest English title, longest cause and longest first action, characters.
pub const WORDS_CHARACTERS_MAX: usize = 80;
/// Longest time, seconds: one day.
pub const SECONDS_MAX: i64 = 24 * 60 * 60;
/// Longest code, characters.
pub const CODE_CHARACTERS_MAX: usize = 32;

/// Why a file is no catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Of the fault; its number, counted from 1, where it has no good code; empty where the file
    /// itself is wrong.
    pub code: String,
    /// The field, such as `title.zh`.
    pub field: String,
    /// What to do, in Chinese.
    pub zh: String,
    /// What to do, in English.
    pub en: String,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            field,
            zh,
            en,
        } = self;
        write!(to, "{code}: {field}: {zh} {en}")
    }
}

impl std::error::Error for Error {}

/// Reads a catalogue.
///
/// # Errors
/// The first thing that is wrong: its code, its field, what to do.
pub fn parse(text: &str) -> Result<Vec<Kind>, Error> {
    let file: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
        let message = error.message().replace('\n', " ");
        let (zh, en) = (format!("格式不对：{message}。"), format!("{message}."));
        wrong("", "file", &zh, &en)
    })?;
    let mut file = Fields {
        code: String::new(),
        prefix: "",
        left: file,
    };
    let faults = match file.left.remove("fault") {
        Some(Value::Array(faults)) => faults,
        Some(_) => return Err(file.wrong("fault", "请写成 [[fault]]。", "Write [[fault]].")),
        None => return Err(file.missing("fault")),
    };
    file.finish()?;
    let mut kinds: Vec<Kind> = Vec::new();
    for (index, fault) in faults.into_iter().enumerate() {
        let number = format!("fault {}", index + 1);
        let Value::Table(fault) = fault else {
            return Err(wrong(&number, "fault", "请写成表。", "Write a table."));
        };
        let kind = fault_of(number, fault)?;
        if kinds.iter().any(|other| other.code == kind.code) {
            let said = ("代码重复。", "The code stands there twice.");
            return Err(wrong(&kind.code, "code", said.0, said.1));
        }
        kinds.push(kind);
    }
    let known = |told: &String| kinds.iter().any(|kind| kind.code == *told);
    if let Some(kind) = kinds.iter().find(|kind| !known(&kind.told_as)) {
        let said = ("没有这个代码。", "There is no such code.");
        return Err(wrong(&kind.code, "told_as", said.0, said.1));
    }
    Ok(kinds)
}

fn fault_of(number: String, fault: Table) -> Result<Kind, Error> {
    let mut fields = Fields {
        code: number,
        prefix: "",
        left: fault,
    };
    let code = fields.text("code")?;
    if !good_code(&code) {
        let zh = format!("代码须由大写字母、数字与下划线组成，不超过 {CODE_CHARACTERS_MAX} 字符。");
        let en = format!("A code is {CODE_CHARACTERS_MAX} of A-Z, 0-9 and _ at most.");
        return Err(fields.wrong("code", &zh, &en));
    }
    fields.code.clone_from(&code);
    let kind = Kind {
        title: fields.words("title", TITLE_CHARACTERS_MAX)?,
        cause: fields.words("cause", WORDS_CHARACTERS_MAX)?,
        first_action: fields.words("first_action", WORDS_CHARACTERS_MAX)?,
        severity: fields.severities()?,
        hold_ms: fields.milliseconds("hold_seconds")?,
        idle_hold_ms: fields.idle_hold_ms()?,
        clear_ms: fields.milliseconds("clear_seconds")?,
        told_as: match fields.left.contains_key("told_as") {
            true => fields.text("told_as")?,
            false => code.clone(),
        },
        code,
    };
    if kind.idle_hold_ms < kind.hold_ms {
        let zh = "不得短于 hold_seconds：上课时不能更慢。";
        let en = "Not less than hold_seconds: a lesson is never slower.";
        return Err(fields.wrong("idle_hold_seconds", zh, en));
    }
    fields.finish()?;
    Ok(kind)
}

fn good_code(code: &str) -> bool {
    let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    (1..=CODE_CHARACTERS_MAX).contains(&code.len())
        && code.starts_with(|c: char| c.is_ascii_uppercase())
        && code.chars().all(good)
}

/// The fields of one table that nobody has asked for yet.
struct Fields {
    code: String,
    /// Of the field that this table is, with a dot.
    prefix: &'static str,
    left: Table,
}

impl Fields {
    fn text(&mut self, field: &'static str) -> Result<String, Error> {
        match self.left.remove(field) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
            Some(_) => Err(self.wrong(field, "请填写文字。", "Give a text.")),
            None => Err(self.missing(field)),
        }
    }

    /// Whole seconds, as milliseconds.
    fn milliseconds(&mut self, field: &'static str) -> Result<i64, Error> {
        match self.left.remove(field) {
            Some(Value::Integer(seconds)) if (0..=SECONDS_MAX).contains(&seconds) => {
                Ok(seconds * 1000)
            }
            Some(_) => {
                let zh = format!("请填写 0 至 {SECONDS_MAX} 的整数秒。");
                let en = format!("Give whole seconds from 0 to {SECONDS_MAX}.");
                Err(self.wrong(field, &zh, &en))
            }
            None => Err(self.missing(field)),
        }
    }

    fn idle_hold_ms(&mut self) -> Result<i64, Error> {
        let said = (
            "lesson_only = true 与 idle_hold_seconds 须填且只填一项。",
            "Give lesson_only = true or idle_hold_seconds, one of the two.",
        );
        let timed = self.left.contains_key("idle_hold_seconds");
        match self.left.remove("lesson_only") {
            Some(Value::Boolean(true)) if !timed => Ok(LESSON_ONLY),
            Some(_) => Err(self.wrong("lesson_only", said.0, said.1)),
            None if timed => self.milliseconds("idle_hold_seconds"),
            None => Err(self.wrong("idle_hold_seconds", said.0, said.1)),
        }
    }

    fn words(&mut self, field: &'static str, zh_max: usize) -> Result<Words, Error> {
        let mut words = self.table(field)?;
        let (zh, en) = (words.text("zh")?, words.text("en")?);
        if zh.is_ascii() || zh.chars().count() > zh_max {
            let said = format!("请用中文，不超过 {zh_max} 字。");
            let also = format!("Say it in Chinese, in {zh_max} characters at most.");
            return Err(words.wrong("zh", &said, &also));
        }
        if !en.is_ascii() || en.len() > WORDS_CHARACTERS_MAX {
            let said = format!("请用英文 ASCII 字符，不超过 {WORDS_CHARACTERS_MAX} 字符。");
            let also = format!("Say it in ASCII, in {WORDS_CHARACTERS_MAX} characters at most.");
            return Err(words.wrong("en", &said, &also));
        }
        words.finish()?;
        Ok(Words { zh, en })
    }

    fn severities(&mut self) -> Result<Severities, Error> {
        let mut words = self.table("severity")?;
        let severities = Severities {
            in_class: words.severity("in_class")?,
            before_class: words.severity("before_class")?,
            idle: words.severity("idle")?,
            holiday: words.severity("holiday")?,
        };
        words.finish()?;
        let steps = [
            ("before_class", severities.in_class, severities.before_class),
            ("idle", severities.before_class, severities.idle),
            ("holiday", severities.idle, severities.holiday),
        ];
        match steps.iter().find(|(_, more, less)| less > more) {
            Some((field, ..)) => {
                let zh = "不得比上课时更严重：in_class ≥ before_class ≥ idle ≥ holiday。";
                let en = "Never worse: in_class, before_class, idle, holiday do not rise.";
                Err(words.wrong(field, zh, en))
            }
            None => Ok(severities),
        }
    }

    fn severity(&mut self, field: &'static str) -> Result<Severity, Error> {
        let word = self.text(field)?;
        Severity::named(&word).ok_or_else(|| {
            let zh = "只能是 warning、minor、major 或 critical。";
            let en = "One of warning, minor, major, critical.";
            self.wrong(field, zh, en)
        })
    }

    fn table(&mut self, field: &'static str) -> Result<Self, Error> {
        match self.left.remove(field) {
            Some(Value::Table(left)) => Ok(Self {
                code: self.code.clone(),
                prefix: field,
                left,
            }),
            Some(_) => Err(self.wrong(field, "请写成表。", "Write a table.")),
            None => Err(self.missing(field)),
        }
    }

    /// Nothing is left that nobody knows.
    fn finish(&self) -> Result<(), Error> {
        let Some(field) = self.left.keys().next() else {
            return Ok(());
        };
        Err(self.wrong(field, "没有这个字段。", "There is no such field."))
    }

    fn missing(&self, field: &str) -> Error {
        self.wrong(field, "缺少此项。", "It is missing.")
    }

    fn wrong(&self, field: &str, zh: &str, en: &str) -> Error {
        match self.prefix {
            "" => wrong(&self.code, field, zh, en),
            prefix => wrong(&self.code, &format!("{prefix}.{field}"), zh, en),
        }
    }
}

fn wrong(code: &str, field: &str, zh: &str, en: &str) -> Error {
    Error {
        code: code.to_owned(),
        field: field.to_owned(),
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[fault]]
code = "CAM_DARK"
title = { zh = "过暗", en = "Too dark" }
cause = { zh = "未开灯", en = "The lamps are off" }
first_action = { zh = "开灯", en = "See to the lamps" }
severity = { in_class = "major", before_class = "minor", idle = "minor", holiday = "warning" }
hold_seconds = 5
idle_hold_seconds = 600
clear_seconds = 3
"#;

    #[test]
    fn a_fault_is_read_whole() {
        let kinds = parse(GOOD).unwrap();
        let [kind] = &kinds[..] else {
            panic!("{kinds:?}")
        };
        assert_eq!(kind.code, "CAM_DARK");
        assert_eq!(
            (kind.title.zh.as_str(), kind.cause.en.as_str()),
            ("过暗", "The lamps are off")
        );
        assert_eq!(
            (kind.hold_ms, kind.idle_hold_ms, kind.clear_ms),
            (5_000, 600_000, 3_000)
        );
        assert_eq!(kind.severity.before_class, Severity::Minor);
        let only = GOOD.replace("idle_hold_seconds = 600", "lesson_only = true");
        assert_eq!(parse(&only).unwrap()[0].idle_hold_ms, LESSON_ONLY);
    }

    /// Every error names the code and the field.
    #[test]
    fn whatever_is_wrong_is_named() {
        let long = "长".repeat(25);
        let long = format!("zh = \"{long}\"");
        for (from, to, field) in [
            ("CAM_DARK", "cam_dark", "code"),
            ("code = \"CAM_DARK\"", "", "code"),
            ("zh = \"过暗\", ", "", "title.zh"),
            ("zh = \"过暗\"", "zh = \"dark\"", "title.zh"),
            ("zh = \"过暗\"", &long, "title.zh"),
            ("Too dark", "过暗", "title.en"),
            ("Too dark\"", "Too dark\", fr = \"Noir\"", "title.fr"),
            (
                "cause = { zh = \"未开灯\", en = \"The lamps are off\" }",
                "cause = 3",
                "cause",
            ),
            ("\"major\"", "\"fatal\"", "severity.in_class"),
            ("\"warning\"", "\"critical\"", "severity.holiday"),
            ("idle = \"minor\"", "idle = \"major\"", "severity.idle"),
            (", holiday = \"warning\"", "", "severity.holiday"),
            ("hold_seconds = 5", "hold_seconds = -1", "hold_seconds"),
            ("hold_seconds = 5", "hold_seconds = 0.5", "hold_seconds"),
            (
                "clear_seconds = 3",
                "clear_seconds = 86401",
                "clear_seconds",
            ),
            ("clear_seconds = 3", "", "clear_seconds"),
            (
                "idle_hold_seconds = 600",
                "idle_hold_seconds = 4",
                "idle_hold_seconds",
            ),
            ("idle_hold_seconds = 600", "", "idle_hold_seconds"),
            (
                "clear_seconds = 3",
                "clear_seconds = 3\nlesson_only = true",
                "lesson_only",
            ),
            (
                "idle_hold_seconds = 600",
                "lesson_only = false",
                "lesson_only",
            ),
            (
                "clear_seconds = 3",
                "clear_seconds = 3\ncolour = 1",
                "colour",
            ),
        ] {
            assert!(GOOD.contains(from), "{from}");
            let error = parse(&GOOD.replacen(from, to, 1)).unwrap_err();
            let code = if field == "code" {
                "fault 1"
            } else {
                "CAM_DARK"
            };
            assert_eq!(
                (error.code.as_str(), error.field.as_str()),
                (code, field),
                "{error}"
            );
            assert!(!error.zh.is_ascii() && error.en.is_ascii(), "{error}");
        }
        let twice = parse(&format!("{GOOD}{GOOD}")).unwrap_err();
        assert_eq!(
            (twice.code.as_str(), twice.field.as_str()),
            ("CAM_DARK", "code")
        );
        for (text, field) in [("", "fault"), ("fault = 1", "fault"), ("=", "file")] {
            assert_eq!(parse(text).unwrap_err().field, field);
        }
        assert_eq!(
            parse(&format!("level = 1\n{GOOD}")).unwrap_err().field,
            "level"
        );
    }
}
