//! The words of a message, for people: a few lines, a subject, and one line for a short message.
//! Pure; times are shown as the clock on the wall in Asia/Shanghai.

use xunke_policy::fault::Severity;

use super::message::{About, Message};
use crate::campus::calendar::date_and_time;

/// Rooms named in the lines; more are counted.
const ROOMS_NAMED_MAX: usize = 10;
/// A short message of Chinese text is this long at most; a longer one is sent, and paid, as
/// several. In units of UTF-16, as the carriers count.
pub const SHORT_UNITS_MAX: usize = 70;
const SHORT_TITLE_UNITS_MAX: usize = 22;
const SHORT_ROOM_UNITS_MAX: usize = 14;

/// In which language a channel speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// The word in the store and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Zh => "zh",
            Self::En => "en",
        }
    }

    /// The language of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Zh, Self::En]
            .into_iter()
            .find(|language| language.word() == word)
    }

    fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// One line that says the most important. It begins with 巡课, which robots can demand as a keyword.
#[must_use]
pub fn subject(message: &Message, language: Language) -> String {
    let title = language.pick(&message.title_zh, &message.title_en);
    let about = about(message.about, language);
    match message.about {
        About::DeadMan | About::Test => format!("【巡课】{about}"),
        _ => {
            let severity = severity(message.severity, language);
            let number = spaced(&message.number);
            format!("【巡课】{about}{number} {severity} {title}")
        }
    }
}

/// The message in a few lines, `bytes_max` at most; `origin` is what people type to come to the
/// hub, empty when it is not known.
#[must_use]
pub fn lines(message: &Message, language: Language, origin: &str, bytes_max: usize) -> String {
    let mut lines = vec![subject(message, language)];
    match message.about {
        About::DeadMan => lines.push(still_works(message.count, language)),
        About::Test => lines.push(
            language
                .pick("收到即说明本通道可用。", "This channel works.")
                .into(),
        ),
        _ => lines.extend(facts(message, language)),
    }
    if !origin.is_empty() {
        lines.push(format!("{origin}{}", message.link));
    }
    cut(&lines.join("\n"), bytes_max)
}

/// One line of [`SHORT_UNITS_MAX`] at most, in Chinese: number, what, where and since when.
#[must_use]
pub fn short(message: &Message) -> String {
    let about = about(message.about, Language::Zh);
    if let About::DeadMan | About::Test = message.about {
        return units(&format!("巡课{about}：通道正常"), SHORT_UNITS_MAX);
    }
    let title = units(&message.title_zh, SHORT_TITLE_UNITS_MAX);
    let room = match message.rooms.as_slice() {
        [] => String::new(),
        [one] => format!("，{}", units(one, SHORT_ROOM_UNITS_MAX)),
        [first, ..] => {
            let (first, all) = (units(first, SHORT_ROOM_UNITS_MAX), message.rooms.len());
            format!("，{first}等{all}间")
        }
    };
    let since = date_and_time(message.since_ms);
    // Month, day, hour and minute.
    let since = since.get(5..16).unwrap_or_default();
    let text = format!("{}{about}：{title}{room}，{since}起", message.number);
    units(&text, SHORT_UNITS_MAX)
}

fn facts(message: &Message, language: Language) -> Vec<String> {
    let line = |zh: &str, en: &str, value: &str| match language {
        Language::Zh => format!("{zh}：{value}"),
        Language::En => format!("{en}: {value}"),
    };
    let mut lines = vec![line("代码", "Code", &message.code)];
    if !message.rooms.is_empty() {
        lines.push(line("教室", "Rooms", &rooms(&message.rooms, language)));
    }
    if !message.component.is_empty() {
        lines.push(line("部位", "Part", &message.component));
    }
    lines.push(line("开始", "Since", &date_and_time(message.since_ms)));
    if message.count > 1 {
        lines.push(line("数量", "Count", &message.count.to_string()));
    }
    lines
}

fn rooms(rooms: &[String], language: Language) -> String {
    let named = &rooms[..rooms.len().min(ROOMS_NAMED_MAX)];
    let named = named.join(language.pick("、", ", "));
    match (rooms.len() > ROOMS_NAMED_MAX, language) {
        (false, _) => named,
        (true, Language::Zh) => format!("{named} 等 {} 间", rooms.len()),
        (true, Language::En) => format!("{named} and others, {} in all", rooms.len()),
    }
}

fn still_works(faults: u32, language: Language) -> String {
    match language {
        Language::Zh => format!("告警通道每日自检，本通道正常。未消除的故障：{faults} 项。"),
        Language::En => format!("Daily check: this channel works. Open faults: {faults}."),
    }
}

fn about(about: About, language: Language) -> &'static str {
    let (zh, en) = match about {
        About::Raised => ("新告警", "Alert"),
        About::Repeated => ("仍未恢复", "Still open"),
        About::Escalated => ("无人确认，已升级", "Not acknowledged, escalated"),
        About::Resolved => ("已恢复", "Resolved"),
        About::Summary => ("汇总", "Summary"),
        About::DeadMan => ("每日自检", "Daily check"),
        About::Test => ("测试消息", "Test message"),
    };
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}

fn severity(severity: Severity, language: Language) -> &'static str {
    let (zh, en) = match severity {
        Severity::Warning => ("提示", "warning"),
        Severity::Minor => ("一般", "minor"),
        Severity::Major => ("严重", "major"),
        Severity::Critical => ("紧急", "critical"),
    };
    match language {
        Language::Zh => zh,
        Language::En => en,
    }
}

fn spaced(number: &str) -> String {
    match number {
        "" => String::new(),
        number => format!(" {number}"),
    }
}

/// The beginning of a text, `bytes_max` of UTF-8 at most, with a sign where it was cut.
#[must_use]
pub fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    let room = bytes_max.saturating_sub('…'.len_utf8());
    let end = text.floor_char_boundary(room);
    format!("{}…", &text[..end])
}

/// The beginning of a text, `units_max` of UTF-16 at most, with a sign where it was cut.
fn units(text: &str, units_max: usize) -> String {
    let length = |text: &str| text.encode_utf16().count();
    if length(text) <= units_max {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        if length(&kept) + c.len_utf16() >= units_max {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

#[cfg(test)]
mod tests {
    use super::super::message::example;
    use super::*;

    const ORIGIN: &str = "https://xunke.example.edu.cn:8443";

    #[test]
    fn the_lines_say_what_where_and_since_when() {
        let message = example(About::Raised);
        let zh = lines(&message, Language::Zh, ORIGIN, 2048);
        let expected = [
            "【巡课】新告警 GJ-00001 紧急 摄像机无信号",
            "代码：CAM_NO_SIGNAL",
            "教室：A101、A102",
            "部位：cam0",
            "开始：2026-11-18 19:06:40",
            "数量：2",
            "https://xunke.example.edu.cn:8443/#/faults",
        ];
        assert_eq!(zh.lines().collect::<Vec<_>>(), expected);
        let en = lines(&message, Language::En, "", 2048);
        assert!(en.starts_with("【巡课】Alert GJ-00001 critical No signal from the camera\n"));
        assert!(en.ends_with("Count: 2"), "{en}");
    }

    #[test]
    fn many_rooms_are_counted() {
        let mut message = example(About::Escalated);
        message.rooms = (1..=30).map(|n| format!("A{n}")).collect();
        let text = lines(&message, Language::Zh, "", 2048);
        assert!(
            text.contains("A10 等 30 间") && !text.contains("A11"),
            "{text}"
        );
    }

    #[test]
    fn a_dead_man_and_a_test_alarm_nobody() {
        for about in [About::DeadMan, About::Test] {
            let text = lines(&example(about), Language::Zh, ORIGIN, 2048);
            assert!(text.starts_with("【巡课】"), "{text}");
            assert!(!text.contains("紧急") && !text.contains("CAM_"), "{text}");
        }
    }

    /// 70 units is one short message, whatever is in it.
    #[test]
    fn a_short_message_is_one() {
        let mut message = example(About::Escalated);
        assert_eq!(
            short(&message).split('，').next().unwrap(),
            "GJ-00001无人确认"
        );
        message.title_zh = "很长的故障名称".repeat(9);
        message.rooms = vec!["𠮷楼第一多功能智慧教室甲乙丙丁".into(); 300];
        message.number = "GJ-00001–GJ-99999".into();
        for about in [
            About::Raised,
            About::Escalated,
            About::Resolved,
            About::Test,
        ] {
            message.about = about;
            let text = short(&message);
            assert!(text.encode_utf16().count() <= SHORT_UNITS_MAX, "{text}");
        }
        message.about = About::Raised;
        assert!(short(&message).contains("等300间"), "{}", short(&message));
    }

    #[test]
    fn a_text_is_cut_between_letters() {
        assert_eq!(cut("巡课", 6), "巡课");
        assert_eq!(cut("巡课平台", 11), "巡课…");
        assert_eq!(cut("巡课平台", 8), "巡…");
        for bytes_max in 3..40 {
            let text = lines(&example(About::Raised), Language::Zh, ORIGIN, bytes_max);
            assert!(text.len() <= bytes_max);
        }
    }
}
