//! The timetable of boxes: when each room is recorded, signed for its box, and what was in force
//! before.
//!
//! windows
//!
//! A box asks at its door; it is told by an order that there is something new. What was in force
//! stays on file, so that a later change does not rewrite what was owed (K14).

mod windows;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;
use xunke_policy::patrol::FieldError;
use xunke_protocol::envelope::Order;
use xunke_protocol::id::{ClassroomId, DeviceId};
use xunke_protocol::timetable::{Mode, SignedTimetable, Timetable, Window, merged};

use crate::access::audit::{Entry, Trail, Unavailable};
use crate::access::session::Session;
use crate::campus::{self, calendar, classroom, id, lesson};
use crate::clock;
use crate::config;
use crate::device::command::Commands;
use crate::store::timetable::{self as rows, OrderRow, PastRow, TimetableRow};
use crate::store::{self, Db};
pub use windows::Roll;

const MINUTE_MS: i64 = 60_000;
/// What a box is told of in advance: today and these days after it.
const DAYS_AHEAD: i64 = 15;
/// A change that takes effect soon reaches the box within this.
const LOOK: Duration = Duration::from_secs(3);
/// What soon means.
const SOON_MS: i64 = 2 * 60 * MINUTE_MS;
/// How often everything is looked at.
const WHOLE_EVERY_MS: i64 = 10 * MINUTE_MS;
/// Longest order to record.
pub const ORDER_MS_MAX: i64 = 12 * 60 * MINUTE_MS;

/// What went wrong with a timetable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such room.
    #[error("there is no such room")]
    NotFound,
    /// A field cannot stay as it is.
    #[error("{}: {}", .0.field, .0.en)]
    Field(FieldError),
    /// The trail cannot be written, so nothing is changed.
    #[error(transparent)]
    Trail(#[from] Unavailable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The campus cannot be read.
    #[error(transparent)]
    Campus(#[from] campus::Error),
}

/// The timetables of all boxes. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Timetables {
    db: Db,
    trail: Arc<Trail>,
    signing: Arc<SigningKey>,
    commands: Commands,
    roll: Roll,
    /// One document is made at a time.
    publishing: Arc<Mutex<()>>,
}

/// What a room is to be recorded by, as of now.
struct Plan {
    mode: Mode,
    windows: Vec<Window>,
}

impl Timetables {
    /// Documents signed with the key that boxes know, told through `commands`.
    #[must_use]
    pub fn new(
        (db, trail): (Db, Arc<Trail>),
        signing: SigningKey,
        commands: Commands,
        config: &config::Recording,
    ) -> Self {
        Self {
            db,
            trail,
            signing: Arc::new(signing),
            commands,
            roll: Roll::of(config),
            publishing: Arc::default(),
        }
    }

    /// The document in force of a room, made anew when it is behind.
    ///
    /// # Errors
    /// There is no such room, or the store fails.
    pub async fn of(&self, classroom: ClassroomId, now_ms: i64) -> Result<SignedTimetable, Error> {
        let _one = self.publishing.lock().await;
        let capture = rows::capture(&self.db, &classroom.to_string()).await?;
        let mode = Mode::named(&capture.ok_or(Error::NotFound)?).unwrap_or_default();
        let kept = rows::of(&self.db, &classroom.to_string()).await?;
        let kept = kept.map(|row| timetable(classroom, &row));
        let known = known(now_ms);
        let mut plans = self.plans(known).await?;
        let windows = plans.remove(&classroom).unwrap_or_default();
        let plan = Plan { mode, windows };
        let timetable = match kept {
            Some(kept) if !behind(&kept, &plan, known, now_ms) => kept,
            kept => self.publish(classroom, plan, kept.as_ref(), now_ms).await?,
        };
        Ok(SignedTimetable::sign(timetable, &self.signing))
    }

    /// Makes the documents anew that are behind, and tells their boxes; looks as far ahead as
    /// `until_ms`.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn catch_up(&self, now_ms: i64, until_ms: i64) -> Result<usize, Error> {
        let _one = self.publishing.lock().await;
        let whole = known(now_ms);
        let mut kept = HashMap::new();
        for row in rows::current(&self.db).await? {
            let classroom = ClassroomId(id("a classroom", &row.classroom_id)?);
            kept.insert(classroom, timetable(classroom, &row));
        }
        let soon = Window {
            from_ms: now_ms,
            to_ms: until_ms.min(whole.to_ms),
        };
        let near = self.plans(soon).await?;
        let mut rooms: BTreeMap<ClassroomId, (Mode, Vec<DeviceId>)> = BTreeMap::new();
        for room in rows::rooms(&self.db).await? {
            let classroom = ClassroomId(id("a classroom", &room.classroom_id)?);
            let mode = Mode::named(&room.capture).unwrap_or_default();
            let entry = rooms.entry(classroom).or_insert((mode, Vec::new()));
            entry.1.extend(room.device_id.parse::<DeviceId>());
        }
        let mut behind_now = Vec::new();
        for (classroom, (mode, boxes)) in rooms {
            let windows = near.get(&classroom).cloned().unwrap_or_default();
            let plan = Plan { mode, windows };
            let of = kept.remove(&classroom);
            if of.as_ref().is_none_or(|of| behind(of, &plan, soon, now_ms)) {
                behind_now.push((classroom, mode, boxes, of));
            }
        }
        self.publish_all(behind_now, whole, now_ms).await
    }

    async fn publish_all(
        &self,
        behind: Vec<(ClassroomId, Mode, Vec<DeviceId>, Option<Timetable>)>,
        whole: Window,
        now_ms: i64,
    ) -> Result<usize, Error> {
        if behind.is_empty() {
            return Ok(0);
        }
        let count = behind.len();
        let mut plans = self.plans(whole).await?;
        for (classroom, mode, boxes, kept) in behind {
            let windows = plans.remove(&classroom).unwrap_or_default();
            let plan = Plan { mode, windows };
            self.publish(classroom, plan, kept.as_ref(), now_ms).await?;
            for device in boxes {
                // A box that is away asks when it is back.
                drop(self.commands.send(&device, Order::Timetable, now_ms));
            }
        }
        Ok(count)
    }

    /// The windows of every room that has some within a stretch.
    async fn plans(&self, stretch: Window) -> Result<HashMap<ClassroomId, Vec<Window>>, Error> {
        let Roll {
            before_ms,
            after_ms,
        } = self.roll;
        let (from_ms, to_ms) = (stretch.from_ms - after_ms, stretch.to_ms + before_ms);
        let mut rooms: HashMap<ClassroomId, (Vec<Window>, Vec<Window>)> = HashMap::new();
        for lesson in lesson::between(&self.db, from_ms, to_ms).await? {
            rooms.entry(lesson.classroom).or_default().0.push(Window {
                from_ms: lesson.start_ms,
                to_ms: lesson.end_ms,
            });
        }
        for order in rows::orders(&self.db, stretch.from_ms, stretch.to_ms).await? {
            let classroom = ClassroomId(id("a classroom", &order.classroom_id)?);
            rooms.entry(classroom).or_default().1.push(Window {
                from_ms: order.from_ms,
                to_ms: order.to_ms,
            });
        }
        let plan = |(lessons, orders): (Vec<Window>, Vec<Window>)| {
            windows::plan(&lessons, &orders, self.roll, stretch)
        };
        Ok(rooms
            .into_iter()
            .map(|(room, all)| (room, plan(all)))
            .collect())
    }

    /// Puts a document in force. Its version grows with every change, and with time, so that a
    /// database restored from a copy is believed again.
    async fn publish(
        &self,
        classroom: ClassroomId,
        plan: Plan,
        kept: Option<&Timetable>,
        now_ms: i64,
    ) -> Result<Timetable, Error> {
        let older = kept.map_or(0, |kept| kept.version + 1);
        let timetable = Timetable {
            classroom,
            version: older.max((now_ms / 1000).unsigned_abs()),
            made_at: now_ms,
            mode: plan.mode,
            known: known(now_ms),
            windows: plan.windows,
        };
        let past = kept.map(|kept| past(kept, now_ms));
        rows::publish(&self.db, &row(&timetable), past.as_ref()).await?;
        tracing::info!(
            version = timetable.version,
            windows = timetable.windows.len(),
            "timetable made for a box"
        );
        Ok(timetable)
    }
}

/// Who changes how a room is recorded, from where, when, and why.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Whose session it is.
    pub session: &'a Session,
    /// From where.
    pub from: IpAddr,
    /// When, milliseconds since the epoch.
    pub now_ms: i64,
    /// Why; 2 to 500 characters.
    pub reason: &'a str,
}

impl Timetables {
    /// How each room is recorded, and until when one is by order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn modes(&self, now_ms: i64) -> Result<HashMap<String, (Mode, Option<i64>)>, Error> {
        let orders = rows::orders(&self.db, now_ms, now_ms + 1).await?;
        let rooms = rows::rooms(&self.db).await?;
        let one = |room: rows::RoomRow| {
            let mode = Mode::named(&room.capture).unwrap_or_default();
            let here = orders
                .iter()
                .filter(|order| order.classroom_id == room.classroom_id);
            (room.device_id, (mode, here.map(|order| order.to_ms).max()))
        };
        Ok(rooms.into_iter().map(one).collect())
    }

    /// Says how a room is recorded; its box is told within seconds.
    ///
    /// # Errors
    /// The field, or that there is no such room; then nothing was changed.
    pub async fn set_mode(&self, by: Change<'_>, room: Uuid, mode: Mode) -> Result<(), Error> {
        let entry = self
            .entry(by, room, "set_capture", mode.name().into())
            .await?;
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        if !rows::set_capture(pending.writing(), &room.to_string(), mode.name()).await? {
            return Err(Error::NotFound);
        }
        pending.commit().await?;
        self.tell_soon(by.now_ms).await
    }

    /// Has a room recorded from now on until then, whatever its timetable says.
    ///
    /// # Errors
    /// The field, or that there is no such room; then nothing was changed.
    pub async fn record_until(
        &self,
        by: Change<'_>,
        room: Uuid,
        until_ms: i64,
    ) -> Result<(), Error> {
        if !(1..=ORDER_MS_MAX).contains(&(until_ms - by.now_ms)) {
            return Err(Error::Field(UNTIL));
        }
        let detail = calendar::date_and_time(until_ms);
        let entry = self.entry(by, room, "record_until", detail).await?;
        let order = OrderRow {
            id: Uuid::now_v7().to_string(),
            classroom_id: room.to_string(),
            from_ms: by.now_ms,
            to_ms: until_ms,
            ordered_by: by.session.person.id.to_string(),
            reason: by.reason.trim().to_owned(),
        };
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        rows::add_order(pending.writing(), &order).await?;
        pending.commit().await?;
        self.tell_soon(by.now_ms).await
    }

    async fn tell_soon(&self, now_ms: i64) -> Result<(), Error> {
        self.catch_up(now_ms, now_ms + SOON_MS).await.map(drop)
    }

    async fn entry(
        &self,
        by: Change<'_>,
        room: Uuid,
        action: &'static str,
        detail: String,
    ) -> Result<Entry, Error> {
        let reason = by.reason.trim();
        if !(2..=500).contains(&reason.chars().count()) {
            return Err(Error::Field(REASON));
        }
        let found = classroom::find(&self.db, ClassroomId(room)).await?;
        let found = found.ok_or(Error::NotFound)?;
        Ok(Entry {
            object: format!("{} {room}", found.name),
            purpose: reason.to_owned(),
            detail,
            ..Entry::done(by.session.person.who(by.from), action)
        })
    }
}

const REASON: FieldError = FieldError {
    field: "reason",
    zh: "请写明理由（2 至 500 字）。",
    en: "Say why, in 2 to 500 characters.",
};
const UNTIL: FieldError = FieldError {
    field: "until",
    zh: "截止时间应在此刻之后、12 小时之内。",
    en: "The end must lie within the next 12 hours.",
};

/// Keeps the documents of all boxes up with the timetable, until the hub stops.
pub async fn follow(timetables: Timetables, mut stop: watch::Receiver<bool>) {
    let mut whole_ms = i64::MIN;
    let mut failed = false;
    loop {
        let now_ms = clock::now_ms();
        let whole = now_ms.saturating_sub(whole_ms) >= WHOLE_EVERY_MS;
        let ahead_ms = if whole { i64::MAX } else { now_ms + SOON_MS };
        match timetables.catch_up(now_ms, ahead_ms).await {
            Ok(_) => {
                failed = false;
                if whole {
                    whole_ms = now_ms;
                }
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                if !std::mem::replace(&mut failed, true) {
                    tracing::error!(error, "boxes cannot be told of changes in the timetable");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// What of a stretch was to be recorded in a room, as its box was told at the time.
///
/// # Errors
/// When the store fails.
pub async fn owed(db: &Db, room: ClassroomId, stretch: Window) -> Result<Vec<Window>, Error> {
    let id = room.to_string();
    let mut owed = Vec::new();
    for past in rows::past(db, &id, stretch.from_ms, stretch.to_ms).await? {
        let in_force = Window {
            from_ms: past.from_ms,
            to_ms: past.to_ms,
        };
        owed.extend(windows::in_force(&past.mode, &past.windows, in_force));
    }
    if let Some(row) = rows::of(db, &id).await? {
        let in_force = Window {
            from_ms: row.made_ms,
            to_ms: i64::MAX,
        };
        owed.extend(windows::in_force(&row.mode, &row.windows, in_force));
    }
    Ok(windows::cut(&merged(owed), stretch))
}

/// From midnight, so that a document stays the same all day unless something changes.
fn known(now_ms: i64) -> Window {
    let today = calendar::day(now_ms);
    Window {
        from_ms: calendar::moment(today, 0),
        to_ms: calendar::moment(today + DAYS_AHEAD, 0),
    }
}

/// What is over does not count, and a new day is told every day.
fn behind(kept: &Timetable, plan: &Plan, stretch: Window, now_ms: i64) -> bool {
    let ahead = Window {
        from_ms: now_ms,
        ..stretch
    };
    kept.known != known(now_ms) || windows::differs(kept, plan.mode, &plan.windows, ahead)
}

/// What a document was good for until now.
fn past(kept: &Timetable, now_ms: i64) -> PastRow {
    let in_force = Window {
        from_ms: kept.made_at,
        to_ms: now_ms,
    };
    PastRow {
        classroom_id: kept.classroom.to_string(),
        version: kept.version.cast_signed(),
        from_ms: in_force.from_ms,
        to_ms: in_force.to_ms,
        mode: kept.mode.name().into(),
        windows: windows::text(&windows::cut(&kept.windows, in_force)),
    }
}

fn row(timetable: &Timetable) -> TimetableRow {
    TimetableRow {
        classroom_id: timetable.classroom.to_string(),
        version: timetable.version.cast_signed(),
        made_ms: timetable.made_at,
        from_ms: timetable.known.from_ms,
        until_ms: timetable.known.to_ms,
        mode: timetable.mode.name().into(),
        windows: windows::text(&timetable.windows),
    }
}

fn timetable(classroom: ClassroomId, row: &TimetableRow) -> Timetable {
    Timetable {
        classroom,
        version: row.version.unsigned_abs(),
        made_at: row.made_ms,
        mode: Mode::named(&row.mode).unwrap_or_default(),
        known: Window {
            from_ms: row.from_ms,
            to_ms: row.until_ms,
        },
        windows: windows::read(&row.windows),
    }
}

#[cfg(test)]
mod tests;
