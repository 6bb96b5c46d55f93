//! Duties and silences: who is told when, and of what nobody wants to hear for a while.

use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::alert::duty::{self, Shift, Step};
use xunke_policy::alert::silence::{self, Matcher, Silence, Target};
use xunke_policy::fault;
use xunke_policy::level::Role;
use xunke_policy::patrol::FieldError;

use super::desk::NO_KEEPER;
use crate::access::audit::{Entry, Trail};
use crate::access::grant::{By, Error};
use crate::campus::calendar::date_and_time;
use crate::store::alert::{self as alerts, AlertRow, PartRow};
use crate::store::duty::{self as rows, KeeperRow, ShiftRow, SilenceRow, StepRow};
use crate::store::health::{self, PlacedRow};
use crate::store::{self, Db};

/// Most duties and most silences at a time.
const HELD_MAX: usize = 1_000;

/// Who is told now, and of what not.
#[derive(Debug, Clone)]
pub struct Duties {
    /// The steps of the escalation.
    pub steps: Vec<Step>,
    /// The silences in force.
    pub silences: Vec<Silence>,
    shifts: Vec<Shift<String>>,
    keepers: Vec<String>,
}

impl Duties {
    /// As they are in the store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn at(db: &Db, now_ms: i64) -> Result<Self, store::Error> {
        let steps = rows::steps(db).await?.into_iter().map(step);
        let silences = rows::silences(db, now_ms).await?;
        let shifts = rows::shifts(db, now_ms).await?;
        let keepers = rows::keepers(db, Role::Technician.name()).await?;
        Ok(Self {
            steps: steps.collect(),
            silences: silences.iter().map(silence_of).collect(),
            shifts: shifts.into_iter().map(shift).collect(),
            keepers: keepers.into_iter().map(|keeper| keeper.id).collect(),
        })
    }

    /// The persons of a step now.
    #[must_use]
    pub fn on_duty(&self, step: usize, now_ms: i64) -> Vec<String> {
        duty::on_duty(&self.shifts, &self.keepers, step, now_ms)
    }
}

fn step(row: StepRow) -> Step {
    Step {
        title: row.title,
        after_minutes: row.after_minutes,
    }
}

fn shift(row: ShiftRow) -> Shift<String> {
    Shift {
        // A step that is no step is nobody's.
        step: usize::try_from(row.step).unwrap_or(usize::MAX),
        person: row.person_id,
        from_ms: row.from_ms,
        until_ms: row.until_ms,
    }
}

fn silence_of(row: &SilenceRow) -> Silence {
    Silence {
        matcher: Matcher {
            code: row.code.clone(),
            building: row.building.clone(),
            room: row.classroom_id.clone(),
        },
        from_ms: row.from_ms,
        until_ms: row.until_ms,
    }
}

/// The rooms that an alert is still about. Of something that flaps, it is about what flaps.
fn targets<'a>(row: &'a AlertRow, parts: &[PartRow], placed: &'a [PlacedRow]) -> Vec<Target<'a>> {
    let code = match row.flaps.as_str() {
        "" => &row.code,
        flaps => flaps,
    };
    let wrong = parts.iter().filter(|part| part.left_ms.is_none());
    let places = wrong.filter_map(|part| {
        let mut placed = placed.iter();
        placed.find(|place| place.device_id == part.device_id)
    });
    let target = |place: &'a PlacedRow| Target {
        code,
        building: &place.building,
        room: &place.classroom_id,
    };
    places.map(target).collect()
}

/// Of which alerts nobody wants to hear now.
#[derive(Debug, Clone)]
pub struct Quiet {
    silences: Vec<Silence>,
    placed: Vec<PlacedRow>,
    now_ms: i64,
}

impl Quiet {
    /// As it is in the store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn at(db: &Db, now_ms: i64) -> Result<Self, store::Error> {
        let silences = rows::silences(db, now_ms).await?;
        Ok(Self {
            silences: silences.iter().map(silence_of).collect(),
            placed: health::placed(db).await?,
            now_ms,
        })
    }

    /// Whether every room that the alert is still about is silenced; one that is over is not.
    #[must_use]
    pub fn covers(&self, row: &AlertRow, parts: &[PartRow]) -> bool {
        let targets = targets(row, parts, &self.placed);
        row.over_ms.is_none() && silence::silenced(&self.silences, &targets, self.now_ms)
    }
}

/// The roster and the silences, changed by administrators. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Roster {
    db: Db,
    trail: Arc<Trail>,
}

impl Roster {
    /// Duties and silences in `db`, each change a line of `trail`.
    #[must_use]
    pub fn new(db: Db, trail: Arc<Trail>) -> Self {
        Self { db, trail }
    }

    /// The steps, the duties that are not over, and who may have one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn duties(
        &self,
        now_ms: i64,
    ) -> Result<(Vec<StepRow>, Vec<ShiftRow>, Vec<KeeperRow>), Error> {
        let steps = rows::steps(&self.db).await?;
        let shifts = rows::shifts(&self.db, now_ms).await?;
        let keepers = rows::keepers(&self.db, Role::Technician.name()).await?;
        Ok((steps, shifts, keepers))
    }

    /// Replaces the steps of the escalation.
    ///
    /// # Errors
    /// The field, or the store fails; then nothing was changed.
    pub async fn set_steps(&self, by: By<'_>, steps: &[Step]) -> Result<(), Error> {
        duty::valid(steps).map_err(Error::Field)?;
        let row = |(number, step): (i64, &Step)| StepRow {
            step: number,
            title: step.title.trim().to_owned(),
            after_minutes: step.after_minutes,
        };
        let rows_of: Vec<_> = (0..).zip(steps).map(row).collect();
        let said: Vec<String> = rows_of
            .iter()
            .map(|row| format!("{} {} min", row.title, row.after_minutes))
            .collect();
        let entry = entry(by, "set_duty_steps", String::new(), said.join(", "));
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        rows::set_steps(pending.writing(), &rows_of).await?;
        pending.commit().await?;
        Ok(())
    }

    /// Gives somebody a duty; gives its id.
    ///
    /// # Errors
    /// The field, or the store fails; then nothing was changed.
    pub async fn add_shift(&self, by: By<'_>, shift: &Shift<Uuid>) -> Result<Uuid, Error> {
        let (steps, shifts, keepers) = self.duties(by.now_ms).await?;
        duty::valid_shift(shift, steps.len(), by.now_ms).map_err(Error::Field)?;
        full(shifts.len())?;
        let person = shift.person.to_string();
        let keeper = keepers.into_iter().find(|keeper| keeper.id == person);
        let keeper = keeper.ok_or(Error::Field(NO_KEEPER))?;
        let id = Uuid::now_v7();
        let row = ShiftRow {
            id: id.to_string(),
            step: i64::try_from(shift.step).unwrap_or(i64::MAX),
            person_id: keeper.id,
            person: keeper.name,
            from_ms: shift.from_ms,
            until_ms: shift.until_ms,
        };
        let entry = entry(
            by,
            "add_duty_shift",
            row.person.clone(),
            span(row.from_ms, row.until_ms),
        );
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let by_id = by.session.person.id.to_string();
        rows::add_shift(pending.writing(), &row, &by_id, by.now_ms).await?;
        pending.commit().await?;
        Ok(id)
    }

    /// Ends a duty now.
    ///
    /// # Errors
    /// There is none that is not over, or the store fails.
    pub async fn end_shift(&self, by: By<'_>, id: Uuid) -> Result<(), Error> {
        let shifts = rows::shifts(&self.db, by.now_ms).await?;
        let row = shifts.into_iter().find(|row| row.id == id.to_string());
        let row = row.ok_or(Error::NotFound)?;
        let entry = entry(
            by,
            "end_duty_shift",
            row.person,
            span(row.from_ms, row.until_ms),
        );
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        if !rows::end_shift(pending.writing(), &row.id, by.now_ms).await? {
            return Err(Error::NotFound);
        }
        pending.commit().await?;
        Ok(())
    }

    /// The silences that are not over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn silences(&self, now_ms: i64) -> Result<Vec<SilenceRow>, Error> {
        Ok(rows::silences(&self.db, now_ms).await?)
    }

    /// The open alerts that a silence would keep quiet, each for at least one of its rooms.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn matches(&self, matcher: &Matcher) -> Result<Vec<AlertRow>, Error> {
        let placed = health::placed(&self.db).await?;
        let mut matched = Vec::new();
        for row in alerts::told(&self.db, true, i64::MAX).await? {
            let parts = alerts::parts(&self.db, &row.id).await?;
            let mut targets = targets(&row, &parts, &placed).into_iter();
            if targets.any(|target| matcher.matches(target)) {
                matched.push(row);
            }
        }
        Ok(matched)
    }

    /// Keeps a silence from now on; gives its id.
    ///
    /// # Errors
    /// The field, or the store fails; then nothing was changed.
    pub async fn add_silence(
        &self,
        by: By<'_>,
        matcher: Matcher,
        until_ms: i64,
        reason: &str,
    ) -> Result<Uuid, Error> {
        let silence = Silence {
            matcher,
            from_ms: by.now_ms,
            until_ms,
        };
        silence::valid(&silence, reason, by.now_ms).map_err(Error::Field)?;
        self.known(&silence.matcher).await?;
        full(rows::silences(&self.db, by.now_ms).await?.len())?;
        let id = Uuid::now_v7();
        let Matcher {
            code,
            building,
            room,
        } = silence.matcher;
        let row = SilenceRow {
            id: id.to_string(),
            code,
            building,
            classroom_id: room,
            from_ms: silence.from_ms,
            until_ms,
            reason: reason.trim().to_owned(),
            creator: by.session.person.name.clone(),
            ended_ms: None,
        };
        let mut entry = entry(
            by,
            "add_silence",
            named(&row),
            span(row.from_ms, row.until_ms),
        );
        entry.purpose.clone_from(&row.reason);
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let by_id = by.session.person.id.to_string();
        rows::add_silence(pending.writing(), &row, &by_id, by.now_ms).await?;
        pending.commit().await?;
        Ok(id)
    }

    /// Ends a silence now.
    ///
    /// # Errors
    /// There is none that lasts, or the store fails.
    pub async fn end_silence(&self, by: By<'_>, id: Uuid) -> Result<(), Error> {
        let silences = rows::silences(&self.db, by.now_ms).await?;
        let row = silences.into_iter().find(|row| row.id == id.to_string());
        let row = row.ok_or(Error::NotFound)?;
        let entry = entry(
            by,
            "end_silence",
            named(&row),
            span(row.from_ms, row.until_ms),
        );
        let mut pending = self.trail.begin(entry, by.now_ms).await?;
        let by_id = by.session.person.id.to_string();
        if !rows::end_silence(pending.writing(), &row.id, &by_id, by.now_ms).await? {
            return Err(Error::NotFound);
        }
        pending.commit().await?;
        Ok(())
    }

    /// What it names exists: a slip of the pen would be quiet about nothing.
    async fn known(&self, matcher: &Matcher) -> Result<(), Error> {
        if matcher
            .code
            .as_deref()
            .is_some_and(|code| fault::kind(code).is_none())
        {
            return Err(Error::Field(NO_CODE));
        }
        let placed = health::placed(&self.db).await?;
        let building = |name: &String| placed.iter().any(|place| place.building == *name);
        if !matcher.building.as_ref().is_none_or(building) {
            return Err(Error::Field(NO_BUILDING));
        }
        let room = |id: &String| placed.iter().any(|place| place.classroom_id == *id);
        if !matcher.room.as_ref().is_none_or(room) {
            return Err(Error::Field(NO_ROOM));
        }
        Ok(())
    }
}

fn entry(by: By<'_>, action: &'static str, object: String, detail: String) -> Entry {
    Entry {
        object,
        detail,
        ..Entry::done(by.session.person.who(by.origin), action)
    }
}

fn named(row: &SilenceRow) -> String {
    let parts = [&row.code, &row.building, &row.classroom_id];
    let parts: Vec<&str> = parts
        .into_iter()
        .filter_map(|part| part.as_deref())
        .collect();
    parts.join(" ")
}

fn span(from_ms: i64, until_ms: i64) -> String {
    format!("{} – {}", date_and_time(from_ms), date_and_time(until_ms))
}

fn full(count: usize) -> Result<(), Error> {
    if count < HELD_MAX {
        return Ok(());
    }
    Err(Error::Conflict(
        "数量已达上限（1000），请先结束不用的。",
        "There are 1000 already; end some first.",
    ))
}

const NO_CODE: FieldError = FieldError {
    field: "code",
    zh: "没有这个故障代码。",
    en: "There is no such fault code.",
};
const NO_BUILDING: FieldError = FieldError {
    field: "building",
    zh: "没有装有设备的这栋楼。",
    en: "There is no such building with a box.",
};
const NO_ROOM: FieldError = FieldError {
    field: "room",
    zh: "没有装有设备的这间教室。",
    en: "There is no such room with a box.",
};
