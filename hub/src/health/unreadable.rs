//! Messages that nobody can read: one word in the log for the first of a box, and then how many
//! more there were each hour. A box that has gone wild fills no log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use xunke_protocol::id::DeviceId;

/// A box has one word in this time, milliseconds.
const EVERY_MS: i64 = 60 * 60 * 1000;

/// What was said of each box; there are no more of them than certificates.
#[derive(Debug, Default)]
pub(super) struct Unreadable(Mutex<HashMap<DeviceId, Told>>);

#[derive(Debug)]
struct Told {
    at_ms: i64,
    more: u64,
}

impl Unreadable {
    /// Counts one; says how many came since the last word when another is due.
    pub fn note(&self, device: &DeviceId, now_ms: i64) -> Option<u64> {
        let mut boxes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(told) = boxes.get_mut(device) else {
            let told = Told {
                at_ms: now_ms,
                more: 0,
            };
            boxes.insert(device.clone(), told);
            return Some(1);
        };
        told.more += 1;
        if now_ms < told.at_ms + EVERY_MS {
            return None;
        }
        told.at_ms = now_ms;
        Some(std::mem::take(&mut told.more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_says_nonsense_has_one_word_an_hour() {
        const NOW: i64 = 1_795_000_000_000;
        let unreadable = Unreadable::default();
        let (one, other) = ("box-1".parse().unwrap(), "box-2".parse().unwrap());
        assert_eq!(unreadable.note(&one, NOW), Some(1));
        for second in 1..=20 {
            assert_eq!(unreadable.note(&one, NOW + second * 1000), None);
        }
        assert_eq!(unreadable.note(&other, NOW + 5000), Some(1));
        assert_eq!(unreadable.note(&one, NOW + EVERY_MS), Some(21));
        assert_eq!(unreadable.note(&one, NOW + EVERY_MS + 1), None);
    }
}
