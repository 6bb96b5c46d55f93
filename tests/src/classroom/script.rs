//! What befalls a camera and when: JSON lines from a file (with a delay) and from standard input.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::camera::Behaviour;

/// One line: `{"do":"die","after_ms":30000}`; the delay counts from the start of the camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// What happens.
    #[serde(rename = "do")]
    pub behaviour: Behaviour,
    /// Milliseconds to wait first.
    #[serde(default)]
    pub after_ms: u64,
}

impl Event {
    /// The delay.
    #[must_use]
    pub fn after(&self) -> Duration {
        Duration::from_millis(self.after_ms)
    }
}

/// Reads one line.
///
/// # Errors
/// The line is not an event.
pub fn parse(line: &str) -> Result<Event> {
    serde_json::from_str(line).with_context(|| {
        format!("not an event: {line:?}; write for example {{\"do\":\"cover\",\"after_ms\":0}}")
    })
}

/// Reads a script file.
///
/// # Errors
/// Names the file and the line that cannot be read.
pub fn load(path: &Path) -> Result<Vec<Event>> {
    let text =
        fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            parse(line).with_context(|| format!("{} line {}", path.display(), number + 1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_happens_and_when() {
        let event = parse(r#"{"do":"die","after_ms":30000}"#).unwrap();
        assert_eq!(
            event,
            Event {
                behaviour: Behaviour::Die,
                after_ms: 30_000
            }
        );
        assert_eq!(parse(r#"{"do":"uncover"}"#).unwrap().after_ms, 0);
    }

    #[test]
    fn a_wrong_line_is_shown() {
        let error = parse(r#"{"do":"explode"}"#).unwrap_err();
        assert!(format!("{error:#}").contains("explode"), "{error:#}");
    }
}
