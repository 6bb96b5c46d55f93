//! Visits: which boxes came, were sent away or were not let in, and which were given commands that
//! this hub has not signed, as lines of the trail.
//!
//! One line sums up what happened since the last of its kind, and there is at most one of each kind
//! in its time: a box that connects again and again, or a scanner, is a number in a line and never
//! a flood. When the trail cannot be written, it is told later.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xunke_protocol::id::DeviceId;

use super::waits::Waits;
use crate::access::audit::{Entry, Outcome, Trail, Unavailable, Who};
use crate::endpoint::Happening;

/// Boxes, and reasons to be sent away, that are told apart; the others are only counted.
const TOLD_APART_MAX: usize = 1024;
/// Of a line's text; the trail cuts at 500.
const CHARACTERS_MAX: usize = 400;

/// The kinds of lines, as the trail calls them, with the time between two of a kind.
const KINDS: [(&str, Outcome, i64); 4] = [
    ("connect_box", Outcome::Done, 600_000),
    ("cut_off_box", Outcome::Done, 60_000),
    ("refuse_box", Outcome::Refused, 60_000),
    ("refuse_command", Outcome::Refused, 60_000),
];

/// What happened since the last line of one kind.
#[derive(Debug, Default)]
struct Count {
    told_ms: Option<i64>,
    of: BTreeMap<String, u32>,
    others: u32,
}

impl Count {
    fn add(&mut self, what: String, times: u32) {
        let is_known = self.of.contains_key(&what);
        if !is_known && self.of.len() >= TOLD_APART_MAX {
            self.others = self.others.saturating_add(times);
            return;
        }
        let count = self.of.entry(what).or_default();
        *count = count.saturating_add(times);
    }

    fn is_due(&self, every_ms: i64, now_ms: i64) -> bool {
        let since = self.told_ms.map(|told_ms| now_ms - told_ms);
        // A clock that was set back makes no silence.
        let fresh = since.is_some_and(|since_ms| (0..every_ms).contains(&since_ms));
        !self.of.is_empty() && !fresh
    }

    /// As many as a line holds, the most frequent first, and how many more there are.
    fn text(&self) -> String {
        let mut of: Vec<_> = self.of.iter().collect();
        of.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let mut text = String::new();
        let mut left = of.len();
        for (what, count) in of {
            let one = format!("{what} ×{count}");
            if text.chars().count() + one.chars().count() > CHARACTERS_MAX {
                break;
            }
            text = [text, one].join(if left == self.of.len() { "" } else { "; " });
            left -= 1;
        }
        let left = left as u64 + u64::from(self.others);
        match left {
            0 => text,
            left => format!("{text}; {left} more"),
        }
    }
}

/// Since the hub started.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Connections of boxes.
    pub connected: u64,
    /// Connections that the hub has ended, by why.
    pub cut_off: BTreeMap<&'static str, u64>,
    /// Connections that were not let in, by why.
    pub refused: BTreeMap<&'static str, u64>,
    /// How long boxes waited for an acknowledgement.
    pub waits: Waits,
    /// Messages of boxes, wills included.
    pub messages: u64,
    /// Their bytes, without MQTT around them.
    pub message_bytes: u64,
    /// Those of them that nobody could read.
    pub unreadable: u64,
}

/// Counts visits and tells the trail. There is one.
#[derive(Debug)]
pub struct Visits {
    trail: Arc<Trail>,
    counts: Mutex<[Count; 4]>,
    totals: Mutex<Totals>,
}

impl Visits {
    pub(super) fn new(trail: Arc<Trail>) -> Self {
        Self {
            trail,
            counts: Mutex::default(),
            totals: Mutex::default(),
        }
    }

    /// Counts one.
    pub fn note(&self, happening: Happening<'_>) {
        let (kind, what) = match happening {
            Happening::Acknowledged(wait) => return self.lock_totals().waits.add(wait),
            Happening::Connected(device) => (0, device.to_string()),
            Happening::CutOff(device, why) => (1, format!("{device}: {why}")),
            Happening::Refused(Some(device), _, why) => (2, format!("{device}: {why}")),
            Happening::Refused(None, address, why) => (2, format!("{}: {why}", net(address))),
        };
        self.counts()[kind].add(what, 1);
        let mut totals = self.lock_totals();
        match happening {
            Happening::CutOff(_, why) => *totals.cut_off.entry(why).or_default() += 1,
            Happening::Refused(_, _, why) => *totals.refused.entry(why).or_default() += 1,
            _ => totals.connected += 1,
        }
    }

    /// Counts a command that a box refused because this hub has not signed it.
    pub fn forged(&self, device: &DeviceId) {
        self.counts()[3].add(device.to_string(), 1);
    }

    /// Counts a message.
    pub fn heard(&self, bytes: usize) {
        let mut totals = self.lock_totals();
        totals.messages += 1;
        totals.message_bytes += bytes as u64;
    }

    /// Counts a message that nobody can read.
    pub fn unreadable(&self) {
        self.lock_totals().unreadable += 1;
    }

    /// What was counted since the hub started.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lock_totals().clone()
    }

    /// Writes the lines that are due; all that there is when the hub stops.
    pub async fn tell(&self, stops: bool, now_ms: i64) {
        for (kind, (action, outcome, every_ms)) in KINDS.into_iter().enumerate() {
            let every_ms = if stops { 0 } else { every_ms };
            let due = {
                let count = &mut self.counts()[kind];
                if !count.is_due(every_ms, now_ms) {
                    continue;
                }
                let told_ms = Some(now_ms);
                let fresh = Count {
                    told_ms,
                    ..Count::default()
                };
                std::mem::replace(count, fresh)
            };
            let entry = Entry {
                outcome,
                detail: due.text(),
                ..Entry::done(Who::default(), action)
            };
            let told: Result<_, Unavailable> = self.trail.append(entry, now_ms).await;
            if told.is_err() {
                let count = &mut self.counts()[kind];
                due.of
                    .into_iter()
                    .for_each(|(what, times)| count.add(what, times));
                count.others = count.others.saturating_add(due.others);
            }
        }
    }

    fn lock_totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, [Count; 4]> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Addresses of one network are one: a scanner has many.
fn net(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::Notices;
    use crate::store::Db;
    use crate::store::trail::{full, room_again};

    const NOW: i64 = 1_795_000_000_000;

    async fn house() -> (Db, Visits) {
        let db = Db::in_memory().await;
        let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
        (db, Visits::new(trail))
    }

    async fn lines(visits: &Visits) -> Vec<(String, String)> {
        let lines = visits.trail.before(i64::MAX, 100).await.unwrap();
        let told = lines.into_iter().rev();
        told.map(|line| (line.action, line.detail)).collect()
    }

    fn device(id: &str) -> DeviceId {
        id.parse().unwrap()
    }

    #[tokio::test]
    async fn a_box_that_comes_again_and_again_is_a_number_in_one_line() {
        let (_db, visits) = house().await;
        for _ in 0..5_000 {
            visits.note(Happening::Connected(&device("box-1")));
        }
        visits.note(Happening::Connected(&device("box-2")));
        visits.tell(false, NOW).await;
        assert_eq!(
            lines(&visits).await,
            [("connect_box".into(), "box-1 ×5000; box-2 ×1".into())]
        );
        visits.note(Happening::Connected(&device("box-2")));
        visits.tell(false, NOW + 599_999).await;
        assert_eq!(lines(&visits).await.len(), 1, "not yet");
        visits.tell(false, NOW + 600_000).await;
        visits.tell(false, NOW + 9_600_000).await;
        assert_eq!(lines(&visits).await.len(), 2, "and nothing about nothing");
    }

    #[tokio::test]
    async fn strangers_are_told_by_network_and_boxes_by_name() {
        let (_db, visits) = house().await;
        let one = device("box-1");
        for last in 0..=255 {
            visits.note(Happening::Refused(
                None,
                [10, 0, 7, last].into(),
                "TLS failed",
            ));
        }
        visits.note(Happening::Refused(
            Some(&one),
            [10, 0, 8, 1].into(),
            "no CONNECT",
        ));
        visits.note(Happening::CutOff(&one, "revoked"));
        visits.forged(&one);
        visits.heard(300);
        visits.heard(12);
        visits.unreadable();
        let totals = Totals {
            connected: 0,
            cut_off: [("revoked", 1)].into(),
            refused: [("TLS failed", 256), ("no CONNECT", 1)].into(),
            waits: Waits::default(),
            messages: 2,
            message_bytes: 312,
            unreadable: 1,
        };
        assert_eq!(visits.totals(), totals);
        visits.tell(true, NOW).await;
        let told = [
            ("cut_off_box", "box-1: revoked ×1"),
            (
                "refuse_box",
                "10.0.7.0/24: TLS failed ×256; box-1: no CONNECT ×1",
            ),
            ("refuse_command", "box-1 ×1"),
        ];
        let told = told.map(|(action, detail)| (action.to_owned(), detail.to_owned()));
        assert_eq!(lines(&visits).await, told);
    }

    /// The whole internet at the door: memory and line have an end.
    #[tokio::test]
    async fn a_crowd_is_counted_and_not_listed() {
        let (_db, visits) = house().await;
        for number in 0..5_000_u32 {
            let [_, a, b, _] = number.to_be_bytes().map(|byte| byte.wrapping_add(1));
            let [.., c] = number.to_be_bytes();
            visits.note(Happening::Refused(None, [a, b, c, 9].into(), "TLS failed"));
        }
        assert_eq!(visits.counts()[2].of.len(), TOLD_APART_MAX);
        visits.tell(false, NOW).await;
        let told = lines(&visits).await;
        assert!(
            told[0].1.chars().count() < 450 && told[0].1.ends_with(" more"),
            "{told:?}"
        );
    }

    #[tokio::test]
    async fn what_the_trail_does_not_take_is_told_later() {
        let (db, visits) = house().await;
        visits.note(Happening::CutOff(&device("box-1"), "revoked"));
        full(&db, "trail", "1 = 1").await;
        visits.tell(false, NOW).await;
        room_again(&db).await;
        visits.note(Happening::CutOff(&device("box-1"), "revoked"));
        visits.tell(false, NOW + 60_000).await;
        let told = [("cut_off_box".to_owned(), "box-1: revoked ×2".to_owned())];
        assert_eq!(lines(&visits).await, told);
    }
}
