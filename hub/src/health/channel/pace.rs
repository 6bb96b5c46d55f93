//! Pace: how fast a channel may be used, and when many messages become one. Pure.
//!
//! Robots are limited by whoever runs them: DingTalk and WeCom take 20 messages a minute (DingTalk
//! then takes none for ten), Feishu 100 a minute and 5 a second, and less where clocks strike. A
//! second is added to each span for the way there.

/// How fast a channel may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Tries within a minute.
    pub minute: usize,
    /// Tries within a second.
    pub second: usize,
    /// Tries within a day.
    pub day: usize,
    /// Whether the whole and the half hour are left to others.
    pub avoids_strikes: bool,
}

/// What is to be done for a channel now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: nothing waits, or nothing may be sent.
    Wait,
    /// Send so many of what waits, the oldest first.
    Send(usize),
    /// Make one message of what waits.
    Merge,
}

const MINUTE_MS: i64 = 61_000;
const SECOND_MS: i64 = 1_100;
/// For how long tries count, milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What waits longer than the limit lets through becomes one message, even if nothing can be sent.
const WAITING_MAX: usize = 100;
/// How long a striking clock is left to others, from seconds 0 and 30 of the minutes 0 and 30.
const STRIKE_MS: i64 = 5_000;

impl Pace {
    /// What is to be done when `waiting` messages wait and tries were made at `tried_ms`.
    #[must_use]
    pub fn step(&self, waiting: usize, tried_ms: &[i64], now_ms: i64) -> Step {
        if waiting == 0 {
            return Step::Wait;
        }
        let within = |span_ms| {
            let recent = now_ms - span_ms..=now_ms;
            tried_ms
                .iter()
                .filter(|at_ms| recent.contains(at_ms))
                .count()
        };
        let free = |most: usize, span_ms| most.saturating_sub(within(span_ms));
        let allowed = free(self.minute, MINUTE_MS).min(free(self.day, DAY_MS));
        if waiting > allowed.max(1) && (allowed > 0 || waiting > WAITING_MAX) {
            return Step::Merge;
        }
        let now = allowed.min(free(self.second, SECOND_MS));
        match now {
            0 => Step::Wait,
            _ if self.avoids_strikes && strikes(now_ms) => Step::Wait,
            now => Step::Send(now.min(waiting)),
        }
    }
}

/// Whether many others send now: Feishu refuses more at the whole and the half hour (11232).
fn strikes(now_ms: i64) -> bool {
    let in_half_hour = now_ms.rem_euclid(30 * 60_000);
    in_half_hour < 60_000 && in_half_hour % 30_000 < STRIKE_MS
}

/// How long a channel is left alone after so many failures in a row, milliseconds.
#[must_use]
pub fn rest_ms(failures: u32) -> i64 {
    const FIRST_MS: i64 = 5_000;
    const LAST_MS: i64 = 10 * 60_000;
    (FIRST_MS << failures.saturating_sub(1).min(20)).min(LAST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DINGTALK: Pace = Pace {
        minute: 20,
        second: 20,
        day: usize::MAX,
        avoids_strikes: false,
    };
    const FEISHU: Pace = Pace {
        minute: 100,
        second: 5,
        day: usize::MAX,
        avoids_strikes: true,
    };
    /// 10:07 of some day.
    const NOW: i64 = 1_795_000_000_000 - 1_795_000_000_000 % 1_800_000 + 7 * 60_000;

    /// Runs a channel second by second; gives when something was sent.
    fn run(pace: Pace, mut waiting: usize, from_ms: i64, seconds: i64) -> Vec<i64> {
        let mut sent = Vec::new();
        for second in 0..seconds {
            let now_ms = from_ms + second * 1000;
            if pace.step(waiting, &sent, now_ms) == Step::Merge {
                waiting = 1;
            }
            if let Step::Send(count) = pace.step(waiting, &sent, now_ms) {
                sent.extend(std::iter::repeat_n(now_ms, count));
                waiting -= count;
            }
        }
        sent
    }

    #[test]
    fn what_fits_is_sent_and_what_does_not_becomes_one() {
        assert_eq!(DINGTALK.step(0, &[], NOW), Step::Wait);
        assert_eq!(DINGTALK.step(20, &[], NOW), Step::Send(20));
        assert_eq!(DINGTALK.step(21, &[], NOW), Step::Merge);
        let tried = [NOW - 1000; 18];
        assert_eq!(DINGTALK.step(2, &tried, NOW), Step::Send(2));
        assert_eq!(DINGTALK.step(3, &tried, NOW), Step::Merge);
        let full = [NOW - 1000; 20];
        assert_eq!(DINGTALK.step(3, &full, NOW), Step::Wait);
        assert_eq!(DINGTALK.step(1, &full, NOW), Step::Wait);
        assert_eq!(DINGTALK.step(WAITING_MAX + 1, &full, NOW), Step::Merge);
        assert_eq!(DINGTALK.step(1, &full, NOW + 61_000), Step::Send(1));
    }

    /// However many messages there are, and whenever they come.
    #[test]
    fn no_minute_sees_more_than_it_may() {
        for first in [1, 20, 21, 500] {
            let mut tried = run(DINGTALK, first, NOW, 120);
            for later in 1..200 {
                let now_ms = NOW + later * 700;
                if let Step::Send(count) = DINGTALK.step(2, &tried, now_ms) {
                    tried.extend(std::iter::repeat_n(now_ms, count));
                }
            }
            for at_ms in &tried {
                let minute = *at_ms..at_ms + 60_000;
                let within = tried.iter().filter(|other| minute.contains(other)).count();
                assert!(within <= 20, "{within} of {first}");
            }
        }
    }

    #[test]
    fn seconds_slow_down_and_merge_nothing() {
        assert_eq!(FEISHU.step(8, &[], NOW), Step::Send(5));
        assert_eq!(
            run(FEISHU, 8, NOW, 10),
            [[NOW; 5].as_slice(), &[NOW + 2000; 3]].concat()
        );
        assert_eq!(FEISHU.step(101, &[], NOW), Step::Merge);
    }

    /// Feishu answers 11232 where everybody sends: at the whole and the half hour.
    #[test]
    fn striking_clocks_are_left_to_others() {
        let hour = NOW - 7 * 60_000;
        for strike in [hour, hour + 30_000, hour + 1_800_000, hour + 1_830_000] {
            assert_eq!(FEISHU.step(1, &[], strike), Step::Wait);
            assert_eq!(FEISHU.step(1, &[], strike + STRIKE_MS - 1), Step::Wait);
            assert_eq!(FEISHU.step(1, &[], strike + STRIKE_MS), Step::Send(1));
            assert_eq!(FEISHU.step(1, &[], strike - 1), Step::Send(1));
            assert_eq!(DINGTALK.step(1, &[], strike), Step::Send(1));
        }
        assert_eq!(FEISHU.step(1, &[], hour + 60_000), Step::Send(1));
    }

    #[test]
    fn a_day_has_an_end_to_what_it_costs() {
        let sms = Pace { day: 3, ..DINGTALK };
        let tried = [NOW - 3_600_000, NOW - 7_200_000, NOW - DAY_MS - 1];
        assert_eq!(sms.step(1, &tried, NOW), Step::Send(1));
        assert_eq!(sms.step(2, &tried, NOW), Step::Merge);
    }

    #[test]
    fn failures_are_tried_again_later_and_later() {
        assert_eq!(
            [1, 2, 3, 8, 99].map(rest_ms),
            [5_000, 10_000, 20_000, 600_000, 600_000]
        );
    }
}
