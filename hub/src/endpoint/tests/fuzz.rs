//! What comes is changed at random, and what must hold of a session whatever comes is checked after
//! every packet. More of it by `./dev fuzz mqtt`.

use super::*;
use mqttbytes::QoS;
use mqttbytes::v4::{Connect, LastWill, PubAck, Publish, Subscribe, SubscribeFilter, Unsubscribe};
use std::collections::BTreeSet;
use xunke_mutate::{Dice, Target, change, feed as feed_all};

const OWN: &str = "xk/1/d/box-1/up/health";
const FILTERS: [&str; 5] = [
    "xk/1/d/box-1/dn/#",
    "xk/1/hub/state",
    "#",
    "xk/1/d/+/dn/#",
    "",
];
const TOPICS: [&str; 6] = [
    OWN,
    "xk/1/d/box-1/up/ev/gap",
    "xk/1/d/box-2/up/health",
    "xk/1/d/box-1/dn/time",
    "xk/1/d/box-1/up/ev/+",
    "",
];

fn rounds() -> u64 {
    let rounds = std::env::var("XUNKE_FUZZ_ROUNDS").ok();
    rounds.and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// One packet that a box, a broken box or an attacker might send.
fn throw(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let id = *dice.pick(&[1, 2, 77, u16::MAX]);
    let written = match dice.below(9) {
        0 => {
            let mut connect = Connect::new(*dice.pick(&["box-1", "box-1", "box-2", ""]));
            connect.keep_alive = *dice.pick(&[0, 1, 30, u16::MAX]);
            connect.clean_session = dice.chance(70);
            let will = dice.pick(&["xk/1/d/box-1/up/state", OWN, "xk/1/d/box-2/up/state"]);
            connect.last_will = dice
                .chance(50)
                .then(|| LastWill::new(*will, "w", QoS::AtLeastOnce, true));
            connect.write(&mut bytes)
        }
        1..=3 => {
            let quality = *dice.pick(&[QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce]);
            let length = dice.below(64);
            let mut publish = Publish::new(*dice.pick(&TOPICS), quality, dice.bytes(length));
            publish.pkid = id;
            (publish.dup, publish.retain) = (dice.chance(20), dice.chance(20));
            publish.write(&mut bytes)
        }
        4 => PubAck::new(id).write(&mut bytes),
        5 => {
            let filters = (0..=dice.below(9))
                .map(|_| SubscribeFilter::new((*dice.pick(&FILTERS)).to_owned(), QoS::AtLeastOnce));
            let mut subscribe = Subscribe::new_many(filters);
            subscribe.pkid = id;
            subscribe.write(&mut bytes)
        }
        6 => {
            let mut unsubscribe = Unsubscribe::new(*dice.pick(&FILTERS));
            unsubscribe.pkid = id;
            unsubscribe.write(&mut bytes)
        }
        7 => mqttbytes::v4::PingReq.write(&mut bytes),
        _ if dice.chance(20) => mqttbytes::v4::Disconnect.write(&mut bytes),
        _ => mqttbytes::v4::PingReq.write(&mut bytes),
    };
    written.expect("the writer makes what it is told");
    bytes.to_vec()
}

/// What must be true of a session, kept beside it.
#[derive(Default)]
struct Model {
    open: bool,
    will: bool,
    in_flight: BTreeSet<u16>,
}

impl Model {
    /// One packet through the session; `None` when the connection ends.
    fn receive(&mut self, session: &mut Session, request: Request) -> Option<Step> {
        let step = session.receive(request.clone());
        match (&request, &step) {
            (
                Request::Connect {
                    client_id, will, ..
                },
                Step::Send(Reply::Accepted),
            ) => {
                assert!(!self.open && client_id == "box-1");
                let own = |will: &Will| will.topic == "xk/1/d/box-1/up/state";
                assert!(will.as_ref().is_none_or(own), "a foreign will");
                (self.open, self.will) = (true, will.is_some());
            }
            (Request::Publish { topic, payload, id }, step @ Step::Take { .. }) => {
                let Step::Take {
                    channel,
                    payload: taken,
                    id: acknowledges,
                } = step
                else {
                    unreachable!();
                };
                let own = channel.topic(&device("box-1"));
                assert_eq!((topic, payload, id), (&own, taken, acknowledges));
            }
            (Request::Subscribe { id, filters }, Step::Send(Reply::SubAck { id: of, granted })) => {
                let allowed = |filter: &String| FILTERS[..2].contains(&filter.as_str());
                let expected: Vec<bool> = filters.iter().map(allowed).collect();
                assert_eq!((id, granted), (of, &expected));
            }
            (Request::PubAck(id), Step::Nothing) => drop(self.in_flight.remove(id)),
            (Request::Unsubscribe { id }, step) if self.open => {
                assert_eq!(*step, Step::Send(Reply::UnsubAck(*id)));
            }
            (Request::Ping, step) if self.open => assert_eq!(*step, Step::Send(Reply::Pong)),
            (Request::Disconnect, Step::Goodbye) => self.will = false,
            (_, Step::Close(..)) => {}
            other => panic!("{other:?}"),
        }
        let ends = matches!(step, Step::Close(..) | Step::Goodbye);
        assert!(self.open || ends, "nothing before CONNECT");
        (!ends).then_some(step)
    }

    /// The hub has something for the box.
    fn send(&mut self, session: &mut Session) -> bool {
        match session.send("t".into(), Bytes::new()) {
            Step::Send(reply @ Reply::Publish { id, .. }) => {
                reply.write(&mut BytesMut::new());
                assert!(
                    id != 0 && self.in_flight.insert(id),
                    "{id} is in flight twice"
                );
                assert!(self.in_flight.len() <= UNACKED_MAX);
                true
            }
            step => {
                assert!(matches!(step, Step::Close(None, _)), "{step:?}");
                assert_eq!(self.in_flight.len(), UNACKED_MAX, "cut off too soon");
                false
            }
        }
    }
}

/// A whole connection of thrown packets, some of them changed on the way.
#[test]
fn a_session_keeps_its_rules_whatever_comes() {
    let (mut taken, mut opened, mut refused) = (0_u64, 0_u64, 0_u64);
    for round in 0..rounds() {
        let mut dice = Dice::of(1, round);
        let mut session = Session::new(device("box-1"));
        let mut model = Model::default();
        let changes = dice.chance(50);
        let mut greets = dice.chance(80);
        'connection: for _ in 0..40 {
            // Most begin as a box does, so that the later packets are reached.
            let mut packet = match std::mem::take(&mut greets) {
                true => CONNECT.to_vec(),
                false => throw(&mut dice),
            };
            if changes && dice.chance(15) {
                packet = change(&mut dice, packet);
            }
            let mut bytes = BytesMut::from(&packet[..]);
            loop {
                match packet::read(&mut bytes) {
                    Ok(Some(request)) => match model.receive(&mut session, request) {
                        Some(Step::Take { .. }) => taken += 1,
                        Some(Step::Send(reply)) => reply.write(&mut BytesMut::new()),
                        Some(_) => {}
                        None => break 'connection,
                    },
                    Ok(None) => break,
                    Err(_) => {
                        refused += 1;
                        break 'connection;
                    }
                }
            }
            if model.open && dice.chance(30) && !model.send(&mut session) {
                break;
            }
        }
        opened += u64::from(model.open);
        assert_eq!(session.will().is_some(), model.will, "round {round}");
    }
    assert!(
        opened > rounds() / 20 && taken > rounds() / 20 && refused > 0,
        "it reaches far"
    );
}

/// However a stream is cut into pieces, it is the same packets.
#[test]
fn a_stream_reads_the_same_however_it_is_cut() {
    for round in 0..rounds() / 10 {
        let mut dice = Dice::of(2, round);
        let packets: Vec<Vec<u8>> = (0..8).map(|_| throw(&mut dice)).collect();
        let stream = packets.concat();
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        let mut bytes = BytesMut::from(&stream[..]);
        while let Ok(Some(request)) = packet::read(&mut bytes) {
            whole.push(request);
        }
        let (mut bytes, mut rest) = (BytesMut::new(), &stream[..]);
        'stream: while !rest.is_empty() {
            let (piece, after) = rest.split_at(1 + dice.below(rest.len().min(9)));
            bytes.extend_from_slice(piece);
            rest = after;
            loop {
                match packet::read(&mut bytes) {
                    Ok(Some(request)) => pieces.push(request),
                    Ok(None) => break,
                    Err(_) => break 'stream,
                }
            }
        }
        assert_eq!(pieces, whole, "round {round}");
    }
}

fn good() -> Vec<Vec<u8>> {
    (0..64)
        .map(|number| throw(&mut Dice::of(3, number)))
        .collect()
}

#[test]
fn readers_of_mqtt_take_whatever_comes() {
    let targets: [Target; 1] = [("mqtt packets", good, feed)];
    feed_all(&targets);
}

/// After 65,535 messages the ids begin anew; one that was never acknowledged keeps its own.
#[test]
fn no_two_messages_in_flight_have_one_id() {
    let (mut session, mut model) = (open(), Model::default());
    assert!(model.send(&mut session));
    let first = *model.in_flight.first().unwrap();
    for _ in 0..200_000 {
        assert!(model.send(&mut session));
        let newest: Vec<u16> = model
            .in_flight
            .iter()
            .copied()
            .filter(|id| *id != first)
            .collect();
        for id in newest {
            session.receive(Request::PubAck(id));
            model.in_flight.remove(&id);
        }
    }
    assert!(model.in_flight.contains(&first));
}
