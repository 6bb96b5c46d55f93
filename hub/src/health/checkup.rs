//! The check-up before the first lesson (K8): on each day of lessons every box in use tests itself,
//! and the page says which rooms need a person before that. Numbers and words, no class content.
//!
//! What is to be done next stands in the store alone: a hub that starts anew goes on.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;
use xunke_policy::checkup::{self as policy, Answer};
use xunke_protocol::id::{ClassroomId, DeviceId};
use xunke_protocol::selftest::Selftest;

use super::Error;
use crate::access::audit::{Entry, Trail, Who};
use crate::campus::{calendar, lesson};
use crate::clock;
use crate::device::Devices;
use crate::device::desk::NotDone;
use crate::device::registry::{self, State};
use crate::store::Db;
use crate::store::campus;
use crate::store::checkup::{self as rows, CheckupRow};
use crate::store::command::{self, CommandRow};

/// How often it is looked what is to be done.
const EVERY: Duration = Duration::from_secs(1);
/// Boxes that are told at once; more follow with the next look.
const TOLD_MAX: usize = 20;
/// A hub that was down at the time still begins within so long of it.
const LATE_MS: i64 = 90 * 60 * 1000;
/// A box that could not be told by then is not waited for.
const TELL_MS: i64 = 5 * 60 * 1000;
/// How long commands and check-ups are kept.
const KEPT_MS: i64 = 400 * calendar::DAY_MS;

/// Check-ups. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Checkups {
    db: Db,
    trail: Arc<Trail>,
    devices: Devices,
    /// The minute of the day; `None` for never by the clock.
    minute: Option<i64>,
}

/// A check-up with what it found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The check-up.
    pub checkup: CheckupRow,
    /// One for each box in use, those that need a person first, by the time of their next lesson.
    pub rooms: Vec<FoundRoom>,
}

/// What a check-up found in a room.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRoom {
    /// The box.
    pub device: DeviceId,
    /// Its room.
    pub room: ClassroomId,
    /// Whether its box is still waited for.
    pub open: bool,
    /// Its first lesson of the day that was not over when the check-up began; begin, milliseconds
    /// since the epoch.
    pub lesson_ms: Option<i64>,
    /// What its box found; `None` while that is open, or where it told nothing.
    pub selftest: Option<Selftest>,
    /// Whether it has answered with something else, or could not be told for something else.
    pub unfinished: bool,
}

impl FoundRoom {
    /// What is wrong there, what needs a person first.
    #[must_use]
    pub fn wrong(&self) -> Vec<policy::Wrong<'_>> {
        policy::wrong(match &self.selftest {
            Some(selftest) => Answer::Tried(selftest),
            None if self.open => Answer::Open,
            None if self.unfinished => Answer::Unfinished,
            None => Answer::Silent,
        })
    }
}

/// Begins and goes on with check-ups until `stop` turns true, and ends commands that are overdue.
pub async fn follow(checkups: Checkups, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let ticked = checkups.tick(clock::now_ms()).await;
        if let Err(error) = &ticked
            && !failing
        {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "commands and check-ups cannot go on");
        }
        failing = ticked.is_err();
    }
}

impl Checkups {
    /// Check-ups of these boxes, at that minute of the day.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>, devices: Devices, minute: Option<i64>) -> Self {
        Self {
            db,
            trail,
            devices,
            minute,
        }
    }

    /// One look.
    ///
    /// # Errors
    /// When the store or the trail fails; what was not done is done at the next look.
    pub async fn tick(&self, now_ms: i64) -> Result<(), Error> {
        self.devices.end_overdue(now_ms).await?;
        self.begin_by_clock(now_ms).await?;
        for open in rows::open(&self.db).await? {
            self.go_on(&open, now_ms).await?;
        }
        Ok(())
    }

    async fn begin_by_clock(&self, now_ms: i64) -> Result<(), Error> {
        let Some(minute) = self.minute else {
            return Ok(());
        };
        let today = calendar::day(now_ms);
        let due_ms = calendar::moment(today, minute);
        let id = format!("day-{today}");
        if !(due_ms..due_ms + LATE_MS).contains(&now_ms) || rows::exists(&self.db, &id).await? {
            return Ok(());
        }
        let (from_ms, to_ms) = (calendar::moment(today, 0), calendar::moment(today + 1, 0));
        if !campus::any_lesson(&self.db, from_ms, to_ms).await? {
            return Ok(());
        }
        command::forget(&self.db, now_ms - KEPT_MS).await?;
        rows::forget(&self.db, now_ms - KEPT_MS).await?;
        self.begin(&id, None, Who::default(), now_ms).await?;
        Ok(())
    }

    /// Begins one now; `false` when one is under way.
    ///
    /// # Errors
    /// When the store or the trail fails; then none was begun.
    pub async fn begin_now(&self, person: Uuid, who: Who, now_ms: i64) -> Result<bool, Error> {
        let id = Uuid::now_v7().to_string();
        let person = person.to_string();
        self.begin(&id, Some(&person), who, now_ms).await
    }

    async fn begin(
        &self,
        id: &str,
        by: Option<&str>,
        who: Who,
        now_ms: i64,
    ) -> Result<bool, Error> {
        let entry = Entry {
            object: id.to_owned(),
            ..Entry::done(who, "begin_checkup")
        };
        let mut pending = self
            .trail
            .begin(entry, now_ms)
            .await
            .map_err(NotDone::Trail)?;
        if !rows::add(pending.writing(), id, by, now_ms).await? {
            return Ok(false);
        }
        pending.commit().await.map_err(NotDone::Trail)?;
        Ok(true)
    }

    /// Tells the boxes that were not told yet, some at a time, and ends the check-up with its last
    /// answer.
    async fn go_on(&self, checkup: &CheckupRow, now_ms: i64) -> Result<(), Error> {
        let told = command::of_checkup(&self.db, &checkup.id).await?;
        let known: HashSet<&str> = told.iter().map(|row| row.device_id.as_str()).collect();
        let tell = now_ms < checkup.begun_ms + TELL_MS;
        let mut left = 0;
        for device in in_use(&self.db).await? {
            if known.contains(device.id.as_str()) || !tell {
                continue;
            }
            if left == TOLD_MAX {
                return Ok(());
            }
            left += 1;
            // Where something else is in the way, it is tried again.
            self.devices
                .selftest(&device.id, &checkup.id, now_ms)
                .await?;
        }
        let open = told.iter().any(|row| row.ended_ms.is_none());
        if left > 0 || open {
            return Ok(());
        }
        self.end(checkup, &told, now_ms).await
    }

    async fn end(
        &self,
        checkup: &CheckupRow,
        told: &[CommandRow],
        now_ms: i64,
    ) -> Result<(), Error> {
        let found = self.found(checkup.clone(), told, now_ms).await?;
        let needy = found.rooms.iter();
        let needy = needy.filter(|room| policy::needs_person(&room.wrong()));
        let entry = Entry {
            object: checkup.id.clone(),
            detail: format!("{} boxes, {} need a person", told.len(), needy.count()),
            ..Entry::done(Who::default(), "end_checkup")
        };
        let mut pending = self
            .trail
            .begin(entry, now_ms)
            .await
            .map_err(NotDone::Trail)?;
        if rows::end(pending.writing(), &checkup.id, now_ms).await? {
            pending.commit().await.map_err(NotDone::Trail)?;
        }
        Ok(())
    }

    /// The newest check-up with what it found so far.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn newest(&self, now_ms: i64) -> Result<Option<Found>, Error> {
        let Some(checkup) = rows::newest(&self.db).await? else {
            return Ok(None);
        };
        let told = command::of_checkup(&self.db, &checkup.id).await?;
        Ok(Some(self.found(checkup, &told, now_ms).await?))
    }

    async fn found(
        &self,
        checkup: CheckupRow,
        told: &[CommandRow],
        now_ms: i64,
    ) -> Result<Found, Error> {
        let told: HashMap<&str, &CommandRow> = told
            .iter()
            .map(|row| (row.device_id.as_str(), row))
            .collect();
        let lessons = self.lessons(checkup.begun_ms).await?;
        let telling = checkup.ended_ms.is_none() && now_ms < checkup.begun_ms + TELL_MS;
        let mut rooms = Vec::new();
        for device in in_use(&self.db).await? {
            let row = told.get(device.id.as_str()).copied();
            rooms.push(FoundRoom {
                lesson_ms: lessons.get(&device.classroom).copied(),
                open: row.map_or(telling, |row| row.ended_ms.is_none()),
                selftest: row.and_then(|row| serde_json::from_str(&row.result).ok()),
                unfinished: row.is_none_or(|row| row.state != "expired"),
                room: device.classroom,
                device: device.id,
            });
        }
        let order = |room: &FoundRoom| {
            let person = policy::needs_person(&room.wrong());
            let lesson_ms = room.lesson_ms.unwrap_or(i64::MAX);
            (!person, lesson_ms, room.device.clone())
        };
        rooms.sort_by_key(order);
        Ok(Found { checkup, rooms })
    }

    /// The first lesson of each room on the day of a moment that is not over then.
    async fn lessons(&self, at_ms: i64) -> Result<HashMap<ClassroomId, i64>, Error> {
        let end_ms = calendar::moment(calendar::day(at_ms) + 1, 0);
        let mut first = HashMap::new();
        for lesson in lesson::between(&self.db, at_ms, end_ms).await? {
            first.entry(lesson.classroom).or_insert(lesson.start_ms);
        }
        Ok(first)
    }
}

async fn in_use(db: &Db) -> Result<Vec<registry::Device>, Error> {
    let all = registry::all(db).await?;
    let enrolled = |device: &registry::Device| device.state == State::Enrolled;
    Ok(all.into_iter().filter(enrolled).collect())
}

impl From<NotDone> for Error {
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Store(error) => Self::Store(error),
            NotDone::Campus(error) => Self::Campus(error),
            why => Self::Order(Box::new(why)),
        }
    }
}

#[cfg(test)]
mod tests;
