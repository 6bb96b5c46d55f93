//! Papers: kept sealed, read with a line, and nothing half-kept.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::grant::{Grants, Wish};
use crate::access::session::Session;
use crate::store::trail::{full, room_again, tamper};

const NOW: i64 = 1_795_300_000_000;
const PDF: &[u8] = b"%PDF-1.7\nappointed\n%%EOF\n";

fn by(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

fn papers(f: &Stage) -> Papers {
    Papers::new(f.db.clone(), f.trail.clone(), f.sealing.clone())
}

/// An application of Academic Affairs for the unit leader.
async fn filed(f: &Stage) -> Uuid {
    let institution = f.gate.institution().clone();
    let grants = Grants::new(f.db.clone(), f.trail.clone(), institution);
    let leader = f.session("unit_leader", NOW).await.person;
    let wish = Wish {
        beneficiary: leader.id,
        level: 1,
        unit: None,
        reason: "本学期巡课".into(),
        minors: None,
        from_ms: NOW,
        until_ms: Some(NOW + 1),
    };
    let affairs = f.session("academic_affairs", NOW).await;
    grants.file(by(&affairs), wish).await.unwrap();
    let listed = grants.applications().await.unwrap();
    listed[0].application.id.parse().unwrap()
}

fn field<T>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Err(Error::Grant(grant::Error::Field(field))) => field.field,
        _ => panic!("no field"),
    }
}

/// R17, R116: kept sealed, handed out as it was, and each of it a line.
#[tokio::test]
async fn a_paper_is_kept_sealed_and_every_reading_is_a_line() {
    let f = stage(NOW).await;
    let (papers, application) = (papers(&f), filed(&f).await);
    let affairs = f.session("academic_affairs", NOW).await;
    let id = papers.add(by(&affairs), application, "聘书.pdf", PDF).await;
    let id = id.unwrap();
    let stored = rows::sealed(&f.db, &id.to_string()).await.unwrap().unwrap();
    assert!(!stored.contains("appointed"), "sealed at rest");
    let auditor = f.session("audit_administrator", NOW).await;
    let handed = papers.read(by(&auditor), id).await.unwrap();
    assert_eq!(
        (&*handed.bytes, &*handed.media_type),
        (PDF, "application/pdf")
    );
    assert!(handed.file_name.starts_with("SQ-00001-") && handed.file_name.ends_with(".pdf"));
    let lines = f.lines().await;
    let of = |at: usize| (&*lines[at].action, &*lines[at].object);
    assert_eq!(of(0), ("read_paper", "SQ-00001 聘书.pdf"));
    assert_eq!(of(1), ("add_paper", "SQ-00001 聘书.pdf"));
    let listed = papers.all().await.unwrap();
    assert_eq!((listed.len(), &*listed[0].name), (1, "聘书.pdf"));
    let nobody = papers.read(by(&auditor), Uuid::now_v7()).await;
    assert!(matches!(nobody, Err(Error::Grant(grant::Error::NotFound))));
    tamper(&f.db, "UPDATE application_papers SET sha256 = 'x'").await;
    let changed = papers.read(by(&auditor), id).await;
    assert!(matches!(changed, Err(Error::Secret(_))));
}

/// R17: what is no document, has no name or is one too many is told so; a decided application
/// takes no more.
#[tokio::test]
async fn what_is_no_paper_is_not_kept() {
    let f = stage(NOW).await;
    let (papers, application) = (papers(&f), filed(&f).await);
    let affairs = f.session("academic_affairs", NOW).await;
    let add =
        async |name: &str, bytes: &[u8]| papers.add(by(&affairs), application, name, bytes).await;
    assert_eq!(field(add("a.exe", b"MZ").await), "scan");
    assert_eq!(field(add("cut.pdf", &PDF[..9]).await), "scan");
    for name in ["", " ", "../a.pdf", "a\u{0}b", &"长".repeat(121)] {
        assert_eq!(field(add(name, PDF).await), "name", "{name:?}");
    }
    for number in 1..=PAPERS_MAX {
        add(&format!("{number}.pdf"), PDF).await.unwrap();
    }
    assert_eq!(field(add("6.pdf", PDF).await), "scan");
    tamper(&f.db, "UPDATE applications SET state = 'opened'").await;
    match add("late.pdf", PDF).await {
        Err(Error::Grant(grant::Error::Refused(refusal))) => {
            assert_eq!(refusal, Refusal::APPLICATION_STATE);
        }
        _ => panic!("kept"),
    }
    let unknown = papers.add(by(&affairs), Uuid::nil(), "a.pdf", PDF).await;
    assert!(matches!(unknown, Err(Error::Grant(grant::Error::NotFound))));
}

/// X9: without a line nothing is kept and nothing is read.
#[tokio::test]
async fn without_the_trail_no_paper_moves() {
    let f = stage(NOW).await;
    let (papers, application) = (papers(&f), filed(&f).await);
    let affairs = f.session("academic_affairs", NOW).await;
    let id = papers.add(by(&affairs), application, "a.pdf", PDF).await;
    let id = id.unwrap();
    full(&f.db, "trail", "1 = 1").await;
    assert!(papers.read(by(&affairs), id).await.is_err());
    let more = papers.add(by(&affairs), application, "b.pdf", PDF).await;
    assert!(more.is_err());
    room_again(&f.db).await;
    assert_eq!(papers.all().await.unwrap().len(), 1);
    full(&f.db, "application_papers", "1 = 1").await;
    let before = f.lines().await.len();
    let more = papers.add(by(&affairs), application, "b.pdf", PDF).await;
    assert!(more.is_err());
    assert_eq!(f.lines().await.len(), before, "the line went with it");
}
