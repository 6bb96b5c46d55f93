//! What a technician is told of streams, good and bad.

use super::*;
use bytes::Bytes;

fn frame(kind: FrameKind, key: bool, payload: &'static [u8]) -> Report {
    Report::Frame(Frame {
        kind,
        key,
        handle: MAIN,
        sequence: 0,
        captured_us: 0,
        payload: Bytes::from_static(payload),
    })
}

/// Ten seconds of 25 pictures of 10,000 bytes, a keyframe each `gop`.
fn watched(gop: u64) -> Seen {
    let mut seen = Seen::new(1_000);
    let video = br#"{"codec":"avc1.640028","width":1920,"height":1080,"description":""}"#;
    seen.take(frame(FrameKind::VideoConfig, false, video), 1_500);
    for number in 0..=250 {
        let picture = frame(FrameKind::Video, number % gop == 0, &[0; 10_000]);
        seen.take(picture, 1_500 + number * 40);
    }
    seen
}

fn value<'a>(found: &'a Findings, key: &str) -> &'a Value {
    let line = found.lines.iter().find(|line| line.key == key);
    line.map_or(&Value::Null, |line| &line.value)
}

fn advice(found: &Findings) -> String {
    let said = found.advice.iter().map(|one| one.en.as_str());
    said.collect::<Vec<_>>().join("; ")
}

#[test]
fn a_good_stream_is_told_in_numbers() {
    let mut seen = watched(50);
    let audio = br#"{"codec":"flac","sample_rate":8000,"channels":1,"description":""}"#;
    seen.take(frame(FrameKind::AudioConfig, false, audio), 2_000);
    seen.take(frame(FrameKind::Audio, false, &[0; 100]), 2_000);
    seen.take(
        Report::Note(Note::Greeting(Greeting {
            status: 401,
            server: Some("Hipcam".into()),
            proofs: vec!["Digest MD5".into(), "Basic".into()],
        })),
        2_000,
    );
    let found = seen.findings("rtsp://10.0.0.2/main");
    assert!(!found.failed && found.troubles.is_empty(), "{found:?}");
    assert_eq!(advice(&found), "");
    for (key, expect) in [
        ("server", json!("Hipcam")),
        ("authentication", json!("Digest MD5, Basic")),
        ("tls", json!(false)),
        ("transport", json!("TCP")),
        ("codec", json!("H264")),
        ("size", json!("1920×1080")),
        ("frames_per_second", json!(25.0)),
        ("kbit_per_second", json!(2008.0)),
        ("keyframe_seconds", json!(2.0)),
        ("first_picture_seconds", json!(0.5)),
        ("sound", json!("G.711 8000 Hz ×1")),
        ("clock_steps", json!(0)),
    ] {
        assert_eq!(value(&found, key), &expect, "{key}");
    }
}

#[test]
fn what_is_not_good_is_told_with_what_to_set() {
    let mut seen = watched(999);
    let pace = ClockPace {
        steps: 2,
        rough: Some(0.9),
        ..ClockPace::default()
    };
    seen.take(Report::Note(Note::Clock(pace)), 2_000);
    let open = Greeting {
        status: 200,
        ..Greeting::default()
    };
    seen.take(Report::Note(Note::Greeting(open)), 2_000);
    let found = seen.findings("rtsp://10.0.0.2/main");
    let said = advice(&found);
    for part in [
        "authentication is off",
        "at least 10 s apart: set 2 s",
        "no sound",
        "count 0.90 s each second",
        "jump or stand",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!(value(&found, "authentication"), "none");
    assert_eq!(value(&found, "keyframe_seconds"), &Value::Null);
}

/// A camera that serves one viewer, while the box records it.
#[test]
fn a_camera_that_refuses_is_told_once_and_plainly() {
    let mut seen = Seen::new(0);
    let refused = Note::State {
        state: CameraState::Garbage,
        side: Some(Side::Camera),
        detail: "453 Not \u{1b}[31mEnough Bandwidth".into(),
    };
    seen.take(Report::Note(refused), 100);
    seen.trouble("the camera worker ended");
    let basic = Greeting {
        status: 401,
        proofs: vec!["Basic".into()],
        ..Greeting::default()
    };
    seen.take(Report::Note(Note::Greeting(basic)), 100);
    let found = seen.findings("rtsp://10.0.0.2/main");
    assert!(found.failed);
    assert_eq!(found.troubles, ["453 Not [31mEnough Bandwidth"]);
    let said = advice(&found);
    assert!(said.contains("systemctl stop xunke-agent"), "{said}");
    assert!(said.contains("shows the password to the network"), "{said}");
    assert_eq!(value(&found, "picture"), &json!(false));
}
