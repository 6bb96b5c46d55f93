//! The library: lessons, hours outside them, gaps with their reasons, and what is still going on.

use super::*;
use crate::recording::missing;
use crate::recording::stage::*;
use crate::store::trail::tamper;
use xunke_protocol::recording::{Gap as ToldGap, GapReason};

const DAY: i64 = 20_779;
const AT_US: i64 = EIGHT * 1000;

async fn only(stage: &Stage, now_ms: i64) -> Recording {
    let mut all = on_day(&stage.db, DAY, now_ms).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[tokio::test]
async fn the_segments_of_a_lesson_are_one_recording_with_its_lesson() {
    let stage = stage().await;
    for (number, second) in [(1, 0), (2, 10), (3, 20)] {
        stage
            .store(&film(number, AT_US + second * SECOND_US, 10))
            .await;
    }
    let recording = only(&stage, NINE_FORTY).await;
    assert_eq!((recording.start_ms, recording.end_ms), (EIGHT, NINE_FORTY));
    assert_eq!(
        (recording.recorded_us, recording.segments),
        (30 * SECOND_US, 3)
    );
    assert_eq!(
        (recording.room.as_str(), recording.unit.id.0),
        ("博学楼101", UNIT)
    );
    assert_eq!(recording.lesson.as_ref().unwrap().course, "计算机网络");
    let found = find(&stage.db, recording.id, NINE_FORTY).await.unwrap();
    assert_eq!(found, Some(recording));
    assert!(on_day(&stage.db, DAY + 1, EIGHT).await.unwrap().is_empty());
    assert!(
        find(&stage.db, Uuid::from_u128(1), EIGHT)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn outside_lessons_a_recording_is_a_clock_hour_of_what_there_is() {
    let stage = stage().await;
    let noon_us = (EIGHT + 4 * 3_600_000) * 1000;
    for (number, minute) in [(1, 5), (2, 59), (3, 61)] {
        stage
            .store(&film(number, noon_us + minute * 60 * SECOND_US, 10))
            .await;
    }
    let all = on_day(&stage.db, DAY, EIGHT + 86_400_000).await.unwrap();
    let spans: Vec<_> = all
        .iter()
        .map(|one| ((one.start_ms - noon_us / 1000) / 1000, one.segments))
        .collect();
    assert_eq!(spans, [(5 * 60, 2), (61 * 60, 1)]);
    assert!(all.iter().all(|one| one.lesson.is_none()));
    assert_eq!(all[0].end_ms, noon_us / 1000 + (59 * 60 + 10) * 1000);
}

/// Every recorded second is accounted for.
#[tokio::test]
async fn gaps_have_reasons_when_the_box_told_them() {
    let stage = stage().await;
    let at = |second: i64| AT_US + second * SECOND_US;
    for (number, second) in [(1, 0), (2, 10), (3, 40), (4, 120)] {
        stage.store(&film(number, at(second), 10)).await;
    }
    let gap = ToldGap {
        source: "cam0".parse().unwrap(),
        from_us: at(19),
        to_us: at(41),
        reason: GapReason::Power,
    };
    for _ in 0..2 {
        missing::note(&stage.db, ROOM, &gap, None).await.unwrap();
    }
    let recording = only(&stage, NINE_FORTY).await;
    let contents = contents(&stage.db, &recording).await.unwrap();
    let gaps: Vec<_> = contents
        .gaps
        .iter()
        .map(|gap| {
            let second = |us: i64| (us - AT_US) / SECOND_US;
            (second(gap.from_us), second(gap.to_us), gap.reason.as_str())
        })
        .collect();
    let expect = [
        (20, 40, "power"),
        (50, 120, "unknown"),
        (130, 6000, "unknown"),
    ];
    assert_eq!(gaps, expect);
    assert_eq!((contents.start_ms, contents.end_ms), (EIGHT, NINE_FORTY));
    assert_eq!(contents.segments.len(), 4);
}

#[tokio::test]
async fn what_is_going_on_ends_where_it_has_got_to() {
    let stage = stage().await;
    stage.store(&film(1, AT_US, 10)).await;
    let going_on = only(&stage, EIGHT + 160_000).await;
    assert!(going_on.capturing);
    let now = contents(&stage.db, &going_on).await.unwrap();
    assert_eq!((now.end_ms, now.gaps.len()), (EIGHT + 10_000, 0));
    assert!(
        !only(&stage, EIGHT + 160_001).await.capturing,
        "silent for more than two segments"
    );
    let last_us = NINE_FORTY * 1000 - 20 * SECOND_US;
    stage.store(&film(2, last_us, 10)).await;
    assert!(only(&stage, NINE_FORTY - 1).await.capturing);
    assert!(
        !only(&stage, NINE_FORTY).await.capturing,
        "the lesson is over"
    );
}

/// R22: a room that changes its unit does not take its recordings along.
#[tokio::test]
async fn a_recording_keeps_the_unit_it_was_made_in() {
    let stage = stage().await;
    stage.store(&film(1, AT_US, 10)).await;
    let moved = "UPDATE classrooms SET unit_id = '00000000-0000-0000-0000-000000000002'
                 WHERE name = '博学楼101'";
    tamper(&stage.db, moved).await;
    let before = only(&stage, EIGHT).await;
    assert_eq!(
        (before.unit.id.0, before.unit.name.as_str()),
        (UNIT, "信息工程学院")
    );
    stage.store(&film(2, AT_US + 10 * SECOND_US, 10)).await;
    let all = on_day(&stage.db, DAY, EIGHT).await.unwrap();
    let mut units: Vec<_> = all
        .iter()
        .map(|one| (one.unit.id.0, one.segments))
        .collect();
    units.sort();
    assert_eq!(
        units,
        [(UNIT, 1), (OTHER_UNIT, 1)],
        "what comes later is the new unit's"
    );
}
