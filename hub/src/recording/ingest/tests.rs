//! Ingest: what is stored is verified and durable, what is refused leaves nothing behind.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use sha2::{Digest, Sha256};
use xunke_protocol::sealed::epoch;
use xunke_protocol::sealed::{Sealer, Suite};

use super::*;
use crate::recording::stage::*;
use crate::store::trail::{full, room_again, tamper};

/// 08:10, within the lesson.
const START_US: i64 = (EIGHT + 600_000) * 1000;

async fn refused(stage: &Stage, film: &Film, change: impl FnOnce(&mut Vec<u8>)) -> Refused {
    let mut bytes = stage.sealed(film, box_key()).await;
    change(&mut bytes);
    let answer = stage.upload(film.header.segment, sender(), &bytes, EIGHT);
    let Err(Error::Refused(refused)) = answer.await else {
        panic!("must be refused for good");
    };
    assert_eq!(
        stage.files(),
        Vec::<String>::new(),
        "nothing stays: {refused}"
    );
    let row = rows::segment(&stage.db, &film.header.segment.to_string()).await;
    assert!(row.unwrap().is_none(), "{refused}");
    refused
}

#[tokio::test]
async fn a_segment_is_stored_in_its_place_and_the_receipt_proves_it() {
    let stage = stage().await;
    let film = film(21, START_US, 10);
    let bytes = stage.sealed(&film, box_key()).await;
    let receipt = stage
        .upload(film.header.segment, sender(), &bytes, EIGHT + 5)
        .await
        .unwrap();
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    assert!(receipt.proves(film.header.segment, &sha256, &hub_key().verifying_key()));
    assert_eq!(
        (receipt.bytes, receipt.stored_at),
        (bytes.len() as u64, EIGHT + 5)
    );
    let id = film.header.segment;
    let place = format!("segments/{ROOM}/2026-11-22/{id}.xks");
    assert_eq!(stage.files(), [place.as_str()]);
    let stored = std::fs::read(stage.folder.join("media").join(place)).unwrap();
    assert_eq!(stored, bytes);
    let row = rows::segment(&stage.db, &id.to_string())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((row.duration_us, row.complete), (10 * SECOND_US, 1));
}

/// X14: a changed byte anywhere that is signed is seen before anything is stored.
#[tokio::test]
async fn a_tampered_segment_is_refused_and_nothing_is_stored() {
    let stage = stage().await;
    let film = film(21, START_US, 10);
    let flip = |back: usize| {
        move |bytes: &mut Vec<u8>| {
            let at = bytes.len() - back;
            bytes[at] ^= 1;
        }
    };
    for back in [1, 100, 200, 300] {
        let why = refused(&stage, &film, flip(back)).await;
        assert!(matches!(why, Refused::Damaged(_)), "{back}: {why}");
    }
    let why = refused(&stage, &film, |bytes| *bytes = b"MP4 or so".to_vec()).await;
    assert!(
        matches!(why, Refused::Damaged(Damage::Preamble(_))),
        "{why}"
    );
}

#[tokio::test]
async fn a_segment_of_another_device_room_or_id_is_refused() {
    let stage = stage().await;
    let mut other = film(21, START_US, 10);
    other.header.device = "box-2".parse().unwrap();
    assert!(matches!(
        refused(&stage, &other, |_| ()).await,
        Refused::OtherDevice(_)
    ));
    let mut other = film(21, START_US, 10);
    other.header.classroom = OTHER_ROOM;
    assert_eq!(
        refused(&stage, &other, |_| ()).await,
        Refused::OtherRoom(OTHER_ROOM)
    );
    let good = film(21, START_US, 10);
    let stranger = stage.sealed(&good, SigningKey::from_bytes(&[9; 32])).await;
    let why = refused(&stage, &good, |bytes| *bytes = stranger).await;
    assert!(
        matches!(why, Refused::Damaged(Damage::Signature { .. })),
        "{why}"
    );
    let elsewhere = stage.sealed(&film(22, START_US, 10), box_key()).await;
    let why = refused(&stage, &good, |bytes| *bytes = elsewhere).await;
    assert_eq!(why, Refused::OtherSegment(SegmentId(Uuid::from_u128(22))));
}

/// A box that was enrolled anew still brings what it sealed before.
#[tokio::test]
async fn a_segment_signed_with_an_older_key_of_its_box_is_genuine() {
    let stage = stage().await;
    let film = film(21, START_US, 10);
    let bytes = stage.sealed(&film, box_key()).await;
    let newer = SigningKey::from_bytes(&[9; 32]).verifying_key();
    let mut sender = sender();
    sender.signing_keys.insert(0, newer);
    let accepted = stage.upload(film.header.segment, sender.clone(), &bytes, EIGHT);
    accepted.await.unwrap();
    sender.signing_keys.clear();
    let other = stage.sealed(&self::film(22, START_US, 10), box_key()).await;
    let id = SegmentId(Uuid::from_u128(22));
    let keyless = stage.upload(id, sender, &other, EIGHT).await;
    assert!(matches!(keyless, Err(Error::Refused(Refused::Damaged(_)))));
}

#[tokio::test]
async fn times_that_cannot_be_days_without_key_and_empty_films_are_refused() {
    let stage = stage().await;
    let day_us = calendar::DAY_MS * 1000;
    for wrong in [
        0,
        START_US + 2 * day_us,
        START_US - 500 * day_us,
        i64::MAX,
        i64::MIN,
    ] {
        let why = refused(&stage, &film(21, wrong, 10), |_| ()).await;
        assert!(matches!(why, Refused::Clock(_)), "{why}");
    }
    let foreign = epoch::DaySecret::generate(Suite::default(), 30_000, &mut UnwrapErr(SysRng)).1;
    let rng = &mut UnwrapErr(SysRng);
    let good = film(21, START_US, 10);
    let (mut sealer, mut bytes) = Sealer::begin(&good.header, &foreign, box_key(), rng).unwrap();
    for plain in PLAIN {
        bytes.extend(sealer.chunk(plain, 1).unwrap());
    }
    let why = refused(&stage, &good, |out| *out = bytes).await;
    assert_eq!(why, Refused::NoKey(30_000));
    let whole = stage.sealed(&good, box_key()).await;
    let preamble = whole.windows(2).position(|two| two == b"C\0").unwrap();
    let why = refused(&stage, &good, |out| *out = whole[..preamble].to_vec()).await;
    assert_eq!(why, Refused::Empty);
}

/// A power cut on the box: what is whole is kept.
#[tokio::test]
async fn a_truncated_segment_is_stored_as_such() {
    let stage = stage().await;
    let cut = Film {
        finished: false,
        ..film(21, START_US, 10)
    };
    stage.store(&cut).await;
    let row = rows::segment(&stage.db, &cut.header.segment.to_string()).await;
    let row = row.unwrap().unwrap();
    assert_eq!((row.complete, row.duration_us), (0, 10 * SECOND_US));
}

#[tokio::test]
async fn the_same_upload_gets_the_same_receipt_and_other_bytes_a_conflict() {
    let stage = stage().await;
    let film = film(21, START_US, 10);
    let bytes = stage.sealed(&film, box_key()).await;
    let id = film.header.segment;
    let first = stage.upload(id, sender(), &bytes, EIGHT).await.unwrap();
    let again = stage
        .upload(id, sender(), &bytes, EIGHT + 9_000)
        .await
        .unwrap();
    assert_eq!(again, first);
    let other = stage.sealed(&film, box_key()).await;
    assert_ne!(other, bytes);
    let conflict = stage.upload(id, sender(), &other, EIGHT).await;
    assert!(matches!(conflict, Err(Error::Conflict)));
    let thief = Sender {
        device: "box-2".parse().unwrap(),
        ..sender()
    };
    let conflict = stage.upload(id, thief, &bytes, EIGHT).await;
    assert!(
        matches!(conflict, Err(Error::Conflict)),
        "a receipt is for its own box"
    );
    assert_eq!(stage.files().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uploads_of_one_id_at_the_same_time_leave_one_file_and_one_receipt() {
    let stage = Arc::new(stage().await);
    let film = film(21, START_US, 10);
    let same = stage.sealed(&film, box_key()).await;
    let other = stage.sealed(&film, box_key()).await;
    let mut tasks = Vec::new();
    for n in 0..16 {
        let (stage, id) = (stage.clone(), film.header.segment);
        let bytes = if n % 4 == 3 {
            other.clone()
        } else {
            same.clone()
        };
        tasks.push(tokio::spawn(async move {
            stage.upload(id, sender(), &bytes, EIGHT + n).await
        }));
    }
    let mut receipts = Vec::new();
    for task in tasks {
        match task.await.unwrap() {
            Ok(receipt) => receipts.push(receipt),
            Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
        }
    }
    assert!(!receipts.is_empty() && receipts.iter().all(|one| *one == receipts[0]));
    let files = stage.files();
    assert_eq!(files.len(), 1);
    let stored = std::fs::read(stage.folder.join("media").join(&files[0])).unwrap();
    let sha256: [u8; 32] = Sha256::digest(&stored).into();
    assert_eq!(
        sha256, receipts[0].sha256,
        "the receipt is about the file that is there"
    );
}

/// The power-cut order: without a committed row there is no receipt, and the next try mends it.
#[tokio::test]
async fn no_receipt_before_the_row_and_the_next_try_mends_it() {
    let stage = stage().await;
    let film = film(21, START_US, 10);
    let bytes = stage.sealed(&film, box_key()).await;
    let id = film.header.segment;
    full(&stage.db, "segments", "1 = 1").await;
    let failed = stage.upload(id, sender(), &bytes, EIGHT).await;
    assert!(
        matches!(failed, Err(Error::Store(_))),
        "the row cannot be written"
    );
    assert_eq!(stage.files().len(), 1, "the file is there first");
    room_again(&stage.db).await;
    let receipt = stage.upload(id, sender(), &bytes, EIGHT + 1).await.unwrap();
    assert_eq!(receipt.stored_at, EIGHT + 1);
    assert_eq!(stage.files().len(), 1);
}

/// The other half of the order: a file that cannot take its place leaves no row.
#[tokio::test]
async fn no_row_before_the_file() {
    let stage = stage().await;
    let film = film(21, START_US, 10);
    let bytes = stage.sealed(&film, box_key()).await;
    let id = film.header.segment;
    let in_the_way = stage.folder.join("media/segments");
    std::fs::write(&in_the_way, b"a file where a folder should be").unwrap();
    let failed = stage.upload(id, sender(), &bytes, EIGHT).await;
    assert!(matches!(failed, Err(Error::Media(_))));
    assert!(
        rows::segment(&stage.db, &id.to_string())
            .await
            .unwrap()
            .is_none()
    );
    std::fs::remove_file(in_the_way).unwrap();
    stage.upload(id, sender(), &bytes, EIGHT).await.unwrap();
}

/// A lesson's segments are one recording, with what was recorded around it (X52); what starts after
/// that belongs to its hour.
#[tokio::test]
async fn a_segment_belongs_to_the_lesson_in_which_it_starts() {
    let stage = stage().await;
    let last_us = NINE_FORTY * 1000 - SECOND_US;
    for (number, start_us) in [
        (21, START_US),
        (22, last_us),
        (23, last_us + 10 * SECOND_US),
        (24, EIGHT * 1000 - 120 * SECOND_US),
        (25, last_us + 301 * SECOND_US),
        (26, EIGHT * 1000 - 121 * SECOND_US),
    ] {
        stage.store(&film(number, start_us, 10)).await;
    }
    let recording = |number: u128| {
        let id = Uuid::from_u128(number).to_string();
        let db = stage.db.clone();
        async move { rows::segment(&db, &id).await.unwrap().unwrap().recording_id }
    };
    for number in [22, 23, 24] {
        assert_eq!(recording(21).await, recording(number).await, "{number}");
    }
    assert_ne!(recording(22).await, recording(25).await);
    assert_ne!(recording(22).await, recording(26).await);
}

/// X51: what a box without a battery sealed in 1970 is filed when it was, once the box has told of
/// its clocks; before that it is refused, and kept aside on the box.
#[tokio::test]
async fn a_segment_of_1970_is_filed_when_it_was() {
    let stage = stage().await;
    let mut film = film(31, 600 * SECOND_US, 10);
    film.header.mono_ms = 600_000;
    let bytes = stage.sealed(&film, box_key()).await;
    let id = film.header.segment;
    let early = stage.upload(id, sender(), &bytes, EIGHT + 1_200_000).await;
    assert!(
        matches!(early, Err(Error::Refused(Refused::Clock(600_000)))),
        "{early:?}"
    );
    let report = serde_json::json!({
        "cameras": [], "recording": {"state": "idle", "since": 0},
        "spool": {"waiting_bytes": 0, "waiting_segments": 0, "free_bytes": 9, "limit_bytes": 9,
            "evicted_unsent": 0},
        "system": {"uptime_s": 1, "load_ratio": 0.1, "memory_available_bytes": 1,
            "agent_resident_bytes": 1},
        "clock_skew_ms": 1_800_000 - (EIGHT + 1_200_000),
    });
    let device = "INSERT INTO devices (id, classroom_id, state, created_ms) VALUES ('box-1',
                  '00000000-0000-0000-0000-000000000065', 'enrolled', 0)";
    tamper(&stage.db, device).await;
    let row = store::health::ReportRow {
        device_id: "box-1".into(),
        report: report.to_string(),
        boot: film.header.boot.to_string(),
        mono_ms: 1_800_000,
        ts_ms: 1_800_000,
    };
    let note = store::together::Note::Report(row, EIGHT);
    store::together::note(&stage.db, note).await.unwrap();
    stage
        .upload(id, sender(), &bytes, EIGHT + 1_200_000)
        .await
        .unwrap();
    let stored = rows::segment(&stage.db, &id.to_string())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.start_us, EIGHT * 1000);
}
