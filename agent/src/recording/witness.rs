//! The witness of one camera: keeps its account, and tells what is missing of what was owed.

use super::account::{Account, Missing, Now};
use super::meter::Meter;
use super::spool::Spool;
use crate::clock;
use crate::identity::write_durable;
use crate::timetable::Schedule;
use std::path::{Path, PathBuf};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use xunke_protocol::health::{CameraSignals, CameraState, Side};
use xunke_protocol::id::SourceName;
use xunke_protocol::recording::{Gap, GapReason};

/// Less between two stretches is a joint.
const GAP_US_MIN: i64 = 1_500_000;

/// What a witness needs to know.
pub struct Sight {
    /// Which camera.
    pub source: SourceName,
    /// Where what is missing is told, and recordings ended.
    pub spool: Spool,
    /// What is owed.
    pub schedule: Schedule,
    /// How the recorder is doing.
    pub meter: Meter,
    /// How the camera is doing.
    pub camera: watch::Receiver<CameraSignals>,
    /// Where it is noted up to when all is recorded or told.
    pub folder: PathBuf,
    /// The box's clock.
    pub now_us: fn() -> i64,
}

/// Keeps the account of one camera.
pub struct Witness {
    sight: Sight,
    account: Account,
    noted_us: Option<i64>,
}

impl Witness {
    /// Goes on where the last start ended.
    pub fn new(sight: Sight) -> Self {
        let noted_us = read(&sight.file());
        let tail_us = sight.spool.tail(&sight.source).map(|tail| tail.ended_us);
        let account = Account::new(noted_us.max(tail_us), sight.now());
        Self {
            sight,
            account,
            noted_us,
        }
    }

    /// A stretch became durable. `slow`: what is missing before it got lost on its way to the disk.
    pub async fn recorded(&mut self, from_us: i64, until_us: i64, slow: bool) {
        let now = self.sight.now();
        let reason = match slow {
            true => GapReason::Disk,
            false => self.sight.reason(),
        };
        self.account.recorded(from_us, until_us, reason, now);
        self.tell(now).await;
    }

    /// Something that began at `from_us` could not be made durable.
    pub async fn lost(&mut self, from_us: i64) {
        let now = self.sight.now();
        self.account.expect(from_us, now);
        self.account.nothing(GapReason::Disk, now);
        self.tell(now).await;
    }

    /// No frame came for a while.
    pub async fn nothing(&mut self) {
        let now = self.sight.now();
        self.account.nothing(self.sight.reason(), now);
        self.tell(now).await;
    }

    /// Tells what is missing, durably, and then notes that it is told.
    async fn tell(&mut self, now: Now) {
        let missing = self.account.take(now);
        let gaps: Vec<Gap> = missing
            .iter()
            .flat_map(|one| self.sight.owed(one))
            .collect();
        if gaps.is_empty() {
            return;
        }
        let until_us = self.account.until_us(now).max(self.noted_us);
        let noted = std::mem::replace(&mut self.noted_us, until_us) != until_us;
        let (spool, file) = (self.sight.spool.clone(), self.sight.file());
        let work = spawn_blocking(move || {
            for gap in gaps {
                spool.tell(gap);
            }
            if let Some(until_us) = until_us.filter(|_| noted) {
                note(&file, until_us);
            }
        });
        let _ = work.await;
    }
}

impl Sight {
    fn now(&self) -> Now {
        let wall_us = (self.now_us)();
        let mono_us = i64::try_from(clock::mono_ms()).unwrap_or(0) * 1000;
        Now {
            wall_us,
            apart_us: wall_us - mono_us,
            trust: self.schedule.trust(wall_us.div_euclid(1000)),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.join(self.source.as_str())
    }

    /// Why nothing becomes durable now, as far as this box can tell.
    fn reason(&self) -> GapReason {
        let camera = self.camera.borrow();
        match (camera.state, camera.stalled) {
            _ if self.meter.fails() => GapReason::Disk,
            (CameraState::Streaming, _) | (_, None) => GapReason::Camera,
            (_, Some(Side::Network)) => GapReason::Network,
            (_, Some(Side::Camera | Side::Box | Side::Unknown)) => GapReason::Camera,
        }
    }

    /// Outside of windows nothing is owed, and so nothing is missing (K14).
    fn owed(&self, missing: &Missing) -> Vec<Gap> {
        let (from_ms, to_ms) = (
            missing.from_us.div_euclid(1000),
            missing.to_us.div_euclid(1000),
        );
        let mut gaps = Vec::new();
        for (window, wanted) in self.schedule.owed(from_ms, to_ms) {
            let gap = Gap {
                source: self.source.clone(),
                from_us: missing.from_us.max(window.from_ms.saturating_mul(1000)),
                to_us: match window.to_ms == to_ms {
                    true => missing.to_us,
                    false => window.to_ms.saturating_mul(1000),
                },
                reason: match wanted {
                    true => missing.reason,
                    false => GapReason::Policy,
                },
            };
            if gap.to_us - gap.from_us >= GAP_US_MIN {
                let seconds = (gap.to_us - gap.from_us) / 1_000_000;
                tracing::warn!(source = %self.source, seconds, reason = ?gap.reason, "gap");
                gaps.push(gap);
            }
        }
        gaps
    }
}

fn read(file: &Path) -> Option<i64> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Without it a gap is told twice after a start, which the hub counts once.
fn note(file: &Path, until_us: i64) {
    let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
    let noted = made.map_err(|error| error.to_string()).and_then(|()| {
        write_durable(file, until_us.to_string().as_bytes()).map_err(|error| error.to_string())
    });
    if let Err(error) = noted {
        tracing::warn!(file = %file.display(), error, "what was told as missing cannot be noted");
    }
}
