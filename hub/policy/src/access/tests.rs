//! The decision, fact by fact, as a property of all facts, and as a text to read.

mod property;
mod truth;

use std::sync::LazyLock;

use uuid::Uuid;

use super::*;
use crate::preset;

const OWN: UnitId = UnitId(Uuid::from_u128(1));
const OTHER: UnitId = UnitId(Uuid::from_u128(2));
const NOW: i64 = 1_800_000_000_000;

static SCHOOL: LazyLock<Institution> =
    LazyLock::new(|| preset::parse(preset::POLYTECHNIC).unwrap());
/// The same school, where 教务处 has switched the second rule of R21 on.
static SHARING: LazyLock<Institution> = LazyLock::new(|| {
    let mut school = SCHOOL.clone();
    school.rules.course_scope = true;
    school
});

fn grant(level: u8) -> Grant {
    Grant {
        level,
        unit: (level == 2).then_some(OWN),
        minors: false,
        from_ms: 0,
        until_ms: None,
    }
}

/// Somebody in office, on the campus, signed, with a new password.
fn person(role: Role, level: Option<u8>) -> Facts<'static> {
    Facts {
        institution: &SCHOOL,
        roles: vec![role],
        standing: Standing::Active,
        agreement: Agreement::Signed { since_ms: 0 },
        grant: level.map(grant),
        password_changed_ms: NOW,
        network: Network::Campus,
        now_ms: NOW,
    }
}

fn live(place: Place) -> Action<'static> {
    Action::ViewLive {
        place,
        purpose: &Purpose::Plan,
    }
}

fn play(place: Place) -> Action<'static> {
    Action::Playback {
        place,
        kept_until_ms: NOW + 1,
        purpose: &Purpose::Plan,
    }
}

/// R18: a grant is inert before and after its time; R25: a suspension with an end ends.
#[test]
fn time_is_part_of_the_decision() {
    let granted = |from_ms, until_ms| {
        let mut facts = person(Role::SchoolSupervisor, Some(1));
        facts.grant = facts.grant.map(|grant| Grant {
            from_ms,
            until_ms,
            ..grant
        });
        decide(&facts, live(Place::of(OWN)))
    };
    assert_eq!(granted(NOW, Some(NOW + 1)), Ok(()));
    assert_eq!(granted(NOW + 1, None), Err(Refusal::NO_GRANT));
    assert_eq!(granted(0, Some(NOW)), Err(Refusal::NO_GRANT));
    let suspended = |until_ms| {
        let until_ms = Some(until_ms);
        let facts = Facts {
            standing: Standing::Suspended { until_ms },
            ..person(Role::SchoolSupervisor, Some(1))
        };
        decide(&facts, live(Place::of(OWN)))
    };
    assert_eq!(suspended(NOW), Ok(()));
    assert_eq!(suspended(NOW + 1), Err(Refusal::SUSPENDED));
}

/// R21, Q5: the owner of the room decides, unless 教务处 has switched the second rule on.
#[test]
fn the_course_counts_only_when_the_school_says_so() {
    let asks = |institution: &'static Institution, owner, course| {
        let facts = Facts {
            institution,
            ..person(Role::UnitSupervisor, Some(2))
        };
        let place = Place {
            course,
            ..Place::of(owner)
        };
        let answer = decide(&facts, live(place));
        assert_eq!(decide(&facts, play(place)), answer);
        assert_eq!(decide(&facts, Action::FileRecord { place }), answer);
        answer
    };
    let other = Err(Refusal::OTHER_UNIT);
    assert_eq!(asks(&SCHOOL, OWN, Some(OTHER)), Ok(()));
    assert_eq!(asks(&SCHOOL, OTHER, Some(OWN)), other);
    assert_eq!(asks(&SCHOOL, OTHER, None), other);
    assert_eq!(asks(&SHARING, OWN, Some(OTHER)), Ok(()));
    assert_eq!(asks(&SHARING, OTHER, Some(OWN)), Ok(()));
    assert_eq!(asks(&SHARING, OTHER, Some(OTHER)), other);
    assert_eq!(asks(&SHARING, OTHER, None), other);
}

/// R59, issue 7: an examination is watched by nobody live, whatever their level; who may not see
/// the room at all is told that first.
#[test]
fn an_examination_is_watched_by_nobody_live() {
    let exam = Place {
        exam: true,
        ..Place::of(OWN)
    };
    let locked = Err(Refusal::EXAM_LOCKED);
    for (role, level) in [(Role::SchoolSupervisor, 1), (Role::UnitSupervisor, 2)] {
        let facts = person(role, Some(level));
        assert_eq!(decide(&facts, live(exam)), locked);
        assert_eq!(decide(&facts, live(Place::of(OWN))), Ok(()));
    }
    let technician = person(Role::Technician, Some(1));
    let refused = decide(&technician, live(exam));
    assert_eq!(refused, Err(Refusal::TECHNICIAN_CONTENT));
}

/// 附件2 第二条第3项, issue 7: to the millisecond, where the school says so, and nowhere else.
#[test]
fn a_live_view_ends_with_its_lesson_where_the_school_says_so() {
    let asks = |after, ended_ms| {
        let mut school = SCHOOL.clone();
        school.rules.live_minutes_after_lesson = after;
        let facts = Facts {
            institution: &school,
            ..person(Role::SchoolSupervisor, Some(1))
        };
        let place = Place {
            lesson_ended_ms: ended_ms,
            ..Place::of(OWN)
        };
        decide(&facts, live(place))
    };
    let over = Err(Refusal::LESSON_OVER);
    assert_eq!(SCHOOL.rules.live_minutes_after_lesson, None);
    assert_eq!(asks(None, Some(0)), Ok(()));
    assert_eq!(asks(Some(0), None), Ok(()));
    assert_eq!(asks(Some(0), Some(NOW)), over);
    assert_eq!(asks(Some(0), Some(NOW + 1)), Ok(()));
    assert_eq!(asks(Some(5), Some(NOW - 5 * 60_000 + 1)), Ok(()));
    assert_eq!(asks(Some(5), Some(NOW - 5 * 60_000)), over);
    assert_eq!(asks(Some(120), Some(i64::MAX)), Ok(()));
}

/// R7: a level for one unit without a unit reaches none.
#[test]
fn a_unit_level_without_a_unit_reaches_nothing() {
    let mut facts = person(Role::UnitSupervisor, Some(2));
    facts.grant = facts.grant.map(|grant| Grant {
        unit: None,
        ..grant
    });
    let shared = Place {
        course: None,
        ..Place::of(OWN)
    };
    assert_eq!(decide(&facts, live(shared)), Err(Refusal::OTHER_UNIT));
}

/// R20: of all numbers only those written down are levels.
#[test]
fn an_unknown_level_is_refused() {
    for number in 0..=u8::MAX {
        let facts = person(Role::SchoolSupervisor, Some(number));
        let answer = decide(&facts, live(Place::of(OWN)));
        let expect = match number {
            1 | 2 => Ok(()),
            3 => Err(Refusal::TECHNICIAN_CONTENT),
            _ => Err(Refusal::LEVEL_UNKNOWN),
        };
        assert_eq!(answer, expect, "{number}");
    }
}

/// R8, R58, X5: whatever one of the three was granted or has signed, content stays closed.
#[test]
fn no_administrator_reaches_content() {
    for (role, name) in Role::NAMES
        .iter()
        .filter(|(role, _)| role.is_administrator())
    {
        for level in [None, Some(1), Some(2), Some(3), Some(9)] {
            let mut facts = person(*role, level);
            facts.roles.push(Role::SchoolSupervisor);
            let refused = Err(Refusal::TECHNICIAN_CONTENT);
            for action in [live(Place::of(OWN)), play(Place::of(OWN))] {
                assert_eq!(decide(&facts, action), refused, "{name}");
            }
            assert_eq!(decide(&facts, Action::SeeRooms), refused);
            assert_eq!(decide(&facts, Action::SeeRecordings), refused);
        }
    }
}

/// R30: with an expired password nothing is left but changing it; and that needs the campus too.
#[test]
fn an_expired_password_can_be_changed() {
    let expired = Facts {
        password_changed_ms: 0,
        ..person(Role::SchoolSupervisor, Some(1))
    };
    assert_eq!(decide(&expired, Action::ChangePassword), Ok(()));
    let refused = Err(Refusal::PASSWORD_EXPIRED);
    for action in [
        live(Place::of(OWN)),
        Action::SeeRooms,
        Action::SignAgreement,
    ] {
        assert_eq!(decide(&expired, action), refused);
    }
    let outside = Facts {
        network: Network::Outside,
        ..expired.clone()
    };
    let answer = decide(&outside, Action::ChangePassword);
    assert_eq!(answer, Err(Refusal::OFF_CAMPUS));
    let left = Facts {
        standing: Standing::Left,
        ..expired
    };
    assert_eq!(decide(&left, Action::ChangePassword), Err(Refusal::LEFT));
}

/// R34: whoever takes part may sign, and whoever was given a permission has to.
#[test]
fn who_signs() {
    let asks = |role, level| decide(&person(role, level), Action::SignAgreement);
    assert_eq!(asks(Role::UnitLeader, None), Ok(()));
    assert_eq!(asks(Role::Teacher, Some(1)), Ok(()));
    assert_eq!(asks(Role::Teacher, None), Err(Refusal::NOT_YOUR_ROLE));
}

/// K2, Q19: who watched a lesson is told to its teacher, through no other role.
#[test]
fn only_teachers_learn_who_watched() {
    for (role, name) in Role::NAMES {
        for level in [None, Some(1), Some(2)] {
            let allowed = decide(&person(role, level), Action::SeeWatchers).is_ok();
            assert_eq!(allowed, role == Role::Teacher, "{name}");
        }
    }
}
