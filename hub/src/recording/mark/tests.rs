//! Marks: made with a permit, checked by anybody, withdrawn by their author, never changed.
//! K4, R70.

use super::check::{Checked, Footage};
use super::document::Verdict;
use super::*;
use crate::recording::playback;
use crate::recording::stage::*;
use crate::store::trail::tamper;
use xunke_policy::Refusal;
use xunke_policy::purpose::Purpose;

const AT_US: i64 = EIGHT * 1000;
const NOW: i64 = NINE_FORTY + 60_000;

/// Three segments of one camera, with a hole before the last, and one of another.
async fn recorded(stage: &Stage) -> library::Recording {
    for (number, second) in [(1, 0), (2, 10), (3, 300)] {
        stage
            .store(&film(number, AT_US + second * SECOND_US, 10))
            .await;
    }
    let mut other = film(4, AT_US + 12 * SECOND_US, 10);
    other.header.source = "cam1".parse().unwrap();
    stage.store(&other).await;
    let mut all = library::on_day(&stage.db, 20_779, NOW).await.unwrap();
    all.remove(0)
}

async fn play(stage: &Stage, session: &Session, recording: &library::Recording) -> String {
    let opened = stage
        .playback
        .open(recording, Purpose::Plan, session, DESK, NOW);
    opened.await.unwrap().play_id
}

fn wish(from_s: i64, to_s: i64, note: &str) -> Wish<'_> {
    Wish {
        from_ms: EIGHT + from_s * 1000,
        to_ms: EIGHT + to_s * 1000,
        note,
    }
}

/// By the school's supervisor.
async fn made(stage: &Stage, wish: Wish<'_>) -> Result<Mark, Error> {
    let mut all = library::on_day(&stage.db, 20_779, NOW).await.unwrap();
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = play(stage, &session, &all.remove(0)).await;
    let held = stage.playback.hold(&play, &session, NOW).await.unwrap();
    let permit = held.permit().unwrap();
    stage.marks.make(permit, wish, DESK, NOW).await
}

async fn checked(stage: &Stage, person: u128, document: &str) -> Checked {
    let session = stage.sign_in(person, NOW).await;
    let checked = stage.marks.check(document, (&session, DESK), NOW).await;
    checked.unwrap()
}

/// R70: from, to, note and the hash of every sealed file that holds it; signed, in the trail.
#[tokio::test]
async fn a_mark_names_every_sealed_file_that_holds_it() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let mark = made(&stage, wish(15, 16, "  教师离开教室 ")).await.unwrap();
    let said = &mark.said;
    assert_eq!(
        (said.number.as_str(), said.recording),
        ("BJ-00001", recording.id)
    );
    assert_eq!(
        (said.note.as_str(), said.made_by.as_str()),
        ("教师离开教室", "王建国")
    );
    assert_eq!(said.course.as_deref(), Some("计算机网络"));
    let named: Vec<_> = said
        .segments
        .iter()
        .map(|one| (one.id.as_u128(), one.source.as_str()))
        .collect();
    assert_eq!(named, [(2, "cam0"), (4, "cam1")]);
    for one in &said.segments {
        let file = format!("{}.xks", one.id);
        let path = stage.files().into_iter().find(|name| name.ends_with(&file));
        let bytes = std::fs::read(stage.folder.join("media").join(path.unwrap())).unwrap();
        use sha2::{Digest, Sha256};
        assert_eq!(one.sha256, secret::hex(&Sha256::digest(&bytes)));
    }
    let line = stage.last_line().await;
    assert_eq!(
        (line.action.as_str(), line.outcome.as_str()),
        ("make_mark", "done")
    );
    assert_eq!(line.object, format!("BJ-00001 博学楼101 {}", recording.id));
    let hash = secret::hash(&mark.row.document);
    assert_eq!(
        line.detail,
        format!("2026-11-22 08:00:15 – 08:00:16, {hash}")
    );
    assert_eq!(line.purpose, "plan");
    let edge = made(&stage, wish(10, 12, "边界")).await.unwrap();
    let ids: Vec<_> = edge
        .said
        .segments
        .iter()
        .map(|one| one.id.as_u128())
        .collect();
    assert_eq!((edge.said.number.as_str(), ids), ("BJ-00002", vec![2]));
    let of_recording = stage.marks.of_recording(recording.id).await.unwrap();
    assert_eq!(of_recording, [edge.clone(), mark.clone()]);
    let own = stage
        .marks
        .of_author(Uuid::from_u128(SCHOOL_SUPERVISOR))
        .await
        .unwrap();
    assert_eq!(own, [edge, mark]);
}

/// Bad input names its field, and nothing is kept of it.
#[tokio::test]
async fn what_makes_no_sense_names_its_field() {
    let stage = stage().await;
    recorded(&stage).await;
    let long = "字".repeat(501);
    for (wish, field) in [
        (wish(15, 15, "x"), "to"),
        (wish(15, 14, "x"), "to"),
        (wish(0, 1801, "x"), "to"),
        (wish(-1, 5, "x"), "from"),
        (wish(5990, 6001, "x"), "to"),
        (wish(30, 40, "x"), "from"),
        (wish(0, 5, "  "), "note"),
        (wish(0, 5, &long), "note"),
    ] {
        let error = made(&stage, wish).await.unwrap_err();
        assert!(
            matches!(error, Error::Field(wrong) if wrong.field == field),
            "{wish:?}"
        );
    }
    let far = Wish {
        from_ms: i64::MIN,
        to_ms: i64::MAX,
        note: "x",
    };
    assert!(matches!(made(&stage, far).await, Err(Error::Field(_))));
    assert!(
        stage
            .marks
            .of_author(Uuid::from_u128(SCHOOL_SUPERVISOR))
            .await
            .unwrap()
            .is_empty()
    );
    made(&stage, wish(0, 1800, "半小时")).await.unwrap();
}

/// R23: the permit is asked about as of now; a play that has ended marks nothing.
#[tokio::test]
async fn whoever_may_not_watch_any_more_marks_nothing() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(UNIT_SUPERVISOR, NOW).await;
    let play = play(&stage, &session, &recording).await;
    let other = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let held = stage.playback.hold(&play, &other, NOW).await;
    assert!(matches!(held.err(), Some(playback::Error::NotFound)));
    tamper(&stage.db, "UPDATE grants SET until_ms = 1").await;
    let held = stage.playback.hold(&play, &session, NOW).await;
    let refused =
        matches!(held.err(), Some(playback::Error::Refused(why)) if why == Refusal::NO_GRANT);
    assert!(refused);
    assert_eq!(stage.last_line().await.action, "view_closed");
}

/// K4: a document is checked by whoever may not watch; what was changed in it shows.
#[tokio::test]
async fn a_document_is_checked_by_whoever_may_not_watch() {
    let stage = stage().await;
    recorded(&stage).await;
    let mark = made(&stage, wish(15, 16, "教师离开教室")).await.unwrap();
    for person in [TECHNICIAN, UNSIGNED, TEACHER, OTHER_UNIT_SUPERVISOR] {
        let checked = checked(&stage, person, &mark.row.document).await;
        let expected = Checked {
            verdict: Verdict::Genuine,
            footage: Some(Footage::Unchanged),
            said: Some(mark.said.clone()),
            withdrawn: None,
        };
        assert_eq!(checked, expected);
        let line = stage.last_line().await;
        assert_eq!((&*line.action, &*line.object), ("check_mark", "BJ-00001"));
        assert_eq!(line.detail, "genuine; unchanged");
    }
    let changed = mark.row.document.replace("离开", "进入");
    let checked = checked(&stage, TECHNICIAN, &changed).await;
    assert_eq!((checked.verdict, checked.footage), (Verdict::Altered, None));
    assert_eq!(stage.last_line().await.detail, "altered; –");
    let lines = stage.trail.before(i64::MAX, 100).await.unwrap();
    assert!(
        lines.iter().all(|line| line.action != "use_key"),
        "nothing was opened"
    );
}

/// K4: a sealed file that was changed on the disk, or in the store of hashes, or taken away.
#[tokio::test]
async fn footage_that_was_changed_shows() {
    let stage = stage().await;
    recorded(&stage).await;
    let mark = made(&stage, wish(15, 16, "x")).await.unwrap();
    let footage = async || {
        checked(&stage, TECHNICIAN, &mark.row.document)
            .await
            .footage
    };
    let name = stage
        .files()
        .into_iter()
        .find(|name| name.contains("0002.xks"));
    let path = stage.folder.join("media").join(name.unwrap());
    let bytes = std::fs::read(&path).unwrap();
    let mut changed = bytes.clone();
    changed[bytes.len() - 1] ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert_eq!(footage().await, Some(Footage::Changed), "on the disk");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        footage().await,
        Some(Footage::Changed),
        "gone from the disk"
    );
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(footage().await, Some(Footage::Unchanged));
    tamper(
        &stage.db,
        "UPDATE segments SET sha256 = 'ab' WHERE source = 'cam1'",
    )
    .await;
    assert_eq!(footage().await, Some(Footage::Changed), "in the store");
    tamper(&stage.db, "DELETE FROM segments WHERE source = 'cam1'").await;
    assert_eq!(
        footage().await,
        Some(Footage::Changed),
        "gone, and never destroyed"
    );
}

/// K11: a mark outlives its footage, and says that it was destroyed.
#[tokio::test]
async fn a_mark_outlives_its_footage() {
    let stage = stage().await;
    recorded(&stage).await;
    let mark = made(&stage, wish(15, 16, "x")).await.unwrap();
    let destroyed = "INSERT INTO destroyed_shares (recording_id, source, segments, duration_us,
         first_us, last_us, bytes) SELECT recording_id, source, 1, 1, 1, 1, 1 FROM segments
         WHERE id IN ('00000000-0000-0000-0000-000000000002',
         '00000000-0000-0000-0000-000000000004');
         DELETE FROM segments";
    tamper(&stage.db, destroyed).await;
    let checked = checked(&stage, TEACHER, &mark.row.document).await;
    let found = (checked.verdict, checked.footage);
    assert_eq!(found, (Verdict::Genuine, Some(Footage::Destroyed)));
    let own = stage
        .marks
        .of_author(Uuid::from_u128(SCHOOL_SUPERVISOR))
        .await;
    assert_eq!(own.unwrap().len(), 1);
}

/// R70: its author takes a mark back, nobody else; it stays and says so.
#[tokio::test]
async fn only_its_author_takes_a_mark_back() {
    let stage = stage().await;
    recorded(&stage).await;
    let mark = made(&stage, wish(15, 16, "x")).await.unwrap();
    let withdraw = async |person, why: &str| {
        let session = stage.sign_in(person, NOW).await;
        let marks = &stage.marks;
        marks
            .withdraw((&session, DESK), mark.said.id, why, NOW + 1)
            .await
    };
    for person in [UNIT_SUPERVISOR, TECHNICIAN, ACADEMIC_AFFAIRS] {
        let answer = withdraw(person, "不是我的").await;
        assert!(matches!(answer, Err(Error::NotFound)));
    }
    let answer = withdraw(SCHOOL_SUPERVISOR, " ").await;
    assert!(matches!(answer, Err(Error::Field(wrong)) if wrong.field == "reason"));
    withdraw(SCHOOL_SUPERVISOR, "看错了").await.unwrap();
    let line = stage.last_line().await;
    assert_eq!((&*line.action, &*line.purpose), ("withdraw_mark", "看错了"));
    let again = withdraw(SCHOOL_SUPERVISOR, "再撤").await;
    assert!(matches!(again, Err(Error::Withdrawn)));
    assert_eq!(stage.last_line().await.seq, line.seq, "and no line of it");
    let checked = checked(&stage, TECHNICIAN, &mark.row.document).await;
    assert_eq!(checked.verdict, Verdict::Genuine);
    assert_eq!(checked.withdrawn, Some((NOW + 1, "看错了".into())));
    let stays = &stage.marks.of_recording(mark.said.recording).await.unwrap()[0];
    assert_eq!(
        (&stays.said, stays.row.withdrawn_ms),
        (&mark.said, Some(NOW + 1))
    );
}

/// X9: no line, no mark.
#[tokio::test]
async fn without_its_line_there_is_no_mark() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = play(&stage, &session, &recording).await;
    let held = stage.playback.hold(&play, &session, NOW).await.unwrap();
    tamper(&stage.db, "ALTER TABLE trail RENAME TO lost").await;
    let permit = held.permit().unwrap();
    let answer = stage.marks.make(permit, wish(15, 16, "x"), DESK, NOW).await;
    assert!(answer.is_err());
    tamper(&stage.db, "ALTER TABLE lost RENAME TO trail").await;
    assert!(
        stage
            .marks
            .of_recording(recording.id)
            .await
            .unwrap()
            .is_empty()
    );
}
