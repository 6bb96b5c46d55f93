//! The box: the agent's own sealing and spool, fed with fragments as fast as the disk takes them.
//! It tells the world of each fragment when the spool has said that it is durable, and not before.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use ed25519_dalek::VerifyingKey;
use tokio::sync::mpsc;
use uuid::Uuid;
use xunke_agent::identity::Identity;
use xunke_agent::recording::seal::{Label, Seal};
use xunke_agent::recording::spool::{Entry, Limits, Spool, Writer};
use xunke_mutate::Dice;
use xunke_protocol::id::{SegmentId, SourceName};
use xunke_protocol::recording::Gap;
use xunke_protocol::sealed::Sealer;

use super::account::Said;
use super::lesson::{FRAGMENT_US, piece};
use super::teller::Teller;
use crate::clock::now_ms;

/// Small, so that a short run fills it more than once.
pub const LIMITS: Limits = Limits {
    bytes_max: 6 * 1024 * 1024,
    free_bytes_min: 2 * 1024 * 1024,
    slot_bytes: 768 * 1024,
};
/// The init segment and as many fragments as fit a slot for sure.
const FRAGMENTS_MAX: usize = 8;
const GAPS_MAX: usize = 4096;
const SOURCES: [&str; 2] = ["cam0", "screen"];

/// Records into a spool and says so.
pub struct Recorder {
    spool: Spool,
    _gaps: mpsc::Receiver<Gap>,
    device: VerifyingKey,
    seal: Seal,
    ear: File,
    /// Closed, and neither forgotten nor given up.
    waiting: BTreeSet<SegmentId>,
    clock_us: i64,
    teller: Teller,
}

/// A segment being written.
struct Open {
    segment: SegmentId,
    sealer: Sealer,
    writer: Writer,
    pieces: u64,
    left: usize,
}

impl Recorder {
    /// Opens the spool in `folder` as the box of `state`, and speaks into `ear`.
    ///
    /// # Errors
    /// The box has no identity, or the spool does not open.
    pub fn start(state: &Path, folder: &Path, ear: &Path) -> Result<Self> {
        let identity = Identity::load(state)?;
        let device = identity.device_signing_key.verifying_key();
        let (gaps, told) = mpsc::channel(GAPS_MAX);
        let spool = Spool::open(folder, LIMITS, &device, gaps)?;
        let ear = File::options().write(true).open(ear);
        let mut recorder = Self {
            spool,
            _gaps: told,
            device,
            seal: Seal::of(&identity),
            ear: ear.context("nobody listens")?,
            waiting: BTreeSet::new(),
            clock_us: now_ms() * 1000,
            teller: Teller::start(folder)?,
        };
        recorder.waiting = recorder.listed();
        Ok(recorder)
    }

    /// Its spool.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// Records so many fragments of all sources, in segments of chance lengths; gives segments to
    /// an imagined hub as it goes, and is started again halfway.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn record(&mut self, folder: &Path, fragments: usize, dice: &mut Dice) -> Result<()> {
        let mut open: [Option<Open>; SOURCES.len()] = [const { None }; SOURCES.len()];
        for number in 0..fragments {
            let camera = dice.below(SOURCES.len());
            let mut segment = match open[camera].take() {
                Some(segment) => segment,
                None => self.begin(camera, 1 + dice.below(FRAGMENTS_MAX))?,
            };
            self.fragment(&mut segment)?;
            self.tell(dice)?;
            if segment.left > 0 {
                open[camera] = Some(segment);
            } else {
                self.end(segment, dice.chance(90))?;
                self.receipts(dice)?;
            }
            if number == fragments / 2 {
                open = [const { None }; SOURCES.len()];
                self.again(folder)?;
            }
        }
        Ok(())
    }

    /// Closes the spool and opens it anew, as a restart of the agent does.
    ///
    /// # Errors
    /// It does not open.
    pub fn again(&mut self, folder: &Path) -> Result<()> {
        self.spool.close();
        let (gaps, told) = mpsc::channel(GAPS_MAX);
        self.spool = Spool::open(folder, LIMITS, &self.device, gaps)?;
        self._gaps = told;
        self.waiting = self.listed();
        Ok(())
    }

    /// Records one whole segment; gives its name.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn one(&mut self) -> Result<SegmentId> {
        let mut open = self.begin(0, 2)?;
        self.fragment(&mut open)?;
        self.fragment(&mut open)?;
        let segment = open.segment;
        self.end(open, true)?;
        Ok(segment)
    }

    /// Keeps an event, and finds it among what waits.
    ///
    /// # Errors
    /// The disk refuses, or it is not there.
    pub fn one_event(&mut self) -> Result<()> {
        let event = self.event()?;
        let there = self.teller.waiting()?.contains(&event);
        ensure!(there, "an event that was kept does not wait");
        Ok(())
    }

    /// The events that it owes to the hub.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn events(&self) -> Result<Vec<Uuid>> {
        self.teller.waiting()
    }

    /// What it owes to the hub.
    #[must_use]
    pub fn waiting(&self) -> &BTreeSet<SegmentId> {
        &self.waiting
    }

    /// Brings the spool's index to disk.
    pub fn close(&self) {
        self.spool.close();
    }

    fn begin(&mut self, camera: usize, left: usize) -> Result<Open> {
        let source: SourceName = SOURCES[camera].parse()?;
        self.clock_us += 1000;
        let label = Label {
            source: source.clone(),
            start_us: self.clock_us,
            codecs: "avc1.640028".into(),
            previous: self.spool.tail(&source).map_or([0; 32], |tail| tail.chain),
        };
        let (segment, mut sealer, mut first) = self.seal.begin(&label)?;
        first.extend(sealer.chunk(&piece(segment, 0), 0)?);
        let entry = Entry {
            source,
            start_us: label.start_us,
            duration_us: 0,
            bytes: 0,
            sha256: None,
        };
        self.hands(segment, 1)?;
        let writer = self.spool.create(segment, entry, &first)?;
        self.given_up()?;
        Ok(Open {
            segment,
            sealer,
            writer,
            pieces: 1,
            left,
        })
    }

    fn fragment(&mut self, open: &mut Open) -> Result<()> {
        let until_us = until_us(open.pieces + 1);
        let plain = piece(open.segment, open.pieces);
        let mut record = open.sealer.chunk(&plain, until_us)?;
        record.extend(open.sealer.checkpoint());
        open.pieces += 1;
        open.left = open.left.saturating_sub(1);
        self.hands(open.segment, open.pieces)?;
        open.writer.append(&record, until_us, open.sealer.chain())?;
        self.given_up()?;
        self.say(Said::Durable {
            segment: open.segment,
            pieces: open.pieces,
            until_us,
        })
    }

    /// Some segments end as a camera does that is unplugged: without their end.
    fn end(&mut self, open: Open, well: bool) -> Result<()> {
        let Open {
            segment,
            sealer,
            writer,
            pieces,
            ..
        } = open;
        self.hands(segment, pieces)?;
        if well {
            let (records, chain) = sealer.finish();
            writer.end(&records, chain)?;
        } else {
            drop(writer);
        }
        self.waiting.insert(segment);
        self.given_up()
    }

    /// The hub has signed for the oldest ones, or it is away.
    fn receipts(&mut self, dice: &mut Dice) -> Result<()> {
        while dice.chance(35) {
            let Some(segment) = self.waiting.pop_first() else {
                return Ok(());
            };
            self.say(Said::Forgets { segment })?;
            self.spool.forget(segment);
        }
        Ok(())
    }

    /// Something happens now and then, and the hub hears of the oldest, or it is away.
    fn tell(&mut self, dice: &mut Dice) -> Result<()> {
        while dice.chance(30) {
            self.event()?;
        }
        while dice.chance(20) {
            let Some((event, message)) = self.teller.next()? else {
                return Ok(());
            };
            self.say(Said::Delivered { event })?;
            self.teller.delivered(&message);
        }
        Ok(())
    }

    fn event(&mut self) -> Result<Uuid> {
        let event = Uuid::now_v7();
        self.say(Said::Tells { event })?;
        self.teller.keep(event)?;
        self.say(Said::Kept { event })?;
        Ok(event)
    }

    fn given_up(&mut self) -> Result<()> {
        let listed = self.listed();
        let gone: Vec<SegmentId> = self.waiting.difference(&listed).copied().collect();
        for segment in gone {
            self.waiting.remove(&segment);
            self.say(Said::GaveUp { segment })?;
        }
        Ok(())
    }

    /// All that waits in the spool.
    fn listed(&self) -> BTreeSet<SegmentId> {
        let listed = RefCell::new(BTreeSet::new());
        self.spool.oldest(|segment| {
            listed.borrow_mut().insert(segment);
            true
        });
        listed.into_inner()
    }

    fn hands(&mut self, segment: SegmentId, pieces: u64) -> Result<()> {
        self.say(Said::Hands {
            segment,
            pieces,
            until_us: until_us(pieces),
        })
    }

    fn say(&mut self, said: Said) -> Result<()> {
        Ok(self.ear.write_all(said.line().as_bytes())?)
    }
}

/// Media covered by so many pieces, of which the first shows nothing.
fn until_us(pieces: u64) -> u32 {
    let fragments = u32::try_from(pieces.saturating_sub(1)).unwrap_or(u32::MAX);
    fragments.saturating_mul(FRAGMENT_US)
}
