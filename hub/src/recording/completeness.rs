//! Completeness: the ledger of each room, and what its days amount to (K14).
//!
//! What is in the library the store knows; what is in a box, its newest health document says, as
//! of when that arrived; what is missing, boxes have signed for.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::sync::watch;
use xunke_protocol::health::HealthDocument;
use xunke_protocol::id::ClassroomId;
use xunke_protocol::recording::{GapReason, Stretch};
use xunke_protocol::timetable::Window;

use super::ledger::{self, Known, Span, Sums};
use super::timetable;
use crate::campus::{self, calendar, id};
use crate::clock;
use crate::store::ledger::{self as rows, DayRow, SourceRow};
use crate::store::recording as segments;
use crate::store::{self, Db};

/// Within this a segment is closed and sent, and its box has reported.
const GRACE_MS: i64 = 3 * 60_000;
/// How often the last two days are reckoned anew; sooner after a start.
const EVERY: Duration = Duration::from_secs(5 * 60);
const SOON: Duration = Duration::from_secs(30);
/// Days within which something may still come out of a box.
const OPEN_DAYS: i64 = 35;
/// Where no source is known: what was to be recorded there is not hidden.
pub const NO_SOURCE: &str = "-";

/// What went wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The campus cannot be read.
    #[error(transparent)]
    Campus(#[from] campus::Error),
    /// The timetable cannot be read.
    #[error(transparent)]
    Timetable(#[from] timetable::Error),
}

/// What became of every scheduled moment of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomLedger {
    /// By source and time.
    pub sources: Vec<(String, Vec<Span>)>,
    /// When its boxes reported last, milliseconds since the epoch; what they hold is as of then.
    pub as_of_ms: Option<i64>,
}

/// What became of every scheduled moment of a room within a stretch.
///
/// # Errors
/// When the store fails.
pub async fn of_room(
    db: &Db,
    room: ClassroomId,
    stretch: Window,
    now_ms: i64,
) -> Result<RoomLedger, Error> {
    let scheduled = timetable::owed(db, room, stretch).await?;
    let known = Facts::read(db, room, stretch).await?;
    let had = rows::sources(db, &room.to_string(), stretch.from_ms, stretch.to_ms).await?;
    let mut owed: BTreeMap<String, Vec<Window>> = BTreeMap::new();
    for source in had {
        let there = while_there(&source);
        let its = scheduled.iter().filter_map(|one| one.within(&there));
        owed.entry(source.source).or_default().extend(its);
    }
    if owed.is_empty() && !scheduled.is_empty() {
        owed.insert(NO_SOURCE.to_owned(), scheduled);
    }
    let due_ms = now_ms - GRACE_MS;
    let account = |(source, owed): (String, Vec<Window>)| {
        let spans = ledger::account(&owed, &known.of(&source), due_ms);
        (source, spans)
    };
    Ok(RoomLedger {
        sources: owed.into_iter().map(account).collect(),
        as_of_ms: known.as_of_ms,
    })
}

fn while_there(source: &SourceRow) -> Window {
    Window {
        from_ms: source.from_ms,
        to_ms: source.until_ms.unwrap_or(i64::MAX),
    }
}

/// All that is known of a room.
struct Facts {
    stored: Vec<(String, Window)>,
    destroyed: Vec<(String, Window)>,
    missing: Vec<(String, Window, GapReason)>,
    held: Vec<Stretch>,
    as_of_ms: Option<i64>,
}

impl Facts {
    async fn read(db: &Db, room: ClassroomId, stretch: Window) -> Result<Self, Error> {
        let id = room.to_string();
        let us = |ms: i64| ms.saturating_mul(1000);
        let (from_us, to_us) = (us(stretch.from_ms), us(stretch.to_ms));
        let stored = segments::stored(db, &id, from_us, to_us).await?.into_iter();
        let destroyed = rows::destroyed(db, &id, from_us, to_us).await?.into_iter();
        let missing = segments::gaps(db, &id, from_us, to_us).await?.into_iter();
        let reports = rows::reports(db, &id).await?;
        let held = reports.iter().flat_map(|row| {
            let report = serde_json::from_str::<HealthDocument>(&row.report);
            report.map(|report| report.held).unwrap_or_default()
        });
        Ok(Self {
            stored: stored
                .map(|row| {
                    (
                        row.source,
                        window(row.start_us, row.start_us + row.duration_us),
                    )
                })
                .collect(),
            destroyed: destroyed
                .map(|row| (row.source, window(row.first_us, row.last_us)))
                .collect(),
            missing: missing
                .filter_map(|row| {
                    let reason = GapReason::named(&row.reason)?;
                    Some((row.source, window(row.from_us, row.to_us), reason))
                })
                .collect(),
            held: held.collect(),
            as_of_ms: reports.iter().map(|row| row.reported_ms).min(),
        })
    }

    fn of(&self, source: &str) -> Known {
        let of = |all: &[(String, Window)]| {
            let its = all.iter().filter(|(name, _)| name == source);
            its.map(|(_, window)| *window).collect()
        };
        let held = self.held.iter().filter(|one| one.source.as_str() == source);
        let missing = self.missing.iter().filter(|(name, ..)| name == source);
        Known {
            stored: of(&self.stored),
            destroyed: of(&self.destroyed),
            missing: missing
                .map(|(_, window, reason)| (*window, *reason))
                .collect(),
            waiting: held
                .map(|one| Window {
                    from_ms: one.from_ms,
                    to_ms: one.to_ms,
                })
                .collect(),
        }
    }
}

fn window(from_us: i64, to_us: i64) -> Window {
    Window {
        from_ms: from_us.div_euclid(1000),
        // Rounded up: the last frame is within.
        to_ms: -(-to_us).div_euclid(1000),
    }
}

/// Notes which sources a room has, as its box reports them.
///
/// # Errors
/// When the store fails.
pub async fn see_sources(
    db: &Db,
    room: ClassroomId,
    report: &HealthDocument,
    now_ms: i64,
) -> Result<(), store::Error> {
    let room = room.to_string();
    let known = rows::sources(db, &room, now_ms, i64::MAX).await?;
    let there: HashSet<&str> = report
        .cameras
        .iter()
        .map(|one| one.source.as_str())
        .collect();
    let gone: Vec<_> = known
        .iter()
        .filter(|one| one.until_ms.is_none() && !there.contains(one.source.as_str()))
        .collect();
    let new: Vec<_> = there
        .iter()
        .filter(|name| {
            !known
                .iter()
                .any(|one| one.until_ms.is_none() && one.source == **name)
        })
        .collect();
    if gone.is_empty() && new.is_empty() {
        return Ok(());
    }
    let mut writing = db.begin().await?;
    for source in gone {
        rows::end_source(&mut writing, &room, &source.source, now_ms).await?;
    }
    for source in new {
        rows::begin_source(&mut writing, &room, source, now_ms).await?;
    }
    Db::commit(writing).await
}

/// Reckons what a day of a room amounts to, and keeps it.
///
/// # Errors
/// When the store fails.
pub async fn reckon(db: &Db, room: ClassroomId, day: i64, now_ms: i64) -> Result<(), Error> {
    let stretch = Window {
        from_ms: calendar::moment(day, 0),
        to_ms: calendar::moment(day + 1, 0),
    };
    let ledger = of_room(db, room, stretch, now_ms).await?;
    let row = |(source, spans): &(String, Vec<Span>)| {
        let sums = Sums::of(spans);
        row((room, source, day), &sums, now_ms)
    };
    let all = ledger.sources.iter().map(row).filter(|row| row.due_ms > 0);
    rows::put_day(db, &room.to_string(), day, &all.collect::<Vec<_>>()).await?;
    Ok(())
}

fn row((room, source, day): (ClassroomId, &str, i64), sums: &Sums, made_ms: i64) -> DayRow {
    let missing = |reason: GapReason| sums.missing_ms[reason.index()];
    DayRow {
        classroom_id: room.to_string(),
        source: source.to_owned(),
        day,
        made_ms,
        due_ms: sums.due_ms,
        stored_ms: sums.stored_ms,
        waiting_ms: sums.waiting_ms,
        destroyed_ms: sums.destroyed_ms,
        power_ms: missing(GapReason::Power),
        camera_ms: missing(GapReason::Camera),
        network_ms: missing(GapReason::Network),
        disk_ms: missing(GapReason::Disk),
        policy_ms: missing(GapReason::Policy),
        evicted_ms: missing(GapReason::Evicted),
        unexplained_ms: sums.unexplained_ms,
    }
}

/// What was kept of a day or several.
#[must_use]
pub fn sums(row: &DayRow) -> Sums {
    let missing = |reason: GapReason| match reason {
        GapReason::Power => row.power_ms,
        GapReason::Camera => row.camera_ms,
        GapReason::Network => row.network_ms,
        GapReason::Disk => row.disk_ms,
        GapReason::Policy => row.policy_ms,
        GapReason::Evicted => row.evicted_ms,
    };
    Sums {
        due_ms: row.due_ms,
        stored_ms: row.stored_ms,
        waiting_ms: row.waiting_ms,
        destroyed_ms: row.destroyed_ms,
        missing_ms: GapReason::ALL.map(missing),
        unexplained_ms: row.unexplained_ms,
    }
}

/// Reckons the last two days of every room; with `all`, every day that something may still come
/// of.
///
/// # Errors
/// When the store fails.
pub async fn catch_up(db: &Db, all: bool, now_ms: i64) -> Result<(), Error> {
    let today = calendar::day(now_ms);
    for room in rows::rooms(db).await? {
        let classroom = ClassroomId(id("a classroom", &room)?);
        let first = today - if all { OPEN_DAYS } else { 1 };
        let settled = rows::settled(db, &room, first).await?;
        for day in (first..=today).filter(|day| *day >= today - 1 || !settled.contains(day)) {
            reckon(db, classroom, day, now_ms).await?;
        }
    }
    Ok(())
}

/// Keeps the days up, until the hub stops.
pub async fn follow(db: Db, mut stop: watch::Receiver<bool>) {
    let (mut whole, mut failed, mut pause) = (None, false, SOON);
    loop {
        let now_ms = clock::now_ms();
        let today = Some(calendar::day(now_ms));
        match catch_up(&db, whole != today, now_ms).await {
            Ok(()) => (whole, failed) = (today, false),
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                if !std::mem::replace(&mut failed, true) {
                    tracing::error!(error, "how complete recordings are cannot be reckoned");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = EVERY,
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

#[cfg(test)]
mod tests;
