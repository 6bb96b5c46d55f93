//! Every exit × every kind of person: what comes out is what the policy's pure functions say, and
//! no canary reaches a wrong subject.
//!
//! canary → world → subject → rows → recordings → told → papers → http → live → boxes
//!
//! The entrances are those that `xunke-hub doors` prints; one without a row in `rows` (or
//! `recordings`, `told`, `papers`, `live`, `boxes`) fails. To add a route, add its line there.

mod canary;
mod world;
mod subject;
mod rows;
mod recordings;
mod told;
mod papers;
mod http;
mod live;
mod boxes;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use crate::campus::{Postgres, program};
use canary::Canaries;
use world::World;

/// What was done and found.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Requests and words sent.
    pub asked: usize,
    /// Answers compared with the policy's.
    pub compared: usize,
    /// Canaries looked for, each in each thing that came out.
    pub looked_for: usize,
    /// Canaries that came out where they may not.
    pub leaks: usize,
    /// Everything that is not as it should be.
    pub wrong: Vec<String>,
}

impl Tally {
    /// Notes a difference.
    fn differs(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Looks for canaries in something that came out; of each room those kinds may be in it.
    fn search(&mut self, canaries: &Canaries, at: &str, text: &str, may: canary::Shown) {
        self.looked_for += canaries.len();
        let found = canaries.found_in(text);
        for (room, (found, may)) in found.iter().zip(may).enumerate() {
            if found & !may != 0 {
                self.leaks += 1;
                let what = canary::names(found & !may);
                self.differs(format!("{at}: shows {what} of room {room}"));
            }
        }
    }
}

/// Asks everything as everybody, of a hub on `store`, or on SQLite. `folder` must be empty.
///
/// # Errors
/// The campus did not start, or an entrance has no row. What is wrong stands in the tally.
pub async fn run(folder: &Path, store: Option<Arc<Postgres>>) -> Result<Tally> {
    covered(&entrances()?)?;
    let mut world = World::start(folder, store).await?;
    papers::file(&world)?;
    let mut tally = Tally::default();
    let taps = boxes::tap(&world)?;
    for subject in subject::all(&world).await? {
        subject.begin(&mut world).await?;
        let listener = live::listen(&subject);
        http::ask(&world, &subject, &mut tally).await?;
        live::ask(&world, &subject, &mut tally).await?;
        live::heard(&world, &subject, listener.await, &mut tally).await?;
        subject.end(&world)?;
    }
    boxes::ask(&world, taps, &mut tally).await?;
    let log = std::fs::read_to_string(world.campus.hub.log())?;
    tally.search(&world.canaries, "the log", &log, canary::NOTHING);
    for secret in &world.secrets {
        tally.looked_for += 1;
        if log.contains(secret) {
            tally.leaks += 1;
            tally.differs("the log: shows a session's token".into());
        }
    }
    world.campus.end()?;
    Ok(tally)
}

/// What `xunke-hub doors` prints: door, verb and object, such as `people`, `GET`, `/api/me`.
///
/// # Errors
/// The program cannot be run.
pub fn entrances() -> Result<Vec<[String; 3]>> {
    let output = Command::new(program("xunke-hub")?).arg("doors").output()?;
    ensure!(output.status.success(), "xunke-hub doors fails");
    let text = String::from_utf8(output.stdout)?;
    let lines = text.lines().map(|line| {
        let (door, asked) = line.split_once(' ').context("no door")?;
        let (verb, asked) = asked.trim_start().split_once(' ').context("no verb")?;
        // What it needs stands behind two spaces or more.
        let object = asked.trim_start().split("  ").next().unwrap_or_default();
        Ok([door, verb, object].map(str::to_owned))
    });
    lines.collect()
}

/// Every entrance has its row, and every row its entrance.
fn covered(entrances: &[[String; 3]]) -> Result<()> {
    let words = |entrance: &[String; 3]| entrance.join(" ");
    let there: BTreeSet<String> = entrances.iter().map(words).collect();
    let rows = rows::all()
        .into_iter()
        .chain(recordings::all())
        .chain(told::all())
        .chain(papers::all())
        .map(|row| format!("people {}", row.entrance));
    let live = live::WORDS
        .iter()
        .chain(&live::EVENTS)
        .map(|word| format!("people {word}"));
    let boxes = boxes::ENTRANCES.iter().map(|&entrance| entrance.to_owned());
    let asked: BTreeSet<String> = rows.chain(live).chain(boxes).collect();
    let (new, gone) = (there.difference(&asked), asked.difference(&there));
    let (new, gone): (Vec<_>, Vec<_>) = (new.collect(), gone.collect());
    ensure!(
        new.is_empty() && gone.is_empty(),
        "entrances without a row in tests/src/exits: {new:#?}; rows without an entrance: {gone:#?}"
    );
    Ok(())
}
