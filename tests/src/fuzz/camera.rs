//! Thousands of mutated sessions: most straight to workers, a share through a whole box beside good
//! cameras.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use tokio::task::JoinSet;

use super::stage::{FullBox, Genuine, Outcome, is_asked};
use super::worker::{Panic, Program, Ran};
use crate::bench::figure::{Figure, report};
use crate::campus::program;

const NAME: &str = "fuzz camera";
/// Workers at the same time.
const SIDE_BY_SIDE: usize = 12;
/// A worker has given up by then: 10 s for each answer by ONVIF, and some pauses between.
const LONGEST: Duration = Duration::from_secs(90);
/// Says how far it is.
const SAID_EVERY: u64 = 1_000;

/// How many, and which.
#[derive(Debug, Clone, Copy, Args)]
pub struct Wishes {
    /// How many sessions.
    #[arg(long, default_value_t = 10_000)]
    pub sessions: u64,
    /// What they follow from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only this session, as a failure names it.
    #[arg(long)]
    pub session: Option<u64>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Sessions straight to a worker.
    pub direct: u64,
    /// Of these, those that began with ONVIF.
    pub asked: u64,
    /// Of these, those that brought pictures all the same.
    pub pictures: u64,
    /// Workers that a signal ended.
    pub killed: u64,
    /// Panics and how often: of ours, which is wrong, and of libraries, which were caught.
    pub panics: BTreeMap<Panic, u64>,
    /// What was wrong, with seed and number of the session.
    pub wrong: Vec<String>,
    /// What became of the box meanwhile.
    pub outcome: Option<Outcome>,
}

/// Runs the sessions and prints the figures; whether nothing was wrong.
///
/// # Errors
/// Something did not start.
pub async fn run(wishes: Wishes) -> Result<bool> {
    let name = format!("xunke-fuzz-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    let found = match wishes.session {
        Some(number) => one(&folder, wishes.seed, number).await,
        None => sessions(&folder, wishes).await,
    };
    drop(std::fs::remove_dir_all(&folder));
    let found = found?;
    found.wrong.iter().for_each(|wrong| eprintln!("{wrong}"));
    for (panic, times) in &found.panics {
        eprintln!("  {times} × panicked at {}", panic.place);
    }
    let figures = found.figures();
    println!("{}", report(&figures));
    Ok(found.wrong.is_empty() && !figures.iter().any(Figure::misses))
}

async fn prepare(folder: &Path) -> Result<(Arc<Genuine>, Program)> {
    std::fs::create_dir_all(folder)?;
    let program = Program {
        file: program("xunke-agent")?,
        registry: folder.join("gstreamer-registry.bin"),
    };
    program.prepare().await?;
    Ok((Arc::new(Genuine::start().await?), program))
}

/// One session, straight to a worker.
async fn one(folder: &Path, seed: u64, number: u64) -> Result<Found> {
    let (genuine, program) = prepare(folder).await?;
    let mut found = Found::default();
    let ran = session(genuine, program, seed, number).await?;
    found.take(seed, number, ran);
    Ok(found)
}

/// All of them, while a box stands before hostile and good cameras.
///
/// # Errors
/// Something did not start, or the agent died.
pub async fn sessions(folder: &Path, wishes: Wishes) -> Result<Found> {
    let (genuine, program) = prepare(folder).await?;
    let seed = wishes.seed;
    let mut full = FullBox::start(&folder.join("box"), &genuine, seed).await?;
    let (mut found, mut running, mut next) = (Found::default(), JoinSet::new(), 0);
    loop {
        while running.len() < SIDE_BY_SIDE && next + full.made() < wishes.sessions {
            let (genuine, program, number) = (Arc::clone(&genuine), program.clone(), next);
            running.spawn(async move {
                let ran = session(genuine, program, seed, number).await;
                (number, ran)
            });
            next += 1;
            if next % SAID_EVERY == 0 {
                eprintln!(
                    "  {next} sessions straight, {} through the box",
                    full.made()
                );
            }
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (number, ran) = ended?;
        found.take(seed, number, ran?);
        full.lives()?;
    }
    let outcome = full.end()?;
    for panic in &outcome.panics {
        *found.panics.entry(panic.clone()).or_default() += 1;
        if !panic.foreign {
            let place = &panic.place;
            found
                .wrong
                .push(format!("in the box, seed {seed}: a panic at {place}"));
        }
    }
    found.outcome = Some(outcome);
    ensure!(
        found.direct < 50 || found.pictures > 0,
        "no session brought a picture: is the order in tests/src/fuzz/stage.rs still that of \
         agent/src/camera/pair.rs?"
    );
    Ok(found)
}

async fn session(genuine: Arc<Genuine>, program: Program, seed: u64, number: u64) -> Result<Ran> {
    let (doors, order) = genuine.session(seed, number).await?;
    let ran = program.run(&order, LONGEST).await;
    drop(doors);
    ran
}

impl Found {
    fn take(&mut self, seed: u64, number: u64, ran: Ran) {
        self.direct += 1;
        self.asked += u64::from(is_asked(number));
        self.pictures += u64::from(ran.frames > 0);
        self.killed += u64::from(ran.killed);
        for panic in ran.panics {
            *self.panics.entry(panic).or_default() += 1;
        }
        if !ran.wrong.is_empty() {
            let again = format!("./dev fuzz camera --seed {seed} --session {number}");
            self.wrong.push(format!("{again}: {}", ran.wrong));
        }
    }

    fn panicked(&self, foreign: bool) -> u64 {
        let of = self
            .panics
            .iter()
            .filter(|(panic, _)| panic.foreign == foreign);
        of.map(|(_, times)| times).sum()
    }

    fn figures(&self) -> Vec<Figure> {
        let figure = |metric, value: u64| Figure::new(NAME, metric, value as f64, "");
        let mut figures = vec![
            figure("sessions straight to a worker", self.direct),
            figure("of these, asked by ONVIF first", self.asked),
            figure("of these, with pictures all the same", self.pictures),
            figure("workers ended by a signal", self.killed).at_most(0.0),
            figure("panics in our code", self.panicked(false)).at_most(0.0),
            figure("panics in libraries, caught", self.panicked(true)),
        ];
        if let Some(outcome) = &self.outcome {
            figures.extend([
                figure("sessions through a whole box", outcome.made),
                figure("agents that died", 0).at_most(0.0),
                figure("pictures of good cameras recorded", outcome.recorded),
                figure("pictures of good cameras lost", outcome.lost).at_most(0.0),
                figure("good cameras opened again", outcome.again.into()).at_most(0.0),
                Figure::new(NAME, "the agent's memory grew by", outcome.grown_mb, "MB"),
            ]);
        }
        figures
    }
}
