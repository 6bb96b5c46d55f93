//! Alerts with a store beneath: told once whatever happens to the hub, taken, passed on, silenced,
//! ordered; every act in the trail, and no word with a name in it.

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::alert::duty::{Shift, Step};
use xunke_policy::alert::group::Part;
use xunke_policy::alert::silence::Matcher;

use super::desk::Desk;
use super::duty::{Quiet, Roster};
use super::order::WorkOrders;
use super::watch::AlertWatch;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::grant::{By, Error};
use crate::access::session::Session;
use crate::authority::{Ca, Shown};
use crate::notice::{Notice, Notices};
use crate::store::alert::{self as rows, AlertRow};
use crate::store::health::{self as seen, FaultRow, PresenceRow};

/// 2026-11-22 12:26 in Asia/Shanghai, a Sunday: the demonstration has its lessons every day.
const NOW: i64 = 1_795_321_600_000;
const MINUTE: i64 = 60;

struct House {
    stage: Stage,
    notices: Notices,
    /// One of the two rooms each.
    boxes: Vec<String>,
}

impl House {
    /// Two rooms with a box each, in a lesson or on a day without any.
    async fn new(in_class: bool) -> Self {
        let stage = stage(NOW).await;
        let db = stage.db.clone();
        let sql = async |text: String| {
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(text))
                .execute(db.write())
                .await;
            done.unwrap();
        };
        sql("DELETE FROM views; DELETE FROM lessons".to_owned()).await;
        sql("UPDATE devices SET state = 'enrolled'".to_owned()).await;
        let mut boxes = Vec::new();
        for room in &stage.rooms {
            let placed = seen::placed(&stage.db).await.unwrap();
            let place = placed
                .into_iter()
                .find(|place| place.classroom_id == room.id.to_string());
            boxes.push(place.unwrap().device_id);
            if in_class {
                let (from, to) = (NOW - 600_000, NOW + 7_200_000);
                sql(format!(
                    "INSERT INTO lessons (id, term_id, classroom_id, unit_id, teacher, course,
                     class_groups, day, period_from, period_to, start_ms, end_ms, due_count)
                     SELECT '{}', t.id, '{}', '{}', '李明', '高等数学', '一班', 0, 1, 2, {from},
                     {to}, 30 FROM terms t LIMIT 1",
                    Uuid::now_v7(),
                    room.id,
                    room.unit.id.0
                ))
                .await;
            }
        }
        let house = Self {
            stage,
            notices: Notices::default(),
            boxes,
        };
        for at in 0..2 {
            house.presence(at, "online", 0).await;
        }
        house
    }

    async fn presence(&self, at: usize, state: &'static str, second: i64) {
        let row = PresenceRow {
            device_id: self.boxes[at].clone(),
            state,
            boot: "b".into(),
            epoch: 1,
            agent: String::new(),
        };
        let mut writing = self.stage.db.begin().await.unwrap();
        let at_ms = NOW + second * 1000;
        seen::put_presence(&mut writing, &row, at_ms).await.unwrap();
        writing.commit().await.unwrap();
    }

    async fn raise(&self, at: usize, code: &str, second: i64) -> String {
        let row = FaultRow {
            id: Uuid::now_v7().to_string(),
            device_id: self.boxes[at].clone(),
            component: "cam0".into(),
            code: code.into(),
            severity: "critical".into(),
            opened_ms: NOW + second * 1000,
            cleared_ms: None,
            evidence: r#"{"frame_age_ms":9000}"#.into(),
        };
        seen::open_fault(&self.stage.db, &row).await.unwrap();
        row.id
    }

    async fn clear(&self, fault: &str, second: i64) {
        let at_ms = NOW + second * 1000;
        seen::clear_fault(&self.stage.db, fault, at_ms)
            .await
            .unwrap();
    }

    /// Every second of a span, as a hub that was started for it.
    async fn run(&self, seconds: std::ops::Range<i64>) {
        let watch = AlertWatch::new(self.stage.db.clone(), self.notices.clone());
        for second in seconds {
            watch.tick(NOW + second * 1000).await.unwrap();
        }
    }

    fn desk(&self) -> Desk {
        Desk::new(self.stage.db.clone(), Arc::clone(&self.stage.trail))
    }

    fn roster(&self) -> Roster {
        Roster::new(self.stage.db.clone(), Arc::clone(&self.stage.trail))
    }

    fn orders(&self) -> WorkOrders {
        WorkOrders::new(self.stage.db.clone(), Arc::clone(&self.stage.trail))
    }

    async fn told(&self) -> Vec<AlertRow> {
        rows::told(&self.stage.db, false, 99).await.unwrap()
    }

    /// What happened with the first alert: seconds, what, text.
    async fn story(&self) -> Vec<(i64, String)> {
        let told = self.told().await;
        let Some(first) = told.last() else {
            return Vec::new();
        };
        let lines = rows::lines(&self.stage.db, &first.id).await.unwrap();
        let line = |line: rows::LineRow| ((line.at_ms - NOW) / 1000, line.what);
        lines.into_iter().map(line).collect()
    }

    async fn technician(&self) -> Session {
        self.stage.session("technician", NOW).await
    }

    fn first(&self, told: &[AlertRow]) -> Uuid {
        told.last().unwrap().id.parse().unwrap()
    }
}

fn by(session: &Session, second: i64) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW + second * 1000,
    }
}

fn said(second: i64, what: &str) -> (i64, String) {
    (second, what.to_owned())
}

/// A camera is pulled in a lesson: told after five seconds, to all who keep the rooms running;
/// a hub that is killed at any second neither repeats it nor forgets it.
#[tokio::test]
async fn a_pulled_camera_is_told_once_through_restarts() {
    let house = House::new(true).await;
    let technician = house.technician().await;
    let mut heard = house.notices.listen();
    let fault = house.raise(0, "CAM_NO_SIGNAL", 0).await;
    for from in (0..60).step_by(7) {
        house.run(from..from + 7).await;
    }
    let told = house.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].number.as_deref(), Some("GJ-00001"));
    assert_eq!((told[0].severity.as_str(), told[0].urgent), ("critical", 1));
    assert_eq!(house.story().await, [said(5, "raised")]);
    assert_eq!(
        heard.recv().await.unwrap(),
        Notice::Changed { topic: "alerts" }
    );
    let desk = house.desk();
    let person = technician.person.id;
    let inbox = desk.inbox(person).await.unwrap();
    assert_eq!((inbox.len(), inbox[0].0.last_word.as_str()), (1, "raised"));
    assert_eq!(inbox[0].0.read_ms, None);
    desk.read(by(&technician, 61), house.first(&told))
        .await
        .unwrap();
    assert_eq!(
        desk.inbox(person).await.unwrap()[0].0.read_ms,
        Some(NOW + 61_000)
    );
    house.clear(&fault, 70).await;
    house.run(71..200).await;
    assert_eq!(
        house.story().await,
        [said(5, "raised"), said(191, "resolved")]
    );
    let inbox = desk.inbox(person).await.unwrap();
    let last = &inbox[0].0;
    assert_eq!(
        (last.last_word.as_str(), last.read_ms),
        ("resolved", None),
        "news again"
    );
    assert!(house.told().await[0].over_ms.is_some());
}

/// What clears inside the wait leaves nothing behind, not even a number.
#[tokio::test]
async fn what_clears_inside_the_wait_is_forgotten() {
    let house = House::new(true).await;
    let fault = house.raise(0, "CAM_NO_SIGNAL", 0).await;
    house.run(0..4).await;
    house.clear(&fault, 4).await;
    house.run(4..60).await;
    assert!(house.told().await.is_empty());
    assert!(super::kept::open(&house.stage.db).await.unwrap().is_empty());
    house.raise(1, "CAM_NO_SIGNAL", 60).await;
    house.run(60..80).await;
    assert_eq!(house.told().await[0].number.as_deref(), Some("GJ-00001"));
}

/// Nobody takes it for 15 minutes: the next duty is told, whom the roster names.
#[tokio::test]
async fn what_nobody_takes_goes_to_the_next_duty() {
    let house = House::new(true).await;
    let technician = house.technician().await;
    let roster = house.roster();
    let shift = Shift {
        step: 1,
        person: technician.person.id,
        from_ms: NOW,
        until_ms: NOW + 86_400_000,
    };
    roster.add_shift(by(&technician, 0), &shift).await.unwrap();
    house.raise(0, "CAM_NO_SIGNAL", 0).await;
    house.run(0..16 * MINUTE).await;
    let expect = [said(5, "raised"), said(5 + 15 * MINUTE, "escalated")];
    assert_eq!(house.story().await, expect);
    let lines = rows::lines(&house.stage.db, &house.told().await[0].id)
        .await
        .unwrap();
    assert_eq!(lines[1].text, "信息中心负责人");
}

/// Taken: nothing is repeated or passed on until that expires; all of it stands in the trail.
#[tokio::test]
async fn an_acknowledged_alert_is_quiet_and_stands_in_the_trail() {
    let house = House::new(true).await;
    let technician = house.technician().await;
    let desk = house.desk();
    house.raise(0, "CAM_NO_SIGNAL", 0).await;
    house.run(0..20).await;
    let id = house.first(&house.told().await);
    for minutes in [0, 4, 1_441] {
        let refused = desk.acknowledge(by(&technician, 20), id, minutes, "").await;
        assert!(matches!(refused, Err(Error::Field(field)) if field.field == "minutes"));
    }
    desk.acknowledge(by(&technician, 20), id, 16, "在路上")
        .await
        .unwrap();
    desk.comment(by(&technician, 21), id, "换了网线")
        .await
        .unwrap();
    let nobody = desk.assign(by(&technician, 22), id, Uuid::now_v7()).await;
    assert!(matches!(nobody, Err(Error::Field(field)) if field.field == "person"));
    desk.assign(by(&technician, 22), id, technician.person.id)
        .await
        .unwrap();
    house.run(20..980).await;
    let quiet = ["raised", "acknowledged", "commented", "assigned"];
    let story: Vec<_> = house
        .story()
        .await
        .into_iter()
        .map(|(_, what)| what)
        .collect();
    assert_eq!(story, quiet);
    house.run(980..985).await;
    assert_eq!(
        house.story().await[4],
        said(980, "escalated"),
        "it has expired"
    );
    let lines = house.stage.lines().await;
    let acts = lines.iter().rev().filter(|line| line.object == "GJ-00001");
    let acts: Vec<_> = acts.map(|line| line.action.as_str()).collect();
    assert_eq!(acts, ["acknowledge_alert", "comment_alert", "assign_alert"]);
    assert!(
        lines.iter().all(|line| !line.detail.contains("网线")),
        "no free text"
    );
    let unknown = desk
        .acknowledge(by(&technician, 9), Uuid::now_v7(), 60, "")
        .await;
    assert!(matches!(unknown, Err(Error::NotFound)));
}

/// What a silence would keep quiet is seen before it is kept; it ends, and then the word goes out.
#[tokio::test]
async fn a_silence_shows_what_it_matches_and_ends() {
    let house = House::new(true).await;
    let technician = house.technician().await;
    let roster = house.roster();
    house.raise(0, "CAM_NO_SIGNAL", 0).await;
    house.run(0..20).await;
    let of_room = |at: usize| Matcher {
        room: Some(house.stage.rooms[at].id.to_string()),
        ..Matcher::default()
    };
    assert_eq!(roster.matches(&of_room(0)).await.unwrap().len(), 1);
    assert!(roster.matches(&of_room(1)).await.unwrap().is_empty());
    let until_ms = NOW + 600_000;
    let (at, reason) = (by(&technician, 20), "教室施工");
    for (matcher, field) in [
        (Matcher::default(), "code"),
        (
            Matcher {
                code: Some("NO_SUCH".into()),
                ..Matcher::default()
            },
            "code",
        ),
        (
            Matcher {
                building: Some("没有的楼".into()),
                ..Matcher::default()
            },
            "building",
        ),
        (
            Matcher {
                room: Some(Uuid::now_v7().to_string()),
                ..Matcher::default()
            },
            "room",
        ),
    ] {
        let refused = roster.add_silence(at, matcher, until_ms, reason).await;
        assert!(
            matches!(refused, Err(Error::Field(is)) if is.field == field),
            "{field}"
        );
    }
    let silence = roster
        .add_silence(at, of_room(1), until_ms, reason)
        .await
        .unwrap();
    house.raise(1, "CAM_GARBAGE", 21).await;
    house.run(21..300).await;
    assert_eq!(house.told().await.len(), 1, "the silenced one is not told");
    roster
        .end_silence(by(&technician, 300), silence)
        .await
        .unwrap();
    let again = roster.end_silence(by(&technician, 301), silence).await;
    assert!(matches!(again, Err(Error::NotFound)));
    house.run(300..312).await;
    assert_eq!(house.told().await.len(), 2);
    assert!(roster.silences(NOW + 310_000).await.unwrap().is_empty());
    let lines = house.stage.lines().await;
    let kept = lines
        .iter()
        .find(|line| line.action == "add_silence")
        .unwrap();
    assert_eq!(kept.purpose, reason);
}

/// The inbox says of which alerts nobody hears, and for how long.
#[tokio::test]
async fn an_alert_is_quiet_while_all_its_rooms_are_silenced() {
    let house = House::new(true).await;
    let technician = house.technician().await;
    house.raise(0, "CAM_NO_SIGNAL", 0).await;
    house.run(0..20).await;
    let told = house.told().await;
    let parts = rows::parts(&house.stage.db, &told[0].id).await.unwrap();
    let is_quiet = async |second: i64| {
        let quiet = Quiet::at(&house.stage.db, NOW + second * 1000).await;
        quiet.unwrap().covers(&told[0], &parts)
    };
    assert!(!is_quiet(20).await);
    for (at, quiet) in [(1, false), (0, true)] {
        let matcher = Matcher {
            room: Some(house.stage.rooms[at].id.to_string()),
            ..Matcher::default()
        };
        let (by, until_ms) = (by(&technician, 20), NOW + 600_000);
        let roster = house.roster();
        roster
            .add_silence(by, matcher, until_ms, "教室施工")
            .await
            .unwrap();
        assert_eq!(is_quiet(21).await, quiet, "room {at}");
    }
    assert!(is_quiet(599).await && !is_quiet(600).await);
    let over = AlertRow {
        over_ms: Some(NOW),
        ..told[0].clone()
    };
    let quiet = Quiet::at(&house.stage.db, NOW + 21_000).await.unwrap();
    assert!(!quiet.covers(&over, &parts));
}

/// R93: room, device, history and numbers; done once.
#[tokio::test]
async fn a_work_order_has_the_history_and_ends() {
    let house = House::new(true).await;
    let technician = house.technician().await;
    let orders = house.orders();
    let old = house.raise(0, "CAM_STALLED", -86_400).await;
    house.clear(&old, -86_000).await;
    house.raise(0, "CAM_NO_SIGNAL", 0).await;
    house.run(0..20).await;
    let alert = house.first(&house.told().await);
    let part = |device: &str| Part {
        device: device.to_owned(),
        component: "cam0".into(),
    };
    let wrong = orders
        .open(
            by(&technician, 20),
            alert,
            &part(&house.boxes[1]),
            "更换摄像头",
        )
        .await;
    assert!(matches!(wrong, Err(Error::NotFound)), "not in this alert");
    let right = part(&house.boxes[0]);
    let mute = orders.open(by(&technician, 20), alert, &right, " ").await;
    assert!(matches!(mute, Err(Error::Field(field)) if field.field == "note"));
    let (id, number) = orders
        .open(by(&technician, 20), alert, &right, "更换摄像头")
        .await
        .unwrap();
    assert_eq!(number, "GD-00001");
    let (order, history) = orders.one(id).await.unwrap();
    assert_eq!(
        (order.room.as_str(), order.code.as_str()),
        (house.stage.rooms[0].name.as_str(), "CAM_NO_SIGNAL")
    );
    let codes: Vec<_> = history.iter().map(|fault| fault.code.as_str()).collect();
    assert_eq!(codes, ["CAM_NO_SIGNAL", "CAM_STALLED"]);
    assert!(history[0].evidence.contains("9000"));
    orders
        .close(by(&technician, 99), id, "已更换")
        .await
        .unwrap();
    let twice = orders.close(by(&technician, 99), id, "已更换").await;
    assert!(matches!(twice, Err(Error::Conflict(..))));
    assert!(orders.list().await.unwrap()[0].done_ms.is_some());
}

/// Who has a duty keeps the rooms running, and the steps rise.
#[tokio::test]
async fn duties_are_for_those_who_keep_the_rooms_running() {
    let house = House::new(true).await;
    let technician = house.technician().await;
    let roster = house.roster();
    let shift = |person, step| Shift {
        step,
        person,
        from_ms: NOW,
        until_ms: NOW + 3_600_000,
    };
    let supervisor = house
        .stage
        .session("school_supervisor", NOW)
        .await
        .person
        .id;
    let refused = roster
        .add_shift(by(&technician, 0), &shift(supervisor, 0))
        .await;
    assert!(matches!(refused, Err(Error::Field(field)) if field.field == "person"));
    let me = technician.person.id;
    let refused = roster.add_shift(by(&technician, 0), &shift(me, 2)).await;
    assert!(matches!(refused, Err(Error::Field(field)) if field.field == "step"));
    let id = roster
        .add_shift(by(&technician, 0), &shift(me, 0))
        .await
        .unwrap();
    roster.end_shift(by(&technician, 5), id).await.unwrap();
    let again = roster.end_shift(by(&technician, 6), id).await;
    assert!(matches!(again, Err(Error::NotFound)));
    let step = |title: &str, after_minutes| Step {
        title: title.into(),
        after_minutes,
    };
    let wrong = roster
        .set_steps(by(&technician, 7), &[step("值班", 5)])
        .await;
    assert!(matches!(wrong, Err(Error::Field(field)) if field.field == "after_minutes"));
    roster
        .set_steps(by(&technician, 7), &[step("值班", 0), step("主任", 30)])
        .await
        .unwrap();
    let (steps, shifts, _) = roster.duties(NOW + 8_000).await.unwrap();
    assert_eq!(
        (steps[1].title.as_str(), steps[1].after_minutes),
        ("主任", 30)
    );
    assert!(shifts.is_empty());
    let actions: Vec<_> = house
        .stage
        .lines()
        .await
        .into_iter()
        .map(|line| line.action)
        .collect();
    for action in ["add_duty_shift", "end_duty_shift", "set_duty_steps"] {
        assert!(actions.iter().any(|is| is == action), "{action}");
    }
}

/// On a day without lessons the same waits for a minute, is less, and is said again at 08:00 alone.
#[tokio::test]
async fn on_a_holiday_it_waits_and_the_summary_says_it_again() {
    let house = House::new(false).await;
    house.raise(0, "CAM_NO_SIGNAL", 0).await;
    house.run(0..3 * MINUTE).await;
    assert_eq!(house.story().await, [said(60, "raised")]);
    assert_eq!(house.told().await[0].severity, "minor");
    let day = rows::digest_day(&house.stage.db).await.unwrap();
    assert_eq!(
        day,
        Some(crate::campus::calendar::day(NOW)),
        "it is past 08:00"
    );
}

/// R64: the hub's own certificate is one alert, whichever of its boxes are there; over with its
/// renewal.
#[tokio::test]
async fn the_hubs_own_certificate_is_told_of_once() {
    const DAY_MS: i64 = 86_400_000;
    let house = House::new(true).await;
    let folder = std::env::temp_dir().join(format!("xunke-hub-cert-{}", Uuid::now_v7()));
    let ca = Ca::open(&folder, NOW - 371 * DAY_MS).unwrap();
    let shown = Arc::new(Shown::open(&ca, &[], NOW - 371 * DAY_MS).unwrap());
    let watch = AlertWatch::new(house.stage.db.clone(), house.notices.clone());
    let watch = watch.of_certificate(shown.clone());
    for second in 0..120 {
        watch.tick(NOW + second * 1000).await.unwrap();
    }
    let told = house.told().await;
    let codes: Vec<_> = told.iter().map(|row| row.code.as_str()).collect();
    assert_eq!(codes, ["HUB_CERT_SOON"]);
    assert_eq!(
        (told[0].severity.as_str(), told[0].building.as_str()),
        ("major", "")
    );
    assert!(shown.look_again(&ca, &[], NOW).unwrap());
    for second in (120..1_800).step_by(10) {
        watch.tick(NOW + second * 1000).await.unwrap();
    }
    let words: Vec<_> = house
        .story()
        .await
        .into_iter()
        .map(|(_, what)| what)
        .collect();
    assert_eq!(words, ["raised", "resolved"]);
    std::fs::remove_dir_all(folder).unwrap();
}
