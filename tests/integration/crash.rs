//! The hub dies as in a power cut: what was going on then has its end when the hub is back.

use std::time::Duration;

use anyhow::{Context, Result};
use xunke_tests::campus::{Classroom, Hub, Person, Viewer};
use xunke_tests::classroom::Sound;

use crate::shared::{folder, get, list, run};

async fn sign_in(hub: &Hub, role: &str) -> Result<Person> {
    let account = hub.accounts.iter().find(|account| account.role == role);
    let url = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&url, &hub.ca_pem()?)?;
    nobody.sign_in(account.context("nobody is that")?).await
}

/// R60: a view that nobody closed ends in the trail, as its viewer's, and marked as cut off.
#[test]
fn a_view_that_a_crash_cut_off_has_its_end_in_the_trail() -> Result<()> {
    run(async {
        let folder = folder("crash")?;
        let mut hub = Hub::start(&folder, 1, None)?;
        // A room with an enrolled box; that the box sends nothing does not matter here.
        let room = hub.rooms[0].clone();
        let classroom = Classroom::start(room, Sound::Aac, &folder, hub.ports)?;
        let supervisor = sign_in(&hub, "school_supervisor").await?;
        let mut viewer = Viewer::open(&supervisor).await?;
        viewer.watch(1, &classroom.room.id, "sub").await?;
        let opened = viewer.word(Duration::from_secs(5)).await?;
        let view = opened["view_id"].as_str().context("no view")?;
        hub.kill();
        hub.run()?;
        let auditor = sign_in(&hub, "audit_administrator").await?;
        let trail = get(&auditor, "/api/audit").await?;
        let lines = list(&trail, "entries")?;
        let ends: Vec<_> = lines
            .iter()
            .filter(|line| line["object"] == format!("view {view}"))
            .collect();
        assert_eq!(ends.len(), 1, "{trail}");
        assert_eq!(ends[0]["action"], "view_closed", "{trail}");
        assert_eq!(ends[0]["outcome"], "failed", "{trail}");
        let person = &supervisor.me["person"];
        assert_eq!(ends[0]["staff_number"], person["staff_number"], "{trail}");
        let detail = ends[0]["detail"].as_str().unwrap_or_default();
        assert!(detail.starts_with("hub_ended_unexpectedly, "), "{detail}");
        assert_eq!(trail["verified"], true);
        hub.end()
    })
}
