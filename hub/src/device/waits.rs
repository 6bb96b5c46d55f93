//! How long boxes wait for their acknowledgements, as Prometheus counts: so many within each limit.

use std::time::Duration;

/// Upper limits, seconds: the aim is 0.2 for 99 of 100 (docs/decisions/0032).
pub const LIMITS_S: [f64; 9] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 2.0];

/// Waits since the hub started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Waits {
    within: [u64; LIMITS_S.len()],
    count: u64,
    sum_s: f64,
}

impl Waits {
    /// Counts one.
    pub fn add(&mut self, wait: Duration) {
        let wait_s = wait.as_secs_f64();
        for (limit_s, within) in LIMITS_S.iter().zip(&mut self.within) {
            *within += u64::from(wait_s <= *limit_s);
        }
        self.count += 1;
        self.sum_s += wait_s;
    }

    /// How many were at most so long.
    pub fn at_most(&self) -> impl Iterator<Item = (f64, u64)> {
        LIMITS_S.into_iter().zip(self.within)
    }

    /// How many there were, and how long all together, seconds.
    #[must_use]
    pub fn all(&self) -> (u64, f64) {
        (self.count, self.sum_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_counts_in_every_limit_that_it_keeps() {
        let mut waits = Waits::default();
        for ms in [1, 200, 201, 9_000] {
            waits.add(Duration::from_millis(ms));
        }
        let within: Vec<u64> = waits.at_most().map(|(_, within)| within).collect();
        assert_eq!(within, [1, 1, 1, 1, 1, 1, 2, 3, 3]);
        let (count, sum_s) = waits.all();
        assert_eq!(count, 4);
        assert!((sum_s - 9.402).abs() < 1e-9, "{sum_s}");
    }
}
