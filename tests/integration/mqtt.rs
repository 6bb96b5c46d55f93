//! Somebody else's MQTT clients at the hub's endpoint: mosquitto with and without a box's
//! certificate.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result};
use xunke_tests::campus::BoxIdentity;

use crate::shared::{UNLUCKY, campus, folder, run, unlucky_turn};

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
fn mosquitto_gets_in_with_a_certificate_and_only_to_its_own_topics() -> Result<()> {
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
        let checked = tokio::task::spawn_blocking(move || check(&identity, &other)).await?;
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
    let own = subscribe(&down)?;
    let refused = String::from_utf8_lossy(&own.stderr);
    assert!(
        !refused.contains("denied") && !refused.contains("refused"),
        "own topics: {refused}"
    );
    Ok(())
}
