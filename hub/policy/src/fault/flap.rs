//! The flap latch: what comes and goes all the time is one fault, kept until it has been quiet.

/// What is raised more often than this within [`WINDOW_MS`] flaps.
pub const RAISES_MAX: usize = 3;
/// Half an hour.
pub const WINDOW_MS: i64 = 30 * 60 * 1000;
/// The code of the fault that stands for one that flaps.
pub const FLAPPING: &str = "FLAPPING";

/// Whether a fault that was raised at these moments (milliseconds since the epoch, in any order)
/// flaps now. Once it does (`latched`) it goes on until nothing was raised for [`WINDOW_MS`].
#[must_use]
pub fn flapping(raised_ms: &[i64], latched: bool, now_ms: i64) -> bool {
    let recent = |at_ms: &&i64| (0..WINDOW_MS).contains(&(now_ms - **at_ms));
    let raises = raised_ms.iter().filter(recent).count();
    raises > if latched { 0 } else { RAISES_MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_three_in_half_an_hour_flap_until_half_an_hour_of_quiet() {
        let raised = [0, 1_000, 2_000, 3_000];
        assert!(!flapping(&raised[..3], false, 3_000));
        assert!(flapping(&raised, false, 3_000));
        assert!(flapping(&raised, false, WINDOW_MS - 1));
        assert!(!flapping(&raised, false, WINDOW_MS), "three are left");
        assert!(flapping(&raised, true, WINDOW_MS + 2_999));
        assert!(!flapping(&raised, true, WINDOW_MS + 3_000), "quiet");
        assert!(!flapping(&[], true, 0) && !flapping(&[9_000; 4], false, 8_999));
    }
}
