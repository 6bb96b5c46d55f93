//! What of a camera's time is recorded, and what is missing and why. Pure: what became durable and
//! the time in, gaps out (K14).
//!
//! A box without a battery comes up in 1970 and has its clock set later. So each moment is kept
//! with the clock that it was read from, and a gap is told only once it is known when it was.

use super::cut::GAP_US;
use crate::timetable::Trust;
use xunke_protocol::recording::GapReason;
use xunke_protocol::timetable::CLOCK_MS_MAX;

/// What is on its way to the disk is not missing: longer than a fragment and its flush take.
const SLACK_US: i64 = 15_000_000;
/// What goes on missing is told in pieces of this.
const PIECE_US: i64 = 120_000_000;
/// A clock that moved by less was steered.
const STEP_US_MIN: i64 = 500_000;
/// Most pieces that wait until the clock is known; what the newest cannot tell is power.
const PENDING_MAX: usize = 256;

/// What the clocks show, and what is known of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Wall clock of this box, microseconds since 1970-01-01 UTC.
    pub wall_us: i64,
    /// The same minus the clock that nobody sets.
    pub apart_us: i64,
    /// How far the wall clock is right.
    pub trust: Trust,
}

/// A moment of the wall clock, and how far that was apart from the clock that nobody sets. `None`:
/// read in an earlier start, and believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    at_us: i64,
    apart_us: Option<i64>,
}

/// Footage that is missing, by the hub's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// First missing moment, microseconds since 1970-01-01 UTC.
    pub from_us: i64,
    /// First moment that is there again.
    pub to_us: i64,
    /// Why.
    pub reason: GapReason,
}

/// The account of one camera.
#[derive(Debug)]
pub struct Account {
    /// Up to here all is recorded or told.
    until: Option<Mark>,
    /// What is missing from before, the box was off.
    began: Mark,
    pending: Vec<(Mark, Mark, GapReason)>,
}

impl Now {
    fn mark(&self, at_us: i64) -> Mark {
        Mark {
            at_us,
            apart_us: Some(self.apart_us),
        }
    }

    /// What this box's clock would show at that moment as it is set now.
    fn here(&self, mark: Mark) -> Option<i64> {
        if let Some(apart_us) = mark.apart_us {
            let step_us = self.apart_us - apart_us;
            let set = step_us.abs() >= STEP_US_MIN;
            return Some(mark.at_us + if set { step_us } else { 0 });
        }
        match self.trust {
            // A clock before what is recorded already cannot be right.
            Trust::Right if self.wall_us < mark.at_us - CLOCK_MS_MAX * 1000 => None,
            Trust::Right => Some(mark.at_us),
            Trust::Off { ms } => Some(mark.at_us + ms * 1000),
            Trust::Unknown => None,
        }
    }

    /// What the hub's clock showed at that moment.
    fn true_us(&self, mark: Mark) -> Option<i64> {
        let off_us = match self.trust {
            Trust::Right => 0,
            Trust::Off { ms } => ms * 1000,
            Trust::Unknown => return None,
        };
        self.here(mark).map(|here_us| here_us - off_us)
    }
}

impl Account {
    /// As of a start; `ended_us` is up to where all was recorded or told before it.
    pub fn new(ended_us: Option<i64>, now: Now) -> Self {
        let until = ended_us.map(|at_us| Mark {
            at_us,
            apart_us: None,
        });
        Self {
            until,
            began: now.mark(now.wall_us),
            pending: Vec::new(),
        }
    }

    /// From here on something was to be recorded; of a camera never seen before.
    pub fn expect(&mut self, from_us: i64, now: Now) {
        self.until.get_or_insert(now.mark(from_us));
    }

    /// A stretch became durable; what is missing before it is missing for `reason`.
    pub fn recorded(&mut self, from_us: i64, until_us: i64, reason: GapReason, now: Now) {
        let (from, until) = (now.mark(from_us), now.mark(until_us));
        if let Some(before) = self.until {
            let known_us = now.here(before);
            if known_us.is_none_or(|before_us| from_us - before_us > GAP_US) {
                self.miss(before, from, reason);
            }
            if known_us.is_some_and(|before_us| before_us > until_us) {
                return;
            }
        }
        self.until = Some(until);
    }

    /// Nothing became durable for a while, for `reason`.
    pub fn nothing(&mut self, reason: GapReason, now: Now) {
        let until = *self.until.get_or_insert(self.began);
        let to_us = now.wall_us - SLACK_US;
        let long = |from_us: i64| to_us - from_us >= PIECE_US;
        if now.here(until).is_some_and(long) {
            let to = now.mark(to_us);
            self.miss(until, to, reason);
            self.until = Some(to);
        }
    }

    fn miss(&mut self, from: Mark, to: Mark, reason: GapReason) {
        if self.pending.len() < PENDING_MAX {
            self.pending.push((from, to, reason));
        } else if let Some(last) = self.pending.last_mut() {
            last.1 = to;
        }
    }

    /// What is to be told, and up to when all is told then; nothing before the clock is known.
    pub fn take(&mut self, now: Now) -> Vec<Missing> {
        let known = |&(from, to, reason): &(Mark, Mark, GapReason)| {
            Some((now.true_us(from)?, now.true_us(to)?, reason))
        };
        let all: Option<Vec<_>> = self.pending.iter().map(known).collect();
        let (Some(began_us), Some(all)) = (now.true_us(self.began), all) else {
            return Vec::new();
        };
        self.pending.clear();
        let parts = all.into_iter().flat_map(|(from_us, to_us, reason)| {
            let on_us = began_us.clamp(from_us, to_us.max(from_us));
            [(from_us, on_us, GapReason::Power), (on_us, to_us, reason)]
        });
        let parts = parts.filter(|(from_us, to_us, _)| from_us < to_us);
        parts
            .map(|(from_us, to_us, reason)| Missing {
                from_us,
                to_us,
                reason,
            })
            .collect()
    }

    /// Up to when all is recorded or told, by the hub's time.
    pub fn until_us(&self, now: Now) -> Option<i64> {
        let settled = self.pending.is_empty();
        self.until
            .filter(|_| settled)
            .and_then(|until| now.true_us(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use GapReason::{Camera, Disk, Network, Power};

    const S: i64 = 1_000_000;
    /// 2026-11-23 08:00 in Shanghai.
    const EIGHT: i64 = 1_795_392_000 * S;

    /// So many seconds after eight, by a clock that is right.
    fn right(second: i64) -> Now {
        set(second, 0, Trust::Right)
    }

    /// The same moment on a clock that shows so much more.
    fn set(second: i64, more_s: i64, trust: Trust) -> Now {
        Now {
            wall_us: EIGHT + (second + more_s) * S,
            apart_us: more_s * S,
            trust,
        }
    }

    fn seconds(missing: &[Missing]) -> Vec<(i64, i64, GapReason)> {
        let second = |at_us: i64| (at_us - EIGHT) / S;
        let one = |one: &Missing| (second(one.from_us), second(one.to_us), one.reason);
        missing.iter().map(one).collect()
    }

    fn record(account: &mut Account, from: i64, to: i64, reason: GapReason, now: Now) {
        let wall = |second: i64| now.apart_us + EIGHT + second * S;
        account.recorded(wall(from), wall(to), reason, now);
    }

    /// K14: the box was off until it began, and then it was the camera.
    #[test]
    fn what_is_missing_from_before_the_start_is_power() {
        let mut account = Account::new(Some(EIGHT - 100 * S), right(0));
        record(&mut account, 30, 32, Camera, right(33));
        let told = account.take(right(33));
        assert_eq!(seconds(&told), [(-100, 0, Power), (0, 30, Camera)]);
        assert_eq!(account.take(right(34)), []);
        assert_eq!(account.until_us(right(34)), Some(EIGHT + 32 * S));
        record(&mut account, 32, 34, Camera, right(35));
        record(&mut account, 36, 38, Camera, right(39));
        assert_eq!(account.take(right(39)), [], "two seconds are a joint");
        record(&mut account, 41, 43, Disk, right(44));
        assert_eq!(seconds(&account.take(right(44))), [(38, 41, Disk)]);
    }

    /// K14: a camera that is off for a whole lesson is told while it lasts, without a hole.
    #[test]
    fn what_goes_on_missing_is_told_in_pieces() {
        let mut account = Account::new(None, right(0));
        record(&mut account, 0, 10, Camera, right(11));
        let mut told = Vec::new();
        for second in (12..400).step_by(3) {
            account.nothing(Network, right(second));
            told.extend(account.take(right(second)));
        }
        record(&mut account, 400, 402, Network, right(403));
        told.extend(account.take(right(403)));
        let told = seconds(&told);
        assert_eq!((told[0].0, told[told.len() - 1].1), (10, 400));
        assert!(told.windows(2).all(|two| two[0].1 == two[1].0), "{told:?}");
        assert!(told.iter().all(|one| one.2 == Network), "{told:?}");
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn a_camera_that_was_never_there_is_missing_since_the_box_began() {
        let mut account = Account::new(None, right(0));
        account.nothing(Camera, right(100));
        assert_eq!(account.take(right(100)), []);
        account.nothing(Camera, right(140));
        assert_eq!(seconds(&account.take(right(140))), [(0, 125, Camera)]);
        let mut disk = Account::new(None, right(0));
        disk.expect(EIGHT + 5 * S, right(6));
        record(&mut disk, 20, 22, Disk, right(23));
        assert_eq!(seconds(&disk.take(right(23))), [(5, 20, Disk)]);
    }

    /// A clock that is set is no gap, and hides none.
    #[test]
    fn a_clock_that_is_set_is_no_gap() {
        for more in [3_600, -3_600] {
            let later = |second| set(second, more, Trust::Right);
            let mut account = Account::new(None, right(0));
            record(&mut account, 0, 10, Camera, right(11));
            record(&mut account, 10, 12, Camera, later(13));
            assert_eq!(account.take(later(13)), [], "{more}");
            record(&mut account, 30, 32, Camera, later(33));
            let told = account.take(later(33));
            let shown = seconds(&told)
                .iter()
                .map(|one| (one.0 - more, one.1 - more))
                .next();
            assert_eq!(shown, Some((12, 30)), "{more}");
        }
    }

    /// A box that comes up in 1970 tells nothing until it knows when that was.
    #[test]
    fn a_gap_waits_until_its_time_is_known() {
        let years = -EIGHT / S;
        let lost = |second, trust| set(second, years, trust);
        let mut account = Account::new(Some(EIGHT - 600 * S), lost(0, Trust::Unknown));
        record(&mut account, 5, 10, Camera, lost(11, Trust::Unknown));
        record(&mut account, 50, 60, Network, lost(61, Trust::Unknown));
        account.nothing(Camera, lost(300, Trust::Unknown));
        assert_eq!(account.take(lost(300, Trust::Unknown)), []);
        assert_eq!(account.until_us(lost(300, Trust::Unknown)), None);
        let expect = [
            (-600, 0, Power),
            (0, 5, Camera),
            (10, 50, Network),
            (60, 285, Camera),
        ];
        // The hub has told its time, and this box's clock stays where it is; or it is set.
        let off = Trust::Off { ms: years * 1000 };
        let mut told = account.take(lost(301, off));
        assert_eq!(seconds(&told), expect);
        account.nothing(Camera, right(500));
        told.extend(account.take(right(500)));
        assert_eq!(seconds(&told)[4..], [(285, 485, Camera)]);
    }

    /// A clock that stands before what is recorded already is not believed, whoever says so.
    #[test]
    fn a_clock_before_the_last_recording_is_not_believed() {
        let early = |second| set(second, -86_400, Trust::Right);
        let mut account = Account::new(Some(EIGHT - 600 * S), early(0));
        record(&mut account, 5, 10, Camera, early(11));
        assert_eq!(account.take(early(12)), []);
        let told = seconds(&account.take(right(20)));
        assert_eq!(told, [(-600, 0, Power), (0, 5, Camera)]);
    }

    #[test]
    fn what_waits_has_a_limit() {
        let years = -EIGHT / S;
        let lost = |second| set(second, years, Trust::Unknown);
        let mut account = Account::new(None, lost(0));
        for number in 0..2_000 {
            record(
                &mut account,
                number * 20,
                number * 20 + 10,
                Camera,
                lost(number * 20 + 11),
            );
        }
        assert_eq!(account.pending.len(), PENDING_MAX);
        let told = seconds(&account.take(right(40_000)));
        assert_eq!(told.last().map(|one| one.1), Some(1_999 * 20));
    }
}
