//! Scope: which rooms somebody may watch now. The lists show these and no others (R21, R56, Q5).

use std::net::IpAddr;

use xunke_policy::Refusal;
use xunke_policy::access::{Action, Place};
use xunke_policy::purpose::Purpose;

use super::{Denied, Gate, undecided};
use crate::access::person::Person;
use crate::access::place::Asker;
use crate::access::session::Session;
use crate::campus;
use crate::campus::classroom::{self, Classroom};
use crate::campus::lesson::{self, Lesson};

impl Gate {
    /// The rooms that [`Gate::open_live`] would open now for any purpose that can be stated.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scope(
        &self,
        person: &Person,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<Vec<Classroom>, campus::Error> {
        let mut rooms = classroom::all(&self.db).await?;
        let lessons = lesson::between(&self.db, now_ms, now_ms + 1).await?;
        let exams = classroom::in_exam(&self.db, now_ms).await?;
        let asker = Asker::find(&self.db, person.id).await?;
        rooms.retain(|room| {
            let lesson = lessons.iter().find(|lesson| lesson.classroom == room.id);
            let exam = exams.contains(&room.id);
            let action = watching(&asker, room, lesson, exam);
            self.judge(person, action, origin, now_ms).is_ok()
        });
        Ok(rooms)
    }

    /// Of a room's lessons those that somebody could watch live if they ran now: of no other they
    /// learn the course or the teacher (R21, R53, X29).
    ///
    /// # Errors
    /// The refusal of what cannot be decided.
    pub async fn lessons_in_scope(
        &self,
        person: &Person,
        room: &Classroom,
        mut lessons: Vec<Lesson>,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<Vec<Lesson>, Refusal> {
        let asker = self.asker(person.id).await?;
        lessons.retain(|lesson| {
            let action = watching(&asker, room, Some(lesson), false);
            self.judge(person, action, origin, now_ms).is_ok()
        });
        Ok(lessons)
    }

    /// Asks about one room, without opening it.
    ///
    /// # Errors
    /// The refusal, or that the trail cannot be written.
    pub async fn enter_room(
        &self,
        session: &Session,
        room: &Classroom,
        origin: IpAddr,
        now_ms: i64,
    ) -> Result<(), Denied> {
        let lesson = lesson::in_room(&self.db, room.id, now_ms).await;
        let lesson = lesson.map_err(|error| Denied::Refused(undecided(&error)))?;
        let asker = self.asker(session.person.id).await;
        let asker = asker.map_err(Denied::Refused)?;
        let exams = classroom::in_exam(&self.db, now_ms).await;
        let exams = exams.map_err(|error| Denied::Refused(undecided(&error)))?;
        let exam = exams.contains(&room.id);
        let action = watching(&asker, room, lesson.as_ref(), exam);
        let name = ("see_room", &*room.name);
        self.enter(session, action, name, origin, now_ms).await
    }
}

/// What a room may be asked for at all: the purpose comes when it is opened.
fn watching(
    asker: &Asker,
    room: &Classroom,
    lesson: Option<&Lesson>,
    exam: bool,
) -> Action<'static> {
    let place = asker.in_room(room, lesson);
    Action::ViewLive {
        place: Place { exam, ..place },
        purpose: &Purpose::Plan,
    }
}
