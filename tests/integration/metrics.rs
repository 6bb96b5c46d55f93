//! Numbers for Prometheus: of a hub, for who shows the token; of a box, for its own machine. No
//! room, no building and nobody's name stands in them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;
use serde_json::json;
use xunke_tests::asking::until;
use xunke_tests::campus::{Campus, Options, free_port};

use crate::shared::{folder, run};

const TOLD_MAX: Duration = Duration::from_secs(60);
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Issue 6, item 5; X67's rule for what leaves: opaque ids alone.
#[test]
fn numbers_are_told_by_opaque_ids_to_who_may_ask() -> Result<()> {
    run(async {
        let folder = folder("metrics")?;
        let options = Options {
            rooms: 1,
            data_dir: Some(folder.join("campus")),
            ..Options::default()
        };
        let mut campus = Campus::start(options).await?;
        let (hub_port, box_port) = (free_port()?, free_port()?);
        let token = folder.join("token");
        fs::write(&token, TOKEN)?;
        fs::set_permissions(&token, fs::Permissions::from_mode(0o600))?;
        campus.hub.end()?;
        campus.hub.configure(|text| {
            let token = token.display();
            format!(
                "{text}[metrics]\nlisten = \"127.0.0.1:{hub_port}\"\ntoken_file = \"{token}\"\n"
            )
        })?;
        campus.hub.run()?;
        let room = &mut campus.classrooms[0];
        room.end_agent()?;
        room.configure(|text| format!("{text}[metrics]\nlisten = \"127.0.0.1:{box_port}\"\n"))?;
        room.run_agent()?;
        let told = scraped(&campus, hub_port, box_port).await?;
        let own = &campus.hub.rooms[0];
        let names = campus
            .hub
            .accounts
            .iter()
            .map(|account| account.name.clone());
        let names = names.chain([own.name.clone(), own.building.clone(), own.unit.clone()]);
        for name in names.chain([TOKEN.to_owned()]) {
            ensure!(!told.contains(&name), "{name} is told:\n{told}");
        }
        campus.end()
    })
}

/// What both say, once the box has reported its projector.
async fn scraped(campus: &Campus, hub_port: u16, box_port: u16) -> Result<String> {
    let client = campus.classrooms[0].identity()?.client(false)?;
    let hub = format!("https://localhost:{hub_port}/metrics");
    let refused = until("the hub's door", TOLD_MAX, async || {
        let answer = client.get(&hub).send().await;
        Ok(answer.map_err(|error| json!(error.to_string())))
    })
    .await?;
    ensure!(refused.status() == StatusCode::UNAUTHORIZED, "let in");
    let wrong = client
        .get(&hub)
        .bearer_auth(TOKEN.replace('f', "e"))
        .send()
        .await?;
    ensure!(wrong.status() == StatusCode::UNAUTHORIZED, "let in");
    let device = campus.classrooms[0].room.device_id.clone();
    let of_hub = until("the box's numbers at the hub", TOLD_MAX, async || {
        let answer = client.get(&hub).bearer_auth(TOKEN).send().await?;
        let text = answer.error_for_status()?.text().await?;
        let lines = [
            format!("xunke_box_up{{box=\"{device}\"}} 1"),
            format!("xunke_camera_streaming{{box=\"{device}\",source=\"cam0\"}} 1"),
            format!("xunke_equipment_up{{box=\"{device}\",equipment=\"projector\"}} 1"),
            "xunke_hub_boxes_connected 1".to_owned(),
            "# TYPE xunke_hub_box_acknowledge_seconds histogram".to_owned(),
        ];
        let whole = lines.iter().all(|line| text.lines().any(|one| one == line));
        Ok(if whole { Ok(text) } else { Err(json!(text)) })
    })
    .await?;
    let of_box = client
        .get(format!("http://127.0.0.1:{box_port}/metrics"))
        .send()
        .await?;
    let of_box = of_box.error_for_status()?.text().await?;
    let line = of_box
        .lines()
        .find(|line| line.starts_with("xunke_disk_free_bytes "));
    line.context("the box does not tell of its disk")?;
    Ok(of_hub + &of_box)
}
