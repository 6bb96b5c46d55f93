//! Measures: what a decision needs, and what it does from when to when.

use super::*;

const NOW: i64 = 1_000;

fn suspension(from_ms: i64, until_ms: Option<i64>) -> Measure {
    Measure::Suspension { from_ms, until_ms }
}

/// R25: a suspension with an end ends; the others do not.
#[test]
fn who_is_in_office() {
    let suspended = |until_ms| in_office(Standing::Suspended { until_ms }, NOW);
    assert_eq!(in_office(Standing::Active, NOW), Ok(()));
    assert_eq!(suspended(Some(NOW)), Ok(()));
    assert_eq!(suspended(Some(NOW + 1)), Err(Refusal::SUSPENDED));
    assert_eq!(suspended(None), Err(Refusal::SUSPENDED));
    assert_eq!(in_office(Standing::Cancelled, NOW), Err(Refusal::CANCELLED));
    assert_eq!(in_office(Standing::Left, NOW), Err(Refusal::LEFT));
}

/// R25: from and to; cancelled is for good; the strictest holds.
#[test]
fn measures_in_force_make_the_standing() {
    let check = |measures: &[Measure], expect| {
        assert_eq!(standing(measures.iter().copied(), NOW), expect);
        assert_eq!(standing(measures.iter().rev().copied(), NOW), expect);
    };
    let suspended = |until_ms| Standing::Suspended { until_ms };
    check(&[], Standing::Active);
    check(&[Measure::Warning, Measure::Notice], Standing::Active);
    check(&[Measure::Discipline, Measure::Law], Standing::Active);
    check(&[suspension(NOW, None)], suspended(None));
    check(&[suspension(NOW + 1, None)], Standing::Active);
    check(&[suspension(0, Some(NOW))], Standing::Active);
    check(&[suspension(0, Some(NOW + 1))], suspended(Some(NOW + 1)));
    let two = [suspension(0, Some(NOW + 1)), suspension(0, Some(NOW + 9))];
    check(&two, suspended(Some(NOW + 9)));
    let lifted_once = [suspension(0, Some(NOW)), suspension(0, None)];
    check(&lifted_once, suspended(None));
    check(&[two[1], suspension(5, None)], suspended(None));
    check(
        &[Measure::Cancellation, suspension(0, None)],
        Standing::Cancelled,
    );
}

fn check(change: impl FnOnce(&mut Decision<'_, &'static str>)) -> Result<(), Refusal> {
    let evidence = ["审计 1024".to_owned()];
    let mut decision = Decision {
        number: "教〔2026〕7号",
        basis: "第十三条第1项",
        evidence: &evidence,
        decided_by: "处长",
        about: "督导",
        measure: suspension(NOW, Some(NOW + 1)),
        contested: false,
    };
    change(&mut decision);
    valid(&decision)
}

/// R45, R104: number, basis, evidence, a time that can be.
#[test]
fn an_incomplete_decision_is_refused() {
    let incomplete = Err(Refusal::SANCTION_INCOMPLETE);
    let (none, blank) = (vec![], vec!["审计 1".to_owned(), " ".to_owned()]);
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|decision| decision.number = " "), incomplete);
    assert_eq!(check(|decision| decision.basis = ""), incomplete);
    let without = |evidence: &[String]| {
        let decision = Decision {
            number: "7",
            basis: "第十三条",
            evidence,
            decided_by: 1,
            about: 2,
            measure: Measure::Warning,
            contested: false,
        };
        valid(&decision)
    };
    assert_eq!(without(&none), incomplete);
    assert_eq!(without(&blank), incomplete);
    assert_eq!(without(&blank[..1]), Ok(()));
    let ends = |until_ms| check(|decision| decision.measure = suspension(NOW, until_ms));
    assert_eq!(ends(Some(NOW)), incomplete);
    assert_eq!(ends(None), Ok(()));
}

/// R103: not while contested; R53: nobody decides about themselves.
#[test]
fn a_contested_or_own_case_is_not_decided() {
    let contested = check(|decision| decision.contested = true);
    assert_eq!(contested, Err(Refusal::SANCTION_CONTESTED));
    let own = check(|decision| decision.decided_by = "督导");
    assert_eq!(own, Err(Refusal::RECUSED));
}

/// R105: two people who are not the teacher; the same one twice is one.
#[test]
fn interference_is_confirmed_by_two() {
    let unconfirmed = Err(Refusal::INTERFERENCE_UNCONFIRMED);
    assert_eq!(listed(&"教师", &[]), unconfirmed);
    assert_eq!(listed(&"教师", &["甲"]), unconfirmed);
    assert_eq!(listed(&"教师", &["甲", "甲"]), unconfirmed);
    assert_eq!(listed(&"教师", &["甲", "教师"]), unconfirmed);
    assert_eq!(listed(&"教师", &["教师", "甲", "甲"]), unconfirmed);
    assert_eq!(listed(&"教师", &["甲", "乙"]), Ok(()));
    assert_eq!(listed(&"教师", &["甲", "甲", "乙"]), Ok(()));
}
