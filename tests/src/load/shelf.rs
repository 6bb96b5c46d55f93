//! A box's backlog in memory: the newest health document and the events that wait, in envelopes and
//! in the order of the agent's outbox.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};
use tokio::sync::Notify;
use uuid::Uuid;
use xunke_agent::clock;
use xunke_agent::link::{Backlog, Message, Token};
use xunke_protocol::envelope::Envelope;
use xunke_protocol::id::MessageId;
use xunke_protocol::topic::Up;
use xunke_protocol::version;

use super::EVENT_KIND;
use super::tally::Tally;

/// Token of the health document; events count from 1, as in the outbox.
const HEALTH: Token = Token(0);

/// The backlog of one box.
pub struct Shelf {
    tally: Arc<Tally>,
    boot: Uuid,
    /// The hub has stored a health document of this connection, and so its birth before it.
    back: AtomicBool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    epoch: u64,
    seq: u64,
    /// Events up to this were handed to the present connection.
    after: u64,
    trusted: bool,
    health: Option<Value>,
    health_given: bool,
    events: BTreeMap<u64, Vec<u8>>,
    given: HashMap<Token, Instant>,
}

impl Shelf {
    pub(super) fn new(tally: Arc<Tally>) -> Self {
        Self {
            tally,
            boot: clock::boot_id(),
            back: AtomicBool::new(false),
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Replaces the health document.
    pub fn set_health(&self, report: Value) {
        let mut state = self.state();
        state.health = Some(report);
        state.health_given = false;
        drop(state);
        self.changed.notify_one();
    }

    /// Adds an event and gives its id.
    pub fn add_event(&self) -> Uuid {
        let mut state = self.state();
        state.seq += 1;
        let seq = state.seq;
        let envelope = self.envelope(&state, EVENT_KIND, json!({"number": seq}));
        state.events.insert(seq, encode(&envelope));
        drop(state);
        self.changed.notify_one();
        envelope.id.0
    }

    /// Whether the hub has all that it must have.
    pub fn is_empty(&self) -> bool {
        self.state().events.is_empty()
    }

    /// Whether birth and health of the present connection are stored.
    pub fn is_back(&self) -> bool {
        self.back.load(Ordering::Relaxed)
    }

    fn envelope(&self, state: &State, kind: &str, data: Value) -> Envelope {
        Envelope {
            v: version::CURRENT,
            id: MessageId(Uuid::now_v7()),
            seq: state.seq,
            boot: self.boot,
            epoch: state.epoch,
            ts: clock::now_ms(),
            mono_ms: clock::mono_ms(),
            sync: state.trusted,
            kind: kind.to_owned(),
            data,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Backlog for Shelf {
    fn begin(&self, epoch: u64) {
        self.back.store(false, Ordering::Relaxed);
        let mut state = self.state();
        self.tally.connects(state.given.len());
        (state.epoch, state.after, state.health_given) = (epoch, 0, false);
        state.given.clear();
    }

    fn next(&self) -> Option<Message> {
        let mut state = self.state();
        let report = state.health.clone().filter(|_| !state.health_given);
        let (token, up, payload) = if let Some(report) = report {
            state.health_given = true;
            (
                HEALTH,
                Up::Health,
                encode(&self.envelope(&state, "health", report)),
            )
        } else {
            let (seq, payload) = state.events.range(state.after + 1..).next()?;
            let (seq, payload) = (*seq, payload.clone());
            state.after = seq;
            (Token(seq), Up::Event(EVENT_KIND.to_owned()), payload)
        };
        state.given.insert(token, Instant::now());
        Some(Message { token, up, payload })
    }

    fn delivered(&self, token: Token) {
        let mut state = self.state();
        if let Some(given) = state.given.remove(&token) {
            self.tally.acknowledged(given.elapsed());
        }
        if token == HEALTH {
            self.back.store(true, Ordering::Relaxed);
        } else {
            state.events.remove(&token.0);
        }
    }

    fn wrap(&self, kind: &str, data: Value) -> Vec<u8> {
        encode(&self.envelope(&self.state(), kind, data))
    }

    fn set_clock_trusted(&self, trusted: bool) {
        self.state().trusted = trusted;
    }

    fn changed(&self) -> &Notify {
        &self.changed
    }
}

fn encode(envelope: &Envelope) -> Vec<u8> {
    serde_json::to_vec(envelope).expect("invariant: envelopes become JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(shelf: &Shelf) -> Vec<Token> {
        std::iter::from_fn(|| shelf.next().map(|message| message.token)).collect()
    }

    #[test]
    fn what_was_not_acknowledged_is_given_to_the_next_connection() {
        let tally = Arc::new(Tally::default());
        let shelf = Shelf::new(tally.clone());
        shelf.begin(1);
        shelf.set_health(json!({}));
        shelf.add_event();
        shelf.add_event();
        assert_eq!(given(&shelf), [HEALTH, Token(1), Token(2)]);
        shelf.delivered(Token(1));
        assert!(!shelf.is_back() && !shelf.is_empty());
        shelf.begin(2);
        assert_eq!(given(&shelf), [HEALTH, Token(2)]);
        shelf.delivered(HEALTH);
        shelf.delivered(Token(2));
        assert!(shelf.is_back() && shelf.is_empty());
        let seen = tally.take();
        assert_eq!(
            (seen.acknowledged, seen.sent_again, seen.connections),
            (3, 2, 2)
        );
        assert_eq!(tally.take().waits_ms.len(), 0, "begun anew");
    }
}
