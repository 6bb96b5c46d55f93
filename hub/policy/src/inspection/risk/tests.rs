//! What stands out, each just below and just above its limit.

use super::*;

const MINUTE: i64 = 60_000;
/// 2026-11-23 00:00 in Asia/Shanghai.
const MIDNIGHT: i64 = 1_795_363_200_000;

fn line(seq: i64, minute: i64, address: u8, deed: Deed<&'static str>) -> Line<&'static str> {
    Line {
        seq,
        at_ms: MIDNIGHT + minute * MINUTE,
        person: "督导李",
        address: IpAddr::from([10, 0, 0, address]),
        deed,
    }
}

fn found(lines: &[Line<&'static str>]) -> Vec<(Risk, Vec<i64>)> {
    let found = findings(lines, &Limits::default());
    assert!(found.iter().all(|finding| finding.person == "督导李"));
    let pairs = found
        .into_iter()
        .map(|finding| (finding.risk, finding.lines));
    pairs.collect()
}

/// `count` lines, `step` minutes apart, from eight in the morning.
fn series(count: i64, step: i64, deed: Deed<&'static str>) -> Vec<Line<&'static str>> {
    let one = |n| line(n, 480 + n * step, 5, deed.clone());
    (0..count).map(one).collect()
}

/// R117: before seven and from ten in the evening on.
#[test]
fn odd_hours_stand_out() {
    let at = |minute| found(&[line(7, minute, 5, Deed::Viewed(None))]);
    let odd = vec![(Risk::OddHours, vec![7])];
    assert_eq!(at(0), odd);
    assert_eq!(at(7 * 60 - 1), odd);
    assert_eq!(at(7 * 60), []);
    assert_eq!(at(22 * 60 - 1), []);
    assert_eq!(at(22 * 60), odd);
    assert_eq!(found(&[line(7, 0, 5, Deed::Other)]), []);
    assert_eq!(found(&[line(7, 0, 5, Deed::Refused)]), []);
}

/// R117: more than sixty views within a day; spread over more, they are none.
#[test]
fn bulk_stands_out() {
    assert_eq!(found(&series(60, 1, Deed::Viewed(None))), []);
    let many = found(&series(61, 1, Deed::Viewed(None)));
    assert_eq!(many, [(Risk::Bulk, (0..61).collect())]);
    let only = |step| {
        let found = found(&series(61, step, Deed::Viewed(None)));
        found.iter().any(|(risk, _)| *risk == Risk::Bulk)
    };
    assert!(only(23));
    assert!(!only(24));
}

/// R117: more than five views of one teacher within a week.
#[test]
fn a_pursuit_stands_out() {
    let day = 24 * 60;
    let of = |count, step| {
        let mut found = found(&series(count, step, Deed::Viewed(Some("教师王"))));
        found.retain(|(risk, _)| *risk == Risk::OneTeacher);
        found
    };
    let six = vec![(Risk::OneTeacher, (0..6).collect())];
    assert_eq!(of(5, day), []);
    assert_eq!(of(6, day), six);
    assert_eq!(of(6, 7 * day / 5 - 1), six);
    assert_eq!(of(6, 7 * day / 5), []);
    let mut two = series(3, 60, Deed::Viewed(Some("教师王")));
    two.extend(series(3, 60, Deed::Viewed(Some("教师赵"))));
    assert_eq!(found(&two), []);
}

/// R28, R117: two addresses within ten minutes; later it is a walk.
#[test]
fn two_places_stand_out() {
    let moved = |minutes: i64, to| {
        found(&[
            line(1, 480, 5, Deed::Other),
            line(2, 480 + minutes, to, Deed::Other),
        ])
    };
    assert_eq!(moved(9, 6), [(Risk::TwoPlaces, vec![1, 2])]);
    assert_eq!(moved(10, 6), []);
    assert_eq!(moved(1, 5), []);
    let mut two = [line(1, 480, 5, Deed::Other), line(2, 481, 6, Deed::Other)];
    two[1].person = "督导赵";
    assert_eq!(findings(&two, &Limits::default()), []);
}

/// R117: more than ten refusals within an hour.
#[test]
fn a_search_stands_out() {
    assert_eq!(found(&series(10, 1, Deed::Refused)), []);
    let many = found(&series(11, 5, Deed::Refused));
    assert_eq!(many, [(Risk::Refusals, (0..11).collect())]);
    assert_eq!(found(&series(11, 6, Deed::Refused)), []);
}
