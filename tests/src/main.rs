//! `xunke-tests`: the simulated campus and its parts as commands.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use xunke_tests::{bench, classroom, demo};

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
        /// Port to listen on; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// File with JSON lines such as {"do":"die","after_ms":30000}, or `none`.
        #[arg(long, default_value = "none")]
        script: PathBuf,
    },
    /// A college in miniature: hub, classrooms, boxes, people. Ctrl-C ends it.
    Demo(demo::Wishes),
    /// Figures with their aims; fails when one is missed.
    Bench {
        /// Which bench.
        #[arg(value_parser = ["thread"])]
        name: String,
    },
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
        Command::Classroom { room, port, script } => {
            let script = (script.as_os_str() != "none").then_some(script);
            classroom::run(&classroom::Options { room, port, script })
        }
        Command::Bench { .. } => {
            let met = tokio::runtime::Runtime::new()?.block_on(bench::thread::run())?;
            ensure!(met, "an aim was missed");
            Ok(())
        }
        Command::Demo(wishes) => tokio::runtime::Runtime::new()?.block_on(demo::run(wishes)),
    }
}
