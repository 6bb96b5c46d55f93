//! One session, without IO: packets in, steps out. What a box may do stands here and nowhere else.

use bytes::Bytes;
use xunke_protocol::id::DeviceId;
use xunke_protocol::topic::{self, Up};

use super::packet::{Reply, Request, Will};

/// Unacknowledged messages to one box; a box that takes none is cut off.
pub const UNACKED_MAX: usize = 32;
/// A box that asks for no keep-alive gets this one.
const KEEP_ALIVE_SECONDS_MAX: u64 = 300;

/// What the connection is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// Write this.
    Send(Reply),
    /// Hand this to the fleet, then write the acknowledgement if there is an id.
    Take {
        /// Which channel of this box.
        channel: Up,
        /// The document.
        payload: Bytes,
        /// QoS 1.
        id: Option<u16>,
    },
    /// Nothing.
    Nothing,
    /// Close: the box says goodbye, and no will is due.
    Goodbye,
    /// Write this if anything, then close. The will is due if [`Session::will`] still has one.
    Close(Option<Reply>, &'static str),
}

/// The state of one connection.
#[derive(Debug)]
pub struct Session {
    device: DeviceId,
    stage: Stage,
    will: Option<(Up, Bytes)>,
    keep_alive_seconds: u64,
    subscribed: bool,
    next_id: u16,
    unacked: Vec<u16>,
}

#[derive(Debug, PartialEq, Eq)]
enum Stage {
    New,
    Open,
    Over,
}

impl Session {
    /// A session of the holder of a certificate, before its CONNECT.
    pub fn new(device: DeviceId) -> Self {
        Self {
            device,
            stage: Stage::New,
            will: None,
            keep_alive_seconds: KEEP_ALIVE_SECONDS_MAX,
            subscribed: false,
            next_id: 0,
            unacked: Vec::new(),
        }
    }

    /// Whose.
    pub fn device(&self) -> &DeviceId {
        &self.device
    }

    /// Silence after which the box is lost: 1.5 × keep-alive (MQTT-3.1.2-24).
    pub fn silence_ms_max(&self) -> u64 {
        self.keep_alive_seconds * 1500
    }

    /// The will, if it is due when the connection ends now.
    pub fn will(&mut self) -> Option<(Up, Bytes)> {
        self.will.take()
    }

    /// One packet from the box.
    pub fn receive(&mut self, request: Request) -> Step {
        match (&self.stage, request) {
            (
                Stage::New,
                Request::Connect {
                    client_id,
                    keep_alive_seconds,
                    will,
                },
            ) => self.connect(&client_id, keep_alive_seconds, will),
            (Stage::New, _) => Step::Close(None, "the first packet must be CONNECT"),
            (Stage::Over, _) => Step::Nothing,
            (Stage::Open, Request::Connect { .. }) => Step::Close(None, "a second CONNECT"),
            (Stage::Open, Request::Publish { topic, payload, id }) => {
                self.publish(&topic, payload, id)
            }
            (Stage::Open, Request::PubAck(id)) => {
                self.unacked.retain(|unacked| *unacked != id);
                Step::Nothing
            }
            (Stage::Open, Request::Subscribe { id, filters }) => self.subscribe(id, &filters),
            (Stage::Open, Request::Unsubscribe { id }) => Step::Send(Reply::UnsubAck(id)),
            (Stage::Open, Request::Ping) => Step::Send(Reply::Pong),
            (Stage::Open, Request::Disconnect) => {
                self.will = None;
                self.stage = Stage::Over;
                Step::Goodbye
            }
        }
    }

    /// Whether the box has subscribed, so that messages for it may go out.
    pub fn listens(&self) -> bool {
        self.subscribed
    }

    /// A message for the box.
    pub fn send(&mut self, topic: String, payload: Bytes) -> Step {
        if self.unacked.len() >= UNACKED_MAX {
            return Step::Close(None, "the box acknowledges nothing");
        }
        // Ids begin anew after 65,535; one that is still in flight is passed over.
        loop {
            self.next_id = self.next_id.checked_add(1).unwrap_or(1);
            if !self.unacked.contains(&self.next_id) {
                break;
            }
        }
        self.unacked.push(self.next_id);
        Step::Send(Reply::Publish {
            topic,
            payload,
            id: self.next_id,
        })
    }

    fn connect(&mut self, client_id: &str, keep_alive_seconds: u16, will: Option<Will>) -> Step {
        if client_id != self.device.as_str() {
            let reply = Some(Reply::WrongClient);
            return Step::Close(reply, "the client id is not the certificate's name");
        }
        if let Some(Will { topic, payload }) = will {
            match Up::parse(&topic) {
                Some((owner, Up::State)) if owner == self.device => {
                    self.will = Some((Up::State, payload));
                }
                _ => {
                    let reply = Some(Reply::NotAuthorized);
                    return Step::Close(reply, "the will is not for the box's own state");
                }
            }
        }
        if keep_alive_seconds != 0 {
            self.keep_alive_seconds = KEEP_ALIVE_SECONDS_MAX.min(keep_alive_seconds.into());
        }
        self.stage = Stage::Open;
        Step::Send(Reply::Accepted)
    }

    fn publish(&self, topic: &str, payload: Bytes, id: Option<u16>) -> Step {
        match Up::parse(topic) {
            Some((owner, channel)) if owner == self.device => Step::Take {
                channel,
                payload,
                id,
            },
            _ => Step::Close(None, "a publish to a topic that is not the box's own"),
        }
    }

    fn subscribe(&mut self, id: u16, filters: &[String]) -> Step {
        let may = |filter: &String| topic::may_subscribe(&self.device, filter);
        let granted: Vec<bool> = filters.iter().map(may).collect();
        let own = topic::device_filter(&self.device);
        self.subscribed |= filters.contains(&own);
        Step::Send(Reply::SubAck { id, granted })
    }
}
