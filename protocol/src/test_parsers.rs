//! Whatever comes by MQTT, WebSocket or in a segment, its reader takes it or refuses it.

use crate::asking::{AskRequest, AskResponse, SHOWN_BYTES, ShownCode};
use crate::command::SignedCommand;
use crate::enrolment::Code;
use crate::envelope::{Command, Envelope, HubState, Order, Presence, Received, parse};
use crate::health::HealthDocument;
use crate::id::{DeviceId, MessageId};
use crate::live::{Frame, FrameKind};
use crate::sealed::tests::{open, sealed};
use crate::sealed::{Outline, Suite};
use crate::topic::{Down, Up};
use crate::version::CURRENT;
use bytes::Bytes;
use ed25519_dalek::SigningKey;
use xunke_mutate::{Target, feed};

fn frames() -> Vec<Vec<u8>> {
    let frame = Frame {
        kind: FrameKind::Video,
        key: true,
        handle: 1,
        sequence: 9,
        captured_us: 77,
        payload: Bytes::from_static(b"picture"),
    };
    vec![frame.encode().to_vec()]
}

fn frame(bytes: &[u8]) {
    if let Ok(frame) = Frame::decode(Bytes::copy_from_slice(bytes)) {
        assert_eq!(frame.encode(), bytes, "read and written differently");
    }
}

fn segments() -> Vec<Vec<u8>> {
    [Suite::International, Suite::National]
        .map(|suite| sealed(suite, 1).0)
        .into()
}

/// What opens is what was sealed, whole or up to a cut: nothing that was changed opens.
fn segment(bytes: &[u8]) {
    let _ = Outline::scan(bytes);
    for suite in [Suite::International, Suite::National] {
        if let Ok((plain, _)) = open(suite, bytes) {
            let (whole, _) = sealed(suite, 1);
            let (expected, _) = open(suite, &whole).unwrap();
            assert!(expected.starts_with(&plain), "other content opens");
        }
    }
}

fn documents() -> Vec<Vec<u8>> {
    let envelope = r#"{"v":"VERSION","id":"0197d2a0-0000-7000-8000-000000000001","seq":7,
        "boot":"0197d2a0-0000-7000-8000-000000000002","epoch":3,"ts":1795300000000,
        "mono_ms":42,"sync":true,"kind":"health","data":{"cameras":[]}}"#;
    let version = serde_json::to_string(&CURRENT).unwrap();
    let envelope = envelope.replace("\"VERSION\"", &version);
    assert!(
        Envelope::parse(envelope.as_bytes()).is_ok(),
        "no good input"
    );
    let command = Command {
        v: CURRENT,
        id: id(),
        issued: 1_795_300_000_000,
        expires: 1_795_300_060_000,
        order: Order::Ping,
    };
    let device = "box-1".parse().unwrap();
    let signed = SignedCommand::sign(&command, &device, &hub());
    let code = ShownCode::new([7; SHOWN_BYTES]);
    let asked = AskRequest {
        name: code.name(),
        csr_pem: "CSR".into(),
        signing_key: [1; 32],
        proof: [2; 32],
    };
    let received = Received::of(vec![3, 4, 9]);
    vec![
        envelope.into_bytes(),
        serde_json::to_vec(&signed).unwrap(),
        serde_json::to_vec(&asked).unwrap(),
        serde_json::to_vec(&received).unwrap(),
    ]
}

fn hub() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn id() -> MessageId {
    "0197d2a0-0000-7000-8000-000000000001".parse().unwrap()
}

fn document(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::parse(bytes) {
        let _ = envelope.data::<HealthDocument>();
    }
    let (device, hub) = ("box-1".parse().unwrap(), hub().verifying_key());
    if let Ok(command) = SignedCommand::open(bytes, id(), &device, &hub) {
        assert_eq!(
            command.order,
            Order::Ping,
            "what was changed is carried out"
        );
    }
    let _ = parse::<Presence>(bytes);
    let _ = parse::<HubState>(bytes);
    if let Ok(received) = parse::<Received>(bytes) {
        let _ = received.holds(4);
    }
    let _ = serde_json::from_slice::<AskRequest>(bytes);
    let _ = serde_json::from_slice::<AskResponse>(bytes);
}

fn names() -> Vec<Vec<u8>> {
    let device: DeviceId = "box-1".parse().unwrap();
    let up = [Up::Health, Up::Ack(id()), Up::Event("gap".into())].map(|up| up.topic(&device));
    let down = [Down::Time, Down::Command(id())].map(|down| down.topic(&device));
    let code = Code::new([7; 20], [8; 32]).reveal().to_string();
    let shown = ShownCode::new([7; SHOWN_BYTES]).reveal().to_string();
    let names = up.into_iter().chain(down).chain([code, shown]);
    names.map(String::into_bytes).collect()
}

/// A topic that is understood names one place, however it was written.
fn name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some((device, up)) = Up::parse(&text) {
        assert_eq!(Up::parse(&up.topic(&device)), Some((device, up)));
    }
    if let Some((device, down)) = Down::parse(&text) {
        assert_eq!(Down::parse(&down.topic(&device)), Some((device, down)));
    }
    let _ = text.parse::<Code>();
    if let Ok(code) = text.parse::<ShownCode>() {
        assert_eq!(code.reveal().parse(), Ok(code), "{text}");
    }
}

#[test]
fn readers_of_the_wire_take_whatever_comes() {
    let targets: [Target; 4] = [
        ("frame messages", frames, frame),
        ("segments", segments, segment),
        ("documents", documents, document),
        ("topics and codes", names, name),
    ];
    feed(&targets);
}
