//! Imports: everything or nothing, exactly what was previewed, and what ends with it.

use std::time::Instant;

use super::*;
use crate::access::gate::tests::stage::{HERE, Stage, stage};
use crate::access::roster::lasting;
use crate::store::trail::{full, room_again, tamper};

const NOW: i64 = 1_795_300_000_000;
const HEAD: &str = "工号,姓名,教学单位,角色,状态\n";

fn upload(lines: &str, whole: bool) -> Upload {
    Upload {
        file: format!("{HEAD}{lines}").into_bytes(),
        whole,
    }
}

impl Stage {
    async fn previews(&self, lines: &str, whole: bool) -> Plan {
        let session = self.session("technician", NOW).await;
        let by = By {
            session: &session,
            origin: HERE,
            now_ms: NOW,
        };
        self.roster()
            .preview(by, upload(lines, whole))
            .await
            .unwrap()
    }

    async fn imports(
        &self,
        lines: &str,
        whole: bool,
        hash: &str,
        departing: &[Uuid],
    ) -> Result<Taken, Unread> {
        let session = self.session("technician", NOW).await;
        let by = By {
            session: &session,
            origin: HERE,
            now_ms: NOW,
        };
        let roster = self.roster();
        roster
            .import(by, upload(lines, whole), hash, departing)
            .await
    }

    async fn count(&self) -> usize {
        self.roster().everybody(NOW).await.unwrap().len()
    }
}

fn field(answer: Result<Taken, Unread>) -> FieldError {
    match answer {
        Err(Unread::Failed(Error::Field(field))) => field,
        other => panic!("{other:?}"),
    }
}

fn conflict(answer: &Result<Taken, Unread>) -> bool {
    matches!(answer, Err(Unread::Failed(Error::Conflict(..))))
}

/// R27: two thousand people, previewed and taken over, in seconds and in one transaction.
#[tokio::test]
async fn two_thousand_people_come_at_once() {
    let f = stage(NOW).await;
    let before = f.count().await;
    let lines: String = (0..2000)
        .map(|n| format!("N{n:05},新人{n},信息工程学院,任课教师,\n"))
        .collect();
    let began = Instant::now();
    let plan = f.previews(&lines, false).await;
    assert_eq!((plan.counts().added, plan.problems.len()), (2000, 0));
    assert_eq!(f.count().await, before, "a preview writes nothing");
    let taken = f.imports(&lines, false, &plan.hash, &[]).await.unwrap();
    let took = began.elapsed();
    assert_eq!(taken.added, 2000);
    assert_eq!(f.count().await, before + 2000);
    assert!(took.as_secs() < 20, "{took:?}");
    let line = &f.lines().await[0];
    assert_eq!(
        (&*line.action, &*line.detail),
        ("import_people", "+2000 ~0 →0 −0 ↺0")
    );
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// Nothing half-written: one bad line and none of the others is there.
#[tokio::test]
async fn one_bad_line_stops_all_of_them() {
    let f = stage(NOW).await;
    let before = f.count().await;
    let lines = "N1,新人,信息工程学院,任课教师,\nN2,新人,艺术学院,任课教师,\n";
    let plan = f.previews(lines, false).await;
    assert_eq!(
        (plan.problems[0].line, plan.problems[0].column),
        (3, "教学单位")
    );
    let answer = f.imports(lines, false, &plan.hash, &[]).await;
    assert_eq!(field(answer), PROBLEMS);
    assert_eq!((f.count().await, f.lines().await.len()), (before, 0));
}

/// A failure in the middle undoes what came before it.
#[tokio::test]
async fn a_failing_store_leaves_nothing_behind() {
    let f = stage(NOW).await;
    let before = f.count().await;
    let lines = "N1,新人,信息工程学院,任课教师,\nN2,新人,信息工程学院,任课教师,\n";
    let plan = f.previews(lines, false).await;
    full(&f.db, "persons", "NEW.staff_number = 'N2'").await;
    assert!(f.imports(lines, false, &plan.hash, &[]).await.is_err());
    room_again(&f.db).await;
    assert_eq!((f.count().await, f.lines().await.len()), (before, 0));
    assert!(f.trail.verify().await.unwrap().is_ok());
}

/// What was confirmed is what was seen: another file or other people, and it is previewed anew.
#[tokio::test]
async fn a_confirmation_is_for_what_was_previewed() {
    let f = stage(NOW).await;
    let lines = "N1,新人,信息工程学院,任课教师,\n";
    let plan = f.previews(lines, false).await;
    let other = f.imports("N1,别人,信息工程学院,任课教师,\n", false, &plan.hash, &[]);
    assert!(conflict(&other.await));
    assert!(conflict(&f.imports(lines, true, &plan.hash, &[]).await));
    let nobody = [Uuid::nil()];
    assert!(conflict(
        &f.imports(lines, false, &plan.hash, &nobody).await
    ));
    tamper(
        &f.db,
        "UPDATE persons SET name = '另一人' WHERE staff_number = 'D2002'",
    )
    .await;
    assert!(conflict(&f.imports(lines, false, &plan.hash, &[]).await));
    let plan = f.previews(lines, false).await;
    f.imports(lines, false, &plan.hash, &[]).await.unwrap();
    assert!(conflict(&f.imports(lines, false, &plan.hash, &[]).await));
    let again = f.previews(lines, false).await;
    assert_eq!(
        field(f.imports(lines, false, &again.hash, &[]).await),
        NOTHING
    );
}

/// R23, R24, R44: who moves or leaves by the list hands back at once; each with a line and a list.
#[tokio::test]
async fn leaving_by_the_list_takes_permissions_back() {
    let f = stage(NOW).await;
    let moved = f.session("unit_supervisor", NOW).await;
    let gone = f.session("school_supervisor", NOW).await;
    let lines = "D2001,李秀英,机电工程学院,二级督导,\n";
    let plan = f.previews(lines, true).await;
    assert_eq!(plan.counts().transferred, 1);
    let missing = plan
        .missing
        .iter()
        .find(|one| one.row.staff_number == "D1001");
    assert!(missing.is_some_and(|one| one.row.grants == 1));
    let taken = f
        .imports(lines, true, &plan.hash, &[gone.person.id])
        .await
        .unwrap();
    assert_eq!((taken.transferred, taken.left), (1, 1));
    for session in [&moved, &gone] {
        let ended = f.sessions.recheck(session, NOW).await.unwrap();
        assert!(ended.is_err());
        let person = f.roster().person(session.person.id, NOW).await.unwrap();
        assert_eq!(lasting(&person.unwrap(), NOW), None);
    }
    let kinds: Vec<_> = departures::all(&f.db).await.unwrap();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|row| (&*row.kind, &*row.staff_number))
        .collect();
    assert_eq!(kinds, [("left", "D1001"), ("transferred", "D2001")]);
    let lines = f.lines().await;
    let actions: Vec<_> = lines.iter().map(|line| &*line.action).collect();
    assert_eq!(
        actions,
        ["open_departure", "open_departure", "import_people"]
    );
    assert_eq!(lines[1].object, "YJ-00001 李秀英 D2001");
    assert!(f.trail.verify().await.unwrap().is_ok());
    let back = f.previews("D1001,王建国,,校级督导,\n", false).await;
    assert_eq!(back.counts().returned, 1);
    f.imports("D1001,王建国,,校级督导,\n", false, &back.hash, &[])
        .await
        .unwrap();
    let person = f
        .roster()
        .person(gone.person.id, NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (lasting(&person, NOW), person.password_changed_ms),
        (None, 0)
    );
}

/// A file that is no list is refused as a whole.
#[tokio::test]
async fn a_file_that_is_no_list_is_not_looked_at() {
    let f = stage(NOW).await;
    let session = f.session("technician", NOW).await;
    let by = By {
        session: &session,
        origin: HERE,
        now_ms: NOW,
    };
    let upload = Upload {
        file: b"PK\x03\x04 nothing".to_vec(),
        whole: false,
    };
    let answer = f.roster().preview(by, upload).await;
    assert!(matches!(answer, Err(Unread::NoSheet(_))));
}
