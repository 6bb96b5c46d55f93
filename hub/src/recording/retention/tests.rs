//! Six months, to the day and across crashes; what decisions keep, and no longer than they last.

mod decisions;
mod backup;

use sha2::Digest;
use xunke_policy::Refusal;
use xunke_policy::purpose::Purpose;
use xunke_protocol::id::SegmentId;

use super::*;
use crate::access::audit::signed::public_text;
use crate::access::gate::Denied;
use crate::access::grant::By;
use crate::access::keeping::HoldDraft;
use crate::access::sanction::Export;
use crate::access::secret;
use crate::recording::library::{self, Recording};
use crate::recording::playback;
use crate::recording::stage::*;
use crate::store::campus::{self as campus_rows, LessonRow};
use crate::store::keys as key_rows;
use crate::store::sanction::{self, NewSanction};
use crate::store::trail::tamper;

const MINUTE_MS: i64 = 60_000;
const TERMS: xunke_policy::retention::Terms = xunke_policy::retention::Terms {
    months: 6,
    outside_days: 30,
};

/// A recording of ten seconds in room 101: in a lesson of an hour, or outside.
async fn record(f: &Stage, number: u128, at_ms: i64, in_lesson: bool) -> Recording {
    if in_lesson {
        lesson(f, number, at_ms).await;
    }
    let film = film(number, at_ms * 1000, 10);
    let bytes = f.sealed_at(&film, box_key(), at_ms).await;
    let stored = f.upload(film.header.segment, sender(), &bytes, at_ms);
    stored.await.unwrap();
    let all = library::on_day(&f.db, calendar::day(at_ms), at_ms).await;
    let mut all = all.unwrap().into_iter();
    all.find(|one| one.start_ms == at_ms).unwrap()
}

async fn lesson(f: &Stage, number: u128, at_ms: i64) {
    let row = LessonRow {
        id: Uuid::from_u128(1000 + number).to_string(),
        term_id: Uuid::from_u128(5).to_string(),
        classroom_id: ROOM.to_string(),
        unit_id: UNIT.to_string(),
        teacher_id: Some(Uuid::from_u128(TEACHER).to_string()),
        teacher: "李老师".into(),
        course: "计算机网络".into(),
        class_groups: "网络2301".into(),
        day: calendar::day(at_ms),
        period_from: 1,
        period_to: 1,
        start_ms: at_ms,
        end_ms: at_ms + 60 * MINUTE_MS,
        due_count: 60,
        minors: 0,
        course_code: String::new(),
        teaching_class: String::new(),
    };
    let mut writing = f.db.begin().await.unwrap();
    campus_rows::add_lesson(&mut writing, &row).await.unwrap();
    Db::commit(writing).await.unwrap();
}

/// Opens a recording as it is known at `now_ms`, and plays its only segment.
async fn plays(f: &Stage, id: Uuid, purpose: Purpose, now_ms: i64) -> Result<(), Refusal> {
    tamper(
        &f.db,
        "UPDATE credentials SET password_changed_ms = 4000000000000",
    )
    .await;
    let recording = library::find(&f.db, id, now_ms).await.unwrap().unwrap();
    let session = f.sign_in(SCHOOL_SUPERVISOR, now_ms).await;
    let contents = library::contents(&f.db, &recording).await.unwrap();
    let opened = f
        .playback
        .open(&recording, purpose, &session, DESK, now_ms)
        .await;
    let opened = match opened {
        Err(playback::Error::Denied(Denied::Refused(refusal))) => return Err(refusal),
        opened => opened.unwrap(),
    };
    let segment: SegmentId = contents.segments[0].id;
    let plain = f
        .playback
        .segment(&opened.play_id, (segment, None), &session, now_ms)
        .await;
    match plain {
        Err(playback::Error::Refused(refusal)) => Err(refusal),
        plain => {
            assert_eq!(plain.unwrap(), PLAIN);
            Ok(())
        }
    }
}

async fn night(f: &Stage, now_ms: i64) {
    f.retention.0.run(&mut None, now_ms).await.unwrap();
}

fn ends(recording: &Recording) -> i64 {
    recording.kept.by_calendar_ms(recording.start_ms, TERMS)
}

async fn certificates(f: &Stage) -> Vec<DestructionRow> {
    rows::certificates(&f.db).await.unwrap()
}

/// R119, R122, K11: at 12 month-ends, what has expired opens for nobody, is gone from the disk, and
/// has a certificate; premium courses all open.
#[tokio::test]
async fn twelve_month_ends() {
    let f = stage().await;
    let mut number = 0;
    for month in 0..12 {
        let (year, month) = (2027 + month / 12, month % 12 + 1);
        let next = match month {
            12 => format!("{}-01-01", year + 1),
            _ => format!("{year}-{:02}-01", month + 1),
        };
        let day = calendar::parse_day(&next).unwrap() - 1;
        let at = |minute| calendar::moment(day, minute);
        number += 3;
        let ordinary = record(&f, number, at(480), true).await;
        let premium = record(&f, number + 1, at(600), true).await;
        let outside = record(&f, number + 2, at(1200), false).await;
        promote(&f, &premium, at(1300)).await;
        let until = ends(&ordinary);
        assert_eq!(ends(&premium), until);
        assert_eq!(ends(&outside), calendar::moment(day + 31, 0));
        let next_end = calendar::date(calendar::day(until) - 1);
        assert!(
            next_end.2 >= 28 || next_end.2 == date_of(day).2,
            "{next_end:?}"
        );

        night(&f, ends(&outside) - 1).await;
        assert_eq!(
            plays(&f, outside.id, Purpose::Plan, ends(&outside) - 1).await,
            Ok(())
        );
        night(&f, ends(&outside)).await;
        night(&f, until - 1).await;
        assert_eq!(
            plays(&f, ordinary.id, Purpose::Plan, until - 1).await,
            Ok(())
        );
        night(&f, until).await;
        let expired = Err(Refusal::RECORDING_EXPIRED);
        assert_eq!(plays_nothing(&f, &ordinary, until).await, expired);
        assert_eq!(plays_nothing(&f, &outside, until).await, expired);
        assert_eq!(plays(&f, premium.id, Purpose::Plan, until).await, Ok(()));
        let epoch = u32::try_from(day).unwrap();
        assert!(!f.keys.holds(epoch).await.unwrap());
    }
    assert_eq!(f.files().len(), 12, "the premium courses and nothing else");
    let all = certificates(&f).await;
    let with_key = all.iter().filter(|row| !row.public_sha256.is_empty());
    assert!(with_key.count() >= 12);
}

fn date_of(day: i64) -> (i32, u8, u8) {
    calendar::date(day)
}

/// What has no contents any more is refused, not empty.
async fn plays_nothing(f: &Stage, recording: &Recording, now_ms: i64) -> Result<(), Refusal> {
    let known = library::find(&f.db, recording.id, now_ms).await.unwrap();
    let known = known.unwrap();
    assert_eq!(known.segments, recording.segments, "its counts stay");
    let contents = library::contents(&f.db, &known).await.unwrap();
    assert!(contents.segments.is_empty());
    let session = f.sign_in(SCHOOL_SUPERVISOR, now_ms).await;
    let purpose = Purpose::Issue;
    let opened = f
        .playback
        .open(&known, purpose, &session, DESK, now_ms)
        .await;
    match opened {
        Err(playback::Error::Denied(Denied::Refused(refusal))) => Err(refusal),
        opened => opened.map(drop).map_err(|_| Refusal::UNDECIDED),
    }
}

/// A nomination with all that it takes.
async fn promote(f: &Stage, recording: &Recording, now_ms: i64) {
    tamper(
        &f.db,
        "UPDATE credentials SET password_changed_ms = 4000000000000",
    )
    .await;
    let supervisor = f.sign_in(SCHOOL_SUPERVISOR, now_ms).await;
    let (academic, teacher) = (
        f.sign_in(ACADEMIC_AFFAIRS, now_ms).await,
        f.sign_in(TEACHER, now_ms).await,
    );
    let reference = recording.reference();
    let why = "讲得好";
    f.keepings
        .nominate(by(&supervisor, now_ms), &reference, why)
        .await
        .unwrap();
    let id = nominated(f, recording).await;
    f.keepings.approve(by(&academic, now_ms), id).await.unwrap();
    f.keepings.consent(by(&teacher, now_ms), id).await.unwrap();
    f.retention.keep_now(now_ms).await;
}

fn by(session: &crate::access::session::Session, now_ms: i64) -> By<'_> {
    By {
        session,
        origin: DESK,
        now_ms,
    }
}

async fn nominated(f: &Stage, recording: &Recording) -> Uuid {
    let all = f.keepings.premium(None).await.unwrap();
    let id = recording.id.to_string();
    let found = all.iter().find(|row| row.recording_id == id);
    found.unwrap().id.parse().unwrap()
}

/// K11: a crash after each step; the next night goes on, and there is one certificate.
#[tokio::test]
async fn a_crash_between_any_two_steps_is_gone_on_from() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    let until = ends(&recording);
    let batches = plan::due(&f.db, TERMS, until).await.unwrap();
    let batch = batches
        .into_iter()
        .find(|batch| batch.day == calendar::day(EIGHT));
    let rooms = &f.retention.0;
    // The key is destroyed, and nothing else yet.
    let begun = rooms.begin(batch.unwrap(), &BTreeSet::new(), until).await;
    let begun = begun.unwrap().unwrap();
    assert!(!f.keys.holds(20_779).await.unwrap());
    assert_eq!(f.files().len(), 1);
    assert_eq!(rows::unfinished(&f.db).await.unwrap().len(), 1);
    // A file is gone, its row is not.
    let file = rows::files(&f.db, &begun.id).await.unwrap().remove(0);
    let place = place_of(&file.classroom_id, file.start_us, &file.id);
    f.media.remove(&place).await.unwrap();
    assert!(certificates(&f).await.is_empty());
    night(&f, until).await;
    let done = certificates(&f).await;
    let of_day = done.iter().filter(|row| row.day == 20_779);
    let of_day: Vec<_> = of_day.collect();
    assert_eq!(of_day.len(), 1);
    assert_eq!(of_day[0].number, begun.number);
    assert!(rows::unfinished(&f.db).await.unwrap().is_empty());
    let (count, head) = (done.len(), f.trail.head().await.unwrap());
    night(&f, until).await;
    assert_eq!(certificates(&f).await.len(), count, "once");
    assert_eq!(f.trail.head().await.unwrap(), head);
}

/// K11: what, when, by which rule, which copies; signed, and its hash in the trail.
#[tokio::test]
async fn a_certificate_says_what_was_destroyed_and_holds() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    let export = key_rows::ExportRow {
        id: "one".into(),
        made_ms: EIGHT,
        sha256: "ab".repeat(32),
        holders: "a b".into(),
        first_epoch: 20_700,
        last_epoch: 20_779,
    };
    let mut writing = f.db.begin().await.unwrap();
    key_rows::note_export(&mut writing, &export).await.unwrap();
    Db::commit(writing).await.unwrap();
    let before = key_rows::find(&f.db, 20_779).await.unwrap().unwrap();
    night(&f, ends(&recording)).await;
    let all = certificates(&f).await;
    let row = all.iter().find(|row| row.day == 20_779).unwrap();
    let text = row.text.clone().unwrap();
    let public = data_encoding::HEXLOWER.decode(before.public.as_bytes());
    let hash = secret::hex(&sha2::Sha256::digest(public.unwrap()));
    for part in [
        "录像日期：2026-11-22",
        "一般课堂教学保存 6 个月",
        "教室：博学楼101",
        "录像：1 个；分段：1 个；时长：0 小时 0 分",
        &hash,
        &export.sha256,
        "开始：2027-05-23 00:00:00",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let export = signed(row, &public_text(&hub_key().verifying_key())).unwrap();
    assert!(export.holds(DOMAIN) && !export.holds("xunke decision 1\n"));
    let changed = Export {
        text: text.replace('博', "致"),
        ..export
    };
    assert!(!changed.holds(DOMAIN));
    let lines = f.trail.before(i64::MAX, 20).await.unwrap();
    let certified = lines
        .iter()
        .find(|line| line.object.starts_with(&row.number));
    assert_eq!(certified.unwrap().detail, secret::hash(&text));
    assert_eq!(certified.unwrap().action, "certify_destruction");
    assert!(
        f.trail.verify().await.unwrap().is_ok(),
        "the trail stays whole"
    );
}

/// X17: nothing of the private half is left in the database's files.
#[tokio::test]
async fn the_private_half_is_overwritten_on_the_disk() {
    let folder = std::env::temp_dir().join(format!("xunke-shred-{}", Uuid::now_v7()));
    std::fs::create_dir(&folder).unwrap();
    let db = Db::open(&folder, &crate::config::Store::default())
        .await
        .unwrap();
    let sealed = "5ea1ed".repeat(20);
    let row = key_rows::DayKeyRow {
        epoch: 7,
        public: "ab".repeat(32),
        sealed: sealed.clone(),
    };
    key_rows::add(&db, &[row]).await.unwrap();
    let found = || {
        let files = std::fs::read_dir(&folder).unwrap();
        let mut all = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
        all.any(|bytes| {
            bytes
                .windows(sealed.len())
                .any(|part| part == sealed.as_bytes())
        })
    };
    assert!(found(), "it was there");
    let mut writing = db.begin().await.unwrap();
    key_rows::destroy(&mut writing, 7, 1).await.unwrap();
    Db::commit(writing).await.unwrap();
    db.empty_journal().await.unwrap();
    assert!(!found());
    db.close().await;
    std::fs::remove_dir_all(folder).unwrap();
}

/// K11: once a day, days missed are caught up, and what comes too late is refused.
#[tokio::test]
async fn a_night_is_once_and_what_comes_after_it_is_refused() {
    let f = stage().await;
    let late = film(9, EIGHT * 1000, 10);
    let bytes = f.sealed(&late, box_key()).await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    let away_ms = ends(&recording) + 9 * calendar::DAY_MS;
    f.retention.nightly(away_ms).await.unwrap();
    assert!(f.files().is_empty());
    record(&f, 2, away_ms - 40 * calendar::DAY_MS, false).await;
    f.retention.nightly(away_ms + 1).await.unwrap();
    assert_eq!(f.files().len(), 1, "tomorrow again");
    f.retention
        .nightly(away_ms + calendar::DAY_MS)
        .await
        .unwrap();
    assert!(f.files().is_empty());
    let refused = f.upload(late.header.segment, sender(), &bytes, EIGHT).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("does not hold"), "{refused}");
}

/// A clock far ahead destroys nothing for a day; after long absence it is only later.
#[tokio::test]
async fn more_than_a_month_at_once_waits_a_day() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    for day in 1..32 {
        let at_ms = EIGHT + day * calendar::DAY_MS;
        f.keys.top_up(at_ms).await.unwrap();
    }
    let late_ms = ends(&recording) + 60 * calendar::DAY_MS;
    f.retention.nightly(late_ms).await.unwrap();
    assert!(f.keys.holds(20_779).await.unwrap());
    assert_eq!(f.files().len(), 1);
    f.retention
        .nightly(late_ms + calendar::DAY_MS)
        .await
        .unwrap();
    assert!(!f.keys.holds(20_779).await.unwrap());
    assert!(f.files().is_empty());
}
