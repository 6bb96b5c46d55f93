//! What cameras cost a box, from one to two boxes full, beside ffmpeg doing the same in the same
//! minute; pictures lost between camera and sealed segment; how soon a camera is back.
//!
//! rig → misfortune
//!
//! No hub is there: the boxes seal to a key of ours, and what they sealed is opened and counted.

mod rig;
mod misfortune;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use tokio::time::sleep;

use super::figure::{Figure, report};
use crate::campus::Pictures;
use rig::{Cost, ON_ONE_BOX, Rig, Wishes};

const BENCH: &str = "camera";
const STEPS: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Everything runs for this long before it is measured.
const SETTLE: Duration = Duration::from_secs(15);
/// Aims of the issue.
const PERCENT_MAX: f64 = 1.0;
const FURTHER_MB_MAX: f64 = 25.0;
const BASE_MB_MAX: f64 = 30.0;
/// A box that is watched for long fills its rings and the pools of its allocators in this part of
/// the time; what grows after it would grow for ever.
const WARM: f64 = 1.0 / 3.0;
/// A camera's ring holds the group of pictures that is being sent, a megabyte of it at 4 Mbit/s: it
/// is fuller at one moment than at another.
const GROWN_MB_MAX: f64 = 1.0;

/// How long and how much.
#[derive(Debug, Clone, Copy, Args)]
pub struct Lengths {
    /// How long each step is measured (bench camera).
    #[arg(long, default_value_t = 45)]
    seconds: u64,
    /// How long a full box is watched for lost pictures; 0 leaves it out (bench camera).
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Most cameras of a step (bench camera).
    #[arg(long, default_value_t = 32)]
    cameras: usize,
}

/// Runs the bench and prints its report; says whether every aim was met.
///
/// # Errors
/// Something did not start.
pub async fn run(lengths: Lengths) -> Result<bool> {
    ensure!(
        lengths.seconds > 0 && lengths.cameras > 0,
        "nothing to measure"
    );
    let longest = Duration::from_secs(lengths.seconds);
    let mut figures = vec![];
    let wishes = |cameras, small| Wishes {
        cameras,
        small,
        ffmpeg: true,
    };
    let _ = step(
        wishes(1, false),
        longest,
        "1 camera, full picture alone",
        &mut figures,
    )
    .await?;
    let mut totals = vec![];
    for cameras in STEPS.into_iter().filter(|count| *count <= lengths.cameras) {
        let name = format!("{cameras} camera{}", if cameras == 1 { "" } else { "s" });
        let total = step(wishes(cameras, true), longest, &name, &mut figures).await?;
        totals.push((cameras, total));
    }
    figures.extend(further(&totals));
    if lengths.minutes > 0 {
        let longest = Duration::from_secs(lengths.minutes * 60);
        long(lengths.cameras.min(ON_ONE_BOX), longest, &mut figures).await?;
    }
    eprintln!("  misfortunes");
    figures.extend(misfortune::measure().await?);
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// What the boxes cost in one step.
#[derive(Debug, Clone, Copy)]
struct Total {
    percent: f64,
    resident_mb: f64,
    share_mb: f64,
}

async fn step(
    wishes: Wishes,
    longest: Duration,
    name: &str,
    figures: &mut Vec<Figure>,
) -> Result<Total> {
    eprintln!("  {name}, for {} s", longest.as_secs());
    let mut rig = Rig::start(wishes).await?;
    sleep(SETTLE).await;
    let began = Instant::now();
    let before = [rig.agents()?, rig.workers()?, rig.ffmpegs()?];
    sleep(longest).await;
    let after = [rig.agents()?, rig.workers()?, rig.ffmpegs()?];
    let seconds = began.elapsed().as_secs_f64();
    let percent: [f64; 3] =
        std::array::from_fn(|one| after[one].percent_since(&before[one], seconds));
    let total = Total {
        percent: percent[0] + percent[1],
        resident_mb: after[0].usage.resident_mb + after[1].usage.resident_mb,
        share_mb: after[0].share_mb + after[1].share_mb,
    };
    let count = wishes.cameras as f64;
    let mut figure = |metric: &str, value, unit| {
        figures.push(Figure::new(
            BENCH,
            &format!("{name}: {metric}"),
            value,
            unit,
        ));
    };
    figure("agent, processor", percent[0], "% core");
    figure("workers, processor", percent[1], "% core");
    figure("ffmpeg, processor", percent[2], "% core");
    figure("a camera, processor", total.percent / count, "% core");
    figure("agent, RSS", after[0].usage.resident_mb, "MB");
    figure("agent, PSS", after[0].share_mb, "MB");
    figure("workers, RSS", after[1].usage.resident_mb, "MB");
    figure("workers, PSS", after[1].share_mb, "MB");
    figure("ffmpeg, RSS", after[2].usage.resident_mb, "MB");
    figure("ffmpeg, PSS", after[2].share_mb, "MB");
    rig.end()?;
    figures.extend(losses(&rig, name)?);
    let theirs = rig.recorded_by_ffmpeg()?;
    let metric = format!("{name}: pictures lost by ffmpeg");
    figures.push(Figure::new(BENCH, &metric, lost(&theirs), ""));
    Ok(total)
}

/// What a further camera costs, and what is there without any: from the step with one camera to
/// the largest on one box.
fn further(totals: &[(usize, Total)]) -> Vec<Figure> {
    let mut on_one_box = totals.iter().filter(|(count, _)| *count <= ON_ONE_BOX);
    let (Some((1, one)), Some((many, most))) = (totals.first(), on_one_box.next_back()) else {
        return vec![];
    };
    if *many == 1 {
        return vec![];
    }
    let each = |most: f64, one: f64| (most - one) / (*many as f64 - 1.0);
    let (share, resident) = (
        each(most.share_mb, one.share_mb),
        each(most.resident_mb, one.resident_mb),
    );
    let figure = |metric, value, unit| Figure::new(BENCH, metric, value, unit);
    vec![
        figure(
            "each further camera, processor",
            each(most.percent, one.percent),
            "% core",
        )
        .at_most(PERCENT_MAX),
        figure("each further camera, PSS", share, "MB").at_most(FURTHER_MB_MAX),
        figure("each further camera, RSS", resident, "MB"),
        figure("a box without cameras, PSS", one.share_mb - share, "MB").at_most(BASE_MB_MAX),
        figure(
            "a box without cameras, RSS",
            one.resident_mb - resident,
            "MB",
        ),
    ]
}

/// A full box without anything beside it.
async fn long(cameras: usize, longest: Duration, figures: &mut Vec<Figure>) -> Result<()> {
    let minutes = longest.as_secs() / 60;
    eprintln!("  {cameras} cameras, for {minutes} min");
    let wishes = Wishes {
        cameras,
        small: true,
        ffmpeg: false,
    };
    let mut rig = Rig::start(wishes).await?;
    sleep(SETTLE).await;
    let cost = |rig: &Rig| -> Result<Cost> { Cost::of(rig.agent_pids().chain(rig.worker_pids()?)) };
    let (began, before) = (Instant::now(), cost(&rig)?);
    sleep(longest.mul_f64(WARM)).await;
    let warm = cost(&rig)?;
    sleep(longest.mul_f64(1.0 - WARM)).await;
    let after = cost(&rig)?;
    let percent = after.percent_since(&before, began.elapsed().as_secs_f64());
    rig.end()?;
    let name = format!("{cameras} cameras, {minutes} min");
    let figure =
        |metric: &str, value, unit| Figure::new(BENCH, &format!("{name}: {metric}"), value, unit);
    let grown = |from: &Cost, to: &Cost| to.share_mb - from.share_mb;
    figures.push(figure(
        "a camera, processor",
        percent / cameras as f64,
        "% core",
    ));
    let first = grown(&before, &warm);
    figures.push(figure("memory grew in the first third (PSS)", first, "MB"));
    let then = grown(&warm, &after) / cameras as f64;
    let metric = "memory grew after that, a camera (PSS)";
    figures.push(figure(metric, then, "MB").at_most(GROWN_MB_MAX));
    figures.extend(losses(&rig, &name)?);
    Ok(())
}

/// Pictures that a camera has sent and no segment has, sessions that were opened again, and what
/// was sent but not yet sealed when the box was told to end.
fn losses(rig: &Rig, name: &str) -> Result<Vec<Figure>> {
    let accounts = rig.recorded()?;
    let again = rig
        .cameras
        .iter()
        .map(|camera| camera.tally("main").sessions - 1);
    let recorded: u64 = accounts.iter().map(|one| one.recorded).sum();
    let after = accounts.iter().map(|one| one.after).max().unwrap_or(0);
    let figure = |metric: &str, value| Figure::new(BENCH, &format!("{name}: {metric}"), value, "");
    Ok(vec![
        figure("pictures recorded", recorded as f64),
        figure("pictures lost", lost(&accounts)).at_most(0.0),
        figure("sessions opened again", f64::from(again.sum::<u32>())).at_most(0.0),
        figure("pictures sent after the end, worst camera", after as f64),
    ])
}

fn lost<'a>(accounts: impl IntoIterator<Item = &'a Pictures>) -> f64 {
    accounts.into_iter().map(|one| one.lost).sum::<u64>() as f64
}
