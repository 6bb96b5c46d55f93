//! The whole room: frames in, and the day's secret opens what lies on the disk; nothing else does.

use super::*;
use crate::camera::ring::FrameHub;
use crate::test_peer::Hub;
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use mp4_atom::{Any, Decode};
use std::path::{Path, PathBuf};
use xunke_protocol::health::RecordingState;
use xunke_protocol::live::{AudioConfig, Frame, FrameKind, VideoConfig};
use xunke_protocol::recording::GapReason;
use xunke_protocol::sealed::epoch::{self, DaySecret, SignedBundle};
use xunke_protocol::sealed::{Outline, header::Header};

const START_US: i64 = 1_763_000_000_000_000;
const CANARY: &[u8] = b"a face in the third row";

/// A box that seals to a day key of which the test has the secret.
struct Classroom {
    identity: Identity,
    config: Config,
    secret: DaySecret,
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
        let (secret, key) = DaySecret::generate(day, &mut UnwrapErr(SysRng));
        // The signing key of the test hub.
        let bundle = SignedBundle::sign(2, vec![key], &SigningKey::from_bytes(&[5; 32]));
        identity.epochs.accept(bundle).unwrap();
        Self {
            identity,
            config,
            secret,
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
        let (spool, mut told) = self.spool();
        let hub = FrameHub::default();
        let recorder = Recorder {
            source: "cam0".parse().unwrap(),
            frames: hub.record(),
            seal: Seal::of(&self.identity),
            spool: spool.clone(),
            lengths: Lengths {
                segment_us: 10_000_000,
                fragment_us: 2_000_000,
                first_sound_us: 2_000_000,
            },
            meter: Meter::default(),
        };
        camera.play(&hub, pictures);
        hub.close();
        recorder.run().await;
        spool.close();
        std::iter::from_fn(|| told.try_recv().ok()).collect()
    }

    fn segments(&self) -> Vec<PathBuf> {
        let listed = std::fs::read_dir(self.config.state_dir.join("spool/cam0")).unwrap();
        let mut files: Vec<PathBuf> = listed.map(|item| item.unwrap().path()).collect();
        files.sort();
        files
    }

    /// Verifies and opens a segment: header, whether complete, and its plain chunks.
    fn open(&self, path: &Path) -> (Header, bool, [u8; 32], Vec<Vec<u8>>) {
        let bytes = std::fs::read(path).unwrap();
        assert!(
            !bytes.windows(8).any(|window| window == &CANARY[..8]),
            "plain canary"
        );
        let outline = Outline::scan(&bytes).unwrap();
        outline
            .verify(&self.identity.device_signing_key.verifying_key())
            .unwrap();
        let key = outline.unwrap_key(&self.secret).unwrap();
        let plain = outline.open(&bytes, &key).unwrap();
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
    for (number, path) in (0..).zip(&segments) {
        let (header, complete, chain, plain) = classroom.open(path);
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
    let in_the_way = classroom.config.state_dir.join("spool/cam0");
    let (spool, mut told) = classroom.spool();
    std::fs::write(&in_the_way, b"no directory").unwrap();
    let hub = FrameHub::default();
    let meter = Meter::default();
    let recorder = Recorder {
        source: "cam0".parse().unwrap(),
        frames: hub.record(),
        seal: Seal::of(&classroom.identity),
        spool: spool.clone(),
        lengths: Lengths {
            segment_us: 10_000_000,
            fragment_us: 2_000_000,
            first_sound_us: 0,
        },
        meter: meter.clone(),
    };
    let task = tokio::spawn(recorder.run());
    let mut camera = Camera { sequence: 0 };
    camera.play(&hub, 0..150);
    let state = || meter::together(std::slice::from_ref(&meter), None, clock::mono_ms(), 0).state;
    while state() != RecordingState::Failing {
        sleep(Duration::from_millis(20)).await;
    }
    std::fs::remove_file(&in_the_way).unwrap();
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
