//! Departures: what ends at once, what is handed over, and when it is done.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use xunke_policy::purpose::Purpose;

const NOW: i64 = 1_795_300_000_000;

impl Stage {
    fn departures(&self) -> Departures {
        let institution = self.gate.institution().clone();
        Departures::new(self.db.clone(), self.trail.clone(), institution)
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

async fn first(f: &Stage) -> Departure {
    f.departures().all().await.unwrap().remove(0)
}

/// R23, R39: who has left sees nothing at once, signs in no more, and the agreement is over.
#[tokio::test]
async fn leaving_ends_everything_at_once() {
    let f = stage(NOW).await;
    let d = f.departures();
    let session = f.session("school_supervisor", NOW).await;
    let room = f.rooms[0].clone();
    let opened = f.gate.open_live(&session, room, &Purpose::Plan, HERE, NOW);
    let permit = opened.await.unwrap();
    let affairs = f.session("academic_affairs", NOW).await;
    let opened = d.open(by(&affairs), "D1001", Kind::Left, "退休");
    assert_eq!(opened.await.unwrap(), "YJ-00001");
    let now = f.gate.still_valid(&permit, NOW).await;
    assert_eq!(now, Err(Refusal::SESSION_ENDED));
    let gone = by_number(&f.db, "D1001", NOW).await.unwrap();
    assert_eq!(gone.standing, Standing::Left);
    assert_eq!(gone.agreement, xunke_policy::agreement::Agreement::Ended);
    assert!(gone.grant.is_none_or(|grant| grant.until_ms == Some(NOW)));
    let again = d.open(by(&affairs), "D1001", Kind::Left, "退休");
    assert!(matches!(again.await, Err(Error::Field(field)) if field == LEFT_ALREADY));
    let line = &f.lines().await[0];
    assert_eq!(line.object, "YJ-00001 王建国 D1001");
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// X5, R23: others do not note it, nobody notes their own, and the last of a post stays.
#[tokio::test]
async fn not_everybody_can_be_sent_away_by_everybody() {
    let f = stage(NOW).await;
    let d = f.departures();
    let technician = f.session("technician", NOW).await;
    let answer = d.open(by(&technician), "D1001", Kind::Left, "退休");
    assert_eq!(refused(answer.await), Refusal::OPENING_BY_OTHERS);
    let affairs = f.session("academic_affairs", NOW).await;
    let answer = d.open(by(&affairs), "A4001", Kind::Left, "退休");
    assert_eq!(refused(answer.await), Refusal::APPOINTMENT_OWN);
    let answer = d.open(by(&affairs), "J3003", Kind::Left, "退休");
    assert_eq!(refused(answer.await), Refusal::ADMINISTRATORS_THREE);
    let lines = f.lines().await;
    assert!(lines.iter().all(|line| line.outcome == "refused"));
    assert_eq!(d.all().await.unwrap().len(), 0);
}

/// R24, R44, Q13: the own notice ends the permission; the list is closed only when every line is,
/// each before somebody else.
#[tokio::test]
async fn a_post_is_closed_when_its_list_is() {
    let f = stage(NOW).await;
    let d = f.departures();
    let giver = f.session("unit_supervisor", NOW).await;
    let items = ["听课笔记 3 本".to_owned(), "打印的巡课记录表".to_owned()];
    d.close_own(by(&giver), "不再担任督导", &items)
        .await
        .unwrap();
    let departure = first(&f).await;
    assert_eq!(
        (&*departure.row.kind, departure.items.len()),
        ("closing", 2)
    );
    assert!(f.sessions.recheck(&giver, NOW).await.unwrap().is_err());
    let giver = f.session("unit_supervisor", NOW).await;
    let again = d.close_own(by(&giver), "不再担任督导", &[]).await;
    assert!(matches!(again, Err(Error::Field(field)) if field == NOTHING_HELD));
    let affairs = f.session("academic_affairs", NOW).await;
    let id = departure.row.id.parse().unwrap();
    let answer = d.close(by(&affairs), id).await;
    assert_eq!(refused(answer), Refusal::HANDOVER_OPEN);
    d.add_item(by(&giver), id, "U 盾").await.unwrap();
    let outcome = policy::Outcome::HandedOver;
    for item in first(&f).await.items {
        let item = item.id.parse().unwrap();
        let own = d.settle(by(&affairs), item, "D2001", outcome);
        assert_eq!(
            refused(own.await),
            Refusal::HANDOVER_OPEN,
            "the giver receives nothing"
        );
        let done = d.settle(by(&affairs), item, "A4001", outcome);
        done.await.unwrap();
        let twice = d.settle(by(&affairs), item, "A4001", outcome);
        assert!(matches!(twice.await, Err(Error::Conflict(..))));
    }
    d.close(by(&affairs), id).await.unwrap();
    let closed = first(&f).await;
    assert_eq!(closed.row.closer.as_deref(), Some("周婷"));
    assert_eq!(closed.items[2].receiver.as_deref(), Some("周婷"));
    let late = d.add_item(by(&giver), id, "U 盾").await;
    assert!(matches!(late, Err(Error::Conflict(..))));
    let other = f.session("school_supervisor", NOW).await;
    let foreign = d.add_item(by(&other), id, "笔记本").await;
    assert!(matches!(foreign, Err(Error::NotFound)));
}
