//! The gate: asks the policy, writes the trail, and only then hands out a permit.
//!
//! Content loaders take a [`Permit`] by type; nobody else can make one.

mod doorway;
mod left_open;
mod queried;
mod scope;
mod watched;

use std::fmt::Display;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;
use xunke_policy::access::{Action, Place};
use xunke_policy::institution::Institution;
use xunke_policy::level::UnitId;
use xunke_policy::network::Network;
use xunke_policy::purpose::Purpose;
use xunke_policy::retention::Kept;
use xunke_policy::{Refusal, decide};
use xunke_protocol::id::ClassroomId;

use super::audit::{Entry, Outcome, Trail, Unavailable};
use super::person::Person;
use super::place::{Asker, Class};
use super::session::{Session, Sessions};
use crate::campus::classroom::{self, Classroom};
use crate::campus::lesson::{self, Lesson};
use crate::config::Config;
use crate::store::Db;
use crate::store::view::{self, ViewRow};
use left_open::Watchers;
use queried::Queries;

pub use watched::Watched;

/// Watching a room now.
#[derive(Debug, Clone, Copy)]
pub enum ViewLive {}
/// Watching a recording.
#[derive(Debug, Clone, Copy)]
pub enum Playback {}

/// A recording as the gate sees it: it belongs to whom the room belonged when it was made (R22).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingRef {
    /// The recording.
    pub id: Uuid,
    /// Where it was made.
    pub classroom: ClassroomId,
    /// The room's name, for the trail.
    pub room: String,
    /// The unit that owned the room at record time.
    pub unit_at_record_time: UnitId,
    /// The unit whose course it was.
    pub course: Option<UnitId>,
    /// Whose lesson it was.
    pub teacher: Option<Uuid>,
    /// Whether there are minors in it (X29).
    pub minors: bool,
    /// When it begins, milliseconds since the epoch.
    pub start_ms: i64,
    /// What it is kept for: its class (R121).
    pub kept: Kept,
}

/// The proof that one person may see one thing, audited. Not to be copied; ended by
/// [`Gate::close`], and asked about again and again with [`Gate::still_valid`].
#[derive(Debug)]
pub struct Permit<A, O> {
    session: Session,
    object: O,
    purpose: Purpose,
    origin: IpAddr,
    view_id: Uuid,
    /// How often the trail had failed to take a line when this was made.
    unwritten: u64,
    /// What ran in the room when it was opened to be watched live.
    lesson: Option<Lesson>,
    action: PhantomData<A>,
}

impl<A, O> Permit<A, O> {
    /// What may be seen.
    #[must_use]
    pub fn object(&self) -> &O {
        &self.object
    }

    /// Names this view in the trail, in the record form and towards the page.
    #[must_use]
    pub fn view_id(&self) -> Uuid {
        self.view_id
    }

    /// Whose session it is.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Why it is watched.
    #[must_use]
    pub fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// What is written over every picture (R61): name, staff number, address.
    #[must_use]
    pub fn watermark(&self) -> Watermark {
        let person = &self.session.person;
        Watermark {
            name: person.name.clone(),
            staff_number: person.staff_number.clone(),
            address: self.origin.to_string(),
        }
    }
}

/// The moving identity watermark of a view (R61).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The viewer's name.
    pub name: String,
    /// The viewer's staff number.
    pub staff_number: String,
    /// The viewer's address.
    pub address: String,
}

/// Why there is no permit.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The regulations say no; the refusal is in the trail.
    #[error("refused: {}", .0.en)]
    Refused(Refusal),
    /// The trail cannot be written: nobody sees anything (X9).
    #[error(transparent)]
    TrailUnavailable(#[from] Unavailable),
}

/// The gate. There is one, shared by every door.
#[derive(Debug, Clone)]
pub struct Gate {
    db: Db,
    trail: Arc<Trail>,
    sessions: Sessions,
    config: Arc<Config>,
    watchers: Watchers,
    queries: Queries,
    institution: Arc<Institution>,
}

/// What a permit of one kind is about.
struct Wish<'a> {
    action: &'static str,
    kind: &'static str,
    classroom: ClassroomId,
    object: String,
    recording: Option<Uuid>,
    purpose: &'a Purpose,
    /// What the policy is asked, or why it cannot be.
    policy: Result<Action<'a>, Refusal>,
    /// What runs in the room while it is watched live.
    lesson: Option<Lesson>,
}

impl Gate {
    /// A gate that reads `db`, writes `trail` and follows the rules of `institution`.
    #[must_use]
    pub fn new(
        db: Db,
        trail: Arc<Trail>,
        sessions: Sessions,
        config: Arc<Config>,
        mut institution: Institution,
    ) -> Self {
        institution.rules.password.days_max = config.session.password_days;
        institution.rules.password.warning_days = config.session.password_warning_days;
        Self {
            db,
            trail,
            sessions,
            config,
            watchers: Watchers::default(),
            queries: Queries::default(),
            institution: Arc::new(institution),
        }
    }

    /// The school's levels, departments and rules.
    #[must_use]
    pub fn institution(&self) -> &Arc<Institution> {
        &self.institution
    }

    /// Asks to watch a room now (R55–R58, R60).
    ///
    /// # Errors
    /// The refusal, or that the trail cannot be written.
    pub async fn open_live(
        &self,
        session: &Session,
        classroom: Classroom,
        purpose: &Purpose,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<Permit<ViewLive, Classroom>, Denied> {
        let lesson = lesson::in_room(&self.db, classroom.id, now_ms).await;
        let (policy, lesson) = match lesson {
            Ok(lesson) => (
                self.viewing(session, &classroom, (&lesson, None), purpose, now_ms)
                    .await,
                lesson,
            ),
            Err(error) => (Err(undecided(&error)), None),
        };
        let wish = Wish {
            action: "view_live",
            kind: "live",
            classroom: classroom.id,
            object: format!("{} {}", classroom.name, classroom.id),
            recording: None,
            purpose,
            policy,
            lesson,
        };
        self.open(session, classroom, wish, origin, now_ms).await
    }

    /// Asks to watch a recording (R67–R69, R22).
    ///
    /// # Errors
    /// The refusal, or that the trail cannot be written.
    pub async fn open_playback(
        &self,
        session: &Session,
        recording: RecordingRef,
        purpose: &Purpose,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<Permit<Playback, RecordingRef>, Denied> {
        let asker = self.asker(session.person.id).await;
        let policy = asker.map(|asker| self.playing(&asker, &recording, purpose));
        let wish = Wish {
            action: "playback",
            kind: "playback",
            classroom: recording.classroom,
            object: format!("{} {}", recording.room, recording.id),
            recording: Some(recording.id),
            purpose,
            policy,
            lesson: None,
        };
        self.open(session, recording, wish, origin, now_ms).await
    }

    /// What the policy says, without a line in the trail: for lists that show only what may be
    /// seen, never for handing out content.
    ///
    /// # Errors
    /// The refusal.
    pub fn judge(
        &self,
        person: &Person,
        action: Action<'_>,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        // Every listener speaks TLS and nothing else.
        let network = Network::of(self.config.on_campus(origin), true);
        let facts = person.facts(&self.institution, network, now_ms);
        decide(&facts, action)
    }

    /// Whoever asks about classes, as of now.
    ///
    /// # Errors
    /// The refusal of what cannot be decided.
    pub async fn asker(&self, person: Uuid) -> Result<Asker, Refusal> {
        let found = Asker::find(&self.db, person).await;
        found.map_err(|error| undecided(&error))
    }

    /// Watching a room now, with the lesson that runs there now (R53), for the lesson for which it
    /// was opened.
    async fn viewing<'a>(
        &self,
        session: &Session,
        room: &Classroom,
        (runs, opened_for): (&Option<Lesson>, Option<&Lesson>),
        purpose: &'a Purpose,
        now_ms: i64,
    ) -> Result<Action<'a>, Refusal> {
        let asker = self.asker(session.person.id).await?;
        let exams = classroom::in_exam(&self.db, now_ms).await;
        let exams = exams.map_err(|error| undecided(&error))?;
        let lasts = |one: &&Lesson| runs.as_ref().is_some_and(|now| now.id == one.id);
        let over = opened_for.filter(|one| !lasts(one));
        let place = Place {
            exam: exams.contains(&room.id),
            lesson_ended_ms: over.map(|lesson| lesson.end_ms),
            ..asker.in_room(room, runs.as_ref())
        };
        Ok(Action::ViewLive { place, purpose })
    }

    /// Watching a recording: a class as it was when it was recorded (R22), while it is kept.
    #[must_use]
    pub fn playing<'a>(
        &self,
        asker: &Asker,
        recording: &RecordingRef,
        purpose: &'a Purpose,
    ) -> Action<'a> {
        let class = Class {
            owner: recording.unit_at_record_time,
            course: recording.course,
            teacher: recording.teacher,
            minors: recording.minors,
        };
        let terms = self.institution.rules.terms();
        let kept = recording.kept;
        Action::Playback {
            place: asker.about(class),
            kept_until_ms: kept.watched_until_ms(recording.start_ms, terms, purpose),
            purpose,
        }
    }

    /// The only place where a permit is made: behind the line that says so.
    async fn open<A, O>(
        &self,
        session: &Session,
        object: O,
        wish: Wish<'_>,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<Permit<A, O>, Denied> {
        let view_id = Uuid::now_v7();
        let answer = match wish.policy {
            Ok(action) => self.ask(session, action, origin, now_ms).await,
            Err(refusal) => Err(refusal),
        };
        let (outcome, article, detail) = match answer {
            Ok(()) => (Outcome::Permitted, "", view_object(view_id)),
            Err(refusal) => (Outcome::Refused, refusal.article, refusal.code.into()),
        };
        let entry = Entry {
            who: session.person.who(origin),
            action: wish.action,
            object: wish.object,
            purpose: purpose_text(wish.purpose),
            outcome,
            article,
            detail,
        };
        let unwritten = self.trail.unwritten();
        // The line and the view are durable together, or neither is.
        let mut line = self.trail.begin(entry, now_ms).await?;
        if answer.is_ok() {
            let row = ViewRow {
                id: view_id.to_string(),
                person_id: session.person.id.to_string(),
                classroom_id: wish.classroom.to_string(),
                kind: wish.kind.into(),
                recording_id: wish.recording.map(|id| id.to_string()),
                trail_seq: line.seq(),
                opened_ms: now_ms,
                seen_ms: None,
                closed_ms: None,
            };
            let noted = view::open(line.writing(), &row).await;
            noted.map_err(Unavailable::from)?;
        }
        line.commit().await?;
        answer.map_err(Denied::Refused)?;
        Ok(Permit {
            session: session.clone(),
            object,
            purpose: wish.purpose.clone(),
            origin,
            view_id,
            unwritten,
            lesson: wish.lesson,
            action: PhantomData,
        })
    }

    /// The person and the session as they are now, not as they were at sign-in.
    async fn ask(
        &self,
        session: &Session,
        action: Action<'_>,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<(), Refusal> {
        let person = self
            .sessions
            .recheck(session, now_ms)
            .await
            .map_err(|error| undecided(&error))??;
        self.judge(&person, action, origin, now_ms)
    }
}

fn undecided(error: &(dyn std::error::Error + 'static)) -> Refusal {
    tracing::error!(error, "cannot decide; refusing");
    Refusal::UNDECIDED
}

impl Gate {
    /// Ends a view and writes its end to the trail (R60: from when to when). `why` is `closed`,
    /// or the code of the refusal that ended it.
    ///
    /// # Errors
    /// When the trail cannot be written; the permit is gone all the same.
    pub async fn close<A, O>(
        &self,
        permit: Permit<A, O>,
        why: &str,
        now_ms: i64,
    ) -> Result<(), Unavailable> {
        let entry = Entry {
            object: view_object(permit.view_id),
            purpose: purpose_text(&permit.purpose),
            detail: why.to_owned(),
            ..Entry::done(permit.session.person.who(permit.origin), VIEW_CLOSED)
        };
        self.end_view(entry, &permit.view_id.to_string(), (now_ms, now_ms))
            .await
    }

    /// The line and the end of the view are durable together, or neither is: a crash leaves a view
    /// that the next start closes. `times` are the end of the view and now.
    async fn end_view(
        &self,
        entry: Entry,
        view_id: &str,
        (to_ms, now_ms): (i64, i64),
    ) -> Result<(), Unavailable> {
        let mut line = self.trail.begin(entry, now_ms).await?;
        view::close(line.writing(), view_id, to_ms).await?;
        line.commit().await.map(drop)
    }
}

const VIEW_CLOSED: &str = "view_closed";

/// How the trail names a view.
fn view_object(view_id: impl Display) -> String {
    format!("view {view_id}")
}

/// The purpose as the trail keeps it.
#[must_use]
pub fn purpose_text(purpose: &Purpose) -> String {
    match purpose {
        Purpose::Plan => "plan".into(),
        Purpose::Issue => "issue".into(),
        Purpose::Reinspection => "reinspection".into(),
        Purpose::Other(reason) => format!("other: {reason}"),
        Purpose::Missing => "missing".into(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
