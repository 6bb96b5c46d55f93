//! Applications: three people, nothing wider, nothing twice.

use std::sync::LazyLock;

use uuid::Uuid;

use super::*;
use crate::access::{self, Action, Facts, Grant, Place};
use crate::agreement::Agreement;
use crate::network::Network;
use crate::preset;
use crate::purpose::Purpose;

static SCHOOL: LazyLock<Institution> =
    LazyLock::new(|| preset::parse(preset::POLYTECHNIC).unwrap());
const UNIT: UnitId = UnitId(Uuid::from_u128(1));
const OTHER: UnitId = UnitId(Uuid::from_u128(2));
const NOW: i64 = 1_000;
const TERMS: Terms = Terms {
    level: 2,
    unit: Some(UNIT),
    minors: false,
    from_ms: 500,
    until_ms: 5_000,
};
const APPLICATION: Application<'_, &str> = Application {
    applicant: "教务处张",
    beneficiary: "督导李",
    terms: TERMS,
    reason: "本学期巡课",
};
const SUPERVISOR: Beneficiary<'_> = Beneficiary {
    roles: &[Role::UnitSupervisor],
    standing: Standing::Active,
};

fn officer<'a>(person: &'a str, roles: &'a [Role]) -> Officer<'a, &'a str> {
    Officer { person, roles }
}

fn file(application: &Application<'_, &str>, beneficiary: Beneficiary<'_>) -> Result<(), Refusal> {
    let applicant = officer("教务处张", &[Role::AcademicAffairs]);
    may_file(&SCHOOL, applicant, application, beneficiary, NOW)
}

fn open(
    application: &Application<'_, &str>,
    opened: Terms,
    beneficiary: Beneficiary<'_>,
) -> Result<(), Refusal> {
    let opener = officer("安全王", &[Role::SecurityAdministrator]);
    may_open(&SCHOOL, opener, application, opened, beneficiary, NOW)
}

/// R1, R2, R17, R18: each office does its own act.
#[test]
fn each_office_does_its_own() {
    for (role, name) in Role::NAMES {
        let roles = [role];
        let files = may_file(
            &SCHOOL,
            officer("教务处张", &roles),
            &APPLICATION,
            SUPERVISOR,
            NOW,
        );
        let opens = may_open(
            &SCHOOL,
            officer("安全王", &roles),
            &APPLICATION,
            TERMS,
            SUPERVISOR,
            NOW,
        );
        let by_others = Err(Refusal::APPLICATION_BY_OTHERS);
        let affairs = role == Role::AcademicAffairs;
        assert_eq!(files, if affairs { Ok(()) } else { by_others }, "{name}");
        let by_others = Err(Refusal::OPENING_BY_OTHERS);
        let security = role == Role::SecurityAdministrator;
        assert_eq!(opens, if security { Ok(()) } else { by_others }, "{name}");
    }
}

/// R17, R18: applicant, opener and beneficiary are three people.
#[test]
fn three_people_take_part() {
    let same = Err(Refusal::SAME_PERSON);
    let applies = |person| {
        let applicant = officer(person, &[Role::AcademicAffairs]);
        may_file(&SCHOOL, applicant, &APPLICATION, SUPERVISOR, NOW)
    };
    assert_eq!(applies("教务处张"), Ok(()));
    assert_eq!(applies("督导李"), same);
    assert_eq!(applies("教务处赵"), same);
    let opens = |person, application: &Application<'_, &str>| {
        let opener = officer(person, &[Role::SecurityAdministrator]);
        may_open(&SCHOOL, opener, application, TERMS, SUPERVISOR, NOW)
    };
    assert_eq!(opens("安全王", &APPLICATION), Ok(()));
    assert_eq!(opens("教务处张", &APPLICATION), same);
    assert_eq!(opens("督导李", &APPLICATION), same);
    let own = Application {
        beneficiary: "教务处张",
        ..APPLICATION
    };
    assert_eq!(opens("安全王", &own), same);
}

/// R17: level, unit, reason and time must be there and make sense.
#[test]
fn an_incomplete_application_is_not_accepted() {
    let with = |terms| {
        let application = Application {
            terms,
            ..APPLICATION
        };
        let both = (
            file(&application, SUPERVISOR),
            open(&application, terms, SUPERVISOR),
        );
        assert_eq!(both.0, both.1);
        both.0
    };
    let incomplete = Err(Refusal::APPLICATION_INCOMPLETE);
    assert_eq!(with(TERMS), Ok(()));
    assert_eq!(
        with(Terms {
            unit: None,
            ..TERMS
        }),
        incomplete
    );
    assert_eq!(with(Terms { level: 1, ..TERMS }), incomplete);
    let school = Terms {
        level: 1,
        unit: None,
        ..TERMS
    };
    assert_eq!(with(school), Ok(()));
    assert_eq!(
        with(Terms { level: 9, ..TERMS }),
        Err(Refusal::LEVEL_UNKNOWN)
    );
    let time = |from_ms, until_ms| {
        with(Terms {
            from_ms,
            until_ms,
            ..TERMS
        })
    };
    assert_eq!(time(500, NOW + 1), Ok(()));
    assert_eq!(time(500, NOW), incomplete);
    assert_eq!(time(2_000, 2_000), incomplete);
    let because = |reason: &str| {
        let application = Application {
            reason,
            ..APPLICATION
        };
        file(&application, SUPERVISOR)
    };
    assert_eq!(because(" 巡 "), incomplete);
    assert_eq!(because("巡课"), Ok(()));
    assert_eq!(because(&"巡".repeat(500)), Ok(()));
    assert_eq!(because(&"巡".repeat(501)), incomplete);
}

/// R18: exactly the level and unit, not more minors, not earlier, not later.
#[test]
fn an_opening_is_never_wider_than_the_application() {
    let opens = |opened| open(&APPLICATION, opened, SUPERVISOR);
    let wider = Err(Refusal::WIDER_THAN_APPLIED);
    assert_eq!(opens(TERMS), Ok(()));
    let narrower = Terms {
        from_ms: 501,
        until_ms: 4_999,
        ..TERMS
    };
    assert_eq!(opens(narrower), Ok(()));
    let school = Terms {
        level: 1,
        unit: None,
        ..TERMS
    };
    assert_eq!(opens(school), wider);
    assert_eq!(opens(Terms { level: 3, ..TERMS }), wider);
    let elsewhere = Terms {
        unit: Some(OTHER),
        ..TERMS
    };
    assert_eq!(opens(elsewhere), wider);
    assert_eq!(
        opens(Terms {
            minors: true,
            ..TERMS
        }),
        wider
    );
    assert_eq!(
        opens(Terms {
            from_ms: 499,
            ..TERMS
        }),
        wider
    );
    assert_eq!(
        opens(Terms {
            until_ms: 5_001,
            ..TERMS
        }),
        wider
    );
    let never = Terms {
        from_ms: 4_000,
        until_ms: 4_000,
        ..TERMS
    };
    assert_eq!(opens(never), wider);
    let with_minors = Terms {
        minors: true,
        ..TERMS
    };
    assert!(within(TERMS, with_minors) && within(with_minors, with_minors));
}

/// R19: what is opened before the agreement gives no sight; every decision refuses until it is
/// signed, and again once it has ended.
#[test]
fn what_is_opened_before_the_agreement_gives_no_sight() {
    assert_eq!(open(&APPLICATION, TERMS, SUPERVISOR), Ok(()));
    let sees = |agreement| {
        let facts = Facts {
            institution: &SCHOOL,
            roles: SUPERVISOR.roles.to_vec(),
            standing: SUPERVISOR.standing,
            agreement,
            grant: Some(Grant {
                level: TERMS.level,
                unit: TERMS.unit,
                minors: TERMS.minors,
                from_ms: TERMS.from_ms,
                until_ms: Some(TERMS.until_ms),
            }),
            password_changed_ms: NOW,
            network: Network::Campus,
            now_ms: NOW,
        };
        let place = Place::of(UNIT);
        let purpose = &Purpose::Plan;
        access::decide(&facts, Action::ViewLive { place, purpose })
    };
    assert_eq!(sees(Agreement::Unsigned), Err(Refusal::AGREEMENT_UNSIGNED));
    assert_eq!(sees(Agreement::Ended), Err(Refusal::AGREEMENT_ENDED));
    assert_eq!(sees(Agreement::Signed { since_ms: NOW }), Ok(()));
}

/// R23, R25: after a cancellation for good nothing is applied for or opened again.
#[test]
fn a_cancelled_permission_never_comes_back() {
    for (standing, refusal) in [
        (Standing::Cancelled, Refusal::CANCELLED),
        (Standing::Left, Refusal::LEFT),
        (Standing::Suspended { until_ms: None }, Refusal::SUSPENDED),
    ] {
        let person = Beneficiary {
            standing,
            ..SUPERVISOR
        };
        assert_eq!(file(&APPLICATION, person), Err(refusal));
        assert_eq!(open(&APPLICATION, TERMS, person), Err(refusal));
    }
}

/// X5: an administrator receives level 3 and nothing that sees.
#[test]
fn no_administrator_receives_a_viewing_level() {
    let technician = Beneficiary {
        roles: &[Role::Technician],
        ..SUPERVISOR
    };
    let asks = |level, unit| {
        let terms = Terms {
            level,
            unit,
            ..TERMS
        };
        let application = Application {
            terms,
            ..APPLICATION
        };
        file(&application, technician)
    };
    assert_eq!(asks(3, None), Ok(()));
    let refused = Err(Refusal::ADMINISTRATOR_VIEWING);
    assert_eq!(asks(2, Some(UNIT)), refused);
    assert_eq!(asks(1, None), refused);
}

/// R17: to the end of the term unless another day was asked for.
#[test]
fn a_permission_ends_with_the_term() {
    assert_eq!(until_ms(None, 9_000), 9_000);
    assert_eq!(until_ms(Some(7_000), 9_000), 7_000);
}

/// R17–R26: the whole way, step by step; what is over is over.
#[test]
fn the_way_of_an_application() {
    use State::*;
    use Step::*;
    let states = [Draft, Filed, Opened, Refused, Suspended, Revoked, Expired];
    let steps = [File, Open, Refuse, Suspend, Resume, Revoke, Expire];
    let expect = [
        [Some(Filed), None, None, None, None, None, None],
        [None, Some(Opened), Some(Refused), None, None, None, None],
        [
            None,
            None,
            None,
            Some(Suspended),
            None,
            Some(Revoked),
            Some(Expired),
        ],
        [None; 7],
        [
            None,
            None,
            None,
            None,
            Some(Opened),
            Some(Revoked),
            Some(Expired),
        ],
        [None; 7],
        [None; 7],
    ];
    for (state, row) in states.into_iter().zip(expect) {
        for (step, to) in steps.into_iter().zip(row) {
            let to = to.ok_or(Refusal::APPLICATION_STATE);
            assert_eq!(next(state, step), to, "{state:?} {step:?}");
        }
    }
}

/// R23: Academic Affairs and the IT centre take a permission back, nobody else.
#[test]
fn two_offices_take_a_permission_back() {
    for (role, name) in Role::NAMES {
        let office = matches!(role, Role::AcademicAffairs | Role::SecurityAdministrator);
        let answer = may_revoke(&SCHOOL, &[Role::Teacher, role]);
        let by_others = Err(Refusal::OPENING_BY_OTHERS);
        assert_eq!(answer, if office { Ok(()) } else { by_others }, "{name}");
    }
}
