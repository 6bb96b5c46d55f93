//! Somebody else's MQTT clients at the hub's endpoint: mosquitto's with and without a box's
//! certificate, and the library that the agent uses, without the agent around it.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rumqttc::{
    AsyncClient, Event, MqttOptions, Packet, QoS, SubscribeFilter, SubscribeReasonCode,
    TlsConfiguration, Transport,
};
use tokio::time::timeout;
use xunke_tests::campus::BoxIdentity;

use crate::shared::{UNLUCKY, campus, folder, run, unlucky_turn};

const SOON: Duration = Duration::from_secs(10);

/// Runs a mosquitto client; `id` is its client id, `identity` what it shows.
fn mosquitto(
    program: &str,
    (id, identity): (&str, Option<&BoxIdentity>),
    (port, folder): (u16, &Path),
    arguments: &[&str],
) -> Result<Output> {
    let mut command = Command::new(program);
    command.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
        "-V",
        "311",
        "-q",
        "1",
        "-i",
        id,
    ]);
    command.arg("--cafile").arg(folder.join("ca.pem"));
    if identity.is_some() {
        command.arg("--cert").arg(folder.join("box.pem"));
        command.arg("--key").arg(folder.join("box-key.pem"));
    }
    let output = command.args(arguments).output();
    output.with_context(|| format!("{program} cannot be run: install mosquitto-clients"))
}

fn write_pem(folder: &Path, identity: &BoxIdentity) -> Result<()> {
    std::fs::write(folder.join("ca.pem"), &identity.ca_pem)?;
    std::fs::write(folder.join("box.pem"), &identity.certificate_pem)?;
    std::fs::write(folder.join("box-key.pem"), &identity.key_pem)?;
    Ok(())
}

/// DESIGN §4.4: certificate = client id = topic; nothing else gets in or through.
#[test]
fn other_clients_get_in_with_a_certificate_and_only_to_their_own_topics() -> Result<()> {
    run(async {
        let turn = unlucky_turn().await;
        let (identity, other) = {
            let mut campus = campus().await?;
            campus.classrooms[UNLUCKY].end_agent()?;
            (
                campus.classrooms[UNLUCKY].identity()?,
                campus.classrooms[0].identity()?,
            )
        };
        let shown = identity.clone();
        let checked = tokio::task::spawn_blocking(move || check(&shown, &other)).await?;
        let checked = match checked {
            Ok(()) => library(&identity).await,
            failed => failed,
        };
        campus().await?.classrooms[UNLUCKY].run_agent()?;
        // Whoever is next finds the box online again.
        tokio::time::sleep(Duration::from_secs(3)).await;
        drop(turn);
        checked
    })
}

fn check(identity: &BoxIdentity, other: &BoxIdentity) -> Result<()> {
    let folder = folder("mqtt")?;
    write_pem(&folder, identity)?;
    let id = identity.device_id.as_str();
    let at = (identity.mqtt_port, folder.as_path());
    let own = format!("xk/1/d/{id}/up/met");
    let foreign = format!("xk/1/d/{}/up/met", other.device_id);
    let down = format!("xk/1/d/{id}/dn/#");
    let with = (id, Some(identity));
    let publish = |who, topic: &str| {
        let output = mosquitto("mosquitto_pub", who, at, &["-t", topic, "-m", "{}"])?;
        Ok::<_, anyhow::Error>(output.status.success())
    };
    assert!(publish(with, &own)?, "a box may write to its own topic");
    assert!(!publish((id, None), &own)?, "no certificate, no connection");
    assert!(!publish(with, &foreign)?, "another box's topic");
    assert!(
        !publish((&other.device_id, Some(identity)), &own)?,
        "another box's client id"
    );
    let subscribe = |topic: &str| {
        mosquitto(
            "mosquitto_sub",
            with,
            at,
            &["-t", topic, "-C", "1", "-W", "4"],
        )
    };
    for topic in ["xk/#", &format!("xk/1/d/{}/dn/#", other.device_id)] {
        let output = subscribe(topic)?;
        // The client ends without an error when its only subscription is denied.
        let denied = String::from_utf8_lossy(&output.stderr).contains("denied");
        assert!(
            (denied || !output.status.success()) && output.stdout.is_empty(),
            "{output:?}"
        );
    }
    let will = [
        "-t",
        &own,
        "-m",
        "{}",
        "--will-topic",
        "xk/1/hub/state",
        "--will-payload",
        "x",
    ];
    let will = mosquitto("mosquitto_pub", with, at, &will)?;
    assert!(!will.status.success(), "a last will on the hub's topic");
    let listens = subscribe(&down)?;
    let refused = String::from_utf8_lossy(&listens.stderr);
    assert!(
        !refused.contains("denied") && !refused.contains("refused"),
        "own topics: {refused}"
    );
    conforms(|arguments| {
        let arguments = [&["-t", own.as_str()], arguments].concat();
        let output = mosquitto("mosquitto_pub", with, at, &arguments)?;
        Ok(output.status.success())
    })
}

/// What of MQTT 3.1.1 a box may use, and what it may not.
fn conforms(publish: impl Fn(&[&str]) -> Result<bool>) -> Result<()> {
    let large = "x".repeat(60 * 1024);
    let too_large = "x".repeat(70 * 1024);
    for (arguments, taken) in [
        (&["-m", "{}", "--repeat", "50"][..], true),
        (&["-m", "{}", "-q", "0"], true),
        (&["-n", "-r"], true),
        (&["-m", &large], true),
        (&["-m", &too_large], false),
        (&["-m", "{}", "-q", "2"], false),
        (&["-m", "{}", "-V", "31"], false),
        (&["-m", "{}", "-V", "5"], false),
        (&["-m", "{}", "--disable-clean-session"], true),
        // Idle for longer than its keep-alive, which it fills with pings.
        (
            &[
                "-m",
                "{}",
                "--repeat",
                "2",
                "--repeat-delay",
                "8",
                "-k",
                "5",
            ],
            true,
        ),
    ] {
        let short: Vec<String> = arguments
            .iter()
            .map(|one| one.chars().take(30).collect())
            .collect();
        assert_eq!(publish(arguments)?, taken, "{short:?}");
    }
    Ok(())
}

/// The library's own session: refused filters, a message down, and a foreign topic.
async fn library(identity: &BoxIdentity) -> Result<()> {
    let id = identity.device_id.as_str();
    let mut options = MqttOptions::new(id, "localhost", identity.mqtt_port);
    let tls = TlsConfiguration::Rustls(Arc::new(identity.tls(true)?));
    options.set_transport(Transport::tls_with_config(tls));
    let (client, mut events) = AsyncClient::new(options, 10);
    let down = format!("xk/1/d/{id}/dn/#");
    let filters = [down.as_str(), "xk/1/hub/state", "#"];
    let filters = filters.map(|path| SubscribeFilter::new(path.to_owned(), QoS::AtLeastOnce));
    client.subscribe_many(filters).await?;
    let birth = serde_json::json!({"s": "online", "boot": uuid::Uuid::now_v7(), "epoch": 1});
    let state = format!("xk/1/d/{id}/up/state");
    let birth = birth.to_string();
    client.publish(state, QoS::AtLeastOnce, true, birth).await?;
    let (mut granted, mut acknowledged, mut told) = (None, false, None);
    while granted.is_none() || !acknowledged || told.is_none() {
        match timeout(SOON, events.poll()).await?? {
            Event::Incoming(Packet::SubAck(ack)) => granted = Some(ack.return_codes),
            Event::Incoming(Packet::PubAck(_)) => acknowledged = true,
            Event::Incoming(Packet::Publish(message)) => told = Some(message),
            _ => {}
        }
    }
    use SubscribeReasonCode::{Failure, Success};
    let one = Success(QoS::AtLeastOnce);
    assert_eq!(granted, Some(vec![one, one, Failure]));
    let told = told.context("the hub's clock")?;
    assert_eq!(told.topic, format!("xk/1/d/{id}/dn/time"));
    let foreign = "xk/1/d/box-other/up/health";
    client
        .publish(foreign, QoS::AtLeastOnce, false, "{}")
        .await?;
    let ends = async {
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Packet::PubAck(ack))) => break Some(ack.pkid),
                Ok(_) => {}
                Err(_) => break None,
            }
        }
    };
    assert_eq!(
        timeout(SOON, ends).await?,
        None,
        "a foreign topic ends the connection"
    );
    Ok(())
}
