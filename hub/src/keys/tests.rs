//! Keys: pairs for every coming day, bundles that boxes believe, and a master key that is missed.

use super::*;
use crate::config::Keys as Config;
use crate::store::people::{NewPerson, add_person};

pub(super) const NOW: i64 = 1_795_300_000_000;
const DAY_MS: i64 = 86_400_000;

struct Room(PathBuf);

impl Room {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("xunke-keys-{}", uuid::Uuid::now_v7())))
    }

    async fn open(&self, db: &Db, days_ahead: u32, now_ms: i64) -> Result<Keys, Error> {
        let config = Config {
            days_ahead,
            ..Config::default()
        };
        let custody = Custody::own(&self.0);
        Keys::open(db.clone(), &custody, &config, hub_key(), now_ms).await
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Somebody with an account.
pub(super) async fn person(db: &Db, number: u128) -> uuid::Uuid {
    let id = uuid::Uuid::from_u128(number);
    let mut writing = db.begin().await.unwrap();
    let new = NewPerson {
        id: &id.to_string(),
        staff_number: &number.to_string(),
        name: "王建国",
        unit_id: None,
        roles: &["school_supervisor"],
        password_hash: "",
        totp_sealed: "",
        now_ms: NOW,
    };
    add_person(&mut writing, &new).await.unwrap();
    Db::commit(writing).await.unwrap();
    id
}

fn hub_key() -> SigningKey {
    SigningKey::from_bytes(&[4; 32])
}

#[tokio::test]
async fn a_bundle_holds_every_day_and_a_box_accepts_it() {
    let (room, db) = (Room::new(), Db::in_memory().await);
    let keys = room.open(&db, 180, NOW).await.unwrap();
    let bundle = keys.bundle(NOW).await.unwrap();
    assert!(bundle.acceptable(&hub_key().verifying_key(), 0));
    let today = epoch::of(NOW);
    let days = bundle.days.iter().map(|day| day.epoch);
    assert!(days.eq(today - 1..=today + 180));
    assert!(keys.holds(today).await.unwrap() && !keys.holds(today + 181).await.unwrap());
}

#[tokio::test]
async fn a_bundle_stays_the_same_within_its_day_and_grows_with_the_next() {
    let (room, db) = (Room::new(), Db::in_memory().await);
    let keys = room.open(&db, 3, NOW).await.unwrap();
    let first = keys.bundle(NOW).await.unwrap();
    assert_eq!(keys.bundle(NOW + 60_000).await.unwrap(), first);
    let next = keys.bundle(NOW + DAY_MS).await.unwrap();
    assert!(next.version > first.version);
    assert_eq!(next.days[..4], first.days[1..], "a day keeps its key");
    let back = keys.bundle(NOW).await.unwrap();
    assert!(
        back.version > next.version,
        "a clock that falls does not take the version along"
    );
}

#[tokio::test]
async fn a_database_from_a_copy_is_believed_again() {
    let (room, db) = (Room::new(), Db::in_memory().await);
    let keys = room.open(&db, 3, NOW).await.unwrap();
    let seen = keys.bundle(NOW).await.unwrap().version;
    let copy = Db::in_memory().await;
    std::fs::remove_dir_all(&room.0).unwrap();
    let restored = room.open(&copy, 3, NOW + 60_000).await.unwrap();
    assert!(restored.bundle(NOW + 60_000).await.unwrap().version > seen);
}

/// X17: what is stored without the master key is worth nothing, and its loss is not hidden.
#[tokio::test]
async fn without_its_master_key_the_hub_does_not_start() {
    let (room, db) = (Room::new(), Db::in_memory().await);
    room.open(&db, 1, NOW).await.unwrap();
    let path = room.0.join("keys/master.key");
    std::fs::remove_file(&path).unwrap();
    let lost = room.open(&db, 1, NOW).await.unwrap_err();
    assert!(matches!(lost, Error::MasterMissing(_)), "{lost}");
    assert!(!path.exists(), "no new one is made in its place");
    secret_file::write(&path, &[1; 32]).unwrap();
    let other = room.open(&db, 1, NOW).await.unwrap_err();
    assert!(matches!(other, Error::OtherMaster { .. }), "{other}");
}

/// A configured file is delivered from outside: it is never made here.
#[tokio::test]
async fn a_configured_master_key_is_never_made() {
    let (room, db) = (Room::new(), Db::in_memory().await);
    let path = room.0.join("credential");
    let custody = Custody {
        file: path.clone(),
        make: false,
    };
    let days = Config {
        days_ahead: 1,
        ..Config::default()
    };
    let open = || Keys::open(db.clone(), &custody, &days, hub_key(), NOW);
    assert!(matches!(open().await, Err(Error::MasterMissing(_))));
    secret_file::write(&path, &[9; 32]).unwrap();
    open().await.unwrap();
    assert!(!room.0.join("keys").exists());
}

/// X15: 国密 begins with the next day that has no key yet; nothing that boxes know changes.
#[tokio::test]
async fn another_suite_begins_with_new_days() {
    let (room, db) = (Room::new(), Db::in_memory().await);
    room.open(&db, 1, NOW).await.unwrap();
    let config = Config {
        suite: Suite::National,
        days_ahead: 2,
        ..Config::default()
    };
    let keys = Keys::open(db.clone(), &Custody::own(&room.0), &config, hub_key(), NOW).await;
    let bundle = keys.unwrap().bundle(NOW).await.unwrap();
    let suites: Vec<_> = bundle.days.iter().map(|day| day.public.suite()).collect();
    let [aes, sm] = [Suite::International, Suite::National];
    assert_eq!(suites, [aes, aes, aes, sm]);
    assert!(bundle.acceptable(&hub_key().verifying_key(), 0));
}
