//! Equipment of a room: a projector with the manners of real ones before the real agent, and what
//! the hub makes of it.

use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use xunke_tests::campus::program;
use xunke_tests::projector::{Manners, Projector};

use crate::shared::{UNLUCKY, WELL, campus, folder, get, list, person, run, unlucky_turn, until};

const TOLD_MAX: Duration = Duration::from_secs(60);

/// Runs `xunke-agent equipment` with these keys of each piece.
async fn ask(pieces: &[String]) -> Result<Output> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let config = folder("equipment")?.join(format!("{number}.toml"));
    let pieces = pieces.iter().enumerate();
    let text: String = pieces
        .map(|(n, keys)| format!("[[equipment]]\nname = \"piece{n}\"\n{keys}\n"))
        .collect();
    fs::write(&config, text)?;
    let mut command = Command::new(program("xunke-agent")?);
    command.args(["equipment", "--config"]).arg(&config);
    // The simulated projector goes on meanwhile.
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

fn projector(projector: &Projector, password: Option<&str>) -> Result<String> {
    let mut keys = format!(
        "kind = \"projector\"\naddress = \"{}\"\n",
        projector.address
    );
    if let Some(password) = password {
        let file = folder("equipment")?.join(format!("{}.password", projector.address.port()));
        fs::write(&file, format!("{password}\n"))?;
        keys += &format!("password_file = \"{}\"\n", file.display());
    }
    Ok(keys)
}

/// What the agent finds out about one projector, and what it says meanwhile.
async fn found(at: &Projector, password: Option<&str>) -> Result<(Value, String)> {
    let output = ask(&[projector(at, password)?]).await?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(output.status.success(), "{said}");
    let found: Value = serde_json::from_slice(&output.stdout)?;
    Ok((found[0].clone(), said))
}

type Change = fn(&mut Manners);

/// M16: every manner that real projectors have ends in a state, and none in an order.
#[test]
fn a_projector_is_read_whatever_its_manners() -> Result<()> {
    run(async {
        let cases: [(Change, Value); 9] = [
            (
                |_| (),
                json!({"state": "ok", "power": "on", "lamp_hours": 812, "model": "SIM-P100"}),
            ),
            (
                |manners| (manners.power, manners.line_feed) = (0, true),
                json!({"state": "off", "power": "off"}),
            ),
            (
                |manners| (manners.class, manners.lamps) = (2, String::new()),
                json!({"state": "ok", "filter_hours": 40}),
            ),
            (
                |manners| manners.errors = "020010".into(),
                json!({"state": "failed", "troubles": [
                    {"part": "lamp", "level": "error", "times": 1},
                    {"part": "filter", "level": "warning", "times": 1}]}),
            ),
            (
                |manners| manners.unavailable = true,
                json!({"state": "ok", "lamp_hours": 812}),
            ),
            (
                |manners| manners.closed = true,
                json!({"state": "unknown", "misses": 0}),
            ),
            (
                |manners| manners.one_answer = true,
                json!({"state": "ok", "power": "on"}),
            ),
            (
                |manners| manners.model = b"B\xfcro-P100".to_vec(),
                json!({"state": "ok", "model": "Bro-P100"}),
            ),
            (
                |manners| (manners.power, manners.silent_in_standby) = (0, true),
                json!({"state": "unreachable", "misses": 1}),
            ),
        ];
        for (change, expect) in cases {
            let mut manners = Manners::default();
            change(&mut manners);
            let projector = Projector::start(manners.clone()).await?;
            let (found, _) = found(&projector, None).await?;
            for (key, value) in expect.as_object().context("an object")? {
                ensure!(&found[key] == value, "{manners:?}: {key} of {found:#}");
            }
            let seen = projector.seen();
            ensure!(seen.connections == 1, "one connection a poll: {seen:?}");
            ensure!(seen.orders().is_empty(), "nothing is switched: {seen:?}");
        }
        Ok(())
    })
}

/// Issue 6, bad input: a wrong password is said once, and the password never.
#[test]
fn a_password_is_proved_and_a_wrong_one_named() -> Result<()> {
    run(async {
        let manners = Manners {
            password: "JBMIAProjectorLink".into(),
            ..Manners::default()
        };
        let projector = Projector::start(manners).await?;
        let (well, said) = found(&projector, Some("JBMIAProjectorLink")).await?;
        ensure!(
            well["state"] == "ok" && well["model"] == "SIM-P100",
            "{well:#}"
        );
        ensure!(said.is_empty(), "{said}");
        for (password, words) in [
            (Some("JBMIAProjectorLinc"), "refuses the password"),
            (None, "wants a password"),
        ] {
            let (found, said) = found(&projector, password).await?;
            ensure!(found["state"] == "unauthorized", "{found:#}");
            ensure!(said.contains(words) && said.lines().count() == 1, "{said}");
            ensure!(!said.contains("JBMIA"), "{said}");
        }
        ensure!(projector.seen().refused == 1, "{:?}", projector.seen());
        Ok(())
    })
}

/// A second controller is hung up on: that is no fault of the projector.
#[test]
fn a_projector_that_somebody_else_uses_is_busy() -> Result<()> {
    run(async {
        let projector = Projector::start(Manners::default()).await?;
        let _other = tokio::net::TcpStream::connect(projector.address).await?;
        let greeted = async || {
            let connections = projector.seen().connections;
            Ok(if connections == 1 {
                Ok(())
            } else {
                Err(json!(connections))
            })
        };
        until("the other is greeted", TOLD_MAX, greeted).await?;
        let (found, _) = found(&projector, None).await?;
        ensure!(
            found["state"] == "unknown" && found["misses"] == 0,
            "{found:#}"
        );
        ensure!(projector.seen().second == 1, "{:?}", projector.seen());
        Ok(())
    })
}

/// Ports and pages that are tried stand beside each other, in the order of the configuration.
#[test]
fn addresses_are_tried_once_each() -> Result<()> {
    run(async {
        let projector = Projector::start(Manners::default()).await?;
        let nobody = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await?
            .local_addr()?;
        let output = ask(&[
            format!("kind = \"tcp\"\naddress = \"{}\"", projector.address),
            format!("kind = \"tcp\"\naddress = \"{nobody}\""),
            format!("kind = \"http\"\nurl = \"http://{}/\"", projector.address),
            "kind = \"icmp\"\naddress = \"127.0.0.1\"".into(),
        ])
        .await?;
        let found: Value = serde_json::from_slice(&output.stdout)?;
        let states: Vec<&Value> = (0..3).map(|n| &found[n]["state"]).collect();
        ensure!(states == ["ok", "unreachable", "unreachable"], "{found:#}");
        // Where the system lets nobody send an echo, that is no fault either.
        let echo = found[3]["state"].as_str();
        ensure!(matches!(echo, Some("ok" | "unknown")), "{found:#}");
        Ok(())
    })
}

/// The fault of that code of the unlucky room, once it is open or gone.
async fn fault(code: &str, open: bool) -> Result<Value> {
    let technician = person("technician").await?;
    let device = campus().await?.classrooms[UNLUCKY].room.device_id.clone();
    until(&format!("{code}, open: {open}"), TOLD_MAX, async || {
        let body = get(&technician, "/api/faults?open=true").await?;
        let mut faults = list(&body, "faults")?.iter();
        let found = faults.find(|fault| fault["code"] == code && fault["device"] == *device);
        Ok(match (found, open) {
            (Some(fault), true) => Ok(fault.clone()),
            (None, false) => Ok(Value::Null),
            _ => Err(body),
        })
    })
    .await
}

/// R64: a room's projector stands among its numbers at the hub, without its password; one that
/// lets nobody in is a fault, and asked no more for ten minutes.
#[test]
fn the_hub_shows_projectors_and_judges_them() -> Result<()> {
    run(async {
        let technician = person("technician").await?;
        let well = campus().await?.classrooms[WELL].room.device_id.clone();
        until("the projector of the first room", TOLD_MAX, async || {
            let body = get(&technician, "/api/devices").await?;
            let mut devices = list(&body, "devices")?.iter();
            let own = devices.find(|device| device["id"] == *well);
            let piece = own.map(|device| device["health"]["equipment"][0].clone());
            let piece = piece.unwrap_or_default();
            Ok(match (piece["state"].as_str(), piece["power"].as_str()) {
                (Some("ok"), Some("on")) => Ok(()),
                _ => Err(body),
            })
        })
        .await?;
        let _turn = unlucky_turn().await;
        let manners = Manners {
            password: "right".into(),
            ..Manners::default()
        };
        let projector = Projector::start(manners).await?;
        let before = equip(&projector).await?;
        let open = fault("PJ_UNAUTHORIZED", true).await;
        let restored = restore(before).await;
        let open = open?;
        restored?;
        ensure!(open["component"] == "projector", "{open:#}");
        ensure!(!open.to_string().contains("wrong"), "{open:#}");
        ensure!(projector.seen().refused == 1, "{:?}", projector.seen());
        fault("PJ_UNAUTHORIZED", false).await.map(drop)
    })
}

/// Gives the unlucky room a projector with a wrong password; its configuration of before.
async fn equip(projector: &Projector) -> Result<String> {
    let address = projector.address.to_string();
    let mut campus = campus().await?;
    let room = &mut campus.classrooms[UNLUCKY];
    let before = fs::read_to_string(room.folder().join("agent.toml"))?;
    room.end_agent()?;
    room.equip("projector", &address, Some("wrong"))?;
    room.run_agent()?;
    Ok(before)
}

async fn restore(before: String) -> Result<()> {
    let mut campus = campus().await?;
    let room = &mut campus.classrooms[UNLUCKY];
    room.end_agent()?;
    room.configure(|_| before)?;
    room.run_agent()
}
