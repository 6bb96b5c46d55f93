//! Interference: noted with evidence, listed once two have confirmed it, and never by itself.

use super::*;
use crate::access::audit::signed::parse_public;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use crate::store::trail::tamper;

const NOW: i64 = 1_795_300_000_000;
const MINUTE_MS: i64 = 60_000;

fn by(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

fn list(f: &Stage) -> Interferences {
    let signing = SigningKey::from_bytes(&[3; 32]);
    Interferences::new(f.db.clone(), f.trail.clone(), signing)
}

async fn draft(f: &Stage) -> Draft {
    Draft {
        staff_number: f.session("teacher", NOW).await.person.staff_number,
        room: f.rooms[0].id.0,
        from_ms: NOW - 10 * MINUTE_MS,
        until_ms: NOW - 5 * MINUTE_MS,
        what: "上课期间用纸板遮挡摄像机".into(),
        evidence: vec![1],
    }
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> Refusal {
    match answer {
        Err(Error::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

fn field<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Err(Error::Field(field)) => field.field,
        other => panic!("{other:?}"),
    }
}

/// One line, so that there is evidence.
async fn watched(f: &Stage) {
    let session = f.session("school_supervisor", NOW).await;
    let (room, purpose) = (f.rooms[0].clone(), xunke_policy::purpose::Purpose::Plan);
    let opened = f.gate.open_live(&session, room, &purpose, HERE, NOW);
    opened.await.unwrap();
}

/// R105, R114: noted, it counts for nothing; one is not enough, nor the same one twice, nor the
/// teacher; two are. The list is signed, and each step a line.
#[tokio::test]
async fn two_people_confirm_what_is_listed() {
    let f = stage(NOW).await;
    watched(&f).await;
    let list = list(&f);
    let affairs = f.session("academic_affairs", NOW).await;
    let number = list.file(by(&affairs), draft(&f).await).await.unwrap();
    assert_eq!(number, "GR-00001");
    let id: Uuid = list.all().await.unwrap()[0].row.id.parse().unwrap();
    let counted = async || list.all().await.unwrap()[0].listed;
    assert!(!counted().await, "nothing is listed by itself");
    list.confirm(by(&affairs), id).await.unwrap();
    let twice = list.confirm(by(&affairs), id).await;
    assert!(matches!(twice, Err(Error::Conflict(..))) && !counted().await);
    let teacher = f.session("teacher", NOW).await;
    let own = list.confirm(by(&teacher), id).await;
    assert_eq!(refused(own), Refusal::RECUSED);
    let security = f.session("security_administrator", NOW).await;
    list.confirm(by(&security), id).await.unwrap();
    assert!(counted().await);
    let export = list.export(by(&affairs)).await.unwrap();
    assert!(export.text.contains("GR-00001") && export.text.contains("用纸板遮挡"));
    assert!(export.holds(DOMAIN) && !export.holds("xunke decision 1\n"));
    assert!(parse_public(&export.key).is_some());
    list.withdraw(by(&affairs), id, "查明是设备故障")
        .await
        .unwrap();
    assert!(!counted().await);
    let empty = list.export(by(&affairs)).await.unwrap();
    assert!(!empty.text.contains("GR-00001"));
    let again = list.withdraw(by(&affairs), id, "再次").await;
    assert!(matches!(again, Err(Error::Conflict(..))));
    let late = list
        .confirm(by(&f.session("unit_leader", NOW).await), id)
        .await;
    assert!(matches!(late, Err(Error::Conflict(..))));
    let lines = f.lines().await;
    let done: Vec<_> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(
        done[..3],
        [
            "export_interference",
            "withdraw_interference",
            "export_interference"
        ]
    );
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// R105: about a teacher, in a room, at a time that is over, and proven.
#[tokio::test]
async fn what_is_noted_has_evidence() {
    let f = stage(NOW).await;
    watched(&f).await;
    let (list, whole) = (list(&f), draft(&f).await);
    let affairs = f.session("academic_affairs", NOW).await;
    let wrong = [
        (
            Draft {
                what: " ".into(),
                ..whole.clone()
            },
            "what",
        ),
        (
            Draft {
                until_ms: NOW + 1,
                ..whole.clone()
            },
            "until",
        ),
        (
            Draft {
                from_ms: NOW,
                ..whole.clone()
            },
            "until",
        ),
        (
            Draft {
                staff_number: "D1001".into(),
                ..whole.clone()
            },
            "staff_number",
        ),
        (
            Draft {
                room: Uuid::nil(),
                ..whole.clone()
            },
            "room",
        ),
        (
            Draft {
                evidence: vec![99],
                ..whole.clone()
            },
            "evidence",
        ),
        (
            Draft {
                evidence: Vec::new(),
                ..whole.clone()
            },
            "evidence",
        ),
    ];
    for (draft, name) in wrong {
        assert_eq!(field(list.file(by(&affairs), draft).await), name);
    }
    let teacher = f.session("teacher", NOW).await;
    let own = list.file(by(&teacher), whole.clone()).await;
    assert_eq!(refused(own), Refusal::RECUSED);
    assert!(list.all().await.unwrap().is_empty());
    // What the room's camera did not record is evidence without a line of the trail.
    let gap = "INSERT INTO gaps (classroom_id, source, from_us, to_us, reason)
        SELECT id, 'cam0', 1795299500000000, 1795299600000000, 'camera'
        FROM classrooms";
    tamper(&f.db, gap).await;
    let told = Draft {
        evidence: Vec::new(),
        ..whole
    };
    list.file(by(&affairs), told).await.unwrap();
    let row = &list.all().await.unwrap()[0].row;
    assert!(row.faults.starts_with("gap.camera cam0 "), "{}", row.faults);
}
