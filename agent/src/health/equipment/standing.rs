//! How one piece of equipment stands: its state and since when, and how often it was silent. Pure.

use xunke_protocol::health::EquipmentState;

/// The state, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub state: EquipmentState,
    /// Milliseconds since the epoch.
    pub since_ms: i64,
    /// Attempts in a row without an answer.
    pub misses: u32,
}

impl Standing {
    /// Nothing was asked yet.
    pub fn new(now_ms: i64) -> Self {
        Self {
            state: EquipmentState::Unknown,
            since_ms: now_ms,
            misses: 0,
        }
    }

    /// It answered, and stands so.
    pub fn answered(&mut self, state: EquipmentState, now_ms: i64) {
        self.misses = 0;
        self.turn(state, now_ms);
    }

    /// It did not answer. Where silence means nothing, nothing is counted.
    pub fn silent(&mut self, means_nothing: bool, now_ms: i64) {
        if means_nothing {
            return self.answered(EquipmentState::Unknown, now_ms);
        }
        self.misses = self.misses.saturating_add(1);
        self.turn(EquipmentState::Unreachable, now_ms);
    }

    fn turn(&mut self, state: EquipmentState, now_ms: i64) {
        if self.state != state {
            (self.state, self.since_ms) = (state, now_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_keeps_its_beginning_and_an_answer_ends_the_count() {
        let mut standing = Standing::new(5);
        standing.silent(false, 10);
        standing.silent(false, 20);
        let expect = (EquipmentState::Unreachable, 10, 2);
        assert_eq!((standing.state, standing.since_ms, standing.misses), expect);
        standing.answered(EquipmentState::Ok, 30);
        standing.answered(EquipmentState::Ok, 40);
        let expect = (EquipmentState::Ok, 30, 0);
        assert_eq!((standing.state, standing.since_ms, standing.misses), expect);
        standing.silent(true, 50);
        let expect = (EquipmentState::Unknown, 50, 0);
        assert_eq!((standing.state, standing.since_ms, standing.misses), expect);
    }
}
