//! Power cuts: the real spool and the real hub on a disk that remembers all it was sent, and the
//! next start on what a cut at any moment would have left.
//!
//! history → drive → lesson → account → teller → recorder → plain → part → rig
//! → sender → library → kills
//!
//! What it can and cannot show: docs/decisions/0025.

mod history;
mod drive;
mod lesson;
mod account;
mod teller;
mod recorder;
mod plain;
pub mod part;
mod rig;
mod sender;
mod library;
pub mod kills;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use clap::Args;

use crate::bench::figure::{Figure, report};
use crate::campus::{cannot_mount, system};
use library::Library;
use rig::{Rig, Tally};

const BENCH: &str = "powercut";
/// States of each control.
const CONTROL: usize = 12;
const SHOWN_MAX: usize = 20;

/// How much of it.
#[derive(Debug, Clone, Args)]
pub struct Wishes {
    /// Cuts of a box's disk.
    #[arg(long, default_value_t = 3000)]
    pub states: usize,
    /// Cuts of which the next start is cut too.
    #[arg(long, default_value_t = 500)]
    pub double: usize,
    /// Cuts of the hub's disk while a box hands segments over.
    #[arg(long, default_value_t = 500)]
    pub hub: usize,
    /// The same seed cuts at the same places.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where to keep the first images that are wrong.
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// Mounts are ours alone already.
    #[arg(long, hide = true)]
    pub inside: bool,
}

/// What this machine lacks for power cuts, if anything.
#[must_use]
pub fn impossible() -> Option<String> {
    cannot_mount()
}

/// The whole run; says whether every aim was met.
///
/// # Errors
/// This machine cannot do it, or the rig itself fails.
pub fn run(wishes: &Wishes) -> Result<bool> {
    if let Some(why) = cannot_mount() {
        bail!("power cuts cannot be tried here: {why}");
    }
    if !wishes.inside {
        return alone();
    }
    let name = format!("xunke-powercut-{}", uuid::Uuid::now_v7().simple());
    let folder = std::env::temp_dir().join(name);
    fs::create_dir_all(&folder)?;
    let place = folder.to_string_lossy();
    // In memory: a thousand images would wear out somebody's disk.
    system(
        "mount",
        &["-t", "tmpfs", "-o", "size=4g,mode=700", "none", &place],
    )?;
    let figures = measure(wishes, &folder);
    system("umount", &["--lazy", &place])?;
    fs::remove_dir(&folder)?;
    let figures = figures?;
    print!("{}", report(&figures));
    Ok(!figures.iter().any(Figure::misses))
}

/// Becomes the same program where mounts are its own and go away with it.
fn alone() -> Result<bool> {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--"])
        .arg(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).arg("--inside");
    Err(command.exec().into())
}

fn measure(wishes: &Wishes, folder: &Path) -> Result<Vec<Figure>> {
    let rig = Rig::new(folder, wishes.seed, wishes.keep.clone())?;
    let control = rig.control(CONTROL)?;
    let lying = rig.lying(CONTROL)?;
    let spool = rig.spool(wishes.states, wishes.double)?;
    let mut figures = figures(wishes, &spool, &control, &lying);
    let mut wrong = spool.wrong;
    if wishes.hub > 0 {
        let mut library = Library::live(folder, wishes.seed)?;
        let hub = library.cut(wishes.hub)?;
        figures.extend(library_figures(wishes, &hub, &library.lying(1)?));
        wrong.extend(hub.wrong);
    }
    for wrong in wrong.iter().take(SHOWN_MAX) {
        eprintln!("wrong: {wrong}");
    }
    Ok(figures)
}

fn figures(wishes: &Wishes, spool: &Tally, control: &Tally, lying: &Tally) -> Vec<Figure> {
    let figure = |metric: &str, value: f64, unit| Figure::new(BENCH, metric, value, unit);
    let wished = (wishes.states + wishes.double) as f64;
    vec![
        figure("box: states tried", spool.states as f64, "states").at_least(wished),
        figure("box: of them cut twice", wishes.double as f64, "states"),
        figure("box: fragments promised", spool.promised as f64, "").at_least(1.0),
        figure("box: promised pieces, all states", spool.owed as f64, "").at_least(1.0),
        figure("box: promised and lost", spool.lost as f64, "").at_most(0.0),
        figure("box: events owed, all states", spool.events_owed as f64, "").at_least(1.0),
        figure("box: events kept and lost", spool.events_lost as f64, "").at_most(0.0),
        figure("box: starts that failed", spool.failed as f64, "").at_most(0.0),
        figure("box: anything wrong", spool.wrong.len() as f64, "").at_most(0.0),
        figure("box: tail lost, most", f64::from(spool.tail_us) / 1e6, "s").at_most(2.0),
        figure("box: slowest opening", spool.opened_ms as f64 / 1e3, "s").at_most(10.0),
        figure("box: back after their receipt", spool.again as f64, ""),
        figure("box: written to its disk", spool.written as f64 / 1e6, "MB"),
        figure("box: canaries in all of it", spool.canaries as f64, "").at_most(0.0),
        figure(
            "control, plain files: promised and lost",
            control.lost as f64,
            "",
        )
        .at_least(1.0),
        figure(
            "control, lying drive: promised and lost",
            lying.lost as f64,
            "",
        )
        .at_least(1.0),
        figure(
            "control, plain files: canaries",
            control.canaries as f64,
            "",
        )
        .at_least(1.0),
    ]
}

fn library_figures(wishes: &Wishes, hub: &Tally, lying: &Tally) -> Vec<Figure> {
    let figure = |metric: &str, value: usize| Figure::new(BENCH, metric, value as f64, "");
    let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    vec![
        figure("hub: states tried", hub.states).at_least(wishes.hub as f64),
        figure("hub: receipts, all states", count(hub.owed)).at_least(1.0),
        figure("hub: signed for and lost", count(hub.lost)).at_most(0.0),
        figure("hub: starts that failed", hub.failed).at_most(0.0),
        figure("hub: anything wrong", hub.wrong.len()).at_most(0.0),
        figure(
            "control, lying drive of the hub: lost or broken",
            count(lying.lost) + lying.failed,
        )
        .at_least(1.0),
    ]
}
