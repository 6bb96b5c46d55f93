//! The power is cut, and processes are killed, at some hundred moments; `./dev powercut` and
//! `./dev killloop` do it at thousands.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xunke_tests::campus::{Process, cannot_mount, program};

use crate::shared::folder;

const RUN_MAX: Duration = Duration::from_secs(600);

/// Runs a rig in a process of its own, for it mounts disks, and gives its figures.
pub fn figures(rig: &str, arguments: &[&str]) -> Result<Vec<Value>> {
    let folder = folder(rig)?;
    let all = [&[rig], arguments].concat();
    let mut rig = Process::start(rig, &program("xunke-tests")?, all, &folder)?;
    let mut figures = Vec::new();
    while let Ok(line) = rig.line(RUN_MAX) {
        figures.extend(
            serde_json::from_str::<Value>(&line)
                .ok()
                .filter(Value::is_object),
        );
    }
    // Its last line is out; now it goes.
    let until = Instant::now() + Duration::from_secs(60);
    while !rig.ended() {
        ensure!(Instant::now() < until, "the rig does not end");
        sleep(Duration::from_millis(20));
    }
    let said = rig.last_words();
    ensure!(!figures.is_empty(), "the rig has no figures\n{said}");
    std::fs::remove_dir_all(folder).context("the rig has left something behind")?;
    Ok(figures)
}

/// One of them.
pub fn value(figures: &[Value], metric: &str) -> Result<f64> {
    let found = figures.iter().find(|figure| figure["metric"] == metric);
    let value = found.and_then(|figure| figure["value"].as_f64());
    value.with_context(|| format!("no figure {metric:?} in {figures:?}"))
}

/// Said aloud where it cannot be tried, for then nothing is tested.
fn cannot() -> bool {
    let why = cannot_mount();
    if let Some(why) = &why {
        eprintln!("NOT TESTED, power cuts cannot be tried on this machine: {why}");
    }
    why.is_some()
}

/// Recordings survive (X14) and stay sealed (X15): what was told to be durable is there after a
/// cut at any block, also when the next start is cut; at most one fragment is missing; nothing
/// plain was ever written. What the hub has signed for is in its library once (P8).
#[test]
fn a_power_cut_at_any_block_takes_nothing_that_was_durable() -> Result<()> {
    if cannot() {
        return Ok(());
    }
    let wishes = ["--states", "150", "--double", "20", "--hub", "8"];
    let figures = figures("powercut", &wishes)?;
    for figure in &figures {
        ensure!(figure["ok"] != false, "missed: {figure}\n{figures:?}");
    }
    ensure!(value(&figures, "box: states tried")? >= 170.0);
    ensure!(value(&figures, "box: promised pieces, all states")? > 2000.0);
    ensure!(value(&figures, "hub: states tried")? >= 8.0);
    ensure!(value(&figures, "hub: receipts, all states")? > 8.0);
    // The rig sees a loss where there is one.
    ensure!(value(&figures, "control, plain files: promised and lost")? > 0.0);
    ensure!(value(&figures, "control, lying drive: promised and lost")? > 0.0);
    Ok(())
}

/// Killed at any moment, the agent loses nothing durable and records on, and the hub has what it
/// has signed for, once. `./dev killloop` does it a thousand times.
#[test]
fn a_killed_agent_or_hub_loses_nothing_and_has_nothing_twice() -> Result<()> {
    let figures = figures("killloop", &["--agent", "5", "--hub", "3"])?;
    for metric in [
        "agent: of them lost",
        "agent: missing within a session",
        "agent: pictures twice",
        "hub: signed for and lost",
        "hub: nobody's, doubled or damaged",
    ] {
        ensure!(value(&figures, metric)? == 0.0, "{metric}: {figures:?}");
    }
    ensure!(value(&figures, "agent: pictures durable before a kill")? > 20.0);
    ensure!(value(&figures, "hub: segments handed over")? >= 18.0);
    Ok(())
}
