//! History: once a minute the newest report of each box is added to the step of five minutes that
//! runs; a step that is over is written, off the way of messages (decision 0036).

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;
use xunke_policy::history::{FINE_MS, Rollup, begin_ms};

use super::Error;
use super::presence::State;
use super::status::{self, DeviceStatus};
use crate::clock;
use crate::store::Db;
use crate::store::history::{self as rows, StepRow};
use crate::store::together::{self, Note};

const EVERY: Duration = Duration::from_secs(60);
/// Right after a start, a report that is older than this says nothing of now.
const FRESH_MS: i64 = 120_000;
/// Steps written at once: half of a group, so that messages have room in the same commit.
const TOGETHER_MAX: usize = 64;
/// Steps deleted at once.
const FORGOTTEN_MAX: i64 = 12;
/// Steps that wait while the store fails; the oldest are given up.
const WAITING_MAX: usize = 20_000;

/// Keeps history until `stop` turns true; then what has been gathered is written.
pub async fn follow(mut history: History, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let stopped = tokio::select! {
            _ = ticks.tick() => false,
            _ = stop.wait_for(|stop| *stop) => true,
        };
        let kept = match stopped {
            true => history.end().await,
            false => history.tick(clock::now_ms()).await,
        };
        if let Err(error) = &kept
            && !std::mem::replace(&mut failing, true)
        {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "the boxes' numbers over time cannot be kept");
        }
        failing = kept.is_err();
        if stopped {
            return;
        }
    }
}

/// What has been gathered and not yet written.
#[derive(Debug)]
pub struct History {
    db: Db,
    /// By box: the step that runs.
    running: BTreeMap<String, Running>,
    /// By box: when the newest report that was added came.
    newest_ms: BTreeMap<String, i64>,
    waiting: Vec<StepRow>,
}

#[derive(Debug)]
struct Running {
    from_ms: i64,
    rollup: Rollup,
}

impl History {
    /// A history in `db`, with nothing gathered.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self {
            db,
            running: BTreeMap::new(),
            newest_ms: BTreeMap::new(),
            waiting: Vec::new(),
        }
    }

    /// Adds the newest report of each box, writes the steps that are over, and deletes what is too
    /// old.
    ///
    /// # Errors
    /// When the store fails; what was not written is tried again with the next.
    pub async fn tick(&mut self, now_ms: i64) -> Result<(), Error> {
        self.close(begin_ms(FINE_MS, now_ms));
        for device in status::all(&self.db).await? {
            self.add(&device, now_ms);
        }
        self.write().await?;
        Ok(rows::forget(&self.db, now_ms, FORGOTTEN_MAX).await?)
    }

    /// Writes all that was gathered; a step that runs is merged with the rest of it after a start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end(&mut self) -> Result<(), Error> {
        self.close(i64::MAX);
        self.write().await
    }

    /// A box that is away, or has said nothing since the last look, leaves a gap: the numbers of
    /// before say nothing of now.
    fn add(&mut self, device: &DeviceStatus, now_ms: i64) {
        let Some(status) = &device.status else {
            return;
        };
        let (State::Online, Some((report, at_ms))) = (status.standing.state, &status.report) else {
            return;
        };
        let id = device.device.id.to_string();
        let before_ms = self.newest_ms.insert(id.clone(), *at_ms);
        if *at_ms <= before_ms.unwrap_or(now_ms - FRESH_MS) {
            return;
        }
        let running = self.running.entry(id).or_insert_with(|| Running {
            from_ms: begin_ms(FINE_MS, now_ms),
            rollup: Rollup::default(),
        });
        running.rollup.add(report);
    }

    /// Steps that began before this one are over.
    fn close(&mut self, from_ms: i64) {
        let over = self
            .running
            .extract_if(.., |_, step| step.from_ms < from_ms);
        let row = |(device_id, step): (String, Running)| StepRow {
            device_id,
            from_ms: step.from_ms,
            rollup: step.rollup,
        };
        let said = over.map(row).filter(|row| row.rollup != Rollup::default());
        self.waiting.extend(said);
        let excess = self.waiting.len().saturating_sub(WAITING_MAX);
        self.waiting.drain(..excess);
    }

    async fn write(&mut self) -> Result<(), Error> {
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(TOGETHER_MAX);
            let notes = self.waiting[..count].iter().cloned().map(Note::Step);
            let noted = join_all(notes.map(|note| together::note(&self.db, note))).await;
            // What was noted is not noted again: it would count twice.
            let failed = |at: &usize| noted[*at].is_err();
            let failed: Vec<StepRow> = (0..count)
                .filter(failed)
                .map(|at| self.waiting[at].clone())
                .collect();
            self.waiting.drain(..count);
            self.waiting.extend(failed);
            noted.into_iter().collect::<Result<Vec<_>, _>>()?;
        }
        Ok(())
    }
}
