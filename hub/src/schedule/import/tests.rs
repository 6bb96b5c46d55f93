//! Timetables: everything or nothing, exactly what was previewed, from tomorrow on.

use super::super::conflict;
use super::super::plan::Kind;
use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::store::campus::LessonRow;

/// A Sunday: the end of week 12.
const NOW: i64 = 1_795_300_000_000;
const HEAD: &str =
    "课程名称,教学班,班级,任课教师工号,任课教师,星期,开始节,结束节,周次,教室编号,应到人数\n";

impl Stage {
    fn schedule(&self) -> Schedule {
        Schedule::new(self.db.clone(), Arc::clone(&self.trail))
    }

    async fn upload(&self, lines: &str, whole: bool) -> Upload {
        let (terms, _, _) = self.schedule().terms().await.unwrap();
        Upload {
            file: format!("{HEAD}{lines}").into_bytes(),
            whole,
            term: terms[0].id,
        }
    }

    async fn shows(&self, lines: &str, whole: bool) -> Plan {
        let session = self.session("academic_affairs", NOW).await;
        let by = By {
            session: &session,
            origin: HERE,
            now_ms: NOW,
        };
        let upload = self.upload(lines, whole).await;
        self.schedule().preview(by, upload).await.unwrap().plan
    }

    async fn takes(&self, lines: &str, whole: bool, hash: &str) -> Result<Taken, Unread> {
        let session = self.session("academic_affairs", NOW).await;
        let by = By {
            session: &session,
            origin: HERE,
            now_ms: NOW,
        };
        let upload = self.upload(lines, whole).await;
        self.schedule().import(by, upload, hash).await
    }

    async fn there(&self) -> Vec<LessonRow> {
        campus::lessons(&self.db, 0, i64::MAX).await.unwrap()
    }

    async fn teacher(&self) -> (String, String) {
        let mut writing = self.db.begin().await.unwrap();
        let teachers = rows::teachers(&mut writing).await.unwrap();
        let found = teachers.iter().find(|one| one.name == "李明").unwrap();
        (found.staff_number.clone(), found.id.clone())
    }
}

fn places(plan: &Plan) -> Vec<(usize, &'static str)> {
    let problems = plan.problems.iter();
    problems.map(|one| (one.line, one.column)).collect()
}

/// One line is a lesson for each week to come; what the trail says of it; and the same file again
/// changes nothing.
#[tokio::test]
async fn a_line_becomes_its_lessons_once() {
    let f = stage(NOW).await;
    let before = f.there().await.len();
    let (number, id) = f.teacher().await;
    let line = format!("程序设计,CS-01,软件2301,{number},,3,1,2,11-16,博学楼101,40\n");
    let plan = f.shows(&line, false).await;
    assert_eq!(
        (plan.problems.len(), plan.notices.len(), plan.past),
        (0, 0, 2)
    );
    assert_eq!(f.there().await.len(), before, "a preview writes nothing");
    let taken = f.takes(&line, false, &plan.hash).await.unwrap();
    let wanted = Taken {
        added: 4,
        changed: 0,
        removed: 0,
    };
    assert_eq!(taken, wanted);
    let there = f.there().await;
    let new: Vec<_> = there
        .iter()
        .filter(|row| row.course == "程序设计")
        .collect();
    assert_eq!((there.len(), new.len()), (before + 4, 4));
    assert_eq!(new[0].teacher_id.as_deref(), Some(&*id));
    assert_eq!(
        calendar::date_and_time(new[0].start_ms),
        "2026-11-25 00:00:00"
    );
    assert_eq!(
        calendar::date_and_time(new[0].end_ms),
        "2026-11-25 02:00:00"
    );
    let said = &f.lines().await[0];
    assert_eq!(&*said.action, "import_timetable");
    assert!(said.detail.ends_with("+4 ~0 −0"), "{}", said.detail);
    let again = f.shows(&line, false).await;
    assert_eq!(
        (again.steps.len(), again.unchanged),
        (0, there.len() - before + kept(&there))
    );
    let answer = f.takes(&line, false, &again.hash).await;
    assert!(matches!(answer, Err(Unread::Failed(Error::Field(NOTHING)))));
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// Lessons of the demonstration that lie after today.
fn kept(there: &[LessonRow]) -> usize {
    let later = |row: &&LessonRow| row.day > calendar::day(NOW) && row.course != "程序设计";
    there.iter().filter(later).count()
}

/// A lesson that moves keeps its id, and what the file does not speak of stays.
#[tokio::test]
async fn a_lesson_that_moves_is_the_same_lesson() {
    let f = stage(NOW).await;
    let (number, _) = f.teacher().await;
    let line = |room: &str, due: &str| {
        format!("程序设计,CS-01,软件2301,{number},,3,1,2,13,{room},{due}\n")
    };
    let first = line("博学楼101", "40");
    let plan = f.shows(&first, false).await;
    f.takes(&first, false, &plan.hash).await.unwrap();
    let of = |there: Vec<LessonRow>| {
        let found = there.into_iter().find(|row| row.course == "程序设计");
        found.unwrap()
    };
    let before = of(f.there().await);
    let moved = line("博学楼 102", "");
    let plan = f.shows(&moved, false).await;
    assert_eq!(plan.steps[0].kind(), Kind::Change);
    assert_eq!(plan.series().len(), 1);
    f.takes(&moved, false, &plan.hash).await.unwrap();
    let after = of(f.there().await);
    assert_eq!((&after.id, after.due_count), (&before.id, 40));
    assert_ne!(after.classroom_id, before.classroom_id);
}

/// The whole term: what it does not name is no more, but only from tomorrow on.
#[tokio::test]
async fn what_a_whole_timetable_does_not_name_is_removed_from_tomorrow_on() {
    let f = stage(NOW).await;
    let there = f.there().await;
    let later = kept(&there);
    let (number, _) = f.teacher().await;
    let line = format!("程序设计,CS-01,软件2301,{number},,3,1,2,13,博学楼101,40\n");
    let plan = f.shows(&line, true).await;
    let taken = f.takes(&line, true, &plan.hash).await.unwrap();
    assert_eq!((taken.added, taken.removed), (1, later));
    let left = f.there().await;
    assert_eq!(left.len(), there.len() - later + 1);
    let today = calendar::day(NOW);
    assert!(left.iter().any(|row| row.day <= today));
}

/// Nothing half-written: one bad line, and none of the others is there.
#[tokio::test]
async fn one_bad_line_stops_all_of_them() {
    let f = stage(NOW).await;
    let before = f.there().await;
    let lines = "程序设计,,,T404,,3,1,2,1-16,博学楼101,40\n\
                 机械制图,,,,李明,3,1,2,1-30,博学楼999,40\n\
                 机械制图,,,,,3,25,26,1-16,博学楼101,40\n";
    let plan = f.shows(lines, false).await;
    let wanted = [
        (2, "任课教师工号"),
        (3, "周次"),
        (3, "教室编号"),
        (4, "开始节"),
        (4, "结束节"),
    ];
    assert_eq!(places(&plan), wanted);
    let answer = f.takes(lines, false, &plan.hash).await;
    assert!(matches!(
        answer,
        Err(Unread::Failed(Error::Field(PROBLEMS)))
    ));
    assert_eq!(
        (f.there().await.len(), f.lines().await.len()),
        (before.len(), 0)
    );
}

/// Whatever changes between preview and confirmation stops it.
#[tokio::test]
async fn only_what_was_previewed_is_written() {
    let f = stage(NOW).await;
    let line = "程序设计,,,,李明,3,1,2,13,博学楼101,40\n";
    let hash = f.shows(line, false).await.hash;
    let whole = f.takes(line, true, &hash).await;
    assert!(matches!(whole, Err(Unread::Failed(Error::Conflict(..)))));
    let other = "程序设计,,,,李明,3,1,2,14,博学楼101,40\n";
    let file = f.takes(other, false, &hash).await;
    assert!(matches!(file, Err(Unread::Failed(Error::Conflict(..)))));
    let now = f.shows(other, false).await.hash;
    f.takes(other, false, &now).await.unwrap();
    let school = f.takes(line, false, &hash).await;
    assert!(matches!(school, Err(Unread::Failed(Error::Conflict(..)))));
}

/// 合班 and 分组 are no conflicts; a room, a teacher or a class in two places is.
#[tokio::test]
async fn conflicts_are_found_and_merged_classes_are_none() {
    let f = stage(NOW).await;
    let (number, _) = f.teacher().await;
    let fine = format!(
        "程序设计,CS-01,软件2301,{number},,6,1,2,13-16,博学楼101,40\n\
         程序设计,CS-02,软件2302,{number},,6,1,2,13-16,博学楼101,36\n\
         电工实训,EE-01,机电2301,,张一,6,3,4,13-16,博学楼101,20\n\
         电工实训,EE-01,机电2301,,张二,6,3,4,13-16,博学楼102,20\n"
    );
    let plan = f.shows(&fine, true).await;
    assert_eq!((plan.problems.len(), plan.conflicts.len()), (0, 0));
    assert_eq!(plan.counts().added, 12, "one lesson for two classes");
    let both = plan
        .steps
        .iter()
        .find_map(|step| step.after.as_ref())
        .unwrap();
    assert_eq!(
        (&*both.class_groups, both.due_count),
        ("软件2301\n软件2302", 76)
    );
    // Names that nobody has are kept as text, and said once a line.
    assert_eq!(plan.notices.len(), 2);
    let lines = format!(
        "程序设计,CS-01,软件2301,{number},,6,1,2,13-16,博学楼101,40\n\
         机械制图,ME-01,机电2301,,张一,6,2,3,14,博学楼101,36\n\
         数据库,DB-01,软件2301,{number},,6,1,2,13,博学楼102,40\n"
    );
    let plan = f.shows(&lines, true).await;
    let found: Vec<_> = plan
        .conflicts
        .iter()
        .map(|one| (one.kind, one.lines, one.periods, one.days))
        .collect();
    let wanted = [
        (conflict::Kind::Room, (2, 3), (2, 2), 1),
        (conflict::Kind::Teacher, (2, 4), (1, 2), 1),
        (conflict::Kind::ClassGroup, (2, 4), (1, 2), 1),
    ];
    assert_eq!(found, wanted);
    // With what is there already: every room of the demonstration is taken on Monday.
    let monday = "机械制图,ME-01,,,张一,1,1,1,13,博学楼101,36\n";
    let plan = f.shows(monday, false).await;
    assert_eq!(plan.conflicts[0].lines, (0, 2));
}

/// A whole term put into one room by mistake is told of, and neither fills the memory nor lasts.
#[tokio::test]
async fn a_file_beyond_all_measure_has_an_end() {
    let f = stage(NOW).await;
    let lines: String = (0..4_000)
        .map(|n| format!("课程{n},,,,李明,6,1,2,13-20,博学楼101,40\n"))
        .collect();
    let plan = f.shows(&lines, true).await;
    assert_eq!(plan.counts().added, 32_000);
    assert_eq!(plan.conflicts.len(), conflict::FOUND_MAX);
    let lines: String = (0..11_000)
        .map(|n| format!("课程{n},,,,李明,6,1,2,1-20,博学楼101,40\n"))
        .collect();
    assert_eq!(places(&f.shows(&lines, true).await), [(10_003, "周次")]);
}
