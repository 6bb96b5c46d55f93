//! Which segment goes next, and when: the oldest first, several at a time, one alone while the hub
//! is away. Pure but for chance.

use super::flight::Outcome;
use crate::camera::pause::Pause;
use crate::config::Hours;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::time::Instant;
use xunke_protocol::health::SpoolSignals;
use xunke_protocol::id::SegmentId;

/// 2025: a clock that says less was never set.
const CLOCK_MS_MIN: i64 = 1_735_689_600_000;

/// Whether the hours are on. A box that does not know the time sends.
pub fn within(hours: Hours, now_ms: i64) -> bool {
    hours.contain(now_ms) || now_ms < CLOCK_MS_MIN
}

/// Whether so much waits that it goes outside of the hours too.
pub fn too_full(spool: &SpoolSignals, percent_max: u64) -> bool {
    let filled = u128::from(spool.waiting_bytes) * 100;
    filled > u128::from(spool.limit_bytes) * u128::from(percent_max)
}

/// The hub takes nothing.
struct Away {
    /// When that was last seen.
    since: Instant,
    /// It says so itself; otherwise it does not answer.
    says: bool,
}

/// What is on its way, and what must wait.
pub struct Plan {
    in_flight_max: usize,
    retry_seconds_max: u64,
    spread: Duration,
    /// On their way, with the time at which they began it.
    flying: HashMap<SegmentId, Instant>,
    /// Put off, each with its own pauses.
    later: HashMap<SegmentId, (Pause, Instant)>,
    /// The hub may have them, or a part: it is asked first.
    unsure: HashSet<SegmentId>,
    /// Nothing begins before.
    not_before: Instant,
    /// Between attempts while the hub takes nothing, and how that is.
    pause: Pause,
    away: Option<Away>,
    /// When the hub has last signed for something.
    stored: Option<Instant>,
}

impl Plan {
    /// Begins after a random wait of at most `spread`. What waited at the start may be at the hub
    /// already: `unsure`.
    pub fn new(
        in_flight_max: usize,
        retry_seconds_max: u64,
        spread: Duration,
        unsure: HashSet<SegmentId>,
        now: Instant,
    ) -> Self {
        Self {
            in_flight_max,
            retry_seconds_max,
            spread,
            flying: HashMap::new(),
            later: HashMap::new(),
            unsure,
            not_before: now + some_of(spread),
            pause: Pause::up_to(retry_seconds_max),
            away: None,
            stored: None,
        }
    }

    /// Whether another one may begin its way now.
    pub fn has_room(&self, now: Instant) -> bool {
        let most = match self.away {
            Some(_) => 1,
            None => self.in_flight_max,
        };
        now >= self.not_before && self.flying.len() < most
    }

    /// Whether a segment must be passed over.
    pub fn skips(&self, segment: SegmentId, now: Instant) -> bool {
        let put_off = |(_, until): &(Pause, Instant)| *until > now;
        self.flying.contains_key(&segment) || self.later.get(&segment).is_some_and(put_off)
    }

    /// A segment begins its way. True when the hub must be asked for it first.
    pub fn begin(&mut self, segment: SegmentId, now: Instant) -> bool {
        self.flying.insert(segment, now);
        self.unsure.contains(&segment)
    }

    /// A segment's way has ended.
    pub fn ended(&mut self, segment: SegmentId, outcome: &Outcome, now: Instant) {
        let began = self.flying.remove(&segment).unwrap_or(now);
        match outcome {
            Outcome::Stored => {
                self.done(segment);
                self.stored = Some(now);
                self.pause.reset();
                self.back();
            }
            Outcome::Gone | Outcome::Refused(_) => self.done(segment),
            Outcome::Later(why) => self.put_off(segment, why, now),
            // The hub took others meanwhile.
            Outcome::Away(why) | Outcome::Closed(why)
                if self.stored.is_some_and(|stored| stored >= began) =>
            {
                self.put_off(segment, why, now);
            }
            Outcome::Away(why) | Outcome::Closed(why) => {
                self.unsure.insert(segment);
                let says = matches!(outcome, Outcome::Closed(_));
                self.hub_away(why, says, began, now);
            }
        }
    }

    /// The hub has answered a question. If it did not before, it is back, and need not store a
    /// whole segment to prove it.
    pub fn heard(&mut self) {
        if self.away.as_ref().is_some_and(|away| !away.says) {
            self.back();
        }
    }

    fn back(&mut self) {
        if self.away.take().is_some() {
            tracing::info!("the hub is there again: segments are sent");
        }
    }

    fn done(&mut self, segment: SegmentId) {
        self.later.remove(&segment);
        self.unsure.remove(&segment);
    }

    fn put_off(&mut self, segment: SegmentId, why: &str, now: Instant) {
        self.unsure.insert(segment);
        if !self.later.contains_key(&segment) {
            tracing::warn!(segment.id = %segment, why, "a segment is sent again later");
        }
        let fresh = || (Pause::up_to(self.retry_seconds_max), now);
        let (pause, until) = self.later.entry(segment).or_insert_with(fresh);
        *until = now + pause.take();
    }

    fn hub_away(&mut self, why: &str, says: bool, began: Instant, now: Instant) {
        let spread = match &self.away {
            // It failed together with one that has told so already.
            Some(away) if began < away.since => return,
            Some(_) => Duration::ZERO,
            None => {
                tracing::warn!(why, "the hub does not take segments; they wait here");
                some_of(self.spread)
            }
        };
        self.away = Some(Away { since: now, says });
        self.not_before = now + self.pause.take() + spread;
    }
}

/// A random part of a time. Without chance, half of it.
fn some_of(most: Duration) -> Duration {
    let mut bytes = 0x8000_u16.to_be_bytes();
    let _ = getrandom::fill(&mut bytes);
    most.mul_f64(f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const SECOND: Duration = Duration::from_secs(1);

    fn id(number: u128) -> SegmentId {
        SegmentId(Uuid::from_u128(number))
    }

    fn plan(now: Instant) -> Plan {
        Plan::new(3, 4, Duration::ZERO, HashSet::from([id(1)]), now)
    }

    fn away() -> Outcome {
        Outcome::Away("nobody is there".into())
    }

    /// Begins the oldest of ten as often as it may.
    fn begin_all(plan: &mut Plan, now: Instant) -> Vec<u128> {
        let mut begun = Vec::new();
        while plan.has_room(now) {
            let Some(next) = (1..=10).find(|&number| !plan.skips(id(number), now)) else {
                break;
            };
            plan.begin(id(next), now);
            begun.push(next);
        }
        begun
    }

    #[test]
    fn the_oldest_go_first_and_never_more_than_may() {
        let now = Instant::now();
        let mut plan = plan(now);
        assert_eq!(begin_all(&mut plan, now), [1, 2, 3]);
        plan.ended(id(2), &Outcome::Stored, now);
        assert!(
            plan.skips(id(1), now) && plan.skips(id(3), now),
            "none goes twice"
        );
        plan.begin(id(4), now);
        assert!(!plan.has_room(now));
    }

    #[test]
    fn one_that_is_put_off_waits_alone_and_longer_each_time() {
        let now = Instant::now();
        let mut plan = plan(now);
        let mut waits = Vec::new();
        for _ in 0..4 {
            plan.begin(id(1), now);
            plan.ended(id(1), &Outcome::Later("500".into()), now);
            assert!(plan.skips(id(1), now) && plan.has_room(now));
            let wait = (1..).find(|&tenths| !plan.skips(id(1), now + tenths * SECOND / 10));
            waits.push(wait.unwrap());
        }
        assert!(
            waits[0] <= 13 && waits[1] > waits[0] && waits[2] > waits[1],
            "{waits:?}"
        );
        assert!(waits[3] <= 50, "{waits:?}");
        assert_eq!(begin_all(&mut plan, now), [2, 3, 4]);
    }

    /// While the hub is away it is asked by one, and what failed together is one failure.
    #[test]
    fn a_hub_that_is_away_is_asked_by_one_until_it_is_back() {
        let now = Instant::now();
        let mut plan = plan(now);
        begin_all(&mut plan, now);
        let later = now + SECOND;
        (1..=3).for_each(|number| plan.ended(id(number), &away(), later));
        assert!(!plan.has_room(later + SECOND / 2));
        let back = later + SECOND * 13 / 10;
        assert_eq!(
            begin_all(&mut plan, back),
            [1],
            "three failures are one pause"
        );
        plan.ended(id(1), &away(), back);
        assert!(!plan.has_room(back + SECOND), "the second pause is longer");
        let back = back + 4 * SECOND;
        assert_eq!(begin_all(&mut plan, back), [1]);
        plan.ended(id(1), &Outcome::Stored, back);
        assert_eq!(begin_all(&mut plan, back).len(), 3);
    }

    /// A hub that answers again need not store a whole segment first; one that says that it takes
    /// none must.
    #[test]
    fn an_answer_is_enough_of_a_hub_that_was_silent_and_not_of_one_that_is_full() {
        for (outcome, begun) in [(away(), 2), (Outcome::Closed("507".into()), 0)] {
            let now = Instant::now();
            let mut plan = plan(now);
            plan.begin(id(1), now);
            plan.ended(id(1), &outcome, now);
            let back = now + 2 * SECOND;
            assert_eq!(begin_all(&mut plan, back), [1]);
            plan.heard();
            assert_eq!(begin_all(&mut plan, back).len(), begun, "{outcome:?}");
        }
    }

    #[test]
    fn one_that_breaks_off_while_others_arrive_is_put_off_alone() {
        let now = Instant::now();
        let mut plan = plan(now);
        begin_all(&mut plan, now);
        plan.ended(id(2), &Outcome::Stored, now + SECOND);
        plan.ended(id(1), &away(), now + 2 * SECOND);
        assert!(plan.has_room(now + 2 * SECOND) && plan.skips(id(1), now + 2 * SECOND));
    }

    /// P8: what waited at the start, and what broke off, may be at the hub already.
    #[test]
    fn the_hub_is_asked_for_what_it_may_have() {
        let now = Instant::now();
        let mut plan = plan(now);
        assert!(plan.begin(id(1), now) && !plan.begin(id(2), now));
        plan.ended(id(1), &Outcome::Stored, now);
        plan.ended(id(2), &away(), now);
        assert!(plan.begin(id(2), now));
    }

    /// X55: boxes that start together, or lost the hub together, do not come together.
    #[test]
    fn boxes_spread_over_their_time() {
        let (now, spread) = (Instant::now(), 100 * SECOND);
        let (mut first, mut again) = (Vec::new(), Vec::new());
        for _ in 0..200 {
            let mut plan = Plan::new(3, 1, spread, HashSet::new(), now);
            first.push((plan.not_before - now).as_secs());
            plan.begin(id(1), now);
            plan.ended(id(1), &away(), now);
            again.push((plan.not_before - now).as_secs());
        }
        for waits in [&mut first, &mut again] {
            waits.sort_unstable();
            assert!(waits[199] <= 102, "never longer than said: {waits:?}");
            for quarter in 0..4 {
                let within = |wait: &&u64| (quarter * 25..quarter * 25 + 25).contains(*wait);
                let count = waits.iter().filter(within).count();
                assert!(count >= 20, "quarter {quarter} has {count} of 200");
            }
        }
    }

    /// X55: outside of its hours a box sends only what it must, and always when it cannot tell.
    #[test]
    fn outside_of_the_hours_only_a_full_spool_is_sent() {
        let spool = |waiting_bytes| SpoolSignals {
            waiting_bytes,
            waiting_segments: 1,
            free_bytes: 0,
            limit_bytes: 1000,
            evicted_unsent: 0,
        };
        assert!(!too_full(&spool(500), 50) && too_full(&spool(501), 50));
        assert!(!too_full(&spool(0), 0) && too_full(&spool(1), 0));
        let night: Hours = "22:00-06:00".parse().unwrap();
        // 2026-11-23, noon and 22:00 in Asia/Shanghai.
        let (noon, night_ms) = (1_795_406_400_000, 1_795_442_400_000);
        assert!(within(night, night_ms) && !within(night, noon));
        assert!(within(Hours::default(), noon));
        assert!(
            within(night, 4 * 3_600_000),
            "1970: the clock was never set"
        );
    }
}
