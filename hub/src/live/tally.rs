//! What was refused or cut at the live doors since the hub started, by reason: numbers alone, no
//! room, no box and nobody's name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// What happened at a live door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// A box was not let in with a push.
    PushRefused,
    /// A push was ended for what its box did.
    PushCut,
    /// A page was not let in with its live line.
    LineRefused,
    /// A live line was ended for what its page did, or left undone.
    LineCut,
}

/// How often, by what and why.
pub type Counts = BTreeMap<(Turn, &'static str), u64>;

/// The counts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

impl Tally {
    /// One more. `why` is one of a few words written in the program, never what somebody sent.
    pub fn count(&self, what: Turn, why: &'static str) {
        *self.lock().entry((what, why)).or_default() += 1;
    }

    /// All of them.
    #[must_use]
    pub fn read(&self) -> Counts {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        let locked = self.0.lock();
        locked.expect("invariant: nobody panics while counting")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_for_itself() {
        let tally = Tally::default();
        tally.count(Turn::PushRefused, "not_ordered");
        tally.clone().count(Turn::PushRefused, "not_ordered");
        tally.count(Turn::PushCut, "text");
        let read: Vec<_> = tally.read().into_iter().collect();
        assert_eq!(
            read,
            [
                ((Turn::PushRefused, "not_ordered"), 2),
                ((Turn::PushCut, "text"), 1)
            ]
        );
    }
}
