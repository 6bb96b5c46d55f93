//! The MQTT endpoint under a thousand boxes with certificates: how soon all are back after the hub
//! was killed, how long a PUBACK takes, how many messages a second, and what it costs; beside
//! mosquitto in the same run.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use tokio::time::sleep;
use uuid::Uuid;

use super::figure::{Figure, percentile, report};
use super::usage::Usage;
use crate::load::{Fleet, Hall, Manners, Mosquitto, Papers, Seen, Side};

const BENCH: &str = "endpoint";
const BACK_MAX: Duration = Duration::from_secs(180);
const GONE_MAX: Duration = Duration::from_secs(60);
const EMPTY_MAX: Duration = Duration::from_secs(300);
/// Memory at rest is read after what a start needs is given back.
const SETTLE: Duration = Duration::from_secs(5);
/// Events of each box at full speed: a window twice over.
const BURST: usize = 32;
/// Aims count for a whole campus; a short cut is too short for them.
const CAMPUS: usize = 1000;

/// Who comes, and how long it stays.
#[derive(Debug, Clone, Args)]
pub struct Crowd {
    /// Simulated boxes (bench endpoint).
    #[arg(long, default_value_t = 1000)]
    pub boxes: usize,
    /// Length of the steady load, seconds (bench endpoint).
    #[arg(long, default_value_t = 60)]
    pub steady_seconds: u64,
    /// Messages a second of all boxes together, health included (bench endpoint).
    #[arg(long, default_value_t = 100.0)]
    pub per_second: f64,
    /// The hub is away for so long, seconds (bench endpoint).
    #[arg(long, default_value_t = 20)]
    pub away_seconds: u64,
    /// Without mosquitto beside (bench endpoint).
    #[arg(long)]
    pub alone: bool,
}

/// Runs the bench and prints its report; says whether every aim was met.
///
/// # Errors
/// Something did not start.
pub async fn run(crowd: &Crowd) -> Result<bool> {
    let name = format!("xunke-endpoint-{}", Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    let figures = measure(crowd, &folder).await;
    fs::remove_dir_all(&folder)?;
    let figures = figures?;
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// Measures in `folder`, which stays.
///
/// # Errors
/// Something did not start.
pub async fn measure(crowd: &Crowd, folder: &Path) -> Result<Vec<Figure>> {
    fs::create_dir_all(folder)?;
    eprintln!("  starting the hub and making {} certificates", crowd.boxes);
    let mut hall = Hall::start(folder, crowd.boxes)?;
    let papers = hall.papers.clone();
    let seen = trial("hub", &mut hall, &papers, crowd).await?;
    let kept = hall.kept(&seen.happened)?;
    let mut figures = figures("hub", &seen, crowd, true);
    let figure = |metric: &str, value: usize| Figure::new(BENCH, metric, value as f64, "");
    figures.extend([
        figure("hub: events", seen.happened.len()).at_least(1.0),
        figure("hub: events lost", kept.lost).at_most(0.0),
        figure("hub: events stored twice", kept.doubled).at_most(0.0),
        figure("hub: events that never happened", kept.strange).at_most(0.0),
    ]);
    hall.kill();
    if !crowd.alone {
        let data = hall.hub.data_dir();
        let mut broker = Mosquitto::start(&folder.join("broker"), &data, &papers.boxes[0])?;
        let seen = trial("mosquitto", &mut broker, &papers, crowd).await?;
        figures.extend(self::figures("mosquitto", &seen, crowd, false));
    }
    Ok(figures)
}

/// What one side has shown.
struct Shown {
    first_s: Vec<f64>,
    steady: Seen,
    steady_cpu: f64,
    burst_per_second: f64,
    burst: Seen,
    again_s: Vec<f64>,
    again_attempts: u64,
    rest_mb: f64,
    full_mb: f64,
    again_mb: f64,
    happened: Vec<Uuid>,
}

async fn trial(name: &str, side: &mut impl Side, papers: &Papers, crowd: &Crowd) -> Result<Shown> {
    sleep(SETTLE).await;
    let rest_mb = usage(side)?.resident_mb;
    eprintln!("  {name}: {} boxes connect at once", papers.boxes.len());
    let manners = Manners::default();
    let mut fleet = Fleet::start(papers, &side.address(), manners)?;
    let first_s = fleet.all_back(BACK_MAX).await?;
    let length = Duration::from_secs(crowd.steady_seconds);
    let health = papers.boxes.len() as f64 / manners.health.as_secs_f64();
    let events = (crowd.per_second - health).max(1.0);
    eprintln!(
        "  {name}: {:.0} messages a second for {length:?}",
        events + health
    );
    drop(fleet.take());
    let before = usage(side)?;
    let mut happened = fleet.happen(events, length).await;
    let after = usage(side)?;
    fleet.emptied(EMPTY_MAX).await?;
    let steady = fleet.take();
    eprintln!("  {name}: {BURST} events of each box at once");
    let began = Instant::now();
    happened.extend(fleet.burst(BURST));
    fleet.emptied(EMPTY_MAX).await?;
    let burst_per_second = (papers.boxes.len() * BURST) as f64 / began.elapsed().as_secs_f64();
    let burst = fleet.take();
    let full_mb = usage(side)?.resident_mb;
    eprintln!("  {name}: killed, and away for {} s", crowd.away_seconds);
    side.kill();
    fleet.all_gone(GONE_MAX).await?;
    sleep(Duration::from_secs(crowd.away_seconds)).await;
    drop(fleet.take());
    side.run()?;
    let again_s = fleet.all_back(BACK_MAX).await?;
    let again_attempts = fleet.take().connections;
    sleep(SETTLE).await;
    let again_mb = usage(side)?.resident_mb;
    fleet.end().await;
    Ok(Shown {
        first_s,
        steady,
        steady_cpu: (after.cpu_s - before.cpu_s) / length.as_secs_f64(),
        burst_per_second,
        burst,
        again_s,
        again_attempts,
        rest_mb,
        full_mb,
        again_mb,
        happened,
    })
}

fn usage(side: &impl Side) -> Result<Usage> {
    Usage::of(side.pid().context("it does not run")?)
}

fn figures(name: &str, shown: &Shown, crowd: &Crowd, aims: bool) -> Vec<Figure> {
    let figure = |metric: &str, value: f64, unit| {
        Figure::new(BENCH, &format!("{name}: {metric}"), value, unit)
    };
    let at_most = |figure: Figure, most: f64| match aims && crowd.boxes >= CAMPUS {
        true => figure.at_most(most),
        false => figure,
    };
    let (first, again) = (&shown.first_s, &shown.again_s);
    let per_second = shown.steady.acknowledged as f64 / crowd.steady_seconds as f64;
    let wait = |seen: &Seen, share| percentile(&seen.waits_ms, share);
    let back = figure("all back after it was killed", percentile(again, 1.0), "s");
    let p99 = figure("PUBACK at that load, p99", wait(&shown.steady, 0.99), "ms");
    let more = figure("memory for the boxes", shown.again_mb - shown.rest_mb, "MB");
    vec![
        figure("boxes", first.len() as f64, ""),
        figure("first connection of all, p50", percentile(first, 0.5), "s"),
        figure("first connection of all, last", percentile(first, 1.0), "s"),
        figure("steady load", per_second, "msg/s"),
        figure("processors at that load", shown.steady_cpu * 100.0, "%"),
        figure("PUBACK at that load, p50", wait(&shown.steady, 0.5), "ms"),
        at_most(p99, 200.0),
        figure("at full speed", shown.burst_per_second, "msg/s"),
        figure("PUBACK at full speed, p50", wait(&shown.burst, 0.5), "ms"),
        figure("PUBACK at full speed, p99", wait(&shown.burst, 0.99), "ms"),
        figure("back after it was killed, p50", percentile(again, 0.5), "s"),
        at_most(back, 60.0),
        figure("attempts until then", shown.again_attempts as f64, ""),
        figure("memory at rest", shown.rest_mb, "MB"),
        figure("memory after full speed", shown.full_mb, "MB"),
        figure("memory with all back", shown.again_mb, "MB"),
        at_most(more, 64.0),
    ]
}
