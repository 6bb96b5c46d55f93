//! Whatever a camera or its worker sends, its reader takes it or refuses it (X62).

use super::codec::{Video, audio_config};
use super::g711::{Law, Lossless};
use super::intake::Intake;
use super::looks::Looks;
use super::pair::{MAIN, Note, Order, Report};
use bytes::Bytes;
use futures_util::FutureExt;
use std::sync::mpsc::sync_channel;
use tokio::sync::mpsc;
use xunke_mutate::{Target, feed};
use xunke_protocol::health::{CameraState, Side};
use xunke_protocol::live::{Frame, FrameKind};

const AVCC: &[u8] = &[
    1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 2, 0x67, 0x64, 1, 0, 1, 0x68,
];
const HVCC: &[u8] = &[1, 1, 0x60, 0, 0, 0, 0xb0, 0, 0, 0, 0, 0, 93, 0xf0];
const UNIT: &[u8] = &[
    0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 3, 0x65, 1, 2, 0, 0, 0, 2, 0x41, 9,
];

fn reports() -> Vec<Vec<u8>> {
    let frame = Frame {
        kind: FrameKind::Video,
        key: true,
        handle: MAIN,
        sequence: 9,
        captured_us: 77,
        payload: Bytes::from_static(UNIT),
    };
    let state = Note::State {
        state: CameraState::Garbage,
        side: Some(Side::Camera),
        detail: "答非所问".into(),
    };
    let mut bytes = Vec::new();
    for report in [Report::Frame(frame), Report::Note(state)] {
        report.encode(&mut bytes).unwrap();
    }
    vec![bytes]
}

/// What a worker that was taken over may say to the agent.
fn report(bytes: &[u8]) {
    let mut socket = bytes;
    // Everything is there already, so nothing is waited for.
    while let Some(Ok(report)) = Report::read(&mut socket).now_or_never() {
        let mut again = Vec::new();
        report.encode(&mut again).unwrap();
    }
}

fn order(bytes: &[u8]) {
    if let Ok(order) = Order::read(&mut &bytes[..]) {
        order.doors();
    }
}

fn orders() -> Vec<Vec<u8>> {
    let text = br#"{"main_url":"rtsp://10.0.0.2/main","sub_url":null,"onvif":null,"trust":null,
        "credentials":["a","b"],"audio":true,"connect_seconds":10,"stall_seconds":5,
        "look_ms":4000,"mib_max":256,"brokered":true,"greet":false}"#;
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    let order = [&length[..], text].concat();
    assert!(Order::read(&mut &order[..]).is_ok(), "no good input");
    vec![order]
}

fn descriptions() -> Vec<Vec<u8>> {
    vec![
        AVCC.to_vec(),
        HVCC.to_vec(),
        vec![0x11, 0x88],
        UNIT.to_vec(),
    ]
}

fn description(bytes: &[u8]) {
    for codec in [Video::H264, Video::H265] {
        if let Some(config) = codec.config(bytes, 1920, 1080) {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
            assert!(config.codec.chars().all(plain), "{}", config.codec);
        }
        codec.is_key(bytes);
    }
    audio_config(bytes, 48_000, 1);
}

fn codes() -> Vec<Vec<u8>> {
    vec![(0..=255).cycle().take(2_100).collect(), vec![0xd5; 160]]
}

/// Both laws, in packets of changing length, with time stamps that jump.
fn sound(bytes: &[u8]) {
    for law in [Law::A, Law::Mu] {
        let mut lossless = Lossless::new(law, 8_000, 1).unwrap();
        let mut stamp_us = i64::from(bytes.first().copied().unwrap_or(0)) << 50;
        for packet in bytes.chunks(1 + bytes.len() % 700) {
            stamp_us = stamp_us.wrapping_add(20_000);
            for (_, frame) in lossless.push(stamp_us >> 2, packet) {
                assert_eq!(frame[..2], [0xff, 0xf8], "no frame of FLAC");
            }
        }
    }
}

/// A session as it reaches the agent: descriptions, pictures and sound cut from the input.
fn session(bytes: &[u8]) {
    let (outgoing, mut reports) = mpsc::channel(64);
    let (wanted, _received) = sync_channel(2);
    let mut intake = Intake::new(MAIN, outgoing, Looks::new(wanted, Some(1)));
    for (number, piece) in (0_i64..).zip(bytes.chunks(24).take(40)) {
        let (head, rest) = piece.split_at(piece.len().min(1));
        let stamp_us = number.wrapping_mul(i64::from(head[0]) << 40) >> 8;
        let unit = Bytes::copy_from_slice(rest);
        match head[0] % 6 {
            0 => intake.video_config(Video::H264, AVCC, 16, 16),
            1 => intake.video_config(Video::H265, rest, 16, 16),
            2 => intake.audio_config(rest, 48_000, 2),
            3 => intake.g711_config(Law::A, 8_000, 1),
            4 => intake.video(stamp_us, unit),
            _ => intake.audio(stamp_us, unit),
        }
    }
    intake.confess();
    intake.flush();
    while let Ok(Some(report)) = reports.try_recv() {
        let mut bytes = Vec::new();
        report.encode(&mut bytes).unwrap();
    }
}

fn sessions() -> Vec<Vec<u8>> {
    let order = [0_u8, 4, 4, 2, 5, 3, 5, 5, 1, 4, 0, 4];
    let piece = |kind: &u8| [&[*kind][..], UNIT, &[0; 4]].concat();
    vec![order.iter().flat_map(piece).collect()]
}

#[test]
fn readers_of_pictures_and_sound_take_whatever_comes() {
    let targets: [Target; 5] = [
        ("reports of a worker", reports, report),
        ("orders", orders, order),
        ("descriptions", descriptions, description),
        ("sound of G.711", codes, sound),
        ("sessions", sessions, session),
    ];
    feed(&targets);
}
