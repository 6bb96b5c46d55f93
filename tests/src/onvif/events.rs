//! The camera's subscriptions and what waits in them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

/// One message, ready to be pulled.
#[derive(Debug, Clone)]
struct Message {
    topic: String,
    operation: &'static str,
    state: bool,
}

#[derive(Debug, Default)]
struct Subscription {
    ends_ms: i64,
    waiting: VecDeque<Message>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Events {
    states: BTreeMap<String, bool>,
    subscriptions: BTreeMap<u32, Subscription>,
    /// Made since the camera started.
    pub made: u32,
}

impl Events {
    /// Something happens before the camera.
    pub fn fire(&mut self, topic: &str, state: bool) {
        self.states.insert(topic.to_owned(), state);
        for subscription in self.subscriptions.values_mut() {
            subscription.waiting.push_back(Message {
                topic: topic.to_owned(),
                operation: "Changed",
                state,
            });
        }
    }

    /// A new subscription; with `replays` it begins with every state.
    pub fn subscribe(&mut self, ends_ms: i64, replays: bool) -> u32 {
        self.made += 1;
        let states = self.states.iter().filter(|_| replays);
        let waiting = states.map(|(topic, &state)| Message {
            topic: topic.clone(),
            operation: "Initialized",
            state,
        });
        let waiting = waiting.collect();
        self.subscriptions
            .insert(self.made, Subscription { ends_ms, waiting });
        self.made
    }

    /// Whether it is there still; ends those that have run out.
    pub fn lives(&mut self, id: u32, now_ms: i64) -> bool {
        self.subscriptions.retain(|_, one| one.ends_ms > now_ms);
        self.subscriptions.contains_key(&id)
    }

    /// Lets one last longer.
    pub fn renew(&mut self, id: u32, ends_ms: i64) {
        if let Some(one) = self.subscriptions.get_mut(&id) {
            one.ends_ms = ends_ms;
        }
    }

    /// Ends one.
    pub fn end(&mut self, id: u32) {
        self.subscriptions.remove(&id);
    }

    /// Ends all, as a camera does that has restarted.
    pub fn drop_all(&mut self) {
        self.subscriptions.clear();
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.subscriptions.len()
    }

    /// What waits, as XML; `None` when nothing does.
    pub fn pull(&mut self, id: u32) -> Option<String> {
        let waiting = &mut self.subscriptions.get_mut(&id)?.waiting;
        if waiting.is_empty() {
            return None;
        }
        let mut xml = String::new();
        for Message {
            topic,
            operation,
            state,
        } in waiting.drain(..)
        {
            let _ = write!(
                xml,
                "<wsnt:NotificationMessage><wsnt:Topic Dialect=\"http://www.onvif.org/ver10/tev/\
                 topicExpression/ConcreteSet\">{topic}</wsnt:Topic><wsnt:Message><tt:Message \
                 UtcTime=\"2026-11-22T08:00:00Z\" PropertyOperation=\"{operation}\"><tt:Source>\
                 <tt:SimpleItem Name=\"Source\" Value=\"0\"/></tt:Source><tt:Data>\
                 <tt:SimpleItem Name=\"State\" Value=\"{state}\"/></tt:Data></tt:Message>\
                 </wsnt:Message></wsnt:NotificationMessage>"
            );
        }
        Some(xml)
    }
}
