//! Tamper events by name, and which of them go on. Pure.

use super::answer::Message;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use xunke_protocol::health::{CameraEvent, TamperTopic};

/// Some cameras say that it began and never that it ended.
const EVENT_MS_MAX: i64 = 60 * 60 * 1000;

/// Which tampering a topic tells of, whoever made the camera and whatever prefixes it writes.
pub fn tampering(topic: &str) -> Option<TamperTopic> {
    let parts: Vec<&str> = topic
        .split('/')
        .map(|part| part.rsplit(':').next().unwrap_or(part))
        .collect();
    match parts[..] {
        ["VideoSource", "ImageTooBlurry", ..] => Some(TamperTopic::ImageTooBlurry),
        ["VideoSource", "ImageTooDark", ..] => Some(TamperTopic::ImageTooDark),
        ["VideoSource", "ImageTooBright", ..] => Some(TamperTopic::ImageTooBright),
        ["VideoSource", "GlobalSceneChange", ..] => Some(TamperTopic::GlobalSceneChange),
        ["VideoSource", "SignalLoss", ..] => Some(TamperTopic::SignalLoss),
        ["RuleEngine", rule, ..] if rule.ends_with("TamperDetector") => {
            Some(TamperTopic::TamperDetector)
        }
        _ => None,
    }
}

/// The events that the camera says are going on.
#[derive(Debug, Default)]
pub struct Tampering {
    since: BTreeMap<TamperTopic, i64>,
}

impl Tampering {
    /// Takes a message; returns whether it is news.
    ///
    /// What a camera says when asked how things stand (`Initialized`) can end an event but not
    /// begin one: cameras repeat old states with every subscription.
    pub fn take(&mut self, message: &Message, now_ms: i64) -> bool {
        let Some(topic) = tampering(&message.topic) else {
            return false;
        };
        match (message.operation.as_str(), state(message)) {
            ("Deleted", _) | (_, Some(false)) => self.since.remove(&topic).is_some(),
            ("Initialized", _) | (_, None) => false,
            (_, Some(true)) => match self.since.entry(topic) {
                Entry::Vacant(vacant) => {
                    vacant.insert(now_ms);
                    true
                }
                Entry::Occupied(_) => false,
            },
        }
    }

    /// Ends what has gone on for longer than is believable; returns whether that is news.
    pub fn expire(&mut self, now_ms: i64) -> bool {
        let before = self.since.len();
        self.since.retain(|_, since| now_ms - *since < EVENT_MS_MAX);
        self.since.len() != before
    }

    /// What goes on.
    pub fn events(&self) -> Vec<CameraEvent> {
        let event = |(&topic, &since)| CameraEvent { topic, since };
        self.since.iter().map(event).collect()
    }
}

/// `State` by the book; `IsTamper` and the like in the field. A message has one truth in its data.
fn state(message: &Message) -> Option<bool> {
    message
        .data
        .iter()
        .find_map(|(_, value)| match value.as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, operation: &str, state: &str) -> Message {
        Message {
            topic: topic.into(),
            operation: operation.into(),
            data: vec![("State".into(), state.into())],
        }
    }

    /// R65: names of research and of cameras.
    #[test]
    fn tamper_topics_are_known_by_name() {
        use TamperTopic::*;
        for (topic, expect) in [
            (
                "tns1:VideoSource/ImageTooBlurry/ImagingService",
                Some(ImageTooBlurry),
            ),
            (
                "tns1:VideoSource/ImageTooDark/AnalyticsService",
                Some(ImageTooDark),
            ),
            (
                "tns1:VideoSource/tns1:ImageTooBright/RecordingService",
                Some(ImageTooBright),
            ),
            (
                "tns1:VideoSource/GlobalSceneChange/ImagingService",
                Some(GlobalSceneChange),
            ),
            ("tns1:VideoSource/SignalLoss", Some(SignalLoss)),
            (
                "tns1:RuleEngine/TamperDetector/Tamper",
                Some(TamperDetector),
            ),
            (
                "tns1:RuleEngine/MyTamperDetector/Tamper",
                Some(TamperDetector),
            ),
            ("tns1:RuleEngine/CellMotionDetector/Motion", None),
            ("tns1:Device/Trigger/DigitalInput", None),
            ("ImageTooDark", None),
            ("", None),
        ] {
            assert_eq!(tampering(topic), expect, "{topic}");
        }
    }

    #[test]
    fn an_event_begins_once_and_ends() {
        let mut tampering = Tampering::default();
        let dark = |operation, state| message("tns1:VideoSource/ImageTooDark/X", operation, state);
        assert!(tampering.take(&dark("Changed", "true"), 1_000));
        assert!(!tampering.take(&dark("Changed", "1"), 2_000), "it goes on");
        let topic = TamperTopic::ImageTooDark;
        assert_eq!(
            tampering.events(),
            [CameraEvent {
                topic,
                since: 1_000
            }]
        );
        assert!(tampering.take(&dark("Changed", "false"), 3_000));
        assert!(!tampering.take(&dark("Changed", "false"), 4_000));
        assert!(tampering.events().is_empty());
        assert!(
            tampering.take(&dark("", "true"), 5_000),
            "an event without a state of property"
        );
        assert!(tampering.take(&dark("Deleted", ""), 6_000));
    }

    #[test]
    fn a_replayed_state_is_no_news_but_can_end_one() {
        let mut tampering = Tampering::default();
        let moved =
            |operation, state| message("tns1:VideoSource/GlobalSceneChange/X", operation, state);
        assert!(!tampering.take(&moved("Initialized", "true"), 1_000));
        assert!(tampering.events().is_empty());
        assert!(tampering.take(&moved("Changed", "true"), 2_000));
        assert!(!tampering.take(&moved("Initialized", "true"), 3_000));
        assert_eq!(tampering.events()[0].since, 2_000);
        assert!(tampering.take(&moved("Initialized", "false"), 4_000));
    }

    #[test]
    fn an_event_without_an_end_is_ended_after_an_hour() {
        let mut tampering = Tampering::default();
        let blurry = message("tns1:VideoSource/ImageTooBlurry/X", "Changed", "true");
        assert!(tampering.take(&blurry, 0));
        assert!(!tampering.expire(EVENT_MS_MAX - 1));
        assert!(tampering.expire(EVENT_MS_MAX));
        assert!(!tampering.take(
            &message("tns1:VideoSource/SignalLoss", "Changed", "maybe"),
            0
        ));
    }
}
