//! A disk that is full under the trail: closed, not open; and open again when there is room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Person, Said, SmallDisk, Viewer};
use xunke_tests::clock::now_ms;

use super::alone::{Alone, STORED_MAX};
use super::full_disk::can_be_tested;
use crate::shared::{get, list, run};

/// More lines than fit into what the database has already taken of the disk.
const LINES_MAX: usize = 20_000;
/// From the first line that was not written to the last frame.
const DARK_MS_MAX: i64 = 1000;

/// Keeps a disk full: uploads that are given up make room again and again.
struct Full {
    over: Arc<AtomicBool>,
    filling: JoinHandle<Result<()>>,
}

impl Full {
    fn keep(disk: &Arc<SmallDisk>, pid: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (disk, until) = (Arc::clone(disk), Arc::clone(&over));
        let filling = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                disk.fill(pid, 0)?;
                thread::sleep(Duration::from_millis(2));
            }
            disk.clear(pid)
        });
        Self { over, filling }
    }

    fn end(self) -> Result<()> {
        self.over.store(true, Ordering::Relaxed);
        let ended = self.filling.join();
        ended.map_err(|_| anyhow::anyhow!("the disk cannot be filled"))?
    }
}

/// Leaves refusals in the trail until one cannot be written; gives when.
async fn until_unwritable(technician: &Person) -> Result<i64> {
    for _ in 0..LINES_MAX {
        let (status, body) = technician.get("/api/rooms").await?;
        match status {
            StatusCode::FORBIDDEN => {}
            StatusCode::SERVICE_UNAVAILABLE => return Ok(now_ms()),
            _ => bail!("{status} {body}"),
        }
    }
    bail!("{LINES_MAX} lines were written to a full disk")
}

async fn play(person: &Person, recording: &Value) -> Result<(StatusCode, Value)> {
    let id = recording["id"].as_str().context("no id")?;
    let plan = json!({ "purpose": { "kind": "plan" } });
    person
        .post(&format!("/api/recordings/{id}/plays"), &plan)
        .await
}

fn segment(play: &Value) -> Result<String> {
    let segment = play["segments"][0]["id"].as_str();
    let (play, segment) = play["play_id"]
        .as_str()
        .zip(segment)
        .context("no segment")?;
    Ok(format!("/api/plays/{play}/segments/{segment}"))
}

/// The word that ends the picture; the last frame came in time.
async fn darkness(viewer: &mut Viewer, since_ms: i64) -> Result<()> {
    let mut last_ms = since_ms;
    loop {
        match viewer.next(STORED_MAX).await? {
            Said::Frame(_) => {
                last_ms = now_ms();
                ensure!(last_ms - since_ms < 5 * DARK_MS_MAX, "the picture goes on");
            }
            Said::Word(word) if word["op"] == "closed" => {
                assert_eq!(word["error"]["code"], "trail_unavailable", "{word}");
                ensure!(
                    last_ms - since_ms < DARK_MS_MAX,
                    "{} ms",
                    last_ms - since_ms
                );
                return Ok(());
            }
            Said::Word(_) => {}
            Said::Closed => bail!("closed without a word"),
        }
    }
}

/// Asks to watch right after a line could not be written, until that cannot be written either.
async fn until_refused(technician: &Person, who: &Person, recording: &Value) -> Result<()> {
    for _ in 0..100 {
        until_unwritable(technician).await?;
        let (status, body) = play(who, recording).await?;
        if status == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(body["error"]["code"], "trail_unavailable", "{body}");
            return Ok(());
        }
        // It could be written: the database had found room in its own file.
        ensure!(status.is_success(), "{status} {body}");
    }
    bail!("whoever asks is let in although lines cannot be written")
}

/// X9, issue "Bad input": what cannot be written stops what is running and opens nothing; with room
/// again everything works, and the chain is whole.
#[test]
fn a_full_disk_under_the_trail_closes_and_opens_again() -> Result<()> {
    if !can_be_tested() {
        return Ok(());
    }
    run(async {
        let mut alone = Alone::start("trail-full").await?;
        alone.campus.hub.end()?;
        let room_for_the_trail =
            |text: String| text.replace("free_mib_min = 64", "free_mib_min = 1");
        alone.campus.hub.configure(room_for_the_trail)?;
        let disk = Arc::new(SmallDisk::new(&alone.campus.hub.data_dir(), 64));
        alone.campus.hub.run_on(&disk)?;
        let pid = alone.campus.hub.pid().context("no hub")?;
        alone.run_agent()?;
        alone.until_stored_to(alone.since_ms).await?;
        let (room, supervisor) = (alone.room().room.id.clone(), alone.supervisor.clone());
        let recordings = get(&supervisor, "/api/recordings").await?;
        let recording = list(&recordings, "recordings")?[0].clone();
        let (status, running) = play(&supervisor, &recording).await?;
        ensure!(status.is_success(), "{status} {running}");
        let running = segment(&running)?;
        let mut viewer = Viewer::open(&supervisor).await?;
        viewer.watch(1, &room, "sub").await?;
        viewer.frame(STORED_MAX).await?;

        let full = Full::keep(&disk, pid);
        let since_ms = until_unwritable(&alone.technician).await?;
        darkness(&mut viewer, since_ms).await?;
        let (status, body) = supervisor.get(&running).await?;
        assert_eq!(status, StatusCode::FORBIDDEN, "played on: {body}");
        until_refused(&alone.technician, &supervisor, &recording).await?;

        full.end()?;
        viewer.watch(2, &room, "sub").await?;
        let opened = viewer.word(STORED_MAX).await?;
        assert_eq!(opened["op"], "opened", "{opened}");
        viewer.frame(STORED_MAX).await?;
        let (status, _) = supervisor.get(&running).await?;
        ensure!(status.is_client_error(), "what has ended comes back");
        let (_, again) = play(&supervisor, &recording).await?;
        assert_eq!(supervisor.get(&segment(&again)?).await?.0, StatusCode::OK);
        let auditor = alone.campus.sign_in("audit_administrator").await?;
        assert_eq!(get(&auditor, "/api/audit").await?["verified"], true);
        alone.hub_said().map(drop)
    })
}
