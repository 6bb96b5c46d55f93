//! A box that says what no box may say, beside two honest ones: through the hub's own endpoint, and
//! through mosquitto. What it says is bounded, told once, and slows nobody down.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rumqttc::{
    AsyncClient, Event, MqttOptions, Outgoing, Packet, QoS, TlsConfiguration, Transport,
};
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;
use xunke_tests::campus::BoxIdentity;
use xunke_tests::load::{Fleet, Hall, Manners, Side};

use crate::shared::{folder, run, until};

const SOON: Duration = Duration::from_secs(10);
/// So often each; a box is read at 20 a second, 200 at once.
const TIMES: usize = 30;
/// More than a packet may have, and less than the library refuses to send.
const OVERSIZED: usize = 100 * 1024;

/// A box with a certificate in force and manners of its own.
struct Wild<'a> {
    identity: &'a BoxIdentity,
    port: u16,
}

impl Wild<'_> {
    fn envelope(&self, version: &str, id: u128, seq: u64) -> Value {
        json!({"v": version, "id": Uuid::from_u128(id), "seq": seq, "boot": Uuid::nil(), "epoch": 1,
            "ts": 0, "mono_ms": seq, "sync": true, "kind": "odd", "data": {"n": seq}})
    }

    /// Says these on one connection; how many were acknowledged before it ended or all were.
    async fn says(&self, words: Vec<(String, Vec<u8>)>) -> Result<usize> {
        let id = self.identity.device_id.as_str();
        let mut options = MqttOptions::new(id, "localhost", self.port);
        let tls = TlsConfiguration::Rustls(Arc::new(self.identity.tls(true)?));
        options.set_transport(Transport::tls_with_config(tls));
        options.set_max_packet_size(2 * OVERSIZED, 2 * OVERSIZED);
        let count = words.len();
        let (client, mut events) = AsyncClient::new(options, count + 1);
        for (topic, payload) in words {
            client.try_publish(topic, QoS::AtLeastOnce, false, payload)?;
        }
        let acknowledged = async {
            let mut acknowledged = 0;
            while acknowledged < count {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::PubAck(_))) => acknowledged += 1,
                    Ok(_) => {}
                    Err(_) => return acknowledged,
                }
            }
            drop(client.try_disconnect());
            while !matches!(
                events.poll().await,
                Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(_)
            ) {}
            acknowledged
        };
        timeout(SOON, acknowledged).await.context("nothing happens")
    }

    fn topic(&self, rest: &str) -> String {
        format!("xk/1/d/{}/up/{rest}", self.identity.device_id)
    }

    /// Malformed, of another major, replayed and out of order: taken from the box, and no more.
    fn readable_by_nobody(&self) -> Vec<(String, Vec<u8>)> {
        let text = |value: Value| value.to_string().into_bytes();
        let one_round = [
            ("state", b"{\"half\":".to_vec()),
            ("health", vec![0, 159, 146, 150]),
            ("ev/odd", text(self.envelope("2.0", 1, 1))),
            ("health", text(self.envelope("1.0", 2, 2))),
            ("ev/odd", vec![b'['; 15 * 1024]),
        ];
        let rounds = one_round.into_iter().cycle().take(5 * TIMES);
        rounds
            .map(|(rest, said)| (self.topic(rest), said))
            .collect()
    }

    /// The same event again and again, and two in the wrong order.
    fn replayed(&self) -> Vec<(String, Vec<u8>)> {
        let event = |id, seq| self.envelope("1.0", id, seq).to_string().into_bytes();
        let mut all = vec![event(77, 9); TIMES];
        all.extend([event(76, 8), event(75, 7)]);
        all.into_iter()
            .map(|said| (self.topic("ev/odd"), said))
            .collect()
    }
}

fn wild_box(broker: bool) -> Result<()> {
    run(async {
        let folder = folder(if broker { "wild-broker" } else { "wild" })?;
        let mut hall = match broker {
            true => Hall::behind_broker(&folder, 3)?,
            false => Hall::start(&folder, 3)?,
        };
        let identity = hall.papers.boxes.remove(0);
        let address = hall.address();
        let wild = Wild {
            identity: &identity,
            port: address.port,
        };
        let fleet = Fleet::start(&hall.papers, &address, Manners::default())?;
        fleet.all_back(Duration::from_secs(60)).await?;
        let mut events = fleet.burst(5);
        // Only a hub that listens says that it has them.
        fleet.emptied(SOON).await?;
        let unreadable = wild.readable_by_nobody();
        let count = unreadable.len();
        ensure!(wild.says(unreadable).await? == count, "kept by its box");
        events.extend(fleet.burst(5));
        for (topic, length) in [
            (wild.topic("ev/odd"), OVERSIZED),
            ("xk/1/d/box-other/up/ev/odd".to_owned(), 10),
            ("xk/2/hub/state".to_owned(), 10),
        ] {
            let taken = wild.says(vec![(topic.clone(), vec![b' '; length])]).await?;
            // mosquitto acknowledges what its rules then drop.
            ensure!(taken == 0 || broker, "{topic} was acknowledged");
        }
        fleet.emptied(SOON).await?;
        let kept = hall.kept(&events)?;
        ensure!(kept.lost == 0 && kept.doubled == 0, "{kept:?}");
        let of_wild = "SELECT seq FROM device_events WHERE kind = 'odd' ORDER BY seq";
        until("each event once", SOON, async || {
            wild.says(wild.replayed()).await?;
            let told = hall.hub.sql(of_wild)?;
            Ok(told
                .lines()
                .eq(["7", "8", "9"])
                .then_some(())
                .ok_or(told.into()))
        })
        .await?;
        let log = hall.hub.process()?.said()?;
        let words = log
            .lines()
            .filter(|line| line.contains("unreadable message"));
        ensure!(words.count() == 1, "{log}");
        let strays = "SELECT count(*) FROM device_events WHERE device_id = 'box-other'";
        ensure!(hall.hub.sql(strays)?.trim() == "0");
        fleet.end().await;
        Ok(())
    })
}

/// Issue 6, bad input: malformed, oversized, replayed, out-of-order, foreign-topic and
/// wrong-schema-major messages.
#[test]
fn a_wild_box_harms_nobody() -> Result<()> {
    wild_box(false)
}

#[test]
fn behind_a_broker_a_wild_box_harms_nobody() -> Result<()> {
    wild_box(true)
}
