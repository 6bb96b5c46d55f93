//! Chaos: boxes with the agent's own outbox and link report events while the hub is killed, the
//! cable is pulled or falls silent, and boxes lose power. Afterwards the hub has each event once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use xunke_agent::link::{Link, Settings};
use xunke_agent::outbox::{Class, Event, Limit, Limits, Outbox};
use xunke_mutate::Dice;

use super::EVENT_KIND;
use super::cable::{Cable, State};
use super::fleet::Side;
use super::hall::Hall;
use crate::bench::figure::{Figure, report};
use crate::campus::BoxIdentity;

const BENCH: &str = "chaos";
const BOXES: usize = 10;
const OUTBOX_OF_A_CLASS: Limit = Limit {
    bytes_max: 64 << 20,
    age_ms_max: 30 * 24 * 3_600_000,
};
const OUTBOX: Limits = Limits {
    record: OUTBOX_OF_A_CLASS,
    note: OUTBOX_OF_A_CLASS,
};
/// Events come in handfuls, so that a window is full now and then.
const HANDFUL: usize = 10;
/// Between two handfuls, at most.
const PAUSE_MS: usize = 300;
/// How long something is broken, at most, beside half a second.
const BROKEN_MS: usize = 2500;
const LOOK: Duration = Duration::from_millis(200);
const DONE_MAX: Duration = Duration::from_secs(180);
const OPEN_MAX: Duration = Duration::from_secs(10);

/// How much of it.
#[derive(Debug, Clone, Args)]
pub struct Wishes {
    /// Events of all boxes together.
    #[arg(long, default_value_t = 1500)]
    pub events: usize,
    /// Kills of the hub; as often the cable is pulled, falls silent, and a box loses power.
    #[arg(long, default_value_t = 4)]
    pub kills: usize,
    /// Of the moments.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// With mosquitto between, which is killed as often as the hub.
    #[arg(long)]
    pub broker: bool,
}

/// Runs it and prints its report; says whether every aim was met.
///
/// # Errors
/// Something did not start.
pub async fn run(wishes: &Wishes) -> Result<bool> {
    let name = format!("xunke-chaos-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    let figures = measure(wishes, &folder).await;
    fs::remove_dir_all(&folder)?;
    let figures = figures?;
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// What breaks.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Hub,
    Broker,
    Pulled,
    Silent,
    Box,
}

/// Runs it in `folder`, which stays.
///
/// # Errors
/// Something did not start, or events do not arrive.
pub async fn measure(wishes: &Wishes, folder: &Path) -> Result<Vec<Figure>> {
    fs::create_dir_all(folder)?;
    let mut hall = match wishes.broker {
        true => Hall::behind_broker(folder, BOXES)?,
        false => Hall::start(folder, BOXES)?,
    };
    let cable = Cable::lay(hall.address().port).await?;
    let mut boxes = Vec::new();
    for (number, papers) in hall.papers.boxes.iter().enumerate() {
        let folder = folder.join(format!("outbox{number}"));
        boxes.push(SimulatedBox::start(papers, &cable, folder).await?);
    }
    let mut dice = Dice::of(wishes.seed, 1);
    let mut kinds = vec![Trouble::Hub, Trouble::Pulled, Trouble::Silent, Trouble::Box];
    kinds.extend(wishes.broker.then_some(Trouble::Broker));
    let mut troubles = kinds.repeat(wishes.kills);
    let every = (wishes.events / (troubles.len() + 1)).max(1);
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = 0;
    while count < wishes.events || !troubles.is_empty() {
        for _ in 0..HANDFUL.min(wishes.events - count) {
            let sender = dice.below(BOXES);
            let device = hall.papers.boxes[sender].device_id.clone();
            let number = told.entry(device).or_default();
            boxes[sender].happens(*number).await?;
            *number += 1;
            count += 1;
        }
        sleep(Duration::from_millis(dice.below(PAUSE_MS) as u64)).await;
        let due = count / every > kinds.len() * wishes.kills - troubles.len();
        if (due || count == wishes.events) && !troubles.is_empty() {
            let trouble = troubles.swap_remove(dice.below(troubles.len()));
            eprintln!("  {count} events, then: {trouble:?}");
            befall(trouble, &mut hall, &cable, &mut boxes, &mut dice).await?;
        }
    }
    let began = Instant::now();
    let stored = wait_for(&hall, wishes.events).await?;
    let after_s = began.elapsed().as_secs_f64();
    boxes.iter().for_each(|one| one.task.abort());
    hall.hub.end()?;
    Ok(figures(&told, &stored, wishes, after_s))
}

async fn befall(
    trouble: Trouble,
    hall: &mut Hall,
    cable: &Cable,
    boxes: &mut [SimulatedBox],
    dice: &mut Dice,
) -> Result<()> {
    let length = Duration::from_millis(500 + dice.below(BROKEN_MS) as u64);
    match trouble {
        Trouble::Hub => {
            hall.kill();
            sleep(length).await;
            hall.run()
        }
        Trouble::Broker => {
            let broker = hall.hub.broker()?;
            broker.kill();
            sleep(length).await;
            broker.run()
        }
        Trouble::Pulled | Trouble::Silent => {
            let pulled = matches!(trouble, Trouble::Pulled);
            cable.set(if pulled { State::Pulled } else { State::Silent });
            sleep(length).await;
            if !pulled {
                // What lies in the cable never arrives.
                cable.set(State::Pulled);
                sleep(LOOK).await;
            }
            cable.set(State::Whole);
            Ok(())
        }
        Trouble::Box => boxes[dice.below(BOXES)].restart().await,
    }
}

/// What each box has told, as the hub has it: box, number, rows.
async fn wait_for(hall: &Hall, events: usize) -> Result<BTreeMap<(String, usize), usize>> {
    let deadline = Instant::now() + DONE_MAX;
    let query = format!("SELECT device_id, data FROM device_events WHERE kind = '{EVENT_KIND}'");
    loop {
        let mut stored: BTreeMap<(String, usize), usize> = BTreeMap::new();
        for line in hall.hub.sql(&query)?.lines() {
            let (device, data) = line.split_once('|').context("not a row")?;
            let data: serde_json::Value = serde_json::from_str(data)?;
            let number = data["number"].as_u64().context("an event without number")?;
            let key = (device.to_owned(), usize::try_from(number)?);
            *stored.entry(key).or_default() += 1;
        }
        if stored.len() >= events || Instant::now() > deadline {
            return Ok(stored);
        }
        sleep(LOOK).await;
    }
}

fn figures(
    told: &BTreeMap<String, usize>,
    stored: &BTreeMap<(String, usize), usize>,
    wishes: &Wishes,
    after_s: f64,
) -> Vec<Figure> {
    let happened = told
        .iter()
        .flat_map(|(device, count)| (0..*count).map(|number| (device.clone(), number)));
    let lost = happened.filter(|key| !stored.contains_key(key)).count();
    let twice = stored.values().filter(|rows| **rows > 1).count();
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    let most = wishes.events as f64;
    vec![
        figure("events", told.values().sum::<usize>() as f64, "").at_least(most),
        figure("kills of the hub", wishes.kills as f64, ""),
        figure(
            "the cable pulled, and silent",
            2.0 * wishes.kills as f64,
            "",
        ),
        figure("boxes that lost power", wishes.kills as f64, ""),
        figure("events lost", lost as f64, "").at_most(0.0),
        figure("events twice", twice as f64, "").at_most(0.0),
        figure(
            "events that never happened",
            (stored.len() + lost) as f64 - most,
            "",
        )
        .at_most(0.0),
        figure("all stored after the last", after_s, "s"),
    ]
}

/// A box with an outbox on disk.
struct SimulatedBox {
    folder: PathBuf,
    settings: Settings,
    /// `None` while it has no power.
    outbox: Option<Outbox>,
    task: JoinHandle<()>,
}

impl SimulatedBox {
    async fn start(papers: &BoxIdentity, cable: &Cable, folder: PathBuf) -> Result<Self> {
        let address = cable.address();
        let settings = Settings {
            device: papers.device_id.parse()?,
            host: address.host,
            port: address.port,
            tls: Arc::new(papers.tls(true)?),
            hub_key: papers.hub_key()?,
            keep_alive: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            window: 16,
            retry_max: Duration::from_secs(2),
        };
        let outbox = open(&folder).await?;
        let task = live(settings.clone(), outbox.clone());
        Ok(Self {
            folder,
            settings,
            outbox: Some(outbox),
            task,
        })
    }

    async fn happens(&self, number: usize) -> Result<()> {
        let outbox = self.outbox.as_ref().context("the box has no power")?;
        let class = [Class::Record, Class::Note][number % 2];
        let (kind, data) = (EVENT_KIND, json!({"number": number}));
        Ok(outbox.append(Event { class, kind, data }).await?)
    }

    /// Nothing of the old one is left but its disk.
    async fn restart(&mut self) -> Result<()> {
        self.task.abort();
        while !self.task.is_finished() {
            sleep(LOOK).await;
        }
        drop(self.outbox.take());
        let outbox = open(&self.folder).await?;
        self.task = live(self.settings.clone(), outbox.clone());
        self.outbox = Some(outbox);
        Ok(())
    }
}

async fn open(folder: &Path) -> Result<Outbox> {
    let deadline = Instant::now() + OPEN_MAX;
    loop {
        match Outbox::open(folder, OUTBOX) {
            Ok(outbox) => return Ok(outbox),
            Err(error) => ensure!(Instant::now() < deadline, "no outbox: {error}"),
        }
        sleep(LOOK).await;
    }
}

fn live(settings: Settings, outbox: Outbox) -> JoinHandle<()> {
    tokio::spawn(async move {
        let (jobs, _orders) = mpsc::channel(1);
        let (_answers, answered) = mpsc::channel(1);
        let (_stop, stopped) = watch::channel(false);
        let link = Link::new(settings, Arc::new(outbox), jobs, answered);
        link.run(stopped).await;
    })
}
