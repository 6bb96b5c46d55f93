//! A killed worker: its camera is back, and the others have not noticed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;
use xunke_tests::bench::usage::children;
use xunke_tests::camera::{Options, SimulatedCamera};
use xunke_tests::campus::{LoneBox, Pictures, Source};

use super::watched::PATIENCE;
use crate::shared::{folder, run};

/// Pictures in a newest session that show that it works.
const ENOUGH: u32 = 60;

async fn until(what: &str, cameras: &[SimulatedCamera], is: impl Fn() -> bool) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !is() {
        if Instant::now() > deadline {
            let tallies = cameras.iter().map(|camera| camera.tally("main"));
            bail!("not so in time: {what}; {:?}", tallies.collect::<Vec<_>>());
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// X53: one process per camera. The kernel, an attacker or a fault may end it; the camera is opened
/// again by a fresh one, and no other camera loses a picture on the way to its sealed segment.
#[test]
fn a_killed_worker_is_back_and_costs_other_cameras_nothing() -> Result<()> {
    run(async {
        let cameras = [
            SimulatedCamera::start(Options::default()).await?,
            SimulatedCamera::start(Options::default()).await?,
        ];
        let folder = folder("killed")?;
        let sources: Vec<Source> = cameras.iter().map(Source::of).collect();
        let mut lone = LoneBox::start(&folder, &sources, "[spool]\nfree_mib_min = 64\n")?;
        let sent = |camera: &SimulatedCamera| camera.tally("main").pictures;
        let all = || cameras.iter().all(|camera| sent(camera) > ENOUGH);
        until("both are recorded", &cameras, all).await?;

        let workers: BTreeSet<u32> = children(lone.agent.pid())?.into_iter().collect();
        ensure!(
            workers.len() == 2,
            "one worker for each camera: {workers:?}"
        );
        let victim = *workers.first().context("no worker")?;
        let pid = i32::try_from(victim).ok().and_then(Pid::from_raw);
        kill_process(pid.context("no such process")?, Signal::KILL)?;

        let sessions = || {
            cameras
                .each_ref()
                .map(|camera| camera.tally("main").sessions)
        };
        let again = || sessions().iter().sum::<u32>() == 3;
        until("one is opened again", &cameras, again).await?;
        until("both are recorded again", &cameras, all).await?;
        let now: BTreeSet<u32> = children(lone.agent.pid())?.into_iter().collect();
        ensure!(
            now.len() == 2 && !now.contains(&victim) && now.intersection(&workers).count() == 1,
            "the other worker stays: {workers:?}, {now:?}"
        );
        ensure!(!lone.agent.ended(), "{}", lone.agent.last_words());
        lone.agent.end()?;

        for (number, sessions) in sessions().into_iter().enumerate() {
            let opened = lone.opened(number)?;
            let last = opened.last().and_then(|segment| segment.pictures.last());
            let newest = last.map(|picture| picture.session);
            ensure!(
                newest == Some(sessions),
                "cam{number} is not recorded again"
            );
            let found = opened.into_iter().flat_map(|segment| segment.pictures);
            let pictures = Pictures::of(found, sent(&cameras[number]));
            ensure!(pictures.recorded > u64::from(ENOUGH), "{pictures:?}");
            ensure!(
                (pictures.lost, pictures.twice) == (0, 0),
                "cam{number}: {pictures:?}"
            );
        }
        Ok(())
    })
}
