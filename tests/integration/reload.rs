//! The hub's own certificate, changed while boxes and people are connected.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use xunke_tests::asking::until;
use xunke_tests::campus::BoxIdentity;
use xunke_tests::load::{Fleet, Hall, Manners, Side};

use crate::shared::{folder, run};

const SOON: Duration = Duration::from_secs(10);

/// A connection to a door, and the certificate that was shown there.
async fn dial(
    papers: &BoxIdentity,
    port: u16,
) -> Result<(TlsStream<TcpStream>, CertificateDer<'static>)> {
    let connector = TlsConnector::from(Arc::new(papers.tls(true)?));
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost")?;
    let stream = connector.connect(name, stream).await?;
    let chain = stream.get_ref().1.peer_certificates();
    let leaf = chain
        .and_then(|chain| chain.first())
        .context("no certificate")?;
    let leaf = leaf.clone().into_owned();
    Ok((stream, leaf))
}

/// One request on a connection that stays open.
async fn asks(stream: &mut TlsStream<TcpStream>) -> Result<String> {
    let request = "GET /box/1/epoch-bundle HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = [0; 64];
    let read = tokio::time::timeout(SOON, stream.read(&mut bytes)).await??;
    Ok(String::from_utf8_lossy(&bytes[..read]).into_owned())
}

/// Issue 6, item 1: new handshakes get the new certificate, and nobody is cut off.
#[test]
fn the_hub_changes_its_certificate_and_cuts_nobody_off() -> Result<()> {
    run(async {
        let mut hall = Hall::start(&folder("reload")?, 3)?;
        let fleet = Fleet::start(&hall.papers, &hall.address(), Manners::default())?;
        fleet.all_back(Duration::from_secs(60)).await?;
        let papers = hall.papers.boxes[0].clone();
        let ports = hall.hub.ports;
        let (mut open, before) = dial(&papers, ports.boxes).await?;
        ensure!(asks(&mut open).await?.starts_with("HTTP/1.1 200"));
        drop(fleet.take());
        let authority = hall.hub.data_dir().join("authority");
        for file in ["hub.pem", "hub-key.pem"] {
            fs::remove_file(authority.join(file))?;
        }
        hall.hub.process()?.signal(Signal::HUP)?;
        until("another certificate", SOON, async || {
            let (_, shown) = dial(&papers, ports.boxes).await?;
            Ok((shown != before)
                .then_some(())
                .ok_or_else(|| "the old one".into()))
        })
        .await?;
        for port in [ports.people, ports.mqtt] {
            ensure!(dial(&papers, port).await?.1 != before, "the door at {port}");
        }
        let mut rest = vec![0; 64 * 1024];
        let read = tokio::time::timeout(Duration::from_millis(200), open.read(&mut rest)).await;
        ensure!(!matches!(read, Ok(Ok(0) | Err(_))), "the connection ended");
        // Boxes that speak now speak on the connections they had.
        let events = fleet.burst(4);
        fleet.emptied(SOON).await?;
        let seen = fleet.take();
        ensure!(seen.connections == 0, "{} connected anew", seen.connections);
        let kept = hall.kept(&events)?;
        ensure!(kept.lost == 0, "{kept:?}");
        let told = "SELECT count(*) FROM trail WHERE action = 'hub_certificate'";
        ensure!(hall.hub.sql(told)?.trim() == "1", "not in the trail");
        fleet.end().await;
        Ok(())
    })
}
