//! Releases: what is shown of those who wait, and who lets them go.

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::secret::SealingKey;
use crate::access::session::Session;
use crate::access::sign_in::{self, Typed};
use crate::config::Config;
use crate::store::trail::{full, room_again};

const NOW: i64 = 1_795_300_000_000;

struct Door {
    f: Stage,
    desk: Desk,
    releases: Releases,
    folder: std::path::PathBuf,
}

impl Door {
    async fn new() -> Self {
        let f = stage(NOW).await;
        let folder = std::env::temp_dir().join(format!("xunke-release-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir(&folder).unwrap();
        let sealing = SealingKey::open(&folder).unwrap();
        let (db, trail, sessions) = (f.db.clone(), f.trail.clone(), f.sessions.clone());
        let desk = Desk::new(
            db.clone(),
            trail.clone(),
            sessions,
            Arc::new(Config::default()),
            sealing,
        );
        let releases = Releases::new(db, trail, desk.clone());
        Self {
            f,
            desk,
            releases,
            folder,
        }
    }

    /// A wrong try by a login that nobody has; the number of seconds to wait, if any.
    async fn wrong(&self, login: &str, address: &str) -> Option<i64> {
        let typed = Typed {
            login: login.into(),
            password: "geheim-0815".to_owned().into(),
            code: "000000".into(),
        };
        let tried = self
            .desk
            .sign_in(typed, address.parse().unwrap(), NOW)
            .await;
        match tried.unwrap_err() {
            sign_in::Error::Wait(seconds) => Some(seconds),
            _ => None,
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn as_(session: &Session) -> By<'_> {
    By {
        session,
        origin: HERE,
        now_ms: NOW,
    }
}

/// X2: since when and until when somebody has to wait; what a stranger typed is not shown.
#[tokio::test]
async fn whoever_waits_is_shown_without_what_was_typed() {
    let door = Door::new().await;
    assert!(door.releases.waiting(NOW).await.unwrap().is_empty());
    for _ in 0..6 {
        door.wrong("MyPassw0rd!", "10.0.0.9").await;
    }
    let waiting = door.releases.waiting(NOW).await.unwrap();
    assert_eq!(waiting.len(), 3, "pair, strangers and network: {waiting:?}");
    let first = &waiting[0];
    assert!(matches!(first.held.whom, Whom::Pair(..)), "{first:?}");
    assert_eq!(
        (first.held.since_ms, first.held.locked_ms),
        (NOW, Some(NOW))
    );
    assert_eq!(first.held.until_ms, NOW + 30 * 60_000);
    assert!(
        waiting.iter().all(|one| one.account.is_none()),
        "{waiting:?}"
    );
    let later = door.releases.waiting(NOW + 30 * 60_000).await.unwrap();
    assert!(later.is_empty(), "{later:?}");
}

/// X2: a released network may try again at once, and it is a line with the reason; without a
/// reason, or a line, it waits on.
#[tokio::test]
async fn a_released_address_may_try_again() {
    let door = Door::new().await;
    let technician = door.f.session("technician", NOW).await;
    let address = "10.0.0.9".parse().unwrap();
    let nothing = door
        .releases
        .release(as_(&technician), address, "实验课")
        .await;
    assert!(matches!(nothing, Err(Error::Conflict(..))), "{nothing:?}");
    for _ in 0..6 {
        door.wrong("T9999", "10.0.0.9").await;
    }
    assert!(door.wrong("T9999", "10.0.0.9").await.is_some());
    let why = door.releases.release(as_(&technician), address, "").await;
    assert!(matches!(why, Err(Error::Field(_))), "{why:?}");
    full(&door.f.db, "trail", "1 = 1").await;
    let line = door
        .releases
        .release(as_(&technician), address, "机房共用地址")
        .await;
    assert!(matches!(line, Err(Error::Trail(_))), "{line:?}");
    room_again(&door.f.db).await;
    assert!(door.wrong("T9999", "10.0.0.9").await.is_some());
    let released = door
        .releases
        .release(as_(&technician), address, "机房共用地址")
        .await;
    released.unwrap();
    assert_eq!(door.wrong("T9999", "10.0.0.9").await, None);
    let lines = door.f.lines().await;
    let line = lines
        .iter()
        .find(|line| line.action == "release_lockout")
        .unwrap();
    assert_eq!(
        (&*line.object, &*line.purpose),
        ("10.0.0.9", "机房共用地址")
    );
    assert_eq!(line.staff_number, technician.person.staff_number);
}

/// X2: an account that strangers guess at is shown with its owner's name and can be released.
#[tokio::test]
async fn an_account_that_strangers_guess_at_is_released() {
    let door = Door::new().await;
    let technician = door.f.session("technician", NOW).await;
    let login = &door.f.session("teacher", NOW).await.person.staff_number;
    for n in 1..=11 {
        door.wrong(login, &format!("10.9.0.{n}")).await;
    }
    assert!(door.wrong(login, "10.9.0.99").await.is_some());
    let waiting = door.releases.waiting(NOW).await.unwrap();
    let strangers = Whom::Strangers(login.clone());
    let found = waiting
        .iter()
        .find(|one| one.held.whom == strangers)
        .unwrap();
    assert_eq!(
        found.account.as_ref().map(|(number, _)| number),
        Some(login)
    );
    let released = door
        .releases
        .release_account(as_(&technician), login, "已核实");
    released.await.unwrap();
    assert_eq!(door.wrong(login, "10.9.0.98").await, None);
    let unknown = door
        .releases
        .release_account(as_(&technician), "nobody", "已核实");
    assert!(matches!(unknown.await, Err(Error::Conflict(..))));
}
