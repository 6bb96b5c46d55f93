//! Properties over every combination of facts: only the good ones pass, and nothing gets better
//! by getting worse.

use super::*;

/// How many values each fact has; 0 is the best, each next one is worse.
const SIZES: [usize; 10] = [5, 5, 4, 2, 3, 2, 2, 2, 3, 3];
/// One value of each fact.
type Case = [usize; 10];

/// The facts that a case stands for.
fn facts(case: Case) -> Facts<'static> {
    let [
        level,
        agreement,
        standing,
        password,
        network,
        _,
        _,
        _,
        _,
        minors,
    ] = case;
    let level = [Some(1), Some(2), Some(3), Some(9), None][level];
    let (since_ms, day_ms) = (0, 86_400_000);
    let superseded = |grace_until_ms| Agreement::Superseded {
        since_ms,
        grace_until_ms,
    };
    Facts {
        grant: level.map(|level| Grant {
            minors: minors < 2,
            ..grant(level)
        }),
        agreement: [
            Agreement::Signed { since_ms },
            superseded(NOW + 1),
            superseded(NOW),
            Agreement::Ended,
            Agreement::Unsigned,
        ][agreement],
        standing: [
            Standing::Active,
            Standing::Suspended { until_ms: None },
            Standing::Cancelled,
            Standing::Left,
        ][standing],
        password_changed_ms: NOW - [89, 90][password] * day_ms,
        network: [Network::Campus, Network::Outside, Network::Plain][network],
        ..person(Role::UnitSupervisor, None)
    }
}

/// Live, playback and record of the case's class.
fn actions(case: Case) -> [Action<'static>; 3] {
    let [.., unit, purpose, age, tie, minors] = case;
    let place = Place {
        owner: [OWN, OTHER][unit],
        course: None,
        tie: [Tie::None, Tie::OwnHead, Tie::OwnLesson][tie],
        minors: minors > 0,
        ..Place::of(OWN)
    };
    let purpose = [&Purpose::Plan, &Purpose::Missing][purpose];
    let kept_until_ms = [NOW + 1, NOW][age];
    [
        Action::ViewLive { place, purpose },
        Action::Playback {
            place,
            kept_until_ms,
            purpose,
        },
        Action::FileRecord { place },
    ]
}

fn case(mut number: usize) -> Case {
    SIZES.map(|size| {
        let value = number % size;
        number /= size;
        value
    })
}

fn answers() -> Vec<[Result<(), Refusal>; 3]> {
    let all = SIZES.iter().product();
    let answer = |number| {
        let facts = facts(case(number));
        actions(case(number)).map(|action| decide(&facts, action))
    };
    (0..all).map(answer).collect()
}

/// R7, R8, R19–R22, R25, R30, R31, R43, R53, R67, X29: allowed exactly when every condition holds;
/// and every refusal names its article.
#[test]
fn content_is_allowed_only_when_everything_holds() {
    let mut allowed = 0;
    for (number, answers) in answers().into_iter().enumerate() {
        let case = case(number);
        let [
            level,
            agreement,
            standing,
            password,
            network,
            unit,
            purpose,
            age,
            tie,
            minors,
        ] = case;
        let reaches = level == 0 || (level == 1 && unit == 0);
        let account = agreement < 2 && standing == 0 && password == 0 && network == 0;
        let place = reaches && tie == 0 && minors < 2;
        let live = account && place && purpose == 0;
        let expect = [live, live && age == 0, account && place];
        assert_eq!(answers.map(|answer| answer.is_ok()), expect, "{case:?}");
        allowed += expect.iter().filter(|yes| **yes).count();
        for refusal in answers.iter().filter_map(|answer| answer.err()) {
            assert!(Refusal::ALL.contains(&refusal) && !refusal.article.is_empty());
        }
    }
    // 3 of level and unit × 2 of agreement × 2 of minors × (live: 2 ages; playback: 1; file: 4).
    assert_eq!(allowed, 3 * 2 * 2 * (2 + 1 + 4));
}

/// R20: no refused request becomes a permitted one because a single fact got worse.
#[test]
fn worsening_a_fact_never_opens_a_door() {
    let answers = answers();
    let mut step = 1;
    for (fact, size) in SIZES.iter().enumerate() {
        for (number, is) in answers.iter().enumerate() {
            if case(number)[fact] + 1 == *size {
                continue;
            }
            let worse = &answers[number + step];
            let opens = is
                .iter()
                .zip(worse)
                .any(|(is, worse)| is.is_err() && worse.is_ok());
            assert!(!opens, "fact {fact} of {:?}", case(number));
        }
        step *= size;
    }
}
