//! The end of the agent's log, kept in memory for whoever asks what happened. What could be a
//! secret, an address with a name in it or a room is struck out before it is kept.

use std::collections::VecDeque;
use std::fmt::{self, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::clock;

const LINES_MAX: usize = 120;
const LINE_CHARS_MAX: usize = 240;
/// Longer runs of letters and digits are keys, digests or tokens.
const WORD_CHARS_MAX: usize = 40;

static LINES: OnceLock<Mutex<VecDeque<String>>> = OnceLock::new();

/// Keeps what the agent says, from notices on.
#[derive(Debug, Default, Clone, Copy)]
pub struct Diary;

impl<S: Subscriber> Layer<S> for Diary {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let meta = event.metadata();
        if *meta.level() > Level::INFO || !meta.target().starts_with("xunke") {
            return;
        }
        let mut words = Words(String::new());
        event.record(&mut words);
        keep(line(clock::now_ms(), meta.level(), &words.0));
    }
}

impl Diary {
    /// The newest lines, the oldest of them first.
    #[must_use]
    pub fn lines() -> Vec<String> {
        let lines = LINES.get_or_init(Mutex::default);
        let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

fn keep(line: String) {
    let lines = LINES.get_or_init(Mutex::default);
    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    if lines.len() == LINES_MAX {
        lines.pop_front();
    }
    lines.push_back(line);
}

fn line(now_ms: i64, level: &Level, words: &str) -> String {
    let text = format!("{now_ms} {level}{words}");
    text.chars().take(LINE_CHARS_MAX).collect()
}

/// Message and fields of an event, without rooms.
struct Words(String);

impl Words {
    fn add(&mut self, field: &Field, value: &str) {
        let value = struck(value);
        let _ = match field.name() {
            "message" => write!(self.0, " {value}"),
            name if name.starts_with("classroom") => Ok(()),
            name => write!(self.0, " {name}={value}"),
        };
    }
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

/// Without name and password of an address, and without long words.
fn struck(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let begin = word.find("://").map_or(0, |at| at + 3);
        let word = match word.rfind('@') {
            Some(at) if at >= begin => format!("{}…{}", &word[..begin], &word[at..]),
            _ => word.to_owned(),
        };
        let part = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '='));
        let long = word.split(part).any(|run| run.len() > WORD_CHARS_MAX);
        if long { "…".to_owned() } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// M19: nothing that opens a door leaves the box.
    #[test]
    fn passwords_and_keys_are_struck_out() {
        let cases = [
            ("the hub is gone", "the hub is gone"),
            (
                "rtsp://admin:s3cret@10.0.0.9/main gone",
                "rtsp://…@10.0.0.9/main gone",
            ),
            ("admin:s3cret@10.0.0.9", "…@10.0.0.9"),
            ("rtsp://10.0.0.9/main", "rtsp://10.0.0.9/main"),
        ];
        for (text, kept) in cases {
            assert_eq!(struck(text), kept);
        }
        let digest = "a1".repeat(32);
        assert_eq!(struck(&format!("key {digest} there")), "key … there");
        let id = "0197d2a0-0000-7000-8000-000000000001";
        assert_eq!(struck(id), id, "ids may stand");
    }

    #[test]
    fn the_diary_has_an_end() {
        for number in 0..LINES_MAX + 30 {
            let words = format!(" line {number} {}", "x ".repeat(300));
            keep(line(1, &Level::WARN, &words));
        }
        let lines = Diary::lines();
        assert!(lines.len() <= LINES_MAX);
        let short = |line: &String| line.chars().count() <= LINE_CHARS_MAX;
        assert!(lines.iter().all(short));
    }
}
