//! The boxes' doors: routes with and without a certificate, topics as one box and as nobody.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::Tally;
use super::canary::{NOTHING, ROOM};
use super::world::{STILL, World};
use crate::campus::{BoxIdentity, Process};

/// As `xunke-hub doors` prints them.
pub const ENTRANCES: [&str; 22] = [
    "boxes POST /box/1/enrol",
    "boxes POST /box/1/ask",
    "boxes POST /box/1/renewal",
    "boxes GET /.well-known/est/cacerts",
    "boxes POST /.well-known/est/simpleenroll",
    "boxes POST /.well-known/est/simplereenroll",
    "boxes PUT /box/1/segments/{id}",
    "boxes GET /box/1/segments/{id}",
    "boxes GET /box/1/epoch-bundle",
    "boxes GET /box/1/timetable",
    "boxes GET /box/1/live/{push}",
    "mqtt write up/state",
    "mqtt write up/health",
    "mqtt write up/ev/{kind}",
    "mqtt write up/met",
    "mqtt write up/ack/{id}",
    "mqtt write up/cfg",
    "mqtt read dn/cmd/{id}",
    "mqtt read dn/rcv",
    "mqtt read dn/time",
    "mqtt read xk/1/hub/state",
    // Closed here; `tests/integration/metrics.rs` opens it and looks for names in it.
    "metrics GET /metrics",
];

const NIL: &str = "00000000-0000-0000-0000-000000000000";

/// One box's identity listening to everything it can ask for, from now on.
pub struct Tap {
    process: Process,
    heard: PathBuf,
    identity: BoxIdentity,
    folder: PathBuf,
}

/// Opens it.
pub fn tap(world: &World) -> Result<Tap> {
    let identity = world.campus.classrooms[STILL].identity()?;
    let folder = world.campus.folder().join("tap");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("ca.pem"), &identity.ca_pem)?;
    fs::write(folder.join("box.pem"), &identity.certificate_pem)?;
    fs::write(folder.join("box-key.pem"), &identity.key_pem)?;
    let heard = folder.join("heard.txt");
    let others = world.campus.classrooms[0].identity()?.device_id;
    let topics = [
        format!("xk/1/d/{}/dn/#", identity.device_id),
        "xk/1/hub/state".into(),
        "#".into(),
        "xk/1/d/+/dn/#".into(),
        "xk/1/d/+/up/#".into(),
        format!("xk/1/d/{others}/dn/#"),
        format!("xk/1/d/{others}/up/#"),
    ];
    let mut command = mosquitto("mosquitto_sub", &identity, &folder, true);
    command.extend(["-v".into()]);
    for topic in topics {
        command.extend(["-t".into(), topic]);
    }
    let script = format!("exec \"$@\" > '{}'", heard.display());
    let arguments = ["-c".into(), script, "tap".into()];
    let arguments = arguments.into_iter().chain(command);
    let process = Process::start("tap", "/bin/sh".as_ref(), arguments, &folder)?;
    Ok(Tap {
        process,
        heard,
        identity,
        folder,
    })
}

fn mosquitto(program: &str, of: &BoxIdentity, folder: &std::path::Path, with: bool) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let port = of.mqtt_port.to_string();
    let mut all = [
        program,
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-V",
        "311",
        "-q",
        "1",
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend([
        "-i".into(),
        of.device_id.clone(),
        "--cafile".into(),
        file("ca.pem"),
    ]);
    if with {
        all.extend([
            "--cert".into(),
            file("box.pem"),
            "--key".into(),
            file("box-key.pem"),
        ]);
    }
    all
}

/// Asks at the boxes' doors, and looks at what the tap has heard meanwhile.
pub async fn ask(world: &World, tap: Tap, tally: &mut Tally) -> Result<()> {
    let (device, folder) = (tap.identity.device_id.clone(), tap.folder.clone());
    let heard = fs::read_to_string(&tap.heard)?;
    let said = fs::read_to_string(tap.process.log())?;
    ensure!(!said.contains("Error"), "the tap did not listen: {said}");
    drop(tap.process);
    let own = format!("xk/1/d/{device}/dn/");
    let orders = heard.lines().filter(|line| line.starts_with(&own)).count();
    if orders == 0 {
        tally.differs(format!("MQTT: the tap has heard nothing at all: {said}"));
    }
    for line in heard.lines() {
        tally.compared += 1;
        if !line.starts_with(&own) && !line.starts_with("xk/1/hub/state") {
            tally.leaks += 1;
            tally.differs(format!("MQTT as {device}: hears {line}"));
        }
        tally.search(&world.canaries, "MQTT as a box", line, NOTHING);
    }
    let other = world.campus.classrooms[0].identity()?.device_id;
    let publish = |with, topic: &str| -> Result<bool> {
        let command = mosquitto("mosquitto_pub", &tap.identity, &folder, with);
        let mut run = Command::new(&command[0]);
        run.args(&command[1..]).args(["-t", topic, "-m", "{}"]);
        Ok(run
            .output()
            .context("mosquitto_pub cannot be run")?
            .status
            .success())
    };
    let channels = [
        "state",
        "health",
        "ev/gap",
        "met",
        &format!("ack/{NIL}"),
        "cfg",
    ];
    for channel in channels {
        let topics = [&device, &other].map(|id| format!("xk/1/d/{id}/up/{channel}"));
        for (with, topic, wanted) in [
            (true, &topics[0], true),
            (true, &topics[1], false),
            (false, &topics[0], false),
        ] {
            tally.asked += 1;
            tally.compared += 1;
            if publish(with, topic)? != wanted {
                tally.differs(format!("MQTT: {topic}, certificate {with}: not {wanted}"));
            }
        }
    }
    routes(world, &tap.identity, tally).await
}

/// Without a certificate, and with a person's cookie instead of one.
async fn routes(world: &World, identity: &BoxIdentity, tally: &mut Tally) -> Result<()> {
    let door = format!("https://127.0.0.1:{}", world.campus.hub.ports.boxes);
    let cookie = world.supervisors[0].cookie().context("no cookie")?;
    for allowed in [false, true] {
        let client = identity.client(allowed)?;
        for (method, path) in [
            (Method::GET, "/box/1/epoch-bundle".to_owned()),
            (Method::GET, "/box/1/timetable".to_owned()),
            (Method::PUT, format!("/box/1/segments/{NIL}")),
            (Method::GET, format!("/box/1/segments/{NIL}")),
            (Method::GET, format!("/box/1/live/{NIL}")),
            (Method::POST, "/box/1/enrol".to_owned()),
            (Method::POST, "/box/1/ask".to_owned()),
            (Method::POST, "/box/1/renewal".to_owned()),
            (Method::GET, "/.well-known/est/cacerts".to_owned()),
            (Method::POST, "/.well-known/est/simpleenroll".to_owned()),
            (Method::POST, "/.well-known/est/simplereenroll".to_owned()),
            // People's routes are not at this door.
            (Method::GET, "/api/rooms".to_owned()),
            (Method::GET, "/api/recordings".to_owned()),
        ] {
            let request = client.request(method.clone(), format!("{door}{path}"));
            let request = request.header("cookie", cookie).json(&json!({}));
            let answer = request.send().await?;
            let (status, body) = (answer.status(), answer.text().await?);
            let at = format!("{method} {path}, certificate {allowed}");
            tally.asked += 1;
            tally.compared += 1;
            let mut may = NOTHING;
            // A box knows its own room.
            may[STILL] = if allowed && path.ends_with("/timetable") {
                ROOM
            } else {
                0
            };
            tally.search(&world.canaries, &at, &body, may);
            let as_wanted = match path.as_str() {
                "/box/1/enrol" | "/box/1/ask" | "/box/1/renewal" => status.is_client_error(),
                "/.well-known/est/cacerts" => status == StatusCode::OK,
                "/.well-known/est/simpleenroll" => status == StatusCode::UNAUTHORIZED,
                path if path.starts_with("/api") => status == StatusCode::NOT_FOUND,
                _ if !allowed => status == StatusCode::UNAUTHORIZED,
                "/box/1/epoch-bundle" | "/box/1/timetable" => status == StatusCode::OK,
                // Nothing of it is here, says the hub.
                _ if method == Method::GET && path.starts_with("/box/1/segments") => {
                    status == StatusCode::OK && body == r#"{"arrived":0}"#
                }
                _ => status.is_client_error() && status != StatusCode::UNAUTHORIZED,
            };
            if !as_wanted {
                tally.differs(format!("{at}: {status} {body}"));
            }
        }
    }
    Ok(())
}
