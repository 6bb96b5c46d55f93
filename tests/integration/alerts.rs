//! Camera → fault → alert: told in the hub's own inbox, once, whenever the hub is killed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};
use xunke_tests::classroom::Behaviour;
use xunke_tests::clock::now_ms;

use crate::bad_input::alone::Alone;
use crate::shared::{get, list, run, until};

const MINUTE_MS: i64 = 60_000;
/// A camera that dies is noticed, reported and held down: 10 s, and what that takes.
const OPENS_MAX: Duration = Duration::from_secs(60);
/// After that it waits 5 s.
const TOLD_MAX: Duration = Duration::from_secs(30);

/// M14, R66: a camera is pulled in a lesson. The hub is killed while the alert waits, and when it
/// was told: there is one alert, one word, and it can be taken.
#[test]
fn a_pulled_camera_is_told_once_however_often_the_hub_dies() -> Result<()> {
    run(async {
        let mut alone = Alone::start("alerts").await?;
        in_class(&alone)?;
        alone.run_agent()?;
        let streams = |one: &Value| one["health"]["cameras"][0]["state"] == "streaming";
        alone.until_device("streaming", streams).await?;
        let pulled = Instant::now();
        alone.room().befall(Behaviour::Die)?;
        until("the fault", OPENS_MAX, async || fault_is_open(&alone).await).await?;
        let open = pulled.elapsed();
        restart(&mut alone)?;
        until("the word", TOLD_MAX, async || told(&alone).await).await?;
        let told = pulled.elapsed();
        eprintln!("pulled → fault {open:?}, → told {told:?}, with a restart between");
        let id = only_alert(&alone).await?;
        restart(&mut alone)?;
        let online = |one: &Value| one["state"] == "online";
        alone.until_device("online", online).await?;
        until("the fault", OPENS_MAX, async || fault_is_open(&alone).await).await?;
        ensure!(only_alert(&alone).await? == id, "another alert");
        take(&alone, &id).await?;
        alone.room().end_agent()?;
        alone.campus.hub.end()
    })
}

fn restart(alone: &mut Alone) -> Result<()> {
    alone.campus.hub.kill();
    alone.campus.hub.run()
}

/// A lesson runs in the room.
fn in_class(alone: &Alone) -> Result<()> {
    let room = &alone.campus.classrooms[0].room.id;
    let (from_ms, to_ms) = (now_ms() - 5 * MINUTE_MS, now_ms() + 90 * MINUTE_MS);
    alone.campus.hub.teach(room, from_ms, to_ms)
}

async fn fault_is_open(alone: &Alone) -> Result<std::result::Result<(), Value>> {
    let body = get(&alone.technician, "/api/faults?open=true").await?;
    let mut faults = list(&body, "faults")?.iter();
    let found = faults.any(|fault| fault["code"] == "CAM_NO_SIGNAL");
    Ok(found.then_some(()).ok_or(body))
}

async fn told(alone: &Alone) -> Result<std::result::Result<(), Value>> {
    let body = get(&alone.technician, "/api/inbox").await?;
    let mut words = list(&body, "words")?.iter();
    let found = words.any(|word| word["alert"]["code"] == "CAM_NO_SIGNAL");
    Ok(found.then_some(()).ok_or(body))
}

/// The id of the only alert about the camera, of which one word was said.
async fn only_alert(alone: &Alone) -> Result<String> {
    let body = get(&alone.technician, "/api/alerts?open=true").await?;
    let of_camera = |alert: &&Value| alert["code"] == "CAM_NO_SIGNAL";
    let alerts: Vec<_> = list(&body, "alerts")?.iter().filter(of_camera).collect();
    ensure!(alerts.len() == 1, "{body}");
    let alert = alerts[0];
    ensure!(
        alert["severity"] == "critical" && alert["urgent"] == true,
        "{alert}"
    );
    ensure!(alert["parts"][0]["component"] == "cam0", "{alert}");
    let id = alert["id"].as_str().context("no id")?;
    let story = get(&alone.technician, &format!("/api/alerts/{id}")).await?;
    let lines = list(&story, "lines")?;
    ensure!(lines.len() == 1 && lines[0]["what"] == "raised", "{story}");
    ensure!(
        !story.to_string().contains("李明"),
        "a teacher is named: {story}"
    );
    Ok(id.to_owned())
}

/// Somebody takes it, and says what they do.
async fn take(alone: &Alone, id: &str) -> Result<()> {
    let path = format!("/api/alerts/{id}/acknowledgement");
    let form = json!({"minutes": 30, "note": "在路上"});
    let (status, body) = alone.technician.post(&path, &form).await?;
    ensure!(status == StatusCode::NO_CONTENT, "{status} {body}");
    let story = get(&alone.technician, &format!("/api/alerts/{id}")).await?;
    ensure!(story["alert"]["acknowledged_by"].is_string(), "{story}");
    let (status, _) = alone.supervisor.get("/api/alerts").await?;
    ensure!(
        status == StatusCode::FORBIDDEN,
        "a supervisor sees alerts: {status}"
    );
    Ok(())
}
