//! Commands from the hub to a real box: signed, once, each with an end; two people while there is a
//! class; and the check-up before the first lesson (issue 6, items 4 and 8).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::SigningKey;
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::campus::{Campus, Options, Person};
use xunke_tests::clock::now_ms;

use crate::shared::{folder, get, list, run, until};

const ONLINE_MAX: Duration = Duration::from_secs(60);
const ENDED_MAX: Duration = Duration::from_secs(60);
const MINUTE_MS: i64 = 60_000;

struct Stage {
    campus: Campus,
    technician: Person,
    second: Person,
    device: String,
}

impl Stage {
    async fn start(name: &str) -> Result<Self> {
        let options = Options {
            rooms: 1,
            data_dir: Some(folder(name)?),
            ..Options::default()
        };
        let mut campus = Campus::start(options).await?;
        let room = &mut campus.classrooms[0];
        room.end_agent()?;
        let reboot = room.folder().join("reboot");
        room.configure(|text| format!("{text}[commands]\nreboot_file = {reboot:?}\n"))?;
        room.run_agent()?;
        let technician = campus.sign_in("technician").await?;
        // A second system administrator, who is another person.
        let made = campus
            .hub
            .sql("UPDATE person_roles SET role = 'technician' WHERE role = 'audit_administrator'");
        made?;
        let stage = Self {
            second: campus.sign_in("audit_administrator").await?,
            device: campus.classrooms[0].room.device_id.clone(),
            technician,
            campus,
        };
        stage.until_online().await?;
        Ok(stage)
    }

    async fn until_online(&self) -> Result<()> {
        until("the box and its camera", ONLINE_MAX, async || {
            let body = get(&self.technician, "/api/devices").await?;
            let own = &body["devices"][0];
            let streams = own["health"]["cameras"][0]["state"] == "streaming"
                && own["health"]["equipment"][0]["state"] == "ok";
            Ok((own["state"] == "online" && streams)
                .then_some(())
                .ok_or(body))
        })
        .await
    }

    fn path(&self) -> String {
        format!("/api/devices/{}/commands", self.device)
    }

    /// Gives a command; its id and state.
    async fn give(&self, form: Value) -> Result<(String, String)> {
        let (status, body) = self.technician.post(&self.path(), &form).await?;
        ensure!(status == StatusCode::OK, "{form}: {status} {body}");
        let text = |key: &str| body[key].as_str().map(str::to_owned).context("no answer");
        Ok((text("id")?, text("state")?))
    }

    async fn ordered(&self, kind: &str) -> Result<String> {
        let form = json!({"kind": kind, "reason": "例行检查"});
        Ok(self.give(form).await?.0)
    }

    async fn line(&self, id: &str) -> Result<Value> {
        let body = get(&self.technician, &self.path()).await?;
        let mut commands = list(&body, "commands")?.iter();
        let line = commands.find(|one| one["id"] == id);
        line.cloned().context("the command is not listed")
    }

    /// The line of a command once it has ended.
    async fn ended(&self, id: &str) -> Result<Value> {
        until("the command's end", ENDED_MAX, async || {
            let line = self.line(id).await?;
            let open = ["waiting", "queued", "sent", "running"];
            Ok(match line["state"].as_str() {
                Some(state) if !open.contains(&state) => Ok(line),
                _ => Err(line),
            })
        })
        .await
    }

    async fn ends(&self, kind: &str, state: &str, code: &str) -> Result<Value> {
        let line = self.ended(&self.ordered(kind).await?).await?;
        ensure!(line["state"] == state && line["code"] == code, "{line:#}");
        Ok(line)
    }

    fn lessons(&self, in_class: bool) -> Result<()> {
        let (from, to) = match in_class {
            true => (now_ms() - 5 * MINUTE_MS, now_ms() + 90 * MINUTE_MS),
            false => (1, 2),
        };
        let sql = format!("UPDATE lessons SET start_ms = {from}, end_ms = {to}");
        self.campus.hub.sql(&sql).map(drop)
    }

    fn reboot_file(&self) -> PathBuf {
        self.campus.classrooms[0].folder().join("reboot")
    }
}

/// Ping, self-test, diagnosis: what comes of them, and what is not in them.
async fn harmless(stage: &Stage) -> Result<()> {
    stage.ends("ping", "done", "").await?;
    let tested = stage.ends("selftest", "done", "").await?;
    let checks = list(&tested["result"], "checks")?;
    let parts: BTreeSet<_> = checks
        .iter()
        .filter_map(|one| one["part"].as_str())
        .collect();
    for part in [
        "camera",
        "disk",
        "clock",
        "network",
        "certificate",
        "projector",
    ] {
        ensure!(parts.contains(part), "{part} was not tried: {tested:#}");
    }
    let fails: Vec<_> = checks
        .iter()
        .filter(|one| one["outcome"] == "fail")
        .collect();
    ensure!(fails.is_empty(), "{fails:?}");
    let told = stage.ends("collect_diag", "done", "").await?;
    let bundle = told["result"].to_string();
    ensure!(bundle.len() <= 12 * 1024, "{} bytes", bundle.len());
    ensure!(
        told["result"]["log"]
            .as_array()
            .is_some_and(|log| !log.is_empty())
    );
    let room = &stage.campus.classrooms[0];
    let secrets = [&room.room.name, &room.camera.password, &room.room.id];
    for secret in secrets {
        ensure!(!bundle.contains(secret.as_str()), "{secret} is in {bundle}");
    }
    Ok(())
}

/// R-sides of item 4: a renewal is a command too; a reload says what is wrong and changes nothing.
async fn kept_or_changed(stage: &mut Stage) -> Result<()> {
    stage.ends("renew", "done", "").await?;
    stage.ends("reload", "done", "unchanged").await?;
    let room = &stage.campus.classrooms[0];
    let file = room.folder().join("agent.toml");
    let before = fs::read_to_string(&file)?;
    fs::write(
        &file,
        before.replace("period_seconds = 10", "period_seconds = 1"),
    )?;
    let wrong = stage.ends("reload", "failed", "config_invalid").await?;
    ensure!(
        wrong["result"]["key"] == "health.period_seconds",
        "{wrong:#}"
    );
    fs::write(
        &file,
        before.replace("period_seconds = 10", "period_seconds = 9"),
    )?;
    let pid = stage.campus.classrooms[0].agent()?.pid();
    stage.ends("reload", "done", "").await?;
    ensure!(
        stage.campus.classrooms[0].agent()?.pid() == pid,
        "another process"
    );
    stage.until_online().await?;
    let said = stage.campus.classrooms[0].agent()?.said()?;
    ensure!(
        said.matches("running").count() >= 2,
        "it did not begin anew"
    );
    Ok(())
}

/// A kill in the middle ends in a told result, and the command is not carried out again.
async fn killed(stage: &mut Stage) -> Result<()> {
    let file = stage.reboot_file();
    let order = stage.ordered("reboot").await?;
    until("the reboot's beginning", ENDED_MAX, async || {
        Ok(file.exists().then_some(()).ok_or(Value::Null))
    })
    .await?;
    let beside = json!({"kind": "selftest", "reason": ""});
    let (status, body) = stage.technician.post(&stage.path(), &beside).await?;
    ensure!(
        status == StatusCode::CONFLICT,
        "side by side: {status} {body}"
    );
    fs::remove_file(&file)?;
    // Dropping the process is kill -9.
    stage.campus.classrooms[0].kill_agent();
    stage.campus.classrooms[0].run_agent()?;
    let line = stage.ended(&order).await?;
    ensure!(
        line["state"] == "failed" && line["code"] == "interrupted",
        "{line:#}"
    );
    ensure!(!file.exists(), "it was carried out again");
    stage.until_online().await
}

/// What a broker in the middle could do again, a box does not: it answers with what it kept. What
/// comes too late it does not begin.
async fn again_and_too_late(stage: &mut Stage) -> Result<()> {
    let first = stage.ends("selftest", "done", "").await?;
    let id = first["id"].as_str().context("no id")?.to_owned();
    let late = stage.ends("collect_diag", "done", "").await?;
    let late = late["id"].as_str().context("no id")?.to_owned();
    let folder = stage.campus.classrooms[0].state_dir().join("commands");
    let before = fs::read_to_string(folder.join(format!("{id}.json")))?;
    stage.campus.classrooms[0].end_agent()?;
    // One that this box has carried out, and one that it never heard of and is over.
    fs::remove_file(folder.join(format!("{late}.json")))?;
    let ends_ms = now_ms() + 10 * MINUTE_MS;
    stage.campus.hub.sql(&format!(
        "UPDATE commands SET state = 'sent', result = '', ended_ms = NULL, expires_ms = 1,
         ends_ms = {ends_ms} WHERE id IN ('{id}', '{late}')"
    ))?;
    stage.campus.classrooms[0].run_agent()?;
    let again = stage.ended(&id).await?;
    ensure!(
        again["state"] == "done" && again["result"] == first["result"],
        "{again:#}"
    );
    ensure!(
        fs::read_to_string(folder.join(format!("{id}.json")))? == before,
        "done twice"
    );
    let expired = stage.ended(&late).await?;
    ensure!(
        expired["state"] == "expired" && expired["code"] == "",
        "{expired:#}"
    );
    ensure!(
        !folder.join(format!("{late}.json")).exists(),
        "it was begun"
    );
    stage.until_online().await
}

/// A box that knows the hub by another key takes no word of this one.
async fn forged(stage: &mut Stage) -> Result<()> {
    let room = &mut stage.campus.classrooms[0];
    room.end_agent()?;
    let file = room.state_dir().join("identity.json");
    let before = fs::read(&file)?;
    let mut identity: Value = serde_json::from_slice(&before)?;
    let other = SigningKey::from_bytes(&[9; 32]).verifying_key();
    identity["hub_signing_key"] = json!(BASE64.encode(other.to_bytes()));
    fs::write(&file, identity.to_string())?;
    room.run_agent()?;
    let log = room.agent()?.log().to_owned();
    stage.until_online().await?;
    let order = stage.ordered("reboot").await?;
    until("the refusal", ENDED_MAX, async || {
        let said = fs::read_to_string(&log)?;
        let refused = said.contains("an order is refused");
        Ok(refused.then_some(()).ok_or(json!(said)))
    })
    .await?;
    ensure!(!stage.reboot_file().exists(), "a forged order was obeyed");
    until("its line of the trail", ENDED_MAX, async || {
        let lines = "SELECT detail FROM trail WHERE action = 'refuse_command'";
        let told = stage.campus.hub.sql(lines)?;
        let named = told.contains(&format!("{} ×", stage.device));
        Ok(named.then_some(()).ok_or(json!(told)))
    })
    .await?;
    let line = stage.line(&order).await?;
    ensure!(line["state"] == "sent", "a forged word ended it: {line:#}");
    let over = format!("UPDATE commands SET expires_ms = 1, ends_ms = 1 WHERE id = '{order}'");
    stage.campus.hub.sql(&over)?;
    let line = stage.ended(&order).await?;
    ensure!(
        line["state"] == "expired" && line["code"] == "no_answer",
        "{line:#}"
    );
    let room = &mut stage.campus.classrooms[0];
    room.end_agent()?;
    fs::write(&file, before)?;
    room.run_agent()?;
    // Asked once more after its birth, it says that it never began.
    until("the box's own word", ENDED_MAX, async || {
        let line = stage.line(&order).await?;
        let told = line["state"] == "expired" && line["code"] == "";
        Ok(told.then_some(()).ok_or(line))
    })
    .await?;
    ensure!(!stage.reboot_file().exists(), "it was begun too late");
    Ok(())
}

/// The box asks systemd by a file where it may, and says why where it may not.
async fn may_not(stage: &mut Stage) -> Result<()> {
    let file = stage.reboot_file();
    let room = &mut stage.campus.classrooms[0];
    room.end_agent()?;
    room.configure(|text| text.replace(&format!("{file:?}"), "\"\""))?;
    room.run_agent()?;
    stage.until_online().await?;
    stage
        .ends("reboot", "rejected", "reboot_forbidden")
        .await
        .map(drop)
}

/// Two administrators and a reason while there is a class; one and nothing else without.
async fn in_class(stage: &Stage) -> Result<()> {
    let off = |reason: &str| {
        json!({"kind": "projector", "reason": reason,
            "projector": {"name": "projector", "power": "off"}})
    };
    stage.lessons(true)?;
    let (status, body) = stage.technician.post(&stage.path(), &off("")).await?;
    ensure!(
        status == StatusCode::UNPROCESSABLE_ENTITY,
        "{status} {body}"
    );
    let (id, state) = stage.give(off("投影灯泡报警")).await?;
    ensure!(state == "waiting", "{state}");
    let consent = format!("/api/commands/{id}/consent");
    let yes = json!({"agreed": true, "reason": "同意"});
    let (status, body) = stage.technician.post(&consent, &yes).await?;
    ensure!(
        status == StatusCode::UNPROCESSABLE_ENTITY,
        "an own one: {status} {body}"
    );
    ensure!(
        stage.campus.projector.seen().orders().is_empty(),
        "it was switched"
    );
    let waiting = get(&stage.second, "/api/commands/waiting").await?;
    ensure!(
        waiting[0]["command"]["id"] == id.as_str() && waiting[0]["command"]["own"] == false,
        "{waiting:#}"
    );
    let (status, body) = stage.second.post(&consent, &yes).await?;
    ensure!(status == StatusCode::OK, "{status} {body}");
    let waiting = get(&stage.second, "/api/commands/waiting").await?;
    ensure!(waiting == json!([]), "{waiting:#}");
    let line = stage.ended(&id).await?;
    ensure!(
        line["state"] == "done" && line["judged_by"].is_string(),
        "{line:#}"
    );
    ensure!(
        stage.campus.projector.seen().orders() == ["%1POWR 0"],
        "{:?}",
        stage.campus.projector.seen()
    );
    stage.campus.projector.change(|manners| manners.power = 0);
    let on = json!({"kind": "projector", "reason": "",
        "projector": {"name": "projector", "power": "on"}});
    let (id, state) = stage.give(on).await?;
    ensure!(state == "sent", "on is for one: {state}");
    let line = stage.ended(&id).await?;
    ensure!(
        line["code"] == "too_soon",
        "never on and off in a row: {line:#}"
    );
    ensure!(
        stage.campus.projector.seen().orders().len() == 1,
        "{:?}",
        stage.campus.projector.seen()
    );
    // Somebody switches it on by hand; the box sees it when it begins anew.
    stage.campus.projector.change(|manners| manners.power = 1);
    stage.lessons(false)
}

/// K8: the check-up says who has to go where, and what to bring.
async fn checkup(stage: &mut Stage) -> Result<()> {
    let (status, _) = stage.technician.post("/api/checkup", &Value::Null).await?;
    ensure!(status == StatusCode::NO_CONTENT, "{status}");
    let found = checked(stage).await?;
    ensure!(list(&found, "needy")?.is_empty(), "{found:#}");
    stage.campus.classrooms[0].end_agent()?;
    let (status, _) = stage.technician.post("/api/checkup", &Value::Null).await?;
    ensure!(status == StatusCode::NO_CONTENT, "{status}");
    let found = checked(stage).await?;
    let needy = &list(&found, "needy")?[0];
    ensure!(needy["device"] == stage.device.as_str(), "{found:#}");
    let bring = needy["bring_zh"].as_array().context("nothing to bring")?;
    ensure!(bring.contains(&json!("网线")), "{found:#}");
    stage.campus.classrooms[0].run_agent()
}

async fn checked(stage: &Stage) -> Result<Value> {
    until("the check-up", Duration::from_secs(120), async || {
        let body = get(&stage.technician, "/api/checkup").await?;
        Ok(match body["ended_at"].is_number() {
            true => Ok(body),
            false => Err(body),
        })
    })
    .await
}

/// Each step of a person and each end stands in the trail.
fn told(stage: &Stage) -> Result<()> {
    let acts = stage.campus.hub.sql(
        "SELECT DISTINCT action FROM trail WHERE action LIKE '%order%' OR action LIKE '%checkup'
         ORDER BY action",
    )?;
    let wanted = [
        "agree_order",
        "ask_order",
        "begin_checkup",
        "end_checkup",
        "end_order",
        "order_box",
    ];
    ensure!(acts.lines().eq(wanted), "{acts}");
    let reason = stage
        .campus
        .hub
        .sql("SELECT purpose FROM trail WHERE action = 'ask_order'")?;
    ensure!(reason.trim() == "投影灯泡报警", "{reason}");
    Ok(())
}

#[test]
fn a_box_does_what_it_is_told_once_and_says_so() -> Result<()> {
    run(async {
        let mut stage = Stage::start("commands").await?;
        stage.lessons(false)?;
        harmless(&stage).await?;
        in_class(&stage).await?;
        kept_or_changed(&mut stage).await?;
        killed(&mut stage).await?;
        again_and_too_late(&mut stage).await?;
        forged(&mut stage).await?;
        may_not(&mut stage).await?;
        checkup(&mut stage).await?;
        told(&stage)
    })
}
