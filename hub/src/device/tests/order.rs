//! Orders from the desk to the box and back: kept, told again, agreed to, ended by time.

use super::*;
use crate::access::person::Person;
use crate::access::session::Session;
use crate::device::desk::{Act, NotDone};
use crate::endpoint::Seat;
use crate::store::command::CommandRow;
use serde_json::json;
use std::net::Ipv4Addr;
use xunke_policy::agreement::Agreement;
use xunke_policy::command::CONSENT_MS;
use xunke_policy::fault::Moment;
use xunke_policy::level::Role;
use xunke_policy::sanction::Standing;
use xunke_protocol::id::MessageId;

const CLASS: Moment = Moment::InClass;
const IDLE: Moment = Moment::Idle;

fn somebody(number: u128) -> Session {
    Session {
        token_hash: String::new(),
        csrf_token: String::new(),
        person: Person {
            id: Uuid::from_u128(number),
            staff_number: format!("T{number}"),
            name: format!("管理员{number}"),
            unit: None,
            roles: vec![Role::Technician],
            standing: Standing::Active,
            agreement: Agreement::Unsigned,
            grant: None,
            password_changed_ms: NOW,
        },
        begun_address: String::new(),
    }
}

struct Stage {
    house: House,
    people: [Session; 2],
}

impl Stage {
    async fn new() -> Self {
        let house = House::new().await;
        let code = house.code("box-1", 1, NOW).await.unwrap();
        house.enrol(&request(&code, 1), NOW).await.unwrap();
        let people = [somebody(21), somebody(22)];
        for one in &people {
            sqlx::query(
                "INSERT INTO persons (id, staff_number, name, standing)
                 VALUES ($1, $2, $3, 'active')",
            )
            .bind(one.person.id.to_string())
            .bind(one.person.staff_number.clone())
            .bind(one.person.name.clone())
            .execute(house.db.write())
            .await
            .unwrap();
        }
        Self { house, people }
    }

    fn act<'a>(&'a self, who: usize, reason: &'a str, now_ms: i64) -> Act<'a> {
        Act {
            session: &self.people[who],
            from: Ipv4Addr::LOCALHOST.into(),
            now_ms,
            reason,
        }
    }

    async fn order(&self, order: Order, moment: Moment) -> Result<Uuid, NotDone> {
        let (act, device) = (self.act(0, "画面卡死", NOW), id("box-1"));
        let given = self.house.devices.order(act, &device, order, moment);
        given.await.map(|given| given.id)
    }

    async fn row(&self, order: Uuid) -> CommandRow {
        let rows = self.house.devices.orders(&id("box-1")).await.unwrap();
        let row = rows.into_iter().find(|row| row.id == order.to_string());
        row.unwrap()
    }

    async fn state(&self, order: Uuid) -> (String, String) {
        let row = self.row(order).await;
        (row.state, row.code)
    }

    async fn answer(&self, order: Uuid, answer: &CommandAnswer, now_ms: i64) {
        let (devices, id) = (&self.house.devices, MessageId(order));
        let device = self::id("box-1");
        devices.heard(&device, id, answer, now_ms).await.unwrap();
    }

    /// What the box is told next, as it opens it.
    async fn told(&self, seat: &mut Seat) -> Command {
        let message = seat.queue.try_recv().expect("nothing was told");
        self.house.opened(&id("box-1"), &message.payload)
    }

    async fn actions(&self) -> Vec<String> {
        let mut lines = self.house.trail.before(i64::MAX, 100).await.unwrap();
        lines.reverse();
        let orders = lines
            .into_iter()
            .filter(|line| line.action.contains("order"));
        orders
            .map(|line| format!("{} {} {}", line.action, line.outcome, line.purpose))
            .collect()
    }
}

fn pair(state: &str, code: &str) -> (String, String) {
    (state.into(), code.into())
}

fn done() -> CommandAnswer {
    CommandAnswer::with(json!({"checks": []}))
}

#[tokio::test]
async fn an_order_is_kept_told_and_ended_by_its_box() {
    let stage = Stage::new().await;
    let mut seat = stage.house.devices.links.sit(&id("box-1")).await;
    let order = stage.order(Order::Selftest, CLASS).await.unwrap();
    let command = stage.told(&mut seat).await;
    assert_eq!((command.id.0, command.order), (order, Order::Selftest));
    assert_eq!(command.expires, NOW + 60_000);
    assert_eq!(stage.state(order).await, pair("sent", ""));
    let other = Order::CollectDiag;
    let beside = stage.order(other.clone(), CLASS).await.unwrap_err();
    assert!(matches!(beside, NotDone::Conflict(..)), "{beside:?}");
    stage.order(Order::Ping, CLASS).await.expect("a ping is");
    // Nobody else's word ends it, and a stranger's copy of the id neither.
    let (foreign, answer) = (id("box-2"), done());
    let heard = stage
        .house
        .devices
        .heard(&foreign, MessageId(order), &answer, NOW);
    heard.await.unwrap();
    let forged = CommandAnswer::new(CommandState::Rejected, Some("forged"));
    stage.answer(order, &forged, NOW).await;
    assert_eq!(stage.state(order).await, pair("sent", ""));
    stage.answer(order, &done(), NOW + 900).await;
    let row = stage.row(order).await;
    assert_eq!(
        (row.state.as_str(), row.ended_ms),
        ("done", Some(NOW + 900))
    );
    assert_eq!(row.result, r#"{"checks":[]}"#);
    let failed = CommandAnswer::new(CommandState::Failed, Some("late"));
    stage.answer(order, &failed, NOW + 999).await;
    assert_eq!(
        stage.state(order).await,
        pair("done", ""),
        "once and for all"
    );
    stage.order(other, CLASS).await.expect("now it may");
    let told = [
        "order_box done 画面卡死",
        "order_box done 画面卡死",
        "end_order done ",
        "order_box done 画面卡死",
    ];
    assert_eq!(stage.actions().await, told);
}

/// Issue 6, item 4: two administrators and a reason while there is a class.
#[tokio::test]
async fn what_a_class_would_notice_waits_for_a_second_person() {
    let stage = Stage::new().await;
    let mut seat = stage.house.devices.links.sit(&id("box-1")).await;
    let devices = &stage.house.devices;
    let (act, device) = (stage.act(0, " ", NOW), id("box-1"));
    let unreasoned = devices.order(act, &device, Order::Reboot, CLASS);
    let field = unreasoned.await.unwrap_err();
    assert!(matches!(field, NotDone::Field(field) if field.field == "reason"));
    let order = stage.order(Order::Reboot, CLASS).await.unwrap();
    assert_eq!(stage.state(order).await, pair("waiting", ""));
    assert!(seat.queue.try_recv().is_err(), "nothing is told yet");
    let second = stage.order(Order::Reload, CLASS).await;
    assert!(matches!(second, Err(NotDone::Conflict(..))), "one waits");
    let selftest = stage.order(Order::Selftest, CLASS).await;
    let selftest = selftest.expect("what waits is in nobody's way");
    stage.told(&mut seat).await;
    stage.answer(selftest, &done(), NOW).await;
    let own = devices.judge(stage.act(0, "", NOW), order, true).await;
    assert!(matches!(own, Err(NotDone::Field(field)) if field.field == "approver"));
    let later = NOW + CONSENT_MS / 2;
    devices
        .judge(stage.act(1, "同意", later), order, true)
        .await
        .unwrap();
    let command = stage.told(&mut seat).await;
    assert_eq!((command.order, command.issued), (Order::Reboot, later));
    let row = stage.row(order).await;
    assert_eq!(row.judge.as_deref(), Some("管理员22"));
    let twice = devices.judge(stage.act(1, "", later), order, true).await;
    assert!(matches!(twice, Err(NotDone::Conflict(..))));
    let told = [
        "ask_order done 画面卡死",
        "order_box done 画面卡死",
        "end_order done ",
        "agree_order done 同意",
    ];
    assert_eq!(stage.actions().await, told);
}

#[tokio::test]
async fn a_second_person_may_decline_or_stay_away() {
    let stage = Stage::new().await;
    let devices = &stage.house.devices;
    let declined = stage.order(Order::Reload, CLASS).await.unwrap();
    devices
        .judge(stage.act(1, "下课再说", NOW), declined, false)
        .await
        .unwrap();
    assert_eq!(stage.state(declined).await.0, "declined");
    let alone = stage.order(Order::Reload, CLASS).await.unwrap();
    devices.end_overdue(NOW + CONSENT_MS).await.unwrap();
    assert_eq!(stage.state(alone).await.0, "waiting");
    let over = NOW + CONSENT_MS + 1;
    let late = devices.judge(stage.act(1, "", over), alone, true).await;
    assert!(matches!(late, Err(NotDone::Conflict(..))));
    devices.end_overdue(over).await.unwrap();
    assert_eq!(stage.state(alone).await, pair("expired", "not_agreed"));
    let idle = stage.order(Order::Reboot, IDLE).await.unwrap();
    assert_eq!(stage.state(idle).await.0, "queued", "no class, one person");
}

/// M7: every order ends, and what a box did while nobody heard of it comes to light.
#[tokio::test]
async fn an_order_ends_by_time_and_is_told_again_after_a_birth() {
    let stage = Stage::new().await;
    let devices = &stage.house.devices;
    let absent = stage.order(Order::Selftest, IDLE).await.unwrap();
    assert_eq!(stage.state(absent).await.0, "queued");
    devices.end_overdue(NOW + 60_001).await.unwrap();
    assert_eq!(stage.state(absent).await, pair("expired", "not_connected"));
    let late = done();
    stage.answer(absent, &late, NOW + 60_002).await;
    assert_eq!(stage.state(absent).await.0, "expired", "it was never told");

    let order = stage.order(Order::Reboot, IDLE).await.unwrap();
    let mut seat = devices.links.sit(&id("box-1")).await;
    devices.tell_again(&id("box-1"), NOW + 5).await.unwrap();
    let first = stage.told(&mut seat).await;
    devices.tell_again(&id("box-1"), NOW + 9).await.unwrap();
    let second = stage.told(&mut seat).await;
    assert_eq!(first, second, "the very same order");
    assert_eq!(first.id.0, order);
    let ends_ms = stage.row(order).await.ends_ms;
    devices.end_overdue(ends_ms + 1).await.unwrap();
    assert_eq!(stage.state(order).await, pair("expired", "no_answer"));
    // The box is back after all, and knows.
    devices.tell_again(&id("box-1"), ends_ms + 9).await.unwrap();
    assert_eq!(stage.told(&mut seat).await.id.0, order);
    let told = CommandAnswer::new(CommandState::Done, None);
    stage.answer(order, &told, ends_ms + 10).await;
    assert_eq!(stage.state(order).await, pair("done", ""));
    devices
        .tell_again(&id("box-1"), ends_ms + 11)
        .await
        .unwrap();
    assert!(seat.queue.try_recv().is_err(), "it is over");
}

#[tokio::test]
async fn a_box_that_is_set_aside_is_ordered_nothing() {
    let stage = Stage::new().await;
    stage.house.step(&id("box-1"), State::Quarantined).await;
    let aside = stage.order(Order::Ping, IDLE).await;
    assert!(matches!(aside, Err(NotDone::Conflict(..))));
    let (act, nobody) = (stage.act(0, "", NOW), id("box-9"));
    let nobody = stage.house.devices.order(act, &nobody, Order::Ping, IDLE);
    assert!(matches!(nobody.await, Err(NotDone::NotFound)));
}
