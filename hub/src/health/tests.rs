//! Health through the intake: presence, reports, events, and faults opened and closed in time.

use super::fault::FaultWatch;
use super::history::History;
use super::intake::Intake;
use super::presence::State;
use super::status;
use crate::access::audit::Trail;
use crate::device::tests::{House, request};
use crate::endpoint::{Fleet, Unavailable};
use crate::notice::{Notice, Notices};
use crate::recording::missing::Missing;
use crate::store::health as rows;
use crate::store::history::steps;
use crate::store::recording;
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;
use xunke_policy::history::{COARSE_MS, FINE_MS, Metric, Rollup, begin_ms};
use xunke_protocol::envelope::{self, Acks, HubTime};
use xunke_protocol::id::DeviceId;
use xunke_protocol::topic::Up;

const NOW: i64 = 1_795_000_000_000;

fn device() -> DeviceId {
    "box-1".parse().unwrap()
}

/// A hub with one enrolled box in room 1.
async fn house() -> (House, Intake) {
    let house = House::new().await;
    let code = house.code("box-1", 1, NOW).await.unwrap();
    house.enrol(&request(&code, 1), NOW).await.unwrap();
    let (db, devices) = (house.db.clone(), house.devices.clone());
    let trail = Arc::new(Trail::new(db.clone(), Notices::default()));
    let missing = Missing::new(db.clone(), trail);
    let intake = Intake::new((db, Notices::default()), devices, missing, Acks::Puback);
    (house, intake)
}

async fn say(intake: &Intake, s: &str, epoch: u64, now_ms: i64) {
    let said = json!({"s": s, "boot": Uuid::nil(), "epoch": epoch, "agent": "0.1.0"});
    let said = said.to_string();
    intake
        .take(&device(), &Up::State, said.as_bytes(), now_ms)
        .await
        .unwrap();
}

fn enveloped(kind: &str, seq: u64, data: Value) -> String {
    let (id, boot) = (Uuid::from_u128(seq.into()), Uuid::nil());
    json!({"v": "1.0", "id": id, "seq": seq, "boot": boot, "epoch": 1, "ts": NOW, "mono_ms": seq,
           "sync": true, "kind": kind, "data": data})
    .to_string()
}

async fn report(intake: &Intake, camera: &str, seq: u64, now_ms: i64) {
    see(intake, camera, json!([]), seq, now_ms).await;
}

/// A report of a camera with what its pictures point to.
async fn see(intake: &Intake, camera: &str, sight: Value, seq: u64, now_ms: i64) {
    let data = json!({
        "cameras": [{"source": "cam0", "state": camera, "since": 0, "bytes_per_second": 1,
                     "frames_per_second": 25.0, "restarts": 0, "audio": true, "sight": sight}],
        "recording": {"state": "recording", "since": 0, "durable_age_ms": 100},
        "spool": {"waiting_bytes": 0, "waiting_segments": 0, "free_bytes": 9, "limit_bytes": 9,
                  "evicted_unsent": 0},
        "system": {"uptime_s": 1, "load_ratio": 0.1, "memory_available_bytes": 1_000_000_000,
                   "agent_resident_bytes": 1},
    });
    let text = enveloped("health", seq, data);
    intake
        .take(&device(), &Up::Health, text.as_bytes(), now_ms)
        .await
        .unwrap();
}

async fn state(house: &House) -> (State, i64) {
    status::all(&house.db).await.unwrap()[0].state()
}

/// Codes of open faults.
async fn open(house: &House) -> Vec<String> {
    let faults = rows::faults(&house.db, true, 9).await.unwrap();
    faults.into_iter().map(|fault| fault.code).collect()
}

async fn watch(house: &House, intake: &Intake) -> FaultWatch {
    FaultWatch::open(house.db.clone(), intake.notices.clone())
        .await
        .unwrap()
}

/// Ticks every second of a span.
async fn pass(watch: &mut FaultWatch, seconds: std::ops::RangeInclusive<i64>) {
    for second in seconds {
        watch.tick(NOW + second * 1000).await.unwrap();
    }
}

async fn lesson_now(house: &House) {
    let room = Uuid::from_u128(1).to_string();
    let term = "INSERT INTO terms (id, school_year, number, week_one, weeks)
                VALUES ($1, '2026-2027', 1, 0, 20)";
    sqlx::query(term)
        .bind(&room)
        .execute(house.db.write())
        .await
        .unwrap();
    let lesson = "INSERT INTO lessons (id, term_id, classroom_id, unit_id, teacher, course,
                  class_groups, day, period_from, period_to, start_ms, end_ms, due_count)
                  VALUES ($1, $1, $1, $1, 't', 'c', 'g', 0, 1, 2, $2, $3, 30)";
    let lesson = sqlx::query(lesson)
        .bind(&room)
        .bind(NOW)
        .bind(NOW + 3_600_000);
    lesson.execute(house.db.write()).await.unwrap();
}

#[tokio::test]
async fn a_birth_is_stored_told_and_answered_with_the_hubs_time() {
    let (house, intake) = house().await;
    let (mut heard, mut seat) = (
        intake.notices.listen(),
        house.devices.links.sit(&device()).await,
    );
    say(&intake, "online", 1, NOW).await;
    assert_eq!(state(&house).await, (State::Online, NOW));
    let told = Notice::Device {
        id: "box-1".into(),
        state: "online",
    };
    assert_eq!(heard.recv().await.unwrap(), told);
    let time: HubTime = envelope::parse(&seat.queue.recv().await.unwrap().payload).unwrap();
    assert_eq!(time.now, NOW);
    say(&intake, "lost", 0, NOW + 1).await;
    assert_eq!(
        state(&house).await,
        (State::Online, NOW),
        "the will of an older connection"
    );
    say(&intake, "lost", 1, NOW + 2).await;
    assert_eq!(state(&house).await, (State::Lost, NOW + 2));
    let status = status::all(&house.db)
        .await
        .unwrap()
        .remove(0)
        .status
        .unwrap();
    assert_eq!(status.agent, "0.1.0");
}

#[tokio::test]
async fn the_newest_report_stays_when_a_backlog_arrives() {
    let (house, intake) = house().await;
    say(&intake, "online", 1, NOW).await;
    report(&intake, "streaming", 7, NOW).await;
    report(&intake, "stalled", 3, NOW + 1).await;
    let report_of = async || {
        let status = status::all(&house.db)
            .await
            .unwrap()
            .remove(0)
            .status
            .unwrap();
        let (report, at_ms) = status.report.unwrap();
        (
            serde_json::to_value(report.cameras[0].state).unwrap(),
            at_ms,
        )
    };
    assert_eq!(report_of().await, (json!("streaming"), NOW));
    report(&intake, "stalled", 8, NOW + 2).await;
    assert_eq!(report_of().await, (json!("stalled"), NOW + 2));
}

/// R64: the register tells it, so a box that is switched off is told of too; a renewal ends it.
#[tokio::test]
async fn a_certificate_that_nears_its_end_is_a_fault_also_of_a_box_that_is_off() {
    const DAY_MS: i64 = 86_400_000;
    let (house, intake) = house().await;
    let until = async |days: i64| {
        let statement = "UPDATE devices SET certificate_until_ms = $1";
        let statement = sqlx::query(statement).bind(NOW + days * DAY_MS + DAY_MS / 2);
        statement.execute(house.db.write()).await.unwrap();
    };
    let mut watch = watch(&house, &intake).await;
    let mut second = 0;
    for (days, expect) in [
        (61, None),
        (60, Some("CERT_EXPIRING")),
        (30, Some("CERT_SOON")),
        (7, Some("CERT_ENDING")),
        (-181, Some("CERT_DEAD")),
        (399, None),
    ] {
        until(days).await;
        pass(&mut watch, second..=second + 70).await;
        second += 71;
        let expect: Vec<_> = expect.map(str::to_owned).into_iter().collect();
        assert_eq!(open(&house).await, expect, "{days}");
    }
}

#[tokio::test]
async fn an_event_is_kept_once_whatever_its_kind() {
    let (house, intake) = house().await;
    for _ in 0..2 {
        let text = enveloped("surprise", 5, json!({"n": 1}));
        let up = Up::Event("surprise".into());
        intake
            .take(&device(), &up, text.as_bytes(), NOW)
            .await
            .unwrap();
    }
    let events = rows::events(&house.db, "box-1", "surprise", 0)
        .await
        .unwrap();
    assert_eq!((events.len(), events[0].data.as_str()), (1, r#"{"n":1}"#));
}

/// Every second of a recording is accounted for, also when the box says so twice.
#[tokio::test]
async fn a_gap_reaches_the_library_with_its_room_and_reason() {
    let (house, intake) = house().await;
    let (from_us, to_us) = (NOW * 1000 - 9_000_000, NOW * 1000);
    let gap = json!({"source": "cam0", "from_us": from_us, "to_us": to_us, "reason": "disk"});
    for seq in [5, 6] {
        let text = enveloped("gap", seq, gap.clone());
        let up = Up::Event("gap".into());
        let taken = intake.take(&device(), &up, text.as_bytes(), NOW).await;
        taken.unwrap();
    }
    let room = Uuid::from_u128(1).to_string();
    let gaps = recording::gaps(&house.db, &room, 0, i64::MAX)
        .await
        .unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!(
        (gaps[0].from_us, gaps[0].reason.as_str()),
        (from_us, "disk")
    );
}

/// fleet M7: neither a poisoned outbox nor a lost message.
#[tokio::test]
async fn what_nobody_can_read_is_acknowledged_and_what_cannot_be_stored_is_not() {
    let (house, intake) = house().await;
    let message = async |up: Up, text: &'static str| {
        intake
            .message(&device(), up, Bytes::from_static(text.as_bytes()))
            .await
    };
    for up in [
        Up::State,
        Up::Health,
        Up::Event("gap".into()),
        Up::Metrics,
        Up::Config,
    ] {
        assert_eq!(message(up.clone(), "{\"half\":").await, Ok(()), "{up:?}");
        assert_eq!(message(up.clone(), "\u{0}\u{1}").await, Ok(()), "{up:?}");
    }
    house.db.close().await;
    let birth = r#"{"s":"online","boot":"00000000-0000-0000-0000-000000000000","epoch":1}"#;
    assert_eq!(message(Up::State, birth).await, Err(Unavailable));
}

#[tokio::test]
async fn a_camera_fault_opens_after_its_hold_down_and_closes_when_it_has_cleared() {
    let (house, intake) = house().await;
    say(&intake, "online", 1, NOW).await;
    report(&intake, "unreachable", 1, NOW).await;
    let mut watch = watch(&house, &intake).await;
    pass(&mut watch, 0..=9).await;
    assert!(open(&house).await.is_empty());
    let mut heard = intake.notices.listen();
    pass(&mut watch, 10..=20).await;
    assert_eq!(open(&house).await, ["CAM_NO_SIGNAL"]);
    assert!(matches!(
        heard.recv().await.unwrap(),
        Notice::Fault { open: true, .. }
    ));
    report(&intake, "streaming", 2, NOW + 21_000).await;
    pass(&mut watch, 21..=25).await;
    assert_eq!(open(&house).await, ["CAM_NO_SIGNAL"]);
    pass(&mut watch, 26..=26).await;
    assert!(open(&house).await.is_empty());
    let closed = rows::faults(&house.db, false, 9).await.unwrap().remove(0);
    assert_eq!(
        (closed.opened_ms, closed.cleared_ms),
        (NOW, Some(NOW + 21_000))
    );
}

/// R65: covered and turned away during a lesson; a dark room at night is neither.
#[tokio::test]
async fn what_a_camera_sees_is_a_fault_in_a_lesson() {
    let both = json!([{"kind": "covered", "since": NOW, "value": 0.98},
                      {"kind": "frozen", "since": NOW, "value": 0.0}]);
    for (lesson, expect) in [(true, &["CAM_FROZEN", "CAM_COVERED"][..]), (false, &[])] {
        let (house, intake) = house().await;
        if lesson {
            lesson_now(&house).await;
        }
        say(&intake, "online", 1, NOW).await;
        see(&intake, "streaming", both.clone(), 1, NOW).await;
        let mut watch = watch(&house, &intake).await;
        pass(&mut watch, 0..=10).await;
        let mut found = open(&house).await;
        found.sort_by_key(|code| code == "CAM_COVERED");
        assert_eq!(found, expect);
        report(&intake, "streaming", 2, NOW + 11_000).await;
        pass(&mut watch, 11..=17).await;
        assert!(open(&house).await.is_empty(), "uncovered");
    }
}

/// The lesson is over, the lamps go off: what mattered in the lesson only is over with it.
#[tokio::test]
async fn what_matters_in_a_lesson_only_ends_with_it() {
    let (house, intake) = house().await;
    lesson_now(&house).await;
    say(&intake, "online", 1, NOW).await;
    let dark = json!([{"kind": "dark", "since": NOW, "value": 17.5}]);
    see(&intake, "streaming", dark, 1, NOW + 3_580_000).await;
    let mut watch = watch(&house, &intake).await;
    pass(&mut watch, 3_585..=3_599).await;
    assert_eq!(open(&house).await, ["CAM_DARK"]);
    pass(&mut watch, 3_600..=3_610).await;
    assert!(open(&house).await.is_empty());
}

#[tokio::test]
async fn silence_opens_a_fault_sooner_in_a_lesson_and_freezes_what_cannot_be_judged() {
    for (lesson, after) in [(true, 20), (false, 90)] {
        let (house, intake) = house().await;
        if lesson {
            lesson_now(&house).await;
        }
        say(&intake, "online", 1, NOW).await;
        report(&intake, "unauthorized", 1, NOW).await;
        let mut watch = watch(&house, &intake).await;
        pass(&mut watch, 0..=10).await;
        say(&intake, "lost", 1, NOW + 11_000).await;
        pass(&mut watch, 11..=10 + after).await;
        assert_eq!(open(&house).await, ["CAM_UNAUTHORIZED"]);
        pass(&mut watch, 11 + after..=12 + after).await;
        assert_eq!(open(&house).await, ["DEVICE_LOST", "CAM_UNAUTHORIZED"]);
        let back = 13 + after;
        say(&intake, "online", 2, NOW + back * 1000).await;
        pass(&mut watch, back..=back + 30).await;
        assert_eq!(
            open(&house).await,
            ["CAM_UNAUTHORIZED"],
            "until it has reported again"
        );
    }
}

#[tokio::test]
async fn a_start_of_the_hub_goes_on_with_open_faults_and_a_retired_box_has_none() {
    let (house, intake) = house().await;
    say(&intake, "online", 1, NOW).await;
    report(&intake, "garbage", 1, NOW).await;
    let mut first = watch(&house, &intake).await;
    pass(&mut first, 0..=10).await;
    assert_eq!(open(&house).await, ["CAM_GARBAGE"]);
    status::begin(&house.db, NOW + 11_000).await.unwrap();
    assert_eq!(state(&house).await, (State::Unknown, NOW + 11_000));
    let mut second = watch(&house, &intake).await;
    pass(&mut second, 11..=40).await;
    assert_eq!(
        open(&house).await,
        ["CAM_GARBAGE"],
        "neither doubled nor forgotten"
    );
    assert!(
        house
            .step(&device(), crate::device::registry::State::Retired)
            .await
    );
    pass(&mut second, 41..=50).await;
    assert!(open(&house).await.is_empty());
}

/// The box has seen it twenty seconds before the hub hears of it.
#[tokio::test]
async fn a_fault_begins_where_the_box_saw_it_begin() {
    let (house, intake) = house().await;
    lesson_now(&house).await;
    say(&intake, "online", 1, NOW).await;
    let blurred = json!([{"kind": "blurred", "since": NOW - 20_000, "value": 20.0}]);
    see(&intake, "streaming", blurred, 1, NOW).await;
    let mut watch = watch(&house, &intake).await;
    pass(&mut watch, 0..=60).await;
    let opened = rows::faults(&house.db, true, 9).await.unwrap().remove(0);
    assert_eq!(
        (opened.code.as_str(), opened.opened_ms),
        ("CAM_BLURRED", NOW - 20_000)
    );
}

/// Beginnings of the steps of a length, each with its count of reports and how the cameras were.
async fn kept(house: &House, step_ms: i64) -> Vec<(i64, String, (f64, f64))> {
    let steps = steps(&house.db, "box-1", step_ms, 0).await.unwrap();
    let step = |(from_ms, rollup): (i64, Rollup)| {
        let text = rollup.text();
        let count = text.split(' ').nth(1).unwrap_or_default().to_owned();
        (from_ms, count, rollup.shown(Metric::Cameras).unwrap())
    };
    steps.into_iter().map(step).collect()
}

/// R64: five minutes and hours, off the way of messages; a restart in the middle adds up.
#[tokio::test]
async fn numbers_over_time_are_gathered_in_steps() {
    const MINUTE: i64 = 60_000;
    let (house, intake) = house().await;
    say(&intake, "online", 1, NOW).await;
    let mut history = History::new(house.db.clone());
    // The first step ends 200 s after NOW.
    for (minute, camera) in (0_i64..).zip(["streaming", "unreachable", "streaming", "streaming"]) {
        let seq = minute.unsigned_abs() + 1;
        report(&intake, camera, seq, NOW + minute * MINUTE).await;
        history.tick(NOW + minute * MINUTE).await.unwrap();
        // A second look at the same report adds nothing.
        history.tick(NOW + minute * MINUTE + 1).await.unwrap();
    }
    assert!(
        kept(&house, FINE_MS).await.is_empty(),
        "the step still runs"
    );
    report(&intake, "streaming", 5, NOW + 4 * MINUTE).await;
    history.tick(NOW + 4 * MINUTE).await.unwrap();
    let first = (begin_ms(FINE_MS, NOW), "4".to_owned(), (0.25, 1.0));
    assert_eq!(kept(&house, FINE_MS).await, std::slice::from_ref(&first));
    history.end().await.unwrap();
    let mut history = History::new(house.db.clone());
    report(&intake, "unreachable", 6, NOW + 5 * MINUTE).await;
    history.tick(NOW + 5 * MINUTE).await.unwrap();
    history.end().await.unwrap();
    let second = (begin_ms(FINE_MS, NOW) + FINE_MS, "2".to_owned(), (0.5, 1.0));
    assert_eq!(kept(&house, FINE_MS).await, [first, second]);
    let hours = kept(&house, COARSE_MS).await;
    let all: i64 = hours
        .iter()
        .map(|(_, count, _)| count.parse::<i64>().unwrap())
        .sum();
    assert_eq!(all, 6, "{hours:?}");
    // What the box said before it fell silent is no number of later.
    history.tick(NOW + 30 * MINUTE).await.unwrap();
    say(&intake, "lost", 1, NOW + 31 * MINUTE).await;
    history.tick(NOW + 36 * MINUTE).await.unwrap();
    history.end().await.unwrap();
    assert_eq!(kept(&house, FINE_MS).await.len(), 2, "a gap is a gap");
    // Days later only hours are left, a month later nothing.
    history.tick(NOW + 3 * 24 * 60 * MINUTE).await.unwrap();
    assert!(kept(&house, FINE_MS).await.is_empty());
    assert!(!kept(&house, COARSE_MS).await.is_empty());
    history.tick(NOW + 32 * 24 * 60 * MINUTE).await.unwrap();
    assert!(kept(&house, COARSE_MS).await.is_empty());
}
