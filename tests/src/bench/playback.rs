//! Playing a long lesson back: click to first picture and seek to first picture in Chromium, and
//! what a viewer costs the hub, beside the same pictures as a plain file in the same browser.
//!
//! footage

mod footage;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Deserialize;
use xunke_agent::identity::Identity;

use super::figure::{Figure, percentile, report};
use super::usage::Usage;
use crate::campus::{Campus, Options};
use crate::clock::now_ms;
use crate::demo;
use footage::{Clip, SEGMENT_SECONDS, hand_over};

const BENCH: &str = "playback";
const MINUTE_MS: i64 = 60_000;
/// How long the hub is looked at while somebody plays, and while nobody does.
const MEASURE: Duration = Duration::from_secs(60);

/// What kind of lesson.
#[derive(Debug, Clone, Args)]
pub struct Lesson {
    /// How long it lasted.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u16).range(2..=240))]
    pub lesson_minutes: u16,
}

/// What the browser measured, milliseconds.
#[derive(Debug, Deserialize)]
struct Seen {
    click: Vec<f64>,
    seek: Vec<f64>,
    plain_click: Vec<f64>,
    plain_seek: Vec<f64>,
}

/// Runs the bench and prints its report; says whether every aim was met.
///
/// # Errors
/// Something did not start.
pub async fn run(wishes: &Lesson) -> Result<bool> {
    let options = Options {
        rooms: 1,
        chatty: true,
        ..Options::default()
    };
    let mut campus = Campus::start(options).await?;
    let box_of_the_room = campus.classrooms.pop().context("no room")?;
    let identity = Identity::load(&box_of_the_room.state_dir())?;
    // What camera and box do from now on is none of this bench's business.
    drop(box_of_the_room);
    let minutes = i64::from(wishes.lesson_minutes);
    let start_ms = (now_ms() / MINUTE_MS - minutes - 10) * MINUTE_MS;
    let room = campus.hub.rooms.first().context("no room")?;
    let end_ms = start_ms + minutes * MINUTE_MS;
    campus.hub.teach(&room.id, start_ms, end_ms)?;
    eprintln!("  sealing and storing {minutes} minutes at 3.5 Mbit/s");
    let clip = Clip::encode(campus.folder())?;
    let segments = u32::try_from(minutes * 60 / SEGMENT_SECONDS)?;
    let base = format!("https://127.0.0.1:{}", campus.hub.ports.boxes);
    hand_over(&clip, &identity, &base, start_ms, segments).await?;
    let plain = clip.plain(campus.folder(), segments)?;
    eprintln!("  clicking and seeking in Chromium");
    let figures = watch(&campus, start_ms, &plain)?;
    campus.end()?;
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// `node tests/browser/bench-playback.js`: one line when it plays on for the hub to be looked at,
/// and one with what it saw.
fn watch(campus: &Campus, start_ms: i64, plain: &Path) -> Result<Vec<Figure>> {
    let line = campus.folder().join("demo.json");
    fs::write(&line, demo::line(campus).to_string())?;
    let hub = campus.hub.pid().context("no hub")?;
    let idle = busy(hub)?;
    let mut node = Command::new("node")
        .args(["bench-playback.js", &start_ms.to_string()])
        .arg(plain)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser"))
        .env("XUNKE_DEMO_JSON", &line)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .context("node cannot be run")?;
    let seen = listen(&mut node, hub);
    // Whatever went wrong, the browser does not stay.
    node.kill()?;
    node.wait()?;
    let (seen, playing) = seen?;
    Ok(figures(&seen, playing - idle))
}

fn listen(node: &mut Child, hub: u32) -> Result<(Seen, f64)> {
    let stdout = node.stdout.take().context("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let mut line =
        || -> Result<String> { Ok(lines.next().context("bench-playback.js has ended")??) };
    let said = line()?;
    ensure!(said == "playing", "bench-playback.js said {said}");
    let playing = busy(hub)?;
    let seen = serde_json::from_str(&line()?).context("bench-playback.js printed nonsense")?;
    Ok((seen, playing))
}

/// What share of a core a process takes, in percent.
fn busy(pid: u32) -> Result<f64> {
    let before = Usage::of(pid)?;
    std::thread::sleep(MEASURE);
    let after = Usage::of(pid)?;
    Ok((after.cpu_s - before.cpu_s) / MEASURE.as_secs_f64() * 100.0)
}

fn figures(seen: &Seen, viewer: f64) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, ours, plain) in [
        ("click", &seen.click, &seen.plain_click),
        ("seek", &seen.seek, &seen.plain_seek),
    ] {
        for (label, share) in [("p50", 0.5), ("p95", 0.95)] {
            let figure = |what: &str, value, unit| {
                let metric = format!("{name} to first picture, {what}{label}");
                Figure::new(BENCH, &metric, value, unit)
            };
            let (ours, plain) = (percentile(ours, share), percentile(plain, share));
            let sealed = figure("", ours, "ms");
            // The aim is of the median.
            let has_aim = label == "p50";
            figures.push(if has_aim {
                sealed.at_most(200.0)
            } else {
                sealed
            });
            figures.push(figure("plain file, ", plain, "ms"));
            figures.push(figure("over the plain file, ", ours / plain, "times"));
        }
    }
    let metric = "hub, processor, one viewer";
    figures.push(Figure::new(BENCH, metric, viewer, "% core"));
    figures
}
