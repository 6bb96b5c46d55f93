//! Screen: the home page, with numbers for each role (X66, X72).

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use xunke_policy::access::Action;
use xunke_policy::level::Role;

use super::App;
use super::audit::DayHead;
use super::error::{Error, ErrorBody};
use super::guard::Caller;
use super::inspections::InspectionDue;
use super::lesson::LessonView;
use super::reviews::ReviewDue;
use super::rooms;
use crate::access::audit::Outcome;
use crate::access::audit::copy::Standing;
use crate::campus::calendar;
use crate::campus::classroom::{self, Classroom};
use crate::campus::lesson::{self, Lesson};
use crate::health::channel::desk::State as ChannelState;
use crate::health::presence::State as Presence;
use crate::health::status;
use crate::patrol::record;
use crate::store::{health, view};

/// Faults counted at most; more is as bad.
const FAULTS_MAX: i64 = 10_000;

/// The home page of the caller's role.
#[derive(Debug, Serialize, ToSchema)]
pub struct Home {
    /// Numbers, the most important first.
    pub cards: Vec<HomeCard>,
    /// A teacher's lessons of today.
    pub lessons: Option<Vec<OwnLesson>>,
    /// When the trail is to be inspected, for whoever inspects it or keeps the system safe (R115).
    pub inspection: Option<InspectionDue>,
    /// When the permissions of the term are to be reviewed, for whoever reads the ledger (R26).
    pub review: Option<ReviewDue>,
    /// Where the trail stood at the end of the last day, for everybody to note down (K6).
    pub signed_day: Option<DayHead>,
    /// How the copy of the trail is doing, for whoever inspects it (X8).
    pub trail_copy: Option<TrailCopy>,
}

/// The copy of the trail on another machine.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrailCopy {
    /// `off`, `good` or `failing`.
    pub state: &'static str,
    /// The last day up to which every signed day is there, such as `2026-11-22`.
    pub until: Option<String>,
    /// Why it fails: `unmarked`, `full`, `unreachable`, `damaged` or `broken`.
    pub why: Option<&'static str>,
    /// Since when it fails.
    pub since: Option<i64>,
}

impl From<Option<Standing>> for TrailCopy {
    fn from(standing: Option<Standing>) -> Self {
        let named = standing.is_some();
        let Standing { until, trouble } = standing.unwrap_or_default();
        Self {
            state: match (named, trouble) {
                (false, _) => "off",
                (true, None) => "good",
                (true, Some(_)) => "failing",
            },
            until: until.map(calendar::date_text),
            why: trouble.map(|(trouble, _)| trouble.word()),
            since: trouble.map(|(_, since_ms)| since_ms),
        }
    }
}

/// A lesson of a teacher, with its room.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnLesson {
    /// The lesson.
    #[serde(flatten)]
    pub lesson: LessonView,
    /// The room's name.
    pub room: String,
}

/// One number.
#[derive(Debug, Serialize, ToSchema)]
pub struct HomeCard {
    /// What it counts, such as `rooms_in_lesson`.
    pub key: &'static str,
    /// How many.
    pub value: i64,
    /// Out of how many.
    pub total: Option<i64>,
}

/// The home page of the caller's role.
///
/// # Errors
/// 401 when nobody is signed in.
#[utoipa::path(get, path = "/api/home", tag = "home", responses(
    (status = 200, body = Home), (status = 401, body = ErrorBody)))]
pub async fn home(State(app): State<App>, caller: Caller) -> Result<Json<Home>, Error> {
    let mut desk = Desk {
        since_ms: calendar::moment(calendar::day(caller.now_ms), 0),
        app: &app,
        caller: &caller,
        cards: Vec::new(),
    };
    let is = |role| caller.session.person.is(role);
    desk.rooms().await?;
    desk.records().await?;
    if desk.may(Action::SeeDevices) {
        desk.devices().await?;
    }
    if desk.may(Action::OpenPermissions) {
        desk.openings().await?;
    }
    if desk.may(Action::ReadTrail) {
        desk.trail().await?;
    }
    let inspection = if desk.may(Action::InspectTrail) || desk.may(Action::OpenPermissions) {
        app.inspections.due(caller.now_ms).await?
    } else {
        None
    };
    let trail_copy = match desk.may(Action::InspectTrail) {
        true => Some(TrailCopy::from(app.copies.standing().await)),
        false => None,
    };
    let review = if desk.may(Action::ReadLedger) {
        let reader = caller.session.person.id;
        app.grants.review(reader, caller.now_ms).await?
    } else {
        None
    };
    let cards = desk.cards;
    let lessons = if is(Role::Teacher) {
        Some(own_lessons(&app, &caller).await?)
    } else {
        None
    };
    let mut home = Home {
        cards,
        lessons,
        inspection: inspection.map(InspectionDue::from),
        review: review.as_ref().map(ReviewDue::from),
        signed_day: app.days.checked(1).await?.pop().map(DayHead::from),
        trail_copy,
    };
    if let Some(lessons) = &home.lessons {
        home.cards
            .insert(0, card("my_lessons_today", lessons.len(), None));
    }
    Ok(Json(home))
}

fn card(key: &'static str, value: usize, total: Option<usize>) -> HomeCard {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    HomeCard {
        key,
        value: number(value),
        total: total.map(number),
    }
}

/// The cards as they are laid out.
struct Desk<'a> {
    app: &'a App,
    caller: &'a Caller,
    since_ms: i64,
    cards: Vec<HomeCard>,
}

impl Desk<'_> {
    fn may(&self, action: Action<'_>) -> bool {
        let (person, now_ms) = (&self.caller.session.person, self.caller.now_ms);
        self.app
            .gate
            .judge(person, action, self.caller.address, now_ms)
            .is_ok()
    }

    fn is(&self, role: Role) -> bool {
        self.caller.session.person.is(role)
    }

    /// The rooms that concern the caller: those in scope, of the unit, or all.
    async fn rooms(&mut self) -> Result<(), Error> {
        let rooms = if self.may(Action::SeeRooms) {
            rooms::in_scope(self.app, self.caller).await?
        } else if self.is(Role::AcademicAffairs) {
            classroom::all(&self.app.db).await?
        } else if self.is(Role::UnitLeader) {
            self.rooms_of_unit().await?
        } else {
            return Ok(());
        };
        let now_ms = self.caller.now_ms;
        let lessons = lesson::between(&self.app.db, now_ms, now_ms + 1).await?;
        let in_lesson = rooms
            .iter()
            .filter(|room| lessons.iter().any(|lesson| lesson.classroom == room.id));
        self.cards.push(card(
            "rooms_in_lesson",
            in_lesson.count(),
            Some(rooms.len()),
        ));
        Ok(())
    }

    async fn rooms_of_unit(&self) -> Result<Vec<Classroom>, Error> {
        let own = self.caller.session.person.unit.as_ref().map(|unit| unit.id);
        let mut rooms = classroom::all(&self.app.db).await?;
        rooms.retain(|room| Some(room.unit.id) == own);
        Ok(rooms)
    }

    /// Records of today that the caller filed or may read.
    async fn records(&mut self) -> Result<(), Error> {
        if !self.may(Action::ReadRecords) {
            return Ok(());
        }
        let person = &self.caller.session.person;
        let reader = person.reader(self.caller.now_ms);
        let records = record::list(&self.app.db, &reader, self.since_ms).await?;
        if self.is(Role::SchoolSupervisor) || self.is(Role::UnitSupervisor) {
            let own = records
                .iter()
                .filter(|record| record.author == person.id)
                .count();
            self.cards.push(card("my_records_today", own, None));
        }
        self.cards.push(card("records_today", records.len(), None));
        Ok(())
    }

    async fn devices(&mut self) -> Result<(), Error> {
        let devices = status::all(&self.app.db).await?;
        let online = devices
            .iter()
            .filter(|device| device.state().0 == Presence::Online)
            .count();
        self.cards
            .push(card("devices_online", online, Some(devices.len())));
        let faults = health::faults(&self.app.db, true, FAULTS_MAX).await?;
        self.cards.push(card("open_faults", faults.len(), None));
        let channels = self.app.channels.all(self.caller.now_ms).await?;
        let silent = channels
            .iter()
            .filter(|one| one.state == ChannelState::Silent);
        if silent.clone().next().is_some() {
            let (silent, all) = (silent.count(), channels.len());
            self.cards.push(card("channels_silent", silent, Some(all)));
        }
        Ok(())
    }

    /// What waits for the security administrator, and what is in force.
    async fn openings(&mut self) -> Result<(), Error> {
        let now_ms = self.caller.now_ms;
        let applications = self.app.grants.applications().await?;
        let waiting = applications
            .iter()
            .filter(|listed| listed.application.state == "filed");
        self.cards
            .push(card("applications_waiting", waiting.count(), None));
        let ledger = self.app.grants.ledger().await?;
        let lasting = ledger.iter().filter(|line| {
            let over = line.until_ms.is_some_and(|until_ms| until_ms <= now_ms);
            line.from_ms <= now_ms && !over && line.revoked_ms.is_none()
        });
        self.cards
            .push(card("grants_in_force", lasting.count(), None));
        Ok(())
    }

    async fn trail(&mut self) -> Result<(), Error> {
        let trail = &self.app.trail;
        let number = |key, value| HomeCard {
            key,
            value,
            total: None,
        };
        let refused = trail.count(Outcome::Refused, self.since_ms).await?;
        let views = view::count(&self.app.db, self.since_ms).await?;
        let head = trail.head().await?;
        let risks = self.app.risks.open().await?;
        self.cards.push(number("risks_open", risks));
        self.cards.push(number("refused_today", refused));
        self.cards.push(number("views_today", views));
        self.cards.push(number("trail_entries", head.seq));
        Ok(())
    }
}

async fn own_lessons(app: &App, caller: &Caller) -> Result<Vec<OwnLesson>, Error> {
    let today = calendar::day(caller.now_ms);
    let (from_ms, to_ms) = (calendar::moment(today, 0), calendar::moment(today + 1, 0));
    let lessons = lesson::between(&app.db, from_ms, to_ms).await?;
    let own = lessons
        .into_iter()
        .filter(|lesson| lesson.teacher_id == Some(caller.session.person.id));
    let rooms = classroom::all(&app.db).await?;
    let name = |id| {
        rooms
            .iter()
            .find(|room| room.id == id)
            .map(|room| room.name.clone())
    };
    let with_room = |lesson: Lesson| OwnLesson {
        room: name(lesson.classroom).unwrap_or_default(),
        lesson: lesson.into(),
    };
    Ok(own.map(with_room).collect())
}
