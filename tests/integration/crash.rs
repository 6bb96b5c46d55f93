//! The hub dies as in a power cut: what was going on then has its end when the hub is back.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use tokio::time::sleep;
use xunke_agent::identity::Identity;
use xunke_agent::recording::spool::look_into;
use xunke_protocol::id::SegmentId;
use xunke_protocol::sealed::Outline;
use xunke_tests::campus::{Classroom, Hub, Person, Viewer, slots, stored};
use xunke_tests::classroom::Sound;

use crate::shared::{folder, get, list, run};

const UPLOAD_MAX: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(10);

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

/// P8, X55: hub and box die in turns while several segments are on their way. None is lost, for it
/// stays at one side at least; none is in the library twice; each is as it was sealed.
#[test]
fn a_crash_with_several_on_their_way_loses_none_and_doubles_none() -> Result<()> {
    run(async {
        let folder = folder("crash-upload")?;
        let mut hub = Hub::start(&folder, 1, None)?;
        let room = hub.rooms[0].clone();
        let mut classroom = Classroom::start(room, Sound::Aac, &folder, hub.ports)?;
        classroom.configure(|text| {
            let slow = "spread_seconds = 0\nkib_per_second_max = 256\n";
            text.replace("segment_seconds = 6", "segment_seconds = 2")
                .replace("spread_seconds = 0\n", slow)
        })?;
        classroom.run_agent()?;
        let mut sealed = BTreeMap::new();
        for of_the_box in [false, true, false] {
            hub.kill();
            until_sealed(&classroom, 4, &mut sealed).await?;
            hub.run()?;
            until_several_arrive(&hub).await?;
            if of_the_box {
                classroom.kill_agent();
                classroom.run_agent()?;
            }
        }
        hub.kill();
        hub.run()?;
        until_all_are_stored(&hub, &sealed).await?;
        classroom.end_agent()?;
        hub.end()
    })
}

/// Waits until so many whole segments wait in the box's spool, and notes them.
async fn until_sealed(
    classroom: &Classroom,
    count: usize,
    sealed: &mut BTreeMap<SegmentId, [u8; 32]>,
) -> Result<()> {
    let state = classroom.state_dir();
    let device = Identity::load(&state)?.device_signing_key.verifying_key();
    let until = Instant::now() + UPLOAD_MAX;
    loop {
        let mut waiting = 0;
        for slot in slots(&state.join("spool")) {
            let held = look_into(&slot, &device)?;
            let Some((header, bytes)) = held.filter(|(_, bytes)| is_whole(bytes)) else {
                continue;
            };
            waiting += 1;
            sealed.insert(header.segment, Sha256::digest(&bytes).into());
        }
        if waiting >= count {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{waiting} segments were sealed");
        sleep(20 * LOOK).await;
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    Outline::scan(bytes).is_ok_and(|outline| outline.complete)
}

/// Waits until two uploads at least are coming in.
async fn until_several_arrive(hub: &Hub) -> Result<()> {
    let until = Instant::now() + UPLOAD_MAX;
    let incoming = hub.data_dir().join("media/incoming");
    while files(&incoming)? < 2 {
        ensure!(Instant::now() < until, "one upload at a time");
        sleep(LOOK).await;
    }
    Ok(())
}

/// Files below a folder; they come and go meanwhile.
fn files(folder: &Path) -> Result<usize> {
    let Ok(items) = fs::read_dir(folder) else {
        return Ok(0);
    };
    let paths = items.flatten().map(|item| item.path());
    paths
        .map(|path| if path.is_dir() { files(&path) } else { Ok(1) })
        .sum()
}

async fn until_all_are_stored(hub: &Hub, sealed: &BTreeMap<SegmentId, [u8; 32]>) -> Result<()> {
    let until = Instant::now() + UPLOAD_MAX;
    loop {
        let mut wrong = Vec::new();
        let there = stored(hub, &mut wrong)?;
        ensure!(wrong.is_empty(), "{wrong:?}");
        if sealed.keys().all(|segment| there.contains_key(segment)) {
            for (segment, sha256) in sealed {
                let digest: [u8; 32] = Sha256::digest(fs::read(&there[segment])?).into();
                ensure!(digest == *sha256, "{segment} is not as it was sealed");
            }
            return Ok(());
        }
        ensure!(
            Instant::now() < until,
            "{} of {}",
            there.len(),
            sealed.len()
        );
        sleep(20 * LOOK).await;
    }
}
