//! What people decide: nominations that are complete or not, and holds with a case.

use super::*;

async fn case(f: &Stage, number: &str) {
    let new = NewSanction {
        number,
        about_id: &Uuid::from_u128(UNIT_SUPERVISOR).to_string(),
        measure: "suspension",
        span: (Some(0), Some(EIGHT + 400 * calendar::DAY_MS)),
        basis: "第十三条第1项",
        facts: "转发了画面",
        evidence: "1",
        filed_by: &Uuid::from_u128(ACADEMIC_AFFAIRS).to_string(),
        now_ms: EIGHT,
    };
    let mut writing = f.db.begin().await.unwrap();
    sanction::file(&mut writing, &new).await.unwrap();
    Db::commit(writing).await.unwrap();
}

fn draft(case_number: &str) -> HoldDraft {
    HoldDraft {
        room: ROOM.0,
        from_ms: EIGHT,
        until_ms: EIGHT + calendar::DAY_MS,
        case_number: case_number.into(),
        reason: "作为证据".into(),
    }
}

async fn keys_kept(f: &Stage) -> usize {
    key_rows::record_keys(&f.db).await.unwrap().len()
}

/// R120: nominated and approved, but without the teacher's own word nothing is sealed again, and it
/// ends with the others.
#[tokio::test]
async fn without_consent_nothing_is_kept() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    let now_ms = EIGHT + 300 * MINUTE_MS;
    let sessions = [
        f.sign_in(SCHOOL_SUPERVISOR, now_ms).await,
        f.sign_in(ACADEMIC_AFFAIRS, now_ms).await,
        f.sign_in(TEACHER, now_ms).await,
    ];
    let [supervisor, academic, teacher] = &sessions;
    let reference = recording.reference();
    let nominated_by = |session| {
        f.keepings
            .nominate(by(session, now_ms), &reference, "讲得好")
    };
    assert!(nominated_by(academic).await.is_err(), "教务处 decides");
    assert_eq!(nominated_by(supervisor).await.unwrap(), "JP-00001");
    assert!(nominated_by(teacher).await.is_err(), "once");
    let id = nominated(&f, &recording).await;
    f.keepings.approve(by(academic, now_ms), id).await.unwrap();
    assert!(
        f.keepings
            .consent(by(supervisor, now_ms), id)
            .await
            .is_err()
    );
    assert_eq!(f.last_line().await.detail, "consent_by_others");
    f.retention.keep_now(now_ms).await;
    assert_eq!(keys_kept(&f).await, 0);
    night(&f, ends(&recording)).await;
    assert!(f.files().is_empty());
    let row = f.keepings.premium(None).await.unwrap().remove(0);
    assert_eq!(row.ended.as_deref(), Some("lapsed"));
    let late = by(teacher, ends(&recording));
    assert!(f.keepings.consent(late, id).await.is_err(), "too late");
}

/// R120: whoever consented takes it back, and the course goes the way of all others.
#[tokio::test]
async fn a_consent_that_is_taken_back_ends_it() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    promote(&f, &recording, EIGHT + 300 * MINUTE_MS).await;
    assert_eq!(keys_kept(&f).await, 1);
    let until = ends(&recording);
    night(&f, until).await;
    assert_eq!(plays(&f, recording.id, Purpose::Plan, until).await, Ok(()));
    let later = until + 90 * calendar::DAY_MS;
    let teacher = f.sign_in(TEACHER, later).await;
    let id = nominated(&f, &recording).await;
    let withdrawn = f.keepings.withdraw(by(&teacher, later), id, "不再同意");
    withdrawn.await.unwrap();
    assert_eq!(keys_kept(&f).await, 0, "the key dies with the consent");
    let expired = Err(Refusal::RECORDING_EXPIRED);
    assert_eq!(plays(&f, recording.id, Purpose::Plan, later).await, expired);
    night(&f, later).await;
    assert!(f.files().is_empty());
}

/// R122: a hold needs a case that exists, keeps while it lasts, opens nothing, and ends with it.
#[tokio::test]
async fn a_hold_ends_with_its_case() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    let now_ms = EIGHT + 300 * MINUTE_MS;
    let academic = f.sign_in(ACADEMIC_AFFAIRS, now_ms).await;
    let held = |number: &str| {
        let draft = draft(number);
        let (keepings, by) = (f.keepings.clone(), by(&academic, now_ms));
        async move { keepings.begin_hold(by, &draft).await }
    };
    assert!(held("校纪〔2026〕1号").await.is_err());
    assert_eq!(f.last_line().await.detail, "hold_without_case");
    case(&f, "校纪〔2026〕1号").await;
    assert_eq!(held("校纪〔2026〕1号").await.unwrap(), "BQ-00001");
    let until = ends(&recording);
    night(&f, until).await;
    assert!(
        !f.keys.holds(20_779).await.unwrap(),
        "the day's key is gone"
    );
    assert_eq!(plays(&f, recording.id, Purpose::Issue, until).await, Ok(()));
    let expired = Err(Refusal::RECORDING_EXPIRED);
    let plan = plays(&f, recording.id, Purpose::Plan, until).await;
    assert_eq!(plan, expired, "a hold opens nothing");
    tamper(&f.db, "UPDATE sanctions SET state = 'withdrawn'").await;
    night(&f, until + calendar::DAY_MS).await;
    assert_eq!(keys_kept(&f).await, 0);
    assert!(f.files().is_empty());
    let later = until + calendar::DAY_MS;
    assert_eq!(plays_nothing(&f, &recording, later).await, expired);
    let row = f.keepings.holds().await.unwrap().remove(0);
    assert!(row.ended_ms.is_some() && row.ender.is_none());
}

/// R122: 教务处 ends a hold by hand; more of a held recording that comes later is kept too.
#[tokio::test]
async fn a_hold_keeps_what_comes_later_until_it_is_ended() {
    let f = stage().await;
    let at_ms = EIGHT + 200 * MINUTE_MS;
    let recording = record(&f, 1, at_ms, true).await;
    case(&f, "1").await;
    let academic = f.sign_in(ACADEMIC_AFFAIRS, at_ms).await;
    let draft = draft("1");
    let begun = f.keepings.begin_hold(by(&academic, at_ms), &draft);
    begun.await.unwrap();
    f.retention.keep_now(at_ms).await;
    f.store(&film(2, (at_ms + MINUTE_MS) * 1000, 10)).await;
    let waiting = f.keepings.authorities(at_ms).await.unwrap();
    assert_eq!(waiting.len(), 1, "one recording has a new segment");
    let until = ends(&recording);
    night(&f, until).await;
    assert_eq!(f.files().len(), 2);
    assert_eq!(plays(&f, recording.id, Purpose::Issue, until).await, Ok(()));
    let academic = f.sign_in(ACADEMIC_AFFAIRS, until).await;
    let hold: Uuid = f.keepings.holds().await.unwrap()[0].id.parse().unwrap();
    let ended = f.keepings.end_hold(by(&academic, until), hold, "已了结");
    ended.await.unwrap();
    assert!(
        f.keepings
            .end_hold(by(&academic, until), hold, "再次")
            .await
            .is_err()
    );
    night(&f, until + calendar::DAY_MS).await;
    assert!(f.files().is_empty());
}

/// K11: as long as something that is to be kept cannot be read for now, the day's key waits.
#[tokio::test]
async fn a_key_waits_for_what_is_to_be_kept() {
    let f = stage().await;
    let recording = record(&f, 1, EIGHT + 200 * MINUTE_MS, true).await;
    promote(&f, &recording, EIGHT + 300 * MINUTE_MS).await;
    tamper(&f.db, "DELETE FROM record_segment_keys").await;
    tamper(&f.db, "DELETE FROM record_keys").await;
    let file = f.folder.join("media").join(&f.files()[0]);
    let bytes = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&file, &file).unwrap();
    let until = ends(&recording);
    night(&f, until).await;
    assert!(f.keys.holds(20_779).await.unwrap(), "it waits");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, bytes).unwrap();
    night(&f, until + calendar::DAY_MS).await;
    assert!(!f.keys.holds(20_779).await.unwrap());
    let later = until + calendar::DAY_MS;
    assert_eq!(plays(&f, recording.id, Purpose::Plan, later).await, Ok(()));
}
