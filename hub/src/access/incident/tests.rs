//! Traces: a watermark or a segment leads to those who could have shown it, and to nobody else.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::session::Session;
use crate::store::trail::{full, room_again, tamper};
use xunke_policy::purpose::Purpose;

const NOW: i64 = 1_795_300_000_000;

fn by(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

fn incidents(f: &Stage) -> Incidents {
    let signing = SigningKey::from_bytes(&[4; 32]);
    Incidents::new(f.db.clone(), f.trail.clone(), signing)
}

/// Watches a room for a minute.
async fn watches(f: &Stage, label: &str, room: usize, from_ms: i64) {
    let session = f.session(label, from_ms).await;
    let room = f.rooms[room].clone();
    let opened = f
        .gate
        .open_live(&session, room, &Purpose::Plan, HERE, from_ms)
        .await;
    let ends_ms = from_ms + MINUTE_MS;
    f.gate
        .close(opened.unwrap(), "closed", ends_ms)
        .await
        .unwrap();
}

fn mark(staff_number: &str, address: &str, at_ms: i64, minutes: i64) -> Trace {
    Trace::Mark {
        staff_number: staff_number.into(),
        address: address.into(),
        at_ms,
        minutes,
    }
}

/// R61, R106: what the watermark says leads to its view, with session, purpose and line; the file
/// is signed, and each trace a line.
#[tokio::test]
async fn a_watermark_leads_to_its_view() {
    let f = stage(NOW).await;
    watches(&f, "school_supervisor", 0, NOW).await;
    watches(&f, "unit_supervisor", 0, NOW).await;
    watches(&f, "school_supervisor", 1, NOW + 10 * MINUTE_MS).await;
    let auditor = f.session("audit_administrator", NOW).await;
    let incidents = incidents(&f);
    let traced = async |trace| incidents.trace(by(&auditor), &trace, "群里流出截图").await;
    let found = traced(mark("D1001", "127.0.0.1", NOW + 30_000, 0))
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let view = &found[0];
    assert_eq!((&*view.person, &*view.room), ("王建国", &*f.rooms[0].name));
    assert_eq!((&*view.kind, &*view.purpose), ("live", "plan"));
    assert_eq!(
        (view.opened_ms, view.closed_ms),
        (NOW, Some(NOW + MINUTE_MS))
    );
    assert_eq!(view.session_ms, Some(NOW));
    let count = async |trace| traced(trace).await.unwrap().len();
    assert_eq!(count(mark("", "127.0.0.1", NOW, 0)).await, 2);
    assert_eq!(count(mark("D1001", "", NOW, 10)).await, 2);
    assert_eq!(count(mark("D1001", "10.0.0.9", NOW, 10)).await, 0);
    assert_eq!(count(mark("D1001", "", NOW - 1, 0)).await, 0);
    let trace = mark("D1001", "127.0.0.1", NOW + 30_000, 0);
    let file = incidents.export(by(&auditor), &trace, "群里流出截图").await;
    let file = file.unwrap();
    assert!(file.holds(DOMAIN) && !file.holds("xunke decision 1\n"));
    for expected in ["王建国 D1001", &view.id, "群里流出截图", "审计记录 1"] {
        assert!(file.text.contains(expected), "{expected}: {}", file.text);
    }
    let line = &f.lines().await[0];
    assert_eq!(
        (&*line.action, &*line.detail),
        ("export_incident", "1 views")
    );
    assert!(
        line.object
            .starts_with("watermark D1001 127.0.0.1 2026-11-22 ")
    );
    assert_eq!(f.lines().await[1].action, "trace_leak");
}

/// R106: a segment leads to every playback of its recording, and to whoever watched the room live.
#[tokio::test]
async fn a_segment_leads_to_whoever_could_have_seen_it() {
    let f = stage(NOW).await;
    watches(&f, "school_supervisor", 0, NOW).await;
    watches(&f, "unit_supervisor", 0, NOW + 10 * MINUTE_MS).await;
    watches(&f, "school_supervisor", 1, NOW + 20 * MINUTE_MS).await;
    let stored = "INSERT INTO recordings (id, classroom_id, unit_id, lesson_id, start_ms, end_ms)
        SELECT '00000000-0000-0000-0000-0000000000aa', classroom_id, unit_id, '', 0, 1
        FROM views v JOIN classrooms c ON c.id = v.classroom_id WHERE v.trail_seq = 1;
        INSERT INTO segments VALUES ('00000000-0000-0000-0000-0000000000bb',
        '00000000-0000-0000-0000-0000000000aa', 'box', 'cam0', 1, 1795300030000000, 10000000, 1,
        '', 1, '', 1)";
    tamper(&f.db, stored).await;
    let auditor = f.session("audit_administrator", NOW).await;
    let incidents = incidents(&f);
    let segment = Trace::Segment(Uuid::from_u128(0xbb));
    let live = incidents
        .trace(by(&auditor), &segment, "网上流出")
        .await
        .unwrap();
    assert_eq!(live.len(), 1);
    assert_eq!(live[0].staff_number, "D1001");
    let played = "UPDATE views SET kind = 'playback',
        recording_id = '00000000-0000-0000-0000-0000000000aa' WHERE trail_seq > 1";
    tamper(&f.db, played).await;
    let all = incidents
        .trace(by(&auditor), &segment, "网上流出")
        .await
        .unwrap();
    assert_eq!(all.len(), 3);
    let unknown = Trace::Segment(Uuid::nil());
    let unknown = incidents.trace(by(&auditor), &unknown, "网上流出").await;
    assert!(matches!(unknown, Err(Error::Field(field)) if field.field == "segment"));
}

/// R106: a trace says what it looks for and why; X9: without a line there is no answer.
#[tokio::test]
async fn nobody_is_traced_without_a_reason_or_a_line() {
    let f = stage(NOW).await;
    let auditor = f.session("audit_administrator", NOW).await;
    let incidents = incidents(&f);
    let field = async |trace, why| match incidents.trace(by(&auditor), &trace, why).await {
        Err(Error::Field(field)) => field.field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(mark("D1001", "", NOW, 1), " ").await, "reason");
    assert_eq!(field(mark(" ", "", NOW, 1), "流出").await, "staff_number");
    assert_eq!(
        field(mark("", "somewhere", NOW, 1), "流出").await,
        "staff_number"
    );
    assert_eq!(field(mark("D1001", "", NOW, 1441), "流出").await, "minutes");
    assert_eq!(field(mark("D1001", "", NOW, -1), "流出").await, "minutes");
    full(&f.db, "trail", "1 = 1").await;
    let trace = mark("D1001", "", NOW, 1);
    let silent = incidents.trace(by(&auditor), &trace, "流出").await;
    assert!(matches!(silent, Err(Error::Trail(_))));
    assert!(
        incidents
            .export(by(&auditor), &trace, "流出")
            .await
            .is_err()
    );
    room_again(&f.db).await;
    assert!(f.lines().await.is_empty());
}
