//! How long a box is without a camera: its worker killed, the camera silent, gone and back.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::rig::{Rig, Wishes};
use super::{BENCH, lost};
use crate::bench::figure::{Figure, percentile};
use crate::campus::{LoneBox, Opened};
use crate::classroom::Behaviour;
use crate::clock::now_ms;

const CAMERAS: usize = 8;
/// Workers that are killed, one after the other.
const KILLED: usize = 3;
/// A worker is back and its camera recorded again by then.
const APART: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);
const SAID_MAX: Duration = Duration::from_secs(90);
const BACK_MAX: Duration = Duration::from_secs(60);
/// A short power cut, and one that lets the pauses between attempts grow to their longest.
const SHORT: Duration = Duration::from_secs(10);
const LONG: Duration = Duration::from_secs(90);

/// Kills workers, silences and switches off cameras; cameras that nothing befalls lose nothing.
///
/// # Errors
/// Something did not start, or did not come back.
pub async fn measure() -> Result<Vec<Figure>> {
    let wishes = Wishes {
        cameras: CAMERAS,
        small: true,
        ffmpeg: false,
    };
    let mut rig = Rig::start(wishes).await?;
    sleep(APART).await;
    let killed_ms = kill_workers(&rig).await?;
    let killed = reopened(&rig);
    let mut well = (0..CAMERAS).filter(|camera| !killed.contains(camera));
    let mut next = || well.next().context("too many cameras were opened again");
    let (silent, short, long, rest) = (next()?, next()?, next()?, next()?);
    let silenced = befall(&mut rig, silent, Behaviour::Freeze).await?;
    let refused = befall(&mut rig, short, Behaviour::Die).await?;
    befall(&mut rig, long, Behaviour::Die).await?;
    rig.cameras[silent].suffer(Behaviour::Thaw).await?;
    sleep(SHORT).await;
    let short_ms = revive(&mut rig, short).await?;
    sleep(LONG).await;
    let long_ms = revive(&mut rig, long).await?;
    for camera in [silent, short, long] {
        back(&rig, camera).await?;
    }
    sleep(Duration::from_secs(5)).await;
    rig.end()?;
    let mut again = vec![];
    for camera in &killed {
        again.push(first_of_second(&rig, *camera)?);
    }
    again.sort_unstable();
    let killed_s: Vec<f64> = again.iter().zip(&killed_ms).map(since).collect();
    let untouched = (rest..CAMERAS).filter(|camera| !killed.contains(camera));
    let accounts = rig.recorded()?;
    let untouched = lost(untouched.map(|camera| &accounts[camera]));
    let back_s = |camera: usize, from_ms: i64| -> Result<f64> {
        Ok(since((&first_of_second(&rig, camera)?, &from_ms)))
    };
    let figure = |metric: &str, value| Figure::new(BENCH, metric, value, "s");
    Ok(vec![
        figure(
            "killed worker: recorded again after, worst",
            percentile(&killed_s, 1.0),
        )
        .at_most(5.0),
        Figure::new(BENCH, "pictures the other cameras lost", untouched, "").at_most(0.0),
        figure("camera silent: told after", silenced).at_most(30.0),
        figure("camera switched off: told after", refused).at_most(30.0),
        figure(
            "back after 10 s: first recorded keyframe",
            back_s(short, short_ms)?,
        ),
        figure(
            "back after 100 s: first recorded keyframe",
            back_s(long, long_ms)?,
        ),
    ])
}

/// Returns when each was killed.
async fn kill_workers(rig: &Rig) -> Result<Vec<i64>> {
    let mut killed_ms = vec![];
    for pid in rig.worker_pids()?.into_iter().take(KILLED) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        killed_ms.push(now_ms());
        kill_process(pid.context("no such process")?, Signal::KILL)?;
        sleep(APART).await;
    }
    Ok(killed_ms)
}

/// Cameras that were opened a second time.
fn reopened(rig: &Rig) -> Vec<usize> {
    let cameras = rig.cameras.iter().enumerate();
    let again = cameras.filter(|(_, camera)| camera.tally("main").sessions > 1);
    again.map(|(number, _)| number).collect()
}

/// Lets it befall the camera; seconds until its box says so.
async fn befall(rig: &mut Rig, camera: usize, behaviour: Behaviour) -> Result<f64> {
    let before = complaints(rig, camera)?;
    let began = Instant::now();
    rig.cameras[camera].suffer(behaviour).await?;
    while complaints(rig, camera)? == before {
        if began.elapsed() > SAID_MAX {
            bail!("{behaviour:?} was not told within {SAID_MAX:?}");
        }
        sleep(LOOK).await;
    }
    Ok(began.elapsed().as_secs_f64())
}

/// How often the box has said that the camera does not stream: it logs what its health reports, at
/// the same moment.
fn complaints(rig: &Rig, camera: usize) -> Result<usize> {
    let (lone, own) = rig.box_of(camera);
    let name = format!("source=cam{own} state=");
    let said = lone.agent.said()?;
    Ok(said.lines().filter(|line| line.contains(&name)).count())
}

async fn revive(rig: &mut Rig, camera: usize) -> Result<i64> {
    let now_ms = now_ms();
    rig.cameras[camera].suffer(Behaviour::Revive).await?;
    Ok(now_ms)
}

/// Waits until the camera is played again.
async fn back(rig: &Rig, camera: usize) -> Result<()> {
    let began = Instant::now();
    while rig.cameras[camera].tally("main").sessions < 2 {
        if began.elapsed() > BACK_MAX {
            bail!("a camera was not opened again within {BACK_MAX:?}");
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// When the first picture of the camera's second session was taken, microseconds.
fn first_of_second(rig: &Rig, camera: usize) -> Result<i64> {
    let (lone, own): (&LoneBox, usize) = rig.box_of(camera);
    let begins = |segment: &Opened| segment.pictures.first().is_some_and(|one| one.session > 1);
    let opened = lone.opened(own)?;
    let second = opened.into_iter().find(begins);
    Ok(second.context("nothing was recorded afterwards")?.start_us)
}

fn since((us, ms): (&i64, &i64)) -> f64 {
    (*us as f64 / 1000.0 - *ms as f64) / 1000.0
}
