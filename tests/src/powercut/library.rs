//! The hub's disk: a box hands segments over, the power fails, and the next start has every one
//! that was signed for, once; what was not signed for the box still has, and hands over again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;
use xunke_agent::config::Config;
use xunke_mutate::Dice;
use xunke_protocol::id::SegmentId;

use super::account::Verdict;
use super::drive::Drive;
use super::history::{Event, History, Mode};
use super::rig::{State, Tally};
use super::sender::{Sender, library};
use crate::campus::{Hub, Mounted, empty, write_image};

const DISK_MIB: u64 = 256;
/// Segments that are handed over in the hub's life.
const SEGMENTS: usize = 24;

/// What the box tells the world.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "it", rename_all = "snake_case")]
enum Told {
    /// It begins to hand a segment over.
    Sends { segment: SegmentId },
    /// It has the hub's receipt.
    Stored { segment: SegmentId },
}

/// A hub on a drive that remembers, and a box before it.
pub struct Library {
    folder: PathBuf,
    seed: u64,
    runtime: Runtime,
    hub: Hub,
    sender: Sender,
    history: History,
    from: usize,
}

impl Library {
    /// Lets the hub live until the box has handed everything over.
    ///
    /// # Errors
    /// The hub does not start or does not take a segment.
    pub fn live(folder: &Path, seed: u64) -> Result<Self> {
        let folder = folder.join("library");
        let campus = folder.join("campus");
        fs::create_dir_all(&campus)?;
        let image = folder.join("empty.img");
        empty(&image, DISK_MIB)?;
        let drive = Drive::start(&folder.join("drive"), fs::read(&image)?)?;
        // Its data alone lies on the drive; configuration and log do not.
        let mounted = Mounted::new(&drive.disk(), &campus.join("hub"))?;
        let mut hub = Hub::start(&campus, 1, None)?;
        let mut sender = Sender::new(&folder.join("box"), &hub)?;
        let segments = sender.seal(SEGMENTS, &mut Dice::of(seed, 0))?;
        let runtime = Runtime::new()?;
        let from = drive.now();
        let handed = runtime.block_on(hand_over(&sender, &segments, &drive.ear()));
        hub.kill();
        mounted.end()?;
        let history = drive.end()?;
        handed?;
        Ok(Self {
            folder,
            seed,
            runtime,
            hub,
            sender,
            history,
            from,
        })
    }

    /// Cuts the power of its disk and starts it again, so many times.
    ///
    /// # Errors
    /// The rig itself fails.
    pub fn cut(&mut self, states: usize) -> Result<Tally> {
        let mut dice = Dice::of(self.seed, 1);
        let range = self.from..self.end();
        let stored = |line: &str| matches!(told(line), Some(Told::Stored { .. }));
        let cuts = self.history.cuts(range, states, stored, &mut dice);
        let mut tally = Tally::default();
        for (number, cut) in cuts.into_iter().enumerate() {
            let mode = Mode::ALL[number % Mode::ALL.len()];
            let state = State::once(0, number, cut, mode);
            let outcome = self.try_one(state);
            tally.add_outcome(outcome.map(|verdict| (verdict, 0)), state);
        }
        Ok(tally)
    }

    /// The same on a drive that lies about its flushes; what is lost then shows what they are for.
    ///
    /// # Errors
    /// The rig itself fails.
    pub fn lying(&mut self, states: usize) -> Result<Tally> {
        self.history.lies_from = Some(self.from);
        let mut tally = Tally::default();
        for number in 0..states {
            let state = State::once(1, number, self.end(), Mode::Flushed);
            let outcome = self.try_one(state);
            tally.add_outcome(outcome.map(|verdict| (verdict, 0)), state);
        }
        self.history.lies_from = None;
        Ok(tally)
    }

    /// Right after the last receipt.
    fn end(&self) -> usize {
        let said = |event: &Event| matches!(event, Event::Said(_));
        let last = self.history.events.iter().rposition(said);
        last.map_or(self.from, |last| last + 1)
    }

    fn try_one(&mut self, state: State) -> Result<Verdict> {
        let mut dice = state.dice(self.seed);
        let image = self.folder.join("cut.img");
        let left = self.history.image(state.cut, state.mode, &mut dice);
        write_image(&image, &left)?;
        let mounted = Mounted::new(&image, &self.hub.data_dir())?;
        let verdict = self.look(state.cut);
        self.hub.kill();
        mounted.end()?;
        fs::remove_file(image)?;
        verdict
    }

    fn look(&mut self, cut: usize) -> Result<Verdict> {
        self.hub.run()?;
        let (before, _) = self.history.said(cut);
        let mut stored = BTreeSet::new();
        let mut sent = BTreeSet::new();
        for told in before.filter_map(told) {
            match told {
                Told::Sends { segment } => sent.insert(segment),
                Told::Stored { segment } => stored.insert(segment),
            };
        }
        let mut verdict = Verdict {
            owed: stored.len() as u64,
            ..Verdict::default()
        };
        let there = library(&self.hub, &mut verdict.wrong)?;
        for segment in stored.difference(&there) {
            verdict.lost += 1;
            let wrong = format!("the hub has signed for segment {segment} and does not have it");
            verdict.wrong.push(wrong);
        }
        // The box still has what nobody signed for, and repeats itself once for good measure.
        let last = stored.last().into_iter();
        for segment in sent.difference(&stored).chain(last) {
            let handed = self.runtime.block_on(self.sender.hand(*segment));
            if let Err(error) = handed {
                verdict
                    .wrong
                    .push(format!("segment {segment} once more: {error:#}"));
            }
        }
        let there = library(&self.hub, &mut verdict.wrong)?;
        for segment in sent.difference(&there) {
            verdict
                .wrong
                .push(format!("segment {segment} is on neither side"));
        }
        Ok(verdict)
    }
}

/// Everything, as many at a time as a box has on their way.
async fn hand_over(sender: &Sender, segments: &[SegmentId], ear: &Path) -> Result<()> {
    let lanes = Config::default().upload.in_flight_max;
    let lanes = segments.chunks(segments.len().div_ceil(lanes));
    try_join_all(lanes.map(|lane| hand_all(sender, lane, ear))).await?;
    Ok(())
}

async fn hand_all(sender: &Sender, segments: &[SegmentId], ear: &Path) -> Result<()> {
    let mut ear = File::options().write(true).open(ear)?;
    let mut say =
        |told: Told| -> Result<()> { Ok(ear.write_all(serde_json::to_string(&told)?.as_bytes())?) };
    for segment in segments.iter().copied() {
        say(Told::Sends { segment })?;
        sender.hand(segment).await?;
        say(Told::Stored { segment })?;
    }
    Ok(())
}

fn told(line: &str) -> Option<Told> {
    serde_json::from_str(line).ok()
}
