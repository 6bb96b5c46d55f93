//! The document on disk and on its way from the hub.

use super::kept::{Error, Kept};
use super::*;
use crate::clock;
use crate::identity::Identity;
use crate::link::Status;
use crate::test_peer::{Hub, directory, read_http, write_http};
use ed25519_dalek::SigningKey;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;
use uuid::Uuid;
use xunke_protocol::health::TimetableBasis;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::timetable::{Mode, SignedTimetable, Timetable, Window};

/// Of the test hub, and the room it gives out.
const KEY: [u8; 32] = [5; 32];
const ROOM: ClassroomId = ClassroomId(Uuid::from_u128(1));

fn signed(version: u64, room: ClassroomId, key: [u8; 32]) -> SignedTimetable {
    let now_ms = clock::now_ms();
    let timetable = Timetable {
        classroom: room,
        version,
        made_at: now_ms,
        mode: Mode::Lessons,
        known: Window {
            from_ms: now_ms - 3_600_000,
            to_ms: now_ms + 86_400_000,
        },
        windows: Vec::new(),
    };
    SignedTimetable::sign(timetable, &SigningKey::from_bytes(&key))
}

fn kept(state_dir: &Path) -> Kept {
    Kept::new(
        state_dir,
        ROOM,
        SigningKey::from_bytes(&KEY).verifying_key(),
    )
}

/// X49: what was kept once counts after a start without the hub, and only ever gets newer.
#[test]
fn the_newest_document_outlives_a_start() {
    let dir = directory("timetable-kept");
    let mut first = kept(&dir);
    assert_eq!(first.read(), None);
    let seven = signed(7, ROOM, KEY);
    let taken = first.accept(seven.clone()).unwrap();
    assert_eq!(taken.as_ref(), Some(&seven.timetable));
    assert_eq!(first.accept(seven.clone()).unwrap(), None, "nothing new");

    let mut second = kept(&dir);
    assert_eq!(second.read(), Some(seven.timetable));
    let older = second.accept(signed(6, ROOM, KEY));
    assert!(matches!(older, Err(Error::Older { given: 6, kept: 7 })));
    let other_room = signed(8, ClassroomId(Uuid::from_u128(2)), KEY);
    assert!(matches!(second.accept(other_room), Err(Error::Foreign)));
    let forged = second.accept(signed(8, ROOM, [6; 32]));
    assert!(matches!(forged, Err(Error::Foreign)));

    std::fs::write(dir.join("timetable.json"), b"{\"timetable\":").unwrap();
    assert_eq!(kept(&dir).read(), None, "damaged is as good as none");
    std::fs::remove_dir_all(&dir).unwrap();
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1000 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("{what}");
}

/// X49: at start, and again when the hub says that there is something new.
#[tokio::test]
async fn the_hub_is_asked_at_start_and_when_it_says_so() {
    let hub = Hub::start().await;
    let config = hub.config("timetable-asked");
    let identity: Identity = hub.enrolled(&config).await;
    let client = identity.http_client(Duration::from_secs(5)).unwrap();
    let keeper = Keeper::open(&identity, &config.state_dir);
    let schedule = keeper.schedule();
    let basis = |schedule: &Schedule| schedule.signals(clock::now_ms());
    assert_eq!(basis(&schedule).basis, TimetableBasis::Missing);
    let (link, status) = watch::channel(Status::default());
    let base = config.hub.base().to_owned();
    let running = tokio::spawn(async move { keeper.run(client, &base, status).await });
    for version in [3, 4] {
        let mut stream = hub.accept().await.unwrap();
        read_http(&mut stream).await;
        let body = serde_json::to_vec(&signed(version, ROOM, KEY)).unwrap();
        write_http(&mut stream, 200, &body).await;
        drop(stream);
        until("a kept version", || basis(&schedule).version == version).await;
        assert_eq!(basis(&schedule).basis, TimetableBasis::Lessons);
        link.send_modify(|status| status.timetables += 1);
    }
    // A hub whose clock is an hour ahead: one of the two is wrong, and nothing may be missed.
    let started = clock::now_ms() - i64::try_from(clock::mono_ms()).unwrap();
    link.send_modify(|status| status.hub_start_ms = Some(started + 3_600_000));
    let wrong = || basis(&schedule).basis == TimetableBasis::Clock;
    until("the clock is noticed", wrong).await;
    assert!(schedule.wanted(clock::now_ms()).on);
    running.abort();
    std::fs::remove_dir_all(&config.state_dir).unwrap();
}
