//! Every scheduled second is in exactly one state, whatever is known.

use super::*;
use GapReason::{Camera, Disk, Evicted, Policy, Power};
use State::{Destroyed, Missing, NotYet, Stored, Unexplained, Waiting};

const S: i64 = 1_000;

fn window(from_s: i64, to_s: i64) -> Window {
    Window {
        from_ms: from_s * S,
        to_ms: to_s * S,
    }
}

fn seconds(spans: &[Span]) -> Vec<(i64, i64, State)> {
    let one = |span: &Span| (span.window.from_ms / S, span.window.to_ms / S, span.state);
    spans.iter().map(one).collect()
}

/// K14: what is stronger counts, and nothing that is not known is hidden.
#[test]
fn every_moment_has_the_state_that_counts() {
    let known = Known {
        stored: vec![window(0, 40), window(100, 120)],
        waiting: vec![window(30, 60), window(85, 95)],
        missing: vec![
            (window(50, 80), Camera),
            (window(90, 95), Evicted),
            (window(110, 125), Power),
        ],
        destroyed: vec![window(-50, -10)],
    };
    let scheduled = [window(-60, 100), window(105, 200)];
    let spans = account(&scheduled, &known, 180 * S);
    let expect = [
        (-60, -50, Unexplained),
        (-50, -10, Destroyed),
        (-10, 0, Unexplained),
        (0, 40, Stored),
        (40, 60, Waiting),
        (60, 80, Missing(Camera)),
        (80, 85, Unexplained),
        (85, 90, Waiting),
        (90, 95, Missing(Evicted)),
        (95, 100, Unexplained),
        (105, 120, Stored),
        (120, 125, Missing(Power)),
        (125, 180, Unexplained),
        (180, 200, NotYet),
    ];
    assert_eq!(seconds(&spans), expect);
    let sums = Sums::of(&spans);
    assert_eq!((sums.due_ms, sums.stored_ms), (235 * S, 55 * S));
    assert_eq!((sums.waiting_ms, sums.destroyed_ms), (25 * S, 40 * S));
    assert_eq!(sums.missing_ms[Evicted.index()], 5 * S);
    assert_eq!(sums.completeness(), Some(120 * 10_000 / 235));
}

/// R119: what ended on schedule is no gap; what was missing from it stays missing.
#[test]
fn what_was_destroyed_on_schedule_is_no_gap() {
    let known = Known {
        missing: vec![(window(20, 30), Disk)],
        destroyed: vec![window(0, 100)],
        ..Known::default()
    };
    let spans = account(&[window(0, 100)], &known, 500 * S);
    let expect = [
        (0, 20, Destroyed),
        (20, 30, Missing(Disk)),
        (30, 100, Destroyed),
    ];
    assert_eq!(seconds(&spans), expect);
    assert_eq!(Sums::of(&spans).completeness(), Some(9_000));
}

#[test]
fn joints_are_no_holes_and_holes_are_no_joints() {
    let at = |from_ms, to_ms| Window { from_ms, to_ms };
    let check = |stored: &[Window], expect: &[(i64, i64, State)]| {
        let known = Known {
            stored: stored.to_vec(),
            ..Known::default()
        };
        let spans = account(&[at(0, 10_000)], &known, 20_000);
        let told: Vec<_> = spans
            .iter()
            .map(|span| (span.window.from_ms, span.window.to_ms, span.state))
            .collect();
        assert_eq!(told, expect);
    };
    let whole = [(0, 10_000, Stored)];
    check(&[at(700, 4_000), at(5_500, 9_000)], &whole);
    check(&[at(-5, 20_000)], &whole);
    check(&[], &[(0, 10_000, Unexplained)]);
    let hole = [
        (0, 4_000, Stored),
        (4_000, 5_501, Unexplained),
        (5_501, 10_000, Stored),
    ];
    check(&[at(0, 4_000), at(5_501, 10_000)], &hole);
}

#[test]
fn nothing_was_to_be_recorded_is_no_number() {
    assert_eq!(Sums::default().completeness(), None);
    let nearly = Sums {
        due_ms: 1_000_000,
        stored_ms: 999_999,
        unexplained_ms: 1,
        ..Sums::default()
    };
    assert_eq!(nearly.completeness(), Some(9_999), "100 % is every second");
    assert_eq!(nearly.and(&nearly).due_ms, 2_000_000);
}

/// Numbers that look like chance and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % sides
    }

    fn windows(&mut self, most: i64) -> Vec<Window> {
        let count = self.roll(most + 1);
        (0..count)
            .map(|_| {
                let from_ms = self.roll(30_000);
                let length = [2, 300, 2_000, 9_000][usize::try_from(self.roll(4)).unwrap()];
                let to_ms = from_ms + self.roll(length) - 1;
                Window { from_ms, to_ms }
            })
            .collect()
    }

    fn known(&mut self) -> Known {
        let missing = self.windows(6).into_iter();
        Known {
            stored: self.windows(6),
            waiting: self.windows(4),
            missing: missing
                .map(|one| (one, GapReason::ALL[usize::try_from(self.roll(6)).unwrap()]))
                .collect(),
            destroyed: self.windows(3),
        }
    }
}

/// What one moment is, said as simply as can be; joints apart.
fn plainly(at_ms: i64, known: &Known, due_ms: i64) -> State {
    let in_any = |windows: &[Window]| windows.iter().any(|one| one.holds(at_ms));
    let missing = |reason: GapReason| {
        let mut of = known.missing.iter().filter(|(_, why)| *why == reason);
        of.any(|(one, _)| one.holds(at_ms))
    };
    if in_any(&known.stored) {
        return Stored;
    }
    if missing(Evicted) {
        return Missing(Evicted);
    }
    if in_any(&known.waiting) {
        return Waiting;
    }
    let told = [Disk, Camera, GapReason::Network, Power, Policy].into_iter();
    if let Some(reason) = told.into_iter().find(|reason| missing(*reason)) {
        return Missing(reason);
    }
    match (in_any(&known.destroyed), at_ms < due_ms) {
        (true, _) => Destroyed,
        (false, true) => Unexplained,
        (false, false) => NotYet,
    }
}

/// K14: the states of a source partition what was scheduled: nothing is left out, nothing counted
/// twice, and each moment has the state that the plain rule gives it, but for joints.
#[test]
fn states_partition_what_was_scheduled() {
    let mut dice = Dice(14);
    for round in 0..2_000 {
        let (scheduled, known) = (dice.windows(5), dice.known());
        let due_ms = dice.roll(40_000);
        let spans = account(&scheduled, &known, due_ms);
        for two in spans.windows(2) {
            assert!(
                two[0].window.to_ms <= two[1].window.from_ms,
                "{round}: {spans:?}"
            );
            let touch = two[0].window.to_ms == two[1].window.from_ms;
            assert!(!touch || two[0].state != two[1].state, "{round}: {spans:?}");
        }
        let all: Vec<Window> = spans.iter().map(|span| span.window).collect();
        assert_eq!(merged(all), merged(scheduled.clone()), "{round}");
        let scheduled_ms: i64 = merged(scheduled)
            .iter()
            .map(|one| one.to_ms - one.from_ms)
            .sum();
        let sums = Sums::of(&spans);
        let not_yet = spans.iter().filter(|span| span.state == NotYet);
        let not_yet_ms: i64 = not_yet
            .map(|one| one.window.to_ms - one.window.from_ms)
            .sum();
        assert_eq!(sums.due_ms + not_yet_ms, scheduled_ms, "{round}");
        let parts = sums.kept_ms() + sums.missing_ms.iter().sum::<i64>() + sums.unexplained_ms;
        assert_eq!(parts, sums.due_ms, "{round}");
        for span in &spans {
            let Window { from_ms, to_ms } = span.window;
            for at_ms in (from_ms..to_ms).step_by(97).chain([from_ms, to_ms - 1]) {
                let plain = plainly(at_ms, &known, due_ms);
                let joint =
                    plain == Unexplained && matches!(span.state, Stored | Waiting | Destroyed);
                assert!(
                    plain == span.state || joint,
                    "{round}: {at_ms} {plain:?} {span:?}"
                );
            }
        }
    }
}
