//! Real chains behind a test picture, down to the frames that the agent is given.

use super::*;
use crate::camera::pair::{Note, Report};
use crate::camera::usb::mode::Rate;
use std::sync::mpsc::sync_channel;
use xunke_protocol::live::{FrameKind, VideoConfig};

const LIMITS: Limits = Limits {
    connect_ms: 20_000,
    stall_ms: 20_000,
    look_ms: Some(1),
};

fn mode(encoding: Encoding) -> Mode {
    let rate = Some(Rate {
        pictures: 25,
        seconds: 1,
    });
    Mode {
        encoding,
        width: 1280,
        height: 720,
        rate,
    }
}

fn nowhere() -> Plugged {
    Plugged {
        node: "/dev/video-nobody".into(),
        encoders: Vec::new(),
    }
}

/// What one chain with 75 pictures gave: sizes, keyframes and capture times of both pictures.
async fn given(source: &str, mode: &Mode) -> [(Vec<VideoConfig>, Vec<bool>, Vec<i64>); 2] {
    gst::init().unwrap();
    let (outgoing, mut reports) = channel(1024);
    let (wanted, _looked) = sync_channel(1);
    let looks = || Looks::new(wanted.clone(), None);
    let mut intakes = Intakes {
        main: Intake::new(MAIN, outgoing.clone(), looks()),
        sub: Intake::new(SUB, outgoing.clone(), looks()),
        alone: mode.encoding == Encoding::H264,
    };
    let encoder = (mode.encoding != Encoding::H264).then_some(Encoder::X264);
    let text = describe(source, mode, encoder);
    let ended = session(&text, &nowhere(), LIMITS, &mut intakes, &mut |_| {}).await;
    let Failure::Stream(why) = ended else {
        panic!("{ended:?}");
    };
    assert!(why.matches(gst::ResourceError::Read), "{why}");
    drop((intakes, outgoing));
    let mut given: [(Vec<_>, Vec<_>, Vec<_>); 2] = Default::default();
    while let Some(Some(Report::Frame(frame))) = reports.recv().await {
        let one = &mut given[usize::from(frame.handle)];
        match frame.kind {
            FrameKind::VideoConfig => one.0.push(serde_json::from_slice(&frame.payload).unwrap()),
            _ => {
                one.1.push(frame.key);
                one.2.push(frame.captured_us);
            }
        }
    }
    given
}

/// Issue: "MJPEG/raw encoded once", with a small picture beside it.
#[tokio::test]
async fn raw_pictures_become_two_streams_with_a_keyframe_every_two_seconds() {
    let source = "videotestsrc num-buffers=75 pattern=ball name=camera";
    let [main, sub] = given(source, &mode(Encoding::Raw("YUY2"))).await;
    let size = |config: &VideoConfig| (config.width, config.height);
    assert_eq!(main.0.iter().map(size).collect::<Vec<_>>(), [(1280, 720)]);
    assert_eq!(sub.0.iter().map(size).collect::<Vec<_>>(), [(640, 360)]);
    assert!(
        main.0[0].codec.starts_with("avc1.4d"),
        "{}",
        main.0[0].codec
    );
    let keys = |all: &[bool]| {
        let keys = all.iter().enumerate().filter(|(_, key)| **key);
        keys.map(|(at, _)| at).collect::<Vec<_>>()
    };
    assert_eq!(keys(&main.1), [0, 50]);
    assert_eq!(main.1.len(), 75);
    assert_eq!(keys(&sub.1).first(), Some(&0));
    assert!((1..=46).contains(&sub.1.len()), "{}", sub.1.len());
    let steps = main.2.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(
        steps.clone().all(|step| step >= 0),
        "{:?}",
        steps.collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn jpeg_is_decoded_to_be_encoded() {
    let source = "videotestsrc num-buffers=75 ! \
        video/x-raw,format=I420,width=1280,height=720,framerate=25/1 ! jpegenc";
    let [main, sub] = given(source, &mode(Encoding::Jpeg)).await;
    assert_eq!((main.0[0].width, main.1.len()), (1280, 75));
    assert_eq!(sub.0[0].width, 640);
}

/// Issue: "H.264 native if offered"; whoever asks for the small picture gets this one.
#[tokio::test]
async fn what_the_device_encodes_itself_is_both_pictures() {
    let source = "videotestsrc num-buffers=50 ! \
        video/x-raw,format=I420,width=1280,height=720,framerate=25/1 ! \
        x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25";
    let [main, sub] = given(source, &mode(Encoding::H264)).await;
    assert_eq!((main.0.len(), main.0[0].width, main.1.len()), (1, 1280, 50));
    assert_eq!((sub.0[0].width, sub.1), (1280, main.1));
}

/// Issue: hot-plug; the health state says which side.
#[tokio::test]
async fn a_device_that_is_not_there_is_told_at_once() {
    let (outgoing, mut reports) = channel::<Option<Report>>(8);
    let (wanted, _looked) = sync_channel(1);
    let ended = run(&nowhere(), LIMITS, (&outgoing, &wanted), |_| {}).await;
    assert_eq!(
        (ended.state, ended.side),
        (CameraState::Unreachable, Some(Side::Camera))
    );
    assert!(
        ended.detail.contains("cannot be opened"),
        "{}",
        ended.detail
    );
    drop(outgoing);
    let told = reports.recv().await.flatten();
    assert!(!matches!(told, Some(Report::Note(Note::State { .. }))));
}

#[test]
fn silence_is_measured_from_the_newest_picture() {
    let now_ms = clock::mono_ms();
    let limits = Limits {
        connect_ms: 10_000,
        stall_ms: 5_000,
        look_ms: None,
    };
    let after =
        |newest_ms: Option<u64>, opened: u64| overdue(newest_ms, now_ms - opened, limits).is_some();
    assert!(!after(None, 4_000) && after(None, 11_000));
    assert!(!after(Some(now_ms), 60_000) && after(Some(now_ms - 6_000), 60_000));
}

/// Issue: "all sources of a room on one clock": one counts since the machine started, the other
/// since its session began, and both mean the same moment.
#[tokio::test]
async fn two_sources_agree_on_when_something_was_captured() {
    let (outgoing, mut reports) = channel(256);
    let (wanted, _looked) = sync_channel(1);
    let intake = |handle| {
        let looks = Looks::new(wanted.clone(), None);
        let mut intake = Intake::new(handle, outgoing.clone(), looks);
        intake.video_config(Video::H264, &[1, 100, 0, 40, 0xff, 0xe1], 1920, 1080);
        intake
    };
    let (mut screen, mut room) = (intake(MAIN), intake(SUB));
    let picture = Bytes::from_static(&[0, 0, 0, 1, 0x65]);
    for number in 0..5 {
        screen.video(3_600_000_000_000 + number * 40_000, picture.clone());
        room.video(number * 40_000, picture.clone());
        sleep(Duration::from_millis(40)).await;
    }
    let mut captured = [Vec::new(), Vec::new()];
    while let Ok(Some(Report::Frame(frame))) = reports.try_recv() {
        if frame.kind == FrameKind::Video {
            captured[usize::from(frame.handle)].push(frame.captured_us);
        }
    }
    let [screen, room] = captured;
    assert_eq!((screen.len(), room.len()), (5, 5));
    let off = screen
        .iter()
        .zip(&room)
        .map(|(one, other)| (one - other).abs());
    assert!(off.max() < Some(100_000), "{screen:?} {room:?}");
    let old_us = clock::now_us() - screen[0];
    assert!((0..30_000_000).contains(&old_us), "{old_us}");
}
