//! What is wrong with a configuration file: which line and which key.

use super::Error;
use std::fmt;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// A complaint that does not know its file yet.
#[derive(Debug)]
pub(super) struct Wrong {
    pub line: usize,
    pub key: String,
    pub why: String,
}

impl Wrong {
    pub fn at(self, file: &Path) -> Error {
        Error::Line {
            file: file.to_owned(),
            line: self.line,
            key: self.key,
            why: self.why,
        }
    }
}

/// Where a value stands: table, number in an array of tables, key.
pub(super) struct Key(pub &'static str, pub usize, pub &'static str);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self("", _, key) => f.write_str(key),
            Self(table @ ("camera" | "equipment"), number, key) => {
                write!(f, "{table}[{number}].{key}")
            }
            Self(table, _, key) => write!(f, "{table}.{key}"),
        }
    }
}

pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// The dotted key at a byte offset, read from the lines above it.
pub(super) fn key_at(text: &str, offset: usize) -> String {
    let line = line_at(text, offset);
    let mut lines: Vec<&str> = text.lines().take(line).collect();
    let own = lines.pop().unwrap_or_default();
    let key = own.split('=').next().unwrap_or_default().trim();
    if key.starts_with('[') {
        return key.trim_matches(['[', ']']).to_owned();
    }
    let table = lines.iter().rev().find(|line| line.starts_with('['));
    match table {
        Some(table) => format!("{}.{key}", table.trim().trim_matches(['[', ']'])),
        None => key.to_owned(),
    }
}

/// The line a value stands on; its table's line, or the first, when it is not written at all.
pub(super) fn line_of(text: &str, key: &Key) -> usize {
    let Ok(root) = DeTable::parse(text) else {
        return 1;
    };
    let Key(table, number, name) = key;
    let Some(value) = root
        .get_ref()
        .get(if table.is_empty() { *name } else { *table })
    else {
        return 1;
    };
    let inner = match value.get_ref() {
        DeValue::Table(table) => table.get(*name),
        DeValue::Array(array) => array.get(*number).and_then(|one| one.get_ref().get(*name)),
        _ => None,
    };
    line_at(text, inner.unwrap_or(value).span().start)
}
