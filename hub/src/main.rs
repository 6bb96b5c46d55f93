//! The hub's command line.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use xunke_hub::config::Config;
use xunke_hub::{console, run};

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
    /// Takes the audit trail out of the hub and checks what was taken out.
    #[command(subcommand)]
    Audit(Audit),
    /// The keys of recordings: custody, backup, certificates.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Time marks in recordings.
    #[command(subcommand)]
    Marks(MarksCommand),
    /// Writes what a broker of the school needs: its certificate, whom to trust, and whom no more.
    Broker {
        /// The configuration file; it must name the broker.
        #[arg(long)]
        config: PathBuf,
        /// The folder; what is there is replaced.
        #[arg(long)]
        to: PathBuf,
    },
    /// Departments, duties, levels and rules: what is in force.
    #[command(subcommand)]
    Preset(PresetCommand),
    /// Prints the description of the HTTP API.
    Openapi,
    /// Prints every entrance, and what each needs: routes, live words, events, MQTT topics.
    Doors,
}

#[derive(Debug, Subcommand)]
enum PresetCommand {
    /// Puts a preset in force from the next start on, with its line in the audit trail.
    Apply {
        /// `polytechnic`, `institute`, or a school's own file.
        preset: String,
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum MarksCommand {
    /// Checks the document of a mark: whose word it is, and what became of the footage it names.
    Verify {
        /// The document, as the page saves it.
        file: PathBuf,
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Makes a master key in a new file, to be delivered to the hub as a credential.
    Master {
        /// The file; there must be none yet.
        #[arg(long)]
        to: PathBuf,
    },
    /// Makes a holder's key in a new file and prints its public half and fingerprint.
    Holder {
        /// The file; there must be none yet.
        #[arg(long)]
        to: PathBuf,
    },
    /// Writes the keys to a new file that two holders open together.
    Export {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// The file; there must be none yet.
        #[arg(long)]
        to: PathBuf,
        /// The public half of a holder; twice.
        #[arg(long = "recipient", value_name = "PUBLIC")]
        recipients: Vec<String>,
    },
    /// Puts an export back; the hub must not run meanwhile.
    Restore {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// The export.
        #[arg(long)]
        from: PathBuf,
        /// The private file of a holder; twice.
        #[arg(long = "holder", value_name = "FILE")]
        holders: Vec<PathBuf>,
    },
    /// Checks a certificate of destruction, without the hub.
    Verify {
        /// The certificate, as the page saves it.
        file: PathBuf,
        /// The hub's public key in base64, noted down earlier.
        #[arg(long, value_name = "PUBLIC")]
        key: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Writes the whole trail, its head and the hub's signature to a new file.
    Export {
        /// The configuration file.
        #[arg(long)]
        config: PathBuf,
        /// The file; there must be none yet.
        #[arg(long)]
        out: PathBuf,
    },
    /// Checks exports and files of days, without the hub: every line, the head and its signature.
    Verify {
        /// The export; or files of days, each following the one before.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The hub's public key in base64, noted down earlier.
        #[arg(long, value_name = "PUBLIC")]
        key: Option<String>,
    },
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
            runtime.block_on(console::verify_trail(Config::load(&config)?))
        }
        Command::Audit(Audit::Export { config, out }) => {
            runtime.block_on(console::export_trail(Config::load(&config)?, &out))
        }
        Command::Audit(Audit::Verify { files, key }) => {
            console::verify_exports(&files, key.as_deref())
        }
        Command::Marks(MarksCommand::Verify { file, config }) => {
            runtime.block_on(console::marks::verify(Config::load(&config)?, &file))
        }
        Command::Keys(command) => runtime.block_on(keys(command)),
        Command::Preset(PresetCommand::Apply { preset, config }) => {
            runtime.block_on(console::apply_preset(Config::load(&config)?, &preset))
        }
        Command::Broker { config, to } => {
            runtime.block_on(console::broker::papers(Config::load(&config)?, &to))
        }
        Command::Openapi => run::openapi(),
        Command::Doors => run::doors(),
    }
}

async fn keys(command: KeysCommand) -> anyhow::Result<()> {
    match command {
        KeysCommand::Master { to } => console::keys::make_master(&to),
        KeysCommand::Holder { to } => console::keys::make_holder(&to),
        KeysCommand::Export {
            config,
            to,
            recipients,
        } => console::keys::export(Config::load(&config)?, &to, &recipients).await,
        KeysCommand::Restore {
            config,
            from,
            holders,
        } => console::keys::restore(Config::load(&config)?, &from, &holders).await,
        KeysCommand::Verify { file, key } => console::keys::verify(&file, key.as_deref()),
    }
}
