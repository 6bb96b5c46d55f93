//! Presence: birth, last will and goodbye, in whatever order they arrive.

use uuid::Uuid;
use xunke_protocol::envelope::{Presence, PresenceState};

/// How a box stands to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Connected.
    Online,
    /// Gone without a word.
    Lost,
    /// Gone with a goodbye.
    Offline,
    /// The hub has started and not heard of it since.
    Unknown,
}

impl State {
    /// The word on the wire and in the store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Lost => "lost",
            Self::Offline => "offline",
            Self::Unknown => "unknown",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Online, Self::Lost, Self::Offline, Self::Unknown];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// What is known of a box: its state, and the connection that the state belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: State,
    /// The start of its operating system.
    pub boot: Uuid,
    /// The connection.
    pub epoch: u64,
}

/// The state after a word of the box; `None` when the word is late or said before. A death counts
/// only for the connection that lives, so the late will of an old
/// connection never ends a new one.
#[must_use]
pub fn after(known: Option<Standing>, said: &Presence) -> Option<State> {
    let same_boot = known.filter(|known| known.boot == said.boot);
    let same = same_boot.filter(|known| known.epoch == said.epoch);
    let died = |state| {
        let lives = same.is_some_and(|known| matches!(known.state, State::Online | State::Unknown));
        lives.then_some(state)
    };
    match said.s {
        PresenceState::Online if same_boot.is_some_and(|known| known.epoch > said.epoch) => None,
        PresenceState::Online if same.is_some_and(|known| known.state == State::Online) => None,
        PresenceState::Online => Some(State::Online),
        PresenceState::Lost => died(State::Lost),
        PresenceState::Offline => died(State::Offline),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PresenceState::{Lost, Offline, Online};

    fn said(s: PresenceState, boot: u128, epoch: u64) -> Presence {
        let boot = Uuid::from_u128(boot);
        Presence {
            s,
            boot,
            epoch,
            agent: String::new(),
            why: String::new(),
        }
    }

    /// The states after each word, beginning with a box never heard of.
    fn states(words: &[(PresenceState, u128, u64)]) -> Vec<Option<State>> {
        let mut known: Option<Standing> = None;
        let mut states = Vec::new();
        for (s, boot, epoch) in words {
            if let Some(state) = after(known, &said(*s, *boot, *epoch)) {
                known = Some(Standing {
                    state,
                    boot: Uuid::from_u128(*boot),
                    epoch: *epoch,
                });
            }
            states.push(known.map(|known| known.state));
        }
        states
    }

    #[test]
    fn a_box_comes_goes_and_comes_back() {
        let words = [
            (Online, 1, 1),
            (Lost, 1, 1),
            (Online, 1, 2),
            (Offline, 1, 2),
            (Online, 2, 1),
        ];
        let expect = [
            State::Online,
            State::Lost,
            State::Online,
            State::Offline,
            State::Online,
        ];
        assert_eq!(states(&words), expect.map(Some));
    }

    #[test]
    fn a_late_word_of_an_old_connection_changes_nothing() {
        let online = Some(State::Online);
        assert_eq!(states(&[(Online, 1, 2), (Lost, 1, 1)]), [online, online]);
        assert_eq!(states(&[(Online, 2, 1), (Offline, 1, 1)]), [online, online]);
        let lost = [(Online, 1, 2), (Lost, 1, 2), (Online, 1, 1)];
        assert_eq!(states(&lost)[2], Some(State::Lost), "a late birth");
        let left = [(Online, 1, 2), (Offline, 1, 2), (Lost, 1, 2)];
        assert_eq!(
            states(&left)[2],
            Some(State::Offline),
            "a will after a goodbye"
        );
        assert_eq!(states(&[(Lost, 1, 1)]), [None], "a death without a birth");
    }

    #[test]
    fn after_a_start_of_the_hub_a_box_may_die_or_come_back() {
        let boot = Uuid::from_u128(1);
        let known = Some(Standing {
            state: State::Unknown,
            boot,
            epoch: 4,
        });
        assert_eq!(after(known, &said(Lost, 1, 4)), Some(State::Lost));
        assert_eq!(after(known, &said(Online, 1, 5)), Some(State::Online));
        assert_eq!(after(known, &said(Online, 1, 3)), None);
    }
}
