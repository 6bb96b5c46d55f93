//! `xunke-load`: many simulated boxes before a hub, until Ctrl-C.

use std::fs;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use serde_json::json;
use tokio::time::Instant;
use xunke_tests::bench::figure::percentile;
use xunke_tests::bench::usage::Usage;
use xunke_tests::load::{Address, Fleet, Hall, Manners, Papers, Side};

/// How often a line is printed.
const LINE: Duration = Duration::from_secs(5);

#[derive(Parser)]
#[command(
    name = "xunke-load",
    about = "Simulated boxes: the agent's own MQTT link, without cameras and recordings"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    load: Load,
}

#[derive(Debug, Clone, clap::Args)]
struct Load {
    /// Events a second of all boxes together, beside the health of each.
    #[arg(long, global = true, default_value_t = 10.0)]
    events_per_second: f64,
    /// Time between two health documents of one box.
    #[arg(long, global = true, default_value_t = 60)]
    health_seconds: u64,
    /// All begin to connect within this.
    #[arg(long, global = true, default_value_t = 0)]
    spread_seconds: u64,
    /// Ends by itself after so many seconds.
    #[arg(long, global = true)]
    r#for: Option<u64>,
    /// One JSON object a line instead of text.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a hub of its own on this machine and lets the boxes connect to it.
    Here {
        /// How many boxes.
        #[arg(long, default_value_t = 1000)]
        boxes: usize,
        /// Keeps the boxes' papers in this file, for `run`; it holds private keys.
        #[arg(long)]
        keep: Option<PathBuf>,
    },
    /// Connects to a hub that runs elsewhere, with papers that `here` has kept.
    Run {
        /// The file.
        #[arg(long)]
        papers: PathBuf,
        /// Name or address of the hub, as in its certificate.
        #[arg(long, default_value = "127.0.0.1")]
        host: String,
        /// Its MQTT port; the one in the papers if not given.
        #[arg(long)]
        port: Option<u16>,
    },
}

fn main() -> ExitCode {
    let run = || tokio::runtime::Runtime::new()?.block_on(run(Arguments::parse()));
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xunke-load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { command, load }: Arguments) -> Result<()> {
    match command {
        Command::Here { boxes, keep } => {
            let name = format!("xunke-load-{}", uuid::Uuid::now_v7().simple());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder)?;
            eprintln!("starting a hub in {} for {boxes} boxes", folder.display());
            let mut hall = Hall::start(&folder, boxes)?;
            if let Some(file) = keep {
                write_papers(&file, &hall.papers)?;
            }
            let speaks = speak(&hall.papers, &hall.address(), hall.pid(), &load).await;
            hall.hub.end()?;
            fs::remove_dir_all(&folder)?;
            speaks
        }
        Command::Run { papers, host, port } => {
            let papers = Papers::read(&papers)?;
            let port = port.unwrap_or(papers.boxes[0].mqtt_port);
            speak(&papers, &Address { host, port }, None, &load).await
        }
    }
}

fn write_papers(file: &PathBuf, papers: &Papers) -> Result<()> {
    let mut options = fs::File::options();
    let open = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(file);
    let open = open.with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(serde_json::to_writer(open, papers)?)
}

async fn speak(papers: &Papers, address: &Address, hub: Option<u32>, load: &Load) -> Result<()> {
    let manners = Manners {
        health: Duration::from_secs(load.health_seconds.max(1)),
        spread: Duration::from_secs(load.spread_seconds),
        ..Manners::default()
    };
    let mut fleet = Fleet::start(papers, address, manners)?;
    let end = load
        .r#for
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        let round = fleet.happen(load.events_per_second, LINE);
        tokio::select! {
            _ = round => {}
            stopped = tokio::signal::ctrl_c() => {
                stopped?;
                break;
            }
        }
        say(&fleet, hub, load.json);
        if end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
    }
    fleet.end().await;
    Ok(())
}

fn say(fleet: &Fleet, hub: Option<u32>, as_json: bool) {
    let (seen, back) = (fleet.take(), fleet.back());
    let per_second = seen.acknowledged as f64 / LINE.as_secs_f64();
    let wait = |share| percentile(&seen.waits_ms, share);
    let (p50, p99) = (wait(0.5), wait(0.99));
    let memory = hub
        .and_then(|pid| Usage::of(pid).ok())
        .map(|usage| usage.resident_mb);
    if as_json {
        let line = json!({
            "boxes": fleet.count(), "connected": back, "messages_per_second": per_second,
            "puback_p50_ms": p50, "puback_p99_ms": p99, "attempts": seen.connections,
            "sent_again": seen.sent_again, "hub_resident_mb": memory,
        });
        println!("{line}");
        return;
    }
    let memory = memory.map_or_else(String::new, |mb| format!(", hub {mb:.0} MB"));
    println!(
        "{back} of {} boxes connected, {per_second:.0} messages/s, PUBACK {p50:.1} ms (p99 \
         {p99:.1}), {} attempts to connect, {} sent again{memory}",
        fleet.count(),
        seen.connections,
        seen.sent_again,
    );
}
