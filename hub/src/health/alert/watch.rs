//! The watch: every second, what is wrong becomes alerts, and what is to be said is kept and told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;
use xunke_policy::alert::book::{self, Alert, Scene};
use xunke_policy::alert::facts::{self, BoxFacts, FaultFacts};
use xunke_policy::alert::group::{Part, Place};
use xunke_policy::alert::notify::{self, Word};
use xunke_policy::fault::WINDOW_MS;
use xunke_protocol::id::ClassroomId;

use super::duty::Duties;
use super::kept::{self, Kept};
use super::words;
use crate::authority::Shown;
use crate::campus::calendar::{day, moment};
use crate::campus::id;
use crate::clock;
use crate::health::moment::Moments;
use crate::health::{Error, channel};
use crate::notice::{Notice, Notices};
use crate::store::alert as rows;
use crate::store::health::{self as seen, FaultRow, PlacedRow};
use crate::store::{Db, Writing};

/// A fault waits no longer than this before it is looked at.
const EVERY: Duration = Duration::from_millis(500);
const MINUTE_MS: i64 = 60_000;

/// Watches until `stop` turns true.
pub async fn follow(watch: AlertWatch, mut stop: watch::Receiver<bool>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let watched = watch.tick(clock::now_ms()).await;
        if let Err(error) = &watched
            && !failing
        {
            let error = error as &dyn std::error::Error;
            tracing::error!(error, "nobody can be told of faults");
        }
        failing = watched.is_err();
    }
}

/// Watches over alerts. All it knows is in the store.
#[derive(Debug, Clone)]
pub struct AlertWatch {
    db: Db,
    notices: Notices,
    /// The hub's own certificate.
    shown: Option<Arc<Shown>>,
}

/// What there is at one moment.
struct Campus {
    boxes: Vec<BoxFacts>,
    faults: Vec<FaultFacts>,
    /// The names of the rooms, by box.
    rooms: BTreeMap<String, String>,
    duties: Duties,
}

impl AlertWatch {
    /// Goes on with the alerts in `db`.
    #[must_use]
    pub fn new(db: Db, notices: Notices) -> Self {
        Self {
            db,
            notices,
            shown: None,
        }
    }

    /// Also watches over the hub's own certificate.
    #[must_use]
    pub fn of_certificate(self, shown: Arc<Shown>) -> Self {
        let shown = Some(shown);
        Self { shown, ..self }
    }

    /// One step of every alert.
    ///
    /// # Errors
    /// When the store fails; then nothing was said, and the same is tried again.
    pub async fn tick(&self, now_ms: i64) -> Result<(), Error> {
        let campus = self.look(now_ms).await?;
        let before = kept::open(&self.db).await?;
        let mut alerts: Vec<Alert> = before.iter().map(|kept| kept.alert.clone()).collect();
        let mut wrongs = facts::wrongs(&campus.boxes, &campus.faults, &alerts, now_ms);
        if let Some(shown) = &self.shown {
            let until_ms = shown.until_ms();
            wrongs.extend(facts::hub_wrongs(&campus.boxes, until_ms, now_ms));
        }
        let scene = Scene {
            wrongs: &wrongs,
            silences: &campus.duties.silences,
            steps: &campus.duties.steps,
            now_ms,
        };
        let outcome = book::step(&mut alerts, scene, || Uuid::now_v7().to_string());
        let same = before.len() == alerts.len()
            && before
                .iter()
                .zip(&alerts)
                .all(|(b, alert)| b.alert == *alert);
        if !same || !outcome.over.is_empty() {
            self.keep(&before, alerts, &outcome, &campus, now_ms)
                .await?;
        }
        self.summarise(&campus, now_ms).await
    }

    async fn look(&self, now_ms: i64) -> Result<Campus, Error> {
        let moments = Moments::at(&self.db, now_ms).await?;
        let placed = seen::placed(&self.db).await?;
        let room = |row: &PlacedRow| (row.device_id.clone(), row.room.clone());
        let rooms = placed.iter().map(room).collect();
        let placed = placed.into_iter().map(|row| box_facts(row, &moments));
        let faults = seen::recent_faults(&self.db, now_ms - WINDOW_MS).await?;
        Ok(Campus {
            boxes: placed.collect::<Result<_, Error>>()?,
            faults: faults.into_iter().map(fault_facts).collect(),
            rooms,
            duties: Duties::at(&self.db, now_ms).await?,
        })
    }

    /// Keeps what has changed and tells what is to be said, all in one transaction.
    async fn keep(
        &self,
        before: &[Kept],
        alerts: Vec<Alert>,
        outcome: &book::Outcome,
        campus: &Campus,
        now_ms: i64,
    ) -> Result<(), Error> {
        let mut writing = self.db.begin().await?;
        let mut count = rows::count_told(&mut writing).await?;
        for alert in alerts {
            let was = before.iter().find(|kept| kept.alert.id == alert.id);
            let over = outcome.over.contains(&alert.id);
            if alert.told.is_none() && over {
                rows::forget(&mut writing, &alert.id).await?;
                continue;
            }
            if was.is_some_and(|was| was.alert == alert) {
                continue;
            }
            let mut number = was.and_then(|was| was.number.clone());
            if number.is_none() && alert.told.is_some() {
                count += 1;
                number = Some(format!("GJ-{count:05}"));
            }
            let kept = Kept { number, alert };
            let over_ms = over.then_some(now_ms);
            rows::put(&mut writing, &kept::row(&kept, over_ms)).await?;
            for part in kept::changed_parts(&kept.alert, was.map(|was| &was.alert)) {
                rows::put_part(&mut writing, &part).await?;
            }
            let said = outcome.said.iter().filter(|(id, _)| *id == kept.alert.id);
            for (_, word) in said {
                tell(&mut writing, &kept, *word, campus, now_ms).await?;
            }
        }
        Db::commit(writing).await?;
        self.notices.publish(Notice::Changed { topic: "alerts" });
        Ok(())
    }

    /// Says once a day, at 08:00 in Asia/Shanghai, what is not over.
    async fn summarise(&self, campus: &Campus, now_ms: i64) -> Result<(), Error> {
        let today = day(now_ms);
        let minute = (now_ms - moment(today, 0)) / MINUTE_MS;
        let said = rows::digest_day(&self.db).await?;
        if !notify::digest_due(said, today, minute) {
            return Ok(());
        }
        let open = kept::open(&self.db).await?;
        let told: Vec<&Alert> = open
            .iter()
            .filter(|kept| kept.number.is_some())
            .map(|kept| &kept.alert)
            .collect();
        let mut writing = self.db.begin().await?;
        rows::set_digest_day(&mut writing, today).await?;
        if let Some(message) = words::digest(&told, &campus.rooms) {
            channel::enqueue(&mut writing, &message, now_ms).await?;
        }
        Ok(Db::commit(writing).await?)
    }
}

/// Writes one word into inboxes, onto the alert's own list, and to the channels.
async fn tell(
    writing: &mut Writing,
    kept: &Kept,
    word: Word,
    campus: &Campus,
    now_ms: i64,
) -> Result<(), Error> {
    let (id, name) = (kept.alert.id.as_str(), words::name(word));
    let told = kept.alert.told.map_or(0, |told| told.step);
    let mut hearers = rows::hearers(writing, id).await?;
    match word {
        // Everybody who heard that it began hears that it is over.
        Word::Resolved => {}
        Word::Escalated(step) => hearers = campus.duties.on_duty(step, now_ms),
        Word::Raised | Word::Repeated => {
            hearers.extend((0..=told).flat_map(|step| campus.duties.on_duty(step, now_ms)));
        }
    }
    hearers.sort();
    hearers.dedup();
    for person in &hearers {
        rows::tell(writing, id, person, name, now_ms).await?;
    }
    let text = match word {
        Word::Escalated(step) => campus
            .duties
            .steps
            .get(step)
            .map(|step| step.title.as_str()),
        Word::Raised | Word::Repeated | Word::Resolved => None,
    };
    let line = (None, text.unwrap_or_default());
    rows::add_line(writing, id, name, line, now_ms).await?;
    let number = kept.number.as_deref().unwrap_or_default();
    let message = words::message(number, &kept.alert, word, &campus.rooms);
    channel::enqueue(writing, &message, now_ms).await?;
    tracing::info!(
        alert.number = number,
        code = kept.alert.subject.code,
        word = name,
        parts = message.count,
        hearers = hearers.len(),
        "alert"
    );
    Ok(())
}

fn box_facts(row: PlacedRow, moments: &Moments) -> Result<BoxFacts, Error> {
    let room = ClassroomId(id("a classroom", &row.classroom_id)?);
    Ok(BoxFacts {
        device: row.device_id,
        place: Place {
            moment: moments.of(room),
            room: row.classroom_id,
            building: row.building,
        },
        away_since_ms: row.away_since_ms,
    })
}

fn fault_facts(row: FaultRow) -> FaultFacts {
    FaultFacts {
        part: Part {
            device: row.device_id,
            component: row.component,
        },
        code: row.code,
        opened_ms: row.opened_ms,
        open: row.cleared_ms.is_none(),
    }
}
