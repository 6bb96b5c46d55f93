//! Grants: the whole way from application to hand-back, and who may not go it.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::gate::{Denied, Permit, ViewLive};
use crate::campus::classroom::{self, Classroom};
use crate::store::trail::{full, room_again};
use xunke_policy::purpose::Purpose;

const NOW: i64 = 1_795_300_000_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Stage {
    fn grants(&self) -> Grants {
        let institution = self.gate.institution().clone();
        Grants::new(self.db.clone(), self.trail.clone(), institution)
    }

    async fn files(&self, wish: Wish) -> Result<(Uuid, String), Error> {
        let session = self.session("academic_affairs", NOW).await;
        self.grants().file(by(&session), wish).await
    }

    /// Files for the unit leader, who holds nothing in the demonstration.
    async fn filed(&self) -> Uuid {
        self.files(self.wish("unit_leader").await).await.unwrap();
        let listed = self.grants().applications().await.unwrap();
        listed[0].application.id.parse().unwrap()
    }

    async fn wish(&self, label: &str) -> Wish {
        let holder = self.session(label, NOW).await.person;
        Wish {
            beneficiary: holder.id,
            level: 2,
            unit: holder.unit.map(|unit| unit.id),
            reason: "本学期巡课".into(),
            minors: None,
            from_ms: NOW - DAY_MS,
            until_ms: Some(NOW + 30 * DAY_MS),
        }
    }

    async fn opening_by(&self, label: &str, application: Uuid) -> Result<(), Error> {
        let session = self.session(label, NOW).await;
        self.grants().open(by(&session), application).await
    }

    async fn watches(&self, session: &Session) -> Result<Permit<ViewLive, Classroom>, Denied> {
        let room = self.rooms[0].clone();
        let gate = &self.gate;
        gate.open_live(session, room, &Purpose::Plan, HERE, NOW)
            .await
    }

    /// The room as it is now.
    async fn sees_now(&self, session: &Session) -> Result<(), Refusal> {
        let room = classroom::find(&self.db, self.rooms[0].id).await;
        let (gate, room) = (&self.gate, room.unwrap().unwrap());
        let opened = gate.open_live(session, room, &Purpose::Plan, HERE, NOW);
        match opened.await {
            Ok(_) => Ok(()),
            Err(Denied::Refused(refusal)) => Err(refusal),
            Err(other) => panic!("{other:?}"),
        }
    }

    async fn state(&self) -> State {
        let listed = self.grants().applications().await.unwrap();
        state(&listed[0], NOW).unwrap()
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

/// R17, R18, R23, R26: filed, opened, watched, taken back; the picture is refused at once.
#[tokio::test]
async fn the_whole_way_of_a_permission() {
    let f = stage(NOW).await;
    let application = f.filed().await;
    assert_eq!(f.state().await, State::Filed);
    let leader = f.session("unit_leader", NOW).await;
    assert!(f.watches(&leader).await.is_err(), "nothing is opened yet");
    f.opening_by("security_administrator", application)
        .await
        .unwrap();
    assert_eq!(f.state().await, State::Opened);
    let leader = f.session("unit_leader", NOW).await;
    let permit = f.watches(&leader).await.unwrap();
    assert_eq!(f.gate.still_valid(&permit, NOW).await, Ok(()));
    let ledger = f.grants().ledger().await.unwrap();
    let line = ledger.iter().find(|line| line.application == "SQ-00001");
    let line = line.unwrap();
    assert_eq!(
        (line.from_ms, line.until_ms),
        (NOW, Some(NOW + 30 * DAY_MS))
    );
    let affairs = f.session("academic_affairs", NOW).await;
    let grant = line.id.parse().unwrap();
    f.grants()
        .revoke(by(&affairs), grant, "调岗")
        .await
        .unwrap();
    let now = f.gate.still_valid(&permit, NOW).await;
    assert_eq!(now, Err(Refusal::NO_GRANT));
    assert_eq!(f.state().await, State::Revoked);
    let again = f.grants().revoke(by(&affairs), grant, "调岗").await;
    assert_eq!(refused(again), Refusal::APPLICATION_STATE);
    let reopened = f.opening_by("security_administrator", application).await;
    assert_eq!(refused(reopened), Refusal::APPLICATION_STATE);
    let steps = f.lines().await;
    let done = steps.iter().filter(|line| line.outcome == "done");
    let done: Vec<_> = done.map(|line| line.action.as_str()).collect();
    assert_eq!(done, ["revoke_grant", "open_grant", "file_application"]);
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// R17, R18, R19, X5: the wrong people, and people without an agreement; each answer a line.
#[tokio::test]
async fn others_neither_file_nor_open_nor_revoke() {
    let f = stage(NOW).await;
    let application = f.filed().await;
    for label in ["academic_affairs", "technician", "unit_leader"] {
        let answer = f.opening_by(label, application).await;
        assert_eq!(refused(answer), Refusal::OPENING_BY_OTHERS, "{label}");
    }
    let wish = f.wish("unit_leader").await;
    let security = f.session("security_administrator", NOW).await;
    let filed = f.grants().file(by(&security), wish.clone()).await;
    assert_eq!(refused(filed), Refusal::APPLICATION_BY_OTHERS);
    let own = Wish {
        beneficiary: f.session("academic_affairs", NOW).await.person.id,
        level: 1,
        unit: None,
        ..wish.clone()
    };
    assert_eq!(refused(f.files(own).await), Refusal::SAME_PERSON);
    let administrator = Wish {
        beneficiary: f.session("audit_administrator", NOW).await.person.id,
        level: 1,
        unit: None,
        ..wish.clone()
    };
    let refusal = refused(f.files(administrator).await);
    assert_eq!(refusal, Refusal::ADMINISTRATOR_VIEWING);
    let teacher = f.session("teacher", NOW).await;
    let ledger = f.grants().ledger().await.unwrap();
    let held: Uuid = ledger[0].id.parse().unwrap();
    let revoked = f.grants().revoke(by(&teacher), held, "试试").await;
    assert_eq!(refused(revoked), Refusal::OPENING_BY_OTHERS);
    assert_eq!(f.grants().ledger().await.unwrap().len(), ledger.len());
    let lines = f.lines().await;
    let no = lines
        .iter()
        .filter(|line| line.outcome == "refused")
        .count();
    assert_eq!(no, 7);
}

/// R19: opened for somebody who has not signed, it gives no sight.
#[tokio::test]
async fn what_is_opened_before_the_agreement_shows_nothing() {
    let f = stage(NOW).await;
    let wish = Wish {
        level: 1,
        unit: None,
        ..f.wish("school_supervisor_unsigned").await
    };
    f.files(wish).await.unwrap();
    let listed = f.grants().applications().await.unwrap();
    let application = listed[0].application.id.parse().unwrap();
    let opened = f.opening_by("security_administrator", application).await;
    assert!(opened.is_ok(), "{opened:?}");
    assert_eq!(f.state().await, State::Opened);
    let unsigned = f.session("school_supervisor_unsigned", NOW).await;
    match f.watches(&unsigned).await {
        Err(Denied::Refused(refusal)) => assert_eq!(refusal, Refusal::AGREEMENT_UNSIGNED),
        other => panic!("{other:?}"),
    }
}

/// R17: what is missing is named, and nothing is filed.
#[tokio::test]
async fn an_incomplete_form_files_nothing() {
    let f = stage(NOW).await;
    let wish = f.wish("unit_leader").await;
    let other_unit = f.rooms[1].unit.id;
    let elsewhere = Wish {
        unit: Some(other_unit),
        ..wish.clone()
    };
    assert!(matches!(f.files(elsewhere).await, Err(Error::Field(field)) if field.field == "unit"));
    for wrong in [
        Wish {
            reason: " ".into(),
            ..wish.clone()
        },
        Wish {
            until_ms: Some(NOW),
            ..wish.clone()
        },
    ] {
        let refusal = refused(f.files(wrong).await);
        assert_eq!(refusal, Refusal::APPLICATION_INCOMPLETE);
    }
    let nobody = Wish {
        beneficiary: Uuid::now_v7(),
        ..wish.clone()
    };
    assert!(matches!(f.files(nobody).await, Err(Error::NotFound)));
    assert!(f.grants().applications().await.unwrap().is_empty());
    let term = Wish {
        until_ms: None,
        ..wish
    };
    f.files(term).await.unwrap();
    let filed = &f.grants().applications().await.unwrap()[0];
    let end = f.grants().term_end_ms(NOW).await.unwrap().unwrap();
    assert_eq!(filed.application.until_ms, end);
}

/// X29: minors are asked for with a reason of their own, opened with it, and only then seen.
#[tokio::test]
async fn classes_with_minors_are_applied_for_apart() {
    let f = stage(NOW).await;
    let wish = f.wish("unit_leader").await;
    let silent = Wish {
        minors: Some(" ".into()),
        ..wish.clone()
    };
    let field = f.files(silent).await;
    assert!(matches!(field, Err(Error::Field(field)) if field.field == "minors_reason"));
    let affairs = f.session("academic_affairs", NOW).await;
    let (grants, room) = (f.grants(), f.rooms[0].id.0);
    let unsaid = grants.mark_minors(by(&affairs), room, true, "").await;
    assert!(matches!(unsaid, Err(Error::Field(field)) if field.field == "reason"));
    let nowhere = grants.mark_minors(by(&affairs), Uuid::nil(), true, "中职班");
    assert!(matches!(nowhere.await, Err(Error::NotFound)));
    let marked = grants.mark_minors(by(&affairs), room, true, "中职班上课");
    marked.await.unwrap();
    assert_eq!(f.lines().await[0].action, "mark_minors");
    for (minors, sees) in [(None, false), (Some("中职班巡课".into()), true)] {
        f.files(Wish {
            minors,
            ..wish.clone()
        })
        .await
        .unwrap();
        let listed = f.grants().applications().await.unwrap();
        let application = listed[0].application.id.parse().unwrap();
        f.opening_by("security_administrator", application)
            .await
            .unwrap();
        let leader = f.session("unit_leader", NOW).await;
        let seen = f.sees_now(&leader).await;
        assert_eq!(seen.is_ok(), sees, "{seen:?}");
        if let Err(refusal) = seen {
            assert_eq!(refusal, Refusal::MINORS);
        }
    }
    let ledger = f.grants().ledger().await.unwrap();
    assert_eq!(ledger.iter().filter(|line| line.minors > 0).count(), 1);
}

/// R18: a no has a reason, and stays.
#[tokio::test]
async fn a_refused_application_stays_refused() {
    let f = stage(NOW).await;
    let application = f.filed().await;
    let security = f.session("security_administrator", NOW).await;
    let silent = f.grants().refuse(by(&security), application, " ").await;
    assert!(matches!(silent, Err(Error::Field(field)) if field.field == "reason"));
    let grants = f.grants();
    let answer = grants.refuse(by(&security), application, "范围不符").await;
    answer.unwrap();
    assert_eq!(f.state().await, State::Refused);
    let opened = f.opening_by("security_administrator", application).await;
    assert_eq!(refused(opened), Refusal::APPLICATION_STATE);
}

/// A second opening takes the place of the first, and a later one waits for its day.
#[tokio::test]
async fn one_person_holds_one_permission() {
    let f = stage(NOW).await;
    let first = f.filed().await;
    f.opening_by("security_administrator", first).await.unwrap();
    let tomorrow = Wish {
        level: 1,
        unit: None,
        from_ms: NOW + DAY_MS,
        ..f.wish("unit_leader").await
    };
    f.files(tomorrow).await.unwrap();
    let listed = f.grants().applications().await.unwrap();
    let second = listed[0].application.id.parse().unwrap();
    f.opening_by("security_administrator", second)
        .await
        .unwrap();
    let leader = listed[0].application.beneficiary_id.parse().unwrap();
    for (at_ms, level) in [(NOW, 2), (NOW + DAY_MS - 1, 2), (NOW + DAY_MS, 1)] {
        let person = person::find(&f.db, leader, at_ms).await.unwrap().unwrap();
        let grant = person.grant.unwrap();
        assert_eq!(grant.level, level);
        assert!(grant.from_ms <= at_ms && at_ms < grant.until_ms.unwrap());
    }
}

/// X9: without a line nothing is opened, and nothing half-written stays.
#[tokio::test]
async fn without_the_trail_nothing_is_opened() {
    let f = stage(NOW).await;
    let application = f.filed().await;
    let held = f.grants().ledger().await.unwrap().len();
    full(&f.db, "trail", "1 = 1").await;
    let answer = f.opening_by("security_administrator", application).await;
    assert!(matches!(answer, Err(Error::Trail(_))));
    room_again(&f.db).await;
    full(&f.db, "grants", "1 = 1").await;
    let before = f.lines().await.len();
    let answer = f.opening_by("security_administrator", application).await;
    assert!(matches!(answer, Err(Error::Store(_))));
    assert_eq!(
        f.lines().await.len(),
        before,
        "the line went with the grant"
    );
    assert_eq!(f.grants().ledger().await.unwrap().len(), held);
    assert_eq!(f.state().await, State::Filed);
    room_again(&f.db).await;
    f.opening_by("security_administrator", application)
        .await
        .unwrap();
    assert!(f.trail.verify().await.unwrap().is_ok());
}
