//! The recorder of one camera: takes frames from memory, makes each fragment durable before the
//! next, and says what is missing.

use super::align::Sample;
use super::cut::{Batch, Cutter, Lengths, Step, Tracks};
use super::fragment::{self, Muxer};
use super::gate::{Gate, Passed};
use super::meter::Meter;
use super::seal::{self, Label, Seal};
use super::spool::{self, Entry, Spool, Writer};
use super::witness::Witness;
use crate::camera::ring::Subscription;
use crate::clock;
use crate::timetable::Schedule;
use std::time::Duration;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, timeout};
use xunke_protocol::id::SourceName;
use xunke_protocol::live::Frame;
use xunke_protocol::sealed::{Damage, Sealer};

/// Without a frame for this long the open segment is closed, so that it can be sent.
const QUIET: Duration = Duration::from_secs(3);

/// Records one camera.
pub struct Recorder {
    /// Which camera.
    pub source: SourceName,
    /// Its frames.
    pub frames: Subscription,
    /// The keys.
    pub seal: Seal,
    /// Where segments go.
    pub spool: Spool,
    /// How long pieces may be.
    pub lengths: Lengths,
    /// How it is doing.
    pub meter: Meter,
    /// When to record.
    pub schedule: Schedule,
    /// Tells what is missing.
    pub witness: Witness,
}

/// Why a piece of recording failed.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Fragment(#[from] fragment::Error),
    #[error(transparent)]
    Seal(#[from] seal::Error),
    #[error("a fragment cannot be sealed")]
    Chunk(#[from] Damage),
    #[error(transparent)]
    Spool(#[from] spool::Error),
    #[error("the disk thread ended")]
    Thread(#[from] JoinError),
}

/// The open segment.
struct Open {
    start_us: i64,
    /// Where its newest fragment ends.
    until_us: i64,
    muxer: Muxer,
    sealer: Sealer,
    writer: Writer,
}

/// What got lost on its way to the disk since something was durable last.
#[derive(Default)]
struct Lost {
    /// Something could not be made durable.
    failed: bool,
    /// Frames dropped so far because this recorder was too slow.
    dropped: u64,
}

impl Recorder {
    /// Records until the camera is no longer served.
    pub async fn run(mut self) {
        let mut cutter = Cutter::new(self.lengths);
        let mut gate = Gate::default();
        let mut open = None;
        let mut lost = Lost::default();
        // When something was last under way to the disk.
        let mut moved = Instant::now();
        loop {
            let (steps, last) = match timeout(QUIET, self.frames.next()).await {
                Ok(Some(frame)) => (self.take(frame, &mut gate, &mut cutter), false),
                Ok(None) => (cutter.interrupt(), true),
                Err(_) => (cutter.interrupt(), false),
            };
            if !steps.is_empty() || open.is_some() {
                moved = Instant::now();
            }
            for step in steps {
                let begins_us = begins(&step);
                if let Err(error) = self.act(step, &mut open, &mut lost).await {
                    self.complain(&error);
                    open = self.close(open.take()).await;
                    // A segment that lacks only its end is good, and the next may follow.
                    let Some(from_us) = begins_us else {
                        continue;
                    };
                    lost.failed = true;
                    self.witness.lost(from_us).await;
                    // The cutter begins anew: what follows in these steps has no segment.
                    let _ = cutter.interrupt();
                    break;
                }
            }
            if last {
                return;
            }
            if moved.elapsed() >= QUIET {
                moved = Instant::now();
                self.witness.nothing().await;
            }
        }
    }

    /// Cuts what the timetable wants, and nothing else.
    fn take(&self, frame: Frame, gate: &mut Gate, cutter: &mut Cutter) -> Vec<Step> {
        self.meter.frame(clock::mono_ms());
        let at_ms = frame.captured_us.div_euclid(1000);
        let frames = match gate.pass(frame, self.schedule.wanted(at_ms).on) {
            Passed::On(frames) => frames,
            Passed::Begins(frames) => {
                self.meter.begins(clock::mono_ms());
                tracing::info!(source = %self.source, "a window begins: recording");
                frames
            }
            Passed::Ends => {
                tracing::info!(source = %self.source, "a window has ended: recording no more");
                return cutter.interrupt();
            }
            Passed::Off => return Vec::new(),
        };
        frames
            .into_iter()
            .flat_map(|frame| cutter.push(frame))
            .collect()
    }

    async fn act(
        &mut self,
        step: Step,
        open: &mut Option<Open>,
        lost: &mut Lost,
    ) -> Result<(), Error> {
        match step {
            Step::Begin { tracks, start_us } => {
                *open = Some(self.begin(tracks, start_us).await?);
            }
            Step::Fragment(batch) => {
                if let Some(segment) = open.take() {
                    let (from_us, until_us) = (segment.until_us, batch.until_us);
                    *open = Some(self.fragment(segment, batch).await?);
                    self.durable(from_us, until_us, lost).await;
                }
            }
            Step::End => {
                if let Some(segment) = open.take() {
                    self.end(segment).await?;
                }
            }
        }
        Ok(())
    }

    async fn durable(&mut self, from_us: i64, until_us: i64, lost: &mut Lost) {
        if self.meter.durable(clock::mono_ms()) {
            tracing::info!(source = %self.source, "recording works again");
        }
        let dropped = self.frames.dropped();
        let slow = std::mem::replace(&mut lost.dropped, dropped) < dropped;
        let failed = std::mem::take(&mut lost.failed);
        self.witness
            .recorded(from_us, until_us, slow || failed)
            .await;
    }

    async fn begin(&self, tracks: Tracks, start_us: i64) -> Result<Open, Error> {
        let tail = self.spool.tail(&self.source);
        let label = Label {
            source: self.source.clone(),
            start_us,
            codecs: codecs(&tracks),
            previous: tail.map_or([0; 32], |tail| tail.chain),
        };
        let (muxer, init) = Muxer::begin(&tracks, start_us)?;
        let (segment, mut sealer, mut first) = self.seal.begin(&label)?;
        first.extend(sealer.chunk(&init, 0)?);
        let entry = Entry {
            source: label.source,
            start_us,
            duration_us: 0,
            bytes: 0,
            sha256: None,
        };
        let spool = self.spool.clone();
        let writer = spawn_blocking(move || spool.create(segment, entry, &first)).await??;
        Ok(Open {
            start_us,
            until_us: start_us,
            muxer,
            sealer,
            writer,
        })
    }

    /// Each fragment carries its own mark: after a crash the spool keeps what is marked.
    async fn fragment(&self, mut segment: Open, batch: Batch) -> Result<Open, Error> {
        let plain = segment.muxer.fragment(&batch)?;
        let until_us = u32::try_from(batch.until_us - segment.start_us).unwrap_or(u32::MAX);
        let mut record = segment.sealer.chunk(&plain, until_us)?;
        record.extend(segment.sealer.checkpoint());
        let chain = segment.sealer.chain();
        segment.until_us = batch.until_us;
        let written = spawn_blocking(move || {
            segment.writer.append(&record, until_us, chain)?;
            Ok::<Open, spool::Error>(segment)
        });
        Ok(written.await??)
    }

    async fn end(&self, segment: Open) -> Result<(), Error> {
        let Open { sealer, writer, .. } = segment;
        let (records, chain) = sealer.finish();
        let ended = spawn_blocking(move || writer.end(&records, chain));
        Ok(ended.await??)
    }

    /// Closes a segment as it is; the disk is touched, so not here.
    async fn close(&self, open: Option<Open>) -> Option<Open> {
        if let Some(open) = open {
            let _ = spawn_blocking(move || drop(open)).await;
        }
        None
    }

    /// Once, until something is durable again.
    fn complain(&self, error: &Error) {
        if self.meter.failed() {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            let advice = "look at the free space and the health of this disk";
            tracing::error!(source = %self.source, cause, advice, "recording fails: {error}");
        }
    }
}

/// The first moment that is lost when a step fails.
fn begins(step: &Step) -> Option<i64> {
    match step {
        Step::Begin { start_us, .. } => Some(*start_us),
        Step::Fragment(batch) => batch.video.first().map(|sample: &Sample| sample.at_us),
        Step::End => None,
    }
}

fn codecs(tracks: &Tracks) -> String {
    let video = &tracks.video.codec;
    match &tracks.audio {
        Some(audio) => format!("{video},{}", audio.codec),
        None => video.clone(),
    }
}
