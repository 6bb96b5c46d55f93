//! The hub's command line.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use xunke_hub::config::Config;
use xunke_hub::run;

/// 巡课中心端 · the hub of a smart-classroom supervision system.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Opens the doors and serves until SIGTERM or Ctrl-C.
    Serve {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Fills an empty data folder with a demonstration college and prints its secrets as JSON.
    SeedDemo {
        /// The configuration file; it must say `demo.enabled = true`.
        #[arg(long)]
        config: PathBuf,
        /// How many classrooms.
        #[arg(long, default_value_t = 4)]
        rooms: usize,
    },
    /// Reads the whole audit trail and says whether every line follows from the one before.
    VerifyTrail {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
    /// Prints the description of the HTTP API.
    Openapi,
}

fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match command(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xunke-hub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    match command {
        Command::Serve { config } => runtime.block_on(run::serve(Config::load(&config)?)),
        Command::SeedDemo { config, rooms } => {
            runtime.block_on(run::seed_demo(Config::load(&config)?, rooms))
        }
        Command::VerifyTrail { config } => {
            runtime.block_on(run::verify_trail(Config::load(&config)?))
        }
        Command::Openapi => run::openapi(),
    }
}
