//! The command line of the box: enrol, check, run.

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};
use std::io::{IsTerminal, Read, Write, stderr, stdout};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};
use xunke_agent::camera::credentials::credentials;
use xunke_agent::command::Diary;
use xunke_agent::config::{self, Config, Network};
use xunke_agent::identity::{self, Identity};
use xunke_agent::run::Ended;
use xunke_agent::technician::{self, Asked, Speech};
use xunke_agent::timetable::Keeper;
use xunke_agent::{camera, health, run};
use xunke_protocol::asking::ShownCode;
use xunke_protocol::enrolment::Code;
use zeroize::Zeroizing;

const CODE_BYTES_MAX: u64 = 1024;

/// The agent on the box in a classroom.
#[derive(Parser)]
#[command(name = "xunke-agent", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make this box known to the hub: with a single-use code, or by showing one itself.
    Enrol {
        /// agent.toml
        #[arg(long)]
        config: PathBuf,
        /// File with the code, or - for standard input. Never on the command line itself, where
        /// every process can read it.
        #[arg(long, required_unless_present = "ask")]
        code_file: Option<PathBuf>,
        /// Show a code, and wait for an hour until somebody has typed it at the enrolment desk.
        #[arg(long, conflicts_with = "code_file")]
        ask: bool,
        /// Give up the identity this box has.
        #[arg(long)]
        replace: bool,
    },
    /// Record, report and show until told to stop.
    Run {
        /// agent.toml
        #[arg(long)]
        config: PathBuf,
    },
    /// Say whether `run` would start, and what is in the way.
    Check {
        /// agent.toml
        #[arg(long)]
        config: PathBuf,
    },
    /// Ask every piece of equipment once, and print how it stands as JSON. Nothing is switched.
    Equipment {
        /// agent.toml
        #[arg(long)]
        config: PathBuf,
    },
    /// Look for cameras, or ask one what it is. Never a picture.
    #[command(subcommand)]
    Camera(CameraCommand),
    /// One camera's own process; started by `run`.
    #[command(hide = true)]
    CameraWorker,
    /// GStreamer's list of plugins; written by `run`.
    #[command(hide = true)]
    CameraPlugins,
}

#[derive(Subcommand)]
enum CameraCommand {
    /// Call into the network and list the cameras that answer.
    Discover {
        #[command(flatten)]
        wishes: Wishes,
        /// How long to listen.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
        seconds: u64,
    },
    /// Ask one camera what it is and what to mend: by ONVIF (http://), or by watching its stream.
    Probe {
        /// http://ADDRESS of its device service, or rtsp:// or rtsps:// of a stream. Never with a
        /// password.
        url: String,
        /// How long to watch a stream.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=300))]
        seconds: u64,
        #[command(flatten)]
        proof: Proof,
        #[command(flatten)]
        wishes: Wishes,
    },
    /// Numbers to aim a camera by: sharpness, brightness, tilt, and what to turn. Ctrl-C ends it.
    Aim {
        /// rtsp://, rtsps:// or http:// (ONVIF), or the name of a camera in --config.
        camera: String,
        /// End after so long.
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..=86_400))]
        seconds: Option<u64>,
        #[command(flatten)]
        proof: Proof,
        #[command(flatten)]
        wishes: Wishes,
    },
}

/// How camera and technician prove who they are.
#[derive(clap::Args)]
struct Proof {
    /// User name on the first line, password on the second.
    #[arg(long)]
    credentials_file: Option<PathBuf>,
    /// For rtsps://: SHA-256 of the camera's certificate.
    #[arg(long)]
    tls_sha256: Option<String>,
    /// For rtsps://: PEM of whoever vouches for the camera.
    #[arg(long)]
    tls_ca_file: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Wishes {
    /// agent.toml, for its intake.camera_networks
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where cameras are, such as 192.168.10.0/24; may be given several times.
    #[arg(long)]
    network: Vec<Network>,
    /// For machines.
    #[arg(long)]
    json: bool,
    /// zh or en
    #[arg(long, value_parser = ["zh", "en"])]
    lang: Option<String>,
}

impl Wishes {
    fn networks(&self) -> Result<Vec<Network>> {
        let mut networks = self.network.clone();
        if let Some(file) = &self.config {
            networks.extend(config::load(file)?.intake.camera_networks);
        }
        Ok(networks)
    }

    fn speech(&self) -> Speech {
        let set = |name| std::env::var(name).ok().filter(|text| !text.is_empty());
        let locale = set("LC_ALL")
            .or_else(|| set("LC_MESSAGES"))
            .or_else(|| set("LANG"));
        Speech::of(self.json, self.lang.as_deref(), &locale.unwrap_or_default())
    }
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    match command {
        Command::CameraWorker => return camera::worker::main(),
        Command::CameraPlugins => return camera::worker::list_plugins(),
        _ => {}
    }
    start_log();
    match act(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(Diary)
        .init();
}

fn act(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime cannot start")?;
    match command {
        Command::Enrol {
            config,
            code_file,
            replace,
            ..
        } => {
            let config = config::load(&config)?;
            runtime.block_on(enrol(&config, code_file.as_deref(), replace))
        }
        Command::Run { config } => {
            let ended = runtime.block_on(run::run(&config, config::load(&config)?))?;
            // Whatever is still being put down has its time.
            runtime.shutdown_timeout(Duration::from_secs(1));
            match ended {
                Ended::Stopped => Ok(()),
                Ended::Anew => Err(again()),
            }
        }
        Command::Camera(command) => runtime.block_on(ask(command)),
        Command::Equipment { config } => {
            let pieces = config::load(&config)?.equipment;
            let found = runtime.block_on(health::ask_equipment(&pieces));
            let text = serde_json::to_string_pretty(&found).context("it cannot be printed")?;
            say(&format!("{text}\n"));
            Ok(())
        }
        Command::Check { config } => check(&config::load(&config)?),
        Command::CameraWorker | Command::CameraPlugins => {
            bail!("invariant: handled before the runtime starts")
        }
    }
}

/// This program once more in this process, with its new configuration; returns only if it cannot
/// be.
fn again() -> anyhow::Error {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| "xunke-agent".into());
    let mut own = std::process::Command::new("/proc/self/exe");
    let error = own.arg0(name).args(arguments).exec();
    anyhow::Error::new(error).context("the agent cannot be started anew")
}

async fn ask(command: CameraCommand) -> Result<()> {
    match command {
        CameraCommand::Discover { wishes, seconds } => {
            let longest = Duration::from_secs(seconds);
            let (networks, speech) = (wishes.networks()?, wishes.speech());
            say(&technician::discovered(&networks, longest, speech).await?);
        }
        CameraCommand::Probe {
            url,
            seconds,
            proof,
            wishes,
        } if url.starts_with("rtsp") => {
            let asked = asked(url, proof, &wishes);
            let told = technician::surveyed(&asked, seconds, wishes.speech()).await?;
            say(&told.text);
            ensure!(!told.failed, "the camera sent no picture");
        }
        CameraCommand::Probe {
            url, proof, wishes, ..
        } => {
            let known = proof.credentials_file.as_deref().map(credentials);
            let (networks, speech) = (wishes.networks()?, wishes.speech());
            say(&technician::probed(&url, known.transpose()?, &networks, speech).await?);
        }
        CameraCommand::Aim {
            camera,
            seconds,
            proof,
            wishes,
        } => {
            let asked = asked(camera, proof, &wishes);
            aim(&asked, seconds.map(Duration::from_secs), wishes.speech()).await?;
        }
    }
    Ok(())
}

fn asked(camera: String, proof: Proof, wishes: &Wishes) -> Asked {
    Asked {
        camera,
        credentials_file: proof.credentials_file,
        tls_sha256: proof.tls_sha256,
        tls_ca_file: proof.tls_ca_file,
        config: wishes.config.clone(),
        networks: wishes.network.clone(),
    }
}

/// On a terminal each reading takes the place of the one before; elsewhere they follow each other.
async fn aim(asked: &Asked, longest: Option<Duration>, speech: Speech) -> Result<()> {
    let in_place = stdout().is_terminal() && speech != Speech::Json;
    let mut lines = 0;
    let show = |text: &str| {
        if in_place && lines > 0 {
            // Up so many lines, and everything below is erased (ECMA-48: CPL, ED).
            say(&format!("\x1b[{lines}F\x1b[J"));
        }
        lines = text.lines().count();
        say(text);
    };
    tokio::select! {
        ended = technician::aimed(asked, longest, speech, show) => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    }
}

/// A reader that has seen enough, such as `head`, is no fault.
fn say(text: &str) {
    let mut out = stdout();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// With the code in that file; without one the box shows a code of its own.
async fn enrol(config: &Config, code_file: Option<&Path>, replace: bool) -> Result<()> {
    let done = match code_file {
        Some(file) => {
            let text = read_code(file)
                .with_context(|| format!("{}: the code cannot be read", file.display()))?;
            let code: Code = text.parse()?;
            identity::enrol(config, &code, replace).await?
        }
        None => identity::ask(config, replace, show).await?,
    };
    tracing::info!(
        device.id = %done.device_id,
        classroom.id = %done.classroom_id,
        "enrolled; start the box with `xunke-agent run --config FILE`"
    );
    // A box that is switched off now and on again without the hub knows its lessons.
    let identity = Identity::load(&config.state_dir)?;
    let client = identity.http_client(Duration::from_secs(config.hub.connect_seconds))?;
    let mut timetable = Keeper::open(&identity, &config.state_dir);
    if !timetable.ask(&client, config.hub.base()).await {
        tracing::warn!("no timetable yet; `run` asks for it again");
    }
    Ok(())
}

/// On standard output, which is a screen or the journal: it is good for an hour, for this box.
fn show(code: &ShownCode) {
    let text = Zeroizing::new(format!(
        "请在“设备入网”页输入本机代码（一小时内有效）\n\
         Type this code at the enrolment desk within an hour:\n\n    {}\n\n",
        *code.reveal()
    ));
    say(&text);
}

fn read_code(file: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    if file == Path::new("-") {
        std::io::stdin()
            .take(CODE_BYTES_MAX)
            .read_to_string(&mut text)?;
    } else {
        std::fs::File::open(file)?
            .take(CODE_BYTES_MAX)
            .read_to_string(&mut text)?;
    }
    Ok(text)
}

fn check(config: &Config) -> Result<()> {
    let identity = Identity::load(&config.state_dir)?;
    tracing::info!(
        device.id = %identity.device_id,
        hub.url = config.hub.url,
        cameras = config.cameras.len(),
        "configuration and identity are in order"
    );
    if config.cameras.is_empty() {
        tracing::warn!("no [[camera]] is configured: there is nothing to record");
    }
    Ok(())
}
