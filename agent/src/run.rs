//! Run: puts the rooms together and takes them apart again.

mod notify;

use crate::camera::program::Program;
use crate::camera::source::Camera;
use crate::clock;
use crate::command::{Ledger, Runner, Ways};
use crate::config::{self, Config};
use crate::health::{self, Report, Sources};
use crate::identity::{self, HttpClient, Identity, Renewal};
use crate::light::Light;
use crate::link::{self, Job, Link, Settings};
use crate::live::Pushes;
use crate::outbox::{Limit, Limits, Outbox};
use crate::recording::Recording;
use crate::timetable::Keeper;
use anyhow::{Context, Result, bail};
use rustix::fs::{FlockOperation, flock};
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use xunke_protocol::envelope::{CommandAnswer, Order};
use xunke_protocol::id::{MessageId, StreamKind};

/// Everything must have ended by then; systemd is told the same.
const STOP: Duration = Duration::from_secs(5);
/// Orders on their way to the room that carries them out.
const JOBS_MAX: usize = 64;
const MIB: u64 = 1024 * 1024;
const DAY_MS: i64 = 24 * 3_600_000;

/// Why the box stopped running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// Its configuration has changed, and it is to run again with that.
    Anew,
}

/// Runs the box until SIGTERM or Ctrl-C, or until the hub orders it to read `file` again and that
/// has changed.
///
/// # Errors
/// What keeps a box from starting: no identity, a state directory that cannot be written or is in
/// use. A hub or a camera that is away keeps nothing from starting.
pub async fn run(file: &Path, config: Config) -> Result<Ended> {
    let mut signals = Signals::new()?;
    let identity = Arc::new(Identity::load(&config.state_dir)?);
    let _lock = lock(&config.state_dir)?;
    let (stop, stopping) = watch::channel(false);
    let mut tasks = JoinSet::new();
    let program = Program::own(&config.state_dir);
    if !config.cameras.is_empty() {
        program.prepare().await;
    }
    let (anew, mut wanted) = mpsc::channel(1);
    let from = (&config, file);
    let rooms = start(from, &identity, &program, (&stopping, anew), &mut tasks)?;
    tracing::info!(
        device.id = %identity.device_id,
        cameras = rooms.cameras.len(),
        "running"
    );
    notify::ready();
    let ended = tokio::select! {
        () = signals.wait() => Ended::Stopped,
        Some(()) = wanted.recv() => Ended::Anew,
    };
    tracing::info!(?ended, "stopping");
    if ended == Ended::Stopped {
        notify::stopping();
    }
    stop.send_replace(true);
    let stopped = async { tokio::join!(rooms.stop(), tasks.join_all()) };
    if timeout(STOP, stopped).await.is_err() {
        tracing::warn!("not everything had ended in time");
    }
    tracing::info!("stopped");
    Ok(ended)
}

/// The two ways a box is asked to stop.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be received");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// One agent per state directory; the kernel gives the lock back when the process ends.
fn lock(state_dir: &Path) -> Result<File> {
    let file = state_dir.join("lock");
    let open = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&file);
    let open = open.with_context(|| format!("{}: cannot be written", file.display()))?;
    if flock(&open, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(
            "{}: another xunke-agent is running with this state_dir",
            state_dir.display()
        );
    }
    Ok(open)
}

/// The rooms that must be ended in order; the others run in `tasks` until `stopping`.
struct Rooms {
    cameras: Vec<Camera>,
    recording: Recording,
}

impl Rooms {
    /// Cameras first: the recorders end with their frames.
    async fn stop(self) {
        drop(self.cameras);
        self.recording.stop().await;
    }
}

/// Starts every room; recording first, and nothing of it waits for the hub.
fn start(
    (config, file): (&Config, &Path),
    identity: &Arc<Identity>,
    program: &Program,
    (stopping, anew): (&watch::Receiver<bool>, mpsc::Sender<()>),
    tasks: &mut JoinSet<()>,
) -> Result<Rooms> {
    let begin = |camera: &config::Camera| {
        Camera::start(camera.clone(), config.intake.clone(), program.clone())
    };
    let cameras: Vec<_> = config.cameras.iter().map(begin).collect();
    let client = identity.http_client(Duration::from_secs(config.hub.connect_seconds))?;
    let timetable = Keeper::open(identity, &config.state_dir);
    let schedule = timetable.schedule();
    let (watching, watched) = watch::channel(0);
    let outbox = Outbox::open(&config.state_dir.join("outbox"), limits(config))?;
    let with = (client.clone(), outbox.clone());
    let recording = Recording::start(&cameras, identity, config, with, &schedule, watched)?;
    let (jobs, orders) = mpsc::channel(JOBS_MAX);
    let (to_live, live) = mpsc::channel(JOBS_MAX);
    let (to_runner, ordered) = mpsc::channel(JOBS_MAX);
    let (answers, answered) = mpsc::channel(JOBS_MAX);
    let backlog = Arc::new(outbox.clone());
    let ledger = ledger(config)?;
    let link = Link::new(settings(config, identity), backlog, jobs, answered);
    let link = link.knowing(
        ledger
            .ended()
            .context("the ledger of commands cannot be read")?,
    );
    let (light, (tell_light, lit)) = (Light::new(&config.light), watch::channel(None));
    let certificate_end = Box::new(identity.certificate_end());
    let (measures, switches, measuring) = health::measure(config, lit, certificate_end);
    let sources = Sources {
        measures,
        cameras: cameras.iter().map(Camera::signals).collect(),
        recording: recording.signals(),
        spool: recording.spool_signals(),
        held: Box::new(recording.held()),
        link: link.status(),
    };
    let report = Report::new(&config.health);
    let pushes = pushes(config, identity, &cameras, (watching, light.clone()));
    let runner = Runner {
        config: config.clone(),
        config_file: file.to_owned(),
        ledger,
        newest: report.newest(),
        switches,
    };
    let work = obey(runner, identity, ordered, (answers.clone(), anew));
    until(stopping, tasks, work);
    until(stopping, tasks, measuring);
    until(stopping, tasks, report.shown(&config.metrics));
    until(stopping, tasks, report.run(sources, outbox, notify::alive));
    until(stopping, tasks, refresh(config, identity, client.clone()));
    let following = follow(timetable, config, client, link.status());
    until(stopping, tasks, following);
    until(stopping, tasks, hand_out(orders, to_live, to_runner));
    tasks.spawn(pushes.run(live, answers, stopping.clone()));
    tasks.spawn(light.run(recording.signals(), tell_light, stopping.clone()));
    tasks.spawn(link.run(stopping.clone()));
    Ok(Rooms { cameras, recording })
}

fn ledger(config: &Config) -> Result<Ledger> {
    let folder = config.state_dir.join("commands");
    let ledger = Ledger::open(&folder, clock::boot_id());
    ledger.with_context(|| format!("{}: cannot be written", folder.display()))
}

/// The runner, and the room that renews the certificate whenever it is due or ordered.
fn obey(
    runner: Runner,
    identity: &Identity,
    jobs: mpsc::Receiver<Job>,
    (answers, anew): (mpsc::Sender<(MessageId, CommandAnswer)>, mpsc::Sender<()>),
) -> impl Future<Output = ()> + use<> {
    let config = &runner.config;
    let renewal = Renewal::new(identity, config.state_dir.clone(), &config.hub);
    let (renewals, wanted) = mpsc::channel(1);
    let (done, renewed) = mpsc::channel(1);
    let ways = Ways {
        jobs,
        answers,
        renewals,
        renewed,
        anew,
    };
    async move {
        tokio::join!(renewal.run(wanted, done), runner.run(ways));
    }
}

/// Runs what has nothing to finish: it ends where it stands.
fn until(
    stopping: &watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let mut stopping = stopping.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = work => {}
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    });
}

fn refresh(
    config: &Config,
    identity: &Arc<Identity>,
    client: HttpClient,
) -> impl Future<Output = ()> + use<> {
    let (identity, base) = (identity.clone(), config.hub.base().to_owned());
    async move { identity::keep_fresh(&identity, client, &base).await }
}

fn follow(
    timetable: Keeper,
    config: &Config,
    client: HttpClient,
    link: watch::Receiver<link::Status>,
) -> impl Future<Output = ()> + use<> {
    let base = config.hub.base().to_owned();
    async move { timetable.run(client, &base, link).await }
}

fn limits(config: &Config) -> Limits {
    let limit = |mib_max: u64, days_max: u32| Limit {
        bytes_max: mib_max * MIB,
        age_ms_max: i64::from(days_max) * DAY_MS,
    };
    let outbox = &config.outbox;
    Limits {
        record: limit(outbox.record_mib_max, outbox.record_days_max),
        note: limit(outbox.note_mib_max, outbox.note_days_max),
    }
}

/// Hands each order to the room that carries it out.
async fn hand_out(
    mut orders: mpsc::Receiver<Job>,
    live: mpsc::Sender<Job>,
    runner: mpsc::Sender<Job>,
) {
    while let Some(job) = orders.recv().await {
        match job.order {
            Order::LiveStart { .. } => drop(live.send(job).await),
            _ => drop(runner.send(job).await),
        }
    }
}

fn settings(config: &Config, identity: &Identity) -> Settings {
    Settings {
        device: identity.device_id.clone(),
        host: identity
            .mqtt_host
            .clone()
            .unwrap_or_else(|| config.hub.address().host),
        port: identity.mqtt_port,
        tls: identity.tls_client_config(),
        hub_key: identity.hub_signing_key,
        keep_alive: Duration::from_secs(config.link.keep_alive_seconds),
        connect: Duration::from_secs(config.hub.connect_seconds),
        window: config.link.window,
        retry_max: Duration::from_secs(config.link.retry_seconds_max),
    }
}

fn pushes(
    config: &Config,
    identity: &Identity,
    cameras: &[Camera],
    (watched, light): (watch::Sender<usize>, Light),
) -> Pushes {
    let mut streams = HashMap::new();
    for camera in cameras {
        for stream in [StreamKind::Main, StreamKind::Sub] {
            if let Some(frames) = camera.frames(stream) {
                streams.insert((camera.name.clone(), stream), frames.clone());
            }
        }
    }
    Pushes {
        hub: config.hub.address(),
        tls: identity.tls_client_config(),
        streams,
        pushes_max: config.live.pushes_max,
        watched,
        light,
    }
}
