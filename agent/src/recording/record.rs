//! The recorder of one camera: takes frames from memory, makes each fragment durable before the
//! next, and says what is missing.

use super::align::Sample;
use super::cut::{Batch, Cutter, Lengths, Step, Tracks};
use super::fragment::{self, Muxer};
use super::meter::Meter;
use super::seal::{self, Label, Seal};
use super::spool::{self, Entry, Spool, Writer};
use crate::camera::ring::Subscription;
use crate::clock;
use std::time::Duration;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;
use xunke_protocol::id::SourceName;
use xunke_protocol::recording::{Gap, GapReason};
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
    muxer: Muxer,
    sealer: Sealer,
    writer: Writer,
}

/// What is missing before the next segment.
#[derive(Default)]
struct Missing {
    /// By the time of the frames.
    gap: Option<(i64, i64)>,
    /// Since when nothing could be made durable.
    lost_us: Option<i64>,
    /// Frames dropped so far because this recorder was too slow.
    dropped: u64,
    /// Nothing was recorded yet since the agent started.
    started: bool,
}

impl Recorder {
    /// Records until the camera is no longer served.
    pub async fn run(mut self) {
        let ended_us = self.spool.tail(&self.source).map(|tail| tail.ended_us);
        let mut cutter = Cutter::new(self.lengths, ended_us);
        let mut open = None;
        let mut missing = Missing::default();
        loop {
            let (steps, last) = match timeout(QUIET, self.frames.next()).await {
                Ok(Some(frame)) => {
                    self.meter.frame(clock::mono_ms());
                    (cutter.push(frame), false)
                }
                Ok(None) => (cutter.interrupt(), true),
                Err(_) => (cutter.interrupt(), false),
            };
            for step in steps {
                let begins_us = begins(&step);
                if let Err(error) = self.act(step, &mut open, &mut missing).await {
                    self.complain(&error);
                    open = self.close(open.take()).await;
                    // A segment that lacks only its end is good, and the next may follow.
                    if begins_us.is_none() {
                        continue;
                    }
                    missing.lost_us = missing.lost_us.or(begins_us);
                    // The cutter begins anew: what follows in these steps has no segment.
                    let _ = cutter.interrupt();
                    break;
                }
            }
            if last {
                return;
            }
        }
    }

    async fn act(
        &self,
        step: Step,
        open: &mut Option<Open>,
        missing: &mut Missing,
    ) -> Result<(), Error> {
        match step {
            Step::Gap { from_us, to_us } => missing.gap = Some((from_us, to_us)),
            Step::Begin { tracks, start_us } => {
                *open = Some(self.begin(tracks, start_us).await?);
                if missing.lost_us.is_none() {
                    self.tell(missing, start_us);
                }
            }
            Step::Fragment(batch) => {
                if let Some(segment) = open.take() {
                    let start_us = segment.start_us;
                    *open = Some(self.fragment(segment, batch).await?);
                    if self.meter.durable(clock::mono_ms()) {
                        tracing::info!(source = %self.source, "recording works again");
                    }
                    // A full disk may take a segment's first bytes again and again, but no more.
                    if missing.lost_us.is_some() {
                        self.tell(missing, start_us);
                    }
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
            sha256: [0; 32],
        };
        let spool = self.spool.clone();
        let writer = spawn_blocking(move || spool.create(segment, entry, &first)).await??;
        Ok(Open {
            start_us,
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

    fn tell(&self, missing: &mut Missing, start_us: i64) {
        let dropped = self.frames.dropped();
        let slow = dropped > missing.dropped;
        let gap = missing.gap.take();
        let told = match (missing.lost_us.take(), gap) {
            (Some(from_us), _) => Some((from_us, start_us, GapReason::Disk)),
            (None, Some((from_us, to_us))) if slow => Some((from_us, to_us, GapReason::Disk)),
            (None, Some((from_us, to_us))) if !missing.started => {
                Some((from_us, to_us, GapReason::Power))
            }
            (None, Some((from_us, to_us))) => Some((from_us, to_us, GapReason::Camera)),
            (None, None) => None,
        };
        missing.dropped = dropped;
        missing.started = true;
        if let Some((from_us, to_us, reason)) = told.filter(|told| told.1 > told.0) {
            let source = self.source.clone();
            tracing::warn!(%source, seconds = (to_us - from_us) / 1_000_000, ?reason, "gap");
            self.spool.tell(Gap {
                source,
                from_us,
                to_us,
                reason,
            });
        }
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
        Step::Gap { .. } | Step::End => None,
    }
}

fn codecs(tracks: &Tracks) -> String {
    let video = &tracks.video.codec;
    match &tracks.audio {
        Some(audio) => format!("{video},{}", audio.codec),
        None => video.clone(),
    }
}
