//! A technician's visit to a camera: a worker of its own, confined as all are, for as long as
//! somebody looks on. The agent that records beside it is not disturbed.

use super::launch::{Failure, Running, Wish};
use super::pair::{Note, Report};
use super::program::Program;
use crate::config;
use std::time::Duration;

/// Beyond the worker's own limits.
const GRACE: Duration = Duration::from_secs(3);

/// Which camera, and how its worker is started.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its settings.
    pub camera: config::Camera,
    /// Limits.
    pub intake: config::Intake,
    /// The worker.
    pub program: Program,
}

/// A visit that goes on.
pub struct Visit {
    running: Running,
    silence: Duration,
}

impl Visit {
    /// Begins one: with a worker whose connections are made for it, where the kernel lets us.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn begin(target: &Target, look_ms: u64, greet: bool) -> Result<Self, Failure> {
        match Self::enter(target, look_ms, greet, true).await {
            Err(Failure::Broker(_)) => Self::enter(target, look_ms, greet, false).await,
            visit => visit,
        }
    }

    async fn enter(
        target: &Target,
        look_ms: u64,
        greet: bool,
        brokered: bool,
    ) -> Result<Self, Failure> {
        let intake = &target.intake;
        let wish = Wish {
            look_ms,
            brokered,
            greet,
        };
        let running = Running::start(&target.camera, intake, &target.program, wish).await?;
        let seconds = intake.stall_seconds.max(intake.connect_seconds);
        let mut visit = Self {
            running,
            silence: Duration::from_secs(seconds) + GRACE,
        };
        // The first word of all is what the worker has given up.
        if let Report::Note(Note::Confined { calls, .. }) = visit.next().await? {
            let name = target.camera.name.to_string();
            visit.running.answer(name, calls)?;
        }
        Ok(visit)
    }

    /// What the worker says next: at least a word a second.
    ///
    /// # Errors
    /// It has ended, mostly after it said why.
    pub async fn next(&mut self) -> Result<Report, Failure> {
        self.running.next(self.silence).await
    }

    /// Ends the visit and the worker.
    pub async fn end(self) {
        self.running.end().await;
    }
}
