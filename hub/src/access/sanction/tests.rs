//! Decisions: filed, answered, in force, over; and what they do to a picture.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use xunke_policy::purpose::Purpose;

const NOW: i64 = 1_795_300_000_000;
const HOUR_MS: i64 = 60 * 60 * 1000;

impl Stage {
    fn sanctions(&self) -> Sanctions {
        let key = SigningKey::from_bytes(&[7; 32]);
        Sanctions::new(self.db.clone(), self.trail.clone(), key)
    }

    /// Files with the evidence of a view, and says which decision it is.
    async fn accuses(&self, draft: Draft) -> Result<Uuid, Error> {
        let affairs = self.session("academic_affairs", NOW).await;
        self.sanctions().file(by(&affairs), draft).await?;
        let all = self.sanctions().all().await.unwrap();
        Ok(all[0].id.parse().unwrap())
    }

    async fn decides(&self, sanction: Uuid) -> Result<(), Error> {
        let security = self.session("security_administrator", NOW).await;
        self.sanctions().decide(by(&security), sanction).await
    }

    /// Whether the supervisor sees something at that moment.
    async fn sees(&self, at_ms: i64) -> Option<Refusal> {
        let session = self.session("school_supervisor", at_ms).await;
        let room = self.rooms[0].clone();
        let opened = self
            .gate
            .open_live(&session, room, &Purpose::Plan, HERE, at_ms);
        match opened.await {
            Ok(_) => None,
            Err(crate::access::gate::Denied::Refused(refusal)) => Some(refusal),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn by(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn draft(measure: &str) -> Draft {
    Draft {
        number: "教务〔2026〕33号".into(),
        staff_number: "D1001".into(),
        measure: measure.into(),
        from_ms: Some(NOW + HOUR_MS),
        until_ms: Some(NOW + 2 * HOUR_MS),
        basis: "管理办法第十三条第1项".into(),
        facts: "将账号借给他人查看课堂。".into(),
        evidence: vec![1],
    }
}

/// R25, R104: a suspension begins and ends by itself, to the millisecond; nothing happens before
/// it is put into force.
#[tokio::test]
async fn a_suspension_lasts_from_its_beginning_to_its_end() {
    let f = stage(NOW).await;
    let s = f.sanctions();
    assert_eq!(f.sees(NOW).await, None);
    let sanction = f.accuses(draft("suspension")).await.unwrap();
    assert_eq!(f.sees(NOW + HOUR_MS).await, None, "only filed");
    f.decides(sanction).await.unwrap();
    assert_eq!(f.sees(NOW + HOUR_MS - 1).await, None);
    assert_eq!(f.sees(NOW + HOUR_MS).await, Some(Refusal::SUSPENDED));
    assert_eq!(
        f.sees(NOW + 2 * HOUR_MS - 1).await,
        Some(Refusal::SUSPENDED)
    );
    assert_eq!(f.sees(NOW + 2 * HOUR_MS).await, None);
    let again = f.decides(sanction).await;
    assert!(matches!(again, Err(Error::Conflict(..))));
    let security = f.session("security_administrator", NOW).await;
    let lifted = s.lift(by(&security), sanction, "教务〔2026〕34号");
    lifted.await.unwrap();
    assert_eq!(f.sees(NOW + HOUR_MS).await, None, "lifted");
}

/// R25: cancelled for good: the picture goes dark, the grant is gone, nothing brings it back.
#[tokio::test]
async fn a_cancellation_is_for_good() {
    let f = stage(NOW).await;
    let s = f.sanctions();
    let session = f.session("school_supervisor", NOW).await;
    let room = f.rooms[0].clone();
    let opened = f.gate.open_live(&session, room, &Purpose::Plan, HERE, NOW);
    let permit = opened.await.unwrap();
    let sanction = f.accuses(draft("cancellation")).await.unwrap();
    f.decides(sanction).await.unwrap();
    assert!(f.gate.still_valid(&permit, NOW).await.is_err());
    assert_eq!(f.sees(NOW).await, Some(Refusal::CANCELLED));
    let security = f.session("security_administrator", NOW).await;
    let lifted = s.lift(by(&security), sanction, "从轻").await;
    assert_eq!(refused(lifted), Refusal::CANCELLED);
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// R103: while it is contested nothing is decided; only whom it is about objects.
#[tokio::test]
async fn a_contested_decision_waits_for_its_answer() {
    let f = stage(NOW).await;
    let s = f.sanctions();
    assert_eq!(f.sees(NOW).await, None);
    let sanction = f.accuses(draft("warning")).await.unwrap();
    let other = f.session("unit_supervisor", NOW).await;
    let foreign = s.object(by(&other), sanction, "不是我").await;
    assert!(matches!(foreign, Err(Error::NotFound)));
    let own = f.session("school_supervisor", NOW).await;
    s.object(by(&own), sanction, "当时我在场").await.unwrap();
    assert_eq!(s.about(own.person.id).await.unwrap().len(), 1);
    assert_eq!(
        refused(f.decides(sanction).await),
        Refusal::SANCTION_CONTESTED
    );
    let affairs = f.session("academic_affairs", NOW).await;
    s.answer(by(&affairs), sanction, "经核实不成立")
        .await
        .unwrap();
    f.decides(sanction).await.unwrap();
    let late = s.object(by(&own), sanction, "当时我在场").await;
    assert!(matches!(late, Err(Error::Conflict(..))));
}

/// R45, R104, R107: without number, basis or lines of the trail nothing is filed; nobody decides
/// about themselves.
#[tokio::test]
async fn a_decision_rests_on_the_trail() {
    let f = stage(NOW).await;
    let s = f.sanctions();
    let field = |answer: Result<Uuid, Error>| match answer {
        Err(Error::Field(field)) => field.field,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        field(f.accuses(draft("warning")).await),
        "evidence",
        "there is no line 1"
    );
    assert_eq!(f.sees(NOW).await, None);
    let with = |change: fn(&mut Draft)| {
        let mut one = draft("warning");
        change(&mut one);
        one
    };
    assert_eq!(
        field(f.accuses(with(|one| one.facts = " ".into())).await),
        "facts"
    );
    assert_eq!(
        field(f.accuses(with(|one| one.measure = "fine".into())).await),
        "measure"
    );
    let nobody = with(|one| one.staff_number = "X1".into());
    assert_eq!(field(f.accuses(nobody).await), "staff_number");
    for change in [
        (|one: &mut Draft| one.number = " ".into()) as fn(&mut Draft),
        |one| one.basis = String::new(),
        |one| one.evidence = Vec::new(),
        |one| {
            one.measure = "suspension".into();
            one.until_ms = one.from_ms;
        },
    ] {
        let answer = f.accuses(with(change)).await;
        assert_eq!(refused(answer), Refusal::SANCTION_INCOMPLETE);
    }
    let own = with(|one| one.staff_number = "A4001".into());
    assert_eq!(refused(f.accuses(own).await), Refusal::RECUSED);
    f.accuses(draft("warning")).await.unwrap();
    assert_eq!(field(f.accuses(draft("warning")).await), "number");
    assert_eq!(s.all().await.unwrap().len(), 1);
}

/// R108: what goes into the personnel file is signed, and only once it is in force; the export is
/// a line.
#[tokio::test]
async fn the_personnel_file_gets_a_signed_copy() {
    let f = stage(NOW).await;
    let s = f.sanctions();
    assert_eq!(f.sees(NOW).await, None);
    let sanction = f.accuses(draft("notice")).await.unwrap();
    let affairs = f.session("academic_affairs", NOW).await;
    let early = s.export(by(&affairs), sanction).await;
    assert!(matches!(early, Err(Error::Field(field)) if field == NOT_DECIDED));
    f.decides(sanction).await.unwrap();
    let export = s.export(by(&affairs), sanction).await.unwrap();
    assert!(
        export
            .text
            .starts_with("文号：教务〔2026〕33号\n当事人：王建国 D1001\n")
    );
    assert!(export.holds(DOMAIN) && !export.holds("xunke incident 1\n"));
    assert_eq!(f.lines().await[0].action, "export_sanction");
}
