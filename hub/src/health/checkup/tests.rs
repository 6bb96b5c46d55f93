//! A morning told minute by minute: two boxes, a school day and a holiday.

use super::*;
use crate::access::audit::Trail;
use crate::device::tests::{House, request};
use crate::endpoint::Seat;
use crate::notice::Notices;
use serde_json::json;
use xunke_protocol::envelope::{CommandAnswer, CommandState, Order};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
/// 2026-11-23, a Monday.
const DAY: i64 = 20_780;

fn at(minute: i64) -> i64 {
    calendar::moment(DAY, minute)
}

struct Morning {
    house: House,
    checkups: Checkups,
}

impl Morning {
    async fn new() -> Self {
        let house = House::new().await;
        for room in [1, 2] {
            let name = format!("box-{room}");
            let code = house.code(&name, room, at(0)).await.unwrap();
            let seed = u8::try_from(room).unwrap();
            house.enrol(&request(&code, seed), at(0)).await.unwrap();
        }
        let trail = Arc::new(Trail::new(house.db.clone(), Notices::default()));
        let (db, devices) = (house.db.clone(), house.devices.clone());
        let checkups = Checkups::new(db, trail, devices, Some(450));
        Self { house, checkups }
    }

    async fn lesson(&self, room: u128, minute: i64) {
        let id = Uuid::from_u128(room).to_string();
        let term = "INSERT INTO terms (id, school_year, number, week_one, weeks)
                    VALUES ($1, '2026-2027', 1, 0, 20) ON CONFLICT DO NOTHING";
        let one = Uuid::from_u128(1).to_string();
        let write = self.house.db.write();
        sqlx::query(term).bind(&one).execute(write).await.unwrap();
        let lesson = "INSERT INTO lessons (id, term_id, classroom_id, unit_id, teacher, course,
                      class_groups, day, period_from, period_to, start_ms, end_ms, due_count)
                      VALUES ($1, $2, $3, $3, 't', 'c', 'g', $4, 1, 2, $5, $6, 30)";
        sqlx::query(lesson)
            .bind(Uuid::now_v7().to_string())
            .bind(&one)
            .bind(&id)
            .bind(DAY)
            .bind(at(minute))
            .bind(at(minute + 95))
            .execute(write)
            .await
            .unwrap();
    }

    async fn sit(&self, name: &str) -> Seat {
        self.house.devices.links.sit(&name.parse().unwrap()).await
    }

    async fn newest(&self, now_ms: i64) -> Option<Found> {
        self.checkups.newest(now_ms).await.unwrap()
    }

    async fn tick(&self, now_ms: i64) {
        self.checkups.tick(now_ms).await.unwrap();
    }

    /// Answers the self-test that a box was told of.
    async fn answer(&self, name: &str, seat: &mut Seat, outcome: &str, now_ms: i64) {
        let device: DeviceId = name.parse().unwrap();
        let message = seat.queue.try_recv().expect("it was told nothing");
        let command = self.house.opened(&device, &message.payload);
        assert_eq!(command.order, Order::Selftest);
        let answer = match outcome {
            "failed" => CommandAnswer::new(CommandState::Failed, Some("interrupted")),
            outcome => CommandAnswer::with(json!({"checks": [
                {"part": "camera", "name": "cam0", "outcome": outcome, "code": "unreachable"}]})),
        };
        let devices = &self.house.devices;
        let heard = devices.heard(&device, command.id, &answer, now_ms);
        heard.await.unwrap();
    }

    async fn trail(&self) -> Vec<String> {
        let mut lines = self.checkups.trail.before(i64::MAX, 100).await.unwrap();
        lines.reverse();
        let own = lines
            .into_iter()
            .filter(|line| line.action.contains("checkup"));
        own.map(|line| format!("{} {}", line.action, line.detail))
            .collect()
    }
}

#[tokio::test]
async fn each_school_day_begins_with_one_checkup() {
    let morning = Morning::new().await;
    morning.lesson(1, 480).await;
    morning.tick(at(450) - 1).await;
    assert_eq!(morning.newest(at(450)).await, None, "not before its time");
    let (mut one, mut two) = (morning.sit("box-1").await, morning.sit("box-2").await);
    morning.tick(at(450)).await;
    morning.tick(at(450) + SECOND).await;
    let found = morning.newest(at(450) + SECOND).await.unwrap();
    assert_eq!(found.rooms.len(), 2);
    assert!(found.rooms.iter().all(|room| room.open));
    morning.answer("box-1", &mut one, "fail", at(451)).await;
    morning.answer("box-2", &mut two, "pass", at(451)).await;
    for second in 0..5 {
        morning.tick(at(451) + second * SECOND).await;
    }
    let found = morning.newest(at(452)).await.unwrap();
    assert_eq!(found.checkup.beginner, None);
    assert_eq!(found.checkup.ended_ms, Some(at(451)));
    let first = &found.rooms[0];
    assert_eq!(
        (first.device.as_str(), first.lesson_ms),
        ("box-1", Some(at(480)))
    );
    assert!(policy::needs_person(&first.wrong()));
    assert!(found.rooms[1].wrong().is_empty() && found.rooms[1].lesson_ms.is_none());
    assert!(one.queue.try_recv().is_err(), "told once");
    let told = ["begin_checkup ", "end_checkup 2 boxes, 1 need a person"];
    assert_eq!(morning.trail().await, told);
}

/// A box that is off is the very thing somebody has to go there for.
#[tokio::test]
async fn a_box_that_is_not_there_needs_a_person() {
    let morning = Morning::new().await;
    morning.lesson(2, 480).await;
    let mut one = morning.sit("box-1").await;
    morning.tick(at(450)).await;
    morning.tick(at(450) + SECOND).await;
    morning.answer("box-1", &mut one, "failed", at(450)).await;
    morning.tick(at(450) + 30 * SECOND).await;
    let waiting = morning.newest(at(451)).await.unwrap();
    assert_eq!(waiting.checkup.ended_ms, None);
    morning.tick(at(451) + 2 * SECOND).await;
    morning.tick(at(451) + 3 * SECOND).await;
    let found = morning.newest(at(452)).await.unwrap();
    assert!(found.checkup.ended_ms.is_some());
    let [silent, unfinished] = &found.rooms[..] else {
        panic!("two rooms: {found:?}");
    };
    assert_eq!(silent.device.as_str(), "box-2");
    assert!(policy::needs_person(&silent.wrong()));
    let unfinished = unfinished.wrong();
    assert_eq!(unfinished.len(), 1);
    assert!(!policy::needs_person(&unfinished), "it is to be run again");
}

#[tokio::test]
async fn a_holiday_a_late_hub_and_a_second_one() {
    let morning = Morning::new().await;
    morning.tick(at(455)).await;
    assert_eq!(morning.newest(at(455)).await, None, "nobody has a lesson");
    morning.lesson(1, 480).await;
    morning.tick(at(450) + LATE_MS).await;
    assert_eq!(morning.newest(at(560)).await, None, "it would be of no use");
    let person = somebody(&morning.house.db).await;
    let begin = |now_ms| morning.checkups.begin_now(person, Who::default(), now_ms);
    assert!(begin(at(600)).await.unwrap());
    assert!(!begin(at(600)).await.unwrap(), "one at a time");
    // A hub that was killed goes on with what the store knows.
    morning.tick(at(600)).await;
    morning.tick(at(602)).await;
    morning.tick(at(602) + SECOND).await;
    let found = morning.newest(at(603)).await.unwrap();
    assert_eq!(found.checkup.beginner.as_deref(), Some("技术员"));
    assert!(found.checkup.ended_ms.is_some());
    assert!(
        found.rooms.iter().all(|room| room.lesson_ms.is_none()),
        "all over"
    );
    assert!(begin(at(604)).await.unwrap());
}

async fn somebody(db: &Db) -> Uuid {
    let id = Uuid::from_u128(31);
    let insert = "INSERT INTO persons (id, staff_number, name, standing)
                  VALUES ($1, 'T31', '技术员', 'active')";
    let insert = sqlx::query(insert).bind(id.to_string());
    insert.execute(db.write()).await.unwrap();
    id
}

/// A campus is told some boxes at a time.
#[tokio::test]
async fn boxes_are_told_some_at_a_time() {
    let morning = Morning::new().await;
    let row = "INSERT INTO devices (id, classroom_id, state, created_ms)
               VALUES ($1, $2, 'enrolled', 0)";
    for number in 0..45 {
        sqlx::query(row)
            .bind(format!("more-{number:02}"))
            .bind(Uuid::from_u128(1).to_string())
            .execute(morning.house.db.write())
            .await
            .unwrap();
    }
    morning.lesson(1, 480).await;
    let mut told = Vec::new();
    for second in 0..4 {
        morning.tick(at(450) + second * SECOND).await;
        let id = format!("day-{DAY}");
        let rows = command::of_checkup(&morning.house.db, &id).await.unwrap();
        told.push(rows.len());
    }
    assert_eq!(told, [TOLD_MAX, 2 * TOLD_MAX, 47, 47]);
}

#[test]
fn minutes_are_of_shanghai() {
    assert_eq!(at(450) % (24 * 60 * MINUTE), (23 * 60 + 30) * MINUTE);
}
