//! The endpoint: malformed bytes, the rules of a session, and real connections over TLS.

use super::packet::{self, Malformed, Reply, Request, Will};
use super::session::{Session, Step, UNACKED_MAX};
use super::*;
use bytes::BytesMut;

mod fuzz;
mod wire;

fn device(id: &str) -> DeviceId {
    id.parse().unwrap()
}

fn connect(client_id: &str, will: Option<&str>) -> Request {
    let will = will.map(|topic| Will {
        topic: topic.into(),
        payload: Bytes::from_static(b"w"),
    });
    Request::Connect {
        client_id: client_id.into(),
        keep_alive_seconds: 2,
        will,
    }
}

fn open() -> Session {
    let mut session = Session::new(device("box-1"));
    let step = session.receive(connect("box-1", Some("xk/1/d/box-1/up/state")));
    assert_eq!(step, Step::Send(Reply::Accepted));
    session
}

fn publish(topic: &str) -> Request {
    Request::Publish {
        topic: topic.into(),
        payload: Bytes::from_static(b"p"),
        id: Some(7),
    }
}

/// fleet §1.2 test 2: certificate, client id and will topic are one.
#[test]
fn a_box_connects_as_itself_alone() {
    let refusal = |request| match Session::new(device("box-1")).receive(request) {
        Step::Close(reply, _) => reply,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(connect("box-2", None)), Some(Reply::WrongClient));
    assert_eq!(refusal(connect("", None)), Some(Reply::WrongClient));
    for foreign in [
        "xk/1/d/box-2/up/state",
        "xk/1/d/box-1/up/health",
        "xk/1/d/box-1/dn/time",
    ] {
        assert_eq!(
            refusal(connect("box-1", Some(foreign))),
            Some(Reply::NotAuthorized)
        );
    }
    assert_eq!(
        refusal(Request::Ping),
        None,
        "the first packet must be CONNECT"
    );
    assert!(matches!(
        open().receive(connect("box-1", None)),
        Step::Close(None, _)
    ));
    assert_eq!(open().silence_ms_max(), 3000);
}

/// fleet §1.2 test 3.
#[test]
fn a_box_reaches_its_own_topics_alone() {
    let mut session = open();
    let topics = [
        "xk/1/d/box-1/dn/#",
        "xk/1/hub/state",
        "#",
        "xk/1/d/box-2/dn/#",
    ];
    let filters = topics.map(str::to_owned).to_vec();
    let step = session.receive(Request::Subscribe { id: 3, filters });
    let granted = vec![true, true, false, false];
    assert_eq!(step, Step::Send(Reply::SubAck { id: 3, granted }));
    assert!(session.listens());
    let own = session.receive(publish("xk/1/d/box-1/up/ev/gap"));
    assert!(
        matches!(own, Step::Take { channel: Up::Event(kind), id: Some(7), .. } if kind == "gap")
    );
    for foreign in [
        "xk/1/d/box-2/up/state",
        "xk/1/d/box-1/dn/time",
        "$SYS/x",
        "",
    ] {
        assert!(
            matches!(open().receive(publish(foreign)), Step::Close(None, _)),
            "{foreign}"
        );
    }
}

/// fleet §1.2 tests 6 and 8.
#[test]
fn the_will_is_due_unless_the_box_says_goodbye() {
    let mut lost = open();
    assert_eq!(lost.will(), Some((Up::State, Bytes::from_static(b"w"))));
    let mut leaves = open();
    assert_eq!(leaves.receive(Request::Disconnect), Step::Goodbye);
    assert_eq!(leaves.will(), None);
}

#[test]
fn a_box_that_acknowledges_nothing_is_cut_off() {
    let mut session = open();
    for expected in 1..=UNACKED_MAX as u16 {
        let step = session.send("t".into(), Bytes::new());
        assert!(matches!(step, Step::Send(Reply::Publish { id, .. }) if id == expected));
    }
    assert!(matches!(
        session.send("t".into(), Bytes::new()),
        Step::Close(..)
    ));
    assert_eq!(session.receive(Request::PubAck(1)), Step::Nothing);
    assert!(matches!(
        session.send("t".into(), Bytes::new()),
        Step::Send(_)
    ));
}

fn read(bytes: &[u8]) -> Result<Option<Request>, Malformed> {
    packet::read(&mut BytesMut::from(bytes))
}

const CONNECT: &[u8] = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x1e\x00\x05box-1";

#[test]
fn packets_that_the_standard_forbids_are_refused() {
    assert!(matches!(read(CONNECT), Ok(Some(Request::Connect { .. }))));
    let mut five = CONNECT.to_vec();
    five[8] = 5;
    assert_eq!(read(&five), Err(Malformed::Version));
    assert_eq!(read(&five[..9]), Err(Malformed::Version), "before the rest");
    five[8] = 3;
    assert_eq!(read(&five), Err(Malformed::Version));
    let forbidden: [&[u8]; 6] = [
        b"\x80\x06\x00\x01\x00\x01#\x00", // SUBSCRIBE without its flags
        b"\xc1\x00",                      // PINGREQ with flags
        b"\x34\x05\x00\x01t\x00\x01",     // QoS 2
        b"\x36\x05\x00\x01t\x00\x01",     // QoS 3
        b"\x82\x06\x00\x00\x00\x01#\x00", // packet id 0
        b"\x20\x02\x00\x00",              // CONNACK
    ];
    for bytes in forbidden {
        assert!(read(bytes).is_err(), "{bytes:x?}");
    }
    let mut many = b"\x82\x00\x00\x01".to_vec();
    for _ in 0..9 {
        many.extend_from_slice(b"\x00\x01#\x00");
    }
    many[1] = u8::try_from(many.len() - 2).unwrap();
    assert!(read(&many).is_err());
}

#[test]
fn a_packet_too_large_is_refused_before_it_has_arrived() {
    assert!(
        read(b"\x30\x81\x80\x04").is_err(),
        "65537 bytes announced, none sent"
    );
    assert_eq!(read(b"\x30\x80\x80\x04"), Ok(None), "65536 are allowed");
    assert!(
        read(b"\x30\xff\xff\xff\xff\x01").is_err(),
        "a length of five bytes"
    );
}

/// Every prefix of a good packet needs more bytes, and every flipped bit is handled: no panic.
#[test]
fn cut_and_changed_packets_never_panic() {
    let good: [&[u8]; 4] = [
        CONNECT,
        b"\x10\x1a\x00\x04MQTT\x04\x2e\x00\x1e\x00\x05box-1\x00\x01t\x00\x04will",
        b"\x32\x07\x00\x01t\x00\x09hi",
        b"\x82\x06\x00\x02\x00\x01#\x01",
    ];
    for packet in good {
        for length in 0..packet.len() {
            assert_eq!(read(&packet[..length]), Ok(None), "{packet:x?} {length}");
        }
        for bit in 0..packet.len() * 8 {
            let mut changed = packet.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            feed(&changed);
        }
    }
}

/// A stream of bytes through codec and session, as a connection does it.
fn feed(bytes: &[u8]) {
    let mut bytes = BytesMut::from(bytes);
    let mut session = Session::new(device("box-1"));
    while let Ok(Some(request)) = packet::read(&mut bytes) {
        match session.receive(request) {
            Step::Close(..) | Step::Goodbye => break,
            Step::Send(reply) => reply.write(&mut BytesMut::new()),
            _ => {}
        }
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..200_000 {
        let length = (next() % 48) as usize;
        let mut bytes: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        // Half of them begin like a real session, so that the later packets are reached.
        if next() % 2 == 0 {
            bytes = [CONNECT, &bytes].concat();
        }
        feed(&bytes);
    }
}
