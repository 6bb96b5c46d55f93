//! A box from its enrolment on: its faults, its certificate and its standing, changed at the desk
//! while it records (X19, X20); with the hub's own endpoint, and with mosquitto between.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, TlsConfiguration, Transport};
use serde_json::{Value, json};
use xunke_tests::campus::{BoxIdentity, Campus, Options, Person, Process, program};
use xunke_tests::classroom::Behaviour;

use crate::shared::{folder, get, list, run, until};

/// A box that may speak again tries within its longest pause.
const BACK_MAX: Duration = Duration::from_secs(60);
/// Stall, hold-down and report: well within.
const FAULT_MAX: Duration = Duration::from_secs(90);
/// R108: what may no longer be ends within a second; its page is asked once more.
const KICKED_MAX: Duration = Duration::from_millis(1500);
/// A box asks every three seconds.
const SHOWN_MAX: Duration = Duration::from_secs(20);
/// Half a second until the hub has written the broker's list, and a reload of it.
const LISTED_MAX: Duration = Duration::from_secs(3);

struct Stage {
    campus: Campus,
    technician: Person,
    device: String,
}

impl Stage {
    async fn start(broker: bool) -> Result<Self> {
        let options = Options {
            rooms: 1,
            data_dir: Some(folder(if broker { "desk-broker" } else { "desk" })?),
            broker,
            ..Options::default()
        };
        let campus = Campus::start(options).await?;
        Ok(Self {
            technician: campus.sign_in("technician").await?,
            device: campus.classrooms[0].room.device_id.clone(),
            campus,
        })
    }

    async fn step(&self, step: &str) -> Result<Value> {
        let form = json!({ "device": self.device, "step": step, "reason": "例行检查" });
        let (status, body) = self.technician.post("/api/desk/steps", &form).await?;
        ensure!(status == StatusCode::OK, "{step}: {status} {body}");
        Ok(body)
    }

    /// The box's line at the desk.
    async fn line(&self) -> Result<Value> {
        let body = get(&self.technician, "/api/desk").await?;
        let mut boxes = list(&body, "boxes")?.iter();
        let line = boxes.find(|one| one["id"] == self.device.as_str());
        line.cloned().context("the box is not at the desk")
    }

    async fn until_presence(&self, presence: &str, most: Duration) -> Result<()> {
        until(&format!("the box is {presence}"), most, async || {
            let line = self.line().await?;
            Ok((line["presence"] == presence).then_some(()).ok_or(line))
        })
        .await
    }

    async fn until_fault(&self, code: &str, open: bool) -> Result<()> {
        until(&format!("{code}, open: {open}"), FAULT_MAX, async || {
            let body = get(&self.technician, "/api/faults?open=true").await?;
            let found = list(&body, "faults")?.iter().any(|one| one["code"] == code);
            Ok((found == open).then_some(()).ok_or(body))
        })
        .await
    }

    /// Health comes through, is judged, and the judgement ends.
    async fn a_fault_opens_and_ends(&mut self) -> Result<()> {
        self.campus.classrooms[0].befall(Behaviour::Die)?;
        self.until_fault("CAM_NO_SIGNAL", true).await?;
        self.campus.classrooms[0].befall(Behaviour::Revive)?;
        self.until_fault("CAM_NO_SIGNAL", false).await
    }

    /// Whichever of the two goes, the box is back by itself and obeys.
    async fn broker_and_hub_are_killed(&mut self) -> Result<()> {
        self.campus.hub.broker()?.kill();
        self.until_presence("unknown", BACK_MAX).await?;
        self.campus.hub.broker()?.run()?;
        self.until_presence("online", BACK_MAX).await?;
        self.campus.hub.kill();
        self.campus.hub.run()?;
        self.until_presence("online", BACK_MAX).await?;
        let outcome = self.step("renew").await?;
        ensure!(outcome["outcome"] == "done", "{outcome}");
        Ok(())
    }

    /// Its certificate stands in the list that the broker is given; the new one does not.
    async fn the_broker_takes_the_old_one_no_more(&mut self, before: &BoxIdentity) -> Result<()> {
        let list = self.campus.hub.data_dir().join("broker/revoked.pem");
        ensure!(reaches(before).await, "the broker knows of nothing yet");
        // As the system does it: whenever the hub has written the list anew.
        until("the old certificate is refused", LISTED_MAX, async || {
            self.campus.hub.broker()?.take_list(&list)?;
            Ok((!reaches(before).await)
                .then_some(())
                .ok_or_else(|| "taken".into()))
        })
        .await?;
        self.until_presence("online", BACK_MAX).await?;
        let now = self.campus.classrooms[0].identity()?;
        ensure!(reaches(&now).await, "the new one is refused");
        self.until_presence("online", BACK_MAX).await
    }

    /// A certificate by order, while everything goes on.
    async fn renewed(&self) -> Result<()> {
        let identity = self.campus.classrooms[0].state_dir().join("identity.json");
        let before = (certificate(&identity)?, self.line().await?);
        let outcome = self.step("renew").await?;
        ensure!(outcome["outcome"] == "done", "{outcome}");
        let after = (certificate(&identity)?, self.line().await?);
        ensure!(before.0 != after.0, "the box keeps its certificate");
        let until = |line: &Value| line["certificate_until"].as_i64();
        ensure!(
            until(&before.1) < until(&after.1),
            "{} {}",
            before.1,
            after.1
        );
        ensure!(after.1["renewing"] == false, "{}", after.1);
        ensure!(after.1["presence"] == "online", "{}", after.1);
        let again = self.step("renew").await?;
        ensure!(again["outcome"] == "done", "with the new one: {again}");
        Ok(())
    }

    async fn quarantined_and_released(&self) -> Result<()> {
        let asked = Instant::now();
        self.step("quarantine").await?;
        self.until_presence("lost", KICKED_MAX).await?;
        ensure!(asked.elapsed() < KICKED_MAX, "{:?}", asked.elapsed());
        ensure!(self.line().await?["state"] == "quarantined");
        let form = json!({ "device": self.device, "step": "quarantine", "reason": "又一次" });
        let (status, body) = self.technician.post("/api/desk/steps", &form).await?;
        ensure!(
            status == StatusCode::UNPROCESSABLE_ENTITY,
            "{status} {body}"
        );
        self.step("release").await?;
        self.until_presence("online", BACK_MAX).await
    }

    /// A broken box: another takes its place and its name, and the old one is out.
    async fn replaced(&mut self) -> Result<()> {
        let room = &mut self.campus.classrooms[0];
        room.end_agent()?;
        let form = json!({ "room": room.room.id, "device": self.device, "reason": "设备损坏" });
        let (status, made) = self.technician.post("/api/desk/codes", &form).await?;
        ensure!(status == StatusCode::OK, "{status} {made}");
        let file = folder("desk-code")?.join("code");
        fs::write(&file, made["code"].as_str().context("no code")?)?;
        let enrol = || -> Result<bool> {
            let mut command = Command::new(program("xunke-agent")?);
            let command = command.args(["enrol", "--replace", "--config"]);
            let command = command
                .arg(room.state_dir().with_file_name("agent.toml"))
                .arg("--code-file")
                .arg(&file);
            Ok(command.output()?.status.success())
        };
        ensure!(enrol()?, "the code does not enrol");
        ensure!(!enrol()?, "the code enrols twice");
        room.run_agent()?;
        self.until_presence("online", BACK_MAX).await
    }

    async fn retired(&self) -> Result<()> {
        self.step("retire").await?;
        self.until_presence("lost", KICKED_MAX).await?;
        let form = json!({ "room": self.campus.classrooms[0].room.id, "device": self.device,
            "reason": "再用一次" });
        let (status, body) = self.technician.post("/api/desk/codes", &form).await?;
        ensure!(
            status == StatusCode::UNPROCESSABLE_ENTITY,
            "{status} {body}"
        );
        Ok(())
    }

    /// A box that nobody knows shows a code, and whoever types it lets it in.
    async fn let_in(&self, broker: bool) -> Result<()> {
        let room = &self.campus.classrooms[0];
        let folder = folder(if broker {
            "desk-asks-broker"
        } else {
            "desk-asks"
        })?;
        let config = fs::read_to_string(room.state_dir().with_file_name("agent.toml"))?;
        let (there, here) = (room.state_dir(), folder.join("state"));
        let config = config.replace(&there.display().to_string(), &here.display().to_string());
        fs::write(folder.join("agent.toml"), config)?;
        let arguments = ["enrol", "--ask", "--config"].map(OsString::from);
        let arguments = arguments
            .into_iter()
            .chain([folder.join("agent.toml").into()]);
        let agent = program("xunke-agent")?;
        let mut asking = Process::start("asking", &agent, arguments, &folder)?;
        let code = loop {
            let line = asking.line(SHOWN_MAX)?;
            if line.trim().starts_with("XB1-") {
                break line.trim().to_owned();
            }
        };
        let body = get(&self.technician, "/api/desk").await?;
        ensure!(list(&body, "asking")?.len() == 1, "{body}");
        let mut form = json!({ "room": room.room.id, "device": null, "reason": "凭代码入网",
            "code": "XB1-AAAA-BBBB-CCCC-DDDD-EEEE-FFFF" });
        let admit = async |form: &Value| self.technician.post("/api/desk/admissions", form).await;
        let (status, body) = admit(&form).await?;
        ensure!(
            status == StatusCode::UNPROCESSABLE_ENTITY && body["error"]["field"] == "code",
            "{status} {body}"
        );
        form["code"] = code.to_lowercase().replace('-', " ").into();
        let (status, body) = admit(&form).await?;
        ensure!(status == StatusCode::OK, "{status} {body}");
        until("the box hears of it", SHOWN_MAX, async || {
            let log = asking.last_words();
            Ok(asking.ended().then_some(()).ok_or_else(|| log.into()))
        })
        .await?;
        let identity: Value = serde_json::from_slice(&fs::read(here.join("identity.json"))?)?;
        ensure!(identity["device_id"] == body["device"], "{body}");
        let body = get(&self.technician, "/api/desk").await?;
        ensure!(list(&body, "asking")?.is_empty(), "{body}");
        let mut boxes = list(&body, "boxes")?.iter();
        let known = boxes.find(|one| one["id"] == identity["device_id"]);
        ensure!(
            known.is_some_and(|one| one["state"] == "enrolled"),
            "{body}"
        );
        Ok(())
    }

    /// Each act stands in the trail with its reason.
    fn told(&self, broker: bool) -> Result<()> {
        let acts = self.campus.hub.sql(
            "SELECT action, purpose FROM trail WHERE purpose <> '' AND (action LIKE '%_box'
             OR action = 'make_enrolment_code') ORDER BY seq",
        )?;
        let mut wanted = vec![
            "renew_box|例行检查",
            "renew_box|例行检查",
            "quarantine_box|例行检查",
            "release_box|例行检查",
            "make_enrolment_code|设备损坏",
            "retire_box|例行检查",
        ];
        if broker {
            wanted.insert(4, "renew_box|例行检查");
        }
        wanted.push("admit_box|凭代码入网");
        ensure!(acts.lines().eq(wanted), "{acts}");
        Ok(())
    }
}

/// The same way with and without a broker between (M18).
fn way(broker: bool) -> Result<()> {
    run(async {
        let mut stage = Stage::start(broker).await?;
        stage.until_presence("online", BACK_MAX).await?;
        stage.a_fault_opens_and_ends().await?;
        stage.renewed().await?;
        stage.quarantined_and_released().await?;
        if broker {
            stage.broker_and_hub_are_killed().await?;
        }
        let before = stage.campus.classrooms[0].identity()?;
        stage.replaced().await?;
        if broker {
            stage.the_broker_takes_the_old_one_no_more(&before).await?;
        }
        stage.retired().await?;
        stage.let_in(broker).await?;
        stage.told(broker)
    })
}

#[test]
fn a_box_is_renewed_set_aside_replaced_and_retired_at_the_desk() -> Result<()> {
    way(false)
}

#[test]
fn behind_a_broker_a_box_is_renewed_set_aside_replaced_and_retired_at_the_desk() -> Result<()> {
    way(true)
}

/// Whether the broker lets the holder of this certificate in.
async fn reaches(identity: &BoxIdentity) -> bool {
    let Ok(tls) = identity.tls(true) else {
        return false;
    };
    let mut options = MqttOptions::new("any", "localhost", identity.mqtt_port);
    let tls = TlsConfiguration::Rustls(Arc::new(tls));
    options.set_transport(Transport::tls_with_config(tls));
    let (_client, mut events) = AsyncClient::new(options, 1);
    matches!(events.poll().await, Ok(Event::Incoming(Packet::ConnAck(_))))
}

fn certificate(identity: &Path) -> Result<String> {
    let identity: Value = serde_json::from_slice(&fs::read(identity)?)?;
    let pem = identity["certificate_pem"].as_str();
    pem.map(str::to_owned).context("no certificate")
}
