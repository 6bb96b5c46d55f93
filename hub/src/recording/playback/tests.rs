//! Playback: bytes for a permit, for its session, for as long as it holds; and a trace of it all.

use super::*;
use crate::recording::stage::*;
use crate::store::trail::tamper;

const AT_US: i64 = EIGHT * 1000;
const NOW: i64 = EIGHT + 60_000;

async fn recorded(stage: &Stage) -> Recording {
    for (number, second) in [(1, 0), (2, 10), (3, 300)] {
        stage
            .store(&film(number, AT_US + second * SECOND_US, 10))
            .await;
    }
    let mut all = library::on_day(&stage.db, 20_779, NOW).await.unwrap();
    all.remove(0)
}

fn id(number: u128) -> SegmentId {
    SegmentId(Uuid::from_u128(number))
}

async fn opened(stage: &Stage, session: &Session, recording: &Recording) -> String {
    let opened = stage
        .playback
        .open(recording, Purpose::Plan, session, DESK, NOW);
    opened.await.unwrap().play_id
}

async fn refusal(stage: &Stage, person: u128, purpose: Purpose) -> Refusal {
    let recording = recorded(stage).await;
    let session = stage.sign_in(person, NOW).await;
    let answer = stage
        .playback
        .open(&recording, purpose, &session, DESK, NOW);
    let Err(Error::Denied(Denied::Refused(refusal))) = answer.await else {
        panic!("must be refused");
    };
    let line = stage.last_line().await;
    assert_eq!(
        (line.action.as_str(), line.outcome.as_str()),
        ("playback", "refused")
    );
    assert_eq!(line.article, refusal.article);
    assert!(
        stage.playback.0.plays().is_empty(),
        "and there is nothing to fetch from"
    );
    refusal
}

#[tokio::test]
async fn a_permitted_person_gets_init_segment_and_fragments() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    for person in [SCHOOL_SUPERVISOR, UNIT_SUPERVISOR] {
        let session = stage.sign_in(person, NOW).await;
        let play = opened(&stage, &session, &recording).await;
        let line = stage.last_line().await;
        assert_eq!(
            (line.action.as_str(), line.outcome.as_str()),
            ("playback", "permitted")
        );
        let plain = stage
            .playback
            .segment(&play, (id(1), None), &session, NOW)
            .await
            .unwrap();
        assert_eq!(plain, PLAIN);
    }
}

/// R22, R57: 第十一条.
#[tokio::test]
async fn a_unit_supervisor_of_another_unit_is_refused_and_gets_no_byte() {
    let stage = stage().await;
    let why = refusal(&stage, OTHER_UNIT_SUPERVISOR, Purpose::Plan).await;
    assert_eq!((why, why.article), (Refusal::OTHER_UNIT, "第十一条"));
}

/// R8, R58.
#[tokio::test]
async fn a_technician_is_refused() {
    let stage = stage().await;
    let why = refusal(&stage, TECHNICIAN, Purpose::Plan).await;
    assert_eq!(why, Refusal::TECHNICIAN_CONTENT);
}

/// R19, R34.
#[tokio::test]
async fn without_a_signed_agreement_there_is_no_playback() {
    let stage = stage().await;
    let why = refusal(&stage, UNSIGNED, Purpose::Plan).await;
    assert_eq!((why, why.article), (Refusal::AGREEMENT_UNSIGNED, "第十条"));
}

/// R43.
#[tokio::test]
async fn without_a_purpose_there_is_no_playback() {
    let stage = stage().await;
    let why = refusal(&stage, SCHOOL_SUPERVISOR, Purpose::Missing).await;
    assert_eq!(why, Refusal::PURPOSE_MISSING);
}

#[tokio::test]
async fn a_play_is_worth_nothing_in_another_session() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    let other = stage.sign_in(UNIT_SUPERVISOR, NOW).await;
    for (play, session) in [(play.as_str(), &other), ("0", &session), ("", &session)] {
        let answer = stage
            .playback
            .segment(play, (id(1), None), session, NOW)
            .await;
        assert!(matches!(answer, Err(Error::NotFound)));
    }
}

#[tokio::test]
async fn a_play_reaches_the_segments_of_its_own_recording_only() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    stage
        .store(&film(9, NINE_FORTY * 1000 + 301 * SECOND_US, 10))
        .await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    for foreign in [9, 1234] {
        let answer = stage
            .playback
            .segment(&play, (id(foreign), None), &session, NOW)
            .await;
        assert!(matches!(answer, Err(Error::NotFound)), "{foreign}");
    }
}

/// Every fetch is asked again: a grant that is closed goes dark at the next segment.
#[tokio::test]
async fn a_closed_grant_ends_the_play_at_the_next_fetch() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    stage
        .playback
        .segment(&play, (id(1), None), &session, NOW)
        .await
        .unwrap();
    tamper(&stage.db, "UPDATE grants SET until_ms = 1").await;
    let answer = stage
        .playback
        .segment(&play, (id(2), None), &session, NOW)
        .await;
    assert!(matches!(answer, Err(Error::Refused(Refusal::NO_GRANT))));
    let line = stage.last_line().await;
    assert_eq!(line.action, "view_closed");
    assert_eq!(line.detail, "no_grant; watched cam0 08:00:00-08:00:10");
    tamper(&stage.db, "UPDATE grants SET until_ms = NULL").await;
    let answer = stage
        .playback
        .segment(&play, (id(1), None), &session, NOW)
        .await;
    assert!(
        matches!(answer, Err(Error::Refused(Refusal::NO_GRANT))),
        "and stays ended, also with a new grant"
    );
    stage.playback.sweep(NOW + IDLE_MS_MAX).await;
    assert_eq!(stage.last_line().await.seq, line.seq, "one end is enough");
}

/// R23: nobody fetches anything, and the play ends all the same; what is being sent is cut off.
#[tokio::test]
async fn a_play_that_may_not_go_on_ends_by_itself() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    stage.playback.recheck(NOW).await;
    assert!(stage.playback.goes_on(&play, NOW));
    tamper(&stage.db, "UPDATE persons SET standing = 'suspended'").await;
    stage.playback.recheck(NOW + SENDING_MS_MAX).await;
    assert!(
        stage.playback.goes_on(&play, NOW),
        "nobody is being sent anything"
    );
    stage.playback.recheck(NOW + 1).await;
    let goes_on = |play: &str| stage.playback.goes_on(play, NOW + 1);
    assert!(!goes_on(&play) && !goes_on("another"));
    let line = stage.last_line().await;
    let ended = (line.action.as_str(), line.detail.as_str());
    assert_eq!(ended, ("view_closed", "suspended; nothing watched"));
    stage.playback.recheck(NOW + 2).await;
    assert_eq!(stage.last_line().await.seq, line.seq, "one end is enough");
    tamper(&stage.db, "UPDATE persons SET standing = 'active'").await;
    let answer = stage
        .playback
        .segment(&play, (id(1), None), &session, NOW)
        .await;
    assert!(matches!(answer, Err(Error::Refused(Refusal::SUSPENDED))));
}

#[tokio::test]
async fn signing_out_ends_the_play() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    stage.sessions.end(&session, NOW).await.unwrap();
    let answer = stage
        .playback
        .segment(&play, (id(1), None), &session, NOW)
        .await;
    assert!(matches!(
        answer,
        Err(Error::Refused(Refusal::SESSION_ENDED))
    ));
}

/// R69: what was watched, with its jumps.
#[tokio::test]
async fn an_idle_play_ends_with_what_was_watched_in_the_trail() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    for number in [1, 2, 3] {
        stage
            .playback
            .segment(&play, (id(number), None), &session, NOW)
            .await
            .unwrap();
    }
    stage.playback.sweep(NOW + IDLE_MS_MAX - 1).await;
    // R116: one line for the key of the day, not one a segment.
    let lines = stage.trail.before(i64::MAX, 10).await.unwrap();
    let actions: Vec<_> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions[..2], ["use_key", "playback"]);
    stage.playback.sweep(NOW + IDLE_MS_MAX).await;
    let line = stage.last_line().await;
    assert_eq!(
        (line.action.as_str(), line.outcome.as_str()),
        ("view_closed", "done")
    );
    let watched = "idle; watched cam0 08:00:00-08:00:20, 08:05:00-08:05:10";
    assert_eq!(line.detail, watched);
}

/// Ten seconds in five fragments, the first and the fourth with a keyframe.
fn grouped(number: u128) -> Film {
    let fragment = |number: u8, key| [&keyframe::tests::written(key)[..], &[number]].concat();
    let keys = [true, false, false, true, false];
    let fragments = (1..).zip(keys).map(|(number, key)| fragment(number, key));
    Film {
        plain: [b"ftyp moov".to_vec()]
            .into_iter()
            .chain(fragments)
            .collect(),
        ..film(number, AT_US, 10)
    }
}

/// Which fragments came, behind the init segment.
fn numbers(plain: &[Vec<u8>]) -> Vec<u8> {
    assert_eq!(plain[0], b"ftyp moov");
    let last = |part: &Vec<u8>| *part.last().unwrap();
    plain[1..].iter().map(last).collect()
}

/// A jump into a segment is sent from the keyframe before it, and that is what was watched.
#[tokio::test]
async fn a_segment_is_sent_from_the_keyframe_before_the_moment() {
    let stage = stage().await;
    let film = grouped(1);
    stage.store(&film).await;
    let recording = library::on_day(&stage.db, 20_779, NOW)
        .await
        .unwrap()
        .remove(0);
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    let from = async |from_ms: Option<i64>| {
        let wanted = (id(1), from_ms.map(|ms| EIGHT + ms));
        let plain = stage.playback.segment(&play, wanted, &session, NOW).await;
        plain.map(|plain| numbers(&plain))
    };
    for from_ms in [7_000, 9_999, 6_000, 3_600_000] {
        assert_eq!(from(Some(from_ms)).await.unwrap(), [4, 5], "{from_ms}");
    }
    let watched = stage.playback.0.plays()[&play].seen().watched.to_string();
    assert_eq!(watched, "watched cam0 08:00:06-08:00:10");
    for from_ms in [
        None,
        Some(0),
        Some(-5_000),
        Some(1_000),
        Some(5_999),
        Some(-EIGHT),
    ] {
        let all = from(from_ms).await.unwrap();
        assert_eq!(all, [1, 2, 3, 4, 5], "{from_ms:?}");
    }
    // Of what is before the keyframe nothing is opened: not even that it was changed is noticed.
    let path = stage.folder.join("media").join(&stage.files()[0]);
    let mut bytes = std::fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[length / 2] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert_eq!(from(Some(7_000)).await.unwrap(), [4, 5]);
    assert!(from(None).await.is_err());
}

/// Where no fragment begins with a keyframe, all of the segment is sent.
#[tokio::test]
async fn a_segment_without_keyframes_is_sent_whole() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    let wanted = (id(1), Some(EIGHT + 9_000));
    let plain = stage.playback.segment(&play, wanted, &session, NOW).await;
    assert_eq!(plain.unwrap(), PLAIN);
}

/// R69: jumps stand in the trail when the play ends; of the own play and recording alone.
#[tokio::test]
async fn jumps_stand_in_the_trail_when_the_play_ends() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    let jump = |from_ms, to_ms| stage.playback.jump(&play, (from_ms, to_ms), &session, NOW);
    jump(EIGHT, EIGHT + 300_000).await.unwrap();
    for _ in 0..13 {
        jump(EIGHT + 310_000, EIGHT + 5_000).await.unwrap();
    }
    for (from_ms, to_ms, field) in [(0, EIGHT, "from"), (EIGHT, i64::MAX, "to")] {
        let answer = jump(from_ms, to_ms).await;
        assert!(matches!(answer, Err(Error::Field(wrong)) if wrong.field == field));
    }
    let other = stage.sign_in(UNIT_SUPERVISOR, NOW).await;
    let answer = stage
        .playback
        .jump(&play, (EIGHT, EIGHT), &other, NOW)
        .await;
    assert!(matches!(answer, Err(Error::NotFound)));
    stage.playback.end_all(NOW).await;
    let lines = stage.trail.before(i64::MAX, 2).await.unwrap();
    assert_eq!(lines[0].action, "view_closed");
    assert_eq!(
        (&*lines[1].action, &lines[1].object),
        ("playback_jumps", &lines[0].object)
    );
    let told = &lines[1].detail;
    assert!(
        told.starts_with("08:00:00-08:05:00, 08:05:10-08:00:05, "),
        "{told}"
    );
    assert!(told.ends_with(" and 2 more"), "{told}");
    let answer = jump(EIGHT, EIGHT).await;
    assert!(matches!(answer, Err(Error::NotFound)), "it has ended");
}

#[tokio::test]
async fn plays_of_a_person_are_limited_and_the_idlest_makes_room() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let mut plays = Vec::new();
    for _ in 0..PER_PERSON_MAX {
        plays.push(opened(&stage, &session, &recording).await);
    }
    for used in &plays[1..] {
        let fetched = stage
            .playback
            .segment(used, (id(1), None), &session, NOW + 1)
            .await;
        fetched.unwrap();
    }
    opened(&stage, &session, &recording).await;
    let gone = stage
        .playback
        .segment(&plays[0], (id(1), None), &session, NOW)
        .await;
    assert!(matches!(gone, Err(Error::NotFound)));
    assert_eq!(stage.playback.0.plays().len(), PER_PERSON_MAX);
    let lines = stage.trail.before(i64::MAX, 2).await.unwrap();
    assert!(
        lines
            .iter()
            .any(|line| line.detail == "replaced; nothing watched")
    );
}

/// X9: no trail, no picture.
#[tokio::test]
async fn when_the_trail_cannot_be_written_nobody_sees_anything() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    tamper(&stage.db, "DROP TABLE trail").await;
    let answer = stage
        .playback
        .open(&recording, Purpose::Plan, &session, DESK, NOW)
        .await;
    assert!(matches!(
        answer,
        Err(Error::Denied(Denied::TrailUnavailable(_)))
    ));
    assert!(stage.playback.0.plays().is_empty());
}

/// X14: a file that was changed on the hub's own disk is not shown.
#[tokio::test]
async fn a_file_changed_on_the_disk_does_not_open() {
    let stage = stage().await;
    let recording = recorded(&stage).await;
    let session = stage.sign_in(SCHOOL_SUPERVISOR, NOW).await;
    let play = opened(&stage, &session, &recording).await;
    let file = stage
        .files()
        .into_iter()
        .find(|name| name.contains("0001.xks"));
    let path = stage.folder.join("media").join(file.unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let answer = stage
        .playback
        .segment(&play, (id(1), None), &session, NOW)
        .await;
    assert!(matches!(answer, Err(Error::Keys(keys::Error::Damaged(_)))));
}

/// Moonshot 1: who has the whole disk but not the master key has nothing.
#[tokio::test]
async fn no_plain_byte_is_on_the_disk() {
    let stage = stage().await;
    recorded(&stage).await;
    for file in stage.files() {
        let bytes = std::fs::read(stage.folder.join("media").join(file)).unwrap();
        for plain in PLAIN {
            assert!(!bytes.windows(plain.len()).any(|window| window == plain));
        }
    }
}
