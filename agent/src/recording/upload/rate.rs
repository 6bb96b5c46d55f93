//! How fast: one bucket for all uploads of the box. Pure.

/// Bytes that are read and sent at once.
pub const PIECE_BYTES: u64 = 16 * 1024;
/// What may go at once after a pause: over any time no more goes than the rate gives, and this. On
/// a line of 50 Mbit/s a picture waits for it no longer than 10 ms.
pub const BURST_BYTES: u64 = 64 * 1024;

const SECOND_NS: u128 = 1_000_000_000;

/// Limits in bytes per second; 0: none.
#[derive(Debug, Clone, Copy)]
pub struct Rates {
    /// At all times.
    pub always: u64,
    /// While somebody watches this box live.
    pub watched: u64,
}

impl Rates {
    /// What holds now; 0: no limit.
    pub fn of(self, watched: bool) -> u64 {
        let both = [self.always, if watched { self.watched } else { 0 }];
        let limits = both.into_iter().filter(|rate| *rate != 0);
        limits.min().unwrap_or(0)
    }
}

/// What was granted, in one number: the time at which it is paid for.
#[derive(Debug, Default)]
pub struct Bucket {
    paid_ns: u64,
}

impl Bucket {
    /// When so many bytes, at most [`PIECE_BYTES`], may go at `rate` bytes per second; not before
    /// now. They are granted with that.
    pub fn take(&mut self, bytes: u64, rate: u64, now_ns: u64) -> u64 {
        if rate == 0 {
            return now_ns;
        }
        let credit = lasts_ns(BURST_BYTES - PIECE_BYTES, rate);
        let at = self.paid_ns.max(now_ns.saturating_sub(credit));
        self.paid_ns = at.saturating_add(lasts_ns(bytes, rate));
        at.max(now_ns)
    }
}

/// How long so many bytes last, rounded up.
fn lasts_ns(bytes: u64, rate: u64) -> u64 {
    let ns = (u128::from(bytes) * SECOND_NS).div_ceil(u128::from(rate));
    u64::try_from(ns).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_mutate::Dice;

    const LANES: u64 = 4;
    const SECOND: u64 = 1_000_000_000;

    /// Grants as several uploads ask for them: each asks again once its piece may go, some after a
    /// pause. Gives time and bytes of each.
    fn grants(bucket: &mut Bucket, rate: u64, from_ns: u64, dice: &mut Dice) -> Vec<(u64, u64)> {
        let mut lanes = vec![from_ns; usize::try_from(LANES).unwrap()];
        let mut grants = Vec::new();
        for _ in 0..2000 {
            let lane = (0..lanes.len()).min_by_key(|&lane| lanes[lane]).unwrap();
            let bytes = if dice.chance(80) {
                PIECE_BYTES
            } else {
                1 + dice.below(usize::try_from(PIECE_BYTES).unwrap()) as u64
            };
            let at = bucket.take(bytes, rate, lanes[lane]);
            assert!(at >= lanes[lane], "never before now");
            grants.push((at, bytes));
            let pause = if dice.chance(5) {
                dice.below(3_000_000_000)
            } else {
                dice.below(1000)
            };
            lanes[lane] = at + pause as u64;
        }
        grants.sort_unstable();
        grants
    }

    /// The most bytes in any window, beyond what the rate gives for its length.
    fn excess(grants: &[(u64, u64)], rate: u64) -> i128 {
        let mut worst = i128::MIN;
        // The least of (what had gone before a grant) minus (what the rate had given by then).
        let (mut gone, mut least) = (0_i128, i128::MAX);
        for &(at, bytes) in grants {
            let given = i128::from(at) * i128::from(rate) / i128::from(SECOND);
            least = least.min(gone - given);
            gone += i128::from(bytes);
            worst = worst.max(gone - given - least);
        }
        worst
    }

    /// X55: over any window no more goes than the rate gives, and one burst.
    #[test]
    fn over_any_window_no_more_goes_than_rate_and_burst() {
        for seed in 0..40 {
            let mut dice = Dice::of(seed, 0);
            let rate = 64 * 1024 + dice.below(8 << 20) as u64;
            let grants = grants(&mut Bucket::default(), rate, SECOND, &mut dice);
            let excess = excess(&grants, rate);
            assert!(
                excess <= i128::from(BURST_BYTES) + 1,
                "seed {seed}: {excess}"
            );
            assert!(
                excess > i128::from(PIECE_BYTES),
                "seed {seed}: the burst is never used"
            );
        }
    }

    /// Nobody is slower than the limit for no reason.
    #[test]
    fn who_always_has_something_to_send_sends_at_the_rate() {
        let (rate, mut bucket) = (1 << 20, Bucket::default());
        let mut now = 5 * SECOND;
        for _ in 0..64 * 60 {
            // Each piece is asked for a little late.
            now = bucket.take(PIECE_BYTES, rate, now) + 2_000_000;
        }
        let seconds = (now - 5 * SECOND) as f64 / 1e9;
        assert!(
            (59.0..60.1).contains(&seconds),
            "{seconds} s for a minute's bytes"
        );
    }

    /// Somebody begins to watch: from then on the lower rate holds, but for what was granted.
    #[test]
    fn a_rate_that_falls_holds_at_once() {
        for seed in 0..40 {
            let mut dice = Dice::of(seed, 1);
            let mut bucket = Bucket::default();
            let (high, low) = (8 << 20, 1 << 20);
            let before = grants(&mut bucket, high, SECOND, &mut dice);
            let from = before.last().unwrap().0;
            let after = grants(&mut bucket, low, from, &mut dice);
            let granted = LANES * PIECE_BYTES;
            let excess = excess(&after, low);
            assert!(
                excess <= i128::from(BURST_BYTES + granted) + 1,
                "seed {seed}: {excess}"
            );
        }
    }

    #[test]
    fn the_lower_limit_holds_and_none_is_none() {
        let rates = |always, watched| Rates { always, watched };
        assert_eq!(rates(4, 2).of(true), 2);
        assert_eq!(rates(4, 2).of(false), 4);
        assert_eq!(rates(2, 4).of(true), 2);
        assert_eq!(rates(4, 0).of(true), 4);
        assert_eq!(rates(0, 2).of(true), 2);
        assert_eq!(rates(0, 2).of(false), 0);
        let mut bucket = Bucket::default();
        assert!((0..1000).all(|_| bucket.take(PIECE_BYTES, 0, 7) == 7));
    }
}
