//! Retention: the calendar, the table of classes, and who decides.

use time::macros::datetime;

use super::*;

const TERMS: Terms = Terms {
    months: 6,
    outside_days: 30,
};
const LESSON: Kept = Kept {
    in_lesson: true,
    premium: false,
    held: false,
};
const OUTSIDE: Kept = Kept {
    in_lesson: false,
    ..LESSON
};

fn ms(moment: OffsetDateTime) -> i64 {
    moment.unix_timestamp() * 1000
}

/// R119: six calendar months, and the months that are too short.
#[test]
fn six_months_end_with_the_day() {
    let check = |recorded, months, until| {
        assert_eq!(kept_until_ms(ms(recorded), months), ms(until), "{recorded}");
    };
    let lesson = datetime!(2026-03-10 15:00 +8);
    check(lesson, 6, datetime!(2026-09-11 00:00 +8));
    check(lesson, 0, datetime!(2026-03-11 00:00 +8));
    check(lesson, 10, datetime!(2027-01-11 00:00 +8));
    check(
        datetime!(2026-08-31 09:00 +8),
        6,
        datetime!(2027-03-01 00:00 +8),
    );
    check(
        datetime!(2027-08-31 09:00 +8),
        6,
        datetime!(2028-03-01 00:00 +8),
    );
    check(
        datetime!(2027-08-28 09:00 +8),
        6,
        datetime!(2028-02-29 00:00 +8),
    );
    check(
        datetime!(2026-12-01 00:30 +8),
        6,
        datetime!(2027-06-02 00:00 +8),
    );
    check(
        datetime!(2026-06-15 23:59 +8),
        6,
        datetime!(2026-12-16 00:00 +8),
    );
}

/// What is no moment of the calendar is not kept for ever.
#[test]
fn a_senseless_moment_is_not_kept() {
    assert_eq!(kept_until_ms(i64::MAX, 6), i64::MAX);
    assert_eq!(kept_until_ms(i64::MIN, 6), i64::MIN);
    let last = ms(datetime!(9999-12-31 12:00 +8));
    assert_eq!(kept_until_ms(last, 6), last);
}

/// R67.
#[test]
fn past_its_retention_nobody_watches() {
    assert_eq!(kept(10, 9), Ok(()));
    assert_eq!(kept(10, 10), Err(Refusal::RECORDING_EXPIRED));
}

/// R121: class → period → who decides, all of it.
#[test]
fn every_class_has_its_row() {
    let said = |class: Class| {
        let rule = class.rule(TERMS);
        (class.word(), rule.name, rule.period, rule.decided_by)
    };
    let (library, cases) = (
        [Role::AcademicAffairs, Role::Teacher],
        [Role::AcademicAffairs],
    );
    let table = Class::ALL.map(said);
    let expected: [(&str, &str, Period, &[Role]); 4] = [
        ("ordinary", "一般课堂教学", Period::Months(6), &[]),
        ("outside", "课外录像", Period::Days(30), &[]),
        ("premium", "精品课程", Period::Library, &library),
        ("held", "保全", Period::Case, &cases),
    ];
    assert_eq!(table, expected);
}

/// R121: the class that keeps a recording longest is its class; every recording has one.
#[test]
fn a_recording_is_of_the_class_that_keeps_it_longest() {
    let kept = |in_lesson, premium, held| Kept {
        in_lesson,
        premium,
        held,
    };
    assert_eq!(kept(true, false, false).class(), Class::Ordinary);
    assert_eq!(kept(false, false, false).class(), Class::Outside);
    assert_eq!(kept(true, false, true).class(), Class::Held);
    assert_eq!(kept(false, false, true).class(), Class::Held);
    assert_eq!(kept(true, true, false).class(), Class::Premium);
    assert_eq!(kept(true, true, true).class(), Class::Premium);
}

/// X23: 30 days at least, outside lessons and in February too.
#[test]
fn nothing_is_kept_for_less_than_thirty_days() {
    let recorded = datetime!(2027-01-31 09:00 +8);
    let terms = |months, outside_days| Terms {
        months,
        outside_days,
    };
    let outside = |days| OUTSIDE.by_calendar_ms(ms(recorded), terms(6, days));
    assert_eq!(outside(30), ms(datetime!(2027-03-03 00:00 +8)));
    assert_eq!(outside(7), ms(datetime!(2027-03-03 00:00 +8)));
    assert_eq!(outside(31), ms(datetime!(2027-03-04 00:00 +8)));
    let lesson = |months| LESSON.by_calendar_ms(ms(recorded), terms(months, 30));
    assert_eq!(lesson(6), ms(datetime!(2027-08-01 00:00 +8)));
    assert_eq!(lesson(1), ms(datetime!(2027-03-03 00:00 +8)));
    assert_eq!(lesson(2), ms(datetime!(2027-04-01 00:00 +8)));
    assert_eq!(OUTSIDE.by_calendar_ms(i64::MAX, TERMS), i64::MAX);
}

/// K11: the key of a day outlives every recording of that day that the calendar keeps.
#[test]
fn the_key_of_a_day_lives_as_long_as_anything_of_it() {
    let recorded = ms(datetime!(2026-08-31 09:00 +8));
    let ends = ms(datetime!(2027-03-01 00:00 +8));
    assert_eq!(day_kept_until_ms(recorded, TERMS), ends);
    assert_eq!(LESSON.by_calendar_ms(recorded, TERMS), ends);
    assert!(OUTSIDE.by_calendar_ms(recorded, TERMS) < ends);
    let long = Terms {
        months: 1,
        outside_days: 60,
    };
    assert_eq!(
        day_kept_until_ms(recorded, long),
        OUTSIDE.by_calendar_ms(recorded, long)
    );
}

/// R120, R122: what a decision keeps is not destroyed; the rest by the calendar.
#[test]
fn a_decision_keeps_and_the_calendar_ends() {
    let recorded = ms(datetime!(2026-03-10 15:00 +8));
    let ends = ms(datetime!(2026-09-11 00:00 +8));
    let (premium, held) = (
        Kept {
            premium: true,
            ..LESSON
        },
        Kept {
            held: true,
            ..LESSON
        },
    );
    assert_eq!(LESSON.destroyed_from_ms(recorded, TERMS), Some(ends));
    let outside = ms(datetime!(2026-04-10 00:00 +8));
    assert_eq!(OUTSIDE.destroyed_from_ms(recorded, TERMS), Some(outside));
    assert_eq!(premium.destroyed_from_ms(recorded, TERMS), None);
    assert_eq!(held.destroyed_from_ms(recorded, TERMS), None);
    let until = |kept: Kept, purpose| kept.watched_until_ms(recorded, TERMS, &purpose);
    assert_eq!(until(LESSON, Purpose::Issue), ends);
    assert_eq!(until(premium, Purpose::Plan), i64::MAX);
    assert_eq!(until(held, Purpose::Issue), i64::MAX);
    for purpose in [Purpose::Plan, Purpose::Reinspection, Purpose::Missing] {
        assert_eq!(until(held, purpose), ends, "a hold opens nothing");
    }
}

/// R120.
#[test]
fn who_proposes_a_lesson() {
    let may = |role, own_lesson, own_unit| {
        let nominator = Nominator {
            roles: vec![role],
            own_lesson,
            own_unit,
        };
        may_nominate(&nominator).is_ok()
    };
    for (role, _) in Role::NAMES {
        let own = [
            Role::UnitLeader,
            Role::UnitSupervisor,
            Role::SchoolSupervisor,
        ];
        assert_eq!(may(role, false, true), own.contains(&role), "{role:?}");
        let lesson = [Role::Teacher, Role::SchoolSupervisor];
        assert_eq!(may(role, true, false), lesson.contains(&role), "{role:?}");
        assert_eq!(may(role, false, false), role == Role::SchoolSupervisor);
    }
    let nobody = Nominator {
        roles: Vec::new(),
        own_lesson: true,
        own_unit: true,
    };
    assert_eq!(may_nominate(&nobody), Err(Refusal::NOT_YOUR_ROLE));
}

/// R120: two hands, and the teacher's own word.
#[test]
fn who_approves_and_who_consents() {
    assert_eq!(may_approve(&1, &2, &3), Ok(()));
    assert_eq!(may_approve(&2, &2, &3), Err(Refusal::RECUSED));
    assert_eq!(may_approve(&3, &2, &3), Err(Refusal::RECUSED));
    assert_eq!(may_consent(&3, &3), Ok(()));
    assert_eq!(may_consent(&2, &3), Err(Refusal::CONSENT_BY_OTHERS));
}

/// R122: no hold without the number of a case that lasts, and none beyond it.
#[test]
fn a_hold_lasts_as_long_as_its_case() {
    let refused = Err(Refusal::HOLD_WITHOUT_CASE);
    assert_eq!(may_hold(None, 10), refused);
    assert_eq!(may_hold(Some(Case::Over), 10), refused);
    assert_eq!(may_hold(Some(Case::Open), 10), Ok(()));
    let decided = |until_ms| Some(Case::Decided { until_ms });
    assert_eq!(may_hold(decided(None), 10), Ok(()));
    assert_eq!(may_hold(decided(Some(11)), 10), Ok(()));
    assert_eq!(may_hold(decided(Some(10)), 10), refused);
}

/// K1.
#[test]
fn one_person_opens_so_much_a_day() {
    assert_eq!(within_a_day(480, 8), Ok(()));
    assert_eq!(within_a_day(481, 8), Err(Refusal::OPENED_ENOUGH));
    assert_eq!(within_a_day(u32::MAX, 0), Ok(()));
}
