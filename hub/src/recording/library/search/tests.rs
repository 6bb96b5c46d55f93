//! Search: each filter, all together, the gate before each row, and what makes no sense.

use super::super::choices::choices;
use super::*;
use crate::access::place::Asker;
use crate::access::session::Session;
use crate::campus::term;
use crate::recording::library;
use crate::recording::stage::*;
use crate::store::trail::tamper;
use xunke_policy::purpose::Purpose;

/// 2026-11-22, a Sunday of week 12.
const DAY: i64 = 20_779;
const TERM: u128 = 5;

/// A recorded lesson of the college, or with no lesson an hour outside lessons.
#[derive(Clone, Copy)]
struct Made {
    number: u128,
    room: ClassroomId,
    unit: Uuid,
    day: i64,
    /// First period; each is two hours from midnight.
    period: i64,
    /// Teacher, course, class groups.
    lesson: Option<(&'static str, &'static str, &'static str)>,
}

/// In room 101, of the network classes.
const NETWORKS: Made = Made {
    number: 1,
    room: ROOM,
    unit: UNIT,
    day: DAY,
    period: 1,
    lesson: Some(("陈静", "Linux系统", "网络2301\n网络2302")),
};
/// In room 102, of the other unit.
const DRAWING: Made = Made {
    number: 2,
    room: OTHER_ROOM,
    unit: OTHER_UNIT,
    lesson: Some(("李强", "机械制图 100%", "机电2301")),
    ..NETWORKS
};
/// A week later in the afternoon.
const LATER: Made = Made {
    number: 3,
    day: DAY + 8,
    period: 7,
    lesson: Some(("陈静", "数据库", "网络230")),
    ..NETWORKS
};
/// 课外.
const OUTSIDE: Made = Made {
    number: 4,
    day: DAY + 1,
    lesson: None,
    ..NETWORKS
};
/// The term before.
const BEFORE: Made = Made {
    number: 5,
    day: DAY - 100,
    ..NETWORKS
};

const ALL: [Made; 5] = [NETWORKS, DRAWING, LATER, OUTSIDE, BEFORE];

impl Made {
    fn id(&self) -> Uuid {
        Uuid::from_u128(1000 + self.number)
    }

    fn sql(&self) -> String {
        let (id, room, unit) = (self.id(), self.room, self.unit);
        let start = calendar::moment(self.day, (self.period - 1) * 60);
        let end = start + 2 * 3_600_000;
        let first_us = (start + 60_000) * 1000;
        let (mut sql, mut lesson) = (String::new(), String::new());
        if let Some((teacher, course, groups)) = self.lesson {
            lesson = Uuid::from_u128(2000 + self.number).to_string();
            let (term, day) = (Uuid::from_u128(TERM), self.day);
            let (period, last) = (self.period, self.period + 1);
            sql = format!(
                "INSERT INTO lessons (id, term_id, classroom_id, unit_id, teacher, course,
                 class_groups, day, period_from, period_to, start_ms, end_ms, due_count) VALUES
                 ('{lesson}', '{term}', '{room}', '{unit}', '{teacher}', '{course}', '{groups}',
                  {day}, {period}, {last}, {start}, {end}, 30);"
            );
        }
        sql + &format!(
            "INSERT INTO recordings (id, classroom_id, unit_id, lesson_id, start_ms, end_ms) VALUES
             ('{id}', '{room}', '{unit}', '{lesson}', {start}, {end});
             INSERT INTO segments VALUES ('s{id}', '{id}', 'box-1', 'cam0', {day}, {first_us},
             60000000, 1, 'avc1', 9, '', 0);",
            day = self.day
        )
    }
}

async fn college() -> Stage {
    let stage = stage().await;
    let all: String = ALL.iter().map(Made::sql).collect();
    tamper(&stage.db, all.leak()).await;
    stage
}

const TEN_DAYS_LATER: i64 = EIGHT + 10 * calendar::DAY_MS;

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// In the term of now.
fn in_term() -> Asked {
    Asked {
        term: Some(Uuid::from_u128(TERM).to_string()),
        ..Asked::default()
    }
}

async fn found(stage: &Stage, asked: &Asked, may: impl Fn(&RecordingRef) -> bool) -> Found {
    let terms = term::all(&stage.db).await.unwrap();
    let wanted = asked.search(&terms, TEN_DAYS_LATER).unwrap();
    let found = search(&stage.db, &wanted, may, TEN_DAYS_LATER).await;
    found.unwrap()
}

async fn numbers(stage: &Stage, asked: Asked) -> Vec<u128> {
    let found = found(stage, &asked, |_| true).await;
    assert!(!found.more);
    let ids = found.recordings.iter().map(|one| one.id.as_u128() - 1000);
    ids.collect()
}

/// R67: by term, week, day, period, room, class, teacher, course and words.
#[tokio::test]
async fn each_filter_narrows() {
    let stage = college().await;
    let room = |room: ClassroomId| Some(room.to_string());
    let cases = [
        (in_term(), vec![3, 4, 1, 2]),
        (
            Asked {
                week: text("12"),
                ..in_term()
            },
            vec![1, 2],
        ),
        (
            Asked {
                week: text("13"),
                ..in_term()
            },
            vec![4],
        ),
        (
            Asked {
                weekday: text("1"),
                ..in_term()
            },
            vec![3, 4],
        ),
        (
            Asked {
                weekday: text("7"),
                ..in_term()
            },
            vec![1, 2],
        ),
        (
            Asked {
                period: text("2"),
                ..in_term()
            },
            vec![1, 2],
        ),
        (
            Asked {
                period: text("8"),
                ..in_term()
            },
            vec![3],
        ),
        (
            Asked {
                period: text("3"),
                ..in_term()
            },
            vec![],
        ),
        (
            Asked {
                room: room(OTHER_ROOM),
                ..in_term()
            },
            vec![2],
        ),
        (
            Asked {
                room: room(ROOM),
                ..in_term()
            },
            vec![3, 4, 1],
        ),
        (
            Asked {
                class: text("网络2302"),
                ..in_term()
            },
            vec![1],
        ),
        (
            Asked {
                class: text("网络230"),
                ..in_term()
            },
            vec![3],
        ),
        (
            Asked {
                teacher: text("陈静"),
                ..in_term()
            },
            vec![3, 1],
        ),
        (
            Asked {
                teacher: text("陈"),
                ..in_term()
            },
            vec![],
        ),
        (
            Asked {
                course: text(" 数据库 "),
                ..in_term()
            },
            vec![3],
        ),
        (
            Asked {
                text: text("linux"),
                ..in_term()
            },
            vec![1],
        ),
        (
            Asked {
                text: text("机电"),
                ..in_term()
            },
            vec![2],
        ),
        (
            Asked {
                text: text("陈静"),
                ..in_term()
            },
            vec![3, 1],
        ),
        (
            Asked {
                text: text("楼102"),
                ..in_term()
            },
            vec![2],
        ),
        (
            Asked {
                text: text("2301"),
                ..in_term()
            },
            vec![1, 2],
        ),
        (
            Asked {
                date: text("2026-11-23"),
                ..Asked::default()
            },
            vec![4],
        ),
        (
            Asked {
                date: text("2026-08-14"),
                ..Asked::default()
            },
            vec![5],
        ),
        (Asked::default(), vec![]),
    ];
    for (asked, expected) in cases {
        assert_eq!(numbers(&stage, asked.clone()).await, expected, "{asked:?}");
    }
}

/// R67: filters are put together; days and weeks of a date are those of its term.
#[tokio::test]
async fn filters_are_put_together() {
    let stage = college().await;
    let day = |date| Asked {
        date: text(date),
        ..Asked::default()
    };
    let cases = [
        (
            Asked {
                week: text("12"),
                ..day("2026-11-22")
            },
            vec![1, 2],
        ),
        (
            Asked {
                week: text("13"),
                ..day("2026-11-22")
            },
            vec![],
        ),
        (
            Asked {
                week: text("1"),
                ..day("2026-08-14")
            },
            vec![],
        ),
        (
            Asked {
                weekday: text("1"),
                ..day("2026-11-22")
            },
            vec![],
        ),
        (
            Asked {
                date: text("2026-08-14"),
                ..in_term()
            },
            vec![],
        ),
        (
            Asked {
                date: text("2026-11-30"),
                ..in_term()
            },
            vec![3],
        ),
        (
            Asked {
                week: text("12"),
                weekday: text("7"),
                period: text("1"),
                room: Some(ROOM.to_string()),
                class: text("网络2301"),
                teacher: text("陈静"),
                course: text("Linux系统"),
                text: text("博学楼"),
                ..in_term()
            },
            vec![1],
        ),
        (
            Asked {
                teacher: text("陈静"),
                class: text("机电2301"),
                ..in_term()
            },
            vec![],
        ),
    ];
    for (asked, expected) in cases {
        assert_eq!(numbers(&stage, asked.clone()).await, expected, "{asked:?}");
    }
}

/// What is typed is text, never a pattern or a query.
#[tokio::test]
async fn words_are_words() {
    let stage = college().await;
    for (words, expected) in [
        ("100%", vec![2]),
        ("%", vec![2]),
        ("_", vec![]),
        ("!", vec![]),
        ("' OR '1'='1", vec![]),
        ("Linux系统\n陈静", vec![1]),
        ("$1", vec![]),
    ] {
        let asked = Asked {
            text: text(words),
            ..in_term()
        };
        assert_eq!(numbers(&stage, asked).await, expected, "{words}");
    }
    let asked = Asked {
        course: text("linux系统"),
        ..in_term()
    };
    assert_eq!(numbers(&stage, asked).await, [], "exactly");
    let asked = Asked {
        class: text("网络2301\n网络2302"),
        ..in_term()
    };
    assert_eq!(numbers(&stage, asked).await, [1]);
}

fn judged(stage: &Stage, session: &Session, recording: &RecordingRef, asker: &Asker) -> bool {
    let watching = stage.gate.playing(asker, recording, &Purpose::Issue);
    let judged = stage
        .gate
        .judge(&session.person, watching, DESK, TEN_DAYS_LATER);
    judged.is_ok()
}

/// R22, R57: whatever is asked for, the rows are those that the gate lets this person watch.
#[tokio::test]
async fn the_gate_judges_each_row() {
    let stage = college().await;
    let cases = [
        (SCHOOL_SUPERVISOR, vec![3, 4, 1, 2], 2),
        (UNIT_SUPERVISOR, vec![3, 4, 1], 1),
        (OTHER_UNIT_SUPERVISOR, vec![2], 1),
        (TECHNICIAN, vec![], 0),
        (UNSIGNED, vec![], 0),
        (TEACHER, vec![], 0),
        (ACADEMIC_AFFAIRS, vec![], 0),
    ];
    let terms = term::all(&stage.db).await.unwrap();
    for (person, expected, rooms) in cases {
        let session = stage.sign_in(person, TEN_DAYS_LATER).await;
        let asker = stage.gate.asker(session.person.id).await.unwrap();
        let may = |one: &RecordingRef| judged(&stage, &session, one, &asker);
        let all = found(&stage, &in_term(), may).await;
        let ids: Vec<_> = all
            .recordings
            .iter()
            .map(|one| one.id.as_u128() - 1000)
            .collect();
        assert_eq!(ids, expected, "{person}");
        let there = choices(&stage.db, &terms[0], may).await.unwrap();
        assert_eq!(there.rooms.len(), rooms, "{person}");
        let drawing = there.courses.contains("机械制图 100%")
            || there.teachers.contains("李强")
            || there.class_groups.contains("机电2301");
        assert_eq!(drawing, expected.contains(&2), "{person}");
        assert_eq!(there.teachers.contains("陈静"), expected.contains(&1));
    }
}

/// The gate is asked about the same thing before and after the segments are summed up.
#[tokio::test]
async fn a_row_is_judged_as_the_recording_it_is() {
    let stage = college().await;
    let held = format!(
        "UPDATE classrooms SET minors = 1 WHERE id = '{OTHER_ROOM}';
         INSERT INTO holds (id, number, classroom_id, from_ms, until_ms, case_number, reason,
         begun_by, begun_ms) VALUES ('h', 'BQ-00001', '{OTHER_ROOM}', 0, {EIGHT}, 'x', 'y', '{}',
         0)",
        Uuid::from_u128(ACADEMIC_AFFAIRS)
    );
    tamper(&stage.db, held.leak()).await;
    let asked = std::cell::RefCell::new(Vec::new());
    let may = |one: &RecordingRef| {
        asked.borrow_mut().push(one.clone());
        true
    };
    let all = found(&stage, &in_term(), may).await;
    let mut asked = asked.into_inner();
    asked.sort_by_key(|one| one.id);
    assert_eq!(asked.len(), 4);
    for reference in asked {
        let recording = library::find(&stage.db, reference.id, TEN_DAYS_LATER).await;
        let recording = recording.unwrap().unwrap();
        assert_eq!(recording.reference(), reference);
        assert!(all.recordings.contains(&recording), "and is shown as such");
        let (minors, held) = (reference.minors, reference.kept.held);
        assert_eq!((minors, held), (reference.classroom == OTHER_ROOM, minors));
    }
}

/// At most 200; whether there are others counts only what may be watched.
#[tokio::test]
async fn what_may_not_be_watched_is_not_counted() {
    let stage = stage().await;
    let made = |number: u128| Made {
        number,
        day: DAY - 3,
        lesson: None,
        period: 1,
        ..NETWORKS
    };
    // Older by an hour each: an hour outside lessons is its own recording.
    let all: String = (1..=750)
        .map(|number| {
            let hour = i64::try_from(number).unwrap();
            let at = Made {
                day: DAY - hour / 24,
                period: 24 - hour % 24,
                ..made(number)
            };
            at.sql()
        })
        .collect();
    tamper(&stage.db, all.leak()).await;
    let among = async |may: fn(u128) -> bool| {
        let may = |one: &RecordingRef| may(one.id.as_u128() - 1000);
        let found = found(&stage, &in_term(), may).await;
        let ids = found.recordings.iter().map(|one| one.id.as_u128() - 1000);
        (ids.collect::<Vec<_>>(), found.more)
    };
    let (ids, more) = among(|_| true).await;
    assert_eq!((ids, more), ((1..=200).collect(), true));
    let (ids, more) = among(|number| number > 540).await;
    assert_eq!((ids, more), ((541..=740).collect(), true));
    let (ids, more) = among(|number| number > 550).await;
    assert_eq!((ids, more), ((551..=750).collect(), false));
    assert_eq!(among(|_| false).await, (vec![], false));
}

/// What was destroyed is in no list; it is known by its address alone.
#[tokio::test]
async fn what_was_destroyed_is_not_found() {
    let stage = college().await;
    let gone = format!(
        "DELETE FROM segments WHERE recording_id = '{}'",
        NETWORKS.id()
    );
    tamper(&stage.db, gone.leak()).await;
    assert_eq!(numbers(&stage, in_term()).await, [3, 4, 2]);
    let terms = term::all(&stage.db).await.unwrap();
    let there = choices(&stage.db, &terms[0], |_| true).await.unwrap();
    assert!(!there.courses.contains("Linux系统"));
    assert_eq!(there.class_groups.len(), 2);
}

/// Bad input names its field.
#[tokio::test]
async fn what_makes_no_sense_names_its_field() {
    let stage = college().await;
    let terms = term::all(&stage.db).await.unwrap();
    let long = Some("字".repeat(101));
    let none = Asked::default;
    let cases = [
        (
            Asked {
                date: text("22.11.2026"),
                ..none()
            },
            "date",
        ),
        (
            Asked {
                date: text("2026-02-30"),
                ..none()
            },
            "date",
        ),
        (
            Asked {
                term: text("this"),
                ..none()
            },
            "term",
        ),
        (
            Asked {
                term: Some(Uuid::nil().to_string()),
                ..none()
            },
            "term",
        ),
        (
            Asked {
                week: text("12"),
                ..none()
            },
            "week",
        ),
        (
            Asked {
                weekday: text("2"),
                ..none()
            },
            "weekday",
        ),
        (
            Asked {
                period: text("1"),
                ..none()
            },
            "period",
        ),
        (
            Asked {
                week: text("0"),
                ..in_term()
            },
            "week",
        ),
        (
            Asked {
                week: text("21"),
                ..in_term()
            },
            "week",
        ),
        (
            Asked {
                week: text("9223372036854775807"),
                ..in_term()
            },
            "week",
        ),
        (
            Asked {
                week: text("twelve"),
                ..in_term()
            },
            "week",
        ),
        (
            Asked {
                weekday: text("8"),
                ..in_term()
            },
            "weekday",
        ),
        (
            Asked {
                period: text("0"),
                ..in_term()
            },
            "period",
        ),
        (
            Asked {
                room: text("101"),
                ..none()
            },
            "room",
        ),
        (
            Asked {
                class: long.clone(),
                ..none()
            },
            "class",
        ),
        (
            Asked {
                teacher: long.clone(),
                ..none()
            },
            "teacher",
        ),
        (
            Asked {
                course: long.clone(),
                ..none()
            },
            "course",
        ),
        (
            Asked {
                text: long,
                ..none()
            },
            "text",
        ),
    ];
    for (asked, field) in cases {
        let error = asked.search(&terms, EIGHT).unwrap_err();
        assert_eq!(error.field, field, "{asked:?}");
        assert!(!error.zh.is_empty() && !error.en.is_empty());
    }
    let empty = Asked {
        text: text("  "),
        week: text(""),
        ..none()
    };
    let today = empty.search(&terms, EIGHT).unwrap();
    assert_eq!(
        (today.from_ms, today.text),
        (calendar::moment(DAY, 0), None)
    );
}
