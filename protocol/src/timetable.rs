//! When a room is recorded: the windows of the coming days, signed by the hub. Times and nothing
//! else: no name, course or class ever stands here.

use crate::encoding;
use crate::id::ClassroomId;
use ed25519_dalek::{Signature, Signer, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};

/// Most windows in one document: fifteen days of one every twenty minutes.
pub const WINDOWS_MAX: usize = 1_080;
/// A box and a hub whose clocks differ by less than this may speak about the same moment.
pub const CLOCK_MS_MAX: i64 = 2 * 60_000;

/// A stretch of time, milliseconds since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// First moment of it.
    pub from_ms: i64,
    /// First moment after it.
    pub to_ms: i64,
}

impl Window {
    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(&self, at_ms: i64) -> bool {
        self.from_ms <= at_ms && at_ms < self.to_ms
    }

    /// What it shares with another, if anything.
    #[must_use]
    pub fn within(&self, other: &Self) -> Option<Self> {
        let both = Self {
            from_ms: self.from_ms.max(other.from_ms),
            to_ms: self.to_ms.min(other.to_ms),
        };
        (both.from_ms < both.to_ms).then_some(both)
    }
}

/// By what a room is recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In its windows alone.
    #[default]
    Lessons,
    /// Always.
    Continuous,
}

impl Mode {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lessons => "lessons",
            Self::Continuous => "continuous",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Lessons, Self::Continuous]
            .into_iter()
            .find(|mode| mode.name() == name)
    }
}

/// What the hub says about one room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timetable {
    /// Which room.
    pub classroom: ClassroomId,
    /// Grows with every change; a box refuses a lower one.
    pub version: u64,
    /// When it was made, milliseconds since 1970-01-01 UTC.
    pub made_at: i64,
    /// By what the room is recorded.
    pub mode: Mode,
    /// The days it speaks about; outside of them it says nothing.
    pub known: Window,
    /// When to record, ascending and apart.
    pub windows: Vec<Window>,
}

/// The same with the hub's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedTimetable {
    /// What is signed.
    pub timetable: Timetable,
    /// Ed25519 of the hub over all of it.
    #[serde(with = "encoding")]
    pub signature: [u8; 64],
}

impl SignedTimetable {
    /// Signs what a room is to be recorded by.
    #[must_use]
    pub fn sign(timetable: Timetable, key: &SigningKey) -> Self {
        Self {
            signature: key.sign(&timetable.message()).to_bytes(),
            timetable,
        }
    }

    /// Is this the hub's word about this room, and no older than what the box has?
    #[must_use]
    pub fn acceptable(&self, hub: &VerifyingKey, classroom: ClassroomId, version_min: u64) -> bool {
        let signature = Signature::from_bytes(&self.signature);
        self.timetable.classroom == classroom
            && self.timetable.version >= version_min
            && self.timetable.windows.len() <= WINDOWS_MAX
            && hub.verify(&self.timetable.message(), &signature).is_ok()
    }
}

impl Timetable {
    fn message(&self) -> Vec<u8> {
        let mut message = b"xunke-timetable-v1".to_vec();
        message.extend_from_slice(self.classroom.0.as_bytes());
        message.extend_from_slice(&self.version.to_be_bytes());
        message.extend_from_slice(&self.made_at.to_be_bytes());
        message.push(match self.mode {
            Mode::Lessons => 1,
            Mode::Continuous => 2,
        });
        for window in std::iter::once(&self.known).chain(&self.windows) {
            message.extend_from_slice(&window.from_ms.to_be_bytes());
            message.extend_from_slice(&window.to_ms.to_be_bytes());
        }
        message
    }
}

/// Puts windows in order and joins those that touch or overlap: between two lessons that follow
/// each other no second is lost (X52). Empty ones are left out.
#[must_use]
pub fn merged(mut windows: Vec<Window>) -> Vec<Window> {
    windows.retain(|window| window.from_ms < window.to_ms);
    windows.sort_unstable();
    let mut all: Vec<Window> = Vec::with_capacity(windows.len());
    for window in windows {
        match all.last_mut() {
            Some(last) if window.from_ms <= last.to_ms => {
                last.to_ms = last.to_ms.max(window.to_ms);
            }
            _ => all.push(window),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const ROOM: ClassroomId = ClassroomId(Uuid::from_u128(7));

    fn window(from_ms: i64, to_ms: i64) -> Window {
        Window { from_ms, to_ms }
    }

    fn signed(key: &SigningKey) -> SignedTimetable {
        let timetable = Timetable {
            classroom: ROOM,
            version: 4,
            made_at: 5,
            mode: Mode::Lessons,
            known: window(0, 100),
            windows: vec![window(10, 20), window(30, 40)],
        };
        SignedTimetable::sign(timetable, key)
    }

    #[test]
    fn the_hub_says_it_of_this_room_and_of_no_other() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let hub = key.verifying_key();
        let good = signed(&key);
        assert!(good.acceptable(&hub, ROOM, 4));
        assert!(!good.acceptable(&hub, ROOM, 5));
        assert!(!good.acceptable(&hub, ClassroomId(Uuid::from_u128(8)), 0));
        let stranger = SigningKey::from_bytes(&[4; 32]).verifying_key();
        assert!(!good.acceptable(&stranger, ROOM, 0));
        let json = serde_json::to_string(&good).unwrap();
        assert_eq!(
            serde_json::from_str::<SignedTimetable>(&json).unwrap(),
            good
        );
    }

    #[test]
    fn nothing_of_it_can_be_changed() {
        let key = SigningKey::from_bytes(&[3; 32]);
        let hub = key.verifying_key();
        let changes: [fn(&mut Timetable); 6] = [
            |one| one.version = 9,
            |one| one.made_at = 6,
            |one| one.mode = Mode::Continuous,
            |one| one.known.to_ms = 200,
            |one| one.windows[1].to_ms = 35,
            |one| one.windows.truncate(1),
        ];
        for change in changes {
            let mut forged = signed(&key);
            change(&mut forged.timetable);
            assert!(!forged.acceptable(&hub, ROOM, 0), "{forged:?}");
        }
    }

    /// X52: lessons that follow each other are one window.
    #[test]
    fn windows_that_touch_or_overlap_are_one() {
        let check = |given: &[(i64, i64)], expect: &[(i64, i64)]| {
            let of = |all: &[(i64, i64)]| -> Vec<Window> {
                all.iter().map(|&(from, to)| window(from, to)).collect()
            };
            assert_eq!(merged(of(given)), of(expect), "{given:?}");
        };
        check(&[], &[]);
        check(&[(10, 20), (20, 30)], &[(10, 30)]);
        check(&[(20, 32), (10, 25), (40, 50)], &[(10, 32), (40, 50)]);
        check(&[(10, 50), (20, 30), (49, 51)], &[(10, 51)]);
        check(&[(10, 20), (21, 30), (5, 5), (9, 3)], &[(10, 20), (21, 30)]);
    }

    #[test]
    fn windows_share_what_lies_in_both() {
        assert_eq!(window(0, 10).within(&window(5, 20)), Some(window(5, 10)));
        assert_eq!(window(0, 10).within(&window(10, 20)), None);
        assert!(window(0, 10).holds(0) && !window(0, 10).holds(10));
        assert_eq!(Mode::named("continuous"), Some(Mode::Continuous));
        assert_eq!(Mode::named("never"), None);
    }
}
