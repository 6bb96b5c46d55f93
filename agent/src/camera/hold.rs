//! Holding down: what is seen counts only when it has been seen for a while, and is over only when
//! it has been away for a while.

/// How long to wait.
#[derive(Debug, Clone, Copy)]
pub struct Times {
    /// Seen for so long before it counts, milliseconds; and at least twice.
    pub begin_ms: i64,
    /// Away for so long before it is over, milliseconds; and at least twice.
    pub end_ms: i64,
}

/// One thing that may be seen.
#[derive(Debug, Clone, Default)]
pub struct Hold {
    /// First seen, of the current stretch.
    seen_ms: Option<i64>,
    /// First away, since it counts.
    away_ms: Option<i64>,
    counts: bool,
}

impl Hold {
    /// Takes one look. `None` says nothing: neither seen nor away.
    pub fn take(&mut self, seen: Option<bool>, times: Times, now_ms: i64) {
        match (seen, self.counts) {
            (None, _) => {}
            (Some(true), _) => {
                self.away_ms = None;
                let since_ms = *self.seen_ms.get_or_insert(now_ms);
                self.counts |= lasted(since_ms, times.begin_ms, now_ms);
            }
            (Some(false), false) => self.seen_ms = None,
            (Some(false), true) => {
                let away_ms = *self.away_ms.get_or_insert(now_ms);
                if lasted(away_ms, times.end_ms, now_ms) {
                    *self = Self::default();
                }
            }
        }
    }

    /// Whether it was seen at the newest look, held down or not.
    #[must_use]
    pub fn is_suspected(&self) -> bool {
        self.seen_ms.is_some()
    }

    /// Since when it counts: the first look that saw it.
    #[must_use]
    pub fn since_ms(&self) -> Option<i64> {
        self.seen_ms.filter(|_| self.counts)
    }
}

/// A clock that was set back ends no stretch by itself.
fn lasted(since_ms: i64, hold_ms: i64, now_ms: i64) -> bool {
    now_ms != since_ms && (now_ms - since_ms).abs() >= hold_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        begin_ms: 10_000,
        end_ms: 5_000,
    };

    /// Since when it counts after each look (second, seen).
    fn counts(looks: &[(i64, Option<bool>)]) -> Vec<Option<i64>> {
        let mut hold = Hold::default();
        looks
            .iter()
            .map(|&(second, seen)| {
                hold.take(seen, TIMES, second * 1000);
                hold.since_ms().map(|since| since / 1000)
            })
            .collect()
    }

    #[test]
    fn it_counts_after_a_while_from_the_first_look_on() {
        let (yes, no) = (Some(true), Some(false));
        let looks = [
            (0, yes),
            (4, yes),
            (9, yes),
            (10, yes),
            (14, no),
            (18, no),
            (19, no),
        ];
        let expect = [None, None, None, Some(0), Some(0), Some(0), None];
        assert_eq!(counts(&looks), expect);
    }

    #[test]
    fn a_short_one_never_counts_and_a_short_absence_ends_nothing() {
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(
            counts(&[(0, yes), (9, yes), (10, no), (11, yes)]),
            [None; 4]
        );
        let looks = [(0, yes), (10, yes), (14, no), (16, yes), (20, no), (24, no)];
        assert_eq!(counts(&looks)[5], Some(0));
    }

    #[test]
    fn one_look_alone_never_decides_and_no_judgement_changes_nothing() {
        let at_once = Times {
            begin_ms: 0,
            end_ms: 0,
        };
        let mut hold = Hold::default();
        hold.take(Some(true), at_once, 7);
        assert_eq!((hold.since_ms(), hold.is_suspected()), (None, true));
        hold.take(None, at_once, 8);
        assert_eq!(hold.since_ms(), None);
        hold.take(Some(true), at_once, 9);
        hold.take(None, at_once, 99);
        assert_eq!(hold.since_ms(), Some(7));
    }
}
