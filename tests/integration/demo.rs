//! What is left of a demo that was killed.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;
use xunke_tests::campus::{Process, program};

use crate::shared::folder;

const UP_MAX: Duration = Duration::from_secs(60);
const GONE_MAX: Duration = Duration::from_secs(5);

/// A process by its id, with its parent's id and its command line; nothing for one that has ended,
/// even if nobody has asked for its exit code yet.
fn process(pid: u32) -> Option<(u32, String)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let alive = !matches!(fields.next()?, "Z" | "X");
    let parent = fields.next()?.parse().ok()?;
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    alive.then(|| (parent, line.replace('\0', " ")))
}

/// Everything that comes from a process, with command lines.
fn descendants(ancestor: u32) -> Result<BTreeMap<u32, String>> {
    let ids = fs::read_dir("/proc")?.flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let all: Vec<_> = ids
        .filter_map(|pid: u32| Some((pid, process(pid)?)))
        .collect();
    let mut family = BTreeMap::from([(ancestor, String::new())]);
    loop {
        let before = family.len();
        for (pid, (parent, line)) in &all {
            if family.contains_key(parent) {
                family.insert(*pid, line.clone());
            }
        }
        if family.len() == before {
            family.remove(&ancestor);
            return Ok(family);
        }
    }
}

/// Issue "What must be there" 3: no process stays, not even when the demo cannot end any.
#[test]
fn a_killed_demo_leaves_no_process_behind() -> Result<()> {
    let folder = folder("demo-killed")?;
    let college = folder.join("college").into_os_string();
    let arguments = ["demo", "--rooms", "1", "--json", "--data-dir"].map(Into::into);
    let arguments = arguments.into_iter().chain([college]);
    let mut demo = Process::start("demo", &program("xunke-tests")?, arguments, &folder)?;
    let up: Value = serde_json::from_str(&demo.line(UP_MAX)?)?;
    let family = descendants(demo.pid())?;
    for part in [
        "xunke-hub serve",
        "xunke-agent run",
        "xunke-tests classroom",
        "camera-worker",
    ] {
        let found = family.values().any(|line| line.contains(part));
        ensure!(found, "no {part} among {family:?}");
    }
    let told = up["pids"].as_array().map_or(0, Vec::len);
    ensure!(told == 4, "hub, camera, box and demo: {up}");
    demo.kill();
    let end = Instant::now() + GONE_MAX;
    loop {
        let stays =
            |(pid, line): &(&u32, &String)| process(**pid).is_some_and(|(_, now)| now == **line);
        let left: Vec<_> = family.iter().filter(stays).collect();
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < end, "still running: {left:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
