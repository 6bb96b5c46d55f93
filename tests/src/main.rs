//! `xunke-tests`: the simulated campus and its parts as commands.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use xunke_tests::camera::many;
use xunke_tests::campus::Postgres;
use xunke_tests::load::chaos;
use xunke_tests::{bench, classroom, demo, first_start, fuzz, image, powercut};

#[derive(Parser)]
#[command(name = "xunke-tests", about = "The simulated campus of xunke")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// One classroom: an RTSP camera on 127.0.0.1 that shows a test lesson.
    Classroom {
        /// Name of the room, written on the blackboard.
        #[arg(long)]
        room: String,
        /// How the melody is encoded.
        #[arg(long, value_enum, default_value_t)]
        sound: classroom::Sound,
        /// Port to listen on; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// File with JSON lines such as {"do":"die","after_ms":30000}, or `none`.
        #[arg(long, default_value = "none")]
        script: PathBuf,
    },
    /// Many cameras in one process, which play clips: one JSON line for each. Ctrl-C ends them.
    Cameras {
        /// How many.
        #[arg(long, default_value_t = 1)]
        count: usize,
        /// H.265 instead of H.264.
        #[arg(long)]
        h265: bool,
        /// 640 × 360 instead of 1920 × 1080.
        #[arg(long)]
        small: bool,
        /// RTSP over TLS.
        #[arg(long)]
        tls: bool,
    },
    /// A college in miniature: hub, classrooms, boxes, people. Ctrl-C ends it.
    Demo(demo::Wishes),
    /// A hub at its first start with a school's issuer, for the browser tests. SIGTERM ends it.
    FirstStart,
    /// Runs a command beside a PostgreSQL of its own, named in XUNKE_TEST_STORE.
    Postgres {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Figures with their aims; fails when one is missed.
    Bench(Box<Measure>),
    /// A process of the bench of the spool.
    #[command(hide = true)]
    SpoolPart(bench::spool::part::Part),
    /// Hostile cameras before the real agent; fails when anything dies or a good camera loses a
    /// picture.
    Fuzz {
        /// What is hostile.
        #[arg(value_parser = ["camera"])]
        name: String,
        #[command(flatten)]
        wishes: fuzz::camera::Wishes,
    },
    /// Cuts the power of a box's disk at many moments; fails when anything durable is lost.
    Powercut(powercut::Wishes),
    /// Kills the agent while it records and the hub while segments come in, again and again.
    Killloop(powercut::kills::Wishes),
    /// Boxes that report while hub, cable and boxes break; fails when an event is lost or doubled.
    Chaos(chaos::Wishes),
    /// A process whose power is cut.
    #[command(hide = true)]
    PowercutPart(powercut::part::Part),
    /// The agent's package in a virtual machine with cameras on USB; see `./dev image-camera`.
    ImageCamera {
        /// Folder that `images/camera-disk.sh` made.
        #[arg(long)]
        image: PathBuf,
        /// Package that `images/agent-deb.sh` made.
        #[arg(long)]
        package: PathBuf,
    },
}

#[derive(clap::Args)]
struct Measure {
    /// Which bench.
    #[arg(value_parser = [
        "thread", "access", "bypass", "noticing", "camera", "time", "seal", "spool", "upload",
        "playback", "endpoint", "alarms",
    ])]
    name: String,
    /// How many attempts to get in.
    #[arg(long, default_value_t = 50_000)]
    attempts: usize,
    #[command(flatten)]
    lengths: bench::camera::Lengths,
    #[command(flatten)]
    spool: bench::spool::Wishes,
    #[command(flatten)]
    upload: bench::upload::Trial,
    #[command(flatten)]
    playback: bench::playback::Lesson,
    #[command(flatten)]
    endpoint: bench::endpoint::Crowd,
    #[command(flatten)]
    alarms: bench::alarms::Storms,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xunke-tests: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Classroom {
            room,
            sound,
            port,
            script,
        } => {
            let script = (script.as_os_str() != "none").then_some(script);
            classroom::run(&classroom::Options {
                room,
                sound,
                port,
                script,
            })
        }
        Command::Cameras {
            count,
            h265,
            small,
            tls,
        } => {
            let wishes = many::Wishes {
                count,
                h265,
                small,
                tls,
            };
            tokio::runtime::Runtime::new()?.block_on(many::run(wishes))
        }
        Command::Bench(wishes) => measure(*wishes),
        Command::Fuzz { name: _, wishes } => {
            let runtime = tokio::runtime::Runtime::new()?;
            ensure!(
                runtime.block_on(fuzz::camera::run(wishes))?,
                "something was wrong"
            );
            Ok(())
        }
        Command::Powercut(wishes) => {
            ensure!(powercut::run(&wishes)?, "an aim was missed");
            Ok(())
        }
        Command::SpoolPart(part) => bench::spool::part::run(&part),
        Command::Killloop(wishes) => {
            let runtime = tokio::runtime::Runtime::new()?;
            let met = runtime.block_on(powercut::kills::run(&wishes))?;
            ensure!(met, "an aim was missed");
            Ok(())
        }
        Command::Chaos(wishes) => {
            let runtime = tokio::runtime::Runtime::new()?;
            ensure!(runtime.block_on(chaos::run(&wishes))?, "an aim was missed");
            Ok(())
        }
        Command::PowercutPart(part) => powercut::part::run(&part),
        Command::ImageCamera { image, package } => {
            let wishes = image::Wishes { image, package };
            let met = tokio::runtime::Runtime::new()?.block_on(image::run(&wishes));
            ensure!(met?, "an aim was missed");
            Ok(())
        }
        Command::FirstStart => tokio::runtime::Runtime::new()?.block_on(first_start::run()),
        Command::Postgres { command } => beside_postgres(&command),
        Command::Demo(wishes) => tokio::runtime::Runtime::new()?.block_on(demo::run(wishes)),
    }
}

fn measure(wishes: Measure) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let met = match wishes.name.as_str() {
        "access" => runtime.block_on(bench::access::run(wishes.attempts)),
        "noticing" => bench::noticing::run(),
        "camera" => runtime.block_on(bench::camera::run(wishes.lengths)),
        "time" => bench::time::run(),
        "seal" => bench::seal::run(),
        "spool" => bench::spool::run(&wishes.spool),
        "upload" => runtime.block_on(bench::upload::run(&wishes.upload)),
        "playback" => runtime.block_on(bench::playback::run(&wishes.playback)),
        "endpoint" => runtime.block_on(bench::endpoint::run(&wishes.endpoint)),
        "alarms" => runtime.block_on(bench::alarms::run(&wishes.alarms)),
        "bypass" => runtime.block_on(bench::access::run_attempts(wishes.attempts)),
        _ => runtime.block_on(bench::thread::run()),
    };
    ensure!(met?, "an aim was missed");
    Ok(())
}

fn beside_postgres(command: &[String]) -> Result<()> {
    let server = Postgres::start()?;
    let status = std::process::Command::new(&command[0])
        .args(&command[1..])
        .env("XUNKE_TEST_STORE", server.url_with_password())
        .status()?;
    ensure!(status.success(), "{} failed on PostgreSQL", command[0]);
    Ok(())
}
