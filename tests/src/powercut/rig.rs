//! The rig: lets a process live on a drive that remembers, cuts the power at many places, and
//! starts again on what each cut has left.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use xunke_mutate::Dice;

use super::account::{Account, Found, Said, Verdict};
use super::drive::Drive;
use super::history::{History, Mode};
use super::plain;
use crate::campus::{BoxKeys, Mounted, Process, empty, program, write_image};

/// Room for a ring that a short run fills more than once, and for the journal.
const DISK_MIB: u64 = 64;
/// A life that does not end, or a start that hangs.
const LIFE_MAX: Duration = Duration::from_secs(180);
/// The next start on what a cut has left must have answered by then: later is a hang.
const START_MAX: Duration = Duration::from_secs(60);
/// Fragments in one life.
const FRAGMENTS: usize = 260;
/// States of one life.
const STATES: usize = 160;
/// Images of this many wrong states are kept, when they are to be.
const KEPT_MAX: usize = 4;

/// What a whole run has shown.
#[derive(Debug, Default)]
pub struct Tally {
    /// States that were tried.
    pub states: usize,
    /// What was wrong, with the words that name the state.
    pub wrong: Vec<String>,
    /// Pieces that had to be there, of all states together.
    pub owed: u64,
    /// Of them, those that were not.
    pub lost: u64,
    /// Events that had to be there, of all states together.
    pub events_owed: u64,
    /// Of them, those that were not.
    pub events_lost: u64,
    /// Most media of one segment that was not there, microseconds.
    pub tail_us: u32,
    /// Starts on a state that failed: it did not mount, open, or answer in time.
    pub failed: usize,
    /// Segments that came back after their receipt.
    pub again: u64,
    /// Slowest opening of the spool, milliseconds.
    pub opened_ms: u64,
    /// Fragments that were promised in all lives together.
    pub promised: usize,
    /// Bytes that were ever written.
    pub written: usize,
    /// Canaries in them.
    pub canaries: usize,
}

/// A place for it all.
pub struct Rig {
    folder: PathBuf,
    seed: u64,
    keep: Option<PathBuf>,
    base: Vec<u8>,
}

/// A life on a drive, and the part of its history that may be cut.
pub struct Life {
    history: History,
    range: Range<usize>,
}

/// One state: where the power fails, and what the drive makes of it.
#[derive(Debug, Clone, Copy)]
pub struct State {
    life: u64,
    number: usize,
    /// After so many events.
    pub cut: usize,
    /// What becomes of the writes after the last flush.
    pub mode: Mode,
    twice: bool,
}

impl Rig {
    /// A rig in an empty folder.
    ///
    /// # Errors
    /// The box's identity or an empty file system cannot be made.
    pub fn new(folder: &Path, seed: u64, keep: Option<PathBuf>) -> Result<Self> {
        BoxKeys::make(&folder.join("state"))?;
        let image = folder.join("empty.img");
        empty(&image, DISK_MIB)?;
        let base = fs::read(&image)?;
        fs::remove_file(image)?;
        Ok(Self {
            folder: folder.to_owned(),
            seed,
            keep,
            base,
        })
    }

    /// Cuts the power of the recorder's disk: `states` times, and `double` times once more while
    /// it starts again.
    ///
    /// # Errors
    /// The rig itself fails.
    pub fn spool(&self, states: usize, double: usize) -> Result<Tally> {
        let mut tally = Tally::default();
        let lives = states.div_ceil(STATES).max(1);
        for life in 0..lives {
            let share = |all: usize| all * (life + 1) / lives - all * life / lives;
            let lived = self.live("box", life as u64, self.base.clone())?;
            tally.promised += count(&lived.history);
            tally.written += lived.history.written();
            tally.canaries += lived.history.hits(super::lesson::CANARY);
            let (single, twice) = (share(states), share(double));
            let plan = self.plan(life as u64, &lived, single + twice, twice);
            self.all(&lived, &plan, &mut tally)?;
            eprintln!(
                "  life {} of {lives}: {} states, {} wrong",
                life + 1,
                tally.states,
                tally.wrong.len()
            );
        }
        Ok(tally)
    }

    /// The same cuts with the control; what it loses shows that the rig can see a loss.
    ///
    /// # Errors
    /// The rig itself fails.
    pub fn control(&self, states: usize) -> Result<Tally> {
        let life = self.live("plain", 0, self.base.clone())?;
        let mut tally = Tally {
            promised: count(&life.history),
            written: life.history.written(),
            canaries: life.history.hits(super::lesson::CANARY),
            ..Tally::default()
        };
        let place = self.folder.join("control");
        for state in self.plan(u64::MAX, &life, states, 0) {
            let (image, mounted) = self.mounted(&place, &life, state)?;
            let found = plain::found(&mounted.folder().join("spool"));
            mounted.end()?;
            fs::remove_file(image)?;
            tally.add(account(&life, state.cut).compare(&found?), state);
        }
        Ok(tally)
    }

    /// The real recorder again on a drive that lies: of its flushes only those of the first half
    /// are done. What it loses shows that the flushes are what keeps the rest.
    ///
    /// # Errors
    /// The rig itself fails.
    pub fn lying(&self, states: usize) -> Result<Tally> {
        let mut life = self.live("box", 0, self.base.clone())?;
        let half = life.range.start.midpoint(life.range.end);
        life.history.lies_from = Some(half);
        life.range.start = half;
        let mut tally = Tally::default();
        let plan = self.plan(u64::MAX, &life, states, 0);
        let quiet = Self {
            folder: self.folder.clone(),
            keep: None,
            base: Vec::new(),
            ..*self
        };
        quiet.all(&life, &plan, &mut tally)?;
        Ok(tally)
    }

    fn plan(&self, life: u64, lived: &Life, states: usize, twice: usize) -> Vec<State> {
        let mut dice = Dice::of(self.seed, life);
        let cuts = lived.history.cuts(
            lived.range.clone(),
            states.div_ceil(Mode::ALL.len()),
            Said::promises,
            &mut dice,
        );
        let modes = Mode::ALL.iter().copied();
        let all = cuts
            .iter()
            .flat_map(|cut| modes.clone().map(|mode| (*cut, mode)));
        let state = |(number, (cut, mode))| State {
            life,
            number,
            cut,
            mode,
            twice: number < twice,
        };
        all.take(states).enumerate().map(state).collect()
    }

    /// Lets a part live on a drive until it is done.
    fn live(&self, role: &str, life: u64, base: Vec<u8>) -> Result<Life> {
        let drive = Drive::start(&self.folder.join("drive"), base)?;
        let mounted = Mounted::new(&drive.disk(), &self.folder.join("disk"))?;
        let from = drive.now();
        let seed = Dice::of(self.seed, life).throw();
        let more = [
            "--fragments",
            &FRAGMENTS.to_string(),
            "--seed",
            &seed.to_string(),
        ];
        let said = self.part(role, &self.folder, &mounted, &drive.ear(), &more, LIFE_MAX);
        let until = drive.now();
        mounted.end()?;
        let history = drive.end()?;
        said.with_context(|| format!("the {role} of seed {}", self.seed))?;
        Ok(Life {
            history,
            range: from..until,
        })
    }

    /// Runs a part on a mounted disk and gives its last word.
    fn part(
        &self,
        role: &str,
        place: &Path,
        mounted: &Mounted,
        ear: &Path,
        more: &[&str],
        longest: Duration,
    ) -> Result<String> {
        let spool = mounted.folder().join("spool");
        let state = self.folder.join("state");
        let mut arguments = vec!["powercut-part".into(), role.into()];
        for (name, path) in [("--state", &*state), ("--folder", &*spool), ("--ear", ear)] {
            arguments.push(name.into());
            arguments.push(path.as_os_str().to_owned());
        }
        arguments.extend(more.iter().map(Into::into));
        let mut process = Process::start(role, &program("xunke-tests")?, arguments, place)?;
        let said = process.line(longest)?;
        let until = Instant::now() + longest;
        while !process.ended() {
            if Instant::now() > until {
                bail!("the {role} does not end");
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(said)
    }

    /// All states, on as many processors as there are.
    fn all(&self, life: &Life, plan: &[State], tally: &mut Tally) -> Result<()> {
        let next = AtomicUsize::new(0);
        let shared = Mutex::new(tally);
        let workers = thread::available_parallelism().map_or(1, Into::into);
        let work = |worker: usize| -> Result<()> {
            let place = self.folder.join(format!("worker{worker}"));
            fs::create_dir_all(&place)?;
            while let Some(state) = plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                let outcome = self.try_one(&place, life, *state);
                let mut tally = shared
                    .lock()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))?;
                tally.add_outcome(outcome, *state);
            }
            Ok(())
        };
        thread::scope(|scope| {
            let all: Vec<_> = (0..workers)
                .map(|worker| scope.spawn(move || work(worker)))
                .collect();
            all.into_iter().try_for_each(|one| {
                one.join()
                    .map_err(|_| anyhow::anyhow!("a worker panicked"))?
            })
        })
    }

    fn try_one(&self, place: &Path, life: &Life, state: State) -> Result<(Verdict, u64)> {
        if state.twice {
            return self.twice(place, life, state);
        }
        let (image, mounted) = self.mounted(place, life, state)?;
        let found = self.start_again(place, &mounted, Path::new("/dev/null"))?;
        mounted.end()?;
        let verdict = account(life, state.cut).compare(&found);
        self.keep(&image, life, state, &verdict)?;
        fs::remove_file(image)?;
        Ok((verdict, found.opened_ms))
    }

    /// The start after the first cut is cut too, at a place of its own.
    fn twice(&self, place: &Path, life: &Life, state: State) -> Result<(Verdict, u64)> {
        let mut dice = state.dice(self.seed);
        let base = life.history.image(state.cut, state.mode, &mut dice);
        let drive = Drive::start(&place.join("drive"), base)?;
        let mounted = Mounted::new(&drive.disk(), &place.join("disk"))?;
        let first = self.start_again(place, &mounted, &drive.ear());
        let until = drive.now();
        mounted.end()?;
        let second = Life {
            history: drive.end()?,
            range: 0..until,
        };
        first.context("the first start")?;
        let cut = dice.below(until + 1);
        let again = State {
            cut,
            mode: *dice.pick(&Mode::ALL),
            ..state
        };
        let (image, mounted) = self.mounted(place, &second, again)?;
        let found = self.start_again(place, &mounted, Path::new("/dev/null"))?;
        mounted.end()?;
        let mut account = account(life, state.cut);
        let (before, after) = second.history.said(cut);
        account.hear(before, after);
        let verdict = account.compare(&found);
        self.keep(&image, &second, again, &verdict)?;
        fs::remove_file(image)?;
        Ok((verdict, found.opened_ms))
    }

    /// What a cut has left, mounted: the journal is replayed.
    fn mounted(&self, place: &Path, life: &Life, state: State) -> Result<(PathBuf, Mounted)> {
        fs::create_dir_all(place)?;
        let file = place.join("cut.img");
        let mut dice = state.dice(self.seed);
        write_image(&file, &life.history.image(state.cut, state.mode, &mut dice))?;
        let mounted = Mounted::new(&file, &place.join("disk"))?;
        Ok((file, mounted))
    }

    fn start_again(&self, place: &Path, mounted: &Mounted, ear: &Path) -> Result<Found> {
        let said = self.part("again", place, mounted, ear, &[], START_MAX)?;
        Ok(serde_json::from_str(&said)?)
    }

    /// Keeps what somebody may want to look at: the image before the next start, and what was said.
    fn keep(&self, image: &Path, life: &Life, state: State, verdict: &Verdict) -> Result<()> {
        let Some(folder) = self.keep.as_ref().filter(|_| !verdict.wrong.is_empty()) else {
            return Ok(());
        };
        fs::create_dir_all(folder)?;
        if fs::read_dir(folder)?.count() >= 2 * KEPT_MAX {
            return Ok(());
        }
        let name = format!("life{}-state{}", state.life, state.number);
        let mut dice = state.dice(self.seed);
        write_image(image, &life.history.image(state.cut, state.mode, &mut dice))?;
        fs::copy(image, folder.join(format!("{name}.img")))?;
        let (before, _) = life.history.said(state.cut);
        let said: Vec<&str> = before.collect();
        let text = format!("{}\n\n{}\n", verdict.wrong.join("\n"), said.join("\n"));
        Ok(fs::write(folder.join(format!("{name}.txt")), text)?)
    }
}

impl State {
    /// One that is cut once.
    #[must_use]
    pub fn once(life: u64, number: usize, cut: usize, mode: Mode) -> Self {
        Self {
            life,
            number,
            cut,
            mode,
            twice: false,
        }
    }

    /// Its chances.
    #[must_use]
    pub fn dice(self, seed: u64) -> Dice {
        Dice::of(seed ^ self.life.rotate_left(32), 1 + self.number as u64)
    }
}

impl Tally {
    fn add(&mut self, verdict: Verdict, state: State) {
        self.states += 1;
        self.owed += verdict.owed;
        self.lost += verdict.lost;
        self.events_owed += verdict.events_owed;
        self.events_lost += verdict.events_lost;
        self.again += verdict.again;
        self.tail_us = self.tail_us.max(verdict.tail_us);
        let name = |wrong| format!("{state:?}: {wrong}");
        self.wrong.extend(verdict.wrong.into_iter().map(name));
    }

    /// Takes in how a state went, and how long opening took.
    pub fn add_outcome(&mut self, outcome: Result<(Verdict, u64)>, state: State) {
        match outcome {
            Ok((verdict, opened_ms)) => {
                self.opened_ms = self.opened_ms.max(opened_ms);
                self.add(verdict, state);
            }
            Err(error) => {
                self.failed += 1;
                let wrong = vec![format!("{error:#}")];
                let verdict = Verdict {
                    wrong,
                    ..Verdict::default()
                };
                self.add(verdict, state);
            }
        }
    }
}

fn account(life: &Life, cut: usize) -> Account {
    let mut account = Account::default();
    let (before, after) = life.history.said(cut);
    account.hear(before, after);
    account
}

fn count(history: &History) -> usize {
    let (said, _) = history.said(history.events.len());
    said.filter(|line| Said::promises_a_fragment(line)).count()
}
