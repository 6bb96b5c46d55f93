//! What a hostile camera does in one session; follows from seed and number alone. Pure.

use xunke_mutate::Dice;

use super::unit::Unit;
use super::{packet, text};

/// Answers of a session: up to a dozen by ONVIF, half a dozen by RTSP.
const ANSWERS: usize = 14;
const RTSP_ANSWERS: usize = 6;
/// Packets in which something may happen, and after which it ends: two seconds.
const PACKETS: usize = 100;
/// Of a hundred packets, in a session that changes many.
const MANY_PERCENT: usize = 15;

/// What is done on the connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Sent at once.
    Send(Vec<u8>),
    /// Sent byte by byte, for a while.
    Slowly(Vec<u8>),
    /// Sent, and then the second again and again.
    Endlessly(Vec<u8>, Vec<u8>),
    /// The connection ends.
    Close,
    /// Nothing more is sent, and the connection stays.
    Nothing,
}

/// One session.
#[derive(Debug, Clone)]
pub struct Plan {
    dice: Dice,
    /// Numbers of answers that are changed.
    answers: Vec<usize>,
    /// Numbers of packets that are changed.
    packets: Vec<usize>,
    many: bool,
    ends_after: usize,
    seen: (usize, usize),
}

impl Plan {
    /// Of a session whose camera is asked by ONVIF first, or not.
    #[must_use]
    pub fn of(seed: u64, number: u64, onvif: bool) -> Self {
        let mut dice = Dice::of(seed, number);
        let places = if onvif { ANSWERS } else { RTSP_ANSWERS };
        let (mut answers, mut packets) = (vec![], vec![]);
        for _ in 0..=dice.below(3) {
            if dice.chance(55) {
                answers.push(dice.below(places));
            } else {
                packets.push(dice.below(PACKETS));
            }
        }
        let many = dice.chance(20);
        let ends_after = 20 + dice.below(PACKETS);
        Self {
            dice,
            answers,
            packets,
            many,
            ends_after,
            seen: (0, 0),
        }
    }

    /// Of a connection for one answer, which is changed.
    #[must_use]
    pub fn of_answer(seed: u64, number: u64) -> Self {
        Self {
            answers: vec![0],
            ..Self::of(seed, number, false)
        }
    }

    /// What is sent instead.
    pub fn act(&mut self, unit: &Unit) -> Vec<Act> {
        let plain = || vec![Act::Send(unit.bytes())];
        match unit {
            Unit::Answer(head, body) => {
                self.seen.0 += 1;
                if self.answers.contains(&(self.seen.0 - 1)) {
                    return text::change(&mut self.dice, head, body);
                }
                plain()
            }
            Unit::Packet(bytes) => {
                self.seen.1 += 1;
                if self.seen.1 > self.ends_after {
                    return vec![Act::Close];
                }
                let now = self.packets.contains(&(self.seen.1 - 1));
                if now || (self.many && self.dice.chance(MANY_PERCENT)) {
                    return packet::change(&mut self.dice, bytes);
                }
                plain()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn session(seed: u64, number: u64) -> Vec<Act> {
        let body = b"<a><b>7</b></a>".to_vec();
        let head = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 15\r\n\r\n".to_vec();
        let answer = Unit::Answer(head, body);
        let packet = Unit::Packet([b"$\x00\x00\x20".as_slice(), &[7; 32]].concat());
        let mut plan = Plan::of(seed, number, false);
        let units = std::iter::repeat_n(&answer, 6).chain(std::iter::repeat_n(&packet, 130));
        units.flat_map(|unit| plan.act(unit)).collect()
    }

    #[test]
    fn sessions_differ_repeat_themselves_and_end() {
        let mut kinds = BTreeSet::new();
        for number in 0..400 {
            let acts = session(1, number);
            assert_eq!(acts, session(1, number));
            assert!(acts.contains(&Act::Close), "session {number} goes on");
            kinds.extend(acts.iter().map(|act| format!("{act:?}")[..5].to_owned()));
        }
        assert_eq!(kinds.len(), 5, "{kinds:?}");
        assert_ne!(session(1, 3), session(1, 4));
    }
}
