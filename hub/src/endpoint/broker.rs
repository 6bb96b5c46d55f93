//! A broker before the hub: the hub is one of its clients, hears every box through it and tells
//! each what it is told. What is different from the hub's own door stands in docs/decisions/0037:
//! the broker's PUBACK is not the hub's word, so the hub says itself what it has stored.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, NetworkOptions,
    Outgoing, Packet, QoS,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use xunke_protocol::envelope::{Acks, HubState};
use xunke_protocol::topic::{HUB_FILTER, HUB_STATE, PACKET_BYTES_MAX, Up};

use super::crowd::{Crowd, Said};
use super::links::Links;
use super::stand_in::Broker;
use super::{Fleet, Limits};
use crate::authority;
use crate::clock;

/// The hub's name at the broker: shorter than any box's may be, so no box can be called so.
pub const NAME: &str = "hub";
/// Words to boxes that wait for the broker.
const QUEUE_MAX: usize = 4096;
/// Words to boxes that the broker has not acknowledged.
const UNACKED_MAX: u16 = 1024;
const KEEP_ALIVE: Duration = Duration::from_secs(5);
const CONNECT_SECONDS_MAX: u64 = 5;
const PAUSE: Duration = Duration::from_secs(1);
/// For the word that the hub leaves.
const GOODBYE: Duration = Duration::from_secs(2);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the hub stops")]
    Stopped,
    #[error("what the hub shows cannot be made")]
    Papers(#[from] authority::Error),
    #[error("the broker does not let the hub listen; check its acl file")]
    Refused,
    #[error(transparent)]
    Broken(#[from] Box<ConnectionError>),
}

/// Serves the boxes behind the broker until `stop` turns true. Without the broker nothing is known
/// of any box, and it is tried again every second.
pub async fn serve<F: Fleet>(
    broker: Broker,
    fleet: Arc<F>,
    links: Links,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let mut told = false;
    loop {
        let mut met = false;
        let house = (&broker, &fleet, &links, limits);
        let end = connection(house, &mut stop, &mut met).await;
        if let End::Stopped = end {
            return;
        }
        told &= !met;
        if !std::mem::replace(&mut told, true) {
            let error: &dyn std::error::Error = &end;
            let (host, port) = (broker.host.as_str(), broker.port);
            tracing::error!(error, broker.host = host, broker.port = port, "no broker");
        }
        fleet.lost_sight().await;
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

type House<'a, F> = (&'a Broker, &'a Arc<F>, &'a Links, Limits);

async fn connection<F: Fleet>(
    (broker, fleet, links, limits): House<'_, F>,
    stop: &mut watch::Receiver<bool>,
    met: &mut bool,
) -> End {
    let since = clock::now_ms();
    let options = match options(broker, since) {
        Ok(options) => options,
        Err(error) => return error.into(),
    };
    let (client, mut events) = AsyncClient::new(options, QUEUE_MAX);
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(CONNECT_SECONDS_MAX);
    events.set_network_options(network);
    let mut crowd = Crowd::new(fleet, links, limits, broker, client.clone());
    loop {
        let event = tokio::select! {
            event = events.poll() => Some(event),
            () = stopped(stop) => None,
        };
        let Some(event) = event else {
            leave(&client, &mut events, since).await;
            return End::Stopped;
        };
        let event = match event {
            Ok(event) => event,
            Err(error) => return Box::new(error).into(),
        };
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                drop(client.try_subscribe(HUB_FILTER, QoS::AtLeastOnce));
            }
            Event::Incoming(Packet::SubAck(ack)) => {
                use rumqttc::SubscribeReasonCode::Failure;
                if ack.return_codes.contains(&Failure) {
                    return End::Refused;
                }
                *met = true;
                tracing::info!(broker.host = broker.host, "the hub listens at the broker");
                // After the subscription: what boxes say because of it is heard.
                drop(client.try_publish(HUB_STATE, QoS::AtLeastOnce, true, state(true, since)));
            }
            Event::Incoming(Packet::Publish(publish)) => {
                if let Some((device, channel)) = Up::parse(&publish.topic) {
                    let (payload, came) = (publish.payload, Instant::now());
                    crowd.hear(
                        device,
                        Said {
                            channel,
                            payload,
                            came,
                        },
                    );
                }
            }
            _ => {}
        }
    }
}

fn options(broker: &Broker, since: i64) -> Result<MqttOptions, authority::Error> {
    let mut options = broker.options(NAME)?;
    let will = LastWill::new(HUB_STATE, state(false, since), QoS::AtLeastOnce, true);
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX)
        .set_inflight(UNACKED_MAX)
        .set_last_will(will);
    Ok(options)
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// Says that the hub goes, so that boxes keep what they have to say.
async fn leave(client: &AsyncClient, events: &mut EventLoop, since: i64) {
    drop(client.try_publish(HUB_STATE, QoS::AtLeastOnce, true, state(false, since)));
    drop(client.try_disconnect());
    let left = async {
        loop {
            match events.poll().await {
                Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    };
    drop(timeout(GOODBYE, left).await);
}

fn state(online: bool, since: i64) -> Bytes {
    let acks = Acks::Rcv;
    let state = HubState {
        online,
        since,
        acks,
    };
    let text = serde_json::to_vec(&state);
    text.expect("invariant: plain fields become JSON").into()
}
