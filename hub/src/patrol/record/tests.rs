//! Records from title to reader, against a store.

use super::*;
use crate::access::person;
use crate::campus::{classroom, lesson};
use crate::demo::Seeded;
use crate::demo::tests::college;

const NOW: i64 = 1_795_300_000_000;

struct Fixture {
    db: Db,
    seeded: Seeded,
    room: Classroom,
    lesson: Lesson,
    title: Title,
}

async fn fixture() -> Fixture {
    let (db, _, seeded) = college(2).await;
    let rooms = classroom::all(&db).await.unwrap();
    let room = rooms
        .into_iter()
        .find(|room| room.unit.name == "信息工程学院")
        .unwrap();
    let lesson = lesson::in_room(&db, room.id, NOW).await.unwrap().unwrap();
    let title = title(&db, "学校", &lesson).await.unwrap().unwrap();
    Fixture {
        db,
        seeded,
        room,
        lesson,
        title,
    }
}

impl Fixture {
    async fn person(&self, label: &str, nth: usize) -> Person {
        let all = self.seeded.accounts.iter();
        let account = all
            .filter(|account| account.label == label)
            .nth(nth)
            .unwrap();
        person::find(&self.db, account.id, NOW)
            .await
            .unwrap()
            .unwrap()
    }

    /// Hands in a good form, changed by `change`.
    async fn hand_in(
        &self,
        author: &Person,
        view: Option<Uuid>,
        change: impl FnOnce(&mut Form<'_>),
    ) -> Result<Uuid, String> {
        let mut form = Form {
            class_groups: &self.lesson.class_groups,
            teacher: &self.lesson.teacher,
            course: &self.lesson.course,
            time_from_ms: self.lesson.start_ms,
            time_to_ms: NOW,
            due_count: self.lesson.due_count,
            present_count: 30,
            teacher_presence: "A",
            interaction: "B",
            conditions: "A",
            abnormal_note: "",
            grade: "C",
            attendance_note: "",
        };
        change(&mut form);
        let (room, lesson, title) = (&self.room, &self.lesson, &self.title);
        let draft = Draft {
            author,
            room,
            lesson,
            view,
            title,
            form: &form,
        };
        match flaw(&self.db, &draft, NOW).await.unwrap() {
            Some(Flaw::Field(error)) => return Err(error.field.into()),
            Some(Flaw::Twice) => return Err("twice".into()),
            None => {}
        }
        let id = Uuid::now_v7();
        file(&self.db, id, &draft, NOW)
            .await
            .map(|()| id)
            .map_err(|error| error.to_string())
    }

    async fn seen_by(&self, reader: &Person, record: Uuid) -> Option<Extent> {
        let found = find(&self.db, &reader.reader(NOW), record).await.unwrap();
        let listed = list(&self.db, &reader.reader(NOW), 0).await.unwrap();
        assert_eq!(
            listed.len(),
            usize::from(found.is_some()),
            "list and deep link agree"
        );
        found.map(|record| record.extent)
    }
}

/// R73, R74: 2026-11-22 is the Sunday of week 12 of the first term.
#[tokio::test]
async fn the_title_comes_from_the_timetable() {
    let f = fixture().await;
    assert_eq!(f.title.school_year, "2026-2027");
    assert_eq!((f.title.term, f.title.week, f.title.weekday), (1, 12, 7));
    assert_eq!(f.title.period, "7-8");
    let after_term = Lesson {
        day: f.lesson.day + 9 * 7,
        ..f.lesson.clone()
    };
    assert_eq!(title(&f.db, "学校", &after_term).await.unwrap(), None);
    let last_week = Lesson {
        day: f.lesson.day + 8 * 7,
        ..f.lesson.clone()
    };
    assert_eq!(
        title(&f.db, "学校", &last_week)
            .await
            .unwrap()
            .unwrap()
            .week,
        20
    );
}

/// R85, R86: filed once; a wrong field is named and nothing is kept.
#[tokio::test]
async fn a_lesson_is_recorded_once_by_each_supervisor() {
    let f = fixture().await;
    let (school, unit) = (
        f.person("school_supervisor", 0).await,
        f.person("unit_supervisor", 0).await,
    );
    let wrong = f.hand_in(&school, None, |form| form.grade = "H").await;
    assert_eq!(wrong, Err("grade".into()));
    assert!(f.hand_in(&school, None, |_| ()).await.is_ok());
    assert_eq!(f.hand_in(&school, None, |_| ()).await, Err("twice".into()));
    assert!(f.hand_in(&unit, None, |_| ()).await.is_ok());
}

/// R77, R85: the form proposes the time watched, and rests on the author's own view only.
#[tokio::test]
async fn a_record_rests_on_its_authors_own_view() {
    let f = fixture().await;
    let (school, unit) = (
        f.person("school_supervisor", 0).await,
        f.person("unit_supervisor", 0).await,
    );
    let untouched = time_watched(&f.db, school.id, &f.lesson, NOW)
        .await
        .unwrap();
    assert_eq!(untouched, (f.lesson.start_ms, NOW));
    let id = Uuid::now_v7();
    let row = ViewRow {
        id: id.to_string(),
        person_id: school.id.to_string(),
        classroom_id: f.room.id.to_string(),
        kind: "live".into(),
        recording_id: None,
        trail_seq: 1,
        opened_ms: NOW - 60_000,
        seen_ms: None,
        closed_ms: None,
    };
    let mut writing = f.db.begin().await.unwrap();
    view::open(&mut writing, &row).await.unwrap();
    Db::commit(writing).await.unwrap();
    let watched = time_watched(&f.db, school.id, &f.lesson, NOW)
        .await
        .unwrap();
    assert_eq!(watched, (NOW - 60_000, NOW));
    assert_eq!(
        f.hand_in(&unit, Some(id), |_| ()).await,
        Err("view_id".into())
    );
    assert_eq!(
        f.hand_in(&school, Some(Uuid::nil()), |_| ()).await,
        Err("view_id".into())
    );
    assert!(f.hand_in(&school, Some(id), |_| ()).await.is_ok());
}

/// R89: whom the regulations let read it, and nobody else, by list and by deep link.
#[tokio::test]
async fn records_are_read_by_whom_they_concern() {
    let f = fixture().await;
    let author = f.person("unit_supervisor", 0).await;
    let record = f.hand_in(&author, None, |_| ()).await.unwrap();
    let teacher = usize::from(f.person("teacher", 0).await.id != f.lesson.teacher_id.unwrap());
    let whole = Some(Extent::Whole);
    for (label, nth, seen) in [
        ("unit_supervisor", 0, whole),
        ("unit_supervisor", 1, None),
        ("school_supervisor", 0, whole),
        ("school_supervisor_unsigned", 0, None),
        ("academic_affairs", 0, whole),
        ("unit_leader", 0, whole),
        ("technician", 0, None),
        ("security_administrator", 0, None),
        ("audit_administrator", 0, None),
        ("teacher", teacher, Some(Extent::Feedback)),
        ("teacher", 1 - teacher, None),
    ] {
        let reader = f.person(label, nth).await;
        assert_eq!(f.seen_by(&reader, record).await, seen, "{label} {nth}");
    }
}
