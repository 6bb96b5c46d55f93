//! Gaps: every second of a recording is either recorded or missing for a reason.

/// Less between two segments is a joint, not a gap.
pub(super) const GAP_US_MIN: i64 = 1_500_000;
const UNKNOWN: &str = "unknown";

/// A stretch of time of one source, microseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from_us: i64,
    pub to_us: i64,
}

/// What a box said is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub span: Span,
    /// As the box named it.
    pub reason: String,
}

/// What is missing, and why if anybody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hole {
    pub span: Span,
    pub reason: String,
}

/// What `recorded` (by begin) leaves of `whole`. Of several reasons the one that covers most of a
/// hole counts.
pub(super) fn find(whole: Span, recorded: &[Span], told: &[Told]) -> Vec<Hole> {
    let mut holes = Vec::new();
    let mut until_us = whole.from_us;
    let end = Span {
        from_us: whole.to_us,
        to_us: whole.to_us,
    };
    for span in recorded.iter().chain([&end]) {
        if span.from_us - until_us > GAP_US_MIN {
            let span = Span {
                from_us: until_us,
                to_us: span.from_us,
            };
            let reason = reason(span, told);
            holes.push(Hole { span, reason });
        }
        until_us = until_us.max(span.to_us);
    }
    holes
}

fn reason(hole: Span, told: &[Told]) -> String {
    let overlap = |told: &&Told| {
        let from_us = told.span.from_us.max(hole.from_us);
        told.span.to_us.min(hole.to_us) - from_us
    };
    let told = told.iter().filter(|told| overlap(told) > 0);
    told.max_by_key(overlap)
        .map_or_else(|| UNKNOWN.to_owned(), |told| told.reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_s: i64, to_s: i64) -> Span {
        Span {
            from_us: from_s * 1_000_000,
            to_us: to_s * 1_000_000,
        }
    }

    fn told(from_s: i64, to_s: i64, reason: &str) -> Told {
        Told {
            span: span(from_s, to_s),
            reason: reason.into(),
        }
    }

    fn check(recorded: &[Span], gaps: &[Told], expect: &[(Span, &str)]) {
        let found = find(span(0, 100), recorded, gaps);
        let found: Vec<_> = found
            .iter()
            .map(|hole| (hole.span, hole.reason.as_str()))
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn what_is_not_recorded_is_a_gap_with_its_reason() {
        check(&[span(0, 50), span(50, 100)], &[], &[]);
        check(&[], &[], &[(span(0, 100), "unknown")]);
        let middle = [span(0, 40), span(60, 100)];
        check(&middle, &[], &[(span(40, 60), "unknown")]);
        check(
            &middle,
            &[told(41, 59, "power")],
            &[(span(40, 60), "power")],
        );
        let two = [told(30, 43, "camera"), told(43, 70, "disk")];
        check(&middle, &two, &[(span(40, 60), "disk")]);
        check(
            &middle,
            &[told(60, 70, "disk")],
            &[(span(40, 60), "unknown")],
        );
        let ends = [(span(0, 10), "unknown"), (span(90, 100), "unknown")];
        check(&[span(10, 90)], &[], &ends);
    }

    #[test]
    fn joints_overlaps_and_what_lies_outside_are_no_gaps() {
        let joint = Span {
            from_us: 51_500_000,
            to_us: 100_000_000,
        };
        check(&[span(0, 50), joint], &[], &[]);
        check(&[span(0, 70), span(20, 30), span(70, 100)], &[], &[]);
        check(&[span(-5, 60), span(60, 140)], &[], &[]);
    }
}
