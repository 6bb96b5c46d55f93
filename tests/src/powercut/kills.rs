//! Processes that are killed again and again: the real agent while it records a simulated camera,
//! and the real hub while a box hands segments over. Nothing durable is lost, nothing is there
//! twice, and the agent records again soon.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args;
use futures_util::future::join_all;
use tokio::time::sleep;
use xunke_mutate::Dice;
use xunke_protocol::id::SegmentId;

use super::sender::{Sender, library};
use crate::bench::figure::{Figure, percentile, report};
use crate::camera::{Number, Options, SimulatedCamera};
use crate::campus::{Hub, LoneBox, Pictures, Source};

const BENCH: &str = "killloop";
/// Each life takes a slot or two, far more than there are: none may be given up for want of room.
const SETTINGS: &str = "[intake]\nretry_seconds_max = 1\n[recording]\nsegment_seconds = 6\n\
                        [spool]\nmib_max = 512\nslot_mib = 16\nfree_mib_min = 64\n";
/// A box is opened whole after each start: it begins anew after so many kills.
const BOX_KILLS: usize = 40;
/// The agent is killed at any moment of this, after it records again.
const LIVES_MS: usize = 2500;
/// The hub is killed at any moment of this, after a box began to hand over.
const HUB_LIVES_MS: usize = 120;
/// Segments handed over in one life of the hub.
const HANDED: usize = 6;
/// Of them at the same time.
const LANES: usize = 3;
const WAIT_MAX: Duration = Duration::from_secs(60);
const AGAIN: Duration = Duration::from_millis(100);

/// How often.
#[derive(Debug, Clone, Args)]
pub struct Wishes {
    /// Kills of the agent.
    #[arg(long, default_value_t = 1000)]
    pub agent: usize,
    /// Kills of the hub.
    #[arg(long, default_value_t = 200)]
    pub hub: usize,
    /// Of the moments.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// The whole run; says whether every aim was met.
///
/// # Errors
/// Something did not start.
pub async fn run(wishes: &Wishes) -> Result<bool> {
    let name = format!("xunke-kills-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    let figures = measure(wishes, &folder).await;
    fs::remove_dir_all(&folder)?;
    let figures = figures?;
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

async fn measure(wishes: &Wishes, folder: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    if wishes.agent > 0 {
        figures.extend(agent(wishes.agent, folder, &mut Dice::of(wishes.seed, 1)).await?);
    }
    if wishes.hub > 0 {
        figures.extend(hub(wishes.hub, folder, &mut Dice::of(wishes.seed, 2)).await?);
    }
    Ok(figures)
}

/// What the kills of the agent have cost.
#[derive(Default)]
struct Cost {
    kills: usize,
    durable: usize,
    lost: usize,
    holes: u64,
    twice: u64,
    again_s: Vec<f64>,
}

async fn agent(kills: usize, folder: &Path, dice: &mut Dice) -> Result<Vec<Figure>> {
    let camera = SimulatedCamera::start(Options::default()).await?;
    let mut cost = Cost::default();
    while cost.kills < kills {
        let count = BOX_KILLS.min(kills - cost.kills);
        let place = folder.join(format!("box{}", cost.kills));
        fs::create_dir_all(&place)?;
        one_box(&place, &camera, count, dice, &mut cost).await?;
        fs::remove_dir_all(&place)?;
        eprintln!("  the agent was killed {} times", cost.kills);
    }
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    let again = |share| percentile(&cost.again_s, share);
    Ok(vec![
        figure("agent: kills", cost.kills as f64, ""),
        figure(
            "agent: pictures durable before a kill",
            cost.durable as f64,
            "",
        )
        .at_least(1.0),
        figure("agent: of them lost", cost.lost as f64, "").at_most(0.0),
        figure("agent: missing within a session", cost.holes as f64, "").at_most(0.0),
        figure("agent: pictures twice", cost.twice as f64, "").at_most(0.0),
        figure("agent: first fragment durable again, p50", again(0.5), "s"),
        figure("agent: first fragment durable again, most", again(1.0), "s").at_most(5.0),
    ])
}

async fn one_box(
    folder: &Path,
    camera: &SimulatedCamera,
    kills: usize,
    dice: &mut Dice,
    cost: &mut Cost,
) -> Result<()> {
    let source = Source {
        sub: None,
        ..Source::of(camera)
    };
    let mut lone = LoneBox::start(folder, &[source], SETTINGS)?;
    let mut durable: BTreeSet<Number> = BTreeSet::new();
    recorded_again(&mut lone, &durable).await?;
    for _ in 0..kills {
        sleep(Duration::from_millis(dice.below(LIVES_MS) as u64)).await;
        durable.extend(numbers(&lone)?);
        lone.kill_and_start()?;
        cost.kills += 1;
        cost.again_s
            .push(recorded_again(&mut lone, &durable).await?);
    }
    lone.agent.end()?;
    let found = numbers(&lone)?;
    let there: BTreeSet<Number> = found.iter().copied().collect();
    let pictures = Pictures::of(found, 0);
    cost.durable += durable.len();
    cost.lost += durable.difference(&there).count();
    cost.holes += pictures.lost;
    cost.twice += pictures.twice;
    Ok(())
}

/// Waits for a session that is not known yet; gives the seconds until its first fragment is there.
async fn recorded_again(lone: &mut LoneBox, known: &BTreeSet<Number>) -> Result<f64> {
    let before = known.last().map_or(0, |number| number.session);
    let began = Instant::now();
    loop {
        let newest = numbers(lone)?.iter().map(|number| number.session).max();
        if newest.is_some_and(|newest| newest > before) {
            return Ok(began.elapsed().as_secs_f64());
        }
        if began.elapsed() > WAIT_MAX || lone.agent.ended() {
            bail!("it does not record again\n{}", lone.agent.last_words());
        }
        sleep(AGAIN).await;
    }
}

fn numbers(lone: &LoneBox) -> Result<Vec<Number>> {
    let opened = lone.opened(0)?;
    Ok(opened.into_iter().flat_map(|one| one.pictures).collect())
}

async fn hub(kills: usize, folder: &Path, dice: &mut Dice) -> Result<Vec<Figure>> {
    let campus = folder.join("campus");
    fs::create_dir_all(&campus)?;
    let mut hub = Hub::start(&campus, 1, None)?;
    let mut sender = Sender::new(&folder.join("sender"), &hub)?;
    let mut stored: BTreeSet<SegmentId> = BTreeSet::new();
    let mut broken_off = 0;
    for _ in 0..kills {
        let segments = sender.seal(HANDED, dice)?;
        let life = Duration::from_millis(dice.below(HUB_LIVES_MS) as u64);
        let had = until_killed(&mut hub, &sender, &segments, life).await;
        broken_off += segments.len() - had.len();
        hub.run()?;
        for segment in segments {
            if !had.contains(&segment) {
                sender.hand(segment).await?;
            }
            sender.forget(segment);
            stored.insert(segment);
        }
    }
    let mut wrong = Vec::new();
    let there = library(&hub, &mut wrong)?;
    hub.end()?;
    wrong.iter().for_each(|wrong| eprintln!("wrong: {wrong}"));
    let figure = |metric: &str, value: usize| Figure::new(BENCH, metric, value as f64, "");
    let lost = stored.difference(&there).count();
    let strange = wrong.len() + there.difference(&stored).count();
    Ok(vec![
        figure("hub: kills during ingest", kills),
        figure("hub: segments handed over", stored.len()).at_least(1.0),
        figure("hub: of them broken off by a kill", broken_off),
        figure("hub: signed for and lost", lost).at_most(0.0),
        figure("hub: nobody's, doubled or damaged", strange).at_most(0.0),
    ])
}

/// Hands segments over until the hub is killed; gives those that have their receipt.
async fn until_killed(
    hub: &mut Hub,
    sender: &Sender,
    segments: &[SegmentId],
    life: Duration,
) -> BTreeSet<SegmentId> {
    let lanes = segments.chunks(segments.len().div_ceil(LANES));
    let lanes = join_all(lanes.map(|lane| hand_some(sender, lane)));
    let kill = async {
        sleep(life).await;
        hub.kill();
    };
    let (had, ()) = tokio::join!(lanes, kill);
    had.into_iter().flatten().collect()
}

async fn hand_some(sender: &Sender, segments: &[SegmentId]) -> BTreeSet<SegmentId> {
    let mut had = BTreeSet::new();
    for segment in segments {
        if sender.hand(*segment).await.is_err() {
            return had;
        }
        had.insert(*segment);
    }
    had
}
