//! Recording: encoded frames in, receipts from the hub out.
//!
//! gate → align → cut → fragment → seal → spool → gaps → account → meter → witness → record
//! → upload
//!
//! Invariants: nothing below `seal` sees a plain frame; the recorder is fed from memory and waits
//! for neither hub nor upload; only the hub's signed receipt, or a full disk said aloud, removes a
//! segment; what is owed and missing is told, signed, with its reason.
//!
//! `spool`, and `seal` that feeds it, can be used from outside: rigs that cut the power of a disk
//! drive the very code that runs on a box.

mod gate;
mod align;
mod cut;
mod fragment;
pub mod seal;
pub mod spool;
mod gaps;
mod account;
mod meter;
mod witness;
mod record;
mod upload;

pub use spool::Error;

use crate::camera::source::Camera;
use crate::clock;
use crate::config::Config;
use crate::identity::{HttpClient, Identity};
use crate::outbox::Outbox;
use crate::timetable::Schedule;
use cut::Lengths;
use gaps::Gaps;
use meter::{Lesson, Meter};
use record::Recorder;
use seal::Seal;
use spool::{Limits, Spool};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use upload::Uploader;
use witness::{Sight, Witness};
use xunke_protocol::health::{RecordingSignals, SpoolSignals};
use xunke_protocol::id::StreamKind;
use xunke_protocol::recording::Stretch;

const MIB: u64 = 1024 * 1024;
/// A segment's tracks stand in its first bytes: without this wait the first segment of a session
/// would have no sound, for cameras often send the picture first.
const FIRST_SOUND_US: i64 = 2_000_000;
const SIGNALS_EVERY: Duration = Duration::from_secs(1);
/// How long the last fragments may take at the end.
const STOP: Duration = Duration::from_secs(5);

/// All recorders of the box, their spool and its upload. Dropping it ends them without ceremony:
/// what is durable stays.
pub struct Recording {
    spool: Spool,
    recorders: JoinSet<()>,
    others: JoinSet<()>,
    signals: watch::Receiver<RecordingSignals>,
}

impl Recording {
    /// Opens the spool, keeps what a crash has left in it, and begins to record every camera's
    /// full picture as `schedule` wants it, and to upload, slower while there are live pushes
    /// (`watched`). What is missing is told through `outbox`. Must be called within a runtime,
    /// before frames are lost: it blocks while the spool is read.
    ///
    /// # Errors
    /// The spool's directory cannot be made or listed.
    pub fn start(
        cameras: &[Camera],
        identity: &Identity,
        config: &Config,
        (client, outbox): (HttpClient, Outbox),
        schedule: &Schedule,
        watched: watch::Receiver<usize>,
    ) -> Result<Self, Error> {
        let gaps = Gaps::of(identity, outbox);
        let limits = Limits {
            bytes_max: config.spool.mib_max * MIB,
            free_bytes_min: config.spool.free_mib_min * MIB,
            slot_bytes: config.spool.slot_mib * MIB,
        };
        let device = identity.device_signing_key.verifying_key();
        let spool = Spool::open(&config.state_dir.join("spool"), limits, &device, gaps)?;
        let mut recorders = JoinSet::new();
        let mut meters = Vec::new();
        for camera in cameras {
            let meter = Meter::default();
            meters.push(meter.clone());
            recorders.extend(
                recorder(camera, identity, config, &spool, (meter, schedule)).map(Recorder::run),
            );
        }
        let uploader = Uploader {
            spool: spool.clone(),
            client,
            base: config.hub.base().to_owned(),
            hub: identity.hub_signing_key,
            watched,
            settings: config.upload.clone(),
        };
        let first = look(&meters, schedule, None);
        let (publish, signals) = watch::channel(first);
        let mut others = JoinSet::new();
        others.spawn(uploader.run());
        others.spawn(watch_over(meters, schedule.clone(), publish, spool.clone()));
        Ok(Self {
            spool,
            recorders,
            others,
            signals,
        })
    }

    /// What lies in the spool until the hub has it.
    pub fn held(&self) -> impl Fn() -> Vec<Stretch> + Send + use<> {
        let spool = self.spool.clone();
        move || spool.held()
    }

    /// What the recorders are doing, renewed every second.
    pub fn signals(&self) -> watch::Receiver<RecordingSignals> {
        self.signals.clone()
    }

    /// How full the spool is, renewed every second.
    pub fn spool_signals(&self) -> watch::Receiver<SpoolSignals> {
        self.spool.signals()
    }

    /// Ends in order: waits for the last fragments. The cameras must have been dropped before.
    pub async fn stop(mut self) {
        let ended = timeout(STOP, async {
            while self.recorders.join_next().await.is_some() {}
        });
        if ended.await.is_err() {
            tracing::warn!("the disk is slow: the last fragments were not waited for");
        }
        self.others.abort_all();
        let spool = self.spool.clone();
        let _ = spawn_blocking(move || spool.close()).await;
    }
}

fn recorder(
    camera: &Camera,
    identity: &Identity,
    config: &Config,
    spool: &Spool,
    (meter, schedule): (Meter, &Schedule),
) -> Option<Recorder> {
    let us = |seconds: u64| i64::try_from(seconds * 1_000_000).unwrap_or(i64::MAX);
    let sight = Sight {
        source: camera.name.clone(),
        spool: spool.clone(),
        schedule: schedule.clone(),
        meter: meter.clone(),
        camera: camera.signals(),
        folder: config.state_dir.join("told"),
        now_us: clock::now_us,
    };
    Some(Recorder {
        source: camera.name.clone(),
        frames: camera.frames(StreamKind::Main)?.record(),
        seal: Seal::of(identity),
        spool: spool.clone(),
        lengths: Lengths {
            segment_us: us(config.recording.segment_seconds),
            fragment_us: us(config.recording.fragment_seconds),
            first_sound_us: if config.intake.audio {
                FIRST_SOUND_US
            } else {
                0
            },
            segment_bytes_max: config.spool.slot_mib * MIB,
        },
        meter,
        schedule: schedule.clone(),
        witness: Witness::new(sight),
    })
}

fn look(
    meters: &[Meter],
    schedule: &Schedule,
    before: Option<&RecordingSignals>,
) -> RecordingSignals {
    let now_ms = clock::now_ms();
    let lesson = Lesson {
        on: schedule.wanted(now_ms).on,
        signals: schedule.signals(now_ms),
    };
    meter::together(meters, lesson, before, (clock::mono_ms(), now_ms))
}

/// Renews the signals. A disk that hangs holds up only what is known of the disk.
async fn watch_over(
    meters: Vec<Meter>,
    schedule: Schedule,
    publish: watch::Sender<RecordingSignals>,
    spool: Spool,
) {
    let mut disk = spawn_blocking(|| {});
    loop {
        let signals = look(&meters, &schedule, Some(&publish.borrow()));
        publish.send_replace(signals);
        if disk.is_finished() {
            let spool = spool.clone();
            disk = spawn_blocking(move || spool.publish());
        }
        sleep(SIGNALS_EVERY).await;
    }
}

#[cfg(test)]
mod tests;
