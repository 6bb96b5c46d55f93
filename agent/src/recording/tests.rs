//! The whole room: frames in, and the day's secret opens what lies on the disk; nothing else does.

use super::*;
use crate::camera::ring::FrameHub;
use crate::test_peer::Hub;
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mp4_atom::{Any, Decode};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;
use xunke_protocol::health::{CameraSignals, RecordingState};
use xunke_protocol::id::{ClassroomId, SourceName};
use xunke_protocol::live::{AudioConfig, Frame, FrameKind, VideoConfig};
use xunke_protocol::recording::{Gap, GapReason};
use xunke_protocol::sealed::epoch::{self, DaySecret, SignedBundle};
use xunke_protocol::sealed::{Outline, Suite, header::Header};
use xunke_protocol::timetable::{Mode, Timetable, Window};

const START_US: i64 = 1_763_000_000_000_000;
const CANARY: &[u8] = b"a face in the third row";

/// A box that seals to a day key of which the test has the secret.
struct Classroom {
    identity: Identity,
    config: Config,
    secret: DaySecret,
    schedule: Schedule,
}

impl Drop for Classroom {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.config.state_dir);
    }
}

impl Classroom {
    async fn new(name: &str) -> Self {
        let hub = Hub::start().await;
        let mut config = hub.config(name);
        config.spool.free_mib_min = 0;
        let identity = hub.enrolled(&config).await;
        let day = epoch::of(START_US / 1000);
        let (secret, key) = DaySecret::generate(Suite::default(), day, &mut UnwrapErr(SysRng));
        // The signing key of the test hub.
        let bundle = SignedBundle::sign(2, vec![key], &SigningKey::from_bytes(&[5; 32]));
        identity.epochs.accept(bundle).unwrap();
        Self {
            identity,
            config,
            secret,
            schedule: Schedule::fixed(None),
        }
    }

    /// A recorder that knows no other time than `now_us`.
    fn recorder(&self, spool: &Spool, hub: &FrameHub, now_us: fn() -> i64) -> Recorder {
        let (source, meter): (SourceName, _) = ("cam0".parse().unwrap(), Meter::default());
        let signals = json!({"source": "cam0", "state": "streaming", "since": 1,
            "bytes_per_second": 0, "frames_per_second": 0.0, "restarts": 0, "audio": false});
        let signals = serde_json::from_value::<CameraSignals>(signals).unwrap();
        let sight = Sight {
            source: source.clone(),
            spool: spool.clone(),
            schedule: self.schedule.clone(),
            meter: meter.clone(),
            camera: watch::channel(signals).1,
            folder: self.config.state_dir.join("told"),
            now_us,
        };
        Recorder {
            source,
            frames: hub.record(),
            seal: Seal::of(&self.identity),
            spool: spool.clone(),
            lengths: Lengths {
                segment_us: 10_000_000,
                fragment_us: 2_000_000,
                first_sound_us: 2_000_000,
                segment_bytes_max: 1 << 20,
            },
            meter,
            schedule: self.schedule.clone(),
            witness: Witness::new(sight),
        }
    }

    fn spool(&self) -> (Spool, mpsc::Receiver<Gap>) {
        let limits = Limits {
            bytes_max: 1 << 26,
            free_bytes_min: 0,
            slot_bytes: 1 << 20,
        };
        let (gaps, told) = mpsc::channel(8);
        let device = self.identity.device_signing_key.verifying_key();
        let dir = self.config.state_dir.join("spool");
        (Spool::open(&dir, limits, &device, gaps).unwrap(), told)
    }

    /// Records what `camera` sends, from beginning to end.
    async fn record(&self, camera: &mut Camera, pictures: std::ops::Range<i64>) -> Vec<Gap> {
        self.record_at(camera, pictures, || START_US + 100_000_000)
            .await
    }

    /// The same while the box's clock stands still.
    async fn record_at(
        &self,
        camera: &mut Camera,
        pictures: std::ops::Range<i64>,
        now_us: fn() -> i64,
    ) -> Vec<Gap> {
        let (spool, mut told) = self.spool();
        let hub = FrameHub::default();
        let recorder = self.recorder(&spool, &hub, now_us);
        camera.play(&hub, pictures);
        hub.close();
        recorder.run().await;
        spool.close();
        std::iter::from_fn(|| told.try_recv().ok()).collect()
    }

    /// What the spool holds, oldest first.
    fn segments(&self) -> Vec<Vec<u8>> {
        let listed = std::fs::read_dir(self.config.state_dir.join("spool")).unwrap();
        let files = listed.map(|item| item.unwrap().path());
        let slots = files.filter(|path| path.extension().is_some_and(|end| end == "slot"));
        let device = self.identity.device_signing_key.verifying_key();
        let held = slots.filter_map(|slot| spool::look_into(&slot, &device).unwrap());
        let mut held: Vec<(Header, Vec<u8>)> = held.collect();
        held.sort_by_key(|(header, _)| header.start_us);
        held.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// Verifies and opens a segment: header, whether complete, and its plain chunks.
    fn open(&self, bytes: &[u8]) -> (Header, bool, [u8; 32], Vec<Vec<u8>>) {
        let plain = bytes.windows(8).any(|window| window == &CANARY[..8]);
        assert!(!plain, "plain canary");
        let outline = Outline::scan(bytes).unwrap();
        outline
            .verify(&self.identity.device_signing_key.verifying_key())
            .unwrap();
        let key = outline.unwrap_key(&self.secret).unwrap();
        let plain = outline.open(bytes, &key).unwrap();
        (outline.header, outline.complete, outline.chain, plain)
    }
}

/// 25 pictures a second, a keyframe every two seconds, sound beside them.
struct Camera {
    sequence: u32,
}

impl Camera {
    fn play(&mut self, hub: &FrameHub, pictures: std::ops::Range<i64>) {
        let video = VideoConfig {
            codec: "avc1.4d401e".into(),
            width: 640,
            height: 360,
            description: "AU1AHv/hABhnTUAe7KBQF/y4CIAAAAMAgAAAGQeLFssBAAVo6+PLIA==".into(),
        };
        let audio = AudioConfig {
            codec: "mp4a.40.2".into(),
            sample_rate: 48_000,
            channels: 1,
            description: "EYg=".into(),
        };
        let json = serde_json::to_vec(&video).unwrap();
        self.send(hub, FrameKind::VideoConfig, false, 0, json);
        let json = serde_json::to_vec(&audio).unwrap();
        self.send(hub, FrameKind::AudioConfig, false, 0, json);
        let mut sound_us = pictures.start * 40_000;
        for number in pictures {
            while sound_us <= number * 40_000 {
                self.send(hub, FrameKind::Audio, false, sound_us, CANARY.to_vec());
                sound_us += 21_333;
            }
            let key = number % 50 == 0;
            self.send(
                hub,
                FrameKind::Video,
                key,
                number * 40_000,
                CANARY.repeat(9),
            );
        }
    }

    fn send(&mut self, hub: &FrameHub, kind: FrameKind, key: bool, at_us: i64, payload: Vec<u8>) {
        self.sequence += 1;
        hub.publish(Frame {
            kind,
            key,
            handle: 0,
            sequence: self.sequence,
            captured_us: START_US + at_us,
            payload: Bytes::from(payload),
        });
    }
}

fn boxes(bytes: &[u8]) -> Vec<Any> {
    let mut rest = bytes;
    let mut boxes = Vec::new();
    while !rest.is_empty() {
        boxes.push(Any::decode(&mut rest).unwrap());
    }
    boxes
}

#[tokio::test]
async fn what_is_recorded_opens_with_the_secret_of_its_day() {
    let classroom = Classroom::new("whole").await;
    let gaps = classroom.record(&mut Camera { sequence: 0 }, 0..626).await;
    assert_eq!(gaps, []);
    let segments = classroom.segments();
    assert_eq!(segments.len(), 3);
    let mut previous = [0; 32];
    for (number, segment) in (0..).zip(&segments) {
        let (header, complete, chain, plain) = classroom.open(segment);
        assert_eq!(header.start_us, START_US + number * 10_000_000);
        assert_eq!((header.previous, complete), (previous, true));
        assert_eq!(header.codecs, "avc1.4d401e,mp4a.40.2");
        previous = chain;
        let init = boxes(&plain[0]);
        assert!(matches!(&init[..], [Any::Ftyp(_), Any::Moov(moov)] if moov.trak.len() == 2));
        let fragments = plain[1..].iter().map(|fragment| boxes(fragment));
        for fragment in fragments {
            let [Any::Moof(moof), Any::Mdat(mdat)] = &fragment[..] else {
                panic!("a fragment is moof and mdat");
            };
            let samples: usize = moof
                .traf
                .iter()
                .map(|traf| traf.trun[0].samples.len())
                .sum();
            let pictures = moof.traf[0].trun[0].samples.len();
            let bytes = pictures * CANARY.len() * 9 + (samples - pictures) * CANARY.len();
            assert_eq!(mdat.data.len(), bytes);
        }
    }
}

#[tokio::test]
async fn a_second_start_continues_the_chain_and_tells_the_gap() {
    let classroom = Classroom::new("again").await;
    let _ = classroom.record(&mut Camera { sequence: 0 }, 0..100).await;
    let (.., chain, _) = classroom.open(&classroom.segments()[0]);
    let gaps = classroom
        .record(&mut Camera { sequence: 0 }, 2_000..2_100)
        .await;
    let (header, ..) = classroom.open(&classroom.segments()[1]);
    assert_eq!(header.previous, chain);
    let [gap] = &gaps[..] else {
        panic!("{gaps:?}");
    };
    assert_eq!(gap.reason, GapReason::Power);
    assert_eq!(
        (gap.from_us, gap.to_us),
        (START_US + 4_000_000, START_US + 80_000_000)
    );
}

#[tokio::test]
async fn a_disk_that_refuses_is_failing_and_a_gap_until_it_is_back() {
    let classroom = Classroom::new("refuses").await;
    let in_the_way = classroom.config.state_dir.join("spool/00000.slot");
    let (spool, mut told) = classroom.spool();
    std::fs::create_dir(&in_the_way).unwrap();
    let hub = FrameHub::default();
    let mut recorder = classroom.recorder(&spool, &hub, || START_US);
    recorder.lengths.first_sound_us = 0;
    let meter = recorder.meter.clone();
    let task = tokio::spawn(recorder.run());
    let mut camera = Camera { sequence: 0 };
    camera.play(&hub, 0..150);
    let state = || look(std::slice::from_ref(&meter), &classroom.schedule, None).state;
    while state() != RecordingState::Failing {
        sleep(Duration::from_millis(20)).await;
    }
    std::fs::remove_dir(&in_the_way).unwrap();
    camera.play(&hub, 150..260);
    while state() != RecordingState::Recording {
        sleep(Duration::from_millis(20)).await;
    }
    hub.close();
    task.await.unwrap();
    let gap = told.try_recv().unwrap();
    assert_eq!((gap.from_us, gap.reason), (START_US, GapReason::Disk));
    let (header, ..) = classroom.open(&classroom.segments()[0]);
    assert_eq!(gap.to_us, header.start_us);
}

/// A day with one lesson, in seconds from the camera's first picture.
fn lesson(from_s: i64, to_s: i64) -> Schedule {
    let moment = |second: i64| START_US / 1000 + second * 1000;
    Schedule::fixed(Some(Timetable {
        classroom: ClassroomId(Uuid::nil()),
        version: 1,
        made_at: moment(-3600),
        mode: Mode::Lessons,
        known: Window {
            from_ms: moment(-86_400),
            to_ms: moment(86_400),
        },
        windows: vec![Window {
            from_ms: moment(from_s),
            to_ms: moment(to_s),
        }],
    }))
}

/// X50, X52, X53: from the keyframe before the lesson to its end, and nothing after it; what the
/// camera did not show outside of it is not missing.
#[tokio::test]
async fn a_lesson_is_recorded_and_what_is_around_it_is_not() {
    let mut classroom = Classroom::new("lesson").await;
    classroom.schedule = lesson(5, 23);
    let gaps = classroom.record(&mut Camera { sequence: 0 }, 0..1000).await;
    assert_eq!(gaps, []);
    let segments = classroom.segments();
    let headers: Vec<Header> = segments.iter().map(|path| classroom.open(path).0).collect();
    let starts: Vec<i64> = headers
        .iter()
        .map(|header| header.start_us - START_US)
        .collect();
    assert_eq!(starts, [4_000_000, 14_000_000]);
    let (.., plain) = classroom.open(&segments[1]);
    let pictures: usize = plain[1..].iter().map(|one| pictures(one)).sum();
    assert_eq!(pictures, (23 - 14) * 25, "up to the end of the lesson");

    // Half an hour later, in the next lesson: the box was off for its first ten seconds.
    classroom.schedule = lesson(1800, 1900);
    let mut camera = Camera { sequence: 0 };
    let gaps = classroom
        .record_at(&mut camera, 1810 * 25..1830 * 25, || {
            START_US + 1_815_000_000
        })
        .await;
    let [gap] = &gaps[..] else {
        panic!("{gaps:?}");
    };
    let told = (gap.from_us - START_US, gap.to_us - START_US, gap.reason);
    assert_eq!(told, (1_800_000_000, 1_810_000_000, GapReason::Power));
}

fn pictures(fragment: &[u8]) -> usize {
    match &boxes(fragment)[..] {
        [Any::Moof(moof), Any::Mdat(_)] => moof.traf[0].trun[0].samples.len(),
        _ => panic!("a fragment is moof and mdat"),
    }
}
