//! The MQTT endpoint under many boxes: `./dev bench endpoint` and `./dev chaos`, cut short.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::{TcpSocket, TcpStream};
use xunke_tests::bench::endpoint;
use xunke_tests::bench::figure::Figure;
use xunke_tests::bench::usage::Usage;
use xunke_tests::load::{Fleet, Hall, Manners, Side, allow_files, chaos};

use crate::shared::{folder, run};

fn assert_met(figures: &[Figure]) {
    let missed: Vec<_> = figures.iter().filter(|figure| figure.misses()).collect();
    assert!(missed.is_empty(), "{missed:#?}");
}

/// M4, M20: a PUBACK means that the hub has the message, also when it is killed.
#[test]
fn boxes_come_back_after_the_hub_was_killed_and_nothing_is_lost_or_twice() -> Result<()> {
    run(async {
        let wishes = endpoint::Crowd {
            boxes: 30,
            steady_seconds: 2,
            per_second: 40.0,
            away_seconds: 1,
            alone: true,
        };
        assert_met(&endpoint::measure(&wishes, &folder("endpoint")?).await?);
        Ok(())
    })
}

/// M4: 0 lost, 0 doubled effects.
#[test]
fn events_survive_a_killed_hub_a_pulled_cable_and_boxes_without_power() -> Result<()> {
    run(async {
        let wishes = chaos::Wishes {
            events: 150,
            kills: 1,
            seed: 1,
            broker: false,
        };
        assert_met(&chaos::measure(&wishes, &folder("chaos")?).await?);
        Ok(())
    })
}

/// M18: the same with mosquitto between, which keeps nothing and is killed too.
#[test]
fn events_survive_a_killed_broker_between_boxes_and_hub() -> Result<()> {
    run(async {
        let wishes = chaos::Wishes {
            events: 150,
            kills: 1,
            seed: 1,
            broker: true,
        };
        assert_met(&chaos::measure(&wishes, &folder("chaos-broker")?).await?);
        Ok(())
    })
}

/// Issue 6, bad input: 10,000 half-open handshakes from 160 addresses. Boxes get in all the same,
/// the hub stays small, and the trail has a line and no flood.
#[test]
fn ten_thousand_half_open_connections_keep_no_box_out() -> Result<()> {
    const ADDRESSES: u8 = 160;
    const EACH: usize = 64;
    run(async {
        allow_files(usize::from(ADDRESSES) * EACH)?;
        let hall = Hall::start(&folder("half-open")?, 3)?;
        let memory =
            || Ok::<_, anyhow::Error>(Usage::of(hall.pid().context("no hub")?)?.resident_mb);
        let before_mb = memory()?;
        let port = hall.address().port;
        let mut silent = Vec::new();
        for last in 1..=ADDRESSES {
            for _ in 0..EACH {
                silent.push(half_open(Ipv4Addr::new(127, 0, 1, last), port).await?);
            }
        }
        let fleet = Fleet::start(&hall.papers, &hall.address(), Manners::default())?;
        let after_s = fleet.all_back(Duration::from_secs(40)).await?;
        let more_mb = memory()? - before_mb;
        println!("all boxes in after {after_s:?} s, {more_mb} MB more");
        assert!(more_mb < 64.0, "{more_mb} MB more");
        drop(silent);
        let refused = "SELECT count(*) FROM trail WHERE action = 'refuse_box'";
        let lines: usize = hall.hub.sql(refused)?.trim().parse()?;
        assert!(lines < 4, "{lines} lines about them");
        fleet.end().await;
        Ok(())
    })
}

/// A connection that says nothing; the hub may have closed it at once.
async fn half_open(from: Ipv4Addr, port: u16) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    Ok(socket
        .connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .await?)
}
