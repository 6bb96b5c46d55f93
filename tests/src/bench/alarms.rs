//! Who is told of what is wrong, how soon and how often (R66): a real hub, a real box whose camera
//! is pulled, and a receiver at the other end of a webhook; thirty boxes behind one switch; a box
//! that comes and goes.
//!
//! desk

mod desk;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::Value;
use tokio::time::sleep;
use uuid::Uuid;
use xunke_policy::fault::{Moment, kind};

use super::figure::{Figure, percentile, report};
use crate::campus::{Campus, Classroom, Options};
use crate::classroom::Behaviour;
use crate::clock::now_ms;
use crate::load::{Fleet, Hall, Manners, Side};
use desk::Desk;

const BENCH: &str = "alarms";
const MINUTE_MS: i64 = 60_000;
const UP_MAX: Duration = Duration::from_secs(60);
const TOLD_MAX: Duration = Duration::from_secs(300);
/// After the word that is counted, another would come within this, were it not held back.
const WATCHED: Duration = Duration::from_secs(60);
/// A box is away for so long, in class: its fault opens and is told.
const AWAY: Duration = Duration::from_secs(34);

/// How much.
#[derive(Debug, Clone, Args)]
pub struct Storms {
    /// Cameras that are pulled in each way (bench alarms).
    #[arg(long, default_value_t = 3)]
    pub trials: usize,
    /// Boxes behind the switch (bench alarms).
    #[arg(long, default_value_t = 30)]
    pub behind: usize,
    /// How often the restless box goes away (bench alarms).
    #[arg(long, default_value_t = 6)]
    pub comings: usize,
}

/// How a camera ends.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Its connections are closed, and new ones refused.
    Power,
    /// Nothing is heard of it any more, and new connections get no answer.
    Cable,
    /// It answers, but sends no pictures.
    Hang,
}

impl Way {
    /// The code that is open first.
    fn code(self) -> &'static str {
        match self {
            Self::Power => "CAM_NO_SIGNAL",
            Self::Cable | Self::Hang => "CAM_STALLED",
        }
    }

    fn befall(self, room: &mut Classroom) -> Result<()> {
        match self {
            Self::Power => room.befall(Behaviour::Die),
            Self::Cable => room.stop_camera(),
            Self::Hang => room.befall(Behaviour::Freeze),
        }
    }
}

/// Runs the bench and prints its report; says whether every aim was met.
///
/// # Errors
/// Something did not start, or nobody was told.
pub async fn run(storms: &Storms) -> Result<bool> {
    let mut figures = Vec::new();
    for moment in [Moment::InClass, Moment::Idle] {
        for way in [Way::Power, Way::Cable, Way::Hang] {
            figures.extend(pulled(moment, way, storms.trials).await?);
        }
    }
    figures.push(storm(storms.behind).await?);
    figures.push(restless(storms.comings).await?);
    println!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// A room whose technician has set up a receiver.
async fn room(moment: Moment) -> Result<(Campus, Desk)> {
    let options = Options {
        rooms: 1,
        ..Options::default()
    };
    let mut campus = Campus::start(options).await?;
    let room = campus.hub.rooms.first().context("no room")?.id.clone();
    let (from_ms, to_ms) = match moment {
        Moment::InClass => (now_ms() - 5 * MINUTE_MS, now_ms() + 90 * MINUTE_MS),
        // The day has lessons, but none near.
        _ => (now_ms() - 4 * 60 * MINUTE_MS, now_ms() - 3 * 60 * MINUTE_MS),
    };
    campus.hub.teach(&room, from_ms, to_ms)?;
    let desk = Desk::open(&mut campus.hub).await?;
    let streams = |one: &Value| one["health"]["cameras"][0]["state"] == "streaming";
    desk.until_device("streaming", streams, UP_MAX).await?;
    Ok((campus, desk))
}

/// Pulls a camera, each time in a new room: an alert is told once only.
async fn pulled(moment: Moment, way: Way, trials: usize) -> Result<Vec<Figure>> {
    let in_class = moment == Moment::InClass;
    let when = if in_class { "in class" } else { "idle" };
    let name = format!("{when}, {}", format!("{way:?}").to_lowercase());
    let (mut opened_s, mut told_s) = (Vec::new(), Vec::new());
    for _ in 0..trials {
        let (mut campus, desk) = room(moment).await?;
        let classroom = campus.classrooms.first_mut().context("no room")?;
        let pulled = Instant::now();
        way.befall(classroom)?;
        desk.until_fault(way.code(), TOLD_MAX).await?;
        opened_s.push(pulled.elapsed().as_secs_f64());
        let at = desk.until_told(TOLD_MAX).await?;
        told_s.push(at.duration_since(pulled).as_secs_f64());
        eprintln!("  {name}: fault after {opened_s:.1?} s, told after {told_s:.1?} s");
        campus.end()?;
    }
    let figure =
        |metric: &str, value: f64| Figure::new(BENCH, &format!("{name}: {metric}"), value, "s");
    let kind = kind(way.code()).context("the catalogue has no such code")?;
    let hold_ms = if in_class {
        kind.hold_ms
    } else {
        kind.idle_hold_ms
    };
    let last = figure("pulled → message, most", percentile(&told_s, 1.0));
    Ok(vec![
        figure("of which hold-down", hold_ms as f64 / 1000.0),
        figure("pulled → fault open, p50", percentile(&opened_s, 0.5)),
        figure("pulled → message, p50", percentile(&told_s, 0.5)),
        if in_class { last.at_most(20.0) } else { last },
    ])
}

/// A switch with so many rooms goes down.
async fn storm(boxes: usize) -> Result<Figure> {
    let folder = std::env::temp_dir().join(format!("xunke-storm-{}", Uuid::now_v7().simple()));
    fs::create_dir_all(&folder)?;
    let messages = behind_a_switch(&folder, boxes).await;
    fs::remove_dir_all(&folder)?;
    let metric = format!("a switch with {boxes} rooms goes down: messages");
    Ok(Figure::new(BENCH, &metric, messages? as f64, "").at_most(1.0))
}

async fn behind_a_switch(folder: &Path, boxes: usize) -> Result<usize> {
    let mut hall = Hall::start(folder, boxes)?;
    let desk = Desk::open(&mut hall.hub).await?;
    let fleet = Fleet::start(&hall.papers, &hall.address(), Manners::default())?;
    fleet.all_back(UP_MAX).await?;
    eprintln!("  {boxes} boxes are there; their switch goes down");
    drop(fleet);
    desk.hears(1, TOLD_MAX).await?;
    sleep(WATCHED).await;
    let heard = desk.heard();
    for one in &heard {
        eprintln!("  {}", one.body()?["commonAnnotations"]["summary"]);
    }
    hall.kill();
    ensure!(!heard.is_empty(), "nobody was told");
    Ok(heard.len())
}

/// A box that comes and goes in class: the first time is told, and that it does so.
async fn restless(comings: usize) -> Result<Figure> {
    let (mut campus, desk) = room(Moment::InClass).await?;
    for time in 0..comings {
        let classroom = campus.classrooms.first_mut().context("no room")?;
        classroom.kill_agent();
        sleep(AWAY).await;
        classroom.run_agent()?;
        let online = |one: &Value| one["state"] == "online";
        desk.until_device("online", online, UP_MAX).await?;
        eprintln!(
            "  the box went away {} times: {} messages",
            time + 1,
            desk.heard().len()
        );
    }
    sleep(WATCHED).await;
    let heard = desk.heard();
    for one in &heard {
        eprintln!("  {}", one.body()?["commonAnnotations"]["summary"]);
    }
    campus.end()?;
    ensure!(!heard.is_empty(), "nobody was told");
    let metric = format!("a box goes away {comings} times in class: messages");
    Ok(Figure::new(BENCH, &metric, heard.len() as f64, "").at_most(2.0))
}
