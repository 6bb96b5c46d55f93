//! The gate: whom it lets through, what it writes, and when it closes again.

pub(crate) mod stage;

use super::*;
use crate::access::person;
use crate::campus::classroom;
use crate::store::people;
use crate::store::trail::tamper;
use stage::{HERE, Stage, stage};

const NOW: i64 = 1_795_300_000_000;

impl Stage {
    async fn opens(&self, label: &str, room: usize) -> Result<Permit<ViewLive, Classroom>, Denied> {
        let session = self.session(label, NOW).await;
        let room = self.rooms[room].clone();
        self.gate
            .open_live(&session, room, &Purpose::Plan, HERE, NOW)
            .await
    }

    /// The room as it is now.
    async fn opens_here(&self, label: &str) -> Result<Permit<ViewLive, Classroom>, Denied> {
        let session = self.session(label, NOW).await;
        let room = classroom::find(&self.db, self.rooms[0].id).await.unwrap();
        let (room, purpose) = (room.unwrap(), Purpose::Plan);
        let opened = self.gate.open_live(&session, room, &purpose, HERE, NOW);
        opened.await
    }

    async fn refusal_here(&self, label: &str) -> Refusal {
        match self.opens_here(label).await {
            Err(Denied::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    /// How many rooms the list shows: exactly those that open.
    async fn listed_as_opened(&self, label: &str) -> usize {
        let session = self.session(label, NOW).await;
        let scope = self.gate.scope(&session.person, HERE, NOW).await.unwrap();
        for room in classroom::all(&self.db).await.unwrap() {
            let listed = scope.iter().any(|one| one.id == room.id);
            let entered = self.gate.enter_room(&session, &room, HERE, NOW).await;
            let opened = self
                .gate
                .open_live(&session, room, &Purpose::Plan, HERE, NOW)
                .await;
            assert_eq!(listed, opened.is_ok(), "{label}: {opened:?}");
            assert_eq!(listed, entered.is_ok(), "{label}: {entered:?}");
        }
        scope.len()
    }

    async fn refusal(&self, label: &str, room: usize) -> Refusal {
        match self.opens(label, room).await {
            Err(Denied::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }
}

/// R6, R7, R8, R19, R57, R58, R60: each answer, and each answer a line.
#[tokio::test]
async fn the_right_people_get_in_and_every_answer_is_a_line() {
    let f = stage(NOW).await;
    assert!(f.opens("school_supervisor", 0).await.is_ok());
    assert!(f.opens("school_supervisor", 1).await.is_ok());
    assert!(f.opens("unit_supervisor", 0).await.is_ok());
    assert_eq!(f.refusal("unit_supervisor", 1).await, Refusal::OTHER_UNIT);
    assert_eq!(
        f.refusal("technician", 0).await,
        Refusal::TECHNICIAN_CONTENT
    );
    let unsigned = f.refusal("school_supervisor_unsigned", 0).await;
    assert_eq!(unsigned, Refusal::AGREEMENT_UNSIGNED);
    assert_eq!(f.refusal("academic_affairs", 0).await, Refusal::NO_GRANT);
    let lines = f.lines().await;
    assert_eq!(lines.len(), 7);
    assert!(
        lines
            .iter()
            .all(|line| line.action == "view_live" && line.purpose == "plan")
    );
    assert_eq!(
        (&*lines[0].outcome, &*lines[0].article),
        ("refused", "第十一条")
    );
    assert_eq!(
        (&*lines[1].outcome, &*lines[1].article),
        ("refused", "第十条")
    );
    assert_eq!(
        (&*lines[6].outcome, &*lines[6].person),
        ("permitted", "王建国")
    );
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// R59, issue 7: a lock counts from its first millisecond to its last; one that was lifted does
/// not, and lists show what opens.
#[tokio::test]
async fn a_room_in_examination_is_not_opened() {
    let f = stage(NOW).await;
    let lock = |from_ms: i64, until_ms: i64| {
        format!(
            "DELETE FROM exam_lock_rooms; DELETE FROM exam_locks;
             INSERT INTO exam_locks (id, number, from_ms, until_ms, reason, set_by, set_ms)
                 SELECT 'a', 'KS-00001', {from_ms}, {until_ms}, '考试', MIN(id), 0 FROM persons;
             INSERT INTO exam_lock_rooms (lock_id, classroom_id) VALUES ('a', '{}')",
            f.rooms[0].id
        )
    };
    for (from_ms, until_ms, locked) in [
        (NOW, NOW + 1, true),
        (NOW - 1, NOW, false),
        (NOW + 1, NOW + 2, false),
        (0, i64::MAX, true),
    ] {
        tamper(&f.db, lock(from_ms, until_ms).leak()).await;
        let opened = f.opens("school_supervisor", 0).await;
        assert_eq!(opened.is_err(), locked, "{from_ms}–{until_ms}: {opened:?}");
        assert!(f.opens("school_supervisor", 1).await.is_ok());
        let listed = f.listed_as_opened("school_supervisor").await;
        assert_eq!(listed, 2 - usize::from(locked));
    }
    let refused = f.refusal("school_supervisor", 0).await;
    assert_eq!(refused, Refusal::EXAM_LOCKED);
    tamper(&f.db, "UPDATE exam_locks SET lifted_ms = 1").await;
    assert!(f.opens("school_supervisor", 0).await.is_ok());
}

/// 附件2 第二条第3项, issue 7: the lesson for which it was opened, not the one that runs now.
#[tokio::test]
async fn a_view_ends_with_the_lesson_for_which_it_was_opened() {
    let f = stage(NOW)
        .await
        .with_rules(|rules| rules.live_minutes_after_lesson = Some(0));
    let room = f.rooms[0].id;
    let lesson = |id: &str, start_ms: i64, end_ms: i64| {
        format!(
            "UPDATE lessons SET id = '{id}', start_ms = {start_ms}, end_ms = {end_ms}
             WHERE classroom_id = '{room}'"
        )
    };
    let first = Uuid::now_v7().to_string();
    let others = format!(
        "DELETE FROM lessons WHERE classroom_id = '{room}' AND id <>
         (SELECT MIN(id) FROM lessons WHERE classroom_id = '{room}')"
    );
    tamper(&f.db, others.leak()).await;
    tamper(&f.db, lesson(&first, NOW - 1000, NOW + 1000).leak()).await;
    let during = f.opens("school_supervisor", 0).await.unwrap();
    assert_eq!(f.gate.still_valid(&during, NOW + 999).await, Ok(()));
    // It was made longer meanwhile.
    tamper(&f.db, lesson(&first, NOW - 1000, NOW + 2000).leak()).await;
    assert_eq!(f.gate.still_valid(&during, NOW + 1999).await, Ok(()));
    let over = Err(Refusal::LESSON_OVER);
    assert_eq!(f.gate.still_valid(&during, NOW + 2000).await, over);
    // Another lesson follows at once.
    let second = Uuid::now_v7().to_string();
    tamper(&f.db, lesson(&second, NOW + 1000, NOW + 5000).leak()).await;
    assert_eq!(f.gate.still_valid(&during, NOW + 1000).await, over);
    // What was opened while nothing ran does not end with what ran later.
    tamper(&f.db, lesson(&second, NOW + 1, NOW + 5000).leak()).await;
    let before = f.opens("school_supervisor", 0).await.unwrap();
    assert_eq!(f.gate.still_valid(&before, NOW + 5000).await, Ok(()));
}

/// R61: the watermark names the viewer.
#[tokio::test]
async fn the_watermark_names_the_viewer() {
    let f = stage(NOW).await;
    let permit = f.opens("school_supervisor", 0).await.unwrap();
    let mark = permit.watermark();
    assert_eq!(mark.name, "王建国");
    assert_eq!(
        (mark.staff_number.as_str(), mark.address.as_str()),
        ("D1001", "127.0.0.1")
    );
}

/// R31: an address outside the campus is refused with the right person behind it.
#[tokio::test]
async fn off_campus_is_refused() {
    let f = stage(NOW).await;
    let session = f.session("school_supervisor", NOW).await;
    let room = f.rooms[0].clone();
    let outside = "8.8.8.8".parse().unwrap();
    let answer = f
        .gate
        .open_live(&session, room, &Purpose::Plan, outside, NOW)
        .await;
    assert!(matches!(answer, Err(Denied::Refused(refusal)) if refusal == Refusal::OFF_CAMPUS));
}

/// R22: a recording belongs to the unit of its time, whoever owns the room now.
#[tokio::test]
async fn playback_asks_for_the_unit_at_record_time() {
    let f = stage(NOW).await;
    let session = f.session("unit_supervisor", NOW).await;
    let play = async |unit_at_record_time| {
        let recording = RecordingRef {
            id: Uuid::now_v7(),
            classroom: f.rooms[0].id,
            room: f.rooms[0].name.clone(),
            unit_at_record_time,
            course: None,
            teacher: None,
            minors: false,
            start_ms: NOW,
            kept: stage::LESSON,
        };
        f.gate
            .open_playback(&session, recording, &Purpose::Issue, HERE, NOW)
            .await
    };
    assert!(play(f.rooms[0].unit.id).await.is_ok());
    let denied = play(f.rooms[1].unit.id).await;
    assert!(matches!(denied, Err(Denied::Refused(refusal)) if refusal == Refusal::OTHER_UNIT));
}

/// R53: nobody watches the own lesson as a supervisor, live or recorded; R67: nor what is past its
/// retention.
#[tokio::test]
async fn own_lessons_and_old_recordings_stay_closed() {
    let f = stage(NOW).await;
    let permit = f.opens("school_supervisor", 0).await.unwrap();
    let session = permit.session().clone();
    let play = async |teacher, start_ms| {
        let recording = RecordingRef {
            id: Uuid::now_v7(),
            classroom: f.rooms[0].id,
            room: f.rooms[0].name.clone(),
            unit_at_record_time: f.rooms[0].unit.id,
            course: None,
            teacher,
            minors: false,
            start_ms,
            kept: stage::LESSON,
        };
        let opened = f
            .gate
            .open_playback(&session, recording, &Purpose::Plan, HERE, NOW);
        opened.await.map(drop).map_err(|denied| denied.to_string())
    };
    let refused = |refusal: Refusal| Err(Denied::Refused(refusal).to_string());
    let half_a_year_ms = 184 * 24 * 60 * 60 * 1000;
    assert_eq!(play(Some(Uuid::nil()), NOW).await, Ok(()));
    let own = play(Some(session.person.id), NOW).await;
    assert_eq!(own, refused(Refusal::RECUSED));
    let old = play(None, NOW - half_a_year_ms - 86_400_000).await;
    assert_eq!(old, refused(Refusal::RECORDING_EXPIRED));
    let own_now = "UPDATE lessons SET teacher_id = (SELECT id FROM persons
        WHERE staff_number = 'D1001')";
    tamper(&f.db, own_now).await;
    let still = f.gate.still_valid(&permit, NOW).await;
    assert_eq!(still, Err(Refusal::RECUSED));
    assert_eq!(f.refusal("school_supervisor", 0).await, Refusal::RECUSED);
}

/// R53: nor the lesson of the head of the own unit, live or recorded, as long as that is the head.
#[tokio::test]
async fn the_lesson_of_the_own_head_stays_closed() {
    let f = stage(NOW).await;
    let permit = f.opens("unit_supervisor", 0).await.unwrap();
    let head_teaches = "UPDATE lessons SET teacher_id = (SELECT person_id FROM person_roles
        WHERE role = 'unit_leader')";
    tamper(&f.db, head_teaches).await;
    let still = f.gate.still_valid(&permit, NOW).await;
    assert_eq!(still, Err(Refusal::RECUSED));
    assert_eq!(f.refusal("unit_supervisor", 0).await, Refusal::RECUSED);
    let head = lesson::in_room(&f.db, f.rooms[0].id, NOW).await.unwrap();
    let recording = RecordingRef {
        id: Uuid::now_v7(),
        classroom: f.rooms[0].id,
        room: f.rooms[0].name.clone(),
        unit_at_record_time: f.rooms[0].unit.id,
        course: None,
        teacher: head.unwrap().teacher_id,
        minors: false,
        start_ms: NOW,
        kept: stage::LESSON,
    };
    let session = f.session("unit_supervisor", NOW).await;
    let denied = f
        .gate
        .open_playback(&session, recording, &Purpose::Plan, HERE, NOW);
    let denied = denied.await;
    assert!(matches!(denied, Err(Denied::Refused(refusal)) if refusal == Refusal::RECUSED));
    // The head of another unit is nobody's own head here, nor is a head who steps down.
    let opened = f.opens("school_supervisor", 0).await;
    assert!(opened.is_ok(), "{opened:?}");
    tamper(&f.db, "DELETE FROM person_roles WHERE role = 'unit_leader'").await;
    assert!(f.opens("unit_supervisor", 0).await.is_ok());
}

/// X29: where there are minors, in the room or in the lesson, live or recorded, nobody sees without
/// a permission that was opened for them too.
#[tokio::test]
async fn minors_need_a_permission_of_their_own() {
    let f = stage(NOW).await;
    let flagged = [
        "UPDATE classrooms SET minors = 1",
        "UPDATE lessons SET minors = 1",
    ];
    let cleared = [
        "UPDATE classrooms SET minors = 0",
        "UPDATE lessons SET minors = 0",
    ];
    for (flag, clear) in flagged.into_iter().zip(cleared) {
        let permit = f.opens("school_supervisor", 0).await.unwrap();
        tamper(&f.db, flag).await;
        let still = f.gate.still_valid(&permit, NOW).await;
        assert_eq!(still, Err(Refusal::MINORS));
        assert_eq!(f.refusal_here("school_supervisor").await, Refusal::MINORS);
        tamper(&f.db, "UPDATE grants SET minors = 1").await;
        assert!(f.opens_here("school_supervisor").await.is_ok());
        tamper(&f.db, "UPDATE grants SET minors = 0").await;
        tamper(&f.db, clear).await;
    }
}

/// R21, R53, X29, Q5: the list shows the rooms that the gate opens, and no others, whoever asks,
/// with the optional rule and without.
#[tokio::test]
async fn the_list_and_the_gate_agree() {
    let mut f = stage(NOW).await;
    // A course of the first unit runs in the room of the other.
    let course = "UPDATE lessons SET unit_id = (SELECT id FROM units WHERE code = 'XX')";
    tamper(&f.db, course).await;
    let own_lesson = "UPDATE lessons SET teacher_id = (SELECT id FROM persons
        WHERE staff_number = 'D1001') WHERE classroom_id = (SELECT MIN(id) FROM classrooms)";
    let mut seen = Vec::new();
    for course_scope in [false, true] {
        f = f.with_rules(|rules| rules.course_scope = course_scope);
        for label in ["school_supervisor", "unit_supervisor", "technician"] {
            seen.push(f.listed_as_opened(label).await);
        }
    }
    assert_eq!(seen, [2, 1, 0, 2, 2, 0]);
    let just_begun = "UPDATE lessons SET start_ms = 1795300000000 WHERE start_ms <= 1795300000000";
    let minors = "UPDATE classrooms SET minors = 1";
    for (change, rooms) in [(own_lesson, 1), (just_begun, 1), (minors, 0)] {
        tamper(&f.db, change).await;
        let seen = f.listed_as_opened("school_supervisor").await;
        assert_eq!(seen, rooms, "{change}");
    }
}

/// X36, R21, R53, X29: of a room's day everybody sees the lessons that would open to them.
#[tokio::test]
async fn of_the_lessons_of_a_day_those_are_named_that_would_open() {
    let f = stage(NOW).await;
    let room = &f.rooms[0];
    let now = lesson::in_room(&f.db, room.id, NOW).await;
    let lesson = now.unwrap().unwrap();
    let own = async |label: &str| f.session(label, NOW).await.person;
    let named = async |label: &str| {
        let (person, mine) = (own(label).await, own("school_supervisor").await.id);
        let day = vec![
            lesson.clone(),
            Lesson {
                minors: true,
                ..lesson.clone()
            },
            Lesson {
                teacher_id: Some(mine),
                ..lesson.clone()
            },
        ];
        let named = f
            .gate
            .lessons_in_scope(&person, room, day, HERE, NOW)
            .await
            .unwrap();
        let kinds = named
            .iter()
            .map(|one| (one.minors, one.teacher_id == Some(mine)));
        kinds.collect::<Vec<_>>()
    };
    let plain = (false, false);
    assert_eq!(named("school_supervisor").await, [plain]);
    assert_eq!(named("unit_supervisor").await, [plain, (false, true)]);
    assert!(named("technician").await.is_empty());
}

/// R20, X9: without a timetable it cannot be known whose lesson it is; refused, and noted.
#[tokio::test]
async fn without_a_timetable_nobody_sees() {
    let f = stage(NOW).await;
    tamper(&f.db, "ALTER TABLE lessons RENAME TO lost").await;
    let refusal = f.refusal("school_supervisor", 0).await;
    assert_eq!(refusal, Refusal::UNDECIDED);
    let line = &f.lines().await[0];
    assert_eq!((&*line.outcome, &*line.detail), ("refused", "undecided"));
}

/// R23, R25: whatever changes while somebody watches ends the view at the next question.
#[tokio::test]
async fn a_permit_does_not_outlive_its_reasons() {
    let f = stage(NOW).await;
    let permit = f.opens("unit_supervisor", 0).await.unwrap();
    let person = permit.session().person.id.to_string();
    assert_eq!(f.gate.still_valid(&permit, NOW).await, Ok(()));
    people::set_standing(&f.db, &person, "suspended").await;
    assert_eq!(
        f.gate.still_valid(&permit, NOW).await,
        Err(Refusal::SUSPENDED)
    );
    people::set_standing(&f.db, &person, "active").await;
    assert_eq!(f.gate.still_valid(&permit, NOW).await, Ok(()));
    tamper(&f.db, "UPDATE agreements SET ended_ms = 1").await;
    assert_eq!(
        f.gate.still_valid(&permit, NOW).await,
        Err(Refusal::AGREEMENT_ENDED)
    );
    tamper(&f.db, "UPDATE agreements SET ended_ms = NULL").await;
    tamper(
        &f.db,
        "UPDATE classrooms SET unit_id = (SELECT id FROM units WHERE code = 'JD')",
    )
    .await;
    assert_eq!(
        f.gate.still_valid(&permit, NOW).await,
        Err(Refusal::OTHER_UNIT)
    );
    f.sessions.end(permit.session(), NOW).await.unwrap();
    assert_eq!(
        f.gate.still_valid(&permit, NOW).await,
        Err(Refusal::SESSION_ENDED)
    );
    tamper(&f.db, "DROP TABLE sessions").await;
    assert_eq!(
        f.gate.still_valid(&permit, NOW).await,
        Err(Refusal::UNDECIDED)
    );
}

/// R60: from when to when; the end is a line too, once.
#[tokio::test]
async fn a_view_has_an_end() {
    let f = stage(NOW).await;
    let permit = f.opens("school_supervisor", 0).await.unwrap();
    let id = permit.view_id().to_string();
    f.gate.close(permit, "closed", NOW + 60_000).await.unwrap();
    let row = view::find(&f.db, &id).await.unwrap().unwrap();
    assert_eq!((row.opened_ms, row.closed_ms), (NOW, Some(NOW + 60_000)));
    let line = &f.lines().await[0];
    assert_eq!((&*line.action, &*line.outcome), ("view_closed", "done"));
    assert_eq!(line.object, format!("view {id}"));
    assert_eq!((&*line.purpose, &*line.detail), ("plan", "closed"));
}

/// R30: at every door, and each refusal has its line.
#[tokio::test]
async fn an_expired_password_passes_no_door() {
    let f = stage(NOW).await;
    let session = f.session("technician", NOW).await;
    let pass = |now_ms| f.gate.pass(&session, "see_devices", HERE, now_ms);
    assert!(pass(NOW).await.is_ok());
    assert_eq!(f.lines().await.len(), 0);
    let answer = pass(NOW + 400 * 86_400_000).await;
    assert!(matches!(
        answer,
        Err(Denied::Refused(Refusal::PASSWORD_EXPIRED))
    ));
    let line = &f.lines().await[0];
    assert_eq!((&*line.action, &*line.outcome), ("see_devices", "refused"));
    assert_eq!(line.detail, "password_expired");
}

/// R60: a crash leaves views without an end; the next start writes what is known, once.
#[tokio::test]
async fn views_that_a_crash_left_open_get_their_end() {
    let f = stage(NOW).await;
    let unseen = f.opens("unit_supervisor", 0).await.unwrap();
    let closed = f.opens("school_supervisor", 0).await.unwrap();
    let seen = f.opens("school_supervisor", 1).await.unwrap();
    f.gate.close(closed, "closed", NOW + 1_000).await.unwrap();
    f.gate.still_valid(&seen, NOW + 40_000).await.unwrap();
    f.gate.note_watchers().await.unwrap();
    f.gate.still_valid(&seen, NOW + 50_000).await.unwrap();
    let ids = [&unseen, &seen].map(|permit| permit.view_id().to_string());
    drop((unseen, seen));

    let later = NOW + 86_400_000;
    let f = f.restarted();
    assert_eq!(f.gate.close_left_open(later).await.unwrap(), 2);
    let lines = f.lines().await;
    let expected = [
        (&ids[1], "王建国", NOW + 40_000, "06:27:20"),
        (&ids[0], "李秀英", NOW, "06:26:40"),
    ];
    for (line, (id, person, to_ms, to)) in lines.iter().zip(expected) {
        assert_eq!((&*line.action, &*line.outcome), ("view_closed", "failed"));
        assert_eq!(line.object, format!("view {id}"));
        assert_eq!((&*line.person, &*line.purpose), (person, "plan"));
        assert_eq!((&*line.address, line.at_ms), ("127.0.0.1", later));
        let span = format!("2026-11-22 06:26:40 – 2026-11-22 {to}");
        assert!(line.detail.contains(&span), "{}", line.detail);
        assert!(line.detail.starts_with("hub_ended_unexpectedly"));
        let row = view::find(&f.db, id).await.unwrap().unwrap();
        assert_eq!((row.opened_ms, row.closed_ms), (NOW, Some(to_ms)));
    }
    assert_eq!(f.gate.close_left_open(later).await.unwrap(), 0);
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// R2, R8, R20: what is no content is decided too, and a refusal is a line.
#[tokio::test]
async fn what_is_no_content_is_asked_for_too() {
    let f = stage(NOW).await;
    let enter = async |label| {
        let session = f.session(label, NOW).await;
        let name = ("see_devices", "博学楼101");
        let entered = f.gate.enter(&session, Action::SeeDevices, name, HERE, NOW);
        entered.await
    };
    assert!(enter("technician").await.is_ok());
    assert_eq!(f.lines().await.len(), 0);
    let denied = enter("academic_affairs").await;
    assert!(matches!(denied, Err(Denied::Refused(refusal)) if refusal == Refusal::NOT_YOUR_ROLE));
    let line = f.lines().await.swap_remove(0);
    assert_eq!((&*line.action, &*line.outcome), ("see_devices", "refused"));
    assert_eq!(
        (&*line.object, &*line.detail),
        ("博学楼101", "not_your_role")
    );
}

/// R60: even when the line that permitted a view is gone, its end names whose view it was.
#[tokio::test]
async fn a_view_without_its_first_line_still_ends() {
    let f = stage(NOW).await;
    let permit = f.opens("school_supervisor", 0).await.unwrap();
    let person = permit.session.person.id.to_string();
    drop(permit);
    tamper(&f.db, "DELETE FROM trail").await;
    let f = f.restarted();
    assert_eq!(f.gate.close_left_open(NOW + 60_000).await.unwrap(), 1);
    let line = &f.lines().await[0];
    assert_eq!(line.action, "view_closed");
    assert_eq!(line.person_id.as_deref(), Some(&*person));
    assert_eq!((&*line.person, &*line.purpose), ("", ""));
}

/// R60: beginning and end of a view are a line and a row, or neither.
#[tokio::test]
async fn a_view_and_its_lines_are_one() {
    let f = stage(NOW).await;
    let permit = f.opens("school_supervisor", 0).await.unwrap();
    let id = permit.view_id().to_string();
    tamper(&f.db, "ALTER TABLE views RENAME TO lost").await;
    let denied = f.opens("unit_supervisor", 0).await;
    assert!(matches!(denied, Err(Denied::TrailUnavailable(_))));
    assert!(f.gate.close(permit, "closed", NOW + 5_000).await.is_err());
    tamper(&f.db, "ALTER TABLE lost RENAME TO views").await;
    assert_eq!(f.lines().await.len(), 1);
    let row = view::find(&f.db, &id).await.unwrap().unwrap();
    assert_eq!((row.trail_seq, row.closed_ms), (1, None));
    let f = f.restarted();
    assert_eq!(f.gate.close_left_open(NOW + 60_000).await.unwrap(), 1);
    assert_eq!(f.lines().await.len(), 2);
    assert_eq!(view::count(&f.db, 0).await.unwrap(), 1);
}

/// R20: a role that this version does not know stops the start-up, and until then it makes every
/// answer about its holder unreadable; it is never left out.
#[tokio::test]
async fn a_role_nobody_knows_opens_nothing_and_stops_the_start() {
    let f = stage(NOW).await;
    assert!(person::every_role_is_known(&f.db).await.is_ok());
    let permit = f.opens("school_supervisor", 0).await.unwrap();
    let add = "INSERT INTO person_roles SELECT id, 'dean' FROM persons
        WHERE staff_number = 'D1001'";
    tamper(&f.db, add).await;
    let still = f.gate.still_valid(&permit, NOW).await;
    assert_eq!(still, Err(Refusal::UNDECIDED));
    let line = person::every_role_is_known(&f.db)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        line.starts_with("table person_roles: \"dean\" (of D1001, for one) is no role"),
        "{line}"
    );
}

/// A clock set back closes rather than opens: the session is over, what was granted later is not
/// in force, a view does not end before it began, and the trail stays whole.
#[tokio::test]
async fn a_clock_set_back_opens_nothing_and_breaks_nothing() {
    let f = stage(NOW).await;
    let permit = f.opens("school_supervisor", 0).await.unwrap();
    let id = permit.view_id().to_string();
    let back = NOW - 60 * 60 * 1000;
    let still = f.gate.still_valid(&permit, back).await;
    assert_eq!(still, Err(Refusal::SESSION_ENDED));
    f.gate.close(permit, "session_ended", back).await.unwrap();
    let row = view::find(&f.db, &id).await.unwrap().unwrap();
    assert_eq!((row.opened_ms, row.closed_ms), (NOW, Some(NOW)));
    let session = f.session("school_supervisor", back).await;
    let room = f.rooms[0].clone();
    let early = f
        .gate
        .open_live(&session, room, &Purpose::Plan, HERE, back)
        .await;
    assert!(matches!(early, Err(Denied::Refused(refusal)) if refusal == Refusal::NO_GRANT));
    let numbers: Vec<_> = f.lines().await.iter().map(|line| line.seq).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// X9: no trail, no view, for nobody.
#[tokio::test]
async fn without_a_trail_nobody_sees() {
    let f = stage(NOW).await;
    tamper(&f.db, "DROP TABLE trail").await;
    let denied = f.opens("school_supervisor", 0).await;
    assert!(matches!(denied, Err(Denied::TrailUnavailable(_))));
    let denied = f.opens("technician", 0).await;
    assert!(matches!(denied, Err(Denied::TrailUnavailable(_))));
    assert_eq!(view::count(&f.db, 0).await.unwrap(), 0);
}
