//! What the acknowledgement of an event means, without IO.
//!
//! Where the hub is at the other end, PUBACK means that it has stored the event. Where a broker
//! stands between, PUBACK means that the broker has it in memory, and the hub says itself what it
//! has stored. Until the hub has said which of the two it is, nothing is taken as stored.

use super::backlog::Token;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use xunke_protocol::envelope::{Acks, HubState, Received};

/// What was acknowledged and is not known to be stored is sent again after this.
const AGAIN: Duration = Duration::from_secs(30);

/// Events of one connection between sending and the certainty that the hub has them.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    means: Option<Acks>,
    sent: BTreeSet<Token>,
    acknowledged: BTreeSet<Token>,
    /// Since when nothing was heard of what is acknowledged.
    quiet_since: Option<Instant>,
    hub: Option<HubState>,
}

impl Receipts {
    /// An event was handed to the MQTT client.
    pub fn sent(&mut self, event: Token) {
        self.sent.insert(event);
    }

    /// A PUBACK came; gives what the hub has stored by it.
    pub fn acknowledged(&mut self, event: Token, now: Instant) -> Option<Token> {
        if !self.sent.contains(&event) {
            return None;
        }
        if self.means == Some(Acks::Puback) {
            return self.sent.take(&event);
        }
        self.acknowledged.insert(event);
        self.quiet_since.get_or_insert(now);
        None
    }

    /// The hub has said what PUBACK means; gives what it has stored by that.
    pub fn told(&mut self, means: Acks) -> BTreeSet<Token> {
        self.means = Some(means);
        if means == Acks::Rcv {
            return BTreeSet::new();
        }
        self.quiet_since = None;
        let stored = std::mem::take(&mut self.acknowledged);
        self.sent.retain(|event| !stored.contains(event));
        stored
    }

    /// The hub has said what it has stored; gives what of it was sent on this connection.
    pub fn stored(&mut self, received: &Received, now: Instant) -> BTreeSet<Token> {
        self.means = Some(Acks::Rcv);
        let (stored, left) = std::mem::take(&mut self.sent)
            .into_iter()
            .partition(|event| received.holds(event.0));
        self.sent = left;
        self.acknowledged.retain(|event| !stored.contains(event));
        self.quiet_since = (!self.acknowledged.is_empty()).then_some(now);
        stored
    }

    /// The hub behind a broker comes or goes; says whether it must be told everything again.
    pub fn heard_of_hub(&mut self, hub: HubState) -> bool {
        let before = self.hub.replace(hub);
        // What was acknowledged before its first word was sent when nobody listened.
        let unheard = !self.acknowledged.is_empty();
        hub.online && before.map_or(unheard, |before| before.since != hub.since)
    }

    /// The hub behind the broker is gone: what is sent now reaches nobody.
    pub fn hub_is_away(&self) -> bool {
        self.hub.is_some_and(|hub| !hub.online)
    }

    /// How many wait after their PUBACK: they take up the window.
    pub fn waiting(&self) -> usize {
        self.acknowledged.len()
    }

    /// When what waits is to be sent again.
    pub fn again_at(&self) -> Option<Instant> {
        self.quiet_since.map(|since| since + AGAIN)
    }

    /// Everything is sent again.
    pub fn begin_again(&mut self) {
        self.sent.clear();
        self.acknowledged.clear();
        self.quiet_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(numbers: impl IntoIterator<Item = u64>) -> BTreeSet<Token> {
        numbers.into_iter().map(Token).collect()
    }

    fn sent(numbers: std::ops::RangeInclusive<u64>) -> Receipts {
        let mut receipts = Receipts::default();
        numbers.for_each(|number| receipts.sent(Token(number)));
        receipts
    }

    #[test]
    fn nothing_is_stored_before_the_hub_has_said_what_a_puback_means() {
        let now = Instant::now();
        let mut receipts = sent(1..=3);
        assert_eq!(receipts.acknowledged(Token(1), now), None);
        assert_eq!(receipts.acknowledged(Token(2), now), None);
        assert_eq!(
            (receipts.waiting(), receipts.again_at()),
            (2, Some(now + AGAIN))
        );
        assert_eq!(receipts.told(Acks::Puback), tokens([1, 2]));
        assert_eq!(receipts.acknowledged(Token(3), now), Some(Token(3)));
        assert_eq!((receipts.waiting(), receipts.again_at()), (0, None));
        assert_eq!(receipts.acknowledged(Token(3), now), None, "once");
    }

    #[test]
    fn behind_a_broker_only_the_hubs_own_word_counts() {
        let now = Instant::now();
        let mut receipts = sent(1..=5);
        assert!(receipts.told(Acks::Rcv).is_empty());
        for number in [1, 2, 4] {
            assert_eq!(receipts.acknowledged(Token(number), now), None);
        }
        // 3 comes before its PUBACK, 9 was never sent here.
        let later = now + Duration::from_secs(1);
        let received = Received::of(vec![2, 3, 4, 9]);
        assert_eq!(receipts.stored(&received, later), tokens([2, 3, 4]));
        assert_eq!(
            (receipts.waiting(), receipts.again_at()),
            (1, Some(later + AGAIN))
        );
        assert_eq!(receipts.acknowledged(Token(3), now), None);
        assert_eq!(receipts.waiting(), 1, "a late PUBACK is no news");
        assert_eq!(
            receipts.stored(&Received::of(vec![1, 5]), later),
            tokens([1, 5])
        );
        assert_eq!(receipts.again_at(), None);
    }

    #[test]
    fn a_hub_that_comes_back_is_told_everything_again() {
        let hub = |online, since| HubState {
            online,
            since,
            acks: Acks::Rcv,
        };
        let mut receipts = sent(1..=2);
        assert!(!receipts.heard_of_hub(hub(true, 7)), "the first word");
        assert!(!receipts.heard_of_hub(hub(true, 7)), "the same again");
        assert!(!receipts.heard_of_hub(hub(false, 7)) && receipts.hub_is_away());
        assert!(receipts.heard_of_hub(hub(true, 8)) && !receipts.hub_is_away());
        receipts.begin_again();
        let none = receipts.stored(&Received::of(vec![1, 2]), Instant::now());
        assert!(none.is_empty(), "they are sent again first");
        let mut early = sent(1..=1);
        early.acknowledged(Token(1), Instant::now());
        assert!(early.heard_of_hub(hub(true, 7)), "nobody listened");
    }
}
