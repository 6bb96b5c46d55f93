//! Catching up after an outage: a box on a line that loses packets, the line cut for minutes, and
//! everything at the hub afterwards, once and whole, while somebody watches.
//!
//! wire → line → far → audience

mod wire;
mod line;
mod far;
mod audience;

pub use line::impossible;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use sha2::{Digest, Sha256};
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use xunke_protocol::id::{SegmentId, SourceName};
use xunke_protocol::sealed::Outline;

use super::figure::{Figure, percentile, report};
use crate::campus::{Hub, Person, stored};
use audience::{Audience, Late};
use far::FarBox;
use line::Line;
use wire::Quality;

const BENCH: &str = "upload";
const SEED: u64 = 1;
const LOOK: Duration = Duration::from_millis(200);
const REST_MAX: Duration = Duration::from_secs(60);
const BEGIN_MAX: Duration = Duration::from_secs(240);
/// A box that sends so much again is catching up.
const SENDS_BYTES: u64 = 1024 * 1024;
/// Outages shorter than this get small segments, so that there are some.
const SHORT: Duration = Duration::from_secs(60);
const SLOT_MIB: u64 = 16;
const SHORT_SLOT_MIB: u64 = 2;

/// What kind of outage.
#[derive(Debug, Clone, Args)]
pub struct Trial {
    /// The line is cut for so long.
    #[arg(long, default_value_t = 180)]
    pub outage_seconds: u64,
    /// Watched before the outage.
    #[arg(long, default_value_t = 60)]
    pub quiet_seconds: u64,
    /// Packets of a thousand that are lost, each way.
    #[arg(long, default_value_t = 10)]
    pub lost_per_mille: usize,
    /// How long a packet is on its way.
    #[arg(long, default_value_t = 10)]
    pub delay_ms: u64,
    /// What the line carries, each way.
    #[arg(long, default_value_t = 50)]
    pub mbit: u64,
    /// How connections behave when packets are lost, such as reno; what this machine does by
    /// default.
    #[arg(long)]
    pub congestion: Option<String>,
    /// Our network is ours alone already.
    #[arg(long, hide = true)]
    pub inside: bool,
}

/// Runs the bench and prints its report; says whether every aim was met.
///
/// # Errors
/// This machine cannot do it, or something did not start.
pub async fn run(trial: &Trial) -> Result<bool> {
    if let Some(why) = impossible() {
        bail!("there can be no line between box and hub here: {why}");
    }
    if !trial.inside {
        return alone();
    }
    let name = format!("xunke-upload-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    let figures = tokio::select! {
        figures = measure(trial, &folder) => figures,
        stopped = stopped() => stopped.and_then(|()| bail!("stopped")),
    };
    fs::remove_dir_all(&folder)?;
    let figures = figures?;
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// Whoever is asked to stop tidies up as well; the processes end with their line and hub.
async fn stopped() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        interrupted = ctrl_c() => interrupted?,
    }
    Ok(())
}

/// Becomes the same program in a network of its own, which goes away with it.
fn alone() -> Result<bool> {
    let mut command = Command::new("unshare");
    command.args(["--net", "--"]).arg(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).arg("--inside");
    Err(command.exec().into())
}

/// A row of the library.
#[derive(Debug, Clone)]
struct Row {
    segment: SegmentId,
    source: String,
    bytes: f64,
    seconds: f64,
}

/// What an outage has shown.
struct Outage {
    /// What waited at its end.
    waiting: BTreeMap<SegmentId, [u8; 32]>,
    /// From the line's return until the box sent again, and until all of it was stored.
    sends_after: Duration,
    done_after: Duration,
    /// Footage stored in between, by the rate at which it is recorded.
    footage_s: f64,
    mbit_per_second: f64,
    quiet: Late,
    busy: Late,
}

async fn measure(trial: &Trial, folder: &Path) -> Result<Vec<Figure>> {
    let quality = Quality {
        lost_per_mille: trial.lost_per_mille,
        delay: Duration::from_millis(trial.delay_ms),
        mbit_per_second: trial.mbit,
    };
    let own = line::congestion()?;
    let congestion = trial.congestion.as_deref().unwrap_or(&own);
    eprintln!("  connections of box and hub behave as {congestion}");
    let line = Line::lay(quality, SEED, congestion, folder)?;
    let campus = folder.join("campus");
    fs::create_dir_all(&campus)?;
    eprintln!("  starting hub, box and two cameras, 4 Mbit/s together");
    let mut hub = Hub::start_far(&campus, 1)?;
    let length = Duration::from_secs(trial.outage_seconds);
    let slot_mib = [SLOT_MIB, SHORT_SLOT_MIB][usize::from(length < SHORT)];
    let mut far = FarBox::start(&line, &hub, &folder.join("box"), slot_mib)?;
    let outage = outage(trial, &line, &hub, &mut far).await?;
    // The newest may be at the hub before those just before them.
    let whole = || Ok(breaks(&stored(&hub, &mut Vec::new())?)? == 0);
    drop(until(REST_MAX, "the chain is not whole", whole).await);
    let found = look(&hub, &outage)?;
    far.agent.end()?;
    hub.end()?;
    Ok([line_figures(trial), figures(&outage), found].concat())
}

async fn outage(trial: &Trial, line: &Line, hub: &Hub, far: &mut FarBox) -> Result<Outage> {
    let first = until(BEGIN_MAX, "no segment arrives", || Ok(rows(hub)?.len() > 1));
    first.await.with_context(|| far.agent.last_words())?;
    let (person, room) = (supervisor(hub).await?, hub.rooms[0].id.clone());
    eprintln!("  watching for {} s", trial.quiet_seconds);
    let audience = Audience::watch(person.clone(), room.clone());
    sleep(Duration::from_secs(trial.quiet_seconds)).await;
    let quiet = audience.end().await?;
    // Between two segments, so that all that arrives later was sent later.
    let media = hub.data_dir().join("media/incoming");
    until(BEGIN_MAX, "the box never rests", || Ok(files(&media)? == 0)).await?;
    line.cut(true);
    eprintln!("  the line is cut for {} s", trial.outage_seconds);
    sleep(Duration::from_secs(trial.outage_seconds)).await;
    let waiting = far.sealed()?;
    ensure!(!waiting.is_empty(), "no segment was closed in this outage");
    eprintln!("  the line is back; {} segments wait", waiting.len());
    let audience = Audience::watch(person, room);
    let (back, carried) = (Instant::now(), line.carried());
    line.cut(false);
    let sends = || Ok(line.carried() > carried + SENDS_BYTES);
    until(BEGIN_MAX, "the box does not send again", sends).await?;
    let (sends_after, before) = (back.elapsed(), rows(hub)?.len());
    let longest = BEGIN_MAX + Duration::from_secs(trial.outage_seconds);
    let all = || {
        let there: Vec<SegmentId> = rows(hub)?.iter().map(|row| row.segment).collect();
        Ok(waiting.keys().all(|segment| there.contains(segment)))
    };
    until(longest, "not everything arrives", all).await?;
    let done_after = back.elapsed();
    let busy = audience.end().await?;
    let rows = rows(hub)?;
    let bytes_per_second = bytes_per_second(&rows);
    let sent: f64 = rows[before..].iter().map(|row| row.bytes).sum();
    Ok(Outage {
        waiting,
        sends_after,
        done_after,
        footage_s: sent / bytes_per_second,
        mbit_per_second: bytes_per_second * 8.0 / 1e6,
        quiet,
        busy,
    })
}

async fn until(
    longest: Duration,
    what: &str,
    mut done: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let until = Instant::now() + longest;
    while !done()? {
        ensure!(Instant::now() < until, "{what} after {longest:?}");
        sleep(LOOK).await;
    }
    Ok(())
}

async fn supervisor(hub: &Hub) -> Result<Person> {
    let account = hub
        .accounts
        .iter()
        .find(|one| one.role == "school_supervisor");
    let url = format!("https://localhost:{}", hub.ports.people);
    let nobody = Person::nobody(&url, &hub.ca_pem()?)?;
    nobody.sign_in(account.context("no supervisor")?).await
}

/// The library in the order in which it was filled.
fn rows(hub: &Hub) -> Result<Vec<Row>> {
    let told =
        hub.sql("SELECT id, source, bytes, duration_us FROM segments ORDER BY stored_ms, id")?;
    told.lines().map(row).collect()
}

fn row(line: &str) -> Result<Row> {
    let fields: Vec<&str> = line.split('|').collect();
    let [segment, source, bytes, duration_us] = fields[..] else {
        bail!("not a row: {line}");
    };
    Ok(Row {
        segment: segment.parse()?,
        source: source.to_owned(),
        bytes: bytes.parse()?,
        seconds: duration_us.parse::<f64>()? / 1e6,
    })
}

/// What all cameras together record in a second.
fn bytes_per_second(rows: &[Row]) -> f64 {
    let mut sources: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for row in rows {
        let (bytes, seconds) = sources.entry(&row.source).or_default();
        *bytes += row.bytes;
        *seconds += row.seconds;
    }
    sources
        .values()
        .map(|(bytes, seconds)| bytes / seconds)
        .sum()
}

fn files(folder: &Path) -> Result<usize> {
    let mut count = 0;
    for item in fs::read_dir(folder)? {
        let path = item?.path();
        count += match path.is_dir() {
            true => files(&path)?,
            false => 1,
        };
    }
    Ok(count)
}

/// What is in the library: each segment once, as it was sealed, and each going on where the one
/// before it ended.
fn look(hub: &Hub, outage: &Outage) -> Result<Vec<Figure>> {
    let mut wrong = Vec::new();
    let there = stored(hub, &mut wrong)?;
    let (mut missing, mut other) = (0, 0);
    for (segment, sha256) in &outage.waiting {
        match there.get(segment) {
            None => missing += 1,
            Some(file) if Sha256::digest(fs::read(file)?)[..] == sha256[..] => {}
            Some(_) => other += 1,
        }
    }
    let holes = breaks(&there)?;
    wrong.iter().for_each(|wrong| eprintln!("wrong: {wrong}"));
    let figure = |metric: &str, value: usize| Figure::new(BENCH, metric, value as f64, "");
    Ok(vec![
        figure("segments in the library", there.len()).at_least(outage.waiting.len() as f64),
        figure("segments missing", missing).at_most(0.0),
        figure("breaks in the chain from segment to segment", holes).at_most(0.0),
        figure("segments that are not as the box sealed them", other).at_most(0.0),
        figure("rows without their one file, or twice", wrong.len()).at_most(0.0),
    ])
}

/// Segments that do not go on where the one before them ended.
fn breaks(there: &BTreeMap<SegmentId, PathBuf>) -> Result<usize> {
    let mut ends: BTreeMap<SourceName, [u8; 32]> = BTreeMap::new();
    let mut breaks = 0;
    for file in there.values() {
        let outline = Outline::scan(&fs::read(file)?)?;
        let end = ends.entry(outline.header.source.clone()).or_default();
        breaks += usize::from(outline.header.previous != *end);
        *end = outline.chain;
    }
    Ok(breaks)
}

fn line_figures(trial: &Trial) -> Vec<Figure> {
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    vec![
        figure("the line carries", trial.mbit as f64, "Mbit/s"),
        figure("it loses", trial.lost_per_mille as f64 / 10.0, "%"),
        figure("a packet is on its way", trial.delay_ms as f64, "ms"),
        figure("outage", trial.outage_seconds as f64, "s"),
    ]
}

fn figures(outage: &Outage) -> Vec<Figure> {
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    let (sends, done) = (
        outage.sends_after.as_secs_f64(),
        outage.done_after.as_secs_f64(),
    );
    let mut figures = vec![
        figure("footage", outage.mbit_per_second, "Mbit/s"),
        figure("segments that waited", outage.waiting.len() as f64, ""),
        figure("the box sends again after", sends, "s"),
        figure("all that waited is stored after", done, "s"),
        figure(
            "catching up ÷ real time",
            outage.footage_s / (done - sends),
            "×",
        )
        .at_least(4.0),
        figure(
            "the same, from the line's return",
            outage.footage_s / done,
            "×",
        ),
    ];
    for (number, stream) in ["small", "full"].iter().enumerate() {
        let at = |late: &Late, share| percentile(&late[number], share);
        let (quiet, busy) = (&outage.quiet, &outage.busy);
        for (name, late) in [("quiet", quiet), ("catching up", busy)] {
            for share in [0.5, 0.95] {
                let metric = format!("live, {stream} picture, {name}, p{:.0}", share * 100.0);
                figures.push(figure(&metric, at(late, share), "ms"));
            }
        }
        let metric = format!("live, {stream} picture, p50: catching up ÷ quiet");
        figures.push(figure(&metric, at(busy, 0.5) / at(quiet, 0.5), "×").at_most(1.2));
        let seen = busy[number].len() as f64;
        let metric = format!("live, {stream} picture: seen while catching up");
        figures.push(figure(&metric, seen, "").at_least(1.0));
    }
    figures
}
