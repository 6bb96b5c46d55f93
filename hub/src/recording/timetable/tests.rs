//! What boxes are told, and what is kept of what they were told.

use super::*;
use crate::device::tests::House;
use crate::notice::Notices;
use crate::store::campus::{self as campus_rows, LessonRow, TermRow};
use ed25519_dalek::VerifyingKey;

/// 2026-11-23 08:00 in Shanghai.
const EIGHT: i64 = 1_795_392_000_000;
const HOUR: i64 = 60 * MINUTE_MS;
const ROOM: ClassroomId = ClassroomId(Uuid::from_u128(1));

struct Desk {
    house: House,
    timetables: Timetables,
    hub: VerifyingKey,
}

impl Desk {
    async fn new() -> Self {
        let house = House::new().await;
        house.code("box-1", 1, EIGHT).await.unwrap();
        let signing = house.ca.signing_key().clone();
        let trail = Arc::new(Trail::new(house.db.clone(), Notices::default()));
        let hub = signing.verifying_key();
        let commands = house.devices.commands.clone();
        let rules = config::Recording::default();
        let timetables = Timetables::new((house.db.clone(), trail), signing, commands, &rules);
        let desk = Self {
            house,
            timetables,
            hub,
        };
        desk.term().await;
        desk
    }

    async fn term(&self) {
        let term = TermRow {
            id: Uuid::nil().to_string(),
            school_year: "2026-2027".into(),
            number: 1,
            week_one: 0,
            weeks: 20,
        };
        let mut writing = self.house.db.begin().await.unwrap();
        campus_rows::add_term(&mut writing, &term).await.unwrap();
        Db::commit(writing).await.unwrap();
    }

    /// A lesson in room 1 that begins so many minutes after eight and takes so many.
    async fn lesson(&self, number: u128, minute: i64, minutes: i64) {
        let start_ms = EIGHT + minute * MINUTE_MS;
        let lesson = LessonRow {
            id: Uuid::from_u128(number).to_string(),
            term_id: Uuid::nil().to_string(),
            classroom_id: ROOM.to_string(),
            unit_id: ROOM.to_string(),
            teacher_id: None,
            teacher: "王老师".into(),
            course: "数据库技术".into(),
            class_groups: "软件2301".into(),
            day: calendar::day(start_ms),
            period_from: 1,
            period_to: 2,
            start_ms,
            end_ms: start_ms + minutes * MINUTE_MS,
            due_count: 40,
            minors: 0,
            course_code: String::new(),
            teaching_class: String::new(),
        };
        let mut writing = self.house.db.begin().await.unwrap();
        campus_rows::add_lesson(&mut writing, &lesson)
            .await
            .unwrap();
        Db::commit(writing).await.unwrap();
    }

    async fn cancel(&self, number: u128) {
        sqlx::query("DELETE FROM lessons WHERE id = $1")
            .bind(Uuid::from_u128(number).to_string())
            .execute(self.house.db.write())
            .await
            .unwrap();
    }

    async fn told(&self, now_ms: i64) -> Timetable {
        let signed = self.timetables.of(ROOM, now_ms).await.unwrap();
        assert!(signed.acceptable(&self.hub, ROOM, 0));
        signed.timetable
    }
}

fn minutes(windows: &[Window]) -> Vec<(i64, i64)> {
    let minute = |at_ms: i64| (at_ms - EIGHT) / MINUTE_MS;
    let pair = |one: &Window| (minute(one.from_ms), minute(one.to_ms));
    windows.iter().map(pair).collect()
}

/// X49, X52, 第十一条: times, and nothing of what the lessons are.
#[tokio::test]
async fn a_box_is_told_times_and_nothing_else() {
    let desk = Desk::new().await;
    desk.lesson(1, 0, 45).await;
    desk.lesson(2, 50, 45).await;
    desk.lesson(3, 120, 45).await;
    desk.lesson(4, 14 * 24 * 60, 45).await;
    desk.lesson(5, 30 * 24 * 60, 45).await;
    let told = desk.told(EIGHT).await;
    let later = 14 * 24 * 60;
    let expect = [(-2, 100), (118, 170), (later - 2, later + 50)];
    assert_eq!(minutes(&told.windows), expect);
    assert_eq!((told.mode, told.made_at), (Mode::Lessons, EIGHT));
    assert!(told.known.to_ms >= EIGHT + 14 * 24 * HOUR);
    let json = serde_json::to_string(&told).unwrap();
    for word in ["王", "数据库", "软件"] {
        assert!(!json.contains(word), "{json}");
    }
    assert_eq!(merged(told.windows.clone()), told.windows);
    let unknown = ClassroomId(Uuid::from_u128(99));
    let nowhere = desk.timetables.of(unknown, EIGHT).await;
    assert!(matches!(nowhere, Err(Error::NotFound)));
}

/// The same document as long as nothing changes, and a new one for every change and every day.
#[tokio::test]
async fn a_change_makes_a_new_version_and_nothing_else_does() {
    let desk = Desk::new().await;
    desk.lesson(1, 60, 45).await;
    desk.lesson(2, 24 * 60, 45).await;
    let first = desk.told(EIGHT).await;
    assert_eq!(desk.told(EIGHT + HOUR).await, first);
    let soon = |now_ms| desk.timetables.catch_up(now_ms, now_ms + SOON_MS);
    assert_eq!(soon(EIGHT + HOUR).await.unwrap(), 0);

    desk.cancel(1).await;
    let running = EIGHT + HOUR + 10 * MINUTE_MS;
    assert_eq!(soon(running).await.unwrap(), 1, "cancelled while it runs");
    let second = desk.told(running).await;
    assert!(second.version > first.version);
    assert_eq!(minutes(&second.windows), [(24 * 60 - 2, 24 * 60 + 50)]);

    desk.cancel(2).await;
    assert_eq!(
        soon(running).await.unwrap(),
        0,
        "tomorrow's is not looked at"
    );
    let whole = desk.timetables.catch_up(running, i64::MAX);
    assert_eq!(whole.await.unwrap(), 1);
    let tomorrow = EIGHT + 24 * HOUR;
    assert_eq!(soon(tomorrow).await.unwrap(), 1, "a new day");

    // A clock that is set back does not make a box refuse what it is told.
    desk.lesson(3, 60, 45).await;
    let set_back = desk.told(EIGHT).await;
    assert!(set_back.version > second.version);
}

/// K14: what was owed stays what it was, whatever the timetable says afterwards.
#[tokio::test]
async fn a_later_change_does_not_rewrite_what_was_owed() {
    let desk = Desk::new().await;
    desk.lesson(1, 0, 45).await;
    desk.told(EIGHT - HOUR).await;
    desk.cancel(1).await;
    desk.told(EIGHT + 10 * MINUTE_MS).await;
    let day = Window {
        from_ms: EIGHT - 2 * HOUR,
        to_ms: EIGHT + 2 * HOUR,
    };
    let owed = owed(&desk.house.db, ROOM, day).await.unwrap();
    assert_eq!(minutes(&owed), [(-2, 10)]);
}

/// X49: the room's mode.
#[tokio::test]
async fn a_room_can_be_recorded_always() {
    let desk = Desk::new().await;
    let first = desk.told(EIGHT).await;
    let mut writing = desk.house.db.begin().await.unwrap();
    let set = rows::set_capture(&mut writing, &ROOM.to_string(), "continuous").await;
    assert!(set.unwrap());
    Db::commit(writing).await.unwrap();
    let second = desk.told(EIGHT + HOUR).await;
    assert_eq!(second.mode, Mode::Continuous);
    assert!(second.version > first.version);
    let modes = desk.timetables.modes(EIGHT).await.unwrap();
    assert_eq!(modes["box-1"], (Mode::Continuous, None));
    let day = Window {
        from_ms: EIGHT,
        to_ms: EIGHT + 2 * HOUR,
    };
    let owed = owed(&desk.house.db, ROOM, day).await.unwrap();
    assert_eq!(minutes(&owed), [(60, 120)]);
}
