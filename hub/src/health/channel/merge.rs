//! Merging: many messages that wait become one. Pure.

use std::collections::BTreeSet;

use xunke_policy::fault::Severity;

use super::message::{About, Message};

/// The code of a merged message.
pub const MERGED: &str = "MERGED";

/// One message for all of `messages`, which must be in their order: how many there are of what,
/// every room, the worst severity, the first beginning, the first and last number. `None` when they
/// tell of nothing.
#[must_use]
pub fn merged(messages: &[Message]) -> Option<Message> {
    let facts = messages
        .iter()
        .filter(|message| !matches!(message.about, About::DeadMan | About::Test));
    let facts: Vec<&Message> = facts.collect();
    let first = facts.first()?;
    let of = |wanted: &[About]| -> u32 {
        let of = facts
            .iter()
            .filter(|message| wanted.contains(&message.about));
        of.map(|message| weight(message)).sum()
    };
    let resolved = of(&[About::Resolved]);
    let summaries = of(&[About::Summary]);
    let open = of(&[About::Raised, About::Repeated, About::Escalated]);
    let rooms: BTreeSet<&String> = facts.iter().flat_map(|message| &message.rooms).collect();
    let numbers: Vec<&String> = facts
        .iter()
        .map(|message| &message.number)
        .filter(|number| !number.is_empty())
        .collect();
    let parts = [
        (open, "条告警", "alerts"),
        (resolved, "条已恢复", "resolved"),
        (summaries, "条已汇总", "in summaries"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<_> = parts.collect();
    let zh: Vec<_> = parts.iter().map(|(n, zh, _)| format!("{n} {zh}")).collect();
    let en: Vec<_> = parts.iter().map(|(n, _, en)| format!("{n} {en}")).collect();
    Some(Message {
        about: About::Summary,
        number: match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) if first != last => range(first, last),
            (Some(one), _) => (*one).clone(),
            _ => String::new(),
        },
        severity: facts
            .iter()
            .map(|message| message.severity)
            .max()
            .unwrap_or(Severity::Warning),
        code: MERGED.into(),
        title_zh: format!("合并发送：{}", zh.join("，")),
        title_en: format!("Sent as one: {}", en.join(", ")),
        rooms: rooms.into_iter().cloned().collect(),
        component: String::new(),
        since_ms: facts
            .iter()
            .map(|message| message.since_ms)
            .min()
            .unwrap_or_default(),
        count: open + resolved + summaries,
        link: first.link.clone(),
    })
}

/// A merged message stands for as many as it was made of.
fn weight(message: &Message) -> u32 {
    match message.code.as_str() {
        MERGED => message.count,
        _ => 1,
    }
}

/// From the first number to the last; of ranges their ends.
fn range(first: &str, last: &str) -> String {
    let begin = first.split('–').next().unwrap_or_default();
    let end = last.split('–').next_back().unwrap_or_default();
    format!("{begin}–{end}")
}

#[cfg(test)]
mod tests {
    use super::super::message::example;
    use super::*;

    fn message(about: About, number: u32, room: &str) -> Message {
        Message {
            number: format!("GJ-{number:05}"),
            rooms: vec![room.into()],
            since_ms: 1000 - i64::from(number),
            ..example(about)
        }
    }

    #[test]
    fn one_message_counts_what_there_is_of_each() {
        let mut first = message(About::Raised, 1, "A2");
        first.severity = Severity::Minor;
        let all = [
            first,
            message(About::Escalated, 2, "A1"),
            message(About::Resolved, 3, "A2"),
            example(About::DeadMan),
        ];
        let one = merged(&all).unwrap();
        assert_eq!(one.about, About::Summary);
        assert_eq!(one.number, "GJ-00001–GJ-00003");
        assert_eq!(one.severity, Severity::Critical);
        assert_eq!(one.rooms, ["A1", "A2"]);
        assert_eq!((one.count, one.since_ms), (3, 997));
        assert_eq!(one.title_zh, "合并发送：2 条告警，1 条已恢复");
        assert_eq!(one.title_en, "Sent as one: 2 alerts, 1 resolved");
        assert_eq!(one.trimmed(), one, "nothing of it is cut");
    }

    /// A channel that is down for a day merges again and again.
    #[test]
    fn what_was_merged_before_counts_as_what_it_was() {
        let once = merged(&[
            message(About::Raised, 1, "A"),
            message(About::Raised, 2, "B"),
        ]);
        let once = once.unwrap();
        let twice = merged(&[once, message(About::Resolved, 7, "A")]);
        let twice = twice.unwrap();
        assert_eq!(
            (twice.count, twice.number.as_str()),
            (3, "GJ-00001–GJ-00007")
        );
        assert_eq!(twice.rooms, ["A", "B"]);
    }

    #[test]
    fn tests_alone_make_none() {
        assert_eq!(
            merged(&[example(About::Test), example(About::DeadMan)]),
            None
        );
    }
}
