//! Inspections: signed by the audit administrator, never by whom they are about, and missed when
//! they are late.

use super::*;
use crate::access::audit::Outcome;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use crate::store::trail::tamper;
use xunke_policy::Refusal;

const NOW: i64 = 1_795_300_000_000;

impl Stage {
    fn inspections(&self) -> Inspections {
        let school = self.gate.institution().clone();
        Inspections::new(self.db.clone(), self.trail.clone(), school)
    }

    /// A line of somebody.
    async fn did(&self, label: &str, outcome: Outcome, at_ms: i64) {
        let session = self.session(label, NOW).await;
        let entry = Entry {
            who: session.person.who(HERE),
            action: "view_live",
            object: "博学楼101".into(),
            purpose: "plan".into(),
            outcome,
            article: "",
            detail: String::new(),
        };
        self.trail.append(entry, at_ms).await.unwrap();
    }
}

fn by(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

fn report() -> Report {
    Report {
        from_ms: NOW - 1000,
        until_ms: NOW,
        person: None,
        findings: "两次被拒绝的访问，已核实为误点。".into(),
        measures: "已提醒本人。".into(),
    }
}

/// R115: what the period holds is kept with the report, the inspector's own lines apart.
#[tokio::test]
async fn an_inspection_keeps_what_it_saw() {
    let f = stage(NOW).await;
    f.did("school_supervisor", Outcome::Permitted, NOW - 1001)
        .await;
    f.did("school_supervisor", Outcome::Permitted, NOW - 1000)
        .await;
    f.did("technician", Outcome::Refused, NOW - 500).await;
    f.did("audit_administrator", Outcome::Refused, NOW - 1)
        .await;
    let auditor = f.session("audit_administrator", NOW).await;
    let number = f.inspections().sign(by(&auditor), &report()).await.unwrap();
    assert_eq!(number, "JC-00001");
    let signed = f.inspections().list().await.unwrap().remove(0);
    let expected = Tally {
        lines: 2,
        refused: 1,
        failed: 0,
        views: 1,
        people: 2,
        own_lines: 1,
    };
    assert_eq!(signed.tally, expected);
    assert_eq!(
        (signed.inspector.as_str(), signed.whole, signed.head_seq),
        ("孙敏", 1, 4)
    );
    let line = f.lines().await.remove(0);
    assert_eq!(
        (line.action.as_str(), line.object.as_str()),
        ("sign_inspection", "JC-00001")
    );
    let again = f.inspections().sign(by(&auditor), &report()).await;
    assert_eq!(again.unwrap(), "JC-00002");
}

/// R115: a broken trail is signed as what it is.
#[tokio::test]
async fn a_broken_trail_is_said_in_the_report() {
    let f = stage(NOW).await;
    f.did("technician", Outcome::Refused, NOW - 500).await;
    f.did("technician", Outcome::Refused, NOW - 400).await;
    tamper(&f.db, "UPDATE trail SET object = 'x' WHERE seq = 1").await;
    let auditor = f.session("audit_administrator", NOW).await;
    f.inspections().sign(by(&auditor), &report()).await.unwrap();
    assert_eq!(f.inspections().list().await.unwrap()[0].whole, 0);
}

/// R115: by the audit administrator alone, and never about themselves; a refusal is a line.
#[tokio::test]
async fn nobody_else_inspects_and_nobody_themselves() {
    let f = stage(NOW).await;
    f.did("technician", Outcome::Refused, NOW - 500).await;
    let auditor = f.session("audit_administrator", NOW).await;
    let own = Report {
        person: Some(auditor.person.id),
        ..report()
    };
    for (label, report) in [
        ("audit_administrator", own),
        ("security_administrator", report()),
        ("technician", report()),
    ] {
        let session = f.session(label, NOW).await;
        let refused = f.inspections().sign(by(&session), &report).await;
        assert!(
            matches!(refused, Err(Error::Refused(Refusal::INSPECTION_OWN))),
            "{label}: {refused:?}"
        );
        let line = f.lines().await.remove(0);
        assert_eq!(
            (line.outcome.as_str(), line.article.as_str()),
            ("refused", "第五条")
        );
    }
    assert!(f.inspections().list().await.unwrap().is_empty());
    let auditor = f.session("audit_administrator", NOW).await;
    let of_one = Report {
        person: Some(f.session("technician", NOW).await.person.id),
        ..report()
    };
    f.inspections().sign(by(&auditor), &of_one).await.unwrap();
    let due = f.inspections().due(NOW).await.unwrap().unwrap();
    assert_eq!(
        due.inspected_until_ms,
        NOW - 500,
        "one person is not everybody"
    );
}

/// A period that is not over, turned around, or without words is no inspection.
#[tokio::test]
async fn an_incomplete_report_is_not_signed() {
    let f = stage(NOW).await;
    let auditor = f.session("audit_administrator", NOW).await;
    let field = async |report: Report| match f.inspections().sign(by(&auditor), &report).await {
        Err(Error::Field(error)) => error.field,
        other => panic!("{other:?}"),
    };
    let with = |from_ms, until_ms| Report {
        from_ms,
        until_ms,
        ..report()
    };
    assert_eq!(field(with(NOW - 5, NOW + 1)).await, "until");
    assert_eq!(field(with(NOW - 5, NOW - 5)).await, "until");
    assert_eq!(field(with(NOW - PERIOD_MS_MAX - 1, NOW)).await, "until");
    let findings = " 无".to_owned();
    assert_eq!(
        field(Report {
            findings,
            ..report()
        })
        .await,
        "findings"
    );
    let measures = "字".repeat(TEXT_CHARACTERS_MAX + 1);
    assert_eq!(
        field(Report {
            measures,
            ..report()
        })
        .await,
        "measures"
    );
}

/// R115: late counts from the end of the period inspected last, or from where the trail begins.
#[tokio::test]
async fn a_late_inspection_is_missed() {
    let f = stage(NOW).await;
    assert_eq!(f.inspections().due(NOW).await.unwrap(), None);
    f.did("technician", Outcome::Refused, NOW - 500).await;
    let days = 30 * DAY_MS;
    let due = async |now_ms| f.inspections().due(now_ms).await.unwrap().unwrap();
    assert!(!due(NOW - 500 + days).await.overdue);
    assert!(due(NOW - 500 + days + 1).await.overdue);
    let auditor = f.session("audit_administrator", NOW).await;
    f.inspections().sign(by(&auditor), &report()).await.unwrap();
    let now = due(NOW + days).await;
    assert_eq!((now.due_ms, now.overdue), (NOW + days, false));
}

/// X9: without its line nothing is signed.
#[tokio::test]
async fn without_the_trail_nothing_is_signed() {
    let f = stage(NOW).await;
    let auditor = f.session("audit_administrator", NOW).await;
    tamper(&f.db, "ALTER TABLE inspections RENAME TO away").await;
    assert!(f.inspections().sign(by(&auditor), &report()).await.is_err());
    assert_eq!(f.trail.head().await.unwrap().seq, 0, "no line without it");
}
