//! The ledger of a room from what the store knows: library, reports, signed gaps, certificates.

use super::ledger::State;
use super::*;
use crate::recording::missing;
use crate::recording::stage::*;
use crate::store::trail::tamper;
use serde_json::json;
use xunke_protocol::recording::Gap;

const DAY: i64 = 20_779;
/// The day is over.
const EVENING: i64 = EIGHT + 12 * 3_600_000;

/// The room's box was told in the night to record 8:00 to 8:10, and reports a camera since then.
async fn told(stage: &Stage) {
    let row = store::timetable::TimetableRow {
        classroom_id: ROOM.to_string(),
        version: 1,
        made_ms: EIGHT - 6 * 3_600_000,
        from_ms: calendar::moment(DAY, 0),
        until_ms: calendar::moment(DAY + 15, 0),
        mode: "lessons".into(),
        windows: format!("{}-{}", EIGHT, EIGHT + 600_000),
    };
    store::timetable::publish(&stage.db, &row, None)
        .await
        .unwrap();
}

fn report(sources: &[&str], held: &[(i64, i64)]) -> HealthDocument {
    let camera = |name: &&str| {
        json!({"source": name, "state": "streaming", "since": 0, "bytes_per_second": 1,
            "frames_per_second": 25.0, "restarts": 0, "audio": true})
    };
    let held = held.iter().map(|(from_s, to_s)| {
        json!({"source": "cam0", "from_ms": EIGHT + from_s * 1000, "to_ms": EIGHT + to_s * 1000})
    });
    let report = json!({
        "cameras": sources.iter().map(camera).collect::<Vec<_>>(),
        "recording": {"state": "idle", "since": 0},
        "spool": {"waiting_bytes": 0, "waiting_segments": 0, "free_bytes": 9, "limit_bytes": 9,
            "evicted_unsent": 0},
        "held": held.collect::<Vec<_>>(),
        "system": {"uptime_s": 1, "load_ratio": 0.1, "memory_available_bytes": 1,
            "agent_resident_bytes": 1},
    });
    serde_json::from_value(report).unwrap()
}

/// A box in the room whose newest report came at `at_ms`.
async fn reported(stage: &Stage, report: &HealthDocument, at_ms: i64) {
    see_sources(&stage.db, ROOM, report, at_ms).await.unwrap();
    let text = serde_json::to_string(report).unwrap();
    let device = format!(
        "INSERT INTO devices (id, classroom_id, state, created_ms) VALUES ('box-9', '{ROOM}',
         'enrolled', 0) ON CONFLICT (id) DO NOTHING"
    );
    let status = format!(
        "INSERT INTO device_status (device_id, state, since_ms, boot, epoch, agent, report,
         report_boot, report_mono_ms, reported_ms)
         VALUES ('box-9', 'online', 0, '', 1, '', '{text}', '', 0, {at_ms})
         ON CONFLICT (device_id) DO UPDATE SET report = excluded.report, reported_ms = {at_ms}"
    );
    for sql in [device, status] {
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        query.execute(stage.db.write()).await.unwrap();
    }
}

async fn ledger(stage: &Stage, now_ms: i64) -> RoomLedger {
    let day = Window {
        from_ms: calendar::moment(DAY, 0),
        to_ms: calendar::moment(DAY + 1, 0),
    };
    of_room(&stage.db, ROOM, day, now_ms).await.unwrap()
}

fn seconds(spans: &[Span]) -> Vec<(i64, i64, State)> {
    let second = |at_ms: i64| (at_ms - EIGHT) / 1000;
    let one = |one: &Span| {
        (
            second(one.window.from_ms),
            second(one.window.to_ms),
            one.state,
        )
    };
    spans.iter().map(one).collect()
}

/// K14: recorded and stored, on the box, missing for a reason, and what nobody knows.
#[tokio::test]
async fn every_scheduled_second_of_a_source_is_accounted_for() {
    let stage = stage().await;
    told(&stage).await;
    let early = EIGHT - 3_600_000;
    reported(&stage, &report(&["cam0"], &[]), early).await;
    stage.store(&film(1, EIGHT * 1000, 100)).await;
    stage
        .store(&film(2, EIGHT * 1000 + 100 * SECOND_US, 100))
        .await;
    let gap = Gap {
        source: "cam0".parse().unwrap(),
        from_us: EIGHT * 1000 + 200 * SECOND_US,
        to_us: EIGHT * 1000 + 300 * SECOND_US,
        reason: GapReason::Network,
    };
    missing::note(&stage.db, ROOM, &gap, None).await.unwrap();
    reported(&stage, &report(&["cam0"], &[(300, 400)]), EVENING - 5_000).await;
    let found = ledger(&stage, EVENING).await;
    assert_eq!(found.as_of_ms, Some(EVENING - 5_000));
    assert_eq!(found.sources.len(), 1);
    let (name, spans) = &found.sources[0];
    assert_eq!(name, "cam0");
    let expect = [
        (0, 200, State::Stored),
        (200, 300, State::Missing(GapReason::Network)),
        (300, 400, State::Waiting),
        (400, 600, State::Unexplained),
    ];
    assert_eq!(seconds(spans), expect);
    assert_eq!(Sums::of(spans).completeness(), Some(5_000));

    let during = ledger(&stage, EIGHT + 500_000).await;
    let last = seconds(&during.sources[0].1);
    assert_eq!(
        last.last(),
        Some(&(400, 600, State::NotYet)),
        "too young to be missing"
    );

    catch_up(&stage.db, true, EVENING).await.unwrap();
    catch_up(&stage.db, false, EVENING).await.unwrap();
    let kept = rows::between(&stage.db, DAY, DAY + 1).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(sums(&kept[0]), Sums::of(spans));
    assert!(
        rows::between(&stage.db, DAY + 1, DAY + 2)
            .await
            .unwrap()
            .is_empty()
    );
}

/// A source owes from when it is there until it is taken away; a room whose box never reported one
/// is not hidden.
#[tokio::test]
async fn a_source_owes_while_it_is_there() {
    let stage = stage().await;
    told(&stage).await;
    let nobody = ledger(&stage, EVENING).await;
    assert_eq!(nobody.sources[0].0, NO_SOURCE);
    assert_eq!(Sums::of(&nobody.sources[0].1).unexplained_ms, 600_000);
    let at = |second: i64| EIGHT + second * 1000;
    for (second, names) in [
        (-60, &["cam0"][..]),
        (-30, &["cam0"]),
        (100, &["cam0", "screen"]),
        (400, &["screen"]),
        (500, &["screen", "cam0"]),
    ] {
        see_sources(&stage.db, ROOM, &report(names, &[]), at(second))
            .await
            .unwrap();
    }
    let found = ledger(&stage, EVENING).await;
    let owed: Vec<_> = found
        .sources
        .iter()
        .map(|(name, spans)| (name.as_str(), Sums::of(spans).due_ms / 1000))
        .collect();
    assert_eq!(owed, [("cam0", 500), ("screen", 500)]);
}

/// R119: what ended on schedule is no gap.
#[tokio::test]
async fn a_day_that_was_destroyed_stays_complete() {
    let stage = stage().await;
    told(&stage).await;
    see_sources(&stage.db, ROOM, &report(&["cam0"], &[]), EIGHT - 1)
        .await
        .unwrap();
    for number in 0..6_u32 {
        let start_us = EIGHT * 1000 + i64::from(number) * 100 * SECOND_US;
        stage
            .store(&film(u128::from(number) + 1, start_us, 100))
            .await;
    }
    let before = ledger(&stage, EVENING).await;
    assert_eq!(seconds(&before.sources[0].1), [(0, 600, State::Stored)]);
    let share = "INSERT INTO destroyed_shares SELECT recording_id, source, COUNT(*),
        SUM(duration_us), MIN(start_us), MAX(start_us + duration_us), SUM(bytes) FROM segments
        GROUP BY recording_id, source";
    tamper(&stage.db, share).await;
    tamper(&stage.db, "DELETE FROM segments").await;
    let after = ledger(&stage, EVENING).await;
    assert_eq!(seconds(&after.sources[0].1), [(0, 600, State::Destroyed)]);
    assert_eq!(Sums::of(&after.sources[0].1).completeness(), Some(10_000));
}
