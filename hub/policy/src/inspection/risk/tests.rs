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

/// Everything that stands out, one line after another.
fn all(lines: &[Line<&'static str>]) -> Vec<Finding<&'static str>> {
    let mut watch = Watch::new(RiskLimits::default());
    lines.iter().flat_map(|line| watch.see(line)).collect()
}

fn found(lines: &[Line<&'static str>]) -> Vec<(Risk, Vec<i64>)> {
    let found = all(lines);
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
    assert_eq!(all(&two), []);
    let only = |risk| {
        moved(9, 6)
            .iter()
            .filter(|(found, _)| *found == risk)
            .count()
    };
    assert_eq!(only(Risk::TwoPlaces), 1);
}

/// R117: more than ten refusals within an hour.
#[test]
fn a_search_stands_out() {
    assert_eq!(found(&series(10, 1, Deed::Refused)), []);
    let many = found(&series(11, 5, Deed::Refused));
    assert_eq!(many, [(Risk::Refusals, (0..11).collect())]);
    assert_eq!(found(&series(11, 6, Deed::Refused)), []);
}

/// R117: what goes on is told line by line, and anew after it had stopped.
#[test]
fn what_goes_on_adds_its_lines() {
    let mut lines = series(13, 5, Deed::Refused);
    lines.push(line(13, 480 + 200, 5, Deed::Refused));
    let again = (14..25).map(|n| line(n, 1000 + n, 5, Deed::Refused));
    lines.extend(again);
    let told: Vec<_> = found(&lines).into_iter().map(|(_, lines)| lines).collect();
    let first: Vec<i64> = (0..11).collect();
    assert_eq!(told, [first, vec![11], vec![12], (14..25).collect()]);
}

/// R117: whose lessons they were is said.
#[test]
fn the_teacher_is_named() {
    let found = all(&series(6, 60, Deed::Viewed(Some("教师王"))));
    let teachers: Vec<_> = found.iter().map(|finding| finding.teacher).collect();
    assert_eq!(teachers, [Some("教师王")]);
}

/// R117: a new address is told, unless the school does not want to know.
#[test]
fn a_new_address_stands_out() {
    let lines = [line(7, 480, 5, Deed::NewAddress)];
    assert_eq!(found(&lines), [(Risk::NewAddress, vec![7])]);
    let limits = RiskLimits {
        new_address: false,
        ..RiskLimits::default()
    };
    assert_eq!(Watch::new(limits).see(&lines[0]), []);
}

/// What no longer counts takes no room, and what counts is kept.
#[test]
fn the_past_is_forgotten() {
    let mut watch = Watch::new(RiskLimits::default());
    let views = series(6, 60, Deed::Viewed(Some("教师王")));
    for line in &views[..5] {
        assert_eq!(watch.see(line), []);
    }
    watch.forget(views[4].at_ms + LOOK_BACK_MS - 1);
    assert_eq!(watch.see(&views[5]).len(), 1);
    watch.forget(views[5].at_ms + LOOK_BACK_MS - 1);
    assert_eq!(watch.people.len(), 1);
    let other = line(9, 480 + 8 * 24 * 60, 5, Deed::Viewed(Some("教师赵")));
    watch.see(&other);
    watch.forget(other.at_ms);
    assert_eq!(watch.people["督导李"].of_teacher.len(), 1);
    watch.forget(other.at_ms + LOOK_BACK_MS);
    assert!(watch.people.is_empty());
}

/// Each risk has a word of its own.
#[test]
fn risks_have_words() {
    use Risk::{Bulk, NewAddress, OddHours, OneTeacher, Refusals, TwoPlaces};
    let words = [OddHours, Bulk, OneTeacher, TwoPlaces, Refusals, NewAddress].map(Risk::word);
    let expected = "odd_hours bulk one_teacher two_places refusals new_address";
    assert_eq!(words.join(" "), expected);
}
