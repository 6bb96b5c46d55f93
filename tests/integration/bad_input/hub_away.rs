//! A hub that is not there, or is killed: boxes record on and hand over all of it later.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use xunke_tests::classroom::Behaviour;
use xunke_tests::clock::now_ms;

use super::alone::{Alone, SEGMENT_MS, complaints};
use crate::shared::run;

/// Long enough for a box that repeats itself to be caught: it tries again every two seconds.
const AWAY: Duration = Duration::from_secs(6);

/// Issue "Bad input": a hub that is not there at agent start.
#[test]
fn a_box_that_starts_without_the_hub_records_and_hands_all_over_later() -> Result<()> {
    run(async {
        let mut alone = Alone::start("hub-absent").await?;
        alone.campus.hub.kill();
        alone.run_agent()?;
        alone.until_spooled(2).await?;
        tokio::time::sleep(AWAY).await;
        let said = alone.box_said()?;
        is_told_once(&alone, &said, "the hub cannot be reached")?;
        let kept = alone.until_spooled(5).await?;
        alone.campus.hub.run()?;
        let footage = alone.until_stored(&kept).await?;
        footage.is_whole()?;
        let first = footage.pieces.first().map(|piece| piece.id.as_str());
        ensure!(
            first == kept.first().map(String::as_str),
            "{first:?} is not the first"
        );
        alone.play_back(&footage).await?;
        alone
            .until_device("online", |one| one["state"] == "online")
            .await?;
        ensure!(alone.box_said()?.contains("hub reached"));
        Ok(())
    })
}

/// One line with the address and what to do, and one that segments wait; none is repeated.
fn is_told_once(alone: &Alone, said: &str, what: &str) -> Result<()> {
    let complaints = complaints(said);
    let told: Vec<_> = complaints
        .iter()
        .filter(|line| line.contains(what))
        .collect();
    let port = alone.campus.hub.ports.mqtt.to_string();
    let clear = told.iter().all(|line| {
        let words = ["127.0.0.1", port.as_str(), "hub.url"];
        words.iter().all(|word| line.contains(word))
    });
    ensure!(told.len() == 1 && clear, "{what}: {told:#?}");
    ensure!(complaints.len() <= 2, "too much is said: {complaints:#?}");
    Ok(())
}

/// ARCHITECTURE: the hub may restart at any moment. Here it is killed twice while it is being sent
/// a segment.
#[test]
fn a_hub_that_is_killed_in_mid_upload_loses_nothing() -> Result<()> {
    run(async {
        let mut alone = Alone::start("hub-killed").await?;
        alone.run_agent()?;
        alone.until_stored_to(alone.since_ms).await?;
        let mut kept = vec![];
        for _ in 0..2 {
            kill_in_mid_upload(&mut alone)?;
            kept.extend(alone.until_spooled(2).await?);
            alone.campus.hub.run()?;
            alone
                .until_device("online", |one| one["state"] == "online")
                .await?;
        }
        alone.room().befall(Behaviour::Cover)?;
        let footage = alone.until_stored(&kept).await?;
        footage.is_whole()?;
        alone.play_back(&footage).await?;
        alone.until_fault("cam0", "CAM_COVERED", true).await?;
        let said = alone.box_said()?;
        let gone = complaints(&said).len();
        ensure!(gone <= 4, "two lines for each time it went: {said}");
        let to_ms = now_ms();
        alone.until_whole_to(to_ms).await.map(drop)
    })
}

/// Kills the hub while a segment is half there.
fn kill_in_mid_upload(alone: &mut Alone) -> Result<()> {
    let incoming = alone.campus.hub.data_dir().join("media/incoming");
    let longest = Duration::from_millis(u64::try_from(SEGMENT_MS * 5)?);
    let end = Instant::now() + longest;
    while fs::read_dir(&incoming)?.next().is_none() {
        ensure!(Instant::now() < end, "no upload within {longest:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
    alone.campus.hub.kill();
    Ok(())
}
