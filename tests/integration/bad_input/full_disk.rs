//! A disk that is full, at the box and at the hub: nothing that was recorded is lost but what the
//! box gives up aloud, and everything goes on when there is room again.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use xunke_tests::campus::{SmallDisk, slots};
use xunke_tests::clock::now_ms;

use super::alone::{Alone, Footage, SEGMENT_MS, STORED_MAX, complaints};
use crate::shared::{run, until};

/// Room for a header, but for no fragment.
const CRUMB_BYTES: u64 = 64 * 1024;
/// What a box says that was told so.
const FULL: &str = "507 Insufficient Storage";
const MIB: u64 = 1024 * 1024;
/// Two fragments and a session's begin: what a full disk may cost before and after.
const EDGE_MS: i64 = 3 * SEGMENT_MS;

/// Whether disks can be made here; said aloud when not, for then nothing is tested.
pub fn can_be_tested() -> bool {
    let possible = SmallDisk::is_possible();
    if !possible {
        eprintln!("not tested: this machine has no user namespaces to make a small disk in");
    }
    possible
}

/// A box on a small disk, with something in the library already. Gives its process id.
async fn start(alone: &mut Alone) -> Result<(SmallDisk, u32)> {
    alone
        .room()
        .configure(|text| text.replace("free_mib_min = 64", "free_mib_min = 0"))?;
    let disk = SmallDisk::new(&alone.room().state_dir(), 48);
    alone.run_agent_on(&disk)?;
    let pid = alone.room().agent()?.pid();
    alone.until_stored_to(alone.since_ms).await?;
    Ok((disk, pid))
}

fn recorder_is(state: &str) -> impl Fn(&Value) -> bool {
    move |device| device["health"]["recording"]["state"] == state
}

/// Nothing is missing but one stretch between two moments, which is told as given up.
fn one_hole(footage: &Footage, from_ms: i64, to_ms: i64) -> Result<()> {
    let [hole] = &footage.holes[..] else {
        bail!("not one hole: {footage:?}");
    };
    ensure!(footage.breaks().len() == 1, "{footage:?}");
    ensure!(hole.reason == "evicted", "{hole:?}");
    let within = hole.from_ms >= from_ms - EDGE_MS && hole.to_ms <= to_ms + EDGE_MS;
    ensure!(within, "{hole:?} is not within {from_ms} and {to_ms}");
    Ok(())
}

/// X58, P5: what is recorded goes into slots that are there already.
#[test]
fn a_full_disk_does_not_stop_a_box_that_has_its_slots() -> Result<()> {
    if !can_be_tested() {
        return Ok(());
    }
    run(async {
        let mut alone = Alone::start("slots-full").await?;
        let (disk, pid) = start(&mut alone).await?;
        alone.until_stored_to(alone.since_ms + EDGE_MS).await?;
        disk.fill(pid, 0)?;
        let full_ms = now_ms();
        let footage = alone.until_whole_to(full_ms + 4 * SEGMENT_MS).await?;
        alone.play_back(&footage).await?;
        let said = alone.box_said()?;
        ensure!(!said.contains("recording fails"), "{said}");
        Ok(())
    })
}

/// Issue "Bad input", X58: a full disk, and no slot yet.
#[test]
fn a_box_whose_disk_is_full_says_so_once_and_records_again_when_there_is_room() -> Result<()> {
    if !can_be_tested() {
        return Ok(());
    }
    run(async {
        let mut alone = Alone::start("box-full").await?;
        let state_dir = alone.room().state_dir();
        for slot in slots(&state_dir.join("spool")) {
            fs::remove_file(slot)?;
        }
        let room = alone.room();
        room.configure(|text| text.replace("free_mib_min = 64", "free_mib_min = 0"))?;
        let disk = SmallDisk::new(&state_dir, 48).full();
        alone.run_agent_on(&disk)?;
        let pid = alone.room().agent()?.pid();
        alone
            .until_device("failing", recorder_is("failing"))
            .await?;
        alone.until_fault("box", "REC_FAILING", true).await?;
        let said = alone.box_said()?;
        is_told_once(&said)?;
        disk.clear(pid)?;
        let room_ms = now_ms();
        alone
            .until_device("recording", recorder_is("recording"))
            .await?;
        let footage = alone.until_whole_to(room_ms + EDGE_MS).await?;
        let first_ms = footage.pieces.first().context("nothing")?.from_ms;
        ensure!(first_ms <= room_ms + EDGE_MS, "{footage:?}");
        alone.play_back(&footage).await?;
        alone.until_fault("box", "REC_FAILING", false).await?;
        let gaps = alone.box_said()?.matches(": gap source=").count();
        ensure!(gaps == 1, "one hole is told in {gaps} pieces");
        let again = alone.box_said()?.matches("recording works again").count();
        ensure!(again == 1, "that it works again is told {again} times");
        Ok(())
    })
}

/// One line says which folder and why.
fn is_told_once(said: &str) -> Result<()> {
    let complaints = complaints(said);
    let fails = |line: &&str| line.contains("recording fails");
    let told: Vec<&str> = complaints.into_iter().filter(fails).collect();
    let [told] = told[..] else {
        bail!("not one line: {told:#?}");
    };
    for word in ["/spool", "No space left", "free space"] {
        ensure!(told.contains(word), "{word} is not said: {told}");
    }
    Ok(())
}

/// With the hub away there is something to give up: the oldest, aloud, and the newest is kept.
#[test]
fn a_full_spool_without_a_hub_gives_up_the_oldest_aloud() -> Result<()> {
    if !can_be_tested() {
        return Ok(());
    }
    run(async {
        let mut alone = Alone::start("spool-full").await?;
        let (disk, pid) = start(&mut alone).await?;
        alone.campus.hub.kill();
        let away_ms = now_ms();
        alone.until_spooled(3).await?;
        disk.fill(pid, CRUMB_BYTES)?;
        let lost = until("the oldest is given up", STORED_MAX, async || {
            let said = alone.box_said()?;
            let lost = said.matches("FOOTAGE LOST").count();
            Ok((lost >= 2).then_some(lost).ok_or(said.into()))
        });
        lost.await?;
        disk.clear(pid)?;
        let room_ms = now_ms();
        // A slot may show for a moment yet what was given up in it.
        let mut kept = alone.spooled();
        let lost = given_up(&alone.box_said()?);
        kept.retain(|id| !lost.contains(id));
        alone.campus.hub.run()?;
        alone.until_stored(&kept).await?;
        let footage = alone.until_stored_to(now_ms()).await?;
        one_hole(&footage, away_ms, room_ms)?;
        alone.play_back(&footage).await?;
        alone.until_fault("box", "REC_EVICTED", true).await?;
        alone.box_said().map(drop)
    })
}

/// A box that is switched on with a full disk must be able to empty it: by uploading.
#[test]
fn a_box_that_starts_on_a_full_disk_uploads_and_then_records() -> Result<()> {
    if !can_be_tested() {
        return Ok(());
    }
    run(async {
        let mut alone = Alone::start("start-full").await?;
        let room = alone.room();
        room.configure(|text| text.replace("free_mib_min = 64", "free_mib_min = 0"))?;
        alone.campus.hub.kill();
        alone.run_agent()?;
        alone.until_spooled(3).await?;
        alone.room().end_agent()?;
        let mut kept = alone.spooled();
        let disk = SmallDisk::new(&alone.room().state_dir(), 48).full();
        alone.room().run_agent_on(&disk)?;
        let pid = alone.room().agent()?.pid();
        alone.campus.hub.run()?;
        // The newest needs room: the oldest may have been given up for it, aloud.
        until("each is stored or given up", STORED_MAX, async || {
            let (said, footage) = (alone.box_said()?, alone.footage().await?);
            let lost = given_up(&said);
            kept.retain(|id| !lost.contains(id));
            let stored = |id: &String| footage.pieces.iter().any(|piece| piece.id == *id);
            Ok(kept.iter().all(stored).then_some(()).ok_or(said.into()))
        })
        .await?;
        ensure!(kept.len() >= 2, "the box has given up too much");
        disk.clear(pid)?;
        let room_ms = now_ms();
        let footage = alone.until_stored_to(room_ms + EDGE_MS).await?;
        alone.play_back(&footage).await?;
        alone.box_said().map(drop)
    })
}

/// What the box says of segments it has given up.
fn given_up(said: &str) -> String {
    let is_lost = |line: &&str| line.contains("FOOTAGE LOST");
    said.lines().filter(is_lost).collect()
}

/// The hub answers 507 and keeps nothing half; boxes keep their segments until it has room.
#[test]
fn a_hub_whose_disk_is_full_gives_no_receipt_and_loses_nothing() -> Result<()> {
    if !can_be_tested() {
        return Ok(());
    }
    run(async {
        let mut alone = Alone::start("hub-full").await?;
        alone.campus.hub.end()?;
        let hub = &alone.campus.hub;
        hub.configure(|text| text.replace("free_mib_min = 64", "free_mib_min = 1"))?;
        // A segment is larger than what must stay free: the disk fills while it is written.
        let seconds = |text: String| text.replace("segment_seconds = 2", "segment_seconds = 6");
        alone.room().configure(seconds)?;
        let disk = SmallDisk::new(&alone.campus.hub.data_dir(), 64);
        alone.campus.hub.run_on(&disk)?;
        let pid = alone.campus.hub.pid().context("no hub")?;
        alone.run_agent()?;
        alone.until_stored_to(alone.since_ms).await?;

        disk.fill(pid, MIB + MIB / 8)?;
        refuses(&mut alone, &disk, pid).await?;
        until("the box is told why", STORED_MAX, async || {
            let said = alone.box_said()?;
            Ok(said.contains(FULL).then_some(()).ok_or(said.into()))
        })
        .await?;
        disk.fill(pid, MIB / 2)?;
        refuses(&mut alone, &disk, pid).await?;
        // X9: there is room for the trail, so whoever may watch still can.
        let footage = alone.footage().await?;
        alone.play_back(&footage).await?;
        disk.fill(pid, 0)?;
        refuses(&mut alone, &disk, pid).await?;

        let kept = alone.until_spooled(2).await?;
        disk.clear(pid)?;
        match alone.until_stored(&kept).await {
            Ok(footage) => footage.is_whole()?,
            Err(why) => bail!(
                "{why:#}\nthe box said: {}\nthe hub said: {}",
                alone.box_said()?,
                alone.hub_said()?
            ),
        }
        said_once(&mut alone)
    })
}

/// Waits until an upload was refused because of the disk; nothing of it may stay.
async fn refuses(alone: &mut Alone, disk: &SmallDisk, pid: u32) -> Result<()> {
    let refusals = |said: &str| said.matches("no receipt").count();
    let before = refusals(&alone.hub_said()?);
    until("no receipt", STORED_MAX, async || {
        let said = alone.hub_said()?;
        Ok((refusals(&said) > before).then_some(()).ok_or(said.into()))
    })
    .await?;
    let incoming = disk.seen_by(pid).join("media/incoming");
    until("nothing half is left", Duration::from_secs(5), async || {
        let boxes = fs::read_dir(&incoming)?.collect::<Result<Vec<_>, _>>()?;
        let files = boxes.iter().map(|of| Ok(fs::read_dir(of.path())?.count()));
        let left: usize = files.sum::<Result<_>>()?;
        Ok((left == 0).then_some(()).ok_or(left.into()))
    })
    .await
}

fn said_once(alone: &mut Alone) -> Result<()> {
    let (boxed, hub) = (alone.box_said()?, alone.hub_said()?);
    let waits = boxed.matches(FULL).count();
    ensure!(
        waits == 1,
        "the box says {waits} times why segments wait: {boxed}"
    );
    let full: Vec<_> = hub
        .lines()
        .filter(|line| line.contains("recording.folder"))
        .collect();
    ensure!(full.len() == 1 && full[0].contains("ERROR"), "{full:#?}");
    ensure!(hub.contains("room for recordings again"), "{hub}");
    Ok(())
}
