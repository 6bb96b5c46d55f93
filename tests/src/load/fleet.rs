//! The fleet: one task with the agent's link for each box, and what makes it speak.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep, sleep_until};
use uuid::Uuid;
use xunke_agent::link::{Job, Link, Settings};
use xunke_agent::{clock, config};
use xunke_protocol::envelope::{CommandAnswer, CommandState};
use xunke_protocol::id::MessageId;

use super::papers::Papers;
use super::shelf::Shelf;
use super::tally::{Seen, Tally};

/// How often who is back is looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Events of one tick go out together; a tick is short against what is measured.
const TICK: Duration = Duration::from_millis(20);

/// Where the other side listens.
#[derive(Debug, Clone)]
pub struct Address {
    /// Name or address; the other side's certificate must be for it.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// What boxes connect to.
pub trait Side {
    /// Where it listens.
    fn address(&self) -> Address;

    /// Its process id, while it runs.
    fn pid(&self) -> Option<u32>;

    /// Kills it as a power cut would.
    fn kill(&mut self);

    /// Starts it again.
    ///
    /// # Errors
    /// It does not start.
    fn run(&mut self) -> Result<()>;
}

/// How the boxes behave; the defaults are the agent's.
#[derive(Debug, Clone, Copy)]
pub struct Manners {
    /// Time between two health documents of one box.
    pub health: Duration,
    /// Longest pause between two attempts to connect.
    pub retry_max: Duration,
    /// All begin to connect within this.
    pub spread: Duration,
}

impl Default for Manners {
    fn default() -> Self {
        let (health, link) = (config::Health::default(), config::Link::default());
        Self {
            health: Duration::from_secs(health.period_seconds),
            retry_max: Duration::from_secs(link.retry_seconds_max),
            spread: Duration::ZERO,
        }
    }
}

/// Boxes that run. Dropping it ends them without a goodbye, as a power cut would.
pub struct Fleet {
    shelves: Vec<Arc<Shelf>>,
    tally: Arc<Tally>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    next: usize,
}

impl Fleet {
    /// Starts every box of `papers`.
    ///
    /// # Errors
    /// A certificate or a name is none, or so many connections are not allowed.
    pub fn start(papers: &Papers, address: &Address, manners: Manners) -> Result<Self> {
        allow_files(papers.boxes.len())?;
        let (stop, stopped) = watch::channel(false);
        let tally = Arc::new(Tally::default());
        let mut fleet = Self {
            shelves: Vec::new(),
            tally,
            stop,
            tasks: JoinSet::new(),
            next: 0,
        };
        let count = u32::try_from(papers.boxes.len())?.max(1);
        let (link, hub) = (config::Link::default(), config::Hub::default());
        for (number, papers) in (0..).zip(&papers.boxes) {
            let settings = Settings {
                device: papers.device_id.parse()?,
                host: address.host.clone(),
                port: address.port,
                tls: Arc::new(papers.tls(true)?),
                hub_key: papers.hub_key()?,
                keep_alive: Duration::from_secs(link.keep_alive_seconds),
                connect: Duration::from_secs(hub.connect_seconds),
                window: link.window,
                retry_max: manners.retry_max,
            };
            let shelf = Arc::new(Shelf::new(fleet.tally.clone()));
            fleet.shelves.push(shelf.clone());
            let share = f64::from(number) / f64::from(count);
            fleet
                .tasks
                .spawn(live(settings, shelf, manners, share, stopped.clone()));
        }
        Ok(fleet)
    }

    /// How many boxes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shelves.len()
    }

    /// How many are back: birth and health of their present connection are stored.
    #[must_use]
    pub fn back(&self) -> usize {
        self.shelves.iter().filter(|shelf| shelf.is_back()).count()
    }

    /// Waits until all are back, and says how long each took from now on, in seconds.
    ///
    /// # Errors
    /// Some are not back in time.
    pub async fn all_back(&self, longest: Duration) -> Result<Vec<f64>> {
        let began = Instant::now();
        let mut after_s = Vec::new();
        loop {
            let back = self.back();
            let now_s = began.elapsed().as_secs_f64();
            after_s.resize(back.max(after_s.len()), now_s);
            if back == self.count() {
                return Ok(after_s);
            }
            let count = self.count();
            ensure!(
                began.elapsed() < longest,
                "{back} of {count} boxes are back after {longest:?}"
            );
            sleep(LOOK).await;
        }
    }

    /// Waits until no box is back any more.
    ///
    /// # Errors
    /// Some still are after that long.
    pub async fn all_gone(&self, longest: Duration) -> Result<()> {
        let deadline = Instant::now() + longest;
        while self.back() > 0 {
            ensure!(Instant::now() < deadline, "{} boxes stay", self.back());
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Lets events happen at `per_second`, from box to box, for `length`; gives their ids.
    pub async fn happen(&mut self, per_second: f64, length: Duration) -> Vec<Uuid> {
        let (began, mut ids) = (Instant::now(), Vec::new());
        let mut ticks = interval(TICK);
        while began.elapsed() < length {
            ticks.tick().await;
            let due = (began.elapsed().as_secs_f64() * per_second) as usize;
            while ids.len() < due {
                ids.push(self.shelves[self.next].add_event());
                self.next = (self.next + 1) % self.shelves.len();
            }
        }
        ids
    }

    /// Lets so many events happen in each box at once; gives their ids.
    pub fn burst(&self, each: usize) -> Vec<Uuid> {
        let events = self
            .shelves
            .iter()
            .flat_map(|shelf| (0..each).map(|_| shelf.add_event()));
        events.collect()
    }

    /// Waits until every event is acknowledged.
    ///
    /// # Errors
    /// Some are not in time.
    pub async fn emptied(&self, longest: Duration) -> Result<()> {
        let deadline = Instant::now() + longest;
        while let waiting @ 1.. = self
            .shelves
            .iter()
            .filter(|shelf| !shelf.is_empty())
            .count()
        {
            ensure!(
                Instant::now() < deadline,
                "{waiting} boxes still have events after {longest:?}"
            );
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// What was counted since the last look.
    #[must_use]
    pub fn take(&self) -> Seen {
        self.tally.take()
    }

    /// Ends every box with its goodbye.
    pub async fn end(mut self) {
        self.stop.send_replace(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// One box, until it is to stop.
async fn live(
    settings: Settings,
    shelf: Arc<Shelf>,
    manners: Manners,
    share: f64,
    stop: watch::Receiver<bool>,
) {
    sleep(manners.spread.mul_f64(share)).await;
    let (jobs, ordered) = mpsc::channel(4);
    let (answers, answered) = mpsc::channel(4);
    let link = Link::new(settings, shelf.clone(), jobs, answered);
    let rest = async {
        tokio::join!(
            report(&shelf, manners.health, share),
            obey(ordered, answers)
        );
    };
    tokio::select! {
        () = link.run(stop) => {}
        () = rest => {}
    }
}

/// Health each period; a fleet's boxes do not speak all at once.
async fn report(shelf: &Shelf, period: Duration, share: f64) {
    let began = Instant::now();
    let mut due = began + period.mul_f64(share);
    shelf.set_health(document());
    loop {
        sleep_until(due).await;
        shelf.set_health(document());
        due += period;
    }
}

/// A box without cameras cannot carry out what it is told, and says so.
async fn obey(mut orders: mpsc::Receiver<Job>, answers: mpsc::Sender<(MessageId, CommandAnswer)>) {
    while let Some(job) = orders.recv().await {
        let failed = CommandAnswer::new(CommandState::Failed, Some("unknown_source"));
        drop(answers.send((job.id, failed)).await);
    }
}

/// As long as what a room with one camera tells.
fn document() -> Value {
    let now = clock::now_ms();
    json!({
        "cameras": [{
            "source": "cam0", "state": "streaming", "since": now - 3_600_000, "frame_age_ms": 31,
            "bytes_per_second": 512_345, "frames_per_second": 25.0, "restarts": 0,
            "luma_mean": 118.25, "luma_variance": 2231.5, "audio": true, "clock_steps": 0,
            "sharpness": 71.5, "sight": [],
            "sound": {"rms_dbfs": -33.25, "clipping_ratio": 0.0},
        }],
        "recording": {
            "state": "idle", "since": now - 60_000,
            "timetable": {"basis": "lessons", "version": 7},
        },
        "spool": {
            "waiting_bytes": 0, "waiting_segments": 0, "free_bytes": 400_000_000_000_u64,
            "limit_bytes": 64_000_000_000_u64, "evicted_unsent": 0,
        },
        "held": [],
        "system": {
            "uptime_s": clock::mono_ms() / 1000, "load_ratio": 0.25,
            "memory_available_bytes": 3_000_000_000_u64, "agent_resident_bytes": 21_000_000,
        },
        "clock_skew_ms": 2, "clock_steps": 0,
    })
}

/// Lets this process hold so many connections: each is an open file, and some are open anyway.
///
/// # Errors
/// The machine does not allow it.
pub fn allow_files(count: usize) -> Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let (wanted, mut limit) = (u64::try_from(count)? + 256, getrlimit(Resource::Nofile));
    if limit.current.is_some_and(|current| current < wanted) {
        limit.current = Some(wanted);
        setrlimit(Resource::Nofile, limit)
            .with_context(|| format!("{count} boxes need {wanted} open files: ulimit -n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use xunke_protocol::health::HealthDocument;

    #[test]
    fn what_a_box_reports_is_a_health_document() {
        let report: HealthDocument = serde_json::from_value(document()).unwrap();
        assert_eq!(report.cameras.len(), 1);
    }
}
