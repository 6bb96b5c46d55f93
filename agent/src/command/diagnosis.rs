//! Diagnosis: versions, numbers, the last commands and the end of the log, in one document that
//! has an end. No secret, no picture, no room.

use super::diary::Diary;
use serde_json::{Value, json};
use xunke_protocol::command::RESULT_BYTES_MAX;
use xunke_protocol::envelope::CommandAnswer;
use xunke_protocol::health::HealthDocument;
use xunke_protocol::id::MessageId;
use xunke_protocol::version;

/// Commands that are told of, the newest.
const COMMANDS_MAX: usize = 10;

/// What there is to tell.
pub(super) struct Known {
    /// The newest signals; `None` before the first.
    pub newest: Option<HealthDocument>,
    /// How commands ended, the oldest first.
    pub ended: Vec<(MessageId, CommandAnswer)>,
    /// Cameras and pieces of equipment in the configuration.
    pub configured: (usize, usize),
}

/// The bundle, with as much of the log as it has room for.
pub(super) fn bundle(known: &Known) -> Value {
    bounded(known, Diary::lines())
}

fn bounded(known: &Known, mut lines: Vec<String>) -> Value {
    let newest = known.newest.as_ref();
    let from = known.ended.len().saturating_sub(COMMANDS_MAX);
    let ended = |(id, answer): &(MessageId, CommandAnswer)| -> Value {
        json!({"id": id, "state": answer.state, "code": answer.code})
    };
    let commands: Vec<Value> = known.ended[from..].iter().map(ended).collect();
    let mut bundle = json!({
        "agent": env!("CARGO_PKG_VERSION"),
        "protocol": version::CURRENT,
        "architecture": std::env::consts::ARCH,
        "cameras": known.configured.0,
        "equipment": known.configured.1,
        "health": newest.map(|newest| HealthDocument {
            held: Vec::new(),
            ..newest.clone()
        }),
        "commands": commands,
        "log": lines,
    });
    loop {
        let over = bundle.to_string().len().saturating_sub(RESULT_BYTES_MAX);
        if over == 0 {
            return bundle;
        }
        if lines.is_empty() {
            // Sixteen cameras and eight pieces of equipment may say more than there is room for.
            bundle["health"] = Value::Null;
            continue;
        }
        let mut freed = 0;
        let enough = |line: &String| {
            freed += line.len();
            freed >= over
        };
        let gone = lines
            .iter()
            .position(enough)
            .map_or(lines.len(), |at| at + 1);
        lines.drain(..gone);
        bundle["log"] = json!(lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;
    use xunke_protocol::envelope::CommandState;

    fn known() -> Known {
        let answer = CommandAnswer::new(CommandState::Failed, Some("interrupted"));
        let ended = (0..30).map(|n| (MessageId(Uuid::from_u128(n)), answer.clone()));
        Known {
            newest: None,
            ended: ended.collect(),
            configured: (2, 1),
        }
    }

    /// M19: bounded, and the newest of the log is what stays.
    #[test]
    fn a_bundle_has_an_end_and_keeps_the_end_of_the_log() {
        let line = |n: usize| format!("{n} {}", "坏".repeat(200));
        let bundle = bounded(&known(), (0..120).map(line).collect());
        assert!(bundle.to_string().len() <= RESULT_BYTES_MAX);
        let lines = bundle["log"].as_array().unwrap();
        assert!(lines.len() > 5, "{}", lines.len());
        assert!(lines.last().unwrap().as_str().unwrap().starts_with("119 "));
        let commands = bundle["commands"].as_array().unwrap();
        assert_eq!(commands.len(), COMMANDS_MAX);
        assert_eq!(bundle["cameras"], 2);
    }
}
