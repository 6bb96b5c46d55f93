//! The demonstration has everybody, everything and new secrets.

use std::collections::HashSet;

use xunke_policy::password;

use super::*;
use crate::campus::{classroom, lesson};

const NOW: i64 = 1_795_300_000_000;

/// A college with what it takes to sign in, for the tests of other rooms too.
pub(crate) async fn college(rooms: usize) -> (Db, SealingKey, Seeded) {
    college_at(rooms, NOW).await
}

/// The same at another time, for tests of what asks the clock itself.
pub(crate) async fn college_at(rooms: usize, now_ms: i64) -> (Db, SealingKey, Seeded) {
    let db = Db::in_memory().await;
    let dir = std::env::temp_dir().join(Uuid::now_v7().to_string());
    let sealing = SealingKey::open(&dir).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    let seeded = seed_in(&db, &sealing, rooms, now_ms).await.unwrap();
    (db, sealing, seeded)
}

async fn seed_in(
    db: &Db,
    sealing: &SealingKey,
    rooms: usize,
    now_ms: i64,
) -> Result<Seeded, Error> {
    let dir = std::env::temp_dir().join(Uuid::now_v7().to_string());
    let ca = Ca::open(&dir, now_ms).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    let tools = Tools {
        sealing,
        hasher: &Hasher::quick(),
        ca: &ca,
    };
    seed(db, &tools, rooms, now_ms).await
}

#[tokio::test]
async fn there_is_a_lesson_in_every_room_at_every_hour() {
    let (db, _, seeded) = college(5).await;
    assert_eq!(seeded.accounts.len(), 9 + 5);
    let rooms = classroom::all(&db).await.unwrap();
    assert_eq!(rooms.len(), 5);
    let names: HashSet<&str> = rooms.iter().map(|room| room.name.as_str()).collect();
    assert_eq!(names.len(), 5);
    let boxes: HashSet<&str> = seeded
        .rooms
        .iter()
        .map(|room| room.device.as_str())
        .collect();
    assert_eq!(boxes.len(), 5);
    assert_eq!(classroom::sources(&db).await.unwrap().len(), 5);
    let hour_ms = 60 * 60 * 1000;
    for room in &rooms {
        for hour in 0..24 {
            let at_ms = NOW + hour * hour_ms;
            let lesson = lesson::in_room(&db, room.id, at_ms).await.unwrap().unwrap();
            assert!(lesson.start_ms <= at_ms && at_ms < lesson.end_ms);
        }
    }
}

/// R29, X3: no default secrets.
#[tokio::test]
async fn secrets_are_strong_and_new_every_time() {
    let (_, _, first) = college(1).await;
    let (_, _, second) = college(1).await;
    for (one, other) in first.accounts.iter().zip(&second.accounts) {
        let owner = password::Owner {
            staff_number: &one.login,
            name: one.name,
        };
        assert_eq!(
            password::strong_enough(&one.password, owner, &password::Rules::default()),
            Ok(())
        );
        assert_ne!(one.password, other.password);
        assert_ne!(one.totp_secret, other.totp_secret);
        assert_ne!(one.link_token, other.link_token);
    }
}

#[tokio::test]
async fn a_store_with_people_is_left_alone() {
    let (db, sealing, _) = college(1).await;
    let again = seed_in(&db, &sealing, 1, NOW).await;
    assert!(matches!(again, Err(Error::NotEmpty)));
    let none = seed_in(&Db::in_memory().await, &sealing, 0, NOW).await;
    assert!(matches!(none, Err(Error::Rooms(0))));
}
