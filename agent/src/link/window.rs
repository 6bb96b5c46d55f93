//! What is in flight: which packet id stands for which message.
//!
//! The library gives packet ids only when it writes, in the order in which it was fed; so the order
//! of feeding is kept until then.

use super::backlog::Token;
use std::collections::{HashMap, VecDeque};

/// A message handed to the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flight {
    /// An event of the backlog.
    Event(Token),
    /// The latest document of the backlog; the next one takes its place.
    Document(Token),
    /// Birth, goodbye or an answer: made anew when a connection begins.
    Passing,
}

/// The messages between feeding and acknowledgement.
#[derive(Default)]
pub(super) struct Window {
    fed: VecDeque<Flight>,
    written: HashMap<u16, Flight>,
}

impl Window {
    /// Messages not yet acknowledged.
    pub fn len(&self) -> usize {
        self.fed.len() + self.written.len()
    }

    /// The library has taken a message.
    pub fn feed(&mut self, flight: Flight) {
        self.fed.push_back(flight);
    }

    /// The library has written the oldest message it was fed, under this packet id.
    pub fn wrote(&mut self, packet: u16) {
        if let Some(flight) = self.fed.pop_front() {
            self.written.insert(packet, flight);
        }
    }

    /// The hub has acknowledged a packet id.
    pub fn acknowledged(&mut self, packet: u16) -> Option<Flight> {
        self.written.remove(&packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acknowledgements_out_of_order_find_their_messages() {
        let mut window = Window::default();
        for number in 0..3 {
            window.feed(Flight::Event(Token(number)));
        }
        window.wrote(7);
        window.wrote(9);
        assert_eq!(window.acknowledged(9), Some(Flight::Event(Token(1))));
        window.wrote(8);
        assert_eq!(window.acknowledged(8), Some(Flight::Event(Token(2))));
        assert_eq!(window.len(), 1);
        assert_eq!(window.acknowledged(8), None);
        assert_eq!(window.acknowledged(7), Some(Flight::Event(Token(0))));
        assert_eq!(window.len(), 0);
    }
}
